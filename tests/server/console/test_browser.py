"""The console in a real browser: accessible in both colour schemes, at home in its origin."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.analytics import charts
from pinpoint_kit.server.console.rendering import MENU
from tests.server.console.browsers import axe_of, browser, opened
from tests.server.console.conftest import ConsoleServer, serve
from tests.server.console.test_pages import HOSTILE, fill_with_hostile_values

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

pytestmark = pytest.mark.slow

FUNNEL = "funnels?step1=page_view&step2=add_to_cart&step3=_monetization.purchase"
AXE = """async () => (await axe.run()).violations.map(
    (each) => `${each.id}: ${each.nodes[0].html.slice(0, 200)}`)"""


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    """Start one browser for these tests."""
    with browser() as found:
        yield found


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Fetch axe-core once."""
    return axe_of(tmp_path_factory.mktemp("axe"))


def pages_of(console: ConsoleServer) -> list[str]:
    """Return the paths of all kinds of pages."""
    with pk.connect(console.database, application="demo") as pinpoint:
        segment = pinpoint.segments.create("pros", pk.where.user_attribute("plan").is_in("pro"))
        pinpoint.analytics.save_funnel("to the till", ["page_view", "add_to_cart"])
        event = next(iter(pinpoint.events.find(type="page_view", limit=1)))
        member = next(iter(pinpoint.segments.members(segment)), None)
        pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
        email = pk.DirectEmail(subject="Hi", text="Hello", html="<h1>Hello</h1>")
        (sent,) = pinpoint.messages.send(
            pk.DirectMessage(email=email), addresses={"ada@example.com": "EMAIL"}
        )
        pinpoint.outbox.report(sent.message_id or "", "opened")
        pinpoint.opt_outs.add(["bob@example.com", f"{'w' * 60}@example.com"], "EMAIL")
        pinpoint.opt_outs.add("t" * 500, "APNS_VOIP_SANDBOX", reason="bounced")
        campaign = pinpoint.campaigns.create(
            pk.Campaign(
                name="news",
                segment_id=segment.id,
                schedule=pk.Schedule(start_time="2099-01-01T00:00:00Z"),
                message_configuration=pk.MessageConfiguration(
                    sms_message=pk.SMSMessage(body="Hello")
                ),
            )
        )
    why = "" if member is None else f"?endpoint_id={member.id}"
    return [
        "/console/",
        *(f"{console.base}/{path}" for path, _, _ in MENU),
        f"{console.base}/usage?by=platform&where=country%3DPT",
        f"{console.base}/usage?by=nothing",
        f"{console.base}/usage?where=nothing%3Dx",
        f"{console.base}/events?type=_monetization.purchase&metric=_item_price",
        f"{console.base}/{FUNNEL}",
        f"{console.base}/{FUNNEL}&by=platform",
        f"{console.base}/person?user_id={event.user_id}",
        f"{console.base}/segments/{segment.id}{why}",
        f"{console.base}/campaigns/{campaign.id}",
        f"{console.base}/outbox/{sent.message_id}",
        f"{console.base}/opt-outs?channel=EMAIL&reason=opted_out",
        f"{console.base}/opt-outs?channel=VOICE",
        f"{console.base}/usage?zone=Mars",
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(
    started: Browser, console: ConsoleServer, axe: str, scheme: str
) -> None:
    """No violation that axe knows, with everything unfolded; no error; no request elsewhere."""
    found = []
    paths = pages_of(console)
    with opened(started, console, scheme=scheme) as watched:
        page = watched.page
        session = page.context.new_cdp_session(page)
        for path in paths:
            page.goto(console.server.url + path)
            page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
            session.send("Runtime.evaluate", {"expression": axe})  # past the page's own policy
            found += [f"{path}: {violation}" for violation in page.evaluate(AXE)]
        # A page that says no is an error of the network to the browser's console.
        problems = [each for each in watched.problems if "status of 400" not in each]
    assert found == []
    assert problems == []


@pytest.mark.parametrize("width", [360, 2560])
def test_no_page_is_wider_than_its_window(
    started: Browser, console: ConsoleServer, width: int
) -> None:
    """On the smallest phone and on a wall."""
    with opened(started, console, width=width) as watched:
        for path in pages_of(console):
            watched.page.goto(console.server.url + path)
            wide = watched.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, path
            if width < 640:  # tables of texts are not cut, but stand below each other
                cut = watched.page.evaluate(
                    "[...document.querySelectorAll('.scroll:has(.texts)')].filter("
                    "(each) => each.scrollWidth > each.clientWidth).length"
                )
                assert cut == 0, path


@pytest.mark.parametrize(("width", "shown"), [(360, ".bars"), (1280, ".picture")])
def test_bars_are_as_wide_as_there_is_room(
    started: Browser, console: ConsoleServer, width: int, shown: str
) -> None:
    """A phone has a list, whose words can be read; a desk has the picture; never both."""
    with opened(started, console, width=width) as watched:
        page = watched.page
        for path in (FUNNEL, "demographics"):
            page.goto(f"{console.server.url}{console.base}/{path}")
            for part in (".bars", ".picture"):
                assert page.locator(f".card {part}").first.is_visible() is (part == shown)
        assert watched.problems == []


def test_a_page_is_printed_without_its_forms(started: Browser, console: ConsoleServer) -> None:
    """Numbers and pictures are; what one can only click is not."""
    with opened(started, console) as watched:
        page = watched.page
        page.goto(f"{console.server.url}{console.base}/overview")
        page.emulate_media(media="print")
        assert page.locator("svg").first.is_visible()
        for part in (".menu", ".controls", ".csv", "button"):
            assert page.locator(part).first.is_hidden()


def test_the_numbers_in_the_browser_are_those_of_the_verbs(
    started: Browser, console: ConsoleServer
) -> None:
    """What stands under the heading, and what the keyboard says day by day."""
    with pk.connect(console.database, application="demo") as pinpoint:
        daily = pinpoint.analytics.active()
    with opened(started, console) as watched:
        page = watched.page
        page.goto(f"{console.server.url}{console.base}/usage")
        card = page.locator("#daily")
        assert card.locator(".figure strong").inner_text() == charts.format_number(daily.total)
        picture = card.locator("[data-picture]")
        picture.focus()
        for place in (0, 1):
            page.keyboard.press("Home" if place == 0 else "ArrowRight")
            said = card.locator("[aria-live]").inner_text()
            assert f": {daily.rows[place]['value']}" in said
        page.keyboard.press("Escape")
        assert card.locator(".tip").is_hidden()
        assert watched.problems == []


def test_people_work_with_it(started: Browser, console: ConsoleServer) -> None:
    """Filter, funnel, CSV, segment, log-out: as with a mouse."""
    with opened(started, console) as watched:
        page = watched.page
        page.goto(console.server.url + console.base + "/usage")
        page.get_by_label("Add a filter by").fill("country")
        page.get_by_label("that is").fill("PT")
        page.get_by_role("button", name="Show").click()
        page.wait_for_url(re.compile("where=country%3DPT"))
        page.get_by_role("link", name="Remove the filter country=PT").click()
        page.wait_for_url(lambda url: "where=" not in url)
        with page.expect_download() as download:
            page.locator("#daily").get_by_role("link", name="CSV").click()
        assert download.value.suggested_filename.startswith("daily-")
        page.locator("#daily summary", has_text="People").click()
        page.locator("#daily").get_by_label("Name").fill("seen in a browser")
        page.locator("#daily").get_by_role("button", name="Make a segment").click()
        page.wait_for_url(re.compile("/segments/"))
        assert page.locator("h1").inner_text() == "seen in a browser"
        page.get_by_role("link", name="Funnels").click()
        page.get_by_label("Step 1", exact=True).fill("page_view")
        page.get_by_label("Step 2", exact=True).fill("add_to_cart")
        page.get_by_role("button", name="Count").click()
        page.wait_for_url(re.compile("step2=add_to_cart"))
        page.get_by_label("Save it as").fill("made by hand")
        page.get_by_role("button", name="Save").click()
        assert page.get_by_role("link", name="made by hand").count() == 1
        page.get_by_role("button", name="Log out").click()
        assert page.locator("h1").inner_text() == "You are logged out"
        page.goto(f"{console.server.url}{console.base}/usage")
        assert page.locator("h1").inner_text() == "A link opens this console"
        problems = [each for each in watched.problems if "status of 401" not in each]
        assert problems == []


def test_an_event_appears_in_the_live_tail(started: Browser, console: ConsoleServer) -> None:
    """Without a click; and paused, it waits."""
    with opened(started, console) as watched:
        page = watched.page
        page.goto(f"{console.server.url}{console.base}/live")
        with pk.connect(console.database, application="demo") as pinpoint:
            pinpoint.events.put("device-1", "bell_rang", attributes={"tone": HOSTILE})
        page.get_by_text("bell_rang").wait_for(timeout=20_000)
        assert page.get_by_text(HOSTILE).count() == 1
        page.get_by_role("button", name="Pause").click()
        assert page.locator("[data-state]").inner_text() == "Paused"
        assert watched.problems == []


def test_every_page_works_without_script(started: Browser, console: ConsoleServer) -> None:
    """Charts, tables and forms are there when none runs."""
    with opened(started, console, has_script=False) as watched:
        page = watched.page
        page.goto(f"{console.server.url}{console.base}/overview")
        assert page.locator("svg").count() >= 7
        page.locator("summary", has_text="Numbers").first.click()
        assert page.locator("table").first.is_visible()
        page.goto(f"{console.server.url}{console.base}/live")
        page.get_by_role("link", name="Show newer").click()
        assert page.locator("tbody tr").count() > 0
        assert watched.problems == []


def test_hostile_values_run_nothing(started: Browser, tmp_path: Path) -> None:
    """No dialog, no error, no request elsewhere, on any page."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/hostile.db")
    try:
        with pk.connect(found.database, application="demo") as pinpoint:
            fill_with_hostile_values(pinpoint)
        with opened(started, found, width=390) as watched:
            for path in ["", *(f"apps/{found.application}/{path}" for path, _, _ in MENU)]:
                watched.page.goto(f"{found.server.url}/console/{path}")
                wide = watched.page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert wide <= 0, path
            assert watched.problems == []
    finally:
        found.stop()
