"""`Gatherer`: takes what a source reads, and has it ready for the work file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
            endpoint = staged(members, content, plan, file, line)
            if content is not None and (
                plan is None or type(endpoint[-1]) is bytes or has_repetitions(content, plan.quotes)
            ):
                members, repeated = without_repetitions(content, members)
                if repeated:
                    endpoint = staged(members, None, self._plans.of(members), file, line)
        except TypeError:
            self.bad(file, line, NESTED)
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
