"""`Gatherer`: takes what a source reads, and has it ready for the work file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.migration.customer_profiles.mapping.members import (
    has_repetitions,
    staged,
    without_repetitions,
)

if TYPE_CHECKING:
    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.members import Staged
    from pinpoint_kit.migration.customer_profiles.mapping.packing import Plans

__all__ = ["Gatherer"]

REPEATED = "a name that stands there more than once"
NESTED = "is nested too deeply"
NO_TEXT = "has a text with half of a pair of signs (a surrogate), which no file can hold"


class Gatherer:
    """Gathers endpoints on their way to the work file.

    Args:
        ledger: counts them, and what is no endpoint.
        plans: pack what loses nothing.
    """

    def __init__(self, ledger: Ledger, plans: Plans) -> None:
        self.endpoints: list[Staged] = []
        self._ledger = ledger
        self._plans = plans

    def endpoint(
        self, file: int, line: int, members: dict[str, Any], content: bytes | None
    ) -> None:
        """Take an endpoint, each name of which counts once."""
        plan = self._plans.of(members)
        repeated = 0
        try:
            is_certain = content is None
            if content is None:
                content = orjson.dumps(members)
            endpoint = staged(members, content, plan, file, line)
            if plan is not None and type(endpoint[-1]) is str:
                is_certain = is_certain or not has_repetitions(content, plan.quotes)
            if not is_certain:
                members, repeated = without_repetitions(content, members)
                if repeated:
                    content = orjson.dumps(members)
                    endpoint = staged(members, content, self._plans.of(members), file, line)
        except TypeError as error:
            self.bad(file, line, NO_TEXT if "surrogates" in str(error) else NESTED)
            return
        self.endpoints.append(endpoint)
        if repeated:
            self._ledger.at(file, line)
            self._ledger.repeat(repeated, REPEATED)
        self._ledger.counts["endpoints"] += 1

    def bad(self, file: int, line: int, reason: str) -> None:
        """Take a line that is no endpoint."""
        self._ledger.at(file, line)
        self._ledger.bad(reason)
