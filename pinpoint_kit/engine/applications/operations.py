"""Applications: CreateApp, GetApp, GetApps, DeleteApp.

What an application contains is deleted table by table: every table with a column `app` is emptied
of its rows. The check that an application exists belongs to applications/store.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from pinpoint_kit.engine.applications import removed_attributes, settings, store, tags
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["FAMILY"]


def create_app(context: Context, call: Call) -> object:
    """CreateApp. Names need not be unique."""
    request = body.parse_object(call.body)
    name = body.optional_text(request, "Name")
    if not name:
        raise bad_request("Missing Name")
    maximum = context.limits.max_application_name_chars
    if len(name) > maximum:
        raise bad_request(f"must have at most {maximum} characters", ".Name")
    tagging = tags.parse(request.get("tags"), ".tags", context.limits)
    application_id = context.new_id()
    with context.store.write() as connection:
        connection.execute(insert(APPS).values(id=application_id, name=name, created=call.now))
        tags.put(connection, tags.app_resource(application_id), tagging, context.limits)
        return _rendered(store.require(connection, application_id), tagging, call.region)


def get_app(context: Context, call: Call) -> object:
    """GetApp."""
    with context.store.read() as connection:
        app = store.require(connection, call.application_id)
        return _rendered(app, tags.of(connection, tags.app_resource(app.id)), call.region)


def get_apps(context: Context, call: Call) -> object:
    """GetApps, in the order of creation."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        rows = connection.execute(
            select(APPS).where(APPS.c.number > after).order_by(APPS.c.number).limit(size + 1)
        ).all()
        return paging.page(
            [store.App(*row) for row in rows],
            size,
            lambda app: app.number,
            lambda app: _rendered(app, tags.of(connection, tags.app_resource(app.id)), call.region),
        )


def delete_app(context: Context, call: Call) -> object:
    """DeleteApp: the application and everything in it."""
    with context.store.write() as connection:
        app = store.require(connection, call.application_id)
        resource = tags.app_resource(app.id)
        answer = _rendered(app, tags.of(connection, resource), call.region)
        for table in METADATA.tables.values():
            if "app" in table.c:
                connection.execute(delete(table).where(table.c.app == app.number))
        tags.forget(connection, resource)
        connection.execute(delete(APPS).where(APPS.c.number == app.number))
        remnants.leave(context.store, connection, context.new_id(), call.now)
    context.store.scrub()
    context.announce()
    return answer


def _rendered(app: store.App, tagging: Mapping[str, str], region: str) -> dict[str, object]:
    return {
        "Arn": tags.arn(tags.app_resource(app.id), region),
        "Id": app.id,
        "Name": app.name,
        "CreationDate": instants.from_ms(app.created),
        "tags": dict(tagging),
    }


_TAGGED = "of applications, segments, campaigns and templates"

FAMILY = Family(
    name="applications",
    operations={
        "CreateApp": Operation(create_app),
        "DeleteApp": Operation(delete_app, note="removes everything in the application"),
        "GetApp": Operation(get_app),
        "GetApplicationSettings": Operation(settings.get_application_settings),
        "GetApps": Operation(get_apps),
        "ListTagsForResource": Operation(tags.list_tags_for_resource, "partial", _TAGGED),
        "RemoveAttributes": Operation(
            removed_attributes.remove_attributes,
            note="stored values stay, later ones are not captured",
        ),
        "TagResource": Operation(tags.tag_resource, "partial", _TAGGED),
        "UntagResource": Operation(tags.untag_resource, "partial", _TAGGED),
        "UpdateApplicationSettings": Operation(
            settings.update_application_settings,
            "partial",
            "copied into new campaigns; journeys do not run, so JourneyLimits mean nothing",
        ),
    },
    held_of_person=None,
)
