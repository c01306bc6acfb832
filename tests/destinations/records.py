"""Records of event streams as the guide prints them, and any number of them for tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations import StreamRecord

if TYPE_CHECKING:
    from collections.abc import Sequence

#: 2017-02-24T22:03:23.515Z, the arrival of the guide's samples.
ARRIVED = 1487973803515
APPLICATION = "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"

SESSION_STOP: dict[str, Any] = {
    "event_type": "_session.stop",
    "event_timestamp": 1487973802507,
    "arrival_timestamp": ARRIVED,
    "event_version": "3.0",
    "application": {
        "app_id": APPLICATION,
        "package_name": "main.page",
        "sdk": {"name": "aws-sdk-mobile-analytics-js", "version": "0.9.1:2.4.8"},
        "title": "title",
        "version_name": "1.0",
        "version_code": "1",
    },
    "client": {"client_id": "device-1"},
    "device": {
        "locale": {"code": "en_US", "country": "US", "language": "en"},
        "make": "generic web browser",
        "model": "Unknown",
        "platform": {"name": "android", "version": "10.10"},
    },
    "session": {
        "session_id": "f549dea9-1090-945d-c3d1-e496780baac5",
        "start_timestamp": 1487973202531,
        "stop_timestamp": 1487973802507,
    },
    "attributes": {"world": "2", "mode": "hard"},
    "metrics": {"level": 7.0},
}


def record(
    number: int, key: str = "device-1", arrived: int = ARRIVED, **members: Any
) -> StreamRecord:
    """Return an app event of an endpoint."""
    content = {**SESSION_STOP, "client": {"client_id": key}, "arrival_timestamp": arrived}
    content["metrics"] = {"number": float(number)}
    content |= members
    data = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    return StreamRecord(number, key, f"event-{number}", key, arrived, data)


def records(count: int, keys: int = 10, first: int = 1) -> list[StreamRecord]:
    """Return app events, in turn of some endpoints."""
    return [record(first + place, f"device-{place % keys}") for place in range(count)]


def numbers(lines: Sequence[bytes]) -> list[int]:
    """Return the numbers of records from their data."""
    return [int(json.loads(line)["metrics"]["number"]) for line in lines]


def by_key(lines: Sequence[bytes]) -> dict[str, list[int]]:
    """Return the numbers of each endpoint's records, in their order."""
    found: dict[str, list[int]] = {}
    for line in lines:
        content = json.loads(line)
        found.setdefault(content["client"]["client_id"], []).append(
            int(content["metrics"]["number"])
        )
    return found
