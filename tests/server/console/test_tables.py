"""Tables of texts name each cell's column, which a phone shows in the place of the heading."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pinpoint_kit.server import console

TEMPLATES = Path(console.__file__).parent / "templates"
#: What begins a heading, a row or a cell.
_PARTS = re.compile(
    r'<thead>|<th scope="col"(?: class="n")?>(?P<heading>.*?)</th>|<tr>|<th scope="row"'
    r'|<td(?: data-name="(?P<name>.*?)")?'
)


def problems(template: str, headings: list[str]) -> list[str]:
    """Return the cells that name another column than theirs, or none."""
    found = []
    place = 0
    for part in _PARTS.finditer(template):
        word = part[0]
        if word == "<thead>":
            headings = []
        elif part["heading"]:
            headings = [*headings, part["heading"]]
        elif word == "<tr>":
            place = 0
        elif word == '<th scope="row"':
            place = 1
        else:
            if part["name"] != headings[place]:
                found.append(headings[place])
            place += 1
    return found


def test_the_check_works() -> None:
    """It finds a cell without a name, and one of another column."""
    head = '<thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead>'
    assert problems(head + '<tr><th scope="row"></th><td></td></tr>', []) == ["b"]
    assert problems(head + '<tr><td data-name="b"></td><td data-name="b"></td></tr>', []) == ["a"]


@pytest.mark.parametrize(
    "name",
    sorted(path.name for path in TEMPLATES.glob("*.html") if 'class="texts"' in path.read_text()),
)
def test_each_cell_names_its_column(name: str) -> None:
    """As the heading does."""
    template = (TEMPLATES / name).read_text()
    rows = (TEMPLATES / "live_rows.html").read_text() if name == "live.html" else ""
    assert problems(template + rows, []) == []
