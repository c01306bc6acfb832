"""The numbers that SQLite gives to rows: AUTOINCREMENT keeps the last one in a table of its own.

Other tables give the number above the highest one that is there, and need nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["go_on_after", "last"]


def last(connection: Connection, table: Table) -> int:
    """Return the last number that was given, 0 for none."""
    if _is_kept(table):
        kept = connection.exec_driver_sql(
            "SELECT seq FROM sqlite_sequence WHERE name = ?", (table.name,)
        ).scalar()
        return int(kept or 0)
    (number,) = table.primary_key.columns
    return int(connection.execute(select(func.max(number))).scalar() or 0)


def go_on_after(connection: Connection, table: Table, number: int) -> None:
    """Have the next row get a number above this one, if that of a deleted row is not used again."""
    if not _is_kept(table):
        return
    updated = connection.exec_driver_sql(
        "UPDATE sqlite_sequence SET seq = max(seq, ?) WHERE name = ?", (number, table.name)
    )
    if not updated.rowcount:
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, number)
        )


def _is_kept(table: Table) -> bool:
    return bool(table.dialect_options["sqlite"]["autoincrement"])
