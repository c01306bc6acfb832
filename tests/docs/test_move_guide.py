"""The guide from Amazon Pinpoint runs: each command of its steps, in order, on files as it says."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "move-from-pinpoint.md"
CODE = 'import boto3\npinpoint = boto3.client("pinpoint")\npinpoint.put_events()\n'
#: As an export job of Pinpoint writes it.
ENDPOINT = {
    "Id": "device-1",
    "ChannelType": "EMAIL",
    "Address": "ana@example.com",
    "EndpointStatus": "ACTIVE",
    "OptOut": "NONE",
    "RequestId": "7a2a4b3c-1d5e-4f60-8a7b-9c0d1e2f3a4b",
    "EffectiveDate": "2026-10-01T10:00:00.000Z",
    "CreationDate": "2026-09-01T10:00:00.000Z",
    "ApplicationId": "f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6",
    "CohortId": "17",
    "User": {"UserId": "ana", "UserAttributes": {"plan": ["pro"]}},
}
#: As Pinpoint's event stream has it.
EVENT = {
    "event_type": "level_up",
    "event_timestamp": 1790848800000,
    "arrival_timestamp": 1790848801000,
    "event_version": "3.1",
    "application": {"app_id": "f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6", "sdk": {}},
    "client": {"client_id": "device-1"},
    "device": {"platform": {}},
    "session": {},
    "attributes": {"plan": "pro"},
    "metrics": {"level": 7},
}


def commands() -> list[list[str]]:
    """Return the commands of the page, in order."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [shlex.split(line) for block in blocks for line in block.splitlines() if line]


@pytest.mark.slow
def test_the_guide_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every command ends well, and the endpoint and the event of the steps are shown."""
    (tmp_path / "shop.py").write_text(CODE)
    with gzip.open(tmp_path / "export.json.gz", "wt") as file:
        file.write(json.dumps(ENDPOINT) + "\n")
    (tmp_path / "stream.json").write_text(json.dumps(EVENT) + "\n")
    said = []
    for words in commands():
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("=", 1))
            continue
        assert words[0] == "pinpoint-kit"
        done = subprocess.run(  # noqa: S603 -- our own command
            [sys.executable, "-m", "pinpoint_kit.cli", *words[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        said.append(done.stdout)
    assert len(said) >= 10
    assert re.search(r"PutEvents.*shop\.py:3.*pinpoint_kit", said[0])
    everything = "\n".join(said)
    assert "device-1" in everything
    assert "level_up" in everything
