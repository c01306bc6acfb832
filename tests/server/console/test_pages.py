"""What the pages show: the numbers of `pinpoint.analytics`, and what people do with them."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import QueryParams

import pinpoint_kit as pk
from pinpoint_kit.analytics import charts
from pinpoint_kit.metrics.groups import Breakdown
from pinpoint_kit.server.console.cards import CARDS, PAGES
from pinpoint_kit.server.console.pages.numbers import own_of
from pinpoint_kit.server.console.rendering import MENU
from pinpoint_kit.server.console.view import NAMES, View
from tests.server.console.conftest import ConsoleServer, csrf_of, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

HOSTILE = "<script>alert(1)</script>"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}\N{ARABIC LETTER MARK}txt.exe"
LONG = "w" * 200


@pytest.fixture
def numbers(console: ConsoleServer) -> Iterator[pk.Pinpoint]:
    """Give the same application as every client reads it."""
    with pk.connect(console.database, application="demo") as pinpoint:
        yield pinpoint


def card_of(page: str, key: str) -> str:
    """Return the HTML of one chart."""
    found = re.search(rf'<section class="card[^>]*id="{key}".*?</section>', page, re.DOTALL)
    assert found is not None, key
    return found[0]


def test_every_page_of_the_menu_is_there(console: ConsoleServer, visitor: httpx.Client) -> None:
    """With one current place in the menu, one heading, and no problem."""
    for path, _, _ in MENU:
        answer = visitor.get(f"{console.base}/{path}")
        assert answer.status_code == 200, path
        assert answer.text.count('aria-current="page"') == 1, path
        assert answer.text.count("<h1") == 1, path
        assert 'role="alert"' not in answer.text, path


def test_the_overview_shows_the_numbers(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Those of `pinpoint.analytics`, to the digit, and day by day."""
    page = visitor.get(f"{console.base}/overview").text
    assert len(page.encode()) <= 100_000
    overview = numbers.analytics.overview()
    for part in ("daily", "monthly", "new", "sessions"):
        series = getattr(overview, part)
        card = card_of(page, f"overview-{part}")
        assert f"<strong>{charts.format_number(series.total)}</strong>" in card
        shown = re.findall(r"<td>([\d,—]+)[\n<]", card)
        assert shown == [charts.format_number(row["value"]) for row in series.rows]
    last = dt.date.fromisoformat(str(overview.daily.rows[-1]["day"]))
    asked = {"first": str(last - dt.timedelta(days=59)), "last": str(last)}
    longer = visitor.get(f"{console.base}/overview", params=asked).text
    assert longer.count('<th scope="row">') >= 7 * 60
    assert len(longer.encode()) <= 100_000
    assert overview.retention.summary().split(" · ")[0][6:] in card_of(page, "overview-retention")
    money = card_of(page, "overview-revenue")
    for currency, amount in overview.revenue.total.items():
        assert charts.format_number(amount, unit=currency) in money
    assert "total" not in card_of(page, "overview-sign-ins").split("</strong>")[0]


def test_a_page_takes_its_question_from_the_url(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Days, zone, actor, filters and breakdown; so a page can be sent as a link."""
    last = dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=2)
    first = last - dt.timedelta(days=9)
    query = f"first={first}&last={last}&zone=Asia/Tokyo&actor=user&where=country=PT&by=platform"
    page = visitor.get(f"{console.base}/usage?{query}").text
    expected = numbers.analytics.active(
        first, last, zone="Asia/Tokyo", actor="user", where={"country": ["PT"]}, by="platform"
    )
    card = card_of(page, "daily")
    assert f"<strong>{charts.format_number(expected.total)}</strong>" in card
    assert "Daily active users by platform" in card
    for value in expected.totals:
        assert f"<bdi>{value}</bdi>" in card


def test_a_filter_is_added_and_removed_by_links(
    console: ConsoleServer, visitor: httpx.Client
) -> None:
    """The form's two fields become one parameter; the chip has the link without it."""
    answer = visitor.get(f"{console.base}/usage?by=platform&name=country&value=PT")
    assert answer.status_code == 303
    target = answer.headers["location"]
    assert "where=country%3DPT" in target
    assert "by=platform" in target
    page = visitor.get(f"{console.base}/{target}").text
    chip = re.search(r'href="\?([^"]+)" aria-label="Remove the filter country=PT"', page)
    assert chip is not None
    assert "country" not in chip[1]


@pytest.mark.parametrize("key", sorted(CARDS.keys() - {"metric", "funnel"}))
def test_every_chart_has_its_numbers_as_csv(
    console: ConsoleServer, visitor: httpx.Client, key: str
) -> None:
    """With the header that a data frame has."""
    answer = visitor.get(f"{console.base}/numbers/{key}.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows
    assert {"value", "count"} & rows[0].keys()


def test_csv_equals_the_verb(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Byte for byte."""
    answer = visitor.get(f"{console.base}/numbers/daily.csv?by=platform&where=plan.x=1")
    assert answer.status_code == 400
    answer = visitor.get(f"{console.base}/numbers/daily.csv?by=platform")
    assert answer.text == numbers.analytics.active(by="platform").to_csv()


def test_no_name_of_a_column_is_a_formula(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """A link can name any attribute, and a spreadsheet would run what begins with a sign."""
    numbers.events.put("device-1", "paid", attributes={"=1+1": "=2+2"})
    answer = visitor.get(f"{console.base}/numbers/events.csv?by=attributes.%3D1%2B1")
    assert answer.text.splitlines()[0].split(",")[1] == "'=1+1"
    assert ",'=2+2," in answer.text


def test_metrics_of_events_are_shown(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Minimum, maximum, sum and average of a metric of a type of events."""
    query = "type=_monetization.purchase&metric=_item_price"
    page = visitor.get(f"{console.base}/events?{query}").text
    columns = re.findall(r'<th scope="col">([^<]+)</th>', card_of(page, "metric"))
    expected = numbers.analytics.events("_monetization.purchase", metric="_item_price")
    assert columns == [name.replace("_", " ") for name in expected.rows[0]]
    card = card_of(page, "metric")
    assert "Metric _item_price of _monetization.purchase" in card
    assert f"<strong>sum {charts.format_number(expected.total)}</strong>" in card
    for name in ("average", "minimum", "maximum"):
        assert f"{name} {charts.format_number(expected.whole[name])}" in card


def test_the_lines_of_a_breakdown_have_colours_of_their_own(
    console: ConsoleServer, visitor: httpx.Client
) -> None:
    """As many as a breakdown has values, and the style sheet has them all."""
    card = card_of(visitor.get(f"{console.base}/events").text, "types")
    places = re.findall(r'<li class="(k\w+)">', card)
    assert len(places) > 6
    assert len(set(places)) == len(places)
    style = visitor.get("/console/static/console.css").text
    for place, colour in enumerate(charts.COLOURS):
        assert f".k{place}{{--k:{colour}}}" in style


@pytest.mark.parametrize("page", ["usage", "funnels?step1=page_view&step2=add_to_cart"])
def test_a_breakdown_of_steps_and_of_days_is_a_table(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint, page: str
) -> None:
    """The picture has no room for it."""
    joined = "&" if "?" in page else "?"
    shown = visitor.get(f"{console.base}/{page}{joined}by=platform").text
    card = card_of(shown, "stickiness" if page == "usage" else "funnel").partition("<details>")[0]
    rows = re.findall(r'<tr><th scope="row"><bdi>(.*?)</bdi></th>(.*?)</tr>', card)
    assert rows[0][0] == "all"
    assert {"ios", "android", "web"} < {name for name, _ in rows}
    if page != "usage":
        funnel = numbers.analytics.funnel(["page_view", "add_to_cart"], by="platform")
        counts = [str(row["count"]) for row in funnel.rows if row["platform"] == "ios"]
        cells = dict(rows)["ios"]
        assert re.findall(r"<td>(\d+) ", cells) == counts


def test_a_funnel_is_built_saved_and_deleted(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Its counts are the verb's; saved, it is the application's, for every client."""
    form = {
        "go": "1",
        "step1": "page_view",
        "step1_where": "page=home",
        "step2": "add_to_cart",
        "step3": "_monetization.purchase",
        "step3_where": "metrics._item_price>=5",
        "window": "3",
    }
    answer = visitor.get(f"{console.base}/funnels", params=form)
    query = answer.headers["location"].partition("?")[2]
    page = visitor.get(f"{console.base}/funnels?{query}").text
    steps = [
        pk.Step("page_view", attributes={"page": ["home"]}),
        pk.Step("add_to_cart"),
        pk.Step("_monetization.purchase", metrics={"_item_price": {"at_least": 5}}),
    ]
    expected = numbers.analytics.funnel(steps, window=dt.timedelta(days=3))
    card = card_of(page, "funnel")
    for row in expected.rows:
        assert re.search(rf"<td>{row['count']}[\n<]", card)
    sent = {"csrf": csrf_of(page), "funnel_name": "to the till"}
    assert visitor.post(f"{console.base}/funnels?{query}", data=sent).status_code == 303
    (saved,) = numbers.analytics.saved_funnels()
    assert saved.name == "to the till"
    again = numbers.analytics.saved_funnel(saved)
    assert [row["count"] for row in again.rows] == [row["count"] for row in expected.rows]
    page = visitor.get(f"{console.base}/funnels").text
    link = re.search(r'<a href="\?([^"]+)"><bdi>to the till</bdi></a>', page)
    assert link is not None
    opened = visitor.get(f"{console.base}/funnels?{link[1].replace('&amp;', '&')}").text
    assert card_of(opened, "funnel").count("<strong>") == 1
    assert "metrics._item_price&gt;=5" in opened
    sent = {"csrf": csrf_of(page)}
    answer = visitor.post(f"{console.base}/funnels/{saved.id}/delete", data=sent)
    assert answer.status_code == 303
    assert numbers.analytics.saved_funnels() == []


@pytest.mark.parametrize(
    ("window", "order", "attributes"),
    [
        (dt.timedelta(minutes=90), "after", {"page": ["a;b", "c\\"]}),
        (dt.timedelta(milliseconds=1_500), "at_or_after", {"page": "home"}),
        (None, "at_or_after", None),
        (dt.timedelta(days=3), "after", None),
    ],
)
def test_a_funnel_of_another_client_is_the_same_in_the_page(  # noqa: PLR0913, PLR0917 -- cases
    console: ConsoleServer,
    visitor: httpx.Client,
    numbers: pk.Pinpoint,
    window: dt.timedelta | None,
    order: Any,
    attributes: Any,
) -> None:
    """Its window, order, filters and conditions: saved again from the page, it is what it was."""
    amounts = {"amount": {"at_least": 0.1234567, "below": 12_345_678.25}}
    steps = [pk.Step("page_view", attributes=attributes), pk.Step("add_to_cart", metrics=amounts)]
    where = {"country": "PT", "attributes": {"a.b": ["x=y;z"]}}
    saved = numbers.analytics.save_funnel("theirs", steps, window=window, order=order, where=where)
    link = re.search(
        r'<a href="\?([^"]+)"><bdi>theirs</bdi></a>', visitor.get(f"{console.base}/funnels").text
    )
    assert link is not None
    query = link[1].replace("&amp;", "&")
    page = visitor.get(f"{console.base}/funnels?{query}").text
    assert 'role="alert"' not in page
    sent = {"csrf": csrf_of(page), "funnel_name": "ours"}
    assert visitor.post(f"{console.base}/funnels?{query}", data=sent).status_code == 303
    found = {each.name: each for each in numbers.analytics.saved_funnels()}
    counted = [numbers.analytics.saved_funnel(found[name]) for name in ("theirs", "ours")]
    assert found["ours"].arguments["window_ms"] == found["theirs"].arguments["window_ms"]
    assert found["ours"].arguments["order"] == order
    assert counted[0].rows[0]["count"] == counted[1].rows[0]["count"]
    for each in (saved, found["ours"]):
        numbers.analytics.delete_funnel(each.id)


def test_a_funnel_that_the_page_cannot_say_has_no_link(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Rather than one to another funnel."""
    step = pk.Step("page_view", attributes={"page": [None]})
    saved = numbers.analytics.save_funnel("without a page", [step, "add_to_cart"])
    page = visitor.get(f"{console.base}/funnels").text
    assert "<bdi>without a page</bdi>" in page
    assert '"><bdi>without a page</bdi></a>' not in page
    assert "conditions that this page cannot show" in page
    numbers.analytics.delete_funnel(saved.id)


def test_a_funnel_without_a_window_has_that_of_the_metric(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Seven days; and one of other groups than the page shows has no link."""
    for name, other in (("seven", {}), ("three groups", {"by": "platform", "top": 3})):
        arguments = {"steps": [{"type": "page_view"}, {"type": "add_to_cart"}], **other}
        body = {"Name": name, "Arguments": arguments}
        numbers.analytics._server.call("CreateFunnel", ("funnels",), body=body)
    page = visitor.get(f"{console.base}/funnels").text
    link = re.search(r'<a href="\?([^"]+)"><bdi>seven</bdi></a>', page)
    assert link is not None
    assert "window=7&" in f"{link[1]}&"
    assert '"><bdi>three groups</bdi></a>' not in page
    for saved in numbers.analytics.saved_funnels():
        numbers.analytics.delete_funnel(saved.id)


@pytest.mark.parametrize(
    "window", ["0366999", "999999999999", "7w", "-1", "\N{ARABIC-INDIC DIGIT ONE}"]
)
def test_a_window_that_is_none_is_refused(
    console: ConsoleServer, visitor: httpx.Client, window: str
) -> None:
    """Counted or saved, with what to write."""
    query = {"step1": "page_view", "step2": "add_to_cart", "window": window}
    assert (
        "write a number of days"
        in visitor.get(f"{console.base}/funnels", params=query).text.lower()
    )
    sent = {"csrf": csrf_of(visitor.get("/console/").text), "funnel_name": "x"}
    answer = visitor.post(f"{console.base}/funnels", params=query, data=sent)
    assert answer.status_code == 400


def test_a_funnel_can_be_filtered_in_its_page(
    console: ConsoleServer, visitor: httpx.Client
) -> None:
    """By the same two fields as charts."""
    form = {
        "go": "1",
        "step1": "page_view",
        "step2": "add_to_cart",
        "name": "country",
        "value": "PT",
    }
    target = visitor.get(f"{console.base}/funnels", params=form).headers["location"]
    assert "where=country%3DPT" in target
    page = visitor.get(f"{console.base}/{target}").text
    assert "Remove the filter country=PT" in page
    assert 'name="value"' in page
    assert ">90 days</a>" in page


def test_the_people_behind_a_number_become_a_segment(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Which the segment's page shows: how many, who, and why."""
    page = visitor.get(f"{console.base}/usage").text
    sent = {"csrf": csrf_of(page), "segment_name": "the active", "group": ""}
    answer = visitor.post(f"{console.base}/behind/daily", data=sent)
    assert answer.status_code == 303
    made = answer.headers["location"].rpartition("/")[2]
    total = numbers.analytics.active().total
    assert numbers.segments.count(made) == total
    shown = visitor.get(f"{console.base}/segments/{made}").text
    assert f'<dd class="big">{total}</dd>' in shown
    assert "a fixed list of endpoints" in shown
    member = next(iter(numbers.segments.members(made))).id
    assert f"endpoint_id={member}" in shown
    why = visitor.get(f"{console.base}/segments/{made}?endpoint_id={member}").text
    assert "is in the segment" in why
    none = visitor.get(f"{console.base}/segments/{made}?endpoint_id=nobody").text
    assert "There is no such endpoint" in none
    assert "the active" in visitor.get(f"{console.base}/segments").text


@pytest.mark.parametrize(
    ("key", "point"),
    [
        ("overview-monthly", {"day": "LAST"}),
        ("overview-retention", {"is_back": "no"}),
        ("cohorts", {"day": "LAST", "age": "0"}),
        ("stickiness", {"count": "1"}),
        ("by-platform", {"group": "ios"}),
        ("revenue", {}),
    ],
)
def test_every_kind_of_number_has_people(
    console: ConsoleServer, visitor: httpx.Client, key: str, point: dict[str, str]
) -> None:
    """A point is named as the page's form names it; nobody behind it is said, and no fault."""
    day = dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=1)
    named = {name: str(day) if value == "LAST" else value for name, value in point.items()}
    csrf = csrf_of(visitor.get("/console/").text)
    answer = visitor.post(
        f"{console.base}/behind/{key}", data={"csrf": csrf, "segment_name": key, **named}
    )
    assert answer.status_code in {303, 400}
    assert answer.status_code == 303 or "nobody" in answer.text.lower()


def test_segments_are_said_in_words(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """As people would say them."""
    made = numbers.segments.create(
        "travellers",
        pk.where.user_attribute("plan").is_in("pro", "free") & (pk.where.metric("level") >= 3),
    )
    page = visitor.get(f"{console.base}/segments/{made.id}").text
    assert "user attribute plan is pro or free and metric level at least 3" in page
    why = visitor.get(f"{console.base}/segments/{made.id}?endpoint_id=device-1").text
    for words in (
        "user attribute plan",
        "is pro, free",
        "metric level",
        "at least 3",
        "the whole segment",
    ):
        assert f"<bdi>{words}" in why
    assert "$." not in why


def test_a_person_is_shown_with_what_happened(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """By user, by endpoint, by address; the address in no URL."""
    event = next(iter(numbers.events.find(type="page_view", limit=1)))
    page = visitor.get(f"{console.base}/person?user_id={event.user_id}").text
    assert f"<bdi>{event.endpoint_id}</bdi>" in page
    story = numbers.analytics.timeline(user_id=event.user_id, limit=50)
    assert page.count("<tr>") == len(story.entries) + 1
    assert visitor.get(f"{console.base}/person?endpoint_id=nobody").status_code == 404
    longer = re.search(r'<a href="\?([^"]+)">90 days</a>', page)
    assert longer is not None
    assert f"user_id={event.user_id}" in longer[1]
    numbers.endpoints.update(
        pk.Endpoint(id="mail-1", channel_type="EMAIL", address="a.person@example.com")
    )
    csrf = csrf_of(page)
    sent = {"csrf": csrf, "address": "a.person@example.com"}
    assert "mail-1" in visitor.post(f"{console.base}/person", data=sent).text
    sent["address"] = "nobody@example.com"
    assert "No endpoint has this address" in visitor.post(f"{console.base}/person", data=sent).text


def test_the_live_tail_gives_each_event_once(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """From the page's mark on, as they arrive."""
    page = visitor.get(f"{console.base}/live").text
    mark = re.search(r'data-mark="([^"]+)"', page)
    assert mark is not None
    rows = f"{console.base}/live/rows"
    assert "<tr>" not in visitor.get(rows, params={"after": mark[1]}).text
    numbers.events.put("device-1", "door_bell", attributes={"tone": HOSTILE})
    answer = visitor.get(rows, params={"after": mark[1]})
    assert answer.text.count("door_bell") == 1
    assert HOSTILE not in answer.text
    again = visitor.get(rows, params={"after": answer.headers["x-mark"]})
    assert "door_bell" not in again.text
    assert (answer.headers["x-arrived"], again.headers["x-arrived"]) == ("1", "0")


def test_a_live_tail_that_is_behind_goes_on_from_now(tmp_path: Path) -> None:
    """It would fall behind further with each look; it says how many it has read."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/busy.db")
    try:
        with pk.connect(found.database, application="demo") as pinpoint, found.visitor() as client:
            pinpoint.events.put("device-1", "first")
            mark = re.search(r'data-mark="([^"]+)"', client.get(f"{found.base}/live").text)
            assert mark is not None
            for number in range(1_200):
                pinpoint.events.record(f"device-{number % 7}", f"many_{number}")
            pinpoint.flush(raise_for_loss=True)
            rows = f"{found.base}/live/rows"
            answer = client.get(rows, params={"after": mark[1]})
            assert answer.headers["x-arrived"] == "1000"
            assert answer.text.count("<tr>") == 50
            shown = [int(number) for number in re.findall(r"many_(\d+)", answer.text)]
            assert min(shown) >= 1_000  # the newest, not those that were read
            again = client.get(rows, params={"after": answer.headers["x-mark"]})
            assert again.headers["x-arrived"] == "0"
    finally:
        found.stop()


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("first=yesterday", "is no day"),
        ("first=2026-02-02&last=2026-01-01", "choose days in their order"),
        ("first=20261101", "is no day"),
        ("last=2026-W44-1", "is no day"),
        ("last=9999-12-31", "is no day"),
        ("zone=Mars/Base", "is no time zone"),
        ("by=" + "x" * 401, "400 characters at most"),
        ("where=country%3D" + "x" * 401, "400 characters at most"),
        ("&".join(f"where=country%3D{n}" for n in range(21)), "20 filters at most"),
        ("zone=../../etc/passwd", "is no time zone"),
        ("zone=Mars/Base&last=2026-10-30", "is no time zone"),
        ("by=platform&by=country", "give one value, not several (by)"),
        ("by=shoe_size", "unknown breakdown"),
        ("days=000001999999999", "choose 1 to 400 days"),
        ("first=%E2%80%AE2026-10-30", "is no day"),
        ("name=platform&name=country&value=ios", "give one value, not several (name)"),
        ("days=0", "choose 1 to 400 days"),
        ("actor=robot", "choose endpoint or user"),
        ("where=platform", "write NAME=VALUE"),
        ("where=metrics.level>=high", "is no number"),
    ],
)
def test_a_wrong_question_is_told_what_to_write(
    console: ConsoleServer, visitor: httpx.Client, query: str, sentence: str
) -> None:
    """A page with status 400, and the way back."""
    answer = visitor.get(f"{console.base}/usage?{query}")
    assert answer.status_code == 400
    assert sentence.lower() in answer.text.lower()
    assert 'aria-label="Pages"' in answer.text  # the way on


#: What every page takes beside its own parameters, and those of each page.
_VIEW = ("first", "last", "days", "zone", "actor", "where", "by")
PARAMETERS = {
    **{page: (*_VIEW, "name", "value", *own_of(page)) for page in PAGES if page != "funnels"},
    "funnels?step2=add_to_cart&step3=page_view": (*_VIEW, "window", "order", "step1"),
    "funnels?step1=a&step2=b": ("step1_where", "step3", "step10_where"),
    "person": ("endpoint_id", "user_id"),
    "person?user_id=user-1": ("after", "first", "days"),
    "outbox": ("channel", "kind", "campaign"),
    "opt-outs": ("channel", "reason", "after"),
    "live/rows": ("after",),
    "segments/SEGMENT": ("endpoint_id",),
    "numbers/daily.csv": ("by", "where", "days"),
    "numbers/metric.csv": ("metric", "type"),
    "numbers/cohorts.csv": ("kind",),
}
#: As they stand in a URL: long, turned, with U+0000, no UTF-8 or half of a pair, and several.
HOSTILE_VALUES = {
    "long": "{}=" + "x" * 5_000,
    "turned": "{}=%E2%80%AEtxt%D8%9C",
    "nul": "{}=a%00b",
    "surrogate": "{}=%ED%A0%80",
    "bytes": "{}=%FF%FE",
    "digits": "{}=%D9%A1",
    "number": "{}=" + "9" * 30,
    "zeros": "{}=" + "0" * 20 + "99",
    "percent": "{}=%",
    "line": "{}=a%0D%0AX-Evil:%201",
    "several": "{0}=a&{0}=b",
}


@pytest.mark.parametrize("kind", HOSTILE_VALUES)
def test_hostile_parameters_are_refused_with_a_sentence(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint, kind: str
) -> None:
    """On every page; one that names something is looked up, and found or not. Nothing fails."""
    segment = numbers.segments.create("all", pk.where.attribute("a").is_in("b")).id
    for path, names in PARAMETERS.items():
        for name in names:
            query = HOSTILE_VALUES[kind].format(name)
            page = path.replace("SEGMENT", segment)
            url = f"{console.base}/{page}{'&' if '?' in page else '?'}{query}"
            if path in PAGES and name in {"name", "value"}:  # two fields of one form
                url += "&value=x" if name == "name" else "&name=platform"
            answer = visitor.get(url, follow_redirects=True)
            assert answer.status_code in {200, 400, 404}, url
            assert "x-evil" not in answer.headers
            for mark in ("\N{RIGHT-TO-LEFT OVERRIDE}", "\N{ARABIC LETTER MARK}", "\0"):
                assert mark not in answer.text
            assert "This page failed" not in answer.text, url
            may_be_several = name == "where"
            if kind in {"long", "nul"} or (kind == "several" and not may_be_several):
                assert answer.status_code == 400, url
            if answer.status_code == 400:
                told = re.search(r"</h1>\s*<p>([^<]{10,}) ?\(\w+\)</p>", answer.text)
                assert told is not None, url
                assert "NextToken" not in told[1]
    numbers.segments.delete(segment)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("behind/daily", "day"),
        ("behind/daily", "group"),
        ("behind/cohorts", "age"),
        ("behind/stickiness", "count"),
        ("behind/overview-retention", "is_back"),
        ("funnels?step1=page_view&step2=add_to_cart", "funnel_name"),
        ("person", "address"),
        ("outbox", "address"),
        ("opt-outs", "address"),
        ("opt-outs/add", "address"),
        ("opt-outs/remove", "address"),
        ("opt-outs/remove", "channel"),
    ],
)
def test_hostile_fields_are_refused_with_a_sentence(
    console: ConsoleServer, visitor: httpx.Client, path: str, field: str
) -> None:
    """As those of a URL are; what only looks like a number or an answer is none."""
    csrf = csrf_of(visitor.get("/console/").text)
    more = "".join(
        f"&{name}={value}"
        for name, value in (("channel", "EMAIL"), ("address", "ada@example.com"))
        if "opt-outs/" in path and name != field
    )
    for kind, form in HOSTILE_VALUES.items():
        answer = visitor.post(
            f"{console.base}/{path}",
            content=f"csrf={csrf}&{form.format(field)}{more}",
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        assert answer.status_code in {200, 303, 400, 404}, kind
        assert "This page failed" not in answer.text, kind
        if kind == "nul" or field in {"day", "age", "count", "is_back", "channel"}:
            assert answer.status_code == 400, kind


def test_a_sentence_for_people_names_no_path(console: ConsoleServer, visitor: httpx.Client) -> None:
    """`$.by` is for programs."""
    page = visitor.get(f"{console.base}/sign-ins?by=shoe_size").text
    assert "@ $" not in page
    assert page.count("Unknown breakdown") == 1
    assert "(by)" in page


@pytest.mark.parametrize("name", [*NAMES, "attributes.a.b", "attributes.", "shoe_size", "channel."])
@pytest.mark.parametrize("key", ["", "k", "k" * 256, "k" * 257, ".", " "])
def test_a_breakdown_that_metrics_refuse_is_refused_before_they_are_asked(
    name: str, key: str
) -> None:
    """And no other one."""
    by = f"{name}{key}".strip()

    def takes(parse: Callable[[], object]) -> bool:
        try:
            parse()
        except pk.ValidationError:
            return False
        return True

    query, now = QueryParams({"by": by}), dt.datetime.now(dt.timezone.utc)
    assert takes(lambda: View.parse(query, now)) is takes(lambda: Breakdown.parse(by))


def test_what_only_the_metric_knows_is_said_once(
    console: ConsoleServer, visitor: httpx.Client
) -> None:
    """By the first chart, while the page has begun; the others lead to it."""
    page = visitor.get(f"{console.base}/usage?where=shoe_size%3D44").text
    assert page.count('role="alert"') == 1
    assert page.count("This cannot be asked.") == 1
    assert 'role="alert"' in card_of(page, "daily")
    link = '<a href="#daily">Daily active</a>'
    assert page.count(link) == len(PAGES["usage"]) - 1
    assert "</html>" in page


def test_a_breakdown_of_another_page_changes_no_demographics(
    console: ConsoleServer, visitor: httpx.Client
) -> None:
    """Each of its charts has one of its own, in its title and in its numbers."""
    page = visitor.get(f"{console.base}/demographics?by=platform").text
    assert "<bdi>ios</bdi>" not in card_of(page, "by-country")
    assert "by country" in card_of(page, "by-country")
    assert "<bdi>ios</bdi>" in card_of(page, "by-platform")


@pytest.mark.parametrize("path", ["nowhere", "numbers/nothing.csv", "segments/none"])
def test_what_is_not_there_is_a_page(
    console: ConsoleServer, visitor: httpx.Client, path: str
) -> None:
    """With status 404."""
    assert visitor.get(f"{console.base}/{path}").status_code == 404
    assert visitor.get("/console/apps/none/overview").status_code == 404


def test_the_definition_and_the_breakdown_are_told(
    console: ConsoleServer, visitor: httpx.Client, numbers: pk.Pinpoint
) -> None:
    """Each chart says what it counts."""
    page = visitor.get(f"{console.base}/usage").text
    assert page.count("<summary>Definition</summary>") == len(PAGES["usage"])
    assert numbers.analytics.active().definition.split(". ")[0] in page


def test_an_empty_application_says_what_to_do(tmp_path: Path) -> None:
    """On every page: no chart of nothing, but how to record."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/empty.db")
    try:
        with found.visitor() as client:
            for path, _, _ in MENU:
                answer = client.get(f"{found.base}/{path}")
                assert answer.status_code == 200
                assert "<svg" not in answer.text.partition("<main")[2], path
            assert "events.record(" in client.get(f"{found.base}/overview").text
            assert "events.record(" in client.get(f"{found.base}/live").text
    finally:
        found.stop()


def test_hostile_values_are_shown_and_harmless(tmp_path: Path) -> None:
    """Names, types, attributes and ids of others: as text, in their place, with no direction."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/hostile.db")
    try:
        with pk.connect(found.database, application="demo") as pinpoint:
            fill_with_hostile_values(pinpoint)
            segment = pinpoint.segments.list()[0].id
        with found.visitor() as client:
            pages = [f"{found.base}/{path}" for path, _, _ in MENU]
            pages += ["/console/", f"{found.base}/segments/{segment}"]
            pages += [f"{found.base}/usage?by=attributes.note", f"{found.base}/events?type=%3Cb%3E"]
            pages += [f"{found.base}/person?user_id=%3Cscript%3Ealert(1)%3C/script%3E"]
            seen = "".join(client.get(page).text for page in pages)
    finally:
        found.stop()
    assert "<script>alert" not in seen
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in seen
    assert "\N{ARABIC LETTER MARK}" not in seen
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in seen
    assert '"><img' not in seen
    assert LONG[:50] in seen


def fill_with_hostile_values(pinpoint: pk.Pinpoint) -> None:
    """Store texts that would do harm where they were not escaped."""
    quoted = '"><img src=x onerror=alert(1)>'
    for number, text in enumerate((HOSTILE, TURNED, quoted, LONG)):
        endpoint = pk.Endpoint(
            id=f"device-{number}",
            attributes={text[:50]: [text[:100]]},
            demographic=pk.Demographic(platform=text[:50], make=text[:50], app_version=text[:50]),
            user=pk.User(id=text, attributes={"note": [text[:100]]}),
        )
        pinpoint.events.put(
            endpoint.id or "",
            text[:50],
            attributes={"note": text, text[:50]: text},
            endpoint=endpoint,
        )
        pinpoint.segments.create(text, pk.where.attribute(text[:50]).is_in(text[:100]))
        pinpoint.analytics.save_funnel(text[:64], [text[:50], "b"])
        pinpoint.applications.create(text[:64])


def test_an_answer_is_used_again_while_nothing_arrives(tmp_path: Path) -> None:
    """A question is counted once for all who ask it; after an event, it is counted anew."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/cached.db")
    asked: list[str] = []
    handle = found.server.engine.handle

    def counting(request: Any, match: Any = None) -> Any:
        asked.append(request.path)
        return handle(request, match)

    found.server.engine.handle = counting  # type: ignore[method-assign]
    try:
        with found.visitor() as client, found.visitor() as other:
            for each in (client, other, client):
                each.get(f"{found.base}/sign-ins")
        assert sum("/metrics/sign_ins" in path for path in asked) == 1
    finally:
        found.stop()


def test_event_streams_are_shown_with_what_waits(tmp_path: Path) -> None:
    """Also one that no running engine forwards."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/streams.db")
    try:
        with pk.connect(found.database, application="demo") as pinpoint, found.visitor() as client:
            assert "has no event stream" in client.get(f"{found.base}/streams").text
            pinpoint.call(
                "PutEventStream",
                WriteEventStream={
                    "DestinationStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/clicks",
                    "RoleArn": "arn:aws:iam::123456789012:role/streams",
                },
            )
            page = client.get(f"{found.base}/streams").text
            (status,) = pinpoint.streams.status()
            assert f'<td data-name="state">{status.state.lower()}</td>' in page
            assert "stream/clicks" in page
    finally:
        found.stop()
