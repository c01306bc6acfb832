"""Ordinary clients get the engine's answers over HTTP."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
import uvicorn
from fastapi import FastAPI

import pinpoint_kit as pk
from pinpoint_kit.engine import Engine
from pinpoint_kit.server import asgi_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.conftest import RunningServer


def test_boto3_works_unchanged(server: RunningServer) -> None:
    """A boto3 client that only knows the URL writes and reads an endpoint."""
    client = server.boto3()
    app = client.create_app(CreateApplicationRequest={"Name": "shop"})["ApplicationResponse"]["Id"]
    client.update_endpoint(
        ApplicationId=app,
        EndpointId="device-1",
        EndpointRequest={"ChannelType": "EMAIL", "Address": "customer@example.com"},
    )
    found = client.get_endpoint(ApplicationId=app, EndpointId="device-1")
    assert found["EndpointResponse"]["Address"] == "customer@example.com"
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_endpoint(ApplicationId=app, EndpointId="device-2")


def test_a_place_that_the_server_was_not_given(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says how the server gets places, and nothing of credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    with (
        pk.connect(server.url, application_id=server.make_app()) as pinpoint,
        pytest.raises(pk.Forbidden, match=r"`pinpoint-kit serve --bucket NAME`.*see the message"),
    ):
        pinpoint.jobs.import_endpoints("s3://bucket/a.csv")


@pytest.mark.parametrize("endpoint_id", ["a/b", "../../v1/apps", "%2F", "a b+c", "é😀", ".."])
def test_ids_survive_the_path(server: RunningServer, endpoint_id: str) -> None:
    """An id with slashes, dots, percents and other scripts names its endpoint and nothing else."""
    client = server.boto3()
    app = server.make_app()
    client.update_endpoint(
        ApplicationId=app, EndpointId=endpoint_id, EndpointRequest={"OptOut": "ALL"}
    )
    found = client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)
    assert found["EndpointResponse"]["Id"] == endpoint_id


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/apps/..%2F..%2Fhealthz", 404),  # an application of that name, which there is not
        ("/v1/apps/../apps", 404),  # dots are not resolved
        ("//v1/apps", 404),
        ("/healthz%2F", 404),
        ("/v1/%61pps", 200),  # the same path, in other letters
        ("/v1/apps/%FF", 400),
        ("/v1/apps?page-size=%FF", 400),
        ("http://127.0.0.1/v1/apps", 200),
    ],
)
def test_paths_are_split_before_they_are_decoded(
    server: RunningServer, path: str, status: int
) -> None:
    """A path leads nowhere but where its own segments say."""
    assert server.ask("GET", path).status == status


def test_head_has_no_body(server: RunningServer) -> None:
    """HEAD is answered as the engine answers it, without a body, and the connection lives on."""
    client = server.client()
    answer = client.request("HEAD", "/v1/apps")
    assert (answer.status, answer.body) == (405, b"")
    assert int(answer.headers["content-length"]) > 0
    assert client.request("GET", "/healthz").status == 200


def test_preflight(server: RunningServer) -> None:
    """A browser may send the methods of the path and all headers that the AWS SDKs send."""
    answer = server.ask("OPTIONS", "/v1/apps/x/events", Origin="http://localhost:3000")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS,POST"
    allowed = answer.headers["access-control-allow-headers"].lower().split(",")
    sent = "amz-sdk-invocation-id amz-sdk-request authorization content-type x-amz-content-sha256"
    more = "x-amz-date x-amz-security-token x-amz-user-agent"  # aws-sdk-js v3; amplify
    assert set(f"{sent} {more}".split()) <= set(allowed)


def test_an_empty_answer_has_no_length(server: RunningServer) -> None:
    """204 carries neither a body nor a Content-Length, and the next answer is not disturbed."""
    app = server.make_app()
    arn = f"arn%3Aaws%3Amobiletargeting%3Aus-east-1%3A000000000000%3Aapps%2F{app}"
    client = server.client()
    answer = client.request("POST", f"/v1/tags/{arn}", b'{"tags": {"a": "b"}}')
    assert answer.status == 204
    assert "content-length" not in answer.headers
    assert client.request("GET", f"/v1/tags/{arn}").json == {"tags": {"a": "b"}}


def test_a_connection_serves_many_requests(server: RunningServer) -> None:
    """A connection stays open until a client asks for its end."""
    client = server.client()
    assert [client.request("GET", "/v1/apps").status for _ in range(3)] == [200] * 3
    assert client.request("GET", "/v1/apps", Connection="close").status == 200
    assert client.is_closed()


def test_pipelined_requests_are_answered_in_order(server: RunningServer) -> None:
    """Requests that are sent without waiting get their own answers, one after the other."""
    client = server.client()
    names = [f"app-{number}" for number in range(20)]
    for name in names:
        body = json.dumps({"Name": name}).encode()
        head = f"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        client.send(head.encode() + body)
    assert [client.answer().json["Name"] for _ in names] == names


def test_a_client_may_ask_before_it_sends(server: RunningServer) -> None:
    """`Expect: 100-continue` is answered before the body comes."""
    client = server.client()
    client.send(
        b"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nContent-Length: 13\r\n"
        b"Expect: 100-continue\r\n\r\n"
    )
    assert client.answer().status == 100
    client.send(b'{"Name": "a"}')
    assert client.answer().status == 201


def test_a_body_may_come_in_chunks(server: RunningServer) -> None:
    """A chunked body is read like any other."""
    client = server.client()
    client.send(
        b"POST /v1/apps HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'8\r\n{"Name":\r\n5;x=y\r\n "a"}\r\n0\r\n\r\n'
    )
    assert client.answer().json["Name"] == "a"


def test_every_answer_carries_a_request_id(server: RunningServer) -> None:
    """Answers of the engine and of the server each have an id of their own."""
    answers = [
        server.ask("GET", "/v1/apps"),
        server.ask("GET", "/nowhere"),
        server.ask("GET", "/healthz"),
        server.ask("GET", "/metrics"),
        server.ask("GET", "/v1/apps", Origin="https://example.com"),
        server.ask("POST", "/v1/apps", Transfer_Encoding="chunked"),
    ]
    ids = {answer.headers["x-amzn-requestid"] for answer in answers}
    assert len(ids) == len(answers)
    assert answers[1].json["RequestID"] == answers[1].headers["x-amzn-requestid"]


def test_an_application_in_another_one(serve_app: Callable[[Any], int]) -> None:
    """Mounted below a path of another ASGI application, everything still finds its way."""
    outer = FastAPI()
    engine = Engine.open("sqlite://")
    outer.mount("/pinpoint", asgi_app(engine))
    port = serve_app(outer)
    client = boto3.client(
        "pinpoint",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}/pinpoint",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    app = client.create_app(CreateApplicationRequest={"Name": "a"})["ApplicationResponse"]["Id"]
    client.update_endpoint(ApplicationId=app, EndpointId="a/b", EndpointRequest={})
    assert client.get_endpoint(ApplicationId=app, EndpointId="a/b")
    client.close()
    engine.close()


@pytest.fixture
def serve_app() -> Any:
    """Run an ASGI application under uvicorn as it comes, and return the port."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(app: Any) -> int:
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None))
        thread = threading.Thread(target=server.run)
        running.append((server, thread))
        thread.start()
        while not server.started:
            thread.join(0.01)
        port: int = server.servers[0].sockets[0].getsockname()[1]
        return port

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


def test_answers_are_sent_at_once(server: RunningServer) -> None:
    """No answer waits until the client has confirmed an earlier piece of it."""
    client = server.client()
    assert client.request("GET", "/healthz").status == 200
    for connection in list(server.uvicorn.server_state.connections):
        peer = cast("Any", connection).transport.get_extra_info("socket")
        assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_client_that_sends_all_before_it_reads_gets_its_answer(server: RunningServer) -> None:
    """The answer to a body that is too long is not lost with what was still under way."""
    answer = server.ask("PUT", "/v1/apps/x/endpoints", b"x" * 12_000_000)
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")
