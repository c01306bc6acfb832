"""`DeadLetters`: what a spool has given up, for tools that stand beside the programs that use it.

It reads, replays and purges. It sends nothing, adopts nobody's rows, and makes no file: a path
where no spool is stays as it is. How dead letters are stored stands in spool/dead_letters.py.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.spool import dead_letters
from pinpoint_kit.delivery.spool import schema as spool_schema
from pinpoint_kit.delivery.spool.dead_letters import StoredDeadLetter
from pinpoint_kit.delivery.spool.schema import SpoolError
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.errors import StoreError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import JsonValue

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from typing_extensions import Self

__all__ = ["Content", "DeadLetters", "StoredDeadLetter", "content", "has_content"]

_EVENT = "event"
_PAGE = 1000
#: Without a look at the WAL nothing is made beside the file, whatever it is; with one, perhaps.
_PROBES = ("mode=ro&immutable=1", "mode=ro")


@attrs.frozen(repr=False)
class Content:
    """What was to be sent, under Pinpoint's names.

    Attributes:
        item: the members of the event, or of the endpoint update with its `Id`.
        endpoint: the endpoint data that went with an event, or None.
    """

    item: Mapping[str, JsonValue]
    endpoint: Mapping[str, JsonValue] | None = None


class DeadLetters:
    """The dead letters of one spool file. Other processes may have it open, and deliver, meanwhile.

    Every method may raise `StoreError`: the file is locked, full or damaged.

    Args:
        path: a spool that exists.

    Raises:
        StoreError: there is none, or it cannot be used; the message says what to do.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = spool_schema.resolve(path)
        _check(self.path)
        self._spool = Spool(self.path)

    def __repr__(self) -> str:
        return f"<DeadLetters {self.path.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. What was replayed is then anybody's to deliver. Idempotent."""
        self._spool.close()

    def heads(self, after: int = 0) -> Iterator[StoredDeadLetter]:
        """All dead letters without their content, by id, those above `after`."""
        with self._explained():
            while page := self._spool.dead_letters(_PAGE, after):
                yield from page
                after = page[-1].id

    def contents(self) -> Iterator[StoredDeadLetter]:
        """All dead letters with their content, by id, a page in memory at a time."""
        with self._explained():
            yield from self._spool.export()

    def get(self, dead_id: int) -> StoredDeadLetter | None:
        """One dead letter with its content; None when there is none of this id."""
        with self._explained():
            return self._spool.dead_letter(dead_id)

    def replay(self, ids: Iterable[int]) -> int:
        """Move dead letters to the end of the queue, untried, in this order.

        Nobody delivers them before `close`. Give ids of letters that have content only.

        Returns:
            How many were still there.
        """
        with self._explained():
            return self._spool.replay(ids)

    def purge(self, ids: Iterable[int]) -> int:
        """Remove dead letters for good, some at a time: recording waits for none for long.

        Returns:
            How many were still there.
        """
        with self._explained():
            return sum(self._spool.purge(batch) for batch in dead_letters.batches(ids))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except SpoolError as error:
            raise StoreError(f"The spool {self.path}: {error}") from error


def has_content(letter: StoredDeadLetter) -> bool:
    """Return false for an item that could not be encoded: only that it was is known."""
    return letter.size > 0


def content(letter: StoredDeadLetter) -> Content:
    """Decode a letter that was read with its content.

    Raises:
        ValidationError: there is none, or it is damaged; the message repeats nothing of it.
    """
    if not letter.body:
        raise ValidationError("has no content: it could not be encoded", "$")
    if letter.kind != _EVENT:
        return Content(_object(letter.body))
    event = _object(b"{" + letter.body + b"}").get(letter.item_id)
    if not isinstance(event, dict):
        raise _damaged()
    return Content(event, _object(letter.endpoint) if letter.endpoint else None)


def _object(text: bytes) -> dict[str, JsonValue]:
    try:
        value = wire.from_json(text)
    except ValidationError:
        raise _damaged() from None
    if not isinstance(value, dict):
        raise _damaged()
    return value


def _damaged() -> ValidationError:
    return ValidationError("its content is damaged", "$")


def _check(path: Path) -> None:
    """Refuses what is no spool before anything is made beside it.

    Raises:
        StoreError: there is nothing, or something else.
    """
    if not path.exists():
        if path.with_name(path.name + ".rescue").exists():
            return  # a rescue was interrupted: opening takes it up again
        raise StoreError(
            f"There is no spool {path}; name the file that a client was given as spool=PATH"
        )
    wal = path.with_name(path.name + "-wal")
    try:
        for probe in _PROBES:
            # By SQLite also here: closing a file of our own would drop this process's locks.
            with closing(sqlite3.connect(f"{path.as_uri()}?{probe}", uri=True)) as db:
                found = db.execute("PRAGMA application_id").fetchone()[0]
            if found == spool_schema.APPLICATION_ID:
                return
            if not wal.exists():
                break
    except sqlite3.Error as error:
        known = spool_schema.explain(error)
        if known.reason != "corrupt":
            raise StoreError(f"The spool {path}: {known}") from None
    raise StoreError(f"The file {path} is not a spool; name another one")
