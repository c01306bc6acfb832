"""A browser of the system for tests, and what its pages must never do."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import (
        Browser,
        Page,  # noqa: TC004 -- no annotation is evaluated
        Request,
    )

    from tests.server.console.conftest import ConsoleServer

_FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")


@attrs.define
class Watched:
    """A page, and what it has done that it must not.

    Attributes:
        page: the page.
        problems: errors of its console, and requests that leave the server.
    """

    page: Page
    problems: list[str] = attrs.field(factory=list)


def executable() -> str:
    """Return the browser of the system; skip the test where there is none."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("there is no Chromium here: `apt-get install chromium` has these tests run")
    return found


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 -- heavy, and for these only

    path = executable()
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    flags = [*_FLAGS, *(["--no-sandbox"] if is_root else [])]
    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=path, args=flags)
        try:
            yield started
        finally:
            started.close()


@contextmanager
def opened(  # noqa: PLR0913 -- each is a choice of its own
    started: Browser,
    console: ConsoleServer,
    *,
    scheme: str = "light",
    width: int = 1440,
    is_in: bool = True,
    has_script: bool = True,
) -> Iterator[Watched]:
    """Open a page that has come in, with nothing left from others."""
    context = started.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        reduced_motion="reduce",
        java_script_enabled=has_script,
    )
    watched = Watched(context.new_page())
    problems = watched.problems
    origin = urlsplit(console.server.url).netloc

    def look(request: Request) -> None:
        if urlsplit(request.url).netloc not in {origin, ""}:
            problems.append(f"it asked {request.url}")

    page = watched.page
    page.on("request", look)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda told: problems.extend([told.text] if told.type == "error" else []))
    page.on("dialog", lambda dialog: problems.append(f"it opened a {dialog.type}"))
    try:
        if is_in:
            page.goto(console.link())
        yield watched
    finally:
        context.close()


def axe_of(folder: Path) -> str:
    """Return the source of axe-core, fetched by npm; skip the test where that does not work."""
    import subprocess  # noqa: PLC0415 -- for these only
    import tarfile  # noqa: PLC0415 -- as above

    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm here, which fetches axe-core for this test")
    fetched = subprocess.run(  # noqa: S603 -- npm, by its path
        [npm, "pack", "axe-core@4", "--silent"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if fetched.returncode:
        pytest.skip("npm does not reach its registry, from which axe-core would come")
    with tarfile.open(folder / fetched.stdout.split()[-1]) as archive:
        member = archive.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()
