"""The sequences that number rows: one a table, of which PostgreSQL keeps the last number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.storage.dialects.postgresql.connections import quoted

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["go_on_after", "last"]


def last(connection: Connection, schema: str, table: Table) -> int:
    """Return the last number that was given, 0 for none."""
    sequence = _sequence(schema, table)
    sql = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608 -- our own names
    return int(connection.exec_driver_sql(sql).scalar_one())


def go_on_after(connection: Connection, schema: str, table: Table, number: int) -> None:
    """Have the next row get a number above this one."""
    sequence = _sequence(schema, table)
    connection.exec_driver_sql(
        f"SELECT setval(%s, GREATEST(%s, last_value)) FROM {sequence}",  # noqa: S608 -- our own names
        (sequence, number),
    )


def _sequence(schema: str, table: Table) -> str:
    (number,) = table.primary_key.columns
    return f"{quoted(schema)}.{quoted(f'{table.name}_{number.name}_seq')}"
