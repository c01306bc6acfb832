"""`SparkLake`: a lake asked on a Spark cluster, through a session that was handed in.

The session is classic or Connect. Files are read by the manifest where there is one, so that what
an export is replacing is never read twice. Nothing of the cluster is configured here.
"""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pinpoint_kit.errors import ClosedError, ConfigurationError
from pinpoint_kit.lake import schema
from pinpoint_kit.lake.layout import MANIFEST, Manifest, decoded
from pinpoint_kit.lake.relation import view_name
from pinpoint_kit.lake.schema import MapOf
from pinpoint_kit.lake.shapes import derived, select_list
from pinpoint_kit.metrics.dialects import Spark, render

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar

    from pinpoint_kit.lake.files import Format
    from pinpoint_kit.lake.schema import Kind
    from pinpoint_kit.metrics.relation import Rows, Statement

    T = TypeVar("T")

__all__ = ["SparkLake", "SparkSession"]


class SparkSession(Protocol):
    """`pyspark.sql.SparkSession`, or that of `pyspark.sql.connect`."""

    @property
    def version(self) -> str:
        """The version of Spark."""


#: Views of one session need names of their own.
_numbers = itertools.count(1)
_TRIES = 5
_PLAIN = {"text": "STRING", "whole": "BIGINT", "number": "DOUBLE", "texts": "ARRAY<STRING>"}
_OF_STREAMS = (
    "client_context STRUCT<custom: STRUCT<endpoint: STRING>>",
    (
        "endpoint STRUCT<Id: STRING, User: STRUCT<UserId: STRING>,"
        " Location: STRUCT<Country: STRING>, Demographic: STRUCT<Timezone: STRING>>"
    ),
)


class SparkLake:
    """The views of a lake in a Spark session. Safe to use from several threads.

    Args:
        session: the session; it is not stopped.
        place: a folder or any URL that the session can read.
        form: the form of files of others; None: Parquet.
        columns: where those have what metrics want, see `select_list`.

    Raises:
        ConfigurationError: the session can read no events there.
    """

    def __init__(
        self,
        session: SparkSession,
        place: str,
        form: Format | None,
        columns: Mapping[str, str | Sequence[str]] | None,
    ) -> None:
        if not callable(getattr(session, "sql", None)):
            raise ConfigurationError(
                "spark= takes a SparkSession: make one with SparkSession.builder…getOrCreate()"
            )
        self._session: Any = session
        self._place = _url(place)
        self._form: Format = form or "parquet"
        self._columns = columns
        self._lock = threading.Lock()
        self._is_closed = False
        self._manifest: Manifest | None = None
        self._number: str | None = None
        self._renew()

    def ask(self, question: Callable[[str, Callable[[Statement], Rows]], T]) -> T:
        """Put a question to one state of the lake; see `LocalLake.ask`."""
        for attempt in range(_TRIES):
            with self._lock:
                if self._is_closed:
                    raise ClosedError("the lake is closed: open it again with open_lake()")
                before = self._manifest
                if attempt or before is not None:
                    self._renew()
                number = self._number or ""
            try:
                return question(number, self._rows)
            except Exception as error:
                with self._lock:
                    is_changed = self._manifest_now() != before
                if not _is_missing(error) or not is_changed:
                    raise
        raise ConfigurationError(
            f"files are missing in {self._place}: an export replaces them again and again; ask when"
            " it has ended"
        )

    def close(self) -> None:
        """Drop the views. Closing again does nothing."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                self._drop()

    def _rows(self, statement: Statement) -> Rows:
        text, parameters = render(statement, Spark())
        return [tuple(row) for row in self._session.sql(text, args=parameters).collect()]

    def _renew(self) -> None:
        manifest = self._manifest_now()
        if self._number is not None and manifest == self._manifest:
            return
        number = str(next(_numbers))
        if manifest is None:
            self._make_foreign(number)
        else:
            self._make_own(manifest, number)
        self._drop()
        self._manifest, self._number = manifest, number

    def _manifest_now(self) -> Manifest | None:
        place = f"{self._place}/{MANIFEST}"
        try:
            lines = self._session.read.text(place, wholetext=True).collect()
        except Exception as error:
            if _is_missing(error):
                return None
            raise
        return decoded("\n".join(str(line[0]) for line in lines), place)

    def _make_own(self, manifest: Manifest, number: str) -> None:
        files = manifest.files
        for table, fields in schema.TABLES.items():
            found = {field.name: field.kind for field in fields}
            ddl = ", ".join(f"`{name}` {_ddl(kind)}" for name, kind in found.items())
            if files[table]:
                paths = [f"{self._place}/{name}" for name in files[table]]
                frame = self._session.read.schema(ddl).parquet(*paths)
            else:
                frame = self._session.createDataFrame([], ddl)
            self._view(frame, table, number, select_list("spark", table, found))

    def _make_foreign(self, number: str) -> None:
        reader = self._session.read.option("recursiveFileLookup", "true")
        try:
            if self._form == "json":
                own = [f"`{field.name}` {_ddl(field.kind)}" for field in schema.EVENTS]
                frame = reader.schema(", ".join([*own, *_OF_STREAMS])).json(self._place)
            else:
                frame = reader.parquet(self._place)
            fields = frame.schema.fields
        except Exception as error:
            raise ConfigurationError(
                f"Spark can read no events in {self._place} ({type(error).__name__}): name the"
                " folder of a lake"
            ) from error
        found = {field.name: _kind(field.dataType) for field in fields}
        columns = select_list("spark", "events", found, self._columns, is_foreign=True)
        self._view(frame, "events", number, columns)
        for table in ("endpoints", "users"):
            query = derived("spark", table).format(events=view_name("events", number))
            self._session.sql(query).createOrReplaceTempView(view_name(table, number))

    @staticmethod
    def _view(frame: Any, table: str, number: str, columns: str) -> None:  # noqa: ANN401 -- a DataFrame
        name = view_name(table, number)
        frame.createOrReplaceTempView(f"{name}_files")
        frame.sparkSession.sql(f"SELECT {columns} FROM {name}_files").createOrReplaceTempView(name)  # noqa: S608 -- our own names

    def _drop(self) -> None:
        if self._number is None:
            return
        for table in schema.TABLES:
            name = view_name(table, self._number)
            self._session.catalog.dropTempView(name)
            self._session.catalog.dropTempView(f"{name}_files")


def _url(place: str) -> str:
    """Return a place as every process of a cluster understands it."""
    if "://" in place or not os.path.exists(place):  # noqa: PTH110 -- a URL is no path
        return place.rstrip("/")
    return Path(place).absolute().as_uri()


def _is_missing(error: Exception) -> bool:
    text = str(error)
    return any(sign in text for sign in ("PATH_NOT_FOUND", "FileNotFound", "FILE_NOT_EXIST"))


def _ddl(kind: Kind) -> str:
    if isinstance(kind, str):
        return _PLAIN[kind]
    if isinstance(kind, MapOf):
        return f"MAP<STRING, {_PLAIN[kind.value]}>"
    return f"STRUCT<{', '.join(f'`{name}`: {_ddl(member)}' for name, member in kind.items())}>"


def _kind(kind: Any) -> Kind:  # noqa: ANN401 -- Spark's own description of a type
    name = kind.typeName()
    if name == "struct":
        return {field.name: _kind(field.dataType) for field in kind.fields}
    if name == "map":
        value = _kind(kind.valueType)
        return MapOf(value) if isinstance(value, str) else "other"
    if name == "array":
        return "texts" if _kind(kind.elementType) == "text" else "other"
    return {"string": "text", "long": "whole", "bigint": "whole", "double": "number"}.get(
        name, "other"
    )
