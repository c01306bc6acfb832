"""Users: GetUserEndpoints and DeleteUserEndpoints.

A user is not a resource of its own: it is what endpoints with the same user id share. It exists
while such an endpoint does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.engine.applications import operations as apps
from pinpoint_kit.engine.endpoints import operations as endpoints
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["delete_user_endpoints", "get_user_endpoints"]


def get_user_endpoints(context: Context, call: Call) -> object:
    """GetUserEndpoints, the first created first."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = _require(connection, app.number, call.labels["user-id"])
    return _rendered(found, app.id)


def delete_user_endpoints(context: Context, call: Call) -> object:
    """DeleteUserEndpoints: answers with what was deleted. Events stay, anonymous."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        found = _require(connection, app.number, call.labels["user-id"])
        endpoints.remove(connection, app.number, [state for state, _ in found], context.new_id)
    context.store.scrub()
    return _rendered(found, app.id)


def _require(connection: Connection, app: int, user_id: str) -> list[reader.Found]:
    found = reader.by_user(connection, app, user_id)
    if not found:
        raise not_found("User not found")
    return found


def _rendered(found: Sequence[reader.Found], application_id: str) -> dict[str, object]:
    return {"Item": [rendered(state, application_id, user) for state, user in found]}
