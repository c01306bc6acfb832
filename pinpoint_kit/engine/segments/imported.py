"""Imported segments: made, filled and finished by import jobs; what they list, and forget.

A segment has one list for all of its versions. An endpoint is listed by its number, so that it is
off every list when it is deleted; a user is listed by id, and may have no endpoint yet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
from sqlalchemy import bindparam, delete, func, literal_column, select

from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.segments import store
from pinpoint_kit.engine.storage.dialects.statements import insert_ignoring
from pinpoint_kit.engine.storage.statements import BulkInsert, Lookup, Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.segments import SEGMENT_ENDPOINTS, SEGMENT_USERS, SEGMENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, ScalarSelect

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context, Person
    from pinpoint_kit.engine.segments.store import Segment

__all__ = ["MemberData", "add_members", "create_imported", "finish_import"]

_LISTED = SEGMENT_ENDPOINTS
_LISTED_USERS = SEGMENT_USERS

_IS_STORED = Statement(
    select(SEGMENTS.c.number).where(SEGMENTS.c.number == bindparam("segment_")), "segment_"
)
_NUMBERS = Lookup(select(ENDPOINTS.c.number), ENDPOINTS.c.endpoint)
_ADD_ENDPOINTS = BulkInsert(
    lambda dialect: insert_ignoring(dialect, _LISTED), "app", "segment", "endpoint"
)
_ADD_USERS = BulkInsert(
    lambda dialect: insert_ignoring(dialect, _LISTED_USERS), "app", "segment", "user_id"
)


def _lists() -> ScalarSelect[int]:
    """Return the segments of the application that have a list."""
    return (
        select(SEGMENTS.c.number)
        .where(SEGMENTS.c.app == bindparam("app_"))
        .where(SEGMENTS.c.type == literal_column("'IMPORT'"))
        .scalar_subquery()
    )


def _is_endpoint() -> ColumnElement[bool]:
    """Whether an entry is one of the endpoint."""
    number = (
        select(ENDPOINTS.c.number)
        .where(ENDPOINTS.c.app == bindparam("app_"))
        .where(ENDPOINTS.c.endpoint == bindparam("endpoint_"))
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
_FORGET_USER = Statement(delete(_LISTED_USERS).where(_is_user()), "app_", "user_")


def create_imported(  # noqa: PLR0913, PLR0917 -- what an import job knows
    connection: Connection,
    context: Context,
    app: App,
    name: str | None,
    definition: Mapping[str, object],
    now: int,
) -> Segment:
    """Make a segment with an empty list for an import job to fill.

    Args:
        connection: a write transaction.
        context: gives the id.
        app: the application.
        name: the segment's name, which need not be unique.
        definition: `Format`, `S3Url` and `RoleArn` of the job; other members join the segment's
            `ImportDefinition` as they are.
        now: milliseconds since 1970.
    """
    described = {"ExternalId": tags.ACCOUNT, "Size": 0, "ChannelCounts": {}, **definition}
    full = store.Definition({"ImportDefinition": described})
    return store.add(connection, store.new(context, app, name, full, now, is_imported=True))


def add_members(
    connection: Connection, segment: Segment, keys: Sequence[str], user_ids: Sequence[str]
) -> None:
    """Add to the list of an imported segment; what is on it already stays once.

    Nothing is added when the segment has been deleted meanwhile.

    Args:
        connection: a write transaction.
        segment: the segment.
        keys: keys of stored endpoints (ids in lower case); others are left out.
        user_ids: users, who stand for all endpoints that they have when the segment is evaluated.
    """
    if not _IS_STORED.rows(connection, segment.number):
        return
    place = segment.app, segment.number
    listed = _NUMBERS.rows(connection, segment.app, keys) if keys else []
    _ADD_ENDPOINTS.run(connection, [(*place, *number) for number in listed])
    _ADD_USERS.run(connection, [(*place, user_id) for user_id in user_ids])


def finish_import(
    connection: Connection,
    segment: Segment,
    size: int,
    channel_counts: Mapping[str, int],
    now: int,
) -> None:
    """Store what an import job has counted: `Size` and `ChannelCounts` of the segment.

    Raises:
        ApiError: the segment has been deleted meanwhile.
    """
    newest = store.find(connection, segment.app, segment.id)
    described = cast("Mapping[str, object]", newest.definition.members["ImportDefinition"])
    counts = {"Size": size, "ChannelCounts": dict(channel_counts)}
    definition = store.Definition({"ImportDefinition": {**described, **counts}})
    store.replace_definition(connection, attrs.evolve(newest, definition=definition, modified=now))


class MemberData:
    """What imported segments hold of a person: entries in their lists."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return on how many lists the endpoints and the users are, each counted for itself."""
        return {
            "SegmentEntries": sum(
                statement.rows(connection, person.app, value)[0][0]
                for statement, values in (
                    (_COUNT_ENDPOINT, person.keys),
                    (_COUNT_USER, person.orphans),
                )
                for value in values
            )
        }

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Take the endpoints, and users without one, off every list."""
        self.forget(context, connection, person)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Take the endpoints, and users without one, off every list.

        The endpoints must still be stored: lists name them by number.
        """
        _FORGET_ENDPOINT.run_many(connection, [(person.app, key) for key in person.keys])
        _FORGET_USER.run_many(connection, [(person.app, user_id) for user_id in person.orphans])
