"""The console over PostgreSQL: what its pages show on SQLite, they show there too."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli.app import cli
from pinpoint_kit.server.console.cards import CARDS
from tests.server.console import test_pages as pages
from tests.server.console.conftest import USERS, ConsoleServer, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.postgresql import Server

pytestmark = pytest.mark.slow

CHECKS = (
    pages.test_every_page_of_the_menu_is_there,
    pages.test_the_overview_shows_the_numbers,
    pages.test_a_page_takes_its_question_from_the_url,
    pages.test_a_filter_is_added_and_removed_by_links,
    pages.test_csv_equals_the_verb,
    pages.test_metrics_of_events_are_shown,
    pages.test_a_funnel_is_built_saved_and_deleted,
    pages.test_the_people_behind_a_number_become_a_segment,
    pages.test_segments_are_said_in_words,
    pages.test_a_person_is_shown_with_what_happened,
    pages.test_the_live_tail_gives_each_event_once,
    pages.test_what_only_the_metric_knows_is_said_once,
    pages.test_the_definition_and_the_breakdown_are_told,
)


@pytest.fixture(scope="module")
def console(
    postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ConsoleServer]:
    """Give a server on PostgreSQL, with the made-up people in it."""
    with postgresql_server.schema() as url:
        made = CliRunner().invoke(cli, ["demo", "--url", url, "--users", str(USERS)])
        assert made.exit_code == 0, made.output
        found = serve(tmp_path_factory.mktemp("console"), url)
        yield found
        found.stop()


@pytest.fixture
def numbers(console: ConsoleServer) -> Iterator[pk.Pinpoint]:
    """Give the same application as every client reads it."""
    with pk.connect(console.database, application="demo") as pinpoint:
        yield pinpoint


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__.removeprefix("test_"))
def test_a_page_is_the_same(
    check: Callable[..., None],
    console: ConsoleServer,
    visitor: httpx.Client,
    numbers: pk.Pinpoint,
) -> None:
    """Each check of the pages holds on PostgreSQL."""
    given = {"console": console, "visitor": visitor, "numbers": numbers}
    check(**{name: given[name] for name in inspect.signature(check).parameters})


def test_every_chart_has_its_numbers_as_csv(console: ConsoleServer, visitor: httpx.Client) -> None:
    """And none of them fails."""
    for key in CARDS.keys() - {"funnel", "metric"}:
        pages.test_every_chart_has_its_numbers_as_csv(console, visitor, key)


@pytest.mark.parametrize("kind", pages.HOSTILE_VALUES)
def test_hostile_parameters_are_refused_with_a_sentence(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint, kind: str
) -> None:
    """As on SQLite: PostgreSQL takes no U+0000, and would fail."""
    pages.test_hostile_parameters_are_refused_with_a_sentence(console, visitor, numbers, kind)
