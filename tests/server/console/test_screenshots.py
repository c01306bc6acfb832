"""The pictures of the documentation: those that the script takes, and small."""

from __future__ import annotations

import re
from pathlib import Path

from tests.server.console.screenshots import FOLDER, PICTURES

ROOT = Path(__file__).parents[3]


def test_the_pages_show_what_the_script_takes() -> None:
    """Every picture is made by it, shown, and at most 150 kB."""
    shown = {
        Path(name).name
        for page in ("README.md", "docs/how-to/console.md")
        for name in re.findall(r"\((\S+\.png)\)", (ROOT / page).read_text("utf-8"))
    }
    assert shown == PICTURES.keys() == {file.name for file in FOLDER.iterdir()}
    assert max(file.stat().st_size for file in FOLDER.iterdir()) <= 150_000
