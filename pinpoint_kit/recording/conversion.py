"""Attributes and metrics of an event as callers hand them over, as what the service takes.

What cannot be sent is left out and counted, or raises; nothing here knows a limit.
"""

from __future__ import annotations

from collections.abc import Mapping

from pinpoint_kit.errors import InvalidTypeError
from pinpoint_kit.models.base import path_to
from pinpoint_kit.models.scalars import UNUSABLE, attribute_text, metric_number

__all__ = ["attribute_texts", "metric_numbers"]

_TEXT = frozenset({str})


def attribute_texts(value: object) -> tuple[dict[str, str] | None, int]:
    """Return attributes as texts, and how many had to be left out.

    Args:
        value: a mapping, or None.

    Raises:
        InvalidTypeError: it is no mapping, or something in it is no scalar.
    """
    if value is None:
        return None, 0
    if type(value) is dict and _TEXT.issuperset(map(type, value)):
        try:
            "".join(value.values())
        except TypeError:
            pass  # one of them is no text
        else:
            return value.copy(), 0  # the caller keeps theirs
    texts: dict[str, str] = {}
    left_out = 0
    for name, item in _items(value, "$.attributes"):
        key = _name(name, "$.attributes")
        text = attribute_text(item, path_to("$.attributes", key))
        if text is UNUSABLE:
            left_out += 1
        elif text is not None:
            texts[key] = text
    return texts, left_out


def metric_numbers(value: object) -> tuple[dict[str, float] | None, int]:
    """Return metrics as finite floats, and how many had to be left out.

    Args:
        value: a mapping, or None.

    Raises:
        InvalidTypeError: it is no mapping, or something in it is no number.
        ValidationError: a text in it writes no number.
    """
    if value is None:
        return None, 0
    metrics: dict[str, float] = {}
    left_out = 0
    for name, item in _items(value, "$.metrics"):
        key = _name(name, "$.metrics")
        number = metric_number(item, path_to("$.metrics", key))
        if number is UNUSABLE:
            left_out += 1
        elif number is not None:
            metrics[key] = number
    return metrics, left_out


def _items(value: object, path: str) -> list[tuple[object, object]]:
    if not isinstance(value, Mapping):
        raise InvalidTypeError(f"expected a mapping, got {type(value).__name__}: pass a dict", path)
    return list(value.items())


def _name(value: object, path: str) -> str:
    if type(value) is str:
        return value
    text = attribute_text(value, path)
    if not isinstance(text, str):
        raise InvalidTypeError(f"expected a name, got {value}: pass a str", path)
    return text
