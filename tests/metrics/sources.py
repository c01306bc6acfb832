"""Databases that hold a population, and answer the statements of the metrics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.schema import CreateSchema

from pinpoint_kit.metrics.dialects import DuckDB, render
from pinpoint_kit.metrics.example import METADATA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Engine

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

    def __init__(self, url: str, schema: str | None = None) -> None:
        self.engine: Engine = create_engine(url)
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


class DuckSource:
    """A DuckDB table with maps, as a lake has them."""

    MAPS = {  # noqa: RUF012 -- a constant
        ("plain_events", "attributes"): "MAP(VARCHAR, VARCHAR)",
        ("plain_events", "metrics"): "MAP(VARCHAR, DOUBLE)",
        ("plain_endpoints", "attributes"): "MAP(VARCHAR, VARCHAR[])",
        ("plain_users", "attributes"): "MAP(VARCHAR, VARCHAR[])",
    }

    def __init__(self) -> None:
        import duckdb  # noqa: PLC0415 -- only where it is used

        self.connection = duckdb.connect()
        for table in METADATA.sorted_tables:
            columns = ", ".join(
                f'"{c.name}" {self.MAPS.get((table.name, c.name)) or self._kind(c.type)}'
                for c in table.columns
            )
            self.connection.execute(f"CREATE TABLE {table.name} ({columns})")

    @staticmethod
    def _kind(kind: Any) -> str:
        return "BIGINT" if kind.python_type is int else "VARCHAR"

    def load(self, population: Population) -> None:
        """Hold this population, and the same once more in another application."""
        for table in METADATA.sorted_tables:
            self.connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 -- our own names
            marks = ", ".join(
                f"CAST(CAST(? AS JSON) AS {self.MAPS[table.name, c.name]})"
                if (table.name, c.name) in self.MAPS
                else "?"
                for c in table.columns
            )
            for app in (1, 2):
                for row in rows_of(population, app)[table.name]:
                    values = [row[c.name] for c in table.columns]
                    # JSON of the lake's writer has no U+0000, as it is read in the store.
                    clean = [
                        v.replace("\\u0000", "\\ufffd") if isinstance(v, str) else v for v in values
                    ]
                    self.connection.execute(f"INSERT INTO {table.name} VALUES ({marks})", clean)  # noqa: S608 -- as above

    def execute(self, statement: Statement) -> Sequence[Sequence[object]]:
        """All rows of a statement."""
        text, parameters = render(statement, DuckDB())
        rows: list[tuple[object, ...]] = self.connection.execute(text, parameters).fetchall()
        return rows

    def close(self) -> None:
        self.connection.close()
