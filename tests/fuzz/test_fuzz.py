"""Whatever comes, the engine answers: no fault of its own, no data in a refusal, nothing half-done.

A few hundred requests by default, 20,000 with `-m slow`, in process and over a socket; fewer on
PostgreSQL, where looking at all that is stored takes longer than a request.
"""

from __future__ import annotations

import http.client
import json
import logging
import re
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

import attrs
import pytest

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.server import ServerOptions
from tests.fuzz.requests import Maker, Wanted
from tests.model_answers import operation_at, problems_of
from tests.server.conftest import RunningServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from tests.postgresql import Server

    #: Gives the URL of an empty database.
    Emptied: TypeAlias = Callable[[], AbstractContextManager[str]]

MANY = 20_000
#: The same where a database is on a server.
MANY_ELSEWHERE = 2_000
#: No request may take longer, in seconds; a request here takes about a thousandth of it.
PATIENCE = 10.0
#: So much is stored at most before everything begins anew: what is stored is compared each time.
ROUND = 250
_FIRST_REFUSAL = 400
_FAULT = 500
_NOT_EMULATED = 501
_LABELS = {
    "CreateApp": "application-id",
    "CreateSegment": "segment-id",
    "CreateCampaign": "campaign-id",
    "CreateJourney": "journey-id",
    "CreateRecommenderConfiguration": "recommender-id",
}
_OF_A_FAULT = re.compile(rb"Traceback|File \\\"|sqlite3|psycopg|sqlalchemy|[Ee]xception:|\.py\b")


@attrs.frozen
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fuzzer:
    """Sends what a maker makes, and says what is wrong with an answer."""

    def __init__(self, maker: Maker, engine: Engine, send: Callable[[Wanted], Answer]) -> None:
        self._maker = maker
        self._engine = engine
        self._send = send

    def run(self, count: int) -> Counter[str]:
        """Send requests, beginning with a new application; count what was accepted."""
        accepted: Counter[str] = Counter()
        self._maker.forget()
        self._learn("CreateApp", self._send(_create_app()))
        before = self._stored()
        for number in range(count):
            wanted = self._maker.make()
            began = time.perf_counter()
            answer = self._send(wanted)
            seconds = time.perf_counter() - began
            after = self._stored()
            problems = [*self._problems(wanted, answer), *_slow(seconds)]
            if answer.status >= _FIRST_REFUSAL and after != before:
                problems.append("something was stored by a request that was refused")
            assert not problems, f"request {number}: {wanted}\n{answer}\n{problems}"
            before = after
            if answer.status < _FIRST_REFUSAL:
                operation = operation_at(wanted.method, wanted.path)
                accepted[operation] += 1
                self._learn(operation, answer)
        return accepted

    @staticmethod
    def _problems(wanted: Wanted, answer: Answer) -> Iterator[str]:
        if answer.status >= _FAULT and answer.status != _NOT_EMULATED:
            yield "a fault of ours"
        if _OF_A_FAULT.search(answer.body):
            yield "the inside shows"
        operation = operation_at(wanted.method, wanted.path)
        is_refusal = answer.status >= _FIRST_REFUSAL
        if wanted.method != "HEAD" and (operation or is_refusal):
            yield from problems_of(operation, answer.status, answer.headers, answer.body)

    def _stored(self) -> list[object]:
        """Return all that is stored; from a server, for the sake of time, digests of it."""
        with self._engine._store.read() as connection:
            schemas = connection.get_execution_options().get("schema_translate_map")
            if schemas is None:
                return [
                    connection.execute(table.select()).all() for table in METADATA.sorted_tables
                ]
            digest = "SELECT md5(string_agg(t::text, ';' ORDER BY t::text)) FROM"
            digests = (f"{digest} {schemas[None]}.{name} t" for name in METADATA.tables)
            return list(connection.exec_driver_sql(" UNION ALL ".join(digests)).scalars())

    def _learn(self, operation: str, answer: Answer) -> None:
        """Lets later requests name what this one has made."""
        if not operation.startswith("Create"):
            return
        made = json.loads(answer.body)
        if "Id" in made:
            self._maker.learn(
                "job-id" if operation.endswith("Job") else _LABELS[operation], made["Id"]
            )
        if "Arn" in made:
            self._maker.learn("resource-arn", made["Arn"])


def _create_app() -> Wanted:
    return Wanted("CreateApp", "POST", "/v1/apps", b'{"Name": "fuzz"}')


def _slow(seconds: float) -> list[str]:
    return [f"it took {seconds:.1f} s"] if seconds > PATIENCE else []


def in_memory() -> AbstractContextManager[str]:
    """Give the URL of a new SQLite database in memory."""
    return nullcontext("sqlite://")


def in_process(count: int, seed: int, emptied: Emptied) -> Counter[str]:
    """Fuzzes engines, a new one every so often."""
    maker, accepted = Maker(seed), Counter[str]()
    for begin in range(0, count, ROUND):
        with emptied() as url, Engine.open(url) as engine:

            def send(wanted: Wanted, engine: Engine = engine) -> Answer:
                request = Request(wanted.method, wanted.path, wanted.query, {}, wanted.body)
                answer = engine.handle(request)
                return Answer(answer.status, answer.headers, answer.body)

            accepted += Fuzzer(maker, engine, send).run(min(ROUND, count - begin))
    return accepted


def over_a_socket(count: int, seed: int, emptied: Emptied) -> Counter[str]:
    """Fuzzes servers, a new one every so often, by a client that sends what it is told."""
    maker, accepted = Maker(seed), Counter[str]()
    for begin in range(0, count, ROUND):
        with ExitStack() as stack:
            engine = Engine.open(stack.enter_context(emptied()))
            server = RunningServer(engine, ServerOptions(access_log=False))
            stack.callback(server.stop)
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
            stack.callback(connection.close)

            def send(wanted: Wanted, connection: http.client.HTTPConnection = connection) -> Answer:
                method = wanted.method or "GET"
                target = wanted.target if wanted.target.startswith("/") else "/"
                connection.request(method, target.replace(" ", "%20"), wanted.body)
                answer = connection.getresponse()
                return Answer(answer.status, dict(answer.headers), answer.read())

            accepted += Fuzzer(maker, engine, send).run(min(ROUND, count - begin))
    return accepted


@pytest.mark.parametrize("run", [in_process, over_a_socket])
def test_no_request_is_too_odd(
    run: Callable[[int, int, Emptied], Counter[str]], caplog: pytest.LogCaptureFixture
) -> None:
    """Random and malformed requests get an answer of the service, and refused ones do nothing."""
    run(400, 1, in_memory)
    assert faults(caplog) == []


def test_no_request_is_too_odd_for_postgresql(
    postgresql_server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The same there, where texts meet an encoding, and keys an index with a limit."""
    in_process(200, 4, postgresql_server.emptied)
    assert faults(caplog) == []


@pytest.mark.slow
@pytest.mark.parametrize(("run", "seed"), [(in_process, 2), (over_a_socket, 3)])
def test_twenty_thousand_requests(
    run: Callable[[int, int, Emptied], Counter[str]], seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    """The same for 20,000 requests at each door."""
    check_reach(run(MANY, seed, in_memory), MANY)
    assert faults(caplog) == []


@pytest.mark.slow
@pytest.mark.parametrize(("run", "seed"), [(in_process, 5), (over_a_socket, 6)])
def test_many_requests_on_postgresql(
    run: Callable[[int, int, Emptied], Counter[str]],
    seed: int,
    postgresql_server: Server,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The same on PostgreSQL, for some of them."""
    check_reach(run(MANY_ELSEWHERE, seed, postgresql_server.emptied), MANY_ELSEWHERE)
    assert faults(caplog) == []


def check_reach(accepted: Counter[str], count: int) -> None:
    """Check that the requests are not all refused for their first mistake."""
    assert accepted.total() > count / 10, "hardly anything gets past the first check"
    assert len(accepted) > len(Engine.coverage()) / 2, "most operations are never reached"


def faults(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what was logged as a fault of ours."""
    return [record for record in caplog.records if record.levelno >= logging.ERROR]
