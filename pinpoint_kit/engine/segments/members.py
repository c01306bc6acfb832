"""Who belongs to a segment: counted, listed and explained, and the statement for export jobs.

CountSegmentMembers, ListSegmentMembers and ExplainSegmentMembership are operations of our own. The
database decides, by the conditions of segments/sql.py. Only reading belongs here.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import ColumnElement, Select, and_, case, func, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.segments.parsing import parse_version
from pinpoint_kit.engine.segments.rules import walk
from pinpoint_kit.engine.segments.sources import require
from pinpoint_kit.engine.segments.sql import condition, listed_numbers
from pinpoint_kit.engine.storage.dialects.expressions import unindexed
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.wire import paging
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from sqlalchemy import CompoundSelect, Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.segments.store import Segment

__all__ = [
    "count_segment_members",
    "explain_segment_membership",
    "list_segment_members",
    "select_members",
]

#: To look one row up costs about as much as to read so many in order.
_ROWS_A_LOOKUP = 10


def select_members(segment: Segment, app: App, now: int) -> Select[tuple[int]]:
    """Return the statement that selects `endpoints.number` of the members.

    It reads the table in order; `where` may keep it to a range of numbers.

    Args:
        segment: the segment, as `sources.require` returns it.
        app: its application.
        now: milliseconds since 1970.
    """
    return _in_order(segment, app, now).select()


def count_segment_members(context: Context, call: Call) -> object:
    """CountSegmentMembers: how many endpoints belong to the segment now."""
    with context.store.long_read() as connection:
        app, segment = _wanted(connection, call)
        threshold = _highest(connection) // _ROWS_A_LOOKUP
        members = _access_path(connection, segment, app, call.now, threshold).select()
        counting = members.with_only_columns(func.count())
        count = connection.execute(counting).scalar_one()
    return {"SegmentId": segment.id, "Version": segment.version, "Count": count}


def list_segment_members(context: Context, call: Call) -> object:
    """ListSegmentMembers: each as GetEndpoint shows it, in the order of creation."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    last = context.store.settled(ENDPOINTS.name)
    with context.store.long_read() as connection:
        app, segment = _wanted(connection, call)
        # Each page reads the few again, whereas the table is read once by all pages together.
        threshold = isqrt(_highest(connection) * size // _ROWS_A_LOOKUP)
        path = _access_path(connection, segment, app, call.now, threshold)
        statement = (
            path.select()
            .add_columns(ENDPOINTS.c.endpoint)
            .where(path.number > after)
            .order_by(path.number)
            .limit(size + 1)
        )
        if last is not None:
            statement = statement.where(path.number <= last)
        rows = connection.execute(statement).all()
        found = reader.by_keys(connection, app.number, [key for _, key in rows[:size]])
    states = {state.endpoint: (state, attributes) for state, attributes in found}

    def show(row: tuple[int, str]) -> object:
        found = states.get(row[1])
        return found and rendered(found[0], app.id, found[1])

    return paging.page(rows, size, lambda row: row[0], show)


def explain_segment_membership(context: Context, call: Call) -> object:
    """ExplainSegmentMembership: which parts of the definition an endpoint meets."""
    key = check_id(call.labels["endpoint-id"])
    with context.store.long_read() as connection:
        app, segment = _wanted(connection, call)
        rules = [rule for rule in walk(segment.rule) if rule.path]
        answers = [
            case((condition(rule, segment, call.now), 1), else_=0).label(f"rule_{number}")
            for number, rule in enumerate(rules)
        ]
        statement = (
            select(ENDPOINTS.c.id, *answers)
            .where(ENDPOINTS.c.app == app.number)
            .where(ENDPOINTS.c.endpoint == key)
        )
        row = connection.execute(statement).first()
    if row is None:
        raise not_found("Endpoint not found")
    endpoint_id, *met = row
    return {
        "SegmentId": segment.id,
        "Version": segment.version,
        "EndpointId": endpoint_id,
        "IsMember": bool(met[-1]),  # the whole comes last
        "Criteria": [
            {"Path": rule.shown_path, "Text": rule.text, "IsMet": bool(is_met)}
            for rule, is_met in zip(rules, met, strict=True)
        ],
    }


@attrs.frozen
class _AccessPath:
    """A path to the members: a condition, and `endpoints.number` to sort and compare by."""

    condition: ColumnElement[bool]
    number: ColumnElement[int]

    def select(self) -> Select[tuple[int]]:
        """Return the statement that goes this path."""
        return select(ENDPOINTS.c.number).select_from(ENDPOINTS).where(self.condition)


def _access_path(
    connection: Connection, segment: Segment, app: App, now: int, threshold: int
) -> _AccessPath:
    """Return the path that costs least: by a list, by the application's index, or in order.

    Args:
        connection: to see how much there is.
        segment: the segment.
        app: its application.
        now: milliseconds since 1970.
        threshold: how many endpoints are looked up one by one rather than found by reading all.
    """
    if segment.is_imported:
        listed = listed_numbers(segment)
        if _are_few(connection, listed, threshold):
            return _AccessPath(ENDPOINTS.c.number.in_(listed), ENDPOINTS.c.number)
    own = select(ENDPOINTS.c.number).where(ENDPOINTS.c.app == app.number)
    if _are_few(connection, own, threshold):
        is_member = condition(segment.rule, segment, now)
        by_index = and_(ENDPOINTS.c.app == app.number, is_member)
        return _AccessPath(by_index, unindexed(ENDPOINTS.c.number))
    return _in_order(segment, app, now)


def _in_order(segment: Segment, app: App, now: int) -> _AccessPath:
    is_here = unindexed(ENDPOINTS.c.app) == app.number
    is_member = condition(segment.rule, segment, now)
    return _AccessPath(and_(is_here, is_member), ENDPOINTS.c.number)


def _highest(connection: Connection) -> int:
    """Return the highest number of an endpoint, which is about how many there are."""
    return connection.execute(select(func.max(ENDPOINTS.c.number))).scalar() or 0


def _are_few(
    connection: Connection, rows: Select[tuple[int]] | CompoundSelect[tuple[int]], threshold: int
) -> bool:
    counting = select(func.count()).select_from(rows.limit(threshold + 1).subquery())
    return connection.execute(counting).scalar_one() <= threshold


def _wanted(connection: Connection, call: Call) -> tuple[App, Segment]:
    """Return the segment that a request asks about, ready to be evaluated."""
    app = apps.require(connection, call.application_id)
    version = paging.last(call.query, "version")
    number = None if version is None else parse_version(version)
    return app, require(connection, app, call.labels["segment-id"], number)
