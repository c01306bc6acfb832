"""The built documentation holds what a user looks up, and hides what is not for users."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import shutil
import subprocess
import sys
from functools import cached_property
from pathlib import Path

import pytest

import pinpoint_kit
from pinpoint_kit.client import PinpointOptions
from pinpoint_kit.recording.details import EventDetails

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

#: Classes that the reference shows, by the name that it shows, and what of them is not for users.
INTERNAL = {
    "Pinpoint": set[str](),
    "ActiveSession": {"begin"},
    "audience.applications.Applications": set[str](),
    "audience.endpoints.Endpoints": set[str](),
    "audience.jobs.Jobs": set[str](),
    "audience.segments.Segments": set[str](),
    "audience.users.Users": set[str](),
    "recording.events.Events": set[str](),
    "recording.sessions.Sessions": {"forget", "now", "renew"},
    "recording.auth.Auth": set[str](),
    "recording.purchases.Purchases": set[str](),
    "delivery.Delivery": {
        "after_fork",
        "begin_exit",
        "exit_timeout",
        "finish_exit",
        "forget_letters",
        "overwrite_removed",
        "set_aside",
        "close",
        "may_block",
        "count_left_out",
        "count_truncated",
        "drop_closed",
        "enqueue",
        "enqueue_endpoint",
        "put_plain",
        "reject",
    },
    "testing.FaultyPinpoint": set[str](),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the documentation as Zensical builds it when every warning is an error."""
    if sys.version_info < (3, 11):
        pytest.skip("Zensical needs Python 3.11")
    folder = tmp_path_factory.mktemp("project")  # it writes beside its configuration
    shutil.copytree(DOCS, folder / "docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for name in ("pinpoint_kit", "examples"):
        (folder / name).symlink_to(ROOT / name)
    built = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict", "--config-file", "mkdocs.yml"],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def anchors(site: Path) -> set[str]:
    """Give what the pages of the reference have anchors for."""
    pages = (site / "reference").rglob("index.html")
    return {
        anchor
        for page in pages
        for anchor in re.findall(r'id="(pinpoint_kit\.[^"]+)"', page.read_text("utf-8"))
    }


def test_every_public_name_is_in_the_reference(site: Path, anchors: set[str]) -> None:
    """Whatever can be imported from the package has an entry of its own."""
    errors = set(pinpoint_kit.errors.__all__)
    assert (site / "reference" / "errors" / "index.html").exists()
    names = [name for name in pinpoint_kit.__all__ if name != "errors"]
    expected = {f"pinpoint_kit.{'errors.' * (name in errors)}{name}" for name in names}
    assert expected - anchors == set()


def test_every_public_name_of_the_testing_kit_is_in_the_reference(anchors: set[str]) -> None:
    """So has whatever can be imported from `pinpoint_kit.testing`."""
    testing = importlib.import_module("pinpoint_kit.testing")
    assert {f"pinpoint_kit.testing.{name}" for name in testing.__all__} - anchors == set()


@pytest.mark.parametrize("name", INTERNAL)
def test_the_reference_shows_what_users_call(name: str, anchors: set[str]) -> None:
    """Every public method and property of a class is shown, except what is listed as internal."""
    module, _, short = f"pinpoint_kit.{name}".rpartition(".")
    shown_class = getattr(importlib.import_module(module), short)
    public = {
        member
        for member, value in vars(shown_class).items()
        if not member.startswith("_")
        and (inspect.isfunction(value) or isinstance(value, (property, cached_property)))
    }
    start = f"pinpoint_kit.{name}."
    shown = {anchor.removeprefix(start) for anchor in anchors if anchor.startswith(start)}
    assert shown == public - INTERNAL[name]
    assert INTERNAL[name] <= public


def test_the_reference_hides_what_is_internal(anchors: set[str]) -> None:
    """Classes that no user makes or meets have no entry."""
    internal = {"Ledger", "Recorder", "Workers", "Buffer", "Spool", "Transport", "Door", "Model"}
    # What takes messages away has the same name, and operators write their own.
    others = {anchor for anchor in anchors if ".records.message." not in anchor}
    assert {anchor for anchor in others if internal & set(anchor.split("."))} == set()


@pytest.mark.parametrize(
    ("page", "options"), [("client", PinpointOptions), ("recording", EventDetails)]
)
def test_keyword_options_are_a_table(page: str, options: type, site: Path) -> None:
    """What may be given by keyword has a row each."""
    name = f"{options.__module__}.{options.__name__}"
    text = (site / "reference" / page / "index.html").read_text("utf-8")
    first_table = text.partition(f'id="{name}"')[2].partition("</table>")[0]
    assert first_table.count("<tr") == len(options.__annotations__) + 1  # and the head


def test_the_home_page_leads_to_every_page() -> None:
    """The home page has a link to every how-to, reference and explanation."""
    from_home = set(re.findall(r"\]\(([^)#]+\.md)\)", (DOCS / "index.md").read_text("utf-8")))
    navigation = (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:\n")[2]
    listed = re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    assert set(listed) - from_home - {"index.md"} == set()


def test_links_of_the_readme_lead_somewhere() -> None:
    """Every relative link of README.md is a file that git has, or would add."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout")
    listed = subprocess.run(  # noqa: S603 -- our own command
        [git, "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text("utf-8"))
    relative = {link.partition("#")[0] for link in links if "://" not in link}
    assert relative
    assert {link for link in relative if link not in listed or not (ROOT / link).exists()} == set()
