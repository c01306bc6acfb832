"""`Segment`: a stored segment at one of its versions, and the statements that keep both.

Versions are never changed, but for an import that reports its numbers when it ends. What requests
may ask of a segment belongs to segments/operations.py, who belongs to it to segments/members.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias, cast

import attrs
import orjson
from sqlalchemy import Select, bindparam, delete, insert, select, update

from pinpoint_kit.engine.segments.parsing import parse
from pinpoint_kit.engine.storage.statements import Row, Statement
from pinpoint_kit.engine.storage.tables.segments import (
    SEGMENT_ENDPOINTS,
    SEGMENT_USERS,
    SEGMENT_VERSIONS,
    SEGMENTS,
)
from pinpoint_kit.engine.storage.versioned import Versioned
from pinpoint_kit.engine.wire import body

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.segments.rules import Rule

__all__ = [
    "DIMENSIONAL",
    "IMPORTED",
    "Definition",
    "Reference",
    "Segment",
    "add",
    "add_version",
    "find",
    "new",
    "newest",
    "remove",
    "replace_definition",
    "versions",
]

DIMENSIONAL = "DIMENSIONAL"
IMPORTED = "IMPORT"

#: How a definition names another segment: by id, and version or None for the newest.
Reference: TypeAlias = "tuple[str, int | None]"

_VERSIONS = SEGMENT_VERSIONS


@attrs.frozen
class Definition:
    """What says who belongs to a segment. It is parsed once, when its rule is first wanted.

    Attributes:
        members: `Dimensions`, `SegmentGroups` or `ImportDefinition` as the service model shapes
            them; empty for all endpoints.
    """

    members: Mapping[str, object]

    @cached_property
    def rule(self) -> Rule:
        """What it says."""
        return parse(self.members)


@attrs.frozen
class Segment:
    """A segment at one version. `number` is what other tables call it by.

    Attributes:
        app: the number of its application.
        type: `DIMENSIONAL` or `IMPORT`.
        created: when the segment was made, milliseconds since 1970.
        modified: when this version was.
        sources: the segments that it builds on, once segments/sources.py has found them.
    """

    number: int
    app: int
    id: str
    type: str
    created: int
    version: int
    name: str | None
    definition: Definition
    modified: int
    sources: Mapping[Reference, Segment] = attrs.field(factory=dict, repr=False)

    @property
    def rule(self) -> Rule:
        """What its definition says."""
        return self.definition.rule

    @property
    def is_imported(self) -> bool:
        """Whether it is a list from an import."""
        return self.type == IMPORTED


def _select() -> Select[tuple[object, ...]]:
    return (
        select(
            SEGMENTS.c.number,
            SEGMENTS.c.app,
            SEGMENTS.c.id,
            SEGMENTS.c.type,
            SEGMENTS.c.created,
            _VERSIONS.c.version,
            _VERSIONS.c.name,
            _VERSIONS.c.definition,
            _VERSIONS.c.modified,
        )
        .select_from(SEGMENTS.join(_VERSIONS, _VERSIONS.c.segment == SEGMENTS.c.number))
        .where(SEGMENTS.c.app == bindparam("app_"), _VERSIONS.c.app == bindparam("app_"))
    )


_BY_VERSION = Versioned(_select(), SEGMENTS, _VERSIONS, "Segment")
_ALL = Statement(
    _select()
    .where(_VERSIONS.c.version == SEGMENTS.c.version)
    .where(SEGMENTS.c.number > bindparam("after_"))
    .order_by(SEGMENTS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)


def find(connection: Connection, app: int, segment_id: str, version: int | None = None) -> Segment:
    """Return a segment at a version, the newest unless said.

    Raises:
        ApiError: there is none.
    """
    return _segment(_BY_VERSION.find(connection, app, segment_id, version))


def newest(connection: Connection, app: int, after: int, most: int) -> list[Segment]:
    """Return segments at their newest versions in the order of creation, those after a number."""
    return [_segment(row) for row in _ALL.rows(connection, app, after, most)]


def versions(
    connection: Connection, app: int, segment_id: str, after: int, most: int
) -> list[Segment]:
    """Return a segment at its versions, the oldest first, those after a version."""
    rows = _BY_VERSION.versions(connection, app, segment_id, after, most)
    return [_segment(row) for row in rows]


def new(  # noqa: PLR0913 -- the parts of a segment
    context: Context,
    app: App,
    name: object,
    definition: Definition,
    now: int,
    *,
    is_imported: bool = False,
) -> Segment:
    """Return a segment at its first version, which is not stored yet."""
    return Segment(
        number=0,  # given out when it is stored
        app=app.number,
        id=context.new_id(),
        type=IMPORTED if is_imported else DIMENSIONAL,
        created=now,
        version=1,
        name=cast("str | None", name),
        definition=definition,
        modified=now,
    )


def add(connection: Connection, segment: Segment) -> Segment:
    """Store a new segment at its first version, and return it with its number."""
    connection.execute(
        insert(SEGMENTS).values(
            app=segment.app,
            id=segment.id,
            type=segment.type,
            created=segment.created,
            version=segment.version,
        )
    )
    number = connection.execute(
        select(SEGMENTS.c.number).where(SEGMENTS.c.id == segment.id)
    ).scalar_one()
    stored = attrs.evolve(segment, number=number)
    _add_version(connection, stored)
    return stored


def add_version(connection: Connection, segment: Segment) -> None:
    """Store a further version of a segment, from now on the newest."""
    connection.execute(
        update(SEGMENTS).where(SEGMENTS.c.number == segment.number).values(version=segment.version)
    )
    _add_version(connection, segment)


def replace_definition(connection: Connection, segment: Segment) -> None:
    """Store another definition of the same version."""
    connection.execute(
        update(_VERSIONS)
        .where(_VERSIONS.c.app == segment.app)
        .where(_VERSIONS.c.segment == segment.number)
        .where(_VERSIONS.c.version == segment.version)
        .values(definition=body.encode(segment.definition.members), modified=segment.modified)
    )


def remove(connection: Connection, segment: Segment) -> None:
    """Delete a segment with its versions and its list."""
    for table in (_VERSIONS, SEGMENT_ENDPOINTS, SEGMENT_USERS):
        connection.execute(
            delete(table).where(table.c.app == segment.app, table.c.segment == segment.number)
        )
    connection.execute(delete(SEGMENTS).where(SEGMENTS.c.number == segment.number))


def _add_version(connection: Connection, segment: Segment) -> None:
    connection.execute(
        insert(_VERSIONS).values(
            app=segment.app,
            segment=segment.number,
            version=segment.version,
            name=segment.name,
            definition=body.encode(segment.definition.members),
            modified=segment.modified,
        )
    )


def _segment(row: Row) -> Segment:
    *head, definition, modified = row
    values = (*head, Definition(orjson.loads(definition)), modified)
    return Segment(*values)
