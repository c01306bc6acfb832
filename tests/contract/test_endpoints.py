"""Endpoints: created and merged by UpdateEndpoint, read by GetEndpoint, deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
PERSON = {"ChannelType": "EMAIL", "Address": "customer@example.com"}


class Endpoints:
    """The endpoints of one application."""

    def __init__(self, client: Any, app: str) -> None:
        self.client = client
        self.app = app

    def update(self, endpoint_id: str, **members: object) -> Any:
        return self.client.update_endpoint(
            ApplicationId=self.app, EndpointId=endpoint_id, EndpointRequest=members
        )

    def get(self, endpoint_id: str) -> Any:
        answer = self.client.get_endpoint(ApplicationId=self.app, EndpointId=endpoint_id)
        return answer["EndpointResponse"]

    def delete(self, endpoint_id: str) -> Any:
        return self.client.delete_endpoint(ApplicationId=self.app, EndpointId=endpoint_id)


@pytest.fixture
def endpoints(client: Any, app: str) -> Endpoints:
    """Give the endpoints of a new application."""
    return Endpoints(client, app)


def test_update_endpoint_is_accepted(endpoints: Endpoints) -> None:
    """UpdateEndpoint answers 202 with `Accepted` and a request id: it creates what is not there."""
    answer = endpoints.update("e", **PERSON)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["MessageBody"]["Message"] == "Accepted"
    assert answer["MessageBody"]["RequestID"] == answer["ResponseMetadata"]["RequestId"]


def test_get_endpoint_gives_all_that_was_sent(endpoints: Endpoints) -> None:
    """Every member comes back."""
    sent = {
        **PERSON,
        "Attributes": {"interests": ["music", "books"]},
        "Metrics": {"level": 6.5},
        "Demographic": {
            "AppVersion": "1.0",
            "Locale": "en_US",
            "Make": "apple",
            "Model": "iPhone",
            "ModelVersion": "8",
            "Platform": "ios",
            "PlatformVersion": "11.3.1",
            "Timezone": "America/Los_Angeles",
        },
        "Location": {
            "City": "Seattle",
            "Country": "US",
            "Latitude": 47.5,
            "Longitude": -122.0,
            "PostalCode": "98121",
            "Region": "Washington",
        },
        "User": {"UserId": "u", "UserAttributes": {"name": ["Wang", "Xiulan"]}},
        "OptOut": "ALL",
        "RequestId": "a-request-of-mine",
    }
    endpoints.update("e", **sent)
    got = endpoints.get("e")
    assert {name: got[name] for name in sent} == sent


def test_a_new_endpoint_has_what_the_service_adds(endpoints: Endpoints) -> None:
    """The application, a cohort from 0 to 99, dates, ACTIVE and OptOut NONE are filled in."""
    answer = endpoints.update("e", **PERSON)
    got = endpoints.get("e")
    assert (got["Id"], got["ApplicationId"]) == ("e", endpoints.app)
    assert (got["EndpointStatus"], got["OptOut"]) == ("ACTIVE", "NONE")
    assert re.fullmatch(r"\d{1,2}", got["CohortId"])
    assert re.fullmatch(DATE, got["CreationDate"])
    assert got["EffectiveDate"] == got["CreationDate"]
    assert got["RequestId"] == answer["MessageBody"]["RequestID"]
    assert got["User"] == {}


def test_an_update_leaves_what_it_does_not_name(endpoints: Endpoints) -> None:
    """Only the members that are sent change; cohort and creation stay for ever."""
    endpoints.update("e", **PERSON, Attributes={"plan": ["free"]}, Metrics={"level": 1.0})
    before = endpoints.get("e")
    endpoints.update("e", User={"UserId": "u"})
    after = endpoints.get("e")
    changing = {"User", "RequestId", "EffectiveDate"}
    assert {name: after[name] for name in after.keys() - changing} == {
        name: before[name] for name in before.keys() - changing
    }
    assert after["User"]["UserId"] == "u"


def test_attributes_merge_by_name(endpoints: Endpoints) -> None:
    """The list of a sent attribute is replaced as a whole, other attributes stay."""
    endpoints.update("e", Attributes={"a": ["1", "2"], "b": ["3"]})
    endpoints.update("e", Attributes={"a": ["4"]})
    assert endpoints.get("e")["Attributes"] == {"a": ["4"], "b": ["3"]}


def test_an_empty_list_clears_an_attribute(endpoints: Endpoints) -> None:
    """The values of a name that is sent with `[]` are gone."""
    endpoints.update("e", Attributes={"a": ["1"], "b": ["2"]})
    endpoints.update("e", Attributes={"a": []})
    assert endpoints.get("e")["Attributes"] == {"b": ["2"]}


def test_metrics_and_places_merge_by_member(endpoints: Endpoints) -> None:
    """Metrics, demographic and location keep the members that an update does not name."""
    endpoints.update(
        "e", Metrics={"a": 1.0, "b": 2.0}, Demographic={"Make": "m"}, Location={"Country": "PT"}
    )
    endpoints.update("e", Metrics={"b": 3.0}, Demographic={"Model": "n"}, Location={"City": "Faro"})
    got = endpoints.get("e")
    assert got["Metrics"] == {"a": 1.0, "b": 3.0}
    assert got["Demographic"] == {"Make": "m", "Model": "n"}
    assert got["Location"] == {"Country": "PT", "City": "Faro"}


def test_coordinates_are_rounded_to_one_decimal(endpoints: Endpoints) -> None:
    """The guide sends 47.61 and -122.33, and reads 47.6 and -122.3."""
    endpoints.update("e", Location={"Latitude": 47.61, "Longitude": -122.33})
    assert endpoints.get("e")["Location"] == {"Latitude": 47.6, "Longitude": -122.3}


def test_an_update_makes_an_endpoint_active_again(endpoints: Endpoints) -> None:
    """Without EndpointStatus every update sets ACTIVE."""
    endpoints.update("e", **PERSON, EndpointStatus="INACTIVE")
    assert endpoints.get("e")["EndpointStatus"] == "INACTIVE"
    endpoints.update("e", Metrics={"level": 1.0})
    assert endpoints.get("e")["EndpointStatus"] == "ACTIVE"


def test_an_address_is_active_once(endpoints: Endpoints) -> None:
    """An endpoint becomes INACTIVE when another one gets its address on the same channel."""
    endpoints.update("old", ChannelType="GCM", Address="token")
    endpoints.update("other", ChannelType="ADM", Address="token")
    endpoints.update("new", ChannelType="GCM", Address="token")
    statuses = {name: endpoints.get(name)["EndpointStatus"] for name in ("old", "other", "new")}
    assert statuses == {"old": "INACTIVE", "other": "ACTIVE", "new": "ACTIVE"}


def test_the_effective_date_can_be_set(endpoints: Endpoints) -> None:
    """A sent EffectiveDate is given back instead of the time of the request."""
    endpoints.update("e", EffectiveDate="2018-05-07T19:03:29.963Z")
    assert endpoints.get("e")["EffectiveDate"] == "2018-05-07T19:03:29.963Z"


def test_ids_differ_by_more_than_case(endpoints: Endpoints) -> None:
    """Endpoint ids are case-insensitive; the answer has the id as it was first written."""
    endpoints.update("Device-1", Metrics={"a": 1.0})
    endpoints.update("DEVICE-1", Metrics={"b": 2.0})
    got = endpoints.get("device-1")
    assert (got["Id"], got["Metrics"]) == ("Device-1", {"a": 1.0, "b": 2.0})


@pytest.mark.parametrize("endpoint_id", ["a$b", "a{b", "a}b"])
def test_some_characters_are_not_for_ids(endpoints: Endpoints, endpoint_id: str) -> None:
    """`$`, `{` and `}` are refused in endpoint ids."""
    with pytest.raises(endpoints.client.exceptions.BadRequestException):
        endpoints.update(endpoint_id, **PERSON)


@pytest.mark.parametrize("endpoint_id", ["us east/1", "a%2Fb", "é+ü?#&=", "a..b", "%"])
def test_any_other_id_is_one_id(endpoints: Endpoints, endpoint_id: str) -> None:
    """Ids may hold slashes, spaces, percent signs and letters of any script."""
    endpoints.update(endpoint_id, Metrics={"a": 1.0})
    assert endpoints.get(endpoint_id)["Id"] == endpoint_id
    assert endpoints.delete(endpoint_id)["EndpointResponse"]["Id"] == endpoint_id


@pytest.mark.not_signed  # signatures leave such segments out, so that a signed server refuses them
@pytest.mark.parametrize("endpoint_id", [".", ".."])
def test_dots_are_an_id_too(endpoints: Endpoints, endpoint_id: str) -> None:
    """An id of dots alone names its endpoint, and leads nowhere else."""
    endpoints.update(endpoint_id, Metrics={"a": 1.0})
    assert endpoints.get(endpoint_id)["Id"] == endpoint_id


@pytest.mark.parametrize(
    ("members", "message"),
    [({"ChannelType": "EMAIL"}, "Missing Address"), ({"Address": "a@b"}, "Missing ChannelType")],
)
def test_channel_and_address_belong_together(
    endpoints: Endpoints, members: dict[str, str], message: str
) -> None:
    """One of the two without the other is refused with the service's own words."""
    with pytest.raises(endpoints.client.exceptions.BadRequestException) as refused:
        endpoints.update("e", **members)
    assert refused.value.response["Message"] == message
    with pytest.raises(endpoints.client.exceptions.NotFoundException):
        endpoints.get("e")


def test_an_endpoint_needs_neither_channel_nor_address(endpoints: Endpoints) -> None:
    """An endpoint with a user alone is fine."""
    endpoints.update("e", User={"UserId": "u"})
    got = endpoints.get("e")
    assert "Address" not in got
    assert "ChannelType" not in got


@pytest.mark.parametrize(
    "members",
    [
        {"Attributes": {"n" * 51: ["v"]}},
        {"Attributes": {"n": ["v" * 101]}},
        {"Attributes": {"n": ["v"] * 51}},
        {"Attributes": {f"n{i}": ["v"] for i in range(251)}},
        {"Attributes": {f"n{i}": ["v" * 100] * 2 for i in range(100)}},
        {"ChannelType": "PIGEON", "Address": "roof"},
        {"EndpointStatus": "active"},
        {"OptOut": "SOME"},
    ],
    ids=["name", "value", "values", "names", "size", "channel", "status", "opt-out"],
)
def test_over_the_quotas_is_refused(endpoints: Endpoints, members: dict[str, Any]) -> None:
    """Too long, too many or unknown values are a BadRequestException, and nothing is stored."""
    with pytest.raises(endpoints.client.exceptions.BadRequestException):
        endpoints.update("e", **members)
    with pytest.raises(endpoints.client.exceptions.NotFoundException):
        endpoints.get("e")


def test_delete_endpoint_answers_with_what_it_deleted(endpoints: Endpoints) -> None:
    """DeleteEndpoint answers 202 with the definition; then the endpoint is not found."""
    endpoints.update("e", **PERSON)
    got = endpoints.get("e")
    answer = endpoints.delete("e")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["EndpointResponse"] == got
    for again in (endpoints.get, endpoints.delete):
        with pytest.raises(endpoints.client.exceptions.NotFoundException):
            again("e")


def test_null_members_are_absent_members(door: Door, app: str) -> None:
    """`null` leaves a member as it is, also inside of maps."""
    path = f"/v1/apps/{app}/endpoints/e"
    door.send("PUT", path, {**PERSON, "Attributes": {"a": ["1"]}})
    nulls = {"Address": None, "Attributes": {"a": None}, "Location": None, "User": {"UserId": None}}
    assert door.send("PUT", path, nulls).status == 202
    got = door.send("GET", path).json
    assert (got["Address"], got["Attributes"]) == ("customer@example.com", {"a": ["1"]})


def test_a_scalar_attribute_is_a_list_of_one(door: Door, app: str) -> None:
    """Old examples send user attributes as texts; lists are given back."""
    path = f"/v1/apps/{app}/endpoints/e"
    door.send("PUT", path, {"User": {"UserId": "u", "UserAttributes": {"FirstName": "Wang"}}})
    assert door.send("GET", path).json["User"]["UserAttributes"] == {"FirstName": ["Wang"]}


def test_unknown_members_do_no_harm(door: Door, app: str) -> None:
    """A newer client may send members that the model does not have; they are not given back."""
    path = f"/v1/apps/{app}/endpoints/e"
    assert door.send("PUT", path, {**PERSON, "Mood": "good"}).status == 202
    assert "Mood" not in door.send("GET", path).json
