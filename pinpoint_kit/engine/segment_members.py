"""Who belongs to a segment: counted, listed and explained, and the statement for export jobs.

CountSegmentMembers, ListSegmentMembers and ExplainSegmentMembership are operations of our own. The
database decides, by the conditions of segment_sql.py. Only reading belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, case, func, select

from pinpoint_kit.engine import apps, dialects, paging, schema, segments
from pinpoint_kit.engine import endpoint_reader as reader
from pinpoint_kit.engine.endpoint_patch import check_id
from pinpoint_kit.engine.endpoint_state import rendered
from pinpoint_kit.engine.refusals import not_found
from pinpoint_kit.engine.segment_rules import walk
from pinpoint_kit.engine.segment_sql import condition, listed_numbers

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, CompoundSelect, Connection

    from pinpoint_kit.engine.apps import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.segment_store import Segment

__all__ = [
    "count_segment_members",
    "explain_segment_membership",
    "list_segment_members",
    "select_members",
]

_ENDPOINTS = schema.endpoints
#: To look one row up costs about as much as to read so many in order.
_ROWS_A_LOOKUP = 10


def select_members(segment: Segment, app: App, now: int) -> Select[tuple[int]]:
    """Returns the statement that selects `endpoints.number` of the members.

    It reads the table in order; `where` may keep it to a range of numbers.

    Args:
        segment: the segment, as `segments.require` returns it.
        app: its application.
        now: milliseconds since 1970.
    """
    return _members(segment, now, dialects.unindexed(_ENDPOINTS.c.app) == app.number)


def count_segment_members(context: Context, call: Call) -> object:
    """CountSegmentMembers: how many endpoints belong to the segment now."""
    with context.store.read() as connection:
        app, segment = _wanted(connection, call)
        members: Select[tuple[int]] | CompoundSelect[tuple[int]]
        if segment.is_imported:
            members = listed_numbers(segment)
        elif _is_most(connection, app):
            members = select_members(segment, app, call.now)
        else:
            members = _members(segment, call.now, _ENDPOINTS.c.app == app.number)
        counting = select(func.count()).select_from(members.subquery())
        count = connection.execute(counting).scalar_one()
    return {"SegmentId": segment.id, "Version": segment.version, "Count": count}


def list_segment_members(context: Context, call: Call) -> object:
    """ListSegmentMembers: each as GetEndpoint shows it, in the order of the ids."""
    size = paging.size(call.query)
    after = paging.text(call.query)
    with context.store.read() as connection:
        app, segment = _wanted(connection, call)
        statement = (
            select(_ENDPOINTS.c.endpoint)
            .where(_ENDPOINTS.c.app == app.number, _ENDPOINTS.c.endpoint > after)
            .where(condition(segment.rule, segment, call.now))
            .order_by(_ENDPOINTS.c.endpoint)
            .limit(size + 1)
        )
        keys = connection.execute(statement).scalars().all()
        found = reader.by_keys(connection, app.number, keys[:size])
    found.sort(key=lambda each: each[0].endpoint)
    page: dict[str, object] = {
        "Item": [rendered(state, app.id, attributes) for state, attributes in found]
    }
    if len(keys) > size:
        page["NextToken"] = paging.text_token(keys[size - 1])
    return page


def explain_segment_membership(context: Context, call: Call) -> object:
    """ExplainSegmentMembership: which parts of the definition an endpoint meets."""
    key = check_id(call.labels["endpoint-id"])
    with context.store.read() as connection:
        app, segment = _wanted(connection, call)
        rules = [rule for rule in walk(segment.rule) if rule.path]
        answers = [
            case((condition(rule, segment, call.now), 1), else_=0).label(f"rule_{number}")
            for number, rule in enumerate(rules)
        ]
        statement = (
            select(_ENDPOINTS.c.id, *answers)
            .where(_ENDPOINTS.c.app == app.number)
            .where(_ENDPOINTS.c.endpoint == key)
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
            {"Path": rule.path, "Text": rule.text, "IsMet": bool(is_met)}
            for rule, is_met in zip(rules, met, strict=True)
        ],
    }


def _members(segment: Segment, now: int, is_here: ColumnElement[bool]) -> Select[tuple[int]]:
    is_member = condition(segment.rule, segment, now)
    return select(_ENDPOINTS.c.number).select_from(_ENDPOINTS).where(is_here, is_member)


def _is_most(connection: Connection, app: App) -> bool:
    """Whether so much of the table is the application's that no index on it helps."""
    highest = connection.execute(select(func.max(_ENDPOINTS.c.number))).scalar() or 0
    enough = highest // _ROWS_A_LOOKUP + 1
    own = select(_ENDPOINTS.c.app).where(_ENDPOINTS.c.app == app.number).limit(enough)
    counting = select(func.count()).select_from(own.subquery())
    return bool(connection.execute(counting).scalar_one() == enough)


def _wanted(connection: Connection, call: Call) -> tuple[App, Segment]:
    """The segment that a request asks about, ready to be evaluated."""
    app = apps.require(connection, call.application_id)
    version = paging.last(call.query, "version")
    number = None if version is None else segments.parse_version(version)
    return app, segments.require(connection, app, call.labels["segment-id"], number)
