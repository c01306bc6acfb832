"""Recommender configurations: kept and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Clock, Wire

LEAST = {
    "RecommendationProviderRoleArn": "arn:aws:iam::1:role/personalize",
    "RecommendationProviderUri": "arn:aws:personalize:us-east-1:1:campaign/shop",
}
FULL = {
    **LEAST,
    "Attributes": {"title": "Title"},
    "Description": "what it is for",
    "Name": "shop",
    "RecommendationProviderIdType": "PINPOINT_USER_ID",
    "RecommendationTransformerUri": "arn:aws:lambda:us-east-1:1:function:f",
    "RecommendationsDisplayName": "For you",
    "RecommendationsPerMessage": 1,
}


def test_create_get_update_delete(client: Any) -> None:
    """A configuration is kept as it was sent, replaced as a whole, and gone when deleted."""
    made = client.create_recommender_configuration(CreateRecommenderConfiguration=FULL)
    recommender = made["RecommenderConfigurationResponse"]
    assert {name: recommender[name] for name in FULL} == FULL
    one = {"RecommenderId": recommender["Id"]}

    def get() -> Any:
        return client.get_recommender_configuration(**one)["RecommenderConfigurationResponse"]

    assert get() == recommender
    changed = client.update_recommender_configuration(**one, UpdateRecommenderConfiguration=LEAST)
    assert get() == changed["RecommenderConfigurationResponse"]
    assert "Name" not in get()
    deleted = client.delete_recommender_configuration(**one)
    assert (
        deleted["RecommenderConfigurationResponse"] == changed["RecommenderConfigurationResponse"]
    )
    for call in (client.get_recommender_configuration, client.delete_recommender_configuration):
        with pytest.raises(client.exceptions.NotFoundException):
            call(**one)
    with pytest.raises(client.exceptions.NotFoundException):
        client.update_recommender_configuration(**one, UpdateRecommenderConfiguration=LEAST)


def test_defaults_and_dates(wire: Wire, clock: Clock) -> None:
    """The documented defaults are filled in, and an update changes one of the two dates."""
    made = wire.post("/v1/recommenders", LEAST)
    assert (made.status, made.json) == (
        201,
        {
            **LEAST,
            "CreationDate": "2026-01-02T03:04:05.678Z",
            "Id": made.json["Id"],
            "LastModifiedDate": "2026-01-02T03:04:05.678Z",
            "RecommendationProviderIdType": "PINPOINT_ENDPOINT_ID",
            "RecommendationsPerMessage": 5,
        },
    )
    clock.advance(1)
    changed = wire.put(f"/v1/recommenders/{made.json['Id']}", {**LEAST, "Name": "x"}).json
    assert changed == {**made.json, "Name": "x", "LastModifiedDate": "2026-01-02T03:04:06.678Z"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"RecommendationProviderUri": None}, "Missing RecommendationProviderUri"),
        ({"RecommendationProviderRoleArn": ""}, "Missing RecommendationProviderRoleArn"),
        ({"RecommendationsPerMessage": 0}, "must be from 1 to 5 @ $.RecommendationsPerMessage"),
        ({"RecommendationsPerMessage": 6}, "must be from 1 to 5 @ $.RecommendationsPerMessage"),
        ({"RecommendationProviderIdType": "USER"},
         "must be one of PINPOINT_ENDPOINT_ID, PINPOINT_USER_ID @ $.RecommendationProviderIdType"),
        ({"Attributes": {f"a{n}": "x" for n in range(11)}},
         "has at most 10 attributes @ $.Attributes"),
    ],
)  # fmt: skip
def test_refused_configurations(wire: Wire, change: dict[str, object], message: str) -> None:
    """What the service model or its words forbid makes and changes nothing."""
    made = wire.post("/v1/recommenders", LEAST).json["Id"]
    before = wire.dump()
    for answer in (
        wire.post("/v1/recommenders", {**LEAST, **change}),
        wire.put(f"/v1/recommenders/{made}", {**LEAST, **change}),
    ):
        assert (answer.status, answer.message) == (400, message)
    assert wire.dump() == before


def test_pages(wire: Wire) -> None:
    """The list is in the order of creation, and paged."""
    made = [wire.post("/v1/recommenders", {**LEAST, "Name": str(n)}).json for n in range(3)]
    first = wire.send("GET", "/v1/recommenders", query="page-size=2").json
    query = urlencode({"page-size": 2, "token": first["NextToken"]})
    second = wire.send("GET", "/v1/recommenders", query=query).json
    assert first["Item"] + second["Item"] == made
    assert "NextToken" not in second
