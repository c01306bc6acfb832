"""The faulty Pinpoint itself: what is said happens, in process and over the socket."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal

import attrs
import boto3
import botocore.exceptions as aws
import pytest
from botocore import UNSIGNED
from botocore.config import Config

import pinpoint_kit as pk
from pinpoint_kit import testing
from pinpoint_kit.testing import Fault, FaultyPinpoint
from pinpoint_kit.transport import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Connect = Literal["in process", "socket"]
ONCE = RetryPolicy(max_attempts=1)


@pytest.fixture(params=["in process", "socket"])
def pinpoint(
    request: pytest.FixtureRequest, faulty_pinpoint: FaultyPinpoint
) -> Iterator[pk.Pinpoint]:
    """Give a client of the test's faulty Pinpoint, through both doors, that tries once."""
    if request.param == "socket":
        opened = pk.connect(
            faulty_pinpoint.url,
            application_id=faulty_pinpoint.application_id,
            timeout=0.5,
            retry=ONCE,
        )
    else:
        opened = faulty_pinpoint.connect(retry=ONCE)
    with opened:
        yield opened


@pytest.mark.parametrize(
    ("fault", "error", "stored"),
    [
        (Fault.refused(500), pk.errors.InternalServerError, 0),
        (Fault.refused(503), pk.errors.ServiceError, 0),
        (Fault.refused(403), pk.errors.Forbidden, 0),
        (Fault.refused(404), pk.errors.NotFound, 0),
        (Fault.refused(413), pk.errors.PayloadTooLarge, 0),
        (Fault.throttled(), pk.errors.TooManyRequests, 0),
        (Fault.hang(0.1), pk.errors.TransportError, 0),
        (Fault.hang(0.1, is_stored=True), pk.errors.TransportError, 1),
        (Fault.reset_before(), pk.errors.TransportError, 0),
        (Fault.reset_after(), pk.errors.TransportError, 1),
        (Fault.truncated(), pk.errors.TransportError, 1),
        (Fault.garbled(), pk.errors.TransportError, 1),
        (Fault.html(), pk.errors.TransportError, 0),
        (Fault.html(502), pk.errors.ForeignAnswerError, 0),
    ],
    ids=repr,
)
def test_a_fault_fails_as_it_says(
    pinpoint: pk.Pinpoint,
    faulty_pinpoint: FaultyPinpoint,
    fault: Fault,
    error: type[Exception],
    stored: int,
) -> None:
    """The client sees the same failure through both doors, and the engine gets what it should."""
    faulty_pinpoint.script([fault])
    with pytest.raises(error):
        pinpoint.events.put("device-1", "step")
    assert faulty_pinpoint.count() == stored
    assert pinpoint.events.put("device-1", "step").is_accepted
    assert [request.fault for request in faulty_pinpoint.requests] == [fault, Fault.none()]


@pytest.mark.parametrize("fault", [Fault.latency(0.05), Fault.slow_bytes(0.1), Fault.none()])
def test_a_late_answer_is_the_right_one(
    pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint, fault: Fault
) -> None:
    """Latency and slow bytes change the time and nothing else."""
    faulty_pinpoint.script([fault])
    assert pinpoint.events.put("device-1", "step").is_accepted
    assert faulty_pinpoint.count() == 1


def test_retry_after_reaches_the_client(
    pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint
) -> None:
    """The header is on the wire, and the error knows it."""
    faulty_pinpoint.script([Fault.throttled(retry_after=1.5)])
    with pytest.raises(pk.errors.TooManyRequests) as caught:
        pinpoint.events.put("device-1", "step")
    assert caught.value.retry_after == 1.5


def put_three(pinpoint: pk.Pinpoint) -> dict[str, Any]:
    """One request with the events a, b and c, of two endpoints."""
    event = {"EventType": "step", "Timestamp": "2026-01-01T00:00:00Z"}
    batch = {
        "device-1": {"Endpoint": {}, "Events": {"a": event, "b": event}},
        "device-2": {"Endpoint": {}, "Events": {"c": event}},
    }
    answer = pinpoint.call("PutEvents", EventsRequest={"BatchItem": batch})
    results: dict[str, Any] = answer["EventsResponse"]["Results"]
    return {
        event_id: found["StatusCode"]
        for item in results.values()
        for event_id, found in item["EventsItemResponse"].items()
    }


def test_items_get_their_status_and_are_not_stored(
    pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint
) -> None:
    """Named events get the status; the others of the request are stored."""
    faulty_pinpoint.script([Fault.items(429, ["b", "c", "elsewhere"]), Fault.items(500)])
    assert put_three(pinpoint) == {"a": 202, "b": 429, "c": 429}
    assert faulty_pinpoint.event_ids() == ["a"]
    assert put_three(pinpoint) == {"a": 500, "b": 500, "c": 500}
    assert faulty_pinpoint.event_ids() == ["a"]


def test_missing_items_are_stored(pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint) -> None:
    """The answer does not mention them, and the engine has them."""
    faulty_pinpoint.script([Fault.missing(["b"])])
    assert put_three(pinpoint) == {"a": 202, "c": 202}
    assert sorted(faulty_pinpoint.event_ids()) == ["a", "b", "c"]


def test_too_large_depends_on_the_number_of_events(
    pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint
) -> None:
    """A request over the number gets 413, a smaller one passes and is recorded as such."""
    faulty_pinpoint.always(Fault.too_large(over_events=2))
    with pytest.raises(pk.errors.PayloadTooLarge):
        put_three(pinpoint)
    pinpoint.events.put("device-1", "step")
    assert [r.fault.kind for r in faulty_pinpoint.requests] == ["too_large", "none"]


def test_a_share_is_drawn_by_lot_and_repeatable() -> None:
    """The same seed gives the same faults; the share is about kept."""

    def kinds() -> list[str]:
        with FaultyPinpoint() as faulty, faulty.connect(retry=ONCE) as pinpoint:
            faulty.chaos(share=0.5, kinds=[Fault.refused(503), Fault.html()], seed=7)
            for _ in range(60):
                with suppress(pk.errors.PinpointKitError):
                    pinpoint.events.put("device-1", "step")
            return [request.fault.kind for request in faulty.requests]

    first = kinds()
    assert first == kinds()
    assert 15 < first.count("none") < 45
    assert set(first) == {"none", "status", "html"}


def test_other_operations_use_up_no_script(faulty_pinpoint: FaultyPinpoint) -> None:
    """A script for PutEvents waits for PutEvents; None means every operation."""
    with faulty_pinpoint.connect(retry=ONCE) as pinpoint:
        faulty_pinpoint.script([Fault.refused(503)])
        pinpoint.endpoints.update(pk.Endpoint(id="device-1"))
        with pytest.raises(pk.errors.ServiceError):
            pinpoint.events.put("device-1", "step")
        faulty_pinpoint.script([Fault.refused(503)], operation=None)
        with pytest.raises(pk.errors.ServiceError):
            pinpoint.endpoints.get("device-1")
    operations = [request.operation for request in faulty_pinpoint.requests]
    assert operations == ["UpdateEndpoint", "PutEvents", "GetEndpoint"]


def test_release_ends_a_hanging_request(
    pinpoint: pk.Pinpoint, faulty_pinpoint: FaultyPinpoint
) -> None:
    """A request that hangs ends without an answer when the test says so."""
    faulty_pinpoint.script([Fault.hang()])
    ended: list[Exception] = []

    def put() -> None:
        try:
            pinpoint.events.put("device-1", "step")
        except pk.errors.TransportError as error:
            ended.append(error)

    thread = threading.Thread(target=put)
    thread.start()
    while not faulty_pinpoint.requests and thread.is_alive():
        thread.join(0.01)
    faulty_pinpoint.release()
    thread.join(5.0)
    assert len(ended) == 1


def test_an_outage_closes_the_port_and_keeps_the_data(faulty_pinpoint: FaultyPinpoint) -> None:
    """After `stop` nobody listens; after `start` the same port answers with the same data."""
    url, application_id = faulty_pinpoint.url, faulty_pinpoint.application_id
    port = int(url.rpartition(":")[2])
    with pk.connect(url, application_id=application_id, retry=ONCE) as pinpoint:
        pinpoint.events.put("device-1", "step")
        faulty_pinpoint.stop()
        faulty_pinpoint.stop()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1.0)
        with pytest.raises(pk.errors.TransportError):
            pinpoint.events.put("device-1", "step")
        faulty_pinpoint.start()
        faulty_pinpoint.start()
        assert faulty_pinpoint.url == url
        pinpoint.events.put("device-1", "step")
    assert faulty_pinpoint.count() == 2


def test_it_attaches_to_any_client(faulty_pinpoint: FaultyPinpoint) -> None:
    """A boto3 client, or a Pinpoint around one, is answered in place of the network."""
    client: Any = boto3.client(
        "pinpoint",
        region_name="us-east-1",
        config=Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}),
    )
    with pk.Pinpoint(client, faulty_pinpoint.application_id, retry=ONCE) as pinpoint:
        faulty_pinpoint.attach(pinpoint)
        faulty_pinpoint.script([Fault.reset_after()])
        with pytest.raises(pk.errors.TransportError):
            pinpoint.events.put("device-1", "step")
        assert pinpoint.events.put("device-1", "step").is_accepted
    faulty_pinpoint.script([Fault.hang(0.01)], operation=None)
    with pytest.raises(aws.ReadTimeoutError):
        client.get_apps()
    client.close()


def test_a_client_of_an_engine_is_not_taken_over(faulty_pinpoint: FaultyPinpoint) -> None:
    """Two engines cannot answer one client: the error says what to do instead."""
    with (
        pk.connect("sqlite://") as pinpoint,
        pytest.raises(pk.errors.ConfigurationError, match=r"FaultyPinpoint\.connect"),
    ):
        faulty_pinpoint.attach(pinpoint)


def test_events_are_read_back(faulty_pinpoint: FaultyPinpoint) -> None:
    """`events` gives what is stored, all or of one type."""
    with faulty_pinpoint.connect() as pinpoint:
        pinpoint.events.put("device-1", "step", metrics={"n": 1})
        pinpoint.events.put("device-1", "other")
    [step] = faulty_pinpoint.events("step")
    assert (step.endpoint_id, step.event.metrics) == ("device-1", {"n": 1.0})
    assert [recorded.event.type for recorded in faulty_pinpoint.events()] == ["step", "other"]


def test_nothing_shows_content(faulty_pinpoint: FaultyPinpoint) -> None:
    """What is printed of requests and faults holds counts and kinds only."""
    with faulty_pinpoint.connect() as pinpoint:
        event = pk.Event(type="secret-type", id="secret-id")
        pinpoint.events.put("secret-device", event)
    shown = repr(faulty_pinpoint.requests) + repr(faulty_pinpoint)
    assert "secret" not in shown
    assert "secret" not in repr(Fault.items(429, ["secret-id"]))


def test_a_fault_is_a_value() -> None:
    """Faults compare by what they say and cannot be changed."""
    assert Fault.items(429, ["a"]) == Fault.items(429, {"a"})
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Fault.none().kind = "hang"  # type: ignore[misc]


def test_unknown_names_are_refused() -> None:
    """The lazy front of the testing kit has no other names than its own."""
    lazily: Callable[[str], object] = testing.__getattr__
    for name in testing.__all__:
        assert getattr(testing, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        lazily("nothing")


@pytest.mark.parametrize("nonsense", [b"", b"GET\r\n\r\n", b"POST /v1/apps HTTP/1.1\r\n\r\n"])
def test_the_server_survives_nonsense(faulty_pinpoint: FaultyPinpoint, nonsense: bytes) -> None:
    """Whatever a connection sends, the next one is served."""
    host, port = faulty_pinpoint.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), 5.0) as connection:
        connection.sendall(nonsense)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1_000):
            pass
    with pk.connect(faulty_pinpoint.url, application="shop", wait=10.0) as pinpoint:
        assert len(pinpoint.applications.list()) == 2
