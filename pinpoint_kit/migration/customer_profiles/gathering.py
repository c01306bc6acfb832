"""`Gatherer`: takes what a source reads, and has it ready for the work file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.migration.customer_profiles.mapping.members import staged, without_repetitions

if TYPE_CHECKING:
    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.members import Staged

__all__ = ["Gatherer"]

REPEATED = "a name that stands there more than once"
NESTED = "is nested too deeply"


class Gatherer:
    """Gathers endpoints on their way to the work file."""

    def __init__(self, ledger: Ledger) -> None:
        self.endpoints: list[Staged] = []
        self._ledger = ledger

    def endpoint(
        self, file: int, line: int, members: dict[str, Any], content: bytes | None
    ) -> None:
        """Take an endpoint, each name of which counts once."""
        if content is None:
            content = orjson.dumps(members)
        else:
            members, repeated = without_repetitions(content, members)
            if repeated:
                self._ledger.at(file, line)
                try:
                    content = orjson.dumps(members)
                except TypeError:
                    self.bad(file, line, NESTED)
                    return
                self._ledger.repeat(repeated, REPEATED)
        self._ledger.counts["endpoints"] += 1
        self.endpoints.append(staged(members, content, file, line))

    def bad(self, file: int, line: int, reason: str) -> None:
        """Take a line that is no endpoint."""
        self._ledger.at(file, line)
        self._ledger.bad(reason)
