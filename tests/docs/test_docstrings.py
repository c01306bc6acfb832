"""Docstrings have the form that the reference is drawn from."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "pinpoint_kit"
#: The engine's docstrings are not in the reference.
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "engine" not in path.parts)

WITH_DOCTESTS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted(PACKAGE.rglob("*.py"))
    if ">>> " in path.read_text("utf-8")
]

SECTION = re.compile(r"^[A-Z][A-Za-z ]*:$")


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the docstring of every class and function in a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, ast.get_docstring(node) or ""


def doctests_elsewhere(docstring: str) -> list[str]:
    """Return the prompts of a docstring that stand outside of its Examples section."""
    section = ""
    found = []
    for line in inspect.cleandoc(docstring).splitlines():
        if SECTION.match(line):
            section = line
        elif line and not line.startswith(" "):
            section = ""
        if line.lstrip().startswith(">>> ") and section != "Examples:":
            found.append(line.strip())
    return found


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Does it.\n\nRaises:\n    Error: why.\n\n    >>> 1\n    1", 1),
        ("Does it.\n\n    >>> 1\n    1", 1),
        ("Does it.\n\nExamples:\n    >>> 1\n    1\n\nMore.\n\n    >>> 2\n    2", 1),
        ("Does it.\n\nExamples:\n    >>> 1\n    1\n\n    >>> 2\n    2", 0),
    ],
)
def test_the_search_finds_doctests_elsewhere(text: str, count: int) -> None:
    """A prompt outside of an Examples section is found, and none inside of one."""
    assert len(doctests_elsewhere(text)) == count


def test_doctests_stand_under_examples() -> None:
    """Elsewhere they would be read as an exception, a warning or a value that is returned."""
    assert [
        f"{path.relative_to(ROOT)}: {name}: {prompt}"
        for path in FILES
        for name, text in docstrings(path)
        for prompt in doctests_elsewhere(text)
    ] == []


def test_sections_have_names_that_are_known() -> None:
    """Any other heading would run its lines together into one paragraph."""
    known = {"Args:", "Attributes:", "Examples:", "Raises:", "Returns:", "Warns:", "Yields:"}
    assert [
        f"{path.relative_to(ROOT)}: {name}: {line}"
        for path in FILES
        for name, text in docstrings(path)
        for line, following in itertools.pairwise(text.splitlines())
        if SECTION.match(line) and following.startswith(" ") and line not in known
    ] == []


@pytest.mark.parametrize("name", WITH_DOCTESTS)
def test_doctests_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a docstring shows is what a reader gets."""
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name))
    assert (result.attempted > 0, result.failed) == (True, 0)
