"""GetApplicationDateRangeKpi and its siblings: names, periods, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.analytics.kpis import (
    APPLICATION_KPIS,
    CAMPAIGN_KPIS,
    JOURNEY_KPIS,
    OWN,
)

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Clock, Wire

DAYS = "start-time=2025-12-30&end-time=2026-01-01"


def kpi(wire: Wire, name: str, query: str = DAYS) -> Answer:
    """Ask for a KPI of the application."""
    return wire.send("GET", f"/v1/apps/{wire.app}/kpis/daterange/{name}", query=query)


def rows(wire: Wire, name: str, query: str = DAYS) -> list[tuple[list[str], str]]:
    """Return the rows of a KPI: what they are grouped by, and the value."""
    answer = kpi(wire, name, query)
    assert answer.status == 200, answer.json
    return [
        ([group["Value"] for group in row.get("GroupedBys", [])], row["Values"][0]["Value"])
        for row in answer.json["KpiResult"]["Rows"]
    ]


@pytest.fixture
def shop(wire: Wire) -> Wire:
    """Two devices: one opens the app on two days and buys, one opens it once."""

    def event(kind: str, when: str, **members: Any) -> dict[str, object]:
        return {"EventType": kind, "Timestamp": when, **members}

    session = {"Id": "s", "StartTimestamp": "2025-12-30T08:00:00Z"}
    price = {"Metrics": {"_item_price": 2.5, "_quantity": 2}, "Attributes": {"_currency": "EUR"}}
    wire.put_events(
        {
            "a": {
                "Endpoint": {"User": {"UserId": "u"}, "Demographic": {"Platform": "ios"}},
                "Events": {
                    "1": event("_session.start", "2025-12-30T08:00:00Z", Session=session),
                    "2": event("_monetization.purchase", "2025-12-31T23:59:59.999Z", **price),
                    "3": event("_userauth.sign_in", "2025-12-31T00:00:00Z"),
                },
            },
            "b": {
                "Endpoint": {"Demographic": {"Platform": "android"}},
                "Events": {"1": event("_session.start", "2025-12-31T08:00:00Z", Session=session)},
            },
        }
    )
    return wire


def test_numbers_by_date(shop: Wire) -> None:
    """A row a day, in UTC, both ends included; days without anything are 0."""
    assert rows(shop, "daily-active-endpoints-grouped-by-date") == [
        (["2025-12-30"], "1.0"),
        (["2025-12-31"], "2.0"),
        (["2026-01-01"], "0.0"),
    ]
    assert rows(shop, "sign-ins-grouped-by-date")[1] == (["2025-12-31"], "1.0")


def test_a_number_of_the_period_has_no_groups(shop: Wire) -> None:
    """As in the guide's examples: one row, without GroupedBys."""
    answer = kpi(shop, "sessions").json
    value = {"Key": "Sessions", "Type": "Double", "Value": "2.0"}
    assert answer["KpiResult"] == {"Rows": [{"Values": [value]}]}
    assert answer["KpiName"] == "sessions"
    assert answer["ApplicationId"] == shop.app
    assert answer["StartTime"] == "2025-12-30T00:00:00.000Z"


def test_numbers_by_what_events_remember(shop: Wire) -> None:
    """Platform and the like, under Pinpoint's name for the key."""
    assert sorted(rows(shop, "daily-active-endpoints-grouped-by-platform")) == [
        (["android"], "1.0"),
        (["ios"], "1.0"),
    ]
    assert rows(shop, "events-grouped-by-type")[0] == (["_session.start"], "2.0")


def test_revenue_is_exact_and_by_currency(shop: Wire) -> None:
    """Price times quantity, in the currency of the event."""
    assert rows(shop, "revenue-grouped-by-currency") == [(["EUR"], "5")]
    assert rows(shop, "revenue-grouped-by-date")[1] == (["2025-12-31", "EUR"], "5")


@pytest.mark.parametrize("name", sorted(APPLICATION_KPIS))
def test_the_names_of_pinpoint_have_no_rows_yet(wire: Wire, name: str) -> None:
    """Nothing has been sent, so there is nothing to count."""
    assert kpi(wire, name).json["KpiResult"] == {"Rows": []}


@pytest.mark.parametrize("name", sorted(OWN))
def test_each_of_our_names_answers(shop: Wire, name: str) -> None:
    """As a number of the period, by date and by platform."""
    for suffix in ("", "-grouped-by-date", "-grouped-by-platform", "-grouped-by-app-version"):
        has_none = name == "new-users" and suffix not in {"", "-grouped-by-date"}
        assert kpi(shop, name + suffix).status == (404 if has_none else 200)


def test_the_lists_are_those_of_the_guide() -> None:
    """84 rows of its tables, of which six names stand in two."""
    counts = [len(APPLICATION_KPIS), len(CAMPAIGN_KPIS), len(JOURNEY_KPIS)]
    assert counts == [48, 18, 18]
    assert len(APPLICATION_KPIS | CAMPAIGN_KPIS | JOURNEY_KPIS) == 78
    assert not OWN.keys() & APPLICATION_KPIS


@pytest.mark.parametrize(
    "name",
    [
        "nothing",
        "sessions-grouped-by-currency",
        "sessions-grouped-by-",
        "sessions-grouped-by-type",
        "revenue-grouped-by-moon",
        "daily-active-endpoints-grouped-by-date-grouped-by-platform",
        "hard-bounce-rate",  # of campaigns only
    ],
)
def test_an_unknown_name_is_not_found(wire: Wire, name: str) -> None:
    """404, with the page that has the list."""
    assert kpi(wire, name).status == 404
    assert kpi(wire, name).message.startswith("There is no such KPI")
    assert "reference/metrics" in kpi(wire, name).message


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("daily-active-endpoint", "daily-active-endpoints"),
        ("sign-in-grouped-by-date", "sign-ins-grouped-by-date"),
        ("txn-email-sent", "txn-emails-sent"),
        ("revenue-grouped-by-curency", "revenue-grouped-by-currency"),
    ],
)
def test_a_mistyped_name_names_what_was_meant(wire: Wire, name: str, meant: str) -> None:
    """Of Pinpoint's names and ours, with their breakdowns."""
    assert f"did you mean {meant}" in kpi(wire, name).message


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("start-time=2025-12-02&end-time=2025-12-01", "end-time must not be before start-time"),
        ("start-time=yesterday", "start-time must be an ISO 8601 date, such as 2026-10-30"),
        ("start-time=2025-11-30&end-time=2026-01-01", "the period may have at most 31 days"),
        (
            "start-time=2025-09-01&end-time=2025-09-02",
            "start-time must lie within the last 90 days",
        ),
    ],
)
def test_periods_that_pinpoint_refuses(wire: Wire, query: str, message: str) -> None:
    """Of Pinpoint's own names."""
    answer = kpi(wire, "txn-sms-sent", query)
    assert (answer.status, answer.message) == (400, message)


@pytest.mark.parametrize(
    "query",
    [
        "start-time=2026-01-01T03:04:05.678Z&end-time=2026-01-02T03:04:05.678Z",
        "start-time=2025-12-02T20:00Z",
        "start-time=2025-12-03",
        "",
        "page-size=x&next-token=y",
    ],
)
def test_periods_are_read_leniently(wire: Wire, query: str) -> None:
    """Dates with and without a time; without any, the 31 days before now; pages are ignored."""
    assert kpi(wire, "txn-sms-sent", query).status == 200


def test_our_names_have_no_bounds_of_the_service(shop: Wire) -> None:
    """31 and 90 days were a rule of its storage."""
    found = rows(shop, "sessions-grouped-by-date", "start-time=2024-12-01&end-time=2026-01-01")
    assert len(found) == 397


def test_what_is_not_over_has_no_row(shop: Wire, clock: Clock) -> None:
    """A rate of a day that is not over is not known yet."""
    clock.advance(-2 * 86_400)
    found = rows(shop, "seven-day-retention-rate-grouped-by-date", "end-time=2026-01-01")
    assert all(day[0] < "2025-12-31" for day, _ in found)


@pytest.mark.parametrize(
    ("path", "name"),
    [("campaigns/c", "clicks-grouped-by-campaign-activity"), ("journeys/j", "journey-emails-sent")],
)
def test_campaigns_and_journeys_have_sent_nothing(wire: Wire, path: str, name: str) -> None:
    """No rows for the names of the guide, and 404 for others."""
    start = f"/v1/apps/{wire.app}/{path}/kpis/daterange/"
    answer = wire.send("GET", start + name, query=DAYS)
    assert answer.json["KpiResult"] == {"Rows": []}
    assert answer.json["CampaignId" if "campaigns" in path else "JourneyId"] in path
    unknown = wire.send("GET", start + "sessions", query=DAYS)
    assert unknown.status == 404
    assert unknown.message.startswith("There is no such KPI")


def test_a_missing_application_wins(wire: Wire) -> None:
    """Whatever else is wrong with the request."""
    for name in ("sessions", "nothing"):
        answer = wire.send("GET", f"/v1/apps/x/kpis/daterange/{name}", query="start-time=x")
        assert answer.message == "Application not found"
