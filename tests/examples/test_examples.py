"""Every example runs offline, in an empty home and an empty folder, and prints what it promises."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
#: SHA-256 of the two `put_events` calls of AWS's guide "Identity Management ISVs", Amazon Pinpoint
#: Developer Guide, from `response = ` to the closing bracket.
GUIDE = [
    "f0a42ff650f97d89fca87328a3f5db45a1d149ac0de17e8eade076738ad66c76",
    "2ba11d3356643ef08d1ca8eff978be32015b56170ef1130b02eeb549595a006b",
]

LOG = b"""\
Dec 31 23:59:58 host sshd[7]: Accepted publickey for ana from 192.0.2.7 port 40000 ssh2
Dec 31 23:59:58 host sshd[7]: pam_unix(sshd:session): session opened for user ana by (uid=0)
Jan  1 00:00:08 host sshd[7]: pam_unix(sshd:session): session closed for user ana
Jan  1 00:01:00 host sshd[8]: Failed password for root from 198.51.100.9 port 1 ssh2
"""

#: Example -> its arguments, and what its output must match, line after line.
EXPECTED: dict[str, tuple[list[str], list[str]]] = {
    "identity_provider.py": (
        [],
        [
            r"4 of 4 events accepted",
            r"device-1: customer@example.com, android, Los Angeles",
        ],
    ),
    "identity_provider_boto3.py": (
        [],
        [
            r"sign-up: endpoint 202",
            r"  \[SomeUniqueEventId\]: 202 Accepted",
            r"sign-in: endpoint 202",
            r"  \[SomeUniqueEventId1\]: 202 Accepted",
            r"  \[SomeUniqueEventId2\]: 202 Accepted",
            r"customer@example.com: android",
        ],
    ),
    "list_endpoint_ids.py": (
        [],
        [r"Endpoint IDs:", *(rf"\t- example_endpoint_{number}" for number in (1, 2, 3))],
    ),
    "sshd_signins.py": (
        ["auth.log", "--url", "sqlite:///signins.db"],
        [
            r"auth.log",
            r"lines read +4",
            r"  understood +4",
            r"  ignored +0",
            r"events +4",
            r"  _session.start +1",
            r"  _session.stop +1",
            r"  _userauth.auth_fail +1",
            r"  _userauth.sign_in +1",
            r"  sessions that the log does not end +0",
            r"  seconds in ended sessions +10",
            r"users that signed in +1",
            r"  ana +1",
            r"names that failed to +1",
            r"  root +1",
            r"remote hosts +2",
            r"  198.51.100.9 failed +1",
            r"endpoints +2",
            r"  left without their user \(over 15\) +0",
            r"recorded +4",
            r"  accepted +4",
            r"  rejected +0",
            r"  dropped +0",
            r"  pending +0",
            r"  endpoints refused +0",
        ],
    ),
}


def test_every_example_is_expected() -> None:
    """No example escapes the test below."""
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_example_runs(name: str, tmp_path: Path) -> None:
    """It runs with nothing but an interpreter, warns of nothing, and prints what it should."""
    arguments, expected = EXPECTED[name]
    (tmp_path / "auth.log").write_bytes(LOG)
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "PINPOINT_KIT_"))
    }
    done = subprocess.run(  # noqa: S603 -- our own example
        [sys.executable, "-W", "error", EXAMPLES / name, *arguments],
        cwd=tmp_path,
        env={**environment, "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) == len(expected), done.stdout
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), (line, pattern)


@pytest.mark.parametrize("name", EXPECTED)
def test_example_says_what_it_shows(name: str) -> None:
    """It begins with a docstring that says what it shows and how to run it."""
    text = (EXAMPLES / name).read_text("utf-8")
    assert text.startswith('"""')
    docstring = text.split('"""')[1]
    assert f"    python examples/{name}" in docstring
    assert re.match(r"(Shows|Turns) .*\.$", docstring.splitlines()[0])


def test_the_guide_s_calls_are_unchanged() -> None:
    """The calls of the boto3 example are those of AWS's guide, letter by letter."""
    text = (EXAMPLES / "identity_provider_boto3.py").read_text("utf-8")
    calls = re.findall(r"^response = client\.put_events\(\n.*?^\)$", text, re.MULTILINE | re.DOTALL)
    assert [hashlib.sha256(call.encode()).hexdigest() for call in calls] == GUIDE
