"""The codec between models and Pinpoint's JSON: names, values, and what cannot be read.

Members that are not given are left out; members that this version does not know, or whose value
it cannot read, are kept in `extra` and written back. Nothing here sends or packs anything.

    >>> from pinpoint_kit.models import Endpoint
    >>> to_wire(Endpoint(id="device-1", attributes={"plan": []}))
    {'Id': 'device-1', 'Attributes': {'plan': []}}
    >>> from_wire(Endpoint, {"Id": "device-1", "Attributes": {"plan": "pro"}}).attributes
    {'plan': ['pro']}
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import attrs
import cattrs
import orjson
from cattrs.gen import make_dict_unstructure_fn, override

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.application import Application
from pinpoint_kit.models.base import JsonValue, Model, iso, path_to
from pinpoint_kit.models.endpoint import Demographic, Endpoint, Location
from pinpoint_kit.models.event import Event, Session
from pinpoint_kit.models.job import Job, JobDefinition
from pinpoint_kit.models.segments.dimension import (
    AttributeDimension,
    GPSCoordinates,
    GPSPointDimension,
    MetricDimension,
    RecencyDimension,
    SegmentBehaviors,
    SegmentDemographics,
    SegmentDimensions,
    SegmentLocation,
    SetDimension,
)
from pinpoint_kit.models.segments.explanation import Criterion, SegmentExplanation
from pinpoint_kit.models.segments.segment import (
    ImportDefinition,
    Segment,
    SegmentGroup,
    SegmentGroupList,
    SegmentReference,
)
from pinpoint_kit.models.stored_event import StoredEvent
from pinpoint_kit.models.stream import StreamDeadLetter, StreamStatus
from pinpoint_kit.models.templates.parts import PushTemplatePart
from pinpoint_kit.models.templates.results import TemplatePreview, TemplateSummary
from pinpoint_kit.models.templates.template import (
    EmailTemplate,
    InAppTemplate,
    PushTemplate,
    SMSTemplate,
    VoiceTemplate,
)
from pinpoint_kit.models.user import User

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


__all__ = [
    "REQUEST",
    "encode",
    "fixed_members",
    "from_json",
    "from_wire",
    "iso",
    "pascal",
    "to_wire",
]

M = TypeVar("M", bound=Model)

_OF_TEMPLATES = {"name": "TemplateName", "description": "TemplateDescription", "tags": "tags"}
#: Field names whose wire name is not simply the PascalCase of it.
_RENAMED: dict[type[Model], dict[str, str]] = {
    Application: {"tags": "tags"},
    AttributeDimension: {},
    Criterion: {},
    Demographic: {},
    Endpoint: {},
    Event: {"type": "EventType", "id": "EventId"},
    GPSCoordinates: {},
    GPSPointDimension: {},
    ImportDefinition: {},
    Job: {},
    JobDefinition: {},
    Location: {},
    MetricDimension: {},
    RecencyDimension: {},
    Segment: {"tags": "tags"},
    SegmentBehaviors: {},
    SegmentDemographics: {},
    SegmentDimensions: {},
    SegmentExplanation: {},
    SegmentGroup: {},
    SegmentGroupList: {},
    SegmentLocation: {"gps_point": "GPSPoint"},
    SegmentReference: {},
    Session: {"duration_ms": "Duration"},
    SetDimension: {},
    StoredEvent: {"type": "EventType", "id": "EventId"},
    StreamDeadLetter: {},
    StreamStatus: {},
    EmailTemplate: _OF_TEMPLATES,
    InAppTemplate: _OF_TEMPLATES,
    PushTemplate: {**_OF_TEMPLATES, "adm": "ADM", "apns": "APNS", "gcm": "GCM"},
    PushTemplatePart: {},
    SMSTemplate: _OF_TEMPLATES,
    TemplatePreview: {},
    TemplateSummary: {**_OF_TEMPLATES, "type": "TemplateType"},
    VoiceTemplate: _OF_TEMPLATES,
    User: {"id": "UserId", "attributes": "UserAttributes"},
}


def pascal(name: str) -> str:
    """Return the wire's form of a name, as a rule."""
    return "".join(part.capitalize() for part in name.split("_"))


#: The same of models that are loaded only where they are used, by the models' names.
_RENAMED_IF_LOADED: dict[str, dict[str, str]] = {
    "Campaign": {"tags": "tags"},
    "InAppButton": {"ios": "IOS"},
    "MessageConfiguration": {
        "apns_message": "APNSMessage",
        "gcm_message": "GCMMessage",
        "adm_message": "ADMMessage",
        "sms_message": "SMSMessage",
    },
    "TemplateConfiguration": {"sms_template": "SMSTemplate"},
}


class _Names(dict[type[Model], dict[str, str]]):
    """Field -> wire name of each model, made when it is first wanted."""

    def __missing__(self, cls: type[Model]) -> dict[str, str]:
        renamed = _RENAMED.get(cls) or _RENAMED_IF_LOADED.get(cls.__name__, {})
        made = self[cls] = {
            field.name: renamed.get(field.name, pascal(field.name))
            for field in attrs.fields(cls)  # type: ignore[arg-type]  # every model is attrs
            if field.name != "extra"
        }
        return made

    @staticmethod
    def is_known(hint: object) -> bool:
        """Return whether it is a model."""
        return _is_model(hint)


#: Model -> field -> wire name.
NAMES = _Names()

#: Members of a model that requests do not carry: the service sets them, or the call names them.
_NOT_IN_REQUESTS = {
    Endpoint: ("id", "application_id", "cohort_id", "creation_date"),
    Event: ("id",),
    Session: ("endpoint_id", "pause_timestamp"),
}
#: The same of models that are loaded only where they are used, by the models' names.
_NOT_IN_REQUESTS_IF_LOADED: dict[str, tuple[str, ...]] = {
    "Campaign": (
        *("id", "application_id", "arn", "version", "state", "default_state"),
        *("creation_date", "last_modified_date"),
    ),
    "Treatment": ("id", "state"),
}


def _converter(*, request: bool) -> cattrs.Converter:
    converter = cattrs.Converter()
    converter.register_unstructure_hook(dt.datetime, iso)
    # Enums come as "one or not given"; those that are not given are left out anyway.
    converter.register_unstructure_hook_func(_is_enum, lambda member: member and member.value)
    # The values of maps were checked and copied when the model was made: pass them as they are.
    converter.register_unstructure_hook_func(_is_plain, lambda value: value)
    converter.register_unstructure_hook_func(_is_tuple, list)  # JSON has only lists
    converter.register_unstructure_hook_func(
        lambda hint: _models_in(hint)[1] == "by name",
        lambda models: {name: converter.unstructure(model) for name, model in models.items()},
    )
    converter.register_unstructure_hook_func(
        lambda hint: _models_in(hint)[1] == "in order",
        lambda models: [converter.unstructure(model) for model in models],
    )
    converter.register_unstructure_hook_factory(
        NAMES.is_known, lambda cls: _unstructure_hook(cls, converter, request=request)
    )
    return converter


def _is_enum(cls: object) -> bool:
    return any(isinstance(part, type) and issubclass(part, Enum) for part in (cls, *get_args(cls)))


def _is_plain(cls: object) -> bool:
    origin = getattr(cls, "__origin__", None)
    return isinstance(origin, type) and issubclass(origin, (Mapping, Sequence))


def _is_tuple(cls: object) -> bool:
    return getattr(cls, "__origin__", None) is tuple


def _unstructure_hook(
    cls: type[Model], converter: cattrs.Converter, *, request: bool
) -> Callable[[Model], dict[str, JsonValue]]:
    unwanted_fields = _NOT_IN_REQUESTS.get(cls) or _NOT_IN_REQUESTS_IF_LOADED.get(cls.__name__, ())
    left_out = unwanted_fields if request else ()
    unwanted = {NAMES[cls][name] for name in left_out}  # also where one could not be read
    names = {name: override(rename=wire) for name, wire in NAMES[cls].items()}
    names.update({name: override(omit=True) for name in (*left_out, "extra")})
    base = make_dict_unstructure_fn(
        cls,
        converter,
        _cattrs_omit_if_default=True,
        **names,  # type: ignore[arg-type]  # mypy takes the overrides for the options
    )

    def unstructure(value: Model) -> dict[str, JsonValue]:
        wire = base(value)
        if request and isinstance(value, Session):
            _complete(wire, value)
        extra: dict[str, JsonValue] = value.extra  # type: ignore[attr-defined]  # all have it
        if extra:
            wire.update(
                {k: item for k, item in extra.items() if k not in wire and k not in unwanted}
            )
        return wire

    return unstructure


def _complete(members: dict[str, JsonValue], session: Session) -> None:
    """Give a session in an event the members without which the service refuses the event.

    It wants a start always, and a duration beside a stop. A duration that nobody knows is left
    unknown: of a session without its start, only the time of the event says when it stopped.
    """
    start, stop = session.start_timestamp, session.stop_timestamp
    if stop is None:
        return
    if start is None:
        members["StartTimestamp"] = iso(stop)
    if session.duration_ms is None:
        if start is not None and stop >= start:
            members["Duration"] = (stop - start) // dt.timedelta(milliseconds=1)
        else:
            del members["StopTimestamp"]


_FULL = _converter(request=False)
#: Leaves out what the service sets itself.
REQUEST = _converter(request=True)


def to_wire(model: Model) -> dict[str, JsonValue]:
    """Every member that is given, under Pinpoint's names, as JSON can hold it."""
    return cast("dict[str, JsonValue]", _FULL.unstructure(model))


def fixed_members(cls: type[Model], prefix: str = "") -> Iterator[tuple[str, type]]:
    """Pinpoint's names of the members that every such model may have, those of parts with dots.

    What stands under names of the caller's own (attributes, metrics), and definitions of segments,
    which nest, are not among them.

    Yields:
        The name, and the type of its value in JSON.
    """
    hints = get_type_hints(cls)
    for field, name in NAMES[cls].items():
        part, how = _models_in(hints[field])
        if part is None and not _holds(hints[field], Mapping):
            yield prefix + name, _json_type(hints[field])
        elif part is not None and how == "one" and not _nested(part):
            yield from fixed_members(part, f"{prefix}{name}.")


def _holds(hint: object, kind: type) -> bool:
    """Whether a field is of this kind, when it is given."""
    return any(
        isinstance(found, type) and issubclass(found, kind)
        for part in (hint, *get_args(hint))
        for found in (get_origin(part), part)
    )


def _json_type(hint: object) -> type:
    # A bool is an int as well, so the narrower types come first.
    return next((kind for kind in (bool, int, float, tuple) if _holds(hint, kind)), str)


def encode(value: JsonValue | Mapping[str, JsonValue]) -> bytes:
    """JSON as UTF-8 bytes, exactly as it goes out.

    Raises:
        ValidationError: the value cannot be written as JSON in UTF-8 (a lone surrogate, an
            integer beyond 64 bits, nesting beyond 254 levels).
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise ValidationError(
            f"cannot be written as JSON ({error}): remove what UTF-8 JSON cannot hold", "$"
        ) from error


def from_json(text: bytes | str) -> JsonValue:
    """Read JSON.

    Raises:
        ValidationError: it is not JSON in UTF-8.
    """
    try:
        return cast("JsonValue", orjson.loads(text))
    except orjson.JSONDecodeError as error:
        raise ValidationError(
            f"is not JSON: {error.msg} at line {error.lineno} column {error.colno}", "$"
        ) from error


def from_wire(cls: type[M], data: object, *, strict: bool = False) -> M:
    """Read a model from Pinpoint's JSON.

    Args:
        cls: the model.
        data: a JSON object under Pinpoint's names. Null members count as absent.
        strict: refuse members that cannot be read, instead of keeping them in `extra`.

    Raises:
        ValidationError: it is not an object, a required member is missing, or (strict) a
            member cannot be read; the path says where.
    """
    return _read(cls, data, strict=strict, path="$")


def _read(cls: type[M], data: object, *, strict: bool, path: str) -> M:
    if not isinstance(data, Mapping):
        raise InvalidTypeError(f"expected an object, got {type(data).__name__}", path)
    members = {key: value for key, value in data.items() if value is not None}
    values: dict[str, Any] = {}
    for name, wire in NAMES[cls].items():
        if wire in members:
            values[name] = members.pop(wire)
    for name, read in _nested(cls).items():
        if name in values:
            wire = NAMES[cls][name]
            try:
                values[name] = read(values[name], strict=strict, path=f"{path}.{wire}")
            except ValidationError:
                if strict:
                    raise
                members[wire] = values.pop(name)
    return _build(cls, values, members, strict=strict, path=path)


def _read_by_name(cls: type[M], data: object, *, strict: bool, path: str) -> dict[str, M]:
    if not isinstance(data, Mapping):
        raise InvalidTypeError(f"expected an object, got {type(data).__name__}", path)
    return {
        name: _read(cls, item, strict=strict, path=path_to(path, name))
        for name, item in data.items()
        if item is not None
    }


def _read_in_order(cls: type[M], data: object, *, strict: bool, path: str) -> tuple[M, ...]:
    if not isinstance(data, (list, tuple)):
        raise InvalidTypeError(f"expected an array, got {type(data).__name__}", path)
    return tuple(
        _read(cls, item, strict=strict, path=f"{path}[{index}]") for index, item in enumerate(data)
    )


def _build(
    cls: type[M], values: dict[str, Any], extra: dict[str, Any], *, strict: bool, path: str
) -> M:
    names = NAMES[cls]
    while True:
        try:
            return cls(**_clean(values), extra=extra)  # type: ignore[call-arg]  # names are fields
        except TypeError as error:
            if isinstance(error, ValidationError):
                problem: ValidationError = error
            else:
                missing = ", ".join(
                    wire
                    for name, wire in names.items()
                    if name not in values and _is_required(cls, name)
                )
                raise ValidationError(f"misses {missing}: give it", path) from error
        except ValidationError as error:
            problem = error
        field, rest = _PATH.fullmatch(problem.path).groups()  # type: ignore[union-attr]  # of ours
        if strict or field not in values or _is_required(cls, field):
            located = f"{path}.{names.get(field, field)}{rest}"
            raise type(problem)(problem.message, located, problem.reason) from problem
        extra[names[field]] = values.pop(field)


#: A problem's path: the field, and where in it.
_PATH = re.compile(r"\$\.?(\w*)(.*)", re.DOTALL)


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    """Null values inside of maps count as absent, as null members do."""
    return {
        name: {key: item for key, item in value.items() if item is not None}
        if isinstance(value, Mapping)
        else value
        for name, value in values.items()
    }


def _is_required(cls: type[Model], field: str) -> bool:
    return getattr(attrs.fields_dict(cls)[field], "default", None) is attrs.NOTHING  # type: ignore[arg-type]


_NESTED: dict[type[Model], dict[str, Callable[..., Any]]] = {}


def _nested(cls: type[Model]) -> dict[str, Callable[..., Any]]:
    """Return the fields that hold models, and how to read them."""
    if cls not in _NESTED:
        found = {name: _models_in(hint) for name, hint in get_type_hints(cls).items()}
        _NESTED[cls] = {
            name: functools.partial(_READERS[how], model)
            for name, (model, how) in found.items()
            if model is not None
        }
    return _NESTED[cls]


_READERS: dict[str, Callable[..., Any]] = {
    "one": _read,
    "by name": _read_by_name,
    "in order": _read_in_order,
}
_UNIONS = (Union, types.UnionType)


def _models_in(hint: object) -> tuple[type[Model] | None, str]:
    """Return the model that a field holds, if any: one, or several by name or in order."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Mapping and _is_model(arguments[1]):
        return arguments[1], "by name"
    if origin is tuple and _is_model(arguments[0]):
        return arguments[0], "in order"
    if origin in _UNIONS:
        return next((found for found in map(_models_in, arguments) if found[0]), (None, ""))
    return (cast("type[Model]", hint), "one") if _is_model(hint) else (None, "")


def _is_model(hint: object) -> bool:
    return isinstance(hint, type) and issubclass(hint, Model)
