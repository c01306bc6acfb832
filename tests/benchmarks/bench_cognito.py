"""How much a log-in is slowed by the hook around boto3 and by the trigger handler.

    python tests/benchmarks/bench_cognito.py

Medians of many log-ins against moto in this process: the bare client, and with the hook, while the
server of Pinpoint answers and while nothing listens at its address.
"""

from __future__ import annotations

import logging
import os
import time
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from pinpoint_kit.identity import cognito
from pinpoint_kit.testing import Fault, FaultyPinpoint

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


def milliseconds(call: Callable[[int], object]) -> float:
    """The median of many calls."""
    took = []
    for number in range(ROUNDS):
        start = time.perf_counter()
        call(number)
        took.append(time.perf_counter() - start)
    return median(took) * 1_000


def client() -> Any:
    """A `cognito-idp` client on moto."""
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


def main() -> None:
    """Measure and print."""
    os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
    logging.getLogger("pinpoint_kit").setLevel(logging.CRITICAL)
    with mock_aws():
        bare = client()
        sign_in = pool(bare)
        milliseconds(lambda _: sign_in(bare))
        before = milliseconds(lambda _: sign_in(bare))
        print(f"bare client: {before:.3f} ms")
        for state in ("answers", "is down"):
            with FaultyPinpoint() as faulty:
                if state == "is down":
                    faulty.always(Fault.refused(503))
                with faulty.connect() as pinpoint:
                    hooked = cognito.with_analytics(client(), pinpoint, endpoint_id="device-1")
                    with_hook = milliseconds(lambda _, by=hooked: sign_in(by))  # type: ignore[misc]
                    handler = cognito.trigger_handler(pinpoint)
                    handled = milliseconds(
                        lambda n, f=handler: f(EVENT, SimpleNamespace(aws_request_id=str(n)))  # type: ignore[misc]
                    )
                    pinpoint.close(0)
            again = milliseconds(lambda _: sign_in(bare))
            slower = with_hook - (before + again) / 2
            print(f"server {state}: hook +{slower:.3f} ms, handler {handled:.3f} ms")
            before = again


if __name__ == "__main__":
    main()
