"""What the service would refuse for its content, found before anything is sent.

The checks return the problem as a value, so that a caller may raise it, count it or mend it.
Limits come from `limits.py`; nothing here encodes or sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.base import path_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.base import AttributeLists
    from pinpoint_kit.models.endpoint import Endpoint

__all__ = [
    "bounded_seconds",
    "endpoint_id_problem",
    "endpoint_problem",
    "event_problem",
    "require_path_id",
    "seconds",
]

#: A month: longer waits overflow what the system can count.
_FOR_EVER_S = 2_600_000.0

_FORBIDDEN_IN_IDS = frozenset("${}")


def endpoint_id_problem(endpoint_id: str) -> ValidationError | None:
    """Why the service would refuse this endpoint id, or None.

    Source: UpdateEndpointRequest.EndpointId of the service model.
    """
    if not endpoint_id:
        return ValidationError("is empty: name the endpoint", "$.id", "endpoint_id")
    if not _FORBIDDEN_IN_IDS.isdisjoint(endpoint_id):
        return ValidationError("an endpoint id cannot hold $, { or }", "$.id", "endpoint_id")
    if not endpoint_id.isascii() and _is_half_a_character(endpoint_id):
        return ValidationError("cannot be written in UTF-8", "$.id", "endpoint_id")
    return None


def _is_half_a_character(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def require_path_id(value: str, path: str) -> str:
    """Return the id, when it can stand in a URL's path.

    Raises:
        InvalidTypeError: it is not text.
        ValidationError: it is empty, or `.` or `..`: servers and proxies take those as steps in
            the path, and `DELETE .../endpoints/..` would name the application itself.
    """
    if not isinstance(value, str):
        raise InvalidTypeError(f"expected an id as text, got {type(value).__name__}", path)
    if not value:
        raise ValidationError("is empty: give the id", path, "id")
    if value in {".", ".."}:
        raise ValidationError("an id of one or two dots cannot stand in a URL", path, "id")
    return value


def event_problem(
    attributes: Mapping[str, str] | None, metrics: Mapping[str, float] | None, limits: Limits
) -> ValidationError | None:
    """Why the service would refuse an event with these, or None.

    Source: Developer Guide, Quotas, "Event ingestion".
    """
    attributes, metrics = attributes or {}, metrics or {}
    # Short texts together are each short: that spares a look at every one of them.
    if (
        len(attributes) + len(metrics) <= limits.max_event_keys
        and len("".join(attributes.values())) <= limits.max_event_value_chars
        and len("".join(attributes)) + len("".join(metrics)) <= limits.max_event_key_chars
    ):
        return None
    return _event_problem(attributes, metrics, limits)


def _event_problem(
    attributes: Mapping[str, str], metrics: Mapping[str, float], limits: Limits
) -> ValidationError | None:
    if len(attributes) + len(metrics) > limits.max_event_keys:
        return ValidationError(
            f"has {len(attributes) + len(metrics)} attribute and metric names, and at most"
            f" {limits.max_event_keys} are allowed: leave some out",
            "$",
            "too_many_keys",
        )
    longest, longest_name = limits.max_event_value_chars, limits.max_event_key_chars
    for name, value in attributes.items():
        if len(value) > longest:
            return ValidationError(
                f"has {len(value)} characters, and at most {longest} are allowed: shorten it,"
                ' or connect with invalid="truncate"',
                path_to("$.attributes", name),
                "value_too_long",
            )
    for field, names in (("attributes", attributes), ("metrics", metrics)):
        for name in names:
            if len(name) > longest_name:
                return _name_problem(name, longest_name, field)
    return None


def _name_problem(name: str, longest: int, field: str) -> ValidationError:
    return ValidationError(
        f"the name has {len(name)} characters, and at most {longest} are allowed: use a shorter"
        " name",
        path_to(f"$.{field}", name),
        "name_too_long",
    )


def endpoint_problem(endpoint: Endpoint, limits: Limits) -> ValidationError | None:
    """Why the service would refuse this endpoint, or None; its size is checked when encoded.

    Source: Developer Guide, Quotas, "Endpoints".
    """
    user_attributes = (endpoint.user.attributes if endpoint.user else None) or {}
    names = (
        ("attributes", endpoint.attributes or {}),
        ("metrics", endpoint.metrics or {}),
        ("user.attributes", user_attributes),
    )
    total = sum(len(mapping) for _, mapping in names)
    if total > limits.max_endpoint_attributes:
        return ValidationError(
            f"has {total} names in attributes, metrics and user attributes, and at most"
            f" {limits.max_endpoint_attributes} are allowed: leave some out",
            "$",
            "too_many_keys",
        )
    for field, mapping in names:
        for name in mapping:
            if len(name) > limits.max_endpoint_name_chars:
                return _name_problem(name, limits.max_endpoint_name_chars, field)
    return _lists_problem(endpoint.attributes or {}, "attributes", limits) or _lists_problem(
        user_attributes, "user.attributes", limits
    )


def _lists_problem(
    lists: AttributeLists | Mapping[str, list[str]], field: str, limits: Limits
) -> ValidationError | None:
    for name, values in lists.items():
        path = path_to(f"$.{field}", name)
        if len(values) > limits.max_values_per_attribute:
            return ValidationError(
                f"has {len(values)} values, and at most {limits.max_values_per_attribute} are"
                " allowed: leave some out",
                path,
                "too_many_values",
            )
        for index, value in enumerate(values):
            if len(value) > limits.max_endpoint_value_chars:
                return ValidationError(
                    f"has {len(value)} characters, and at most {limits.max_endpoint_value_chars}"
                    " are allowed: shorten it",
                    f"{path}[{index}]",
                    "value_too_long",
                )
    return None


def seconds(timeout: float) -> float:
    """Return a timeout of 0 or more.

    Raises:
        InvalidTypeError: it is no number.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)):
        raise InvalidTypeError(
            f"expected seconds, got {type(timeout).__name__}: pass a float", "$.timeout"
        )
    return max(0.0, timeout)


def bounded_seconds(timeout: float) -> float:
    """Return a timeout as something that can be waited for: from 0 to a month, and no NaN.

    Raises:
        InvalidTypeError: it is no number.
    """
    return min(seconds(timeout), _FOR_EVER_S)
