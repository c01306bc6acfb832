"""Segments: CreateSegment, GetSegment, GetSegments, UpdateSegment, DeleteSegment and versions.

What a definition means stands in segments/rules.py, which segments it builds on in
segments/sources.py, who belongs to it in segments/members.py. Import jobs make their segments with
`create_imported`, `add_members` and `finish_import`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import attrs

from pinpoint_kit.engine.applications import operations as apps
from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.segments import sources, store
from pinpoint_kit.engine.segments.lists import add_members
from pinpoint_kit.engine.segments.parsing import parse
from pinpoint_kit.engine.segments.rules import check_limits
from pinpoint_kit.engine.segments.store import Segment
from pinpoint_kit.engine.wire import instants, paging, shapes
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.operations import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.limits import Limits

__all__ = [
    "add_members",
    "create_imported",
    "create_segment",
    "delete_segment",
    "finish_import",
    "get_segment",
    "get_segment_version",
    "get_segment_versions",
    "get_segments",
    "parse_version",
    "require",
    "update_segment",
]

_VERSION = re.compile(r"[1-9][0-9]{0,8}")
#: The members of a definition that a request may send; one of them at most.
_DEFINITIONS = ("Dimensions", "SegmentGroups")


def create_segment(context: Context, call: Call) -> object:
    """CreateSegment. Names need not be unique; without a definition it is all endpoints."""
    with apps.checked_first(context, call.application_id):
        request = shapes.read_body(call)
        definition = _definition(request, context.limits)
        tagging = tags.parse(request.get("tags"), ".tags", context.limits)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        new = _new(context, app, request.get("Name"), definition, call.now)
        segment = store.add(connection, new)
        sources.found(connection, segment)
        tags.put(connection, _resource(app, segment), tagging, context.limits)
        return _rendered(connection, app, segment, call.region)


def get_segment(context: Context, call: Call) -> object:
    """GetSegment, at its newest version."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        return _rendered(
            connection, app, store.find(connection, app.number, _id(call)), call.region
        )


def get_segments(context: Context, call: Call) -> object:
    """GetSegments: each at its newest version, in the order of creation."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = store.newest(connection, app.number, after, size + 1)
        page: dict[str, object] = {"Item": _all(connection, app, found[:size], call.region)}
    if len(found) > size:
        page["NextToken"] = str(found[size - 1].number)
    return page


def get_segment_version(context: Context, call: Call) -> object:
    """GetSegmentVersion."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        version = parse_version(call.labels["version"])
        return _rendered(
            connection, app, store.find(connection, app.number, _id(call), version), call.region
        )


def get_segment_versions(context: Context, call: Call) -> object:
    """GetSegmentVersions, the oldest first."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        store.find(connection, app.number, _id(call))
        found = store.versions(connection, app.number, _id(call), after, size + 1)
        page: dict[str, object] = {"Item": _all(connection, app, found[:size], call.region)}
    if len(found) > size:
        page["NextToken"] = str(found[size - 1].version)
    return page


def update_segment(context: Context, call: Call) -> object:
    """UpdateSegment: a further version. Members that are not sent stay; tags are not looked at."""
    with apps.checked_first(context, call.application_id):
        request = shapes.read_body(call, ignoring=("tags",))
        definition = _definition(request, context.limits)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before = store.find(connection, app.number, _id(call))
        if definition and before.is_imported:
            raise bad_request("An imported segment has no dimensions; only its name can be changed")
        after = attrs.evolve(
            before,
            version=before.version + 1,
            name=cast("str | None", request.get("Name", before.name)),
            definition=definition or before.definition,
            modified=call.now,
        )
        store.add_version(connection, after)
        sources.found(connection, after)
        return _rendered(connection, app, after, call.region)


def delete_segment(context: Context, call: Call) -> object:
    """DeleteSegment: with all versions and, when it was imported, its list."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        segment = store.find(connection, app.number, _id(call))
        answer = _rendered(connection, app, segment, call.region)
        store.remove(connection, segment)
        tags.forget(connection, _resource(app, segment))
    context.store.scrub()
    return answer


def parse_version(text: str) -> int:
    """Returns the version that a path or a query names.

    Raises:
        Refusal: it is no positive whole number.
    """
    if _VERSION.fullmatch(text) is None:
        raise bad_request("The version must be a positive whole number")
    return int(text)


def require(
    connection: Connection, app: App, segment_id: str, version: int | None = None
) -> Segment:
    """Returns a segment that is ready to be evaluated, at its newest version unless said.

    Raises:
        Refusal: it does not exist, or what it builds on does not any more.
    """
    return sources.found(connection, store.find(connection, app.number, segment_id, version))


def create_imported(  # noqa: PLR0913, PLR0917 -- what an import job knows
    connection: Connection,
    context: Context,
    app: App,
    name: str | None,
    definition: Mapping[str, object],
    now: int,
) -> Segment:
    """Makes a segment with an empty list for an import job to fill.

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
    full = {"ImportDefinition": described}
    return store.add(connection, _new(context, app, name, full, now, is_imported=True))


def finish_import(
    connection: Connection,
    segment: Segment,
    size: int,
    channel_counts: Mapping[str, int],
    now: int,
) -> None:
    """Stores what an import job has counted: `Size` and `ChannelCounts` of the segment.

    Raises:
        Refusal: the segment has been deleted meanwhile.
    """
    newest = store.find(connection, segment.app, segment.id)
    described = cast("Mapping[str, object]", newest.definition["ImportDefinition"])
    counts = {"Size": size, "ChannelCounts": dict(channel_counts)}
    definition = {"ImportDefinition": {**described, **counts}}
    store.replace_definition(connection, attrs.evolve(newest, definition=definition, modified=now))


def _definition(request: Mapping[str, object], limits: Limits) -> dict[str, object]:
    """Returns what the request says of who belongs to the segment, checked."""
    definition = {name: request[name] for name in _DEFINITIONS if name in request}
    if len(definition) > 1:
        raise bad_request("Give Dimensions or SegmentGroups, not both")
    check_limits(parse(definition), limits)
    return definition


def _new(  # noqa: PLR0913 -- the parts of a segment
    context: Context,
    app: App,
    name: object,
    definition: Mapping[str, object],
    now: int,
    *,
    is_imported: bool = False,
) -> Segment:
    return Segment(
        number=0,  # given out when it is stored
        app=app.number,
        id=context.new_id(),
        type=store.IMPORTED if is_imported else store.DIMENSIONAL,
        created=now,
        version=1,
        name=cast("str | None", name),
        definition=definition,
        modified=now,
    )


def _id(call: Call) -> str:
    return call.labels["segment-id"]


def _resource(app: App, segment: Segment) -> str:
    return tags.segment_resource(app.id, segment.id)


def _all(connection: Connection, app: App, found: Sequence[Segment], region: str) -> list[object]:
    return [_rendered(connection, app, segment, region) for segment in found]


def _rendered(connection: Connection, app: App, segment: Segment, region: str) -> dict[str, object]:
    resource = _resource(app, segment)
    tagging = tags.of(connection, resource)
    return {
        "ApplicationId": app.id,
        "Arn": tags.arn(resource, region),
        "CreationDate": instants.from_ms(segment.created),
        "Id": segment.id,
        "LastModifiedDate": instants.from_ms(segment.modified),
        "SegmentType": segment.type,
        "Version": segment.version,
        **({} if segment.name is None else {"Name": segment.name}),
        "tags": tagging,
        **segment.definition,
    }
