"""Event streams: PutEventStream, GetEventStream and DeleteEventStream, one an application.

They are kept and given back; nothing is forwarded yet, so that the ARNs are not looked at either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.streams import EVENT_STREAMS
from pinpoint_kit.engine.streams.backlog import RecordHook, StreamData
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["FAMILY"]

_STREAMS = EVENT_STREAMS
_SELECT = Statement(
    select(_STREAMS.c.destination, _STREAMS.c.role, _STREAMS.c.modified).where(
        _STREAMS.c.app == bindparam("app_")
    ),
    "app_",
)
_UPSERT = Statement(
    lambda dialect: upsert(dialect, _STREAMS, ("app",), ("destination", "role", "modified")),
    "app",
    "destination",
    "role",
    "modified",
)


def put_event_stream(context: Context, call: Call) -> object:
    """PutEventStream: make the application's stream or replace it."""
    with apps.checked_first(context, call.application_id):
        request = call.members()
        for name, value in request.items():
            if not value:
                raise bad_request(f"Missing {name}")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        row = (app.number, request["DestinationStreamArn"], request["RoleArn"], call.now)
        _UPSERT.run_many(connection, [row])
        return _rendered(connection, app)


def get_event_stream(context: Context, call: Call) -> object:
    """GetEventStream."""
    with context.store.read() as connection:
        return _rendered(connection, apps.require(connection, call.application_id))


def delete_event_stream(context: Context, call: Call) -> object:
    """DeleteEventStream: answer with what was deleted."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        answer = _rendered(connection, app)
        connection.execute(delete(_STREAMS).where(_STREAMS.c.app == app.number))
    return answer


def _rendered(connection: Connection, app: App) -> dict[str, object]:
    rows = _SELECT.rows(connection, app.number)
    if not rows:
        raise not_found("Resource not found")
    destination, role, modified = rows[0]
    return {
        "ApplicationId": app.id,
        "DestinationStreamArn": destination,
        "ExternalId": tags.ACCOUNT,
        "LastModifiedDate": instants.from_ms(modified),
        "LastUpdatedBy": f"arn:aws:iam::{tags.ACCOUNT}:root",
        "RoleArn": role,
    }


FAMILY = Family(
    name="streams",
    operations={
        "DeleteEventStream": Operation(delete_event_stream),
        "GetEventStream": Operation(get_event_stream),
        "PutEventStream": Operation(
            put_event_stream, "partial", "kept and given back; nothing is forwarded"
        ),
    },
    held_of_person=StreamData(),
    on_events=RecordHook(),
)
