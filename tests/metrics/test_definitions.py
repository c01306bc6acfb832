"""The table of definitions: every metric says what it is, and refuses what it does not know."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics import DEFINITIONS, actors, find, measure
from pinpoint_kit.metrics.example import RELATION
from pinpoint_kit.metrics.results import Timeline, from_json

NOW = int(dt.datetime(2026, 10, 30, tzinfo=dt.timezone.utc).timestamp() * 1000)

WANTED = {
    "active", "new", "sessions", "sessions_per_actor", "session_length", "heat_map",
    "sticky_factor", "stickiness", "seven_day_retention", "retention", "cohorts", "sign_ins",
    "sign_ups", "auth_failures", "revenue", "purchases", "units_sold", "paying",
    "revenue_per_active", "revenue_per_paying", "events", "event_metrics", "funnel",
    "demographics", "timeline", "overview",
}  # fmt: skip


def test_the_metrics_that_are_promised_exist() -> None:
    """One table has all of them."""
    assert set(DEFINITIONS) == WANTED


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_definition_has_all_parts(name: str) -> None:
    """The words, the source, what is counted, how it differs, and an example with numbers."""
    found = DEFINITIONS[name]
    assert found.name == name
    for part in ("title", "unit", "definition", "counted", "source", "differs"):
        assert getattr(found, part), part
    assert "\n" not in found.differs
    assert found.definition.endswith(".")
    assert f'ask("{name}"' in found.example
    assert re.search(r"\d", found.example.splitlines()[-1])
    assert all(argument.meaning for argument in found.takes)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_argument_that_is_not_known_is_named(name: str) -> None:
    """A wrong argument says which ones there are."""
    with pytest.raises(ValidationError, match=r"there are .*last.* @ \$\.colour"):
        find(name).question({"colour": 1}, now=NOW)


def test_an_unknown_metric_says_which_there_are() -> None:
    """A wrong name says which ones there are."""
    with pytest.raises(ValidationError, match="there are active, "):
        find("actives")


@pytest.mark.parametrize(
    ("arguments", "place"),
    [
        ({"first": "2026-13-01"}, "$.first"),
        ({"first": 20261001}, "$.first"),
        ({"first": "2026-10-30", "last": "2026-10-01"}, "$.last"),
        ({"first": "1990-01-03", "last": "2026-10-01"}, "$.last"),
        ({"zone": "Europe/Atlantis"}, "$.zone"),
        ({"zone": "Europe"}, "$.zone"),
        ({"zone": "../../etc/passwd"}, "$.zone"),
        ({"actor": "person"}, "$.actor"),
        ({"by": "colour"}, "$.by"),
        ({"by": "platform.x"}, "$.by"),
        ({"by": "attributes."}, "$.by"),
        ({"by": ["platform"]}, "$.by"),
        ({"top": 0}, "$.top"),
        ({"top": True}, "$.top"),
        ({"window": 367}, "$.window"),
        ({"activity": "some"}, "$.activity"),
        ({"where": []}, "$.where"),
        ({"where": {"colour": "x"}}, "$.where"),
        ({"where": {"platform": []}}, "$.where.platform"),
        ({"where": {"platform": [1]}}, "$.where.platform"),
        ({"where": {"platform": "x" * 257}}, "$.where.platform"),
        ({"where": {"platform": [str(n) for n in range(101)]}}, "$.where"),
        ({"where": {"attributes": "x"}}, "$.where.attributes"),
        ({"where": {"attributes": {"x" * 257: "y"}}}, "$.where.attributes"),
        ({"where": {"metrics": {"n": "1"}}}, "$.where.metrics[…]"),
        ({"where": {"metrics": {"n": {"over": 1}}}}, "$.where.metrics[…]"),
        ({"where": {"metrics": {"n": {}}}}, "$.where.metrics[…]"),
        ({"where": {"metrics": {"n": float("nan")}}}, "$.where.metrics[…]"),
        ({"where": {"metrics": {"n": 10**400}}}, "$.where.metrics[…]"),
    ],
)
def test_what_is_malformed_is_named(arguments: dict[str, Any], place: str) -> None:
    """An argument that cannot be meant is refused with its place, before anything is asked."""
    with pytest.raises(ValidationError) as caught:
        find("active").question(arguments, now=NOW)
    assert caught.value.path == place


@pytest.mark.parametrize(
    ("steps", "place"),
    [
        (None, "$.steps"),
        ([{"type": "a"}], "$.steps"),
        ([{"type": "a"}] * 11, "$.steps"),
        ([{"type": "a"}, "b"], "$.steps[1]"),
        ([{"type": "a"}, {"type": "b", "colour": 1}], "$.steps[1]"),
        ([{"type": "a"}, {"type": ""}], "$.steps[1].type"),
        ([{"type": "a"}, {"type": "b", "attributes": {"x": [1]}}], "$.steps[1].attributes[…]"),
    ],
)
def test_malformed_steps_are_named(steps: object, place: str) -> None:
    """A funnel's steps are checked one by one."""
    with pytest.raises(ValidationError) as caught:
        find("funnel").question({"steps": steps}, now=NOW)
    assert caught.value.path == place


def test_filters_that_mean_nothing_are_refused() -> None:
    """New endpoints have no event type."""
    with pytest.raises(ValidationError, match="cannot be filtered") as caught:
        find("new").question({"where": {"event_type": "x"}}, now=NOW)
    assert caught.value.path == "$.where.event_type"


def test_breakdowns_that_mean_nothing_are_refused() -> None:
    """A user has no platform of its own."""
    with pytest.raises(ValidationError, match="cannot be broken down"):
        measure(
            "new",
            {"actor": "user", "by": "platform"},
            RELATION,
            now=NOW,
            execute=lambda _: [],
        )


@pytest.mark.parametrize("point", [[], {"colour": 1}, {"day": "x"}, {"is_back": 1}, {"step": -1}])
def test_malformed_points_are_refused(point: Any) -> None:
    """Who is behind a number is asked for by a point that exists."""
    with pytest.raises(ValidationError):
        actors("active", {}, point, RELATION, now=NOW)


def test_nobody_is_behind_a_heat_map() -> None:
    """Metrics without people say which ones have them."""
    with pytest.raises(ValidationError, match="nobody stands behind heat_map; ask one of active"):
        actors("heat_map", {}, {}, RELATION, now=NOW)


@pytest.mark.parametrize("document", [{}, {"kind": "pie"}, {"kind": "series", "points": 3}])
def test_what_is_no_result_is_refused(document: dict[str, object]) -> None:
    """A result that came over the wire is checked."""
    with pytest.raises(ValidationError):
        from_json(document)


def test_timelines_do_not_show_people_in_their_repr() -> None:
    """A repr in a log holds nobody's id."""
    rows = [[5, "open", "device-1", "e1", "anna@example.com", None, None, None]]
    result = measure(
        "timeline", {"user_id": "anna@example.com"}, RELATION, now=NOW, execute=lambda _: rows
    )
    assert isinstance(result, Timeline)
    assert result.entries[0].user_id == "anna@example.com"
    assert "anna" not in repr(result)
    assert "device-1" not in repr(result)


@pytest.mark.parametrize("arguments", [{}, {"user_id": "u", "endpoint_id": "e"}])
def test_a_timeline_is_of_one_person(arguments: dict[str, object]) -> None:
    """Exactly one of endpoint and user is named."""
    with pytest.raises(ValidationError, match="one person"):
        measure("timeline", arguments, RELATION, now=NOW, execute=lambda _: [])
    with pytest.raises(ValidationError, match="malformed token"):
        find("timeline").question({"user_id": "u", "after": "x"}, now=NOW)
