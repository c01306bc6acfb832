"""Endpoints: the shape of GET, and how updates merge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.endpoints.state import COLUMNS
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

FULL: dict[str, Any] = {
    "Address": "customer@example.com",
    "Attributes": {"interests": ["music", "art"]},
    "ChannelType": "EMAIL",
    "Demographic": {
        "AppVersion": "1.0", "Locale": "en_US", "Make": "m", "Model": "x", "ModelVersion": "2",
        "Platform": "android", "PlatformVersion": "10", "Timezone": "Europe/Lisbon",
    },
    "EffectiveDate": "2020-05-05T05:05:05.005Z",
    "EndpointStatus": "INACTIVE",
    "Location": {
        "City": "Lisboa", "Country": "PT", "Latitude": 38.7, "Longitude": -9.1,
        "PostalCode": "1000", "Region": "L",
    },
    "Metrics": {"level": 6, "score": 6.0},
    "OptOut": "ALL",
    "RequestId": "request-1",
    "User": {"UserId": "user-1", "UserAttributes": {"plan": ["pro"]}},
}  # fmt: skip


def test_the_state_has_the_columns_of_the_table() -> None:
    """A stored row and the value in memory have the same members in the same order."""
    assert ("number", *COLUMNS) == tuple(ENDPOINTS.c.keys())


def test_update_answers_202_accepted(wire: Wire) -> None:
    """An update is accepted with the request's id."""
    answer = wire.update("e", **FULL)
    assert answer.status == 202
    assert answer.json == {
        "Message": "Accepted", "RequestID": answer.headers["x-amzn-RequestId"]
    }  # fmt: skip


def test_everything_is_given_back(wire: Wire) -> None:
    """All members come back as they were sent, numbers in their own form."""
    wire.update("Device-1", **FULL)
    got = wire.get("Device-1")
    cohort = got.pop("CohortId")
    assert got == {
        **FULL, "Id": "Device-1", "ApplicationId": wire.app,
        "CreationDate": "2026-01-02T03:04:05.678Z",
    }  # fmt: skip
    assert str(got["Metrics"]["level"]) == "6"
    assert str(got["Metrics"]["score"]) == "6.0"
    assert cohort in {str(number) for number in range(100)}


def test_an_endpoint_nothing_is_known_about(wire: Wire) -> None:
    """Defaults: active, opted in, dated at its creation, and an empty user."""
    answer = wire.update("e")
    got = wire.get("e")
    got.pop("CohortId")
    assert got == {
        "ApplicationId": wire.app, "Attributes": {}, "CreationDate": "2026-01-02T03:04:05.678Z",
        "Demographic": {}, "EffectiveDate": "2026-01-02T03:04:05.678Z", "EndpointStatus": "ACTIVE",
        "Id": "e", "Location": {}, "Metrics": {}, "OptOut": "NONE",
        "RequestId": answer.json["RequestID"], "User": {},
    }  # fmt: skip


def test_an_update_changes_only_what_it_gives(wire: Wire, clock: Clock) -> None:
    """Members that are absent or null keep their value; the date moves and the status is active."""
    wire.update("e", **FULL)
    before = wire.get("e")
    clock.advance(60)
    wire.update("e", Address=None, Attributes=None, Demographic={"Make": None}, Location=None,
                User={"UserId": None}, OptOut=None, Metrics={"level": None})  # fmt: skip
    after = wire.get("e")
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"EffectiveDate", "EndpointStatus", "RequestId"}
    assert after["EffectiveDate"] == "2026-01-02T03:05:05.678Z"
    assert after["EndpointStatus"] == "ACTIVE"


def test_attribute_lists_are_replaced_by_name(wire: Wire) -> None:
    """A list replaces the whole list of its name, an empty one clears the name, others stay."""
    wire.update("e", Attributes={"a": ["1", "2"], "b": ["3"], "c": ["4"]})
    wire.update("e", Attributes={"a": ["5"], "b": [], "d": ["6"], "never": []})
    assert wire.get("e")["Attributes"] == {"a": ["5"], "c": ["4"], "d": ["6"]}
    wire.update("e", Attributes={"a": [], "c": [], "d": []})
    assert wire.get("e")["Attributes"] == {}


def test_a_scalar_is_a_list_of_one(wire: Wire) -> None:
    """The guides show scalar values; they are stored as lists and given back as such."""
    wire.update("e", Attributes={"a": "one"}, User={"UserId": "u", "UserAttributes": {"n": "Wang"}})
    got = wire.get("e")
    assert got["Attributes"] == {"a": ["one"]}
    assert got["User"]["UserAttributes"] == {"n": ["Wang"]}


def test_metrics_merge_by_name(wire: Wire) -> None:
    """A metric replaces the one of its name, others stay."""
    wire.update("e", Metrics={"a": 1, "b": 2.5})
    wire.update("e", Metrics={"b": -1e-7, "c": 2**63})
    assert wire.get("e")["Metrics"] == {"a": 1, "b": -1e-7, "c": 2**63}


def test_demographic_and_location_merge_by_member(wire: Wire) -> None:
    """Members that are given change, the others stay; an empty text clears."""
    wire.update("e", **FULL)
    wire.update("e", Demographic={"Make": "new", "Model": ""}, Location={"City": "Porto"})
    got = wire.get("e")
    assert got["Demographic"] == {
        **{k: v for k, v in FULL["Demographic"].items() if k != "Model"}, "Make": "new"
    }  # fmt: skip
    assert got["Location"] == {**FULL["Location"], "City": "Porto"}


@pytest.mark.parametrize(
    ("sent", "kept"), [(47.61, 47.6), (-122.33, -122.3), (123.0, 123.0), (5, 5.0), (0.04, 0.0)]
)
def test_coordinates_are_rounded_to_one_decimal(wire: Wire, sent: float, kept: float) -> None:
    """Latitude and longitude keep one decimal; the guides' own 123.0 is accepted."""
    wire.update("e", Location={"Latitude": sent, "Longitude": sent})
    assert wire.get("e")["Location"] == {"Latitude": kept, "Longitude": kept}


def test_ids_are_compared_without_case(wire: Wire) -> None:
    """An endpoint is found in any case, and its id comes back as first written."""
    wire.update("Gerät-Ä/1", Attributes={"a": ["1"]})
    wire.update("GERÄT-ä/1", Attributes={"b": ["2"]})
    got = wire.get("gerät-ä/1")
    assert got["Id"] == "Gerät-Ä/1"
    assert got["Attributes"] == {"a": ["1"], "b": ["2"]}


@pytest.mark.parametrize(
    "endpoint_id",
    ["a b", "a/b", "..", "'; DROP TABLE endpoints; --", 'say "x"', "漢字", "😀", "%", "a%2Fb",
     "x" * 5000, "\x01", "a\nb", "?q=1", "#"],
)  # fmt: skip
def test_hostile_ids_are_only_ids(wire: Wire, endpoint_id: str) -> None:
    """Slashes, quotes, control characters and great length are fine in an id."""
    assert wire.update(endpoint_id).status == 202
    assert wire.get(endpoint_id)["Id"] == endpoint_id
    assert len(wire.rows("SELECT * FROM endpoints")) == 1


@pytest.mark.parametrize("endpoint_id", ["a$", "{a", "a}", "${x}"])
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
def test_ids_with_forbidden_characters_are_refused(
    wire: Wire, endpoint_id: str, method: str
) -> None:
    """An id cannot contain a dollar sign or braces."""
    answer = wire.send(method, wire.endpoint_path(endpoint_id), b"{}")
    assert (answer.status, answer.message) == (400, "An endpoint id must not contain $, { or }")


def test_either_both_or_none_of_channel_and_address(wire: Wire) -> None:
    """After the merge the pair must be known together; the refused update leaves no trace."""
    for members, message in [
        ({"ChannelType": "SMS"}, "Missing Address"),
        ({"Address": "a@b"}, "Missing ChannelType"),
    ]:
        answer = wire.update("e", **members)
        assert (answer.status, answer.code) == (400, "BadRequestException")
        assert answer.message == message
    assert wire.send("GET", wire.endpoint_path("e")).status == 404
    wire.update("e", ChannelType="EMAIL", Address="a@b")
    assert wire.update("e", Address="c@d").status == 202
    assert wire.update("e", Address="").message == "Missing Address"
    assert wire.get("e")["Address"] == "c@d"


@pytest.mark.parametrize(
    "members",
    [
        {"ChannelType": "APNS", "OptOut": "ALL"},
        {"ChannelType": "GCM"},
        {"ChannelType": "IN_APP"},
        {"ChannelType": "EMAIL", "OptOut": "ALL"},
    ],
)
def test_an_app_registers_before_it_has_an_address(wire: Wire, members: dict[str, str]) -> None:
    """A device without a token yet, and who opted out of everything, are kept with their user."""
    assert wire.update("e", **members, User={"UserId": "u"}).status == 202
    stored = wire.get("e")
    assert stored["User"]["UserId"] == "u"
    assert {name: stored[name] for name in members} == members
    assert "Address" not in stored


def test_opting_in_again_needs_the_address(wire: Wire) -> None:
    """An endpoint that opted out of a channel with addresses cannot opt in without one."""
    assert wire.update("e", ChannelType="SMS", OptOut="ALL").status == 202
    assert wire.update("e", OptOut="NONE").message == "Missing Address"
    assert wire.update("e", OptOut="NONE", Address="+15555550100").status == 202


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"Address": 5}, "$.Address"),
        ({"Address": ["x"]}, "$.Address"),
        ({"ChannelType": "FAX"}, "$.ChannelType"),
        ({"ChannelType": ""}, "$.ChannelType"),
        ({"OptOut": "none"}, "$.OptOut"),
        ({"EndpointStatus": "GONE"}, "$.EndpointStatus"),
        ({"EffectiveDate": "yesterday"}, "$.EffectiveDate"),
        ({"EffectiveDate": 5}, "$.EffectiveDate"),
        ({"Attributes": []}, "$.Attributes"),
        ({"Attributes": {"a": 5}}, "$.Attributes.a"),
        ({"Attributes": {"a": True}}, "$.Attributes.a"),
        ({"Attributes": {"a": {}}}, "$.Attributes.a"),
        ({"Attributes": {"a": ["x", 5]}}, "$.Attributes.a[1]"),
        ({"Attributes": {"a": [None]}}, "$.Attributes.a[0]"),
        ({"Attributes": {"ok": ["x"], "me@example.com": 5}}, "$.Attributes[1]"),
        ({"Metrics": {"a": "5"}}, "$.Metrics.a"),
        ({"Metrics": {"a": True}}, "$.Metrics.a"),
        ({"Metrics": "x"}, "$.Metrics"),
        ({"Demographic": "x"}, "$.Demographic"),
        ({"Demographic": {"Make": 1}}, "$.Demographic.Make"),
        ({"Location": {"Latitude": "1"}}, "$.Location.Latitude"),
        ({"User": "u"}, "$.User"),
        ({"User": {"UserId": 5}}, "$.User.UserId"),
        ({"User": {"UserAttributes": {"a": [[]]}}}, "$.User.UserAttributes.a[0]"),
    ],
)
def test_wrong_types_are_refused_with_their_place(
    wire: Wire, members: dict[str, Any], place: str
) -> None:
    """A wrong type is a bad request that says where, without the data."""
    answer = wire.update("e", **members)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message.endswith(f" @ {place}")
    assert "example.com" not in answer.message


@pytest.mark.parametrize(
    ("members", "is_accepted"),
    [
        ({"Attributes": {"n" * 50: ["v" * 100]}}, True),
        ({"Attributes": {"n" * 51: ["v"]}}, False),
        ({"Attributes": {"n": ["v" * 101]}}, False),
        ({"Attributes": {"n": [str(i) for i in range(50)]}}, True),
        ({"Attributes": {"n": [str(i) for i in range(51)]}}, False),
        ({"Metrics": {"n" * 51: 1}}, False),
        ({"User": {"UserId": "u", "UserAttributes": {"n" * 51: ["v"]}}}, False),
        ({"Attributes": {"é" * 50: ["漢" * 100]}}, True),
    ],
)
def test_names_and_values_are_limited_in_characters(
    wire: Wire, members: dict[str, Any], *, is_accepted: bool
) -> None:
    """Names have up to 50 characters, values up to 100, an attribute up to 50 values."""
    assert wire.update("e", **members).status == (202 if is_accepted else 400)


def test_250_names_together(wire: Wire) -> None:
    """Attributes, metrics and user attributes of the merged endpoint have 250 names at most."""
    many = {f"a{n}": ["1"] for n in range(100)}
    metrics = {f"m{n}": 1 for n in range(100)}
    assert wire.update("e", Attributes=many, Metrics=metrics,
                       User={"UserId": "u", "UserAttributes": dict(list(many.items())[:50])}
                       ).status == 202  # fmt: skip
    answer = wire.update("e", Metrics={"one more": 1})
    assert (answer.status, answer.message) == (400, "Too many custom attributes")
    assert wire.update("e", Attributes={"a0": []}, Metrics={"one more": 1}).status == 202


def test_an_endpoint_has_at_most_15_kilobytes(wire: Wire) -> None:
    """The merged endpoint is limited in bytes, not only the update."""
    half = {f"a{n}": ["v" * 100] for n in range(70)}
    assert wire.update("e", Attributes=half).status == 202
    answer = wire.update("e", Attributes={f"b{n}": ["v" * 100] for n in range(70)})
    assert answer.status == 400
    assert answer.message.startswith("Too many custom attributes")
    assert "15000 bytes" in answer.message


def test_limits_are_a_value(make_wire: Callable[..., Wire]) -> None:
    """Another `Limits` changes what is refused."""
    wire = make_wire(limits=Limits(max_endpoint_value_chars=1))
    assert wire.update("e", Attributes={"a": ["xx"]}).status == 400


def test_unknown_members_are_tolerated(wire: Wire) -> None:
    """Members that the service does not have are ignored."""
    assert (
        wire.update("e", Unknown={"deep": [1]}, Demographic={"New": 1}, User={"x": 1}).status == 202
    )


def test_the_cohort_stays(wire: Wire) -> None:
    """An endpoint keeps its cohort through updates."""
    wire.update("e")
    cohort = wire.get("e")["CohortId"]
    for _ in range(5):
        wire.update("e", Attributes={"a": ["1"]})
    assert wire.get("e")["CohortId"] == cohort


def test_delete_answers_with_the_endpoint(wire: Wire) -> None:
    """DeleteEndpoint answers 202 with what was deleted; afterwards there is none."""
    wire.update("e", **FULL)
    got = wire.get("e")
    deleted = wire.send("DELETE", wire.endpoint_path("E"))
    assert (deleted.status, deleted.json) == (202, got)
    for method in ("GET", "DELETE"):
        answer = wire.send(method, wire.endpoint_path("e"))
        assert (answer.status, answer.message) == (404, "Endpoint not found")
    assert wire.rows("SELECT * FROM users") == []
