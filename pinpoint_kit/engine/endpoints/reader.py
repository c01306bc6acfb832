"""Reading endpoints and their users' attributes: by id, many at once, or by user.

Only SELECT statements. Every answer and every merge begins here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, func, literal_column, select

from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.state import COLUMNS, EndpointState
from pinpoint_kit.engine.storage.statements import Distinct, Lookup, Row, Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import REMEMBERED
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection

__all__ = [
    "Found",
    "addresses",
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
    "rows_by_keys",
]

#: An endpoint and the attributes (JSON) of its user.
Found = tuple[EndpointState, "str | None"]


_SHOWN = (*(ENDPOINTS.c[name] for name in COLUMNS), USERS.c.attributes)
_WITH_USER = ENDPOINTS.outerjoin(
    USERS, and_(USERS.c.app == ENDPOINTS.c.app, USERS.c.user_id == ENDPOINTS.c.user_id)
)


_ALL = select(*_SHOWN).select_from(_WITH_USER)
_BY_KEYS = Lookup(_ALL, ENDPOINTS.c.endpoint)
_BY_ADDRESS = Lookup(_ALL.order_by(ENDPOINTS.c.number), ENDPOINTS.c.address)
_ADDRESSES = Distinct(ENDPOINTS.c.address)
_BY_USERS = Lookup(_ALL.order_by(ENDPOINTS.c.number), ENDPOINTS.c.user_id)
_AFTER = Statement(
    _ALL.where(ENDPOINTS.c.app == bindparam("app_"))
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
_REMEMBERED_OF = Lookup(
    select(
        ENDPOINTS.c.endpoint,
        ENDPOINTS.c.user_id,
        ENDPOINTS.c.id,
        ENDPOINTS.c.platform_version,
        *(ENDPOINTS.c[name] for name in REMEMBERED),
    ),
    ENDPOINTS.c.endpoint,
)
_COUNTS_OF_USERS = Lookup(
    select(ENDPOINTS.c.user_id, func.count()).group_by(ENDPOINTS.c.user_id), ENDPOINTS.c.user_id
)
_KNOWN_USERS = Lookup(select(ENDPOINTS.c.user_id).distinct(), ENDPOINTS.c.user_id)
_USER_ATTRIBUTES = Lookup(select(USERS.c.user_id, USERS.c.attributes), USERS.c.user_id)


def by_key(connection: Connection, app: int, key: str) -> Found | None:
    """Return the endpoint whose id in lower case is `key`."""
    rows = _BY_KEYS.one(connection, app, key)
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
    return [_found(row) for row in _BY_KEYS.rows(connection, app, keys)]


def rows_by_keys(connection: Connection, app: int, keys: Sequence[str]) -> list[Row]:
    """Return those of the endpoints that there are, as rows that `rendered_row` takes."""
    return _BY_KEYS.rows(connection, app, keys)


def by_address(connection: Connection, app: int, address: str) -> list[Found]:
    """Return the endpoints with an address, of any channel, the first created first."""
    return [_found(row) for row in _BY_ADDRESS.one(connection, app, address)]


def addresses(connection: Connection, app: int) -> Iterator[str]:
    """Yield the addresses that endpoints have, each once, in their order."""
    return _ADDRESSES.walk(connection, app)


def by_user(connection: Connection, app: int, user_id: str) -> list[Found]:
    """Return the endpoints of a user, the first created first."""
    return by_users(connection, app, [user_id])


def by_users(connection: Connection, app: int, user_ids: Sequence[str]) -> list[Found]:
    """Return the endpoints of several users."""
    return [_found(row) for row in _BY_USERS.rows(connection, app, user_ids)]


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
    return {row[0]: row[1] for row in _COUNTS_OF_USERS.rows(connection, app, list(user_ids))}


def known_users(connection: Connection, app: int, user_ids: Iterable[str]) -> set[str]:
    """Return those of the users that have an endpoint."""
    return {row[0] for row in _KNOWN_USERS.rows(connection, app, list(user_ids))}


def remembered_of(connection: Connection, app: int, keys: Sequence[str]) -> dict[str, Row]:
    """Return the user, and then a `Device`, by key: cheaper than whole endpoints."""
    return {row[0]: row[1:] for row in _REMEMBERED_OF.rows(connection, app, keys)}


def attributes_of_users(
    connection: Connection, app: int, user_ids: Iterable[str]
) -> dict[str, str]:
    """Return the attributes (JSON) by user id, for the users that have some."""
    return {row[0]: row[1] for row in _USER_ATTRIBUTES.rows(connection, app, list(user_ids))}


def _found(row: Row) -> Found:
    return EndpointState(*row[:-1]), row[-1]
