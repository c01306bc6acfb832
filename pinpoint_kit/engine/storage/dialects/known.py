"""Which databases there are: from a URL to its `Dialect`.

The one place that lists them. Another database is a folder beside `sqlite` and a line below.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pinpoint_kit.engine.storage.dialects.sqlite.dialect import Sqlite
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import URL

    from pinpoint_kit.engine.storage.dialects.dialect import Dialect

__all__ = ["dialect_of"]

#: By the scheme of the URL, with the driver when it names one.
_DIALECTS: Mapping[str, Callable[[URL], Dialect]] = {"sqlite": Sqlite, "sqlite+pysqlite": Sqlite}


def dialect_of(url: str) -> Dialect:
    """Return the database that a URL names. Nothing is opened.

    Raises:
        StoreError: there is no such kind.
    """
    try:
        parsed = make_url(url)
        return _DIALECTS[parsed.drivername](parsed)
    except (ArgumentError, KeyError):
        raise StoreError(
            "The engine needs a database URL of the form sqlite:///FILE, sqlite:////ABSOLUTE/FILE "
            "or sqlite:// (in memory); write one of these"
        ) from None
