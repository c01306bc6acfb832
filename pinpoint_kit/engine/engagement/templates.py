"""Message templates: Create, Get, Update and Delete of each of the five types.

They are kept and given back as they are; whether a text can be rendered shows when it is, in
engagement/previews.py and in messages. What a template may hold comes from the service model, and
the few limits that it states in words stand here. Lists and the active version are in
engagement/template_versions.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from sqlalchemy import delete, insert, update

from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.engagement import template_rows as rows
from pinpoint_kit.engine.engagement.headers import check_headers
from pinpoint_kit.engine.storage.tables.engagement import TEMPLATE_VERSIONS, TEMPLATES
from pinpoint_kit.engine.wire import body, paging
from pinpoint_kit.engine.wire.http import accepted_body
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.engagement.template_rows import Template, Version

__all__ = ["KINDS", "create_template", "delete_template", "get_template", "update_template"]

#: The types, as the operations' names spell them: CreateInAppTemplate.
KINDS = ("Email", "InApp", "Push", "Sms", "Voice")

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,127}")
_MAX_MODALS = 5

_VERSIONS = TEMPLATE_VERSIONS


def create_template(context: Context, call: Call) -> object:
    """CreateEmailTemplate to CreateVoiceTemplate: the first version, which is the active one."""
    name = call.labels["template-name"]
    if _NAME.fullmatch(name) is None:
        raise bad_request(
            "A template name has 1 to 128 letters, digits, underscores and hyphens, and begins "
            "with a letter or a digit"
        )
    content = call.members()
    tagging = tags.parse(content.pop("tags", None), ".tags", context.limits)
    _check(content)
    with context.store.write() as connection:
        if rows.find(connection, name, _kind(call)) is not None:
            raise bad_request("A template of this name and type exists already")
        dates = {"created": call.now, "modified": call.now}
        connection.execute(
            insert(TEMPLATES).values(name=name, kind=_kind(call), active=1, made=1, **dates)
        )
        template = rows.require(connection, name, _kind(call))
        _add_version(connection, template, 1, content, call.now)
        tags.put(connection, template.resource, tagging, context.limits)
    return {
        "Arn": tags.arn(template.resource, call.region),
        "Message": "Created",
        "RequestID": call.request_id,
    }


def get_template(context: Context, call: Call) -> object:
    """GetEmailTemplate to GetVoiceTemplate: the version that is named, or the active one."""
    wanted = rows.version_of(call.query)
    with context.store.read() as connection:
        template = rows.require(connection, call.labels["template-name"], _kind(call))
        version = rows.version_at(connection, template, wanted)
        tagging = tags.of(connection, template.resource)
    return {
        **template.rendered(),
        "Arn": tags.arn(template.resource, call.region),
        "Version": str(version.number),
        "tags": tagging,
        **version.content,
    }


def update_template(context: Context, call: Call) -> object:
    """UpdateEmailTemplate to UpdateVoiceTemplate: overwrites the latest version, or adds one."""
    is_new = _is_true(call, "create-new-version")
    wanted = rows.version_of(call.query)
    if is_new and wanted is not None:
        raise bad_request("create-new-version and version exclude each other")
    content = call.members(ignoring=("tags",))
    _check(content)
    with context.store.write() as connection:
        template = rows.require(connection, call.labels["template-name"], _kind(call))
        stored = rows.versions(connection, template)
        if wanted is not None and rows.require_version(stored, wanted) is not stored[0]:
            raise bad_request("The version must be the latest one")
        if is_new:
            _add_version(connection, template, template.made + 1, content, call.now)
        else:
            _overwrite(connection, stored[0], content, call.now)
        connection.execute(
            update(TEMPLATES)
            .where(TEMPLATES.c.number == template.number)
            .values(made=template.made + is_new, modified=call.now)
        )
    return accepted_body(call.request_id)


def delete_template(context: Context, call: Call) -> object:
    """DeleteEmailTemplate to DeleteVoiceTemplate: one version, or the whole template."""
    wanted = rows.version_of(call.query)
    with context.store.write() as connection:
        template = rows.require(connection, call.labels["template-name"], _kind(call))
        stored = rows.versions(connection, template)
        gone = [rows.require_version(stored, wanted)] if wanted else stored
        left = [version for version in stored if version not in gone]
        _remove(connection, template, gone, left)
    context.store.scrub()
    return accepted_body(call.request_id)


def _kind(call: Call) -> str:
    return rows.kind_of(call.route.template.rpartition("/")[2])


def _is_true(call: Call, name: str) -> bool:
    text = paging.last(call.query, name)
    if text not in {None, "true", "false"}:
        raise bad_request(f"{name} must be true or false")
    return text == "true"


def _add_version(
    connection: Connection, template: Template, number: int, content: Mapping[str, object], now: int
) -> None:
    connection.execute(
        insert(_VERSIONS).values(
            template=template.number,
            version=number,
            content=body.encode(content),
            created=now,
            modified=now,
        )
    )


def _overwrite(
    connection: Connection, version: Version, content: Mapping[str, object], now: int
) -> None:
    connection.execute(
        update(_VERSIONS)
        .where(_VERSIONS.c.template == version.template, _VERSIONS.c.version == version.number)
        .values(content=body.encode(content), modified=now)
    )


def _remove(
    connection: Connection, template: Template, gone: list[Version], left: list[Version]
) -> None:
    """Delete versions; the latest that is left becomes active when the active one is gone."""
    ours = _VERSIONS.c.template == template.number
    numbers = [version.number for version in gone]
    if not left:
        connection.execute(delete(_VERSIONS).where(ours))
        connection.execute(delete(TEMPLATES).where(TEMPLATES.c.number == template.number))
        tags.forget(connection, template.resource)
        return
    connection.execute(delete(_VERSIONS).where(ours, _VERSIONS.c.version.in_(numbers)))
    if template.active in numbers:
        connection.execute(
            update(TEMPLATES)
            .where(TEMPLATES.c.number == template.number)
            .values(active=left[0].number)
        )


def _check(content: Mapping[str, object]) -> None:
    """Refuse what the service model states in words only."""
    substitutions = cast("str | None", content.get("DefaultSubstitutions"))
    if substitutions and not _is_object(substitutions):
        raise bad_request("must be the text of a JSON object", ".DefaultSubstitutions")
    if len(cast("list[object]", content.get("Content", ()))) > _MAX_MODALS:
        raise bad_request(f"has at most {_MAX_MODALS} items", ".Content")
    check_headers(content, "")


def _is_object(text: str) -> bool:
    try:
        body.parse_object(text.encode())
    except ApiError:
        return False
    return True
