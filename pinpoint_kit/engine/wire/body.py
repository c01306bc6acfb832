"""Reading JSON bodies: bytes to objects, and members to values of the wanted type.

Everything here refuses with a place and without data. Rules of a single resource (which
members there are, how they merge) belong to that resource's own file.

Three choices: of a repeated key the last one counts, `null` is the same as absent, and no text may
hold U+0000, which not every database can keep.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import orjson

from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = [
    "as_object",
    "check_characters",
    "encode",
    "has_null_characters",
    "json_step",
    "known_members",
    "optional_choice",
    "optional_instant",
    "optional_text",
    "parse_object",
]

#: Each takes some 60 bytes, which the garbage collector walks over while all threads wait: 7 MB of
#: `[],` would take seconds and 150 MB. 100 endpoints of 15 KB cannot have as many.
_MOST_VALUES = 250_000

_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,49}")


def parse_object(body: bytes, *, checks_characters: bool = True) -> dict[str, object]:
    """Return the JSON object of a request body.

    Args:
        body: the body.
        checks_characters: refuse U+0000. False leaves that to a caller that answers parts of the
            body one by one.

    Raises:
        ApiError: the body is empty, not UTF-8, not strict JSON, nested too deep, of too many
            values, no object, or has a text with U+0000.
    """
    if not body:
        raise bad_request("The request has no body; send a JSON object")
    # Counting is a hundred times faster than parsing; it takes brackets in texts for values.
    if len(body) > _MOST_VALUES and body.count(b"[") + body.count(b"{") > _MOST_VALUES:
        raise bad_request(f"The body has more than {_MOST_VALUES} lists and objects")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # orjson's texts are fixed sentences; they quote nothing from the document.
        raise bad_request(
            f"The body is not valid JSON: {error.msg} (line {error.lineno} column {error.colno})"
        ) from None
    if checks_characters and has_null_characters(body):
        check_characters(value)
    return as_object(value, "")


def known_members(body: bytes, known: Collection[str]) -> dict[str, object]:
    """Return the JSON object of the body of an extension operation; an empty body is an empty one.

    Args:
        body: the body.
        known: the members that the operation has.

    Raises:
        ApiError: as from `parse_object`, or there is another member: what is misspelt is said.
    """
    source = parse_object(body) if body.strip() else {}
    if unknown := sorted(source.keys() - set(known)):
        raise bad_request(
            f"unknown member; there are {', '.join(sorted(known))}", f".{unknown[0][:50]}"
        )
    return source


def has_null_characters(body: bytes) -> bool:
    """Return whether a text of a JSON document may hold U+0000; looking costs nearly nothing."""
    return b"\\u0000" in body


def check_characters(value: object, path: str = "") -> None:
    """Check that no key and no text of a parsed value holds U+0000.

    Raises:
        ApiError: one does; the refusal names its place.
    """
    if isinstance(value, str):
        if "\0" in value:
            raise bad_request("must not hold the character U+0000; leave it out", path)
    elif isinstance(value, dict):
        for position, (name, member) in enumerate(value.items()):
            where = path + json_step(name, position)
            check_characters(name, where)
            check_characters(member, where)
    elif isinstance(value, list):
        for position, member in enumerate(value):
            check_characters(member, f"{path}[{position}]")


def encode(value: object) -> str:
    """Return compact JSON text, as the store keeps it."""
    return orjson.dumps(value).decode()


def json_step(name: str, position: int) -> str:
    """Return how a member shows in a path: by name if that is plainly a name, else by position.

    Names can be data too (an e-mail address as a key), and paths go into logs.
    """
    return f".{name}" if _SAFE_NAME.fullmatch(name) else f"[{position}]"


def as_object(value: object, path: str) -> dict[str, object]:
    """Return the value if it is a JSON object.

    Raises:
        ApiError: it is something else.
    """
    if not isinstance(value, dict):
        raise bad_request("must be a JSON object", path)
    return cast("dict[str, object]", value)


def optional_text(source: Mapping[str, object], name: str, path: str = "") -> str | None:
    """Return a string member, or None when it is absent or null.

    Raises:
        ApiError: it is something else.
    """
    value = source.get(name)
    if value is None or isinstance(value, str):
        return value
    raise bad_request("must be a string", f"{path}.{name}")


def optional_choice(
    source: Mapping[str, object], name: str, choices: Collection[str]
) -> str | None:
    """Return a string member that is one of some words, or None when it is absent or null.

    Raises:
        ApiError: it is something else.
    """
    value = optional_text(source, name)
    if value is not None and value not in choices:
        raise bad_request(f"must be one of {', '.join(sorted(choices))}", f".{name}")
    return value


def optional_instant(source: Mapping[str, object], name: str, path: str = "") -> int | None:
    """Return an ISO 8601 member in milliseconds since 1970, or None when absent or null.

    Raises:
        ApiError: it is not a string, or not a date.
    """
    text = source.get(name)
    if type(text) is not str:  # the usual case is looked at without a call
        text = optional_text(source, name, path)
        if text is None:
            return None
    try:
        return instants.to_ms(text)
    except (ValueError, OverflowError):
        raise _not_a_date(f"{path}.{name}") from None


def _not_a_date(path: str) -> ApiError:
    return bad_request("must be an ISO 8601 date and time such as 2018-05-07T19:03:29.963Z", path)
