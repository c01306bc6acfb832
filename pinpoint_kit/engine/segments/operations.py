"""Segments: CreateSegment, GetSegment, GetSegments, UpdateSegment, DeleteSegment and versions.

What a definition means stands in segments/rules.py, which segments it builds on in
segments/sources.py, who belongs to it in segments/members.py, what import jobs make of it in
segments/imported.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.segments import members, sources, store
from pinpoint_kit.engine.segments.imported import MemberData
from pinpoint_kit.engine.segments.parsing import parse_version
from pinpoint_kit.engine.segments.rules import check_limits
from pinpoint_kit.engine.segments.store import Definition
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.segments.store import Segment
    from pinpoint_kit.limits import Limits

__all__ = ["FAMILY"]

#: The members of a definition that a request may send; one of them at most.
_DEFINITIONS = ("Dimensions", "SegmentGroups")


def create_segment(context: Context, call: Call) -> object:
    """CreateSegment. Names need not be unique; without a definition it is all endpoints."""
    with apps.checked_first(context, call.application_id):
        request = call.members()
        definition = _definition(request, context.limits)
        tagging = tags.parse(request.get("tags"), ".tags", context.limits)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        new = store.new(context, app, request.get("Name"), definition, call.now)
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
        return paging.page(
            found,
            size,
            lambda segment: segment.number,
            lambda segment: _rendered(connection, app, segment, call.region),
        )


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
        return paging.page(
            found,
            size,
            lambda segment: segment.version,
            lambda segment: _rendered(connection, app, segment, call.region),
        )


def update_segment(context: Context, call: Call) -> object:
    """UpdateSegment: a further version. Members that are not sent stay; tags are not looked at."""
    with apps.checked_first(context, call.application_id):
        request = call.members(ignoring=("tags",))
        definition = _definition(request, context.limits)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        before = store.find(connection, app.number, _id(call))
        if definition.members and before.is_imported:
            raise bad_request("An imported segment has no dimensions; only its name can be changed")
        after = attrs.evolve(
            before,
            version=before.version + 1,
            name=cast("str | None", request.get("Name", before.name)),
            definition=definition if definition.members else before.definition,
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


def _definition(request: Mapping[str, object], limits: Limits) -> Definition:
    """Return what the request says of who belongs to the segment, checked."""
    members = {name: request[name] for name in _DEFINITIONS if name in request}
    if len(members) > 1:
        raise bad_request("Give Dimensions or SegmentGroups, not both")
    definition = Definition(members)
    check_limits(definition.rule, limits)
    return definition


def _id(call: Call) -> str:
    return call.labels["segment-id"]


def _resource(app: App, segment: Segment) -> str:
    return tags.segment_resource(app.id, segment.id)


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
        **segment.definition.members,
    }


FAMILY = Family(
    name="segments",
    operations={
        "CreateSegment": Operation(create_segment),
        "DeleteSegment": Operation(delete_segment),
        "GetSegment": Operation(get_segment),
        "GetSegmentVersion": Operation(get_segment_version),
        "GetSegmentVersions": Operation(get_segment_versions),
        "GetSegments": Operation(get_segments),
        "UpdateSegment": Operation(update_segment),
    },
    extensions={
        "CountSegmentMembers": members.count_segment_members,
        "ExplainSegmentMembership": members.explain_segment_membership,
        "ListSegmentMembers": members.list_segment_members,
    },
    held_of_person=MemberData(),
    long_reads=frozenset({"CountSegmentMembers", "ExplainSegmentMembership", "ListSegmentMembers"}),
)
