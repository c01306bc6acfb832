"""What the tests of jobs share: create one, run it to its end, read what it wrote."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Wire

ROLE = "arn:aws:iam::111122223333:role/import"


def url_of(path: Path) -> str:
    """Return the URL of a file or folder."""
    return path.absolute().as_uri()


def create_import(wire: Wire, url: str, job_format: str = "JSON", **members: object) -> Answer:
    """Send CreateImportJob, registering the endpoints unless said otherwise."""
    request = {
        "Format": job_format,
        "S3Url": url,
        "RoleArn": ROLE,
        "RegisterEndpoints": True,
        **members,
    }
    return wire.post(f"/v1/apps/{wire.app}/jobs/import", request)


def create_export(wire: Wire, url: str, **members: object) -> Answer:
    """Send CreateExportJob."""
    request = {"S3UrlPrefix": url, "RoleArn": ROLE, **members}
    return wire.post(f"/v1/apps/{wire.app}/jobs/export", request)


def job(wire: Wire, job_id: str, kind: str = "import") -> Any:
    """Return a job as it is shown."""
    answer = wire.send("GET", f"/v1/apps/{wire.app}/jobs/{kind}/{job_id}")
    assert answer.status == 200, answer.json
    return answer.json


def run(wire: Wire) -> int:
    """Lets all jobs come to their end; returns how many pieces that took."""
    pieces = 0
    while wire.engine.step():
        pieces += 1
        assert pieces < 10_000
    return pieces


def imported(wire: Wire, url: str, job_format: str = "JSON", **members: object) -> Any:
    """Run an import job, and return it as it is shown at its end."""
    answer = create_import(wire, url, job_format, **members)
    assert answer.status == 201, answer.json
    run(wire)
    return job(wire, answer.json["Id"])


def exported(wire: Wire, url: str, **members: object) -> Any:
    """Run an export job, and return it as it is shown at its end."""
    answer = create_export(wire, url, **members)
    assert answer.status == 202, answer.json
    run(wire)
    return job(wire, answer.json["Id"], "export")


def lines(url: str) -> list[Any]:
    """All endpoints that stand in the parts below a folder, in the order of the parts' names."""
    parts = sorted(Path(unquote(urlsplit(url).path)).rglob("*.gz"))
    texts = [gzip.decompress(part.read_bytes()) for part in parts]
    return [json.loads(line) for text in texts for line in text.splitlines()]


def endpoints(wire: Wire) -> list[Any]:
    """All endpoints of the application, in the order of their ids."""
    answer = wire.send("GET", f"/pinpoint-kit/v1/apps/{wire.app}/endpoints", query="page-size=1000")
    assert answer.status == 200, answer.json
    found: list[Any] = answer.json["Item"]
    return found
