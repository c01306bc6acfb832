"""`Patch`: what one request says about one endpoint, checked but not yet merged.

A pure function from JSON to a value: no store, no clock. What is None or missing in a patch was
not said. UpdateEndpoint, UpdateEndpointsBatch, the `Endpoint` part of PutEvents and later imports
all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

import attrs

from pinpoint_kit.engine.storage.tables.endpoints import DEMOGRAPHIC, LOCATION
from pinpoint_kit.engine.wire.body import as_object, json_step, optional_instant, optional_text
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from pinpoint_kit.limits import Limits

__all__ = ["CHANNEL_TYPES", "EMPTY", "Patch", "parse_patch"]

CHANNEL_TYPES = frozenset(
    {
        "PUSH",
        "GCM",
        "APNS",
        "APNS_SANDBOX",
        "APNS_VOIP",
        "APNS_VOIP_SANDBOX",
        "ADM",
        "SMS",
        "VOICE",
        "EMAIL",
        "BAIDU",
        "CUSTOM",
        "IN_APP",
    }
)
_STATUSES = frozenset({"ACTIVE", "INACTIVE"})
_OPT_OUTS = frozenset({"ALL", "NONE"})
_COORDINATES = {name: LOCATION[name] for name in ("Latitude", "Longitude")}
_PLACES = {name: column for name, column in LOCATION.items() if name not in _COORDINATES}
#: Members that have columns: those that are texts, those that are numbers.
_GROUPS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "Demographic": (DEMOGRAPHIC, {}),
    "Location": (_PLACES, _COORDINATES),
}
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@attrs.frozen
class Patch:
    """The members that a request gave.

    Attributes:
        effective_date: milliseconds since 1970.
        columns: Demographic and Location, by column name; "" clears.
        attributes: lists by name; an empty list clears the name.
        metrics: numbers by name, as they were written.
        user_id: "" takes the endpoint from its user.
        user_attributes: as attributes, for the user.
    """

    address: str | None = None
    channel_type: str | None = None
    status: str | None = None
    opt_out: str | None = None
    effective_date: int | None = None
    request_id: str | None = None
    columns: Mapping[str, str | float] = attrs.field(factory=dict)
    attributes: Mapping[str, Sequence[str]] = attrs.field(factory=dict)
    metrics: Mapping[str, float] = attrs.field(factory=dict)
    user_id: str | None = None
    user_attributes: Mapping[str, Sequence[str]] = attrs.field(factory=dict)


#: Says nothing. `Endpoint: {}` is common in PutEvents.
EMPTY = Patch()


def parse_patch(value: object, limits: Limits) -> Patch:
    """Return the checked patch; members that are unknown or null count as not given.

    Raises:
        ApiError: a member has the wrong type or is over a limit.
    """
    source = as_object(value, "")
    if not source:
        return EMPTY
    user = _optional_object(source, "User")
    patch = Patch(
        address=optional_text(source, "Address"),
        channel_type=_one_of(source, "ChannelType", CHANNEL_TYPES),
        status=_one_of(source, "EndpointStatus", _STATUSES),
        opt_out=_one_of(source, "OptOut", _OPT_OUTS),
        effective_date=optional_instant(source, "EffectiveDate"),
        request_id=optional_text(source, "RequestId"),
        columns=_columns(source),
        attributes=_lists(source, "Attributes", "", limits),
        metrics=_numbers(source, "Metrics", limits.max_endpoint_name_chars),
        user_id=optional_text(user, "UserId", ".User") if user else None,
        user_attributes=_lists(user, "UserAttributes", ".User", limits) if user else _NOTHING,
    )
    # Comparing costs more than looking at what most patches have.
    return EMPTY if not patch.columns and patch == EMPTY else patch


def _one_of(source: Mapping[str, object], name: str, allowed: frozenset[str]) -> str | None:
    value = optional_text(source, name)
    if value is not None and value not in allowed:
        raise bad_request(f"must be one of {', '.join(sorted(allowed))}", f".{name}")
    return value


def _optional_object(source: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = source.get(name)
    if type(value) is dict:
        return cast("Mapping[str, object]", value)
    return _NOTHING if value is None else as_object(value, f".{name}")


def _columns(source: Mapping[str, object]) -> Mapping[str, str | float]:
    columns: dict[str, str | float] = {}
    for group, (texts, coordinates) in _GROUPS.items():
        for member, value in _optional_object(source, group).items():
            column = texts.get(member)
            if column is not None:
                if type(value) is str:
                    columns[column] = value
                elif value is not None:
                    raise bad_request("must be a string", f".{group}.{member}")
            elif member in coordinates and value is not None:
                number = value if type(value) is float else _number(value, f".{group}.{member}")
                # The service keeps one decimal, about 11 km.
                columns[coordinates[member]] = round(float(number), 1)
    return columns


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_request("must be a number", path)
    return value


# Nearly all maps are as they should be and are taken as they are: only for others a second look
# leaves out nulls, makes lists of scalars, and puts together where something is wrong.


def _numbers(source: Mapping[str, object], name: str, max_name_chars: int) -> Mapping[str, float]:
    numbers = _optional_object(source, name)
    for key, value in numbers.items():
        if (type(value) is not float and type(value) is not int) or len(key) > max_name_chars:
            return _checked_numbers(numbers, f".{name}", max_name_chars)
    return cast("Mapping[str, float]", numbers)


def _checked_numbers(
    numbers: Mapping[str, object], path: str, max_name_chars: int
) -> dict[str, float]:
    result: dict[str, float] = {}
    for position, (key, value) in enumerate(numbers.items()):
        if value is None:
            continue
        where = f"{path}{json_step(key, position)}"
        _check_name(key, where, max_name_chars)
        result[key] = _number(value, where)
    return result


def _lists(
    source: Mapping[str, object], name: str, path: str, limits: Limits
) -> Mapping[str, Sequence[str]]:
    given = source.get(name)
    if given is None:
        return _NOTHING
    lists = as_object(given, f"{path}.{name}")
    most, longest_name = limits.max_values_per_attribute, limits.max_endpoint_name_chars
    longest = limits.max_endpoint_value_chars
    for key, values in lists.items():
        if type(values) is not list or len(values) > most or len(key) > longest_name:
            return _checked_lists(lists, f"{path}.{name}", limits)
        for value in values:
            if type(value) is not str or len(value) > longest:
                return _checked_lists(lists, f"{path}.{name}", limits)
    return cast("Mapping[str, Sequence[str]]", lists)


def _checked_lists(lists: Mapping[str, object], path: str, limits: Limits) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for position, (key, value) in enumerate(lists.items()):
        if value is None:
            continue
        where = f"{path}{json_step(key, position)}"
        _check_name(key, where, limits.max_endpoint_name_chars)
        if isinstance(value, str):
            value = [value]  # noqa: PLW2901 -- the guides' examples show scalars
        if not isinstance(value, list):
            raise bad_request("must be a list of strings, or one string", where)
        result[key] = _checked_values(value, where, limits)
    return result


def _checked_values(values: list[object], where: str, limits: Limits) -> list[str]:
    if len(values) > limits.max_values_per_attribute:
        raise bad_request(f"has more than {limits.max_values_per_attribute} values", where)
    result: list[str] = []
    for position, value in enumerate(values):
        if not isinstance(value, str):
            raise bad_request("must be a string", f"{where}[{position}]")
        if len(value) > limits.max_endpoint_value_chars:
            raise bad_request(
                f"is longer than {limits.max_endpoint_value_chars} characters",
                f"{where}[{position}]",
            )
        result.append(value)
    return result


def _check_name(name: str, where: str, max_chars: int) -> None:
    if len(name) > max_chars:
        raise bad_request(f"the name is longer than {max_chars} characters", where)
