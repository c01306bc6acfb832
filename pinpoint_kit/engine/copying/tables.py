"""Any table as a sequence of rows in the order of its primary key, a bounded number at a time.

Which tables are copied follows from their `MetaData`, so that a new one needs no line here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Float, bindparam, delete, func, insert, select, tuple_

from pinpoint_kit.engine.storage import tables as _all  # noqa: F401 -- whoever reads METADATA needs all
from pinpoint_kit.engine.storage.statements import BulkInsert
from pinpoint_kit.engine.storage.tables.metadata import METADATA, OF_THIS_DATABASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select, Table

__all__ = ["CopiedTable", "Key", "Row", "copied_tables"]

#: Rows that are in memory, and in a transaction, at once.
ROWS_A_BATCH = 500

Key: TypeAlias = tuple[Any, ...]  # Any: integers and texts
Row: TypeAlias = tuple[Any, ...]  # Any: a column holds what its table says


class CopiedTable:
    """A table, read and written by its primary key.

    Keys are integers and texts. Databases sort them alike: texts by code points, see
    storage/dialects/assumptions.py.

    Attributes:
        table: the table.
        name: what it is called in the database.
        has_numbers: whether the database numbers its rows.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        self.name = str(table.name)
        self.has_numbers = table.autoincrement_column is not None
        columns = list(table.columns)
        self._keys: list[ColumnElement[Any]] = list(table.primary_key.columns)
        self._key_places = [columns.index(column) for column in table.primary_key.columns]
        self._float_places = [
            place for place, column in enumerate(columns) if isinstance(column.type, Float)
        ]
        names = [column.name for column in columns]
        self._insert = BulkInsert(lambda _: insert(table), *names)

    def count(self, connection: Connection) -> int:
        """Return how many rows there are."""
        return connection.execute(select(func.count()).select_from(self.table)).scalar_one()

    def is_empty(self, connection: Connection) -> bool:
        """Return whether there is no row."""
        return connection.execute(select(self._keys[0]).limit(1)).first() is None

    def batches(self, connection: Connection, after: Key | None = None) -> Iterator[Sequence[Row]]:
        """Yield the rows in the order of their keys, some hundred at a time.

        Args:
            connection: one that sees one state of the database.
            after: the key to begin behind; None begins with the first.
        """
        while True:
            statement: Select[Any] = select(self.table).order_by(*self._keys).limit(ROWS_A_BATCH)
            if after is not None:
                statement = statement.where(self._compared(after, is_above=True))
            rows = [self._plain(row) for row in connection.execute(statement)]
            if rows:
                yield rows
            if len(rows) < ROWS_A_BATCH:
                return
            after = self.key_of(rows[-1])

    def key_of(self, row: Row) -> Key:
        """Return the key of a row."""
        return tuple(row[place] for place in self._key_places)

    def add(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Insert rows as they are, with their numbers."""
        self._insert.run(connection, rows)

    def remove_some(self, connection: Connection) -> bool:
        """Delete the first rows, some hundred of them; return whether there were any."""
        keys = select(*self._keys).order_by(*self._keys).limit(ROWS_A_BATCH)
        found = connection.execute(keys).all()
        if not found:
            return False
        last = self._compared(tuple(found[-1]), is_above=False)
        connection.execute(delete(self.table).where(last))
        return True

    def _plain(self, row: Sequence[Any]) -> Row:
        """Return a row as all databases give it back: some do not keep the sign of zero."""
        if not self._float_places:
            return tuple(row)
        values = list(row)
        for place in self._float_places:
            if values[place] is not None:
                values[place] += 0.0
        return tuple(values)

    def _compared(self, key: Key, *, is_above: bool) -> ColumnElement[bool]:
        """Return the condition that a row's key is above another one, or that it is not."""
        columns = self._keys
        bounds = [
            bindparam(f"key_{number}", value, column.type)
            for number, (column, value) in enumerate(zip(columns, key, strict=True))
        ]
        if len(columns) == 1:
            return columns[0] > bounds[0] if is_above else columns[0] <= bounds[0]
        whole, bound = tuple_(*columns), tuple_(*bounds)
        return whole > bound if is_above else whole <= bound


def copied_tables() -> list[CopiedTable]:
    """Return all tables but those whose rows are about one database."""
    mark = OF_THIS_DATABASE.keys()
    return [CopiedTable(each) for each in METADATA.tables.values() if not mark & each.info.keys()]
