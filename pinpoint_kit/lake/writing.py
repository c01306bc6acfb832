"""From what the store has given to Parquet files, by DuckDB's COPY.

Rows come as JSON lines, which DuckDB reads with types of ours: nothing is guessed from the content.
Which files are meant belongs to layout.py, and what is in them to schema.py.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING

from pinpoint_kit.lake import schema
from pinpoint_kit.lake.duck import file_list, literal
from pinpoint_kit.lake.layout import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from pinpoint_kit.lake.layout import Layout
    from pinpoint_kit.lake.source import DayLines

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
        "a": "VARCHAR",
        "m": "VARCHAR",
    },
    "endpoints": {
        **dict.fromkeys(("e", "u", "ch"), "VARCHAR"),
        "ms": "BIGINT",
        **_DEVICE,
        "a": _LISTS,
    },
    "users": {"u": "VARCHAR", "ms": "BIGINT", "a": _LISTS},
}
_EPOCH = dt.date(1970, 1, 1)
#: The largest line: an event has at most 1,000 KB, and JSON writes a character as six at most.
_MOST_BYTES = 8_000_000
#: The first level: the third, which is the default, saves 1 % of the bytes for 20 % more time.
_FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1"
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
        self, found: Iterable[DayLines], application: str, first: int, last: int, step: int
    ) -> list[Part]:
        """Write events, a file for each of their days.

        Args:
            found: the events.
            application: the application's id.
            first: above this number they are.
            last: and up to this one.
            step: the step that writes.
        """
        fields = ", ".join(
            f"{field.source.replace('$app', literal(application))} AS {field.name}"
            for field in schema.EVENTS
        )
        counts: Counter[int] = Counter()
        for each in found:
            mode = "a" if each.day in counts else "w"  # what an interrupted step has left goes
            counts[each.day] += each.rows
            with self._lines_of(each.day).open(mode, encoding="utf-8", newline="\n") as file:
                file.write(_written(each.text))
        parts = []
        for day, rows in sorted(counts.items()):
            path = self._lines_of(day)
            date = (_EPOCH + dt.timedelta(days=day)).isoformat()
            query = f"SELECT {fields} FROM {_reading('events', path)}"  # noqa: S608 -- our own names
            parts.append(self.part(query, Part(date, first, last, step, rows, 0)))
            path.unlink()
        return parts

    def _lines_of(self, day: int) -> Path:
        return self._layout.work / f"{day}.ndjson"

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
                file.write(_written("\n".join(page)))
        return _reading(table, path)

    def _copy(self, query: str, name: str) -> int:
        self._drafts += 1
        draft = self._layout.work / f"{self._drafts}.parquet"
        self.connection.execute(f"COPY ({query}) TO {literal(str(draft))} ({_FORMAT})")
        size = draft.stat().st_size
        self._layout.place(draft, name)
        return size


def _written(text: str) -> str:
    """Return lines as they are put into a file."""
    # As the store's numbers read it: PostgreSQL could not hold it.
    return f"{text.replace(_NUL, _REPLACEMENT) if _NUL in text else text}\n"


def _reading(table: str, path: Path) -> str:
    """Return what reads lines, in the words of SQL."""
    types = ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in _MEMBERS[table].items())
    return (
        f"read_json({literal(str(path))}, format = 'newline_delimited', columns = {{{types}}},"
        f" maximum_object_size = {_MOST_BYTES})"
    )
