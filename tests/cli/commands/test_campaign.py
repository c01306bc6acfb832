"""`campaign`: made from options and files, listed, paused, deleted, and what came of it."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

LATER = ("--start", "2099-01-01T09:00:00Z")


@pytest.fixture
def segment(folder: Path) -> str:
    """Give the id of a segment with one telephone in it."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db") as pinpoint:
        pinpoint.messages.enable("SMS")
        pinpoint.endpoints.update(
            pk.Endpoint(id="ana", channel_type="SMS", address="+351210000001")
        )
        return pinpoint.segments.create("all", pk.SegmentDimensions()).id


def created(run: Run, *words: str, stdin: str = "") -> str:
    """Return the id of a new campaign."""
    answer = run("campaign", "create", "spring", *words, "--json", stdin=stdin)
    assert answer.status == 0, answer.stderr
    campaign_id = answer.value["Id"]
    assert isinstance(campaign_id, str)
    return campaign_id


def test_options_say_what_it_is(run: Run, segment: str) -> None:
    """Each option has its member."""
    words = ["--segment", segment, *LATER, "--end", "2099-02-01T09:00:00Z", "--frequency", "daily"]
    words += ["--sms", "Hi", "--email-subject", "S", "--email-text", "T", "--email-html", "<p>"]
    words += ["--push-title", "P", "--push-text", "Q"]
    shown = run("campaign", "show", created(run, *words), "--json").value
    assert shown["Schedule"]["Frequency"] == "DAILY"
    assert shown["Schedule"]["EndTime"] == "2099-02-01T09:00:00Z"
    assert shown["MessageConfiguration"] == {
        "DefaultMessage": {"Body": "Q", "Title": "P"},
        "EmailMessage": {"Body": "T", "HtmlBody": "<p>", "Title": "S"},
        "SMSMessage": {"Body": "Hi"},
    }


def test_a_file_says_it_too_and_options_win(run: Run, segment: str) -> None:
    """What `show` prints makes another campaign."""
    first = created(run, "--segment", segment, *LATER, "--sms", "Hi")
    text = json.dumps(run("campaign", "show", first, "--json").value)
    second = created(run, "--file", "-", "--sms", "Bye", stdin=text)
    shown = run("campaign", "show", second, "--json").value
    assert shown["Id"] != first
    assert shown["MessageConfiguration"] == {"SMSMessage": {"Body": "Bye"}}
    assert shown["Schedule"]["StartTime"] == "2099-01-01T09:00:00Z"


def test_lists(run: Run, segment: str) -> None:
    """For people, as JSON and as CSV, the newest first."""
    assert run("campaign", "list").stdout == "no campaigns\n"
    ids = [created(run, "--segment", segment, *LATER, "--sms", "Hi") for _ in range(2)]
    assert [item["Id"] for item in run("campaign", "list", "--json").value["Item"]] == ids[::-1]
    rows = list(csv.DictReader(io.StringIO(run("campaign", "list", "--csv").stdout)))
    assert [(row["Name"], row["Status"], row["Frequency"]) for row in rows] == [
        ("spring", "scheduled", "once")
    ] * 2


def test_pause_resume_and_delete(run: Run, segment: str) -> None:
    """Each says what the campaign is now; without a terminal, --yes is needed to delete."""
    made = created(run, "--segment", segment, *LATER, "--frequency", "weekly", "--sms", "Hi")
    assert run("campaign", "pause", made).stdout == f"campaign {made} is paused\n"
    assert run("campaign", "resume", made).stdout == f"campaign {made} is scheduled\n"
    assert run("campaign", "delete", made).status == 2
    assert run("campaign", "delete", made, "--yes").stdout == f"campaign {made} is deleted\n"
    assert run("campaign", "list").stdout == "no campaigns\n"


def test_commands_run_no_campaign(run: Run, segment: str, folder: Path) -> None:
    """They have no transports, so what they ran would stay in the outbox; they say who does."""
    made = run("campaign", "create", "spring", "--segment", segment, "--sms", "Hello")
    assert "pinpoint-kit serve" in made.stderr
    for _ in range(3):
        assert "scheduled" in run("campaign", "list", "--json").stdout.lower()
    with pk.connect(f"sqlite:///{folder}/pinpoint.db", runs_campaigns=False) as pinpoint:
        [campaign] = pinpoint.campaigns.list()
        assert campaign.status == pk.CampaignStatus.SCHEDULED
    with pk.connect(f"sqlite:///{folder}/pinpoint.db") as pinpoint:
        pinpoint.campaigns.wait_until_complete(campaign, timeout=30)


def test_what_came_of_it(run: Run, segment: str, folder: Path) -> None:
    """Its runs, and what was sent."""
    made = created(run, "--segment", segment, "--sms", "Hi")
    with pk.connect(f"sqlite:///{folder}/pinpoint.db") as pinpoint:
        pinpoint.campaigns.wait_until_complete(made, timeout=30)
    rows = list(csv.DictReader(io.StringIO(run("campaign", "activities", made, "--csv").stdout)))
    assert [(row["State"], row["Result"], row["Sent"]) for row in rows] == [
        ("completed", "success", "1")
    ]
    rows = list(csv.DictReader(io.StringIO(run("campaign", "results", made, "--csv").stdout)))
    assert [(row["Treatment"], row["Sent"], row["Delivered"]) for row in rows] == [("0", "1", "1")]
    value = run("campaign", "results", made, "--json").value
    assert value["Statuses"] == {"SUCCESS": 1}
    assert len(value["Runs"]) == 1


def test_why_somebody_got_nothing(run: Run, segment: str, folder: Path) -> None:
    """Runs say whom they left out; results say what became of the others."""
    broken = created(run, "--segment", segment, "--sms", "{{#if")
    with pk.connect(f"sqlite:///{folder}/pinpoint.db") as pinpoint:
        pinpoint.endpoints.update(pk.Endpoint(id="no-channel"))
        pinpoint.campaigns.wait_until_complete(broken, timeout=30)
    rows = list(csv.DictReader(io.StringIO(run("campaign", "activities", broken, "--csv").stdout)))
    assert [row["Left out"] for row in rows] == ["1 missing channel"]
    results = run("campaign", "results", broken)
    assert (results.stdout, results.stderr) == (
        "nothing was sent\n",
        "endpoints: 1 failure permanent\n",
    )


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("create", "x"), 1),
        (("create", "x", "--frequency", "event"), 2),
        (("create", "x", "--start", "soon"), 2),
        (("show", "c" * 32), 1),
        (("results", "c" * 32), 1),
    ],
)
def test_refusals(run: Run, segment: str, words: tuple[str, ...], status: int) -> None:
    """What is wrong is said, without a traceback."""
    assert segment
    answer = run("campaign", *words)
    assert answer.status == status
    assert answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("text", ["[]", "{", '{"Schedule": 5}', '{"HoldoutPercent": 900}'])
def test_files_that_say_nothing(run: Run, segment: str, text: str) -> None:
    """The place is said."""
    answer = run("campaign", "create", "x", "--segment", segment, "--file", "-", stdin=text)
    assert answer.status == 2
    assert "$" in answer.stderr


def test_a_message_that_cannot_be_read_is_made_with_a_warning(run: Run, segment: str) -> None:
    """Stderr names the message, the line and the column."""
    made = run("campaign", "create", "x", "--segment", segment, *LATER, "--sms", "Hi {{#if Id}}")
    assert made.status == 0
    assert made.stdout.startswith("created campaign ")
    (line,) = [each for each in made.stderr.splitlines() if each.startswith("warning: ")]
    assert line.startswith("warning: MessageConfiguration.SMSMessage.Body: ")
    assert "line 1, column 4" in line
