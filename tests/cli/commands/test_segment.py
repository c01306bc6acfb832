"""`segment`: what it defines, shows, counts, explains and refuses."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


@pytest.fixture
def people(folder: Path) -> None:
    """Three endpoints."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db") as pinpoint:
        pinpoint.endpoints.update_many(
            pk.Endpoint(
                id=name,
                attributes={"plan": plan},
                metrics={"level": level},
                location=pk.Location(country=country),
            )
            for name, plan, level, country in (
                ("ana", "pro", 7, "PT"),
                ("ben", "team", 3, "DE"),
                ("kim", "free", 9, "PT"),
            )
        )


def created(run: Run, *words: str, stdin: str = "") -> str:
    """Return the id of a new segment."""
    answer = run("segment", "create", "some", *words, "--json", stdin=stdin)
    assert answer.status == 0, answer.stderr
    segment_id = answer.value["Id"]
    assert isinstance(segment_id, str)
    return segment_id


def members(run: Run, segment_id: str) -> list[str]:
    """Return the ids of its members."""
    answer = run("segment", "members", segment_id, "--json")
    assert answer.status == 0
    return [item["Id"] for item in answer.value["Item"]]


CONDITIONS = {
    ("--attribute", "plan=pro", "--attribute", "plan=team"): ["ana", "ben"],
    ("--attribute", "plan=pro", "--country", "DE"): [],
    ("--not-attribute", "plan=free"): ["ana", "ben"],
    ("--metric", "level>=7"): ["ana", "kim"],
    ("--metric", "level > 3", "--metric", "level<9"): ["ana"],
    ("--metric", "level=3"): ["ben"],
    ("--metric", "level<=3"): ["ben"],
    ("--country", "PT", "--country", "DE"): ["ana", "ben", "kim"],
    ("--active-within", "7"): ["ana", "ben", "kim"],
    ("--inactive-for", "1"): [],
    ("--platform", "ios"): [],
    ("--channel", "email"): [],
    ("--user-attribute", "plan=pro"): [],
}


@pytest.mark.usefixtures("people")
def test_conditions(run: Run) -> None:
    """Each option narrows the segment, and a repeated one gives a choice."""
    found = {words: members(run, created(run, *words)) for words in CONDITIONS}
    assert found == CONDITIONS


@pytest.mark.usefixtures("people")
def test_counts(run: Run) -> None:
    """A number, for people and for programs."""
    segment_id = created(run, "--country", "PT")
    assert run("segment", "count", segment_id).stdout == "2\n"
    value = run("segment", "count", segment_id, "--json").value
    assert value == {"SegmentId": segment_id, "Count": 2}


@pytest.mark.usefixtures("people")
def test_a_segment_inside_of_another(run: Run) -> None:
    """--in-segment builds on a segment that there is."""
    base = created(run, "--country", "PT")
    assert members(run, created(run, "--in-segment", base, "--metric", "level>8")) == ["kim"]


@pytest.mark.usefixtures("people")
def test_get_round_trips_through_file(run: Run) -> None:
    """What `get --json` prints can be given to `create --file`."""
    grouped = {
        "SegmentGroups": {
            "Groups": [
                {
                    "Dimensions": [
                        {"Location": {"Country": {"Values": ["DE"]}}},
                        {"Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 8}}},
                    ],
                    "Type": "ANY",
                }
            ],
            "Include": "ALL",
        }
    }
    first = created(run, "--file", "-", stdin=json.dumps(grouped))
    text = run("segment", "get", first, "--json").stdout
    second = created(run, "--file", "-", stdin=text)
    assert members(run, first) == members(run, second) == ["ben", "kim"]


@pytest.mark.usefixtures("people")
def test_the_human_forms(run: Run) -> None:
    """Create says the id, list and get are tables, explain says yes and no."""
    assert run("segment", "create", "pros", "--attribute", "plan=pro").stdout.startswith("created")
    (found,) = run("segment", "list", "--json").value["Item"]
    listed = run("segment", "list").stdout
    assert "pros" in listed
    assert "dimensional" in listed
    shown = run("segment", "get", found["Id"], "--version", "1").stdout
    assert "Dimensions.Attributes.plan.Values" in shown
    told = run("segment", "explain", "ben", found["Id"]).stdout
    assert told.startswith(f"ben is not in segment {found['Id']}")
    assert "$.Dimensions.Attributes.plan" in told
    assert "is in segment" in run("segment", "explain", "ana", found["Id"]).stdout
    value = run("segment", "explain", "ana", found["Id"], "--json").value
    assert value["IsMember"] is True
    assert "ana" in run("segment", "members", found["Id"]).stdout


@pytest.mark.usefixtures("people")
def test_a_long_list_of_members_is_cut(run: Run) -> None:
    """--limit shows so many, and stderr says that there are more."""
    segment_id = created(run, "--active-within", "30")
    answer = run("segment", "members", segment_id, "--limit", "2")
    assert "there are more" in answer.stderr
    assert "kim" not in answer.stdout
    value = run("segment", "members", segment_id, "--limit", "2", "--json").value
    assert (len(value["Item"]), value["HasMore"]) == (2, True)


def test_delete(run: Run) -> None:
    """Deleting needs --yes without a terminal, and then it is gone."""
    segment_id = created(run, "--country", "PT")
    assert run("segment", "delete", segment_id).status == 2
    assert run("segment", "delete", segment_id, "--yes").stdout.startswith("deleted:")
    again = run("segment", "delete", segment_id, "--yes", "--json")
    assert (again.status, again.value["error"]["type"]) == (1, "NotFound")
    assert run("segment", "list").stdout == "no segments\n"


WRONG: list[tuple[tuple[str, ...], str]] = [
    ((), ""),
    (("--country", "PT", "--file", "-"), "{}"),
    (("--metric", "level"), ""),
    (("--metric", "level>=high"), ""),
    (("--metric", ">=3"), ""),
    (("--attribute", "plan"), ""),
    (("--active-within", "3"), ""),
    (("--channel", "PIGEON"), ""),
    (("--file", "-"), "{}"),
    (("--file", "-"), "[]"),
    (("--file", "-"), "{"),
    (("--file", "-"), '{"Dimensions": {"Metrics": {"a": {"Value": "secret"}}}}'),
    (("--file", "-"), '{"Dimensions": {}, "SegmentGroups": {}}'),
    (("--attribute", f"plan={'x' * 101}"), ""),
    (tuple(word for n in range(101) for word in ("--country", f"c{n}")), ""),
]


def test_create_refuses_what_is_wrong(run: Run) -> None:
    """A condition that cannot be meant is told, and nothing is made."""
    for words, stdin in WRONG:
        answer = run("segment", "create", "some", *words, stdin=stdin)
        assert (answer.status, answer.stdout) == (2, ""), words
        assert "secret" not in answer.stderr
        assert "Traceback" not in answer.stderr
    run("endpoint", "update", "e", "--metric", "a=1")
    assert run("segment", "list").stdout == "no segments\n"


@pytest.mark.usefixtures("people")
def test_what_is_not_there(run: Run) -> None:
    """An unknown segment, version or endpoint is not found."""
    segment_id = created(run, "--country", "PT")
    for words in (
        ("get", "0" * 32),
        ("get", segment_id, "--version", "7"),
        ("count", "0" * 32),
        ("members", "0" * 32),
        ("explain", "nobody", segment_id),
    ):
        answer = run("segment", *words)
        assert (answer.status, answer.stdout) == (1, "")
        assert "not found" in answer.stderr.lower()


def test_a_definition_shows_in_pinpoints_words(run: Run, folder: Path) -> None:
    """Groups are shown member by member, and nothing of it is Python's."""
    group = {
        "Type": "ANY",
        "Dimensions": [
            {"Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 3.0}}},
            {"Attributes": {"plan": {"AttributeType": "CONTAINS", "Values": ["a", "b"]}}},
        ],
    }
    (folder / "groups.json").write_text(json.dumps({"SegmentGroups": {"Groups": [group]}}))
    made = run("segment", "create", "x", "--file", "groups.json", "--json").value
    text = run("segment", "get", made["Id"]).stdout
    for folded in ("{", "Operator.", "GroupType."):
        assert folded not in text
    assert re.search(r"^SegmentGroups\.Groups\[0\]\.Type +ANY *$", text, re.MULTILINE)
    assert re.search(
        r"SegmentGroups\.Groups\[0\]\.Dimensions\[0\]\. +GREATER_THAN *$", text, re.MULTILINE
    )
    assert re.search(r"SegmentGroups\.Groups\[0\]\.Dimensions\[1\]\. +a, b *$", text, re.MULTILINE)


def test_a_file_with_both_kinds_of_definition(run: Run, folder: Path) -> None:
    """It is told that one of them has to go."""
    both: dict[str, dict[str, object]] = {"Dimensions": {}, "SegmentGroups": {"Groups": []}}
    (folder / "both.json").write_text(json.dumps(both))
    answer = run("segment", "create", "x", "--file", "both.json")
    assert answer.status == 2
    assert "has Dimensions and SegmentGroups: give one, not both" in answer.stderr
