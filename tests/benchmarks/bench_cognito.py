"""How much a log-in is slowed by the hook around boto3 and by the trigger handler.

    python tests/benchmarks/bench_cognito.py

Medians of many log-ins against moto in this process: the bare client, and with the hook, while the
server of Pinpoint answers and while nothing listens at its address.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

import pinpoint_kit as pk
from pinpoint_kit.identity import cognito

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 300
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


def measure(state: str, pinpoint: pk.Pinpoint, bare: Any, sign_in: Callable[[Any], object]) -> None:
    """Print what hook and handler cost with this client of Pinpoint."""
    hooked = cognito.with_analytics(client(), pinpoint, endpoint_id="device-1")
    handler = cognito.trigger_handler(pinpoint)
    without, with_hook, handled = medians(
        lambda _: sign_in(bare),
        lambda _: sign_in(hooked),
        lambda number: handler(EVENT, SimpleNamespace(aws_request_id=str(number))),
    )
    print(
        f"server {state}: bare log-in {without:.3f} ms, hook +{with_hook - without:.3f} ms,"
        f" handler {handled:.3f} ms"
    )
    pinpoint.close(0)


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    logging.getLogger("pinpoint_kit").setLevel(logging.CRITICAL)
    with mock_aws():
        bare = client()
        sign_in = pool(bare)
        medians(lambda _: sign_in(bare))
        measure("in this process", pk.connect("sqlite://"), bare, sign_in)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        down = pk.connect(f"http://127.0.0.1:{port}", application_id="0" * 32)
        measure("is down", down, bare, sign_in)


if __name__ == "__main__":
    main()
