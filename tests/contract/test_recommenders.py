"""Recommender configurations: kept and given back."""

from __future__ import annotations

from typing import Any

import pytest

LEAST = {
    "RecommendationProviderRoleArn": "arn:aws:iam::111122223333:role/personalize",
    "RecommendationProviderUri": "arn:aws:personalize:us-east-1:111122223333:campaign/shop",
}


def test_create_read_list_change_and_delete(client: Any) -> None:
    """A configuration goes through its life; afterwards it is not found."""
    made = client.create_recommender_configuration(
        CreateRecommenderConfiguration={**LEAST, "Name": "shop"}
    )["RecommenderConfigurationResponse"]
    one = {"RecommenderId": made["Id"]}
    assert made["Name"] == "shop"
    read = client.get_recommender_configuration(**one)["RecommenderConfigurationResponse"]
    assert read == made
    listed = client.get_recommender_configurations()["ListRecommenderConfigurationsResponse"]
    assert made in listed["Item"]
    changed = client.update_recommender_configuration(
        **one, UpdateRecommenderConfiguration={**LEAST, "RecommendationsPerMessage": 2}
    )["RecommenderConfigurationResponse"]
    assert changed["RecommendationsPerMessage"] == 2
    deleted = client.delete_recommender_configuration(**one)["RecommenderConfigurationResponse"]
    assert deleted == changed
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_recommender_configuration(**one)
