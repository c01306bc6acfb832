"""The note that deleted values may still be in the database's files, until they are overwritten.

A deletion writes it in its own transaction, so that whatever happens to the process, some engine
overwrites the values. How that is done belongs to storage/dialects, when and by whom to removal/.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy import bindparam, delete, select

from pinpoint_kit.engine.storage import lake_cursors
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.metadata import META

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.store import Store

__all__ = ["Note", "defer", "done", "leave", "pending"]

_NAME = "remnants"
#: After how long an engine overwrites what an ordinary deletion has left: many are done in one go.
_DELAY_MS = 60_000

_LOAD = Statement(select(META.c.value).where(META.c.name == bindparam("name_")), "name_")
_SAVE = Statement(
    lambda dialect: upsert(dialect, META, ("name",), ("value",)).values(
        name=bindparam("name"), value=bindparam("value")
    ),
    "name",
    "value",
)
_REMOVE = Statement(delete(META).where(META.c.name == bindparam("name_")), "name_")


@attrs.frozen
class Note:
    """What was deleted last, and by when to overwrite it.

    Attributes:
        token: differs with every deletion.
        due: milliseconds since 1970.
    """

    token: str
    due: int


def pending(connection: Connection) -> Note | None:
    """Return the note, None when no deleted value is left in the files."""
    rows = _LOAD.rows(connection, _NAME)
    if not rows:
        return None
    token, due = rows[0][0].split(" ")
    return Note(token, int(due))


def leave(
    store: Store, connection: Connection, token: str, now: int, *, is_urgent: bool = False
) -> None:
    """Note, in the transaction of a deletion, that its values are to be overwritten.

    It comes after the deletion. What exports are behind is noted, too: see `lake_cursors.lower`.

    Args:
        store: the database; where nothing can be overwritten, nothing is noted.
        connection: the transaction.
        token: a new id.
        now: milliseconds since 1970.
        is_urgent: at once, instead of within a minute.
    """
    lake_cursors.lower(connection)
    if store.is_in_memory or not store.overwrites_remnants:
        return
    before = pending(connection)
    due = now if is_urgent else now + _DELAY_MS
    _save(connection, Note(token, due if before is None else min(due, before.due)))


def done(connection: Connection, token: str) -> bool:
    """Remove the note, if nothing was deleted since the one with this token.

    Args:
        connection: a write transaction.
        token: the note's when overwriting began.

    Returns:
        False when more was deleted; then the note stays.
    """
    note = pending(connection)
    if note is not None and note.token != token:
        return False
    _REMOVE.run_many(connection, [(_NAME,)])
    return True


def defer(connection: Connection, now: int) -> None:
    """Put off what was deleted meanwhile, so that it is done with what else comes."""
    note = pending(connection)
    if note is not None:
        _save(connection, Note(note.token, now + _DELAY_MS))


def _save(connection: Connection, note: Note) -> None:
    _SAVE.run_many(connection, [(_NAME, f"{note.token} {note.due}")])
