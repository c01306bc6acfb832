"""The ledger: what was read, what is in the output, what is not and why.

For each member, what was read is what was written plus what was lost. What was changed is in the
output, in another form. It holds names of members and reasons, and no values.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pinpoint_kit.migration.customer_profiles.staging import BAD_LINE, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["MAX_NAMES", "UNKNOWN", "Ledger"]

#: What stands for all members that an endpoint of Pinpoint does not have.
UNKNOWN = "(unknown)"
#: As many names are kept; more are counted.
MAX_NAMES = 5_000
_MAX_NAME_CHARS = 100


class Ledger:
    """Counts of one conversion.

    Attributes:
        read: member -> how many values were read.
        lost: (member, reason) -> how many of them are not in the output.
        changed: (member, reason) -> how many are in the output in another form.
        counts: other counts by name.
        renamed: attributes that have other names in the output, `MAX_NAMES` of them at most.
        problems: where each of these stood, until somebody takes them.
    """

    def __init__(self) -> None:
        self.read: defaultdict[str, int] = defaultdict(int)
        self.lost: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.changed: defaultdict[tuple[str, str], int] = defaultdict(int)
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.renamed: dict[str, str] = {}
        self.problems: list[Problem] = []
        self._place = (0, 0)

    def at(self, file: int, line: int) -> None:
        """Say in which line what follows stands."""
        self._place = (file, line)

    def lose(self, member: str, reason: str, count: int = 1, *, name: str = "") -> None:
        """Count values that are not in the output.

        Args:
            member: the member, as in `Attributes`.
            reason: why; one of few sentences.
            count: how many values.
            name: the whole name, as in `Attributes.plan`.
        """
        self.lost[member, reason] += count
        self._note(name or member, reason)

    def bad(self, reason: str) -> None:
        """Count a line that is no endpoint."""
        self.counts["bad"] += 1
        self._note(BAD_LINE, reason)

    def repeat(self, count: int, reason: str) -> None:
        """Count names that stand more than once in an object, all but one of which are lost."""
        self.read[UNKNOWN] += count
        self.lose(UNKNOWN, reason, count)

    def clear(self) -> None:
        """Begin anew."""
        for counts in (self.read, self.lost, self.changed, self.counts, self.renamed):
            counts.clear()
        self.problems.clear()

    def change(self, member: str, reason: str, *, name: str = "", noted: bool = True) -> None:
        """Count a value that is in the output in another form.

        Args:
            member: as in `lose`.
            reason: as in `lose`.
            name: as in `lose`.
            noted: list it among the problems, too.
        """
        self.changed[member, reason] += 1
        if noted:
            self._note(name or member, reason)

    def rename(self, member: str, reason: str, name: str, written: str) -> None:
        """Count an attribute that has another name in the output."""
        self.changed[member, reason] += 1
        names = self.renamed
        if len(names) < MAX_NAMES:
            names[f"{member}.{name}"[:_MAX_NAME_CHARS]] = written

    def _note(self, name: str, reason: str) -> None:
        self.problems.append(Problem(*self._place, name[:_MAX_NAME_CHARS], reason))

    def taken(self) -> list[Problem]:
        """Return the problems since the last call."""
        found, self.problems = self.problems, []
        return found

    def state(self) -> dict[str, object]:
        """As JSON."""
        return {
            "read": self.read,
            "lost": [[*key, count] for key, count in self.lost.items()],
            "changed": [[*key, count] for key, count in self.changed.items()],
            "counts": self.counts,
            "renamed": self.renamed,
        }

    def restore(self, state: Mapping[str, object]) -> None:
        """Take over what `state` has given."""
        self.read = _counts(state["read"])
        self.lost = _pairs(state["lost"])
        self.changed = _pairs(state["changed"])
        self.counts = _counts(state["counts"])
        renamed = state["renamed"]
        assert isinstance(renamed, dict)  # noqa: S101 -- our own file
        self.renamed = dict(renamed)


def _counts(state: object) -> defaultdict[str, int]:
    assert isinstance(state, dict)  # noqa: S101 -- our own file
    return defaultdict(int, state)


def _pairs(state: object) -> defaultdict[tuple[str, str], int]:
    assert isinstance(state, list)  # noqa: S101 -- our own file
    rows: Sequence[tuple[str, str, int]] = [tuple(row) for row in state]
    return defaultdict(int, {(member, reason): count for member, reason, count in rows})
