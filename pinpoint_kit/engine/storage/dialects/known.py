"""Which databases there are: from a URL to its `Dialect`.

The one place that lists them. Another database is a folder beside `sqlite` and a line below. Each
is imported when its URL comes up: a driver costs time, and need not be installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["dialect_of"]


def _sqlite(url: str) -> Dialect:
    from pinpoint_kit.engine.storage.dialects.sqlite.dialect import Sqlite  # noqa: PLC0415 -- when used

    return Sqlite(make_url(url))


def _postgresql(url: str) -> Dialect:
    from pinpoint_kit.engine.storage.dialects.postgresql.dialect import (  # noqa: PLC0415 -- when used
        Postgresql,
    )

    return Postgresql.of(url)


#: By the scheme of the URL, with the driver when it names one.
_DIALECTS: Mapping[str, Callable[[str], Dialect]] = {
    "sqlite": _sqlite,
    "sqlite+pysqlite": _sqlite,
    "postgresql": _postgresql,
    "postgresql+psycopg": _postgresql,
    "postgres": _postgresql,
}


def dialect_of(url: str) -> Dialect:
    """Return the database that a URL names. Nothing is opened.

    Raises:
        StoreError: there is no such kind, or its driver is missing.
    """
    scheme, separator, _ = url.partition("://")
    try:
        if not separator:
            raise KeyError  # noqa: TRY301 -- the same refusal
        return _DIALECTS[scheme.lower()](url)
    except (ArgumentError, KeyError):
        raise StoreError(
            "The engine needs a database URL of the form sqlite:///FILE, sqlite:////ABSOLUTE/FILE, "
            "sqlite:// (in memory) or postgresql://USER@HOST/DATABASE; write one of these"
        ) from None
