"""An HTTP endpoint in Firehose's form: what is sent, and which answers count as taken."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
import resource
import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pinpoint_kit import ConfigurationError
from pinpoint_kit.destinations import HttpEndpoint, Unavailable
from tests.destinations.fake_endpoint import Answer, FakeEndpoint
from tests.destinations.records import record, records
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "topsecret-access-key"


@pytest.fixture
def endpoint() -> Iterator[FakeEndpoint]:
    """Give an endpoint that takes everything."""
    with FakeEndpoint() as endpoint:
        yield endpoint


@pytest.mark.parametrize("compress", [False, True])
def test_a_request_is_what_firehose_sends(endpoint: FakeEndpoint, *, compress: bool) -> None:
    """Records in base64, a request id in head and body, the access key, the application."""
    sent = records(3)
    destination = HttpEndpoint(f"{endpoint.url}?team=a", access_key=KEY, compress=compress)
    assert destination.send("app-1", sent) == [None] * 3
    ((path, headers, request_id, data),) = endpoint.requests
    assert path == "/firehose?team=a"
    assert data == [one.data for one in sent]
    assert headers["x-amz-firehose-request-id"] == request_id
    assert headers["x-amz-firehose-protocol-version"] == "1.0"
    assert headers["x-amz-firehose-access-key"] == KEY
    assert headers["content-type"] == "application/json"
    assert headers.get("content-encoding") == ("gzip" if compress else None)
    attributes = orjson.loads(headers["x-amz-firehose-common-attributes"])
    assert attributes == {"commonAttributes": {"applicationId": "app-1"}}
    destination.close()
    destination.close()


def test_without_an_access_key_there_is_no_such_header(endpoint: FakeEndpoint) -> None:
    """Nobody's key is sent."""
    HttpEndpoint(endpoint.url).send("app", records(1))
    assert "x-amz-firehose-access-key" not in endpoint.requests[0][1]


def test_the_same_records_have_the_same_request_id(endpoint: FakeEndpoint) -> None:
    """So that a receiver may leave a request out that comes twice; others have another one."""
    destination = HttpEndpoint(endpoint.url)
    endpoint.script.append(Answer(status=503))
    with pytest.raises(Unavailable):
        destination.send("app", records(3))
    HttpEndpoint(endpoint.url).send("app", records(3))
    destination.send("app", records(2))
    destination.send("other", records(3))
    ids = [request_id for _, _, request_id, _ in endpoint.requests]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_many_records_are_several_requests(endpoint: FakeEndpoint) -> None:
    """In their order, whatever endpoints they are of."""
    destination = HttpEndpoint(endpoint.url, most_records=4)
    assert destination.most_records == 4
    sent = records(10, keys=1)
    assert destination.send("app", sent) == [None] * 10
    assert [len(data) for *_, data in endpoint.requests] == [4, 4, 2]
    assert endpoint.data == [one.data for one in sent]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(status=500),
        Answer(status=503),
        Answer(status=401),
        Answer(status=201),
        Answer(status=204, body=b""),
        Answer(status=301, headers={"Location": "/elsewhere"}),
        Answer(status=307, headers={"Location": "/elsewhere"}),
        Answer(status=308, headers={"Location": "http://127.0.0.1:1/"}),
        Answer(body=b""),
        Answer(body=b"OK"),
        Answer(body=b"[]"),
        Answer(body=b'{"requestId":"another"}'),
        Answer(body=b'{"requestId":null}'),
        Answer(body=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"}),
        Answer(is_endless=True),
    ],
    ids=str,
)
def test_any_other_answer_is_no_acknowledgement(endpoint: FakeEndpoint, answer: Answer) -> None:
    """Nothing is known to be taken, no redirect is followed, and the next call goes through."""
    endpoint.script.append(answer)
    destination = HttpEndpoint(f"{endpoint.url}?key=topsecret", access_key=KEY)
    host = endpoint.url.removesuffix("/firehose")
    with pytest.raises(Unavailable, match=rf"^{host}\?\w{{8}}: ") as caught:
        destination.send("app", records(2))
    assert "topsecret" not in str(caught.value) + repr(destination) + destination.name
    assert len(endpoint.requests) == 1
    assert destination.send("app", records(2)) == [None] * 2
    assert {path for path, *_ in endpoint.requests} == {"/firehose?key=topsecret"}


def test_an_answer_without_an_end_fills_no_memory(endpoint: FakeEndpoint) -> None:
    """A megabyte is read, and the connection closed."""
    endpoint.script.append(Answer(is_endless=True))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Unavailable, match="more than 1048576 bytes"):
        HttpEndpoint(endpoint.url).send("app", records(1))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_an_endpoint_says_how_long_to_wait(endpoint: FakeEndpoint) -> None:
    """Its Retry-After is handed on."""
    endpoint.script.append(Answer(status=429, headers={"Retry-After": "12"}))
    with pytest.raises(Unavailable) as caught:
        HttpEndpoint(endpoint.url).send("app", records(1))
    assert caught.value.retry_after == 12.0


@pytest.mark.parametrize("answer", [Answer(hangs=True), Answer(is_dripping=True)], ids=str)
def test_a_call_ends_in_time(endpoint: FakeEndpoint, answer: Answer) -> None:
    """Whether nothing comes or a byte at a time."""
    endpoint.script.append(answer)
    destination = HttpEndpoint(endpoint.url, timeout=0.3)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer"):
        destination.send("app", records(1))
    in_time(time.monotonic() - began, 5)


def test_nobody_listens() -> None:
    """It is unavailable, and says how that came."""
    with pytest.raises(Unavailable, match=r"no answer \(EndpointConnectionError\)"):
        HttpEndpoint("http://127.0.0.1:1/firehose").send("app", records(1))


def test_a_record_that_the_endpoint_calls_wrong_is_found(endpoint: FakeEndpoint) -> None:
    """It is refused for good, and all others are taken in their order."""
    endpoint.judge = lambda data: b"poison" in data
    sent = [*records(4, keys=1), record(5, title="poison"), *records(4, keys=1, first=6)]
    outcomes = HttpEndpoint(endpoint.url).send("app", sent)
    assert [place for place, outcome in enumerate(outcomes) if outcome is not None] == [4]
    assert outcomes[4] is not None
    assert (outcomes[4].code, outcomes[4].is_permanent) == ("400", True)


def test_a_request_that_is_too_large_is_halved(endpoint: FakeEndpoint) -> None:
    """413 says so; the halves are requests of their own."""
    endpoint.script.append(Answer(status=413))
    assert HttpEndpoint(endpoint.url).send("app", records(8)) == [None] * 8
    assert [len(data) for *_, data in endpoint.requests] == [8, 4, 4]


def test_the_event_id_is_added_when_asked_for(endpoint: FakeEndpoint) -> None:
    """As a member at the end."""
    HttpEndpoint(endpoint.url, event_id=True).send("app", [record(1)])
    assert endpoint.data == [record(1).data[:-2] + b',"event_id":"event-1"}\n']


@pytest.mark.parametrize("application_id", ["a\r\nX-Evil: 1", "ü😀", "x" * 20_000])
def test_an_application_id_is_no_header(endpoint: FakeEndpoint, application_id: str) -> None:
    """Whatever is in it stays in its attribute."""
    assert HttpEndpoint(endpoint.url).send(application_id, records(1)) == [None]
    headers = endpoint.requests[0][1]
    assert "x-evil" not in headers
    attributes = orjson.loads(headers["x-amz-firehose-common-attributes"])
    assert attributes["commonAttributes"]["applicationId"] == application_id


def certificate(path: Path) -> None:
    """Write a key and a certificate for 127.0.0.1 that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))


def test_tls_is_checked(tmp_path: Path) -> None:
    """A certificate that nobody vouches for is no answer, unless its file is named."""
    path = tmp_path / "tls.pem"
    certificate(path)
    with FakeEndpoint(path) as endpoint:
        with pytest.raises(Unavailable, match=r"no answer \(SSLError\)"):
            HttpEndpoint(endpoint.url, access_key=KEY).send("app", records(1))
        assert endpoint.requests == []
        trusting = HttpEndpoint(endpoint.url, access_key=KEY, ca_file=str(path))
        assert trusting.send("app", records(1)) == [None]


@pytest.mark.parametrize(
    ("url", "options", "said"),
    [
        ("ftp://host/", {}, "no URL of an HTTP endpoint"),
        ("https://", {}, "no URL of an HTTP endpoint"),
        ("https://host:99999/", {}, "no URL of an HTTP endpoint"),
        ("https://[::1", {}, "no URL of an HTTP endpoint"),
        ("https://host/a\nb", {}, "no URL of an HTTP endpoint"),
        ("https://user:topsecret@host/", {}, "no place for secrets"),
        ("https://host/#x", {}, "has a #"),
        ("http://host.example/", {"access_key": KEY}, "in the clear: use https://"),
        ("https://host/", {"access_key": ""}, "access key for https://host is none"),
        ("https://host/", {"access_key": "a\nb"}, "access key for https://host is none"),
        ("https://host/", {"ca_file": "/nowhere.pem"}, "no file /nowhere.pem"),
        ("https://host/", {"timeout": 0}, "timeout must be above 0"),
        ("https://host/", {"most_records": 10_001}, "most_records must be from 1 to 10000"),
        ("https://host/", {"most_bytes": 0}, "most_bytes must be from 1"),
    ],
)
def test_what_is_wrong_is_said_at_once(url: str, options: dict[str, Any], said: str) -> None:
    """In one sentence, and without secrets."""
    with pytest.raises(ConfigurationError, match=re.escape(said)) as caught:
        HttpEndpoint(url, **options)
    assert "topsecret" not in str(caught.value)


def test_nothing_is_sent_of_nothing(endpoint: FakeEndpoint) -> None:
    """An empty call is no request."""
    assert HttpEndpoint(endpoint.url).send("app", []) == []
    assert endpoint.requests == []
