"""Kinesis and Firehose on a loopback socket, failing as they are told, in part or as a whole.

    with FakeAws() as fake:
        destination = Kinesis("events", session=fake.session(), endpoint_url=fake.url)
        fake.script += [Fault.records(0, 3), Fault.whole("LimitExceededException")]
        ...
        assert [taken.key for taken in fake.taken] == [...]

What was stored is in `taken`, in the order in which it was stored. `python fake_aws.py` serves in a
process of its own and prints its URL, for benchmarks; it takes everything and keeps nothing.
"""

from __future__ import annotations

import base64
import functools
import random
import sys
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import orjson

from pinpoint_kit.engine.wire.http import Request, Response
from pinpoint_kit.testing.wire_server import Reply, WireServer

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

__all__ = ["FakeAws", "Fault", "Taken"]

THROTTLED = "ProvisionedThroughputExceededException"


@attrs.frozen
class Taken:
    """A record that was stored: where, under which key ("" at Firehose), and its data."""

    stream: str
    key: str
    data: bytes


@attrs.frozen(kw_only=True)
class Fault:
    """What happens to one request. Make it with one of the functions below.

    Attributes:
        refused: picks the records, by their places in the request, that are refused one by one.
        code: of each of these.
        status: of the whole answer, where it is no 200.
        headers: of the whole answer.
        message: of the whole answer.
        body: sent as it is, instead of the answer.
        spoil: changes the results of the answer.
        ending: how the answer ends on the wire; see `Reply`.
        seconds: how long it takes.
        is_stored: whether the records that are not refused are stored.
    """

    refused: Callable[[int], set[int]] = lambda _: set()
    code: str = THROTTLED
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict)
    message: str = "no"
    body: bytes | None = None
    spoil: Callable[[list[Any]], list[Any]] | None = None
    ending: Any = "whole"
    seconds: float = 0.0
    is_stored: bool = True

    @classmethod
    def none(cls) -> Fault:
        """Nothing goes wrong."""
        return cls()

    @classmethod
    def records(cls, *places: int, code: str = THROTTLED) -> Fault:
        """Refuse the records at these places of a request."""
        return cls(refused=lambda _: set(places), code=code)

    @classmethod
    def share(cls, share: float, seed: int, code: str = THROTTLED) -> Fault:
        """Refuse a share of the records, by lot."""
        lot = random.Random(seed)  # noqa: S311 -- no secret
        return cls(
            refused=lambda count: {n for n in range(count) if lot.random() < share}, code=code
        )

    @classmethod
    def whole(
        cls,
        code: str,
        *,
        status: int = 400,
        message: str = "no",
        headers: dict[str, str] | None = None,
    ) -> Fault:
        """Refuse the whole request."""
        return cls(
            code=code, status=status, message=message, headers=headers or {}, is_stored=False
        )

    @classmethod
    def hang(cls, *, is_stored: bool = False) -> Fault:
        """Never answer."""
        return cls(ending="timeout", is_stored=is_stored)

    @classmethod
    def slow(cls, seconds: float) -> Fault:
        """Answer right, in pieces."""
        return cls(ending="slow", seconds=seconds)

    @classmethod
    def reset(cls, *, is_stored: bool) -> Fault:
        """Reset the connection in place of an answer."""
        return cls(ending="reset", is_stored=is_stored)

    @classmethod
    def truncated(cls) -> Fault:
        """Store, and end the connection in the middle of the answer."""
        return cls(ending="truncated")

    @classmethod
    def garbage(cls, body: bytes = b"<html>busy</html>", *, status: int = 200) -> Fault:
        """Store, and answer with something else."""
        return cls(body=body, status=status)

    @classmethod
    def missing(cls) -> Fault:
        """Store, and leave the last result out of the answer."""
        return cls(spoil=lambda results: results[:-1])

    @classmethod
    def duplicated(cls) -> Fault:
        """Store, and acknowledge each record twice."""
        return cls(spoil=lambda results: [one for result in results for one in (result, result)])

    @classmethod
    def mute(cls) -> Fault:
        """Store nothing, and say nothing of any record."""
        return cls(spoil=lambda results: [{} for _ in results], is_stored=False)


class FakeAws:
    """Streams that take everything, unless the script or the default says otherwise.

    Attributes:
        script: the faults of the next requests, in turn.
        default: what happens when the script is at its end.
        judge: calls records wrong: their whole request is then refused with ValidationException.
        taken: what was stored, in its order.
        requests: how many records each request had.
    """

    def __init__(self, *, is_counting: bool = False) -> None:
        self.script: deque[Fault] = deque()
        self.default = Fault.none()
        self.judge: Callable[[bytes], bool] = lambda _: False
        self.taken: list[Taken] = []
        self.requests: list[int] = []
        self._is_counting = is_counting
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._server = WireServer(self._answer)

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.stop()

    @property
    def url(self) -> str:
        """The address of both services."""
        return f"http://127.0.0.1:{self._server.port}"

    @staticmethod
    def session() -> boto3.session.Session:
        """Return a session with credentials that are nobody's."""
        return boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")

    def down(self) -> None:
        """Close the port."""
        self._server.stop()

    def up(self) -> None:
        """Open the port again."""
        self._server.start()

    def data(self) -> list[bytes]:
        """Return the data of what was stored."""
        return [taken.data for taken in self.taken]

    def _answer(self, request: Request, has_gone: Callable[[], bool]) -> Reply:
        with self._lock:
            return self._reply(request, has_gone)

    @staticmethod
    @functools.cache
    def _counted(count: int, *, is_kinesis: bool) -> Response:
        body = orjson.dumps(_answer(Fault.none(), set(), count, is_kinesis=is_kinesis))
        return Response(200, {"Content-Type": "application/x-amz-json-1.1"}, body)

    def _reply(self, request: Request, has_gone: Callable[[], bool]) -> Reply:
        is_kinesis = request.headers["x-amz-target"].startswith("Kinesis")
        if self._is_counting:  # as little as will do
            return Reply(self._counted(request.body.count(b'"Data"'), is_kinesis=is_kinesis))
        members = orjson.loads(request.body)
        records = members["Records"]
        self.requests.append(len(records))
        fault = self.script.popleft() if self.script else self.default
        data = [base64.b64decode(record["Data"]) for record in records]
        if any(map(self.judge, data)):
            fault = Fault.whole("ValidationException", message=f"Value {records[0]!r} is wrong")
        refused = fault.refused(len(records))
        if fault.is_stored:
            stream = members.get("StreamName") or members.get("StreamARN")
            stream = stream or members["DeliveryStreamName"]
            self.taken += [
                Taken(stream, record.get("PartitionKey", ""), content)
                for place, (record, content) in enumerate(zip(records, data, strict=True))
                if place not in refused
            ]
        if fault.ending == "timeout":
            while not (self._ended.wait(0.01) or has_gone()):
                pass
            return Reply(None)
        if fault.ending == "reset":
            return Reply(None, ending="reset")
        answer = _answer(fault, refused, len(records), is_kinesis=is_kinesis)
        headers = {"Content-Type": "application/x-amz-json-1.1", **fault.headers}
        body = fault.body if fault.body is not None else orjson.dumps(answer)
        response = Response(fault.status, headers, body)
        return Reply(response, fault.ending, fault.seconds, self._ended.wait)


def _answer(fault: Fault, refused: set[int], count: int, *, is_kinesis: bool) -> dict[str, object]:
    if fault.status != 200:
        return {"__type": fault.code, "message": fault.message}
    results: list[Any] = [
        {"ErrorCode": fault.code, "ErrorMessage": "Rate exceeded for shard 1"}
        if place in refused
        else {"SequenceNumber": str(place), "ShardId": "shardId-000000000000"}
        if is_kinesis
        else {"RecordId": str(place)}
        for place in range(count)
    ]
    if fault.spoil is not None:
        results = fault.spoil(results)
    if is_kinesis:
        return {"FailedRecordCount": len(refused), "Records": results}
    return {"FailedPutCount": len(refused), "RequestResponses": results}


if __name__ == "__main__":
    with FakeAws(is_counting=True) as served:
        print(served.url, flush=True)  # noqa: T201 -- what it was started for
        sys.stdin.read()
