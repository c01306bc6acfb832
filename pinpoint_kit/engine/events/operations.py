"""Events: PutEvents, whole requests; single events are parsed in events/parsing.py.

A request is one transaction. Each item is answered by itself: a refused event or endpoint takes
nothing else down. An event is kept once per (endpoint id, event id), so that a client may send it
again when no answer came.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import attrs
from sqlalchemy import Connection

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications.store import App
from pinpoint_kit.engine.context import (
    Context,
    Device,
    EventHook,
    Family,
    Operation,
    RecordedEvent,
    Wanted,
)
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.parsing import EMPTY, parse_patch
from pinpoint_kit.engine.endpoints.writer import EndpointWriter, Update
from pinpoint_kit.engine.events import store
from pinpoint_kit.engine.events.parsing import EventRow, parse_event
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request, too_large
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call
    from pinpoint_kit.engine.storage.statements import Row

__all__ = ["FAMILY"]

#: What stands in a row before what is remembered of the endpoint.
_HEAD = 4
_ACCEPTED: Mapping[str, object] = {"StatusCode": 202, "Message": "Accepted"}


class _Item(NamedTuple):  # made for each entry, and quicker than a class of attrs
    """One entry of `BatchItem`: what of it can be stored, and the answers known so far.

    Attributes:
        change: None when the endpoint id is not a legal one; then nothing can be stored.
        is_refused: whether the `Endpoint` part is refused already, so that `change` only names
            the endpoint.
    """

    change: Update | None
    is_refused: bool
    rows: list[EventRow]
    endpoint_answer: Mapping[str, object]
    event_answers: Mapping[str, object]


@attrs.frozen
class _How:
    """What is looked at in each event, because the request as a whole calls for it.

    Attributes:
        limits: what each must keep to.
        is_sized: the request is so long that one event may be too long.
        checks_characters: it may have U+0000 in it.
    """

    limits: Limits
    is_sized: bool
    checks_characters: bool


def put_events(context: Context, call: Call) -> object:
    """PutEvents: record events and create or update their endpoints."""
    with apps.checked_first(context, call.application_id):
        items = _parse(call.body, context.limits)
    try:
        return _store(context, call, items, are_new=True)
    except _StoredBeforeError:
        return _store(context, call, items, are_new=False)


class _StoredBeforeError(Exception):
    """Some of the events were stored by an earlier try, which hooks must not hear of again."""


def _store(
    context: Context, call: Call, items: Mapping[str, _Item], *, are_new: bool
) -> dict[str, object]:
    """Store the items, and pass what is new to the hooks that want it.

    Args:
        context: the engine's surroundings.
        call: the request.
        items: what to store, by endpoint id.
        are_new: none of the events is there yet, which is the usual case. To look first takes as
            long as storing them.

    Raises:
        _StoredBeforeError: some are there, and there are hooks; nothing is stored.
    """
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        hooks = _Hooks.of(context, connection, app)
        writer = _writer(
            connection, app, context, call, items.values(), are_claimed=bool(hooks) and not are_new
        )
        rows: list[EventRow] = []
        results = {}
        for endpoint_id, item in items.items():
            answer = item.endpoint_answer
            if item.change is not None:
                answer = answer if item.is_refused else _apply(writer, item.change)
                key = item.change.key
                user_id, remembered = writer.of_events(key)
                head = (app.number, key, user_id, call.now, *remembered)
                rows += [head + row for row in item.rows]
                if hooks and item.rows:
                    hooks.note(writer, key, len(item.rows))
            results[endpoint_id] = {
                "EndpointItemResponse": answer,
                "EventsItemResponse": item.event_answers,
            }
        writer.flush()
        new = store.unknown(connection, rows) if hooks and not are_new else range(len(rows))
        count = store.add(connection, rows)
        if hooks and new:
            if count != len(new):
                raise _StoredBeforeError
            hooks.run(rows, new)
    if hooks:
        context.announce_records()
    if hooks.brings_work:
        context.announce_campaigns()
    return {"Results": results}


@attrs.define
class _Hooks:
    """The hooks that want the events of an application, and what they are told of each event."""

    _context: Context
    _connection: Connection
    _app: App
    _hooks: Sequence[tuple[EventHook, Wanted]]
    _notes: list[tuple[Device, Mapping[str, object] | None]] = attrs.field(factory=list)
    brings_work: bool = False

    @classmethod
    def of(cls, context: Context, connection: Connection, app: App) -> _Hooks:
        """Ask all hooks."""
        asked = [(hook, hook.wanted(context, connection, app)) for hook in context.on_events]
        wanting = [(hook, wanted) for hook, wanted in asked if wanted != "nothing"]
        return cls(context, connection, app, wanting)

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def note(self, writer: EndpointWriter, key: str, count: int) -> None:
        """Note what the endpoint of some events is now."""
        is_shown = any(wanted == "endpoints" for _, wanted in self._hooks)
        shown = writer.shown(key, self._app.id) if is_shown else None
        self._notes += [(writer.device(key), shown)] * count

    def run(self, rows: Sequence[Row], new: Sequence[int]) -> None:
        """Pass the events at some positions to the hooks."""
        first = _HEAD + len(REMEMBERED)
        notes = self._notes
        app = (self._app.id,)
        # Parts of tuples put together: this is done for every event.
        events = [
            RecordedEvent._make(row[:1] + app + row[1:_HEAD] + row[first:] + notes[position])
            for position in new
            for row in [rows[position]]
        ]
        for hook, _ in self._hooks:
            self.brings_work |= bool(hook(self._context, self._connection, events))


def _writer(  # noqa: PLR0913 -- private; a transaction, where it comes from, and its work
    connection: Connection,
    app: App,
    context: Context,
    call: Call,
    items: Iterable[_Item],
    *,
    are_claimed: bool,
) -> EndpointWriter:
    """Return a writer that loads whole endpoints only where something may change."""
    changes = [item.change for item in items if item.change is not None]
    return EndpointWriter(
        connection,
        app,
        context,
        call.stamp,
        [change for change in changes if change.patch is not EMPTY],
        referenced=[change.key for change in changes if change.patch is EMPTY],
        are_claimed=are_claimed,
    )


def _apply(writer: EndpointWriter, change: Update) -> Mapping[str, object]:
    """Merge the `Endpoint` part; an empty one only makes an endpoint that is not known yet."""
    if change.patch is EMPTY and writer.is_known(change.key):
        return _ACCEPTED
    try:
        writer.apply(change)
    except ApiError as refusal:
        return _refused(refusal)
    return _ACCEPTED


def _refused(refusal: ApiError) -> Mapping[str, object]:
    return {"StatusCode": 400, "Message": refusal.message}


def _parse(content: bytes, limits: Limits) -> dict[str, _Item]:
    """Return the items by endpoint id as written.

    Raises:
        ApiError: the request as a whole is malformed, too large, or has too many events.
    """
    if len(content) > limits.max_event_request_bytes:
        raise too_large(f"The request is larger than {limits.max_event_request_bytes} bytes")
    batch = body.parse_object(content, checks_characters=False).get("BatchItem")
    if batch is None:
        raise bad_request("Missing BatchItem")
    # That each entry is an object is seen by `_events_of`.
    entries = cast("dict[str, Mapping[str, object]]", body.as_object(batch, ".BatchItem"))
    events = [_events_of(entry, position) for position, entry in enumerate(entries.values())]
    total = sum(map(len, events))
    if total > limits.max_events_per_request:
        raise bad_request(
            f"The request has {total} events; it may have {limits.max_events_per_request}"
        )
    how = _How(
        limits,
        is_sized=len(content) > limits.max_event_bytes,
        checks_characters=body.has_null_characters(content),
    )
    return {
        endpoint_id: _parse_item(endpoint_id, entry, own, position, how)
        for position, ((endpoint_id, entry), own) in enumerate(
            zip(entries.items(), events, strict=True)
        )
    }


def _events_of(entry: object, position: int) -> Mapping[str, object]:
    """Return the events of an entry; most entries are as they should be."""
    if type(entry) is not dict:
        entry = body.as_object(entry, f".BatchItem[{position}]")
    events = entry.get("Events")
    if type(events) is dict:
        return cast("Mapping[str, object]", events)
    return {} if events is None else body.as_object(events, f".BatchItem[{position}].Events")


def _parse_item(
    endpoint_id: str,
    entry: Mapping[str, object],
    events: Mapping[str, object],
    position: int,
    how: _How,
) -> _Item:
    try:
        key = check_id(endpoint_id)
    except ApiError as refusal:
        answer = _refused(refusal)
        return _Item(
            change=None,
            is_refused=True,
            rows=[],
            endpoint_answer=answer,
            event_answers=dict.fromkeys(events, answer),
        )
    rows: list[EventRow] = []
    answers: dict[str, object] = dict.fromkeys(events, _ACCEPTED)
    for event_id, event in events.items():
        try:
            rows.append(_parse_event(event_id, event, how))
        except ApiError as refusal:  # noqa: PERF203 -- each event may be refused by itself
            place = f".BatchItem[{position}].Events[{list(events).index(event_id)}]"
            answers[event_id] = _refused(_located(refusal, place))
    patch, endpoint_answer = EMPTY, _ACCEPTED
    given = entry.get("Endpoint")
    if given != {}:
        try:
            if given is None:
                raise bad_request("Missing Endpoint")
            if how.checks_characters:
                body.check_characters(given)
            patch = parse_patch(given, how.limits)
        except ApiError as refusal:
            place = f".BatchItem[{position}].Endpoint"
            endpoint_answer = _refused(_located(refusal, place))
    return _Item(
        change=Update(key, endpoint_id, patch),
        is_refused=endpoint_answer is not _ACCEPTED,
        rows=rows,
        endpoint_answer=endpoint_answer,
        event_answers=answers,
    )


def _parse_event(event_id: str, event: object, how: _How) -> EventRow:
    if how.checks_characters:
        body.check_characters(event_id)
        body.check_characters(event)
    return parse_event(event_id, event, how.limits, sized=how.is_sized)


def _located(refusal: ApiError, prefix: str) -> ApiError:
    """Places below be seen from the request; a text that says it all stays as it is."""
    return refusal if refusal.path is None else refusal.under(prefix)


FAMILY = Family(
    name="events",
    operations={"PutEvents": Operation(put_events)},
    held_of_person=store.EventData(),
)
