"""The check of answers sees what is wrong; a suite that relies on a blind one proves little."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.validate import ParamValidator

from tests.model_answers import (
    error_statuses,
    minimal_parameters,
    operation_at,
    problems_of,
    service,
)

HEADERS = {"Content-Type": "application/json", "x-amzn-RequestId": "r"}
APP = {"Arn": "arn", "Id": "a", "Name": "shop", "CreationDate": "2026-01-02T03:04:05.678Z"}
#: An endpoint with a value of nearly every type.
ENDPOINT = {
    "Id": "e",
    "ChannelType": "EMAIL",
    "Attributes": {"likes": ["music"]},
    "Metrics": {"whole": 6, "broken": 6.5},
    "Location": {"Latitude": 1.5},
}
SEGMENT = {
    "ApplicationId": "a",
    "Arn": "arn",
    "CreationDate": "d",
    "Id": "s",
    "SegmentType": "DIMENSIONAL",
    "Version": 1,
}
KPI = {
    "ApplicationId": "a",
    "KpiName": "k",
    "KpiResult": {"Rows": []},
    "StartTime": "2026-01-02T03:04:05Z",
    "EndTime": "2026-01-03T03:04:05Z",
}


def found(operation: str, status: int, body: object, **headers: str) -> list[str]:
    """Return the problems of an answer, without the operation's name in front."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    merged = {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    problems = problems_of(operation, status, merged, content)
    name = operation or "no operation"
    assert all(problem.startswith(f"{name}: ") for problem in problems)
    return [problem.removeprefix(f"{name}: ") for problem in problems]


@pytest.mark.parametrize(
    ("operation", "status", "body"),
    [
        ("CreateApp", 201, APP),
        ("GetApps", 200, {"Item": [APP, APP]}),
        ("GetEndpoint", 200, ENDPOINT),
        ("GetSegment", 200, SEGMENT),
        ("GetApplicationDateRangeKpi", 200, KPI),
        ("TagResource", 204, b""),
    ],
)
def test_a_good_answer_has_no_problems(operation: str, status: int, body: object) -> None:
    """Answers as the service model has them pass."""
    assert found(operation, status, body) == []


@pytest.mark.parametrize(
    ("operation", "body", "problem"),
    [
        ("GetApp", {"ApplicationResponse": APP}, "$.ApplicationResponse is unknown to Application"),
        ("GetApp", {**APP, "Name": None}, "$.Name is null, not a string"),
        ("GetApp", {**APP, "Name": 1}, "$.Name is int, not a string"),
        ("GetApp", {**APP, "Mood": "good"}, "$.Mood is unknown to ApplicationResponse"),
        ("GetApp", {"Arn": "arn", "Id": "a"}, "$ lacks Name"),
        ("GetApp", [], "$ is no object"),
        ("GetApp", b"{", "the body is not JSON"),
        ("GetApps", {"Item": APP}, "$.Item is no list"),
        ("GetApps", {"Item": [APP, {**APP, "tags": {"a": 1}}]}, "$.Item[1].tags.a is int, not a"),
        ("GetApps", {"Item": [{**APP, "tags": []}]}, "$.Item[0].tags is no object"),
        ("GetEndpoint", {"ChannelType": "PIGEON"}, "$.ChannelType is not one of ChannelType"),
        ("GetEndpoint", {"Metrics": {"m": True}}, "$.Metrics.m is bool, not a number"),
        ("GetEndpoint", {"Metrics": {"m": "1"}}, "$.Metrics.m is str, not a number"),
        ("GetSegment", {**SEGMENT, "Version": 1.0}, "$.Version is float, not a whole number"),
        ("GetSegment", {**SEGMENT, "Version": True}, "$.Version is bool, not a whole number"),
        ("GetSegment", {**SEGMENT, "Version": 2**31}, "$.Version does not fit 32 bits"),
        ("GetApplicationDateRangeKpi", {**KPI, "EndTime": "soon"}, "$.EndTime is no ISO 8601 time"),
        ("GetSmsChannel", {"Platform": "SMS", "Enabled": 1}, "$.Enabled is int, not a boolean"),
    ],
)
def test_a_wrong_member_is_told_with_its_place(operation: str, body: object, problem: str) -> None:
    """Missing, unknown, null and mistyped members are found, however deep they are."""
    assert any(text.startswith(problem) for text in found(operation, 200, body))


@pytest.mark.parametrize(
    ("operation", "status", "body", "headers", "problem"),
    [
        ("CreateApp", 200, APP, {}, "status 200 instead of 201"),
        ("GetApp", 200, APP, {"Content-Type": "text/plain"}, "content type text/plain"),
        ("GetApp", 200, APP, {"x-amzn-RequestId": ""}, "no header x-amzn-RequestId"),
        ("TagResource", 204, {}, {}, "a body where none belongs"),
        ("", 200, {}, {}, "status 200 for a path of no operation"),
    ],
)
def test_a_wrong_frame_is_told(
    operation: str, status: int, body: object, headers: dict[str, str], problem: str
) -> None:
    """So are the wrong status, the wrong headers and a body too many."""
    assert found(operation, status, body, **headers) == [problem]


@pytest.mark.parametrize("operation", ["GetApp", "TagResource", ""])
@pytest.mark.parametrize("code", [name for name in error_statuses() if name[0] != "C"])
def test_a_good_error_has_no_problems(operation: str, code: str) -> None:
    """Any of the service's classes, or ours, passes with its own status."""
    body = {"Message": "why", "RequestID": "r"}
    assert found(operation, error_statuses()[code], body, **{"x-amzn-ErrorType": code}) == []


@pytest.mark.parametrize(
    ("status", "code", "body", "problem"),
    [
        (404, "", {}, "x-amzn-ErrorType '' is not modelled"),
        (403, "AccessDenied", {}, "x-amzn-ErrorType 'AccessDenied' is not modelled"),
        (400, "NotFoundException", {}, "status 400 for NotFoundException"),
        (409, "ConflictException", {}, "ConflictException, which this operation never raises"),
        (404, "NotFoundException", {"Message": ""}, "an error without Message"),
        (404, "NotFoundException", {"Message": None}, "an error without Message"),
        (404, "NotFoundException", {"RequestID": "x"}, "RequestID is not that of the header"),
        (404, "NotFoundException", {"Trace": "x"}, "an error with more than Message and RequestID"),
    ],
)
def test_a_wrong_error_is_told(status: int, code: str, body: dict[str, Any], problem: str) -> None:
    """An unknown class, another status, no message, another request id or more members."""
    complete = {"Message": "why", "RequestID": "r", **body}
    assert found("GetApp", status, complete, **{"x-amzn-ErrorType": code}) == [problem]


@pytest.mark.parametrize(
    ("body", "problem"),
    [(b"<html>", "the error is not JSON"), ([], "the error is not an object")],
)
def test_an_error_that_cannot_be_read_is_told(body: object, problem: str) -> None:
    """An error has to be a JSON object."""
    assert found("GetApp", 404, body, **{"x-amzn-ErrorType": "NotFoundException"}) == [problem]


def test_a_conflict_is_for_journeys() -> None:
    """`UpdateJourney` is the one operation that may answer 409."""
    body = {"Message": "why", "RequestID": "r"}
    assert found("UpdateJourney", 409, body, **{"x-amzn-ErrorType": "ConflictException"}) == []


@pytest.mark.parametrize("operation", service().operation_names)
def test_minimal_parameters_satisfy_botocore(operation: str) -> None:
    """The least parameters of each operation are valid to botocore's own validator."""
    shape = service().operation_model(operation).input_shape
    assert not ParamValidator().validate(minimal_parameters(operation), shape).has_errors()


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("GET", "/v1/apps", "GetApps"),
        ("POST", "/v1/apps", "CreateApp"),
        ("GET", "/v1/apps/a%2Fb/endpoints/c%20d", "GetEndpoint"),
        ("PATCH", "/v1/apps", ""),
        ("GET", "/v1/apps/", ""),
        ("GET", "/v1/apps/a/endpoints/b/c", ""),
    ],
)
def test_operations_are_found_by_their_paths(method: str, path: str, operation: str) -> None:
    """Method and raw path name an operation, or none."""
    assert operation_at(method, path) == operation
