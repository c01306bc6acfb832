"""The SQL that makes the tables of a new database: what opening one runs, and what is printed.

SQLAlchemy takes several times longer to write it than a database takes to run it, so a process
writes it once.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, cast

from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from pinpoint_kit.engine.storage.tables.metadata import METADATA

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect
    from sqlalchemy.engine.default import DefaultDialect
    from sqlalchemy.sql.ddl import ExecutableDDLElement

__all__ = ["making", "without_parameters", "written"]


def making(dialect: Dialect, schema: str | None) -> tuple[str, ...]:
    """Return the statements that make all tables and their indexes, in their order.

    Args:
        dialect: SQLAlchemy's, of the database.
        schema: the schema that the tables are made in, None where that is not said.
    """
    return _making(without_parameters(dialect), schema, tuple(METADATA.tables))


def without_parameters(dialect: Dialect) -> Dialect:
    """Return a dialect for texts: in a statement with parameters, a % in a name is doubled."""
    return _without_parameters(f"{dialect.name}+{dialect.driver}")


def written(element: ExecutableDDLElement, dialect: Dialect, schema: str | None) -> str:
    """Return a statement that changes tables as text, with their schema's name in it."""
    text = element.compile(
        dialect=dialect,
        schema_translate_map=None if schema is None else {None: schema},
        render_schema_translate=schema is not None,
    )
    return str(text).strip()


@functools.lru_cache(maxsize=8)
def _without_parameters(kind: str) -> Dialect:
    # SQLAlchemy's type of what a URL names has no arguments.
    dialect = cast("type[DefaultDialect]", make_url(f"{kind}://").get_dialect())
    return dialect(paramstyle="named")


@functools.lru_cache(maxsize=8)
def _making(
    dialect: Dialect,
    schema: str | None,
    names: tuple[str, ...],  # noqa: ARG001 -- of the tables that there are by now
) -> tuple[str, ...]:
    elements: list[ExecutableDDLElement] = []
    for table in METADATA.sorted_tables:
        elements.append(CreateTable(table))
        elements += map(CreateIndex, sorted(table.indexes, key=lambda index: str(index.name)))
    return tuple(written(element, dialect, schema) for element in elements)
