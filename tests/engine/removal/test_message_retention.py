"""`keep_messages`: old messages go from the outbox, in small steps, with what was reported."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine import RETENTION_LOGGER, Engine
from pinpoint_kit.engine.removal import retention
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.message import Sent
from tests.engine.campaigns.conftest import Campaigns, FakeTransport
from tests.engine.campaigns.test_triggers import put, schedule
from tests.engine.conftest import Wire
from tests.engine.messages.kit import Sender
from tests.engine.removal.test_retention import work

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock

KEPT = timedelta(days=30)
DAY = 86_400.0


def addresses(sender: Sender) -> list[str]:
    """Return whom the messages in the outbox are for."""
    return [message["Address"] for message in sender.outbox()]


def test_old_messages_are_removed(
    make_wire: Callable[..., Wire], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """Of all applications, with their reports; the log counts them."""
    wire = make_wire(keep_messages=KEPT)
    first, second = Sender(wire), Sender(Wire(wire.engine))
    for sender in (first, second):
        sender.enable()
        sender.report(sender.result("old@example.com")["MessageId"], "opened")
    work(wire, clock, 29 * DAY)
    first.result("new@example.com")
    assert addresses(first) == ["old@example.com", "new@example.com"]
    with caplog.at_level(logging.INFO, RETENTION_LOGGER):
        work(wire, clock, 1.1 * DAY)
    assert (addresses(first), addresses(second)) == (["new@example.com"], [])
    assert wire.rows("SELECT * FROM message_outcomes") == []
    assert caplog.messages == ["removed 2 messages older than 30 days"]


def test_steps_are_small(
    make_wire: Callable[..., Wire], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a clock was ahead for a while when a message came."""
    monkeypatch.setattr(retention, "_ROWS_A_STEP", 60)
    wire = make_wire(keep_messages=KEPT)
    sender = Sender(wire)
    sender.enable()
    clock.advance(1_000 * DAY)
    sender.result("ahead@example.com")
    clock.advance(-1_000 * DAY)
    to = {f"{number}@example.com": {"ChannelType": "EMAIL"} for number in range(90)}
    sender.send(Addresses=to)
    clock.advance(31 * DAY)
    assert wire.engine.step()
    assert len(addresses(sender)) == 1 + 90 - 59
    work(wire, clock)
    assert addresses(sender) == ["ahead@example.com"]


def test_what_a_campaign_waits_for_stays(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """A pause may be longer than messages are kept: they are sent, and go after that."""
    transport = FakeTransport(lambda _: Sent())
    wire = make_wire(keep_messages=KEPT, transports={"PUSH": transport})
    campaigns = Campaigns(wire, clock)
    campaign = campaigns.create(Schedule=schedule())
    for endpoint in campaigns.people(7):
        put(campaigns, endpoint, "a")
    while not transport.sent:
        assert wire.engine.step()
    assert campaigns.update(campaign, IsPaused=True).status == 200
    work(wire, clock, 31 * DAY)
    assert len(campaigns.messages()) == 4
    assert campaigns.update(campaign, IsPaused=False).status == 200
    work(wire, clock, 2 * 3_600)
    assert len(transport.sent) == 7
    assert campaigns.messages() == []


def test_a_run_keeps_what_it_has_sent(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """To its end, however long it takes: whom it has reached must not get it from it again."""
    wire = make_wire(keep_messages=timedelta(days=1))
    campaigns = Campaigns(wire, clock)
    for endpoint, zone in (("first", "Pacific/Kiritimati"), ("last", "Etc/GMT+12")):
        answer = wire.update(
            endpoint, ChannelType="GCM", Address=endpoint, Demographic={"Timezone": zone}
        )
        assert answer.status == 202
    at = {"StartTime": "2026-01-05T10:00:00", "Frequency": "ONCE", "IsLocalTime": True}
    campaigns.create(Schedule={**at, "Timezone": "UTC"})
    while not campaigns.messages():
        work(wire, clock)
    work(wire, clock, 25 * 3_600)
    assert [message["address"] for message in campaigns.messages()] == ["first"]
    work(wire, clock, 2 * 3_600)
    assert campaigns.messages()[-1]["address"] == "last"
    work(wire, clock, 2 * DAY)
    assert campaigns.messages() == []


def test_too_short_a_time_is_refused(file_url: str) -> None:
    """What a run or a request is still about stays."""
    for given in (timedelta(hours=23), timedelta(0)):
        with pytest.raises(ConfigurationError, match="less than a day"):
            Engine.open(file_url, keep_messages=given)
    with pytest.raises(ConfigurationError, match="no timedelta: write for example timedelta"):
        pk.connect(file_url, keep_messages=30)  # type: ignore[arg-type]  # as said
