"""Checks any answer against botocore's service model, and makes the least requests that it allows.

It knows what the model declares and what an error looks like on the wire, nothing of what an
operation means. Every answer of the contract suite passes through `problems_of`.
"""

from __future__ import annotations

import functools
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import botocore.loaders
import botocore.model
import botocore.parsers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NOT_EMULATED",
    "error_statuses",
    "minimal_parameters",
    "operation_at",
    "problems_of",
    "service",
]

#: The one exception that is ours: HTTP 501 for an operation that is real, but not emulated.
NOT_EMULATED = "NotImplementedException"
_NOT_EMULATED_STATUS = 501
#: Required by the model, and left out in the developer guide's own answers ("Query results").
_LEFT_OUT = frozenset({("ResultRow", "GroupedBys")})
_FIRST_ERROR_STATUS = 400
_EXAMPLES = {
    "application-id": "a" * 32,
    "resource-arn": "arn:aws:mobiletargeting:us-east-1:0:apps/a",
}


@functools.cache
def service() -> Any:
    """Return the installed service model."""
    model = botocore.loaders.create_loader().load_service_model("pinpoint", "service-2")
    return botocore.model.ServiceModel(model, "pinpoint")


@functools.cache
def error_statuses() -> Mapping[str, int]:
    """Return the HTTP status of every exception that may be answered, by its name."""
    modelled = {
        shape.name: shape.metadata["error"]["httpStatusCode"] for shape in service().error_shapes
    }
    return {**modelled, NOT_EMULATED: _NOT_EMULATED_STATUS}


@functools.cache
def _paths() -> Mapping[str, tuple[str, re.Pattern[str]]]:
    found = {}
    for name in service().operation_names:
        http = service().operation_model(name).http
        pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(http["requestUri"]))
        found[name] = (http["method"], re.compile(pattern))
    return found


def operation_at(method: str, path: str) -> str:
    """Return the operation that a raw path and a method name, or "" when there is none."""
    for name, (its_method, pattern) in _paths().items():
        if its_method == method and pattern.fullmatch(path):
            return name
    return ""


def minimal_parameters(operation: str, **labels: str) -> dict[str, Any]:
    """Return the least that botocore sends for an operation: its required members, once each.

    Args:
        operation: the operation's name.
        labels: values for members at the top, for example `ApplicationId`.
    """
    shape = service().operation_model(operation).input_shape
    return {name: labels.get(name, value) for name, value in _minimal(shape, "").items()}


def _minimal(shape: Any, name: str) -> Any:
    if shape.type_name == "structure":
        return {
            member: _minimal(shape.members[member], member) for member in shape.required_members
        }
    if shape.type_name == "list":
        return [_minimal(shape.member, name)]
    if shape.type_name == "map":
        return {"key": _minimal(shape.value, name)}
    if shape.type_name == "string":
        return shape.enum[0] if shape.enum else _text(shape, name)
    return {"boolean": True, "integer": 1, "long": 1, "double": 1.0}[shape.type_name]


def _text(shape: Any, name: str) -> str:
    label = shape.serialization.get("name", "")
    return _EXAMPLES.get(label, f"an-{name.lower()}")


def problems_of(operation: str, status: int, headers: Mapping[str, str], body: bytes) -> list[str]:
    """Return what is wrong with an answer by the service model; nothing when it is right.

    Checked are the status of success, the unwrapped payload with all its members (required ones
    are there, all have their type, none is unknown or null), that botocore's parser reads it;
    of an error its class, its status, its message and its request id.

    Args:
        operation: the operation that was called, "" when the path belongs to none.
        status: the HTTP status.
        headers: the headers, by names in any case.
        body: the raw body.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if status >= _FIRST_ERROR_STATUS:
        found = _problems_of_error(operation, status, lower, body)
    elif not operation:
        found = [f"status {status} for a path of no operation"]
    else:
        found = _problems_of_success(operation, status, lower, body)
    return [f"{operation or 'no operation'}: {problem}" for problem in found]


def _problems_of_success(
    operation: str, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    model = service().operation_model(operation)
    found = []
    if status != model.http["responseCode"]:
        found.append(f"status {status} instead of {model.http['responseCode']}")
    if not headers.get("x-amzn-requestid"):
        found.append("no header x-amzn-RequestId")
    if model.output_shape is None:
        return [*found, *(["a body where none belongs"] if body else [])]
    if headers.get("content-type") != "application/json":
        found.append(f"content type {headers.get('content-type')}")
    try:
        content = json.loads(body)
    except ValueError:
        return [*found, "the body is not JSON"]
    payload = model.output_shape.members[model.output_shape.serialization["payload"]]
    found += _problems_of_value(content, payload, "$")
    response = {"status_code": status, "headers": dict(headers), "body": body}
    parser = botocore.parsers.create_parser("rest-json")
    try:
        parser.parse(response, model.output_shape)
    except Exception as error:  # noqa: BLE001 -- it fails in every way when the types are wrong
        found.append(f"botocore cannot read it: {type(error).__name__}")
    return found


def _problems_of_error(
    operation: str, status: int, headers: Mapping[str, str], body: bytes
) -> list[str]:
    found = []
    code = headers.get("x-amzn-errortype", "")
    if code not in error_statuses():
        found.append(f"x-amzn-ErrorType {code!r} is not modelled")
    elif status != error_statuses()[code]:
        found.append(f"status {status} for {code}")
    declared = (
        {shape.name for shape in service().operation_model(operation).error_shapes}
        if operation
        else set()
    )
    if code == "ConflictException" and code not in declared:
        found.append("ConflictException, which this operation never raises")
    if headers.get("content-type") != "application/json":
        found.append(f"content type {headers.get('content-type')}")
    try:
        content = json.loads(body)
    except ValueError:
        return [*found, "the error is not JSON"]
    if not isinstance(content, dict):
        return [*found, "the error is not an object"]
    if not isinstance(content.get("Message"), str) or not content["Message"]:
        found.append("an error without Message")
    request_id = content.get("RequestID")
    if not request_id or request_id != headers.get("x-amzn-requestid"):
        found.append("RequestID is not that of the header")
    if content.keys() - {"Message", "RequestID"}:
        found.append("an error with more than Message and RequestID")
    return found


def _problems_of_value(value: object, shape: Any, place: str) -> list[str]:
    """Return what is wrong with one value and everything inside of it."""
    if shape.type_name == "structure":
        return _problems_of_structure(value, shape, place)
    if shape.type_name == "list":
        if not isinstance(value, list):
            return [f"{place} is no list"]
        inside = [(item, shape.member, f"{place}[{number}]") for number, item in enumerate(value)]
    elif shape.type_name == "map":
        if not isinstance(value, dict):
            return [f"{place} is no object"]
        inside = [(item, shape.value, f"{place}.{name}") for name, item in value.items()]
    else:
        problem = _problem_of_scalar(value, shape)
        return [f"{place} {problem}"] if problem else []
    return [problem for part in inside for problem in _problems_of_value(*part)]


def _problems_of_structure(value: object, shape: Any, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is no object"]
    by_wire_name = {
        member.serialization.get("name", name): (name, member)
        for name, member in shape.members.items()
    }
    there = {by_wire_name[name][0] for name in value if name in by_wire_name}
    needed = [name for name in shape.required_members if (shape.name, name) not in _LEFT_OUT]
    found = [f"{place} lacks {name}" for name in needed if name not in there]
    for name, item in value.items():
        if name not in by_wire_name:
            found.append(f"{place}.{name} is unknown to {shape.name}")
        else:
            found += _problems_of_value(item, by_wire_name[name][1], f"{place}.{name}")
    return found


def _problem_of_scalar(value: object, shape: Any) -> str:
    kind = shape.type_name
    if kind == "string":
        if not isinstance(value, str):
            return f"is {_kind(value)}, not a string"
        return f"is not one of {shape.name}" if shape.enum and value not in shape.enum else ""
    if kind == "boolean":
        return "" if isinstance(value, bool) else f"is {_kind(value)}, not a boolean"
    if kind in {"integer", "long"}:
        return _problem_of_whole_number(value, bits=32 if kind == "integer" else 64)
    if kind == "double":
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "" if is_number else f"is {_kind(value)}, not a number"
    assert kind == "timestamp", f"no answer of the service holds a {kind}"
    return _problem_of_timestamp(value, shape)


def _problem_of_whole_number(value: object, *, bits: int) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"is {_kind(value)}, not a whole number"
    bound = 2 ** (bits - 1)
    return "" if -bound <= value < bound else f"does not fit {bits} bits"


def _problem_of_timestamp(value: object, shape: Any) -> str:
    if shape.serialization.get("timestampFormat") != "iso8601":
        return "" if isinstance(value, (int, float)) else "is no number of seconds"
    try:
        datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return "is no ISO 8601 time"
    return ""


def _kind(value: object) -> str:
    return "null" if value is None else type(value).__name__
