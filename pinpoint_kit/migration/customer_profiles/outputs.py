"""The files of a conversion: whole or not there at all, and their owner's alone."""

from __future__ import annotations

import csv
import io
import re
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Protocol, TextIO

import orjson

from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.system.atomic_files import atomic_file, drafts, remove_drafts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = ["WORK", "Outputs", "Table", "prepare_folder"]

WORK = ".work"
REPORT = "report.json"
PROFILES = "profiles"
_PART = re.compile(r"profiles-(\d+)\.(jsonl|csv)")
_BUFFER_BYTES = 1 << 20


def prepare_folder(folder: Path) -> None:
    """Make the folder of a conversion, or check that it is one.

    Raises:
        ConfigurationError: it holds something else, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        entries = {entry.name for entry in folder.iterdir()}
        if entries and WORK not in entries and not _is_report(folder / REPORT):
            raise ConfigurationError(
                f"{folder} holds other files: name an empty folder, or one that does not exist"
            )
        (folder / WORK).mkdir(mode=0o700, exist_ok=True)
        (folder / PROFILES).mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{folder} cannot be written ({error.strerror}): name another folder"
        ) from None


def _is_report(path: Path) -> bool:
    """Whether the file is there, and is the report of a conversion."""
    try:
        report = orjson.loads(path.read_bytes())
    except (FileNotFoundError, orjson.JSONDecodeError):
        return False
    return isinstance(report, dict) and report.keys() >= {"profiles", "superseded", "members"}


class Table(Protocol):
    """Takes rows of a table."""

    def writerow(self, row: Iterable[object], /) -> object:
        """Write a row."""


def _devices_name(number: int) -> str:
    """Return the path of the devices of a part, below the folder."""
    return f"{WORK}/devices-{number:05d}.csv"


@contextmanager
def _as_text(file: BinaryIO) -> Iterator[TextIO]:
    """Write texts into a file, which stays open."""
    text = io.TextIOWrapper(file, "utf-8", newline="")
    try:
        yield text
        text.flush()
    finally:
        text.detach()


class Outputs:
    """Writes the files of one conversion.

    Args:
        folder: where to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def part_name(self, number: int, form: str = "jsonl") -> str:
        """Return the path of a part of the profiles, below the folder."""
        return f"{PROFILES}/profiles-{number:05d}.{form}"

    @contextmanager
    def part(self, number: int) -> Iterator[tuple[BinaryIO, Table]]:
        """Write a part of the profiles, one JSON object a line, and the devices of these."""
        with (
            self._written(self.part_name(number)) as file,
            self._written(_devices_name(number)) as table,
            _as_text(table) as text,
        ):
            yield file, csv.writer(text, lineterminator="\n")

    def join_devices(self, name: str, columns: Sequence[str], parts: int) -> None:
        """Write the table of devices from those of the parts."""
        with self._written(name) as file:
            with _as_text(file) as text:
                csv.writer(text, lineterminator="\n").writerow(columns)
            for number in range(1, parts + 1):
                with (self._folder / _devices_name(number)).open("rb") as part:
                    shutil.copyfileobj(part, file, _BUFFER_BYTES)

    def remove_devices(self) -> None:
        """Remove the tables of the parts, and drafts of them, which kills have left."""
        work = self._folder / WORK
        for entry in [*work.glob("devices-*.csv"), *drafts(work, "devices-*.csv")]:
            entry.unlink()

    def write_json(self, name: str, value: object) -> None:
        """Write a JSON value, as people read it."""
        with self._written(name) as file:
            file.write(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n")

    def write_text(self, name: str, text: str) -> None:
        """Write a text."""
        (self._folder / name).parent.mkdir(mode=0o700, exist_ok=True)
        with self._written(name) as file:
            file.write(text.encode())

    def write_csv(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Write a table, and return how many rows it has."""
        count = 0
        with self._written(name) as file, _as_text(file) as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            for row in rows:
                writer.writerow(row)
                count += 1
        return count

    def parts_as_csv(self, parts: int, columns: Sequence[str]) -> None:
        """Write each part as a table instead.

        Args:
            parts: how many there are.
            columns: the names of the values, as in `Attributes.plan`.
        """
        for number in range(1, parts + 1):
            source = self._folder / self.part_name(number)
            if source.exists():  # else a process that was killed came so far
                name = self.part_name(number, "csv")
                self.write_csv(name, columns, self._rows(source, columns))
                source.unlink()

    @staticmethod
    def _rows(source: Path, columns: Sequence[str]) -> Iterator[list[str]]:
        with source.open("rb") as file:
            for line in file:
                cells = {}
                for name, value in orjson.loads(line).items():
                    if isinstance(value, dict):
                        cells.update({f"{name}.{inner}": text for inner, text in value.items()})
                    else:
                        cells[name] = value
                yield [cells.get(column, "") for column in columns]

    def remove_other_parts(self, parts: int, form: str) -> None:
        """Remove what an earlier one has left: drafts, and all parts but so many of this form."""
        for entry in (self._folder / PROFILES).iterdir():
            found = _PART.fullmatch(entry.name)
            if found and (int(found[1]) > parts or found[2] != form):
                entry.unlink()
        for entry in drafts(self._folder / PROFILES, "profiles-*"):
            entry.unlink()

    def remove(self, name: str) -> None:
        """Remove a file that an earlier conversion has left."""
        (self._folder / name).unlink(missing_ok=True)

    @contextmanager
    def _written(self, name: str) -> Iterator[BinaryIO]:
        path = self._folder / name
        remove_drafts(path)
        try:
            with (
                atomic_file(path, replace=True) as draft,
                draft.open("wb", buffering=_BUFFER_BYTES) as file,
            ):
                yield file
        except PinpointKitError:
            raise
        except OSError as error:
            raise ConfigurationError(
                f"{path} cannot be written ({error.strerror}): make room or name another folder,"
                " and run it again"
            ) from None
