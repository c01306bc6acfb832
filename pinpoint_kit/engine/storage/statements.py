"""`Statement`: a SQLAlchemy Core statement compiled once, then run by its finished SQL.

SQLAlchemy's own execution costs about 70 µs a statement here, the finished text about 15 µs, and
rows of tuples reach the driver untouched. The SQL still comes from Core, for any dialect. No
statement of a resource belongs here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import attrs
from sqlalchemy import bindparam, select
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.storage.dialects.statements import (
    copy_of,
    has_arrays,
    in_bulk,
    is_listed,
    with_rows,
)

if TYPE_CHECKING:
    from sqlalchemy import Column, Connection, Dialect, Executable, Select
    from sqlalchemy.sql.dml import Insert

__all__ = ["BulkInsert", "Distinct", "Lookup", "Row", "Statement", "padded"]

#: Rows in one statement, the most first; each is a statement of its own, compiled once.
_ROWS = (32, 16, 8, 4, 2, 1)
#: Values that are read at once.
_PAGE = 2_000
#: SQLite took no more parameters in a statement before 3.32.
_MOST_PARAMETERS = 999
#: From how many new rows on they are copied: fewer are a matter of milliseconds.
_COPIED = 100
#: Sets of columns for which an insert has statements of their own; others are written as a whole.
_MOST_KINDS = 8
#: Sizes of IN lists: each size is a statement of its own, compiled once.
_LISTS = (1, 10, 100, 500)

Values: TypeAlias = Sequence[object]
Row: TypeAlias = tuple[Any, ...]  # Any: a column holds what its table says
_T = TypeVar("_T")


@attrs.frozen
class _Compiled:
    """Finished SQL.

    Attributes:
        sql: for one row.
        parameters: puts its values into the form that the driver wants.
        bulk: the same for many rows in one statement, which takes a list for each parameter; None
            where the database is as quick with one row after the other.
    """

    sql: str
    parameters: Callable[[Values], Any]  # Any: a tuple or a dict, as the driver's style wants
    bulk: _Compiled | None = None


class Statement:
    """One statement, with its parameters in a fixed order.

    Args:
        build: the statement, or a function from the dialect's name to it.
        order: the names of its bind parameters, in the order in which values are given; none where
            the statement has question marks.
    """

    def __init__(self, build: Executable | Callable[[str], Executable], *order: str) -> None:
        self._build = build
        self._order = order
        self._compiled: dict[str | tuple[str, str], _Compiled] = {}

    def rows(self, connection: Connection, *values: object) -> Sequence[Row]:
        """Run a query and return all its rows.

        By the driver's own cursor: SQLAlchemy describes the columns of every result anew, which for
        a wide table takes longer than the query.

        Raises:
            DBAPIError: as from SQLAlchemy.
        """
        dialect = connection.dialect
        compiled = self._compiled_for(connection)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.sql, compiled.parameters(values))
            return cast("Sequence[Row]", cursor.fetchall())
        except dialect.loaded_dbapi.Error as error:
            raise _wrapped(error, compiled.sql, connection) from error
        finally:
            cursor.close()

    def run_many(self, connection: Connection, rows: Sequence[Values]) -> int:
        """Run it once a row, in one call of the driver; without rows it does nothing.

        Where the database has it, one statement is for all rows: no two may change the same one.

        Returns:
            How many rows of the table were inserted, changed or deleted.
        """
        if not rows:
            return 0
        compiled = self._compiled_for(connection)
        if compiled.bulk is not None and len(rows) > 1:
            columns = [list(column) for column in zip(*rows, strict=True)]
            run = connection.exec_driver_sql(compiled.bulk.sql, compiled.bulk.parameters(columns))
            return run.rowcount
        bind = compiled.parameters
        return connection.exec_driver_sql(compiled.sql, [bind(row) for row in rows]).rowcount

    def is_bulk(self, connection: Connection) -> bool:
        """Tell whether `run_many` runs one statement for all rows."""
        return self._compiled_for(connection).bulk is not None

    def _compiled_for(self, connection: Connection) -> _Compiled:
        """Return it as the connection's database wants it, with the schema of its tables."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect.name)
        if compiled is not None:  # a database whose tables are in no schema
            return compiled
        schemas = connection.get_execution_options().get("schema_translate_map")
        if not schemas:
            return self._compile(dialect)
        return self._compiled.get((dialect.name, schemas[None])) or self._compile(
            dialect, schemas[None]
        )

    def _compile(self, dialect: Dialect, schema: str | None = None) -> _Compiled:
        build = self._build
        statement = build(dialect.name) if callable(build) else build
        bulk = in_bulk(dialect.name, statement, self._order)
        key = dialect.name if schema is None else (dialect.name, schema)
        made = self._compiled[key] = attrs.evolve(
            self._finished(statement, dialect, schema),
            bulk=None if bulk is None else self._finished(bulk, dialect, schema),
        )
        return made

    def _finished(self, statement: Executable, dialect: Dialect, schema: str | None) -> _Compiled:
        compiled = statement.compile(  # type: ignore[attr-defined]
            dialect=dialect,
            schema_translate_map=None if schema is None else {None: schema},
            render_schema_translate=schema is not None,
        )
        constants = {k: v for k, v in compiled.params.items() if k not in self._order}
        bind = _binder(self._order, compiled.positiontup, constants)
        return _Compiled(str(compiled), bind)


class Lookup:
    """A query of an application for the rows whose column has one of some values.

    Args:
        query: what is selected, without conditions.
        column: a column that an index has after `app`.
    """

    def __init__(self, query: Select[tuple[Any, ...]], column: Column[str]) -> None:
        app = column.table.c.app == bindparam("app_")
        self._of_any_number = Statement(
            query.where(is_listed(column, bindparam("values_"), app=bindparam("app_"))),
            "app_",
            "values_",
        )
        self._statements = {
            size: Statement(
                query.where(app, column.in_([bindparam(f"value_{n}") for n in range(size)])),
                "app_",
                *(f"value_{n}" for n in range(size)),
            )
            for size in _LISTS
        }

    def one(self, connection: Connection, app: int, value: str) -> Sequence[Row]:
        """Return the rows of one value."""
        return self._statements[1].rows(connection, app, value)

    def rows(self, connection: Connection, app: int, values: Sequence[str]) -> list[Row]:
        """Return the rows of all values; a value that is given twice may find its rows twice."""
        if len(values) > 1 and has_arrays(connection.dialect.name):
            return list(self._of_any_number.rows(connection, app, list(values)))
        return [
            row
            for part in padded(values, _LISTS)
            for row in self._statements[len(part)].rows(connection, app, *part)
        ]


class Distinct:
    """All values that a column has in an application, each once and in their order.

    Args:
        column: a column that an index has after `app`; NULL and "" are not among its values.
    """

    def __init__(self, column: Column[str]) -> None:
        self._after = Statement(
            select(column)
            .distinct()
            .where(column.table.c.app == bindparam("app_"))
            .where(column > bindparam("after_"))
            .order_by(column)
            .limit(bindparam("most_")),
            "app_",
            "after_",
            "most_",
        )

    def walk(self, connection: Connection, app: int) -> Iterator[str]:
        """Yield them, a page read at a time."""
        after = ""
        while page := self._after.rows(connection, app, after, _PAGE):
            for (value,) in page:
                yield value
            after = value


class BulkInsert:
    """An insert of whole rows that writes up to 32 of them with one statement, or all of them.

    A driver gives other threads the interpreter at every statement, and with many rows at every
    row; while another thread computes, each of these costs 5 ms until it is given back.

    A column for which no row of a call has a value is left out of the statement: Python's driver
    for SQLite takes longer over a None than over two texts.

    Args:
        build: a function from the dialect's name to the insert without its values. Rows of one
            call must not meet the same row of the table where the insert says what to update.
        columns: whose values a row has, in this order. None of them has a default.
    """

    def __init__(self, build: Callable[[str], Insert], *columns: str) -> None:
        self._build = build
        self._columns = columns
        self._of_any_number = Statement(
            lambda dialect: build(dialect).values({name: bindparam(name) for name in columns}),
            *columns,
        )
        #: By the places of the columns that they write.
        self._kinds = {tuple(range(len(columns))): self._statements_for(columns)}

    def run(self, connection: Connection, rows: Sequence[Values], *, are_new: bool = False) -> int:
        """Insert the rows, in their order; without rows do nothing.

        Args:
            connection: a write transaction.
            rows: their values.
            are_new: nothing is there that the insert would meet, nor can be until the commit.

        Returns:
            How many rows of the table were inserted or changed.

        Raises:
            DBAPIError: as from SQLAlchemy.
        """
        if not rows:
            return 0
        dialect = connection.dialect
        copy = copy_of(dialect.name) if are_new and len(rows) >= _COPIED else None
        if copy is not None:
            table = self._build(dialect.name).table.name
            try:
                copy(connection, table, self._columns, rows)
            except dialect.loaded_dbapi.Error as error:
                raise _wrapped(error, f"COPY {table}", connection) from error
            return len(rows)
        if self._of_any_number.is_bulk(connection):
            return self._of_any_number.run_many(connection, rows)
        statements, given = self._statements_of(rows)
        start = changed = 0
        left = len(given)
        for size, statement in statements.items():
            if left < size:
                continue
            end = start + left // size * size
            blocks = [
                tuple(chain.from_iterable(given[first : first + size]))
                for first in range(start, end, size)
            ]
            changed += statement.run_many(connection, blocks)
            start, left = end, left % size
        return changed

    def _statements_of(
        self, rows: Sequence[Values]
    ) -> tuple[Mapping[int, Statement], Sequence[Values]]:
        """Return the statements for the columns that some row has a value for, and those values."""
        whole = next(iter(self._kinds.values()))
        places = tuple(
            place
            for place, column in enumerate(zip(*rows, strict=True))
            if column.count(None) < len(rows)
        )
        if not 1 < len(places) < len(self._columns):
            return whole, rows
        found = self._kinds.get(places)
        if found is None:
            if len(self._kinds) > _MOST_KINDS:
                return whole, rows
            names = [self._columns[place] for place in places]
            found = self._kinds[places] = self._statements_for(names)
        return found, list(map(itemgetter(*places), rows))

    def _statements_for(self, columns: Sequence[str]) -> Mapping[int, Statement]:
        """Return statements that write these columns, by their number of rows, the most first."""
        most = max(1, _MOST_PARAMETERS // len(columns))
        return {
            size: Statement(_of_rows(self._build, columns, size)) for size in _ROWS if size <= most
        }


def _of_rows(
    build: Callable[[str], Insert], columns: Sequence[str], size: int
) -> Callable[[str], Insert]:
    return lambda dialect: with_rows(build(dialect), columns, size)


def _wrapped(error: Exception, sql: str, connection: Connection) -> BaseException:
    """Return an error of the driver as SQLAlchemy has it; a connection that is lost goes."""
    dialect = connection.dialect
    driver: Any = connection.connection.dbapi_connection
    is_lost = dialect.is_disconnect(error, driver, None)  # type: ignore[arg-type] # the driver's own
    if is_lost:
        connection.invalidate(error)
        connection.engine.dispose()  # the others of the pool are as old
    return DBAPIError.instance(
        sql,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=is_lost,
        dialect=dialect,
    )


def _binder(
    order: tuple[str, ...], positions: list[str] | None, constants: Mapping[str, object]
) -> Callable[[Values], Any]:
    """Return a function that puts values given in `order` into the driver's own form."""
    if positions is None:
        return lambda values: {**constants, **dict(zip(order, values, strict=True))}
    if tuple(positions) == order:
        return tuple
    places = {name: place for place, name in enumerate(order)}
    slots = [places.get(name, -1) for name in positions]
    if len(slots) > 1 and min(slots) >= 0:  # the same values in another order
        return itemgetter(*slots)
    fixed = [constants.get(name) for name in positions]
    return lambda values: tuple(
        values[slot] if slot >= 0 else constant for slot, constant in zip(slots, fixed, strict=True)
    )


def padded(values: Sequence[_T], sizes: Sequence[int]) -> Iterator[tuple[_T, ...]]:
    """Cut values into tuples of a few fixed sizes, repeating the last value to fill up.

    An IN list of a fixed size is a statement that compiles once; a repeated value changes nothing.

        >>> list(padded([1, 2, 3], sizes=(1, 2)))
        [(1, 2), (3,)]
    """
    start = 0
    while start < len(values):
        left = len(values) - start
        size = next((size for size in sizes if size >= left), sizes[-1])
        part = tuple(values[start : start + size])
        yield part + part[-1:] * (size - len(part))
        start += size
