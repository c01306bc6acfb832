"""COPY: the quickest way to add many rows that are new.

It knows no ON CONFLICT, so whoever uses it holds locks under which nobody else adds the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.engine.storage.dialects.postgresql.connections import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

__all__ = ["copy_in"]


def copy_in(
    connection: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Add rows to a table of our schema, in their order.

    Args:
        connection: a write transaction.
        table: the name of the table.
        columns: whose values a row has; all others get their default.
        rows: none of them may be there already.

    Raises:
        psycopg.Error: one is, or the server refuses.
    """
    schema = connection.get_execution_options()["schema_translate_map"][None]
    names = ", ".join(map(quoted, columns))
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(f"COPY {quoted(schema)}.{quoted(table)} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
    finally:
        cursor.close()
