"""What endpoint data costs that goes with every event: bytes sent and CPU an event.

    python tests/benchmarks/bench_endpoint_data.py [--events 10000]

Sign-ins without endpoint data, with the data of their user on an endpoint each, and with data that
all events of an endpoint share, so that a request carries it once; against a loopback stub.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from bench_delivery import stub

import pinpoint_kit as pk


def measured(url: str, events: int, endpoints: int, *, has_data: bool) -> tuple[float, float]:
    """Bytes and microseconds of CPU an event."""
    sent = 0

    def count(request: Any, **_: object) -> None:
        nonlocal sent
        sent += len(request.body)

    with pk.connect(url, application_id="a" * 32) as pinpoint:
        pinpoint.client.meta.events.register("before-send.pinpoint.PutEvents", count)
        data = [
            pk.Endpoint(
                channel_type="EMAIL",
                address=f"customer-{number}@example.com",
                user=pk.User(id=f"user-{number}", attributes={"plan": ["pro"]}),
            )
            for number in range(endpoints)
        ]
        pinpoint.auth.sign_in("warm")
        pinpoint.flush(60)
        sent, started = 0, time.process_time()
        for number in range(events):
            one = data[number % endpoints] if has_data else None
            pinpoint.auth.sign_in(f"device-{number % endpoints}", endpoint=one)
        pinpoint.flush(60).raise_for_loss()
        used = time.process_time() - started
    return sent / events, used / events * 1e6


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--events", type=int, default=10_000)
    events = parser.parse_args().events
    print(f"{'sign-ins':<50} {'bytes':>7} {'CPU µs':>7}   an event")
    with stub() as url:
        for label, endpoints, has_data in (
            ("100 endpoints, without endpoint data", 100, False),
            ("100 endpoints, with the data of each", 100, True),
            ("as many endpoints as events, without data", events, False),
            ("as many endpoints as events, with the data of each", events, True),
        ):
            size, used = measured(url, events, endpoints, has_data=has_data)
            print(f"{label:<50} {size:>7.0f} {used:>7.1f}")


if __name__ == "__main__":
    main()
