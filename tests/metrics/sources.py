"""Databases and lakes that hold a population, and answer the statements of the metrics."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.schema import CreateSchema

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine import LakeSource as Stored
from pinpoint_kit.lake import export_lake
from pinpoint_kit.lake.local import LocalLake
from pinpoint_kit.lake.relation import relation_of
from pinpoint_kit.metrics.example import METADATA, RELATION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Engine as Database

    from pinpoint_kit.metrics.relation import Statement
    from tests.metrics.population import Population

REMEMBERED = ("platform", "app_version", "make", "model", "locale", "country")


def rows_of(population: Population, app: int) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of the plain tables."""
    blank = dict.fromkeys(REMEMBERED)
    return {
        "plain_events": [
            {
                **blank,
                "app": app,
                "endpoint": e.endpoint,
                "user_id": e.user,
                "arrival": e.arrival,
                "event_id": e.id,
                "type": e.type,
                "timestamp": e.time,
                "session_id": e.session,
                "session_duration": e.duration,
                "attributes": json.dumps(e.attributes) if e.attributes else None,
                "metrics": json.dumps(e.metrics) if e.metrics else None,
                "platform": e.platform,
                "country": e.country,
                "time_zone": e.time_zone,
            }
            for e in population.events
        ],
        "plain_endpoints": [
            {
                **blank,
                "app": app,
                "endpoint": m.id,
                "user_id": m.user,
                "creation_date": m.created,
                "channel_type": m.channel,
                "platform": m.platform,
                "attributes": json.dumps(m.attributes) if m.attributes else None,
            }
            for m in population.endpoints
        ],
        "plain_users": [
            {
                "app": app,
                "user_id": m.id,
                "creation_date": m.created,
                "attributes": json.dumps(m.attributes) if m.attributes else None,
            }
            for m in population.users
        ],
    }


class AlchemySource:
    """A database that SQLAlchemy talks to."""

    relation = RELATION

    def __init__(self, url: str, schema: str | None = None) -> None:
        self.engine: Database = create_engine(url)
        if schema is not None:
            with self.engine.begin() as connection:
                connection.execute(CreateSchema(schema))
            self.engine = self.engine.execution_options(schema_translate_map={None: schema})
        METADATA.create_all(self.engine)
        self.connection = self.engine.connect()

    def load(self, population: Population) -> None:
        """Hold this population, and the same once more in another application."""
        for table in METADATA.sorted_tables:
            self.connection.execute(table.delete())
            for app in (1, 2):
                rows = rows_of(population, app)[table.name]
                if rows:
                    self.connection.execute(table.insert(), rows)

    def execute(self, statement: Statement) -> Sequence[Sequence[object]]:
        """All rows of a statement."""
        return self.connection.execute(statement).fetchall()

    def close(self) -> None:
        self.connection.close()
        self.engine.dispose()


#: The tables of the engine's store, and their columns that the plain tables call otherwise.
_STORED = {
    "plain_events": ("events", {"time_zone": "timezone"}),
    "plain_endpoints": ("endpoints", {}),
    "plain_users": ("users", {"creation_date": "created"}),
}
#: What the store wants of endpoints besides.
_NEEDED = {
    "status": "ACTIVE",
    "opt_out": "NONE",
    "effective_date": 0,
    "cohort": 1,
    "request_id": "r",
}


class LakeSource:
    """A lake that was exported from a store, asked by DuckDB.

    Args:
        folder: where to put the store and the lakes.
    """

    relation = relation_of("1")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder / 'store.db'}"
        with Engine.open(self.url) as engine:
            for name in ("first", "second"):
                engine.handle(Request("POST", "/v1/apps", body=json.dumps({"Name": name}).encode()))
            answer = engine.handle(Request("GET", "/v1/apps"))
            self.application_id = json.loads(answer.body)["Item"][0]["Id"]
        self.lake: LocalLake | None = None
        self.count = 0

    def load(self, population: Population) -> None:
        """Export this population, beside which the store has the same in another application."""
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
            for plain, (table, names) in _STORED.items():
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 -- our own names
                for app in (1, 2):
                    for row in rows_of(population, app)[plain]:
                        full = {names.get(name, name): value for name, value in row.items()}
                        if table == "endpoints":
                            full |= {**_NEEDED, "id": full["endpoint"]}
                            full["creation_date"] = full["creation_date"] or 0
                        if table == "users":
                            full["attributes"] = full["attributes"] or "{}"
                        marks = ", ".join(f":{name}" for name in full)
                        connection.execute(
                            f"INSERT INTO {table} ({', '.join(full)}) VALUES ({marks})",  # noqa: S608 -- as above
                            full,
                        )
            connection.commit()
        self.close()
        self.count += 1
        path = self.folder / f"lake-{self.count}"
        with Stored.open(self.url, self.application_id) as source:
            export_lake(source, path, events_a_step=17)
        self.opened(path)

    def opened(self, path: Path) -> None:
        """Open the lake."""
        self.lake = LocalLake(path, None, None)

    def execute(self, statement: Statement) -> Sequence[Sequence[object]]:
        """All rows of a statement."""
        assert self.lake is not None
        return self.lake.ask(lambda _, execute: execute(statement))

    def close(self) -> None:
        if self.lake is not None:
            self.lake.close()
