"""What every source of numbers offers: events, and the endpoints and users that are present.

A source (the store, a lake) makes a `Relation` of its own tables; the metrics know nothing else of
it. The members are expressions over `table`, so that a source may name its columns as it likes.
No metric, and nothing of one source, may be put here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import attrs
from sqlalchemy import ColumnElement, FromClause

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import CompoundSelect, Select
    from typing_extensions import Unpack

__all__ = [
    "REMEMBERED",
    "Endpoints",
    "Events",
    "Relation",
    "Rows",
    "Selected",
    "Statement",
    "Users",
]

#: What an event remembers of its endpoint, by name. Endpoints have the same, as it is now.
REMEMBERED = ("platform", "app_version", "make", "model", "locale", "country")

#: What a statement gives: only integers, texts and NULL.
Rows: TypeAlias = "Sequence[Sequence[object]]"
#: What a metric asks.
Selected: TypeAlias = "Select[Unpack[tuple[Any, ...]]]"
Statement: TypeAlias = "Selected | CompoundSelect[Unpack[tuple[Any, ...]]]"


@attrs.frozen(kw_only=True)
class Events:
    """The events of one application.

    Args:
        table: what the expressions below read.
        scope: the condition under which a row belongs to the application; None: all rows do.
        id: the event's own id, unique within its endpoint.
        endpoint: the endpoint's id, as endpoints are compared.
        user: the id of the user that came with the event, NULL when there was none.
        type: the event type.
        time: when it happened, in milliseconds since 1970.
        arrival: when it arrived, in milliseconds since 1970.
        session: the session's id.
        duration: the session's duration in milliseconds.
        attributes: the map of texts.
        metrics: the map of numbers.
        platform: of the endpoint when the event arrived, like the following.
        app_version: as above.
        make: as above.
        model: as above.
        locale: as above.
        country: as above.
        time_zone: as above; an IANA name.
    """

    table: FromClause
    scope: ColumnElement[bool] | None = None
    id: ColumnElement[str]
    endpoint: ColumnElement[str]
    user: ColumnElement[str]
    type: ColumnElement[str]
    time: ColumnElement[int]
    arrival: ColumnElement[int]
    session: ColumnElement[str]
    duration: ColumnElement[int]
    attributes: ColumnElement[str]
    metrics: ColumnElement[str]
    platform: ColumnElement[str]
    app_version: ColumnElement[str]
    make: ColumnElement[str]
    model: ColumnElement[str]
    locale: ColumnElement[str]
    country: ColumnElement[str]
    time_zone: ColumnElement[str]


@attrs.frozen(kw_only=True)
class Endpoints:
    """The endpoints that are present, one row each.

    Args:
        table: what the expressions below read.
        scope: the condition under which a row belongs to the application; None: all rows do.
        endpoint: the id, as in `Events.endpoint`.
        user: the id of its user now.
        created: when it was registered, in milliseconds since 1970; NULL when not known.
        channel: its channel type.
        attributes: the map of lists of texts.
        platform: as it is now, like the following.
        app_version: as above.
        make: as above.
        model: as above.
        locale: as above.
        country: as above.
    """

    table: FromClause
    scope: ColumnElement[bool] | None = None
    endpoint: ColumnElement[str]
    user: ColumnElement[str]
    created: ColumnElement[int]
    channel: ColumnElement[str]
    attributes: ColumnElement[str]
    platform: ColumnElement[str]
    app_version: ColumnElement[str]
    make: ColumnElement[str]
    model: ColumnElement[str]
    locale: ColumnElement[str]
    country: ColumnElement[str]


@attrs.frozen(kw_only=True)
class Users:
    """The users that are present, one row each.

    Args:
        table: what the expressions below read.
        scope: the condition under which a row belongs to the application; None: all rows do.
        user: the id, as in `Events.user`.
        created: when the id came up first, in milliseconds since 1970; NULL when not known.
        attributes: the map of lists of texts.
    """

    table: FromClause
    scope: ColumnElement[bool] | None = None
    user: ColumnElement[str]
    created: ColumnElement[int]
    attributes: ColumnElement[str]


@attrs.frozen(kw_only=True)
class Relation:
    """What a source offers.

    Args:
        events: its events.
        endpoints: its endpoints.
        users: its users.
    """

    events: Events
    endpoints: Endpoints
    users: Users
