"""`job`: imports and exports, waited for or not, and what the exit status says of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Run

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
