"""Every verb of `pinpoint.analytics` on a population whose numbers can be counted by hand."""

from __future__ import annotations

import csv
import datetime as dt
import io
import xml.etree.ElementTree as ET
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from tests.analytics.conftest import DAYS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.analytics.results import Result
    from pinpoint_kit.analytics.verbs import Analytics

FIRST, LAST = DAYS
EUR, JPY = "EUR", "JPY"


def values(result: Any) -> list[object]:
    """Return the main number of each row."""
    return [row.value for row in result.rows]


SERIES: list[tuple[str, dict[str, Any], list[object], object]] = [
    ("active", {}, [2, 2, 0], 3),
    ("active", {"actor": "user"}, [2, 1, 0], 2),
    ("active", {"window": 7}, [2, 3, 3], 3),
    ("active", {"activity": "session"}, [1, 0, 0], 1),
    ("active", {"where": {"platform": "web"}}, [0, 1, 0], 1),
    ("sessions", {}, [1, 0, 0], 1),
    ("sessions_per_actor", {}, [1, None, None], 1),
    ("session_length", {}, [120, None, None], 120),
    ("sticky_factor", {}, [1, 2 / 3, 0], 4 / 8),
    ("sign_ins", {}, [0, 1, 0], 1),
    ("sign_ups", {}, [1, 0, 0], 1),
    ("auth_failures", {}, [1, 0, 0], 1),
    ("purchases", {}, [1, 1, 0], 2),
    ("units_sold", {}, [2, 1, 0], 3),
    ("paying", {}, [1, 1, 0], 2),
    ("paying", {"actor": "user"}, [1, 1, 0], 1),
    ("events", {}, [7, 4, 0], 11),
    ("events", {"type": "view"}, [2, 2, 0], 4),
    ("events", {"type": ["view", "_session.stop"]}, [3, 2, 0], 5),
    ("events", {"type": "view", "metric": "level"}, [3, 5, 0], 8),
    ("retention", {}, [0.5, 0.5, None], 0.5),
    ("retention", {"on": 1}, [0.5, 0, None], 0.25),
    ("retention", {"on_or_after": 2}, [0.5, 0.5, None], 0.5),
    ("retention", {"actor": "user", "within": 1}, [0.5, 0, None], 1 / 3),
]


@pytest.mark.parametrize(("verb", "options", "expected", "total"), SERIES)
def test_numbers_by_day(
    shop: pk.Pinpoint, verb: str, options: dict[str, Any], expected: list[object], total: object
) -> None:
    """A row for each of the three days, and the number of the whole period."""
    result = getattr(shop.analytics, verb)(first=FIRST, last=LAST, **options)
    assert [str(row.day) for row in result.rows] == ["2026-10-05", "2026-10-06", "2026-10-07"]
    assert values(result) == [pytest.approx(value) if value else value for value in expected]
    assert result.total == pytest.approx(total)
    assert all(row.is_complete for row in result.rows)


def test_pinpoints_own_retention(shop: pk.Pinpoint) -> None:
    """Of those active on the 5th, half was back on one of the seven days that follow."""
    result = shop.analytics.seven_day_retention("2026-10-13", "2026-10-13")
    assert values(result) == [0.5]


def test_new_ones_of_today(shop: pk.Pinpoint) -> None:
    """Endpoints and users are new on the day on which the engine heard of them."""
    assert shop.analytics.new().total == 3
    assert shop.analytics.new(actor="user").total == 2
    assert sum(cohort.size for cohort in shop.analytics.cohorts(days=3).cohorts) == 3


def test_who_began_today_has_no_average_yet() -> None:
    """It would be that of the days before, which is 0; on the day after it is that of a month."""
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.events.put("device-1", "level_up")
        result = pinpoint.analytics.active()
        assert (result.total, result.average) == (1, None)
        assert "average" not in result.summary()
        assert pinpoint.analytics.active(actor="user").average == 0  # nobody at all
        yesterday = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=1)
        pinpoint.events.put("device-1", "level_up", timestamp=yesterday)
        assert pinpoint.analytics.active().average == pytest.approx(1 / 29)


def test_what_only_the_window_has_counts_in_everything() -> None:
    """The period itself has no value of the breakdown then, and all that counts is the rest."""
    with pk.connect("sqlite://") as pinpoint:
        before = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=9)
        pinpoint.events.put("device-1", "level_up", timestamp=before)
        first, last = (before.date() + dt.timedelta(days=days) for days in (2, 4))
        for by in (None, "platform"):
            result = pinpoint.analytics.sticky_factor(first, last, by=by)
            assert (result.total, result.rows[-1].value) == (0, 0)


def test_one_event_is_one_event() -> None:
    """Not "1 events"."""
    with pk.connect("sqlite://") as pinpoint:
        pinpoint.events.put("device-1", "level_up")
        assert pinpoint.analytics.timeline(endpoint_id="device-1").summary() == "1 event"


def test_total_average_and_change(shop: pk.Pinpoint) -> None:
    """Who came twice counts once in the total; average and change are of the days."""
    result = shop.analytics.active("2026-10-05", "2026-10-06")
    assert (result.total, result.average, result.change) == (3, 2, 0)
    assert shop.analytics.active(FIRST, LAST).average == pytest.approx(4 / 3)
    assert shop.analytics.active(FIRST, LAST).change == -1
    assert shop.analytics.active("2026-10-07", "2026-10-12").change is None


def test_a_breakdown_is_found_by_its_name(shop: pk.Pinpoint) -> None:
    """As an attribute and as an item; what has none, and the rest, are named."""
    result = shop.analytics.active(FIRST, LAST, by="platform")
    assert result.totals == {"ios": 2, "web": 1}
    rows = {(str(row.day), row.platform): row["value"] for row in result.rows}
    assert rows["2026-10-06", "web"] == 1
    pages = shop.analytics.events("view", FIRST, LAST, by="attributes.page")
    assert pages.totals == {"=1+1": 1, "home": 1, "(none)": 2}
    assert {row.page for row in pages.rows} == set(pages.totals)
    top = shop.analytics.active(FIRST, LAST, by="platform", top=1)
    assert top.totals == {"ios": 2, "(the rest)": 1}
    with pytest.raises(AttributeError, match="there are day"):
        _ = top.rows[0].colour


def test_money_stays_by_currency(shop: pk.Pinpoint) -> None:
    """Exact, and never added up over currencies."""
    a = shop.analytics
    assert a.revenue(FIRST, LAST).total == {EUR: Decimal("19.98"), JPY: Decimal(500)}
    assert a.revenue(FIRST, LAST, amount="price").total[EUR] == Decimal("9.99")
    assert a.revenue_per_active(FIRST, LAST).total[EUR] == Decimal("6.66")
    assert a.revenue_per_paying(FIRST, LAST).total == {EUR: Decimal("9.99"), JPY: Decimal(250)}
    split = a.revenue(FIRST, LAST, by="platform")
    assert split.totals["ios"] == {EUR: Decimal("19.98"), JPY: 0}
    assert split.totals["web"] == {EUR: 0, JPY: Decimal(500)}
    rows = {(str(row.day), row.currency): row.value for row in a.revenue(FIRST, LAST).rows}
    assert rows["2026-10-05", EUR] == Decimal("19.98")


def test_distributions(shop: pk.Pinpoint) -> None:
    """By platform, and by the number of active days."""
    rows = shop.analytics.demographics().rows
    assert [(row.platform, row.count) for row in rows] == [("ios", 2), ("web", 1)]
    assert rows[0].share == pytest.approx(2 / 3)
    days = shop.analytics.stickiness(FIRST, LAST).rows
    assert {str(row.days): row.count for row in days if row.count} == {"1": 2, "2": 1}


def test_the_heat_map_counts_in_the_zone_asked_for(shop: pk.Pinpoint) -> None:
    """Endpoints without a zone count in that of the question."""
    result = shop.analytics.heat_map(FIRST, LAST, zone="Asia/Kolkata")
    assert (result.total, result.without_zone, result.values[0][15]) == (1, 1, 1)


def test_funnels(shop: pk.Pinpoint) -> None:
    """In order, within the window, with filters on a step; and the people of a step."""
    steps: list[pk.Step | str] = ["view", pk.Step("_monetization.purchase")]
    funnel = shop.analytics.funnel(steps, first=FIRST, last=LAST)
    assert [(row.step, row.count) for row in funnel.rows] == [(1, 3), (2, 2)]
    assert funnel.rows[1].rate == pytest.approx(2 / 3)
    assert funnel.is_complete
    narrow = shop.analytics.funnel(steps, first=FIRST, last=LAST, window=5)
    assert [row.count for row in narrow.rows] == [3, 0]
    euros = pk.Step("_monetization.purchase", attributes={"_currency": ["EUR"]})
    euro_steps: list[pk.Step | str] = ["view", euros]
    filtered = shop.analytics.funnel(euro_steps, first=FIRST, last=LAST)
    assert [row.count for row in filtered.rows] == [3, 1]


def test_the_overview_has_six_charts(shop: pk.Pinpoint) -> None:
    """Each a result of its own."""
    overview = shop.analytics.overview(FIRST, LAST)
    assert len(overview.charts) == 6
    assert overview.daily.total == 3
    assert overview.revenue.total[EUR] == Decimal("19.98")
    assert overview._repr_html_().count("<svg") == 6


def test_a_timeline_hides_what_is_personal(shop: pk.Pinpoint) -> None:
    """All endpoints of the user, the latest first, page by page; ids only after `show()`."""
    story = shop.analytics.timeline(user_id="u1", first=FIRST, last="2026-10-12", limit=3)
    assert next(iter(story.entries)).type == "view"
    assert story.following is not None
    rest = shop.analytics.timeline(
        user_id="u1", first=FIRST, last="2026-10-12", after=story.following
    )
    assert len(story.entries) + len(rest.entries) == 9
    shown = repr(story) + story._repr_html_() + repr(story.entries)
    assert "u1" not in shown
    assert "s-1" not in shown
    assert "u1" in repr(story.show())


EVERYTHING: list[Callable[[Analytics], Result]] = [
    lambda a: a.active(FIRST, LAST, by="platform"),
    lambda a: a.new(),
    lambda a: a.session_length(FIRST, LAST),
    lambda a: a.heat_map(FIRST, LAST),
    lambda a: a.stickiness(FIRST, LAST),
    lambda a: a.revenue(FIRST, LAST, by="platform"),
    lambda a: a.cohorts(days=3),
    lambda a: a.funnel(["view", "x"], first=FIRST, last=LAST, by="platform"),
    lambda a: a.demographics(),
    lambda a: a.overview(FIRST, LAST),
    lambda a: a.active("2020-01-01", "2020-01-02"),
]


@pytest.mark.parametrize("ask", EVERYTHING)
def test_results_as_frames_tables_csv_and_pictures(
    shop: pk.Pinpoint, ask: Callable[[Analytics], Result]
) -> None:
    """The same rows and columns everywhere; the figure is well-formed, with chart and table."""
    result = ask(shop.analytics)
    columns = list(result.rows[0])
    frame, table = result.to_pandas(), result.to_arrow()
    lines = list(csv.reader(io.StringIO(result.to_csv())))
    assert list(frame.columns) == table.column_names == lines[0] == columns
    assert len(frame) == table.num_rows == len(lines) - 1 == len(result.rows)
    root = ET.fromstring(f"<div>{result._repr_html_()}</div>")  # noqa: S314 -- our own output
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert "svg" in tags
    assert "table" in tags
    assert "script" not in tags
    assert result.title in repr(result)
    assert result.definition
    assert result.zone == "UTC"


def test_the_short_text_has_a_sparkline(shop: pk.Pinpoint) -> None:
    """A line of text with the period, the total and the days as blocks."""
    text = repr(shop.analytics.active(FIRST, LAST))
    assert "2026-10-05 to 2026-10-07 UTC" in text
    assert "██▁" in text


def test_csv_is_no_formula(shop: pk.Pinpoint, tmp_path: Any) -> None:
    """A value from outside that begins as a formula does is quoted, also in the file."""
    result = shop.analytics.events("view", FIRST, LAST, by="attributes.page")
    text = result.to_csv(tmp_path / "pages.csv")
    assert "'=1+1" in text
    assert ",=1+1" not in text
    assert (tmp_path / "pages.csv").read_text("utf-8") == text


@pytest.mark.parametrize(
    ("ask", "error", "message"),
    [
        (lambda a: a.active(colour="red"), TypeError, "colour"),
        (lambda a: a.active(zone="Mars/Base"), pk.errors.BadRequest, "zone"),
        (lambda a: a.active(where={"colour": "red"}), pk.errors.BadRequest, "where"),
        (lambda a: a.active(by="colour"), pk.errors.BadRequest, "by"),
        (lambda a: a.active("2026-10-07", "2026-10-05"), pk.errors.BadRequest, "last"),
        (lambda a: a.active("yesterday"), pk.errors.BadRequest, "first"),
        (lambda a: a.active(dt.datetime.now()), pk.errors.InvalidTypeError, "a date"),  # noqa: DTZ005 -- refused
        (lambda a: a.active(window=0), pk.errors.BadRequest, "window"),
        (lambda a: a.retention(on=1, within=2), pk.errors.ValidationError, "one of on, within"),
        (lambda a: a.funnel([]), pk.errors.BadRequest, "steps"),
        (lambda a: a.funnel([3]), pk.errors.InvalidTypeError, r"steps\[0\]"),
        (lambda a: a.funnel(["x", "y"], window="1d"), pk.errors.InvalidTypeError, "window"),
        (lambda a: a.timeline(), pk.errors.BadRequest, "endpoint_id or user_id"),
        (lambda a: a.delete_funnel("x"), pk.errors.NotFound, "404"),
    ],
)
def test_wrong_questions(
    shop: pk.Pinpoint,
    ask: Callable[[Any], object],
    error: type[Exception],
    message: str,
) -> None:
    """A typed error that names the argument."""
    with pytest.raises(error, match=message):
        ask(shop.analytics)


def test_aws_has_no_such_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    """One typed error for each verb and look-up, before anything is sent."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x" * 40)
    with pytest.warns(pk.errors.PinpointRetiredWarning):
        pinpoint = pk.connect("aws://eu-west-1", application_id="a" * 32)

    def refuse(**_: object) -> None:
        raise AssertionError("something is sent")

    pinpoint.client.meta.events.register("before-send.pinpoint", refuse)
    with pinpoint:
        for ask in (
            pinpoint.analytics.active,
            pinpoint.analytics.saved_funnels,
            lambda: pinpoint.events.find().to_list(),
            lambda: pinpoint.endpoints.find(address="x"),
        ):
            with pytest.raises(pk.errors.ConfigurationError, match="pinpoint-kit serve"):
                ask()
