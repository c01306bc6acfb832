"""A server that forwards event streams: beside the requests, and counted in the metrics."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.server.options import ServerOptions
from tests.engine.streams.stream_kit import ARN, BAD, EVENT, STREAM, Fake
from tests.server.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 20.0


class Gated(Fake):
    """A destination that answers only when it is let."""

    gate = threading.Event()

    def send(self, application_id: str, records: Any) -> Any:
        self.gate.wait(PATIENCE)
        return super().send(application_id, records)


@pytest.fixture
def fake() -> Fake:
    """Give a destination that refuses one event for good, once it answers."""
    Gated.gate.clear()
    return Gated(answer=lambda record: BAD if record.event_id == "bad" else None)


@pytest.fixture
def server(tmp_path: Path, fake: Fake) -> Iterator[RunningServer]:
    """Give a server with that destination."""
    engine = Engine.open(f"sqlite:///{tmp_path}/x.db", destinations={ARN: fake})
    running = RunningServer(engine, ServerOptions(local_only=True))
    yield running
    Gated.gate.set()
    running.stop()


def metrics(server: RunningServer) -> str:
    """Return the metrics."""
    return server.ask("GET", "/metrics").body.decode()


def test_streams_are_forwarded_beside_requests_and_counted(
    server: RunningServer, fake: Fake
) -> None:
    """A destination that does not answer takes no thread of the requests, and shows as a lag."""
    app = server.make_app()
    path = f"/v1/apps/{app}"
    assert server.ask("POST", f"{path}/eventstream", json.dumps(STREAM).encode()).status == 200
    items = {"d": {"Endpoint": {}, "Events": {"good": EVENT, "bad": EVENT}}}
    body = json.dumps({"BatchItem": items}).encode()
    assert server.ask("POST", f"{path}/events", body).status == 202
    for _ in range(20):
        assert server.ask("GET", path).status == 200
    shown = metrics(server)
    assert 'pinpoint_kit_stream_lag_records{destination="fake://one"} 2.0' in shown
    assert "pinpoint_kit_stream_lag_seconds" in shown
    Gated.gate.set()
    end = time.monotonic() + PATIENCE
    wanted = {'lag_records{destination="fake://one"} 0.0'} | {
        f'stream_records_total{{destination="fake://one",outcome="{outcome}"}} 1.0'
        for outcome in ("sent", "refused", "dead")
    }
    while not all(each in shown for each in wanted):
        assert time.monotonic() < end
        shown = metrics(server)
    assert fake.events == ["good"]
