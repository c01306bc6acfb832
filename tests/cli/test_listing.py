"""How lists print for programs: JSON, comma- and tab-separated values, JSON lines."""

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

#: An address that a careless writer would break into cells and lines.
HARD = 'a "b", c\td\ne@example.com'


@pytest.fixture
def _endpoints(folder: Path) -> None:
    """Two endpoints in the database of the current folder."""
    with pk.connect(f"sqlite:///{folder / 'pinpoint.db'}") as pinpoint:
        for number, address in enumerate((HARD, "x@example.com"), start=1):
            pinpoint.endpoints.update(
                pk.Endpoint(id=f"device-{number}", channel_type="EMAIL", address=address)
            )


@pytest.mark.usefixtures("_endpoints")
@pytest.mark.parametrize(("option", "delimiter"), [("--csv", ","), ("--tsv", "\t")])
def test_separated_values(run: Run, option: str, delimiter: str) -> None:
    """Every column has a heading and its whole value, on a narrow terminal, too."""
    answer = run("endpoint", "list", option)
    rows = list(csv.DictReader(io.StringIO(answer.stdout, newline=""), delimiter=delimiter))
    assert [(row["Id"], row["Channel"], row["Address"]) for row in rows] == [
        ("device-1", "EMAIL", HARD),
        ("device-2", "EMAIL", "x@example.com"),
    ]
    assert (answer.status, answer.stderr) == (0, "")


@pytest.mark.usefixtures("_endpoints")
def test_json_lines(run: Run) -> None:
    """--nl prints the items of --json, one a line."""
    lines = run("endpoint", "list", "--nl").stdout.splitlines()
    items = run("endpoint", "list", "--json").value["Item"]
    assert [json.loads(line) for line in lines] == items
    assert len(items) == 2


@pytest.mark.usefixtures("_endpoints")
def test_more_than_the_limit(run: Run) -> None:
    """What was left out is said beside the values and not among them."""
    answer = run("endpoint", "list", "--limit", "1", "--csv")
    assert len(list(csv.reader(io.StringIO(answer.stdout, newline="")))) == 2
    assert "there are more" in answer.stderr


@pytest.mark.usefixtures("_endpoints")
def test_an_empty_list(run: Run) -> None:
    """Of nothing, the separated values are the headings and the lines are none."""
    assert run("segment", "list", "--csv").stdout == "Id,Name,Type,Version,Modified\n"
    assert run("segment", "list", "--nl").stdout == ""
    assert run("segment", "list").stdout == "no segments\n"


@pytest.mark.usefixtures("_endpoints")
@pytest.mark.parametrize("words", [("--json", "--csv"), ("--csv", "--json")])
def test_one_form_at_a_time(run: Run, words: tuple[str, str]) -> None:
    """JSON and another form together are refused, whatever their order."""
    answer = run("endpoint", "list", *words)
    assert answer.status == 2
    assert "give --json or --csv, not both" in answer.stderr
