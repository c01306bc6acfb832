"""Reading endpoints and their users' attributes: by id, many at once, or by user.

Only SELECT statements. Every answer and every merge begins here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Select, and_, bindparam, func, literal_column, select

from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.state import COLUMNS, EndpointState
from pinpoint_kit.engine.storage.statements import Row, Statement, padded
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

__all__ = [
    "Found",
    "after",
    "attributes_of_users",
    "by_address",
    "by_key",
    "by_keys",
    "by_user",
    "by_users",
    "counts_of_users",
    "extent",
    "known_users",
    "numbered",
    "remembered_of",
    "require",
    "require_user",
]

#: An endpoint and the attributes (JSON) of its user.
Found = tuple[EndpointState, "str | None"]

#: Sizes of IN lists: each size is a statement of its own, compiled once.
_SIZES = (1, 10, 100, 500)


_SHOWN = (*(ENDPOINTS.c[name] for name in COLUMNS), USERS.c.attributes)
_WITH_USER = ENDPOINTS.outerjoin(
    USERS, and_(USERS.c.app == ENDPOINTS.c.app, USERS.c.user_id == ENDPOINTS.c.user_id)
)


def _select() -> Select[tuple[object, ...]]:
    return select(*_SHOWN).select_from(_WITH_USER).where(ENDPOINTS.c.app == bindparam("app_"))


def _names(size: int) -> tuple[str, ...]:
    return tuple(f"value_{position}" for position in range(size))


def _listed(select_: Select[tuple[object, ...]], column: str, size: int) -> Statement:
    names = _names(size)
    condition = ENDPOINTS.c[column].in_([bindparam(name) for name in names])
    return Statement(select_.where(condition), "app_", *names)


_BY_KEYS = {size: _listed(_select(), "endpoint", size) for size in _SIZES}
_BY_ADDRESS = _listed(_select().order_by(ENDPOINTS.c.number), "address", 1)
_BY_USERS = {
    size: _listed(_select().order_by(ENDPOINTS.c.number), "user_id", size) for size in _SIZES
}
_AFTER = Statement(
    _select()
    .where(ENDPOINTS.c.endpoint > bindparam("after_"))
    .order_by(ENDPOINTS.c.endpoint)
    .limit(bindparam("most_")),
    "app_",
    "after_",
    "most_",
)
_EXTENT = Statement(
    select(func.count(), func.max(ENDPOINTS.c.number)).where(ENDPOINTS.c.app == bindparam("app_")),
    "app_",
)
# The sum keeps the database from going through all of the application by another index.
_NUMBERED = Statement(
    select(*_SHOWN, ENDPOINTS.c.number)
    .select_from(_WITH_USER)
    .where(ENDPOINTS.c.number > bindparam("after_"))
    .where(ENDPOINTS.c.number <= bindparam("last_"))
    .where(ENDPOINTS.c.app + literal_column("0") == bindparam("app_"))
    .order_by(ENDPOINTS.c.number),
    "app_",
    "after_",
    "last_",
)
_REMEMBERED_OF = {
    size: _listed(
        select(
            ENDPOINTS.c.endpoint, ENDPOINTS.c.user_id, *(ENDPOINTS.c[name] for name in REMEMBERED)
        ).where(ENDPOINTS.c.app == bindparam("app_")),
        "endpoint",
        size,
    )
    for size in _SIZES
}
_COUNTS_OF_USERS = {
    size: _listed(
        select(ENDPOINTS.c.user_id, func.count())
        .where(ENDPOINTS.c.app == bindparam("app_"))
        .group_by(ENDPOINTS.c.user_id),
        "user_id",
        size,
    )
    for size in _SIZES
}
_KNOWN_USERS = {
    size: _listed(
        select(ENDPOINTS.c.user_id).where(ENDPOINTS.c.app == bindparam("app_")).distinct(),
        "user_id",
        size,
    )
    for size in _SIZES
}
_USER_ATTRIBUTES = {
    size: Statement(
        select(USERS.c.user_id, USERS.c.attributes)
        .where(USERS.c.app == bindparam("app_"))
        .where(USERS.c.user_id.in_([bindparam(name) for name in _names(size)])),
        "app_",
        *_names(size),
    )
    for size in _SIZES
}


def by_key(connection: Connection, app: int, key: str) -> Found | None:
    """Return the endpoint whose id in lower case is `key`."""
    rows = _BY_KEYS[1].rows(connection, app, key)
    return _found(rows[0]) if rows else None


def require(connection: Connection, app: int, endpoint_id: str) -> Found:
    """Return an endpoint by its id as written.

    Raises:
        ApiError: there is none, or the id is not a legal one.
    """
    found = by_key(connection, app, check_id(endpoint_id))
    if found is None:
        raise not_found("Endpoint not found")
    return found


def require_user(connection: Connection, app: int, user_id: str) -> list[Found]:
    """Return the endpoints of a user, the first created first.

    Raises:
        ApiError: the user has none.
    """
    found = by_user(connection, app, user_id)
    if not found:
        raise not_found("User not found")
    return found


def by_keys(connection: Connection, app: int, keys: Sequence[str]) -> list[Found]:
    """Return those of the endpoints that there are, in no particular order."""
    return _all(connection, app, _BY_KEYS, keys)


def by_address(connection: Connection, app: int, address: str) -> list[Found]:
    """Return the endpoints with an address, of any channel, the first created first."""
    return [_found(row) for row in _BY_ADDRESS.rows(connection, app, address)]


def by_user(connection: Connection, app: int, user_id: str) -> list[Found]:
    """Return the endpoints of a user, the first created first."""
    return by_users(connection, app, [user_id])


def by_users(connection: Connection, app: int, user_ids: Sequence[str]) -> list[Found]:
    """Return the endpoints of several users."""
    return _all(connection, app, _BY_USERS, user_ids)


def after(connection: Connection, app: int, key: str, most: int) -> list[Found]:
    """Return at most that many endpoints in the order of their keys, from the one after `key`."""
    return [_found(row) for row in _AFTER.rows(connection, app, key, most)]


def extent(connection: Connection, app: int) -> tuple[int, int]:
    """Return how many endpoints an application has, and the highest of their numbers."""
    count, last = _EXTENT.rows(connection, app)[0]
    return count, last or 0


def numbered(connection: Connection, app: int, after: int, last: int) -> Sequence[Row]:
    """Return the endpoints with numbers above `after` and up to `last`, in their order.

    Each is a row as `rendered_row` takes it, and then its number.
    """
    return _NUMBERED.rows(connection, app, after, last)


def counts_of_users(connection: Connection, app: int, user_ids: Iterable[str]) -> dict[str, int]:
    """Return how many endpoints users have, for those who have any."""
    return {
        row[0]: row[1]
        for part in padded(list(user_ids), _SIZES)
        for row in _COUNTS_OF_USERS[len(part)].rows(connection, app, *part)
    }


def known_users(connection: Connection, app: int, user_ids: Iterable[str]) -> set[str]:
    """Return those of the users that have an endpoint."""
    return {
        row[0]
        for part in padded(list(user_ids), _SIZES)
        for row in _KNOWN_USERS[len(part)].rows(connection, app, *part)
    }


def remembered_of(connection: Connection, app: int, keys: Sequence[str]) -> dict[str, Row]:
    """Return the user and what events remember, by key: cheaper than whole endpoints."""
    return {
        row[0]: row[1:]
        for part in padded(keys, _SIZES)
        for row in _REMEMBERED_OF[len(part)].rows(connection, app, *part)
    }


def attributes_of_users(
    connection: Connection, app: int, user_ids: Iterable[str]
) -> dict[str, str]:
    """Return the attributes (JSON) by user id, for the users that have some."""
    return {
        row[0]: row[1]
        for part in padded(list(user_ids), _SIZES)
        for row in _USER_ATTRIBUTES[len(part)].rows(connection, app, *part)
    }


def _all(
    connection: Connection, app: int, statements: dict[int, Statement], values: Sequence[str]
) -> list[Found]:
    return [
        _found(row)
        for part in padded(values, _SIZES)
        for row in statements[len(part)].rows(connection, app, *part)
    ]


def _found(row: Row) -> Found:
    return EndpointState(*row[:-1]), row[-1]
