"""FindEndpoints, an operation of our own: endpoints by address, user, channel and attributes.

In the order of creation, a page at a time. Only reading belongs here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from sqlalchemy import select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.storage.dialects.expressions import has_value
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.wire import body, paging
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from sqlalchemy import Select

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["find_endpoints"]

_TEXTS = {"Address": "address", "ChannelType": "channel_type", "UserId": "user_id"}
_MAPS = ("Attributes", "UserAttributes")


@attrs.frozen
class _Asked:
    """What is looked for: texts by column, and lists of values by map and name."""

    texts: Mapping[str, str]
    lists: Sequence[tuple[str, str, tuple[str, ...]]]


def find_endpoints(context: Context, call: Call) -> object:
    """FindEndpoints: those that meet all conditions, each as GetEndpoint shows it."""
    with apps.checked_first(context, call.application_id):
        size, after = paging.size(call.query), paging.number(call.query)
        wanted = _parse(call, context.limits.max_segment_values)
    last = context.store.settled(ENDPOINTS.name)
    with context.store.long_read() as connection:
        app = apps.require(connection, call.application_id)
        rows = connection.execute(_statement(wanted, app, (after, last), size + 1)).all()
        found = reader.by_keys(connection, app.number, [row[1] for row in rows[:size]])
    states = {state.endpoint: (state, attributes) for state, attributes in found}

    def shown(row: Sequence[object]) -> object:
        state = states.get(str(row[1]))
        return None if state is None else rendered(state[0], app.id, state[1])

    return paging.page(rows, size, lambda row: row[0], shown)


def _parse(call: Call, most_values: int) -> _Asked:
    source = body.parse_object(call.body) if call.body.strip() else {}
    if unknown := sorted(source.keys() - {*_TEXTS, *_MAPS}):
        names = ", ".join((*_TEXTS, *_MAPS))
        raise bad_request(f"unknown member; there are {names}", f".{unknown[0][:50]}")
    texts = {
        column: text
        for name, column in _TEXTS.items()
        if (text := body.optional_text(source, name)) is not None
    }
    lists = [
        (name, key, _values(values, f".{name}[{position}]"))
        for name in _MAPS
        for position, (key, values) in enumerate(
            body.as_object({} if source.get(name) is None else source[name], f".{name}").items()
        )
    ]
    if sum(len(values) for _, _, values in lists) > most_values:
        raise bad_request(f"more than {most_values} values are looked for; ask for fewer")
    return _Asked(texts, lists)


def _values(value: object, path: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(text, str) for text in values):
        raise bad_request("must be a text or a list of texts", path)
    return tuple(values)


def _statement(
    wanted: _Asked, app: App, between: tuple[int, int | None], most: int
) -> Select[tuple[Any, ...]]:
    after, last = between
    endpoints = ENDPOINTS.c
    found = select(endpoints.number, endpoints.endpoint).where(endpoints.app == app.number)
    if last is not None:
        found = found.where(endpoints.number <= last)
    for column, text in wanted.texts.items():
        found = found.where(endpoints[column] == text)
    for name, key, values in wanted.lists:
        if name == "Attributes":
            found = found.where(has_value(endpoints.attributes, key, "INCLUSIVE", values))
        else:
            users = select(USERS.c.user_id).where(
                USERS.c.app == app.number,
                has_value(USERS.c.attributes, key, "INCLUSIVE", values),
            )
            found = found.where(endpoints.user_id.in_(users))
    return found.where(endpoints.number > after).order_by(endpoints.number).limit(most)
