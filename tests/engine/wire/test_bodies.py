"""Hostile bodies: whatever is sent, the answer is JSON, no 5xx, and a refusal changes nothing."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine.wire.routes import load

if TYPE_CHECKING:
    from tests.engine.conftest import Wire

PATHS = [
    ("POST", "/v1/apps/{app}/events"),
    ("PUT", "/v1/apps/{app}/endpoints"),
    ("PUT", "/v1/apps/{app}/endpoints/e"),
    ("PUT", "/v1/apps/{app}/settings"),
    ("PUT", "/v1/apps/{app}/attributes/endpoint-custom-attributes"),
    ("POST", "/v1/apps"),
]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"5",
        b"\xff\xfe",
        b"\xef\xbb\xbf{}",
        b'{"Address": "\\ud800"}',
        b'{"Address": "\xed\xa0\x80"}',
        b'{"Metrics": {"m": NaN}}',
        b'{"Metrics": {"m": Infinity}}',
        b'{"Metrics": {"m": 1e999}}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{'single': 'quotes'}",
        b'{"a": 1,}',
        b"\x00",
        b"--boundary\r\n",
    ],
)
@pytest.mark.parametrize(("method", "path"), PATHS)
def test_bodies_that_are_no_request(shared: Wire, method: str, path: str, body: bytes) -> None:
    """Every body that is not strict JSON of the right shape is a clear 400."""
    before = shared.dump()
    answer = shared.send(method, path.format(app=shared.app), body)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message
    assert shared.dump() == before


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_deep_nesting_is_answered(shared: Wire, method: str, path: str) -> None:
    """JSON that is nested as deep as the parser takes it is refused where it is read."""
    deep = b'{"Attributes": {"a": ' + b"[" * 1000 + b"]" * 1000 + b"}}"
    answer = shared.send(method, path.format(app=shared.app), deep)
    reads_it_not = path.endswith(("settings", "endpoint-custom-attributes"))
    assert answer.status == (200 if reads_it_not else 400)


@pytest.mark.parametrize("filling", ["[],", "{},", "[[[]]],"])
def test_countless_values_are_refused(shared: Wire, filling: str) -> None:
    """They cost far more time and memory than their bytes, and everybody else had to wait."""
    values = f'{{"a": [{filling * 300_000}1]}}'
    answer = shared.send("POST", "/v1/apps", values.encode())
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "250000 lists and objects" in answer.message
    substitutions = {"DefaultSubstitutions": values, "Body": "x"}
    answer = shared.post("/v1/templates/countless/sms", substitutions)
    assert (answer.status, answer.code) == (400, "BadRequestException")


def test_a_large_body_is_read_brackets_in_its_texts_too(shared: Wire) -> None:
    """Whether it has a name is known only after reading it."""
    content = json.dumps({"text": "[{" * 124_000 + "x" * 1_000_000})
    assert shared.send("POST", "/v1/apps", content.encode()).message == "Missing Name"


def test_the_last_of_repeated_keys_counts(shared: Wire) -> None:
    """Repeated keys are not refused: the last one wins."""
    shared.send("PUT", shared.endpoint_path("r"), b'{"Metrics": {"a": 1, "a": 2}}')
    assert shared.get("r")["Metrics"] == {"a": 2}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["2026-01-01T00:00:00Z", "EMAIL", "ACTIVE", "u", "a@b"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)
NAMES = st.sampled_from([
    "Address", "Attributes", "ChannelType", "Demographic", "EffectiveDate", "EndpointStatus",
    "Location", "Metrics", "OptOut", "RequestId", "User", "UserId", "UserAttributes", "Latitude",
    "City", "Id", "EventType", "Timestamp", "Session", "StartTimestamp", "Duration", "tags", "Name",
    "Limits", "QuietTime", "Blacklist", "Item", "BatchItem", "Endpoint", "Events", "a",
])  # fmt: skip
MEMBERS = st.dictionaries(NAMES, JSON | st.dictionaries(NAMES, JSON, max_size=4), max_size=6)
ITEM = st.fixed_dictionaries({}, optional={
    "Endpoint": MEMBERS | JSON, "Events": st.dictionaries(st.text(max_size=3), MEMBERS, max_size=3),
})  # fmt: skip
REQUESTS = (
    MEMBERS
    | JSON
    | st.fixed_dictionaries({"BatchItem": st.dictionaries(st.text(max_size=3), ITEM, max_size=3)})
    | st.fixed_dictionaries({"Item": st.lists(MEMBERS, max_size=3)})
)


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(where=st.sampled_from(PATHS), payload=REQUESTS)
def test_any_json_is_answered(shared: Wire, where: tuple[str, str], payload: Any) -> None:
    """No JSON brings the engine down, and a refused request leaves the store as it was."""
    method, path = where
    before = shared.dump()
    answer = shared.send(method, path.format(app=shared.app), json.dumps(payload).encode())
    assert answer.status in {200, 201, 202, 400}
    if answer.status == 400:
        assert shared.dump() == before
        assert set(answer.json) == {"Message", "RequestID"}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(where=st.sampled_from(PATHS), body=st.binary(max_size=200), cut=st.integers(0, 80))
def test_any_bytes_are_answered(
    shared: Wire, where: tuple[str, str], body: bytes, cut: int
) -> None:
    """No bytes bring the engine down, half requests least of all."""
    method, path = where
    half = b'{"BatchItem":{"e":{"Endpoint":{},"Events":{"1":{"EventType":"t"}}}}}'[:cut]
    answer = shared.send(method, path.format(app=shared.app), half + body)
    assert answer.status in {200, 201, 202, 400}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD"]),
    path=st.sampled_from([route.template for route in load().all]),
    label=st.text(max_size=8) | st.sampled_from(["%00", "%ff", "%2e%2e", "%", "a%"]),
    query=st.text(max_size=20)
    | st.sampled_from(["token=%ff", "page-size=%00", "tagKeys=&tagKeys"]),
)
def test_any_path_is_answered(shared: Wire, method: str, path: str, label: str, query: str) -> None:
    """No path and no query brings the engine down."""
    filled = re.sub(r"\{[^}]+\}", lambda _: label, path.replace("{application-id}", shared.app))
    answer = shared.send(method, filled, query=query)
    assert answer.status in {200, 400, 404, 405, 501}


def test_a_text_with_nul_is_refused(wire: Wire) -> None:
    """U+0000 is a 400 that names its member, in keys, values, paths and queries; nothing stays."""
    before = wire.dump()
    app = f"/v1/apps/{wire.app}"
    sentence = "must not hold the character U+0000; leave it out @ $"
    for answer, where in (
        (wire.update("e", Attributes={"plan": ["a", "b\0c"]}), ".Attributes.plan[1]"),
        (wire.update("e", Attributes={"a\0": ["x"]}), ".Attributes[0]"),
        (wire.update("e", Address="\0", ChannelType="SMS"), ".Address"),
        (wire.batch({"Id": "a"}, {"Id": "\0"}), ".Item[1].Id"),
        (wire.post("/v1/apps", {"Name": "\0"}), ".Name"),
        (wire.post(f"{app}/segments", {"Name": "s\0"}), ".Name"),
        (wire.user("\0"), ".user-id"),
        (wire.update("\0"), ".endpoint-id"),
        (wire.send("GET", f"{app}/segments", query="token=a%00"), ".token[0]"),
    ):
        assert (answer.status, answer.code) == (400, "BadRequestException")
        assert answer.message == sentence + where
    assert wire.dump() == before
    # What only looks so is no U+0000.
    assert wire.update("backslash", Attributes={"plan": ["\\u0000"]}).status == 202


def test_a_nul_takes_no_other_event_down(wire: Wire) -> None:
    """In PutEvents it refuses the event or the endpoint that holds it, each in its own answer."""
    good = {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}
    events = {"good": good, "bad": {**good, "Attributes": {"a": "\0"}}, "\0": good}
    answer = wire.put_events(
        {
            "nul-1": {"Endpoint": {}, "Events": events},
            "nul-2": {"Endpoint": {"Attributes": {"a": ["\0"]}}, "Events": {"e": good}},
            "nul-\0": {"Endpoint": {}, "Events": {"e": good}},
        }
    )
    results = answer.json["Results"]

    def statuses(endpoint: str) -> list[int]:
        own = results[endpoint]
        return [
            own["EndpointItemResponse"]["StatusCode"],
            *(each["StatusCode"] for each in own["EventsItemResponse"].values()),
        ]

    assert statuses("nul-1") == [202, 202, 400, 400]
    assert statuses("nul-2") == [400, 202]
    assert statuses("nul-\0") == [400, 400]
    assert results["nul-1"]["EventsItemResponse"]["bad"]["Message"] == (
        "must not hold the character U+0000; leave it out @ $.BatchItem[0].Events[1].Attributes.a"
    )
