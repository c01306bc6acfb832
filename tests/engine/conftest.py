"""Raw wire requests for the engine's tests: what a client would send, byte for byte."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs
import pytest

import pinpoint_kit
from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from tests.model_answers import operation_at, problems_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.postgresql import Server

#: Stands for U+0000, which requests may not hold, until `restore_nul` puts it in.
NUL_TO_BE = "\uf8ff"
_JSON_COLUMNS = (
    ("endpoints", "attributes"), ("endpoints", "metrics"), ("endpoints", "user_attributes"),
    ("users", "attributes"), ("segment_versions", "definition"),
)  # fmt: skip
_TEXT_COLUMNS = (("endpoints", "platform"), ("endpoints", "make"), ("endpoints", "app_version"))

MORNING = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)


class Clock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self) -> None:
        self.now = MORNING

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@attrs.frozen
class Answer:
    """An answer with its body read."""

    status: int
    headers: Mapping[str, str]
    json: Any

    @property
    def code(self) -> str:
        return self.headers.get("x-amzn-ErrorType", "")

    @property
    def message(self) -> str:
        message: str = self.json["Message"]
        return message


class Wire:
    """Sends raw requests to an engine that has one application, `app`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.app = self.post("/v1/apps", {"Name": "shop"}).json["Id"]

    def send(self, method: str, path: str, body: bytes = b"", query: str = "") -> Answer:
        response = self.engine.handle(Request(method, path, query=query, body=body))
        operation = operation_at(method, path)
        if operation:
            problems = problems_of(operation, response.status, response.headers, response.body)
            assert problems == []
        return Answer(
            response.status, response.headers, json.loads(response.body) if response.body else None
        )

    def post(self, path: str, payload: object) -> Answer:
        return self.send("POST", path, json.dumps(payload).encode())

    def put(self, path: str, payload: object) -> Answer:
        return self.send("PUT", path, json.dumps(payload).encode())

    def endpoint_path(self, endpoint_id: str) -> str:
        return f"/v1/apps/{self.app}/endpoints/{quote(endpoint_id, safe='')}"

    def update(self, endpoint_id: str, **members: object) -> Answer:
        return self.put(self.endpoint_path(endpoint_id), members)

    def batch(self, *items: object) -> Answer:
        return self.put(f"/v1/apps/{self.app}/endpoints", {"Item": items})

    def get(self, endpoint_id: str) -> Any:
        answer = self.send("GET", self.endpoint_path(endpoint_id))
        assert answer.status == 200, answer.json
        return answer.json

    def user(self, user_id: str, method: str = "GET") -> Answer:
        return self.send(method, f"/v1/apps/{self.app}/users/{quote(user_id, safe='')}")

    def user_ids(self, user_id: str) -> list[str]:
        return [item["Id"] for item in self.user(user_id).json["Item"]]

    def put_events(self, items: object) -> Answer:
        return self.post(f"/v1/apps/{self.app}/events", {"BatchItem": items})

    def put_event(self, event: object, endpoint: object | None = None) -> Any:
        """Send one event of `device-1` and return the event's own answer."""
        item = {"Endpoint": endpoint or {}, "Events": {"event-1": event}}
        answer = self.put_events({"device-1": item})
        assert answer.status == 202, answer.json
        return answer.json["Results"]["device-1"]["EventsItemResponse"]["event-1"]

    def events(self) -> list[dict[str, Any]]:
        """Return the stored rows, in the order of arrival."""
        return self.rows("SELECT * FROM events ORDER BY number")

    def rows(self, sql: str) -> list[dict[str, Any]]:
        with self.engine._store.read() as connection:
            schemas = connection.get_execution_options().get("schema_translate_map")
            if schemas:
                connection.exec_driver_sql("BEGIN")
                connection.exec_driver_sql(f"SET LOCAL search_path TO {schemas[None]}")
            return [dict(row._mapping) for row in connection.exec_driver_sql(sql)]

    def dump(self) -> list[list[dict[str, Any]]]:
        """Return everything that is stored."""
        return [self.rows(f"SELECT * FROM {name}") for name in METADATA.tables]  # noqa: S608 -- our own names


def _replaced(value: Any, old: str, new: str) -> Any:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, list):
        return [_replaced(each, old, new) for each in value]
    if isinstance(value, dict):
        return {_replaced(k, old, new): _replaced(v, old, new) for k, v in value.items()}
    return value


def without_nul(value: Any) -> Any:
    """Return a value of JSON with `NUL_TO_BE` for U+0000."""
    return _replaced(value, "\0", NUL_TO_BE)


def with_nul(value: Any) -> Any:
    """Return a value of JSON with U+0000 for `NUL_TO_BE`."""
    return _replaced(value, NUL_TO_BE, "\0")


def restore_nul(wire: Wire) -> None:
    """Put U+0000 into stored texts, as files have it of releases that took it, on SQLite."""
    with wire.engine._store.write() as connection:
        if connection.dialect.name != "sqlite":
            return
        for table, column in _JSON_COLUMNS:
            connection.exec_driver_sql(
                f"UPDATE {table} SET {column} = replace({column}, ?, ?) WHERE instr({column}, ?)",  # noqa: S608 -- our own names
                (NUL_TO_BE, "\\u0000", NUL_TO_BE),
            )
        for table, column in _TEXT_COLUMNS:
            connection.exec_driver_sql(
                f"UPDATE {table} SET {column} = replace({column}, ?, char(0))"  # noqa: S608 -- as above
                f" WHERE instr({column}, ?)",
                (NUL_TO_BE, NUL_TO_BE),
            )


@pytest.fixture
def clock() -> Clock:
    """Give a clock for the test to move."""
    return Clock()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Ids that count up."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):032x}"


def pytest_configure(config: pytest.Config) -> None:
    """Declare this folder's mark."""
    config.addinivalue_line(
        "markers", "sqlite_only(why): is about SQLite, or looks into its file; why, in words"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of the engine on every database; on PostgreSQL with `-m slow`."""
    databases: list[Any] = ["sqlite"]
    if metafunc.definition.get_closest_marker("sqlite_only") is None:
        databases.append(pytest.param("postgresql", marks=pytest.mark.slow))
    if "databases" in metafunc.fixturenames:
        metafunc.parametrize("databases", databases, indirect=True)
    if "shared_databases" in metafunc.fixturenames:
        metafunc.parametrize("shared_databases", databases, indirect=True, scope="module")


@contextmanager
def _urls(kind: str, request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    if kind == "sqlite":
        yield lambda: "sqlite://"
        return
    server: Server = request.getfixturevalue("postgresql_server")
    with ExitStack() as stack:
        first = iter([server.emptied])
        yield lambda: stack.enter_context(next(first, server.schema)())


@pytest.fixture
def databases(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Give the URLs of empty databases of a kind."""
    with _urls(request.param, request) as urls:
        yield urls


@pytest.fixture(scope="module")
def shared_databases(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """Give the same for a whole module."""
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lambda: "sqlite://"
        else:
            server: Server = request.getfixturevalue("postgresql_server")
            yield lambda: stack.enter_context(server.schema())


@pytest.fixture
def make_wire(
    clock: Clock, new_id: Callable[[], str], databases: Callable[[], str]
) -> Iterator[Callable[..., Wire]]:
    """Make wires to engines, and close the engines at the end."""
    engines: list[Engine] = []

    def make(url: str | None = None, limits: Limits = DEFAULT_LIMITS, **options: Any) -> Wire:
        options = {"clock": clock, "new_id": new_id, **options}
        engines.append(Engine.open(url or databases(), limits=limits, **options))
        return Wire(engines[-1])

    yield make
    for engine in engines:
        engine.close()


@pytest.fixture
def wire(make_wire: Callable[..., Wire]) -> Wire:
    """Give an engine with an empty database and one application."""
    return make_wire()


def check_answer(response_dict: Mapping[str, Any], operation_model: Any, **_: object) -> None:
    """Has botocore check each answer that it is about to parse against the service model."""
    status, headers = response_dict["status_code"], response_dict["headers"]
    assert problems_of(operation_model.name, status, headers, response_dict["body"]) == []


@pytest.fixture
def client() -> Iterator[Any]:
    """Give a real boto3 client on the embedded engine; every answer fits the service model."""
    with pinpoint_kit.connect("sqlite://", application="shop") as pinpoint:
        pinpoint.client.meta.events.register("before-parse.pinpoint", check_answer)
        yield pinpoint.client


@pytest.fixture
def app(client: Any) -> str:
    """Give the application that the client has."""
    found: str = client.get_apps()["ApplicationsResponse"]["Item"][0]["Id"]
    return found


@pytest.fixture(scope="module")
def shared(shared_databases: Callable[[], str]) -> Iterator[Wire]:
    """One engine for all examples of a property."""
    with Engine.open(shared_databases()) as engine:
        yield Wire(engine)


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """Give the URL of a database file that does not exist yet."""
    return f"sqlite:///{tmp_path}/pinpoint.db"
