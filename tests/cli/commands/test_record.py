"""`record`: good and bad lines, where they come from, and what the exit status says."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.stub import answering_server, busy_server
from tests.programs import Program
from tests.timing import in_time

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

AT = "2026-11-01T12:00:00Z"
MEMORY = ("--url", "sqlite://")
FILE = ("--url", "sqlite:///pinpoint.db")


def line(**members: object) -> str:
    """One line of NDJSON."""
    return json.dumps({"EndpointId": "device-1", "EventType": "level_up", **members}) + "\n"


def stored(folder: Path) -> list[dict[str, Any]]:
    """Return the events in the database."""
    with contextlib.closing(sqlite3.connect(folder / "pinpoint.db")) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute("SELECT * FROM events ORDER BY number")]


def test_every_member_arrives(run: Run, folder: Path) -> None:
    """The members of a line are stored as they are, and nothing of ours is added."""
    text = line(
        EventId="e1",
        Timestamp=AT,
        Attributes={"a": "1"},
        Metrics={"m": 2},
        Session={"Id": "s1", "StartTimestamp": AT, "Duration": 5},
        AppTitle="Shop",
        Endpoint={"User": {"UserId": "user-1"}},
    )
    (folder / "events.ndjson").write_text(text)
    answer = run("record", "events.ndjson")
    assert answer.status == 0
    assert "1 event accepted" in answer.stdout
    (event,) = stored(folder)
    assert (event["event_id"], event["session_id"], event["app_title"]) == ("e1", "s1", "Shop")
    assert (event["sdk_name"], event["client_sdk_version"]) == (None, None)
    assert run("user", "endpoints", "user-1").status == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"{secret\n", "is not JSON"),
        (b'"\xff secret"\n', "UTF-8"),
        (b'["secret"]\n', "expected a JSON object"),
        (b'{"EventType":"secret"}\n', "misses EndpointId"),
        (b'{"EndpointId":"secret"}\n', "misses EventType"),
        (b'{"EndpointId":5,"EventType":"x"}\n', "$.EndpointId"),
        (line(EventType="").encode(), "$.EventType"),
        (line(Timestamp="secret").encode(), "$.Timestamp"),
        (line(Attributes={"secret": 5}).encode(), "$.Attributes"),
        (line(Attributes={"secret.name": "x" * 201}).encode(), "201 characters"),
        (line(Metrics={"secret": "x"}).encode(), "$.Metrics"),
        (line(Session={"Id": "secret"}).encode(), "StartTimestamp"),
        (line(Endpoint={"ChannelType": "secret"}).encode(), "$.Endpoint.ChannelType"),
        (line(Endpoint={"Attributes": {"secret": [5]}}).encode(), "$.Endpoint.Attributes"),
        (line(EndpointId="secret${").encode(), "endpoint id"),
        (b"[" * 100_000 + b"\n", "is not JSON"),
    ],
)
def test_bad_lines(run: Run, text: bytes, reason: str) -> None:
    """A bad line is reported with number and reason, never its content; the rest goes on."""
    good = line(Timestamp=AT).encode()
    answer = run("record", "-", "--json", *MEMORY, stdin=good + text + good)
    assert answer.status == 1
    value = answer.value
    assert (value["lines"], value["accepted"], value["rejected"]) == (3, 2, 1)
    assert [problem["line"] for problem in value["problems"]] == [2]
    assert reason in value["problems"][0]["reason"]
    assert "line 2: " in answer.stderr
    assert "secret" not in answer.stderr + answer.stdout


LONG = "x" * 201


@pytest.mark.parametrize(
    ("members", "place"),
    [
        (
            {"Attributes": {"secret0": "a", "secret1": LONG, "secret2": "b"}},
            "$.Attributes (attribute 2 of 3)",
        ),
        ({"Attributes": {"secret": 5}}, "$.Attributes (attribute 1 of 1)"),
        ({"Metrics": {"a": 1, "secret.b": "x"}}, "$.Metrics (metric 2 of 2)"),
        ({"Metrics": {"a": 1, "secret" * 10: 1}}, "$.Metrics (metric 2 of 2)"),
        (
            {"Endpoint": {"Attributes": {"a": [], "secret": ["x", LONG]}}},
            "$.Endpoint.Attributes (attribute 2 of 2, value 2)",
        ),
        (
            {"Endpoint": {"User": {"UserAttributes": {"secret": ["x", 7]}}}},
            "$.Endpoint.User.UserAttributes (user attribute 1 of 1, value 2)",
        ),
        (
            {"Endpoint": {"User": {"UserAttributes": {"secret": [LONG]}}}},
            "$.Endpoint.User.UserAttributes (user attribute 1 of 1, value 1)",
        ),
        # Names that start alike, or stand in two places: rather no position than a wrong one.
        ({"Attributes": {"s" * 60 + "a": "x", "s" * 60 + "b": "x"}}, "$.attributes"),
        (
            {"Attributes": {"same": "x"}, "Endpoint": {"Attributes": {"same": ["x"] * 51}}},
            "$.attributes",
        ),
    ],
)
def test_positions(run: Run, members: dict[str, Any], place: str) -> None:
    """Which attribute or metric is wrong is told by its position, never by its name."""
    answer = run("record", "-", "--json", *MEMORY, stdin=line(Timestamp=AT, **members))
    (problem,) = answer.value["problems"]
    assert problem["reason"].endswith(f" @ {place}")
    assert "secret" not in answer.stderr + answer.stdout


def test_problems_come_in_the_order_of_lines(run: Run) -> None:
    """Refusals by the service come later than those found here; JSON has them by line."""
    refused = [line(EndpointId=f"d{n}", Endpoint={"ChannelType": "SMS"}) for n in range(3)]
    answer = run("record", "-", "--json", *MEMORY, stdin="bad\n".join([*refused, ""]))
    assert [problem["line"] for problem in answer.value["problems"]] == [1, 2, 3, 4, 5, 6]


def test_refused_endpoint_data(run: Run) -> None:
    """An accepted event whose endpoint data was refused counts as not all accepted."""
    answer = run("record", "-", "--json", *MEMORY, stdin=line(Endpoint={"ChannelType": "SMS"}))
    assert (answer.status, answer.value["accepted"], answer.value["refused_endpoints"]) == (1, 1, 1)


def test_blank_lines_bom_and_line_ends(run: Run) -> None:
    """A BOM, blank lines, CRLF and a last line without an end are no problem."""
    text = "\ufeff" + line().replace("\n", "\r\n") + "\r\n  \n" + line().rstrip()
    value = run("record", "-", "--json", *MEMORY, stdin=text).value
    assert (value["lines"], value["blank"], value["accepted"]) == (4, 2, 2)


def test_nothing_to_record(run: Run) -> None:
    """An empty input is accepted entirely."""
    answer = run("record", "-", *MEMORY)
    assert (answer.status, answer.stderr) == (0, "")


def test_utf_16_is_named(run: Run) -> None:
    """UTF-16, as some shells write it, gets one clear sentence instead of one a line."""
    answer = run("record", "-", *MEMORY, stdin=line().encode("utf-16"))
    assert answer.status == 2
    assert "UTF-16" in answer.stderr


def test_unknown_members_are_mentioned(run: Run) -> None:
    """A misspelt member is sent along, and said once."""
    answer = run("record", "-", *MEMORY, stdin=line() + line(Atributes={"secret": "x"}))
    assert answer.status == 0
    assert "the first is line 2" in answer.stderr


def test_a_huge_line_is_skipped(run: Run) -> None:
    """A line of 10 MB is refused without being kept, and the next one is read."""
    text = b'{"EndpointId":"' + b"x" * 10_000_000 + b'"}\n' + line().encode()
    value = run("record", "-", "--json", *MEMORY, stdin=text).value
    assert (value["lines"], value["accepted"]) == (2, 1)
    assert "8,000,000 bytes" in value["problems"][0]["reason"]


def test_again_records_nothing_twice(run: Run, folder: Path) -> None:
    """The same file again, and a longer version of it, add only what is new."""
    text = line(Timestamp=AT) + line(Timestamp=AT) + line(Timestamp=AT, Attributes={"a": "b"})
    for _ in range(2):
        assert run("record", "-", *FILE, stdin=text).status == 0
    assert len(stored(folder)) == 3  # equal lines are separate events
    run("record", "-", *FILE, stdin=line(Timestamp=AT, EventType="other") + text)
    assert len(stored(folder)) == 4


def test_lines_without_an_instant_happen_now(run: Run, folder: Path) -> None:
    """A line without Timestamp is a new event each time it is read."""
    for _ in range(2):
        run("record", "-", *FILE, stdin=line())
    assert len(stored(folder)) == 2


def test_an_event_id_counts_once(run: Run, folder: Path) -> None:
    """Lines with the same EventId at the same endpoint are one event."""
    answer = run("record", "-", *FILE, stdin=line(EventId="e1") + line(EventId="e1"))
    assert answer.status == 0
    assert len(stored(folder)) == 1


STREAM = {
    "event_type": "level_up",
    "event_timestamp": 1793534400000,
    "arrival_timestamp": 1793534400500,
    "event_version": "3.1",
    "application": {
        "app_id": "a1",
        "package_name": "com.example.shop",
        "title": "Shop",
        "version_code": "3",
        "sdk": {"name": "sdk", "version": "1.0"},
    },
    "client": {"client_id": "device-9"},
    "device": {"locale": {"code": "en_US"}, "make": "apple", "platform": {"name": "ios"}},
    "session": {"session_id": "s9", "start_timestamp": 1793534400000, "stop_timestamp": None},
    "attributes": {"a": "1"},
    "metrics": {"m": 2.0},
    "awsAccountId": "000000000000",
}


def test_event_stream_records(run: Run, folder: Path) -> None:
    """A record of the event stream becomes the event that it was made from."""
    assert (
        run("record", "-", *FILE, stdin=json.dumps(STREAM) + "\n" + json.dumps(STREAM)).status == 0
    )
    (event,) = stored(folder)  # a stream may deliver the same record twice
    assert (event["endpoint"], event["type"]) == ("device-9", "level_up")
    assert (event["timestamp"], event["session_start"]) == (1793534400000, 1793534400000)
    assert (event["sdk_name"], event["app_package_name"]) == ("sdk", "com.example.shop")
    found = run("endpoint", "get", "device-9", "--json").value
    assert found["Demographic"] == {"Locale": "en_US", "Make": "apple", "Platform": "ios"}


def test_event_stream_endpoint_wins(run: Run) -> None:
    """Records of version 3.1 carry the endpoint as it was stored; it is stored again."""
    endpoint = {"ChannelType": "EMAIL", "Address": "a@example.com", "CohortId": "7"}
    text = json.dumps({**STREAM, "endpoint": endpoint, "session": {}, "device": {"platform": {}}})
    assert run("record", "-", *FILE, stdin=text).status == 0
    assert run("endpoint", "get", "device-9", "--json").value["Address"] == "a@example.com"


@pytest.mark.parametrize(
    "part",
    [{"client": {}}, {"device": "x"}, {"event_timestamp": 10**30}, {"event_timestamp": [1]}],
)
def test_bad_event_stream_records(run: Run, part: dict[str, object]) -> None:
    """A record that the event stream would not write is a bad line."""
    answer = run("record", "-", "--json", *MEMORY, stdin=json.dumps({**STREAM, **part}))
    assert (answer.status, answer.value["rejected"]) == (1, 1)


def test_many_lines_stay_in_bounds(run: Run, folder: Path) -> None:
    """More lines than may be under way are all recorded, over many endpoints."""
    text = "".join(line(EndpointId=f"d{n % 50}", EventId=str(n)) for n in range(9_000))
    value = run("record", "-", "--json", *FILE, stdin=text).value
    assert (value["accepted"], value["rejected"], value["dropped"]) == (9_000, 0, 0)
    assert len(stored(folder)) == 9_000


def test_unreachable(run: Run) -> None:
    """A host that does not answer ends the command before the file is read."""
    words = ("--url", "http://127.0.0.1:1", "--application-id", "a1")
    answer = run("record", "-", *words, stdin=line())
    assert (answer.status, answer.stdout) == (3, "")
    assert "no answer" in answer.stderr


def test_unknown_application(run: Run) -> None:
    """An application that does not exist ends the command before the file is read."""
    answer = run("record", "-", *MEMORY, "--application-id", "a1", stdin=line())
    assert answer.status == 1
    assert "Application not found" in answer.stderr


def test_a_service_that_stops_taking_events(run: Run) -> None:
    """When nothing can be delivered for long, the command says from which line on, and ends."""
    with busy_server() as url:
        words = ("--url", url, "--application-id", "0", "--give-up-after", "0.2", "--json")
        answer = run("record", "-", *words, stdin=line() * 3)
    assert answer.status == 3
    assert (answer.value["accepted"], answer.value["dropped"]) == (0, 3)
    assert "from line 1 on was delivered (" in answer.stderr
    assert "503" in answer.stderr  # and why


@pytest.mark.parametrize(
    ("get", "post", "status", "sentence"),
    [
        (403, 403, 1, "check the credentials"),  # wrong, or without any right
        (401, 401, 1, "check the credentials"),
        (403, 404, 1, "check the URL"),
        (404, 202, 1, "check the URL"),
        (405, 405, 1, "compatibility page"),
        (403, 202, 0, ""),  # may put events, and may not look at applications
        (403, 400, 1, ""),  # as above: an empty batch is refused, and then the event is
    ],
)
def test_whoever_may_not_put_events_is_told_at_once(
    run: Run, get: int, post: int, status: int, sentence: str
) -> None:
    """Wrong credentials or a wrong application end the command before delivery would give up."""
    with answering_server(get, post) as url:
        began = time.monotonic()
        answer = run("record", "-", "--url", url, "--application-id", "0", stdin=line())
    assert answer.status == status
    assert sentence in answer.stderr
    in_time(time.monotonic() - began, 10)
    if sentence:
        assert (answer.stdout, len(answer.stderr.splitlines())) == ("", 1)


def test_without_credentials(run: Run) -> None:
    """No credentials for the hosted service are a setting, found out before anything is sent."""
    answer = run("record", "-", "--url", "aws://us-east-1", "--application-id", "0", stdin=line())
    assert answer.status == 2
    assert "no usable AWS credentials" in answer.stderr


@pytest.mark.parametrize("words", [("missing.ndjson",), (".",), (), ("-", "--give-up-after", "0")])
def test_usage(run: Run, words: tuple[str, ...]) -> None:
    """A file that cannot be read, or none, is a usage error."""
    assert run("record", *words).status == 2


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX signals")
def test_interrupt(folder: Path) -> None:
    """Ctrl-C delivers what was read, reports it, and exits with 130."""
    with Program([sys.executable, "-m", "pinpoint_kit.cli", "record", "-"], cwd=folder) as command:
        command.write(line() * 3 + "bad\n")
        assert command.err.line().startswith("line 4")  # it has read them all
        assert command.stop(signal.SIGINT) == 130
        assert "3 events accepted" in command.out.rest()
        assert "interrupted after line 4" in command.err.rest()
    assert len(stored(folder)) == 3


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_progress_on_a_terminal(folder: Path) -> None:
    """A terminal on stderr gets a progress bar; stdout stays one JSON value."""
    (folder / "events.ndjson").write_text(line() * 500 + "bad\n")
    leader, follower = os.openpty()
    with subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "pinpoint_kit.cli", "record", "events.ndjson", "--json", *MEMORY],
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=folder,
        env={**os.environ, "TERM": "xterm"},
    ) as command:
        os.close(follower)
        stdout, _ = command.communicate(timeout=20)
    seen = os.read(leader, 65_536)
    os.close(leader)
    assert json.loads(stdout)["accepted"] == 500
    assert b"recording" in seen
    assert b"line 501: is not JSON" in seen


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
def test_no_progress_where_lines_are_typed(folder: Path) -> None:
    """With the terminal as FILE there is no progress bar that would run into what is typed."""
    leader, follower = os.openpty()
    with subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "pinpoint_kit.cli", "record", "-", "--json", *MEMORY],
        stdin=follower,
        stdout=subprocess.PIPE,
        stderr=follower,
        cwd=folder,
        env={**os.environ, "TERM": "xterm"},
    ) as command:
        os.close(follower)
        os.write(leader, line().encode() + b"\x04")  # and the end of the input
        stdout, _ = command.communicate(timeout=20)
    seen = os.read(leader, 65_536)
    os.close(leader)
    assert json.loads(stdout)["accepted"] == 1
    assert b"recording" not in seen
    assert b"\x1b" not in seen


@pytest.mark.parametrize("layout", ["gzip", "array", "pretty", "joined"])
def test_other_layouts_of_events(run: Run, folder: Path, layout: str) -> None:
    """Compressed files, arrays, objects over lines and several on a line are recorded."""
    events = [json.loads(line(EndpointId=f"d{number}")) for number in range(3)]
    content = {
        "gzip": gzip.compress("\n".join(map(json.dumps, events)).encode()),
        "array": json.dumps(events).encode(),
        "pretty": "\n".join(json.dumps(event, indent=2) for event in events).encode(),
        "joined": "".join(map(json.dumps, events)).encode(),
    }[layout]
    (folder / "events.json.gz").write_bytes(content)
    answer = run("record", "events.json.gz", "--json", *MEMORY)
    assert (answer.status, answer.value["accepted"]) == (0, 3)


def test_a_session_of_an_event_stream_has_its_duration(run: Run) -> None:
    """Records of the stream have start and stop; the service wants the duration beside them."""
    record = {
        "event_type": "_session.stop",
        "event_timestamp": 1_793_361_660_000,
        "client": {"client_id": "d"},
        "session": {
            "session_id": "s",
            "start_timestamp": 1_793_361_600_000,
            "stop_timestamp": 1_793_361_660_000,
        },
    }
    answer = run("record", "-", "--json", *MEMORY, stdin=json.dumps(record))
    assert (answer.status, answer.value["accepted"]) == (0, 1)
