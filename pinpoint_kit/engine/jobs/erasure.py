"""What erasure means for jobs: imports do not bring a person back, exports begin their part anew.

Jobs hold nothing of a person in their rows. But an import that has not ended may have rows of them
still to read, and an export has a part under way. So the job's position changes with the erasure,
in one transaction: a piece of work that has begun before is undone, and begun again. An import
keeps in its position whom to skip, as hashes, until it ends. What else it does stands in
jobs/imports.py and jobs/exports.py.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import bindparam, or_, select, update

from pinpoint_kit.engine.jobs import store as job_store
from pinpoint_kit.engine.jobs.export_position import ExportPosition
from pinpoint_kit.engine.jobs.import_source import Position
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.jobs import JOBS
from pinpoint_kit.records.contacts import comparable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context, Person
    from pinpoint_kit.engine.jobs.import_rows import EndpointRow

__all__ = ["ERASED", "Erased", "JobData", "copies"]

#: Why a row of an import fails.
ERASED = "the person was erased while the job ran"

_HASH_BYTES = 8

_OPEN = Statement(
    select(JOBS.c.number, JOBS.c.id, JOBS.c.type, JOBS.c.position)
    .where(JOBS.c.open.is_not(None))
    .where(JOBS.c.app == bindparam("app_")),
    "app_",
)
_MOVE = Statement(
    update(JOBS)
    .values(position=bindparam("position_"))
    .where(JOBS.c.number == bindparam("number_")),
    "position_",
    "number_",
)
_WRITTEN = Statement(
    select(JOBS.c.id, JOBS.c.definition)
    .where(JOBS.c.app == bindparam("app_"))
    .where(JOBS.c.type == bindparam("type_"))
    .where(or_(JOBS.c.completed_pieces > 0, JOBS.c.position != bindparam("not_begun_")))
    .order_by(JOBS.c.number),
    "app_",
    "type_",
    "not_begun_",
)


@attrs.frozen
class Erased:
    """Whom an import job skips. Hashes, keyed by the job's id: no value is kept.

    Args:
        job_id: the id of the job.
        hashes: what `adding` has made before.
    """

    _job_id: str
    hashes: Collection[str]

    def adding(self, person: Person) -> Erased:
        """Return these, and a person."""
        hashes = {
            *(self._hash("endpoint", key) for key in person.keys),
            *(self._hash("address", address) for address in person.addresses),
            *(self._hash("user", user_id) for user_id in person.orphans),
        }
        return Erased(self._job_id, hashes.union(self.hashes))

    def has_row(self, row: EndpointRow) -> bool:
        """Whether a row is about an endpoint, an address or a user that was erased."""
        if not self.hashes:
            return False
        address, channel = row.draft.address, row.draft.channel_type
        return (
            self._hash("endpoint", row.key) in self.hashes
            or (address is not None and self._has_address(channel, address))
            or (row.user_id is not None and self.has_user(row.user_id))
        )

    def has_user(self, user_id: str) -> bool:
        """Whether a user was erased."""
        return bool(self.hashes) and self._hash("user", user_id) in self.hashes

    def _has_address(self, channel: str | None, address: str) -> bool:
        spellings = {address, comparable(channel or "", address)}
        return any(self._hash("address", each) in self.hashes for each in spellings)

    def _hash(self, kind: str, value: str) -> str:
        key = self._job_id.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
        content = f"{kind}:{value}".encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, key=key, digest_size=_HASH_BYTES).hexdigest()


class JobData:
    """What jobs that have not ended hold of a person: rows to come, and a part under way."""

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:  # noqa: ARG002 -- see PersonData
        """Return nothing: what jobs read and write are files, see `copies`."""
        return {}

    def erase(self, context: Context, connection: Connection, person: Person) -> None:  # noqa: ARG002 -- see PersonData
        """Have imports skip the person, and exports begin their part anew."""
        moved = []
        for number, job_id, job_type, position in _OPEN.rows(connection, person.app):
            if job_type == job_store.IMPORT:
                moved.append((_skipping(job_id, position, person), number))
            elif position:
                moved.append((ExportPosition.parse(position).begun_anew().text(), number))
        _MOVE.run_many(connection, moved)

    def forget(self, context: Context, connection: Connection, person: Person) -> None:
        """Do nothing: endpoints that are deleted may be imported again."""


def _skipping(job_id: str, position: str, person: Person) -> str:
    before = Position.parse(position)
    erased = Erased(job_id, frozenset(before.erased)).adding(person)
    return attrs.evolve(before, erased=sorted(erased.hashes)).text()


def copies(connection: Connection, app: int) -> Sequence[str]:
    """Return the export jobs of an application that have written files, and where."""
    rows: Iterable[tuple[str, str]] = _WRITTEN.rows(connection, app, job_store.EXPORT, "")
    return [
        f"export job {job_id}: {job_store.read_definition(definition)['S3UrlPrefix']}"
        for job_id, definition in rows
    ]
