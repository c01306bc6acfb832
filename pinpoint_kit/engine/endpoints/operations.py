"""Endpoints: UpdateEndpoint, UpdateEndpointsBatch, GetEndpoint, DeleteEndpoint.

Handlers only: checking is in endpoints/parsing.py, merging in endpoints/state.py, the rules between
endpoints in endpoints/writer.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete

from pinpoint_kit.engine.applications import operations as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.parsing import check_id, parse_patch
from pinpoint_kit.engine.endpoints.state import EndpointState, rendered
from pinpoint_kit.engine.endpoints.writer import EndpointWriter, Update, forget_lonely_users
from pinpoint_kit.engine.removal.anonymity import make_anonymous
from pinpoint_kit.engine.segments.lists import forget_endpoints, forget_users
from pinpoint_kit.engine.storage import schema
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.http import accepted_body
from pinpoint_kit.engine.wire.refusals import Refusal, bad_request, not_found, too_large

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.limits import Limits

__all__ = [
    "delete_endpoint",
    "get_endpoint",
    "remove",
    "update_endpoint",
    "update_endpoints_batch",
]

_DELETE = Statement(
    delete(schema.endpoints)
    .where(schema.endpoints.c.app == bindparam("app_"))
    .where(schema.endpoints.c.endpoint == bindparam("endpoint_")),
    "app_",
    "endpoint_",
)


def update_endpoint(context: Context, call: Call) -> object:
    """UpdateEndpoint: creates the endpoint or changes the members that are given."""
    endpoint_id = call.labels["endpoint-id"]
    with apps.checked_first(context, call.application_id):
        key = check_id(endpoint_id)
        patch = parse_patch(body.parse_object(call.body), context.limits)
    change = Update(key, endpoint_id, patch)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        writer = EndpointWriter(connection, app, context, call.stamp, [change])
        writer.apply(change)
        writer.flush()
    return accepted_body(call.request_id)


def update_endpoints_batch(context: Context, call: Call) -> object:
    """UpdateEndpointsBatch: all items, in order, or none."""
    with apps.checked_first(context, call.application_id):
        if len(call.body) > context.limits.max_endpoint_request_bytes:
            raise too_large(
                f"The request is larger than {context.limits.max_endpoint_request_bytes} bytes"
            )
        changes = _parse_items(body.parse_object(call.body).get("Item"), context.limits)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        writer = EndpointWriter(connection, app, context, call.stamp, changes)
        for position, change in enumerate(changes):
            with _placed(position):
                writer.apply(change)
        writer.flush()
    return accepted_body(call.request_id)


def get_endpoint(context: Context, call: Call) -> object:
    """GetEndpoint."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        state, user_attributes = _require(connection, app.number, call.labels["endpoint-id"])
    return rendered(state, app.id, user_attributes)


def delete_endpoint(context: Context, call: Call) -> object:
    """DeleteEndpoint: answers with what was deleted. Events stay, anonymous."""
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        state, user_attributes = _require(connection, app.number, call.labels["endpoint-id"])
        remove(connection, app.number, [state], context.new_id)
    context.store.scrub()
    return rendered(state, app.id, user_attributes)


def remove(
    connection: Connection, app: int, states: Sequence[EndpointState], new_id: Callable[[], str]
) -> None:
    """Deletes endpoints, and what is known of users who lose their last one.

    Their events stay, and say no more whose they were.
    """
    keys = [state.endpoint for state in states]
    forget_endpoints(connection, app, keys)
    _DELETE.run_many(connection, [(app, key) for key in keys])
    user_ids = sorted({state.user_id for state in states if state.user_id is not None})
    forget_lonely_users(connection, app, user_ids)
    forget_users(connection, app, user_ids)
    make_anonymous(connection, app, keys, user_ids, new_id)


def _require(connection: Connection, app: int, endpoint_id: str) -> reader.Found:
    found = reader.by_key(connection, app, check_id(endpoint_id))
    if found is None:
        raise not_found("Endpoint not found")
    return found


def _parse_items(items: object, limits: Limits) -> list[Update]:
    if not isinstance(items, list):
        raise bad_request("must be a list of endpoints", ".Item")
    if len(items) > limits.max_endpoints_per_request:
        raise bad_request(
            f"has {len(items)} endpoints; a request has at most {limits.max_endpoints_per_request}",
            ".Item",
        )
    changes = []
    for position, item in enumerate(items):
        with _placed(position):
            changes.append(_parse_item(item, limits))
    return changes


def _parse_item(item: object, limits: Limits) -> Update:
    source = body.as_object(item, "")
    endpoint_id = body.optional_text(source, "Id")
    if endpoint_id is None:
        raise bad_request("Missing Id")
    return Update(check_id(endpoint_id), endpoint_id, parse_patch(source, limits))


@contextmanager
def _placed(position: int) -> Iterator[None]:
    """Says in a refusal which item it is about: the answer is one for all of them."""
    try:
        yield
    except Refusal as refusal:
        raise refusal.under(f".Item[{position}]") from None
