"""The outbox is listed from either end, page by page, and nobody is skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engagement import outbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def sent() -> Iterator[pk.Pinpoint]:
    """Give an application that has sent seven messages."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        pinpoint.messages.enable("SMS")
        for number in range(7):
            pinpoint.messages.send(str(number), addresses={f"+1555555010{number}": "SMS"})
        yield pinpoint


@pytest.mark.parametrize("limit", [None, 1, 3, 6])
@pytest.mark.parametrize("newest_first", [False, True])
def test_from_either_end(
    sent: pk.Pinpoint, monkeypatch: pytest.MonkeyPatch, limit: int | None, *, newest_first: bool
) -> None:
    """In pages of two, all of them or the first few."""
    monkeypatch.setattr(outbox, "_PAGE_SIZE", 2)
    found = [each.body for each in sent.outbox.messages(limit=limit, newest_first=newest_first)]
    expected = [str(number) for number in range(7)]
    assert found == (expected[::-1] if newest_first else expected)[:limit]


def test_the_newest_is_waited_for(sent: pk.Pinpoint) -> None:
    """Whatever came before it."""
    assert sent.outbox.wait_for(channel="SMS", timeout=0).body == "6"
