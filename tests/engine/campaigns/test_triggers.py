"""Campaigns that events start: which events, for whom, and how often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import update

from pinpoint_kit.engine.campaigns.triggers import matches
from pinpoint_kit.engine.context import Device, RecordedEvent
from pinpoint_kit.engine.storage.tables.segments import SEGMENTS

if TYPE_CHECKING:
    from tests.engine.campaigns.conftest import Campaigns

PURCHASE = {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["purchase", "order"]}}


def schedule(**members: Any) -> dict[str, Any]:
    """Return a schedule that purchases start."""
    dimensions = {**PURCHASE, **members.pop("Dimensions", {})}
    event_filter = {"FilterType": "ENDPOINT", "Dimensions": dimensions}
    return {"Frequency": "EVENT", "EventFilter": event_filter, **members}


def put(campaigns: Campaigns, endpoint: str, event_id: str, kind: str = "purchase") -> None:
    """Record an event."""
    event = {"EventType": kind, "Timestamp": "2026-01-02T03:04:05Z"}
    item = {"Endpoint": {}, "Events": {event_id: event}}
    assert campaigns.wire.put_events({endpoint: item}).status == 202


def test_each_event_sends_once(campaigns: Campaigns) -> None:
    """Events that match start it for their endpoint; one that is sent again does not."""
    campaigns.people(3)
    campaign = campaigns.create(Schedule=schedule())
    put(campaigns, "device-0", "early")  # it starts at once, before any step
    campaigns.work()
    assert campaigns.status(campaign) == "EXECUTING"
    put(campaigns, "device-1", "a")
    put(campaigns, "device-1", "a")
    put(campaigns, "device-1", "b")
    put(campaigns, "device-2", "c", kind="other")
    campaigns.work()
    assert campaigns.addressees() == ["device-0", "device-1", "device-1"]
    put(campaigns, "device-1", "a")
    campaigns.work()
    assert len(campaigns.messages()) == 3
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["SuccessfulEndpointCount"]) == ("RUNNING", 3)
    assert campaigns.wire.rows("SELECT * FROM campaign_triggers") == []


def test_only_the_segment_is_sent_to(campaigns: Campaigns) -> None:
    """An endpoint that does not belong to the segment gets nothing."""
    campaigns.people(1)
    campaigns.wire.update("pro", ChannelType="GCM", Address="x", Attributes={"plan": ["pro"]})
    pro = {"Dimensions": {"Attributes": {"plan": {"Values": ["pro"]}}}}
    campaigns.create(SegmentId=campaigns.segment(**pro), Schedule=schedule())
    put(campaigns, "device-0", "a")
    put(campaigns, "pro", "b")
    campaigns.work()
    assert campaigns.addressees() == ["pro"]


def test_it_waits_between_start_and_end(campaigns: Campaigns) -> None:
    """Events before the start and after the end count for nothing; then it is COMPLETED."""
    campaigns.people(3)
    campaign = campaigns.create(
        Schedule=schedule(StartTime="2026-01-02T04:00:00Z", EndTime="2026-01-02T05:00:00Z")
    )
    put(campaigns, "device-0", "a")
    campaigns.work(3_600)
    put(campaigns, "device-1", "b")
    campaigns.work()
    campaigns.clock.advance(3_600)
    put(campaigns, "device-2", "c")
    campaigns.work()
    assert campaigns.addressees() == ["device-1"]
    assert campaigns.status(campaign) == "COMPLETED"
    assert campaigns.activities(campaign)[0]["State"] == "COMPLETED"


def test_treatments_and_caps_hold(campaigns: Campaigns) -> None:
    """The cohort decides, and the caps count events of one step, too."""
    people = campaigns.people(100)
    campaign = campaigns.create(
        Schedule=schedule(),
        HoldoutPercent=50,
        Limits={"Total": 1},
    )
    for endpoint in people:
        put(campaigns, endpoint, "a")
        put(campaigns, endpoint, "b")
    campaigns.work()
    cohorts = {each: int(campaigns.wire.get(each)["CohortId"]) for each in people}
    assert sorted(campaigns.addressees()) == sorted(e for e, c in cohorts.items() if c >= 50)
    rows = campaigns.wire.rows("SELECT status, count(*) AS n FROM campaign_sends GROUP BY status")
    assert {row["status"]: row["n"] for row in rows} == {
        "HOLDOUT": 2 * sum(cohort < 50 for cohort in cohorts.values()),
        "SUCCESS": sum(cohort >= 50 for cohort in cohorts.values()),
        "CAMPAIGN_CAP": sum(cohort >= 50 for cohort in cohorts.values()),
    }
    assert campaigns.status(campaign) == "EXECUTING"


def test_caps_count_each_event_of_an_earlier_step(campaigns: Campaigns) -> None:
    """Two events of one endpoint and one instant are two messages."""
    campaigns.people(1)
    campaigns.create(Schedule=schedule(), Limits={"Total": 3, "Daily": 3})
    campaigns.work()
    for first, second in (("a", "b"), ("c", "d")):
        put(campaigns, "device-0", first)
        put(campaigns, "device-0", second)
        campaigns.work()
    assert len(campaigns.messages()) == 3


def test_the_maximum_duration_counts_from_the_event(campaigns: Campaigns) -> None:
    """A campaign waits for events for as long as it likes; each message has its own time."""
    campaigns.people(1)
    campaigns.create(Schedule=schedule(), Limits={"MaximumDuration": 60})
    campaigns.work()
    campaigns.clock.advance(3_600)
    put(campaigns, "device-0", "in time")
    campaigns.work()
    put(campaigns, "device-0", "late")
    campaigns.work(61)
    rows = campaigns.wire.rows("SELECT event_id, status FROM campaign_sends")
    found = {row["event_id"]: row["status"] for row in rows}
    assert found == {"in time": "SUCCESS", "late": "EXPIRED"}


def test_a_channel_that_is_turned_off_gets_nothing_more(campaigns: Campaigns) -> None:
    """A campaign that has waited for long sees it, as one that begins would."""
    campaigns.people(1)
    campaign = campaigns.create(Schedule=schedule())
    put(campaigns, "device-0", "a")
    campaigns.work()
    off = {"ApiKey": "k", "Enabled": False}
    campaigns.wire.put(f"{campaigns.base}/channels/gcm", off)
    put(campaigns, "device-0", "b")
    campaigns.work(60)
    assert len(campaigns.messages()) == 1
    assert campaigns.status(campaign) == "INVALID"


def test_each_event_gets_the_template_that_is_active(campaigns: Campaigns) -> None:
    """Without a version of its own, a campaign sends the version of that moment, at once."""
    wire = campaigns.wire
    wire.post("/v1/templates/hello/push", {"Default": {"Body": "one"}})
    campaigns.people(1)
    template = {"Name": "hello"}
    for named in (template, {**template, "Version": "1"}):
        campaigns.create(
            Schedule=schedule(),
            MessageConfiguration={},
            TemplateConfiguration={"PushTemplate": named},
        )
    put(campaigns, "device-0", "a")
    campaigns.work()
    text = json.dumps({"Default": {"Body": "two"}}).encode()
    wire.send("PUT", "/v1/templates/hello/push", text, query="create-new-version=true")
    put(campaigns, "device-0", "b")
    campaigns.work()
    wire.put("/v1/templates/hello/push/active-version", {"Version": "2"})
    put(campaigns, "device-0", "c")
    campaigns.work()
    found = [
        (message["campaign"], json.loads(message["content"])["Body"])
        for message in campaigns.messages()
    ]
    assert [body for number, body in found if number == 1] == ["one", "one", "two"]
    assert [body for number, body in found if number == 2] == ["one", "one", "one"]


def test_it_can_be_paused_at_any_time(campaigns: Campaigns) -> None:
    """Events during a pause count for nothing."""
    campaigns.people(2)
    campaign = campaigns.create(Schedule=schedule())
    campaigns.work()
    assert campaigns.update(campaign, IsPaused=True).json["State"] == {"CampaignStatus": "PAUSED"}
    put(campaigns, "device-0", "a")
    campaigns.work()
    after = campaigns.update(campaign, IsPaused=False).json
    assert after["State"] == {"CampaignStatus": "EXECUTING"}
    put(campaigns, "device-1", "b")
    campaigns.work()
    assert campaigns.addressees() == ["device-1"]


def test_messages_a_second_hold_for_events(campaigns: Campaigns) -> None:
    """Events wait until it is their turn."""
    people = campaigns.people(5)
    campaigns.create(Schedule=schedule(), Limits={"MessagesPerSecond": 2})
    campaigns.work()
    for endpoint in people:
        put(campaigns, endpoint, "a")
    for sent in (2, 4, 5):
        campaigns.work()
        assert len(campaigns.messages()) == sent
        campaigns.work(0.5)
        assert len(campaigns.messages()) == sent
        campaigns.clock.advance(0.5)
    campaigns.work()
    assert len(campaigns.messages()) == 5


def test_events_wake_whoever_lets_the_engine_work(campaigns: Campaigns) -> None:
    """They are told once the event is stored, so that they find it."""
    campaigns.people(1)
    campaigns.create(Schedule=schedule())
    campaigns.work()
    found: list[int] = []
    engine = campaigns.wire.engine
    engine.on_work(
        lambda: found.append(len(campaigns.wire.rows("SELECT * FROM campaign_triggers")))
    )
    put(campaigns, "device-0", "a", kind="other")
    assert found == []
    put(campaigns, "device-0", "b")
    assert found == [1]


def test_in_app_campaigns_are_there_between_start_and_end(campaigns: Campaigns) -> None:
    """Nothing is sent: clients ask for them."""
    campaigns.people(1)
    message = {"InAppMessage": {"Layout": "OVERLAYS", "Content": []}}
    in_app = {
        **schedule(StartTime="2026-01-02T04:00:00Z", EndTime="2026-01-02T05:00:00Z"),
        "Frequency": "IN_APP_EVENT",
    }
    campaign = campaigns.create(Schedule=in_app, MessageConfiguration=message, Priority=2)
    seen = [campaigns.status(campaign)]
    for _ in range(2):
        campaigns.work(3_600)
        seen.append(campaigns.status(campaign))
    assert seen == ["SCHEDULED", "EXECUTING", "COMPLETED"]
    assert campaigns.get(campaign)["Priority"] == 2
    assert campaigns.activities(campaign) == campaigns.messages() == []


def test_a_changed_campaign_begins_anew(campaigns: Campaigns) -> None:
    """The run of the version before is over: each event is dealt with by one run."""
    campaigns.people(1)
    segment = campaigns.segment()
    campaign = campaigns.create(SegmentId=segment, Schedule=schedule())
    campaigns.work()
    campaigns.update(campaign, IsPaused=True)
    after = campaigns.update(
        campaign,
        SegmentId=segment,
        Schedule={"StartTime": "IMMEDIATE", **schedule()},
        MessageConfiguration={"DefaultMessage": {"Body": "two"}},
    ).json
    assert (after["Version"], after["State"]) == (2, {"CampaignStatus": "SCHEDULED"})
    put(campaigns, "device-0", "a")
    campaigns.work()
    assert campaigns.addressees() == ["device-0"]
    assert [each["State"] for each in campaigns.activities(campaign)] == ["CANCELLED", "RUNNING"]


def test_it_can_be_made_paused(campaigns: Campaigns) -> None:
    """It waits for events once it is resumed, also when its start is IMMEDIATE."""
    campaigns.people(2)
    campaign = campaigns.create(Schedule=schedule(), IsPaused=True)
    assert campaigns.status(campaign) == "PAUSED"
    put(campaigns, "device-0", "a")
    campaigns.work()
    assert campaigns.update(campaign, IsPaused=False).status == 200
    put(campaigns, "device-1", "b")
    campaigns.work()
    assert campaigns.addressees() == ["device-1"]


def test_an_imported_segment_is_refused(campaigns: Campaigns) -> None:
    """Events start campaigns of dynamic segments only."""
    segment = campaigns.segment()
    with campaigns.wire.engine._store.write() as connection:
        connection.execute(update(SEGMENTS).values(type="IMPORT"))
    request = {
        "SegmentId": segment,
        "Schedule": {"StartTime": "IMMEDIATE", **schedule()},
        "MessageConfiguration": {"DefaultMessage": {"Body": "x"}},
    }
    answer = campaigns.wire.post(f"{campaigns.base}/campaigns", request)
    assert (answer.status, "needs a segment with dimensions" in answer.message) == (400, True)


def event(kind: str = "purchase", attributes: str | None = None, metrics: str | None = None) -> Any:
    """Return an event as a hook gets it."""
    return RecordedEvent(
        1, "app", "device", None, 0, "id", kind, 0, None, None, None, None, None, None, None, None,
        None, attributes, metrics, Device("device", *[None] * 8), None,
    )  # fmt: skip


DATED = '{"when":"2026-01-02T00:00:00Z"}'


@pytest.mark.parametrize(
    ("dimensions", "found", "is_match"),
    [
        ({}, event("order"), True),
        ({}, event("other"), False),
        ({"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["x"]}}, event(), True),
        ({"EventType": {"DimensionType": "EXCLUSIVE", "Values": ["purchase"]}}, event(), False),
        ({"Attributes": {"a": {"Values": ["1", "2"]}}}, event(attributes='{"a":"2"}'), True),
        ({"Attributes": {"a": {"Values": ["1", "2"]}}}, event(attributes='{"a":"3"}'), False),
        ({"Attributes": {"a": {"Values": ["1"]}}}, event(), False),
        ({"Attributes": {"a": {"AttributeType": "EXCLUSIVE", "Values": ["1"]}}}, event(), True),
        (
            {"Attributes": {"a": {"AttributeType": "CONTAINS", "Values": ["ell"]}}},
            event(attributes='{"a":"hello"}'),
            True,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "BEFORE", "Values": ["2026-01-03"]}}},
            event(attributes=DATED),
            True,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "AFTER", "Values": ["2026-01-03"]}}},
            event(attributes=DATED),
            False,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "ON", "Values": ["2026-01-02"]}}},
            event(attributes=DATED),
            True,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "ON", "Values": ["2026-01-02T21:00:00Z"]}}},
            event(attributes='{"when":"2026-01-02T07:00:00Z"}'),
            True,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "ON", "Values": ["2026-01-02"]}}},
            event(attributes='{"when":"2026-01-02"}'),
            False,
        ),
        (
            {"Attributes": {"when": {"AttributeType": "BEFORE", "Values": ["soon"]}}},
            event(attributes=DATED),
            False,
        ),
        (
            {
                "Attributes": {
                    "when": {"AttributeType": "BETWEEN", "Values": ["2026-01-01", "2026-01-02"]}
                }
            },
            event(attributes=DATED),
            True,
        ),
        (
            {"Metrics": {"m": {"ComparisonOperator": "GREATER_THAN", "Value": 1.5}}},
            event(metrics='{"m":2}'),
            True,
        ),
        (
            {"Metrics": {"m": {"ComparisonOperator": "LESS_THAN_OR_EQUAL", "Value": 1.5}}},
            event(metrics='{"m":2}'),
            False,
        ),
        ({"Metrics": {"m": {"ComparisonOperator": "EQUAL", "Value": 0}}}, event(), False),
    ],
)
def test_each_part_of_a_filter_has_to_match(
    dimensions: dict[str, Any], found: Any, *, is_match: bool
) -> None:
    """Types, attributes and metrics of an event are compared as the filter says."""
    assert matches({"Dimensions": {**PURCHASE, **dimensions}}, found) == is_match


@pytest.mark.parametrize(
    ("dimensions", "text"),
    [
        ({"Attributes": {"a": {"Values": []}}}, "must have at least one value"),
        (
            {"Attributes": {"a": {"AttributeType": "ON", "Values": ["soon"]}}},
            "must be a date and time in UTC",
        ),
        (
            {"Attributes": {"a": {"AttributeType": "BETWEEN", "Values": ["2026-01-02"]}}},
            "must be two dates for BETWEEN",
        ),
        ({"Metrics": {"m": {"ComparisonOperator": "OVER", "Value": 1}}}, "must be one of EQUAL"),
    ],
)
def test_what_no_event_could_match_is_refused(
    campaigns: Campaigns, dimensions: dict[str, Any], text: str
) -> None:
    """A filter means what a segment's dimensions do, and has to have a meaning as they have."""
    request = {
        "SegmentId": campaigns.segment(),
        "Schedule": {"StartTime": "IMMEDIATE", **schedule(Dimensions=dimensions)},
        "MessageConfiguration": {"DefaultMessage": {"Body": "x"}},
    }
    answer = campaigns.wire.post(f"{campaigns.base}/campaigns", request)
    assert (answer.status, text in answer.message) == (400, True), answer.message
    assert "$.Schedule.EventFilter.Dimensions." in answer.message
