"""How an event becomes bytes: defaults, conversion, checks, one encoding, and into the queue.

Events, sessions, sign-in events and purchases all stand on the `Recorder`. An event is converted,
checked and encoded exactly once, here; after that it is bytes. Whatever a caller hands over,
`record` returns: what cannot be sent is counted, unless the client is strict. No thread and no
botocore.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING

from pinpoint_kit.batching import EventItem
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.errors import (
    ClosedError,
    InvalidTypeError,
    ValidationError,
)
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import metric_values
from pinpoint_kit.models.checks import endpoint_id_problem, endpoint_problem, event_problem
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.event import Event, EventResult, Session
from pinpoint_kit.models.scalars import id_text, moment
from pinpoint_kit.recording.conversion import attribute_texts, metric_numbers
from pinpoint_kit.recording.refusals import (
    data_alone,
    event_too_large,
    problem_of,
    refusal,
    with_endpoint_answer,
)
from pinpoint_kit.recording.trimming import Cuts, trimmed_endpoint, trimmed_event
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.delivery import Delivery
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue, Moment
    from pinpoint_kit.recording.details import Defaults, EventDetails, EventPolicy

    #: Attributes, metrics, session and timestamp, as the caller gave them.
    _Parts = tuple[object, object, object, object]

__all__ = ["Recorder", "event_id_of"]


class Recorder:
    """Makes, checks, encodes and queues events. Safe to use from several threads."""

    def __init__(
        self,
        delivery: Delivery,
        *,
        limits: Limits,
        policy: EventPolicy,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits
        self.policy = policy
        self.clock = clock
        self._most_bytes = limits.max_event_bytes
        self._most_keys = limits.max_event_keys
        self._name_chars = limits.max_event_key_chars
        self._value_chars = limits.max_event_value_chars
        self._members = policy.members
        self._truncates = policy.invalid == "truncate"
        self._delivery = delivery
        self._put_plain = delivery.put_plain
        self._defaults: dict[str | None, Defaults] = {}

    def set_defaults(self, event_type: str | None, defaults: Defaults) -> None:
        """Replace what rides on every event (None), or on every event of a type."""
        self._defaults = {**self._defaults, event_type: defaults}

    def record(  # noqa: PLR0913, PLR0917 -- the parts of an event; by place, which is faster
        self,
        endpoint_id: Id,
        event: Event | str,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        session: Session | None = None,
        timestamp: Moment | None = None,
        endpoint: Endpoint | None = None,
        event_id: Id | None = None,
        defaults: Defaults | None = None,
        future: Future[EventResult] | None = None,
    ) -> str:
        """Queue the event, or count it as rejected or dropped; returns its id."""
        forks.check()
        if (
            type(event) is str
            and timestamp is None
            and endpoint is None
            and event_id is None
            and defaults is None
            and not self._defaults
        ):
            new_id = _event_ids.new()
            usual = self._fast_fragment(endpoint_id, event, new_id, attributes, metrics, session)
            if usual is not None:
                # The fast path has seen that the id is a `str`.
                if future is not None or not self._put_plain(endpoint_id, new_id, usual):  # type: ignore[arg-type]
                    self._enqueue(Recorded(endpoint_id, new_id, usual, b"", future))  # type: ignore[arg-type]
                return new_id
        parts = attributes, metrics, session, timestamp
        return self._record_any(endpoint_id, event, event_id, parts, endpoint, defaults, future)

    def _record_any(  # noqa: PLR0913, PLR0917 -- the parts of an event
        self,
        endpoint_id: object,
        event: object,
        event_id: object,
        parts: _Parts,
        endpoint: object,
        defaults: Defaults | None,
        future: Future[EventResult] | None,
    ) -> str:
        item = Recorded("", _event_ids.new(), b"", b"", future)
        problem = data_problem = None
        cuts = Cuts()
        try:
            item.event_id = event_id_of(event, event_id) or item.event_id
            item.endpoint_id = id_text(endpoint_id, "$.id")
            item.fragment = self._fragment(item, event, parts, defaults, cuts)
        except Exception as error:  # noqa: BLE001 -- the caller's own types may raise anything
            problem = problem_of(error)
        if endpoint is not None:
            try:
                item.endpoint = self._endpoint_data(item.endpoint_id, endpoint, cuts)
            except Exception as error:  # noqa: BLE001 -- as above
                data_problem = problem_of(error)
        if self.policy.strict and (problem or data_problem):
            raise problem or data_problem or AssertionError
        self._count(cuts)
        if problem is None:
            if data_problem is not None:
                self._reject_data(item, data_problem)
            self._enqueue(item)
        else:
            if item.endpoint and endpoint_id_problem(item.endpoint_id) is None:
                self._enqueue(data_alone(item))
                item.endpoint = b""  # a replayed dead letter must not bring it back
            self._reject(item, problem)
        return item.event_id

    def refuse(self, endpoint_id: object, error: Exception) -> None:
        """Count an event that could not even be begun as rejected.

        Args:
            endpoint_id: the endpoint as it was given.
            error: why it could not.

        Raises:
            ValidationError: the client is strict.
        """
        problem = problem_of(error)
        if self.policy.strict:
            raise problem
        key = endpoint_id if isinstance(endpoint_id, str) else ""
        self._reject(Recorded(key, _event_ids.new(), b""), problem)

    def _enqueue(self, item: Recorded) -> None:
        try:
            if item.is_endpoint:
                self._delivery.enqueue_endpoint(item.endpoint_id, item.fragment)
            else:
                self._delivery.enqueue(
                    item.endpoint_id, item.event_id, item.fragment, item.endpoint, item.future
                )
        except ClosedError:
            if self.policy.strict:
                raise
            self._delivery.drop_closed(item)

    def _reject(self, item: Recorded, problem: ValidationError) -> None:
        try:
            self._delivery.reject(item, problem.reason, problem.message)
        except ClosedError:
            self._delivery.drop_closed(item)
            return
        if item.future is not None:
            item.future.set_result(refusal(item.endpoint_id, item.event_id, problem))

    def _reject_data(self, item: Recorded, problem: ValidationError) -> None:
        """Count endpoint data that cannot go with its event; the event goes without it."""
        self._reject(Recorded(item.endpoint_id, "", b"", is_endpoint=True), problem)
        outer = item.future
        if outer is not None:
            item.future = with_endpoint_answer(outer, problem)

    def _count(self, cuts: Cuts) -> None:
        if cuts.is_truncated:
            self._delivery.count_truncated()
        if cuts.left_out:
            self._delivery.count_left_out(cuts.left_out)

    def encoded(
        self, endpoint_id: Id, event: Event | str, event_id: str, details: EventDetails
    ) -> EventItem:
        """Convert, check and encode one event without queueing it.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: the service would refuse the content.
        """
        item = EventItem(id_text(endpoint_id, "$.id"), event_id, b"")
        cuts = Cuts()
        parts = (
            details.get("attributes"),
            details.get("metrics"),
            details.get("session"),
            details.get("timestamp"),
        )
        item.fragment = self._fragment(item, event, parts, None, cuts)
        endpoint = details.get("endpoint")
        if endpoint is not None:
            item.endpoint = self._endpoint_data(item.endpoint_id, endpoint, cuts)
        self._count(cuts)
        return item

    def encoded_or_refused(
        self, endpoint_id: Id, event: Event | str, event_id: str, details: EventDetails
    ) -> EventItem | ValidationError:
        """Do what `encoded` does for a call that answers; return why it is refused, unless strict.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: strict, and the service would refuse the content.
        """
        try:
            return self.encoded(endpoint_id, event, event_id, details)
        except InvalidTypeError:
            raise
        except ValidationError as problem:
            if self.policy.strict:
                raise
            return problem

    def usual_fragment(self, endpoint_id: str, event: Event, event_id: str) -> bytes | None:
        """Return what `encoded` gives for an event without anything unusual; None for any other.

        Args:
            endpoint_id: where.
            event: a whole event.
            event_id: its id.
        """
        if (
            self._defaults
            or type(event) is not Event
            or not endpoint_id.isascii()
            or endpoint_id_problem(endpoint_id) is not None
        ):
            return None
        attributes = event.attributes
        try:
            if attributes is not None and (
                type(attributes) is not dict
                or len(attributes) > self._most_keys
                or len("".join(attributes.values())) > self._value_chars
                or len("".join(attributes)) > self._name_chars
            ):
                return None
            fragment = wire.encode_usual_event(event, event_id, self._members)
        except Exception:  # noqa: BLE001 -- `encoded` says what is wrong with it
            return None
        return fragment if fragment is None or len(fragment) <= self._most_bytes else None

    def _fast_fragment(  # noqa: PLR0913, PLR0917 -- every call of `record`: kept flat
        self,
        endpoint_id: object,
        event_type: str,
        event_id: str,
        attributes: object,
        metrics: object,
        session: Session | None,
    ) -> bytes | None:
        """Return what `_fragment` gives for an event without anything unusual; None for any other.

        What is short in sum is short in each part, and a join proves that all parts are text:
        so two lengths stand for a look at every name and value.
        """
        if (
            type(endpoint_id) is not str
            or not endpoint_id.isascii()
            or "$" in endpoint_id
            or "{" in endpoint_id
            or "}" in endpoint_id
            or not endpoint_id
            or not event_type
            or not (session is None or type(session) is Session)
        ):
            return None
        keys = chars = 0
        try:
            if attributes is not None:
                if (
                    type(attributes) is not dict
                    or len("".join(attributes.values())) > self._value_chars
                ):
                    return None
                keys = len(attributes)
                chars = len("".join(attributes))
            if metrics is not None:
                if type(metrics) is not dict:
                    return None
                keys += len(metrics)
                chars += len("".join(metrics))
                for number in metrics.values():
                    if type(number) is not float or not -math.inf < number < math.inf:
                        metrics = metric_values(metrics)
                        break
            if chars > self._name_chars or keys > self._most_keys:
                return None
            fragment = wire.encode_simple_event(
                event_type, attributes, metrics, session, event_id, self.clock(), self._members
            )
        except Exception:  # noqa: BLE001 -- `_record_any` says what is wrong with it
            return None
        return fragment if len(fragment) <= self._most_bytes else None

    def _fragment(
        self,
        item: EventItem,
        event: object,
        parts: _Parts,
        session_defaults: Defaults | None,
        cuts: Cuts,
    ) -> bytes:
        """Return the encoded event; what was cut or left out is noted in `cuts`.

        Raises:
            ValidationError: the service would refuse it, or it cannot be encoded.
        """
        given_attributes, given_metrics, given_session, timestamp = parts
        session = _session(given_session)
        whole = None
        if isinstance(event, Event):
            whole = _checked_event(event, parts)
            event_type, session = whole.type, whole.session
            given_attributes, given_metrics = whole.attributes, whole.metrics
            at = whole.timestamp
        else:
            event_type = _event_type(event)
            at = None if timestamp is None else moment(timestamp, "$.timestamp")
        if self._defaults or session_defaults is not None:
            scopes = (session_defaults, self._defaults.get(event_type), self._defaults.get(None))
            given_attributes = _merged(given_attributes, [s and s.attributes for s in scopes])
            given_metrics = _merged(given_metrics, [s and s.metrics for s in scopes])
        attributes: Mapping[str, str] | None
        metrics: Mapping[str, float] | None
        attributes, unusable = attribute_texts(given_attributes)
        metrics, not_finite = metric_numbers(given_metrics)
        cuts.left_out += unusable + not_finite
        problem = event_problem(attributes, metrics, self.limits)
        if problem is not None and self._truncates:
            attributes, metrics = trimmed_event(attributes, metrics, self.limits, cuts)
            problem = event_problem(attributes, metrics, self.limits)
        problem = endpoint_id_problem(item.endpoint_id) or problem
        if whole is None:
            body = wire.event_parts(event_type, attributes, metrics, session)
        else:
            body = wire.event_body(whole, attributes, metrics)
        stamp = wire.stamp(self.clock()) if at is None else wire.iso(at)
        item.fragment = wire.event_fragment(body, item.event_id, stamp, self.policy.members)
        if problem is None and len(item.fragment) > self._most_bytes:
            problem = event_too_large(item.fragment, self.limits)
        if problem is not None:
            raise problem
        return item.fragment

    def _endpoint_data(self, endpoint_id: str, endpoint: object, cuts: Cuts) -> bytes:
        if not isinstance(endpoint, Endpoint):
            raise InvalidTypeError(
                f"expected an Endpoint, got {type(endpoint).__name__}", "$.endpoint"
            )
        if endpoint.id is not None and endpoint.id.lower() != endpoint_id.lower():
            raise ValidationError(
                "the endpoint data names another endpoint: leave its id out",
                "$.endpoint.id",
                "endpoint_id",
            )
        problem = endpoint_problem(endpoint, self.limits)
        if problem is not None and self._truncates:
            endpoint = trimmed_endpoint(endpoint, self.limits, cuts)
            problem = endpoint_problem(endpoint, self.limits)
        if problem is not None:
            raise problem
        data = wire.encode(wire.endpoint_request(endpoint))
        if len(data) > self.limits.max_endpoint_bytes:
            raise ValidationError(
                f"has {len(data)} bytes, and at most {self.limits.max_endpoint_bytes} are"
                " allowed: keep less in the endpoint",
                "$.endpoint",
                "too_large",
            )
        return data


def _event_type(event: object) -> str:
    if isinstance(event, Enum):
        event = event.value
    if not isinstance(event, str):
        raise InvalidTypeError(
            f"expected an Event or an event type, got {type(event).__name__}", "$.event"
        )
    if not event:
        raise ValidationError("is empty: name the event type", "$.type", "event_type")
    return str.__str__(event)


def _session(value: object) -> Session | None:
    if value is None or isinstance(value, Session):
        return value
    inner = getattr(value, "value", None)  # an ActiveSession
    if isinstance(inner, Session):
        return inner
    raise InvalidTypeError(f"expected a Session, got {type(value).__name__}", "$.session")


def _checked_event(event: Event, parts: tuple[object, ...]) -> Event:
    if any(part is not None for part in parts):
        raise InvalidTypeError(
            "give attributes, metrics, session and timestamp to the Event itself, or pass an event"
            " type instead of an Event",
            "$.event",
        )
    return event


def _merged(own: object, defaults: Iterable[object]) -> object:
    """Return what the event has itself, and what rides along where it has nothing of that name.

    Args:
        own: what the event has itself.
        defaults: what rides along, the more special first.
    """
    merged: dict[object, object] = {}
    for values in (own, *defaults):
        if values is None:
            continue
        if not isinstance(values, Mapping):
            return values  # converting it says what is wrong
        for name, value in list(values.items()):
            merged.setdefault(name, value)
    return merged or None


class _EventIds:
    """Ids that are unique without asking the system for random bits at every event.

    80 random bits a process, then a counter: 32 lower-case hexadecimal characters.
    """

    def __init__(self) -> None:
        self.renew()
        forks.watch(self, forks.Layer.IDENTITY, after_in_child=_EventIds.renew)

    def renew(self) -> None:
        """Start again with other random bits: a forked child must not repeat its parent."""
        form = f"{os.urandom(10).hex()}%012x"
        first = int.from_bytes(os.urandom(4), "big")
        #: Makes an id, without any step in Python.
        self.new: Callable[[], str] = map(form.__mod__, itertools.count(first)).__next__


def event_id_of(event: object, event_id: object) -> str:
    """Return the id that was given beside a type or in the event, or a new one."""
    if event_id is not None:
        if isinstance(event, Event):
            raise InvalidTypeError("give the id to the Event itself", "$.event_id")
        return id_text(event_id, "$.event_id") or _event_ids.new()
    return (isinstance(event, Event) and event.id) or _event_ids.new()


_event_ids = _EventIds()
