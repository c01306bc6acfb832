"""A command line in an empty folder: no settings, no credentials, nothing left behind."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from click.testing import CliRunner

from pinpoint_kit.cli import cli

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Run = Callable[..., "Answer"]


@attrs.frozen
class Answer:
    """What a command printed, and its exit status."""

    status: int
    stdout: str
    stderr: str

    @property
    def value(self) -> Any:
        """The one JSON value on stdout."""
        return json.loads(self.stdout)

    @classmethod
    def of(cls, result: Result) -> Answer:
        """From what click's runner gives; a traceback is a failure of its own."""
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return cls(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def _level() -> Iterator[None]:
    """Keep what `--debug` does to the process from later tests."""
    logger = logging.getLogger("pinpoint_kit")
    before = logger.level
    yield
    logger.setLevel(before)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the current folder: empty, and the home of somebody without an account."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.startswith(("AWS_", "PINPOINT_KIT_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Run:
    """Run a command in this process."""
    del folder

    def invoke(*words: str, stdin: str | bytes = "") -> Answer:
        return Answer.of(CliRunner().invoke(cli, words, input=stdin))

    return invoke


@pytest.fixture
def process(folder: Path) -> Run:
    """Run a command in a process of its own."""

    def start(*words: str, stdin: bytes = b"") -> Answer:
        done = subprocess.run(  # noqa: S603 -- our own command line
            [sys.executable, "-m", "pinpoint_kit.cli", *words],
            input=stdin,
            capture_output=True,
            check=False,
            cwd=folder,
            timeout=30,
        )
        return Answer(done.returncode, done.stdout.decode(), done.stderr.decode())

    return start
