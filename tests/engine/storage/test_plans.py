"""PostgreSQL finds what requests, segments and analytics ask for by indexes, as EXPLAIN tells.

The tables are filled and analysed first: the planner rightly reads small ones from end to end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine import Engine
from pinpoint_kit.engine.endpoints import reader, writer
from pinpoint_kit.engine.events import store as events
from pinpoint_kit.engine.segments import imported
from tests.engine.conftest import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine.storage.statements import Lookup, Statement
    from tests.postgresql import Server

FILL = """
SET LOCAL search_path TO SCHEMA;
INSERT INTO endpoints (app, endpoint, id, channel_type, address, status, opt_out, effective_date,
    creation_date, cohort, request_id, user_id)
    SELECT 1 + n % 3, 'e' || n, 'e' || n, 'EMAIL', 'a' || n, 'ACTIVE', 'NONE', n, n, n % 100, 'r',
    'u' || n / 2 FROM generate_series(1, 20000) AS n;
INSERT INTO users (app, user_id, attributes, created)
    SELECT DISTINCT app, user_id, '{}', 1 FROM endpoints;
INSERT INTO events (app, endpoint, user_id, arrival, event_id, type, timestamp, session_id)
    SELECT 1 + n % 3, 'e' || n, 'u' || n / 2, n, 'i' || n, 't' || n % 50, n, 's' || n
    FROM generate_series(1, 20000) AS n;
ANALYZE endpoints;
ANALYZE users;
ANALYZE events;
"""


KEYS = [f"e{n}" for n in range(1000)]


@pytest.fixture(scope="module")
def filled(postgresql_server: Server) -> Iterator[Wire]:
    """Give an engine with many endpoints and events in one application of several."""
    with postgresql_server.schema() as url, Engine.open(url) as engine:
        schema = url.rpartition("=")[2]
        wire = Wire(engine)
        postgresql_server.execute(FILL.replace("SCHEMA", schema))
        yield wire


@pytest.fixture(scope="module")
def growing(postgresql_server: Server) -> Iterator[Wire]:
    """Give an engine whose tables were filled so lately that they have no statistics."""
    with postgresql_server.schema() as url, Engine.open(url) as engine:
        wire = Wire(engine)
        filling = FILL.replace("SCHEMA", url.rpartition("=")[2]).partition("ANALYZE")[0]
        postgresql_server.execute(filling)
        yield wire


def plan(wire: Wire, sql: str, values: Any = ()) -> str:
    """Return the steps that the database would take."""
    with wire.engine._store.read() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN {sql}", values)
        return "\n".join(row[0] for row in rows)


def plan_of(wire: Wire, statement: Statement, *values: object) -> str:
    """Return the steps of one of the engine's own statements."""
    with wire.engine._store.read() as connection:
        compiled = statement._compiled_for(connection)
    return plan(wire, compiled.sql, compiled.parameters(values))


@pytest.mark.parametrize(
    ("statement", "values", "index"),
    [
        (reader._BY_KEYS._statements[1], (1, "e3"), "endpoints_app_endpoint_key"),
        (reader._BY_KEYS._of_any_number, (1, KEYS), "endpoints_app_endpoint_key"),
        (reader._BY_USERS._statements[1], (1, "u3"), "endpoints_by_user"),
        (reader._BY_ADDRESS._statements[1], (1, "a3"), "endpoints_by_address"),
        (reader._COUNTS_OF_USERS._statements[1], (1, "u3"), "endpoints_by_user"),
        (reader._AFTER, (1, "e3", 10), "endpoints_app_endpoint_key"),
        (reader._NUMBERED, (1, 100, 200), "endpoints_pkey"),
        (events._KNOWN[1], (1, "e3", "i3"), "on events"),  # by the key, or by the endpoint
        (events._COUNT["user_id"], (1, "u3"), "events_by_user"),
    ],
)
def test_requests_use_an_index(
    filled: Wire, statement: Statement, values: tuple[object, ...], index: str
) -> None:
    """Statements that every request runs go by the index that was made for them."""
    steps = plan_of(filled, statement, *values)
    assert index in steps
    assert "Seq Scan on endpoints" not in steps
    assert "Seq Scan on events" not in steps


@pytest.mark.parametrize("fixture", ["growing", "filled"])
@pytest.mark.parametrize(
    ("lookup", "index"),
    [
        (reader._BY_KEYS, "endpoints_app_endpoint_key"),
        (reader._BY_USERS, "endpoints_by_user"),
        (reader._COUNTS_OF_USERS, "endpoints_by_user"),
        (reader._KNOWN_USERS, "endpoints_by_user"),
        (reader._REMEMBERED_OF, "endpoints_app_endpoint_key"),
        (reader._USER_ATTRIBUTES, "users_pkey"),
        (imported._NUMBERS, "endpoints_app_endpoint_key"),
    ],
)
def test_lookups_of_imports_read_no_other_rows(
    request: pytest.FixtureRequest, fixture: str, lookup: Lookup, index: str
) -> None:
    """An import's lookups go by their index without statistics, too, or it would be quadratic."""
    steps = plan_of(request.getfixturevalue(fixture), lookup._of_any_number, 1, KEYS)
    assert index in steps
    assert "Seq Scan" not in steps
    assert "endpoints_by_creation" not in steps


@pytest.mark.parametrize("fixture", ["growing", "filled"])
def test_taking_addresses_reads_no_other_rows(request: pytest.FixtureRequest, fixture: str) -> None:
    """Whoever was active at one of many addresses is found by the index."""
    wire = request.getfixturevalue(fixture)
    with wire.engine._store.read() as connection:
        bulk = writer._DEACTIVATE._compiled_for(connection).bulk
    assert bulk is not None
    values = ([1] * 1000, ["EMAIL"] * 1000, [f"a{n}" for n in range(1000)])
    steps = plan(wire, bulk.sql, bulk.parameters(values))
    assert "endpoints_by_address" in steps
    assert "Seq Scan" not in steps
    assert "endpoints_by_creation" not in steps


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("type = 't3' AND timestamp BETWEEN 5 AND 500", "events_by_type"),
        ("endpoint = 'e3' AND timestamp > 5", "events_"),
        ("user_id = 'u3' AND timestamp > 5", "events_by_user"),
        ("session_id = 's3'", "events_by_session"),
        ("timestamp BETWEEN 5 AND 100", "events_by_time"),
    ],
)
def test_questions_of_analytics_use_an_index(filled: Wire, condition: str, index: str) -> None:
    """Events are found by type, endpoint, user, session and time without reading all of them."""
    with filled.engine._store.read() as connection:
        schema = connection.get_execution_options()["schema_translate_map"][None]
    steps = plan(filled, f"SELECT 1 FROM {schema}.events WHERE app = 1 AND {condition}")  # noqa: S608 -- fixed
    assert f"on {index}" in steps or f"using {index}" in steps
    assert "Seq Scan" not in steps


def test_a_recent_endpoint_is_told_by_an_index(filled: Wire) -> None:
    """A segment by recency looks up an endpoint's events, and reads none of others."""
    with filled.engine._store.read() as connection:
        schema = connection.get_execution_options()["schema_translate_map"][None]
    steps = plan(
        filled,
        f"SELECT 1 FROM {schema}.endpoints AS e WHERE e.app = 1 AND e.endpoint = 'e3' AND EXISTS"  # noqa: S608 -- fixed
        f" (SELECT 1 FROM {schema}.events AS v WHERE v.app = e.app AND v.endpoint = e.endpoint"
        " AND v.timestamp >= 7)",
    )
    assert "Seq Scan" not in steps
