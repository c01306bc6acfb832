"""The people behind a number, as an imported segment: CreateMetricSegment, an operation of ours.

The endpoints or users that a metric counted are listed once; the segment does not change when the
number does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from pinpoint_kit import metrics
from pinpoint_kit.engine.analytics.asking import compared, refusing
from pinpoint_kit.engine.analytics.relation import relation_of
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.segments import imported
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["create_metric_segment"]

#: What a segment that came from a number says of its source.
_SOURCE = "pinpoint-kit:metric/"
_IN_LIST = 500


def create_metric_segment(context: Context, call: Call) -> object:
    """CreateMetricSegment: makes a segment of those who stand behind a point of a metric."""
    metric = call.labels["metric-name"]
    with apps.checked_first(context, call.application_id):
        source = body.parse_object(call.body)
        name = body.optional_text(source, "Name")
        if not name:
            raise bad_request("Missing Name")
        arguments = compared(body.as_object(source.get("Arguments") or {}, ".Arguments"))
        point = body.as_object(source.get("Point") or {}, ".Point")
        with refusing():
            metrics.find(metric).question(arguments, now=call.now)
    with context.store.long_read() as connection, refusing():
        app = apps.require(connection, call.application_id)
        statement = metrics.actors(metric, arguments, point, relation_of(app), now=call.now)
        found = [str(row[0]) for row in connection.execute(statement) if row[0] is not None]
    of_users = arguments.get("actor") == "user"
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        described = {"Format": "JSON", "S3Url": _SOURCE + metric, "RoleArn": ""}
        segment = imported.create_imported(connection, context, app, name, described, call.now)
        keys, users = ([], found) if of_users else (found, [])
        imported.add_members(connection, segment, keys, users)
        counts = _channels(connection, app, found, of_users=of_users)
        size = len(found) if of_users else sum(counts.values())
        imported.finish_import(connection, segment, size, counts, call.now)
    return {"SegmentId": segment.id, "Version": segment.version, "Size": size}


def _channels(
    connection: Connection, app: App, found: Sequence[str], *, of_users: bool
) -> Mapping[str, int]:
    """Count the endpoints by channel, as an import job does; those that are gone are left out."""
    column = ENDPOINTS.c.user_id if of_users else ENDPOINTS.c.endpoint
    counts: dict[str, int] = {}
    for start in range(0, len(found), _IN_LIST):
        statement = (
            select(ENDPOINTS.c.channel_type, func.count())
            .where(ENDPOINTS.c.app == app.number)
            .where(column.in_(found[start : start + _IN_LIST]))
            .group_by(ENDPOINTS.c.channel_type)
        )
        for channel, count in connection.execute(statement):
            counts[channel or "NONE"] = counts.get(channel or "NONE", 0) + count
    return counts
