"""The table of operations that the engine answers, and the coverage page that comes from it.

An operation that is not in the table is refused by name. Handlers themselves live with their
resource.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from pinpoint_kit.engine.applications import operations as apps
from pinpoint_kit.engine.applications import removed_attributes as attributes
from pinpoint_kit.engine.applications import settings, tags
from pinpoint_kit.engine.context import Handler
from pinpoint_kit.engine.endpoints import listing, users
from pinpoint_kit.engine.endpoints import operations as endpoints
from pinpoint_kit.engine.engagement import channels, recommenders, template_versions, templates
from pinpoint_kit.engine.events import operations as events
from pinpoint_kit.engine.jobs import operations as jobs
from pinpoint_kit.engine.removal import erasure
from pinpoint_kit.engine.segments import members as segment_members
from pinpoint_kit.engine.segments import operations as segments
from pinpoint_kit.engine.streams import operations as event_streams
from pinpoint_kit.engine.wire import routes

__all__ = ["OPERATIONS", "OWN", "Coverage", "Operation", "Status", "coverage", "handler_of"]

Status: TypeAlias = Literal["emulated", "partial", "refused"]


@attrs.frozen
class Operation:
    """How an operation is answered, and how fully."""

    handler: Handler
    status: Status = "emulated"
    note: str = ""


#: What Pinpoint's own API cannot be asked; see `routes`.
OWN = {
    "CountSegmentMembers": segment_members.count_segment_members,
    "EraseData": erasure.erase_data,
    "ExplainSegmentMembership": segment_members.explain_segment_membership,
    "ListEndpointIds": listing.list_endpoint_ids,
    "ListEndpoints": listing.list_endpoints,
    "ListSegmentMembers": segment_members.list_segment_members,
}

_TAGGED = "applications, segments and templates are the only resources so far"

OPERATIONS = {
    "CreateApp": Operation(apps.create_app),
    "CreateRecommenderConfiguration": Operation(
        recommenders.create_recommender, "partial", "kept and given back; no model is asked"
    ),
    "CreateSegment": Operation(segments.create_segment),
    "CreateExportJob": Operation(jobs.create_export_job),
    "CreateImportJob": Operation(jobs.create_import_job),
    "DeleteApp": Operation(apps.delete_app, note="removes everything in the application"),
    "DeleteEndpoint": Operation(
        endpoints.delete_endpoint, note="events of the endpoint stay, anonymous"
    ),
    "DeleteEventStream": Operation(event_streams.delete_event_stream),
    "DeleteRecommenderConfiguration": Operation(recommenders.delete_recommender),
    "DeleteSegment": Operation(segments.delete_segment),
    "DeleteUserEndpoints": Operation(
        users.delete_user_endpoints, note="events of the user stay, anonymous"
    ),
    "GetApp": Operation(apps.get_app),
    "GetApplicationSettings": Operation(settings.get_application_settings),
    "GetApps": Operation(apps.get_apps),
    "GetChannels": Operation(channels.get_channels),
    "GetEndpoint": Operation(endpoints.get_endpoint),
    "GetEventStream": Operation(event_streams.get_event_stream),
    "GetRecommenderConfiguration": Operation(recommenders.get_recommender),
    "GetRecommenderConfigurations": Operation(recommenders.get_recommenders),
    "GetSegment": Operation(segments.get_segment),
    "GetSegmentExportJobs": Operation(jobs.get_export_jobs),
    "GetSegmentImportJobs": Operation(jobs.get_import_jobs),
    "GetSegmentVersion": Operation(segments.get_segment_version),
    "GetSegmentVersions": Operation(segments.get_segment_versions),
    "GetSegments": Operation(segments.get_segments),
    "GetExportJob": Operation(jobs.get_export_job),
    "GetExportJobs": Operation(jobs.get_export_jobs),
    "GetImportJob": Operation(jobs.get_import_job),
    "GetImportJobs": Operation(jobs.get_import_jobs),
    "GetUserEndpoints": Operation(users.get_user_endpoints),
    "ListTagsForResource": Operation(tags.list_tags_for_resource, "partial", _TAGGED),
    "ListTemplateVersions": Operation(template_versions.list_template_versions),
    "ListTemplates": Operation(template_versions.list_templates),
    "PutEventStream": Operation(
        event_streams.put_event_stream, "partial", "kept and given back; nothing is forwarded"
    ),
    "PutEvents": Operation(events.put_events),
    "RemoveAttributes": Operation(
        attributes.remove_attributes, note="stored values stay, later ones are not captured"
    ),
    "TagResource": Operation(tags.tag_resource, "partial", _TAGGED),
    "UntagResource": Operation(tags.untag_resource, "partial", _TAGGED),
    "UpdateApplicationSettings": Operation(
        settings.update_application_settings, "partial", "kept and given back; nothing obeys them"
    ),
    "UpdateEndpoint": Operation(endpoints.update_endpoint),
    "UpdateEndpointsBatch": Operation(endpoints.update_endpoints_batch),
    "UpdateRecommenderConfiguration": Operation(
        recommenders.update_recommender, "partial", "kept and given back; no model is asked"
    ),
    "UpdateSegment": Operation(segments.update_segment),
    "UpdateTemplateActiveVersion": Operation(template_versions.update_template_active_version),
    **{
        f"Create{kind}Template": Operation(
            templates.create_template, note="kept; no message is made from it"
        )
        for kind in templates.KINDS
    },
    **{f"Delete{kind}Template": Operation(templates.delete_template) for kind in templates.KINDS},
    **{f"Get{kind}Template": Operation(templates.get_template) for kind in templates.KINDS},
    **{f"Update{kind}Template": Operation(templates.update_template) for kind in templates.KINDS},
    **{f"Delete{kind}Channel": Operation(channels.delete_channel) for kind in channels.KINDS},
    **{f"Get{kind}Channel": Operation(channels.get_channel) for kind in channels.KINDS},
    **{
        f"Update{kind}Channel": Operation(
            channels.update_channel,
            "partial",
            "settings are kept, credentials are not; nothing is sent",
        )
        for kind in channels.KINDS
    },
}


def handler_of(name: str) -> Handler | None:
    """Returns what answers an operation, or None where it is refused by name."""
    operation = OPERATIONS.get(name)
    return OWN.get(name) if operation is None else operation.handler


@attrs.frozen
class Coverage:
    """One row of the compatibility page.

    Attributes:
        operation: the operation's name.
        status: `emulated` fully, `partial`ly (see the note), or `refused` with 501.
        note: what to know about it; "" when there is nothing to add.
    """

    operation: str
    status: Status
    note: str


def coverage() -> list[Coverage]:
    """Returns a row for each operation of the service model, in the order of their names."""
    return [_row(route.operation) for route in routes.load().all]


def _row(name: str) -> Coverage:
    operation = OPERATIONS.get(name)
    if operation is None:
        return Coverage(name, "refused", "")
    return Coverage(name, operation.status, operation.note)
