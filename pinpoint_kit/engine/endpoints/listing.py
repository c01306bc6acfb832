"""Our own ListEndpoints and ListEndpointIds: what Pinpoint answers by an export job only.

In the order of the ids as they are compared, a page at a time. Only reading belongs here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.wire import paging

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["list_endpoint_ids", "list_endpoints"]

_IDS = Statement(
    select(ENDPOINTS.c.endpoint, ENDPOINTS.c.id)
    .where(ENDPOINTS.c.app == bindparam("app_"))
    .where(ENDPOINTS.c.endpoint > bindparam("after_"))
    .order_by(ENDPOINTS.c.endpoint)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)


def list_endpoints(context: Context, call: Call) -> object:
    """ListEndpoints: each as GetEndpoint shows it."""
    size = paging.size(call.query)
    after = paging.text(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        rows = reader.after(connection, app.number, after, size + 1)
    return paging.page(
        rows,
        size,
        lambda row: paging.text_token(row[0].endpoint),
        lambda row: rendered(row[0], app.id, row[1]),
    )


def list_endpoint_ids(context: Context, call: Call) -> object:
    """ListEndpointIds: the ids as first written."""
    size = paging.size(call.query)
    after = paging.text(call.query)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        rows = _IDS.rows(connection, app.number, after, size + 1)
    return paging.page(rows, size, lambda row: paging.text_token(row[0]), lambda row: row[1])
