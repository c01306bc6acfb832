"""What a JSON value has to look like, and reading one by that: a `Shape` is plain data.

Shapes come from the service model (wire/routes.py), so that no family of resources writes its
members and their types down by hand. What the model does not say in its shapes (ranges, forms,
members that need each other) belongs to the resource's own file.

Unknown members and nulls are left out; whatever else does not fit is refused with its place.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias, cast

import attrs

from pinpoint_kit.engine.wire import body, instants
from pinpoint_kit.engine.wire.refusals import bad_request

__all__ = ["NOTHING", "Kind", "Shape", "read"]

Kind: TypeAlias = Literal[
    "structure",
    "list",
    "map",
    "string",
    "integer",
    "long",
    "double",
    "boolean",
    "blob",
    "timestamp",
]


@attrs.frozen
class Shape:
    """One type of the service model.

    Attributes:
        kind: what JSON value it is.
        members: of a structure, by their names on the wire.
        required: the members of a structure that must be there.
        item: what a list or a map holds; the keys of a map are strings.
        choices: of a string, the only values that there are; empty when any will do.
        max_chars: of a string, how long it may be; 0 when only the request's size limits it.
    """

    kind: Kind
    members: Mapping[str, Shape] = attrs.field(factory=dict)
    required: tuple[str, ...] = ()
    item: Shape | None = None
    choices: tuple[str, ...] = ()
    max_chars: int = 0


#: The shape of a body of which nothing is read.
NOTHING = Shape("structure")


def read(shape: Shape, value: object, path: str = "") -> object:
    """Return a value with what its shape knows of it.

    Args:
        shape: what it has to look like.
        value: JSON as it was parsed.
        path: where it stands in the body, for refusals.

    Raises:
        ApiError: it does not fit.
    """
    if shape.kind == "structure":
        return _structure(shape, body.as_object(value, path), path)
    if shape.kind == "map":
        return _map(shape, body.as_object(value, path), path)
    if shape.kind == "list":
        return _list(shape, value, path)
    if shape.kind == "boolean" and isinstance(value, str):
        value = _FLAGS.get(value, value)
    fits, wanted = _SCALARS[shape.kind]
    if not fits(value):
        raise bad_request(f"must be {wanted}", path)
    if shape.max_chars and len(str(value)) > shape.max_chars:
        raise bad_request(f"has more than {shape.max_chars} characters", path)
    if shape.choices and value not in shape.choices:
        raise bad_request(f"must be one of {', '.join(shape.choices)}", path)
    return value


def _structure(shape: Shape, source: dict[str, object], path: str) -> dict[str, object]:
    for name in shape.required:
        if source.get(name) is None:
            raise bad_request(f"Missing {name}", path or None)
    return {
        name: read(member, source[name], f"{path}.{name}")
        for name, member in shape.members.items()
        if source.get(name) is not None
    }


def _map(shape: Shape, source: dict[str, object], path: str) -> dict[str, object]:
    item = cast("Shape", shape.item)
    return {
        name: read(item, value, path + body.json_step(name, position))
        for position, (name, value) in enumerate(source.items())
        if value is not None
    }


def _list(shape: Shape, value: object, path: str) -> list[object]:
    if not isinstance(value, list):
        raise bad_request("must be a list", path)
    item = cast("Shape", shape.item)
    return [read(item, each, f"{path}[{position}]") for position, each in enumerate(value)]


def _is_whole(value: object, bits: int) -> bool:
    bound = 1 << (bits - 1)
    return type(value) is int and -bound <= value < bound


def _is_base64(value: object) -> bool:
    try:
        return isinstance(value, str) and b64decode(value, validate=True) is not None
    except ValueError:
        return False


def _is_instant(value: object) -> bool:
    try:
        return isinstance(value, str) and instants.to_ms(value) is not None
    except (ValueError, OverflowError):
        return False


#: Texts that the service takes for booleans, as older clients write them.
_FLAGS = {"true": True, "false": False}
#: How each kind of single value is told, and what a refusal calls it.
_SCALARS: dict[str, tuple[Callable[[object], bool], str]] = {
    "string": (lambda value: isinstance(value, str), "a string"),
    "integer": (lambda value: _is_whole(value, 32), "a whole number of 32 bits"),
    "long": (lambda value: _is_whole(value, 64), "a whole number"),
    "double": (lambda value: type(value) in {int, float}, "a number"),
    "boolean": (lambda value: isinstance(value, bool), "true or false"),
    "blob": (_is_base64, "base64 text"),
    "timestamp": (_is_instant, "an ISO 8601 date and time such as 2018-05-07T19:03:29.963Z"),
}
