"""`LocalLake`: a lake in a folder, asked by DuckDB."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ClosedError, ConfigurationError
from pinpoint_kit.lake import schema
from pinpoint_kit.lake.duck import connected, file_list, literal
from pinpoint_kit.lake.files import found_files
from pinpoint_kit.lake.layout import Manifest, load
from pinpoint_kit.lake.relation import view_name
from pinpoint_kit.lake.schema import MapOf, sql_type
from pinpoint_kit.lake.shapes import derived, select_list
from pinpoint_kit.metrics.dialects import DuckDB, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from duckdb import DuckDBPyConnection

    from pinpoint_kit.lake.files import Format
    from pinpoint_kit.lake.schema import Kind
    from pinpoint_kit.metrics.relation import Rows, Statement

    T = TypeVar("T")

__all__ = ["LocalLake"]

#: How often a question is asked again whose files an export has replaced meanwhile.
_TRIES = 5
#: What JSON lines of Pinpoint's event stream may have besides our own columns.
_OF_STREAMS = {
    "endpoint": "JSON",
    "client_context": "STRUCT(custom STRUCT(endpoint VARCHAR))",
}


class LocalLake:
    """The views of a lake in a folder. Safe to use from several threads; `close` it.

    Args:
        path: the folder.
        form: the form of its files, for lakes of others; None: as they look.
        columns: where those have what metrics want, see `select_list`.
    """

    def __init__(
        self,
        path: Path,
        form: Format | None,
        columns: Mapping[str, str | Sequence[str]] | None,
    ) -> None:
        self.path = path
        self._form = form
        self._columns = columns
        self._spill = tempfile.TemporaryDirectory(prefix="pinpoint-kit-lake-")
        self._lock = threading.Lock()
        self._is_closed = False
        self._manifest: Manifest | None = None
        self._views = 0
        try:
            self._connection = connected(Path(self._spill.name))
            self.ask(lambda _, __: None)  # what is wrong with the files is said at once
        except BaseException:
            self.close()
            raise

    @property
    def manifest(self) -> Manifest | None:
        """What the lake consists of; None for a lake of others."""
        return self._manifest

    def ask(self, question: Callable[[str, Callable[[Statement], Rows]], T]) -> T:
        """Put a question to one state of the lake.

        Args:
            question: is given what tells the views of this state from others, and what runs a
                statement on them; it may be called again, when an export has replaced files.

        Raises:
            ClosedError: the lake is closed.
            ConfigurationError: the files cannot be read.
        """
        import duckdb  # noqa: PLC0415 -- heavy, and an extra

        for _ in range(_TRIES):
            before = self._manifest
            try:
                number, cursor = self._begun()
                try:
                    return question(number, lambda statement: _rows(cursor, statement))  # noqa: B023 -- called before the next round
                finally:
                    cursor.close()
            except duckdb.IOException:  # a file is gone: an export has replaced it, or somebody
                if load(self.path) in {None, before}:
                    break
            except duckdb.Error as error:
                raise ConfigurationError(
                    f"the files in {self.path} cannot be read as events"
                    f" ({type(error).__name__}): see that they have one form"
                ) from None
        raise ConfigurationError(
            f"files are missing in {self.path}: restore them, or export into an empty folder"
        )

    def _begun(self) -> tuple[str, DuckDBPyConnection]:
        """Return what tells the views of the present state from others, and a cursor."""
        with self._lock:
            if self._is_closed:
                raise ClosedError("the lake is closed: open it again with open_lake()")
            self._renew()
            return str(self._views), self._connection.cursor()

    def close(self) -> None:
        """Close DuckDB and remove what it has put aside. Closing again does nothing."""
        with self._lock:
            self._is_closed = True
            if hasattr(self, "_connection"):
                self._connection.close()
            self._spill.cleanup()

    def _renew(self) -> None:
        """Make views of what the lake consists of now, where that has changed."""
        manifest = load(self.path)
        if self._views and (manifest == self._manifest):
            return
        number = str(self._views + 1)
        if manifest is not None:
            self._make_own(manifest, number)
        else:
            self._make_foreign(number)
        self._manifest = manifest
        self._views += 1

    def _make_own(self, manifest: Manifest, number: str) -> None:
        files = manifest.files
        for table, fields in schema.TABLES.items():
            found = {field.name: field.kind for field in fields}
            paths = [self.path / name for name in files[table]]
            if paths:
                source = f"read_parquet({file_list(paths)}, hive_partitioning = false)"
            else:
                empty = ", ".join(
                    f'CAST(NULL AS {sql_type(kind)}) AS "{name}"' for name, kind in found.items()
                )
                source = f"(SELECT {empty} LIMIT 0)"
            self._view(table, number, select_list("duckdb", table, found), source)

    def _make_foreign(self, number: str) -> None:
        files, form = found_files(self.path, self._form)
        if form == "parquet":
            source = (
                f"read_parquet({file_list(files)}, hive_partitioning = false, union_by_name = true)"
            )
        else:
            types = {field.name: sql_type(field.kind) for field in schema.EVENTS} | _OF_STREAMS
            listed = ", ".join(f"{literal(n)}: {literal(kind)}" for n, kind in types.items())
            source = (
                f"read_json({file_list(files)}, format = 'newline_delimited',"
                f" columns = {{{listed}}}, hive_partitioning = false)"
            )
        relation = self._connection.sql(f"SELECT * FROM {source} LIMIT 0")  # noqa: S608 -- our own names
        found = {
            name: _kind(kind) for name, kind in zip(relation.columns, relation.types, strict=True)
        }
        columns = select_list("duckdb", "events", found, self._columns, is_foreign=True)
        self._view("events", number, columns, source)
        events = view_name("events", number)
        for table in ("endpoints", "users"):
            query = derived("duckdb", table).format(events=events)
            self._connection.execute(f"CREATE VIEW {view_name(table, number)} AS {query}")

    def _view(self, table: str, number: str, columns: str, source: str) -> None:
        name = view_name(table, number)
        self._connection.execute(f"CREATE VIEW {name} AS SELECT {columns} FROM {source}")  # noqa: S608 -- as above


def _rows(cursor: DuckDBPyConnection, statement: Statement) -> Rows:
    text, parameters = render(statement, DuckDB())
    rows: list[tuple[object, ...]] = cursor.execute(text, parameters).fetchall()
    return rows


def _kind(kind: Any) -> Kind:  # noqa: ANN401 -- DuckDB's own description of a type
    name = kind.id
    if name in {"struct", "map", "list"}:
        children = dict(kind.children)
        if name == "struct":
            return {member: _kind(each) for member, each in children.items()}
        if name == "map":
            value = _kind(children["value"])
            return MapOf(value) if isinstance(value, str) else "other"
        return "texts" if _kind(children["child"]) == "text" else "other"
    if name in {"varchar", "json"}:
        return "text"
    if name in {"bigint", "integer", "smallint", "tinyint", "hugeint", "ubigint", "uinteger"}:
        return "whole" if name == "bigint" else "other whole"
    return "number" if name == "double" else "other"
