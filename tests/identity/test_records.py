"""The readers on real records of the providers: `tests/data/identity`.

The expected counts were made by hand from the records: by their types and outcomes, and for each
type by what the provider's documentation says that it means.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import attrs
import pytest

from pinpoint_kit.identity import PROVIDERS, Reading, provider

DATA = Path(__file__).resolve().parents[1] / "data" / "identity"

SIGN_IN = "_userauth.sign_in"
FAIL = "_userauth.auth_fail"
START = "_session.start"

#: file -> (provider, event types, ignored by reason, unknown by type)
EXPECTED: dict[str, tuple[str, dict[str, int], dict[str, int], dict[str, int]]] = {
    # 9 user.session.start: 1 SUCCESS, 1 without an outcome, 7 FAILURE, of which 3 have "redacted"
    # for a time; 3 auth_via_mfa: 2 FAILURE, 1 SUCCESS; 26 reports of Panther without any type.
    "okta": (
        "okta",
        {SIGN_IN: 1, START: 1, FAIL: 6},
        {
            "administration": 36,
            "application": 1,
            "consequence_of_failures": 1,
            "no_time": 3,
            "not_final": 1,
            "part_of_a_sign_in": 9,
            "security": 2,
            "token": 3,
        },
        {"(no type)": 26},
    ),
    # pwd_leak and limit_wc name a user; fcoa is an error of configuration.
    "auth0": (
        "auth0",
        {FAIL: 2},
        {"administration": 38, "factor": 4, "no_person": 1, "refused_sign_up": 4, "token": 1},
        {},
    ),
    # SignInLogs: 11 with 0 or Success, 2 of 50126 and 2 of 50053.
    "entra": (
        "entra",
        {SIGN_IN: 11, FAIL: 4},
        {"administration": 21, "not_a_person": 7, "not_interactive": 3},
        {},
    ),
    # None of the ten authentications has a time.
    "duo": ("duo", {}, {"administration": 24, "no_time": 10}, {"bypass_detele": 1}),
    # login: 4 login_success without a time, 1 logout; 2 login_success of another type.
    "google": (
        "google_workspace",
        {},
        {"account_change": 7, "application": 83, "no_session": 1, "no_time": 4, "warning": 10},
        {},
    ),
    # 5: three, 6: two, all without a time.
    "onelogin": (
        "onelogin",
        {},
        {"account_change": 2, "application": 2, "factor": 2, "impersonation": 1, "no_time": 5},
        {"16": 2, "17": 1, "211": 1, "240": 2, "531": 1, "551": 1, "553": 1},
    ),
}


def readings(name: str) -> list[tuple[dict[str, object], Reading]]:
    """Return the records of a file, each with what is read of it."""
    table = provider(EXPECTED[name][0])
    records = [json.loads(line) for line in (DATA / f"{name}.ndjson").read_text().splitlines()]
    return [(record, table.read(record)) for record in records]


@pytest.mark.parametrize("name", EXPECTED)
def test_every_record_is_read_or_left_out_with_a_reason_or_counted_unknown(name: str) -> None:
    """The counts are those that were made by hand."""
    _, events, ignored, unknown = EXPECTED[name]
    read = [reading for _, reading in readings(name)]
    assert Counter(event.type for reading in read for event in reading.events) == events
    assert Counter(r.reason for r in read if r.outcome == "ignored") == ignored
    assert Counter(r.type for r in read if r.outcome == "unknown") == unknown


@pytest.mark.parametrize("name", EXPECTED)
def test_nothing_personal_comes_through(name: str) -> None:
    """No name, e-mail address, network address or user agent of a record is in its reading."""
    for _, reading in readings(name):
        text = " ".join(
            [
                *(str(value) for event in reading.events for value in _texts(event)),
                "" if reading.endpoint is None else str(attrs.asdict(reading.endpoint)),
                reading.type,
            ]
        )
        assert "@" not in text
        assert "198.51.100." not in text
        assert "Mozilla" not in text
        assert "Person " not in text


def _texts(event: object) -> list[object]:
    return [getattr(event, name) for name in ("type", "id", "attributes", "session")]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_user_is_attached_to_sign_ins_only(name: str) -> None:
    """A failure never names a user, and a sign-in names the provider's opaque id."""
    for _, reading in readings(name):
        if reading.events and reading.events[0].type == SIGN_IN:
            assert reading.user_id
        else:
            assert reading.user_id is None


def test_the_okta_sign_in_in_all_its_parts() -> None:
    """Ids, time, device, place and session come from the record."""
    record, reading = next(
        (record, reading)
        for record, reading in readings("okta")
        if reading.events and reading.events[0].type == SIGN_IN
    )
    sign_in, start = reading.events
    assert sign_in.id == f"okta:{record['uuid']}"
    assert start.id == f"okta:{record['uuid']}:session"
    assert sign_in.timestamp is not None
    assert sign_in.timestamp.isoformat() == "2024-04-02T19:17:37.621000+00:00"
    assert sign_in.attributes == {"provider": "okta"}
    assert start.session == sign_in.session
    assert start.session is not None
    assert start.session.start_timestamp == sign_in.timestamp
    assert "idxvF50v" not in start.session.id
    endpoint = reading.endpoint
    assert endpoint is not None
    assert endpoint.demographic is not None
    assert endpoint.location is not None
    assert (endpoint.demographic.platform, endpoint.demographic.make) == ("Mac OS X", "Apple")
    assert (endpoint.location.country, endpoint.location.city) == ("US", "Atlanta")
    assert endpoint.opt_out == "ALL"
    assert endpoint.address is None
    assert reading.user_id == "00ubewfku1EX0WCFk697"


def test_every_provider_has_a_table_and_a_module() -> None:
    """The names of the command line lead to tables of the same names."""
    assert [provider(name).name for name in PROVIDERS] == list(PROVIDERS)
