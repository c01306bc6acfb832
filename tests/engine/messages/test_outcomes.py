"""Reports of what became of messages: what they keep, what they do to endpoints, simulators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Clock
    from tests.engine.messages.kit import Sender

ALL = ("delivered", "bounced", "opened", "clicked", "complained", "opted_out")


def message_to(sender: Sender, endpoint_id: str = "device-1") -> str:
    """Send to an endpoint of the address ann@example.com, and return the message's id."""
    sender.wire.update(endpoint_id, Address="ann@example.com", ChannelType="EMAIL")
    message_id: str = sender.endpoint_result(endpoint_id)["MessageId"]
    return message_id


def state(sender: Sender, endpoint_id: str = "device-1") -> tuple[str, str]:
    """Return the status and the opt-out of an endpoint."""
    found = sender.wire.get(endpoint_id)
    return found["EndpointStatus"], found["OptOut"]


def test_reports_are_kept_in_their_order(sender: Sender, clock: Clock) -> None:
    """Each outcome once in the list, and every report with its time and detail."""
    message_id = message_to(sender)
    for outcome in ("delivered", "opened", "opened"):
        assert sender.report(message_id, outcome, UserAgent="Mail/1").status == 200
        clock.advance(1)
    answer = sender.report(message_id, "clicked", Link="https://example.com/", IpAddress="::1")
    assert answer.json["Outcomes"] == ["delivered", "opened", "clicked"]
    assert answer.json["Reports"][1:] == [
        {"Outcome": "opened", "Date": "2026-01-02T03:04:06.678Z", "UserAgent": "Mail/1"},
        {"Outcome": "opened", "Date": "2026-01-02T03:04:07.678Z", "UserAgent": "Mail/1"},
        {
            "Outcome": "clicked",
            "Date": "2026-01-02T03:04:08.678Z",
            "Link": "https://example.com/",
            "IpAddress": "::1",
        },
    ]
    assert sender.outbox()[0]["Outcomes"] == ["delivered", "opened", "clicked"]
    assert "Reports" not in sender.outbox()[0]


def test_what_happens_once_is_kept_once(sender: Sender) -> None:
    """A second report of a delivery changes nothing."""
    message_id = message_to(sender)
    for _ in range(2):
        answer = sender.report(message_id, "delivered")
    assert len(answer.json["Reports"]) == 1


def test_a_permanent_bounce_counts_after_others(sender: Sender) -> None:
    """A mailbox that was full can be gone later."""
    message_id = message_to(sender)
    sender.report(message_id, "bounced", BounceType="Transient")
    sender.report(message_id, "bounced", BounceType="Transient")
    assert state(sender) == ("ACTIVE", "NONE")
    for _ in range(2):
        answer = sender.report(message_id, "bounced")
    assert [report["BounceType"] for report in answer.json["Reports"]] == ["Transient", "Permanent"]
    assert answer.json["Outcomes"] == ["bounced"]
    assert state(sender) == ("INACTIVE", "NONE")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [("bounced", ("ACTIVE", "NONE")), ("opted_out", ("ACTIVE", "ALL"))],
)
def test_a_report_of_an_earlier_address(
    sender: Sender, outcome: str, expected: tuple[str, str]
) -> None:
    """That it is dead says nothing of the new one; who opts out is the person."""
    message_id = message_to(sender)
    sender.wire.update("device-1", Address="new@example.com")
    sender.report(message_id, outcome)
    assert state(sender) == expected


@pytest.mark.parametrize(
    ("outcome", "members", "expected"),
    [
        ("delivered", {}, ("ACTIVE", "NONE")),
        ("opened", {}, ("ACTIVE", "NONE")),
        ("clicked", {"Link": "x"}, ("ACTIVE", "NONE")),
        ("bounced", {"BounceType": "Transient"}, ("ACTIVE", "NONE")),
        ("bounced", {}, ("INACTIVE", "NONE")),
        ("complained", {}, ("INACTIVE", "NONE")),
        ("opted_out", {}, ("ACTIVE", "ALL")),
    ],
)
def test_what_an_outcome_does_to_the_endpoint(
    sender: Sender, outcome: str, members: dict[str, str], expected: tuple[str, str]
) -> None:
    """A hard bounce and a complaint make it inactive, an opt-out is one of everything."""
    message_id = message_to(sender)
    sender.report(message_id, outcome, **members)
    assert state(sender) == expected
    answer = sender.endpoint_result("device-1")["DeliveryStatus"]
    assert answer == ("SUCCESSFUL" if expected == ("ACTIVE", "NONE") else "OPT_OUT")


def test_an_opt_out_keeps_an_endpoint_inactive(sender: Sender) -> None:
    """An update without a status would make it active."""
    message_id = message_to(sender)
    sender.report(message_id, "bounced")
    sender.report(message_id, "opted_out")
    assert state(sender) == ("INACTIVE", "ALL")


def test_a_message_to_an_address_concerns_its_endpoints(sender: Sender) -> None:
    """All that have it on that channel, and no others."""
    for name, channel in (("mail", "EMAIL"), ("other", "CUSTOM")):
        sender.wire.update(name, Address="ann@example.com", ChannelType=channel)
    message_id = sender.result("ann@example.com")["MessageId"]
    sender.report(message_id, "opted_out")
    assert state(sender, "mail") == ("ACTIVE", "ALL")
    assert state(sender, "other") == ("ACTIVE", "NONE")


def test_an_endpoint_that_is_gone(sender: Sender) -> None:
    """Its message is nobody's any more; a report of it is kept, and makes no endpoint."""
    message_id = message_to(sender)
    sender.wire.send("DELETE", sender.wire.endpoint_path("device-1"))
    assert sender.report(message_id, "bounced").json["Outcomes"] == ["bounced"]
    assert sender.wire.send("GET", sender.wire.endpoint_path("device-1")).status == 404


@pytest.mark.parametrize(
    ("address", "channel", "outcomes"),
    [
        ("success@simulator.amazonses.com", "EMAIL", ["delivered"]),
        ("Bounce+x@Simulator.AmazonSES.com", "EMAIL", ["bounced"]),
        ("complaint@simulator.amazonses.com", "EMAIL", ["delivered", "complained"]),
        ("ooto@simulator.amazonses.com", "EMAIL", ["delivered"]),
        ("suppressionlist@simulator.amazonses.com", "EMAIL", ["bounced"]),
        ("other@simulator.amazonses.com", "EMAIL", []),
        ("bounce@example.com", "EMAIL", []),
        ("+14254147755", "SMS", ["delivered"]),
        ("14254147167", "SMS", ["bounced"]),
        ("+447860019067", "SMS", ["bounced"]),
        ("+12065550100", "SMS", []),
    ],
)
def test_simulators_report_at_once(
    sender: Sender, address: str, channel: str, outcomes: list[str]
) -> None:
    """The message itself was taken, as the service has it."""
    assert sender.result(address, channel)["DeliveryStatus"] == "SUCCESSFUL"
    assert sender.outbox()[-1]["Outcomes"] == outcomes


def test_a_simulator_that_bounces_makes_its_endpoint_inactive(sender: Sender) -> None:
    """Within the request that sends."""
    sender.wire.update("device-1", Address="bounce@simulator.amazonses.com", ChannelType="EMAIL")
    sender.endpoint_result("device-1")
    assert state(sender) == ("INACTIVE", "NONE")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"Outcome": "lost"},
        {"Outcome": 1},
        {"Outcome": "clicked"},
        {"Outcome": "bounced", "BounceType": "Soft"},
        {"Outcome": "opened", "UserAgent": "x" * 4_097},
        {"Outcome": "opened", "Other": 1},
    ],
)
def test_reports_that_are_refused(sender: Sender, body: dict[str, Any]) -> None:
    """400, and nothing is kept."""
    message_id = message_to(sender)
    assert sender.ask(f"{message_id}/outcomes", body).status == 400
    assert sender.outbox()[0]["Outcomes"] == []


@pytest.mark.parametrize(
    ("channel", "address", "impossible"),
    [
        ("EMAIL", "ann@example.com", set()),
        ("SMS", "+15555550100", {"opened"}),
        ("VOICE", "+15555550100", {"opened", "clicked"}),
        ("GCM", "token", {"complained"}),
        ("ADM", "token", {"complained"}),
    ],
)
def test_what_cannot_become_of_a_message_is_refused(
    sender: Sender, channel: str, address: str, impossible: set[str]
) -> None:
    """The error names what can; nothing is kept of the report, and nothing happens to anybody."""
    sender.wire.update("device-1", Address=address, ChannelType=channel)
    message_id = sender.endpoint_result("device-1")["MessageId"]
    possible = [outcome for outcome in ALL if outcome not in impossible]
    for outcome in impossible:
        refused = sender.report(message_id, outcome, Link="https://example.com/")
        assert refused.status == 400
        assert f"{outcome} cannot be reported of a message of {channel}" in refused.message
        assert f"use one of {', '.join(possible)}" in refused.message
    assert sender.outbox()[0]["Outcomes"] == []
    assert state(sender) == ("ACTIVE", "NONE")
    for outcome in possible:
        assert sender.report(message_id, outcome, Link="https://example.com/").status == 200


def test_a_message_that_is_not_there(sender: Sender) -> None:
    """404, for reading and for reporting; another application's is not there either."""
    message_id = message_to(sender)
    other = sender.wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    base = f"/pinpoint-kit/v1/apps/{other}/messages/{message_id}"
    assert sender.wire.send("GET", base).status == 404
    assert sender.wire.post(f"{base}/outcomes", {"Outcome": "opened"}).status == 404
    assert sender.report("0" * 40, "opened").status == 404
    here = f"/pinpoint-kit/v1/apps/{sender.wire.app}/messages/{message_id}"
    assert sender.wire.send("GET", here).json["Id"] == message_id


def test_filters_and_clearing(sender: Sender, clock: Clock) -> None:
    """Both take the same conditions."""
    message_to(sender)
    clock.advance(60)
    sender.result("+12065550100", "SMS")
    sender.otp()
    assert len(sender.outbox()) == 3
    assert len(sender.outbox(Address="ann@example.com")) == 1
    assert len(sender.outbox(Channel="SMS")) == 2
    assert len(sender.outbox(Kind="otp")) == 1
    assert len(sender.outbox(EndpointId="DEVICE-1")) == 1
    assert len(sender.outbox(Since="2026-01-02T03:05:00Z")) == 2
    assert len(sender.outbox(Until="2026-01-02T03:05:00Z")) == 1
    assert len(sender.outbox(Until="2026-01-02T03:05:05.678Z")) == 1
    assert sender.outbox(Address="ANN@example.com") == []
    for asked in ({"Channel": "PIGEON"}, {"Kind": "x"}, {"Since": "now"}, {"Other": 1}):
        assert sender.ask("find", asked).status == 400
        assert sender.ask("clear", asked).status == 400
    assert sender.ask("find", {"Campaign": "none"}).status == 404
    assert sender.ask("clear", {"Channel": "SMS"}).json == {"Messages": 2}
    assert sender.ask("clear", {}).json == {"Messages": 1}
    assert sender.outbox() == []
    assert sender.wire.rows("SELECT * FROM message_outcomes") == []
