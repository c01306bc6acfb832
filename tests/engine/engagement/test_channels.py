"""Channels of all ten kinds: what is kept, what is given back, and what must not be."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.engine.engagement import channels
from pinpoint_kit.engine.wire import routes

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Answer, Clock, Wire

APNS_TOKEN = {"BundleId": "S-bundle", "TeamId": "S-team", "TokenKey": "S-p8", "TokenKeyId": "S-id"}
APNS_CERTIFICATE = {"Certificate": "S-pem", "PrivateKey": "S-key"}
EMAIL = {
    "FromAddress": "sender@example.com",
    "Identity": "arn:aws:ses:us-east-1:1:identity/example.com",
}
#: Kind -> the least that makes such a channel; what begins with "S-" is secret.
LEAST: dict[str, dict[str, str]] = {
    "Adm": {"ClientId": "S-client", "ClientSecret": "S-secret"},
    "Apns": APNS_TOKEN,
    "ApnsSandbox": APNS_CERTIFICATE,
    "ApnsVoip": APNS_TOKEN,
    "ApnsVoipSandbox": APNS_CERTIFICATE,
    "Baidu": {"ApiKey": "S-api", "SecretKey": "S-secret"},
    "Email": EMAIL,
    "Gcm": {"ServiceJson": "S-json"},
    "Sms": {},
    "Voice": {},
}


def platform(kind: str) -> str:
    """`ApnsVoip` -> `APNS_VOIP`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind).upper()


def path(wire: Wire, kind: str) -> str:
    """Return the path of a channel of the wire's application."""
    return f"/v1/apps/{wire.app}/channels/{platform(kind).lower()}"


def update(wire: Wire, kind: str, **members: object) -> Answer:
    """Send members of a channel."""
    return wire.put(path(wire, kind), members)


def test_the_examples_of_the_command_line_reference(wire: Wire, clock: Clock) -> None:
    """The answers that the AWS CLI's reference prints for GCM, SMS, e-mail, voice and APNs."""
    common = {
        "ApplicationId": wire.app,
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "Enabled": True,
        "IsArchived": False,
        "LastModifiedDate": "2026-01-02T03:04:05.678Z",
        "Version": 1,
    }
    assert update(wire, "Sms", Enabled=True).json == {
        **common, "Id": "sms", "Platform": "SMS",
        "PromotionalMessagesPerSecond": 20, "TransactionalMessagesPerSecond": 20,
    }  # fmt: skip
    role = "arn:aws:iam::1:role/pinpoint-events"
    assert update(wire, "Email", **EMAIL, RoleArn=role).json == {
        **common, **EMAIL, "Id": "email", "MessagesPerSecond": 1, "Platform": "EMAIL",
        "RoleArn": role,
    }  # fmt: skip
    assert update(wire, "Voice").json == {**common, "Id": "voice", "Platform": "VOICE"}
    assert update(wire, "Gcm", ApiKey="S-key").json == {
        **common, "DefaultAuthenticationMethod": "KEY", "HasCredential": True,
        "HasFcmServiceCredentials": False, "Id": "gcm", "Platform": "GCM",
    }  # fmt: skip
    certificate = {**APNS_CERTIFICATE, "DefaultAuthenticationMethod": "CERTIFICATE"}
    update(wire, "Apns", **certificate)
    clock.advance(1)
    assert update(wire, "Apns", **certificate).json == {
        **common, "DefaultAuthenticationMethod": "CERTIFICATE", "HasCredential": True,
        "HasTokenKey": False, "Id": "apns", "LastModifiedDate": "2026-01-02T03:04:06.678Z",
        "Platform": "APNS", "Version": 2,
    }  # fmt: skip
    listed = wire.send("GET", f"/v1/apps/{wire.app}/channels").json["Channels"]
    assert listed["SMS"] == {**common, "Id": "sms"}
    assert listed["GCM"] == {**common, "HasCredential": True, "Id": "gcm"}
    assert set(listed) == {"APNS", "EMAIL", "GCM", "SMS", "VOICE"}


def test_what_is_kept_of_a_request() -> None:
    """Of the model's requests these members are kept; a new one must be looked at for secrets."""
    kept = {
        route.operation.removeprefix("Update").removesuffix("Channel"): {
            name for name in route.body.members if name in route.answer.members
        }
        for route in routes.load().all
        if re.fullmatch("Update.*Channel", route.operation)
    }
    apns = {"Enabled", "DefaultAuthenticationMethod"}
    assert kept == {
        "Adm": {"Enabled"},
        "Apns": apns,
        "ApnsSandbox": apns,
        "ApnsVoip": apns,
        "ApnsVoipSandbox": apns,
        "Baidu": {"Enabled"},
        "Email": {"ConfigurationSet", "Enabled", "FromAddress", "Identity",
                  "OrchestrationSendingRoleArn", "RoleArn"},
        "Gcm": {"Enabled", "DefaultAuthenticationMethod"},
        "Sms": {"Enabled", "SenderId", "ShortCode"},
        "Voice": {"Enabled"},
    }  # fmt: skip


def test_no_table_no_log_and_no_answer_holds_a_secret(
    make_wire: Callable[..., Wire], file_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Keys, certificates and secrets are nowhere: not in answers, refusals, logs or the file."""
    caplog.set_level(logging.DEBUG)
    wire = make_wire(file_url)
    answers = []
    secrets = {
        **APNS_TOKEN, **APNS_CERTIFICATE, "ApiKey": "S-api", "ServiceJson": "S-json",
        "ClientId": "S-client", "ClientSecret": "S-secret", "SecretKey": "S-secret",
    }  # fmt: skip
    for kind in channels.KINDS:
        everything = {**secrets, **EMAIL, "SenderId": "sender"}
        bad = {**everything, "Enabled": "S-no", "TokenKey": ["S-list"]}
        answers += [
            update(wire, kind, **bad),
            update(wire, kind, **everything),
            update(wire, kind, **everything, DefaultAuthenticationMethod="S-method"),
            wire.send("GET", path(wire, kind)),
            wire.send("GET", f"/v1/apps/{wire.app}/channels"),
        ]
    assert [answer.status for answer in answers if answer.status not in {200, 400}] == []
    stored = str(wire.dump())
    answers += [wire.send("DELETE", path(wire, kind)) for kind in channels.KINDS]
    shown = str([answer.json for answer in answers])
    files = b"".join(
        file.read_bytes() for file in Path(file_url.removeprefix("sqlite:///")).parent.iterdir()
    )
    assert "S-" not in shown + stored + caplog.text
    assert re.search(rb"S-[a-z][a-z0-9]", files) is None  # the file's own bytes may be S and -
    assert "sender" in stored  # settings are there


@pytest.mark.parametrize(
    ("kind", "sent", "flags"),
    [
        ("Apns", APNS_TOKEN, {"HasCredential": True, "HasTokenKey": True}),
        ("Apns", APNS_CERTIFICATE, {"HasCredential": True, "HasTokenKey": False}),
        # As Terraform sends it: empty text for what its user did not give.
        ("Apns", {**dict.fromkeys(APNS_TOKEN, ""), **APNS_CERTIFICATE,
                  "DefaultAuthenticationMethod": ""},
         {"HasCredential": True, "HasTokenKey": False}),
        ("Apns", {**APNS_CERTIFICATE, "BundleId": "S-bundle"},
         {"HasCredential": True, "HasTokenKey": False}),
        ("Gcm", {"ServiceJson": "{}"}, {"HasCredential": True, "HasFcmServiceCredentials": True}),
        ("Gcm", {"ApiKey": "x"}, {"HasCredential": True, "HasFcmServiceCredentials": False}),
        ("Adm", LEAST["Adm"], {"HasCredential": True}),
        ("Baidu", LEAST["Baidu"], {"HasCredential": True, "Credential": ""}),
        ("Sms", {"ShortCode": "123"}, {}),
    ],
)  # fmt: skip
def test_that_there_is_a_credential_is_kept(
    wire: Wire, kind: str, sent: dict[str, str], flags: dict[str, object]
) -> None:
    """Answers say which credential there is, also after updates that send none."""
    update(wire, kind, **sent)
    required = LEAST[kind] if kind in {"Adm", "Baidu"} else {}
    answer = update(wire, kind, **required, Enabled=False).json
    names = ("HasCredential", "HasTokenKey", "HasFcmServiceCredentials", "Credential")
    assert {name: answer[name] for name in names if name in answer} == flags
    assert wire.send("GET", path(wire, kind)).json == answer


@pytest.mark.parametrize(
    ("kind", "sent", "message"),
    [
        ("Apns", {}, "Missing credentials"),
        ("Apns", {"Certificate": "S-pem"}, "Missing credentials"),
        ("ApnsVoip", {**APNS_TOKEN, "TeamId": ""}, "Missing credentials"),
        ("Gcm", {"Enabled": True}, "Missing credentials"),
        ("Gcm", {"ApiKey": ""}, "Missing credentials"),
        ("Adm", {"ClientId": "x"}, "Missing ClientSecret"),
        ("Adm", {"ClientId": "x", "ClientSecret": ""}, "Missing ClientSecret"),
        ("Baidu", {"ApiKey": "", "SecretKey": "x"}, "Missing ApiKey"),
        ("Email", {"FromAddress": "a@example.com"}, "Missing Identity"),
        ("Email", {**EMAIL, "FromAddress": ""}, "Missing FromAddress"),
        ("Email", {**EMAIL, "FromAddress": "a@example.com\nBcc: b@example.com"},
         "must be one line, without control characters @ $.FromAddress"),
        ("Email", {**EMAIL, "Enabled": 1}, "must be true or false @ $.Enabled"),
        ("Email", {**EMAIL, "Enabled": "yes"}, "must be true or false @ $.Enabled"),
        ("Gcm", {"ApiKey": "x", "DefaultAuthenticationMethod": "CERTIFICATE"},
         "must be one of KEY, TOKEN @ $.DefaultAuthenticationMethod"),
        ("Apns", {**APNS_TOKEN, "DefaultAuthenticationMethod": "x"},
         "must be one of CERTIFICATE, KEY, TOKEN @ $.DefaultAuthenticationMethod"),
    ],
)  # fmt: skip
def test_refused_updates(wire: Wire, kind: str, sent: dict[str, object], message: str) -> None:
    """What is missing or wrong is named, and neither makes a channel nor changes one."""
    before = wire.dump()
    answer = update(wire, kind, **sent)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message == message
    assert wire.dump() == before


def test_half_a_credential_does_not_replace_a_whole_one(wire: Wire) -> None:
    """A certificate without its key is refused for a channel that has tokens, too."""
    update(wire, "Apns", **APNS_TOKEN)
    assert update(wire, "Apns", Certificate="S-pem").message == "Missing credentials"
    assert wire.send("GET", path(wire, "Apns")).json["Version"] == 1


def test_settings_are_changed_one_by_one(wire: Wire) -> None:
    """A member that is not sent stays, and empty text takes one away."""
    update(wire, "Sms", SenderId="shop", ShortCode="12345")
    changed = update(wire, "Sms", Enabled=False, SenderId=None, ShortCode="").json
    assert (changed["Enabled"], changed["SenderId"]) == (False, "shop")
    assert "ShortCode" not in changed
    assert wire.send("GET", path(wire, "Sms")).json == changed


def test_the_method_comes_back_as_it_was_sent(wire: Wire) -> None:
    """Whatever case the method has, it is given back so; without one APNs answers none."""
    assert "DefaultAuthenticationMethod" not in update(wire, "Apns", **APNS_TOKEN).json
    sent = update(wire, "Apns", DefaultAuthenticationMethod="key").json
    assert sent["DefaultAuthenticationMethod"] == "key"


def test_channels_belong_to_an_application(wire: Wire) -> None:
    """Other applications have their own channels, and deleting one takes its channels along."""
    before = wire.dump()
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    wire.put(f"/v1/apps/{other}/channels/sms", {})
    assert wire.send("GET", path(wire, "Sms")).status == 404
    wire.send("DELETE", f"/v1/apps/{other}")
    assert wire.dump() == before


def test_channels_of_no_application(wire: Wire) -> None:
    """An unknown application is not found, whatever the body is."""
    for method in ("GET", "PUT", "DELETE"):
        answer = wire.send(method, "/v1/apps/none/channels/gcm", b"nonsense")
        assert (answer.status, answer.message) == (404, "Application not found")
    assert wire.send("GET", "/v1/apps/none/channels").status == 404
    assert wire.send("GET", f"/v1/apps/{wire.app}/channels/fax").status == 404
