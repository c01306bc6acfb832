"""Which files of a folder are events, and of which form, where no manifest says so."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Literal, TypeAlias

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Format", "found_files"]

Format: TypeAlias = Literal["parquet", "json"]

_PARQUET = b"PAR1"


def found_files(path: Path, form: Format | None) -> tuple[Sequence[Path], Format]:
    """Return the files below a folder, and their form.

    Hidden files and those that begin with `_` are left out, as every reader of lakes does.

    Args:
        path: the folder, or one file.
        form: which form they have; None: as the first of them looks.

    Raises:
        ConfigurationError: there are none, or they cannot be read.
    """
    try:
        if path.is_file():
            found = [path]
        else:
            found = sorted(
                each
                for each in path.rglob("*")
                if each.is_file()
                and not any(part.startswith((".", "_")) for part in each.relative_to(path).parts)
            )
        if not found:
            raise ConfigurationError(
                f"there are no files in {path}: name the folder of a lake, or make one with"
                " `pinpoint-kit lake export`"
            )
        return found, form or _form(found[0])
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}") from None


def _form(path: Path) -> Format:
    with path.open("rb") as file:
        start = file.read(4)
    if start == _PARQUET:
        return "parquet"
    if start[:2] == b"\x1f\x8b":
        with gzip.open(path) as file:
            start = file.read(4)
    if start.lstrip()[:1] in {b"{", b""}:
        return "json"
    raise ConfigurationError(
        f"{path} is neither Parquet nor JSON lines: name the folder of events, and of nothing else"
    )
