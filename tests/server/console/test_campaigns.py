"""Campaigns in a browser: the list, the funnel of a run, and treatments side by side."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit.server.console.proportions import difference, interval
from tests.server.console.conftest import ConsoleServer, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ConsoleServer, str]]:
    """Give a server whose application has run a campaign with two treatments, and its id."""
    folder: Path = tmp_path_factory.mktemp("campaigns")
    found = serve(folder, f"sqlite:///{folder}/shop.db")
    with pk.connect(found.database, application="demo") as pinpoint:
        pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
        for number in range(40):
            pinpoint.endpoints.update(
                pk.Endpoint(id=f"e{number}", address=f"e{number}@example.com", channel_type="EMAIL")
            )
        everyone = pinpoint.segments.create("<everyone>", pk.SegmentDimensions())

        def message(text: str) -> pk.MessageConfiguration:
            return pk.MessageConfiguration(email_message=pk.EmailMessage(title=text, body=text))

        made = pinpoint.campaigns.create(
            pk.Campaign(
                name="<b>news</b>",
                segment_id=everyone,
                schedule=pk.Schedule(start_time="IMMEDIATE"),
                message_configuration=message("A"),
                additional_treatments=[
                    pk.Treatment(
                        size_percent=50, treatment_name="B", message_configuration=message("B")
                    )
                ],
            )
        )
        assert made.id is not None
        pinpoint.campaigns.wait_until_complete(made, timeout=60)
        for each in pinpoint.outbox.messages(campaign=made.id):
            if each.title == "B":
                pinpoint.outbox.report(each, "opened")
    yield found, made.id
    found.stop()


def test_the_list_and_its_campaign(shop: tuple[ConsoleServer, str]) -> None:
    """Names are escaped; the segment is named."""
    found, campaign = shop
    with found.visitor() as client:
        page = client.get(f"{found.base}/campaigns").text
        assert "&lt;b&gt;news&lt;/b&gt;" in page
        assert "&lt;everyone&gt;" in page
        assert "COMPLETED" in page
        assert f'href="campaigns/{campaign}"' in page
        assert client.get(f"{found.base}/campaigns/none").status_code == 404


def test_a_campaign_has_its_funnel_and_its_treatments(shop: tuple[ConsoleServer, str]) -> None:
    """All of B were opened and none of A, which is a clear difference; nobody has clicked."""
    found, campaign = shop
    with found.visitor() as client:
        page = client.get(f"{found.base}/campaigns/{campaign}").text
    assert "<b>news" not in page
    assert page.count("<svg") == 3  # all, and each of the two runs
    assert "made 40, sent 40, delivered 40" in page
    rows = re.findall(r"<tr><th scope=\"row\"><bdi>(.*?)</bdi></th>(.*?)</tr>", page, re.DOTALL)
    sides = dict(rows)
    assert sides.keys() == {"its own messages", "B"}
    assert "<strong>100" in sides["B"]
    assert "more, by +" in sides["B"]
    assert "no clear difference" in sides["B"]  # of clicks
    assert "more, by" not in sides["its own messages"]
    assert f"outbox?campaign={campaign}" in page


def test_messages_that_bounce_after_they_were_opened_are_shown(
    shop: tuple[ConsoleServer, str],
) -> None:
    """More can be opened than were delivered in the end, and clicked than were opened."""
    found, campaign = shop
    with pk.connect(found.database, application="demo") as pinpoint:
        for each in pinpoint.outbox.messages(campaign=campaign):
            if each.title == "B":
                pinpoint.outbox.report(each, "bounced")
            else:
                pinpoint.outbox.report(each, "clicked", link="https://shop.example.com/")
    with found.visitor() as client:
        answer = client.get(f"{found.base}/campaigns/{campaign}")
    assert answer.status_code == 200
    assert "more</text>" in answer.text
    assert "-" not in "".join(re.findall(r"↓ (.*?) dropped off", answer.text))


@given(st.integers(0, 500), st.integers(0, 500))
def test_intervals_hold_the_share(count: int, more: int) -> None:
    """They lie within 0 and 1, are narrower of more, and mirror each other."""
    of = count + more
    ends = interval(count, of)
    if not of:
        assert ends is None
        return
    assert ends is not None
    assert 0 <= ends[0] <= count / of <= ends[1] <= 1
    larger = interval(count * 10, of * 10)
    assert larger is not None
    assert larger[1] - larger[0] <= ends[1] - ends[0]
    mirrored = interval(more, of)
    assert mirrored is not None
    assert math.isclose(mirrored[0], 1 - ends[1], abs_tol=1e-12)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_differences_are_as_both_sides_see_them(a: int, b: int, c: int, d: int) -> None:
    """The other way round they have the other sign; of the same share they hold 0."""
    first, second = (min(a, b), b), (min(c, d), d)
    forth, back = difference(first, second), difference(second, first)
    assert forth is not None
    assert back is not None
    assert math.isclose(forth[0], -back[1], abs_tol=1e-12)
    same = difference(first, first)
    assert same is not None
    assert same[0] <= 0 <= same[1]
    assert difference(first, (0, 0)) is None
