"""The SQL that makes tables of a lake elsewhere: Athena, Trino, Spark and DuckDB.

Written from schema.py, so that it cannot drift from the files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.lake import schema
from pinpoint_kit.lake.duck import literal
from pinpoint_kit.lake.schema import MapOf

if TYPE_CHECKING:
    from pinpoint_kit.lake.schema import Field, Kind

__all__ = ["Dialect", "tables_sql"]

Dialect: TypeAlias = Literal["athena", "trino", "spark", "duckdb"]

_HIVE = {"text": "string", "whole": "bigint", "number": "double", "texts": "array<string>"}
_TRINO = {"text": "varchar", "whole": "bigint", "number": "double", "texts": "array(varchar)"}


def tables_sql(place: str, *, engine: Dialect = "athena", schema: str = "pinpoint") -> str:
    """Return the SQL that makes the tables `events`, `endpoints` and `users` of a lake.

    Nothing is connected to. The tables are external: they read the files where they are, and
    dropping them deletes nothing.

    Args:
        place: where the lake is: `s3://BUCKET/PREFIX`, or a folder.
        engine: whose SQL: `athena`, `trino` (a Hive catalog), `spark` or `duckdb`.
        schema: the database or schema that they go into; it is made if need be. Letters, digits
            and underscores.

    Raises:
        ConfigurationError: the name or the engine is none.

    Examples:
        >>> print(tables_sql("s3://bucket/lake", engine="duckdb").splitlines()[0])
        CREATE SCHEMA IF NOT EXISTS pinpoint;
    """
    if re.fullmatch(r"[a-z_][a-z0-9_]{0,127}", schema) is None:
        raise ConfigurationError(
            "a schema is named with small letters, digits and underscores, as in pinpoint"
        )
    if engine not in get_args(Dialect):
        raise ConfigurationError(f"unknown engine: take one of {', '.join(get_args(Dialect))}")
    root = place.rstrip("/")
    made = [f"CREATE SCHEMA IF NOT EXISTS {schema};"]
    make = {"athena": _athena, "trino": _trino, "spark": _spark, "duckdb": _duckdb}[engine]
    for name, fields in _tables().items():
        made += make(f"{schema}.{name}", fields, f"{root}/{name}")
    return "\n\n".join(made) + "\n"


def _tables() -> dict[str, tuple[Field, ...]]:
    return dict(schema.TABLES)


def _is_parted(table: str) -> bool:
    return table.endswith(".events")


def _athena(table: str, fields: tuple[Field, ...], place: str) -> list[str]:
    """Return Athena's DDL; its partitions are projected, so that none has to be added."""
    parts = ""
    settings = ["'parquet.compression' = 'ZSTD'"]
    if _is_parted(table):
        parts = "PARTITIONED BY (`event_date` string)\n"
        settings += [
            "'projection.enabled' = 'true'",
            "'projection.event_date.type' = 'date'",
            "'projection.event_date.format' = 'yyyy-MM-dd'",
            "'projection.event_date.range' = '2016-12-01,NOW+1DAY'",
            f"'storage.location.template' = {literal(place + '/event_date=${event_date}')}",
        ]
    listed = ",\n".join(f"  `{field.name}` {_hive(field.kind)}" for field in fields)
    made = (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {table} (\n{listed}\n)\n{parts}STORED AS PARQUET\n"
        f"LOCATION {literal(place + '/')}\nTBLPROPERTIES ({', '.join(settings)});"
    )
    return [made]


def _trino(table: str, fields: tuple[Field, ...], place: str) -> list[str]:
    """Return Trino's DDL for a catalog of the Hive connector."""
    columns = [f'  "{field.name}" {_in_trino(field.kind)}' for field in fields]
    settings = [f"external_location = {literal(place)}", "format = 'PARQUET'"]
    calls = []
    if _is_parted(table):
        columns.append('  "event_date" varchar')
        settings.append("partitioned_by = ARRAY['event_date']")
        owner, _, name = table.partition(".")
        calls = [f"CALL system.sync_partition_metadata('{owner}', '{name}', 'FULL');"]
    listed = ",\n".join(columns)
    made = f"CREATE TABLE IF NOT EXISTS {table} (\n{listed}\n)\nWITH ({', '.join(settings)});"
    return [made, *calls]


def _spark(table: str, fields: tuple[Field, ...], place: str) -> list[str]:
    columns = [f"  `{field.name}` {_in_spark(field.kind)}" for field in fields]
    parts, calls = "", []
    if _is_parted(table):
        columns.append("  `event_date` DATE")
        parts = " PARTITIONED BY (event_date)"
        calls = [f"MSCK REPAIR TABLE {table};"]
    listed = ",\n".join(columns)
    made = (
        f"CREATE TABLE IF NOT EXISTS {table} (\n{listed}\n)\nUSING PARQUET{parts}"
        f" LOCATION {literal(place)};"
    )
    return [made, *calls]


def _duckdb(table: str, fields: tuple[Field, ...], place: str) -> list[str]:
    del fields  # the files say it
    files, options = f"{place}/*.parquet", ""
    if _is_parted(table):
        files, options = f"{place}/*/*.parquet", ", hive_partitioning = true"
    return [f"CREATE OR REPLACE VIEW {table} AS FROM read_parquet({literal(files)}{options});"]


def _hive(kind: Kind) -> str:
    if isinstance(kind, str):
        return _HIVE[kind]
    if isinstance(kind, MapOf):
        return f"map<string,{_HIVE[kind.value]}>"
    return f"struct<{','.join(f'{name}:{_hive(member)}' for name, member in kind.items())}>"


def _in_spark(kind: Kind) -> str:
    return _hive(kind).upper() if isinstance(kind, str) else _hive(kind)


def _in_trino(kind: Kind) -> str:
    if isinstance(kind, str):
        return _TRINO[kind]
    if isinstance(kind, MapOf):
        return f"map(varchar, {_TRINO[kind.value]})"
    return f"row({', '.join(f'{name} {_in_trino(member)}' for name, member in kind.items())})"
