"""The conventions of the wire: paths, status codes, paging, errors, and what browsers need."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from botocore import xform_name

from pinpoint_kit.engine import Engine
from tests.model_answers import minimal_parameters, service

if TYPE_CHECKING:
    from tests.contract.doors import Door

UUID = r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}"
NOBODY = "0" * 32
PATHS = sorted(
    {service().operation_model(name).http["requestUri"] for name in service().operation_names}
)
OF_AN_APPLICATION = [
    row.operation
    for row in Engine.coverage()
    if row.status != "refused"
    and "ApplicationId" in service().operation_model(row.operation).input_shape.members
]


def test_bodies_are_not_wrapped(door: Door, app: str) -> None:
    """Neither requests nor answers carry the outer member that boto3 shows."""
    endpoint = f"/v1/apps/{app}/endpoints/e"
    put = door.send("PUT", endpoint, {"Attributes": {"a": ["1"]}})
    assert put.json.keys() == {"Message", "RequestID"}
    assert door.send("GET", endpoint).json["Id"] == "e"
    assert door.send("GET", "/v1/apps").json.keys() <= {"Item", "NextToken"}
    assert door.send("GET", f"/v1/apps/{app}").json["Id"] == app


def test_labels_are_split_before_they_are_decoded(door: Door, app: str) -> None:
    """An encoded slash belongs to the id; a plain one ends it."""
    users = f"/v1/apps/{app}/users"
    door.send("PUT", f"/v1/apps/{app}/endpoints/us%20east%2F1", {"User": {"UserId": "u:1/2"}})
    assert door.send("GET", f"/v1/apps/{app}/endpoints/us%20east%2F1").json["Id"] == "us east/1"
    assert len(door.send("GET", f"{users}/u%3A1%2F2").json["Item"]) == 1
    plain = door.send("GET", f"{users}/u%3A1/2")
    assert (plain.status, plain.code) == (404, "NotFoundException")


def test_labels_are_decoded_once(door: Door, app: str) -> None:
    """`%2541` is the id `%41`, and a plus is a plus."""
    door.send("PUT", f"/v1/apps/{app}/endpoints/%2541+", {"Metrics": {"a": 1}})
    assert door.send("GET", f"/v1/apps/{app}/endpoints/%2541%2B").json["Id"] == "%41+"


def test_arns_in_paths_may_be_encoded_or_not(door: Door, app: str) -> None:
    """Colons may stand plain or encoded; the slash of an ARN is always encoded."""
    for arn in (
        f"arn%3Aaws%3Amobiletargeting%3Aus-east-1%3A000000000000%3Aapps%2F{app}",
        f"arn:aws:mobiletargeting:us-east-1:000000000000:apps%2F{app}",
    ):
        assert door.send("GET", f"/v1/tags/{arn}").json == {"tags": {}}


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/apps/", "/v1/nothing", "/v2/apps", "//v1/apps"])
def test_unknown_paths_are_not_found(door: Door, path: str) -> None:
    """A path that is none of the service's answers 404 in the service's form, and says so."""
    answer = door.send("GET", path)
    assert (answer.status, answer.code) == (404, "NotFoundException")
    assert "path" in answer.json["Message"]


@pytest.mark.parametrize("method", ["PATCH", "PUT", "DELETE"])
def test_other_methods_are_not_allowed(door: Door, method: str) -> None:
    """A method that a path does not have is a MethodNotAllowedException."""
    answer = door.send(method, "/v1/apps")
    assert (answer.status, answer.code) == (405, "MethodNotAllowedException")


@pytest.mark.parametrize("size", ["0", "-1", "1.5", "many"])
def test_a_page_size_is_a_number_in_a_text(door: Door, size: str) -> None:
    """Anything but a positive whole number is a BadRequestException."""
    answer = door.send("GET", "/v1/apps", query=f"page-size={size}")
    assert (answer.status, answer.code) == (400, "BadRequestException")


def test_a_token_is_one_that_was_given(door: Door) -> None:
    """A made-up token is a BadRequestException."""
    answer = door.send("GET", "/v1/apps", query="token=made%20up")
    assert (answer.status, answer.code) == (400, "BadRequestException")


def test_the_last_page_has_no_token(door: Door) -> None:
    """`NextToken` is absent or null at the end."""
    assert door.send("GET", "/v1/apps", query="page-size=1000").json.get("NextToken") is None


@pytest.mark.parametrize("path", PATHS)
def test_browsers_may_ask_first_anywhere(door: Door, path: str) -> None:
    """OPTIONS answers 200 on every resource, with the methods and headers that are allowed."""
    answer = door.send(
        "OPTIONS",
        re.sub(r"\{[^}]*\}", "x", path),
        headers={
            "origin": "http://localhost:3000",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-amz-date",
        },
    )
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    allowed = set(answer.headers["access-control-allow-methods"].split(","))
    methods = {
        http["method"]
        for name in service().operation_names
        if (http := service().operation_model(name).http)["requestUri"] == path
    }
    assert methods <= allowed
    assert "authorization" in answer.headers["access-control-allow-headers"].lower()


@pytest.mark.parametrize("path", ["/v1/apps", f"/v1/apps/{NOBODY}"])
def test_browsers_may_read_every_answer(door: Door, path: str) -> None:
    """Successes and errors allow any origin, and show the error's class and the request id."""
    answer = door.send("GET", path, headers={"origin": "http://localhost:3000"})
    assert answer.headers["access-control-allow-origin"] == "*"
    shown = answer.headers["access-control-expose-headers"].lower().split(",")
    assert {"x-amzn-requestid", "x-amzn-errortype", "x-amzn-errormessage", "date"} <= set(shown)


def test_every_request_has_an_id_of_its_own(door: Door) -> None:
    """The header carries a new UUID each time."""
    ids = {door.send("GET", "/v1/apps").headers["x-amzn-requestid"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch(UUID, request_id) for request_id in ids)


def test_an_error_says_its_class_in_the_header(door: Door) -> None:
    """`x-amzn-ErrorType` is the plain name; the body is Message and RequestID alone."""
    answer = door.send("GET", f"/v1/apps/{NOBODY}")
    assert answer.code == "NotFoundException"
    assert answer.json == {
        "Message": "Application not found",
        "RequestID": answer.headers["x-amzn-requestid"],
    }


@pytest.mark.parametrize("operation", OF_AN_APPLICATION)
def test_an_unknown_application_is_not_found_by_any_operation(client: Any, operation: str) -> None:
    """A typed NotFoundException comes, with the service's words, wherever one is named."""
    parameters = minimal_parameters(operation, ApplicationId=NOBODY)
    with pytest.raises(client.exceptions.NotFoundException) as missing:
        getattr(client, xform_name(operation))(**parameters)
    assert missing.value.response["Error"]["Code"] == "NotFoundException"
    assert missing.value.response["Message"] == "Application not found"


@pytest.mark.parametrize(
    "operation",
    [
        name
        for name in OF_AN_APPLICATION
        if service().operation_model(name).input_shape.serialization.get("payload")
    ],
)
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff", b'"text"', b"{" * 2000])
def test_a_body_that_is_no_object_is_refused(
    door: Door, app: str, operation: str, body: bytes
) -> None:
    """Every operation with a body answers 400 to what is not a JSON object."""
    http = service().operation_model(operation).http
    path = http["requestUri"].replace("{application-id}", app)
    path = path.replace("{attribute-type}", "endpoint-custom-attributes")
    answer = door.send(http["method"], re.sub(r"\{[^}]*\}", "x", path), body=body)
    assert (answer.status, answer.code) == (400, "BadRequestException")
