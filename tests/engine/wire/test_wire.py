"""The wire: routes, statuses, headers and error shapes that all operations share."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.engine import Engine, Request, coverage
from pinpoint_kit.engine.handlers import OPERATIONS
from pinpoint_kit.engine.wire import routes
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Wire


def test_every_operation_of_the_service_model_has_a_route() -> None:
    """All 122 operations are found by their own path and method, labels included."""
    loaded = routes.load()
    assert len(loaded.all) == 122
    for route in loaded.all:
        path = re.sub(r"\{([^}]+)\}", r"<\1>", route.template).replace("<", "%3C")
        match = loaded.resolve(route.method, path)
        assert match.route is route
        assert match.labels(route) == {name: f"<{name}>" for name in route.labels}


def test_no_path_of_the_service_is_unknown_and_no_operation_fails(wire: Wire) -> None:
    """Each operation answers with its own answer, a refusal or a 501, never with a 500."""
    for route in routes.load().all:
        path = re.sub(r"\{[^}]+\}", "x", route.template)
        answer = wire.send(route.method, path)
        assert answer.status in {200, 400, 404, 501}, route.operation
        assert (answer.status == 501) == (route.operation not in OPERATIONS)


def test_unknown_path_is_told_apart_from_missing_data(wire: Wire) -> None:
    """A path that is not Pinpoint's says so; a missing application says that."""
    unknown = wire.send("GET", "/v1/nothing")
    missing = wire.send("GET", "/v1/apps/nothing")
    assert (unknown.status, unknown.code) == (404, "NotFoundException")
    assert unknown.message == "There is no such resource path in the Pinpoint API"
    assert (missing.status, missing.message) == (404, "Application not found")


@pytest.mark.parametrize(
    "path",
    ["", "/", "v1/apps", "/v1", "/v1/apps/", "/v1/apps//endpoints", "/v2/apps", "/v1/apps/a/b/c",
     "/v1/apps/a/endpoints/b/c", "/" * 5000, "/v1/apps/a/endpoints/"],
)  # fmt: skip
def test_odd_paths_are_unknown(wire: Wire, path: str) -> None:
    """Empty segments, missing slashes and too many segments are no paths of the service."""
    assert wire.send("GET", path).status == 404


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "get", "", "GET\r\n", "PUT"])
def test_wrong_method_is_405(wire: Wire, method: str) -> None:
    """A method that a path does not have is not allowed, and the answer names those it has."""
    answer = wire.send(method, "/v1/apps")
    assert (answer.status, answer.code) == (405, "MethodNotAllowedException")
    assert "GET,OPTIONS,POST" in answer.message


def test_unimplemented_operation_names_itself(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation of a newer service model answers 501, by name, and points to the docs."""
    monkeypatch.delitem(OPERATIONS, "GetCampaigns")
    answer = wire.send("GET", f"/v1/apps/{wire.app}/campaigns")
    assert (answer.status, answer.code) == (501, "NotImplementedException")
    assert "GetCampaigns" in answer.message
    assert "compatibility page" in answer.message


def test_options_is_answered_for_browsers(wire: Wire) -> None:
    """OPTIONS answers 200 with the CORS headers on any resource."""
    answer = wire.send("OPTIONS", "/v1/apps/any/events/legacy")
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS,POST"


def test_every_answer_carries_the_common_headers(wire: Wire) -> None:
    """Success and refusal alike carry the content type, the request id and the CORS headers."""
    for answer in (wire.send("GET", "/v1/apps"), wire.send("GET", "/v1/apps/x")):
        assert answer.headers["Content-Type"] == "application/json"
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
                            answer.headers["x-amzn-RequestId"])  # fmt: skip
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "x-amzn-ErrorType" in answer.headers["Access-Control-Expose-Headers"]


def test_a_refusal_carries_message_and_request_id(wire: Wire) -> None:
    """The body of a refusal has Message and RequestID, the same id as the header."""
    answer = wire.send("GET", "/v1/apps/x")
    assert set(answer.json) == {"Message", "RequestID"}
    assert answer.json["RequestID"] == answer.headers["x-amzn-RequestId"]


def test_labels_are_decoded_after_the_path_is_split(wire: Wire) -> None:
    """An id with an encoded slash is one id."""
    assert wire.update("us east/1").status == 202
    assert (
        wire.send("GET", f"/v1/apps/{wire.app}/endpoints/us%20east%2F1").json["Id"] == "us east/1"
    )


@pytest.mark.parametrize("segment", ["%ff", "%ed%a0%80", "\ud800"])
def test_a_label_that_is_not_utf8_is_refused(wire: Wire, segment: str) -> None:
    """Bytes that are no UTF-8 text are a bad request."""
    answer = wire.send("GET", f"/v1/apps/{wire.app}/endpoints/{segment}")
    assert (answer.status, answer.code) == (400, "BadRequestException")


@pytest.mark.parametrize("query", ["token=%ff", "token=\ud800", "%ed%a0%80=1"])
def test_a_query_that_is_not_utf8_is_refused(wire: Wire, query: str) -> None:
    """Query strings are decoded as strictly as paths."""
    assert wire.send("GET", "/v1/apps", query=query).status == 400


def test_a_body_over_the_payload_limit_is_413(make_wire: Callable[..., Wire]) -> None:
    """No request may be larger than the general payload limit."""
    wire = make_wire(limits=Limits(max_request_bytes=100))
    answer = wire.update("e", Address="x" * 100)
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")


def test_coverage_lists_every_operation_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The coverage table has all 122 operations; what has no handler is refused."""
    monkeypatch.delitem(OPERATIONS, "SendMessages")
    rows = {row.operation: row for row in coverage()}
    assert len(rows) == 122
    assert {name for name, row in rows.items() if row.status != "refused"} == set(OPERATIONS)
    assert rows["PutEvents"].status == "emulated"
    assert rows["SendMessages"].status == "refused"
    assert Engine.coverage() == coverage()


def test_a_fault_of_our_own_is_an_answer_too(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unexpected error answers 500 without its text, and logs where it came from."""

    def fail() -> None:
        raise ZeroDivisionError("secret@example.com")

    monkeypatch.setattr(wire.engine, "_clock", fail)
    answer = wire.send("GET", "/v1/apps")
    assert (answer.status, answer.code) == (500, "InternalServerErrorException")
    assert "secret" not in str(answer.json) + caplog.text
    assert "ZeroDivisionError in " in caplog.text


def test_reprs_show_sizes_only() -> None:
    """Requests and responses can be logged: their reprs hold no data."""
    request = Request("PUT", "/v1/apps/a/endpoints/me@example.com", body=b"secret")
    assert repr(request) == "Request(method='PUT', path=<35>, query=<0>, headers=<0>, body=<6>)"


def test_there_is_no_long_work_yet(wire: Wire) -> None:
    """Stepping an idle engine says that nothing is to do."""
    assert wire.engine.step() is False


@pytest.mark.parametrize(
    ("headers", "query", "region"),
    [
        ({}, "", "us-east-1"),
        ({"authorization": "Bearer x"}, "", "us-east-1"),
        (
            {
                "authorization": "AWS4-HMAC-SHA256 Credential=AK/20260101/eu-central-1/"
                "mobiletargeting/aws4_request, SignedHeaders=host, Signature=0"
            },
            "",
            "eu-central-1",
        ),
        (
            {},
            "X-Amz-Credential=AK%2F20260101%2Fap-south-1%2Fmobiletargeting%2Faws4_request",
            "ap-south-1",
        ),
    ],
)
def test_arns_name_the_region_of_the_signature(
    wire: Wire, headers: dict[str, str], query: str, region: str
) -> None:
    """An ARN names the Region that its request was signed for, else the engine's."""
    request = Request("GET", f"/v1/apps/{wire.app}", query=query, headers=headers)
    answer = json.loads(wire.engine.handle(request).body)
    assert answer["Arn"].startswith(f"arn:aws:mobiletargeting:{region}:")


def test_an_engine_may_be_opened_for_a_region() -> None:
    """Answers to requests without a signature name the Region that the engine was opened with."""
    with Engine.open("sqlite://", region="sa-east-1") as engine:
        answer = engine.handle(Request("POST", "/v1/apps", body=b'{"Name":"a"}'))
    assert json.loads(answer.body)["Arn"].startswith("arn:aws:mobiletargeting:sa-east-1:")


def test_what_is_not_emulated_is_not_worth_a_retry(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 501 says so in a header, because clients repeat every answer above 499."""
    monkeypatch.delitem(OPERATIONS, "ListJourneys")
    answer = wire.send("GET", f"/v1/apps/{wire.app}/journeys")
    assert answer.status == 501
    assert answer.headers["x-pinpoint-kit-retryable"] == "false"
