"""The collector for Prometheus: the ledger and the requests, by application."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, generate_latest

import pinpoint_kit as pk
from pinpoint_kit.watching.prometheus import PinpointCollector

SECRET = "customer@example.com"


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    """Read one number, of the application `shop`."""
    return registry.get_sample_value(
        f"pinpoint_kit_client_{name}", {"application": "shop", **labels}
    )


def test_the_numbers_are_those_of_the_ledger() -> None:
    """Accepted, rejected, reasons, pending, retries, and requests with their durations."""
    registry = CollectorRegistry(auto_describe=True)
    with pk.connect("sqlite://", application="shop", invalid="reject") as pinpoint:
        collector = PinpointCollector(pinpoint)
        registry.register(collector)
        for number in range(3):
            pinpoint.events.record(f"{SECRET}.{number}", "level_up")
        pinpoint.events.record("device-1", "level_up", attributes={"note": object()})  # type: ignore[dict-item]  # on purpose
        pinpoint.flush()
        assert value(registry, "recorded_events_total") == 4
        assert value(registry, "events_total", outcome="accepted") == 3
        assert value(registry, "events_total", outcome="rejected") == 1
        assert value(registry, "events_total", outcome="dropped") == 0
        (reason,) = pinpoint.delivery.stats().reasons
        assert value(registry, "lost_events_total", reason=reason) == 1
        assert value(registry, "pending_events") == 0
        assert value(registry, "application_known") == 1
        labels = {"operation": "PutEvents", "status": "202"}
        assert (value(registry, "request_seconds_count", **labels) or 0) >= 1
        assert SECRET not in generate_latest(registry).decode()
        collector.stop()
        count = value(registry, "request_seconds_count", **labels)
        pinpoint.events.put("device-1", "level_up")
        assert value(registry, "request_seconds_count", **labels) == count


def test_several_applications_have_labels_of_their_own() -> None:
    """Two clients of one application could not be told apart, which is said at once."""
    with (
        pk.connect("sqlite://", application="shop") as shop,
        pk.connect("sqlite://", application="blog") as blog,
        pk.connect("sqlite://", application="shop") as again,
    ):
        registry = CollectorRegistry(auto_describe=True)
        registry.register(PinpointCollector(shop, blog))
        blog.events.put("device-1", "level_up")
        shop.events.record("device-1", "level_up")
        shop.flush()
        assert value(registry, "events_total", outcome="accepted") == 1
        other = {"application": "blog", "operation": "PutEvents", "status": "202"}
        assert registry.get_sample_value("pinpoint_kit_client_request_seconds_count", other) == 1
        with pytest.raises(pk.errors.ConfigurationError, match="two clients of application 'shop'"):
            PinpointCollector(shop, again)
        with pytest.raises(pk.errors.InvalidTypeError, match="expected a client, got str"):
            PinpointCollector("shop")  # type: ignore[arg-type]  # on purpose


def test_it_keeps_no_client_alive() -> None:
    """A client that is gone is no longer reported."""
    registry = CollectorRegistry(auto_describe=True)
    pinpoint = pk.connect("sqlite://", application="shop")
    registry.register(PinpointCollector(pinpoint))
    pinpoint.close()
    assert value(registry, "pending_events") == 0
    del pinpoint
    gc.collect()
    assert value(registry, "pending_events") is None


def test_a_client_for_asyncio_is_watched_too() -> None:
    """It is the same ledger."""

    async def main() -> None:
        async with pk.connect_async("sqlite://", application="shop") as pinpoint:
            registry = CollectorRegistry(auto_describe=True)
            registry.register(PinpointCollector(pinpoint))
            await pinpoint.events.submit("device-1", "level_up")
            assert value(registry, "events_total", outcome="accepted") == 1

    asyncio.run(main())


@pytest.mark.parametrize(
    ("package", "module", "extra"),
    [
        ("prometheus_client", "pinpoint_kit.watching.prometheus", "prometheus"),
        ("opentelemetry", "pinpoint_kit.watching.otel", "otel"),
    ],
)
def test_a_missing_extra_is_one_sentence(package: str, module: str, extra: str) -> None:
    """It says what to install."""
    code = (
        f"import sys; sys.modules['{package}'] = None\n"
        "from pinpoint_kit.errors import ConfigurationError\n"
        f"try: import {module}\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run(  # noqa: S603 -- our own code
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert f"pip install 'pinpoint-kit[{extra}]'" in done.stdout
