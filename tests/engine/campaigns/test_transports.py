"""Transports: what they are handed, what their answers do, and what a crash leaves."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.records.message import NotSent, Sent
from tests.engine.campaigns.conftest import EMAIL, Campaigns, FakeTransport
from tests.engine.campaigns.test_triggers import put, schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire


class KilledError(BaseException):
    """Stands for the end of the process."""


def test_results_come_from_the_transport(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """Each message has the status that its transport gives it, and so has its endpoint."""

    def answer(message: Any) -> Any:
        number = int(message.address.rpartition("-")[2])
        return [Sent("ok"), NotSent("gone", is_permanent=True, code=410), NotSent("later")][
            number % 3
        ]

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(9)
    campaign = campaigns.create()
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert [message.address for message in transport.sent] == [
        f"token-device-{number}" for number in range(9)
    ]
    assert (transport.sent[0].title, transport.sent[0].body) == ("Hi", "My message")
    statuses = Counter((m["status"], m["status_code"]) for m in campaigns.messages())
    assert statuses == {
        ("SUCCESSFUL", 200): 3,
        ("PERMANENT_FAILURE", 410): 3,
        ("TEMPORARY_FAILURE", 503): 3,
    }
    assert Counter(campaigns.sends().values()) == {
        "SUCCESS": 3,
        "FAILURE_PERMANENT": 3,
        "TRANSIENT_FAILURE": 3,
    }
    (activity,) = campaigns.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (9, 3)


def test_an_address_that_bounces_at_once_gets_nothing_more(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """Its endpoint goes inactive, and the next campaign leaves it out."""

    def answer(message: Any) -> Any:
        is_bounce = message.address == "token-device-1"
        return NotSent("no such address", is_permanent=True, code=400, is_bounce=is_bounce)

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(3)
    campaigns.create()
    campaigns.work()
    states = [campaigns.wire.get(f"device-{number}")["EndpointStatus"] for number in range(3)]
    assert states == ["ACTIVE", "INACTIVE", "ACTIVE"]
    transport.sent.clear()
    campaigns.wire.update("device-1", EndpointStatus="ACTIVE")
    campaigns.create()
    campaigns.work()
    assert [each.address for each in transport.sent] == ["token-device-0", "token-device-2"]


def test_channels_without_a_transport_stay_in_the_outbox(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """There they count as delivered."""
    transport = FakeTransport(lambda _: Sent())
    campaigns = Campaigns(make_wire(transports={"EMAIL": transport}), clock)
    campaigns.people(2)
    campaigns.wire.update("mail", ChannelType="EMAIL", Address="a@example.com")
    campaigns.create(MessageConfiguration={**EMAIL, "DefaultMessage": {"Body": "x"}})
    campaigns.work()
    assert [message.address for message in transport.sent] == ["a@example.com"]
    assert set(campaigns.sends().values()) == {"SUCCESS"}


def test_a_crash_repeats_the_call_that_it_interrupted(
    make_wire: Callable[..., Wire], clock: Clock, file_url: str
) -> None:
    """Messages of that call are sent again with the same ids; nobody else gets one twice."""
    first = FakeTransport(lambda message: crash(message.address))

    def crash(address: str) -> Any:
        if address == "token-device-4":
            raise KilledError
        return Sent()

    campaigns = Campaigns(make_wire(file_url, transports={"PUSH": first}), clock)
    campaigns.people(8)
    campaign = campaigns.create()
    with pytest.raises(KilledError):
        campaigns.work()
    campaigns.wire.engine.close()
    second = FakeTransport(lambda _: Sent())
    campaigns.wire.engine = make_wire(file_url, transports={"PUSH": second}).engine
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    ids = Counter(message.id for message in first.sent + second.sent)
    assert sorted(ids.values()) == [1] * 5 + [2] * 3
    assert len(campaigns.messages()) == 8
    assert set(campaigns.sends().values()) == {"SUCCESS"}


def test_a_transport_that_raises_has_failed(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """What it raises counts as a failure of the messages of that call."""
    campaigns = Campaigns(make_wire(transports={"PUSH": FakeTransport(lambda _: 1 / 0)}), clock)
    campaigns.people(2)
    campaign = campaigns.create()
    campaigns.work()
    assert set(campaigns.sends().values()) == {"TRANSIENT_FAILURE"}
    assert campaigns.activities(campaign)[0]["Result"] == "FAIL"


def test_a_deletion_during_a_call_stays(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """What the transport has taken is kept and counted; the run does not begin again."""

    def answer(message: Any) -> Any:
        if message.address == "token-device-1":
            campaigns.delete(campaign)
        return Sent()

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(7)
    campaign = campaigns.create()
    campaigns.work()
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["SuccessfulEndpointCount"]) == ("CANCELLED", 3)
    assert "End" in activity
    assert len(transport.sent) == 3
    assert Counter(campaigns.sends().values())["SUCCESS"] == 3


def test_who_is_deleted_while_a_message_waits_gets_nothing(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """Nothing is left of the message; the run goes on with the others."""

    def answer(message: Any) -> Any:
        if message.address == "token-device-1":
            campaigns.wire.send("DELETE", f"{campaigns.base}/endpoints/device-5")
        return Sent()

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(7)
    campaign = campaigns.create()
    campaigns.work()
    assert [message.address[-1] for message in transport.sent] == list("012346")
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["SuccessfulEndpointCount"]) == ("COMPLETED", 6)
    assert campaigns.messages()[5]["status"] == "PERMANENT_FAILURE"


def test_a_pause_between_calls_loses_no_message(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """What waits for a transport goes on when the campaign does, without another event."""

    def answer(_: Any) -> Any:
        if len(transport.sent) == transport.most_messages:
            assert campaigns.update(campaign, IsPaused=True).status == 200
        return Sent()

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    people = campaigns.people(7)
    campaign = campaigns.create(Schedule=schedule())
    for endpoint in people:
        put(campaigns, endpoint, "a")
    campaigns.work()
    assert len(transport.sent) == 3
    assert campaigns.update(campaign, IsPaused=False).status == 200
    campaigns.work()
    assert len(transport.sent) == 7
    assert set(campaigns.sends().values()) == {"SUCCESS"}


def test_who_opts_out_while_a_message_waits_gets_nothing(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """Nor does who has gone inactive, and nobody gets what was for another address."""
    transport = FakeTransport(lambda _: Sent())
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    people = campaigns.people(7)
    campaign = campaigns.create(Schedule=schedule())
    for endpoint in people:
        put(campaigns, endpoint, "a")
    while not transport.sent:
        assert campaigns.wire.engine.step()
    assert campaigns.update(campaign, IsPaused=True).status == 200
    campaigns.wire.update("device-3", Address="elsewhere")
    campaigns.wire.update("device-4", EndpointStatus="INACTIVE")
    campaigns.wire.update("device-5", OptOut="ALL")
    assert campaigns.update(campaign, IsPaused=False).status == 200
    campaigns.work()
    assert [message.address[-1] for message in transport.sent] == list("0126")
    found = [message["status"] for message in campaigns.messages()[3:6]]
    assert found == ["PERMANENT_FAILURE", "OPT_OUT", "OPT_OUT"]
    assert Counter(campaigns.sends().values()) == {"SUCCESS": 4, "FAILURE_PERMANENT": 3}


def paused_and_resumed(campaigns: Campaigns, campaign: str, seconds: float) -> None:
    """Pause a campaign, let time go by, and let it go on."""
    assert campaigns.update(campaign, IsPaused=True).status == 200
    campaigns.work(seconds)
    assert campaigns.update(campaign, IsPaused=False).status == 200
    campaigns.work()


def test_who_sleeps_when_the_turn_of_a_message_comes_gets_nothing(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """It was quiet neither when the message was made nor where the others are: QUIET_TIME."""
    transport = FakeTransport(lambda _: Sent())
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    people = campaigns.people(7, Demographic={"Timezone": "Europe/Berlin"})
    campaigns.wire.update("device-4", Demographic={"Timezone": "Asia/Tokyo"})
    campaigns.wire.update("device-5", Demographic={"Timezone": "Europe/Nowhere"})
    # It is 04:04 in Berlin, and 12:04 in Tokyo.
    quiet = {"Start": "05:00", "End": "06:00"}
    campaign = campaigns.create(Schedule=schedule(QuietTime=quiet), Limits={"Total": 1, "Daily": 1})
    for endpoint in people:
        put(campaigns, endpoint, "a")
    while not transport.sent:
        assert campaigns.wire.engine.step()
    paused_and_resumed(campaigns, campaign, 3_600)
    assert [message.address[-1] for message in transport.sent] == list("01245")
    assert [message["status_code"] for message in campaigns.messages()] == [200] * 3 + [400] + [
        200,
        200,
        400,
    ]
    sends = campaigns.sends()
    assert {each for each, status in sends.items() if status == "QUIET_TIME"} == {
        "device-3",
        "device-6",
    }
    assert Counter(sends.values()) == {"SUCCESS": 5, "QUIET_TIME": 2}
    (activity,) = campaigns.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (7, 5)
    campaigns.clock.advance(3_600)
    put(campaigns, "device-3", "b")  # who was targeted once was targeted, as in any quiet time
    campaigns.work()
    assert len(transport.sent) == 5


def test_what_waits_longer_than_the_maximum_duration_expires(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """A slow transport has its time, and those that it has not come to by then get nothing."""

    def answer(_: Any) -> Any:
        clock.advance(20)
        return Sent()

    transport = FakeTransport(answer, most_messages=1)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(7)
    campaign = campaigns.create(Limits={"MaximumDuration": 60})
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert Counter(campaigns.sends().values()) == {"SUCCESS": 4, "EXPIRED": 3}
    assert {m["status_text"] for m in campaigns.messages()[4:]} == {
        "The campaign's MaximumDuration was over"
    }
    assert len(transport.sent) == 4


def of_two_zones(
    make_wire: Callable[..., Wire], clock: Clock, **members: Any
) -> tuple[Campaigns, FakeTransport]:
    """Return campaigns with one of local time: at noon, which it is in Tokyo in a minute."""
    transport = FakeTransport(lambda _: Sent())
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    for endpoint, zone in {"tokyo": "Asia/Tokyo", "berlin": "Europe/Berlin"}.items():
        campaigns.wire.update(
            endpoint, ChannelType="GCM", Address=endpoint, Demographic={"Timezone": zone}
        )
    clock.now = dt.datetime(2026, 1, 2, 2, 59, tzinfo=dt.timezone.utc)
    campaigns.create(Schedule={"StartTime": "2026-01-02T12:00:00Z", "IsLocalTime": True}, **members)
    campaigns.work()
    return campaigns, transport


def test_a_wave_does_not_wait_for_the_next_one(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """Its last messages go to the transport at once, and not at the hour of the next zone."""
    campaigns, transport = of_two_zones(make_wire, clock)
    campaigns.work(60)
    assert [message.address for message in transport.sent] == ["tokyo"]
    assert campaigns.wire.engine.wait_s() is not None
    clock.now = dt.datetime(2026, 1, 2, 11, 0, tzinfo=dt.timezone.utc)
    campaigns.work()
    assert [message.address for message in transport.sent] == ["tokyo", "berlin"]
    assert set(campaigns.sends().values()) == {"SUCCESS"}


def test_each_wave_has_its_own_maximum_duration(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """What waits counts from its own wave, also when the run has gone on to the next one."""
    campaigns, _ = of_two_zones(make_wire, clock, Limits={"MaximumDuration": 60})
    campaigns.clock.advance(60)
    while not campaigns.messages():
        assert campaigns.wire.engine.step()
    campaigns.work(61)
    assert campaigns.sends() == {"tokyo": "EXPIRED"}
    clock.now = dt.datetime(2026, 1, 2, 11, 0, tzinfo=dt.timezone.utc)
    campaigns.work()
    assert campaigns.sends() == {"tokyo": "EXPIRED", "berlin": "SUCCESS"}


def test_an_event_has_its_maximum_duration_while_its_message_waits(
    make_wire: Callable[..., Wire], clock: Clock, file_url: str
) -> None:
    """It counts from the event, in the next process, too."""
    transport = FakeTransport(lambda _: Sent(), most_messages=1)
    campaigns = Campaigns(make_wire(file_url, transports={"PUSH": transport}), clock)
    people = campaigns.people(3)
    campaigns.create(Schedule=schedule(), Limits={"MaximumDuration": 60})
    campaigns.work()
    put(campaigns, people[0], "a")
    put(campaigns, people[1], "b")
    clock.advance(30)
    put(campaigns, people[2], "c")
    while not transport.sent:
        assert campaigns.wire.engine.step()
    campaigns.wire.engine.close()
    clock.advance(45)
    campaigns.wire.engine = make_wire(file_url, transports={"PUSH": transport}).engine
    campaigns.work()
    assert campaigns.sends() == {
        "device-0": "SUCCESS",
        "device-1": "EXPIRED",
        "device-2": "SUCCESS",
    }


def test_who_takes_over_an_address_gets_what_was_kept_back(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """The endpoint that had it is inactive by that, and stands for the address no more."""

    def answer(_: Any) -> Any:
        if len(transport.sent) == 1:
            campaigns.wire.update("device-250", Address="token-device-5")
        return Sent()

    transport = FakeTransport(answer, most_messages=1)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(251)
    campaigns.create()
    campaigns.work()
    addresses = [message.address for message in transport.sent]
    assert addresses[0] == "token-device-0"
    assert addresses[-1] == "token-device-5"
    assert len(set(addresses)) == len(addresses) == 250
