"""What imported segments list: endpoints and users, added by import jobs, forgotten with them.

A segment has one list for all of its versions. An endpoint is listed by its number, so that it is
off every list when it is deleted; a user is listed by id, and may have no endpoint yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, func, literal_column, select

from pinpoint_kit.engine.storage import schema
from pinpoint_kit.engine.storage.dialects import sqlite as dialects
from pinpoint_kit.engine.storage.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection, ScalarSelect

    from pinpoint_kit.engine.segments.store import Segment

__all__ = [
    "add_members",
    "count_endpoints",
    "count_users",
    "forget_endpoints",
    "forget_users",
]

_SEGMENTS = schema.segments
_ENDPOINTS = schema.endpoints
_LISTED = schema.segment_endpoints
_LISTED_USERS = schema.segment_users

_ADD_ENDPOINT = Statement(
    lambda dialect: dialects.insert_ignoring(dialect, _LISTED).from_select(
        ["app", "segment", "endpoint"],
        select(_SEGMENTS.c.app, _SEGMENTS.c.number, _ENDPOINTS.c.number)
        .where(_SEGMENTS.c.number == bindparam("segment_"))
        .where(_ENDPOINTS.c.app == _SEGMENTS.c.app)
        .where(_ENDPOINTS.c.endpoint == bindparam("endpoint_")),
    ),
    "segment_",
    "endpoint_",
)
_ADD_USER = Statement(
    lambda dialect: dialects.insert_ignoring(dialect, _LISTED_USERS).from_select(
        ["app", "segment", "user_id"],
        select(_SEGMENTS.c.app, _SEGMENTS.c.number, bindparam("user_")).where(
            _SEGMENTS.c.number == bindparam("segment_")
        ),
    ),
    "segment_",
    "user_",
)


def _lists() -> ScalarSelect[int]:
    """The segments of the application that have a list."""
    return (
        select(_SEGMENTS.c.number)
        .where(_SEGMENTS.c.app == bindparam("app_"))
        .where(_SEGMENTS.c.type == literal_column("'IMPORT'"))
        .scalar_subquery()
    )


def _is_endpoint() -> ColumnElement[bool]:
    """Whether an entry is one of the endpoint."""
    number = (
        select(_ENDPOINTS.c.number)
        .where(_ENDPOINTS.c.app == bindparam("app_"))
        .where(_ENDPOINTS.c.endpoint == bindparam("endpoint_"))
        .scalar_subquery()
    )
    is_listed = (_LISTED.c.app == bindparam("app_")) & _LISTED.c.segment.in_(_lists())
    return is_listed & (_LISTED.c.endpoint == number)


def _is_user() -> ColumnElement[bool]:
    """Whether an entry is one of the user."""
    is_listed = (_LISTED_USERS.c.app == bindparam("app_")) & _LISTED_USERS.c.segment.in_(_lists())
    return is_listed & (_LISTED_USERS.c.user_id == bindparam("user_"))


_COUNT_ENDPOINT = Statement(
    select(func.count()).select_from(_LISTED).where(_is_endpoint()), "app_", "endpoint_"
)
_COUNT_USER = Statement(
    select(func.count()).select_from(_LISTED_USERS).where(_is_user()), "app_", "user_"
)
_FORGET_ENDPOINT = Statement(delete(_LISTED).where(_is_endpoint()), "app_", "endpoint_")
_FORGET_USER = Statement(
    delete(_LISTED_USERS)
    .where(_is_user())
    .where(
        ~exists()
        .where(_ENDPOINTS.c.app == _LISTED_USERS.c.app)
        .where(_ENDPOINTS.c.user_id == _LISTED_USERS.c.user_id)
    ),
    "app_",
    "user_",
)


def add_members(
    connection: Connection, segment: Segment, keys: Sequence[str], user_ids: Sequence[str]
) -> None:
    """Adds to the list of an imported segment; what is on it already stays once.

    Nothing is added when the segment has been deleted meanwhile.

    Args:
        connection: a write transaction.
        segment: the segment.
        keys: keys of stored endpoints (ids in lower case); others are left out.
        user_ids: users, who stand for all endpoints that they have when the segment is evaluated.
    """
    _ADD_ENDPOINT.run_many(connection, [(segment.number, key) for key in keys])
    _ADD_USER.run_many(connection, [(segment.number, user_id) for user_id in user_ids])


def count_endpoints(connection: Connection, app: int, keys: Iterable[str]) -> int:
    """Returns on how many lists endpoints are, each counted for itself."""
    return _sum(_COUNT_ENDPOINT, connection, app, keys)


def count_users(connection: Connection, app: int, user_ids: Iterable[str]) -> int:
    """Returns on how many lists users are, each counted for itself."""
    return _sum(_COUNT_USER, connection, app, user_ids)


def _sum(statement: Statement, connection: Connection, app: int, values: Iterable[str]) -> int:
    return sum(statement.rows(connection, app, value)[0][0] for value in values)


def forget_endpoints(connection: Connection, app: int, keys: Iterable[str]) -> None:
    """Takes endpoints off every list; before they are deleted, for their numbers are needed."""
    _FORGET_ENDPOINT.run_many(connection, [(app, key) for key in keys])


def forget_users(connection: Connection, app: int, user_ids: Iterable[str]) -> None:
    """Takes those of the users off every list who have no endpoint any more."""
    _FORGET_USER.run_many(connection, [(app, user_id) for user_id in user_ids])
