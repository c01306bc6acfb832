"""Numbers of events that are given out again, and the lakes that page by them.

After the newest events are deleted, a database may give their numbers to the next ones. A lake that
was exported up to one of those numbers would never get the new events. So each deletion takes the
cursors of lakes back to the newest event that is left; what a lake has of the deleted events is
not this module's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, func, select, update

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.lakes import LAKES

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["lower"]

_NEWEST = select(func.coalesce(func.max(EVENTS.c.number), 0)).scalar_subquery()
_LOWER = Statement(
    update(LAKES)
    .values(
        reaching=_NEWEST, cursor=case((LAKES.c.cursor > _NEWEST, _NEWEST), else_=LAKES.c.cursor)
    )
    .where(LAKES.c.reaching > _NEWEST)
)


def lower(connection: Connection) -> None:
    """Take the cursors of lakes back to the newest event, in the transaction of a deletion."""
    _LOWER.run_many(connection, [()])
