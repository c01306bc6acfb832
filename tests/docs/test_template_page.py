"""The page about templates: every row of its tables renders so, and no helper is missing."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from pinpoint_kit.templating import Template, bounds, variables_of
from pinpoint_kit.templating.helpers import CONDITIONS, HELPERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "templates.md"
TEXT = PAGE.read_text("utf-8")
ROWS = re.findall(r"^\| `(.*?)` \| `(.*?)` \|$", TEXT, re.MULTILINE)
(ENDPOINT,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
NOW = dt.datetime(2026, 11, 30, 9, 5, 7, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(("template", "text"), ROWS)
def test_the_examples_render_so(template: str, text: str) -> None:
    """What a row says is what the renderer does."""
    variables = variables_of(json.loads(ENDPOINT))
    found = Template(template.replace(r"\|", "|")).render(variables, escape=False, now=NOW)
    assert found == text


def test_every_helper_has_an_example() -> None:
    """A new helper must be shown."""
    shown = {word for template, _ in ROWS for word in re.findall(r"[{(#]([a-z]\w+)", template)}
    assert {*HELPERS, *CONDITIONS, "each", "with"} - shown == {"uuid"}
    assert "{{uuid}}" in TEXT


def test_the_bounds_are_those_of_the_renderer() -> None:
    """The page's numbers are the code's."""
    for number in (
        *(bounds.MAX_TEMPLATE_CHARS, bounds.MAX_DEPTH, bounds.MAX_STEPS, bounds.MAX_ITEMS),
        *(bounds.MAX_TAGS,),
        *(bounds.MAX_OUTPUT_CHARS, bounds.MAX_WORK_CHARS),
    ):
        assert f" {number:,} " in TEXT or f"{number:,}." in TEXT
