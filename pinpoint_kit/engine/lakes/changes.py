"""Whom lakes still have to remove: written with each removal, read and deleted by the next export.

The engine does not know what is in a lake, and the store may have removed old events that a lake
keeps. So a removal names the person, not events; and because it is to leave no id behind, it names
them by hashes whose key is the lake's. Applied to the files of a lake in their order, changes do
there what events/store.py does to the rows of the store.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Literal, TypeAlias

import attrs
from sqlalchemy import bindparam, delete, func, insert, select

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.lakes import LAKE_CHANGES, LAKES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context, Person

__all__ = ["LakeChange", "LakeData", "copies", "hashed", "last", "pending", "remove_applied"]

Kind: TypeAlias = Literal["erase", "forget"]
Of: TypeAlias = Literal["endpoint", "user"]
#: Kind, of what, the id, and the pseudonym.
_Removal: TypeAlias = "tuple[Kind, Of, str, str | None]"

_HASH_BYTES = 16
_COLUMNS = ("app", "lake", "kind", "of", "hash", "pseudonym")
_ADD = Statement(
    insert(LAKE_CHANGES).values({name: bindparam(name) for name in _COLUMNS}), *_COLUMNS
)
_OF_APP = Statement(
    select(LAKES.c.number, LAKES.c.secret, LAKES.c.place, LAKES.c.step)
    .where(LAKES.c.app == bindparam("app_"))
    .order_by(LAKES.c.number),
    "app_",
)
_PENDING = Statement(
    select(LAKE_CHANGES.c.kind, LAKE_CHANGES.c.of, LAKE_CHANGES.c.hash, LAKE_CHANGES.c.pseudonym)
    .where(LAKE_CHANGES.c.lake == bindparam("lake_"))
    .where(LAKE_CHANGES.c.number > bindparam("after_"))
    .order_by(LAKE_CHANGES.c.number),
    "lake_",
    "after_",
)
_LAST = Statement(
    select(func.coalesce(func.max(LAKE_CHANGES.c.number), 0)).where(
        LAKE_CHANGES.c.lake == bindparam("lake_")
    ),
    "lake_",
)
_REMOVE = Statement(
    delete(LAKE_CHANGES)
    .where(LAKE_CHANGES.c.lake == bindparam("lake_"))
    .where(LAKE_CHANGES.c.number <= bindparam("last_")),
    "lake_",
    "last_",
)


@attrs.frozen
class LakeChange:
    """What has become of the events of an endpoint or a user.

    Attributes:
        kind: `erase`: they are gone; `forget`: they stay, without what can name a person.
        of: whether an endpoint or a user is meant.
        hash: of its id, see `hashed`.
        pseudonym: what the endpoint is called instead; None for users and where all are gone.
    """

    kind: Kind
    of: Of
    hash: str = attrs.field(repr=False)
    pseudonym: str | None


def hashed(secret: str, of: Of, value: str) -> str:
    """Return what stands for an id in a lake's changes."""
    content = f"{of}:{value}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(content, key=secret.encode(), digest_size=_HASH_BYTES).hexdigest()


def pending(connection: Connection, lake: int, after: int) -> list[LakeChange]:
    """Return the changes of a lake behind a number, in their order."""
    return [LakeChange(*row) for row in _PENDING.rows(connection, lake, after)]


def last(connection: Connection, lake: int) -> int:
    """Return the number of the last change of a lake; 0 when none is left."""
    return int(_LAST.rows(connection, lake)[0][0])


def remove_applied(connection: Connection, lake: int, number: int) -> None:
    """Delete the changes of a lake up to a number."""
    _REMOVE.run_many(connection, [(lake, number)])


class LakeData:
    """What lakes hold of a person: files that the next export writes anew."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:  # noqa: ARG002 -- see PersonData
        """Return nothing: what lakes hold are files, see `copies`."""
        return {}

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Have lakes remove the events of the endpoints and users, and their names elsewhere."""
        gone: list[_Removal] = [("erase", "endpoint", key, None) for key in person.keys]
        gone += [("erase", "user", user_id, None) for user_id in person.user_ids]
        self._add(connection, person.app, gone)
        self.forget(context, connection, person)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Have lakes take the person out of the events that stay."""
        nameless: list[_Removal] = [
            ("forget", "endpoint", key, person.pseudonyms[key]) for key in person.keys
        ]
        nameless += [("forget", "user", user_id, None) for user_id in person.orphans]
        self._add(connection, person.app, nameless)

    @staticmethod
    def _add(connection: Connection, app: int, changes: Sequence[_Removal]) -> None:
        rows = [
            (app, lake, kind, of, hashed(secret, of, value), pseudonym)
            for lake, secret, _, _ in _OF_APP.rows(connection, app)
            for kind, of, value, pseudonym in changes
        ]
        _ADD.run_many(connection, rows)


def copies(connection: Connection, app: int) -> Sequence[str]:
    """Return the lakes of an application that have files, and where they were."""
    return [
        f"lake {place}: its next `pinpoint-kit lake export` removes the person"
        for _, _, place, step in _OF_APP.rows(connection, app)
        if step
    ]
