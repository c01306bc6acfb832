"""KPIs: what a client in any language reads of the numbers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

TODAY = dt.datetime.now(dt.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
YESTERDAY = TODAY - dt.timedelta(days=1)


def session_start(client: Any, app: str, *endpoint_ids: str) -> None:
    """Have endpoints open the app yesterday."""
    when = (YESTERDAY + dt.timedelta(hours=12)).isoformat()
    event = {
        "EventType": "_session.start",
        "Timestamp": when,
        "Session": {"Id": "s", "StartTimestamp": when},
    }
    items = {name: {"Endpoint": {}, "Events": {"e": event}} for name in endpoint_ids}
    client.put_events(ApplicationId=app, EventsRequest={"BatchItem": items})


def test_an_app_metric_by_date(client: Any, app: str) -> None:
    """Pinpoint's API had none; ours has a name for each of the console's charts."""
    session_start(client, app, "a", "b")
    answer = client.get_application_date_range_kpi(
        ApplicationId=app,
        KpiName="daily-active-endpoints-grouped-by-date",
        StartTime=YESTERDAY,
        EndTime=TODAY,
    )["ApplicationDateRangeKpiResponse"]
    rows = answer["KpiResult"]["Rows"]
    assert rows[0] == {
        "GroupedBys": [{"Key": "Date", "Type": "String", "Value": YESTERDAY.date().isoformat()}],
        "Values": [{"Key": "DailyActiveEndpoints", "Type": "Double", "Value": "2.0"}],
    }
    assert answer["StartTime"] == YESTERDAY
    assert answer["KpiName"] == "daily-active-endpoints-grouped-by-date"


def test_a_name_of_pinpoint_without_data(client: Any, app: str) -> None:
    """Nothing was sent: no rows, and the period that was asked for."""
    answer = client.get_application_date_range_kpi(
        ApplicationId=app, KpiName="unique-deliveries-grouped-by-date"
    )["ApplicationDateRangeKpiResponse"]
    assert answer["KpiResult"]["Rows"] == []
    assert answer["EndTime"] - answer["StartTime"] == dt.timedelta(days=31)


@pytest.mark.parametrize("name", ["no-such-kpi", "clicks-grouped-by-campaign-activity"])
def test_an_unknown_kpi(client: Any, app: str, name: str) -> None:
    """It is not found, which clients that try several names rely on."""
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_application_date_range_kpi(ApplicationId=app, KpiName=name)


def test_more_than_pinpoint_keeps(client: Any, app: str) -> None:
    """31 days at once, and 90 back."""
    long_ago = TODAY - dt.timedelta(days=32)
    with pytest.raises(client.exceptions.BadRequestException):
        client.get_application_date_range_kpi(
            ApplicationId=app, KpiName="txn-sms-sent", StartTime=long_ago, EndTime=TODAY
        )


def test_what_was_sent(client: Any, app: str) -> None:
    """A text message counts on the day on which it was made."""
    client.update_sms_channel(ApplicationId=app, SMSChannelRequest={"Enabled": True})
    client.send_messages(
        ApplicationId=app,
        MessageRequest={
            "Addresses": {"+351210000001": {"ChannelType": "SMS"}},
            "MessageConfiguration": {"SMSMessage": {"Body": "Hi"}},
        },
    )
    answer = client.get_application_date_range_kpi(
        ApplicationId=app, KpiName="txn-sms-sent-grouped-by-date"
    )["ApplicationDateRangeKpiResponse"]
    (row,) = answer["KpiResult"]["Rows"]
    assert row["GroupedBys"][0]["Key"] == "Date"
    assert row["Values"] == [{"Key": "TxnSmsSent", "Type": "Double", "Value": "1.0"}]


def test_campaigns_and_journeys_have_sent_nothing(client: Any, app: str) -> None:
    """Their KPIs are answered, without rows; what is no KPI of theirs is not found."""
    campaign = {"ApplicationId": app, "CampaignId": "c" * 32}
    answer = client.get_campaign_date_range_kpi(**campaign, KpiName="sms-spend")
    assert answer["CampaignDateRangeKpiResponse"]["KpiResult"]["Rows"] == []
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_campaign_date_range_kpi(**campaign, KpiName="journey-emails-sent")
    answer = client.get_journey_date_range_kpi(
        ApplicationId=app, JourneyId="j" * 32, KpiName="journey-emails-sent"
    )
    assert answer["JourneyDateRangeKpiResponse"]["KpiResult"]["Rows"] == []
