"""Many engines on one PostgreSQL at the same time: what SQLite's single writer would hide.

Each test has two engines, as two servers would, and threads that begin together.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import OperationalError

import pinpoint_kit
from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.files.files import ByScheme, LocalFiles
from pinpoint_kit.engine.storage.dialects.postgresql import locks
from pinpoint_kit.engine.work import leases
from pinpoint_kit.engine.work.leases import Lease
from tests.engine.conftest import Wire
from tests.engine.jobs.job_kit import create_export, lines, run, url_of
from tests.pgbouncer import pooling
from tests.postgresql import with_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgresql import Server

CLIENTS = 8
EVENT = {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}


@pytest.fixture(params=["direct", pytest.param("pgbouncer", marks=pytest.mark.slow)])
def wires(
    request: pytest.FixtureRequest,
    postgresql_server: Server,
    postgresql_url: str,
    tmp_path: Path,
) -> Iterator[list[Wire]]:
    """Give wires to two engines on one database, with the same application.

    By way of PgBouncer they share a few connections, and each transaction may get another one.
    """
    files = ByScheme({"file": LocalFiles()})
    with ExitStack() as stack:
        url = postgresql_url
        if request.param == "pgbouncer":
            place = stack.enter_context(pooling(postgresql_server.url, tmp_path))
            url = with_schema(place, postgresql_url.rpartition("=")[2])
        one = stack.enter_context(Engine.open(url, files=files))
        two = stack.enter_context(Engine.open(url, files=files))
        first, second = Wire(one), Wire(two)
        second.app = first.app
        yield [first, second]


def together(work: Callable[[int], None], clients: int = CLIENTS) -> None:
    """Run a function in threads that begin at the same time; what one raises is raised."""
    barrier = threading.Barrier(clients)

    def begin(number: int) -> None:
        barrier.wait()
        work(number)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(begin, range(clients)))


def test_merges_of_one_endpoint_lose_nothing(wires: list[Wire]) -> None:
    """Every client adds an attribute of its own each time; in the end all are there."""

    def ask(wire: Wire, kind: int, member: dict[str, list[str]]) -> int:
        if kind == 0:
            return wire.update("e", Attributes=member).status
        if kind == 1:
            return wire.batch({"Id": "other"}, {"Id": "E", "Attributes": member}).status
        return wire.put_events({"e": {"Endpoint": {"Attributes": member}, "Events": {}}}).status

    def work(number: int) -> None:
        for turn in range(10):
            member = {f"a{number}-{turn}": ["x"]}
            assert ask(wires[(number + turn) % 2], turn % 3, member) == 202

    together(work)
    assert len(wires[0].get("e")["Attributes"]) == CLIENTS * 10


def test_user_attributes_lose_nothing(wires: list[Wire]) -> None:
    """Endpoints of one user are updated side by side, and each adds to the user's attributes."""

    def work(number: int) -> None:
        for turn in range(8):
            user = {"UserId": "u", "UserAttributes": {f"a{number}-{turn}": ["x"]}}
            assert wires[number % 2].update(f"e{number}", User=user).status == 202

    together(work)
    assert len(wires[0].get("e0")["User"]["UserAttributes"]) == CLIENTS * 8


def test_a_user_never_has_more_than_15_endpoints(wires: list[Wire]) -> None:
    """Newcomers of both kinds join a user at once: some are refused, some push others out."""
    statuses: list[int] = []

    def work(number: int) -> None:
        for turn in range(6):
            channel = "GCM" if number % 2 else "EMAIL"
            answer = wires[turn % 2].update(
                f"{number}-{turn}",
                ChannelType=channel,
                Address=f"{number}-{turn}",
                User={"UserId": "u"},
            )
            statuses.append(answer.status)

    together(work)
    assert set(statuses) == {202, 400}
    assert len(wires[0].user_ids("u")) == 15


def test_an_address_has_one_active_endpoint(wires: list[Wire]) -> None:
    """Endpoints take one address from each other; whoever was last is the only active one."""

    def work(number: int) -> None:
        for turn in range(8):
            contact = {"ChannelType": "SMS", "Address": "+15550100", "Metrics": {"turn": turn}}
            assert wires[turn % 2].update(f"e{number}", **contact).status == 202

    together(work)
    found = [wires[0].get(f"e{number}") for number in range(CLIENTS)]
    assert sum(endpoint["EndpointStatus"] == "ACTIVE" for endpoint in found) == 1
    assert [endpoint["Metrics"]["turn"] for endpoint in found] == [7] * CLIENTS


def test_the_one_who_loses_the_address_keeps_what_others_write(wires: list[Wire]) -> None:
    """An endpoint is updated while another one takes its address: neither change is lost."""
    contact = {"ChannelType": "SMS", "Address": "+15550100"}
    wires[0].update("old", **contact)

    def work(number: int) -> None:
        for turn in range(10):
            if number % 2:
                member = {f"a{number}-{turn}": ["x"]}
                answer = wires[0].update("old", Attributes=member, EndpointStatus="INACTIVE")
            else:
                answer = wires[1].update(f"new{number}", **contact)
            assert answer.status == 202

    together(work)
    old = wires[0].get("old")
    assert (len(old["Attributes"]), old["EndpointStatus"]) == (CLIENTS // 2 * 10, "INACTIVE")


def test_events_are_kept_once(wires: list[Wire]) -> None:
    """The same batch is sent by all clients, with a new endpoint in it."""
    items = {f"e{n}": {"Endpoint": {}, "Events": {f"{k}": EVENT for k in range(5)}} for n in (1, 2)}

    def work(number: int) -> None:
        assert wires[number % 2].put_events(items).status == 202

    together(work)
    assert len(wires[0].events()) == 10


def test_a_deletion_leaves_no_event_with_a_name(wires: list[Wire]) -> None:
    """Events that arrive while their endpoint goes are nameless, or of an endpoint made anew."""
    wires[0].update("e", User={"UserId": "u"})

    def work(number: int) -> None:
        for turn in range(5):
            if number == 0:
                wires[0].send("DELETE", wires[0].endpoint_path("e"))
            else:
                events = {f"{number}-{turn}": EVENT}
                wires[1].put_events({"e": {"Endpoint": {}, "Events": events}})

    together(work, 4)
    wires[0].send("DELETE", wires[0].endpoint_path("e"))
    assert {row["user_id"] for row in wires[0].events()} == {None}
    assert "e" not in {row["endpoint"] for row in wires[0].events()}


def test_processes_that_start_together_find_one_application(postgresql_url: str) -> None:
    """Each of them finds or creates it by name; all have the same in the end."""
    ids: list[str] = []

    def work(_: int) -> None:
        with pinpoint_kit.connect(postgresql_url, application="shop") as pinpoint:
            ids.append(pinpoint.application_id)

    together(work)
    assert len(set(ids)) == 1
    with pinpoint_kit.connect(postgresql_url, application="shop") as pinpoint:
        assert [found.name for found in pinpoint.applications.list()] == ["shop"]


def test_limits_of_rare_things_hold(wires: list[Wire]) -> None:
    """Tags are counted, segments versioned and settings merged one after the other."""
    arn = wires[0].send("GET", f"/v1/apps/{wires[0].app}").json["Arn"]
    path = f"/v1/tags/{arn.replace(':', '%3A').replace('/', '%2F')}"
    segment = wires[0].post(f"/v1/apps/{wires[0].app}/segments", {"Name": "s"}).json["Id"]
    patterns = f"/v1/apps/{wires[0].app}/attributes/endpoint-custom-attributes"

    def work(number: int) -> None:
        wire = wires[number % 2]
        wire.post(path, {"tags": {f"{number}-{n}": "x" for n in range(10)}})
        wire.put(f"/v1/apps/{wire.app}/segments/{segment}", {"Name": f"{number}"})
        wire.put(patterns, {"Blacklist": [f"p{number}"]})

    together(work)
    assert len(wires[0].send("GET", path).json["tags"]) == 50
    found = wires[0].send("GET", f"/v1/apps/{wires[0].app}/segments/{segment}").json
    assert found["Version"] == 1 + CLIENTS
    assert len(wires[0].put(patterns, {"Blacklist": []}).json["Attributes"]) == CLIENTS


def test_a_task_is_leased_once(wires: list[Wire]) -> None:
    """Of engines that want the same task at once, one has it."""
    taken: list[bool] = []

    def work(number: int) -> None:
        lease = Lease("worker", "task", f"holder {number}")
        with wires[number % 2].engine._store.write() as connection:
            taken.append(leases.take(connection, lease, None, 1))

    together(work)
    assert sorted(taken) == [False] * (CLIENTS - 1) + [True]


class Slow:
    """A request whose transaction has drawn its numbers and does not commit before it is told."""

    def __init__(self, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_inside = threading.Event()
        self._may_end = threading.Event()
        store = wire.engine._store
        dialect = store._dialect
        begin = type(dialect).begin_write

        def begin_write(own: Any, connection: Any, **options: Any) -> None:
            begin(own, connection, **options)
            commit = connection.commit

            def slowly() -> None:
                self.is_inside.set()
                assert self._may_end.wait(20)
                commit()

            if own is dialect and not self.is_inside.is_set():
                monkeypatch.setattr(connection, "commit", slowly, raising=False)

        monkeypatch.setattr(type(dialect), "begin_write", begin_write)

    def begin(self, ask: Callable[[], object]) -> threading.Thread:
        """Start the request, and wait until it is about to commit."""
        thread = threading.Thread(target=ask)
        thread.start()
        assert self.is_inside.wait(20)
        return thread

    def end(self) -> None:
        """Let it commit."""
        self._may_end.set()


def waits(postgresql_url: str) -> bool:
    """Return whether somebody waits for a lock."""
    import psycopg  # noqa: PLC0415 -- only here

    plain = postgresql_url.rpartition("&schema=")[0]
    with psycopg.connect(plain, autocommit=True) as connection:
        found = connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()
    return bool(found and found[0])


def after_the_commit(slow: Slow, url: str, ask: Callable[[], Any]) -> Any:
    """Ask while a transaction is open, let it commit once the question waits, return the answer."""
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask)
        while not (answer.done() or waits(url)):
            pass
        slow.end()
        return answer.result()


def test_a_tail_skips_no_event_that_commits_later(
    wires: list[Wire], postgresql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event with a lower number, whose transaction commits after others, is still seen."""
    slow_wire, wire = wires
    for each in ("late", "early"):
        wire.update(each)
    slow = Slow(slow_wire, monkeypatch)
    item = {"Endpoint": {}, "Events": {"1": EVENT}}
    thread = slow.begin(lambda: slow_wire.put_events({"late": item}))
    wire.put_events({"early": item})
    path = f"/pinpoint-kit/v1/apps/{wire.app}/events/find"

    def ask() -> Any:
        return wire.post(path, {"Order": "ARRIVAL"}).json

    page = after_the_commit(slow, postgresql_url, ask)
    thread.join()
    assert [event["EndpointId"] for event in page["Item"]] == ["late", "early"]


def test_an_export_skips_no_endpoint_that_commits_later(
    wires: list[Wire], postgresql_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The export begins while an endpoint with a lower number is being stored."""
    slow_wire, wire = wires
    slow = Slow(slow_wire, monkeypatch)
    thread = slow.begin(lambda: slow_wire.update("late"))
    wire.update("early")
    url = url_of(tmp_path)

    def export() -> None:
        create_export(wire, url)
        run(wire)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(export)
        while not (done.done() or waits(postgresql_url)):
            pass
        slow.end()
        done.result()
    thread.join()
    assert sorted(each["Id"] for each in lines(url)) == ["early", "late"]


def test_what_the_database_undoes_is_done_again(
    wires: list[Wire], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deadlock is repeated inside; only when it lasts it becomes a 500 that says so."""

    class DeadlockError(Exception):
        sqlstate = "40P01"

    left = [2]
    claim = locks.claim

    def fail(*arguments: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise OperationalError("SELECT", {}, DeadlockError())
        claim(*arguments)

    monkeypatch.setattr(locks, "claim", fail)
    monkeypatch.setattr(wires[0].engine._repeating, "sleep", lambda _: None)
    assert wires[0].update("e").status == 202
    left[0] = 100
    answer = wires[0].update("e")
    assert (answer.status, answer.code) == (500, "InternalServerErrorException")
    assert answer.message.startswith("Too many clients have changed the same data at once")
    assert "x-pinpoint-kit-retryable" not in answer.headers
