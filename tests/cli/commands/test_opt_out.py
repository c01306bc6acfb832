"""`pinpoint-kit opt-out`: addresses that get nothing are listed, added and lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.conftest import Run

NUMBER = "+12065550100"


@pytest.fixture
def run(run: Run) -> Run:
    """Give the command line, with SMS on."""
    assert run("message", "enable", "sms").status == 0
    return run


def send(run: Run) -> int:
    """Send to the number, and return the exit status."""
    return run("message", "send", "--to", NUMBER, "--channel", "SMS", "--body", "Hello").status


def test_a_report_is_listed_and_lifted(run: Run) -> None:
    """The next message is refused, and sent once that is lifted."""
    assert send(run) == 0
    message_id = run("outbox", "list", "--json").value["Item"][0]["Id"]
    assert run("outbox", "report", message_id, "opted_out").status == 0
    assert send(run) == 1
    listed = run("opt-out", "list", "--csv").stdout.splitlines()
    assert listed[0] == "Address,Channel,Reason,Since"
    assert listed[1].startswith(f"{NUMBER},SMS,opted_out,")
    lifted = run("opt-out", "remove", "1 206 555 0100", "--channel", "sms")
    assert lifted.stdout == "lifted 1 opt-out(s)\n"
    assert send(run) == 0
    assert run("opt-out", "list").stdout == "no address has opted out\n"


def test_many_are_read_from_stdin(run: Run) -> None:
    """One a line; blank lines are none."""
    lines = f"{NUMBER}\n\n +12065550101 \n"
    command = ("opt-out", "add", "-", "--channel", "SMS", "--reason", "bounced", "--json")
    added = run(*command, stdin=lines)
    assert added.value == {"OptOuts": 2}
    assert send(run) == 1
    items = run("opt-out", "list", "--reason", "bounced", "--limit", "1", "--json").value["Item"]
    assert [item["Address"] for item in items] == [NUMBER]
    assert run("opt-out", "list", "--address", NUMBER, "--channel", "VOICE").stdout == (
        "no address has opted out\n"
    )
    gone = run("opt-out", "remove", NUMBER, "+12065550101", "--channel", "SMS", "--json")
    assert gone.value == {"OptOuts": 2}


def test_what_is_no_address_is_refused(run: Run) -> None:
    """With the place, and without the address."""
    refused = run("opt-out", "add", "030 1234567", "--channel", "SMS")
    assert refused.status == 1
    assert "@ ADDRESS 1 (" in refused.stderr
    assert "1234567" not in refused.stderr
    assert run("opt-out", "add", NUMBER).status == 2
    assert run("opt-out", "add", NUMBER, "--channel", "SMS", "--reason", "opened").status == 2
