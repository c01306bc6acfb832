"""Where the rows of `endpoints.load` come from: a file, endpoints, records or a data frame.

Every source gives rows one by one, so that memory stays small whatever its length. What is wrong
with a row is found in row_checks.py.
"""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, TypeAlias, Union, cast

from pinpoint_kit.audience import locations
from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.job import JobFormat
from pinpoint_kit.models.wire.rows import is_missing
from pinpoint_kit.records.columns import column_of
from pinpoint_kit.records.lines import Lines
from pinpoint_kit.records.rows import CsvRows, HeaderError, JsonRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from pinpoint_kit.audience.row_checks import CheckedRow, RowChecks
    from pinpoint_kit.records.rows import Rows

__all__ = ["RowSource", "checked_rows", "local_file"]

#: What can be loaded.
RowSource: TypeAlias = Union[
    "str | os.PathLike[str] | BinaryIO | TextIO | pd.DataFrame | pa.Table | pl.DataFrame",
    Iterable["Endpoint | Mapping[str, Any]"],
]

_AT_ONCE = 1_000
_BUFFER_BYTES = 256 * 1024


def local_file(source: object) -> Path | None:
    """Return the file that a source names, or None when it is no name.

    Raises:
        ValidationError: it is a URL of another place, or there is no such file.
    """
    if not isinstance(source, (str, os.PathLike)):
        return None
    if isinstance(source, str) and "://" in source:
        path = locations.local_path(locations.location_url(source, "$.source"))
        if path is None:
            raise ValidationError(
                "is not on this machine: use jobs.import_endpoints for s3://", "$.source"
            )
    else:
        path = Path(os.fsdecode(source))
    if not path.is_file():
        what = "is a folder: jobs.import_endpoints takes it" if path.is_dir() else "is no file"
        raise ValidationError(f"{what}; check the path", "$.source", "no_file")
    return path.absolute()


def checked_rows(
    source: RowSource, path: Path | None, kind: JobFormat | None, checks: RowChecks
) -> Iterator[CheckedRow]:
    """Yield the rows of a source, each checked when it is asked for.

    Args:
        source: what was given.
        path: the file that it names, if it names one.
        kind: the format, when it is a file or a stream.
        checks: how rows are checked.

    Raises:
        InvalidTypeError: it is nothing that has rows.
        ValidationError: the file cannot be read, or its header cannot be understood.
    """
    if path is not None:
        with _explained(), path.open("rb") as stream:
            yield from _file_rows(stream, kind, checks, is_gzip=path.name.endswith(".gz"))
    elif hasattr(source, "read"):
        with _explained():
            yield from _file_rows(_bytes_of(source), kind, checks, is_gzip=False)
    else:
        yield from _object_rows(source, checks)


def _bytes_of(source: object) -> BinaryIO:
    """Return a stream of bytes; one of text is encoded while it is read."""
    stream = cast("BinaryIO", source)
    if not isinstance(stream.read(0), str):
        return stream
    return cast("BinaryIO", io.BufferedReader(_Encoded(cast("TextIO", source)), _BUFFER_BYTES))


class _Encoded(io.RawIOBase):
    """A stream of text as one of bytes. Closing it leaves the text open, which is the caller's."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._left = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 -- any buffer that can be written
        if not self._left:
            # What no UTF-8 can hold makes its row bad, and not the whole file.
            self._left = self._text.read(_BUFFER_BYTES // 4).encode(errors="surrogatepass")
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size


def _file_rows(
    stream: BinaryIO, kind: JobFormat | None, checks: RowChecks, *, is_gzip: bool
) -> Iterator[CheckedRow]:
    if is_gzip:
        inner = gzip.GzipFile(fileobj=stream)
        stream = cast("BinaryIO", io.BufferedReader(cast("Any", inner), _BUFFER_BYTES))
    lines = Lines(stream)
    rows: Rows[CheckedRow]
    if kind is JobFormat.CSV:
        try:
            rows = CsvRows(lines, checks, CsvRows.header(lines))
        except HeaderError as error:
            yield checks.bad(max(lines.number, 1), str(error))
            return
    else:
        rows = JsonRows(lines, checks)
    while not rows.is_at_end:
        yield from rows.read(_AT_ONCE)


def _object_rows(source: object, checks: RowChecks) -> Iterator[CheckedRow]:
    if hasattr(source, "columns") and hasattr(source, "itertuples"):
        frame = _with_index(source)
        source = _records(frame.columns, frame.itertuples(index=False, name=None))
    elif hasattr(source, "columns") and hasattr(source, "iter_rows"):  # polars
        source = _records(source.columns, source.iter_rows())
    elif hasattr(source, "column_names") and hasattr(source, "to_batches"):
        source = _records(source.column_names, _arrow_rows(source))
    if isinstance(source, (Mapping, Endpoint, bytes)) or not isinstance(source, Iterable):
        raise InvalidTypeError(
            f"expected a path or rows, got {type(source).__name__}: pass a list of Endpoint, of"
            " dicts, a data frame (pandas, polars) or an Arrow table",
            "$.source",
        )
    for row, item in enumerate(source, start=1):
        if isinstance(item, Endpoint):
            yield checks.model(row, item)
        elif isinstance(item, Mapping):
            yield checks.record(row, item)
        else:
            raise InvalidTypeError(
                f"expected an Endpoint or a dict, got {type(item).__name__}", f"$.source[{row - 1}]"
            )


def _with_index(frame: Any) -> Any:  # noqa: ANN401 -- pandas is an extra
    """Return a data frame of pandas whose index is a column where it has such a name."""
    names = [name for name in frame.index.names if isinstance(name, str)]
    has_columns = any(column_of(name) is not None for name in names)
    return frame.reset_index() if has_columns else frame


def _arrow_rows(table: Any) -> Iterator[tuple[object, ...]]:  # noqa: ANN401 -- pyarrow is an extra
    for batch in table.to_batches(max_chunksize=_AT_ONCE):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _records(
    columns: Iterable[object], rows: Iterable[tuple[object, ...]]
) -> Iterator[dict[str, object]]:
    """Yield the rows of a data frame, without missing values; a repeated column has several."""
    names = [str(name) for name in columns]
    for cells in rows:
        record: dict[str, object] = {}
        for name, cell in zip(names, cells, strict=True):
            if is_missing(cell):
                continue
            value = cell.tolist() if hasattr(cell, "tolist") else cell
            record[name] = [*_listed(record[name]), *_listed(value)] if name in record else value
        yield record


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise ValidationError("the compressed file is damaged", "$.source", "file") from None
    except UnicodeDecodeError:
        raise ValidationError(
            'cannot be read with the encoding that it was opened with: open it with "rb"',
            "$.source",
            "file",
        ) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ValidationError(f"cannot be read: {reason}", "$.source", "file") from None
