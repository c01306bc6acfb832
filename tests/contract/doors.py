"""The doors that the contract suite goes through, and the watch that sees every answer.

A test says once what the service does; `Door` hands it a real botocore client and, at our own
doors, a way to send raw requests. What a door is connected to belongs here; what a test expects
does not.
"""

from __future__ import annotations

import http.client
import json
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs
import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from pinpoint_kit.engine import Request
from tests.model_answers import operation_at, problems_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine import Engine

__all__ = ["Answer", "Calls", "Door", "engine_sender", "hosted_client", "socket_sender"]

_REGION = "us-east-1"

#: Where moto's answers are known not to be the service model's: the end of the problem, the reason.
MOTO_PROBLEMS = {
    "content type None": "moto leaves out the content type of successes",
    "CreationDate is float, not a string": "moto keeps the date as a number of seconds",
    "CloudWatchMetricsEnabled is unknown to ApplicationSettingsResource": (
        "moto gives back a member that only the request has"
    ),
    "status 200 instead of 204": "moto answers TagResource and UntagResource as if they had a body",
    "a body where none belongs": "as above",
    "an error without Message": "moto spells it `message`, as other services do",
    "RequestID is not that of the header": "moto's errors have none",
    "an error with more than Message and RequestID": "moto adds `__type`",
}


@attrs.frozen
class Answer:
    """A raw answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The name of the exception, "" when there is none."""
        return self.headers.get("x-amzn-errortype", "")


#: Sends method, raw path with query, headers and body.
Sender: TypeAlias = Callable[[str, str, Mapping[str, str], bytes], Answer]


@attrs.define
class Calls:
    """What was seen: statuses by door and operation, and which known problems moto has shown."""

    statuses: dict[str, dict[str, set[int]]] = attrs.field(
        factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    moto_problems: set[str] = attrs.field(factory=set)

    def add(self, door: str, operation: str, status: int) -> None:
        """Note one answer."""
        self.statuses[door][operation].add(status)

    def answered(self, door: str) -> set[str]:
        """Return the operations that have succeeded at a door at least once."""
        return {
            operation
            for operation, statuses in self.statuses[door].items()
            if any(200 <= status < 300 for status in statuses)
        }


@attrs.define
class Door:
    """One way to a Pinpoint.

    Attributes:
        name: `process`, `http`, `signed` (over HTTP as well), `postgresql` (in process), `workers`
            (two processes on PostgreSQL, over HTTP) or `moto`.
        client: a botocore client whose answers are checked against the service model.
        calls: where answers are noted.
    """

    name: Literal["process", "http", "signed", "postgresql", "workers", "moto"]
    client: Any
    calls: Calls
    _sender: Sender | None = None

    def __attrs_post_init__(self) -> None:
        self.client.meta.events.register("response-received.pinpoint", self._watch)

    def send(  # noqa: PLR0913 -- each is a part of an HTTP request
        self,
        method: str,
        path: str,
        payload: object = None,
        *,
        body: bytes = b"",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        operation: str | None = None,
    ) -> Answer:
        """Send a raw request, as a client that is not botocore may.

        Args:
            method: the HTTP method.
            path: the raw path, percent-encoded by the test.
            payload: sent as JSON, instead of `body`.
            body: sent as it is.
            query: the raw query string.
            headers: more headers.
            operation: the operation, where the path does not tell.
        """
        assert self._sender is not None, f"raw requests are not for {self.name}"
        content = body if payload is None else json.dumps(payload).encode()
        target = f"{path}?{query}" if query else path
        answer = self._sender(method, target, headers or {}, content)
        if method != "OPTIONS":
            called = operation_at(method, path) if operation is None else operation
            self._see(called, answer.status, answer.headers, answer.body)
        return answer

    @contextmanager
    def unlike_moto(self, reason: str) -> Iterator[None]:
        """Mark a single expectation that moto is known not to meet; it must fail there."""
        if self.name != "moto":
            yield
            return
        try:
            yield
        except (Exception, pytest.fail.Exception):  # noqa: BLE001 -- moto fails in every way
            return
        pytest.fail(f"moto meets this expectation by now; take the mark away: {reason}")

    def _watch(self, response_dict: Mapping[str, Any] | None, event_name: str, **_: object) -> None:
        if response_dict is not None:
            self._see(
                event_name.rpartition(".")[2],
                response_dict["status_code"],
                response_dict["headers"],
                response_dict["body"],
            )

    def _see(self, operation: str, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.calls.add(self.name, operation, status)
        problems = problems_of(operation, status, headers, body)
        if self.name == "moto":
            problems = [found for found in problems if not self._is_known_of_moto(found)]
        assert problems == []

    def _is_known_of_moto(self, problem: str) -> bool:
        known = {end for end in MOTO_PROBLEMS if problem.endswith(end)}
        self.calls.moto_problems |= known
        return bool(known)


def hosted_client(credentials: Credentials | None = None, **options: Any) -> Any:
    """Return boto3's client as anybody makes it, without its retries."""
    key = credentials or Credentials("test", "test")
    return boto3.client(
        "pinpoint",
        region_name=_REGION,
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        config=Config(retries={"max_attempts": 0}),
        **options,
    )


def engine_sender(engine: Engine) -> Sender:
    """Return what sends raw requests to an engine in this process."""

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        path, _, query = target.partition("?")
        response = engine.handle(Request(method, path, query=query, headers=headers, body=body))
        lower = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status, lower, response.body)

    return send


def socket_sender(port: int, credentials: Credentials | None = None) -> Sender:
    """Return what sends raw requests to a port of this machine, a connection each.

    Args:
        port: the port.
        credentials: sign with these; but OPTIONS is what browsers send before they sign.
    """

    def send(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if credentials is not None and method != "OPTIONS":
            url = f"http://127.0.0.1:{port}{target}"
            request = AWSRequest(method, url, dict(headers), body)
            SigV4Auth(credentials, "mobiletargeting", _REGION).add_auth(request)
            headers = dict(request.headers.items())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, target, body or None, dict(headers))
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        lower = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lower, content)

    return send
