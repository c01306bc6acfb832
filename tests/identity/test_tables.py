"""The other providers' tables on records of their documented shapes, and tables of one's own."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from pinpoint_kit import ConfigurationError
from pinpoint_kit.identity import (
    AUTH_FAIL,
    SIGN_IN,
    Part,
    ProviderTable,
    leave_out,
    provider,
)

AT = "2024-08-13T15:58:20.353Z"
MS = 1723564700353
AGENT = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
)

COGNITO_EXPORT = {
    "eventTimestamp": str(MS),
    "eventSource": "USER_ACTIVITY",
    "logLevel": "INFO",
    "message": {
        "version": "1",
        "eventId": "e-1",
        "eventType": "SignIn",
        "userSub": "u-1",
        "userName": "ana",
        "userPoolId": "eu-west-1_AbCdEf",
        "clientId": "c-1",
        "creationDate": "Tue Aug 13 15:58:20 UTC 2024",
        "eventResponse": "Pass",
        "riskLevel": "",
        "deviceName": "Chrome 126, Windows 10",
        "ipAddress": "192.0.2.7",
        "city": "Lisbon",
        "country": "Portugal",
    },
    "logSourceId": {"userPoolId": "eu-west-1_AbCdEf"},
}
COGNITO_TRAIL = {
    "eventVersion": "1.08",
    "eventSource": "cognito-idp.amazonaws.com",
    "eventName": "InitiateAuth",
    "eventTime": "2024-08-13T15:58:20Z",
    "sourceIPAddress": "192.0.2.7",
    "userAgent": "aws-sdk-js/2.814.0",
    "errorCode": "NotAuthorizedException",
    "errorMessage": "Incorrect username or password.",
    "requestParameters": {
        "clientId": "c-1",
        "authFlow": "USER_PASSWORD_AUTH",
        "authParameters": "HIDDEN_DUE_TO_SECURITY_REASONS",
    },
    "additionalEventData": {"sub": "u-1"},
    "eventID": "e-2",
}


def changed(record: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return a copy of a record with one member changed."""
    name, _, rest = path.partition(".")
    return {**record, name: changed(record.get(name, {}), rest, value) if rest else value}


OKTA = {
    "uuid": "e-1",
    "published": AT,
    "eventType": "user.session.start",
    "outcome": {"result": "SUCCESS"},
    "actor": {"id": "u-1", "type": "User", "alternateId": "ana@example.com"},
    "authenticationContext": {"externalSessionId": "s-1"},
}
AUTH0 = {
    "log_id": "e-1",
    "data": {
        "date": AT,
        "type": "s",
        "user_id": "auth0|u-1",
        "user_name": "ana@example.com",
        "client_id": "c-1",
        "hostname": "acme.eu.auth0.com",
        "user_agent": AGENT,
        "details": {"session_id": "s-1"},
        "location_info": {"country_code": "PT", "city_name": "Lisbon"},
    },
}
ENTRA_GRAPH = {
    "id": "e-1",
    "createdDateTime": AT,
    "userId": "u-1",
    "userPrincipalName": "ana@example.com",
    "appId": "c-1",
    "isInteractive": True,
    "status": {"errorCode": 0},
    "deviceDetail": {"deviceId": "", "operatingSystem": "Windows 10"},
    "location": {"countryOrRegion": "PT", "city": "Lisbon"},
}
GOOGLE = {
    "id": {
        "time": AT,
        "uniqueQualifier": "77",
        "applicationName": "login",
        "customerId": "C01",
    },
    "actor": {"email": "ana@example.com", "profileId": "1181"},
    "events": [{"type": "login", "name": "login_success"}],
}
DUO = {
    "event_type": "authentication",
    "result": "success",
    "reason": "user_approved",
    "factor": "duo_push",
    "txid": "e-1",
    "timestamp": MS // 1000,
    "user": {"key": "DU1", "name": "ana"},
    "application": {"key": "DI1", "name": "Shop"},
    "access_device": {"ip": "192.0.2.7", "os": "Windows", "location": {"country": "Portugal"}},
}
ONELOGIN = {"event_type_id": 5, "id": 1, "created_at": AT, "user_id": 7, "account_id": 3}
FUSIONAUTH = {
    "event": {
        "id": "e-1",
        "type": "user.login.success",
        "createInstant": MS,
        "applicationId": "c-1",
        "tenantId": "t-1",
        "authenticationType": "PASSWORD",
        "info": {"userAgent": AGENT, "ipAddress": "192.0.2.7", "location": {"country": "PT"}},
        "user": {"id": "u-1", "email": "ana@example.com"},
    }
}
AUTHENTIK = {
    "pk": "e-1",
    "created": AT,
    "action": "login",
    "user": {"pk": 7, "username": "ana", "email": "ana@example.com"},
    "context": {"auth_method": "password", "http_request": {"user_agent": AGENT}},
    "client_ip": "192.0.2.7",
}
OCSF = {
    "class_uid": 3002,
    "activity_id": 1,
    "status_id": 1,
    "time": MS,
    "metadata": {"uid": "e-1", "product": {"vendor_name": "Okta"}},
    "user": {"uid": "u-1", "email_addr": "ana@example.com", "name": "Ana"},
    "session": {"uid": "s-1"},
    "src_endpoint": {"ip": "192.0.2.7", "location": {"country": "Portugal", "city": "Lisbon"}},
}
ECS = {
    "@timestamp": AT,
    "event": {
        "id": "e-1",
        "category": ["authentication", "session"],
        "type": ["start"],
        "outcome": "success",
    },
    "user": {"id": "u-1", "name": "ana"},
    "source": {"ip": "192.0.2.7", "geo": {"country_iso_code": "PT"}},
}

IN, UP, FAIL = "_userauth.sign_in", "_userauth.sign_up", "_userauth.auth_fail"
START, STOP = "_session.start", "_session.stop"


@pytest.mark.parametrize(
    ("name", "record", "events", "user"),
    [
        ("okta", OKTA, [IN, START], "u-1"),
        ("okta", changed(OKTA, "outcome.result", "FAILURE"), [FAIL], None),
        ("okta", changed(OKTA, "eventType", "user.session.end"), [STOP], None),
        ("okta", changed(OKTA, "eventType", "user.session.clear"), [STOP], None),
        (
            "okta",
            {
                **changed(OKTA, "eventType", "user.session.clear"),
                "target": [{"type": "User", "id": "u-1"}],
            },
            [STOP],
            None,
        ),
        (
            "okta",
            {
                **OKTA,
                "eventType": "user.lifecycle.create",
                "target": [{"type": "AppUser", "id": "a"}, {"type": "User", "id": "u-2"}],
            },
            [UP],
            "u-2",
        ),
        ("auth0", AUTH0, [IN, START], "auth0|u-1"),
        ("auth0", AUTH0["data"], [IN, START], "auth0|u-1"),
        ("auth0", {"detail": AUTH0, "source": "aws.partner/auth0.com"}, [IN, START], "auth0|u-1"),
        ("auth0", changed(AUTH0, "data.type", "ss"), [UP], "auth0|u-1"),
        ("auth0", changed(AUTH0, "data.type", "slo"), [STOP], None),
        ("auth0", changed(AUTH0, "data.type", "fp"), [FAIL], None),
        ("entra", ENTRA_GRAPH, [IN], "u-1"),
        ("entra", changed(ENTRA_GRAPH, "status.errorCode", 50126), [FAIL], None),
        ("google_workspace", GOOGLE, [IN], "1181"),
        (
            "google_workspace",
            {**GOOGLE, "events": [{"type": "login", "name": "login_failure"}]},
            [FAIL],
            None,
        ),
        ("duo", DUO, [IN], "DU1"),
        ("duo", {**DUO, "result": "fraud"}, [FAIL], None),
        ("onelogin", ONELOGIN, [IN], "7"),
        ("onelogin", {**ONELOGIN, "event_type_id": "6"}, [FAIL], None),
        ("onelogin", {**ONELOGIN, "event_type_id": 13}, [UP], "7"),
        ("fusionauth", FUSIONAUTH, [IN], "u-1"),
        ("fusionauth", changed(FUSIONAUTH, "event.type", "user.login.failed"), [FAIL], None),
        (
            "fusionauth",
            changed(FUSIONAUTH, "event.type", "user.registration.create.complete"),
            [UP],
            "u-1",
        ),
        ("authentik", AUTHENTIK, [IN], "7"),
        ("authentik", {**AUTHENTIK, "action": "login_failed"}, [FAIL], None),
        (
            "authentik",
            {**AUTHENTIK, "action": "user_write", "context": {"created": True}},
            [UP],
            "7",
        ),
        ("ocsf", OCSF, [IN, START], "u-1"),
        ("ocsf", {**OCSF, "status_id": 2}, [FAIL], None),
        ("ocsf", {**OCSF, "activity_id": 2}, [STOP], None),
        ("ocsf", {**OCSF, "class_uid": 3001}, [UP], "u-1"),
        ("ecs", ECS, [IN], "u-1"),
        ("ecs", changed(ECS, "event.outcome", "failure"), [FAIL], None),
        (
            "ecs",
            changed(changed(ECS, "event.category", ["iam"]), "event.type", ["user", "creation"]),
            [UP],
            "u-1",
        ),
        ("cognito", COGNITO_EXPORT, [IN], "u-1"),
        ("cognito", changed(COGNITO_EXPORT, "message.eventResponse", "Fail"), [FAIL], None),
        ("cognito", changed(COGNITO_EXPORT, "message.eventType", "SignUp"), [UP], "u-1"),
        ("cognito", COGNITO_TRAIL, [FAIL], None),
        ("cognito", {"detail": COGNITO_TRAIL}, [FAIL], None),
        (
            "cognito",
            {
                "EventId": "e-1",
                "EventType": "SignIn",
                "EventResponse": "Pass",
                "CreationDate": dt.datetime(2024, 8, 13, tzinfo=dt.timezone.utc),
                "EventContextData": {"Country": "Portugal"},
                "UserSub": "u-1",
            },
            [IN],
            "u-1",
        ),
    ],
)
def test_what_a_record_of_each_provider_becomes(
    name: str, record: dict[str, Any], events: list[str], user: str | None
) -> None:
    """Documented shapes become the events of the mapping, with the provider's own user id."""
    reading = provider(name).read(record)
    assert [event.type for event in reading.events] == events
    assert reading.user_id == user


@pytest.mark.parametrize(
    ("name", "record", "reason"),
    [
        ("okta", changed(OKTA, "actor.type", "SystemPrincipal"), "not_a_person"),
        ("okta", changed(OKTA, "eventType", "user.authentication.sso"), "part_of_a_sign_in"),
        (
            "okta",
            {
                **OKTA,
                "eventType": "user.authentication.authenticate",
                "outcome": {"result": "FAILURE", "reason": "PASSWORD_EXPIRED"},
            },
            "other_reason",
        ),
        (
            "okta",  # the session is the administrator's
            {
                **changed(OKTA, "eventType", "user.session.clear"),
                "target": [{"type": "User", "id": "u-2"}],
            },
            "administration",
        ),
        ("auth0", changed(AUTH0, "data.user_id", "c-1@clients"), "not_a_person"),
        ("auth0", {"data": {"type": "f", "date": AT, "user_id": "", "user_name": ""}}, "no_person"),
        ("auth0", changed(AUTH0, "data.type", "seccft"), "token"),
        ("entra", changed(ENTRA_GRAPH, "status.errorCode", 50140), "interrupt"),
        ("entra", {**ENTRA_GRAPH, "signInEventTypes": ["servicePrincipal"]}, "not_a_person"),
        (
            "cognito",
            changed(COGNITO_EXPORT, "message.eventResponse", "InProgress"),
            "part_of_a_sign_in",
        ),
        ("cognito", {**COGNITO_TRAIL, "errorCode": None}, "outcome_not_logged"),
        (
            "cognito",
            {**COGNITO_TRAIL, "errorCode": "TooManyRequestsException"},
            "outcome_not_logged",
        ),
        ("google_workspace", changed(GOOGLE, "id.applicationName", "drive"), "application"),
        (
            "google_workspace",
            {**GOOGLE, "events": [{"type": "login", "name": "logout"}]},
            "no_session",
        ),
        ("duo", {**DUO, "event_type": "enrollment"}, "factor"),
        ("duo", {"action": "admin_login", "timestamp": MS // 1000}, "administration"),
        ("onelogin", {**ONELOGIN, "event_type_id": 8}, "application"),
        ("onelogin", {**ONELOGIN, "event_type_id": 3}, "impersonation"),
        ("onelogin", {**ONELOGIN, "created_at": "redacted"}, "no_time"),
        ("fusionauth", changed(FUSIONAUTH, "event.type", "jwt.refresh"), "option_off"),
        (
            "fusionauth",
            changed(FUSIONAUTH, "event.type", "user.login.suspicious"),
            "part_of_a_sign_in",
        ),
        ("fusionauth", changed(FUSIONAUTH, "event.type", "user.delete.complete"), "account_change"),
        ("authentik", {**AUTHENTIK, "action": "logout"}, "no_session"),
        ("authentik", {**AUTHENTIK, "action": "user_write"}, "account_change"),
        ("authentik", {**AUTHENTIK, "action": "authorize_application"}, "application"),
        ("ocsf", {**OCSF, "activity_id": 3}, "part_of_a_sign_in"),
        ("ocsf", changed(OCSF, "user.type_id", 3), "not_a_person"),
        ("ocsf", changed(OCSF, "time", "yesterday"), "no_time"),
    ],
)
def test_what_is_left_out_and_why(name: str, record: dict[str, Any], reason: str) -> None:
    """Steps of a sign-in, services, and records that lack something are left out."""
    reading = provider(name).read(record)
    assert (reading.outcome, reading.reason) == ("ignored", reason)


def test_countries_come_as_names_and_codes() -> None:
    """A name, three letters or two: the endpoint has the two letters."""
    for country in ("Portugal", "PRT", "pt"):
        endpoint = (
            provider("ocsf").read(changed(OCSF, "src_endpoint.location.country", country)).endpoint
        )
        assert endpoint is not None
        assert endpoint.location is not None
        assert endpoint.location.country == "PT"


def test_user_agents_become_devices() -> None:
    """Platform, make and model are those that the user agent names."""
    endpoint = provider("fusionauth").read(FUSIONAUTH).endpoint
    assert endpoint is not None
    device = endpoint.demographic
    assert device is not None
    assert (device.platform, device.platform_version) == ("iOS", "17.5")
    assert (device.make, device.model) == ("Apple", "iPhone")


def test_a_browser_update_is_no_other_device() -> None:
    """The numbers of a user agent do not tell devices apart; its words do."""
    table = provider("auth0")
    places = [
        table.read(changed(AUTH0, "data.user_agent", agent)).identity
        for agent in (AGENT, AGENT.replace("17.5", "18.0").replace("17_5", "18_0"), "curl/8")
    ]
    assert places[0] == places[1] != places[2]


def test_dotted_names_of_ecs_are_read_as_nested_ones() -> None:
    """Elastic's flattened form says the same."""
    flat = {
        "@timestamp": AT,
        "event.id": "e-1",
        "event.category": ["authentication", "session"],
        "event.type": ["start"],
        "event.outcome": "success",
        "user.id": "u-1",
        "source.geo.country_iso_code": "PT",
    }
    table = provider("ecs")
    assert table.read(flat).events == table.read(ECS).events


def test_reasons_are_codes_and_never_sentences() -> None:
    """What may hold a name is left out of a failure's reason."""
    table = provider("okta")
    record = changed(OKTA, "outcome", {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"})
    attributes = table.read(record).events[0].attributes
    assert attributes is not None
    assert attributes["reason"] == "INVALID_CREDENTIALS"
    for reason in ("ana@example.com is locked", "192.0.2.7", "+351911222333", "no\nbody"):
        failure = table.read(changed(record, "outcome.reason", reason)).events[0]
        assert failure.attributes == {"provider": "okta"}


def test_a_table_can_be_extended_and_replaced() -> None:
    """New types, other meanings and options are values of the caller."""
    table = provider("okta")
    record = changed(OKTA, "eventType", "user.authentication.sso")
    assert table.read(record).reason == "part_of_a_sign_in"
    more = table.extended({"user.authentication.sso:SUCCESS": SIGN_IN})
    assert more.read(record).events[0].type == IN
    less = table.extended({"user.session.start:SUCCESS": leave_out("not_wanted")})
    assert less.read(OKTA).reason == "not_wanted"
    assert table.read(record).reason == "part_of_a_sign_in"


def test_a_new_provider_is_a_table() -> None:
    """Paths and rules are all that it takes."""
    table = ProviderTable(
        name="badges",
        parts=[Part("kind", {"in": "opened"}), "ok"],
        rules={"opened:true": SIGN_IN, "opened:false": AUTH_FAIL, "door.*": leave_out("door")},
        fields={"id": "no", "time": "at", "user": "badge", "country": "where"},
    )
    record = {"kind": "in", "ok": True, "no": 4, "at": MS, "badge": "b-1", "where": "Portugal"}
    assert table.read(record).user_id == "b-1"
    assert table.read({**record, "ok": False}).events[0].type == FAIL
    assert table.read({"kind": "door.left.open"}).reason == "door"
    assert table.read({"kind": "window"}).outcome == "unknown"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fields": {"nmae": "x"}}, "no such field"),
        ({"fields": {"user": "a..b"}}, "malformed"),
        ({"fields": {"user": "a[b]"}}, "malformed"),
    ],
)
def test_mistakes_in_a_table_are_named(change: dict[str, Any], message: str) -> None:
    """A wrong name or path is refused when the table is made."""
    with pytest.raises(ConfigurationError, match=message):
        ProviderTable(name="x", parts=["a"], rules={}, **change)


def test_unknown_providers_and_options_are_named() -> None:
    """The message lists what there is."""
    with pytest.raises(ConfigurationError, match="no such provider: ocsp; there are auth0"):
        provider("ocsp")
    with pytest.raises(ConfigurationError, match="no such option of okta: resume"):
        provider("okta").enabling("resume")
