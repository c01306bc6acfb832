"""The webhook receiver: who may send, what is answered, and what is recorded by then."""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
from typing import Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import ConfigurationError
from pinpoint_kit.identity import (
    Authorization,
    FusionAuthSignature,
    Importer,
    KeycloakSignature,
    Webhook,
    webhook_app,
)
from pinpoint_kit.testing import Fault, FaultyPinpoint, recorded_events
from tests.identity.asgi import Client
from tests.identity.test_tables import AUTH0, FUSIONAUTH, MS, OKTA

SECRET = "a long secret"
OKTA_HOOK = {"eventType": "com.okta.event_hook", "data": {"events": [OKTA]}}
KEYCLOAK = {
    "uid": "e-1",
    "time": MS,
    "type": "access.LOGIN",
    "realmId": "r",
    "authDetails": {"userId": "u-1", "clientId": "shop", "sessionId": "s-1", "username": "ana"},
}
WEBHOOKS = {
    "/okta": Webhook("okta", Authorization(SECRET)),
    "/auth0": Webhook("auth0", Authorization(f"Bearer {SECRET}")),
    "/keycloak": Webhook("keycloak", KeycloakSignature(SECRET)),
    "/fusionauth": Webhook("fusionauth", FusionAuthSignature(SECRET)),
}


def app(pinpoint: pk.Pinpoint, **options: Any) -> Client:
    """Return a client of the receiver."""
    importer = Importer(pinpoint, key="0123456789abcdef")
    return Client(webhook_app(importer, WEBHOOKS, **options))


def signed_headers(path: str, body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return what the provider at this path sends to show that it is it."""
    if path == "/okta":
        return {"Authorization": secret}
    if path == "/auth0":
        return {"Authorization": f"Bearer {secret}"}
    if path == "/keycloak":
        digest = hmac.new(secret.encode(), body, "sha256").hexdigest()
        return {"X-Keycloak-Signature": digest}
    return {"X-FusionAuth-Signature-JWT": token({"alg": "HS256"}, body, secret)}


def token(header: dict[str, object], body: bytes, secret: str = SECRET) -> str:
    """FusionAuth's signature of a body."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    signed = ".".join(
        encoded(json.dumps(part).encode()) for part in (header, {"request_body_sha256": digest})
    )
    return f"{signed}.{encoded(hmac.digest(secret.encode(), signed.encode(), 'sha256'))}"


def encoded(part: bytes) -> str:
    """Base64 as tokens have it."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


BODIES: list[tuple[str, Any]] = [
    ("/okta", OKTA_HOOK),
    ("/auth0", [AUTH0]),
    ("/auth0", {"logs": [AUTH0]}),
    ("/keycloak", KEYCLOAK),
    ("/fusionauth", FUSIONAUTH),
]


@pytest.mark.parametrize(("path", "payload"), BODIES)
def test_a_genuine_event_is_recorded_before_the_answer(
    pinpoint: pk.Pinpoint, path: str, payload: object
) -> None:
    """204 means that the engine has it; the same event again adds nothing."""
    body = json.dumps(payload).encode()
    client = app(pinpoint)
    for _ in range(2):
        answer = client.post(path, content=body, headers=signed_headers(path, body))
        assert answer.status_code == 204
        assert len(recorded_events(pinpoint, "_userauth.sign_in")) == 1


def test_json_lines_are_taken(pinpoint: pk.Pinpoint) -> None:
    """Auth0 can send its batches so."""
    body = "".join(json.dumps({**AUTH0, "log_id": f"e-{n}"}) + "\n" for n in (1, 2)).encode()
    answer = app(pinpoint).post("/auth0", content=body, headers=signed_headers("/auth0", body))
    assert answer.status_code == 204
    assert len(recorded_events(pinpoint, "_userauth.sign_in")) == 2


@pytest.mark.parametrize(("path", "payload"), BODIES)
def test_a_sender_that_is_not_genuine_is_refused(
    pinpoint: pk.Pinpoint, path: str, payload: object
) -> None:
    """Without a secret, with another one, and with the signature of another body."""
    body = json.dumps(payload).encode()
    client = app(pinpoint)
    wrong: list[dict[str, str]] = [{}, signed_headers(path, body, "another secret")]
    if path in {"/keycloak", "/fusionauth"}:
        wrong.append(signed_headers(path, body + b" "))
    if path == "/fusionauth":
        header = "X-FusionAuth-Signature-JWT"
        unsigned = token({"alg": "none"}, body).rpartition(".")[0] + "."
        wrong += [
            {header: value}
            for value in (unsigned, "x", "a.b.c", "e30.e30.", token({"alg": "RS256"}, body))
        ]
    for headers in wrong:
        assert client.post(path, content=body, headers=headers).status_code == 401
    assert recorded_events(pinpoint) == []


def test_oktas_verification_is_answered(pinpoint: pk.Pinpoint) -> None:
    """Only at Okta's path, only with a challenge, and not of any length."""
    client, name = app(pinpoint), "X-Okta-Verification-Challenge"
    answer = client.get("/okta", headers={name: "abc"})
    assert (answer.status_code, answer.json()) == (200, {"verification": "abc"})
    assert client.get("/okta").status_code == 405
    assert client.get("/okta", headers={name: "x" * 1_001}).status_code == 405
    assert client.get("/auth0", headers={name: "abc"}).status_code == 405
    assert client.request("PUT", "/okta").status_code == 405
    assert client.post("/nowhere").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"hello",
        b"\xff",
        b"\x1f\x8b\x08broken",
        # Without a date: the test is named by its bytes, and workers compare names.
        gzip.compress(b" " * 100 + b"{}", mtime=0),
    ],
)
def test_what_is_no_json_is_refused(pinpoint: pk.Pinpoint, body: bytes) -> None:
    """The provider has made a mistake, and sending again does not help.

    Nor is what is compressed: its bound would be that of the body before.
    """
    answer = app(pinpoint).post("/okta", content=body, headers=signed_headers("/okta", body))
    assert answer.status_code == 400


def test_bodies_have_a_bound(pinpoint: pk.Pinpoint) -> None:
    """By the announced length, and by what comes when none is announced."""
    client = app(pinpoint, max_body_bytes=100)
    body = json.dumps(OKTA_HOOK).encode()
    headers = signed_headers("/okta", body)
    assert client.post("/okta", content=body, headers=headers).status_code == 413
    assert client.post("/okta", content=iter([body]), headers=headers).status_code == 413


def test_what_cannot_be_recorded_is_asked_for_again(faulty_pinpoint: FaultyPinpoint) -> None:
    """503 while the server is down; the next try records it."""
    body = json.dumps(OKTA_HOOK).encode()
    headers = signed_headers("/okta", body)
    with faulty_pinpoint.connect(retry=pk.RetryPolicy(max_attempts=1)) as pinpoint:
        client = app(pinpoint)
        faulty_pinpoint.always(Fault.refused(503), operation="ImportEvents")
        answer = client.post("/okta", content=body, headers=headers)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        faulty_pinpoint.heal()
        assert client.post("/okta", content=body, headers=headers).status_code == 204
    assert len(faulty_pinpoint.events()) == 2


@pytest.mark.parametrize("operation", ["ImportEvents", "UpdateEndpointsBatch", "PutEvents", None])
def test_the_next_try_records_the_person_too(
    faulty_pinpoint: FaultyPinpoint, operation: str | None
) -> None:
    """What the first try could not write is not taken for written by the second."""
    body = json.dumps(OKTA_HOOK).encode()
    headers = signed_headers("/okta", body)
    with faulty_pinpoint.connect(retry=pk.RetryPolicy(max_attempts=1)) as pinpoint:
        client = app(pinpoint)
        if operation in {"UpdateEndpointsBatch", "PutEvents"}:  # by a server without imports
            faulty_pinpoint.script([Fault.html(404)], operation="ImportEvents")
        faulty_pinpoint.always(Fault.refused(503), operation=operation)
        assert client.post("/okta", content=body, headers=headers).status_code == 503
        faulty_pinpoint.heal()
        assert client.post("/okta", content=body, headers=headers).status_code == 204
        assert len(pinpoint.users.endpoints("u-1")) == 1
        (event,) = faulty_pinpoint.events("_userauth.sign_in")
        assert event.user_id == "u-1"


def test_mistakes_are_named_when_the_app_is_made(pinpoint: pk.Pinpoint) -> None:
    """Short secrets, unknown providers and paths without a slash."""
    with pytest.raises(ConfigurationError, match="at least 8 are needed"):
        Authorization("short")
    with pytest.raises(ConfigurationError, match="no such provider"):
        Webhook("octa", Authorization(SECRET))
    importer = Importer(pinpoint, key="0123456789abcdef")
    with pytest.raises(ConfigurationError, match="must begin with /"):
        webhook_app(importer, {"okta": WEBHOOKS["/okta"]})


def test_secrets_are_not_shown() -> None:
    """No repr has them."""
    assert SECRET not in repr(WEBHOOKS)
