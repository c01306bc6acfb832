"""What the AWS SDK for JavaScript signs comes in, as the web and mobile SDKs do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from pinpoint_kit.server.access.authenticator import Authenticator
from tests.server.signed_server import build
from tests.server.signing import APP, GUEST, SECRETS, TOKEN, write_file

PROGRAM = Path(__file__).parent / "javascript" / "signed.mjs"
PACKAGES = ("@aws-sdk/client-pinpoint@3", "@smithy/signature-v4")

pytestmark = pytest.mark.slow


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
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


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Give what the program saw, with a freshly installed SDK and a key with a token."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node.js here")
    folder = tmp_path_factory.mktemp("javascript")
    installed = run(folder, npm, "install", "--no-audit", "--no-fund", "--silent", *PACKAGES)
    if installed.returncode != 0:
        pytest.skip("the npm registry cannot be reached, or has no such package")
    shutil.copy(PROGRAM, folder)
    signed = build(folder, Authenticator.load(write_file(folder / "keys.ini")))
    try:
        words = (signed.server.url, APP, GUEST, SECRETS[GUEST], TOKEN)
        completed = run(folder, node, PROGRAM.name, *words)
    finally:
        signed.server.stop()
    assert completed.returncode == 0, completed.stderr
    return json.loads(completed.stdout)


def test_odd_ids_and_queries_come_in(seen: Any) -> None:
    """Paths and queries are encoded in the SDK's way and verified in ours."""
    endpoints = seen["endpoints"]
    assert len(endpoints) == 4
    assert list(endpoints) == list(endpoints.values())
    assert seen["tags"] == {}


def test_a_wrong_secret_is_an_error_of_the_sdk(seen: Any) -> None:
    """By the name that the SDK knows."""
    assert seen["stranger"] == "InvalidSignatureException"


def test_a_wrong_clock_is_corrected_by_the_answer(seen: Any) -> None:
    """After the denial the SDK signs with the server's time."""
    assert seen["early"] == "InvalidSignatureException"
    assert seen["corrected"] == "x..y"


def test_a_presigned_beacon_comes_in(seen: Any) -> None:
    """With its body, to `/events/legacy`."""
    assert seen["beacon"] == 202
