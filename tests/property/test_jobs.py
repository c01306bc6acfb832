"""Export and import: whatever endpoints there are, both together change nothing."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from tests.engine.conftest import Wire
from tests.engine.jobs.job_kit import endpoints, exported, imported, lines, url_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql import Server

Changes: TypeAlias = list[tuple[str, tuple[str, str] | None, dict[str, Any]]]
Engines: TypeAlias = tuple[Engine, Engine]

FILES = ByScheme({"file": LocalFiles()})

#: U+0000 is refused, whatever the database.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.text(characters, min_size=1, max_size=12)
names = st.text(characters, min_size=1, max_size=8)
lists = st.dictionaries(
    names, st.lists(st.text(characters, max_size=9), min_size=1, max_size=3), max_size=3
)
numbers = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
dates = st.datetimes().map(lambda moment: moment.isoformat(timespec="milliseconds") + "Z")


def members(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these members."""
    return st.fixed_dictionaries({}, optional=values)


updates = members(
    Attributes=lists,
    Metrics=st.dictionaries(names, numbers, max_size=3),
    Demographic=members(AppVersion=texts, Locale=texts, Make=texts, Platform=texts),
    Location=members(
        City=texts, Country=texts, Latitude=st.floats(-90, 90), Longitude=st.floats(-180, 180)
    ),
    User=members(UserId=st.sampled_from(["u1", "u2", "ü 3"]), UserAttributes=lists),
    EndpointStatus=st.sampled_from(["ACTIVE", "INACTIVE"]),
    OptOut=st.sampled_from(["ALL", "NONE"]),
    EffectiveDate=dates,
    RequestId=texts,
)
reached_by = st.none() | st.tuples(
    st.sampled_from(["EMAIL", "SMS", "GCM", "CUSTOM"]), st.sampled_from(["a@b", "+1", "ü", "x" * 9])
)
ids = st.sampled_from(["e1", "E1", "e2", "ü/ä", "e 4", "e5", "e6"])


changed = st.lists(st.tuples(ids, reached_by, updates), max_size=12)


@contextmanager
def engines(url: str, other: str) -> Iterator[Engines]:
    """Open an engine to export from and one to import into."""
    with Engine.open(url, files=FILES) as engine, Engine.open(other, files=FILES) as empty:
        yield engine, empty


@pytest.fixture(scope="module")
def on_postgresql(postgresql_server: Server) -> Iterator[Engines]:
    """Give two engines on PostgreSQL; each example has applications of its own."""
    with (
        postgresql_server.schema() as url,
        postgresql_server.schema() as other,
        engines(url, other) as both,
    ):
        yield both


@settings(max_examples=25)
@given(changed)
def test_an_export_imported_is_the_same_audience(changes: Changes) -> None:
    """An empty application gets the very endpoints that were exported, dates and cohorts too."""
    with engines("sqlite://", "sqlite://") as both:
        check(both, changes)


@settings(max_examples=5)
@given(changed)
def test_an_export_imported_is_the_same_on_postgresql(
    on_postgresql: Engines, changes: Changes
) -> None:
    """The same on PostgreSQL."""
    check(on_postgresql, changes)


@pytest.mark.slow
@settings(max_examples=40)
@given(changed)
def test_many_exports_imported_are_the_same_on_postgresql(
    on_postgresql: Engines, changes: Changes
) -> None:
    """The same with more examples."""
    check(on_postgresql, changes)


def check(both: Engines, changes: Changes) -> None:
    """Export an application of one engine, and import it into one of the other."""
    engine, other = both
    wire, empty = Wire(engine), Wire(other)
    with tempfile.TemporaryDirectory() as name:
        for endpoint_id, reach, update in changes:
            contact = {} if reach is None else {"ChannelType": reach[0], "Address": reach[1]}
            assert wire.update(endpoint_id, **contact, **update).status == 202
        url = url_of(Path(name))
        exported(wire, url)
        assert sorted(map(json.dumps, lines(url))) == sorted(map(json.dumps, endpoints(wire)))
        done = imported(empty, url)
        assert (done["JobStatus"], done.get("Failures")) == ("COMPLETED", None)
        expected = [{**endpoint, "ApplicationId": empty.app} for endpoint in endpoints(wire)]
        assert endpoints(empty) == expected
