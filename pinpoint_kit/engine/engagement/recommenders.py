"""Recommender configurations: Create, Get, Update, Delete and the list of all of them.

They are kept and given back; no model is asked. They belong to the account, not to an application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import orjson
from sqlalchemy import delete, insert, select, update

from pinpoint_kit.engine.storage.tables.engagement import RECOMMENDERS
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from sqlalchemy import Connection, Row

    from pinpoint_kit.engine.context import Call, Context

__all__ = [
    "create_recommender",
    "delete_recommender",
    "get_recommender",
    "get_recommenders",
    "update_recommender",
]

_TABLE = RECOMMENDERS
_ID_TYPES = ("PINPOINT_ENDPOINT_ID", "PINPOINT_USER_ID")
_MAX_ATTRIBUTES = 10
_MAX_PER_MESSAGE = 5
_DEFAULTS = {
    "RecommendationProviderIdType": "PINPOINT_ENDPOINT_ID",
    "RecommendationsPerMessage": _MAX_PER_MESSAGE,
}


def create_recommender(context: Context, call: Call) -> object:
    """CreateRecommenderConfiguration."""
    content = _read(call)
    recommender_id = context.new_id()
    with context.store.write() as connection:
        connection.execute(
            insert(_TABLE).values(
                id=recommender_id, content=content, created=call.now, modified=call.now
            )
        )
        return _rendered(_require(connection, recommender_id))


def get_recommender(context: Context, call: Call) -> object:
    """GetRecommenderConfiguration."""
    with context.store.read() as connection:
        return _rendered(_require(connection, call.labels["recommender-id"]))


def get_recommenders(context: Context, call: Call) -> object:
    """GetRecommenderConfigurations, in the order of creation."""
    size = paging.size(call.query)
    query = select(_TABLE).where(_TABLE.c.number > paging.number(call.query))
    with context.store.read() as connection:
        found = connection.execute(query.order_by(_TABLE.c.number).limit(size + 1))
        return paging.page(found, size, lambda row: row.number, _rendered)


def update_recommender(context: Context, call: Call) -> object:
    """UpdateRecommenderConfiguration: replace the configuration as a whole."""
    content = _read(call)
    with context.store.write() as connection:
        old = _require(connection, call.labels["recommender-id"])
        connection.execute(
            update(_TABLE)
            .where(_TABLE.c.number == old.number)
            .values(content=content, modified=call.now)
        )
        return _rendered(_require(connection, old.id))


def delete_recommender(context: Context, call: Call) -> object:
    """DeleteRecommenderConfiguration: answer with what was deleted."""
    with context.store.write() as connection:
        old = _require(connection, call.labels["recommender-id"])
        connection.execute(delete(_TABLE).where(_TABLE.c.number == old.number))
    return _rendered(old)


def _read(call: Call) -> str:
    """Return the configuration of a request, as the store keeps it."""
    request = call.members()
    for name in call.route.body.required:
        if not request[name]:
            raise bad_request(f"Missing {name}")
    if request.get("RecommendationProviderIdType", _ID_TYPES[0]) not in _ID_TYPES:
        raise bad_request(f"must be one of {', '.join(_ID_TYPES)}", ".RecommendationProviderIdType")
    per_message = cast("int", request.get("RecommendationsPerMessage", 1))
    if not 1 <= per_message <= _MAX_PER_MESSAGE:
        raise bad_request(f"must be from 1 to {_MAX_PER_MESSAGE}", ".RecommendationsPerMessage")
    if len(cast("Mapping[str, str]", request.get("Attributes", {}))) > _MAX_ATTRIBUTES:
        raise bad_request(f"has at most {_MAX_ATTRIBUTES} attributes", ".Attributes")
    return body.encode({**_DEFAULTS, **request})


def _require(connection: Connection, recommender_id: str) -> Row[Any]:
    found = connection.execute(select(_TABLE).where(_TABLE.c.id == recommender_id)).first()
    if found is None:
        raise not_found("Recommender configuration not found")
    return found


def _rendered(row: Row[Any]) -> dict[str, object]:
    return {
        "CreationDate": instants.from_ms(row.created),
        "Id": row.id,
        "LastModifiedDate": instants.from_ms(row.modified),
        **orjson.loads(row.content),
    }
