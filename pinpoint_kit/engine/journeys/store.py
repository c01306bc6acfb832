"""`Journey`: a stored journey, and the statements that keep it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, delete, insert, select, update

from pinpoint_kit.engine.storage.statements import Row, Statement
from pinpoint_kit.engine.storage.tables.journeys import JOURNEYS
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context

__all__ = ["Journey", "add", "find", "listed", "new", "remove", "save"]


@attrs.frozen
class Journey:
    """A journey. `number` is what its row is called by.

    Attributes:
        app: the number of its application.
        state: DRAFT, ACTIVE, PAUSED or CANCELLED.
        members: those of a WriteJourneyRequest but for its state and dates.
        run: the id of its run, None until it is published.
        published: when it was, milliseconds since 1970. So are the other instants.
    """

    number: int
    app: int
    id: str
    state: str
    members: Mapping[str, object] = attrs.field(repr=False)
    run: str | None
    published: int | None
    created: int
    modified: int


_ROWS = JOURNEYS
_BY_ID = Statement(
    select(_ROWS).where(_ROWS.c.app == bindparam("app_"), _ROWS.c.id == bindparam("id_")),
    "app_",
    "id_",
)
_LISTED = Statement(
    select(_ROWS)
    .where(_ROWS.c.app == bindparam("app_"), _ROWS.c.number > bindparam("after_"))
    .order_by(_ROWS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)


def find(connection: Connection, app: int, journey_id: str) -> Journey:
    """Return a journey.

    Raises:
        ApiError: there is none.
    """
    rows = _BY_ID.rows(connection, app, journey_id)
    if not rows:
        raise not_found("Journey not found")
    return _journey(rows[0])


def listed(connection: Connection, app: int, after: int, most: int) -> list[Journey]:
    """Return journeys in the order of creation, those after a number."""
    return [_journey(row) for row in _LISTED.rows(connection, app, after, most)]


def new(context: Context, app: App, state: str, members: Mapping[str, object], now: int) -> Journey:
    """Return a journey that is not stored yet."""
    return Journey(
        number=0,  # given out when it is stored
        app=app.number,
        id=context.new_id(),
        state=state,
        members=members,
        run=None,
        published=None,
        created=now,
        modified=now,
    )


def add(connection: Connection, journey: Journey) -> None:
    """Store a new journey."""
    connection.execute(
        insert(_ROWS).values(
            app=journey.app, id=journey.id, created=journey.created, **_changing(journey)
        )
    )


def save(connection: Connection, journey: Journey) -> None:
    """Store what has changed of a journey."""
    connection.execute(
        update(_ROWS).where(_ROWS.c.number == journey.number).values(**_changing(journey))
    )


def remove(connection: Connection, journey: Journey) -> None:
    """Delete a journey."""
    connection.execute(delete(_ROWS).where(_ROWS.c.number == journey.number))


def _changing(journey: Journey) -> dict[str, object]:
    return {
        "state": journey.state,
        "definition": body.encode(journey.members),
        "run": journey.run,
        "published": journey.published,
        "modified": journey.modified,
    }


def _journey(row: Row) -> Journey:
    number, app, journey_id, state, definition, run, published, created, modified = row
    return Journey(
        number,
        app,
        journey_id,
        state,
        orjson.loads(definition),
        run,
        published,
        created,
        modified,
    )
