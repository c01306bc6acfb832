"""GetInAppMessages: whom a message is for, when, which treatment, and how often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Clock, Wire

CONTENT = {
    "Content": [
        {
            "BodyConfig": {"Alignment": "LEFT", "Body": "Hi", "TextColor": "#000000"},
            "PrimaryBtn": {"DefaultConfig": {"ButtonAction": "CLOSE", "Text": "OK"}},
        }
    ],
    "CustomConfig": {"a": "b"},
    "Layout": "OVERLAYS",
}
FILTER = {
    "FilterType": "ENDPOINT",
    "Dimensions": {
        "EventType": {"DimensionType": "INCLUSIVE", "Values": ["level_up"]},
        "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 3.0}},
    },
}


def segment(wire: Wire, **dimensions: object) -> str:
    """Return the id of a new segment."""
    members = {"Name": "s", "Dimensions": dimensions}
    segment_id: str = wire.post(f"/v1/apps/{wire.app}/segments", members).json["Id"]
    return segment_id


def campaign(wire: Wire, segment_id: str, **changes: Any) -> str:
    """Return the id of a new campaign with an in-app message."""
    schedule = {"StartTime": "IMMEDIATE", "Frequency": "IN_APP_EVENT", "EventFilter": FILTER}
    members = {
        "Name": "c",
        "SegmentId": segment_id,
        "Schedule": schedule | changes.pop("Schedule", {}),
        "MessageConfiguration": {"InAppMessage": {**CONTENT, "Body": "not shown"}},
        **changes,
    }
    answer = wire.post(f"/v1/apps/{wire.app}/campaigns", members)
    assert answer.status == 201, answer.json
    campaign_id: str = answer.json["Id"]
    return campaign_id


def messages(wire: Wire, endpoint_id: str = "a") -> list[dict[str, Any]]:
    """Return the in-app messages of an endpoint."""
    answer = wire.send("GET", f"{wire.endpoint_path(endpoint_id)}/inappmessages")
    assert answer.status == 200, answer.json
    found: list[dict[str, Any]] = answer.json["InAppMessageCampaigns"]
    return found


def ids(wire: Wire, endpoint_id: str = "a") -> list[str]:
    """Return the campaigns of its messages."""
    return [message["CampaignId"] for message in messages(wire, endpoint_id)]


def show(wire: Wire, clock: Clock, campaign_id: str, session: str | None = None) -> None:
    """Report that a message was shown, as Amplify does."""
    when = clock.now.isoformat()
    event: dict[str, Any] = {
        "EventType": "_inapp.message_displayed",
        "Timestamp": when,
        "Attributes": {
            "campaign_id": campaign_id,
            "delivery_type": "IN_APP_MESSAGE",
            "treatment_id": "0",
        },
    }
    if session:
        event["Session"] = {"Id": session, "StartTimestamp": when}
    number = len(wire.events())
    wire.put_events({"a": {"Endpoint": {}, "Events": {str(number): event}}})


@pytest.fixture
def everyone(wire: Wire) -> str:
    """Give the segment of all, and an endpoint."""
    wire.update("a", Attributes={"plan": ["pro"]})
    return segment(wire)


def test_a_message_has_all_that_an_app_needs(wire: Wire, everyone: str) -> None:
    """Content, filter, caps and priority, as they were said."""
    limits = {"Daily": 2, "Session": 1, "Total": 3}
    quiet = {"Start": "22:00", "End": "07:00"}
    end = "2026-02-01T00:00:00Z"
    made = campaign(
        wire,
        everyone,
        Limits=limits,
        Priority=2,
        Schedule={"EndTime": end, "QuietTime": quiet},
    )
    assert messages(wire) == [
        {
            "CampaignId": made,
            "DailyCap": 2,
            "InAppMessage": CONTENT,
            "Priority": 2,
            "Schedule": {"EndDate": end, "EventFilter": FILTER, "QuietTime": quiet},
            "SessionCap": 1,
            "TotalCap": 3,
            "TreatmentId": "0",
        }
    ]


def test_whom_it_is_for(wire: Wire) -> None:
    """Members of the segment as they are now; nobody who is inactive or has opted out."""
    wire.update("a", Attributes={"plan": ["pro"]})
    wire.update("b", Attributes={"plan": ["free"]})
    pros = segment(wire, Attributes={"plan": {"Values": ["pro"]}})
    made = campaign(wire, pros)
    assert (ids(wire, "a"), ids(wire, "A"), ids(wire, "b")) == ([made], [made], [])
    wire.update("b", Attributes={"plan": ["pro"]})
    assert ids(wire, "b") == [made]
    wire.update("a", OptOut="ALL")
    wire.update("b", EndpointStatus="INACTIVE")
    assert (ids(wire, "a"), ids(wire, "b")) == ([], [])
    assert wire.send("GET", f"{wire.endpoint_path('nobody')}/inappmessages").status == 404


def test_when(wire: Wire, clock: Clock, everyone: str) -> None:
    """Between start and end, and not while it is paused, deleted or without its segment."""
    made = campaign(
        wire,
        everyone,
        Schedule={"StartTime": "2026-01-03T00:00:00Z", "EndTime": "2026-01-04T00:00:00Z"},
    )
    at = f"/v1/apps/{wire.app}/campaigns/{made}"
    assert ids(wire) == []
    clock.advance(86_400)
    assert ids(wire) == [made]
    wire.engine.step()
    assert ids(wire) == [made]
    assert wire.put(at, {"IsPaused": True}).status == 200
    assert ids(wire) == []
    assert wire.put(at, {"IsPaused": False}).status == 200
    assert ids(wire) == [made]
    clock.advance(86_400)
    assert ids(wire) == []
    gone, other = campaign(wire, everyone), campaign(wire, everyone)
    assert set(ids(wire)) == {gone, other}
    wire.send("DELETE", f"/v1/apps/{wire.app}/campaigns/{gone}")
    assert ids(wire) == [other]
    wire.send("DELETE", f"/v1/apps/{wire.app}/segments/{everyone}")
    assert ids(wire) == []


def test_the_most_urgent_comes_first(wire: Wire, everyone: str) -> None:
    """Then those without a priority, the newest first."""
    none, late, early = (
        campaign(wire, everyone),
        campaign(wire, everyone, Priority=5),
        campaign(wire, everyone, Priority=1),
    )
    newest = campaign(wire, everyone)
    assert ids(wire) == [early, late, newest, none]


def test_other_campaigns_are_none(wire: Wire, everyone: str) -> None:
    """A campaign that sends messages is not shown in an app."""
    members = {
        "SegmentId": everyone,
        "Schedule": {"StartTime": "IMMEDIATE"},
        "MessageConfiguration": {"DefaultMessage": {"Body": "Hi"}},
    }
    assert wire.post(f"/v1/apps/{wire.app}/campaigns", members).status == 201
    assert ids(wire) == []


def test_treatments_by_cohort(wire: Wire) -> None:
    """Each endpoint gets one treatment for good, and those held out nothing."""
    everyone = segment(wire)
    other = {**CONTENT, "Layout": "TOP_BANNER"}
    campaign(
        wire,
        everyone,
        HoldoutPercent=30,
        AdditionalTreatments=[{"SizePercent": 30, "MessageConfiguration": {"InAppMessage": other}}],
    )
    seen: list[tuple[str, ...]] = []
    for number in range(60):
        wire.update(f"e{number}")
        cohort = int(wire.get(f"e{number}")["CohortId"])
        found: list[tuple[str, ...]] = [
            (message["TreatmentId"], message["InAppMessage"]["Layout"])
            for message in messages(wire, f"e{number}")
        ]
        wanted = (
            [] if cohort < 30 else [("1", "TOP_BANNER")] if cohort < 60 else [("0", "OVERLAYS")]
        )
        assert found == wanted
        seen.extend(found or [()])
    assert len(set(seen)) == 3


def test_templates(wire: Wire, everyone: str) -> None:
    """The active version, or the one that is named; nothing once it is gone."""
    at = "/v1/templates/hello/inapp"
    assert wire.post(at, CONTENT).status == 201
    changed = {**CONTENT, "Layout": "CAROUSEL"}
    answer = wire.send("PUT", at, json.dumps(changed).encode(), query="create-new-version=true")
    assert answer.status == 202

    def of(**template: str) -> Any:
        return campaign(
            wire,
            everyone,
            MessageConfiguration={},
            TemplateConfiguration={"InAppTemplate": {"Name": "hello", **template}},
        )

    active, first, second = of(), of(Version="1"), of(Version="2")
    layouts = {each["CampaignId"]: each["InAppMessage"]["Layout"] for each in messages(wire)}
    assert layouts == {active: "OVERLAYS", first: "OVERLAYS", second: "CAROUSEL"}
    assert wire.put("/v1/templates/hello/inapp/active-version", {"Version": "2"}).status == 200
    layouts = {each["CampaignId"]: each["InAppMessage"]["Layout"] for each in messages(wire)}
    assert layouts[active] == "CAROUSEL"
    wire.send("DELETE", at)
    assert ids(wire) == []


def test_the_total_cap(wire: Wire, clock: Clock, everyone: str) -> None:
    """A message that was shown often enough is left out, for ever."""
    made, other = campaign(wire, everyone, Limits={"Total": 2}), campaign(wire, everyone)
    for expected in ([other, made], [other, made], [other]):
        assert ids(wire) == expected
        show(wire, clock, made)
        clock.advance(3 * 86_400)
    assert ids(wire) == [other]


def test_the_daily_cap_counts_any_message(wire: Wire, clock: Clock, everyone: str) -> None:
    """Within 24 hours."""
    made, other = campaign(wire, everyone, Limits={"Daily": 2}), campaign(wire, everyone)
    show(wire, clock, made)
    show(wire, clock, other)
    assert ids(wire) == [other]
    clock.advance(86_400)
    assert ids(wire) == [other, made]


def test_the_session_cap(wire: Wire, clock: Clock, everyone: str) -> None:
    """A new session begins anew."""
    made = campaign(wire, everyone, Limits={"Session": 1})
    show(wire, clock, made, "s1")
    assert ids(wire) == []
    clock.advance(60)
    when = clock.now.isoformat()
    event = {
        "EventType": "_session.start",
        "Timestamp": when,
        "Session": {"Id": "s2", "StartTimestamp": when},
    }
    wire.put_events({"a": {"Endpoint": {}, "Events": {"start": event}}})
    assert ids(wire) == [made]


@pytest.mark.parametrize("attributes", [{}, {"campaign_id": "\ud83d\ude00"}, {"other": "x"}])
def test_odd_reports_harm_nothing(
    wire: Wire, clock: Clock, everyone: str, attributes: dict[str, str]
) -> None:
    """An event without a campaign counts for the day alone."""
    made = campaign(wire, everyone, Limits={"Total": 1, "Session": 1})
    event = {
        "EventType": "_inapp.message_displayed",
        "Timestamp": clock.now.isoformat(),
        "Attributes": attributes,
    }
    wire.put_events({"a": {"Endpoint": {}, "Events": {"e": event}}})
    assert ids(wire) == [made]
