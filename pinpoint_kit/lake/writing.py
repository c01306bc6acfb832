"""From what the store has given to Parquet files, by DuckDB's COPY.

Rows come as JSON lines, which DuckDB reads with types of ours: nothing is guessed from the content.
Which files are meant belongs to layout.py, and what is in them to schema.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.lake import schema
from pinpoint_kit.lake.duck import file_list, literal
from pinpoint_kit.lake.layout import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from pinpoint_kit.lake.layout import Layout

__all__ = ["Writer"]

_LISTS = "MAP(VARCHAR, VARCHAR[])"
_DEVICE = dict.fromkeys(("pl", "av", "mk", "mo", "lo", "co"), "VARCHAR")
#: The members of the lines, see `LakePiece`, and their types.
_MEMBERS: Mapping[str, Mapping[str, str]] = {
    "events": {
        "type": "VARCHAR",
        "ms": "BIGINT",
        "got": "BIGINT",
        "e": "VARCHAR",
        "u": "VARCHAR",
        "id": "VARCHAR",
        "s": "VARCHAR",
        "d": "BIGINT",
        "span": "STRUCT(began BIGINT, ended BIGINT)",
        "app": "STRUCT(package VARCHAR, title VARCHAR, code VARCHAR, sdk VARCHAR, release VARCHAR)",
        **_DEVICE,
        "tz": "VARCHAR",
        "a": "MAP(VARCHAR, VARCHAR)",
        "m": "MAP(VARCHAR, DOUBLE)",
    },
    "endpoints": {
        **dict.fromkeys(("e", "u", "ch"), "VARCHAR"),
        "ms": "BIGINT",
        **_DEVICE,
        "a": _LISTS,
    },
    "users": {"u": "VARCHAR", "ms": "BIGINT", "a": _LISTS},
}
_DAY_MS = 86_400_000
#: An event that is further from its arrival is filed under the day of that: each day is a folder,
#: and clocks of devices may say anything.
_MOST_DAYS = 3660
#: The largest line: an event has at most 1,000 KB, and JSON writes a character as six at most.
_MOST_BYTES = 8_000_000
_NUL, _REPLACEMENT = "\\u0000", "\\ufffd"


class Writer:
    """Writes the files of a lake, with one DuckDB.

    Args:
        connection: a DuckDB for this alone.
        layout: the lake's folder, held.
    """

    def __init__(self, connection: DuckDBPyConnection, layout: Layout) -> None:
        self.connection = connection
        self._layout = layout
        self._drafts = 0

    def events(
        self, lines: Iterable[Sequence[str]], application: str, first: int, last: int, step: int
    ) -> list[Part]:
        """Write events, a file for each of their days.

        Args:
            lines: the events.
            application: the application's id.
            first: above this number they are.
            last: and up to this one.
            step: the step that writes.
        """
        fields = ", ".join(
            f"{field.source.replace('$app', literal(application))} AS {field.name}"
            for field in schema.EVENTS
        )
        at = f"CASE WHEN abs(ms - got) > {_MOST_DAYS * _DAY_MS} THEN got ELSE ms END"
        date = f"DATE '1970-01-01' + CAST(floor(({at}) / {_DAY_MS}) AS INTEGER)"
        self.connection.execute(
            f"CREATE OR REPLACE TEMP TABLE arrived AS SELECT {fields}, {date} AS event_date"  # noqa: S608 -- our own names
            f" FROM {self._read('events', lines)}"
        )
        days = self.connection.execute(
            "SELECT CAST(event_date AS VARCHAR), count(*) FROM arrived GROUP BY 1 ORDER BY 1"
        ).fetchall()
        parts = [
            self.part(
                f"SELECT * EXCLUDE (event_date) FROM arrived WHERE event_date = DATE '{day}'",  # noqa: S608 -- as above
                Part(day, first, last, step, rows, 0),
            )
            for day, rows in days
        ]
        self.connection.execute("DROP TABLE arrived")
        return parts

    def part(self, query: str, part: Part) -> Part:
        """Write the rows of a query as a part; return it with its size."""
        size = self._copy(query, part.name)
        return Part(part.day, part.first, part.last, part.step, part.rows, size)

    def table(self, name: str, lines: Iterable[Sequence[str]], step: int) -> str:
        """Write the endpoints or users; return the file's path within the lake."""
        fields = ", ".join(f"{field.source} AS {field.name}" for field in schema.TABLES[name])
        place = f"{name}/{step:06d}.parquet"
        self._copy(f"SELECT {fields} FROM {self._read(name, lines)}", place)  # noqa: S608 -- as above
        return place

    def read(self, parts: Iterable[Part], *, with_names: bool = False) -> str:
        """Return what reads parts, in the words of SQL."""
        paths = (self._layout.path / part.name for part in parts)
        options = ", filename = true" if with_names else ""
        return f"read_parquet({file_list(paths)}, hive_partitioning = false{options})"

    def _read(self, table: str, lines: Iterable[Sequence[str]]) -> str:
        path = self._layout.work / "rows.ndjson"
        with path.open("w", encoding="utf-8", newline="\n") as file:
            for page in lines:
                text = "\n".join(page)
                # As the store's numbers read it: PostgreSQL could not hold it.
                file.write(text.replace(_NUL, _REPLACEMENT) if _NUL in text else text)
                file.write("\n")
        types = ", ".join(
            f"{literal(name)}: {literal(kind)}" for name, kind in _MEMBERS[table].items()
        )
        return (
            f"read_json({literal(str(path))}, format = 'newline_delimited', columns = {{{types}}},"
            f" maximum_object_size = {_MOST_BYTES})"
        )

    def _copy(self, query: str, name: str) -> int:
        self._drafts += 1
        draft = self._layout.work / f"{self._drafts}.parquet"
        self.connection.execute(
            f"COPY ({query}) TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd)"
        )
        size = draft.stat().st_size
        self._layout.place(draft, name)
        return size
