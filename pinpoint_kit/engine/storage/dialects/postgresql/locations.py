"""What a PostgreSQL URL says: libpq's own connection string, and the schema of the tables.

Hosts, `sslmode`, service files, `PGPASSWORD` and `.pgpass` mean what libpq says: its part of the
URL is handed on as it is. Nothing here connects, and nothing shows a user or a password.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import attrs

from pinpoint_kit.errors import StoreError

__all__ = ["Location", "driver", "parse"]

#: Where tables are, unless the URL names another schema.
_SCHEMA = "public"
_MAX_NAME_BYTES = 63
#: What stands for parameters and schemas in the SQL of the driver and of SQLAlchemy.
_TAKEN = frozenset("%[]\0")
#: How a host begins that is a folder with a socket, or an abstract one.
_SOCKETS = ("/", "@")


@attrs.frozen
class Location:
    """Where a database is.

    Attributes:
        conninfo: what libpq is given.
        parts: the same, read by libpq: `host`, `dbname` and what else was given.
        schema: the schema of our tables.
    """

    conninfo: str = attrs.field(repr=False)
    parts: Mapping[str, object] = attrs.field(repr=False)
    schema: str

    @property
    def label(self) -> str:
        """What to call it in a message: hosts, database and schema."""
        named = self.parts.get("service")
        place = f"service {named}" if named else str(self.parts.get("host") or "this machine")
        database = self.parts.get("dbname")
        where = f"{place}/{database}" if database else place
        return where if self.schema == _SCHEMA else f"{where}, schema {self.schema}"


def driver() -> Any:  # noqa: ANN401 -- a module that is not there without its extra
    """Import psycopg.

    Raises:
        StoreError: it is not installed, or finds no libpq.
    """
    try:
        import_module("psycopg")
        return import_module("psycopg.conninfo")
    except ImportError:
        raise StoreError(
            "PostgreSQL needs the driver psycopg: pip install 'pinpoint-kit[postgresql]'"
        ) from None


def parse(url: str) -> Location:
    """Read a URL. Nothing is opened.

    Raises:
        StoreError: it is malformed, or the driver is missing.
    """
    conninfo = driver()
    _, _, rest = url.partition("://")
    place, _, query = rest.partition("?")
    given = parse_qsl(query, keep_blank_values=True)
    schemas = [value for name, value in given if name == "schema"]
    schema = schemas[-1] if schemas else _SCHEMA
    is_long = len(schema.encode()) > _MAX_NAME_BYTES
    if not schema or is_long or schema.startswith("pg_") or not _TAKEN.isdisjoint(schema):
        raise StoreError(
            f"?schema= must name a schema, of at most {_MAX_NAME_BYTES} bytes, without %, [ and ],"
            " and not pg_…, which PostgreSQL keeps for itself; write ?schema=NAME"
        )
    left = urlencode([pair for pair in given if pair[0] != "schema"], quote_via=quote)
    text = f"postgresql://{place}" + (f"?{left}" if left else "")
    try:
        parts = conninfo.conninfo_to_dict(text)
        for host in str(parts.get("host", "")).split(","):
            if not host.startswith(_SOCKETS):
                host.encode("idna")  # as the driver does, whose error is none of a database
    except Exception:  # noqa: BLE001 -- psycopg's text quotes the URL, which may hold a password
        raise StoreError(
            "The URL of the database is malformed; write postgresql://USER@HOST/DATABASE, with"
            " what PostgreSQL's manual allows in connection URIs"
        ) from None
    return Location(text, parts, schema)
