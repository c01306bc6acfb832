"""Our own EraseData: removes a person's data for a data-protection request, and says what it was.

By user id, by address or by endpoint id. Unlike a deletion it takes the events too. The report
names endpoints and users, and repeats nothing else of what was stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy import bindparam, delete, func, select

from pinpoint_kit.engine.applications import operations as apps
from pinpoint_kit.engine.endpoints import operations as endpoints
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.parsing import check_id
from pinpoint_kit.engine.segments.lists import count_endpoints, count_users, forget_users
from pinpoint_kit.engine.storage import schema
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import ColumnElement, Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["erase_data"]

_EVENTS = schema.events
_KINDS = ("UserId", "Address", "EndpointId")


def _by(column: str) -> ColumnElement[bool]:
    return (_EVENTS.c.app == bindparam("app_")) & (_EVENTS.c[column] == bindparam("value_"))


_COUNT = {
    column: Statement(
        select(_EVENTS.c.endpoint, func.count()).where(_by(column)).group_by(_EVENTS.c.endpoint),
        "app_",
        "value_",
    )
    for column in ("endpoint", "user_id")
}
_DELETE = {
    column: Statement(delete(_EVENTS).where(_by(column)), "app_", "value_")
    for column in ("endpoint", "user_id")
}


@attrs.frozen
class _Wish:
    """Whose data: the kind of the id, and the id."""

    kind: str
    value: str = attrs.field(repr=False)
    is_dry_run: bool

    @property
    def keys(self) -> list[str]:
        """The endpoint that is named, which may have events without being stored."""
        return [check_id(self.value)] if self.kind == "EndpointId" else []

    @property
    def user_ids(self) -> list[str]:
        """The user that is named."""
        return [self.value] if self.kind == "UserId" else []


def erase_data(context: Context, call: Call) -> object:
    """EraseData. Nothing found is no refusal: the report says so."""
    with apps.checked_first(context, call.application_id):
        wish = _parse(call.body)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id).number
        found = _find(connection, app, wish)
        keys = list(dict.fromkeys([*wish.keys, *(state.endpoint for state, _ in found)]))
        events = _count_events(connection, app, keys, wish.user_ids)
        users = {state.user_id for state, _ in found if state.user_id is not None}
        staying = _staying(connection, app, found, users)
        leaving = {*wish.user_ids, *users.difference(staying)}
        entries = count_endpoints(connection, app, {state.endpoint for state, _ in found})
        entries += count_users(connection, app, sorted(leaving))
        if not wish.is_dry_run:
            _DELETE["endpoint"].run_many(connection, [(app, key) for key in keys])
            _DELETE["user_id"].run_many(connection, [(app, user) for user in wish.user_ids])
            endpoints.remove(connection, app, [state for state, _ in found], context.new_id)
            forget_users(connection, app, wish.user_ids)  # who may be listed without an endpoint
    if not wish.is_dry_run:
        context.store.scrub()
    return {
        "DryRun": wish.is_dry_run,
        "EndpointIds": [state.id for state, _ in found],
        "UserIds": sorted(users),
        "KeptUserIds": staying,
        "Events": events,
        "SegmentEntries": entries,
    }


def _parse(content: bytes) -> _Wish:
    request = body.parse_object(content)
    given = [(kind, value) for kind in _KINDS if (value := body.optional_text(request, kind))]
    if len(given) != 1:
        raise bad_request(f"Give exactly one of {', '.join(_KINDS)}")
    is_dry_run = request.get("DryRun") or False
    if not isinstance(is_dry_run, bool):
        raise bad_request("must be true or false", ".DryRun")
    ((kind, value),) = given
    if kind == "EndpointId":
        check_id(value)
    return _Wish(kind, value, is_dry_run)


def _find(connection: Connection, app: int, wish: _Wish) -> Sequence[reader.Found]:
    if wish.kind == "UserId":
        return reader.by_user(connection, app, wish.value)
    if wish.kind == "Address":
        return reader.by_address(connection, app, wish.value)
    return reader.by_keys(connection, app, wish.keys)


def _count_events(
    connection: Connection, app: int, keys: Sequence[str], user_ids: Sequence[str]
) -> int:
    """Returns how many events are of these endpoints or users, each counted once."""
    counts: dict[str, int] = {}
    for user_id in user_ids:
        counts.update(map(tuple, _COUNT["user_id"].rows(connection, app, user_id)))
    for key in keys:  # all of an endpoint's events, whoever its user was
        counts.update(map(tuple, _COUNT["endpoint"].rows(connection, app, key)))
    return sum(counts.values())


def _staying(
    connection: Connection, app: int, found: Sequence[reader.Found], users: Iterable[str]
) -> list[str]:
    """Returns those of the users who have endpoints that are not among these."""
    keys = {state.endpoint for state, _ in found}
    return [
        user_id
        for user_id in sorted(users)
        if not keys.issuperset(
            state.endpoint for state, _ in reader.by_user(connection, app, user_id)
        )
    ]
