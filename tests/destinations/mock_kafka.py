"""A Kafka cluster of librdkafka's own, on loopback sockets, that fails as it is told.

It lives in a producer that is made for that. What Python's binding does not show of it (errors of
single requests) is called in the library itself.
"""

from __future__ import annotations

import asyncio
import ctypes
from pathlib import Path
from typing import TYPE_CHECKING, Any

import confluent_kafka
from aiokafka import AIOKafkaConsumer

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["MSG_SIZE_TOO_LARGE", "NOT_ENOUGH_REPLICAS", "Message", "MockKafka", "break_producer"]

#: Of Kafka's protocol.
MSG_SIZE_TOO_LARGE = 10
NOT_ENOUGH_REPLICAS = 19
TOPIC_AUTHORIZATION_FAILED = 29
POLICY_VIOLATION = 44
INVALID_RECORD = 87
_PRODUCE = 0
#: Local codes of librdkafka.
_OUT_OF_ORDER = 45

Message = tuple[str, bytes, dict[str, bytes], int]


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent
    found = [*folder.parent.glob("confluent_kafka.libs/librdkafka*"), *folder.glob(".dylibs/*")]
    return ctypes.CDLL(str(found[0]))


def _handle(producer: object) -> ctypes.c_void_p:
    """Return librdkafka's handle: the first member behind the head of Python's object."""
    place = id(producer) + object.__basicsize__
    return ctypes.c_void_p(ctypes.c_void_p.from_address(place).value)


def break_producer(producer: object) -> None:
    """Make a producer fail for good, as it does when it finds its messages out of order."""
    failed = _library().rd_kafka_test_fatal_error(_handle(producer), _OUT_OF_ORDER, b"a test")
    assert failed == 0


class MockKafka:
    """Three brokers; topics are made when they are written to, with four partitions."""

    def __init__(self) -> None:
        self._producer: Any = confluent_kafka.Producer(
            {"test.mock.num.brokers": 3, "bootstrap.servers": "mock", "log_level": 2}
        )
        brokers = self._producer.list_topics(timeout=10).brokers.values()
        self.servers = ",".join(f"127.0.0.1:{broker.port}" for broker in brokers)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the cluster."""
        self._producer = None

    def fail(self, *codes: int) -> None:
        """Answer the next requests to write with these codes, in turn."""
        library = _library()
        library.rd_kafka_handle_mock_cluster.restype = ctypes.c_void_p
        cluster = ctypes.c_void_p(library.rd_kafka_handle_mock_cluster(_handle(self._producer)))
        array = (ctypes.c_int * len(codes))(*codes)
        library.rd_kafka_mock_push_request_errors_array(
            cluster, ctypes.c_int16(_PRODUCE), ctypes.c_size_t(len(codes)), array
        )

    def read(self, topic: str) -> list[Message]:
        """Return all messages of a topic, partition by partition: key, data, headers, partition.

        They are read by aiokafka, which knows nothing of librdkafka.
        """
        return asyncio.run(self._read(topic))

    async def _read(self, topic: str) -> list[Message]:
        consumer = AIOKafkaConsumer(
            topic,
            bootstrap_servers=self.servers,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=50,
            retry_backoff_ms=20,
        )
        await consumer.start()
        try:
            found: list[Message] = []
            for partition in sorted(consumer.assignment()):
                (end,) = (await consumer.end_offsets([partition])).values()
                while await consumer.position(partition) < end:
                    batch = await consumer.getmany(partition, timeout_ms=1_000)
                    found += [
                        (one.key.decode(), one.value, dict(one.headers), one.partition)
                        for one in batch.get(partition, [])
                    ]
            return found
        finally:
            await consumer.stop()
