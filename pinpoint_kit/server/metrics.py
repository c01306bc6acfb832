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

    def count(self, entry: Entry) -> None:
        """Count a request that has ended."""
        operation = entry.operation or "none"
        self._requests.labels(operation, str(entry.status)).inc()
        self._seconds.labels(operation).observe(entry.seconds)
        if entry.reason:
            self._refused.labels(entry.reason).inc()

    def exposition(self) -> bytes:
        """Return the numbers in the text format, of all worker processes."""
        registry = self._registry
        if os.environ.get(DIRECTORY_VARIABLE):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)
