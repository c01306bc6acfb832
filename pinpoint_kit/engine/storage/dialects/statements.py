"""What databases write differently in statements: conflicts of inserts, and many rows at once.

For `Statement`, which builds a statement by the dialect's name. No table belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BindParameter, Text, bindparam, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Delete, Insert, Update
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.sql.visitors import iterate, replacement_traverse
from sqlalchemy.types import NullType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ClauseElement, Executable, Table, TableValuedAlias
    from sqlalchemy.types import TypeEngine

__all__ = ["in_bulk", "insert_ignoring", "upsert"]


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_ignoring(dialect: str, table: Table) -> Insert:
    """Return an insert of whole rows that leaves rows alone which are already there."""
    return _insert(dialect, table).on_conflict_do_nothing()


def upsert(dialect: str, table: Table, keys: Sequence[str], columns: Sequence[str]) -> Insert:
    """Return an insert of whole rows that replaces `columns` where `keys` are already there."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in columns}
    )


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


def _unnested(types: Mapping[str, TypeEngine[object]]) -> TableValuedAlias:
    """Return a table whose columns are arrays, by the names of the parameters."""
    arrays = [
        cast(bindparam(name), postgresql.ARRAY(Text() if isinstance(kind, Text) else kind))
        for name, kind in types.items()
    ]
    return func.unnest(*arrays).table_valued(*types).render_derived(name="given")
