"""Reads back what an engine has stored: the API of Pinpoint has no call that reads events.

The engine's tables are read here and nowhere else in the testing kit. Nothing heavy is imported
before it is used: pytest loads this module in every project.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.models.event import Event, Session

__all__ = ["RecordedEvent", "stored_event_ids", "stored_events"]


class RecordedEvent(NamedTuple):
    """An event as the engine has stored it.

    Attributes:
        endpoint_id: the endpoint it happened at, in lower case: endpoint ids are
            case-insensitive.
        user_id: the endpoint's user when the event arrived; None when it had none.
        event: the event, with its id.
    """

    endpoint_id: str
    user_id: str | None
    event: Event


def stored_events(
    engine: Engine, application_id: str, event_type: str | None = None
) -> list[RecordedEvent]:
    """Return the events of an application in the order of their requests, all or of one type."""
    rows = _rows(engine, application_id, event_type)
    return [RecordedEvent(row["endpoint"], row["user_id"], _event(row)) for row in rows]


def stored_event_ids(engine: Engine, application_id: str) -> list[str]:
    """Return the ids of all events of an application in the order of their requests."""
    return [row["event_id"] for row in _rows(engine, application_id, None, "event_id")]


def _rows(
    engine: Engine, application_id: str, event_type: str | None, *columns: str
) -> Sequence[Mapping[Any, Any]]:
    from pinpoint_kit.engine.storage.tables.applications import APPS  # noqa: PLC0415 -- see the top of the file
    from pinpoint_kit.engine.storage.tables.events import EVENTS  # noqa: PLC0415 -- see the top of the file

    events, apps = EVENTS, APPS
    query = (
        events.join(apps, apps.c.number == events.c.app)
        .select()
        .with_only_columns(*(events.c[name] for name in columns or events.c.keys()))
        .where(apps.c.id == application_id)
        .order_by(events.c.number)
    )
    if event_type is not None:
        query = query.where(events.c.type == event_type)
    with engine._store.read() as connection:  # noqa: SLF001 -- the engine's API has no such call
        return connection.execute(query).mappings().all()


_TEXTS = ("app_package_name", "app_title", "app_version_code", "client_sdk_version", "sdk_name")


def _event(row: Mapping[Any, Any]) -> Event:
    from pinpoint_kit.models.event import Event  # noqa: PLC0415 -- see the top of the file

    return Event(
        type=row["type"],
        id=row["event_id"],
        timestamp=_instant(row["timestamp"]),
        attributes=json.loads(row["attributes"] or "{}"),
        metrics=json.loads(row["metrics"] or "{}"),
        session=_session(row),
        **{name: row[name] for name in _TEXTS},
    )


def _session(row: Mapping[Any, Any]) -> Session | None:
    from pinpoint_kit.models.event import Session  # noqa: PLC0415 -- see the top of the file

    if row["session_id"] is None:
        return None
    return Session(
        id=row["session_id"],
        start_timestamp=_instant(row["session_start"]),
        stop_timestamp=_instant(row["session_stop"]),
        duration_ms=row["session_duration"],
        endpoint_id=row["endpoint"],
    )


def _instant(milliseconds: int | None) -> dt.datetime | None:
    if milliseconds is None:
        return None
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)
    return epoch + dt.timedelta(milliseconds=milliseconds)
