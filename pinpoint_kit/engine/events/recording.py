"""Storing events with their endpoints: one transaction, and the hooks that want to hear of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import Connection

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications.store import App
from pinpoint_kit.engine.context import Context, Device, EventHook, RecordedEvent, Wanted
from pinpoint_kit.engine.endpoints.parsing import EMPTY
from pinpoint_kit.engine.endpoints.writer import EndpointWriter
from pinpoint_kit.engine.events import store
from pinpoint_kit.engine.events.items import ACCEPTED, Item, refused
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.wire.refusals import ApiError

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call
    from pinpoint_kit.engine.events.parsing import EventRow
    from pinpoint_kit.engine.storage.statements import Row

__all__ = ["record"]

#: What stands in a row before what is remembered of the endpoint.
_HEAD = 4


class _StoredBeforeError(Exception):
    """Some of the events were stored by an earlier try, which hooks must not hear of again."""


def record(
    context: Context, call: Call, items: Sequence[Item], *, are_wholes: bool = False
) -> list[Mapping[str, object]]:
    """Store items, in their order, and pass what is new to the hooks that want it.

    Args:
        context: the engine's surroundings.
        call: the request.
        items: what to store.
        are_wholes: leave the events out of an item whose endpoint is refused, and all that follows
            of that endpoint.

    Returns:
        The answer to each endpoint.

    Raises:
        ApiError: there is no such application.
    """
    try:
        return _store(context, call, items, are_new=True, are_wholes=are_wholes)
    except _StoredBeforeError:
        return _store(context, call, items, are_new=False, are_wholes=are_wholes)


def _store(
    context: Context,
    call: Call,
    items: Sequence[Item],
    *,
    are_new: bool,
    are_wholes: bool,
) -> list[Mapping[str, object]]:
    """Do what `record` does.

    Args:
        context: the engine's surroundings.
        call: the request.
        items: what to store.
        are_new: none of the events is there yet, which is the usual case. To look first takes as
            long as storing them.
        are_wholes: as for `record`.

    Raises:
        _StoredBeforeError: some are there, and there are hooks; nothing is stored.
    """
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        hooks = _Hooks.of(context, connection, app)
        writer = _writer(
            connection, app, context, call, items, are_claimed=bool(hooks) and not are_new
        )
        rows: list[EventRow] = []
        answers: list[Mapping[str, object]] = []
        refusals: dict[str, Mapping[str, object]] = {}
        for item in items:
            answer = item.endpoint_answer
            if item.change is not None:
                key = item.change.key
                answer = refusals.get(key) or _applied(writer, item)
                if are_wholes and answer is not ACCEPTED:
                    refusals[key] = answer
                else:
                    user_id, remembered = writer.of_events(key)
                    head = (app.number, key, user_id, call.now, *remembered)
                    rows += [head + row for row in item.rows]
                    if hooks and item.rows:
                        hooks.note(writer, key, len(item.rows))
            answers.append(answer)
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
    return answers


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
    items: Iterable[Item],
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
        referenced=list(dict.fromkeys([each.key for each in changes if each.patch is EMPTY])),
        are_claimed=are_claimed,
    )


def _applied(writer: EndpointWriter, item: Item) -> Mapping[str, object]:
    """Merge the `Endpoint` part; an empty one only makes an endpoint that is not known yet."""
    change = item.change
    if change is None or item.is_refused:
        return item.endpoint_answer
    if change.patch is EMPTY and writer.is_known(change.key):
        return ACCEPTED
    try:
        writer.apply(change)
    except ApiError as refusal:
        return refused(refusal)
    return ACCEPTED
