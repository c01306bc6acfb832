"""Users: endpoints that share a user id, the attributes they share, and the 16th endpoint."""

from __future__ import annotations

from typing import Any

import pytest

#: A user has at most this many endpoints.
MOST = 15
#: New channels that take the place of a user's oldest push endpoint.
REPLACING = ["ADM", "GCM", "APNS", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU"]
#: New channels that are refused.
REFUSED = ["SMS", "PUSH", "VOICE", "EMAIL", "CUSTOM", "IN_APP"]


class Users:
    """The users of one application."""

    def __init__(self, client: Any, app: str) -> None:
        self.client = client
        self.app = app

    def join(self, endpoint_id: str, user_id: str = "u", **members: object) -> Any:
        """Update an endpoint of a user; `UserAttributes` go with the user."""
        user = {"UserId": user_id}
        if "UserAttributes" in members:
            user["UserAttributes"] = members.pop("UserAttributes")  # type: ignore[assignment]
        return self.client.update_endpoint(
            ApplicationId=self.app,
            EndpointId=endpoint_id,
            EndpointRequest={"User": user, **members},
        )

    def fill(self, channel: str = "EMAIL") -> None:
        """Give the user as many endpoints as it may have, in one batch, the oldest first."""
        self.client.update_endpoints_batch(
            ApplicationId=self.app,
            EndpointBatchRequest={
                "Item": [
                    {
                        "Id": f"e{number}",
                        "ChannelType": channel,
                        "Address": f"address-{number}",
                        "EffectiveDate": f"2026-01-{number + 1:02}T00:00:00.000Z",
                        "User": {"UserId": "u"},
                    }
                    for number in range(MOST)
                ]
            },
        )

    def get(self, user_id: str = "u") -> Any:
        answer = self.client.get_user_endpoints(ApplicationId=self.app, UserId=user_id)
        return {item["Id"]: item for item in answer["EndpointsResponse"]["Item"]}

    def endpoint(self, endpoint_id: str) -> Any:
        answer = self.client.get_endpoint(ApplicationId=self.app, EndpointId=endpoint_id)
        return answer["EndpointResponse"]


@pytest.fixture
def users(client: Any, app: str) -> Users:
    """Give the users of a new application."""
    return Users(client, app)


def test_get_user_endpoints_gives_every_endpoint(users: Users) -> None:
    """The answer has the endpoints of the user as GetEndpoint shows them, and no others."""
    users.join("a")
    users.join("b")
    users.join("c", "somebody else")
    assert users.get() == {name: users.endpoint(name) for name in ("a", "b")}


def test_user_attributes_are_of_all_its_endpoints(users: Users) -> None:
    """An attribute that one endpoint brings is seen at each endpoint of the same user."""
    users.join("a", UserAttributes={"plan": ["pro"]})
    users.join("b", UserAttributes={"age": ["39"]})
    both = {"plan": ["pro"], "age": ["39"]}
    assert {name: item["User"]["UserAttributes"] for name, item in users.get().items()} == {
        "a": both,
        "b": both,
    }


def test_user_ids_may_hold_anything(users: Users) -> None:
    """Colons and slashes are part of the id."""
    users.join("a", "u:1/2 é")
    assert users.get("u:1/2 é").keys() == {"a"}


def test_an_unknown_user_is_not_found(users: Users) -> None:
    """Reading or deleting the endpoints of nobody is a NotFoundException."""
    for operation in (users.client.get_user_endpoints, users.client.delete_user_endpoints):
        with pytest.raises(users.client.exceptions.NotFoundException):
            operation(ApplicationId=users.app, UserId="nobody")


def test_delete_user_endpoints_answers_with_what_it_deleted(users: Users) -> None:
    """All endpoints of the user go, 202 gives them back; other users keep theirs."""
    users.join("a")
    users.join("b")
    users.join("c", "somebody else")
    before = users.get()
    answer = users.client.delete_user_endpoints(ApplicationId=users.app, UserId="u")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert {item["Id"]: item for item in answer["EndpointsResponse"]["Item"]} == before
    with pytest.raises(users.client.exceptions.NotFoundException):
        users.endpoint("a")
    assert users.get("somebody else").keys() == {"c"}


@pytest.mark.parametrize("channel", [*REFUSED, "APNS_SANDBOX"])
def test_a_16th_endpoint_is_refused(users: Users, channel: str) -> None:
    """Most channels are refused with the service's words; the user keeps its endpoints."""
    users.fill()
    with pytest.raises(users.client.exceptions.BadRequestException) as refused:
        users.join("new", ChannelType=channel, Address="one more")
    assert refused.value.response["Message"].startswith("Exceeded maximum endpoint per user count")
    assert users.get().keys() == {f"e{number}" for number in range(MOST)}


@pytest.mark.parametrize("channel", REPLACING)
def test_a_16th_push_endpoint_takes_the_place_of_the_oldest(users: Users, channel: str) -> None:
    """The push endpoint with the oldest EffectiveDate becomes INACTIVE and loses its user."""
    users.fill("GCM")
    users.join("new", ChannelType=channel, Address="one more")
    assert users.get().keys() == {"new", *(f"e{number}" for number in range(1, MOST))}
    left = users.endpoint("e0")
    assert (left["EndpointStatus"], left["User"]) == ("INACTIVE", {})


def test_a_16th_push_endpoint_needs_a_push_endpoint_to_replace(users: Users) -> None:
    """A user with no push endpoint is refused a 16th one of push too."""
    users.fill("EMAIL")
    with pytest.raises(users.client.exceptions.BadRequestException):
        users.join("new", ChannelType="GCM", Address="one more")


def test_a_replaced_endpoint_can_come_back(users: Users) -> None:
    """It joins its user again with ACTIVE and the user id, in place of the next oldest."""
    users.fill("GCM")
    users.join("new", ChannelType="GCM", Address="one more")
    users.join("e0", EndpointStatus="ACTIVE")
    assert users.endpoint("e0")["User"]["UserId"] == "u"
    assert users.endpoint("e1")["User"] == {}


def test_one_of_the_15_may_be_updated(users: Users) -> None:
    """A full user does not refuse updates of its own endpoints."""
    users.fill()
    users.join("e3", Metrics={"level": 2.0})
    assert users.endpoint("e3")["Metrics"] == {"level": 2.0}
