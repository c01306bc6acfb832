"""How far each source was read: a small SQLite file of its own.

A cursor is stored after its records are accepted, so that a crash reads some of them again and
leaves none out. Nothing else is kept here: no record, no token, no name of a person.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from typing import TYPE_CHECKING

from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["Cursors"]

_APPLICATION_ID = 0x504B4944  # "PKID"
_BUSY_S = 5.0


class Cursors:
    """The cursors of any number of sources. Several processes may share the file.

    Args:
        path: the file; it is made with mode 0600 when there is none.

    Raises:
        StoreError: the file cannot be used, or is another program's.

    Examples:
        >>> with Cursors(":memory:") as cursors:
        ...     cursors.set("okta acme.okta.com", "2024-08-13T15:58:20Z")
        ...     cursors.get("okta acme.okta.com")
        '2024-08-13T15:58:20Z'
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.fspath(path)
        with self._explained():
            if self._path != ":memory:":
                os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(self._path, timeout=_BUSY_S, isolation_level=None)
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def __repr__(self) -> str:
        return f"<Cursors {self._path}>"

    def get(self, source: str) -> str | None:
        """Return how far a source was read; None when it never was.

        Args:
            source: its name.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._explained():
            row = self._connection.execute(
                "SELECT position FROM cursors WHERE source = ?", (source,)
            ).fetchone()
        return None if row is None else str(row[0])

    def set(self, source: str, position: str) -> None:
        """Store how far a source was read.

        Raises:
            StoreError: the file cannot be written.
        """
        with self._explained():
            self._connection.execute(
                "INSERT INTO cursors (source, position) VALUES (?, ?)"
                " ON CONFLICT (source) DO UPDATE SET position = excluded.position",
                (source, position),
            )

    def close(self) -> None:
        """Close the file; idempotent."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _prepare(self) -> None:
        (owner,) = self._connection.execute("PRAGMA application_id").fetchone()
        (tables,) = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if owner != _APPLICATION_ID:
            if owner or tables:
                raise StoreError(
                    f"{self._path} is another program's database: name another file for cursors"
                )
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS cursors"
            " (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID"
        )

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(
                f"{self._path} cannot be used for cursors ({error}): name another file"
            ) from error
        except OSError as error:
            raise StoreError(
                f"{self._path} cannot be opened for cursors ({error.strerror}): name a file in a"
                " folder that can be written"
            ) from error
