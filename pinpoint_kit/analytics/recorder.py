"""How an event becomes bytes: defaults, checks, one encoding, and into the queue.

Events, sessions, sign-in events and purchases all stand on the `Recorder`. An event is checked
and encoded exactly once, here; after that it is bytes. No thread and no botocore.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, TypedDict

import attrs

from pinpoint_kit.batching import EventItem
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import JsonValue
from pinpoint_kit.models.checks import endpoint_id_problem, endpoint_problem, event_problem
from pinpoint_kit.models.checks import truncated as truncate
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.event import Event, EventResult, Session

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable
    from concurrent.futures import Future

    from pinpoint_kit.delivery.delivery import Delivery
    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.base import TimestampInput

__all__ = [
    "Defaults",
    "EventDetails",
    "EventPolicy",
    "InvalidPolicy",
    "Recorder",
    "new_event_id",
    "refusal",
]

InvalidPolicy = Literal["reject", "truncate"]

_REFUSED = 400
_TOO_LARGE = 413


class EventDetails(TypedDict, total=False):
    """What a call that names an event type may add to it.

    Keys:
        attributes: name -> text, up to 200 characters each.
        metrics: name -> number.
        session: the session that the event belongs to.
        timestamp: when it happened; now unless given.
        endpoint: endpoint data that goes with the event, creating or updating the endpoint.
    """

    attributes: Mapping[str, str] | None
    metrics: Mapping[str, float] | None
    session: Session | None
    timestamp: TimestampInput | None
    endpoint: Endpoint | None


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
    members: Mapping[str, JsonValue] = attrs.field(factory=dict, repr=False)

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
        event = Event(type="defaults", attributes=attributes, metrics=metrics)
        return cls(event.attributes or {}, event.metrics or {})


class Recorder:
    """Makes, checks, encodes and queues events. Safe to use from several threads."""

    def __init__(
        self,
        delivery: Delivery,
        *,
        limits: Limits,
        policy: EventPolicy,
        now: Callable[[], dt.datetime],
    ) -> None:
        self.limits = limits
        self.policy = policy
        self.now = now
        self._delivery = delivery
        self._defaults: dict[str | None, Defaults] = {}

    def set_defaults(self, event_type: str | None, defaults: Defaults) -> None:
        """Replace what rides on every event (None), or on every event of a type."""
        self._defaults = {**self._defaults, event_type: defaults}

    def event(
        self, event: Event | str, details: EventDetails, session_defaults: Defaults | None = None
    ) -> Event:
        """The event with everything that rides on it; what is more specific wins.

        Raises:
            InvalidTypeError: neither an event nor a type, or details beside an event.
        """
        if isinstance(event, str):
            event = Event(type=event, **details)  # type: ignore[misc]  # endpoint was taken out
        elif not isinstance(event, Event):
            raise InvalidTypeError(
                f"expected an Event or an event type, got {type(event).__name__}", "$.event"
            )
        elif details:
            raise InvalidTypeError(
                f"give {', '.join(sorted(details))} to the Event itself, or pass an event type"
                " instead of an Event",
                "$.event",
            )
        if not self._defaults and session_defaults is None:
            return event
        scopes = (self._defaults.get(None), self._defaults.get(event.type), session_defaults)
        attributes: dict[str, str] = {}
        metrics: dict[str, float] = {}
        for defaults in scopes:
            if defaults is not None:
                attributes.update(defaults.attributes)
                metrics.update(defaults.metrics)
        attributes.update(event.attributes or {})
        metrics.update(event.metrics or {})
        return attrs.evolve(event, attributes=attributes or None, metrics=metrics or None)

    def enqueue(
        self,
        endpoint_id: str,
        event: Event,
        endpoint: Endpoint | None = None,
        future: Future[EventResult] | None = None,
    ) -> str:
        """Queue the event, or count it as rejected; returns its id."""
        event_id = event.id or new_event_id()
        try:
            item = self.encoded(endpoint_id, event, event_id, endpoint)
        except InvalidTypeError:
            raise
        except ValidationError as problem:
            if self.policy.strict:
                raise
            self._delivery.reject(problem.reason)
            if future is not None:
                future.set_result(refusal(endpoint_id, event_id, problem))
            return event_id
        self._delivery.enqueue(endpoint_id, event_id, item.fragment, item.endpoint, future)
        return event_id

    def encoded(
        self, endpoint_id: str, event: Event, event_id: str, endpoint: Endpoint | None
    ) -> EventItem:
        """Check and encode one event.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: the service would refuse the content.
        """
        if not isinstance(endpoint_id, str):
            raise InvalidTypeError(
                f"expected an endpoint id as text, got {type(endpoint_id).__name__}", "$.id"
            )
        problem = endpoint_id_problem(endpoint_id)
        if problem is None and self.policy.invalid == "truncate":
            shorter = truncate(event, self.limits)
            if shorter is not event:
                self._delivery.count_truncated()
                event = shorter
        problem = problem or event_problem(event, self.limits)
        if problem is not None:
            raise problem
        fragment = wire.event_fragment(event, event_id, self.now(), self.policy.members)
        if len(fragment) > self.limits.max_event_bytes:
            raise ValidationError(
                f"has {len(fragment)} bytes, and at most {self.limits.max_event_bytes} are"
                " allowed: send less with the event",
                "$",
                "too_large",
            )
        data = b"" if endpoint is None else self._endpoint_data(endpoint_id, endpoint)
        return EventItem(endpoint_id, event_id, fragment, data)

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


def new_event_id() -> str:
    """A new event id: 32 lower-case hexadecimal characters, 128 random bits."""
    return os.urandom(16).hex()


def refusal(endpoint_id: str, event_id: str, problem: ValidationError) -> EventResult:
    """The result of an event that was refused before it was sent."""
    return EventResult(
        endpoint_id=endpoint_id,
        event_id=event_id,
        status_code=_TOO_LARGE if problem.reason == "too_large" else _REFUSED,
        message=str(problem),
    )
