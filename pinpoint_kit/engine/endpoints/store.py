"""Deleting endpoints and the attributes of users who are left without one.

What is read stands in endpoints/reader.py, what changes endpoints in endpoints/writer.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, exists

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context, Person

__all__ = ["EndpointData", "delete_orphaned_users"]

_DELETE = Statement(
    delete(ENDPOINTS)
    .where(ENDPOINTS.c.app == bindparam("app_"))
    .where(ENDPOINTS.c.endpoint == bindparam("endpoint_")),
    "app_",
    "endpoint_",
)
_DELETE_USER = Statement(
    delete(USERS)
    .where(USERS.c.app == bindparam("app_"))
    .where(USERS.c.user_id == bindparam("user_"))
    .where(
        ~exists().where(
            and_(ENDPOINTS.c.app == USERS.c.app, ENDPOINTS.c.user_id == USERS.c.user_id)
        )
    ),
    "app_",
    "user_",
)


def delete_orphaned_users(connection: Connection, app: int, user_ids: Sequence[str]) -> None:
    """Delete the attributes of those users who have no endpoint left."""
    _DELETE_USER.run_many(connection, [(app, user_id) for user_id in user_ids])


class EndpointData:
    """What endpoints hold of a person: themselves, and the attributes of users."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:  # noqa: ARG002 -- see PersonData
        """Return nothing: the report names the endpoints and users themselves."""
        return {}

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Delete the endpoints, and what is known of the users who have no other one."""
        self.forget(context, connection, person)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Delete the endpoints, and what is known of the users who have no other one."""
        _DELETE.run_many(connection, [(person.app, key) for key in person.keys])
        delete_orphaned_users(connection, person.app, person.orphans)
