"""Runs: who gets what, what is counted, and how a campaign ends."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, update

from pinpoint_kit.engine.campaigns.running import batches
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGES
from tests.engine.campaigns.conftest import EMAIL, MESSAGE, Campaigns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Clock, Wire


def test_a_campaign_sends_to_its_segment_and_completes(campaigns: Campaigns) -> None:
    """Everybody gets the message once, and it is COMPLETED with one activity."""
    people = campaigns.people(950)
    campaign = campaigns.create()
    assert campaigns.status(campaign) == "SCHEDULED"
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert campaigns.addressees() == people
    assert set(campaigns.sends().values()) == {"SUCCESS"}
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("COMPLETED", "SUCCESS")
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (950, 950)
    assert activity["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "950"}
    assert (activity["TimezonesTotalCount"], activity["TimezonesCompletedCount"]) == (1, 1)


def test_everybody_who_is_left_out_is_counted(campaigns: Campaigns) -> None:
    """Channel, address, state and opt-out are looked at in this order, and leave no record."""
    campaigns.people(1)
    for endpoint, members in (
        ("no-channel", {}),
        ("mail", {"ChannelType": "EMAIL", "Address": "a@example.com"}),
        ("no-address", {"ChannelType": "GCM"}),
        ("inactive", {"ChannelType": "GCM", "Address": "b", "EndpointStatus": "INACTIVE"}),
        ("out", {"ChannelType": "GCM", "Address": "c", "OptOut": "ALL"}),
    ):
        campaigns.wire.update(endpoint, **members)
    campaign = campaigns.create()
    campaigns.work()
    assert campaigns.metrics(campaign) == {
        "ENDPOINT_PRODUCED": 6,
        "ENDPOINT_MISSING_CHANNEL": 1,
        "ENDPOINT_CHANNEL_MISMATCH": 1,
        "ENDPOINT_MISSING_ADDRESS": 1,
        "ENDPOINT_INACTIVE": 1,
        "ENDPOINT_OPT_OUT": 1,
    }
    assert campaigns.sends() == {"device-0": "SUCCESS"}


def test_each_endpoint_gets_the_message_of_its_channel(campaigns: Campaigns) -> None:
    """One campaign has messages of several channels; texts know the endpoint."""
    campaigns.people(1)
    campaigns.wire.update(
        "mail", ChannelType="EMAIL", Address="a@example.com", Attributes={"name": ["Ann"]}
    )
    campaigns.create(MessageConfiguration={**MESSAGE, **EMAIL})
    campaigns.work()
    found = {row["channel"]: json.loads(row["content"]) for row in campaigns.messages()}
    assert found["EMAIL"]["Body"] == "Hello Ann"
    assert found["GCM"]["Body"] == "My message"


def test_cohorts_decide_about_treatments(campaigns: Campaigns) -> None:
    """The holdout comes first, then treatments by their sizes; the default has the rest."""
    people = campaigns.people(300)
    cohorts = {each: int(campaigns.wire.get(each)["CohortId"]) for each in people}
    campaign = campaigns.create(
        HoldoutPercent=10,
        AdditionalTreatments=[
            {"SizePercent": 40, "MessageConfiguration": MESSAGE},
            {"SizePercent": 20, "MessageConfiguration": MESSAGE},
        ],
    )
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"

    def expected(cohort: int) -> int | None:
        return None if cohort < 10 else 1 if cohort < 50 else 2 if cohort < 70 else 0

    got = {row["endpoint"]: row["treatment"] for row in campaigns.messages()}
    assert got == {e: t for e, c in cohorts.items() if (t := expected(c)) is not None}
    held = {endpoint for endpoint, status in campaigns.sends().items() if status == "HOLDOUT"}
    assert held == {endpoint for endpoint, cohort in cohorts.items() if cohort < 10}
    shown = campaigns.get(campaign)
    assert shown["DefaultState"] == {"CampaignStatus": "COMPLETED"}
    activities = {each["TreatmentId"]: each for each in campaigns.activities(campaign)}
    assert set(activities) == {"0", "1", "2"}
    for number, activity in activities.items():
        sent = sum(str(treatment) == number for treatment in got.values())
        assert activity["SuccessfulEndpointCount"] == sent
        others = 300 - sent - (len(held) if number == "0" else 0)
        assert activity["ExecutionMetrics"]["TREATMENT_HOLDOUT"] == str(others)


def test_caps_count_over_runs_and_campaigns(campaigns: Campaigns) -> None:
    """Total is of the campaign, Daily of the application's last 24 hours."""
    campaigns.people(1)
    segment = campaigns.segment()
    daily = {"SegmentId": segment, "Schedule": {"Frequency": "DAILY"}}
    first = campaigns.create(**daily, Limits={"Total": 2})
    for _ in range(4):
        campaigns.work(86_400)
    assert campaigns.status(first) == "PENDING_NEXT_RUN"
    statuses = campaigns.wire.rows("SELECT status FROM campaign_sends ORDER BY at")
    assert [row["status"] for row in statuses] == ["SUCCESS"] * 2 + ["CAMPAIGN_CAP"] * 2
    for status in ("SUCCESS", "DAILY_CAP"):
        other = campaigns.create(SegmentId=segment, Limits={"Daily": 1})
        campaigns.work()
        assert campaigns.status(other) == "COMPLETED"
        rows = campaigns.wire.rows("SELECT status FROM campaign_sends ORDER BY activity DESC")
        assert rows[0]["status"] == status


def test_quiet_time_is_that_of_the_endpoint(campaigns: Campaigns) -> None:
    """Only where the endpoint's zone is known; both ends are quiet, and midnight is spanned."""
    # It is 03:04 in UTC, 04:04 in Berlin, 12:04 in Tokyo.
    zones = {"berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo", "bad": "Europe/Nowhere", "none": ""}
    for endpoint, zone in zones.items():
        campaigns.wire.update(
            endpoint, ChannelType="GCM", Address=endpoint, Demographic={"Timezone": zone}
        )
    campaigns.create(Schedule={"QuietTime": {"Start": "22:00", "End": "04:04"}})
    campaigns.work()
    assert campaigns.sends() == {
        "berlin": "QUIET_TIME",
        "tokyo": "SUCCESS",
        "bad": "SUCCESS",
        "none": "SUCCESS",
    }


def test_messages_a_second(campaigns: Campaigns) -> None:
    """No more than that are sent in a second."""
    campaigns.people(25)
    campaign = campaigns.create(Limits={"MessagesPerSecond": 10})
    for sent in (10, 20, 25):
        campaigns.work()
        assert len(campaigns.messages()) == sent
        assert campaigns.status(campaign) == "EXECUTING"
        campaigns.work(0.5)
        assert len(campaigns.messages()) == sent
        campaigns.clock.advance(0.5)
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"


def test_what_is_not_done_in_time_expires(campaigns: Campaigns) -> None:
    """After MaximumDuration the rest gets nothing, and each has a record."""
    campaigns.people(25)
    limits = {"MessagesPerSecond": 10, "MaximumDuration": 60}
    campaign = campaigns.create(Limits=limits)
    campaigns.work()
    for _ in range(3):  # the rest expires at the same pace
        campaigns.work(61)
    assert campaigns.status(campaign) == "COMPLETED"
    statuses = Counter(campaigns.sends().values())
    assert statuses == {"SUCCESS": 10, "EXPIRED": 15}
    (activity,) = campaigns.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (10, 10)


def test_local_time_goes_by_waves(campaigns: Campaigns) -> None:
    """Each zone gets it when its clocks show the hour; who has none is counted."""
    # The hour is 12:00 on the same day; it is 02:59 in UTC, and past 12:00 in Auckland.
    zones = {
        "auckland": "Pacific/Auckland",
        "tokyo": "Asia/Tokyo",
        "berlin": "Europe/Berlin",
        "paris": "Europe/Paris",
        "new-york": "America/New_York",
        "bad": "x",
        "none": "",
    }
    for endpoint, zone in zones.items():
        campaigns.wire.update(
            endpoint, ChannelType="GCM", Address=endpoint, Demographic={"Timezone": zone}
        )
    campaigns.clock.now = dt.datetime(2026, 1, 2, 2, 59, tzinfo=dt.timezone.utc)
    start = "2026-01-02T12:00:00-08:00"
    campaign = campaigns.create(
        Schedule={"StartTime": start, "IsLocalTime": True, "Timezone": "UTC-08"}
    )
    seen = []
    for _ in range(24 * 4):
        before = len(campaigns.addressees())
        campaigns.work(900)
        hour = campaigns.clock.now.strftime("%H:%M")
        seen += [(endpoint, hour) for endpoint in campaigns.addressees()[before:]]
    assert seen == [
        ("tokyo", "03:14"),
        ("berlin", "11:14"),
        ("paris", "11:14"),
        ("new-york", "17:14"),
    ]
    assert campaigns.status(campaign) == "COMPLETED"
    (activity,) = campaigns.activities(campaign)
    assert (activity["TimezonesTotalCount"], activity["TimezonesCompletedCount"]) == (4, 4)
    assert campaigns.metrics(campaign) == {
        "ENDPOINT_PRODUCED": 7,
        "ENDPOINT_MISSING_TIMEZONE": 2,
        "ENDPOINT_TIMEZONE_MISMATCH": 1,
    }


def test_runs_that_were_missed_are_made_up_for_once(campaigns: Campaigns) -> None:
    """After three days without an engine, a daily campaign runs once, and then at its hour."""
    campaigns.people(1)
    campaign = campaigns.create(Schedule={"Frequency": "DAILY"})
    campaigns.work()
    campaigns.work(3 * 86_400 + 7_200)
    scheduled = [each["ScheduledStart"] for each in campaigns.activities(campaign)]
    assert scheduled == ["2026-01-02T03:04:05.678Z", "2026-01-05T03:04:05.678Z"]
    campaigns.work(86_400)
    assert campaigns.activities(campaign)[-1]["ScheduledStart"] == "2026-01-06T03:04:05.678Z"


def test_runs_that_were_missed_can_be_left_out(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """With `catch_up=False` a run that is late by more than 5 minutes does not happen."""
    campaigns = Campaigns(make_wire(catch_up=False), clock)
    campaigns.people(1)
    daily = campaigns.create(Schedule={"Frequency": "DAILY"})
    campaigns.work(299)
    assert len(campaigns.messages()) == 1
    once = campaigns.create(Schedule={"StartTime": "2026-01-03T00:00:00Z"})
    campaigns.work(2 * 86_400 + 3_600)
    assert (campaigns.status(daily), campaigns.status(once)) == ("PENDING_NEXT_RUN", "COMPLETED")
    assert len(campaigns.messages()) == 1


def test_local_time_is_not_missed_where_it_is_to_come(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """A campaign that is made when the hour is past somewhere is not late, but for there."""
    campaigns = Campaigns(make_wire(catch_up=False), clock)
    campaigns.people(1, Demographic={"Timezone": "America/New_York"})
    campaigns.create(Schedule={"StartTime": "2026-01-02T12:00:00-08:00", "IsLocalTime": True})
    campaigns.work()
    for _ in range(16):
        campaigns.work(3_600)
    assert campaigns.addressees() == ["device-0"]


def test_a_campaign_of_the_far_future_is_looked_at_now_and_then(campaigns: Campaigns) -> None:
    """The clock may be set meanwhile; and no thread can wait for a thousand years."""
    campaigns.create(Schedule={"StartTime": "2999-01-01T00:00:00Z"})
    campaigns.work()
    assert campaigns.wire.engine.wait_s() == 600.0
    campaigns.clock.now = dt.datetime(2999, 1, 1, tzinfo=dt.timezone.utc) - dt.timedelta(seconds=9)
    assert campaigns.wire.engine.wait_s() == 9.0


def test_a_fault_of_ours_ends_the_campaign(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would be met again and again makes it INVALID, and others go on."""
    campaigns.people(1)
    broken, good = campaigns.create(), campaigns.create()
    read = batches.read

    def failing(connection: Any, prepared: Any, *others: Any, **how: Any) -> Any:
        if prepared.campaign_id == broken:
            raise RuntimeError
        return read(connection, prepared, *others, **how)

    monkeypatch.setattr(batches, "read", failing)
    campaigns.work()
    assert (campaigns.status(broken), campaigns.status(good)) == ("INVALID", "COMPLETED")
    assert campaigns.activities(broken)[0]["State"] == "CANCELLED"


def test_the_application_may_go_in_mid_run(campaigns: Campaigns) -> None:
    """DeleteApp ends everything, and leaves nothing of a campaign."""
    campaigns.people(30)
    campaigns.create(Limits={"MessagesPerSecond": 10})
    campaigns.work()
    assert campaigns.wire.send("DELETE", campaigns.base).status == 200
    campaigns.work(60)
    for table in ("campaigns", "campaign_versions", "campaign_activities", "campaign_sends"):
        assert campaigns.wire.rows(f"SELECT * FROM {table}") == []  # noqa: S608 -- our own names


def test_a_pause_skips_runs(campaigns: Campaigns) -> None:
    """What was missed while it was paused is not made up for."""
    campaigns.people(1)
    campaign = campaigns.create(
        Schedule={"StartTime": "2026-01-02T04:00:00Z", "Frequency": "HOURLY"}
    )
    campaigns.work(3600)
    assert campaigns.update(campaign, IsPaused=True).json["State"] == {"CampaignStatus": "PAUSED"}
    campaigns.work(3 * 3600)
    after = campaigns.update(campaign, IsPaused=False).json
    assert after["State"] == {"CampaignStatus": "PENDING_NEXT_RUN"}
    campaigns.work()
    assert len(campaigns.messages()) == 1
    campaigns.work(3600)
    assert len(campaigns.messages()) == 2


def test_the_end_of_a_schedule_completes_it(campaigns: Campaigns) -> None:
    """No run begins after EndTime."""
    campaigns.people(1)
    schedule = {"Frequency": "HOURLY", "EndTime": "2026-01-02T05:30:00Z"}
    campaign = campaigns.create(Schedule=schedule)
    campaigns.work()
    for _ in range(5):
        campaigns.work(3600)
    assert campaigns.status(campaign) == "COMPLETED"
    assert len(campaigns.messages()) == 3
    assert campaigns.update(campaign, IsPaused=True).status == 400


def test_the_version_of_the_segment_is_pinned(campaigns: Campaigns) -> None:
    """A later version of the segment does not count; the endpoints of each run do."""
    campaigns.people(2)
    segment = campaigns.segment()
    campaigns.create(SegmentId=segment, Schedule={"Frequency": "DAILY"})
    nobody = {"Attributes": {"a": {"Values": ["b"]}}}
    campaigns.wire.put(f"{campaigns.base}/segments/{segment}", {"Dimensions": nobody})
    campaigns.work()
    assert len(campaigns.messages()) == 2
    campaigns.people(3)
    campaigns.work(86_400)
    assert len(campaigns.messages()) == 5


def test_deletion_stops_a_run(campaigns: Campaigns) -> None:
    """After DeleteCampaign nothing more is sent, and its run is CANCELLED."""
    campaigns.people(30)
    campaign = campaigns.create(Limits={"MessagesPerSecond": 10})
    campaigns.work()
    campaigns.delete(campaign)
    campaigns.work(10)
    assert len(campaigns.messages()) == 10
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("CANCELLED", "SUCCESS")
    assert "End" in activity


def test_the_deletion_of_the_segment_stops_a_run(campaigns: Campaigns) -> None:
    """The campaign is DELETED, but still listed, because nobody has deleted it."""
    campaigns.people(30)
    segment = campaigns.segment()
    campaign = campaigns.create(SegmentId=segment, Limits={"MessagesPerSecond": 10})
    campaigns.work()
    campaigns.wire.send("DELETE", f"{campaigns.base}/segments/{segment}")
    assert campaigns.status(campaign) == "DELETED"
    campaigns.work(10)
    assert len(campaigns.messages()) == 10
    assert campaigns.activities(campaign)[0]["State"] == "CANCELLED"
    assert campaigns.wire.rows("SELECT due FROM campaigns") == [{"due": None}]


def test_what_was_deleted_is_cleared_away(campaigns: Campaigns) -> None:
    """A week later the campaign is not found, and nothing of it is kept."""
    campaigns.people(5)
    campaign = campaigns.create()
    campaigns.work()
    campaigns.delete(campaign)
    campaigns.work(6 * 86_400)
    assert campaigns.status(campaign) == "DELETED"
    campaigns.work(86_401)
    path = f"{campaigns.base}/campaigns/{campaign}"
    assert campaigns.wire.send("GET", path).status == 404
    for table in ("campaigns", "campaign_versions", "campaign_activities", "campaign_sends"):
        assert campaigns.wire.rows(f"SELECT * FROM {table}") == []  # noqa: S608 -- our own names


@pytest.mark.parametrize("gone", ["channel", "template"])
def test_what_cannot_run_is_invalid(campaigns: Campaigns, gone: str) -> None:
    """A campaign without its channel or its template is INVALID at its hour, and may be changed."""
    campaigns.people(1)
    wire = campaigns.wire
    wire.post("/v1/templates/hello/push", {"Default": {"Body": "Hi"}})
    segment = campaigns.segment()
    campaign = campaigns.create(
        SegmentId=segment,
        MessageConfiguration={},
        TemplateConfiguration={"PushTemplate": {"Name": "hello"}},
    )
    if gone == "channel":
        wire.send("DELETE", f"{campaigns.base}/channels/gcm")
    else:
        wire.send("DELETE", "/v1/templates/hello/push")
    campaigns.work()
    assert campaigns.status(campaign) == "INVALID"
    if gone == "template":
        again = {"SegmentId": segment, "MessageConfiguration": MESSAGE}
        after = campaigns.update(campaign, **again, Schedule={"StartTime": "IMMEDIATE"})
        assert after.json["State"] == {"CampaignStatus": "SCHEDULED"}


def test_why_a_message_cannot_be_made_is_logged_once(
    campaigns: Campaigns, caplog: pytest.LogCaptureFixture
) -> None:
    """Records and counts say only that it was not."""
    campaigns.people(3)
    broken = {"DefaultMessage": {"Body": "{{#if Attributes.name}}"}}
    campaign = campaigns.create(MessageConfiguration=broken, Limits={"MessagesPerSecond": 1})
    campaigns.work()
    campaigns.work(5)
    assert set(campaigns.sends().values()) == {"FAILURE_PERMANENT"}
    (line,) = [each for each in caplog.messages if campaign in each]
    assert "a message can't be made: MessageConfiguration.DefaultMessage.Body: " in line


def test_who_opts_out_in_mid_run_gets_nothing(campaigns: Campaigns) -> None:
    """What a step has found out counts only as far as it still holds when it is stored."""
    campaigns.people(2)
    campaign = campaigns.create()
    store = campaigns.wire.engine._store
    write = store.write
    calls: list[None] = []

    @contextmanager
    def late(**how: Any) -> Iterator[Any]:
        calls.append(None)
        if campaigns.activities(campaign) and not campaigns.messages() and len(calls) < 9:
            calls.extend([None] * 9)
            campaigns.wire.update("device-0", OptOut="ALL")
            campaigns.wire.send("DELETE", campaigns.wire.endpoint_path("device-1"))
        with write(**how) as connection:
            yield connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "write", late)
        campaigns.work()
    assert campaigns.messages() == []
    assert campaigns.sends() == {}
    assert campaigns.metrics(campaign) == {"ENDPOINT_PRODUCED": 2, "ENDPOINT_OPT_OUT": 1}


@pytest.mark.parametrize("rows", [1, 200])
def test_an_address_gets_a_message_once(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """The first endpoint of an address gets it, in whatever step the others come."""
    monkeypatch.setattr(batches, "MOST_ROWS", rows)
    campaigns.people(3)
    with campaigns.wire.engine._store.write() as connection:  # requests keep addresses apart
        connection.execute(
            update(ENDPOINTS).where(ENDPOINTS.c.endpoint != "device-0").values(address="same")
        )
    campaign = campaigns.create()
    campaigns.work()
    assert campaigns.addressees() == ["device-0", "device-1"]
    assert campaigns.sends()["device-2"] == "DUPLICATE_ADDRESS"
    assert campaigns.metrics(campaign)["DUPLICATE_ENDPOINT"] == 1


@pytest.mark.parametrize("rows", [1, 2, 200])
def test_duplicates_depend_on_neither_outbox_nor_steps(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """The first active member of the segment stands for its address, also if it is held out."""
    monkeypatch.setattr(batches, "MOST_ROWS", rows)
    wire = campaigns.wire
    campaigns.people(6, Attributes={"plan": ["pro"]})
    wire.update("device-0", Attributes={"plan": ["free"]})  # is not in the segment
    wire.update("device-1", OptOut="ALL")
    # The third one is held out.
    values = [("same", 50), ("same", 50), ("same", 0), ("same", 50), ("other", 50), ("other", 50)]
    with wire.engine._store.write() as connection:  # requests keep addresses apart
        for number, (address, cohort) in enumerate(values):
            connection.execute(
                update(ENDPOINTS)
                .where(ENDPOINTS.c.endpoint == f"device-{number}")
                .values(address=address, cohort=cohort)
            )
    pro = {"Dimensions": {"Attributes": {"plan": {"Values": ["pro"]}}}}
    campaign = campaigns.create(SegmentId=campaigns.segment(**pro), HoldoutPercent=10)
    addressees = []
    while wire.engine.step():
        addressees += campaigns.addressees()
        with wire.engine._store.write() as connection:
            connection.execute(delete(MESSAGES))
    assert addressees == ["device-4"]
    assert campaigns.sends() == {
        "device-2": "HOLDOUT",
        "device-3": "DUPLICATE_ADDRESS",
        "device-4": "SUCCESS",
        "device-5": "DUPLICATE_ADDRESS",
    }
    assert campaigns.metrics(campaign) == {
        "ENDPOINT_PRODUCED": 5,
        "ENDPOINT_OPT_OUT": 1,
        "DUPLICATE_ENDPOINT": 2,
    }


def test_who_is_deleted_and_comes_back_gets_it_once(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that is made anew in mid-run is not part of the run."""
    monkeypatch.setattr(batches, "MOST_ROWS", 1)
    campaigns.people(3)
    campaign = campaigns.create()
    while not campaigns.messages():
        campaigns.wire.engine.step()
    campaigns.wire.send("DELETE", campaigns.wire.endpoint_path("device-0"))
    campaigns.wire.update("device-0", ChannelType="GCM", Address="again")
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert campaigns.addressees()[-2:] == ["device-1", "device-2"]
    assert "again" not in [message["address"] for message in campaigns.messages()]


def test_a_run_keeps_the_template_that_it_began_with(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a version it is the one active at the beginning, also after a restart."""
    monkeypatch.setattr(batches, "MOST_ROWS", 1)
    wire = campaigns.wire
    wire.post("/v1/templates/hello/push", {"Default": {"Body": "one"}})
    campaigns.people(2)
    campaigns.create(
        MessageConfiguration={},
        TemplateConfiguration={"PushTemplate": {"Name": "hello"}},
        Schedule={"Frequency": "DAILY"},
    )
    while not campaigns.messages():
        wire.engine.step()
    path = "/v1/templates/hello/push"
    body = json.dumps({"Default": {"Body": "two"}}).encode()
    wire.send("PUT", path, body, query="create-new-version=true")
    wire.put("/v1/templates/hello/push/active-version", {"Version": "2"})
    for worker in wire.engine.lanes[1].runner.workers.values():
        worker.close()  # what is kept in memory goes, as with a restart
    campaigns.work()
    campaigns.work(86_400)
    bodies = [json.loads(message["content"])["Body"] for message in campaigns.messages()]
    assert bodies == ["one", "one", "two", "two"]


def test_a_restart_goes_on_in_mid_run(
    make_wire: Callable[..., Wire], clock: Clock, file_url: str
) -> None:
    """Another engine on the file goes on where the first one was."""
    campaigns = Campaigns(make_wire(file_url), clock)
    people = campaigns.people(1000)
    campaign = campaigns.create()
    for _ in range(3):
        campaigns.wire.engine.step()
    assert 0 < len(campaigns.messages()) < 1000
    campaigns.wire.engine.close()
    campaigns.wire.engine = make_wire(file_url).engine
    campaigns.work()
    assert campaigns.addressees() == people
    assert campaigns.status(campaign) == "COMPLETED"


def test_erasure_takes_a_person_out_of_campaigns(campaigns: Campaigns) -> None:
    """Whom campaigns have targeted is counted and removed."""
    campaigns.people(2)
    campaigns.create()
    campaigns.work()
    whom = {"EndpointId": "device-0"}
    answer = campaigns.wire.post(f"/pinpoint-kit{campaigns.base}/erasures", whom)
    assert answer.json["CampaignSends"] == 1
    assert campaigns.sends() == {"device-1": "SUCCESS"}
