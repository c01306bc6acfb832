"""`look_at` and `schema_sql`: what an operator asks of a database before it is opened.

Nothing is made or changed here, and nothing of what is stored is read.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateSchema

from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.making import making, without_parameters, written
from pinpoint_kit.engine.storage.store import BUSY_TIMEOUT_S
from pinpoint_kit.engine.storage.tables import migrations
from pinpoint_kit.engine.storage.tables.metadata import META
from pinpoint_kit.engine.storage.upgrades import check_owner
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["Look", "look_at", "schema_sql", "visiting"]


@attrs.frozen
class Look:
    """What was seen of a database.

    Attributes:
        place: what to call it, without user and password.
        text: its kind and version, and what the role may do there.
        latency_ms: how long one question and its answer take.
        has_tables: whether the engine's tables are there.
        may_make_tables: whether opening it could make them.
    """

    place: str
    text: str
    latency_ms: float
    has_tables: bool
    may_make_tables: bool = True


def look_at(url: str) -> Look:
    """Connect to a database, and look at it without making anything.

    Args:
        url: `postgresql://USER@HOST/DATABASE`, or another URL of a database that is there.

    Raises:
        StoreError: it cannot be used; the message says why and what to do next.

    Examples:
        >>> from pinpoint_kit.engine import look_at
        >>> look_at("sqlite://").has_tables
        False
    """
    dialect = dialect_of(url)
    with visiting(dialect) as connection:
        dialect.check_ready(connection)
        found = dialect.check_up(connection)
        began = time.perf_counter()
        connection.exec_driver_sql("SELECT 1").fetchall()
        latency_ms = (time.perf_counter() - began) * 1000
        has_tables = check_owner(dialect, connection)
    return Look(dialect.label, found.text, latency_ms, has_tables, found.may_make_tables)


@contextmanager
def visiting(dialect: Dialect) -> Iterator[Connection]:
    """Connect to a database without opening a store in it.

    Raises:
        StoreError: what goes wrong there, with the database's name before it.
    """
    engine = dialect.connect(BUSY_TIMEOUT_S)
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"{dialect.label}: {dialect.explain(error).sentence}") from None
    except StoreError as error:
        raise StoreError(f"{dialect.label}: {error}") from None
    finally:
        engine.dispose()


def schema_sql(url: str, *, role: str | None = None) -> str:
    """Return the SQL that makes the tables, for an administrator to run. Nothing is connected to.

    Args:
        url: the database, whose kind and schema count.
        role: who is given the rights that the engine needs, where the database has roles.

    Raises:
        StoreError: the URL is none of a database.

    Examples:
        >>> from pinpoint_kit.engine import schema_sql
        >>> "CREATE TABLE endpoints" in schema_sql("sqlite:///shop.db")
        True
    """
    dialect = dialect_of(url)
    engine = dialect.connect(BUSY_TIMEOUT_S)
    schemas = engine.get_execution_options().get("schema_translate_map")
    schema = schemas[None] if schemas else None
    version = str(migrations.VERSION)
    printing = without_parameters(engine.dialect)
    parts = [f"{statement};" for statement in making(engine.dialect, schema)]
    if schema is not None:
        create = CreateSchema(schema, if_not_exists=True)
        parts.insert(0, f"{written(create, printing, schema)};")
    insert = META.insert().values(name="schema_version", value=version)
    compiled = insert.compile(
        dialect=printing,
        schema_translate_map=schemas,
        render_schema_translate=bool(schemas),
        compile_kwargs={"literal_binds": True},
    )
    parts.append(f"{compiled};")
    if role is not None:
        parts += dialect.grants(role)
    return "\n\n".join(["BEGIN;", *parts, "COMMIT;"]) + "\n"
