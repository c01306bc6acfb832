"""Saved funnels: the arguments of a funnel under a name. Counting is what GetMetric does.

CreateFunnel, ListFunnels and DeleteFunnel are operations of our own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import bindparam, delete, func, insert, select

from pinpoint_kit import metrics
from pinpoint_kit.engine.analytics.asking import compared, refusing
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.analytics import FUNNELS
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.engine.storage.statements import Row

__all__ = ["create_funnel", "delete_funnel", "list_funnels"]

#: Filters that name one person or device.
_NAMING = frozenset({"endpoint_id", "user_id", "session_id"})
#: As many as Pinpoint takes characters for the name of an application.
_MAX_NAME_CHARS = 64
#: A list that nobody reads any more.
_MAX_FUNNELS = 1_000

_COLUMNS = ("app", "id", "name", "arguments", "created")
_ADD = Statement(
    insert(FUNNELS).values({name: bindparam(name) for name in _COLUMNS}),
    *_COLUMNS,
)
_COUNT = Statement(
    select(func.count()).select_from(FUNNELS).where(FUNNELS.c.app == bindparam("app_")), "app_"
)
_SHOWN = (FUNNELS.c.number, FUNNELS.c.id, FUNNELS.c.name, FUNNELS.c.arguments, FUNNELS.c.created)
_AFTER = Statement(
    select(*_SHOWN)
    .where(FUNNELS.c.app == bindparam("app_"))
    .where(FUNNELS.c.number > bindparam("after_"))
    .order_by(FUNNELS.c.number)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)
_FIND = Statement(
    select(*_SHOWN)
    .where(FUNNELS.c.app == bindparam("app_"))
    .where(FUNNELS.c.id == bindparam("id_")),
    "app_",
    "id_",
)
_DELETE = Statement(
    delete(FUNNELS)
    .where(FUNNELS.c.app == bindparam("app_"))
    .where(FUNNELS.c.id == bindparam("id_")),
    "app_",
    "id_",
)


def create_funnel(context: Context, call: Call) -> object:
    """CreateFunnel: keeps a name and the arguments of the metric `funnel`."""
    with apps.checked_first(context, call.application_id):
        source = body.parse_object(call.body)
        name = body.optional_text(source, "Name")
        if not name:
            raise bad_request("Missing Name")
        if len(name) > _MAX_NAME_CHARS:
            raise bad_request(f"is longer than {_MAX_NAME_CHARS} characters", ".Name")
        arguments = body.as_object(source.get("Arguments"), ".Arguments")
        _check_nobody(arguments)
        with refusing():
            metrics.find("funnel").question(compared(arguments), now=call.now)
    text = orjson.dumps(arguments).decode()
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        if _COUNT.rows(connection, app.number)[0][0] >= _MAX_FUNNELS:
            raise bad_request(f"there are {_MAX_FUNNELS} funnels, the most that are kept")
        row = (app.number, context.new_id(), name, text, call.now)
        _ADD.run_many(connection, [row])
    return _shown((0, *row[1:]))


def _check_nobody(arguments: Mapping[str, object]) -> None:
    """Refuse filters that name a person: what is saved outlasts an erasure."""
    steps = arguments.get("steps")
    parts = [arguments, *(steps if isinstance(steps, list) else [])]
    for part in parts:
        where = part.get("where") if isinstance(part, dict) else None
        if isinstance(where, dict) and (named := sorted(_NAMING & where.keys())):
            raise bad_request(f"a saved funnel cannot be filtered by {named[0]}; leave it out")


def list_funnels(context: Context, call: Call) -> object:
    """ListFunnels: the oldest first."""
    size, after = paging.size(call.query), paging.number(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        rows = _AFTER.rows(connection, app.number, after, size + 1)
    return paging.page(rows, size, lambda row: row[0], _shown)


def delete_funnel(context: Context, call: Call) -> object:
    """DeleteFunnel: answers with what was deleted."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        wanted = app.number, call.labels["funnel-id"]
        rows = _FIND.rows(connection, *wanted)
        if not rows:
            raise not_found("Funnel not found")
        _DELETE.run_many(connection, [wanted])
    return _shown(rows[0])


def _shown(row: Row) -> dict[str, object]:
    _, funnel_id, name, arguments, created = row
    return {
        "Id": funnel_id,
        "Name": name,
        "Arguments": orjson.Fragment(arguments),
        "CreationDate": instants.from_ms(created),
    }
