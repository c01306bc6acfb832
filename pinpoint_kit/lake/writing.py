"""From what the store has given to Parquet files, by DuckDB's COPY.

Rows come as JSON lines, which DuckDB reads with types of ours: nothing is guessed from the content.
Which files are meant belongs to layout.py, and what is in them to schema.py.
"""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import attrs

from pinpoint_kit.lake import schema
from pinpoint_kit.lake.duck import file_list, literal
from pinpoint_kit.lake.layout import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from duckdb import DuckDBPyConnection

    from pinpoint_kit.lake.layout import Layout
    from pinpoint_kit.lake.source import DayLines

__all__ = ["Writer"]

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
        "a": "VARCHAR",
    },
    "users": {"u": "VARCHAR", "ms": "BIGINT", "a": "VARCHAR"},
}
_EPOCH = dt.date(1970, 1, 1)
#: Room for a line that DuckDB is told to keep at least: it takes twice of it for each file.
_LEAST_BYTES = 100_000
#: The first level: the third, which is the default, saves 1 % of the bytes for 20 % more time.
#: Nobody looks up one value of what bloom filters are for: columns of few values.
_FORMAT = "FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, WRITE_BLOOM_FILTER false"
#: Many events have the same attributes as others: DuckDB takes a quarter of a microsecond for each
#: key of a map, so the texts are made maps once each. Rows stay in the order of the lines, which is
#: that of their arrival, so that each row group has some minutes of a day. To sort them by arrival
#: and id takes a quarter longer, and up to 7 % more bytes: what arrives together is alike.
_EVENTS = f"""
WITH
  lines AS MATERIALIZED (FROM {{lines}}),
  maps AS MATERIALIZED (
    SELECT a, {schema.from_text("a", "MAP(VARCHAR, VARCHAR)")} AS attributes
    FROM (SELECT DISTINCT a FROM lines)
  )
SELECT {{fields}} FROM lines LEFT JOIN maps USING (a)
"""  # noqa: S608 -- our own names


@attrs.define
class _Lines:
    """A file of JSON lines.

    Attributes:
        path: it.
        rows: how many lines it has.
        most_bytes: no line has more.
    """

    path: Path
    rows: int = 0
    most_bytes: int = _LEAST_BYTES

    def add(self, file: BinaryIO, text: str, rows: int) -> None:
        """Append lines, which have no newline at their end."""
        content = text.encode()
        file.write(content)
        file.write(b"\n")
        self.rows += rows
        if len(content) > self.most_bytes:
            self.most_bytes = max(self.most_bytes, *map(len, content.split(b"\n")))

    def reading(self, table: str) -> str:
        """Return what reads them, in the words of SQL."""
        types = ", ".join(
            f"{literal(name)}: {literal(kind)}" for name, kind in _MEMBERS[table].items()
        )
        return (
            f"read_json({literal(str(self.path))}, format = 'newline_delimited',"
            f" columns = {{{types}}}, maximum_object_size = {self.most_bytes})"
        )


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
        parts = []
        for day, lines in sorted(self._days(found).items()):
            date = (_EPOCH + dt.timedelta(days=day)).isoformat()
            query = _EVENTS.format(fields=fields, lines=lines.reading("events"))
            parts.append(self.part(query, Part(date, first, last, step, lines.rows, 0)))
            lines.path.unlink()
        return parts

    def _days(self, found: Iterable[DayLines]) -> dict[int, _Lines]:
        """Write the lines of each day into a file of its own."""
        days: dict[int, _Lines] = {}
        for day, pages in groupby(found, key=attrgetter("day")):
            lines = days.get(day) or _Lines(self._layout.work / f"{day}.ndjson")
            # What an interrupted step has left goes.
            with lines.path.open("ab" if day in days else "wb") as file:
                for page in pages:
                    lines.add(file, page.text, page.rows)
            days[day] = lines
        return days

    def part(self, query: str, part: Part) -> Part:
        """Write the rows of a query as a part; return it with its size."""
        size = self._copy(query, part.name)
        return Part(part.day, part.first, part.last, part.step, part.rows, size)

    def table(self, name: str, lines: Iterable[Sequence[str]], step: int) -> str:
        """Write the endpoints or users; return the file's path within the lake."""
        fields = ", ".join(f"{field.source} AS {field.name}" for field in schema.TABLES[name])
        place = f"{name}/{step:06d}.parquet"
        rows = _Lines(self._layout.work / "rows.ndjson")
        with rows.path.open("wb") as file:
            for page in lines:
                rows.add(file, "\n".join(page), len(page))
        self._copy(f"SELECT {fields} FROM {rows.reading(name)}", place)  # noqa: S608 -- our own names
        return place

    def read(self, parts: Iterable[Part], *, with_names: bool = False) -> str:
        """Return what reads parts, in the words of SQL."""
        paths = (self._layout.path / part.name for part in parts)
        options = ", filename = true" if with_names else ""
        return f"read_parquet({file_list(paths)}, hive_partitioning = false{options})"

    def _copy(self, query: str, name: str) -> int:
        self._drafts += 1
        draft = self._layout.work / f"{self._drafts}.parquet"
        self.connection.execute(f"COPY ({query}) TO {literal(str(draft))} ({_FORMAT})")
        size = draft.stat().st_size
        self._layout.place(draft, name)
        return size
