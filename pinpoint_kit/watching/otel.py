"""A client's delivery and requests for OpenTelemetry, by its API alone; needs the extra `otel`.

Which SDK and exporter there are is the program's own business: without them, all of this does
nothing. Attributes follow the semantic conventions for AWS calls. Never an id of a person.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.version import VERSION
from pinpoint_kit.watching.watched import ordinary

try:
    from opentelemetry import metrics, trace
    from opentelemetry.metrics import Observation
    from opentelemetry.trace import SpanKind, Status, StatusCode
except ImportError:
    raise ConfigurationError(
        "opentelemetry-api is not installed: pip install 'pinpoint-kit[otel]'"
    ) from None

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider
    from opentelemetry.trace import TracerProvider

    from pinpoint_kit.delivery.report import DeliveryStats
    from pinpoint_kit.transport.requests import SentRequest
    from pinpoint_kit.watching.watched import Client

__all__ = ["Instrumentation", "instrument"]

_NAME = "pinpoint_kit"
_FIRST_FAILURE = 400
_NANOSECONDS = 1_000_000_000


class Instrumentation:
    """What `instrument` began."""

    def __init__(self, end: Callable[[], None]) -> None:
        self._end = end
        self.is_stopped = False

    def stop(self) -> None:
        """Make no more spans, and report no more numbers of this client."""
        self.is_stopped = True
        self._end()


def instrument(
    pinpoint: Client,
    *,
    meter_provider: MeterProvider | None = None,
    tracer_provider: TracerProvider | None = None,
) -> Instrumentation:
    """Report the counts and the requests of a client as metrics, and each request as a span.

    A span is a child of the span that is current where the call is made; those of background
    delivery have no parent. It does not keep the client alive.

    Args:
        pinpoint: the client.
        meter_provider: the global one unless given.
        tracer_provider: the global one unless given.

    Returns:
        Call its `stop()` to end that.

    Raises:
        InvalidTypeError: it is no client.
        ClosedError: a client for asyncio is not connected.

    Examples:
        >>> from pinpoint_kit import connect
        >>> with connect("sqlite://") as pinpoint:
        ...     instrumentation = instrument(pinpoint)
        ...     event_id = pinpoint.events.record("device-1", "level_up")
    """
    client = ordinary(pinpoint)
    application = {"pinpoint.application": client.application_name}
    meter = metrics.get_meter(_NAME, VERSION, meter_provider)
    tracer = trace.get_tracer(_NAME, VERSION, tracer_provider)
    duration = meter.create_histogram(
        "pinpoint_kit.client.request.duration", "s", "Time from a request to its answer."
    )

    def observe(request: SentRequest) -> None:
        attributes = {**application, **_attributes(request)}
        duration.record(request.seconds, attributes)
        start = int(request.started_at * _NANOSECONDS)
        span = tracer.start_span(
            f"Pinpoint.{request.operation}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            start_time=start,
        )
        if request.request_id:
            span.set_attribute("aws.request_id", request.request_id)
        if request.error or request.status >= _FIRST_FAILURE:
            span.set_status(Status(StatusCode.ERROR))
        span.end(start + int(request.seconds * _NANOSECONDS))

    instrumentation = Instrumentation(client.observe(observe))
    reference = weakref.ref(client)

    def stats() -> DeliveryStats | None:
        alive = reference()
        return None if alive is None or instrumentation.is_stopped else alive.delivery.stats()

    _report(meter, application, stats)
    return instrumentation


def _attributes(request: SentRequest) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        "rpc.system": "aws-api",
        "rpc.service": "Pinpoint",
        "rpc.method": request.operation,
    }
    if request.status:
        attributes["http.response.status_code"] = request.status
    if request.error:
        attributes["error.type"] = request.error
    return attributes


def _report(
    meter: Meter, application: dict[str, str], stats: Callable[[], DeliveryStats | None]
) -> None:
    """Have the meter ask for the counts when it collects."""

    def asked(
        values: Callable[[DeliveryStats], Iterable[tuple[float, dict[str, str]]]],
    ) -> Callable[[CallbackOptions], list[Observation]]:
        def observations(_: CallbackOptions) -> list[Observation]:
            found = stats()
            if found is None:
                return []
            return [Observation(value, {**application, **more}) for value, more in values(found)]

        return observations

    meter.create_observable_counter(
        "pinpoint_kit.client.events.recorded",
        [asked(lambda found: [(found.recorded, {})])],
        "{event}",
        "Events handed to the client.",
    )
    meter.create_observable_counter(
        "pinpoint_kit.client.events",
        [
            asked(
                lambda found: [
                    (found.accepted, {"outcome": "accepted"}),
                    (found.rejected, {"outcome": "rejected"}),
                    (found.dropped, {"outcome": "dropped"}),
                ]
            )
        ],
        "{event}",
        "Events that are settled, by what became of them.",
    )
    meter.create_observable_counter(
        "pinpoint_kit.client.events.lost",
        [asked(lambda found: [(n, {"reason": why}) for why, n in found.reasons.items()])],
        "{event}",
        "Events that were rejected or dropped, by reason.",
    )
    meter.create_observable_up_down_counter(
        "pinpoint_kit.client.events.pending",
        [asked(lambda found: [(found.pending, {})])],
        "{event}",
        "Events that wait to be sent.",
    )
    meter.create_observable_gauge(
        "pinpoint_kit.client.events.oldest",
        [asked(lambda found: [(found.oldest_age, {})])],
        "s",
        "How long the oldest pending event has waited.",
    )
