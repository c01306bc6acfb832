"""Events: sent now (`put`, `put_many`) or recorded for the background (`record`, `submit`).

No thread and no botocore: the recorder encodes, the transport sends, the delivery queues.
"""

from __future__ import annotations

import contextlib
from concurrent.futures import Future
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.batching import Batch, EventItem, TooLarge, pack_events
from pinpoint_kit.delivery.pipeline.answers import result_of
from pinpoint_kit.errors import (
    InternalServerError,
    InvalidTypeError,
    PayloadTooLarge,
    PinpointKitError,
    ValidationError,
)
from pinpoint_kit.models.event import Event, EventResult, ImportRefusal
from pinpoint_kit.models.scalars import id_text
from pinpoint_kit.recording.details import Defaults
from pinpoint_kit.recording.importing import Lines
from pinpoint_kit.recording.recorder import event_id_of
from pinpoint_kit.recording.refusals import refusal
from pinpoint_kit.transport.application import id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from typing_extensions import Unpack

    from pinpoint_kit.analytics.stored_events import EventTail, StoredEvents
    from pinpoint_kit.models.display.tables import ModelIterator
    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.event import Session
    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue, Moment
    from pinpoint_kit.models.stored_event import StoredEvent
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Events"]

_TOO_LARGE = 413
_RETRYABLE = frozenset({0, 429})


class Events:
    """The events of one application. Safe to use from several threads."""

    def __init__(
        self,
        transport: Transport,
        recorder: Recorder,
        stored: StoredEvents,
        *,
        application_id: ApplicationId,
    ) -> None:
        self._transport = transport
        self._recorder = recorder
        self._stored = stored
        self._application_id = application_id

    # What is stored

    def find(  # noqa: PLR0913 -- each is a filter of its own
        self,
        *,
        type: str | Sequence[str] | None = None,  # noqa: A002 -- Pinpoint's own word
        endpoint_id: str | Sequence[str] | None = None,
        user_id: str | Sequence[str] | None = None,
        session_id: str | Sequence[str] | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        attributes: Mapping[str, str | Sequence[str]] | None = None,
        where: Mapping[str, object] | None = None,
        limit: int | None = None,
        is_newest_first: bool = True,
    ) -> ModelIterator[StoredEvent]:
        """Find stored events; all filters must hold, of several values one is enough.

        Personal data: the result hides it until `show()`. Read page by page as it is asked for.

        Args:
            type: event types.
            endpoint_id: endpoints; case-insensitive.
            user_id: the users that came with the events.
            session_id: sessions.
            since: the earliest time, included.
            until: the latest time, not included.
            attributes: the events' attributes: name -> values.
            where: further filters, as `pinpoint.analytics` takes them.
            limit: at most so many; all of them unless given.
            is_newest_first: the newest first, or the oldest.

        Returns:
            The events; `.to_list()` and `.to_pandas()` read them all.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            BadRequest: a filter is refused; the text names it.
            ServiceError: the server refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     event_id = pinpoint.events.record("device-1", "level_up", metrics={"n": 7})
            ...     report = pinpoint.flush()
            ...     [event.type for event in pinpoint.events.find(endpoint_id="device-1")]
            ['level_up']
        """
        return self._stored.find(
            _filters(where, type, endpoint_id, user_id, session_id, attributes),
            since=since,
            until=until,
            limit=limit,
            is_newest_first=is_newest_first,
        )

    def tail(
        self,
        *,
        type: str | Sequence[str] | None = None,  # noqa: A002 -- as above
        endpoint_id: str | Sequence[str] | None = None,
        user_id: str | Sequence[str] | None = None,
        where: Mapping[str, object] | None = None,
        after: str | None = None,
    ) -> EventTail:
        """Go through events as they arrive, from now on and for ever; it waits for the next one.

        "Now" is when it is first asked for an event, or where an earlier tail ended.

        Args:
            type: event types.
            endpoint_id: endpoints; case-insensitive.
            user_id: the users that came with the events.
            where: further filters, as `pinpoint.analytics` takes them.
            after: the `mark` of an earlier tail, which this one goes on from.

        Returns:
            The events; `arrived()` of it reads those that are there, without waiting.

        Raises:
            ConfigurationError, BadRequest, ServiceError, TransportError: as `find`.
        """
        return self._stored.tail(_filters(where, type, endpoint_id, user_id), after=after)

    # In the background

    def record(  # noqa: PLR0913 -- the parts of an event
        self,
        endpoint_id: Id,
        event: Event | str,
        /,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        session: Session | None = None,
        timestamp: Moment | None = None,
        endpoint: Endpoint | None = None,
        event_id: Id | None = None,
    ) -> str:
        """Queue an event for delivery and return at once.

        It never blocks and never raises, whatever the network, the values or the state of the
        client, unless the client is strict. Values are converted: in attributes, `True` becomes
        `true`, numbers their digits, a UUID its text, an enum member its value, and dates ISO
        8601 with `Z`; in metrics, numeric text becomes a number. `None` is left out.

        What is too long is cut, and names that are too long or beyond 40 and numbers that are not
        finite are left out; `delivery.stats()` counts both (`truncated`, `left_out`). What still
        cannot be sent is counted as rejected, and kept in `delivery.dead_letters()`. After `close`
        the event is dropped as `closed`.

        Args:
            endpoint_id: the endpoint it happened at; case-insensitive. Never cut.
            event: an `Event`, or an event type such as `level_up`. Never cut.
            attributes: name -> text of up to 200 characters, number, date, UUID or enum member;
                only with a type.
            metrics: name -> number; only with a type.
            session: the session that it belongs to; only with a type.
            timestamp: when it happened, now unless given: a datetime (naive is UTC), ISO 8601
                text, or seconds or milliseconds since 1970; only with a type.
            endpoint: endpoint data that goes with it, creating or updating the endpoint. It is
                sent even if the event itself cannot be.
            event_id: its id, made unless given; only with a type.

        Returns:
            The event id, which survives retries: the receiver can tell a duplicate by it.

        Raises:
            ValidationError: strict, and the event cannot be sent as it is.
            ClosedError: strict, and the client was closed.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     event_id = pinpoint.events.record("device-1", "level_up", metrics={"n": 7})
            ...     pinpoint.flush().accepted
            1
        """
        return self._recorder.record(
            endpoint_id, event, attributes, metrics, session, timestamp, endpoint, event_id
        )

    def submit(
        self, endpoint_id: Id, event: Event | str, /, **details: Unpack[EventDetails]
    ) -> Future[EventResult]:
        """Queue an event like `record`, and get a future of what becomes of it.

        The future is settled exactly once: with the `EventResult` when the service accepted or
        rejected the event, with a `DeliveryError` when it was dropped. It cannot be cancelled.
        It never blocks and never raises, like `record`.

        Args:
            endpoint_id: as in `record`.
            event: as in `record`.
            **details: as in `record`.

        Returns:
            A `concurrent.futures.Future`; `asyncio.wrap_future` makes it awaitable.

        Raises:
            ValidationError: strict, and the event cannot be sent as it is.
            ClosedError: strict, and the client was closed.
        """
        future: Future[EventResult] = Future()
        future.set_running_or_notify_cancel()
        self._recorder.record(endpoint_id, event, future=future, **details)
        return future

    # Now

    def put(
        self, endpoint_id: Id, event: Event | str, /, **details: Unpack[EventDetails]
    ) -> EventResult:
        """Send one event in one request, now, and return the service's answer to it.

        Blocks until the answer is there; failures that may pass are tried again.

        Args:
            endpoint_id: as in `record`.
            event: as in `record`.
            **details: as in `record`.

        Returns:
            What became of the event; `raise_for_status()` turns a refusal into an error.

        Raises:
            InvalidTypeError: a value has the wrong type.
            ValidationError: strict, and the service would refuse the content.
            TransportError: no answer came.
            ServiceError: the whole request was refused, for example `NotFound` for an unknown
                application.
        """
        return self._put([(endpoint_id, event, details)], {})[0]

    def put_many(self, events: Iterable[tuple[Id, Event]]) -> list[EventResult]:
        """Send any number of events now, packed into as few requests as the limits allow.

        All are read before the first is sent. When an error ends it early, what was sent before
        stays sent, and the error has the results so far as its `results`: one an event, in the
        order given, None for an event without an answer. Giving events again that have ids of
        their own is harmless where the receiver tells duplicates by them.

        Args:
            events: pairs of endpoint id and event.

        Returns:
            One result an event, in the order given.

        Raises:
            InvalidTypeError: an item is not such a pair.
            ValidationError: strict, and the service would refuse some content; nothing is sent.
            TransportError: no answer came.
            ServiceError: a whole request was refused.
        """
        triples: list[tuple[Id, Event | str, EventDetails]] = []
        for index, pair in enumerate(events):
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[1], Event):  # noqa: PLR2004 -- a pair
                raise InvalidTypeError("expected a pair (endpoint id, Event)", f"$[{index}]")
            triples.append((pair[0], pair[1], _NO_DETAILS))
        results: dict[int, EventResult] = {}
        try:
            return self._put(triples, results)
        except PinpointKitError as error:
            error.results = [results.get(index) for index in range(len(triples))]
            raise

    def import_many(
        self, items: Iterable[tuple[Id, Endpoint | None, Sequence[Event]]]
    ) -> list[ImportRefusal]:
        """Store what happened earlier, endpoints with their events, many in one transaction.

        The engine and our server answer it, not the hosted service. An item's endpoint is created
        or changed before its events are stored; when it is refused, so are the events, and what
        follows of that endpoint. Items are read as needed and stored in their order, at most 1,000
        events or items at a time: when an error ends it early, what was sent before stays.
        Importing events again that have ids of their own is harmless.

        Args:
            items: endpoint id, the endpoint's data or None to leave it as it is, and its events.

        Returns:
            What was refused; nothing when all is stored.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            InvalidTypeError: an item is none, or a value has the wrong type.
            ValidationError: an item is larger than a request; or strict, and content is refused.
            ServiceError: the service refuses to go on.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import Endpoint, Event, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     event = Event(type="level_up", id="e-1", timestamp="2024-08-13T15:58:20Z")
            ...     refused = pinpoint.events.import_many([("device-1", Endpoint(), [event])])
            ...     refused, pinpoint.events.find(endpoint_id="device-1").to_list()[0].type
            ([], 'level_up')
        """
        lines = Lines(self._transport, self._application_id, self._recorder)
        lines.send(items)
        return lines.refused

    def _put(
        self,
        triples: list[tuple[Id, Event | str, EventDetails]],
        results: dict[int, EventResult],
    ) -> list[EventResult]:
        items: list[_Numbered] = []
        for index, (given_id, event, details) in enumerate(triples):
            endpoint_id = id_text(given_id, "$.id")
            event_id = event_id_of(event, details.get("event_id"))
            if details is _NO_DETAILS and isinstance(event, Event):
                usual = self._recorder.usual_fragment(endpoint_id, event, event_id)
                if usual is not None:
                    items.append(_Numbered(endpoint_id, event_id, usual, b"", index))
                    continue
            item = self._recorder.encoded_or_refused(endpoint_id, event, event_id, details)
            if isinstance(item, ValidationError):
                results[index] = refusal(endpoint_id, event_id, item)
            else:
                items.append(
                    _Numbered(endpoint_id, event_id, item.fragment, item.endpoint, index=index)
                )
        for packed in pack_events(items, self._recorder.limits):
            if isinstance(packed, TooLarge):
                results[packed.item.index] = _too_large(packed)
            else:
                self._send(packed, results)
        return [results[index] for index in range(len(triples))]

    def _send(self, batch: Batch[_Numbered], results: dict[int, EventResult]) -> None:
        left = list(batch.items)
        id_of(self._application_id)  # a name is looked up before the first try, and not in each

        def attempt() -> None:
            nonlocal left
            self._send_once(Batch(left, batch.build(left), batch.build), results)
            left = [item for item in left if _may_pass(results[item.index])]
            if left:
                raise _NotYetError("some events were not taken yet")

        with contextlib.suppress(_NotYetError):  # the results say which, and why
            self._transport.with_retries("PutEvents", attempt)

    def _send_once(self, batch: Batch[_Numbered], results: dict[int, EventResult]) -> None:
        try:
            answer = self._transport.put_events(self._application_id, batch.body, retry=False)
        except PayloadTooLarge:
            if len(batch.items) == 1:
                raise
            for half in batch.halves():
                self._send_once(half, results)
            return
        for item in batch.items:
            results[item.index] = result_of(answer, item.endpoint_id, item.event_id) or EventResult(
                endpoint_id=item.endpoint_id,
                event_id=item.event_id,
                status_code=0,
                message="the service did not answer for this event: put it again",
                request_id=answer.request_id,
            )

    # What rides along

    def set_defaults(
        self,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        event_type: str | None = None,
    ) -> None:
        """Set attributes and metrics that ride on every event, or on every event of a type.

        What is more specific wins: the event's own, then its session's, then its type's, then
        the client's. A new call replaces what the earlier one set for the same scope.

        Args:
            attributes: name -> text or what `record` converts to text.
            metrics: name -> number.
            event_type: only events of this type; all events unless given.

        Raises:
            InvalidTypeError: a value has the wrong type.
        """
        self._recorder.set_defaults(event_type, Defaults.checked(attributes, metrics))


#: Of an event that comes as a whole.
_NO_DETAILS: EventDetails = {}


@attrs.define(eq=False)
class _Numbered(EventItem):
    """An event of `put_many`, with its place in what the caller gave."""

    index: int = 0


class _NotYetError(InternalServerError):
    """Some events of a request should be sent again."""


def _may_pass(result: EventResult) -> bool:
    return result.status_code in _RETRYABLE or result.status_code >= 500  # noqa: PLR2004 -- HTTP


def _too_large(packed: TooLarge[_Numbered]) -> EventResult:
    return EventResult(
        endpoint_id=packed.item.endpoint_id,
        event_id=packed.item.event_id,
        status_code=_TOO_LARGE,
        message=f"has {packed.size} bytes, and at most {packed.limit} fit into a request",
    )


def _filters(  # noqa: PLR0913, PLR0917 -- the filters that have a parameter of their own
    where: Mapping[str, object] | None,
    event_type: object,
    endpoint_id: object,
    user_id: object,
    session_id: object = None,
    attributes: object = None,
) -> dict[str, object]:
    own = {
        "event_type": event_type,
        "endpoint_id": endpoint_id,
        "user_id": user_id,
        "session_id": session_id,
        "attributes": attributes,
    }
    return {**(where or {}), **{name: value for name, value in own.items() if value is not None}}
