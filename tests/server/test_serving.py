"""Ordinary clients get the engine's answers over HTTP."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from .conftest import RunningServer


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


def test_head_has_no_body(server: RunningServer) -> None:
    """HEAD is answered like the engine answers it, without a body, and the connection lives on."""
    client = server.client()
    answer = client.request("HEAD", "/v1/apps")
    assert (answer.status, answer.body) == (405, b"")
    assert int(answer.headers["content-length"]) > 0
    assert client.request("GET", "/healthz").status == 200


def test_preflight(server: RunningServer) -> None:
    """A browser may send what the AWS SDKs send."""
    answer = server.ask("OPTIONS", "/v1/apps/x/events", Origin="http://localhost:3000")
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "OPTIONS,POST"
    assert "Authorization" in answer.headers["access-control-allow-headers"]


def test_answers_are_sent_at_once(server: RunningServer) -> None:
    """No answer waits until the client has confirmed an earlier piece of it."""
    client = server.client()
    assert client.request("GET", "/healthz").status == 200
    (connection,) = server.uvicorn.server_state.connections
    peer = cast("Any", connection).transport.get_extra_info("socket")
    assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_a_client_that_sends_all_before_it_reads_gets_its_answer(server: RunningServer) -> None:
    """The answer to a body that is too long is not lost with what was still under way."""
    answer = server.ask("PUT", "/v1/apps/x/endpoints", b"x" * 12_000_000)
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")
