"""Makes the pictures of docs/how-to/console.md and README.md, from the made-up people of the demo.

    python -m tests.server.console.screenshots

Each is at most 150 kB; a test compares their names with those that the pages show.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner

from pinpoint_kit.cli.app import cli
from tests.server.console.browsers import browser, opened
from tests.server.console.conftest import serve

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.server.console.conftest import ConsoleServer

__all__ = ["PICTURES", "take"]

FOLDER = Path(__file__).parents[3] / "docs" / "how-to" / "console"
_FUNNEL = "funnels?step1=page_view&step2=add_to_cart&step3=_monetization.purchase"
#: What is shown, in which colours and how wide: by the name of the picture.
PICTURES = {
    "overview.png": ("overview", "light", 1440),
    "usage-dark.png": ("usage?by=platform", "dark", 1000),
    "retention.png": ("retention", "light", 800),
    "funnel-phone.png": (_FUNNEL, "light", 390),
    "person-phone.png": ("person?user_id=user-7", "dark", 390),
}


def take(started: Browser, console: ConsoleServer, name: str) -> bytes:
    """Take one of the pictures, as PNG."""
    path, scheme, width = PICTURES[name]
    with opened(started, console, scheme=scheme, width=width) as watched:
        watched.page.goto(f"{console.server.url}{console.base}/{path}")
        if "phone" in name:
            watched.page.locator(".card").first.scroll_into_view_if_needed()
        return watched.page.screenshot()


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/demo.db"
        CliRunner().invoke(cli, ["demo", "--url", database], catch_exceptions=False)
        console = serve(Path(folder), database)
        try:
            with browser() as started:
                for name in PICTURES:
                    (FOLDER / name).write_bytes(take(started, console, name))
        finally:
            console.stop()


if __name__ == "__main__":
    main()
