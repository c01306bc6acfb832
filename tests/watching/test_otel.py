"""OpenTelemetry: the ledger as metrics, each request as a span, by the API alone."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import pinpoint_kit as pk
from pinpoint_kit.watching import otel

SECRET = "customer@example.com"


class Telemetry:
    """An SDK that keeps everything in memory."""

    def __init__(self) -> None:
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])
        self._spans = InMemorySpanExporter()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))

    @property
    def spans(self) -> Any:
        return self._spans.get_finished_spans()

    def points(self, name: str) -> dict[str, Any]:
        """Return the points of a metric, by what tells them apart."""
        data: Any = self._reader.get_metrics_data()
        return {
            _kind(point.attributes): point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"pinpoint_kit.client.{name}"
            for point in metric.data.data_points
        }

    def values(self, name: str) -> dict[str, float]:
        """Return the values of a metric's points."""
        return {key: point.value for key, point in self.points(name).items()}


def _kind(attributes: dict[str, str]) -> str:
    return attributes.get("outcome") or attributes.get("reason") or ""


@pytest.fixture
def telemetry() -> Telemetry:
    """Make one for a test."""
    return Telemetry()


def instrumented(
    pinpoint: pk.Pinpoint | pk.AsyncPinpoint, given: Telemetry
) -> otel.Instrumentation:
    """Instrument a client with it."""
    return otel.instrument(pinpoint, meter_provider=given.meters, tracer_provider=given.tracers)


def test_the_metrics_are_those_of_the_ledger(telemetry: Telemetry) -> None:
    """Recorded, accepted, lost by reason, pending, and durations of requests."""
    with pk.connect("sqlite://", application="shop", invalid="reject") as pinpoint:
        instrumentation = instrumented(pinpoint, telemetry)
        for number in range(3):
            pinpoint.events.record(f"{SECRET}.{number}", "level_up")
        pinpoint.events.record("device-1", "level_up", attributes={"note": object()})  # type: ignore[dict-item]  # on purpose
        pinpoint.flush()
        assert telemetry.values("events.recorded") == {"": 4}
        assert telemetry.values("events") == {"accepted": 3, "rejected": 1, "dropped": 0}
        assert list(telemetry.values("events.lost").values()) == [1]
        assert telemetry.values("events.pending") == {"": 0}
        assert telemetry.values("events.oldest") == {"": 0}
        (duration,) = telemetry.points("request.duration").values()
        assert duration.count >= 1
        assert duration.attributes["rpc.method"] == "PutEvents"
        assert duration.attributes["pinpoint.application"] == "shop"
        instrumentation.stop()
        spans = len(telemetry.spans)
        pinpoint.events.put("device-1", "level_up")
        assert len(telemetry.spans) == spans
        assert telemetry.values("events.pending") == {}


def test_each_request_is_a_span(telemetry: Telemetry) -> None:
    """A child of the caller's, with the conventions' attributes, and no id of a person."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        instrumented(pinpoint, telemetry)
        with telemetry.tracers.get_tracer("test").start_as_current_span("view") as view:
            pinpoint.endpoints.update(pk.Endpoint(id=SECRET))
            with pytest.raises(pk.errors.NotFound):
                pinpoint.endpoints.get(SECRET + ".nobody")
        pinpoint.events.record(SECRET, "level_up")
        pinpoint.flush()
    by_name = {span.name: span for span in telemetry.spans}
    assert set(by_name) == {
        "view",
        "Pinpoint.UpdateEndpoint",
        "Pinpoint.GetEndpoint",
        "Pinpoint.PutEvents",
    }
    update, get = by_name["Pinpoint.UpdateEndpoint"], by_name["Pinpoint.GetEndpoint"]
    assert update.parent.span_id == get.parent.span_id == view.get_span_context().span_id
    assert by_name["Pinpoint.PutEvents"].parent is None
    assert update.kind is SpanKind.CLIENT
    assert update.end_time > update.start_time
    assert update.status.status_code is StatusCode.UNSET
    assert get.status.status_code is StatusCode.ERROR
    assert get.attributes["error.type"] == "NotFound"
    assert get.attributes["http.response.status_code"] == 404
    assert get.attributes["rpc.system"] == "aws-api"
    assert len(get.attributes["aws.request_id"]) > 8
    assert SECRET not in "".join(span.to_json() for span in telemetry.spans)


def test_a_span_of_an_awaited_call_has_its_parent(telemetry: Telemetry) -> None:
    """The thread that makes the request has the context of the task."""

    async def main() -> None:
        async with pk.connect_async("sqlite://", application="shop") as pinpoint:
            instrumented(pinpoint, telemetry)
            with telemetry.tracers.get_tracer("test").start_as_current_span("view"):
                await pinpoint.endpoints.find(limit=1)

    asyncio.run(main())
    found, view = telemetry.spans
    assert found.parent.span_id == view.context.span_id


def test_it_keeps_no_client_alive(telemetry: Telemetry) -> None:
    """A client that is gone is no longer reported."""
    pinpoint = pk.connect("sqlite://")
    instrumented(pinpoint, telemetry)
    pinpoint.close()
    assert telemetry.values("events.pending") == {"": 0}
    del pinpoint
    gc.collect()
    assert telemetry.values("events.pending") == {}


def test_without_an_sdk_it_does_nothing() -> None:
    """The API alone is enough to run, and the SDK is never imported by the package."""
    with pk.connect("sqlite://") as pinpoint:
        otel.instrument(pinpoint)
        assert pinpoint.endpoints.find(limit=1) == []
    assert "opentelemetry.sdk" not in Path(otel.__file__).read_text("utf-8")
