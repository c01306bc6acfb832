"""Tags: TagResource, UntagResource, ListTagsForResource, and the ARNs that name resources.

Resources are told apart by the last part of their ARN (`apps/ID`, `apps/ID/segments/ID`,
`apps/ID/campaigns/ID`, `templates/NAME/TYPE`); Region and account are accepted as they come: an
engine serves any Region, and has no account.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select

from pinpoint_kit.engine.storage.dialects.statements import upsert
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.applications import APPS, TAGS
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGNS
from pinpoint_kit.engine.storage.tables.engagement import TEMPLATES
from pinpoint_kit.engine.storage.tables.segments import SEGMENTS
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.limits import Limits

__all__ = [
    "ACCOUNT",
    "app_resource",
    "arn",
    "campaign_resource",
    "forget",
    "list_tags_for_resource",
    "of",
    "parse",
    "put",
    "segment_resource",
    "tag_resource",
    "untag_resource",
]

#: The account that is written where one is wanted: an embedded engine has none.
ACCOUNT = "000000000000"
_MAX_NAME_CHARS = 128
_MAX_VALUE_CHARS = 256
_ARN = re.compile(
    r"arn:[^:]*:mobiletargeting:[^:]*:[^:]*:"
    r"(apps/[^/]+(?:/(?:segments|campaigns)/[^/]+)?|templates/[^/]+/[A-Z]+)"
)

#: The tables of what is in an application, by its part of an ARN.
_BELOW = {"campaigns": CAMPAIGNS, "segments": SEGMENTS}

_SELECT = Statement(
    select(TAGS.c.name, TAGS.c.value)
    .where(TAGS.c.resource == bindparam("resource_"))
    .order_by(TAGS.c.name),
    "resource_",
)
_UPSERT = Statement(
    lambda dialect: upsert(dialect, TAGS, ("resource", "name"), ("value",)),
    "resource",
    "name",
    "value",
)


def app_resource(application_id: str) -> str:
    """Return the name under which an application's tags are kept."""
    return f"apps/{application_id}"


def segment_resource(application_id: str, segment_id: str) -> str:
    """Return the name under which a segment's tags are kept."""
    return f"{app_resource(application_id)}/segments/{segment_id}"


def campaign_resource(application_id: str, campaign_id: str) -> str:
    """Return the name under which a campaign's tags are kept."""
    return f"{app_resource(application_id)}/campaigns/{campaign_id}"


def arn(resource: str, region: str) -> str:
    """Return the resource's ARN in that Region, with the placeholder for the account."""
    return f"arn:aws:mobiletargeting:{region}:{ACCOUNT}:{resource}"


def parse(value: object, path: str, limits: Limits) -> dict[str, str]:
    """Return the tags of a request; null and absent are none.

    Raises:
        ApiError: they are not strings, or over a limit.
    """
    if value is None:
        return {}
    tagging: dict[str, str] = {}
    for position, (name, text) in enumerate(body.as_object(value, path).items()):
        where = f"{path}[{position}]"
        if not isinstance(text, str):
            raise bad_request("must be a string", where)
        if not name or len(name) > _MAX_NAME_CHARS or name.lower().startswith("aws:"):
            raise bad_request(
                f"a tag key has 1 to {_MAX_NAME_CHARS} characters and no prefix aws:", where
            )
        if len(text) > _MAX_VALUE_CHARS:
            raise bad_request(f"a tag value has at most {_MAX_VALUE_CHARS} characters", where)
        tagging[name] = text
    _check_count(len(tagging), limits)
    return tagging


def of(connection: Connection, resource: str) -> dict[str, str]:
    """Return the tags of a resource, in the order of their keys."""
    return {row[0]: row[1] for row in _SELECT.rows(connection, resource)}


def put(connection: Connection, resource: str, tagging: Mapping[str, str], limits: Limits) -> None:
    """Add or replace tags.

    Raises:
        ApiError: there would be too many.
    """
    if tagging:
        _check_count(len({*of(connection, resource), *tagging}), limits)
        _UPSERT.run_many(connection, [(resource, *pair) for pair in tagging.items()])


def forget(connection: Connection, resource: str) -> None:
    """Remove the tags of a resource and of everything below it."""
    below = TAGS.c.resource.startswith(f"{resource}/", autoescape=True)
    connection.execute(delete(TAGS).where((TAGS.c.resource == resource) | below))


def tag_resource(context: Context, call: Call) -> None:
    """TagResource."""
    resource = _resource(call)
    request = body.parse_object(call.body)
    if request.get("tags") is None:
        raise bad_request("Missing tags")
    tagging = parse(request["tags"], ".tags", context.limits)
    with context.store.write() as connection:
        _require(connection, resource)
        put(connection, resource, tagging, context.limits)


def untag_resource(context: Context, call: Call) -> None:
    """UntagResource; keys that are not there are no error."""
    resource = _resource(call)
    names = list(call.query.get("tagKeys", ()))
    if not names:
        raise bad_request("Missing tagKeys")
    with context.store.write() as connection:
        _require(connection, resource)
        for name in names[: context.limits.max_tags]:
            connection.execute(delete(TAGS).where(TAGS.c.resource == resource, TAGS.c.name == name))


def list_tags_for_resource(context: Context, call: Call) -> object:
    """ListTagsForResource."""
    resource = _resource(call)
    with context.store.read() as connection:
        _require(connection, resource)
        return {"tags": of(connection, resource)}


def _resource(call: Call) -> str:
    match = _ARN.fullmatch(call.labels["resource-arn"])
    if match is None:
        raise bad_request(
            "The resource is not the ARN of an application, a segment, a campaign or a template "
            "(arn:aws:mobiletargeting:REGION:ACCOUNT: and then apps/ID, apps/ID/segments/ID, "
            "apps/ID/campaigns/ID or templates/NAME/TYPE)"
        )
    return match[1]


def _require(connection: Connection, resource: str) -> None:
    family, *names = resource.split("/")
    if family == "apps":
        query = select(APPS.c.number).where(APPS.c.id == names[0])
        if names[1:]:
            below = _BELOW[names[1]].c
            query = query.where(below.app == APPS.c.number, below.id == names[-1])
    else:
        table = TEMPLATES
        query = select(table.c.number).where(table.c.name == names[0], table.c.kind == names[1])
    if connection.execute(query).first() is None:
        raise not_found("Resource not found")


def _check_count(count: int, limits: Limits) -> None:
    if count > limits.max_tags:
        raise bad_request(f"A resource has at most {limits.max_tags} tags")
