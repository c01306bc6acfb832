"""`copy_store`: everything of one store into another, checked, and resumable.

The source is read at one moment and never written. The target is empty before, and is served by
nobody until every table was read back and is equal to the source. Where a run was interrupted, the
next one goes on: it first compares what is there with the source as it is now, and copies a table
anew that has changed in what was copied of it.

Every batch of rows is stored with the state in one transaction, under the token of the run: a
second run takes over, and the first one stops before it writes again.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.copying.ends import End, check_source, open_source, open_target
from pinpoint_kit.engine.copying.state import NOTHING, Done, State
from pinpoint_kit.engine.copying.tables import CopiedTable, Row, copied_tables
from pinpoint_kit.engine.storage import filling
from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

__all__ = ["CopyProgress", "CopyReport", "TableReport", "copy_store"]


@attrs.frozen
class CopyProgress:
    """How far a copy is.

    Attributes:
        stage: what is done now, for example `copying events` or `checking events`.
        done: rows copied, and rows checked.
        total: how many that will be: all rows twice.
    """

    stage: str
    done: int
    total: int


@attrs.frozen
class TableReport:
    """What a copy holds of a table.

    Attributes:
        rows: how many.
        digest: SHA-256 over all rows in the order of their keys, in hexadecimal: the same for the
            same content, whatever the database; "" without rows.
    """

    rows: int
    digest: str


@attrs.frozen
class CopyReport:
    """A finished copy: both databases were read, and have the same in each of these tables.

    Attributes:
        source: what to call the source, without user and password.
        target: the same for the target.
        tables: by name.
        is_resumed: whether an earlier run had begun it.
    """

    source: str
    target: str
    tables: Mapping[str, TableReport]
    is_resumed: bool

    @property
    def rows(self) -> int:
        """How many rows there are in all tables."""
        return sum(table.rows for table in self.tables.values())


def copy_store(
    source_url: str,
    target_url: str,
    *,
    on_progress: Callable[[CopyProgress], object] | None = None,
) -> CopyReport:
    """Copy everything of a store into an empty one, as it is at one moment.

    Others may read and write the source meanwhile; what they write after the beginning is not
    copied. The target is locked for everybody else until the copy is checked. Interrupted by
    anything, the same call goes on. Memory use does not depend on the size of the stores.

    Args:
        source_url: the database to read, `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`. Its
            tables must be of this release.
        target_url: the database to fill. It is made when it does not exist; one that is there
            must hold nothing, or the beginning of a copy.
        on_progress: called about every 500 rows.

    Returns:
        What was copied, by tables.

    Raises:
        StoreError: a database cannot be used, the target holds something, or what was copied is
            not what the source has; the message says what to do next.

    Examples:
        >>> from pinpoint_kit.engine import Engine, copy_store
        >>> Engine.open("sqlite:///shop.db").close()
        >>> copy_store("sqlite:///shop.db", "sqlite:///moved.db").rows
        0
    """
    with ExitStack() as stack:
        # The source first: what is wrong with it must not leave a target behind.
        source = stack.enter_context(open_source(source_url))
        target = stack.enter_context(open_target(target_url))
        return _Copy(source, target, on_progress or (lambda _: None)).run()


class _UndoneError(Exception):
    """A row was stored to see whether it can be."""


class _Copy:
    """One run."""

    def __init__(
        self, source: End, target: End, on_progress: Callable[[CopyProgress], object]
    ) -> None:
        self._source = source
        self._target = target
        self._on_progress = on_progress
        self._tables = copied_tables()
        self._state = State(uuid.uuid4().hex, migrations.VERSION)
        self._total = 0
        self._done = 0

    def run(self) -> CopyReport:
        """Copy, check, and open the target to everybody."""
        is_resumed = self._begin()
        with self._source.explaining(), self._source.store.snapshot() as connection:
            self._check_snapshot(connection, is_resumed=is_resumed)
            self._total = 2 * sum(table.count(connection) for table in self._tables)
            for table in self._tables:
                self._copy(connection, table)
            numbers = {
                table.name: self._source.dialect.last_number(connection, table.table)
                for table in self._tables
                if table.has_numbers
            }
        self._check()
        self._end(numbers)
        tables = {name: TableReport(each.rows, each.digest) for name, each in self._all_done()}
        return CopyReport(
            self._source.dialect.label, self._target.dialect.label, tables, is_resumed
        )

    def _begin(self) -> bool:
        """Mark the target, or take over a copy that was begun; return whether that is so."""
        with self._writing(bulk=False) as connection:
            note = filling.pending(connection)
            if note is None:
                for table in self._tables:
                    if not table.is_empty(connection):
                        raise self._target.refusal(
                            f"it holds data already (in {table.name}); name an empty database"
                        )
                filling.begin(connection, self._state.encoded())
                return False
            state = State.decoded(note)
            if state.version != migrations.VERSION:
                raise self._target.refusal(
                    f"the copy into it was begun by a release with the schema version"
                    f" {state.version}; finish it with that release, or name another database"
                )
            self._state = attrs.evolve(state, token=self._state.token)
            filling.save(connection, self._state.encoded())
            return True

    def _check_snapshot(self, connection: Connection, *, is_resumed: bool) -> None:
        """Look again at what is read: it may be the target itself, under another name."""
        note = filling.pending(connection)
        if note is not None and State.decoded(note).token == self._state.token:
            self._give_up()
            raise self._target.refusal("source and target are one database; name another target")
        try:
            check_source(self._source, connection)
        except StoreError:
            if not is_resumed:
                self._give_up()
            raise

    def _give_up(self) -> None:
        """Let others have the target again, into which nothing was copied."""
        with self._writing(bulk=False) as connection:
            self._require_turn(connection)
            filling.end(connection)

    def _copy(self, connection: Connection, table: CopiedTable) -> None:
        done = self._state.tables.get(table.name)
        if done is None or not self._is_beginning(connection, table, done):
            self._clear(table)
            done = NOTHING
        self._tell("copying", table, done.rows)
        for rows in table.batches(connection, done.last):
            done = done.followed_by(rows, table.key_of(rows[-1]))
            self._add(table, rows, done)
            self._tell("copying", table, len(rows))

    def _add(self, table: CopiedTable, rows: Sequence[Row], done: Done) -> None:
        with self._target.explaining():
            try:
                with self._target.store.write(bulk=True) as connection:
                    self._require_turn(connection)
                    table.add(connection, rows)
                    self._save(connection, table, done)
            except DBAPIError as error:
                if self._target.store.explain(error).is_refusal:
                    self._locate(table, rows, done.rows - len(rows))
                raise

    def _locate(self, table: CopiedTable, rows: Sequence[Row], before: int) -> None:
        """Find the row that the target cannot hold, by storing and undoing each.

        Raises:
            StoreError: with its place, and without its content.
        """
        for position, row in enumerate(rows, before + 1):
            sentence = self._problem_of(table, row)
            if sentence is not None:
                place = f"number {table.key_of(row)[0]}" if table.has_numbers else f"row {position}"
                raise self._target.refusal(
                    f"{table.name} cannot be copied from {place} on. {sentence}, in the source, and"
                    " run the same copy again"
                )

    def _problem_of(self, table: CopiedTable, row: Row) -> str | None:
        """Return why the target cannot hold a row, None when it can."""
        try:
            with suppress(_UndoneError), self._target.store.write() as connection:
                table.add(connection, [row])
                raise _UndoneError
        except DBAPIError as error:
            return self._target.store.explain(error).sentence
        return None

    @staticmethod
    def _is_beginning(connection: Connection, table: CopiedTable, done: Done) -> bool:
        """Whether the source has the same first rows now that were copied then."""
        found = NOTHING
        for rows in table.batches(connection):
            some = rows[: done.rows - found.rows]
            if not some:
                break
            found = found.followed_by(some, table.key_of(some[-1]))
        return found.is_same(done)

    def _clear(self, table: CopiedTable) -> None:
        """Remove the rows of a table that do not count, in transactions of some hundred."""
        has_more = True
        while has_more:
            with self._writing() as connection:
                self._require_turn(connection)
                has_more = table.remove_some(connection)
                self._save(connection, table, None)

    def _check(self) -> None:
        """Read all that was written, and compare.

        Raises:
            StoreError: a table is not as it was written; the next run copies it anew.
        """
        with self._target.explaining(), self._target.store.snapshot() as connection:
            found = {table.name: self._read_back(connection, table) for table in self._tables}
        wrong = [each for each in self._tables if not found[each.name].is_same(self._of(each))]
        if not wrong:
            return
        first = wrong[0]
        problem = (
            f"{first.name} has {found[first.name].rows:,} rows, which are not the"
            f" {self._of(first).rows:,} that were copied: stop what else writes there, and run the"
            " same copy again"
        )
        for table in wrong:
            with self._writing(bulk=False) as writing:
                self._require_turn(writing)
                self._save(writing, table, None)
        raise self._target.refusal(problem)

    def _read_back(self, connection: Connection, table: CopiedTable) -> Done:
        found = NOTHING
        for rows in table.batches(connection):
            found = found.followed_by(rows, table.key_of(rows[-1]))
            self._tell("checking", table, len(rows))
        return found

    def _end(self, numbers: Mapping[str, int]) -> None:
        with self._writing(bulk=False) as connection:
            self._require_turn(connection)
            for table in self._tables:
                if numbers.get(table.name):
                    number = numbers[table.name]
                    self._target.dialect.number_after(connection, table.table, number)
            filling.end(connection)

    @contextmanager
    def _writing(self, *, bulk: bool = True) -> Iterator[Connection]:
        with self._target.explaining(), self._target.store.write(bulk=bulk) as connection:
            yield connection

    def _require_turn(self, connection: Connection) -> None:
        """Check, in each transaction, that no other run has taken over.

        Raises:
            StoreError: one has, or has finished.
        """
        note = filling.pending(connection)
        if note is None or State.decoded(note).token != self._state.token:
            raise self._target.refusal("another copy into it has taken over; leave it to that one")

    def _save(self, connection: Connection, table: CopiedTable, done: Done | None) -> None:
        self._state = self._state.with_table(table.name, done)
        filling.save(connection, self._state.encoded())

    def _of(self, table: CopiedTable) -> Done:
        return self._state.tables.get(table.name, NOTHING)

    def _all_done(self) -> Sequence[tuple[str, Done]]:
        return [(table.name, self._of(table)) for table in self._tables]

    def _tell(self, what: str, table: CopiedTable, rows: int) -> None:
        self._done += rows
        self._on_progress(CopyProgress(f"{what} {table.name}", self._done, self._total))
