"""Events: PutEvents and our own ImportEvents, whole requests.

A request is one transaction. An event is kept once per (endpoint id, event id), so that a client
may send it again when no answer came. Items are parsed in events/items.py, stored in
events/recording.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Context, Family, Operation
from pinpoint_kit.engine.events import store
from pinpoint_kit.engine.events.items import ACCEPTED, How, Item, events_of, parse_item
from pinpoint_kit.engine.events.recording import record
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request, too_large
from pinpoint_kit.limits import MOST_IMPORTED_EVENTS, Limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call

__all__ = ["FAMILY"]


def put_events(context: Context, call: Call) -> object:
    """PutEvents: record events and create or update their endpoints.

    Each item is answered by itself: a refused event or endpoint takes nothing else down.
    """
    with apps.checked_first(context, call.application_id):
        items = _parse(call.body, context.limits)
    answers = record(context, call, list(items.values()))
    return {
        "Results": {
            endpoint_id: {"EndpointItemResponse": answer, "EventsItemResponse": item.event_answers}
            for (endpoint_id, item), answer in zip(items.items(), answers, strict=True)
        }
    }


def import_events(context: Context, call: Call) -> object:
    """ImportEvents: what happened earlier, one endpoint with its events a line, of which many.

    A line is a JSON object with `Id`, and `Endpoint` and `Events` as PutEvents has them; an
    endpoint may have several. Lines are read one after the other, so that little is alive at once.
    When an endpoint is refused, the events of its line are not stored, nor what follows of it. The
    answer names only what is refused.
    """
    with apps.checked_first(context, call.application_id):
        items = _parse_lines(call.body, context.limits)
    answers = record(context, call, items, are_wholes=True)
    refusals = [
        refusal
        for position, (item, answer) in enumerate(zip(items, answers, strict=True))
        for refusal in _refusals(position, item, answer)
    ]
    return {"Lines": len(items), "Refused": refusals}


def _refusals(
    position: int, item: Item, answer: Mapping[str, object]
) -> list[Mapping[str, object]]:
    if answer is not ACCEPTED:
        return [{"Line": position, **answer}]
    return [
        {"Line": position, "EventId": event_id, **refusal}
        for event_id, refusal in cast(
            "Mapping[str, Mapping[str, object]]", item.event_answers
        ).items()
        if refusal is not ACCEPTED
    ]


def _parse(content: bytes, limits: Limits) -> dict[str, Item]:
    """Return the items by endpoint id as written.

    Raises:
        ApiError: the request as a whole is malformed, too large, or has too many events.
    """
    _check_size(content, limits)
    batch = body.parse_object(content, checks_characters=False).get("BatchItem")
    if batch is None:
        raise bad_request("Missing BatchItem")
    # That each entry is an object is seen by `events_of`.
    entries = cast("dict[str, Mapping[str, object]]", body.as_object(batch, ".BatchItem"))
    events = [
        events_of(entry, ("BatchItem", position)) for position, entry in enumerate(entries.values())
    ]
    total = sum(map(len, events))
    if total > limits.max_events_per_request:
        raise bad_request(
            f"The request has {total} events; it may have {limits.max_events_per_request}"
        )
    how = How.of(content, limits)
    return {
        endpoint_id: parse_item(endpoint_id, entry, own, ("BatchItem", position), how)
        for position, ((endpoint_id, entry), own) in enumerate(
            zip(entries.items(), events, strict=True)
        )
    }


def _parse_lines(content: bytes, limits: Limits) -> list[Item]:
    """Return the items of lines, in their order.

    Raises:
        ApiError: the request as a whole is malformed, too large, or has too many lines or events.
    """
    _check_size(content, limits)
    how = How.of(content, limits)
    items: list[Item] = []
    total = 0
    for position, line in enumerate(content.splitlines()):
        place = "Line", position
        try:
            entry = body.parse_object(line, checks_characters=False)
            endpoint_id = body.optional_text(entry, "Id")
            if endpoint_id is None:
                raise bad_request("Missing Id")
        except ApiError as refusal:
            raise refusal.under(f".Line[{position}]") from None
        events = events_of(entry, place)
        total += len(events)
        if max(total, position + 1) > MOST_IMPORTED_EVENTS:
            raise bad_request(f"The request has more than {MOST_IMPORTED_EVENTS} events")
        entry.setdefault("Endpoint", {})
        item = parse_item(endpoint_id, entry, events, place, how)
        if len(item.rows) == len(events):  # answered by nothing
            item = Item(item.change, item.is_refused, tuple(item.rows), item.endpoint_answer, {})
        items.append(item)
    return items


def _check_size(content: bytes, limits: Limits) -> None:
    if len(content) > limits.max_event_request_bytes:
        raise too_large(f"The request is larger than {limits.max_event_request_bytes} bytes")


FAMILY = Family(
    name="events",
    operations={"PutEvents": Operation(put_events)},
    extensions={"ImportEvents": import_events},
    held_of_person=store.EventData(),
)
