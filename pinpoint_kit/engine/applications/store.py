"""`App`: a stored application, and the check that one exists.

Every other resource asks here for its application. What may be asked of applications themselves
stands in applications/operations.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, select

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.wire.refusals import ApiError, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context

__all__ = ["App", "by_number", "checked_first", "require"]

_SELECT = Statement(select(APPS).where(APPS.c.id == bindparam("id_")), "id_")
_BY_NUMBER = Statement(select(APPS).where(APPS.c.number == bindparam("number_")), "number_")


@attrs.frozen
class App:
    """A stored application. `number` is what other tables call it by."""

    number: int
    id: str
    name: str
    created: int
    settings: str | None
    settings_modified: int | None
    removed_attributes: str | None

    def removed_patterns(self) -> dict[str, list[str]]:
        """Return the patterns of RemoveAttributes by attribute type."""
        if self.removed_attributes is None:
            return {}
        patterns: dict[str, list[str]] = orjson.loads(self.removed_attributes)
        return patterns


def require(connection: Connection, application_id: str) -> App:
    """Return the application.

    Raises:
        ApiError: there is none with this id.
    """
    rows = _SELECT.rows(connection, application_id)
    if not rows:
        raise not_found("Application not found")
    return App(*rows[0])


def by_number(connection: Connection, number: int) -> App | None:
    """Return the application that other tables call by this number, if it is still there."""
    rows = _BY_NUMBER.rows(connection, number)
    return App(*rows[0]) if rows else None


@contextmanager
def checked_first(context: Context, application_id: str) -> Iterator[None]:
    """Let a missing application win over whatever the block refuses.

    The service looks for the application before it looks at the body. Parsing comes first here,
    so that no transaction waits for it.
    """
    try:
        yield
    except ApiError:
        with context.store.read() as connection:
            require(connection, application_id)
        raise
