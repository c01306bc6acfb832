"""What all models share: type checks with a located message, and a repr without personal data.

Models are values. Nothing here may know a wire name, a limit or a client.
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.display.display import (
    DETAIL,
    HIDDEN,
    Displayed,
    short,
    without_addresses,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "AttributeLists",
    "AttributeListsInput",
    "JsonValue",
    "Model",
    "TimestampInput",
    "attribute_lists",
    "counts_by_name",
    "detail",
    "enum_member",
    "extra_field",
    "instant",
    "iso",
    "metric_values",
    "models_by_name",
    "models_in_order",
    "private",
    "said_by_others",
]

if TYPE_CHECKING:
    #: What JSON can hold.
    JsonValue: TypeAlias = (
        "str | int | float | bool | Sequence[JsonValue] | Mapping[str, JsonValue] | None"
    )
else:
    JsonValue = object  # the codec resolves annotations at run time, and leaves JSON as it is

#: Attribute name -> its values, as the service keeps them.
AttributeLists: TypeAlias = Mapping[str, Sequence[str]]
#: The same as callers may write it: one string stands for a list of one.
AttributeListsInput: TypeAlias = Mapping[str, str | Sequence[str]]
#: An instant as callers may write it.
TimestampInput: TypeAlias = dt.datetime | str

_E = TypeVar("_E", bound=Enum)
_SHOWN_CHARS = 50
#: It stands on this module, and is loaded when a model is first encoded.
_CODEC = "pinpoint_kit.models.wire.codec"


def private(**kwargs: Any) -> Any:  # noqa: ANN401 -- attrs.field() itself has no better type
    """Return an attrs field whose content never shows in a repr (address, user id)."""
    return attrs.field(metadata={HIDDEN: True}, **kwargs)


def said_by_others(**kwargs: Any) -> Any:  # noqa: ANN401 -- as above
    """Return an attrs field whose text shows without addresses: a server may have quoted one."""
    return attrs.field(repr=without_addresses, **kwargs)


def detail(**kwargs: Any) -> Any:  # noqa: ANN401 -- as above
    """Return an attrs field that a repr leaves out, because it is seldom needed."""
    return attrs.field(metadata={DETAIL: True}, **kwargs)


class Model(Displayed):
    """Base of all models: a repr of what was given, with counts in place of contents."""

    __slots__ = ()

    def to_dict(self) -> dict[str, JsonValue]:
        """Return what is given as JSON can hold it, under Pinpoint's own names.

        Members that are not given are left out; instants are ISO 8601 text.

        Examples:
            >>> from pinpoint_kit import Endpoint
            >>> Endpoint(id="device-1", channel_type="EMAIL", attributes={"plan": "pro"}).to_dict()
            {'Id': 'device-1', 'ChannelType': 'EMAIL', 'Attributes': {'plan': ['pro']}}
        """
        codec = import_module(_CODEC)
        encoded: dict[str, JsonValue] = codec.to_wire(self)
        return encoded

    def __repr__(self) -> str:
        parts = []
        for field in attrs.fields(type(self)):  # type: ignore[arg-type]  # every subclass is attrs
            value = getattr(self, field.name)
            if value is None or DETAIL in field.metadata or (field.name == "extra" and not value):
                continue
            if callable(field.repr):
                value = field.repr(value)
            parts.append(f"{field.name}={short(value, is_hidden=HIDDEN in field.metadata)}")
        return f"{type(self).__name__}({', '.join(parts)})"


_M = TypeVar("_M", bound=Model)


def _type_name(value: object) -> str:
    return type(value).__name__


def optional_text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: text or not given."""
    if value is not None and not isinstance(value, str):
        text(instance, attribute, value)


def text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: text, which may be empty."""
    del instance
    if not isinstance(value, str):
        raise InvalidTypeError(
            f"expected text, got {_type_name(value)}: pass a str", f"$.{attribute.name}"
        )


def required_text(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: text that is not empty."""
    if not isinstance(value, str):
        text(instance, attribute, value)
    if not value:
        raise ValidationError("is empty: it must name something", f"$.{attribute.name}")


def optional_flag(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: true, false or not given."""
    del instance
    if value is not None and not isinstance(value, bool):
        raise InvalidTypeError(
            f"expected True or False, got {_type_name(value)}: pass a bool", f"$.{attribute.name}"
        )


def required_flag(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: true or false."""
    optional_flag(instance, attribute, value)
    if value is None:
        raise InvalidTypeError(
            "expected True or False, got None: pass a bool", f"$.{attribute.name}"
        )


def optional_count(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: a whole number or not given."""
    del instance
    if value is not None:
        _count(value, f"$.{attribute.name}")


def _count(value: object, path: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTypeError(
            f"expected a whole number, got {_type_name(value)}: pass an int", path
        )
    return value


def optional_milliseconds(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Validate: whole milliseconds, or not given."""
    del instance
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidTypeError(
            f"expected whole milliseconds, got {_type_name(value)}: pass an int",
            f"$.{attribute.name}",
        )
    if value < 0:
        raise ValidationError("a duration cannot be negative", f"$.{attribute.name}")


def optional_model(
    cls: type[Model],
) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return a validator: an instance of that model, or not given."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        del instance
        if value is not None and not isinstance(value, cls):
            _instance(cls, value, f"$.{attribute.name}")

    return check


def required_model(
    cls: type[Model],
) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return a validator: an instance of that model."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        del instance
        _instance(cls, value, f"$.{attribute.name}")

    return check


def _instance(cls: type[_M], value: object, path: str) -> _M:
    if not isinstance(value, cls):
        raise InvalidTypeError(
            f"expected {cls.__name__}, got {_type_name(value)}: pass {cls.__name__}(...)", path
        )
    return value


def models_by_name(
    cls: type[_M], value: Mapping[str, _M] | None, field: str
) -> Mapping[str, _M] | None:
    """For converters: name -> instance of that model, or not given."""
    if value is None:
        return None
    path = f"$.{field}"
    return {
        _text(name, path): _instance(cls, item, path_to(path, str(name)))
        for name, item in _mapping(value, path).items()
    }


def models_in_order(cls: type[_M], value: Sequence[_M] | None, field: str) -> tuple[_M, ...] | None:
    """For converters: instances of that model, or not given."""
    if value is None:
        return None
    path = f"$.{field}"
    if not isinstance(value, (list, tuple)):
        raise InvalidTypeError(
            f"expected a list of {cls.__name__}, got {_type_name(value)}: pass a list", path
        )
    return tuple(_instance(cls, item, f"{path}[{index}]") for index, item in enumerate(value))


def finite_number(value: object, field: str) -> float | None:
    """For converters: a finite 64-bit float, or not given."""
    return None if value is None else _finite(value, f"$.{field}")


def required_number(value: object, field: str) -> float:
    """For converters: a finite 64-bit float."""
    return _finite(value, f"$.{field}")


def path_to(parent: str, name: str) -> str:
    """Where in a value a problem is; a name shows as at most 50 printable characters."""
    shown = name[:_SHOWN_CHARS]
    if not shown.isprintable():
        shown = "".join(character if character.isprintable() else "?" for character in shown)
    return f"{parent}.{shown}"


def _finite(value: object, parent: str, name: str | None = None) -> float:
    try:
        if isinstance(value, bool) or not hasattr(value, "__float__"):
            raise TypeError  # noqa: TRY301 -- the same as what a float() of several numbers raises
        number = float(value)
    except TypeError:
        raise InvalidTypeError(
            f"expected a number, got {_type_name(value)}: pass a float", _path(parent, name)
        ) from None
    except (OverflowError, ValueError) as error:
        raise ValidationError(
            "is not a number that a 64-bit float can hold", _path(parent, name)
        ) from error
    if not math.isfinite(number):
        raise ValidationError("is not a finite number, and JSON has no other", _path(parent, name))
    return number


def _path(parent: str, name: str | None) -> str:
    return parent if name is None else path_to(parent, name)


def _mapping(value: object, path: str) -> Mapping[object, object]:
    if type(value) is not dict and not isinstance(
        value, Mapping
    ):  # the first look is the cheap one
        raise InvalidTypeError(f"expected a mapping, got {_type_name(value)}: pass a dict", path)
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidTypeError(
            f"expected text, got {_type_name(value)}: convert it with str()", path
        )
    return str.__str__(value)  # a subclass, such as a text enum, becomes its text


def attribute_lists(
    value: AttributeListsInput | None, field: str = "attributes"
) -> AttributeLists | None:
    """Convert: one string becomes a list of one; it is never split into characters."""
    if value is None:
        return None
    path = f"$.{field}"
    return {
        _text(name, path): _values(values, path, name)
        for name, values in _mapping(value, path).items()
    }


def _values(values: object, parent: str, name: object) -> list[str]:
    if isinstance(values, str):
        return [str.__str__(values)]
    if not isinstance(values, (list, tuple)):
        raise InvalidTypeError(
            f"expected a list of text, got {_type_name(values)}: pass a list, or [] to clear it",
            path_to(parent, str(name)),
        )
    if _TEXT.issuperset(map(type, values)):
        return list(values)
    return [
        item if type(item) is str else _text(item, f"{path_to(parent, str(name))}[{index}]")
        for index, item in enumerate(values)
    ]


def text_list(value: object, path: str) -> list[str]:
    """For converters: texts in a list; a bare string is refused, not split into characters."""
    if not isinstance(value, (list, tuple)):
        raise InvalidTypeError(f"expected a list of text, got {_type_name(value)}", path)
    return [_text(item, f"{path}[{index}]") for index, item in enumerate(value)]


_TEXT = frozenset({str})


def text_values(
    value: Mapping[str, str] | None, field: str = "attributes"
) -> Mapping[str, str] | None:
    """Convert event attributes: name -> text."""
    if value is None:
        return None
    if type(value) is dict and _TEXT.issuperset(map(type, value)):
        try:
            "".join(value.values())
        except TypeError:
            pass  # one of them is no text: the slow way says which
        else:
            return value.copy()  # the caller keeps theirs
    path = f"$.{field}"
    return {
        _text(name, path): item if type(item) is str else _text(item, path_to(path, str(name)))
        for name, item in _mapping(value, path).items()
    }


def metric_values(value: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """Convert metrics: name -> finite 64-bit float."""
    if value is None:
        return None
    checked: dict[str, float] = {}
    mapping = value if type(value) is dict else _mapping(value, "$.metrics")
    for name, number in mapping.items():
        if type(name) is not str:
            name = _text(name, "$.metrics")  # noqa: PLW2901 -- the same name, as plain text
        if type(number) is float and -math.inf < number < math.inf:
            checked[name] = number
        else:
            checked[name] = _finite(number, "$.metrics", name)
    return checked


def counts_by_name(value: Mapping[str, int] | None, field: str) -> Mapping[str, int] | None:
    """For converters: name -> whole number, or not given."""
    if value is None:
        return None
    path = f"$.{field}"
    return {
        _text(name, path): _count(number, path_to(path, str(name)))
        for name, number in _mapping(value, path).items()
    }


def instant(value: TimestampInput | None, field: str) -> dt.datetime | None:
    """For converters: an aware UTC datetime of whole milliseconds.

    A naive value counts as UTC, as the service and botocore take it. The first naive datetime is
    logged, because such a value often is local time.
    """
    if value is None:
        return None
    if type(value) is dt.datetime and value.tzinfo is dt.timezone.utc:  # the usual case
        finer = value.microsecond % 1000
        return value.replace(microsecond=value.microsecond - finer) if finer else value
    if isinstance(value, str):
        value = _parsed(value, field)
    elif not isinstance(value, dt.datetime):
        raise InvalidTypeError(
            f"expected an instant, got {_type_name(value)}: pass a datetime or ISO 8601 text",
            f"$.{field}",
        )
    elif value.tzinfo is None:
        _warn_of_naive()
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    elif value.tzinfo is not dt.timezone.utc:
        try:
            if value.utcoffset() is None:  # naive in spite of its tzinfo; not local time either
                value = value.replace(tzinfo=dt.timezone.utc)
            value = value.astimezone(dt.timezone.utc)
        except (OverflowError, ValueError) as error:
            raise ValidationError(
                "is outside of the years 1 to 9999 in UTC", f"$.{field}"
            ) from error
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


@functools.cache  # once in a process
def _warn_of_naive() -> None:
    logging.getLogger("pinpoint_kit").warning(
        "a datetime without a time zone is taken for UTC, and often is local time: pass an aware"
        " one, such as datetime.now(timezone.utc); this is logged once"
    )


@functools.lru_cache(maxsize=1024)  # a session's start is written with each of its events
def iso(value: dt.datetime) -> str:
    """Pinpoint's own form of an instant: ISO 8601, milliseconds, `Z`.

    Examples:
        >>> iso(dt.datetime(2018, 5, 7, 19, 3, 29, 963000, tzinfo=dt.timezone.utc))
        '2018-05-07T19:03:29.963Z'
    """
    return value.isoformat(timespec="milliseconds")[:23] + "Z"


def _parsed(text: str, field: str) -> dt.datetime:
    from dateutil import parser  # noqa: PLC0415 -- only needed for text; imports stay light

    try:
        return parser.isoparse(text.strip())
    except (ValueError, OverflowError):
        raise ValidationError(
            "is not an ISO 8601 instant: write it like 2026-10-30T12:00:00.000Z", f"$.{field}"
        ) from None  # the parser's own message repeats the text


def enum_member(cls: type[_E], value: _E | str | None, field: str) -> _E | None:
    """For converters: a member or its value; anything else lists what is possible."""
    if value is None or isinstance(value, cls):
        return value
    if not isinstance(value, str):
        raise InvalidTypeError(
            f"expected {cls.__name__}, got {_type_name(value)}: pass {cls.__name__} or its text",
            f"$.{field}",
        )
    try:
        return cls(value)
    except ValueError:
        known = ", ".join(str(member.value) for member in cls)
        raise ValidationError(
            f"is not a {cls.__name__}: use one of {known}", f"$.{field}"
        ) from None  # Enum's own message repeats the text


def required_member(cls: type[_E], value: _E | str, field: str) -> _E:
    """For converters: a member or its value, and nothing else."""
    member = enum_member(cls, value, field)
    if member is None:
        raise InvalidTypeError(f"expected {cls.__name__}, got None: give it", f"$.{field}")
    return member


def extra_field() -> Any:  # noqa: ANN401 -- attrs.field() itself has no better type
    """Return the field for members that the service sent and this version does not know."""
    return attrs.field(factory=dict, converter=_extra)


def _extra(value: object) -> dict[object, object]:
    return value.copy() if type(value) is dict else dict(_mapping(value, "$.extra"))
