"""Functions in Python that SQL may call, for what a database itself does not tell exactly.

Pure and deterministic, of texts as the store keeps them. Which of them a database needs, and when
it calls them, stands in storage/dialects. What is asked comes as JSON, because U+0000 in
an argument is not safe with every driver.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.engine.wire import instants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["has_value", "instant", "metric"]


def instant(text: str) -> str | None:
    """Return an ISO_INSTANT in a form that sorts by time, None for any other text."""
    return instants.sortable(text)


def metric(text: str | None, asked: str) -> float | None:
    """Return a number of a stored map of numbers, None when there is none of this name.

    Args:
        text: the map, None for an empty one.
        asked: the name, in JSON.
    """
    number = orjson.loads(text).get(orjson.loads(asked)) if text else None
    return None if number is None else float(number)


def has_value(text: str | None, asked: str) -> bool:
    """Return whether a stored map of lists has a value of this name that fits.

    Args:
        text: the map, None for an empty one.
        asked: name, how and the wanted texts as for `dialects.has_value`, a list in JSON.
    """
    name, how, wanted = orjson.loads(asked)
    values = orjson.loads(text).get(name, ()) if text else ()
    fits = _FITS[how]
    return any(fits(value, wanted) for value in values)


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
