"""Records that lack members, have wrong types, or were written by an attacker."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit import Limits
from pinpoint_kit.identity import PROVIDERS, Importer, Reading, keycloak, provider
from pinpoint_kit.identity.importing.envelopes import records_of
from pinpoint_kit.testing import recorded_events
from tests.identity import test_tables as shapes

DATA = Path(__file__).resolve().parents[1] / "data" / "identity"
LIMITS = Limits()

#: One record of each provider that becomes a sign-in.
GOOD: dict[str, dict[str, Any]] = {
    "auth0": shapes.AUTH0,
    "authentik": shapes.AUTHENTIK,
    "cognito": shapes.COGNITO_EXPORT,
    "duo": shapes.DUO,
    "ecs": shapes.ECS,
    "entra": shapes.ENTRA_GRAPH,
    "fusionauth": shapes.FUSIONAUTH,
    "google_workspace": shapes.GOOGLE,
    "keycloak": {"type": "LOGIN", "time": shapes.MS, "realmId": "r", "userId": "u-1"},
    "ocsf": shapes.OCSF,
    "okta": shapes.OKTA,
    "onelogin": shapes.ONELOGIN,
}
NASTY: list[object] = [
    None,
    "",
    "null",
    0,
    -1,
    2**70,
    10**5_000,
    1e308,
    float("nan"),
    True,
    [],
    {},
    [[[]]],
    {"": {"": ""}},
    "x" * 2_000,
    "Mozilla/5.0 (" * 400,
    "a\x00b\r\nc\x1b[2J",
    "\ud800",
    "root@example.com",
    "00000000-0000-0000-0000-000000000000",
    "$where{x}",
    "٣" * 10,
]


FEW: list[object] = [None, 7, [{}], "a\x00@" * 99]


def paths_of(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in a record."""
    inner: list[tuple[Any, object]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    return [path, *(deeper for name, item in inner for deeper in paths_of(item, (*path, name)))]


def with_member(record: dict[str, Any], path: tuple[Any, ...], value: object) -> Any:
    """Return a copy with another value at a place."""
    if not path:
        return value
    changed = copy.deepcopy(record)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return changed


def check(reading: Reading) -> None:
    """Check what holds for every reading: it can be recorded, and is clean."""
    if reading.outcome != "events":
        assert not reading.events
        assert bool(reading.reason) == (reading.outcome == "ignored")
        return
    for event in reading.events:
        assert event.timestamp is not None
        assert event.id is not None
        assert len(event.id) < 200
        for name, value in (event.attributes or {}).items():
            assert len(name) <= LIMITS.max_event_key_chars
            assert len(value) <= LIMITS.max_event_value_chars
            assert value.isprintable()
            assert "@" not in value
    assert reading.endpoint is not None
    if reading.events[0].type == "_userauth.auth_fail":
        assert reading.endpoint.user is None
    assert reading.endpoint.address is None
    assert reading.endpoint.channel_type is None
    for part in (reading.endpoint.demographic, reading.endpoint.location):
        for shown in attrs.asdict(part).values() if part is not None else ():
            assert not isinstance(shown, str) or (shown.isprintable() and len(shown) <= 100)


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_member_can_break_a_reader(name: str) -> None:
    """Each member in turn is missing, null, of a wrong type, huge, or full of controls."""
    read = keycloak.read if name == "keycloak" else provider(name).read
    for path in paths_of(GOOD[name]):
        for value in NASTY:
            record = with_member(GOOD[name], path, value)
            check(read(record))
            for single in records_of(record):
                check(read(single))


@pytest.mark.parametrize("name", ["auth0", "duo", "entra", "google", "okta", "onelogin"])
def test_no_member_of_a_real_record_can_break_a_reader(name: str) -> None:
    """The same for the real records, a few values each."""
    table = provider("google_workspace" if name == "google" else name)
    for line in (DATA / f"{name}.ndjson").read_text().splitlines()[::4]:
        record = json.loads(line)
        for path in paths_of(record)[:40]:
            for other in FEW:
                check(table.read(with_member(record, path, other)))


#: What may stand in the place of any member, and pass for what belongs there.
PLAUSIBLE: list[object] = [
    "u-2",
    "ana maria",
    "192.0.2.7",
    "é" * 250,
    "\U0001f600" * 70,
    "\u2028x",
    "..",
    "%00",
    shapes.MS,
    "2024-08-13T15:58:20.353Z",
    "2024-08-13T15:58:60Z",
    "Portugal",
    "GB\n",
]
_CHANGES = st.lists(
    st.tuples(st.integers(0, 10_000), st.sampled_from(NASTY + PLAUSIBLE)), min_size=1, max_size=5
)


def changed(record: dict[str, Any], changes: list[tuple[int, object]]) -> Any:
    """Return a copy with other values at some places, one after the other."""
    for place, value in changes:
        paths = paths_of(record)[1:]
        if paths:
            record = with_member(record, paths[place % len(paths)], value)
    return record


def of_other_type(record: dict[str, Any], name: str, number: int) -> Any:
    """Return a copy that has the type of one of the table's rules, where its paths lead."""
    table = provider(name)
    kind = sorted(table.rules)[number % len(table.rules)]
    for part, word in zip(table.parts, kind.split(":"), strict=False):
        path = tuple(step for step, _, _ in part.paths[0])
        if path in paths_of(record):
            record = with_member(record, path, int(word) if word.isdecimal() else word)
    return record


@pytest.mark.parametrize(
    "name",
    [
        name
        if name in {"cognito", "keycloak", "okta"}
        else pytest.param(name, marks=pytest.mark.slow)
        for name in PROVIDERS
    ],
)
@settings(max_examples=3, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10_000), _CHANGES), min_size=25, max_size=25))
def test_what_is_read_of_a_broken_record_is_accepted(
    name: str, changes: list[tuple[int, list[tuple[int, object]]]]
) -> None:
    """Several members are wrong: nothing is refused, and a user stands where they signed in."""
    records = [
        changed(of_other_type(GOOD[name], name, kind), some if kind % 2 else [])
        for kind, some in changes
    ]
    with pk.connect("sqlite://") as pinpoint:
        importer = Importer(pinpoint, key="0123456789abcdef", places="city")
        report = importer.load(records, name)
        stored = recorded_events(pinpoint)
    assert report.refused == 0
    assert len(stored) <= sum(report.events.values())
    entered = {
        (at.endpoint_id, at.user_id)
        for at in stored
        if at.event.type in {"_userauth.sign_in", "_userauth.sign_up"}
    }
    for at in stored:
        assert at.user_id is None or (at.endpoint_id, at.user_id) in entered
        assert at.event.type != "_userauth.auth_fail" or at.user_id is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "data", "event", "id", "message", "actor", "events", "detail"])
            | st.text(max_size=8),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(json_values)
def test_anything_can_be_read(value: object) -> None:
    """Whatever JSON can hold is events, left out, or unknown, in every table."""
    for name in PROVIDERS:
        check(provider(name).read(value))
    check(keycloak.read(value))
    for single in records_of(value):
        check(keycloak.read(single))


def test_a_deep_record_is_read() -> None:
    """Depth is no error, and the event id is found all the same."""
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    record = {"type": "LOGIN", "time": shapes.MS, "userId": "u-1", "details": deep}
    first, again = keycloak.read(record), keycloak.read(dict(record))
    assert first.events[0].id == again.events[0].id


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_user_id_that_is_an_address_is_never_used_as_it_is(name: str) -> None:
    """E-mail addresses and telephone numbers in the place of ids are not attached as they are."""
    table = provider(name)
    for path in paths_of(GOOD[name]):
        for address in ("ana@example.com", "samlp|acme|ana@example.com", "+351911222333"):
            reading = table.read(with_member(GOOD[name], path, address))
            assert reading.user_id != address


def test_a_type_in_a_report_names_nobody() -> None:
    """The type of an unknown record is shown without addresses and controls."""
    table = provider("okta")
    assert table.read({"eventType": "ana@example.com"}).type == "?"
    assert table.read({"eventType": "a\nERROR b"}).type == "a?ERROR b"
    assert len(table.read({"eventType": "x" * 5_000}).type) <= 80
