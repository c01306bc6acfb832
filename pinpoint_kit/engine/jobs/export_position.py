"""`ExportPosition`: how far an export is, as its job keeps it. Nothing is read or written here."""

from __future__ import annotations

import attrs
import orjson

from pinpoint_kit.engine.wire.body import encode

__all__ = ["ExportPosition"]


@attrs.frozen
class ExportPosition:
    """How far an export is.

    Attributes:
        after: the number of the endpoint that was exported last.
        last: the number of the last endpoint to export.
        erasures: how often persons were erased meanwhile. A part that was begun before is thrown
            away.
    """

    after: int
    last: int
    erasures: int = 0

    @classmethod
    def parse(cls, text: str) -> ExportPosition:
        """Read what `text` wrote."""
        return cls(**orjson.loads(text))

    def text(self) -> str:
        """As the store keeps it."""
        return encode(attrs.asdict(self))

    def begun_anew(self) -> ExportPosition:
        """Return the same position, to which no part that is under way belongs."""
        return attrs.evolve(self, erasures=self.erasures + 1)
