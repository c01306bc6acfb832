"""`observe`: each request, once a try, without a word about a person."""

from __future__ import annotations

import logging
import time

import pytest

import pinpoint_kit as pk
from pinpoint_kit.testing import FaultyPinpoint
from pinpoint_kit.testing.faults import Fault

SECRET = "customer@example.com"


def test_each_request_is_seen() -> None:
    """Those of calls and of background delivery, with status, duration and request id."""
    seen: list[pk.SentRequest] = []
    with pk.connect("sqlite://", application="shop") as pinpoint:
        assert pinpoint.application_name == "shop"
        before = time.time()
        end = pinpoint.observe(seen.append)
        pinpoint.endpoints.update(pk.Endpoint(id=SECRET))
        with pytest.raises(pk.errors.NotFound):
            pinpoint.endpoints.get("nobody")
        pinpoint.events.record(SECRET, "level_up")
        pinpoint.flush()
        end()
        end()
        pinpoint.applications.list()
    assert [(r.operation, r.status, r.error) for r in seen] == [
        ("UpdateEndpoint", 202, ""),
        ("GetEndpoint", 404, "NotFound"),
        ("PutEvents", 202, ""),
    ]
    assert all(r.request_id and r.seconds > 0 for r in seen)
    assert all(before - 1 <= r.started_at <= time.time() for r in seen)
    assert SECRET not in repr(seen)


def test_every_try_is_a_request() -> None:
    """Also one without an answer, whose status is 0."""
    seen: list[pk.SentRequest] = []
    retry = pk.RetryPolicy(max_attempts=3, base_wait=0.001, max_wait=0.001)
    with FaultyPinpoint() as faulty, faulty.connect(retry=retry) as pinpoint:
        faulty.script([Fault.refused(429), Fault.truncated()], operation="UpdateEndpoint")
        pinpoint.observe(seen.append)
        pinpoint.endpoints.update(pk.Endpoint(id="device-1"))
    assert [(r.status, r.error) for r in seen] == [
        (429, "TooManyRequests"),
        (0, seen[1].error),
        (202, ""),
    ]
    assert seen[1].error.startswith("Transport")


def test_an_observer_that_fails_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The call has its answer, the other observers are told, and the log says so."""
    seen: list[pk.SentRequest] = []

    def fail(_: pk.SentRequest) -> None:
        raise ZeroDivisionError

    with pk.connect("sqlite://") as pinpoint, caplog.at_level(logging.ERROR):
        pinpoint.observe(fail)
        pinpoint.observe(seen.append)
        assert pinpoint.endpoints.find(limit=1) == []
    assert len(seen) == 1
    assert [record.name for record in caplog.records] == ["pinpoint_kit.transport"]


def test_one_line_a_request(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG: operation, status, duration and request id, and nothing of a person."""
    with (
        pk.connect("sqlite://", application="shop") as pinpoint,
        caplog.at_level(logging.DEBUG, "pinpoint_kit.transport"),
    ):
        pinpoint.endpoints.update(pk.Endpoint(id=SECRET))
        with pytest.raises(pk.errors.NotFound):
            pinpoint.endpoints.get(SECRET + ".nobody")
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2
    assert lines[0].startswith("UpdateEndpoint 202 in 0.")
    assert lines[1].startswith("GetEndpoint 404 in 0.")
    assert all(len(line.rpartition("request id ")[2]) > 8 for line in lines)
    assert SECRET not in "".join(lines)
