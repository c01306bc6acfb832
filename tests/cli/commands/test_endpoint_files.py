"""`endpoint list|scan|load`: many endpoints shown, written out, and read in again."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Run

CSV = "Id,ChannelType,Address,Attributes.plan\na,SMS,+1,pro\nb,EMAIL,b@example.com,\n"


def test_there_and_back(run: Run, folder: Path) -> None:
    """What scan writes, load reads; the file is its owner's alone and is never replaced."""
    (folder / "people.csv").write_text(CSV)
    loaded = run("endpoint", "load", "people.csv")
    assert (loaded.status, loaded.stdout) == (0, "2 endpoint(s) loaded, 0 refused\n")
    written = run("endpoint", "scan", "all.json")
    assert (written.status, written.stdout) == (0, "2 endpoint(s) written\n")
    assert stat.S_IMODE((folder / "all.json").stat().st_mode) == 0o600
    assert run("endpoint", "scan", "all.json").status == 2
    url = ("--url", "sqlite:///copy.db")
    assert run("endpoint", "load", "all.json", *url, "--json").value["Accepted"] == 2
    copy = run("endpoint", "get", "a", *url, "--json").value
    assert copy["Attributes"] == {"plan": ["pro"]}
    assert run("endpoint", "scan", "ids.json", "--ids", "--json").value == {"Count": 2}
    assert (folder / "ids.json").read_text() == "a\nb\n"


def test_pipes(run: Run) -> None:
    """Lines go to stdout and come from stdin; what is meant for people goes to stderr."""
    assert run("endpoint", "load", "-", "--format", "csv", stdin=CSV).status == 0
    answer = run("endpoint", "scan")
    assert [json.loads(line)["Id"] for line in answer.stdout.splitlines()] == ["a", "b"]
    assert "2 endpoint(s) written" in answer.stderr
    assert run("endpoint", "scan", "--ids").stdout == "a\nb\n"
    assert run("endpoint", "scan", "--json").status == 2
    copied = run("endpoint", "load", "-", "--format", "json", stdin=answer.stdout)
    assert copied.status == 0
    assert run("endpoint", "load", "-", stdin=CSV).status == 2


def test_a_file_that_another_one_makes_meanwhile(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never replaced, also where the file system knows no links."""
    run("endpoint", "load", "-", "--format", "csv", stdin=CSV)

    def ids(_: object, **__: object) -> Iterator[str]:
        yield "a"
        (folder / "ids").write_text("not ours")

    monkeypatch.setattr("pinpoint_kit.audience.endpoints.Endpoints.ids", ids)
    for link in (None, _no_links):
        if link is not None:
            monkeypatch.setattr("pathlib.Path.hardlink_to", link)
        answer = run("endpoint", "scan", "ids", "--ids")
        assert (answer.status, (folder / "ids").read_text()) == (2, "not ours")
        assert "exists already" in answer.stderr
        (folder / "ids").unlink()
        assert not list(folder.glob(".*"))
    monkeypatch.setattr("pinpoint_kit.audience.endpoints.Endpoints.ids", lambda _, **__: iter("a"))
    assert run("endpoint", "scan", "ids", "--ids").status == 0
    assert (folder / "ids").read_text() == "a\n"


FORMATS = "give --format csv or --format json"


def _no_links(path: Path, target: Path) -> None:
    raise OSError(1, "no links here", str(path), None, str(target))


def _ctrl_c() -> None:
    raise KeyboardInterrupt


def _sigterm() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def _sighup() -> None:
    os.kill(os.getpid(), signal.SIGHUP)


def _no_answer() -> None:
    raise pk.errors.TransportError("no answer")


@pytest.fixture
def _as_a_terminal_starts_it() -> Iterator[None]:
    """SIGHUP ends the process, also where the tests themselves run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("_as_a_terminal_starts_it")
@pytest.mark.parametrize(
    ("end", "status"),
    [(_ctrl_c, 130), (_sigterm, 143), (_sighup, 129), (_no_answer, 3)],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP", "error"],
)
def test_an_interrupted_scan_leaves_no_file(
    run: Run,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: Callable[[], None],
    status: int,
) -> None:
    """Half of a backup never has the name of a whole one, whatever ends the command."""
    run("endpoint", "load", "-", "--format", "csv", stdin=CSV)
    whole = pk.Endpoint(id="a")

    def broken(_: object, **__: object) -> Iterator[pk.Endpoint]:
        yield whole
        assert [path.suffix for path in folder.glob(".*")] == [".part"]
        end()
        yield whole

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("pinpoint_kit.audience.endpoints.Endpoints.scan", broken)
    answer = run("endpoint", "scan", "all.json", "--json")
    assert (answer.status, answer.value["error"]["exit_status"]) == (status, status)
    assert not [*folder.glob(".*"), *folder.glob("all*")]
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_scan_outside_of_the_main_thread(run: Run, folder: Path) -> None:
    """Where no signal can be caught, the file is written all the same."""
    run("endpoint", "load", "-", "--format", "csv", stdin=CSV)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(run, "endpoint", "scan", "all.json").result().status == 0
    assert len((folder / "all.json").read_text().splitlines()) == 2


def test_ids_change_nothing_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Control characters of ids are escaped there, and in a pipe they are what they are."""
    rows = json.dumps({"Id": "a\nb\x1b[2J\x9b", "Metrics": {"level": 1}})
    assert run("endpoint", "load", "-", "--format", "json", stdin=rows).status == 0
    assert run("endpoint", "scan", "--ids").stdout == "a\nb\x1b[2J\x9b\n"
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    assert run("endpoint", "scan", "--ids").stdout == "a\\nb\\x1b[2J\\x9b\n"
    lines = run("endpoint", "scan")
    assert "\\u009b" in lines.stdout
    assert json.loads(lines.stdout)["Id"] == "a\nb\x1b[2J\x9b"
    assert lines.stderr == "1 endpoint(s) written\n"  # and no bar on top of the lines


def test_the_list(run: Run) -> None:
    """So many as asked for, as a table or as JSON, and whether there are more."""
    run("endpoint", "load", "-", "--format", "csv", stdin=CSV)
    listed = run("endpoint", "list")
    assert "b@example.com" in listed.stdout
    assert listed.stderr == ""
    short = run("endpoint", "list", "--limit", "1")
    assert "there are more" in short.stderr
    value = run("endpoint", "list", "--limit", "1", "--json").value
    assert ([item["Id"] for item in value["Item"]], value["HasMore"]) == (["a"], True)


def test_wrong_rows(run: Run, folder: Path) -> None:
    """Each is told with its line and column, without its content, and nothing is loaded."""
    rows = "".join(f"x{n},PIGEON,secret,\n" for n in range(130))
    (folder / "people.csv").write_text(CSV + rows)
    answer = run("endpoint", "load", "people.csv", "--json")
    assert (answer.status, answer.value["error"]["type"]) == (2, "InvalidRowsError")
    assert "row 4, ChannelType: is not a ChannelType" in answer.stderr
    assert "30 more rows cannot be used" in answer.stderr
    assert answer.value["error"]["message"] == (
        "nothing was loaded, because 130 rows cannot be used: correct or leave them out"
    )
    assert "secret" not in answer.stderr
    assert run("endpoint", "list", "--json").value["Item"] == []


def test_refused_rows(run: Run, folder: Path) -> None:
    """Rows that the Pinpoint refuses are told, and the exit status is 1."""
    rows = "".join(f"e{n},EMAIL,a{n},u\n" for n in range(17))
    (folder / "people.csv").write_text("Id,ChannelType,Address,User.UserId\n" + rows)
    answer = run("endpoint", "load", "people.csv")
    assert (answer.status, answer.stdout) == (1, "15 endpoint(s) loaded, 2 refused\n")
    assert "line 17: " in answer.stderr


def test_a_list_in_little_room(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids stay on one line, addresses fold, and columns without content go before others."""
    endpoint_id = "550e8400-e29b-41d4-a716-446655440001"
    heads = "Id,ChannelType,Address,Location.Country"
    rows = f"{heads}\n{endpoint_id},GCM,{'a' * 50},PT\nb,SMS,+1,PT\n"
    run("endpoint", "load", "-", "--format", "csv", stdin=rows)
    answer = run("endpoint", "list")
    head, _, first, *_ = answer.stdout.splitlines()
    assert head.split() == ["Id", "Channel", "Address", "Country"]
    assert first.startswith(f"{endpoint_id}  GCM ")
    assert "".join(re.findall("aa+", answer.stdout)) == "a" * 50
    assert answer.stderr == "no room for Status, OptOut: --json has everything\n"
    monkeypatch.setenv("COLUMNS", "30")  # less than an id needs
    blocks = run("endpoint", "list").stdout
    assert blocks.replace("\n", "").startswith(endpoint_id)
    assert re.search(r"^  Country +PT *$", blocks, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("load", "no.csv"), "no.csv: is no file; check the path"),
        (("load", "."), ".: is a folder: `job import` takes it; check the path"),
        (
            ("load", "s3://b/p.csv"),
            "s3://b/p.csv: is not on this machine: use `job import` for s3://",
        ),
        (
            ("load", "people.txt"),
            f"the format is not clear: FILE does not end with .csv or .json: {FORMATS}",
        ),
    ],
)
def test_a_wrong_file_is_named(
    run: Run, folder: Path, words: tuple[str, ...], sentence: str
) -> None:
    """The sentence is about what was typed, in words of the command line."""
    (folder / "people.txt").write_text(CSV)
    assert run("endpoint", *words).stderr == f"error: {sentence}\n"


@pytest.mark.parametrize(
    "words",
    [
        ("load", "missing.csv"),
        ("load", "."),
        ("load", "people.txt"),
        ("load", "s3://bucket/people.csv"),
        ("load", "people.csv", "--format", "xml"),
        ("load", "people.csv", "--staging", "s3://bucket/in"),
        ("list", "--limit", "0"),
    ],
)
def test_what_is_wrong_with_the_command_line(
    run: Run, folder: Path, words: tuple[str, ...]
) -> None:
    """It is a usage error without a traceback."""
    (folder / "people.csv").write_text(CSV)
    (folder / "people.txt").write_text(CSV)
    answer = run("endpoint", *words)
    assert (answer.status, answer.stdout) == (2, "")
    assert "Traceback" not in answer.stderr


@pytest.mark.usefixtures("folder")
def test_signals_that_somebody_else_handles(run: Run) -> None:
    """What ignores a signal goes on ignoring it, as `nohup` wants."""
    run("endpoint", "load", "-", "--format", "csv", stdin=CSV)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run("endpoint", "scan", "all.json").status == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("name", ["new/", "n" * 300])
def test_names_that_no_file_can_have(run: Run, folder: Path, name: str) -> None:
    """They are refused before anything is read, and leave nothing."""
    answer = run("endpoint", "scan", name)
    assert answer.status == 2
    assert "FILE" in answer.stderr
    assert list(folder.glob("*new*")) + list(folder.glob("*nnn*")) == []
