"""How much a log-in is slowed by the hook around boto3 and by the trigger handler.

    python tests/benchmarks/bench_cognito.py

Medians of many log-ins against moto in this process: the bare client, and with the hook, while the
server of Pinpoint answers and while nothing listens at its address. Quiet: one log-in after the
other. Busy: beside 2,000 other events a second that the same client of Pinpoint records. Crowded:
on four threads at once, which moto keeps computing, so that each waits for the interpreter; there
all have the bare client for a moment, and then all have the hook. What that costs at least is shown
beside it: the bare client, and as much plain computing as a log-in with the hook takes more of the
processor, on all threads of the process, when nothing else runs.
"""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

import pinpoint_kit as pk
from pinpoint_kit.identity import cognito
from tests.ports import held_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS = 300
OTHER_EVENTS = 2_000
THREADS = 4
EVENT = {
    "triggerSource": "PostAuthentication_Authentication",
    "userPoolId": "eu-west-1_AbCdEf",
    "userName": "ana",
    "request": {"userAttributes": {"sub": "u-1"}},
    "response": {},
}


def medians(*calls: Callable[[int], object]) -> list[float]:
    """Return medians of calls made in turn, in milliseconds: the moods of the machine hit all."""
    took: list[list[float]] = [[] for _ in calls]
    for number in range(ROUNDS):
        for call, times in zip(calls, took, strict=True):
            start = time.perf_counter()
            call(number)
            times.append(time.perf_counter() - start)
    return [median(times) * 1_000 for times in took]


def client() -> Any:
    """Return a `cognito-idp` client on moto."""
    return boto3.client(
        "cognito-idp", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y"
    )


def pool(bare: Any) -> Callable[[Any], object]:
    """Make a pool with a user, and return a log-in with a given client."""
    pool_id = bare.create_user_pool(PoolName="p")["UserPool"]["Id"]
    app = bare.create_user_pool_client(UserPoolId=pool_id, ClientName="c")
    client_id = app["UserPoolClient"]["ClientId"]
    bare.sign_up(ClientId=client_id, Username="ana", Password="Correct-horse-1")
    bare.admin_confirm_sign_up(UserPoolId=pool_id, Username="ana")

    def sign_in(by: Any) -> object:
        return by.initiate_auth(
            ClientId=client_id,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "ana", "PASSWORD": "Correct-horse-1"},
        )

    return sign_in


@contextlib.contextmanager
def busy(pinpoint: pk.Pinpoint) -> Iterator[None]:
    """Record other events meanwhile, at a steady rate."""
    is_over = threading.Event()

    def record() -> None:
        started, number = time.perf_counter(), 0
        while not is_over.is_set():
            for _ in range(10):
                number += 1
                device = f"device-{number % 500}"
                pinpoint.events.record(device, "page_view", attributes={"page": "home"})
            time.sleep(max(0.0, started + number / OTHER_EVENTS - time.perf_counter()))

    thread = threading.Thread(target=record)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def crowded(*calls: Callable[[], object]) -> list[float]:
    """Return medians of calls that four threads make at once, in milliseconds."""
    took: list[list[float]] = [[] for _ in calls]

    def make(call: Callable[[], object], times: list[float]) -> None:
        for _ in range(ROUNDS // 15):
            start = time.perf_counter()
            call()
            times.append(time.perf_counter() - start)

    for _ in range(15):
        for call, times in zip(calls, took, strict=True):
            threads = [threading.Thread(target=make, args=(call, times)) for _ in range(THREADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    return [median(times) * 1_000 for times in took]


def computing(without: Callable[[], object], with_hook: Callable[[], object]) -> float:
    """Return how much more of the processor the second call takes, on all threads, in seconds."""
    took: list[list[float]] = [[], []]
    for _ in range(10):
        for call, times in zip((without, with_hook), took, strict=True):
            start = time.process_time()
            for _ in range(ROUNDS // 10):
                call()
            times.append((time.process_time() - start) / (ROUNDS // 10))
    return max(0.0, median(took[1]) - median(took[0]))


def spin(seconds: float) -> None:
    """Compute for so long, by the thread's own clock, and hold no lock."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def measure(state: str, pinpoint: pk.Pinpoint, bare: Any, sign_in: Callable[[Any], object]) -> None:
    """Print what hook and handler cost with this client of Pinpoint."""
    hooked = cognito.with_analytics(client(), pinpoint, endpoint_id="device-1")
    handler = cognito.trigger_handler(pinpoint)
    calls = (
        lambda _: sign_in(bare),
        lambda _: sign_in(hooked),
        lambda number: handler(EVENT, SimpleNamespace(aws_request_id=str(number))),
    )
    quiet = medians(*calls)
    with busy(pinpoint):
        beside = medians(*calls)
    more_of_processor = computing(lambda: sign_in(bare), lambda: sign_in(hooked))

    def computed() -> None:
        sign_in(bare)
        spin(more_of_processor)

    *together, spun = crowded(lambda: sign_in(bare), lambda: sign_in(hooked), computed)
    for mood, (without, with_hook, *handled) in (
        ("quiet", quiet),
        ("busy", beside),
        ("crowded", together),
    ):
        more = "".join(f", handler {ms:.3f} ms" for ms in handled)
        print(
            f"server {state}, {mood}: bare log-in {without:.3f} ms,"
            f" hook +{with_hook - without:.3f} ms{more}"
        )
    print(
        f"server {state}, crowded: {more_of_processor * 1_000:.3f} ms of plain computing instead of"
        f" the hook +{spun - together[0]:.3f} ms"
    )
    pinpoint.close(0)


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    logging.getLogger("pinpoint_kit").setLevel(logging.CRITICAL)
    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        bare = client()
        sign_in = pool(bare)
        medians(lambda _: sign_in(bare))
        there = pk.connect(f"sqlite:///{folder}/bench.db", application="bench")
        measure("in this process", there, bare, sign_in)
        with held_port() as port:
            down = pk.connect(f"http://127.0.0.1:{port}", application_id="0" * 32)
            measure("is down", down, bare, sign_in)


if __name__ == "__main__":
    main()
