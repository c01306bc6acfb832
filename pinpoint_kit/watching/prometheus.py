"""A client's delivery and requests for Prometheus; needs the extra `prometheus`.

Labels have few values: the application, an operation, a status, a reason. Never an id of a person.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.watching.watched import ordinary

try:
    from prometheus_client import Histogram
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily
    from prometheus_client.registry import Collector
except ImportError:
    raise ConfigurationError(
        "prometheus-client is not installed: pip install 'pinpoint-kit[prometheus]'"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import Metric

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.delivery.report import DeliveryStats
    from pinpoint_kit.transport.requests import SentRequest
    from pinpoint_kit.watching.watched import Client

__all__ = ["PinpointCollector"]

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

#: Name, what it says, and where it stands in `delivery.stats()`.
_COUNTERS = (
    ("recorded", "Events and endpoint updates handed to the client.", "recorded"),
    ("truncated", "Events of which something was cut to fit the limits.", "truncated"),
    ("not_durable", "Events that were not in the spool when record returned.", "not_durable"),
    ("retried", "Events that were sent again.", "retries"),
)
_GAUGES = (
    ("pending_events", "Events that wait to be sent.", "pending"),
    ("buffered_bytes", "Bytes of encoded events that wait.", "buffered_bytes"),
    ("oldest_event_seconds", "How long the oldest pending event has waited.", "oldest_age"),
)


class PinpointCollector(Collector):
    """Collects what `delivery.stats()` says, and counts requests with their durations.

    Register it once: `prometheus_client.REGISTRY.register(PinpointCollector(pinpoint))`. It does
    not keep a client alive. A process forked from this one has numbers of its own.

    Args:
        *pinpoints: clients, of different applications.

    Raises:
        ConfigurationError: two of them are of one application.
        InvalidTypeError: one is no client.

    Examples:
        >>> from pinpoint_kit import connect
        >>> with connect("sqlite://", application="shop") as pinpoint:
        ...     event_id = pinpoint.events.record("device-1", "level_up")
        ...     families = {family.name for family in PinpointCollector(pinpoint).collect()}
        >>> "pinpoint_kit_client_events" in families
        True
    """

    def __init__(self, *pinpoints: Client) -> None:
        self._seconds = Histogram(
            "pinpoint_kit_client_request_seconds",
            "Time from a request to its answer; status 0: no answer came.",
            ("application", "operation", "status"),
            buckets=_BUCKETS,
            registry=None,
        )
        self._clients: dict[str, weakref.ref[Pinpoint]] = {}
        self._ends: list[Callable[[], None]] = []
        for each in pinpoints:
            self._watch(ordinary(each))

    def _watch(self, pinpoint: Pinpoint) -> None:
        name = pinpoint.application_name
        if name in self._clients:
            raise ConfigurationError(
                f"two clients of application {name!r}: Prometheus could not tell them apart; watch"
                " one of them, or register collectors with registries of their own"
            )
        self._clients[name] = weakref.ref(pinpoint)
        seconds = self._seconds

        def count(request: SentRequest) -> None:
            seconds.labels(name, request.operation, str(request.status)).observe(request.seconds)

        self._ends.append(pinpoint.observe(count))

    def stop(self) -> None:
        """Count no more requests; unregister it from the registry, too."""
        for end in self._ends:
            end()

    def collect(self) -> Iterator[Metric]:
        """Yield the numbers as they are now."""
        found = {
            name: pinpoint.delivery.stats()
            for name, reference in list(self._clients.items())
            if (pinpoint := reference()) is not None
        }
        yield self._events(found)
        yield self._lost(found)
        for name, text, field in _COUNTERS:
            counter = CounterMetricFamily(
                f"pinpoint_kit_client_{name}_events", text, labels=["application"]
            )
            for application, stats in found.items():
                counter.add_metric([application], getattr(stats, field))
            yield counter
        for name, text, field in _GAUGES:
            gauge = GaugeMetricFamily(f"pinpoint_kit_client_{name}", text, labels=["application"])
            for application, stats in found.items():
                gauge.add_metric([application], getattr(stats, field))
            yield gauge
        known = GaugeMetricFamily(
            "pinpoint_kit_client_application_known",
            "1 when the application was found that the client sends to.",
            labels=["application"],
        )
        for application, stats in found.items():
            known.add_metric([application], float(stats.application == "known"))
        yield known
        yield from self._seconds.collect()

    @staticmethod
    def _events(found: dict[str, DeliveryStats]) -> Metric:
        family = CounterMetricFamily(
            "pinpoint_kit_client_events",
            "Events that are settled, by what became of them.",
            labels=["application", "outcome"],
        )
        for application, stats in found.items():
            for outcome in ("accepted", "rejected", "dropped"):
                family.add_metric([application, outcome], getattr(stats, outcome))
        return family

    @staticmethod
    def _lost(found: dict[str, DeliveryStats]) -> Metric:
        family = CounterMetricFamily(
            "pinpoint_kit_client_lost_events",
            "Events that were rejected or dropped, by reason.",
            labels=["application", "reason"],
        )
        for application, stats in found.items():
            for reason, count in sorted(stats.reasons.items()):
                family.add_metric([application, reason], count)
        return family
