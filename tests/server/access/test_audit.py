"""The audit log: CloudTrail's form, masks, and nothing personal but ids in paths."""

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server import AuditLog, Authenticator, ServerOptions, asgi_app
from tests.server import signing
from tests.server.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Start = Callable[..., RunningServer]

PERSONAL = ("customer@example.com", "u-secret", "Ana", "203.0.113.7", "127.0.0.1", "38.7")
ENDPOINT = {
    "Address": "customer@example.com",
    "ChannelType": "EMAIL",
    "Location": {"Latitude": 38.7},
    "Attributes": {"ip": ["203.0.113.7"]},
    "User": {"UserId": "u-secret"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return where the log is."""
    return tmp_path / "audit.log"


@pytest.fixture
def start(file: Path) -> Iterator[Start]:
    """Start servers with an audit log."""
    servers: list[RunningServer] = []

    def started(authenticator: Authenticator | None = None, **options: Any) -> RunningServer:
        engine, audit_log = Engine.open("sqlite://"), AuditLog(file, **options)
        app = asgi_app(engine, authenticator=authenticator, audit_log=audit_log, owns_engine=True)
        servers.append(RunningServer(engine, ServerOptions(), app))
        return servers[-1]

    yield started
    for server in servers:
        server.stop()


def records(file: Path) -> list[dict[str, Any]]:
    """Return what the log holds."""
    return [json.loads(line) for line in file.read_text().splitlines()]


def send(server: RunningServer, method: str, path: str, body: object = None) -> Any:
    """Send a request that is answered with success."""
    content = b"" if body is None else json.dumps(body).encode()
    answer = server.ask(method, path, content, User_Agent="aws-cli/1.14.9")
    assert answer.status < 300, answer.body
    return answer.json


def test_a_record_has_cloudtrails_form_and_masks(start: Start, file: Path) -> None:
    """The guide's two samples: a list, and a campaign that is made."""
    server = start(like="2023", region="eu-west-1")
    app = send(server, "POST", "/v1/apps", {"Name": "Ana's shop"})["Id"]
    segment = send(server, "POST", f"/v1/apps/{app}/segments", {"Name": "Ana", "Dimensions": {}})
    send(server, "GET", f"/v1/apps/{app}/segments?page-size=10")
    made, created, listed = records(file)
    assert listed["requestParameters"] == {"application-id": app, "page-size": "10"}
    assert (listed["eventName"], listed["readOnly"], listed["responseElements"]) == (
        "GetSegments",
        True,
        None,
    )
    assert made["requestParameters"] == {"Name": "****"}
    assert created["requestParameters"] == {
        "Name": "****",
        "Dimensions": "****",
        "application-id": app,
    }
    answer = created["responseElements"]
    assert (answer["Id"], answer["Name"], answer["Version"]) == (segment["Id"], "****", 1)
    assert {
        "eventVersion": "1.05",
        "eventSource": "pinpoint.amazonaws.com",
        "eventType": "AwsApiCall",
        "awsRegion": "eu-west-1",
        "userAgent": "aws-cli/1.14.9",
        "userIdentity": {"type": "Unknown"},
        "sourceIPAddress": None,
    }.items() <= created.items()
    assert len({record["eventID"] for record in records(file)}) == 3


@pytest.mark.parametrize("like", ["2018", "2023", "all"])
def test_nothing_personal_is_written_but_ids_in_paths(start: Start, file: Path, like: str) -> None:
    """Bodies, queries and refusals of bodies hold addresses, users, places and attributes."""
    server = start(like=like)
    app = send(server, "POST", "/v1/apps", {"Name": "Ana"})["Id"]
    root = f"/v1/apps/{app}"
    send(server, "PUT", f"{root}/endpoints/e-1", ENDPOINT)
    send(server, "PUT", f"{root}/endpoints", {"Item": [{"Id": "u-secret", **ENDPOINT}]})
    event = {"EventType": "Ana", "Timestamp": "2026-11-01T12:00:00Z"}
    item = {"u-secret": {"Endpoint": ENDPOINT, "Events": {"Ana": event}}}
    send(server, "POST", f"{root}/events", {"BatchItem": item})
    send(server, "POST", f"{root}/segments", {"Name": "Ana", "Ana": "Ana"})
    assert server.ask("POST", f"{root}/segments", b'{"Dimensions": "Ana"}').status == 400
    send(server, "GET", f"{root}/endpoints/e-1?customer@example.com=Ana")
    query = "page-size=customer@example.com&start-time=Ana&end-time=203.0.113.7"
    assert server.ask("GET", f"{root}/segments?{query}").status == 400
    send(server, "DELETE", f"{root}/endpoints/e-1")
    text = file.read_text()
    assert [personal for personal in PERSONAL if personal in text] == []
    names = {record["eventName"] for record in records(file)}
    assert ("PutEvents" in names) is (like in {"2018", "all"})
    assert ("UpdateEndpoint" in names) is (like in {"2023", "all"})
    removed = next(r for r in records(file) if r["eventName"] == "DeleteEndpoint")
    assert removed["requestParameters"] == {"application-id": app, "endpoint-id": "e-1"}


def test_who_it_was_and_what_was_refused(start: Start, file: Path, tmp_path: Path) -> None:
    """A signature names its key; a refusal has its code, and names nobody."""
    authenticator = Authenticator.load(signing.write_file(tmp_path / "credentials"))
    server = start(authenticator, log_addresses=True)
    key, secret = signing.ADMIN, signing.SECRETS[signing.ADMIN]
    client = server.boto3(key, secret)
    client.get_apps()
    assert server.ask("GET", "/v1/apps").status == 403
    came_in, refused = records(file)
    assert came_in["userIdentity"]["accessKeyId"] == key
    assert secret not in file.read_text()
    assert "errorCode" not in came_in
    assert refused["userIdentity"] == {"type": "Unknown"}
    assert refused["errorCode"] == "MissingAuthenticationTokenException"
    assert refused["sourceIPAddress"] == "127.0.0.1"


def test_only_its_owner_reads_the_file(file: Path) -> None:
    """It is made with mode 0600; one that others can read is refused, and one in no folder."""
    AuditLog(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        AuditLog(file)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        AuditLog(file.parent / "nowhere" / "audit.log")
    os.mkfifo(file.parent / "pipe", 0o600)  # nobody reads it, and nobody waits for that
    with pytest.raises(ConfigurationError, match="cannot be written"):
        AuditLog(file.parent / "pipe")
    with pytest.raises(ConfigurationError, match="use 2018, 2023 or all"):
        AuditLog(file, like="2020")  # type: ignore[arg-type] # the point


def test_a_file_that_is_moved_away_is_made_anew(
    start: Start, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What cannot be written is one line in the log, and stops no request.

    Nothing is written where others can read it.
    """
    server = start()
    send(server, "GET", "/v1/apps")
    file.rename(file.with_suffix(".1"))
    file.mkdir()
    with caplog.at_level(logging.ERROR, "pinpoint_kit.server"):
        send(server, "GET", "/v1/apps")
        send(server, "GET", "/v1/apps")
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(told) == 1  # the access log may have a line of the first request meanwhile
    file.rmdir()
    file.touch(0o644)  # as a program that rotates logs may make it
    send(server, "GET", "/v1/apps")
    assert file.read_bytes() == b""
    file.unlink()
    send(server, "GET", "/v1/apps")
    assert len(records(file)) == 1
    assert file.stat().st_mode & 0o777 == 0o600
