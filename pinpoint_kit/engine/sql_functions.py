"""Functions in Python that SQL may call, for what a database itself does not tell exactly.

Pure and deterministic, of texts as the store keeps them. Which of them a database needs, and when
it calls them, stands in dialects.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.engine import instants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["has_value", "instant", "metric"]


def instant(text: str) -> str | None:
    """Returns an ISO_INSTANT in a form that sorts by time, None for any other text."""
    return instants.sortable(text)


def metric(text: str | None, name: str) -> float | None:
    """Returns a number of a stored map of numbers, None when there is none of this name."""
    number = orjson.loads(text).get(name) if text else None
    return None if number is None else float(number)


def has_value(text: str | None, name: str, how: str, wanted: str) -> bool:
    """Returns whether a stored map of lists has a value of this name that fits.

    Args:
        text: the map, None for an empty one.
        name: the name of the list.
        how: as for `dialects.has_value`.
        wanted: a JSON list of texts.
    """
    values = orjson.loads(text).get(name, ()) if text else ()
    fits, texts = _FITS[how], orjson.loads(wanted)
    return any(fits(value, texts) for value in values)


def _is_before(value: str, wanted: Sequence[str]) -> bool:
    moment = instant(value)
    return moment is not None and any(moment < text for text in wanted)


def _is_after(value: str, wanted: Sequence[str]) -> bool:
    moment = instant(value)
    return moment is not None and any(moment > text for text in wanted)


def _is_on(value: str, wanted: Sequence[str]) -> bool:
    moment = instant(value)
    return moment is not None and any(moment[:10] == text[:10] for text in wanted)


def _is_between(value: str, wanted: Sequence[str]) -> bool:
    moment = instant(value)
    return moment is not None and wanted[0] <= moment <= wanted[1]


_FITS: dict[str, Callable[[str, Sequence[str]], bool]] = {
    "INCLUSIVE": lambda value, wanted: value in wanted,
    "CONTAINS": lambda value, wanted: any(text in value for text in wanted),
    "BEFORE": _is_before,
    "AFTER": _is_after,
    "ON": _is_on,
    "BETWEEN": _is_between,
}
