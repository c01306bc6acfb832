"""`pinpoint-kit message` and `pinpoint-kit outbox`: from sending to what became of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pinpoint_kit.testing import FaultyPinpoint
    from tests.cli.conftest import Run


@pytest.fixture
def run(run: Run) -> Run:
    """Give the command line, with e-mail and SMS on."""
    assert run("message", "enable", "EMAIL", "--from", "shop@example.com").status == 0
    assert run("message", "enable", "sms", "--json").value == {"Channel": "SMS"}
    return run


def send(run: Run, address: str = "ann@example.com", channel: str = "EMAIL") -> str:
    """Send to an address, and return the message's id."""
    to = ("--to", address, "--channel", channel)
    sent = run("message", "send", *to, "--subject", "Hello", "--body", "Order {{n}}", "--json",
               "--set", "n=7")  # fmt: skip
    assert sent.status == 0, sent.stderr
    message_id: str = sent.value["Item"][0]["MessageId"]
    return message_id


def test_sending_and_reading(run: Run) -> None:
    """The text is rendered, and shown as its recipient sees it."""
    message_id = send(run)
    shown = run("outbox", "show", message_id)
    assert "ann@example.com" in shown.stdout
    assert "\nBody\nOrder 7\n" in shown.stdout
    listed = run("outbox", "list", "--csv", "--address", "ann@example.com")
    assert listed.stdout.splitlines()[0] == "Id,Time,Channel,Address,Title,Text,Status,Outcomes"
    assert listed.stdout.splitlines()[1].startswith(message_id)
    [item] = run("outbox", "list", "--json").value["Item"]
    assert (item["Title"], item["Body"]) == ("Hello", "Order 7")
    waited = run("outbox", "wait", "--channel", "email", "--timeout", "0", "--json")
    assert waited.value["Id"] == message_id


def test_it_is_said_that_nothing_has_left(run: Run, faulty_pinpoint: FaultyPinpoint) -> None:
    """A command has no transport; what a server does with a message, it does not know."""
    sent = ("message", "send", "--to", "ann@example.com", "--channel", "EMAIL", "--body", "b")
    assert "`pinpoint-kit outbox list` shows it" in run(*sent).stderr
    assert run(*sent, "--json").stderr == ""
    nobody = run("message", "send", "--to", "nonsense", "--channel", "SMS", "--body", "b")
    assert "outbox" not in nobody.stderr
    place = ("--url", faulty_pinpoint.url, "--application", "shop")
    assert run("message", "enable", "EMAIL", "--from", "s@example.com", *place).status == 0
    assert run(*sent, *place).stderr == ""


def test_who_gets_nothing(run: Run) -> None:
    """Exit status 1, with the reason."""
    sent = run("message", "send", "--to", "nonsense", "--channel", "SMS", "--body", "b")
    assert (sent.status, "1 of 1 get nothing" in sent.stderr) == (1, True)
    assert "PERMANENT_FAILURE" in sent.stdout
    users = run("message", "send", "--user", "nobody", "--body", "b")
    assert (users.status, users.stdout) == (0, "nobody has an endpoint\n")
    endpoint = run("message", "send", "--endpoint", "nobody", "--html", "<p>", "--json")
    assert endpoint.status == 1
    assert endpoint.value["Item"][0]["EndpointId"] == "nobody"


@pytest.mark.parametrize(
    "options",
    [
        ("--body", "b"),
        ("--to", "a@example.com", "--body", "b"),
        ("--to", "a@example.com", "--channel", "EMAIL"),
        ("--user", "u", "--endpoint", "e", "--body", "b"),
        ("--endpoint", "e", "--template", "mail=x"),
        ("--endpoint", "e", "--template", "x"),
    ],
)
def test_options_that_do_not_fit(run: Run, options: tuple[str, ...]) -> None:
    """Exit status 2, and nothing is sent."""
    assert run("message", "send", *options).status == 2
    assert run("outbox", "list").stdout == "the outbox is empty\n"


def test_reporting_and_clearing(run: Run) -> None:
    """A report shows the message; clearing counts."""
    message_id = send(run)
    run("outbox", "report", message_id, "delivered")
    reported = run("outbox", "report", message_id, "clicked", "--link", "https://example.com/")
    assert "  clicked\n" in reported.stdout
    bounced = run("outbox", "report", message_id, "bounced", "--transient", "--json").value
    assert bounced["Reports"][-1]["BounceType"] == "Transient"
    assert run("outbox", "report", message_id, "lost").status == 2
    run("message", "enable", "SMS")
    refused = run("outbox", "report", send(run, "+12065550100", "SMS"), "opened")
    assert refused.status == 1
    assert "use one of delivered, bounced, clicked, complained, opted_out" in refused.stderr
    assert run("outbox", "show", "none").status == 1
    assert run("outbox", "clear").status == 2
    assert run("outbox", "clear", "--yes", "--json").value == {"Messages": 2}
    assert run("outbox", "wait", "--timeout", "0").status == 3


def test_codes(run: Run) -> None:
    """From the SMS to the check."""
    sent = run("message", "otp", "+12065550100", "--brand", "Shop", "--reference", "r",
               "--from", "+12065550199")  # fmt: skip
    assert sent.status == 0
    [message] = run("outbox", "list", "--kind", "otp", "--json").value["Item"]
    lines = run("outbox", "show", message["Id"]).stdout.splitlines()
    assert ["OriginationNumber", "+12065550199"] in [line.split() for line in lines]
    code = message["Otp"]
    wrong = run("message", "verify-otp", "+12065550100", "000", "--reference", "r")
    assert (wrong.status, wrong.stdout) == (1, "not valid\n")
    right = run("message", "verify-otp", "+12065550100", code, "--reference", "r", "--json")
    assert (right.status, right.value) == (0, {"Valid": True})


def test_telephone_numbers(run: Run) -> None:
    """What is known of one; exit status 1 for what is none."""
    found = run("message", "validate-phone", "015112345678", "--country", "DE", "--json")
    assert found.value["CleansedPhoneNumberE164"] == "+4915112345678"
    lines = run("message", "validate-phone", "+12065550142").stdout.splitlines()
    assert all("  " in line for line in lines)
    assert ["CleansedPhoneNumberNational", "2065550142"] in [line.split() for line in lines]
    none = run("message", "validate-phone", "nonsense")
    assert none.status == 1
    assert "INVALID" in none.stdout
    assert json.loads(run("message", "validate-phone", "x", "--json").stdout)["PhoneTypeCode"] == 3


def test_channels(run: Run) -> None:
    """Push channels need keys from a file; a channel that is off says how it is turned on."""
    refused = run("message", "enable", "gcm")
    assert (refused.status, "GCM needs --keys FILE" in refused.stderr) == (2, True)
    wrong = run("message", "enable", "GCM", "--keys", "-", stdin='{"ApiKey": 17}')
    assert (wrong.status, "17" in wrong.stderr) == (2, False)
    on = run("message", "enable", "GCM", "--keys", "-", stdin='{"ApiKey": "secret"}')
    assert (on.status, on.stdout) == (0, "enabled GCM\n")
    assert run("message", "channels", "--csv").stdout.splitlines() == [
        "Channel,Enabled",
        "EMAIL,yes",
        "GCM,yes",
        "SMS,yes",
    ]
    assert run("message", "disable", "sms").stdout == "disabled SMS\n"
    sent = run(
        "message", "send", "--to", "+12065550100", "--channel", "SMS", "--body", "b", "--json"
    )
    assert "run `pinpoint-kit message enable SMS`" in sent.value["Item"][0]["StatusMessage"]
