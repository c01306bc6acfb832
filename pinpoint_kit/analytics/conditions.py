"""Filters as text, such as `platform=ios` or `metrics.level>=3`: for shells and pages.

What a filter means stands in metrics/filters.py; this is only its short form.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["parse_conditions"]

_MAPS = ("attributes", "endpoint_attributes", "user_attributes", "metrics")
_COMPARISON = re.compile(r"([^<>=]+)(>=|<=|>|<|=)(.*)", re.DOTALL)
_NAMES = {">=": "at_least", "<=": "at_most", ">": "above", "<": "below", "=": "equals"}


def parse_conditions(texts: Iterable[str]) -> dict[str, Any]:
    """Return filters as `where=` of the analytics verbs takes them.

    Args:
        texts: each `NAME=VALUE`, or `metrics.NAME` with `=`, `<`, `<=`, `>` or `>=` and a number.

    Raises:
        ValidationError: one is not of this form.

    Examples:
        >>> parse_conditions(["platform=ios", "platform=web", "metrics.level>=3"])
        {'platform': ['ios', 'web'], 'metrics': {'level': {'at_least': 3.0}}}
    """
    found: dict[str, Any] = {}
    for text in texts:
        match = _COMPARISON.fullmatch(text)
        if match is None:
            raise _wrong(text, "write NAME=VALUE, such as platform=ios")
        name, sign, value = match.groups()
        head, _dot, key = name.strip().partition(".")
        if head == "metrics" and key:
            found.setdefault("metrics", {}).setdefault(key, {})[_NAMES[sign]] = _number(text, value)
        elif sign != "=":
            raise _wrong(text, f"only metrics can be compared with {sign}")
        elif head in _MAPS and key:
            found.setdefault(head, {}).setdefault(key, []).append(value)
        else:
            found.setdefault(name.strip(), []).append(value)
    return found


def _number(text: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _wrong(text, f"{value!r} is no number") from None


def _wrong(text: str, why: str) -> ValidationError:
    return ValidationError(f"{text!r}: {why}", "$.where", "condition")
