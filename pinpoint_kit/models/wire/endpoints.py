"""Endpoints as requests and files carry them, and where a problem with one stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import TYPE_CHECKING, cast

import orjson

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models.base import JsonValue, path_to
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.wire.codec import REQUEST, encode, from_wire, pascal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "ADDRESS",
    "UNKNOWN_MEMBER",
    "addresses_in",
    "attribute_names",
    "endpoint_conditions",
    "endpoint_id",
    "endpoint_of_row",
    "endpoint_request",
    "member_path",
    "merged_endpoint",
    "with_id",
]


#: What names an address, in an endpoint and in the request of an erasure.
ADDRESS = "Address"
_ADDRESS = re.compile(rb'"%b":("(?:[^"\\]|\\.)*")' % ADDRESS.encode())


def addresses_in(content: bytes) -> Iterator[str]:
    """Yield the addresses of endpoints in the encoded content of a request or a part of one."""
    yield from map(orjson.loads, _ADDRESS.findall(content))


def endpoint_request(endpoint: Endpoint) -> dict[str, JsonValue]:
    """Return the members that UpdateEndpoint and the endpoint part of PutEvents carry."""
    return cast("dict[str, JsonValue]", REQUEST.unstructure(endpoint))


def endpoint_conditions(**given: object) -> dict[str, object]:
    """Return the conditions of a look-up of endpoints by Pinpoint's names, without None."""
    named = {pascal(name): value for name, value in given.items() if value is not None}
    return {
        name: value.value if isinstance(value, Enum) else value for name, value in named.items()
    }


def endpoint_id(data: object) -> str:
    """Return the id in an endpoint's JSON, "" where there is none."""
    return str(data.get("Id") or "") if isinstance(data, Mapping) else ""


#: The reason of an error about a name that no endpoint has; its path has the name as given.
UNKNOWN_MEMBER = "unknown_member"


def attribute_names(resource: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return the names in an AttributesResource, none where it tells none."""
    return tuple(resource.get("Attributes") or ())


def endpoint_of_row(members: Mapping[str, object]) -> Endpoint:
    """Read an endpoint from a row of a file: nothing unknown, and listed values in any letters.

    Raises:
        ValidationError: a member cannot be read, or is nothing that an endpoint has.
    """
    upper = {
        name: value.upper()
        for name in ("ChannelType", "OptOut", "EndpointStatus")
        if isinstance(value := members.get(name), str)
    }
    endpoint = from_wire(Endpoint, {**members, **upper}, strict=True)
    for path, part in (
        ("$", endpoint),
        ("$.Demographic", endpoint.demographic),
        ("$.Location", endpoint.location),
        ("$.User", endpoint.user),
    ):
        if part is not None and part.extra:
            raise ValidationError(
                "is nothing that an endpoint has",
                path_to(path, next(iter(part.extra))),
                UNKNOWN_MEMBER,
            )
    return endpoint


#: How problems with the fields of an endpoint begin -> its members.
_MEMBERS = {
    "attributes": "Attributes",
    "metrics": "Metrics",
    "user.attributes": "User.UserAttributes",
    "id": "Id",
}


def member_path(path: str) -> str:
    """Return the place of a problem with an endpoint, in Pinpoint's names and without `$`."""
    path = path.removeprefix("$").removeprefix(".")
    for field, member in _MEMBERS.items():
        if path == field or path.startswith((f"{field}.", f"{field}[")):
            return member + path[len(field) :]
    return path


def with_id(endpoint_id: str, request: bytes) -> bytes:
    """Return an encoded endpoint request with its `Id`, as UpdateEndpointsBatch wants it."""
    head = encode({"Id": endpoint_id})[:-1]
    return head + b"}" if request == b"{}" else head + b"," + request[1:]


def merged_endpoint(older: bytes, newer: bytes) -> bytes | None:
    """Two encoded updates of one endpoint as a single one that has the same effect.

    Args:
        older: an encoded endpoint request with its `Id`.
        newer: the one that came later.

    Returns:
        The encoded update, or None where one update cannot say it: the user changes, so that the
        older user attributes belong to another person.
    """
    base, change = orjson.loads(older), orjson.loads(newer)
    users = base.get("User") or {}, change.get("User") or {}
    if len({user["UserId"] for user in users if "UserId" in user}) > 1:
        return None
    for name in ("EndpointStatus", "EffectiveDate", "RequestId"):
        base.pop(name, None)  # an update without them sets them anew
    for name in ("Attributes", "Metrics", "Demographic", "Location"):
        if name in base and name in change:
            change[name] = {**base[name], **change[name]}
    if any(users):
        attributes = [user["UserAttributes"] for user in users if "UserAttributes" in user]
        change["User"] = {**users[0], **users[1]}
        if attributes:
            change["User"]["UserAttributes"] = {**attributes[0], **attributes[-1]}
    return encode({**base, **change})
