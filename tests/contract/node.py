"""Programs of Node.js with packages of npm, installed afresh into a folder of the test."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

__all__ = ["answer_of"]

_PROGRAMS = Path(__file__).parent / "javascript"


def answer_of(folder: Path, package: str, program: str, *words: str) -> Any:
    """Installs a package, runs a program of `javascript/`, and gives the JSON that it prints."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node.js here")
    installed = _run(folder, npm, "install", "--no-audit", "--no-fund", "--silent", package)
    if installed.returncode != 0:
        pytest.skip("the npm registry cannot be reached, or has no such package")
    shutil.copy(_PROGRAMS / program, folder)
    completed = _run(folder, node, program, *words)
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a folder, without anybody's AWS account."""
    return subprocess.run(  # noqa: S603 -- words of our own
        words,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
