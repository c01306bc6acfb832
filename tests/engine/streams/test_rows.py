"""Rows of the backlog: what is packed comes out again, whatever stands in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.engine.streams.rows import (
    Head,
    Row,
    end_of,
    first_of,
    packed,
    row_of,
    shortened,
)

#: As JSON has them: no control characters, and so no end of a line.
_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=12)


@given(lines=st.lists(_TEXT, min_size=1), shared=st.tuples(_TEXT, _TEXT))
def test_lines_come_out_as_they_went_in(lines: list[str], shared: tuple[str, str]) -> None:
    """Also where a shared part stands in the other, in all lines or in none."""
    heads = str([[f"d{n}", f"e{n}"] for n in range(len(lines))]).replace("'", '"')
    written = "\n".join(lines)
    for part, mark in shortened(shared).items():
        written = written.replace(part, mark) if part else written
    row = Row.read(7, 5, None, heads, packed(written, shared))
    assert row.lines == lines
    found = list(row.records())
    assert [each.data for each in found] == [f"{line}\n".encode() for line in lines]
    assert [each.number for each in found] == list(range(7_000, 7_000 + len(lines)))
    assert Row.read(7, 5, None, *row.stored) == row


def test_numbers_of_records_and_rows() -> None:
    """A record's number has its row's, and its place."""
    assert (first_of(3), end_of(3), row_of(3_005)) == (3_000, 3_999, 3)


def test_records_that_are_gone_keep_the_places_of_the_others() -> None:
    """What is dropped leaves no byte, and what is renamed no user."""
    heads = '[["a","1",9,"u"],["b","2",8,"v"],["c","3",7,null]]'
    row = Row.read(1, 5, "x", heads, packed("A\nB\nC"))
    assert row.head(0) == Head("a", "1", 9, "u")
    row.drop([0])
    row.rename(1, "deleted-1", "N")
    row.rename(0, "deleted-2", "N")
    assert row.count == 2
    assert [(each.number, each.endpoint_id, each.arrived) for each in row.records()] == [
        (1_001, "deleted-1", 8),
        (1_002, "c", 7),
    ]
    assert row.stored == (
        '[null,["deleted-1","2",8,null],["c","3",7,null]]',
        "\n\n\nN\nC",
    )
