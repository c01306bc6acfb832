"""Many small files of a day become one: readers pay for each file, and exports make many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.lake.layout import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.lake.writing import Writer

__all__ = ["compacted"]

#: Larger files stay as they are.
_SMALL = 64_000_000
#: So many small files of a day may be.
_MOST_SMALL = 4


def compacted(writer: Writer, parts: Sequence[Part], *, is_all: bool) -> tuple[Sequence[Part], int]:
    """Return the parts after the small ones of a day became one, and how many those were.

    The new file is named for the numbers of all that are in it, and for the newest step.

    Args:
        writer: what writes files.
        parts: all files.
        is_all: of days with more than one file, make one of all.
    """
    by_day: dict[str, list[Part]] = {}
    for part in parts:
        by_day.setdefault(part.day, []).append(part)
    kept: list[Part] = []
    count = 0
    for day, own in by_day.items():
        small = own if is_all else [part for part in own if part.size < _SMALL]
        if len(small) < 2 or (not is_all and len(small) <= _MOST_SMALL):  # noqa: PLR2004 -- one is one
            kept += own
            continue
        count += len(small)
        kept += [part for part in own if part not in small]
        merged = Part(
            day,
            min(part.first for part in small),
            max(part.last for part in small),
            max(part.step for part in small),
            sum(part.rows for part in small),
            0,
        )
        kept.append(writer.part(f"SELECT * FROM {writer.read(small)}", merged))  # noqa: S608 -- our own names
    return sorted(kept, key=lambda part: part.name), count
