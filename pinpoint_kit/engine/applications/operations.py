"""Applications: CreateApp, GetApp, GetApps, DeleteApp, and the check that one exists.

Every other resource asks here for its application. What an application contains is deleted
table by table below; tables that come later must join that list.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, delete, insert, select

from pinpoint_kit.engine.applications import tags
from pinpoint_kit.engine.storage import schema
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import Refusal, bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = [
    "App",
    "by_number",
    "checked_first",
    "create_app",
    "delete_app",
    "get_app",
    "get_apps",
    "require",
]

#: Tables with rows of one application, by its number.
_CONTENTS = (
    schema.events,
    schema.endpoints,
    schema.users,
    schema.event_streams,
    schema.channels,
    schema.segments,
    schema.segment_versions,
    schema.segment_endpoints,
    schema.segment_users,
    schema.jobs,
    schema.job_files,
)

_SELECT = Statement(select(schema.apps).where(schema.apps.c.id == bindparam("id_")), "id_")

_BY_NUMBER = Statement(
    select(schema.apps).where(schema.apps.c.number == bindparam("number_")), "number_"
)


@attrs.frozen
class App:
    """A stored application. `number` is what other tables call it by."""

    number: int
    id: str
    name: str
    created: int
    settings: str | None
    settings_modified: int | None
    removed_attributes: str | None

    def removed_patterns(self) -> dict[str, list[str]]:
        """Returns the patterns of RemoveAttributes by attribute type."""
        if self.removed_attributes is None:
            return {}
        patterns: dict[str, list[str]] = orjson.loads(self.removed_attributes)
        return patterns


def require(connection: Connection, application_id: str) -> App:
    """Returns the application.

    Raises:
        Refusal: there is none with this id.
    """
    rows = _SELECT.rows(connection, application_id)
    if not rows:
        raise not_found("Application not found")
    return App(*rows[0])


def by_number(connection: Connection, number: int) -> App | None:
    """Returns the application that other tables call by this number, if it is still there."""
    rows = _BY_NUMBER.rows(connection, number)
    return App(*rows[0]) if rows else None


@contextmanager
def checked_first(context: Context, application_id: str) -> Iterator[None]:
    """Lets a missing application win over whatever the block refuses.

    The service looks for the application before it looks at the body. Parsing comes first here,
    so that no transaction waits for it.
    """
    try:
        yield
    except Refusal:
        with context.store.read() as connection:
            require(connection, application_id)
        raise


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
        connection.execute(
            insert(schema.apps).values(id=application_id, name=name, created=call.now)
        )
        tags.put(connection, tags.app_resource(application_id), tagging, context.limits)
        return _rendered(require(connection, application_id), tagging, call.region)


def get_app(context: Context, call: Call) -> object:
    """GetApp."""
    with context.store.read() as connection:
        app = require(connection, call.application_id)
        return _rendered(app, tags.of(connection, tags.app_resource(app.id)), call.region)


def get_apps(context: Context, call: Call) -> object:
    """GetApps, in the order of creation."""
    size = paging.size(call.query)
    after = paging.number(call.query)
    with context.store.read() as connection:
        rows = connection.execute(
            select(schema.apps)
            .where(schema.apps.c.number > after)
            .order_by(schema.apps.c.number)
            .limit(size + 1)
        ).all()
        found = [App(*row) for row in rows[:size]]
        items = [
            _rendered(app, tags.of(connection, tags.app_resource(app.id)), call.region)
            for app in found
        ]
    page: dict[str, object] = {"Item": items}
    if len(rows) > size:
        page["NextToken"] = str(found[-1].number)
    return page


def delete_app(context: Context, call: Call) -> object:
    """DeleteApp: the application and everything in it."""
    with context.store.write() as connection:
        app = require(connection, call.application_id)
        resource = tags.app_resource(app.id)
        answer = _rendered(app, tags.of(connection, resource), call.region)
        for table in _CONTENTS:
            connection.execute(delete(table).where(table.c.app == app.number))
        tags.forget(connection, resource)
        connection.execute(delete(schema.apps).where(schema.apps.c.number == app.number))
    context.store.scrub()
    return answer


def _rendered(app: App, tagging: Mapping[str, str], region: str) -> dict[str, object]:
    return {
        "Arn": tags.arn(tags.app_resource(app.id), region),
        "Id": app.id,
        "Name": app.name,
        "CreationDate": instants.from_ms(app.created),
        "tags": dict(tagging),
    }
