"""Campaigns send nothing to addresses that have opted out, whatever their endpoints say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.campaigns.running import storing
from pinpoint_kit.engine.messages.opt_outs import store
from pinpoint_kit.records.message import Sent
from tests.engine.campaigns.conftest import Campaigns, FakeHook, FakeTransport
from tests.engine.campaigns.test_triggers import put, schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire


def opt_out(campaigns: Campaigns, *numbers: int) -> None:
    """Have the tokens of some people opt out."""
    given = {"Channel": "GCM", "Addresses": [f"token-device-{each}" for each in numbers]}
    path = f"/pinpoint-kit{campaigns.base}/opt-outs"
    assert campaigns.wire.post(path, given).json == {"OptOuts": len(numbers)}


def lift(campaigns: Campaigns, number: int) -> None:
    """Lift one of them."""
    given = {"Channel": "GCM", "Addresses": [f"token-device-{number}"]}
    path = f"/pinpoint-kit{campaigns.base}/opt-outs/remove"
    assert campaigns.wire.post(path, given).json == {"OptOuts": 1}


def test_a_campaign_leaves_them_out(campaigns: Campaigns) -> None:
    """They count as endpoints that have opted out, and nothing is stored of them."""
    campaigns.people(5)
    opt_out(campaigns, 1, 3)
    campaign = campaigns.create()
    campaigns.work()
    assert campaigns.addressees() == ["device-0", "device-2", "device-4"]
    assert campaigns.metrics(campaign)["ENDPOINT_OPT_OUT"] == 2
    assert campaigns.sends().keys() == {"device-0", "device-2", "device-4"}
    (activity,) = campaigns.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (3, 3)
    lift(campaigns, 3)
    campaigns.create()
    campaigns.work()
    assert campaigns.addressees()[3:] == ["device-0", "device-2", "device-3", "device-4"]


def test_a_report_of_a_campaign_keeps_the_next_one_back(campaigns: Campaigns) -> None:
    """Also where the endpoint was deleted and made anew meanwhile, or says that it is willing."""
    campaigns.people(3)
    campaigns.create()
    campaigns.work()
    for number, outcome in ((0, "opted_out"), (1, "bounced")):
        message_id = campaigns.messages()[number]["id"]
        path = f"/pinpoint-kit{campaigns.base}/messages/{message_id}/outcomes"
        assert campaigns.wire.post(path, {"Outcome": outcome}).status == 200
    campaigns.wire.send("DELETE", campaigns.wire.endpoint_path("device-0"))
    campaigns.people(3, OptOut="NONE", EndpointStatus="ACTIVE")
    campaign = campaigns.create()
    campaigns.work()
    assert campaigns.addressees()[3:] == ["device-2"]
    assert campaigns.metrics(campaign)["ENDPOINT_OPT_OUT"] == 2


def test_a_campaign_of_events_leaves_them_out(campaigns: Campaigns) -> None:
    """As one that goes by the clock does."""
    campaigns.people(2)
    opt_out(campaigns, 0)
    campaigns.create(Schedule=schedule())
    for endpoint in ("device-0", "device-1"):
        put(campaigns, endpoint, "a")
    campaigns.work()
    assert campaigns.addressees() == ["device-1"]


@pytest.mark.parametrize("mode", ["FILTER", "DELIVERY"])
def test_functions_never_see_them(make_wire: Callable[..., Wire], clock: Clock, mode: str) -> None:
    """One that delivers would send to them."""
    hook = FakeHook(lambda event: event["Endpoints"])
    campaigns = Campaigns(make_wire(hooks={"f": hook}), clock)
    campaigns.people(3)
    opt_out(campaigns, 1)
    campaigns.create(Hook={"LambdaFunctionName": "f", "Mode": mode})
    campaigns.work()
    (call,) = hook.calls
    assert call["Endpoints"].keys() == {"device-0", "device-2"}


def test_an_opt_out_while_a_step_is_made(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is seen in the transaction that would store the message."""
    keep = storing.Kept.of
    late = [2]

    def slowly(*arguments: Any) -> storing.Kept:
        if late:
            opt_out(campaigns, late.pop())
        return keep(*arguments)

    campaigns.people(4)
    opt_out(campaigns, 0)
    campaign = campaigns.create()
    monkeypatch.setattr(storing.Kept, "of", slowly)
    campaigns.work()
    assert late == []
    assert campaigns.addressees() == ["device-1", "device-3"]
    assert campaigns.metrics(campaign)["ENDPOINT_OPT_OUT"] == 2


def test_an_opt_out_while_a_message_waits_for_a_transport(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """Consent is what it is when a message leaves."""

    def answer(message: Any) -> Any:
        if message.address == "token-device-1":
            opt_out(campaigns, 4)
        return Sent()

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    campaigns.people(6)
    campaigns.create()
    campaigns.work()
    assert [message.address[-1] for message in transport.sent] == list("01235")
    kept = campaigns.messages()[4]
    assert (kept["status"], kept["status_code"]) == ("OPT_OUT", 200)
    assert "among the opt-outs" in kept["status_text"]
    assert campaigns.sends()["device-4"] == "FAILURE_PERMANENT"


@pytest.mark.parametrize("opted_out", [0, 1])
def test_a_step_asks_once(
    campaigns: Campaigns, monkeypatch: pytest.MonkeyPatch, opted_out: int
) -> None:
    """For all of its endpoints; and for none, while nobody has opted out."""
    asked: list[int] = []
    rows = type(store._BY_ADDRESS).rows

    def counted(lookup: Any, connection: Any, app: int, values: Any) -> Any:
        if lookup is store._BY_ADDRESS:
            asked.append(len(values))
        return rows(lookup, connection, app, values)

    campaigns.people(450)
    if opted_out:
        opt_out(campaigns, *range(opted_out))
    campaigns.create()
    monkeypatch.setattr(type(store._BY_ADDRESS), "rows", counted)
    campaigns.work()
    assert sum(asked) == 450 * opted_out
    assert len(asked) <= 15  # steps are of 32 at least
    assert len(campaigns.addressees()) == 450 - opted_out
