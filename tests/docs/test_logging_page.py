"""The page about logging names every logger of a program's own client."""

from __future__ import annotations

import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "pinpoint_kit"
#: Rooms that log for an engine or a server, and not for a program's own client.
OTHERS = {"cli", "destinations", "engine", "server"}
NAMED = re.compile(r'getLogger\("(pinpoint_kit[\w.]*)"\)')


def test_every_logger_is_on_the_page() -> None:
    """And the page names none that is gone."""
    used = set()
    for path in PACKAGE.rglob("*.py"):
        if not OTHERS & set(path.parts):
            text = path.read_text("utf-8")
            used.update(NAMED.findall(text))
            if "getLogger(__name__)" in text:
                used.add(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    page = (PACKAGE.parent / "docs" / "how-to" / "logging.md").read_text("utf-8")
    rows = (line.split("|")[1] for line in page.splitlines() if line.startswith("| `"))
    assert {name for row in rows for name in re.findall(r"`(pinpoint_kit[\w.]*)`", row)} == used
