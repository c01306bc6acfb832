"""Paging by query parameters: `page-size` and `token`, both strings on the wire.

A token is where the last page ended, so that pages stay right while rows come and go. What a
page holds belongs to its resource.
"""

from __future__ import annotations

import re
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, TypeVar

import orjson

from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["MAX_PAGE_BYTES", "last", "number", "page", "size", "text", "text_token"]

_T = TypeVar("_T")

#: How long the items of a page may be, in bytes of JSON: a page must not fill the memory of those
#: who make, keep or read it. A thousand endpoints of the usual size are less.
MAX_PAGE_BYTES = 1_000_000
_DEFAULT_SIZE = 100
_MAX_SIZE = 1_000
_NUMBER = re.compile(r"[0-9]{1,18}")  # fits 64 bits


def size(query: Mapping[str, Sequence[str]]) -> int:
    """Return how many items a page may have: 100 unless said, 1,000 at most.

    Raises:
        ApiError: `page-size` is no positive whole number.
    """
    given = last(query, "page-size")
    if given is None:
        return _DEFAULT_SIZE
    if _NUMBER.fullmatch(given) is None or int(given) == 0:
        raise bad_request("page-size must be a positive whole number")
    return min(int(given), _MAX_SIZE)


def number(query: Mapping[str, Sequence[str]], name: str = "token") -> int:
    """Return the number after which the page begins, 0 for the first one.

    Args:
        query: the query parameters.
        name: the parameter; two operations call it `next-token`.

    Raises:
        ApiError: the token is none of ours.
    """
    given = last(query, name)
    if given is None:
        return 0
    if _NUMBER.fullmatch(given) is None:
        raise _strange_token(name)
    return int(given)


def text(query: Mapping[str, Sequence[str]]) -> str:
    """Return the text after which the page begins, "" for the first one.

    Raises:
        ApiError: `token` is none of ours.
    """
    given = last(query, "token")
    try:
        return b64decode(given, altchars=b"-_", validate=True).decode() if given else ""
    except ValueError:
        raise _strange_token("token") from None


def text_token(position: str) -> str:
    """Return the token for `text` to read."""
    return urlsafe_b64encode(position.encode()).decode()


def page(
    found: Iterable[_T], size: int, token: Callable[[_T], object], show: Callable[[_T], object]
) -> dict[str, object]:
    """Return an answer with a page of items, and the token of the next one when there is more.

    A page ends after `size` items, or before the item with which it would be longer than
    `MAX_PAGE_BYTES`; it has one item at least. No more is read of `found` than that takes.

    Args:
        found: what was found: the page, and one more when there is more.
        size: how many items the page may have.
        token: gives where a page ends that has this item last.
        show: gives the item as the answer has it, None when it is gone meanwhile.
    """
    items: list[orjson.Fragment] = []
    answer: dict[str, object] = {"Item": items}
    room = MAX_PAGE_BYTES
    end: object = None
    for number, item in enumerate(found):
        shown = show(item) if number < size else None
        text = b"" if shown is None else orjson.dumps(shown)
        room -= len(text) + 1
        if number == size or (items and room < 0):
            answer["NextToken"] = str(end)
            break
        end = token(item)
        if text:
            items.append(orjson.Fragment(text))
    return answer


def last(query: Mapping[str, Sequence[str]], name: str) -> str | None:
    """Return the last value of a query parameter; one that is empty counts as not sent."""
    values = query.get(name)
    return values[-1] or None if values else None


def _strange_token(name: str) -> ApiError:
    return bad_request(f"{name} must be the NextToken of an earlier answer")
