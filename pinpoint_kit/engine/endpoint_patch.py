"""`Patch`: what one request says about one endpoint, checked but not yet merged.

A pure function from JSON to a value: no store, no clock. What is None or missing in a patch was
not said. UpdateEndpoint, UpdateEndpointsBatch, the `Endpoint` part of PutEvents and later imports
all come through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.body import as_object, optional_instant, optional_text, place
from pinpoint_kit.engine.refusals import bad_request
from pinpoint_kit.engine.schema import DEMOGRAPHIC, LOCATION

if TYPE_CHECKING:
    from pinpoint_kit.limits import Limits

__all__ = ["CHANNEL_TYPES", "EMPTY", "Patch", "check_id", "parse_patch"]

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
_COORDINATES = frozenset({"Latitude", "Longitude"})


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


def check_id(endpoint_id: str) -> str:
    """Returns the endpoint id in the form in which ids are compared.

    Raises:
        Refusal: it is empty or contains `$`, `{` or `}`.
    """
    if not endpoint_id:
        raise bad_request("An endpoint id must not be empty")
    if not _FORBIDDEN.isdisjoint(endpoint_id):
        raise bad_request("An endpoint id must not contain $, { or }")
    return endpoint_id.lower()


_FORBIDDEN = frozenset("${}")


def parse_patch(value: object, limits: Limits) -> Patch:
    """Returns the checked patch; members that are unknown or null count as not given.

    Raises:
        Refusal: a member has the wrong type or is over a limit.
    """
    if value == {}:
        return EMPTY
    source = as_object(value, "")
    user = _optional_object(source, "User")
    patch = Patch(
        address=optional_text(source, "Address"),
        channel_type=_one_of(source, "ChannelType", CHANNEL_TYPES),
        status=_one_of(source, "EndpointStatus", _STATUSES),
        opt_out=_one_of(source, "OptOut", _OPT_OUTS),
        effective_date=optional_instant(source, "EffectiveDate"),
        request_id=optional_text(source, "RequestId"),
        columns={
            **_columns(source, "Demographic", DEMOGRAPHIC),
            **_columns(source, "Location", LOCATION),
        },
        attributes=_lists(source, "Attributes", "", limits),
        metrics=_numbers(source, "Metrics", limits.max_endpoint_name_chars),
        user_id=optional_text(user, "UserId", ".User"),
        user_attributes=_lists(user, "UserAttributes", ".User", limits),
    )
    return EMPTY if patch == EMPTY else patch


def _optional_object(source: Mapping[str, object], name: str, path: str = "") -> dict[str, object]:
    value = source.get(name)
    return {} if value is None else as_object(value, f"{path}.{name}")


def _one_of(source: Mapping[str, object], name: str, allowed: frozenset[str]) -> str | None:
    value = optional_text(source, name)
    if value is not None and value not in allowed:
        raise bad_request(f"must be one of {', '.join(sorted(allowed))}", f".{name}")
    return value


def _columns(
    source: Mapping[str, object], name: str, columns: Mapping[str, str]
) -> dict[str, str | float]:
    members = _optional_object(source, name)
    result: dict[str, str | float] = {}
    for member, column in columns.items() if members else ():
        if members.get(member) is None:
            continue
        if member in _COORDINATES:
            # The service keeps one decimal, about 11 km.
            result[column] = round(float(_number(members[member], f".{name}.{member}")), 1)
        else:
            result[column] = optional_text(members, member, f".{name}") or ""
    return result


def _number(value: object, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad_request("must be a number", path)
    return value


def _numbers(source: Mapping[str, object], name: str, max_name_chars: int) -> dict[str, float]:
    result: dict[str, float] = {}
    for position, (key, value) in enumerate(_optional_object(source, name).items()):
        if value is None:
            continue
        where = f".{name}{place(key, position)}"
        _check_name(key, where, max_name_chars)
        result[key] = _number(value, where)
    return result


def _lists(
    source: Mapping[str, object], name: str, path: str, limits: Limits
) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for position, (key, value) in enumerate(_optional_object(source, name, path).items()):
        if value is None:
            continue
        where = f"{path}.{name}{place(key, position)}"
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
