"""ListTemplates, ListTemplateVersions and UpdateTemplateActiveVersion.

What they have in common: they work on templates of any type, whatever the templates hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sqlalchemy import func, select, update

from pinpoint_kit.engine.engagement import template_rows as rows
from pinpoint_kit.engine.storage.tables.engagement import TEMPLATES
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.http import accepted_body
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.engagement.template_rows import Template, Version

__all__ = ["list_template_versions", "list_templates", "update_template_active_version"]

_NEXT = "next-token"
#: Members of a version's content that its list shows.
_LISTED = ("DefaultSubstitutions", "TemplateDescription")


def list_templates(context: Context, call: Call) -> object:
    """ListTemplates, in the order of creation, each with its active version."""
    size = paging.size(call.query)
    query = select(TEMPLATES).where(TEMPLATES.c.number > paging.number(call.query, _NEXT))
    kind = paging.last(call.query, "template-type")
    if kind is not None:
        query = query.where(TEMPLATES.c.kind == rows.kind_of(kind))
    prefix = paging.last(call.query, "prefix")
    if prefix is not None:  # not LIKE, which may take upper for lower case
        query = query.where(func.substr(TEMPLATES.c.name, 1, len(prefix)) == prefix)
    with context.store.read() as connection:
        found = connection.execute(query.order_by(TEMPLATES.c.number).limit(size + 1))
        templates = (rows.Template(*row) for row in found)
        return paging.page(templates, size, lambda each: each.number, lambda each: each.rendered())


def list_template_versions(context: Context, call: Call) -> object:
    """ListTemplateVersions, the latest first."""
    size = paging.size(call.query)
    below = paging.number(call.query, _NEXT)
    with context.store.read() as connection:
        template = _require(connection, call)
        found = rows.versions(connection, template)
    left = [version for version in found if not below or version.number < below]
    page = paging.page(
        left, size, lambda version: version.number, lambda version: _rendered(template, version)
    )
    return {**page, "RequestID": call.request_id}


def update_template_active_version(context: Context, call: Call) -> object:
    """UpdateTemplateActiveVersion: a version by its number, or the latest that there is now."""
    wanted = cast("str | None", call.members().get("Version"))
    if not wanted:
        raise bad_request("Missing Version")
    number = None if wanted == "latest" else rows.version_number(wanted)
    with context.store.write() as connection:
        template = _require(connection, call)
        stored = rows.versions(connection, template)
        version = stored[0] if number is None else rows.require_version(stored, number)
        connection.execute(
            update(TEMPLATES)
            .where(TEMPLATES.c.number == template.number)
            .values(active=version.number)
        )
    return accepted_body(call.request_id)


def _require(connection: Connection, call: Call) -> Template:
    kind = rows.kind_of(call.labels["template-type"])
    return rows.require(connection, call.labels["template-name"], kind)


def _rendered(template: Template, version: Version) -> dict[str, object]:
    return {
        **template.rendered(),
        "CreationDate": instants.from_ms(version.created),
        "LastModifiedDate": instants.from_ms(version.modified),
        "Version": str(version.number),
        **{name: version.content[name] for name in _LISTED if name in version.content},
    }
