"""What becomes of the events of deleted endpoints and users: they say no more whose they were.

They stay countable, by type, time and number. A person's events go as a whole only with EraseData
(removal/erasure.py). Deleting endpoints themselves belongs to endpoints/operations.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, exists, null, update

from pinpoint_kit.engine.storage import schema
from pinpoint_kit.engine.storage.statements import Statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import Connection

__all__ = ["make_anonymous"]

_EVENTS = schema.events
_ENDPOINTS = schema.endpoints

#: What of an event can name a person: session ids begin with a part of the endpoint's id, and
#: attributes are free text. Metrics are numbers.
_NAMELESS = {"user_id": null(), "session_id": null(), "attributes": null()}

_OF_ENDPOINT = Statement(
    update(_EVENTS)
    .values(endpoint=bindparam("pseudonym_"), **_NAMELESS)
    .where(_EVENTS.c.app == bindparam("app_"))
    .where(_EVENTS.c.endpoint == bindparam("endpoint_")),
    "pseudonym_",
    "app_",
    "endpoint_",
)
#: From before an endpoint of the user went to somebody else.
_OF_USER = Statement(
    update(_EVENTS)
    .values(**_NAMELESS)
    .where(_EVENTS.c.app == bindparam("app_"))
    .where(_EVENTS.c.user_id == bindparam("user_"))
    .where(
        ~exists().where(
            and_(_ENDPOINTS.c.app == _EVENTS.c.app, _ENDPOINTS.c.user_id == _EVENTS.c.user_id)
        )
    ),
    "app_",
    "user_",
)


def make_anonymous(
    connection: Connection,
    app: int,
    keys: Iterable[str],
    user_ids: Iterable[str],
    new_id: Callable[[], str],
) -> None:
    """Takes endpoints, and those of the users who have no endpoint any more, out of events.

    The events of one endpoint stay together, under an id that is new and stands nowhere else.
    """
    _OF_ENDPOINT.run_many(connection, [(f"deleted-{new_id()}", app, key) for key in keys])
    _OF_USER.run_many(connection, [(app, user_id) for user_id in user_ids])
