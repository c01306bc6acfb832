"""Opt-outs against a model: whatever happens in whatever order, who gets a message is as expected.

The model is a set of addresses in their plain form on each channel, and what endpoints say of
themselves. It knows nothing of tables, numbers and looks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pinpoint_kit.engine import Engine
from tests.engine.conftest import Wire
from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from collections.abc import Callable

#: Each address in some spellings that can be sent to; the first one is the plain one.
SPELLINGS = {
    "EMAIL": (("ann@example.com", "Ann@Example.com"), ("bob@example.com", "BOB@example.com")),
    "SMS": (("+12065550100", "12065550100"), ("+12065550101", "12065550101")),
}
CONTACTS = [(channel, names) for channel, all_of in SPELLINGS.items() for names in all_of]
ENDPOINTS = ("device-0", "device-1", "device-2")
WHO = st.sampled_from(CONTACTS)
HOW = st.integers(0, 1)
WHICH = st.sampled_from(ENDPOINTS)
OUTCOMES = st.sampled_from(["opted_out", "complained", "bounced", "soft", "delivered"])


@attrs.define
class Device:
    """What an endpoint says of itself."""

    channel: str
    address: str
    plain: str
    status: str = "ACTIVE"
    opt_out: str = "NONE"

    @property
    def is_willing(self) -> bool:
        """Whether it wants messages itself."""
        return (self.status, self.opt_out) == ("ACTIVE", "NONE")


class Machine(RuleBasedStateMachine):
    """Sends, reports, adds, lifts, erases, and compares each result."""

    open_url: Callable[[], str]

    def __init__(self) -> None:
        super().__init__()
        self.sender = Sender(Wire(Engine.open(type(self).open_url())))
        self.sender.enable("email", "sms")
        self.opted_out: set[tuple[str, str]] = set()
        self.devices: dict[str, Device] = {}
        #: Messages to endpoints that are in the outbox with their address: of which, and to whom.
        self.sent: list[tuple[str, Device]] = []

    def teardown(self) -> None:
        """Close the engine."""
        self.sender.wire.engine.close()

    @rule(who=WHO, how=HOW, outcome=OUTCOMES)
    def send_to_an_address(self, who: Any, how: int, outcome: str) -> None:
        """Send, and report of what was sent."""
        channel, names = who
        result = self.sender.result(names[how], channel)
        is_out = (channel, names[0]) in self.opted_out
        assert result["DeliveryStatus"] == ("OPT_OUT" if is_out else "SUCCESSFUL")
        if not is_out:
            concerned = [
                each
                for each in self.devices.values()
                if (each.channel, each.address) == (channel, names[how])
            ]
            self._report(result["MessageId"], channel, names[0], concerned, outcome)

    @rule(which=WHICH, outcome=OUTCOMES)
    def send_to_an_endpoint(self, which: str, outcome: str) -> None:
        """Send to an endpoint, by its id."""
        result = self.sender.endpoint_result(which)
        device = self.devices.get(which)
        if device is None:
            assert result["DeliveryStatus"] == "PERMANENT_FAILURE"
            return
        is_out = (device.channel, device.plain) in self.opted_out or not device.is_willing
        assert result["DeliveryStatus"] == ("OPT_OUT" if is_out else "SUCCESSFUL")
        if not is_out:
            self.sent.append((which, attrs.evolve(device)))
            self._report(result["MessageId"], device.channel, device.plain, [device], outcome)

    @rule()
    def send_a_password(self) -> None:
        """To the first number."""
        channel, names = CONTACTS[2]
        result = self.sender.otp(DestinationIdentity=names[1]).json["Result"][names[1]]
        is_out = (channel, names[0]) in self.opted_out
        assert result["DeliveryStatus"] == ("OPT_OUT" if is_out else "SUCCESSFUL")

    @rule(which=WHICH, who=WHO, how=HOW)
    def update(self, which: str, who: Any, how: int) -> None:
        """Make an endpoint, or give it an address: it is active, and others with it are not."""
        channel, names = who
        self.sender.wire.update(which, ChannelType=channel, Address=names[how], OptOut="NONE")
        for device in self.devices.values():
            if (device.channel, device.address) == (channel, names[how]):
                device.status = "INACTIVE"
        self.devices[which] = Device(channel, names[how], names[0])

    @rule(which=WHICH)
    def delete(self, which: str) -> None:
        """Delete an endpoint, which lifts nothing."""
        self.sender.wire.send("DELETE", self.sender.wire.endpoint_path(which))
        self._forget(which)

    @rule(who=WHO, how=HOW)
    def add(self, who: Any, how: int) -> None:
        """Add an opt-out."""
        channel, names = who
        is_new = (channel, names[0]) not in self.opted_out
        assert self._ask("", channel, names[how]) == is_new
        self.opted_out.add((channel, names[0]))

    @rule(who=WHO, how=HOW)
    def lift(self, who: Any, how: int) -> None:
        """Lift an opt-out."""
        channel, names = who
        assert self._ask("/remove", channel, names[how]) == ((channel, names[0]) in self.opted_out)
        self.opted_out.discard((channel, names[0]))

    @rule(who=WHO, how=HOW)
    def erase_an_address(self, who: Any, how: int) -> None:
        """Erase whoever has an address, however it is spelt: its opt-outs go, and past ones."""
        channel, names = who
        answer = self._erase(Address=names[how])
        gone = {name for name, each in self.devices.items() if each.plain == names[0]}
        left = {each.address for name, each in self.devices.items() if name not in gone}
        past = [each for name, each in self.sent if name in gone and each.address not in left]
        lost = {(channel, names[0]), *((each.channel, each.plain) for each in past)}
        assert answer["OptOuts"] == len(lost & self.opted_out)
        self.opted_out -= lost
        for name in gone:
            self._forget(name)
        self.sent = [each for each in self.sent if each[1].plain != names[0]]

    @rule()
    def clear(self) -> None:
        """Clear the outbox, which lifts nothing."""
        self.sender.ask("clear", {})
        self.sent.clear()

    @invariant()
    def the_list_is_the_models(self) -> None:
        """Each once."""
        path = f"/pinpoint-kit/v1/apps/{self.sender.wire.app}/opt-outs/find"
        found = self.sender.wire.post(path, {}).json["Item"]
        listed = [(each["ChannelType"], each["Address"]) for each in found]
        assert len(listed) == len(self.opted_out)
        assert set(listed) == self.opted_out

    def _forget(self, which: str) -> None:
        self.devices.pop(which, None)
        self.sent = [each for each in self.sent if each[0] != which]

    def _report(
        self, message_id: str, channel: str, plain: str, concerned: list[Device], outcome: str
    ) -> None:
        soft = {"BounceType": "Transient"} if outcome == "soft" else {}
        kind = "bounced" if outcome == "soft" else outcome
        assert self.sender.report(message_id, kind, **soft).status == 200
        if outcome in {"soft", "delivered"}:
            return
        self.opted_out.add((channel, plain))
        for device in concerned:
            if outcome == "opted_out":
                device.opt_out = "ALL"
            else:
                device.status = "INACTIVE"

    def _ask(self, path: str, channel: str, address: str) -> int:
        at = f"/pinpoint-kit/v1/apps/{self.sender.wire.app}/opt-outs{path}"
        answer = self.sender.wire.post(at, {"Channel": channel, "Addresses": [address]})
        count: int = answer.json["OptOuts"]
        return count

    def _erase(self, **whom: str) -> Any:
        path = f"/pinpoint-kit/v1/apps/{self.sender.wire.app}/erasures"
        return self.sender.wire.post(path, whom).json


def _run(databases: Callable[[], str], examples: int, steps: int) -> None:
    class OnDatabase(Machine):
        open_url = staticmethod(databases)

    hypothesis.stateful.run_state_machine_as_test(
        OnDatabase,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_opt_outs_do_what_a_model_expects(databases: Callable[[], str]) -> None:
    """Messages, passwords, reports, endpoints, erasures, opt-outs that are added and lifted."""
    _run(databases, examples=12, steps=25)


@pytest.mark.slow
@pytest.mark.sqlite_only("the same on PostgreSQL takes minutes")
def test_opt_outs_do_what_a_model_expects_for_long(databases: Callable[[], str]) -> None:
    """The same, many times."""
    _run(databases, examples=300, steps=60)
