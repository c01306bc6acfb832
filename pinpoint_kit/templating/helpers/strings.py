"""The helpers of texts, as handlebars.java has them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pinpoint_kit.templating.bounds import MAX_OUTPUT_CHARS, MAX_VALUES, MAX_WIDTH
from pinpoint_kit.templating.helpers.arguments import Given, Helper, text, text_option, whole
from pinpoint_kit.templating.rendering import Refusal
from pinpoint_kit.templating.values import is_list, is_missing, printed

if TYPE_CHECKING:
    from pinpoint_kit.templating.values import Value

__all__ = ["HELPERS"]

_WORD_START = re.compile(r"(?:(?<=\s)|^)\S")
_ELLIPSIS = "..."


def _abbreviate(given: Given) -> str:
    whole_text = text(given, 0)
    most = whole(given.arg(1), 1, len(_ELLIPSIS) + 1, MAX_OUTPUT_CHARS)
    if len(whole_text) <= most:
        return whole_text
    return whole_text[: most - len(_ELLIPSIS)] + _ELLIPSIS


def _capitalize(given: Given) -> str:
    return _WORD_START.sub(lambda match: match[0].title(), text(given, 0))


def _capitalize_first(given: Given) -> str:
    found = text(given, 0)
    return found[:1].title() + found[1:]


def _width(given: Given) -> int:
    """Return the width: `size=`, or the second argument, as the guide shows it."""
    return whole(given.options.get("size", given.arg(1)), 1, 0, MAX_WIDTH)


def _padding(given: Given, width: int) -> str:
    pad = text_option(given, "pad", " ") or " "
    return (pad * (width // len(pad) + 1))[: max(width, 0)]


def _center(given: Given) -> str:
    found, width = text(given, 0), _width(given)
    left = max(width - len(found), 0) // 2
    found = _padding(given, left) + found
    return found + _padding(given, width - len(found))


def _ljust(given: Given) -> str:
    found, width = text(given, 0), _width(given)
    return found + _padding(given, width - len(found))


def _rjust(given: Given) -> str:
    found, width = text(given, 0), _width(given)
    return _padding(given, width - len(found)) + found


def _cut(given: Given) -> str:
    return text(given, 0).replace(text(given, 1) if len(given.args) > 1 else " ", "")


def _replace(given: Given) -> str:
    found, old, new = text(given, 0), text(given, 1), text(given, 2)
    count = found.count(old)
    if len(found) + count * (len(new) - len(old)) > MAX_OUTPUT_CHARS:
        raise Refusal(f"would make more than {MAX_OUTPUT_CHARS} characters: replace less")
    return found.replace(old, new)


def _strip_tags(given: Given) -> str:
    found = text(given, 0)
    kept: list[str] = []
    at = 0
    while True:
        start = found.find("<", at)
        end = found.find(">", start) if start >= 0 else -1
        if end < 0:
            kept.append(found[at:])
            return "".join(kept)
        kept.append(found[at:start])
        at = end + 1


def _substring(given: Given) -> str:
    found = text(given, 0)
    start = whole(given.arg(1), 1, 0, len(found))
    end = whole(given.arg(2, len(found)), 2, start, len(found))
    return found[start:end]


def _slugify(given: Given) -> str:
    return "".join(
        "-" if char.isspace() else char.lower()
        for char in text(given, 0).strip()
        if char.isspace() or char.isalpha()
    )


def _join(given: Given) -> str:
    """Join a list, or several values; the last argument is the separator."""
    *values, separator = given.args
    items: list[Value] = values
    if len(values) == 1 and (is_list(values[0]) or is_missing(values[0])):
        items = list(values[0]) if is_list(values[0]) else []
    if not items:
        return ""
    middle = printed(separator)
    if len(items) * len(middle) > MAX_OUTPUT_CHARS:
        raise Refusal(f"would make more than {MAX_OUTPUT_CHARS} characters: join less")
    joined = middle.join(map(printed, items))
    return text_option(given, "prefix", "") + joined + text_option(given, "suffix", "")


def _yesno(given: Given) -> str:
    """Say yes, no, or maybe when there is no value; the texts true and false count."""
    value = given.arg(0)
    if is_missing(value):
        return text_option(given, "maybe", "maybe")
    words = {True: True, False: False, "true": True, "false": False}
    asked = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(asked, (bool, str)) or asked not in words:
        raise Refusal("is neither true nor false", 0)
    return text_option(given, "yes", "yes") if words[asked] else text_option(given, "no", "no")


_PADDED = frozenset({"size", "pad"})
HELPERS = {
    "abbreviate": Helper(_abbreviate, 2, 2),
    "capitalize": Helper(_capitalize, 1, 1),
    "capitalizeFirst": Helper(_capitalize_first, 1, 1),
    "center": Helper(_center, 1, 2, _PADDED),
    "cut": Helper(_cut, 1, 2),
    "join": Helper(_join, 2, MAX_VALUES, frozenset({"prefix", "suffix"})),
    "ljust": Helper(_ljust, 1, 2, _PADDED),
    "lower": Helper(lambda given: text(given, 0).lower(), 1, 1),
    "replace": Helper(_replace, 3, 3),
    "rjust": Helper(_rjust, 1, 2, _PADDED),
    "slugify": Helper(_slugify, 1, 1),
    "stripTags": Helper(_strip_tags, 1, 1),
    "substring": Helper(_substring, 2, 3),
    "upper": Helper(lambda given: text(given, 0).upper(), 1, 1),
    "yesno": Helper(_yesno, 1, 1, frozenset({"yes", "no", "maybe"})),
}
