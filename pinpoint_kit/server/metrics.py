"""What Prometheus may know: counts and durations by operation, never an id or an address.

With several worker processes, prometheus_client keeps the numbers in files of the directory
`$PROMETHEUS_MULTIPROC_DIR`, and any worker answers for all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.server.access_log import Entry

__all__ = ["CONTENT_TYPE", "DIRECTORY_VARIABLE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST
DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The numbers of one server, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pinpoint_kit_requests",
            "Requests that were answered, or whose client had gone (status 499).",
            ("operation", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pinpoint_kit_request_duration_seconds",
            "Time from the headers of a request to its answer.",
            ("operation",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._refused = Counter(
            "pinpoint_kit_requests_refused",
            "Requests that were refused without asking the engine.",
            ("reason",),
            registry=self._registry,
        )
        self.expired_events = Counter(
            "pinpoint_kit_events_expired",
            "Events that were removed because they were older than --keep-events.",
            registry=self._registry,
        )
        self.in_flight = Gauge(
            "pinpoint_kit_requests_in_flight",
            "Requests that are being read or answered.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

        self._stream_records = Counter(
            "pinpoint_kit_stream_records",
            "Records of event streams: sent (acknowledged), refused singly, repeated after a crash,"
            " made dead letters, or lost from a full backlog.",
            ("destination", "outcome"),
            registry=self._registry,
        )
        self._stream_failures = Counter(
            "pinpoint_kit_stream_failures",
            "Calls of a destination of event streams of which nothing was taken.",
            ("destination",),
            registry=self._registry,
        )

    def forwarded(self, destination: str, outcome: str, count: int) -> None:
        """Count records or calls of a destination; see `Engine.on_forwarded`."""
        if outcome == "failed":
            self._stream_failures.labels(destination).inc(count)
        else:
            self._stream_records.labels(destination, outcome).inc(count)

    def count(self, entry: Entry) -> None:
        """Count a request that has ended."""
        operation = entry.operation or "none"
        self._requests.labels(operation, str(entry.status)).inc()
        self._seconds.labels(operation).observe(entry.seconds)
        if entry.reason:
            self._refused.labels(entry.reason).inc()

    def exposition(self, lags: Mapping[str, tuple[int, float]] | None = None) -> bytes:
        """Return the numbers in the text format, of all worker processes.

        Args:
            lags: what waits for each destination of event streams: records, and seconds.
        """
        registry = self._registry
        if os.environ.get(DIRECTORY_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry) + (_lags(lags) if lags else b"")


def _lags(lags: Mapping[str, tuple[int, float]]) -> bytes:
    """Return how far destinations are behind, which the database says for all processes."""
    registry = CollectorRegistry()
    records = Gauge(
        "pinpoint_kit_stream_lag_records",
        "Records that wait for a destination of event streams.",
        ("destination",),
        registry=registry,
    )
    seconds = Gauge(
        "pinpoint_kit_stream_lag_seconds",
        "How long the oldest of them has waited.",
        ("destination",),
        registry=registry,
    )
    for name, (count, age) in lags.items():
        records.labels(name).set(count)
        seconds.labels(name).set(age)
    return generate_latest(registry)
