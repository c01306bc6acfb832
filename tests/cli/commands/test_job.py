"""`job`: imports and exports, waited for or not, and what the exit status says of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

CSV = "Id,ChannelType,Address\na,SMS,+1\nb,EMAIL,b@example.com\n"


def test_there_and_back(run: Run, folder: Path) -> None:
    """An import, an export, and an import of that elsewhere."""
    (folder / "people.csv").write_text(CSV)
    answer = run("job", "import", "people.csv", "--json")
    assert answer.status == 0
    assert (answer.value["JobStatus"], answer.value["TotalProcessed"]) == ("COMPLETED", 2)
    exported = run("job", "export", "backup")
    assert exported.status == 0
    assert "COMPLETED" in exported.stdout
    url = ("--url", "sqlite:///copy.db")
    again = run("job", "import", "backup", "--format", "json", *url, "--json")
    assert (again.status, again.value["TotalProcessed"]) == (0, 2)
    assert run("endpoint", "get", "b", *url, "--json").value["Address"] == "b@example.com"


def test_the_list_and_one_of_it(run: Run, folder: Path) -> None:
    """Both kinds are listed, oldest first, and each can be looked at again."""
    assert run("job", "list").status == 2  # no database yet
    (folder / "people.csv").write_text(CSV)
    run("job", "import", "people.csv")
    run("job", "export", "backup")
    items = run("job", "list", "--json").value["Item"]
    assert [item["Type"] for item in items] == ["IMPORT", "EXPORT"]
    only = run("job", "list", "--type", "export", "--json").value["Item"]
    assert [item["Id"] for item in only] == [items[1]["Id"]]
    listed = run("job", "list").stdout
    assert "import" in listed
    assert "COMPLETED" in listed
    for command in ("get", "wait"):
        shown = run("job", command, items[0]["Id"], "--json")
        assert (shown.status, shown.value) == (0, items[0])
    assert "JobStatus" in run("job", "get", items[0]["Id"]).stdout


@pytest.mark.parametrize(
    ("width", "lost"), [(80, {"Processed", "Place"}), (90, {"Place"}), (110, set())]
)
def test_a_list_in_little_room(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, width: int, lost: set[str]
) -> None:
    """A job is a line with its whole id and date; columns are left out, and that is told."""
    (folder / "people.csv").write_text(CSV)
    run("job", "import", "people.csv")
    monkeypatch.setenv("COLUMNS", str(width))
    answer = run("job", "list")
    heads, _, row = answer.stdout.splitlines()
    assert re.match(r"[0-9a-f]{32}  import  COMPLETED  \d{4}-\d\d-\d\d \d\d:\d\dZ  ", row)
    assert {"Processed", "Place"} - set(heads.split()) == lost
    assert set(re.findall(r"Processed|Place", answer.stderr)) == lost
    assert lost or re.search(r"  …\S+/people.csv *$", row)  # shortened to its end


def test_a_list_in_very_little_room(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job is a block of lines, and nothing is left out or cut."""
    (folder / "people.csv").write_text(CSV)
    run("job", "import", "people.csv")
    monkeypatch.setenv("COLUMNS", "40")
    answer = run("job", "list")
    lines = answer.stdout.splitlines()
    assert answer.stderr == ""
    assert re.fullmatch(r"[0-9a-f]{32}", lines[0])
    assert re.search(r"^  Created +\d{4}-\d\d-\d\d \d\d:\d\dZ *$", answer.stdout, re.MULTILINE)
    place = answer.stdout.split("Place")[1]
    assert "".join(place.split()) == (folder / "people.csv").as_uri()
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("command", ["import", "export", "wait"])
def test_an_interrupted_wait_says_how_to_go_on(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Ctrl-C ends the command, not the job: what waits for it is told, with its options."""
    (folder / "people.csv").write_text(CSV)
    place = ("--url", "sqlite:///my shop.db", "--application", "shop")
    job = run("job", "import", "people.csv", *place, "--json").value
    words = {"import": "people.csv", "export": "out", "wait": job["Id"]}

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pinpoint_kit.audience.jobs.Jobs.wait", interrupted)
    answer = run("job", command, words[command], *place, "--json")
    assert answer.status == 130
    assert answer.value["error"]["type"] == "Interrupted"
    message = answer.value["error"]["message"]
    assert answer.stderr == f"{message}\n"
    again = r"`pinpoint-kit job wait [0-9a-f]{32} --url 'sqlite:///my shop.db' --application shop`"
    assert re.fullmatch(
        r"interrupted; job [0-9a-f]{32} goes on while a program has its database open, as"
        rf" {again} does",
        message,
    )


def test_a_job_of_a_server_goes_on_by_itself(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After Ctrl-C nothing more is needed for it than to be waited for."""
    (folder / "people.csv").write_text(CSV)

    def interrupted(*_: object, **__: object) -> None:
        monkeypatch.setattr("pinpoint_kit.cli.options.Settings.is_engine", False)
        raise KeyboardInterrupt

    monkeypatch.setattr("pinpoint_kit.audience.jobs.Jobs.wait", interrupted)
    answer = run("job", "import", "people.csv")
    assert answer.status == 130
    assert re.search(
        r"goes on, and `pinpoint-kit job wait [0-9a-f]{32}` waits for it", answer.stderr
    )


def test_an_empty_list(run: Run) -> None:
    """No jobs is no error."""
    run("endpoint", "update", "e", "--metric", "a=1")
    assert run("job", "list").stdout == "no jobs\n"


def test_failed_rows(run: Run, folder: Path) -> None:
    """They are told on stderr by their lines, and the exit status is 1."""
    (folder / "people.csv").write_text(CSV + "c,PIGEON,secret\n")
    answer = run("job", "import", "people.csv")
    assert answer.status == 1
    assert "line 4: " in answer.stderr
    assert "secret" not in answer.stderr
    (job,) = run("job", "list", "--json").value["Item"]
    assert run("job", "wait", job["Id"], "--json").status == 1


def test_many_failed_rows(run: Run, folder: Path) -> None:
    """A hundred are told, the others counted."""
    (folder / "people.csv").write_text("Id,ChannelType,Address\n" + "x,PIGEON,y\n" * 130)
    answer = run("job", "import", "people.csv", "--json")
    assert answer.stderr.count("line ") == 100
    assert "30 more rows failed" in answer.stderr
    assert answer.value["TotalFailures"] == 130


def test_a_failed_job(run: Run, folder: Path) -> None:
    """A file that cannot be understood: the job is shown, the reason told, the status is 1."""
    (folder / "people.csv").write_text("Adress\nx\n")
    answer = run("job", "import", "people.csv", "--json")
    assert (answer.status, answer.value["JobStatus"]) == (1, "FAILED")
    assert "header" in answer.stderr


def test_without_waiting(run: Run, folder: Path) -> None:
    """--no-wait shows the job as it was created; the next program that is open goes on with it."""
    (folder / "people.csv").write_text(CSV)
    answer = run("job", "import", "people.csv", "--no-wait", "--json")
    assert (answer.status, answer.value["JobStatus"]) == (0, "CREATED")
    assert run("job", "wait", answer.value["Id"], "--json").value["JobStatus"] == "COMPLETED"


def test_a_segment_of_an_import(run: Run, folder: Path) -> None:
    """--segment-name makes one, --segment-id adds to it, and it can be exported and listed."""
    (folder / "people.csv").write_text(CSV)
    made = run("job", "import", "people.csv", "--segment-name", "invited", "--json").value
    segment_id = made["Definition"]["SegmentId"]
    (folder / "more.csv").write_text("Id,ChannelType,Address\nc,SMS,+3\n")
    assert run("job", "import", "more.csv", "--segment-id", segment_id).status == 0
    assert run("segment", "count", segment_id).stdout == "3\n"
    exported = run("job", "export", "out", "--segment-id", segment_id, "--json")
    assert exported.value["TotalProcessed"] == 3
    listed = run("job", "list", "--segment-id", segment_id, "--json").value["Item"]
    assert [item["Type"] for item in listed] == ["IMPORT", "IMPORT", "EXPORT"]


WRONG = [
    ("import", "missing.csv"),
    ("import", "ftp://host/people.csv"),
    ("import", "s3://"),
    ("import", "people.txt"),
    ("import", "people.csv", "--format", "xml"),
    ("import", "people.csv", "--timeout", "-1"),
    ("export", "file://relative"),
    ("export", "out", "--segment-version", "1"),
    ("wait", ""),
]


def test_what_is_wrong_before_anything_is_done(run: Run, folder: Path) -> None:
    """It is a usage error, and no job is made."""
    (folder / "people.csv").write_text(CSV)
    (folder / "people.txt").write_text(CSV)
    run("endpoint", "update", "e", "--metric", "a=1")
    for words in WRONG:
        answer = run("job", *words)
        assert (answer.status, answer.stdout) == (2, ""), words
        assert "Traceback" not in answer.stderr
    assert run("job", "list").stdout == "no jobs\n"


def test_an_unknown_job(run: Run) -> None:
    """It is not found."""
    run("endpoint", "update", "e", "--metric", "a=1")
    for command in ("get", "wait"):
        assert run("job", command, "0" * 32).status == 1


def test_a_wait_that_is_too_short(run: Run, folder: Path) -> None:
    """It ends with "later", which is status 3, and names the job."""
    (folder / "people.csv").write_text("Id,ChannelType,Address\n" + "x,SMS,y\n" * 50_000)
    answer = run("job", "import", "people.csv", "--timeout", "0", "--json")
    assert (answer.status, answer.value["error"]["type"]) == (3, "JobTimeoutError")
