"""Over a socket: with credentials, nothing gets in that a key's holder has not signed as it is."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import attrs
import pytest
from botocore.exceptions import ClientError

import pinpoint_kit as pk
from pinpoint_kit.engine.wire import routes
from pinpoint_kit.server.access import canonical, credentials_file, scopes
from pinpoint_kit.server.access.authenticator import Authenticator
from tests.server.signed_server import build
from tests.server.signing import (
    ADMIN,
    ENDPOINT,
    EVENTS,
    GUEST,
    LOCAL,
    READER,
    SECRETS,
    TOKEN,
    WRITER,
    Sent,
    beacon,
    sign,
    write_file,
)
from tests.server.signing import APP as OWN
from tests.server.signing import OTHER_APP as OTHER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.server.conftest import Log
    from tests.server.signed_server import SignedServer

EVENT = {"EventType": "level_up", "Timestamp": "2026-11-01T12:00:00.000Z"}
BODY = json.dumps({"BatchItem": {"device-1": {"Endpoint": {}, "Events": {"e-1": EVENT}}}}).encode()
#: An endpoint that no test makes: all of them share a server.
NOBODY = f"/v1/apps/{OWN}/endpoints/nobody"


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignedServer]:
    """One server for these tests: what they try leaves nothing behind but where they say."""
    folder = tmp_path_factory.mktemp("signed")
    found = build(folder, Authenticator.load(write_file(folder / "credentials.ini")))
    yield found
    found.server.stop()


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    answer: Any = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


# Real clients


def test_boto3_comes_in_with_a_right_key(signed: SignedServer) -> None:
    """It writes and reads as without credentials; odd ids, tags and queries, too."""
    with signed.boto3() as client:
        for endpoint_id in ("device-1", "us east/1", "J\u00fcrgen ☃", "a+b@c,(d)'*!~", "%2F"):
            place = {"ApplicationId": OWN, "EndpointId": endpoint_id}
            client.update_endpoint(**place, EndpointRequest={"OptOut": "ALL"})
            assert client.get_endpoint(**place)["EndpointResponse"]["Id"] == endpoint_id
            client.delete_endpoint(**place)
        arn = client.get_app(ApplicationId=OWN)["ApplicationResponse"]["Arn"]
        client.tag_resource(ResourceArn=arn, TagsModel={"tags": {"a b": "c+d", "e": "f"}})
        client.untag_resource(ResourceArn=arn, TagKeys=["a b", "e"])
        assert client.list_tags_for_resource(ResourceArn=arn)["TagsModel"] == {"tags": {}}
        assert len(client.get_apps(PageSize="10")["ApplicationsResponse"]["Item"]) == 2


def test_this_packages_own_client_comes_in(
    signed: SignedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`connect` signs with the credentials that the AWS SDKs find."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", WRITER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRETS[WRITER])
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    with pk.connect(signed.server.url, application_id=OWN) as pinpoint:
        pinpoint.endpoints.update(pk.Endpoint(id="mine", opt_out=pk.OptOut.ALL))
        assert pinpoint.endpoints.get("mine").opt_out == pk.OptOut.ALL
        pinpoint.endpoints.delete("mine")
    with (
        pk.connect(signed.server.url, application_id=OTHER) as pinpoint,
        pytest.raises(pk.errors.Forbidden),
    ):
        pinpoint.endpoints.get("mine")


@pytest.mark.parametrize(
    ("key", "secret", "token", "code"),
    [
        (WRITER, "w" * 40, None, "InvalidSignatureException"),
        (WRITER, SECRETS[ADMIN], None, "InvalidSignatureException"),
        ("PKNOBODY", "w" * 40, None, "UnrecognizedClientException"),
        (GUEST, SECRETS[GUEST], None, "UnrecognizedClientException"),
        (GUEST, SECRETS[GUEST], "another", "UnrecognizedClientException"),
        (WRITER, SECRETS[WRITER], TOKEN, "UnrecognizedClientException"),
        (LOCAL, SECRETS[LOCAL], None, "InvalidSignatureException"),
    ],
)
def test_boto3_stays_out_with_a_wrong_key(
    signed: SignedServer, key: str, secret: str, token: str | None, code: str
) -> None:
    """Every answer is a 403 that botocore understands, and names neither key nor secret."""
    with signed.boto3(key, secret, token) as client, pytest.raises(ClientError) as error:
        client.get_app(ApplicationId=OWN)
    assert _code(error) == (code, 403)
    text = repr(error.value.response)
    for value in (key, secret, *SECRETS.values(), TOKEN):
        assert value not in text


def test_a_session_token_opens(signed: SignedServer) -> None:
    """A key that has one comes in with it."""
    with signed.boto3(GUEST, token=TOKEN) as client:
        assert client.get_app(ApplicationId=OWN)["ApplicationResponse"]["Id"] == OWN


# What a key may do


def test_another_keys_application_is_closed(signed: SignedServer) -> None:
    """The answer is the same, byte by byte, for one that exists and for one that does not."""
    targets = [f"/v1/apps/{app}/endpoints/x" for app in (OTHER, "0" * 32)]
    answers = [signed.send_raw(sign("GET", target, b"")) for target in targets]
    shapes = []
    for answer in answers:
        assert (answer.status, answer.code) == (403, "AccessDeniedException")
        request_id = answer.headers["x-amzn-requestid"]
        kept = {name: text for name, text in answer.headers.items() if name != "date"}
        shapes.append(repr((kept, answer.body)).replace(request_id, ""))
    assert shapes[0] == shapes[1]


def test_a_keys_own_application_is_open_and_the_rest_is_not(signed: SignedServer) -> None:
    """With boto3: its own application, but not the list of all, and no new one."""
    arn = f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{OTHER}"
    with signed.boto3(WRITER) as client:
        assert client.get_app(ApplicationId=OWN)
        attempts: list[Callable[[], object]] = [
            client.get_apps,
            client.list_templates,
            lambda: client.get_app(ApplicationId=OTHER),
            lambda: client.delete_app(ApplicationId=OTHER),
            lambda: client.create_app(CreateApplicationRequest={"Name": "mine"}),
            lambda: client.list_tags_for_resource(ResourceArn=arn),
        ]
        for attempt in attempts:
            with pytest.raises(ClientError) as error:
                attempt()
            assert _code(error) == ("AccessDeniedException", 403)
    assert signed.has(OTHER)


def test_a_reader_changes_nothing(signed: SignedServer) -> None:
    """What only reads comes in, what writes is denied, and the store stays as it is."""
    assert signed.send_raw(sign("GET", f"/v1/apps/{OTHER}", b"", key=READER)).status == 200
    for method, target, body in (
        ("POST", EVENTS, BODY),
        ("PUT", ENDPOINT, b'{"OptOut":"ALL"}'),
        ("DELETE", f"/v1/apps/{OWN}", b""),
    ):
        answer = signed.send_raw(sign(method, target, body, key=READER))
        assert (answer.status, answer.code) == (403, "AccessDeniedException")
    assert signed.has(OWN)
    assert signed.events() == 0


# Tampering


def test_a_changed_request_writes_nothing(signed: SignedServer) -> None:
    """Body, path, method, query, host: each is refused, and the store stays as it is."""
    sent = sign(target=EVENTS, body=BODY)
    changes: list[dict[str, Any]] = [
        {"body": BODY.replace(b"level_up", b"level_on")},
        {"body": BODY + b" "},
        {"path": f"/v1/apps/{OTHER}/events"},
        {"path": f"{EVENTS}/legacy"},
        {"query": "a=1"},
    ]
    for change in changes:
        answer = signed.send_raw(attrs.evolve(sent, **change))
        assert (answer.status, answer.code) == (403, "InvalidSignatureException"), change
    assert signed.send_raw(sent.replacing("Host", "pinpoint", "elsewhere")).status == 403
    assert signed.events() == 0


def test_a_lied_body_hash_is_refused(signed: SignedServer) -> None:
    """A signed hash does not help another body, nor does leaving the body unsigned."""
    for text in (hashlib.sha256(BODY).hexdigest(), "UNSIGNED-PAYLOAD"):
        sent = sign(body=BODY, headers={"X-Amz-Content-SHA256": text})
        changed = attrs.evolve(sent, body=BODY.replace(b"e-1", b"e-2"))
        assert signed.send_raw(changed).code == "InvalidSignatureException"
    assert signed.events() == 0


def test_an_old_request_cannot_be_replayed(
    signed: SignedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six minutes later it is refused, as is one from the future; the message helps clocks."""
    for minutes, beginning in ((-6, "Signature expired: "), (6, "Signature not yet current: ")):
        then = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        monkeypatch.setattr("botocore.auth.get_current_datetime", lambda then=then: then)
        answer = signed.send_raw(sign(body=BODY))
        assert (answer.status, answer.code) == (403, "InvalidSignatureException")
        assert answer.json["Message"].startswith(beginning)
        assert "date" in answer.headers  # from which SDKs correct their clock
    assert signed.events() == 0


def test_another_service_or_region_is_refused(signed: SignedServer) -> None:
    """A signature for something else of AWS is none for Pinpoint."""
    for sent in (sign(service="s3"), sign(service="pinpoint"), sign(key=LOCAL, region="us-west-2")):
        assert signed.send_raw(sent).code == "InvalidSignatureException"
    assert signed.send_raw(sign("GET", NOBODY, b"", key=LOCAL, region="eu-west-1")).status == 404


def test_an_unsigned_amz_header_is_refused(signed: SignedServer) -> None:
    """Nothing that could mean something may be added on the way."""
    for header in ("X-Amz-Target", "x-amz-security-token"):
        assert signed.send_raw(sign().plus(header, "x")).status == 403
    assert (
        signed.send_raw(sign("GET", NOBODY, b"").plus("X-Forwarded-For", "1.2.3.4")).status == 404
    )


# Paths


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/apps/{OWN}/../{OTHER}/endpoints/x",
        f"/v1/apps/{OWN}/endpoints/../../{OTHER}",
        f"/v1/apps/./{OTHER}",
        f"/v1/apps/{OWN}%2F..%2F{OTHER}/endpoints/x",
        f"/v1/apps/{OTHER}%2F..%2F{OWN}/endpoints/x",
        f"/v1/apps/{OWN}/%2e%2e/{OTHER}",
        f"/v1/apps//{OTHER}/endpoints/x",
        f"//v1/apps/{OTHER}",
        f"/v1/apps/{OWN};/../{OTHER}",
        f"/pinpoint-kit/v1/apps/{OTHER}/endpoints",
        f"/pinpoint-kit/v1/apps/{OWN}/../{OTHER}/endpoints",
        f"/v1/%61pps/{OTHER}",
        f"/v1/tags/arn:aws:mobiletargeting:us-east-1:000000000000:apps%2F{OTHER}",
        f"/v1/tags/arn:aws:mobiletargeting:us-east-1:0:apps%2F{OWN}%2F..%2F{OTHER}",
    ],
)
def test_paths_do_not_lead_into_another_application(signed: SignedServer, path: str) -> None:
    """Whatever the spelling, a key reads nothing of an application that is not its own."""
    answer = signed.send_raw(sign("GET", path, b""))
    assert answer.status in {403, 404, 400}
    assert OTHER.encode() not in answer.body
    assert b"shop" not in answer.body


def test_an_id_with_slashes_stays_in_its_application(signed: SignedServer) -> None:
    """Written as `..%2F..`, it is an id, and lands nowhere else."""
    target = f"/v1/apps/{OWN}/endpoints/..%2F..%2F{OTHER}%2Fendpoints%2Fx"
    assert signed.send_raw(sign("PUT", target, b"{}")).status == 202
    assert signed.send_raw(sign("GET", target, b"")).json["ApplicationId"] == OWN
    other = f"/v1/apps/{OTHER}/endpoints/x"
    assert signed.send_raw(sign("GET", other, b"", key=ADMIN)).status == 404
    assert signed.send_raw(sign("DELETE", target, b"")).status == 202


def test_the_host_of_a_target_is_the_signed_one(signed: SignedServer) -> None:
    """A URL as target is verified with its own host, whatever the `Host` header says."""
    sent = sign("GET", f"/v1/apps/{OWN}", b"")
    host = sent.header("Host")
    asked = attrs.evolve(sent, path=f"http://{host}{sent.path}")
    assert signed.send_raw(asked).json["Id"] == OWN
    assert signed.send_raw(asked.replacing("Host", host, "elsewhere")).json["Id"] == OWN
    for path in (f"http://elsewhere{sent.path}", f"http://{host}/v1/apps/{OTHER}"):
        assert signed.send_raw(attrs.evolve(sent, path=path)).code == "InvalidSignatureException"
    other = sign("GET", f"/v1/apps/{OTHER}", b"")
    asked = attrs.evolve(other, path=f"http://{host}{other.path}")
    assert signed.send_raw(asked).code == "AccessDeniedException"


# Smuggling


def test_headers_cannot_be_smuggled(signed: SignedServer) -> None:
    """Doubled, folded or misspelt headers do not pass for the signed ones."""
    sent = sign(body=BODY, headers={"Content-Type": "application/json"})
    authorization = sent.header("Authorization")
    tries = [
        sent.plus("Authorization", authorization),
        sent.plus("X-Amz-Date", sent.header("X-Amz-Date")),
        sent.plus("Content-Type", "text/plain"),
        sent.without("X-Amz-Date").plus("X_Amz_Date", sent.header("X-Amz-Date")),
        sent.without("Authorization").plus("Authorization", f"{authorization},{authorization}"),
        sent.without("Authorization").plus("Proxy-Authorization", authorization),
        sent.without("Authorization").plus("X-Amz-Authorization", authorization),
    ]
    for number, attempt in enumerate(tries):
        assert signed.send_raw(attempt).status == 403, number
    assert signed.events() == 0


def test_a_second_request_needs_its_own_signature(signed: SignedServer) -> None:
    """A connection that brought a signed request is not trusted for the next one."""
    client = signed.server.client()
    sent = sign("GET", f"/v1/apps/{OWN}", b"")
    lines = [f"GET {sent.path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)]
    client.send("\r\n".join([*lines, "", ""]).encode())
    assert client.answer().status == 200
    client.send(b"DELETE %s HTTP/1.1\r\nHost: x\r\n\r\n" % sent.path.encode())
    assert client.answer().code == "MissingAuthenticationTokenException"
    assert signed.has(OWN)


def test_a_request_in_a_body_is_a_body(signed: SignedServer) -> None:
    """A signed body that looks like a request is not read as one."""
    inner = f"DELETE /v1/apps/{OTHER} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    assert signed.send_raw(sign("PUT", ENDPOINT, inner)).status == 400
    assert signed.has(OTHER)


# Sizes


def test_strangers_cannot_make_the_server_read(signed: SignedServer) -> None:
    """Who has no valid key is refused before the body is there; the connection ends."""
    for sent in (sign(key="PKNOBODY"), sign().without("Authorization")):
        client = signed.server.client()
        lines = [f"POST {sent.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in sent.headers]
        client.send("\r\n".join([*lines, "Content-Length: 6000000", "", ""]).encode())
        answer = client.answer()
        assert answer.status == 403
        assert client.is_closed()


def test_a_body_over_the_limit_is_refused(signed: SignedServer) -> None:
    """Signed or not, it is not read to its end."""
    client = signed.server.client()
    sent = sign()
    lines = [f"POST {sent.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in sent.headers]
    client.send("\r\n".join([*lines, "Content-Length: 900000000", "", ""]).encode())
    answer = client.answer()
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")
    assert client.is_closed()


# Browsers


def test_browsers_may_ask_and_read_denials(signed: SignedServer) -> None:
    """A preflight needs no signature; a denial can be read by the page, and tells no more."""
    asked = Sent(
        "OPTIONS",
        EVENTS,
        "",
        (
            ("Host", "pinpoint.test"),
            ("Origin", "https://shop.example"),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization,x-amz-date"),
        ),
        b"",
    )
    answer = signed.send_raw(asked)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()
    assert "access-control-allow-credentials" not in answer.headers
    denied = signed.send_raw(attrs.evolve(asked, method="POST"))
    assert (denied.status, denied.code) == (403, "MissingAuthenticationTokenException")
    assert denied.headers["access-control-allow-origin"] == "*"
    assert denied.json["RequestID"] == denied.headers["x-amzn-requestid"]


def test_a_beacon_of_a_page_is_recorded(tmp_path: Path) -> None:
    """Amplify's presigned beacon, sent when a page closes, brings its events, once changed none."""
    signed = build(tmp_path, Authenticator.load(write_file(tmp_path / "keys.ini")))
    try:
        sent = beacon(datetime.now(timezone.utc), BODY)
        changed = attrs.evolve(sent, body=BODY.replace(b"e-1", b"e-2"))
        assert signed.send_raw(changed).status == 403
        assert signed.events() == 0
        assert signed.send_raw(sent.plus("Content-Type", "text/plain;charset=UTF-8")).status == 202
        assert signed.events() == 1
    finally:
        signed.server.stop()


# Operation


def test_a_removed_key_is_out_while_the_server_runs(tmp_path: Path) -> None:
    """Within a second, without a restart; others stay in."""
    seconds = [100.0]
    path = write_file(tmp_path / "keys.ini")
    signed = build(tmp_path, Authenticator.load(path, monotonic=lambda: seconds[0]))
    try:
        target = f"/v1/apps/{OWN}"
        assert signed.send_raw(sign("GET", target, b"")).status == 200
        credentials_file.remove(path, WRITER)
        seconds[0] += 1
        assert signed.send_raw(sign("GET", target, b"")).code == "UnrecognizedClientException"
        assert signed.send_raw(sign("GET", target, b"", key=ADMIN)).status == 200
    finally:
        signed.server.stop()


def test_the_log_names_keys_and_no_secrets(
    signed: SignedServer, log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    """Each line says which key it was when that is sure; a denial is named by its exception."""
    signed.send_raw(sign("GET", f"/v1/apps/{OWN}", b""))
    signed.send_raw(sign("GET", f"/v1/apps/{OWN}", b"", secret="w" * 40))
    signed.send_raw(sign("GET", f"/v1/apps/{OWN}", b"", key="PKNOBODY"))
    came, wrong, unknown = log.lines(3)
    assert (came["status"], came["access_key_id"]) == (200, WRITER)
    assert (wrong["status"], wrong["error"]) == (403, "InvalidSignatureException")
    assert (unknown["status"], unknown["error"]) == (403, "UnrecognizedClientException")
    for value in ("PKNOBODY", *SECRETS.values(), OWN, "Signature="):
        assert value not in caplog.text


def test_arns_name_the_region_that_a_request_was_signed_for(signed: SignedServer) -> None:
    """In the header or in the query, as the service's own would."""
    target = f"/v1/apps/{OWN}"
    for sent in (
        sign("GET", target, b"", region="eu-west-3"),
        sign("GET", target, region="eu-west-3", expires=60),
    ):
        arn = signed.send_raw(sent).json["Arn"]
        assert arn.startswith("arn:aws:mobiletargeting:eu-west-3:")


def test_a_request_is_resolved_once(signed: SignedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log, scopes and engine share one look at the path, which is decoded once and nowhere else."""
    decoded: list[str] = []
    resolve = routes.Routes.resolve
    resolved: list[str] = []

    def resolving(self: routes.Routes, method: str, path: str) -> routes.Match:
        resolved.append(path)
        return resolve(self, method, path)

    def decoding(part: str) -> bytes:
        decoded.append(part)
        return unquote_to_bytes(part)

    monkeypatch.setattr(routes.Routes, "resolve", resolving)
    for module in (routes, canonical):
        monkeypatch.setattr(module, "unquote_to_bytes", decoding)
    assert not hasattr(scopes, "unquote_to_bytes")
    target = f"/v1/apps/{OWN}/endpoints/device%2D1"
    assert signed.send_raw(sign("PUT", target, b"{}")).status == 202
    assert resolved == [target]
    assert decoded == ["device%2D1"]
