"""What holds for every command: help, --json, errors as sentences, exit statuses, the extra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from pinpoint_kit import errors
from pinpoint_kit.cli import cli
from pinpoint_kit.cli.failures import exit_status
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md"


def leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its path."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(leaves(cli, "pinpoint-kit"))


def test_every_command_is_in_the_how_to() -> None:
    """The how-to page shows every command, and every exit status."""
    text = PAGE.read_text("utf-8")
    assert [path for path in COMMANDS if path not in text] == []
    assert [code for code in (0, 1, 2, 3, 70, 130, 141) if f"| {code} |" not in text] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_common_options(path: str) -> None:
    """Commands take the same options for where they work (a Pinpoint, a spool) and answer."""
    options = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    is_on_a_file = path.startswith("pinpoint-kit dead-letters ")
    place = {"--spool"} if is_on_a_file else {"--url", "--application", "--application-id"}
    assert {*place, "--json", "--debug"} <= options


@pytest.mark.parametrize("path", ["pinpoint-kit", *COMMANDS])
def test_help(run: Run, path: str) -> None:
    """Every command explains itself, from an empty folder, with status 0."""
    answer = run(*path.split()[1:], "--help")
    assert answer.status == 0
    assert answer.stdout.startswith("Usage: ")


def test_version(run: Run) -> None:
    """--version says which release this is."""
    assert VERSION in run("--version").stdout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.StoreError("x"), 2),
        (errors.ValidationError("x"), 2),
        (errors.TransportError("x", is_retryable=False), 3),
        (errors.TransportTimeoutError("x"), 3),
        (errors.TooManyRequests("x"), 3),
        (errors.InternalServerError("x"), 3),
        (errors.NotFound("x"), 1),
        (errors.Forbidden("x"), 1),
    ],
)
def test_exit_statuses(error: errors.PinpointKitError, status: int) -> None:
    """Each kind of error has the status that the help promises."""
    assert exit_status(error) == status


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("secret"), 70), (OSError(5, "Input/output error"), 2)]
)
def test_no_traceback_without_debug(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """A fault is one sentence without its content; --debug shows the traceback."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pinpoint_kit.connect", fail)
    answer = run("demo")
    assert (answer.status, answer.stdout) == (status, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "secret" not in answer.stderr
    with pytest.raises(type(error)):
        run("demo", "--debug")


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra(folder: Path, missing: str) -> None:
    """Without the extra, one sentence says what to install."""
    program = f"import sys; sys.modules[{missing!r}] = None; import pinpoint_kit.cli as c; c.main()"
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=folder
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'pinpoint-kit[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_else_is_in_the_package() -> None:
    """The package has `cli` and `main`, and says so when something else is asked for."""
    with pytest.raises(AttributeError, match="nothing"):
        __import__("pinpoint_kit.cli").cli.nothing  # noqa: B018 -- asking is the test


def test_a_process_of_its_own(process: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m pinpoint_kit.cli` works, also on a terminal that knows only ASCII."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    update = process("endpoint", "update", "d", "--attribute", "name=Zoë")
    answer = process("endpoint", "get", "d")
    assert (update.status, answer.status, answer.stderr) == (0, 0, "")
    assert "Zo" in answer.stdout
    assert (folder / "pinpoint.db").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes")
@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--json")])
def test_nobody_reads_the_output(folder: Path, words: tuple[str, ...]) -> None:
    """A closed pipe ends the command quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "pinpoint_kit.cli", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=folder,
    ) as command:
        os.close(writer)
        _, stderr = command.communicate(timeout=20)
    assert (command.returncode, stderr) == (141, b"")
