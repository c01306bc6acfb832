"""`pinpoint-kit stream`: what it prints of streams, and what it changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine import Engine
from tests.engine.streams.stream_kit import ARN, BAD, STREAM, Fake

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


@pytest.fixture
def fake() -> Fake:
    """Give a destination that refuses one event for good."""
    return Fake(answer=lambda record: BAD if record.event_id == "bad" else None)


@pytest.fixture
def forwarded(folder: Path, fake: Fake) -> Fake:
    """Give a database whose stream was forwarded, but for one dead letter."""
    url = f"sqlite:///{folder}/pinpoint.db"
    with pk.connect(url, application="default") as pinpoint:
        pinpoint.call("PutEventStream", WriteEventStream=STREAM)
        for event in ("good", "bad"):
            pinpoint.events.put("device-1", pk.Event(id=event, type="level_up"))
    with Engine.open(url, destinations={ARN: fake}) as engine:
        while engine.step():
            pass
    return fake


def test_status(run: Run, forwarded: Fake) -> None:
    """A table for people, everything for programs."""
    shown = run("stream", "status")
    assert shown.status == 0
    assert forwarded.name in shown.stdout
    (item,) = json.loads(run("stream", "status", "--json").stdout)["Item"]
    assert (item["Destination"], item["Sent"], item["DeadLetters"]) == (forwarded.name, 1, 1)
    assert run("stream", "status", "--csv").stdout.startswith("Destination,State,Waiting")


def test_a_stream_without_a_destination_is_said(run: Run, folder: Path) -> None:
    """With what to start."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db", application="default") as pinpoint:
        pinpoint.call("PutEventStream", WriteEventStream=STREAM)
    shown = run("stream", "status")
    assert "unclaimed" in shown.stdout
    assert f"--destination {ARN}=URL" in shown.stderr


def test_the_doctor_says_what_is_wrong_with_streams(run: Run, forwarded: Fake) -> None:
    """A dead letter is worth a note; a database without a stream has no line of it."""
    checks = run("doctor", "--json").value["checks"]
    (found,) = [each for each in checks if each["check"] == "event streams"]
    assert found["state"] == "note"
    assert f"{forwarded.name} has 1 dead letters" in found["detail"]
    assert "event streams" not in run("doctor", "--application", "other").stdout


def test_pause_resume_and_replay(run: Run, forwarded: Fake) -> None:
    """They change what the status says."""
    assert "paused" in run("stream", "pause", "--destination", forwarded.name).stdout
    assert "paused" not in run("stream", "resume").stdout
    shown = run("stream", "replay", "--since", "2020-01-01T00:00:00Z", "--json")
    assert json.loads(shown.stdout) == {"Events": 2}
    assert run("stream", "replay", "--since", "soon").status == 2
    assert run("stream", "pause", "--destination", "x").status == 1


def test_dead_letters(run: Run, forwarded: Fake) -> None:
    """Listed without records, shown with them, sent again or discarded."""
    shown = run("stream", "dead-letters", "list")
    assert "BadRecord" in shown.stdout
    assert "device-1" not in shown.stdout
    (item,) = json.loads(run("stream", "dead-letters", "list", "--json").stdout)["Item"]
    assert item["Record"]["client"] == {"client_id": "device-1"}
    assert "1 records" in run("stream", "dead-letters", "retry", item["Id"]).stdout
    assert run("stream", "dead-letters", "discard", "--yes", "--json").stdout.strip()
    assert run("stream", "remove", forwarded.name, "--yes").status == 0
    assert "no dead letters" in run("stream", "dead-letters", "list").stdout
