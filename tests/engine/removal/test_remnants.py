"""No byte of an erased person is left in the database's files, however their rows have moved."""

from __future__ import annotations

import hashlib
import json
import random
import re
import sqlite3
import sys
import threading
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage import remnants as notes
from pinpoint_kit.engine.storage.dialects.sqlite import remnants
from pinpoint_kit.engine.storage.store import Store
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Clock, Wire

AT = "2026-01-02T03:04:05.678Z"
KINDS = ("endpoint", "address", "note", "user", "plan", "event", "said")
VALUE = re.compile(f"(?:{'|'.join(KINDS)})[0-9a-f]{{24}}".encode())
#: 404: the person was deleted before.
FINE = {200, 202, 404}
#: Another process that sends requests to the same file, one a line.
OTHER = """
import json, sys
from pinpoint_kit.engine import Engine, Request
with Engine.open(sys.argv[1]) as engine:
    for line in sys.stdin:
        method, path, body = json.loads(line)
        print(engine.handle(Request(method, path, body=json.dumps(body).encode())).status)
        sys.stdout.flush()
"""


def path_of(url: str) -> Path:
    """Return the file of a database."""
    return Path(url.removeprefix("sqlite:///"))


def content_of(url: str) -> bytes:
    """Return what is in all files of a database."""
    path = path_of(url)
    return b"\0".join(file.read_bytes() for file in sorted(path.parent.glob(path.name + "*")))


def is_sound(url: str) -> bool:
    """Whether SQLite finds nothing wrong with a file."""
    with closing(sqlite3.connect(path_of(url))) as connection:
        return connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class People:
    """Persons with values that stand nowhere else, and a random history of what is stored of them.

    Args:
        send: sends one request: method, path, body. Which process does it, is its business.
        app: the application.
        seed: of the random numbers.
    """

    def __init__(self, send: Callable[[str, str, Any], None], app: str, seed: int) -> None:
        self._send = send
        self._path = f"/v1/apps/{app}"
        self._app = app
        self._random = random.Random(seed)  # noqa: S311 -- a history, no secret
        self._made = 0
        self.values: dict[int, set[str]] = {}

    def act(self) -> None:
        """Do something to some persons."""
        chosen = self._random.choice
        chosen((self._add, self._add, self._change, self._change, self._record, self._delete))()

    def erase(self, count: int) -> set[str]:
        """Erase some persons, and return all values that were ever stored of them."""
        gone: set[str] = set()
        for person in self._some(count):
            body = {"UserId": self._value("user", person)}
            self._send("POST", f"/pinpoint-kit{self._path}/erasures", body)
            gone |= self.values.pop(person)
        return gone

    def _some(self, count: int) -> list[int]:
        return self._random.sample(sorted(self.values), min(count, len(self.values)))

    def _value(self, kind: str, person: int, generation: object = "") -> str:
        text = f"{self._app} {kind} {person} {generation}".encode()
        value = f"{kind}{hashlib.sha256(text).hexdigest()[:24]}"
        self.values.setdefault(person, set()).add(value)
        return value

    def _put(self, persons: list[int]) -> None:
        items = [
            {
                "Id": self._value("endpoint", person),
                "ChannelType": "EMAIL",
                "Address": self._value("address", person, self._random.random()),
                "Attributes": {
                    "note": [
                        self._value("note", person, self._random.random())
                        for _ in range(self._random.choice((1, 1, 5, 40)))
                    ]
                },
                "User": {
                    "UserId": self._value("user", person),
                    "UserAttributes": {"u": [self._value("plan", person, self._random.random())]},
                },
            }
            for person in persons
        ]
        self._send("PUT", f"{self._path}/endpoints", {"Item": items})

    def _add(self) -> None:
        numbers = list(range(self._made, self._made + 100))
        self._made += 100
        self._random.shuffle(numbers)
        self._put(numbers)

    def _change(self) -> None:
        if persons := self._some(60):
            self._put(persons)

    def _record(self) -> None:
        event = {"EventType": "t", "Timestamp": AT}
        items = {
            self._value("endpoint", person): {
                "Endpoint": {},
                "Events": {
                    self._value("event", person, number): {
                        **event,
                        "Attributes": {"a": self._value("said", person, number)},
                    }
                    for number in self._random.sample(range(1 << 40), self._random.choice((1, 4)))
                },
            }
            for person in self._some(20)
        }
        if items:
            self._send("POST", f"{self._path}/events", {"BatchItem": items})

    def _delete(self) -> None:
        for person in self._some(8):
            user = self._value("user", person)
            self._send("DELETE", f"{self._path}/users/{user}", {})
            # Events stay, without names, and with ids that the programs of persons have made.
            self.values[person] = {v for v in self.values[person] if not v.startswith("event")}


def sender(wire: Wire) -> Callable[[str, str, Any], None]:
    """Send requests by a wire's engine."""

    def send(method: str, path: str, body: Any) -> None:
        answer = wire.send(method, path, json.dumps(body).encode())
        assert answer.status in FINE, answer.json
        if path.endswith("erasures"):
            assert answer.json["ValuesGone"]

    return send


@contextmanager
def other_process(url: str) -> Iterator[Callable[[str, str, Any], None]]:
    """Send requests to the same file by another process."""
    with Program([sys.executable, "-c", OTHER, url]) as program:

        def send(method: str, path: str, body: Any) -> None:
            program.write(json.dumps([method, path, body]) + "\n")
            assert int(program.out.line()) in FINE

        yield send
        program.end_input()
        program.succeed()


def leftovers(url: str, people: People, *, rounds: int) -> int:
    """Let a history run with erasures in between; return how many values are left of the erased."""
    gone: set[str] = set()
    for _ in range(rounds):
        for _ in range(6):
            people.act()
        gone |= people.erase(15)
    gone |= people.erase(40)
    there = {text.decode() for text in VALUE.findall(content_of(url))}
    assert len(there & set().union(*people.values.values())) > 100
    return len(gone & there)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))]
)
def test_nothing_is_left_after_any_history(
    make_wire: Callable[..., Wire], file_url: str, seed: int
) -> None:
    """Rows grow, move between pages, split indexes and go, and two processes take turns."""
    wire = make_wire(file_url)
    here = sender(wire)
    turns = random.Random(seed)  # noqa: S311 -- a history, no secret
    with other_process(file_url) as there:

        def send(method: str, path: str, body: Any) -> None:
            is_here = path.endswith("erasures") or turns.random() < 0.5
            (here if is_here else there)(method, path, body)

        people = People(send, wire.app, seed)
        assert leftovers(file_url, people, rounds=4) == 0
    assert is_sound(file_url)


def test_sqlite_alone_leaves_values(
    make_wire: Callable[..., Wire], file_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the overwriting the same history does leave values: what is tested here can fail."""
    monkeypatch.setattr(Store, "overwrite_remnants", lambda *_: None)
    wire = make_wire(file_url)
    assert leftovers(file_url, People(sender(wire), wire.app, 1), rounds=8) > 0


def some_people(wire: Wire, seed: int = 1) -> People:
    """Store a few hundred persons, whose rows have moved."""
    people = People(sender(wire), wire.app, seed)
    for _ in range(30):
        people.act()
    return people


def gaps(url: str) -> int:
    """Return in how many pages of the file a row is left that no row uses.

    Where a row was last, SQLite leaves some bytes of its own lists.
    """
    content = path_of(url).read_bytes()
    size = int.from_bytes(content[16:18], "big")
    found = 0
    for start in range(0, len(content), size):
        page = content[start : start + size]
        gap = remnants._gap(page, 0 if start else 100)
        left = page[gap.start : gap.stop]
        found += len(left) - left.count(0) > 8
    return found


def test_a_deletion_is_overwritten_within_a_minute(
    make_wire: Callable[..., Wire], file_url: str, clock: Clock
) -> None:
    """An ordinary deletion brings work that is due a minute later, also after a restart."""
    wire = make_wire(file_url)
    some_people(wire)
    wire.update("somebody", User={"UserId": "somebody"})
    wire.user("somebody", "DELETE")
    wire.engine.step()
    wire.engine.close()
    assert gaps(file_url)
    with closing_engine(make_wire(file_url)) as again:
        clock.now += timedelta(minutes=2)
        while again.engine.step():
            pass
        assert again.engine.wait_s() is None
    assert gaps(file_url) == 0
    assert is_sound(file_url)


def test_what_is_deleted_meanwhile_is_done_afterwards(
    make_wire: Callable[..., Wire], file_url: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that are done already may hold what was deleted after that: they are done again."""
    monkeypatch.setattr(remnants, "_READ_BYTES", 4096)
    monkeypatch.setattr("pinpoint_kit.engine.removal.remnants._STEP_S", 0.0)
    wire = make_wire(file_url)
    some_people(wire)
    for user in ("first", "second"):
        wire.update(user, User={"UserId": user})
    wire.user("first", "DELETE")
    clock.now += timedelta(minutes=2)
    assert wire.engine.step()
    wire.user("second", "DELETE")
    while wire.engine.step():
        pass
    with wire.engine._store.read() as connection:
        assert notes.pending(connection) is not None
    clock.now += timedelta(minutes=2)
    while wire.engine.step():
        pass
    assert wire.engine.wait_s() is None


def test_who_reads_or_writes_is_not_disturbed(
    make_wire: Callable[..., Wire], file_url: str, clock: Clock
) -> None:
    """A long reader keeps what it sees; the work waits for it and is done afterwards."""
    wire = make_wire(file_url)
    people = some_people(wire)
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    with closing(sqlite3.connect(path_of(file_url), isolation_level=None)) as reader:
        reader.execute("BEGIN")
        before = reader.execute("SELECT * FROM endpoints ORDER BY number").fetchall()
        user = people._value("user", min(people.values))
        assert not wire.post(path, {"UserId": user}).json["ValuesGone"]
        for _ in range(3):
            wire.engine.step()
            wire.update("written")
            clock.now += timedelta(seconds=2)
        assert reader.execute("SELECT * FROM endpoints ORDER BY number").fetchall() == before
    while wire.engine.step():
        pass
    assert wire.post(path, {"UserId": user, "DryRun": True}).json["ValuesGone"]
    assert user.encode() not in content_of(file_url)


def test_no_old_page_comes_back_from_memory(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Connections that have pages from before in memory do not write their old copies again."""
    wire, other = make_wire(file_url), make_wire(file_url)
    other.app = wire.app
    people = some_people(wire)
    for each in (wire, other):
        each.rows("SELECT * FROM endpoints ORDER BY endpoint, address, user_id")
    gone = people.erase(10)
    for _ in range(3):
        People(sender(other), wire.app, 2)._put(sorted(people.values)[:100])
    there = {text.decode() for text in VALUE.findall(content_of(file_url))}
    assert gone & there == set()


def test_many_threads_beside_it(make_wire: Callable[..., Wire], file_url: str) -> None:
    """Reading and writing goes on while the file is overwritten, and the file stays sound."""
    wire = make_wire(file_url)
    people = some_people(wire)
    wrong: list[int] = []

    def work(name: str) -> None:
        for number in range(60):
            path = wire.endpoint_path(f"{name}-{number}")
            for method, body in (("PUT", b'{"Attributes": {"a": ["b"]}}'), ("GET", b"")):
                status = wire.send(method, path, body).status
                if status >= 300:
                    wrong.append(status)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    for person in sorted(people.values)[:10]:
        assert wire.post(path, {"UserId": people._value("user", person)}).status == 200
    for thread in threads:
        thread.join()
    assert wrong == []
    assert is_sound(file_url)


@pytest.mark.parametrize("is_plain", [True, False])
def test_a_file_with_reserved_bytes_is_written_anew(
    make_wire: Callable[..., Wire], file_url: str, *, is_plain: bool
) -> None:
    """Where pages are not laid out plainly, nothing is written by hand: VACUUM does it."""
    path = path_of(file_url)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=1")
    if not is_plain:
        content = bytearray(path.read_bytes())
        content[20] = 8
        content[105:107] = (int.from_bytes(content[105:107], "big") - 8).to_bytes(2, "big")
        path.write_bytes(content)
    wire = make_wire(file_url)
    gone = some_people(wire).erase(10)
    there = {text.decode() for text in VALUE.findall(content_of(file_url))}
    assert gone & there == set()
    assert path.read_bytes()[20] == (0 if is_plain else 8)
    assert is_sound(file_url)


@pytest.mark.parametrize("error", [OSError(5, "broken"), DBAPIError("", None, Exception("x"))])
def test_a_failure_does_not_refuse_the_erasure(
    make_wire: Callable[..., Wire],
    file_url: str,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    """The rows are gone; the report says that values are not, until it works again."""
    wire = make_wire(file_url)
    wire.update("e", User={"UserId": "u"})

    def fail(*_: object) -> None:
        raise error

    path = f"/pinpoint-kit/v1/apps/{wire.app}/erasures"
    with monkeypatch.context() as patch:
        patch.setattr(remnants, "_overwrite", fail)
        answer = wire.post(path, {"UserId": "u"})
        assert (answer.status, answer.json["ValuesGone"]) == (200, False)
        wire.engine.step()
        assert not wire.engine.step()
        assert wire.engine.wait_s()
    clock.now += timedelta(hours=2)
    wire.engine.lanes[0].runner._rest_until = 0.0
    while wire.engine.step():
        pass
    assert wire.engine.wait_s() is None


@contextmanager
def closing_engine(wire: Wire) -> Iterator[Wire]:
    """Close a wire's engine at the end."""
    yield wire
    wire.engine.close()
