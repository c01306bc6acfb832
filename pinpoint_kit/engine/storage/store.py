"""`Store`: one open database, its transactions, and the checks when it is opened.

A transaction of `write` is applied as a whole or not at all, and is durable when it returns, but
for one of many that asks for less.
Several threads and several processes may use one file. Which rows are read or written is the
business of the resources' own files; what SQLite in particular needs stands in
storage/dialects/sqlite.py.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect, select
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage.dialects import sqlite as dialects
from pinpoint_kit.engine.storage.gate import Gate
from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.metadata import META, METADATA
from pinpoint_kit.engine.wire.refusals import Refusal, internal_error
from pinpoint_kit.errors import StoreError
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import URL, Connection, Engine

__all__ = ["BUSY_TIMEOUT_S", "Store", "check_owner"]

#: How long a write waits for another one. Below botocore's read timeout of 60 s.
BUSY_TIMEOUT_S = 30.0
_SHUT_TIMEOUT_S = 5.0
_COLUMNS = {
    (name, column.name) for name, table in METADATA.tables.items() for column in table.columns
}


class Store:
    """An open database with our schema. Use from any thread; `close` it when done."""

    def __init__(
        self, engine: Engine, bulk: Engine, *, in_memory: bool, busy_timeout: float
    ) -> None:
        self._engine = engine
        self._bulk = bulk  # connections of its own, so that no other write can come by one
        self._in_memory = in_memory
        self._busy_timeout = busy_timeout
        self._is_closed = False
        self._renew_locks()
        forks.watch(
            self,
            forks.Layer.STORAGE,
            before=Store._before_fork,
            after_in_parent=Store._after_fork_in_parent,
            after_in_child=Store._after_fork_in_child,
        )

    @classmethod
    def open(cls, url: str, *, busy_timeout: float = BUSY_TIMEOUT_S) -> Store:
        """Opens the database, making or upgrading its tables.

        Raises:
            StoreError: it cannot be used; the message says why and what to do.
        """
        parsed = dialects.parse_url(url)
        in_memory = dialects.is_in_memory(parsed)
        if not in_memory:
            _check_place(parsed)
            _make_private(parsed)
        engine = dialects.connect(parsed, busy_timeout)
        bulk = engine if in_memory else dialects.connect(parsed, busy_timeout, bulk=True)
        store = cls(engine, bulk, in_memory=in_memory, busy_timeout=busy_timeout)
        try:
            store._set_up()
        except BaseException as error:
            store.close()
            if isinstance(error, DBAPIError):
                raise StoreError(f"{store.name}: {dialects.explain(error).sentence}") from None
            if isinstance(error, StoreError):
                raise StoreError(f"{store.name}: {error}") from None
            raise
        return store

    @property
    def name(self) -> str:
        """What to call it in a message: "The database FILE"."""
        return f"The database {self._engine.url.database or 'in memory'}"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Lends a connection for reading; each statement sees the latest state."""
        with self._entered(exclusive=self._in_memory), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self, *, bulk: bool = False) -> Iterator[Connection]:
        """Lends a connection inside a transaction: committed at the end, undone by any error.

        Args:
            bulk: it is one of many, and power loss may undo it until a write that is not has
                followed. Nobody may have been told that it is stored before that.
        """
        engine = self._bulk if bulk else self._engine
        with self._entered(exclusive=True), engine.connect() as connection:
            dialects.begin_write(connection)
            yield connection
            connection.commit()

    def end_bulk(self) -> None:
        """Frees what `write(bulk=True)` has kept open, much of it memory."""
        if not self._in_memory:
            with self._entered(exclusive=False):
                self._bulk.dispose()

    def scrub(self) -> None:
        """Takes deleted data out of side files of the database, as far as possible now.

        The deletion itself is stored already, so nothing that goes wrong here may refuse it.
        """
        with (
            suppress(DBAPIError, Refusal),
            self._entered(exclusive=True),
            self._engine.connect() as connection,
        ):
            dialects.scrub(connection)

    def close(self) -> None:
        """Waits for running requests, then closes every connection. Closing again does nothing."""
        self._is_closed = True
        self._gate.shut(_SHUT_TIMEOUT_S)
        self._engine.dispose()
        self._bulk.dispose()
        self._gate.open()  # whoever waited finds the store closed
        forks.forget(self)

    @contextmanager
    def _entered(self, *, exclusive: bool) -> Iterator[None]:
        forks.check()
        with ExitStack() as stack:
            stack.enter_context(self._gate.passing())
            if self._is_closed:
                raise internal_error("The engine is closed; open it again")
            if exclusive:
                # Threads of one process queue here, in order; only processes meet in SQLite.
                if not self._writer.acquire(timeout=self._busy_timeout):
                    raise internal_error(
                        "Another thread has locked the database for too long; try again"
                    )
                stack.callback(self._writer.release)
            yield

    def _renew_locks(self) -> None:
        self._gate = Gate()
        self._writer = threading.Lock()

    def _set_up(self) -> None:
        with self.read() as connection:
            check_owner(connection)
            dialects.prepare(connection)
        with self.write() as connection:
            _bring_up_to_date(connection)

    def _before_fork(self) -> None:
        # Nobody may be inside SQLite while its memory is copied, and no file may be open.
        self._gate.shut(_SHUT_TIMEOUT_S)
        if not self._in_memory:
            self._engine.dispose()
            self._bulk.dispose()

    def _after_fork_in_parent(self) -> None:
        self._gate.open()

    def _after_fork_in_child(self) -> None:
        # A connection that could not be closed in time belongs to the parent: forget it.
        self._renew_locks()
        if not self._in_memory:
            self._engine.dispose(close=False)
            self._bulk.dispose(close=False)


def _check_place(url: URL) -> None:
    """Says what is wrong with the file's place better than the database could."""
    database = url.database or ""
    if database.startswith("file:"):
        return
    path = Path(database)
    if path.is_dir():
        raise StoreError(f"{database} is a directory; name a file in it, such as pinpoint.db")
    if not path.parent.is_dir():
        raise StoreError(
            f"The directory {path.parent} of the database does not exist; make it first"
        )


def _make_private(url: URL) -> None:
    """Makes a new file for this user only: it will hold addresses and user ids.

    SQLite would make it readable for all, and gives its side files the rights of the file. A file
    that is there keeps its rights, and one that cannot be made is left for SQLite to explain.
    """
    database = url.database or ""
    if database.startswith("file:"):
        return
    with suppress(OSError):
        # Where a link leads, because O_EXCL does not follow links and SQLite does.
        path = os.path.realpath(database)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def check_owner(connection: Connection) -> bool:
    """True when the tables are there, False when there are none; others are left untouched."""
    names = set(inspect(connection).get_table_names())
    if names and META.name not in names:
        raise StoreError("the file belongs to another program; name another file")
    return bool(names)


def _bring_up_to_date(connection: Connection) -> None:
    """Makes, checks or upgrades the tables, inside a write transaction."""
    if not check_owner(connection):
        METADATA.create_all(connection)
        connection.execute(
            META.insert(), {"name": "schema_version", "value": str(migrations.VERSION)}
        )
        return
    value = connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar()
    if value is None or not value.isdecimal():
        raise StoreError("the schema version is missing; restore a backup or name another file")
    version = int(value)
    if version > migrations.VERSION:
        raise StoreError(
            f"its schema version is {version}, and this release knows {migrations.VERSION} at"
            " most; upgrade pinpoint-kit or name another file"
        )
    for step in range(version, migrations.VERSION):
        migrations.MIGRATIONS[step](connection)
    _check_columns(connection)
    # Written even when it is the same: a read-only database shows itself only by a write.
    connection.execute(
        META.update().where(META.c.name == "schema_version").values(value=str(migrations.VERSION))
    )


def _check_columns(connection: Connection) -> None:
    """Refuses a file that says our version and lacks a part of it: requests would fail later."""
    missing = _COLUMNS - dialects.columns(connection, list(METADATA.tables))
    if missing:
        raise StoreError(
            f"its schema version is {migrations.VERSION}, and columns of it are not there"
            f" ({len(missing)}, such as {'.'.join(min(missing))}); restore a backup or name another"
            " file"
        )
