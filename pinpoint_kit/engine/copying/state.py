"""How far a copy is: kept in the target, written in the transactions that write the rows.

What is said of a table is that the target has so many of the source's first rows, in the order of
keys, and what their digest is. Nothing is taken on trust from that: going on compares it with the
source, and the end compares it with the target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs
import orjson

from pinpoint_kit.engine.copying.tables import Key

if TYPE_CHECKING:
    from pinpoint_kit.engine.copying.tables import Row

__all__ = ["NOTHING", "Done", "State"]


@attrs.frozen
class Done:
    """The first rows of a table, in the order of their keys.

    Attributes:
        rows: how many.
        digest: a hash of their content and order, the same for all databases, in hexadecimal.
        last: the key of the last one, None without any.
    """

    rows: int = 0
    digest: str = ""
    last: Key | None = attrs.field(default=None, repr=False)

    def followed_by(self, rows: Sequence[Row], last: Key) -> Done:
        """Return it with more rows behind it.

        The digest is a chain, SHA-256 over the one before and the row as JSON, so that it can be
        kept anywhere and gone on with.
        """
        digest = bytes.fromhex(self.digest)
        for row in rows:
            digest = hashlib.sha256(digest + orjson.dumps(row)).digest()
        return Done(self.rows + len(rows), digest.hex(), last)

    def is_same(self, other: Done) -> bool:
        """Whether both are the same rows."""
        return (self.rows, self.digest) == (other.rows, other.digest)


NOTHING = Done()


@attrs.frozen
class State:
    """What a copy has done.

    Attributes:
        token: of the run that works on it; a later one has another.
        version: the schema version of the tables.
        tables: what is done of each; a table that is missing may have rows that do not count.
    """

    token: str
    version: int
    tables: Mapping[str, Done] = attrs.field(factory=dict)

    def with_table(self, name: str, done: Done | None) -> State:
        """Return it with something else done of a table, None for nothing that counts."""
        others = {key: value for key, value in self.tables.items() if key != name}
        return attrs.evolve(self, tables=others if done is None else {**others, name: done})

    def encoded(self) -> str:
        """Return it as text."""
        tables = {name: [done.rows, done.digest, done.last] for name, done in self.tables.items()}
        return orjson.dumps([self.token, self.version, tables]).decode()

    @classmethod
    def decoded(cls, text: str) -> State:
        """Return what was written."""
        token, version, tables = orjson.loads(text)
        return cls(
            token,
            version,
            {
                name: Done(rows, digest, None if last is None else tuple(last))
                for name, (rows, digest, last) in tables.items()
            },
        )
