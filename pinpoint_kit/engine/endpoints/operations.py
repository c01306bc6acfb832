"""Endpoints: UpdateEndpoint, UpdateEndpointsBatch, GetEndpoint, GetUserEndpoints.

Handlers only: checking is in endpoints/parsing.py, merging in endpoints/state.py, the rules between
endpoints in endpoints/writer.py, deleting them in removal/operations.py.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.context import Family, Operation
from pinpoint_kit.engine.endpoints import finding, listing, reader, store
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.parsing import parse_patch
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.endpoints.writer import EndpointWriter, Update
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.http import accepted_body
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request, too_large

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.limits import Limits

__all__ = ["FAMILY"]


def update_endpoint(context: Context, call: Call) -> object:
    """UpdateEndpoint: create the endpoint or change the members that are given."""
    endpoint_id = call.labels["endpoint-id"]
    with apps.checked_first(context, call.application_id):
        key = check_id(endpoint_id)
        patch = parse_patch(body.parse_object(call.body), context.limits)
    change = Update(key, endpoint_id, patch)
    with context.store.write(is_shared=True) as connection:
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
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        writer = EndpointWriter(connection, app, context, call.stamp, changes)
        for position, change in enumerate(changes):
            with _located(position):
                writer.apply(change)
        writer.flush()
    return accepted_body(call.request_id)


def get_endpoint(context: Context, call: Call) -> object:
    """GetEndpoint."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        state, user_attributes = reader.require(connection, app.number, call.labels["endpoint-id"])
    return rendered(state, app.id, user_attributes)


def get_user_endpoints(context: Context, call: Call) -> object:
    """GetUserEndpoints, the first created first.

    A user is what endpoints with the same user id share; it exists while such an endpoint does.
    """
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = reader.require_user(connection, app.number, call.labels["user-id"])
    return {"Item": [rendered(state, app.id, attributes) for state, attributes in found]}


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
        with _located(position):
            changes.append(_parse_item(item, limits))
    return changes


def _parse_item(item: object, limits: Limits) -> Update:
    source = body.as_object(item, "")
    endpoint_id = body.optional_text(source, "Id")
    if endpoint_id is None:
        raise bad_request("Missing Id")
    return Update(check_id(endpoint_id), endpoint_id, parse_patch(source, limits))


@contextmanager
def _located(position: int) -> Iterator[None]:
    """Say in a refusal which item it is about: the answer is one for all of them."""
    try:
        yield
    except ApiError as refusal:
        raise refusal.under(f".Item[{position}]") from None


FAMILY = Family(
    name="endpoints",
    operations={
        "GetEndpoint": Operation(get_endpoint),
        "GetUserEndpoints": Operation(get_user_endpoints),
        "UpdateEndpoint": Operation(update_endpoint),
        "UpdateEndpointsBatch": Operation(update_endpoints_batch),
    },
    extensions={
        "FindEndpoints": finding.find_endpoints,
        "ListEndpointIds": listing.list_endpoint_ids,
        "ListEndpoints": listing.list_endpoints,
    },
    held_of_person=store.EndpointData(),
    long_reads=frozenset({"FindEndpoints"}),
)
