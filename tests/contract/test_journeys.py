"""Journeys by boto3 through every door: their life, their run, their metrics."""

from __future__ import annotations

from typing import Any

import pytest

JOURNEY = {
    "Name": "welcome",
    "Activities": {
        "mail": {"EMAIL": {"NextActivity": "wait"}},
        "wait": {"Wait": {"WaitTime": {"WaitFor": "PT1H"}}},
    },
    "StartActivity": "mail",
    "StartCondition": {
        "EventStartCondition": {
            "EventFilter": {
                "FilterType": "ENDPOINT",
                "Dimensions": {"EventType": {"Values": ["level_up"]}},
            }
        }
    },
}


def test_the_life_of_a_journey(client: Any, app: str) -> None:
    """All operations of journeys, as boto3 reads their answers."""
    made = client.create_journey(ApplicationId=app, WriteJourneyRequest=JOURNEY)["JourneyResponse"]
    one = {"ApplicationId": app, "JourneyId": made["Id"]}
    assert made["State"] == "DRAFT"
    assert {name: made[name] for name in JOURNEY} == JOURNEY
    assert client.get_journey(**one)["JourneyResponse"] == made
    assert client.list_journeys(ApplicationId=app)["JourneysResponse"]["Item"] == [made]
    changed = client.update_journey(
        **one, WriteJourneyRequest={**JOURNEY, "State": "ACTIVE", "Name": "hello"}
    )["JourneyResponse"]
    assert (changed["State"], changed["Name"]) == ("ACTIVE", "hello")
    with pytest.raises(client.exceptions.ConflictException):
        client.update_journey(**one, WriteJourneyRequest={**JOURNEY, "State": "DRAFT"})

    (run,) = client.get_journey_runs(**one)["JourneyRunsResponse"]["Item"]
    assert run["Status"] == "SCHEDULED"
    zero = client.get_journey_execution_metrics(**one)["JourneyExecutionMetricsResponse"]
    assert set(zero["Metrics"].values()) == {"0"}
    activity = client.get_journey_execution_activity_metrics(**one, JourneyActivityId="mail")
    assert activity["JourneyExecutionActivityMetricsResponse"]["ActivityType"] == "MESSAGE"
    of_run = {**one, "RunId": run["RunId"]}
    metrics = client.get_journey_run_execution_metrics(**of_run)
    assert metrics["JourneyRunExecutionMetricsResponse"]["Metrics"] == zero["Metrics"]
    activity = client.get_journey_run_execution_activity_metrics(**of_run, JourneyActivityId="wait")
    assert activity["JourneyRunExecutionActivityMetricsResponse"]["ActivityType"] == "WAIT"

    for state in ("PAUSED", "ACTIVE", "CANCELLED"):
        answer = client.update_journey_state(**one, JourneyStateRequest={"State": state})
        assert answer["JourneyResponse"]["State"] == state
    with pytest.raises(client.exceptions.BadRequestException):
        client.update_journey_state(**one, JourneyStateRequest={"State": "ACTIVE"})
    assert client.delete_journey(**one)["JourneyResponse"]["State"] == "CANCELLED"
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_journey(**one)
