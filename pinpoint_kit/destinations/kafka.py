"""Apache Kafka, through librdkafka's idempotent producer. The only room that loads it.

The producer's threads do not survive a fork, and a fatal error ends a producer: then another one is
made. It keeps no record beyond a call: what is not delivered in time is given up there, and the
engine sends it again.
"""

from __future__ import annotations

import ctypes
import logging
import re
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations.members import data_of
from pinpoint_kit.destinations.parameters import checked_number, checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.destination import Refused, Unavailable
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import KafkaError

    from pinpoint_kit.records.destination import StreamRecord

__all__ = ["Kafka"]

_TIMEOUT = 30.0
_MOST_RECORDS = 10_000
_HIGHEST_RECORDS = 100_000
_MOST_BYTES = 32_000_000
#: A broker's `message.max.bytes` is 1,048,588 unless it is set; the rest is the message's frame.
_MOST_RECORD_BYTES = 1_000_000
_HIGHEST_RECORD_BYTES = 100_000_000
_FRAME_BYTES = 10_000
_TOPIC = re.compile(r"[a-zA-Z0-9._-]{1,249}")
_SERVER = re.compile(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(:\d{1,5})?", re.ASCII)
#: What order, safety and deadlines rest on.
_OURS = {
    "acks": "the producer is idempotent, which needs all",
    "bootstrap.servers": "the servers stand before the topic",
    "delivery.report.only.error": "each record's delivery is reported",
    "enable.gapless.guarantee": "order is kept",
    "enable.idempotence": "records are written once",
    "message.timeout.ms": "write timeout=SECONDS",
    "delivery.timeout.ms": "write timeout=SECONDS",
    "max.in.flight": "order is kept",
    "max.in.flight.requests.per.connection": "order is kept",
    "request.required.acks": "the producer is idempotent, which needs all",
}
_PROPERTY = re.compile(r"configuration property:? \"([\w.]{1,100})\"")
#: Seconds that a producer has to tell of what was given up.
_PURGE_S = 1.0
#: Seconds between two looks at a queue that is full.
_POLL_S = 0.05
_TOO_LARGE = "MSG_SIZE_TOO_LARGE"
#: Codes that are said of the message itself; a broker says that of a size of a whole batch.
_PERMANENT = frozenset({"INVALID_RECORD", "_MSG_SIZE_TOO_LARGE"})

_NOT_SENT = Refused("NotSent", "its turn did not come", counts_as_try=False)
_UNKNOWN = Refused("NoAnswer", "nothing was said of it", counts_as_try=False)

_LOGGER = logging.getLogger("pinpoint_kit.kafka")


class Kafka:
    """A topic of Apache Kafka, or of what speaks its protocol.

    The message is the record, its key the record's key (the endpoint's id), so that one endpoint's
    events are in one partition, and the header `event-id` holds the event's id. The producer is
    idempotent: it writes each message once, in order, whatever happens to its connections. Needs
    the extra `kafka`. Calls take turns.

    Args:
        topic: the topic.
        servers: `HOST:PORT` of some brokers, separated by commas.
        config: further properties of librdkafka, such as `security.protocol`, `sasl.mechanism`,
            `sasl.username`, `sasl.password`, `ssl.ca.location`, `compression.type`.
        timeout: the seconds that a call of `send` takes at most.
        event_id: add a member `event_id` to each record, too; Pinpoint's own have none.
        most_records: the most records of one call, from 1 to 100,000.
        most_record_bytes: the most bytes of a record with its key, up to 100,000,000. The default
            is what brokers take unless `message.max.bytes` is raised.

    Raises:
        ConfigurationError: a value or a property is wrong, or the extra is missing.

    Examples:
        >>> Kafka("events", "kafka-1.example.com:9092,kafka-2.example.com:9092").name
        'kafka://kafka-1.example.com:9092,kafka-2.example.com:9092/events'
    """

    keeps_order = True  # what comes after a message that cannot be written is not written either

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        topic: str,
        servers: str,
        *,
        config: Mapping[str, str | int | float | bool] | None = None,
        timeout: float = _TIMEOUT,
        event_id: bool = False,
        most_records: int = _MOST_RECORDS,
        most_record_bytes: int = _MOST_RECORD_BYTES,
    ) -> None:
        if not _TOPIC.fullmatch(topic) or topic in {".", ".."}:
            raise ConfigurationError(
                "no name of a topic: write kafka://HOST:PORT/TOPIC with letters, digits, ., _ and -"
            )
        if not all(_SERVER.fullmatch(server) for server in servers.split(",")):
            raise ConfigurationError(
                "no servers of Kafka: write kafka://HOST:PORT[,HOST:PORT]/TOPIC"
            )
        self._topic = topic
        self._servers = servers
        self._event_id = event_id
        self._timeout = checked_seconds("timeout", timeout)
        self._most_records = checked_number("most_records", most_records, 1, _HIGHEST_RECORDS)
        self._most_record_bytes = checked_number(
            "most_record_bytes", most_record_bytes, 1, _HIGHEST_RECORD_BYTES
        )
        self._config = self._properties(config or {})
        self._lock = threading.Lock()
        self._producer: Any = None
        #: Of the connections, since there is this producer.
        self._last_error = ""
        self._make()  # a wrong property is said now; it waits for no broker, and ends at once
        forks.watch(self, forks.Layer.WORK, after_in_child=Kafka._forget_producer)

    def __repr__(self) -> str:
        return f"<Kafka {self.name}>"

    @property
    def name(self) -> str:
        """What status and logs call it."""
        return f"kafka://{self._servers}/{self._topic}"

    @property
    def most_records(self) -> int:
        """The most records of one call."""
        return self._most_records

    @property
    def most_bytes(self) -> int:
        """The most bytes of one call, data and keys together."""
        return max(_MOST_BYTES, self._most_record_bytes)

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record, data and key together."""
        return self._most_record_bytes

    def send(
        self,
        application_id: str,  # noqa: ARG002 -- the topic is the same for all
        records: Sequence[StreamRecord],
    ) -> list[Refused | None]:
        """Send records, in their order, and say of each what became of it.

        Args:
            application_id: whose stream it is.
            records: the records.

        Returns:
            None for each record that all replicas in sync have, else why it was not taken.

        Raises:
            Unavailable: nothing is known to have been taken.
        """
        forks.check()
        until = time.monotonic() + self._timeout
        if not self._lock.acquire(timeout=self._timeout):
            raise Unavailable(f"{self.name}: another call took all the time")
        try:
            outcomes = self._deliver(records, until)
            reason = self._last_error
        finally:
            self._lock.release()
        refused = [outcome for outcome in outcomes if outcome is not None]
        if refused and len(refused) == len(outcomes) and not any(r.is_permanent for r in refused):
            detail = f" ({reason})" if reason else ""
            code = refused[0].code
            said = "no acknowledgement in time" if code.startswith("_PURGE") else code
            raise Unavailable(f"{self.name}: {said}{detail}")
        return outcomes

    def close(self) -> None:
        """End the producer and its threads; idempotent."""
        with self._lock:
            self._drop()

    # What is sent in one call

    def _deliver(self, records: Sequence[StreamRecord], until: float) -> list[Refused | None]:
        messages = [
            (record.key, data_of(record, event_id=self._event_id), record.event_id)
            for record in records
        ]
        outcomes = self._pass(messages, until)
        too_large = [index for index, out in enumerate(outcomes) if _is_of_batch(out)]
        for index in too_large:  # a broker that refuses a batch may take its messages one by one
            (outcome,) = self._pass([messages[index]], until)
            if _is_of_batch(outcome):
                outcome = Refused(_TOO_LARGE, "larger than the broker takes", is_permanent=True)
            outcomes[index] = outcome
            if outcome is not None and not outcome.is_permanent:
                break  # in order: the next ones may be of the same key
        return outcomes

    def _pass(
        self, messages: Sequence[tuple[str, bytes, str]], until: float
    ) -> list[Refused | None]:
        """Send messages and wait for their reports; any failure ends the producer.

        What it may still hold can then not be written after what is sent again.
        """
        reports: list[KafkaError | Refused | None] = [_UNKNOWN] * len(messages)
        producer = self._current()
        for index in range(len(messages)):
            refused = self._produce(
                producer, messages[index], partial(_note, reports, index), until
            )
            if refused is not None:
                reports[index] = refused
                if not refused.is_permanent:
                    reports[index + 1 :] = [_NOT_SENT] * (len(messages) - index - 1)
                    break
        if _flush(producer, until):
            producer.purge()
            _flush(producer, time.monotonic() + _PURGE_S)
        outcomes = [
            one if one is None or isinstance(one, Refused) else _refusal(one) for one in reports
        ]
        # All that a broker or the library refused; not what was never handed to them.
        if any(not (one is None or _is_ours(one)) for one in reports):
            self._drop()
        return outcomes

    def _produce(
        self,
        producer: Any,  # noqa: ANN401 -- confluent_kafka.Producer
        message: tuple[str, bytes, str],
        report: Callable[[KafkaError | None, object], None],
        until: float,
    ) -> Refused | None:
        from confluent_kafka import KafkaException  # noqa: PLC0415 -- loaded when used

        key, data, event_id = message
        if len(key.encode()) + len(data) > self._most_record_bytes:
            return Refused(_TOO_LARGE, f"at most {self._most_record_bytes}", is_permanent=True)
        arguments = {
            "value": data,
            "key": key,
            "headers": [("event-id", event_id)],
            "on_delivery": report,
        }
        try:
            while not _is_queued(producer, self._topic, arguments):
                if time.monotonic() >= until:
                    return _NOT_SENT
                _flush(producer, time.monotonic() + _POLL_S)
        except KafkaException as error:
            return _refusal(error.args[0])
        return None

    # The producer

    def _current(self) -> Any:  # noqa: ANN401 -- confluent_kafka.Producer
        if self._producer is None:
            self._last_error = ""
            self._producer = self._make()
        return self._producer

    def _drop(self) -> None:
        """End the producer: its threads are joined when nobody refers to it."""
        self._producer = None

    def _forget_producer(self) -> None:
        """In a forked child: never end the producer, since its threads are the parent's."""
        if self._producer is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._producer))
        self._producer = None
        self._lock = threading.Lock()

    def _properties(
        self, config: Mapping[str, str | int | float | bool]
    ) -> dict[str, str | int | float]:
        for name, instead in _OURS.items():
            if name in config:
                raise ConfigurationError(f"leave {name} out of {self.name}: {instead}")
        return {
            "client.id": "pinpoint_kit",
            "log_level": 2,  # what fails is said by `Unavailable`, and once
            "message.max.bytes": self._most_record_bytes + _FRAME_BYTES,
            "queue.buffering.max.messages": max(100_000, self._most_records),
            **{name: _text(value) for name, value in config.items()},
            "bootstrap.servers": self._servers,
            "enable.idempotence": "true",
            # What cannot be written fails all that comes after it, so that order is kept.
            "enable.gapless.guarantee": "true",
            # Longer than a call, whose end gives up all that is left at once. A message that ends
            # by itself would let later ones of its key pass.
            "message.timeout.ms": int((self._timeout + _PURGE_S) * 1_000) + 60_000,
        }

    def _make(self) -> Any:  # noqa: ANN401 -- confluent_kafka.Producer
        try:
            from confluent_kafka import KafkaException, Producer  # noqa: PLC0415 -- of the extra
        except ImportError:
            raise ConfigurationError(
                "kafka:// needs confluent-kafka: pip install 'pinpoint-kit[kafka]'"
            ) from None
        try:
            return Producer({**self._config, "error_cb": self._note_error}, logger=_LOGGER)
        except KafkaException as error:
            found = _PROPERTY.search(error.args[0].str())
            name = found[1] if found else "what ssl.* and sasl.* name"
            raise ConfigurationError(
                f"{self.name} cannot be used: librdkafka refuses its properties: check {name}"
            ) from None

    def _note_error(self, error: KafkaError) -> None:
        self._last_error = error.name()


def _is_queued(producer: Any, topic: str, arguments: Mapping[str, object]) -> bool:  # noqa: ANN401 -- confluent_kafka.Producer
    try:
        producer.produce(topic, **arguments)
    except BufferError:  # its queue is full
        return False
    return True


def _flush(producer: Any, until: float) -> int:  # noqa: ANN401 -- confluent_kafka.Producer
    """Serve the reports of what was sent; return how many messages have none yet."""
    while True:
        try:
            left: int = producer.flush(max(0.0, until - time.monotonic()))
        except Exception:  # noqa: BLE001 -- a fatal error, of any type; reports wait behind it
            if time.monotonic() < until:
                continue
            left = len(producer)
        return left


def _note(
    reports: list[KafkaError | Refused | None], index: int, error: KafkaError | None, _: object
) -> None:
    """Note what became of a message.

    It must call nothing: with a fatal error, the library calls this while an exception is set, and
    any call in here would then fail.
    """
    reports[index] = error


def _refusal(error: KafkaError) -> Refused:
    name = error.name()
    return Refused(
        name,
        "the message is too large" if name == _TOO_LARGE else "it was not delivered",
        is_permanent=name in _PERMANENT,
        # Those with a _ in front are librdkafka's own: no broker has looked at the message.
        counts_as_try=not name.startswith("_"),
    )


def _is_ours(report: KafkaError | Refused) -> bool:
    return isinstance(report, Refused) and report.is_permanent


def _is_of_batch(outcome: Refused | None) -> bool:
    return outcome is not None and outcome.code == _TOO_LARGE and not outcome.is_permanent


def _text(value: str | float | bool) -> str | int | float:  # noqa: FBT001 -- a value of a property
    return str(value).lower() if isinstance(value, bool) else value
