"""CPU per event from `record` to accepted, against boto3, in one run and one loopback stub.

    python tests/benchmarks/bench_delivery.py [--events 20000]

Prints microseconds of this process's CPU time (all threads) per event, and the ratios that the
project promises. Absolute numbers are this machine's; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

import pinpoint_kit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCH = 100
# An event as an app sends it, on one of 100 devices; both sides send the same.
ATTRIBUTES = {
    "screen": "settings",
    "plan": "pro",
    "reason": "password",
    "country": "PT",
    "flow": "checkout",
}
METRICS = {"n": 7.0, "level": 3.0}
MEMBERS = {
    "AppTitle": "shop",
    "AppPackageName": "com.example.shop",
    "AppVersionCode": "3.2.0",
    "SdkName": "bench",
    "ClientSdkVersion": "1",
}
STARTED = "2026-10-30T12:00:00.000Z"
DEVICES = [f"device-{number}" for number in range(100)]


@contextlib.contextmanager
def stub() -> Iterator[str]:
    """Yield the URL of a running stub."""
    process = subprocess.Popen(  # noqa: S603 -- our own script
        [sys.executable, str(Path(__file__).with_name("stub.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def event() -> Any:  # a dictionary; its type exists only where the stubs do
    """One event as boto3 takes it."""
    now = dt.datetime.now(dt.timezone.utc)
    return {
        "EventType": "level_up",
        "Timestamp": now.isoformat(timespec="milliseconds"),
        "Attributes": ATTRIBUTES,
        "Metrics": METRICS,
        "Session": {"Id": "session-1", "StartTimestamp": STARTED},
        **MEMBERS,
    }


def boto3_calls(url: str, events: int, batch: int) -> float:
    """CPU seconds for boto3.put_events with that many events a call."""
    client = boto3.client(
        "pinpoint",
        region_name="us-east-1",
        endpoint_url=url,
        config=Config(retries={"max_attempts": 0}),
    )

    def send(count: int) -> None:
        client.put_events(
            ApplicationId="a" * 32,
            EventsRequest={
                "BatchItem": {
                    device: {"Endpoint": {}, "Events": {str(uuid.uuid4()): event()}}
                    for device in DEVICES[:count]
                }
            },
        )

    send(batch)
    started = time.process_time()
    for _ in range(events // batch):
        send(batch)
    used = time.process_time() - started
    client.close()
    return used


def connected(url: str) -> pinpoint_kit.Pinpoint:
    """Our client, warm, whose events carry the same members."""
    pinpoint = pinpoint_kit.connect(
        url,
        application_id="a" * 32,
        app_title="shop",
        app_package_name="com.example.shop",
        app_version_code="3.2.0",
        sdk_name="bench",
        client_sdk_version="1",
    )
    pinpoint.events.record("device-1", "level_up")
    pinpoint.flush()
    return pinpoint


def floor(url: str, events: int, devices: list[str]) -> float:
    """Return the CPU seconds of what cannot be left out: encode, join, sign, send, parse."""
    pool = urllib3.PoolManager()
    signer = SigV4Auth(Credentials("benchmark", "benchmark"), "mobiletargeting", "us-east-1")
    address = f"{url}/v1/apps/{'a' * 32}/events"
    form = f"{os.urandom(10).hex()}%012x"
    started = time.process_time()
    for first in range(0, events, BATCH):
        groups: dict[str, list[bytes]] = {}
        for number in range(first, first + BATCH):
            content = {
                "EventType": "level_up",
                "Timestamp": STARTED,
                "Attributes": ATTRIBUTES,
                "Metrics": METRICS,
                "Session": {"Id": "session-1", "StartTimestamp": STARTED},
                **MEMBERS,
            }
            fragment = b'"%b":%b' % ((form % number).encode(), orjson.dumps(content))
            groups.setdefault(devices[number % len(devices)], []).append(fragment)
        parts = [
            b'"%b":{"Endpoint":{},"Events":{%b}}' % (device.encode(), b",".join(fragments))
            for device, fragments in groups.items()
        ]
        body = b'{"BatchItem":{' + b",".join(parts) + b"}}"
        request = AWSRequest("POST", address, {"Content-Type": "application/json"}, body)
        signer.add_auth(request)
        answer = pool.request("POST", address, body=body, headers=dict(request.headers))
        orjson.loads(answer.data)
    used = time.process_time() - started
    pool.clear()
    return used


def recorder(
    pinpoint: pinpoint_kit.Pinpoint, devices: list[str] = DEVICES
) -> Callable[[int], object]:
    """Record the event with that number."""
    session = pinpoint_kit.Session(id="session-1", start_timestamp=STARTED)
    record = pinpoint.events.record

    def call(number: int) -> object:
        return record(
            devices[number % len(devices)],
            "level_up",
            attributes=ATTRIBUTES,
            metrics=METRICS,
            session=session,
        )

    return call


def recorded(url: str, events: int, devices: list[str] = DEVICES) -> float:
    """CPU seconds from `record` to accepted, all threads of this process."""
    with connected(url) as pinpoint:
        call = recorder(pinpoint, devices)
        started = time.process_time()
        for number in range(events):
            call(number)
        report = pinpoint.flush(60)
        used = time.process_time() - started
        report.raise_for_loss()
        return used


def record_calls(url: str, events: int) -> tuple[float, float]:
    """Median and 99th percentile of one `record` call in seconds."""
    times = []
    with connected(url) as pinpoint:
        call = recorder(pinpoint)
        for number in range(events):
            before = time.perf_counter()
            call(number)
            times.append(time.perf_counter() - before)
        pinpoint.flush(60).raise_for_loss()
    return statistics.median(times), statistics.quantiles(times, n=100)[98]


def import_seconds(statement: str) -> float:
    """Return the fastest of several fresh interpreters that run this import."""
    script = (
        f"import time; start = time.perf_counter(); {statement}; print(time.perf_counter() - start)"
    )
    return min(
        float(subprocess.check_output([sys.executable, "-c", script]))  # noqa: S603 -- ours
        for _ in range(7)
    )


def best(*measures: Callable[[], float], rounds: int = 5) -> list[float]:
    """Return the least of some rounds of each: noise only ever adds.

    Rounds take turns, so that other work on the machine meets all of them alike.
    """
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [min(times) for times in zip(*taken, strict=True)]


def measure(events: int) -> dict[str, float]:
    """All figures of one run; microseconds unless the name says otherwise."""
    singles = max(200, events // 50)
    many = [f"device-{number}" for number in range(events)]
    with stub() as url:
        least, least_many, ours, ours_many, batches, calls = best(
            lambda: floor(url, events, DEVICES) / events * 1e6,
            lambda: floor(url, events, many) / events * 1e6,
            lambda: recorded(url, events) / events * 1e6,
            lambda: recorded(url, events, many) / events * 1e6,
            lambda: boto3_calls(url, events, BATCH) / events * 1e6,
            lambda: boto3_calls(url, singles, 1) / singles * 1e6,
        )
        median, high = record_calls(url, events)
    attrs_alone = import_seconds("import attrs")
    with_ours = import_seconds("import attrs; import pinpoint_kit")
    return {
        "floor, 100 endpoints": least,
        "floor, each its own": least_many,
        "record to accepted": ours,
        "the same, each its own": ours_many,
        "boto3, batches of 100": batches,
        "boto3, one event a call": calls,
        "record p50": median * 1e6,
        "record p99": high * 1e6,
        "import added, ms": (with_ours - attrs_alone) * 1e3,
        "ratio to floor": ours / least,
        "ratio to floor, each its own": ours_many / least_many,
        "ratio to boto3 batches": ours / batches,
        "ratio to boto3 calls": ours / calls,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=20_000)
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "benchmark")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "benchmark")
    figures = measure(parser.parse_args().events)
    for name, value in figures.items():
        print(
            f"{name:<28}{value:>12.3f}" + ("" if "ratio" in name else "  µs" * ("ms" not in name))
        )
    ours, calls = figures["ratio to boto3 batches"], figures["ratio to boto3 calls"]
    print(f"\n1/{1 / ours:.1f} of boto3 in batches, 1/{1 / calls:.1f} of boto3 one event a call")


if __name__ == "__main__":
    main()
