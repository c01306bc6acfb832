# ruff: noqa: INP001 -- a script that .ci/run calls, not part of a package
"""Proves that the built wheel works for somebody who has nothing but the wheel.

    python smoke.py WHEEL EXAMPLE

Looks into the wheel, installs it alone into a bare virtual environment, runs the README's
example, asks for the command line without its extra, then installs the extra and uses it.
Only the standard library may be imported here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SECONDS = 600.0


def check(claim: str, *, holds: bool, details: str = "") -> None:
    """Print the claim, and stop here when it does not hold."""
    sys.stdout.write(f"{'ok  ' if holds else 'FAIL'} {claim}\n")
    sys.stdout.flush()
    if not holds:
        sys.exit(details or 1)


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in an empty folder, and return its output and exit status."""
    return subprocess.run(  # noqa: S603 -- the commands are all written in this file
        [os.fspath(part) for part in command],
        cwd=cwd,
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def check_run(claim: str, *command: str | Path, cwd: Path) -> None:
    """Check that a command succeeds, and show its output when it does not."""
    done = run(*command, cwd=cwd)
    check(claim, holds=done.returncode == 0, details=f"{done.stdout}\n{done.stderr}")


def check_contents(wheel: Path) -> None:
    """Return the wheel holds the package, its type marker and its licence, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.partition("/")[0] for name in names}
    strays = [top for top in tops if top != "pinpoint_kit" and not top.endswith(".dist-info")]
    check("the wheel holds the package only", holds=not strays, details="\n".join(strays))
    check("py.typed is in the wheel", holds="pinpoint_kit/py.typed" in names)
    licences = [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    check("the licence is in the wheel", holds=len(licences) == 1)


def check_missing_extra(tool: Path, cwd: Path) -> None:
    """Without the extra, the command says in one sentence what to install."""
    done = run(tool, "demo", cwd=cwd)
    said = f"{done.stdout}{done.stderr}".strip()
    one_sentence = "\n" not in said and "pinpoint-kit[cli]" in said
    check(
        "without the cli extra, one sentence says what to install",
        holds=done.returncode != 0 and one_sentence,
        details=f"exit status {done.returncode}, said:\n{said}",
    )


def main(wheel: Path, example: Path) -> None:
    """Run all the checks, and stop at the first that fails."""
    check_contents(wheel)
    with tempfile.TemporaryDirectory() as name:
        cwd = Path(name, "empty")
        cwd.mkdir()
        venv = Path(name, "venv")
        check_run("a bare environment", sys.executable, "-m", "venv", venv, cwd=cwd)
        scripts = venv / ("Scripts" if os.name == "nt" else "bin")
        python = scripts / "python"
        tool = scripts / "pinpoint-kit"
        pip = (python, "-m", "pip", "install", "-q")

        check_run("the wheel alone installs", *pip, wheel, cwd=cwd)
        check_run("its requirements agree", python, "-m", "pip", "check", cwd=cwd)
        check_run("it imports", python, "-W", "error", "-c", "import pinpoint_kit", cwd=cwd)
        code = example.read_text("utf-8")
        check_run("the README's example runs", python, "-W", "error", "-c", code, cwd=cwd)
        check_missing_extra(tool, cwd)

        check_run("the cli extra installs", *pip, f"{wheel}[cli]", cwd=cwd)
        check_run("pinpoint-kit demo", tool, "demo", cwd=cwd)
        check_run("pinpoint-kit doctor", tool, "doctor", cwd=cwd)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve())
