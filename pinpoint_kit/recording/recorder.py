"""How an event becomes bytes: defaults, checks, one encoding, and into the queue.

Events, sessions, sign-in events and purchases all stand on the `Recorder`. An event is checked
and encoded exactly once, here; after that it is bytes. No thread and no botocore.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models.base import instant, metric_values, text_values
from pinpoint_kit.models.checks import (
    endpoint_id_problem,
    endpoint_problem,
    event_problem,
    truncated,
)
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.event import Event, EventResult, Session
from pinpoint_kit.models.wire import codec as wire
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.delivery import Delivery
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.base import TimestampInput

    #: Attributes, metrics, session and timestamp, as the caller gave them.
    _Parts = tuple[
        Mapping[str, str] | None,
        Mapping[str, float] | None,
        Session | None,
        TimestampInput | None,
    ]

__all__ = [
    "Defaults",
    "EventDetails",
    "EventPolicy",
    "InvalidPolicy",
    "Recorder",
    "event_id_of",
    "refusal",
]

InvalidPolicy = Literal["reject", "truncate"]

_REFUSED = 400
_TOO_LARGE = 413


class EventDetails(TypedDict, total=False):
    """What a call that names an event type may add to it.

    Attributes:
        attributes: name -> text, up to 200 characters each.
        metrics: name -> number.
        session: the session that the event belongs to.
        timestamp: when it happened; now unless given.
        endpoint: endpoint data that goes with the event, creating or updating the endpoint.
        event_id: the event's id, made unless given; the same id at the same endpoint counts once.
    """

    attributes: Mapping[str, str] | None
    metrics: Mapping[str, float] | None
    session: Session | None
    timestamp: TimestampInput | None
    endpoint: Endpoint | None
    event_id: str | None


@attrs.frozen(kw_only=True)
class EventPolicy:
    """What is done with content that the service would refuse, and what rides on every event.

    Args:
        strict: raise `ValidationError` instead of counting a rejection.
        invalid: `reject` it, or `truncate` values that are too long.
        members: the client's own members (app title, SDK name and so on), in wire form.
    """

    strict: bool = False
    invalid: InvalidPolicy = "reject"
    members: wire.Members = attrs.field(factory=wire.Members, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.invalid not in {"reject", "truncate"}:
            raise ConfigurationError(f"invalid is {self.invalid!r}: use 'reject' or 'truncate'")


@attrs.frozen
class Defaults:
    """Attributes and metrics that ride on events of some scope."""

    attributes: Mapping[str, str]
    metrics: Mapping[str, float]

    @classmethod
    def checked(
        cls, attributes: Mapping[str, str] | None, metrics: Mapping[str, float] | None
    ) -> Defaults:
        """Check types as an event does.

        Raises:
            InvalidTypeError: a value has the wrong type.
        """
        return cls(text_values(attributes) or {}, metric_values(metrics) or {})


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
        endpoint_id: str,
        event: Event | str,
        attributes: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        session: Session | None = None,
        timestamp: TimestampInput | None = None,
        endpoint: Endpoint | None = None,
        event_id: str | None = None,
        defaults: Defaults | None = None,
        future: Future[EventResult] | None = None,
    ) -> str:
        """Queue the event, or count it as rejected; returns its id."""
        forks.check()
        if (
            type(event) is str
            and timestamp is None
            and endpoint is None
            and event_id is None
            and defaults is None
            and not self._defaults
        ):
            event_id = _event_ids.new()
            usual = self._usual_fragment(endpoint_id, event, event_id, attributes, metrics, session)
            if usual is not None:
                if future is not None or not self._put_plain(endpoint_id, event_id, usual):
                    self._delivery.enqueue(endpoint_id, event_id, usual, b"", future)
                return event_id
        parts = attributes, metrics, session, timestamp
        return self._record_any(endpoint_id, event, event_id, parts, endpoint, defaults, future)

    def _record_any(  # noqa: PLR0913, PLR0917 -- the parts of an event
        self,
        endpoint_id: str,
        event: Event | str,
        event_id: str | None,
        parts: _Parts,
        endpoint: Endpoint | None,
        defaults: Defaults | None,
        future: Future[EventResult] | None,
    ) -> str:
        event_id = event_id_of(event, event_id)
        fragment = data = b""
        try:
            fragment, problem = self._fragment(endpoint_id, event, event_id, parts, defaults)
            if endpoint is not None:
                data = self._endpoint_data(endpoint_id, endpoint)
        except InvalidTypeError:
            raise
        except ValidationError as error:
            problem = error
        if problem is None:
            self._delivery.enqueue(endpoint_id, event_id, fragment, data, future)
            return event_id
        if self.policy.strict:
            raise problem
        self._delivery.reject(
            Recorded(endpoint_id, event_id, fragment, data), problem.reason, problem.message
        )
        if future is not None:
            future.set_result(refusal(endpoint_id, event_id, problem))
        return event_id

    def encoded(
        self, endpoint_id: str, event: Event | str, event_id: str, details: EventDetails
    ) -> EventItem:
        """Check and encode one event without queueing it.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: the service would refuse the content.
        """
        endpoint = details.get("endpoint")
        fragment, problem = self._fragment(
            endpoint_id,
            event,
            event_id,
            (
                details.get("attributes"),
                details.get("metrics"),
                details.get("session"),
                details.get("timestamp"),
            ),
            None,
        )
        if problem is not None:
            raise problem
        data = b"" if endpoint is None else self._endpoint_data(endpoint_id, endpoint)
        return EventItem(endpoint_id, event_id, fragment, data)

    def _usual_fragment(  # noqa: PLR0913, PLR0917 -- every call of `record`: kept flat
        self,
        endpoint_id: str,
        event_type: str,
        event_id: str,
        attributes: Mapping[str, str] | None,
        metrics: Mapping[str, float] | None,
        session: Session | None,
    ) -> bytes | None:
        """What `_fragment` gives for an event without anything unusual; None for any other.

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
            fragment = wire.usual_event(
                event_type, attributes, metrics, session, event_id, self.clock(), self._members
            )
        except (TypeError, ValidationError):
            return None
        return fragment if len(fragment) <= self._most_bytes else None

    def _fragment(
        self,
        endpoint_id: str,
        event: Event | str,
        event_id: str,
        parts: _Parts,
        session_defaults: Defaults | None,
    ) -> tuple[bytes, ValidationError | None]:
        """The encoded event, and why the service would refuse it, or None.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: the event cannot be encoded at all.
        """
        if not isinstance(endpoint_id, str):
            raise InvalidTypeError(
                f"expected an endpoint id as text, got {type(endpoint_id).__name__}", "$.id"
            )
        attributes, metrics, session, timestamp = parts
        if isinstance(event, str):
            event_type, whole = event, None
            attributes, metrics = text_values(attributes), metric_values(metrics)
            at = _checked_parts(event_type, session, timestamp)
        else:
            whole = _checked_event(event, parts)
            event_type, attributes, metrics = whole.type, whole.attributes, whole.metrics
            at = whole.timestamp
        if self._defaults or session_defaults is not None:
            scopes = (self._defaults.get(None), self._defaults.get(event_type), session_defaults)
            attributes, metrics = _merged(scopes, attributes, metrics)
        if self._truncates and attributes:
            attributes = self._truncated(attributes)
        if whole is None:
            body = wire.event_parts(event_type, attributes, metrics, session)
        else:
            body = wire.event_body(whole, attributes, metrics)
        stamp = wire.stamp(self.clock()) if at is None else wire.iso(at)
        fragment = wire.event_fragment(body, event_id, stamp, self.policy.members)
        return fragment, (
            endpoint_id_problem(endpoint_id)
            or event_problem(attributes, metrics, self.limits)
            or (_too_large(fragment, self.limits) if len(fragment) > self._most_bytes else None)
        )

    def _truncated(self, attributes: Mapping[str, str]) -> Mapping[str, str]:
        shorter = truncated(attributes, self.limits)
        if shorter is not attributes:
            self._delivery.count_truncated()
        return shorter

    def _endpoint_data(self, endpoint_id: str, endpoint: Endpoint) -> bytes:
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


def _checked_parts(
    event_type: str, session: Session | None, timestamp: TimestampInput | None
) -> dt.datetime | None:
    """What making an `Event` of the parts would check, without the cost of making one."""
    if not event_type:
        raise ValidationError("is empty: name the event type", "$.type", "event_type")
    if session is not None and not isinstance(session, Session):
        raise InvalidTypeError(f"expected a Session, got {type(session).__name__}", "$.session")
    return None if timestamp is None else instant(timestamp, "timestamp")


def _checked_event(event: Event, parts: tuple[object, ...]) -> Event:
    if not isinstance(event, Event):
        raise InvalidTypeError(
            f"expected an Event or an event type, got {type(event).__name__}", "$.event"
        )
    if any(part is not None for part in parts):
        raise InvalidTypeError(
            "give attributes, metrics, session and timestamp to the Event itself, or pass an event"
            " type instead of an Event",
            "$.event",
        )
    return event


def _merged(
    scopes: Iterable[Defaults | None],
    attributes: Mapping[str, str] | None,
    metrics: Mapping[str, float] | None,
) -> tuple[Mapping[str, str] | None, Mapping[str, float] | None]:
    """What rides along, from general to special, and the event's own last."""
    all_attributes: dict[str, str] = {}
    all_metrics: dict[str, float] = {}
    for defaults in scopes:
        if defaults is not None:
            all_attributes.update(defaults.attributes)
            all_metrics.update(defaults.metrics)
    all_attributes.update(attributes or {})
    all_metrics.update(metrics or {})
    return all_attributes or None, all_metrics or None


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


_event_ids = _EventIds()


def event_id_of(event: Event | str, event_id: str | None) -> str:
    """The id that was given beside a type or in the event, or a new one."""
    if event_id is not None:
        if not isinstance(event_id, str):
            raise InvalidTypeError(
                f"expected text, got {type(event_id).__name__}: pass a str", "$.event_id"
            )
        if isinstance(event, Event):
            raise InvalidTypeError("give the id to the Event itself", "$.event_id")
    elif isinstance(event, Event):
        event_id = event.id
    return event_id or _event_ids.new()


def _too_large(fragment: bytes, limits: Limits) -> ValidationError:
    return ValidationError(
        f"has {len(fragment)} bytes, and at most {limits.max_event_bytes} are allowed: send less"
        " with the event",
        "$",
        "too_large",
    )


def refusal(endpoint_id: str, event_id: str, problem: ValidationError) -> EventResult:
    """The result of an event that was refused before it was sent."""
    return EventResult(
        endpoint_id=endpoint_id,
        event_id=event_id,
        status_code=_TOO_LARGE if problem.reason == "too_large" else _REFUSED,
        message=str(problem),
    )
