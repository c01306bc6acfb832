"""What databases write differently in statements: conflicts of inserts, and many rows at once.

For `Statement`, which builds a statement by the dialect's name. No table belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    Text,
    and_,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import NullType

from pinpoint_kit.engine.storage.dialects.postgresql.copying import copy_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import (
        ClauseElement,
        Column,
        ColumnElement,
        Connection,
        Executable,
        Table,
        TableValuedAlias,
    )
    from sqlalchemy.types import TypeEngine

    Copy = Callable[[Connection, str, Sequence[str], Sequence[Sequence[object]]], None]

__all__ = [
    "copy_of",
    "has_arrays",
    "in_bulk",
    "insert_ignoring",
    "is_listed",
    "joined_lines",
    "json_document",
    "json_object",
    "upsert",
    "with_rows",
]


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_ignoring(dialect: str, table: Table) -> Insert:
    """Return an insert of whole rows that leaves rows alone which are already there.

    When it fails, what it has inserted of several rows stays until the transaction is undone: so
    SQLite need not copy each page first that it changes, which takes as long as the insert.
    """
    statement = _insert(dialect, table).on_conflict_do_nothing()
    return statement.prefix_with("OR FAIL", dialect="sqlite")


def upsert(dialect: str, table: Table, keys: Sequence[str], columns: Sequence[str]) -> Insert:
    """Return an insert of whole rows that replaces `columns` where `keys` are already there."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in columns}
    )


def with_rows(statement: Insert, columns: Sequence[str], rows: int) -> Insert:
    """Return an insert of several rows by one statement, for SQLite: other databases have arrays.

    Question marks stand for the values. With a parameter for each, SQLAlchemy compiles a statement
    for up to 20 ms, in which nobody else computes.

    Args:
        statement: the insert, without its values.
        columns: whose values a row has, in this order.
        rows: how many there are.
    """
    row = f"({', '.join('?' * len(columns))})"
    values = text(f"VALUES {', '.join([row] * rows)}").columns()
    return statement.from_select(list(columns), values, include_defaults=False)


def json_object(dialect: str, members: Mapping[str, ColumnElement[Any]]) -> ColumnElement[Any]:
    """Return JSON with some members, whose names are our own; NULL becomes null."""
    build = func.json_build_object if dialect == "postgresql" else func.json_object
    parts: list[ColumnElement[Any]] = []
    for name, value in members.items():
        parts += [literal_column(f"'{name}'"), value]
    return build(*parts)


def json_document(dialect: str, text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return JSON, or text that is JSON, as it can be a member of `json_object`."""
    return cast(text, postgresql.JSON) if dialect == "postgresql" else func.json(text)


def joined_lines(dialect: str, text: ColumnElement[str]) -> ColumnElement[str]:
    """Return the texts of a group as one, with newlines between them; NULL without any."""
    if dialect == "postgresql":
        return func.string_agg(text, func.chr(10), type_=Text)
    return func.group_concat(text, func.char(10), type_=Text)


def copy_of(dialect: str) -> Copy | None:
    """Return what adds many new rows quicker than inserts; None where nothing does."""
    return copy_in if dialect == "postgresql" else None


def has_arrays(dialect: str) -> bool:
    """Return whether a list can be one parameter, as `is_listed` wants it."""
    return dialect == "postgresql"


def is_listed(
    column: Column[str], values: BindParameter[object], **equal: BindParameter[Any]
) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values of a list, and others one value.

    `has_arrays` says where there are lists.

    The rows are looked up value by value, by the index on these columns. A plain condition leaves
    the way to PostgreSQL, which goes through all of an application as long as it has no statistics
    of a table that grows, and so takes longer with every row.

    Args:
        column: what has one of the values.
        values: the parameter for the list.
        equal: what other columns of the same table have, by name.
    """
    types: dict[str, TypeEngine[Any]] = {values.key: column.type}
    given = _unnested(types)
    table = column.table
    wanted = {**equal, column.name: given.c[values.key]}

    def conditions(columns: Any) -> list[ColumnElement[bool]]:  # noqa: ANN401 -- SQLAlchemy's
        return [columns[name] == value for name, value in wanted.items()]

    if "number" not in table.c:  # a table with one index alone
        is_one = column == any_(cast(values, postgresql.ARRAY(Text())))
        return and_(*(table.c[name] == value for name, value in equal.items()), is_one)
    found = table.alias("found")
    return _has_number_of(table, found, conditions(found.c), given)


def _has_number_of(
    table: Any,  # noqa: ANN401 -- a Table
    found: Any,  # noqa: ANN401 -- its alias
    conditions: Sequence[ColumnElement[bool]],
    given: TableValuedAlias,
) -> ColumnElement[bool]:
    """Return the condition that a row fulfils others together with one of the given rows."""
    # OFFSET keeps the planner from making a join of it.
    each = select(found.c.number).where(*conditions).offset(literal_column("0")).lateral("each")
    numbers = select(each.c.number).select_from(given.join(each, true()))
    condition: ColumnElement[bool] = table.c.number == any_(func.array(numbers.scalar_subquery()))
    return condition


def in_bulk(dialect: str, statement: Executable, order: Sequence[str]) -> Executable | None:
    """Return a statement that does for many rows what another does for one; None where none helps.

    PostgreSQL plans each row of `executemany` anew, because statements are not prepared by name
    (PgBouncer). A single statement takes an array for each parameter instead. It must not touch a
    row twice. SQLite runs in this process, and gains nothing.

    Args:
        dialect: the name of the dialect.
        statement: the statement for one row.
        order: the names of its parameters; each becomes a list of the values of all rows.
    """
    if dialect != "postgresql" or not order:
        return None
    if isinstance(statement, Insert):
        is_of_a_row = statement.select is None and all(name in statement.table.c for name in order)
        return _insert_in_bulk(statement, order) if is_of_a_row else None
    return _change_in_bulk(statement, order) if isinstance(statement, Update | Delete) else None


def _insert_in_bulk(statement: Insert, order: Sequence[str]) -> Executable:
    table = statement.table
    rows = _unnested({name: table.c[name].type for name in order})
    bulk = postgresql.insert(table).from_select(
        list(order), select(*(rows.c[name] for name in order)), include_defaults=False
    )
    bulk._post_values_clause = statement._post_values_clause  # noqa: SLF001 -- the ON CONFLICT
    return bulk


def _change_in_bulk(statement: Update | Delete, order: Sequence[str]) -> Executable | None:
    parameters = _parameters(statement, order)
    nested = [part for part in iterate(statement) if isinstance(part, SelectBase)]
    if any(_parameters(part, order) for part in nested):
        return None  # a subquery would read the arrays by itself
    if parameters.keys() != set(order) or any(isinstance(k, NullType) for k in parameters.values()):
        return None
    rows = _unnested({name: parameters[name] for name in order})

    def replaced(element: object, **_: object) -> Any:  # noqa: ANN401 -- as SQLAlchemy has it
        if isinstance(element, BindParameter) and element.key in order:
            return rows.c[element.key]
        return None

    table: Any = statement.table
    where = statement.whereclause
    if where is not None and not nested and "number" in table.c:
        # As in `is_listed`; unless what is set is given, too, rows need not be joined.
        bare = statement._generate()  # noqa: SLF001 -- a copy
        bare._where_criteria = ()  # noqa: SLF001 -- SQLAlchemy can only add conditions
        if not _parameters(bare, order):
            alias = table.alias("found")
            inner: Any = ClauseAdapter(alias).traverse(replacement_traverse(where, {}, replaced))
            return bare.where(_has_number_of(table, alias, [inner], rows))
    changed: Any = replacement_traverse(statement, {}, replaced)
    found: Executable = changed
    return found


def _parameters(part: ClauseElement, order: Sequence[str]) -> dict[str, TypeEngine[object]]:
    """Return the types of the parameters of a part of a statement, by name."""
    return {
        element.key: element.type
        for element in iterate(part)
        if isinstance(element, BindParameter) and element.key in order
    }


def _unnested(types: Mapping[str, TypeEngine[Any]]) -> TableValuedAlias:
    """Return a table whose columns are arrays, by the names of the parameters."""
    arrays = [
        cast(bindparam(name), postgresql.ARRAY(Text() if isinstance(kind, Text) else kind))
        for name, kind in types.items()
    ]
    return func.unnest(*arrays).table_valued(*types).render_derived(name="given")
