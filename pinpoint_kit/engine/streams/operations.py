"""Event streams: PutEventStream, GetEventStream and DeleteEventStream, one an application.

A stream says that records are made and for whom; where they really go, the operator says: an ARN
alone opens no connection. What a stream is asked that Pinpoint's API has no name for stands in
streams/extensions.py.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.context import Context, Family, Operation
from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.storage.tables.streams import EVENT_STREAMS, STREAM_CURSORS
from pinpoint_kit.engine.streams import backlog, cursors, extensions
from pinpoint_kit.engine.streams.upkeep import Upkeep
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call

__all__ = ["FAMILY"]

_logger = logging.getLogger(__name__)

_STREAMS = EVENT_STREAMS
_SELECT = Statement(
    select(_STREAMS.c.destination, _STREAMS.c.role, _STREAMS.c.modified, _STREAMS.c.since).where(
        _STREAMS.c.app == bindparam("app_")
    ),
    "app_",
)
_COLUMNS = ("destination", "role", "modified", "since")
_UPSERT = Statement(lambda dialect: upsert(dialect, _STREAMS, ("app",), _COLUMNS), "app", *_COLUMNS)
#: The two forms that the service model describes at DestinationStreamArn.
_STREAM_ARN = re.compile(
    r"arn:aws[a-z-]*:(?:kinesis:[a-z0-9-]+:[0-9]{1,12}:stream|"
    r"firehose:[a-z0-9-]+:[0-9]{1,12}:deliverystream)/[A-Za-z0-9_.-]{1,128}"
)
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{1,12}:role/[!-~]{1,576}")


def put_event_stream(context: Context, call: Call) -> object:
    """PutEventStream: make the application's stream or replace it.

    What waits for the stream before still goes there, or is counted as lost where no destination
    has claimed it, and nothing that was recorded earlier goes to the new one.
    """
    with apps.checked_first(context, call.application_id):
        request = call.members()
        for name, value in request.items():
            if not value:
                raise bad_request(f"Missing {name}")
        arn, role = str(request["DestinationStreamArn"]), str(request["RoleArn"])
        if _STREAM_ARN.fullmatch(arn) is None:
            raise bad_request(
                "must be arn:aws:kinesis:REGION:ACCOUNT:stream/NAME or"
                " arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME",
                ".DestinationStreamArn",
            )
        if _ROLE_ARN.fullmatch(role) is None:
            raise bad_request("must be arn:aws:iam::ACCOUNT:role/NAME", ".RoleArn")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before, lost = _SELECT.rows(connection, app.number), 0
        since = backlog.newest(connection, app.number)
        if before and before[0][0] == arn:
            since = before[0][3]
        elif before:
            lost = cursors.lapse(connection, app.number, before[0][0], since)
        _UPSERT.run_many(connection, [(app.number, arn, role, call.now, since)])
        for destination in context.streams.destinations.get(arn, ()):
            cursors.claim(
                connection, app.number, destination.name, arn, call.now, is_standing=False
            )
        known = cursors.of_app(connection, app.number)
        answer = _rendered(connection, app)
    _warn_of_loss(app, lost)
    if not cursors.is_claimed(known, arn):
        _logger.warning(
            "no destination takes the event stream of application %s: its records are kept for some"
            " days; give `pinpoint-kit serve --destination %s=URL`, or connect(...,"
            " destinations={...})",
            app.id,
            arn,
        )
    context.announce_streams()
    return answer


def get_event_stream(context: Context, call: Call) -> object:
    """GetEventStream."""
    with context.store.read() as connection:
        return _rendered(connection, apps.require(connection, call.application_id))


def delete_event_stream(context: Context, call: Call) -> object:
    """DeleteEventStream: answer with what was deleted. What waits is still forwarded.

    What waits for a stream that no destination has claimed is counted as lost.
    """
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        answer = _rendered(connection, app)
        arn = _SELECT.rows(connection, app.number)[0][0]
        lost = cursors.lapse(connection, app.number, arn, backlog.newest(connection, app.number))
        connection.execute(delete(_STREAMS).where(_STREAMS.c.app == app.number))
    _warn_of_loss(app, lost)
    return answer


def _warn_of_loss(app: App, count: int) -> None:
    if count:
        _logger.warning(
            "the event stream of application %s went before a destination had claimed it: %d"
            " records are lost",
            app.id,
            count,
        )


def _rendered(connection: Connection, app: App) -> dict[str, object]:
    rows = _SELECT.rows(connection, app.number)
    if not rows:
        raise not_found("Resource not found")
    destination, role, modified, _ = rows[0]
    return {
        "ApplicationId": app.id,
        "DestinationStreamArn": destination,
        "ExternalId": tags.ACCOUNT,
        "LastModifiedDate": instants.from_ms(modified),
        "LastUpdatedBy": f"arn:aws:iam::{tags.ACCOUNT}:root",
        "RoleArn": role,
    }


def _copies(connection: Connection, app: int) -> Sequence[str]:
    """Return where records have gone, which nobody can call back."""
    statement = (
        select(STREAM_CURSORS.c.destination)
        .join(APPS, APPS.c.number == STREAM_CURSORS.c.app)
        .where(STREAM_CURSORS.c.app == app, STREAM_CURSORS.c.sent > 0)
        .order_by(STREAM_CURSORS.c.destination)
    )
    return [f"event stream: {name}" for name in connection.execute(statement).scalars()]


def _workers(context: Context, monotonic: Callable[[], float]) -> Sequence[Upkeep]:  # noqa: ARG001 -- see MakeWorkers
    return [Upkeep(context)]


FAMILY = Family(
    name="streams",
    operations={
        "DeleteEventStream": Operation(delete_event_stream),
        "GetEventStream": Operation(get_event_stream),
        "PutEventStream": Operation(
            put_event_stream, note="records go to the destinations that the operator has given"
        ),
    },
    extensions=extensions.HANDLERS,
    held_of_person=backlog.StreamData(),
    on_events=backlog.RecordHook(),
    copies=_copies,
    workers=_workers,
)
