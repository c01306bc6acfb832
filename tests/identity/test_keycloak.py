"""Keycloak's events in all their forms, and what an attacker can put into a line."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.identity import Reading, keycloak

#: What Keycloak up to 24 writes after the time, category and thread.
PLAIN = (
    "type=LOGIN, realmId=0f2a, clientId=shop, userId=4e1c-77, ipAddress=192.0.2.7,"
    " auth_method=openid-connect, auth_type=code, redirect_uri=https://shop.example.com/,"
    " consent=no_consent_required, code_id=9b1d-22, username=ana"
)
#: What Keycloak from 25 on writes.
QUOTED = (
    'type="LOGIN", realmId="0f2a", realmName="acme", clientId="shop", userId="4e1c-77",'
    ' sessionId="9b1d-22", ipAddress="192.0.2.7", auth_method="openid-connect",'
    ' username="ana, userId=\\"root\\""'
)
FAILURE = (
    "type=LOGIN_ERROR, realmId=0f2a, clientId=shop, userId=null, ipAddress=192.0.2.7,"
    " error=user_not_found, auth_method=openid-connect, auth_type=code, username="
)
DAY = dt.date(2024, 8, 13)
AT = "2024-08-13T15:58:20"


def types(reading: Reading) -> list[str]:
    """Return the event types of a reading."""
    return [event.type for event in reading.events]


@pytest.mark.parametrize("event", [PLAIN, QUOTED])
@pytest.mark.parametrize(
    "prefix",
    [
        "15:58:20,353 DEBUG [org.keycloak.events] (default task-5) ",
        "2024-08-13 15:58:20,353 DEBUG [org.keycloak.events] (executor-thread-1) ",
        "2024-08-13T15:58:20.353Z DEBUG [org.keycloak.events] (executor-thread-1) ",
        "2024-08-13T17:58:20.353+02:00 keycloak: DEBUG [org.keycloak.events] (x) ",
        "Aug 13 15:58:20 id-1 keycloak[812]: DEBUG [org.keycloak.events] (x) ",
        "keycloak_1  | 15:58:20,353 DEBUG [org.keycloak.events] (default task-5) ",
    ],
)
def test_a_log_in_is_read_from_every_form_of_line(prefix: str, event: str) -> None:
    """Whatever stands in front, the event, its time, its user and its session are found."""
    reading = keycloak.read(prefix + event, date=DAY)
    assert types(reading) == ["_userauth.sign_in", "_session.start"]
    assert reading.user_id == "4e1c-77"
    assert str(reading.events[0].timestamp).replace(" ", "T").startswith(AT)
    assert reading.events[0].attributes == {
        "provider": "keycloak",
        "tenant": "0f2a",
        "client": "shop",
        "protocol": "openid-connect",
    }


@pytest.mark.parametrize("event", [PLAIN, QUOTED])
def test_a_log_record_as_json_is_read(event: str) -> None:
    """Quarkus' JSON, plain and in ECS form, has the line as its message."""
    for name in ("timestamp", "@timestamp"):
        reading = keycloak.read({name: f"{AT}.353Z", "loggerName": "x", "message": event})
        assert types(reading) == ["_userauth.sign_in", "_session.start"]


def test_an_event_of_the_rest_api_is_read() -> None:
    """The representation has no id: the event id follows from the record."""
    event = {
        "time": 1723564700353,
        "type": "LOGIN",
        "realmId": "0f2a",
        "clientId": "shop",
        "userId": "4e1c-77",
        "sessionId": "9b1d-22",
        "ipAddress": "192.0.2.7",
        "details": {"username": "ana", "auth_method": "openid-connect"},
    }
    first = keycloak.read(event)
    again = keycloak.read(dict(reversed(event.items())))
    assert [e.id for e in first.events] == [e.id for e in again.events]
    assert keycloak.read({**event, "time": 1723564700354}).events[0].id != first.events[0].id


def test_the_times_of_lines_have_the_zone_that_is_named() -> None:
    """A line without a zone is read in the given one; one with a zone keeps its own."""
    zone = dt.timezone(dt.timedelta(hours=2))
    named = keycloak.read("15:58:20,353 DEBUG (x) " + PLAIN, date=DAY, zone=zone)
    own = keycloak.read("2024-08-13T15:58:20Z DEBUG (x) " + PLAIN, zone=zone)
    assert str(named.events[0].timestamp) == "2024-08-13 13:58:20.353000+00:00"
    assert str(own.events[0].timestamp) == "2024-08-13 15:58:20+00:00"


def test_a_line_without_a_day_has_no_time() -> None:
    """No day is made up for a line that names none."""
    assert keycloak.read("15:58:20,353 DEBUG (x) " + PLAIN).reason == "no_time"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("2024-08-13 15:58:20,353 INFO started in 4.2s", "not_an_event"),
        ("", "not_an_event"),
        ("type=LOGIN, realmId=", "not_an_event"),
        ("2024-08-13 15:58:20 " + PLAIN.replace("LOGIN", "CLIENT_LOGIN"), "not_a_person"),
        ("2024-08-13 15:58:20 " + PLAIN.replace("LOGIN", "CODE_TO_TOKEN"), "token"),
        (
            "2024-08-13 15:58:20 " + FAILURE.replace("user_not_found", "cookie_not_found") + "a",
            "client_error",
        ),
    ],
)
def test_what_is_no_log_in_is_left_out(line: str, reason: str) -> None:
    """Other lines, clients and errors of clients are left out with a reason."""
    assert keycloak.read(line).reason == reason


@pytest.mark.parametrize(
    "name",
    [
        "'x, userId=4e1c-77, a=b'",
        "'x', userId=4e1c-77, y='z'",
        "x', error=invalid_user_credentials, y='z",
        "'x', type=LOGIN, y='z'",
        "'x type=LOGIN, realmId=0f2a, clientId=c, userId=4e1c-77, ipAddress=1.1.1.1'",
        "'x', sessionId=9b1d-22, y='z'",
        '"x", userId="4e1c-77"',
    ],
)
def test_a_user_name_that_looks_like_fields_attaches_nobody(name: str) -> None:
    """What an attacker types as a name is never taken for a field of the event."""
    reading = keycloak.read("2024-08-13 15:58:20,353 WARN (x) " + FAILURE + name)
    assert reading.user_id is None
    assert reading.identity is None or reading.identity.user == ""
    assert types(reading) in (["_userauth.auth_fail"], [])


@pytest.mark.parametrize(
    "client",
    [
        "shop, userId=4e1c-77, ipAddress=1.1.1.1, error=invalid_user_credentials, a=",
        "shop, userId=4e1c-77",
    ],
)
def test_a_client_id_that_looks_like_fields_is_refused(client: str) -> None:
    """The client id is from the request too: with a second user id the line says nothing."""
    line = FAILURE.replace("clientId=shop", f"clientId={client}") + "ana"
    reading = keycloak.read("2024-08-13 15:58:20,353 WARN (x) " + line)
    assert reading.outcome == "ignored"
    assert reading.reason in {"ambiguous_line", "not_an_event"}


@given(st.text(max_size=80))
def test_no_user_name_can_attach_a_user(name: str) -> None:
    """Whatever the name is, and however it is quoted, nobody is attached and nothing raises."""
    for value in (name, f"'{name}'", f'"{name}"'):
        reading = keycloak.read("2024-08-13 15:58:20,353 WARN (x) " + FAILURE + value)
        assert reading.user_id is None
        assert reading.identity is None or reading.identity.user == ""


def test_sessions_end_by_their_id_alone() -> None:
    """A log-out ends the session that the log-in began, and one without an id is left out."""
    start = keycloak.read("2024-08-13 15:58:20,353 DEBUG (x) " + QUOTED)
    stop = keycloak.read(
        {"type": "LOGOUT", "time": 1723564760353, "realmId": "0f2a", "sessionId": "9b1d-22"}
    )
    assert types(stop) == ["_session.stop"]
    assert start.events[1].session is not None
    assert stop.events[0].session is not None
    assert stop.events[0].session.id == start.events[1].session.id
    assert keycloak.read({"type": "LOGOUT", "time": 1723564760353}).reason == "no_session"


def test_refreshed_tokens_resume_a_session_when_that_is_enabled() -> None:
    """The option is off unless it is named."""
    event = {"type": "REFRESH_TOKEN", "time": 1723564760353, "sessionId": "9b1d-22"}
    assert keycloak.read(event).reason == "option_off"
    table = keycloak.TABLE.enabling("resume")
    assert types(keycloak.read(event, table=table)) == ["_session.resume"]
