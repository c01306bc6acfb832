"""Probes, metrics and the access log: what is seen of the server, and what never is."""

from __future__ import annotations

import json
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.server import access_log
from pinpoint_kit.server.access.authenticator import Authenticator
from pinpoint_kit.server.metrics import Metrics
from tests.server import signing
from tests.server.conftest import SlowEngine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.server.conftest import Log, RunningServer

    Serve = Callable[..., RunningServer]

PERSONAL = ("customer@example.com", "user-1", "device-1", "203.0.113.7", "lisbon", "127.0.0.1")


def metrics_of(server: RunningServer) -> dict[str, float]:
    """Return the samples of `/metrics` by name and labels."""
    lines = server.ask("GET", "/metrics").body.decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def write_everything_personal(server: RunningServer) -> None:
    """Put personal data wherever a request can hold it, successfully and not."""
    app = server.make_app()
    body = {
        "ChannelType": "EMAIL",
        "Address": "customer@example.com",
        "Attributes": {"city": ["lisbon"]},
        "User": {"UserId": "user-1"},
    }
    path = f"/v1/apps/{app}/endpoints/device-1"
    headers = {"X_Forwarded_For": "203.0.113.7", "User_Agent": "customer@example.com"}
    for content in (json.dumps(body).encode(), b'{"Address": "customer@example.com"', b"[]"):
        server.ask("PUT", f"{path}?who=customer%40example.com", content, **headers)
    server.ask("GET", path)
    server.ask("GET", f"/v1/apps/{app}/users/user-1")
    server.ask("GET", "/customer@example.com")
    server.ask("customer@example.com".replace("@", "-"), "/v1/apps")


def test_the_log_says_what_happened(server: RunningServer, log: Log) -> None:
    """A line has the request's id, operation, outcome, sizes and duration."""
    body = b'{"Name": "shop"}'
    answer = server.ask("POST", "/v1/apps", body)
    [line] = log.lines(1)
    assert line.pop("duration_ms") > 0
    written = datetime.fromisoformat(line.pop("time").replace("Z", "+00:00"))
    assert abs((datetime.now(timezone.utc) - written).total_seconds()) < 60
    assert line == {
        "request_id": answer.headers["x-amzn-requestid"],
        "method": "POST",
        "operation": "CreateApp",
        "status": 201,
        "bytes_in": len(body),
        "bytes_out": len(answer.body),
    }


def test_the_log_says_why_not(server: RunningServer, log: Log) -> None:
    """A refusal names its exception, and its reason when the engine was not asked."""
    server.ask("GET", "/v1/apps/x")
    server.ask("GET", "/v1/apps", Origin="https://example.com")
    seen = [(line["status"], line["error"], line.get("reason")) for line in log.lines(2)]
    assert seen == [(404, "NotFoundException", None), (403, "ForbiddenException", "not_local")]


def test_the_log_holds_nothing_personal(server: RunningServer, log: Log) -> None:
    """Neither paths, queries, headers nor bodies show in the log or the metrics."""
    write_everything_personal(server)
    lines = log.lines(8)
    seen = json.dumps(lines) + server.ask("GET", "/metrics").body.decode()
    assert [word for word in PERSONAL if word in seen] == []
    assert lines[-1]["method"] == "other"


def test_addresses_are_logged_on_request(serve: Serve, log: Log) -> None:
    """Who wants the clients' addresses gets them."""
    serve(log_addresses=True).ask("GET", "/v1/apps")
    assert [line["address"] for line in log.lines(1)] == ["127.0.0.1"]


def test_no_access_log(serve: Serve, log: Log) -> None:
    """The log can be left out."""
    silent, other = serve(access_log=False), serve()
    silent.ask("GET", "/v1/apps")
    other.ask("GET", "/nowhere")
    assert [line["status"] for line in log.lines(1)] == [404]


def test_a_log_that_nobody_wants_costs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is written where the logger is not enabled."""
    caplog.set_level("WARNING", access_log.LOGGER)
    access_log.write(access_log.Entry(method="GET"))
    assert caplog.records == []


def test_metrics_count_by_operation(serve: Serve, log: Log) -> None:
    """Requests, durations and refusals are counted; probes are not."""
    server = serve(local_only=True)
    app = server.make_app()
    server.ask("GET", f"/v1/apps/{app}")
    server.ask("GET", "/v1/apps/x")
    server.ask("GET", "/v1/apps", Origin="https://example.com")
    server.ask("GET", "/healthz")
    log.lines(4)
    samples = metrics_of(server)
    requests = {name: value for name, value in samples.items() if "_requests_total" in name}
    assert requests == {
        'pinpoint_kit_requests_total{operation="CreateApp",status="201"}': 1,
        'pinpoint_kit_requests_total{operation="GetApp",status="200"}': 1,
        'pinpoint_kit_requests_total{operation="GetApp",status="404"}': 1,
        'pinpoint_kit_requests_total{operation="GetApps",status="403"}': 1,
    }
    assert samples['pinpoint_kit_requests_refused_total{reason="not_local"}'] == 1
    assert samples['pinpoint_kit_request_duration_seconds_count{operation="GetApp"}'] == 2
    assert samples["pinpoint_kit_requests_in_flight"] == 0


def test_labels_are_few(server: RunningServer, log: Log) -> None:
    """A client cannot make series by inventing paths, methods or operations."""
    before = len(metrics_of(server))
    for number in range(30):
        server.ask("GET", f"/v1/apps/{number}")
        server.ask("GET", f"/nowhere/{number}")
        server.ask(f"METHOD{number}", "/v1/apps")
    log.lines(90)
    assert len(metrics_of(server)) - before < 60


def test_probes(server: RunningServer) -> None:
    """Both probes say ok, to HEAD as well, and to no other method."""
    for path in ("/healthz", "/readyz"):
        assert server.ask("GET", path).json == {"status": "ok"}
        assert server.ask("GET", path).headers["cache-control"] == "no-store"
        assert server.ask("HEAD", path).status == 200
        assert server.ask("POST", path).status == 405


def test_not_ready(serve: Serve) -> None:
    """A database that cannot be used makes the server not ready, but alive."""
    server = serve()
    server.engine.close()
    assert server.ask("GET", "/healthz").status == 200
    answer = server.ask("GET", "/readyz")
    assert answer.status == 503
    assert answer.json == {"status": "unavailable", "reason": "the engine refuses"}


def test_not_ready_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that stands still is asked by one probe at a time, and the others share that."""
    server = serve()
    engine = SlowEngine(server.engine, monkeypatch)
    monkeypatch.setattr("pinpoint_kit.server.probes._READY_WITHIN_S", 0.1)
    for _ in range(3):
        answer = server.ask("GET", "/readyz")
        assert answer.status == 503
        assert answer.json["reason"] == "the engine does not answer in time"
    engine.wait_for(1)
    assert not engine.is_entered()
    engine.release()
    while server.ask("GET", "/readyz").status != 200:
        pass


def test_metrics_of_several_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a directory for several processes, what is in it is what is shown."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    metrics = Metrics()
    metrics.in_flight.inc()
    assert b"pinpoint_kit" not in metrics.exposition()  # this process keeps no files


@pytest.fixture
def guarded(serve: Serve, tmp_path: Path) -> RunningServer:
    """Give a server with the authenticator of the signing tests."""
    return serve(authenticator=Authenticator.load(signing.write_file(tmp_path / "credentials")))


def test_metrics_for_monitors_of_this_machine(
    guarded: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With credentials, this machine reads the metrics unsigned, and others only signed."""
    assert guarded.ask("GET", "/metrics").status == 200
    monkeypatch.setattr(
        "pinpoint_kit.server.access.admission.local_only.is_loopback", lambda _: False
    )
    answer = guarded.ask("GET", "/metrics")
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    assert guarded.ask("GET", "/healthz").status == 200
    assert guarded.ask("GET", "/readyz").status == 200


@pytest.mark.parametrize(
    "headers", ["Host: metrics.example.com", "Host: localhost\r\nOrigin: https://example.com"]
)
def test_metrics_under_another_name(guarded: RunningServer, headers: str) -> None:
    """Under another host's name, or for a web page, an unsigned request is told where to ask."""
    client = guarded.client()
    client.send(f"GET /metrics HTTP/1.1\r\n{headers}\r\n\r\n".encode())
    answer = client.answer()
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    assert "at a loopback address such as http://127.0.0.1" in answer.json["Message"]
    assert "or sign the request" in answer.json["Message"]


def test_signed_metrics_under_another_name(guarded: RunningServer) -> None:
    """A key for all applications reads the metrics through a proxy of this machine, too."""
    for key, status in ((signing.ADMIN, 200), (signing.WRITER, 403)):
        sent = signing.sign("GET", "/metrics", b"", key=key)
        lines = ["GET /metrics HTTP/1.1", *(f"{name}: {value}" for name, value in sent.headers)]
        client = guarded.client()
        client.send("\r\n".join([*lines, "", ""]).encode())
        assert client.answer().status == status


def test_strangers_are_not_read(guarded: RunningServer, log: Log) -> None:
    """A large body that nobody known has signed is refused before it comes; a small one after."""
    client = guarded.client()
    client.send(b"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n")
    answer = client.answer()
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")
    assert client.is_closed()
    other = guarded.client()
    assert [other.request("POST", "/v1/apps", b"{}").status for _ in range(2)] == [403, 403]
    assert [line["bytes_in"] for line in log.lines(3)] == [0, 2, 2]


def test_the_log_names_the_key(guarded: RunningServer, log: Log) -> None:
    """The access key that signed a request is in its line; of others there is none."""
    client = guarded.boto3(signing.WRITER, signing.SECRETS[signing.WRITER])
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_app(ApplicationId=signing.APP)
    guarded.ask("GET", "/v1/apps")
    signed, unsigned = log.lines(2)
    assert signed["access_key_id"] == signing.WRITER
    assert "access_key_id" not in unsigned
    assert unsigned["reason"] == "not_admitted"
    assert not re.search("secret|signature", json.dumps(signed), re.IGNORECASE)
