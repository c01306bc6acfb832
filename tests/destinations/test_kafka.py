"""Kafka: librdkafka's mock cluster, read back by aiokafka, and every way in which it fails."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.destinations import Kafka, Unavailable
from tests.destinations.mock_kafka import (
    INVALID_RECORD,
    MSG_SIZE_TOO_LARGE,
    NOT_ENOUGH_REPLICAS,
    POLICY_VIOLATION,
    TOPIC_AUTHORIZATION_FAILED,
    MockKafka,
    break_producer,
)
from tests.destinations.records import by_key, record, records
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def kafka() -> Iterator[MockKafka]:
    """Give a cluster."""
    with MockKafka() as kafka:
        yield kafka


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """Give a topic that nobody else writes to."""
    return str(request.node.name)


@pytest.fixture
def destination(kafka: MockKafka, topic: str) -> Iterator[Kafka]:
    """Give a destination on it."""
    destination = Kafka(topic, kafka.servers, timeout=10)
    yield destination
    destination.close()
    destination.close()


def test_messages_are_read_by_another_client(
    kafka: MockKafka, topic: str, destination: Kafka
) -> None:
    """The data as it is, the key, the event's id in a header, each endpoint in one partition."""
    sent = records(2_000, keys=50)
    assert destination.send("app", sent) == [None] * 2_000
    messages = kafka.read(topic)
    assert sorted(data for _, data, _, _ in messages) == sorted(one.data for one in sent)
    expected = {one.data: (one.key, {"event-id": one.event_id.encode()}) for one in sent}
    assert all(expected[data] == (key, headers) for key, data, headers, _ in messages)
    partitions: dict[str, set[int]] = {}
    for key, _, _, partition in messages:
        partitions.setdefault(key, set()).add(partition)
    assert all(len(found) == 1 for found in partitions.values())
    order = by_key([data for _, data, _, _ in messages])
    assert all(numbers == sorted(numbers) for numbers in order.values())


@pytest.mark.slow
def test_a_producer_serves_many_calls(kafka: MockKafka, topic: str, destination: Kafka) -> None:
    """It is made once."""
    for first in (1, 11, 21):
        assert destination.send("app", records(10, first=first)) == [None] * 10
        producer = destination._producer
        assert producer is not None
    assert destination._producer is producer
    assert len(kafka.read(topic)) == 30


@pytest.mark.slow
def test_errors_that_pass_are_librdkafkas_business(
    kafka: MockKafka, topic: str, destination: Kafka
) -> None:
    """It writes again what a broker could not take for a moment, once and in order."""
    kafka.fail(NOT_ENOUGH_REPLICAS, NOT_ENOUGH_REPLICAS)
    assert destination.send("app", records(100)) == [None] * 100
    order = by_key([data for _, data, _, _ in kafka.read(topic)])
    assert {tuple(numbers) for numbers in order.values()} == {
        tuple(range(first, 101, 10)) for first in range(1, 11)
    }


def test_a_refusal_of_all_is_unavailable(kafka: MockKafka, topic: str, destination: Kafka) -> None:
    """With Kafka's word for it; the next call makes another producer and goes through."""
    kafka.fail(TOPIC_AUTHORIZATION_FAILED)
    with pytest.raises(Unavailable, match=r"kafka://.*: TOPIC_AUTHORIZATION_FAILED"):
        destination.send("app", [record(1)])
    assert destination.send("app", [record(1)]) == [None]
    assert len(kafka.read(topic)) == 1


def test_order_by_endpoint_survives_a_refusal_in_the_middle(
    kafka: MockKafka, topic: str, destination: Kafka
) -> None:
    """What comes after it on its partition fails, too, and all of it is sent again."""
    small = Kafka(topic, kafka.servers, config={"batch.num.messages": 10}, timeout=10)
    assert destination.send("app", [record(1)]) == [None]
    kafka.fail(0, POLICY_VIOLATION)  # of one batch, and not of those behind it
    left = records(300, keys=3, first=2)
    outcomes = small.send("app", left)
    assert 0 < sum(outcome is None for outcome in outcomes) < 300
    while left:
        left = [one for one, outcome in zip(left, outcomes, strict=True) if outcome is not None]
        outcomes = small.send("app", left)
    order = by_key([data for _, data, _, _ in kafka.read(topic)])
    assert sorted(sum(order.values(), [])) == list(range(1, 302))  # noqa: RUF017 -- three lists
    assert all(numbers == sorted(numbers) for numbers in order.values())
    small.close()


def test_a_producer_that_failed_for_good_is_replaced(
    kafka: MockKafka, topic: str, destination: Kafka
) -> None:
    """Its call is unavailable, and the next one goes through."""
    destination.send("app", [record(1)])
    broken = destination._producer
    break_producer(broken)
    with pytest.raises(Unavailable, match=r"_FATAL|OUT_OF_ORDER"):
        destination.send("app", [record(2)])
    assert destination.send("app", [record(2)]) == [None]
    assert destination._producer is not broken
    assert len(kafka.read(topic)) == 2


@pytest.mark.slow
def test_what_is_too_large_is_never_sent(kafka: MockKafka, topic: str, destination: Kafka) -> None:
    """It is refused for good, and all others are taken."""
    large = record(2, title="x" * 1_000_000)
    first, second, third = destination.send("app", [record(1), large, record(3)])
    assert first is third is None
    assert second is not None
    assert (second.code, second.is_permanent) == ("MSG_SIZE_TOO_LARGE", True)
    raised = Kafka(topic, kafka.servers, most_record_bytes=2_000_000)
    assert raised.send("app", [large]) == [None]
    raised.close()


@pytest.mark.slow
def test_a_broker_that_refuses_a_batch_gets_its_messages_alone(
    kafka: MockKafka, topic: str
) -> None:
    """Only what is too large alone is refused for good."""
    destination = Kafka(topic, kafka.servers, config={"linger.ms": 1_000}, timeout=10)
    destination.send("app", [record(1)])
    kafka.fail(MSG_SIZE_TOO_LARGE, 0, MSG_SIZE_TOO_LARGE)
    outcomes = destination.send("app", records(4, keys=1, first=2))
    assert [outcome is None for outcome in outcomes] == [True, False, True, True]
    assert outcomes[1] is not None
    assert (outcomes[1].code, outcomes[1].is_permanent) == ("MSG_SIZE_TOO_LARGE", True)


@pytest.mark.slow
def test_a_record_that_a_broker_calls_wrong(kafka: MockKafka, destination: Kafka) -> None:
    """It is refused for good, with Kafka's word for it."""
    kafka.fail(INVALID_RECORD)
    (outcome,) = destination.send("app", [record(1)])
    assert outcome is not None
    assert (outcome.code, outcome.is_permanent) == ("INVALID_RECORD", True)
    assert destination.send("app", [record(2)]) == [None]


def test_a_call_ends_in_time() -> None:
    """When no broker answers any more; what was not written by then never is."""
    kafka = MockKafka()
    destination = Kafka("events", kafka.servers, timeout=3)
    assert destination.send("app", records(2)) == [None, None]
    kafka.close()
    began = time.monotonic()
    with pytest.raises(Unavailable, match=r"no acknowledgement in time \(_\w+\)"):
        destination.send("app", records(2))
    in_time(time.monotonic() - began, 8)
    assert destination._producer is None
    destination.close()


def test_nobody_listens() -> None:
    """It opens all the same, and is unavailable."""
    destination = Kafka("events", "127.0.0.1:1", timeout=0.3)
    with pytest.raises(Unavailable, match=re.escape("127.0.0.1:1/events: no acknowledgement")):
        destination.send("app", records(1))
    destination.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_makes_a_producer_of_its_own(
    kafka: MockKafka, topic: str, destination: Kafka
) -> None:
    """The parent's threads are not there: the child neither waits for them nor ends them."""
    destination.send("app", [record(1)])
    if (pid := os.fork()) == 0:
        done = destination.send("app", [record(2)]) == [None]
        destination.close()
        os._exit(0 if done else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert destination.send("app", [record(3)]) == [None]
    assert len(kafka.read(topic)) == 3


@pytest.mark.slow
def test_the_event_id_is_added_to_the_record_when_asked_for(kafka: MockKafka, topic: str) -> None:
    """Beside the header, which is always there."""
    destination = Kafka(topic, kafka.servers, event_id=True)
    destination.send("app", [record(1)])
    ((_, data, headers, _),) = kafka.read(topic)
    assert data == record(1).data[:-2] + b',"event_id":"event-1"}\n'
    assert headers == {"event-id": b"event-1"}
    destination.close()


def test_nothing_is_sent_of_nothing() -> None:
    """An empty call waits for nobody."""
    assert Kafka("events", "127.0.0.1:1").send("app", []) == []


def test_a_queue_that_is_full_is_waited_for(kafka: MockKafka, topic: str) -> None:
    """Messages go in as others come out, in their order, until time is over."""
    small = {"queue.buffering.max.messages": 10}
    destination = Kafka(topic, kafka.servers, config=small, timeout=10)
    assert destination.send("app", records(100)) == [None] * 100
    destination.close()
    nowhere = Kafka(topic, "127.0.0.1:1", config=small, timeout=0.3)
    with pytest.raises(Unavailable, match="no acknowledgement in time"):
        nowhere.send("app", records(100))
    nowhere.close()


def test_calls_take_turns() -> None:
    """One that comes while another one takes all the time is unavailable."""
    destination = Kafka("events", "127.0.0.1:1", timeout=0.1)
    with destination._lock, pytest.raises(Unavailable, match="another call took all the time"):
        destination.send("app", records(1))
