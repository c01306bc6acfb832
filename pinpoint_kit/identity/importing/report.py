"""What an import did: counts by reason, and nothing that names a person."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["ImportReport", "Tally"]

#: Different unknown types that are counted by name; the rest is counted as `(others)`.
_MOST_TYPES = 500


@attrs.frozen(kw_only=True)
class ImportReport:
    """Counts of one import.

    Args:
        records: records looked at.
        events: accepted events, by event type; those that were there already count too.
        ignored: records left out, by reason.
        unknown: records of a type that the table does not know, by type.
        unreadable: pieces of a file that are no JSON and no log line.
        refused: events that the service refused.
        replaced_devices: endpoints that lost their user to a newer device of the same person.
        unattached: sign-ins recorded without their user, because all places of the user are taken
            by newer devices or by endpoints that are not the importer's.
        unknown_persons: failures that name nobody the provider knows.
        stops_without_start: ends of sessions of which no start is known; they have no duration.
    """

    records: int = 0
    events: dict[str, int] = attrs.field(factory=dict)
    ignored: dict[str, int] = attrs.field(factory=dict)
    unknown: dict[str, int] = attrs.field(factory=dict)
    unreadable: int = 0
    refused: int = 0
    replaced_devices: int = 0
    unattached: int = 0
    unknown_persons: int = 0
    stops_without_start: int = 0

    @property
    def is_complete(self) -> bool:
        """True when nothing was unreadable or refused."""
        return not self.unreadable and not self.refused


@attrs.define
class Tally:
    """The counts while they grow."""

    records: int = 0
    events: Counter[str] = attrs.field(factory=Counter)
    ignored: Counter[str] = attrs.field(factory=Counter)
    unknown: Counter[str] = attrs.field(factory=Counter)
    unreadable: int = 0
    refused: int = 0
    replaced_devices: int = 0
    unattached: int = 0
    unknown_persons: int = 0
    stops_without_start: int = 0

    def count(self, reading: Reading) -> None:
        """Count one record."""
        self.records += 1
        if reading.outcome == "ignored":
            self.ignored[reading.reason] += 1
        elif reading.outcome == "unknown":
            is_named = reading.type in self.unknown or len(self.unknown) < _MOST_TYPES
            self.unknown[reading.type if is_named else "(others)"] += 1
        elif reading.identity is not None and reading.identity.is_failure:
            self.unknown_persons += not reading.identity.user

    def report(self) -> ImportReport:
        """Return the counts so far."""
        return ImportReport(
            records=self.records,
            events=dict(sorted(self.events.items())),
            ignored=dict(sorted(self.ignored.items())),
            unknown=dict(sorted(self.unknown.items())),
            unreadable=self.unreadable,
            refused=self.refused,
            replaced_devices=self.replaced_devices,
            unattached=self.unattached,
            unknown_persons=self.unknown_persons,
            stops_without_start=self.stops_without_start,
        )
