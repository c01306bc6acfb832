"""The page about logging names every logger of the SDK."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "pinpoint_kit"
NAMED = re.compile(r'getLogger\("(pinpoint_kit[\w.]*)"\)')


def test_every_logger_is_on_the_page() -> None:
    """And the page names none that is gone."""
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if not {"engine", "server", "cli"} & set(path.parts):
            text = path.read_text("utf-8")
            used.update(NAMED.findall(text))
            if "getLogger(__name__)" in text:
                used.add(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    page = (PACKAGE.parent / "docs" / "how-to" / "logging.md").read_text("utf-8")
    rows = (line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert {name for row in rows for name in re.findall(r"`(pinpoint_kit[\w.]*)`", row)} == used
