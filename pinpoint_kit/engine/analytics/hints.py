"""A line in the log when charts have become slow because a store has grown: a lake is quicker.

Once for each store of a process. Nothing is measured here but the time that a chart took.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from weakref import WeakSet

from sqlalchemy import func, literal_column, select

from pinpoint_kit.engine.storage.tables.events import EVENTS

if TYPE_CHECKING:
    from sqlalchemy import Connection, Select

    from pinpoint_kit.engine.storage.store import Store

__all__ = ["LOGGER", "hint"]

#: The name under which it is logged, with level WARNING.
LOGGER = "pinpoint_kit.engine.analytics"
_logger = logging.getLogger(LOGGER)

#: A chart that took longer is slow.
SLOW_S = 2.0
#: Fewer events are not worth a lake.
MANY_EVENTS = 2_000_000
_told: WeakSet[Store] = WeakSet()


def hint(store: Store, connection: Connection, app: int, seconds: float) -> None:
    """Log that a lake would be quicker, if a chart was slow and there are many events."""
    if seconds < SLOW_S or store in _told:
        return
    some: Select[tuple[int]] = (
        select(literal_column("1")).select_from(EVENTS).where(EVENTS.c.app == app)
    )
    count = select(func.count()).select_from(some.limit(MANY_EVENTS).subquery())
    if connection.execute(count).scalar_one() < MANY_EVENTS:
        return
    _told.add(store)
    _logger.warning(
        "a chart took %.1f s on %s events or more: export them by"
        " `pinpoint-kit lake export FOLDER`, and ask `pinpoint-kit analytics … --lake FOLDER` or"
        " pinpoint_kit.open_lake for the same",
        seconds,
        f"{MANY_EVENTS:,}",
    )
