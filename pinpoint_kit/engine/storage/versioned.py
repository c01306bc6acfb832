"""`Versioned`: reading what keeps all of its versions, each in a row of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam

from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.wire.refusals import not_found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Select, Table

    from pinpoint_kit.engine.storage.statements import Row

__all__ = ["Versioned"]


class Versioned:
    """The statements that read one thing of an application, by its id, at its versions.

    Args:
        select: what is read of `table` joined to `versions`, within the application that the
            parameter `app_` says.
        table: the things; its column `version` is the newest one.
        versions: their versions.
        name: what errors call one, such as `Segment`.
    """

    def __init__(self, select: Select[Any], table: Table, versions: Table, name: str) -> None:
        by_id = select.where(table.c.id == bindparam("id_"))
        version = versions.c.version
        self._name = name
        self._newest = Statement(by_id.where(version == table.c.version), "app_", "id_")
        self._at = Statement(
            by_id.where(version == bindparam("version_")), "app_", "id_", "version_"
        )
        self._after = Statement(
            by_id.where(version > bindparam("after_")).order_by(version).limit(bindparam("most_")),
            *("app_", "id_", "after_", "most_"),
        )

    def find(self, connection: Connection, app: int, thing_id: str, version: int | None) -> Row:
        """Return one at a version, the newest where it is None.

        Raises:
            ApiError: there is none.
        """
        if version is None:
            rows = self._newest.rows(connection, app, thing_id)
        else:
            rows = self._at.rows(connection, app, thing_id, version)
        if rows:
            return rows[0]
        if version is not None and self._newest.rows(connection, app, thing_id):
            raise not_found(f"{self._name} version not found")
        raise not_found(f"{self._name} not found")

    def versions(
        self, connection: Connection, app: int, thing_id: str, after: int, most: int
    ) -> Sequence[Row]:
        """Return one at its versions, the oldest first, those after a version."""
        return self._after.rows(connection, app, thing_id, after, most)
