"""`ConversionReport`: what a conversion has read and written, and what was lost on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger

__all__ = [
    "BadLine",
    "ConversionProgress",
    "ConversionReport",
    "Loss",
    "Member",
    "losses_of",
    "members_of",
]


@attrs.frozen(kw_only=True)
class ConversionProgress:
    """How far a conversion is.

    Args:
        stage: `reading`, `converting` or `writing`.
        done: endpoints that are done in this stage.
        total: endpoints in all; None while that is not known.
    """

    stage: str
    done: int
    total: int | None = None


@attrs.frozen(kw_only=True)
class BadLine:
    """A line that could not be read.

    Args:
        file: its file, as a path below the source.
        line: its number, from 1.
        reason: why, without what it holds.
    """

    file: str
    line: int
    reason: str


@attrs.frozen(kw_only=True)
class Member:
    """What became of a member of the endpoints.

    Args:
        name: the member, as in `Demographic.Make` or `Attributes`.
        read: how many values were read.
        written: how many of them are in the output.
        lost: how many are not.
    """

    name: str
    read: int
    written: int
    lost: int


@attrs.frozen(kw_only=True)
class Loss:
    """Values of a member that are not in the output, or are there in another form.

    Args:
        member: the member.
        reason: why.
        count: how many values.
    """

    member: str
    reason: str
    count: int


@attrs.frozen(kw_only=True)
class ConversionReport:
    """What `convert` has done; `report.json` in the folder has the same.

    Each endpoint is in a profile, or is `superseded`; each line is an endpoint or is bad. Of each
    member, `read` is `written` plus `lost`.

    Args:
        path: the folder.
        endpoints: endpoints that were read.
        superseded: records of endpoints of which there is a newer one; not converted.
        bad_lines: lines that are no endpoint.
        first_bad_lines: the first 100 of these; `problems.csv` has all.
        profiles: profiles that were written.
        anonymous: profiles of endpoints without a user.
        devices: push tokens in `devices.csv`.
        suppressed: addresses in `suppression.csv`.
        segments: segment definitions that were written.
        templates: templates that were written.
        not_expressible: segments, templates and parts of them that Amazon Connect cannot say.
        members: what became of each member.
        lost: what is not in the output.
        changed: what is there in another form.
        unnamed: names of attributes beyond the 5,000 of the object type: Customer Profiles keeps
            their values in the object, and does not make attributes of them.
        renamed: attributes that have other names now, 5,000 at most: name -> new name.
        files: the files that were written, as paths below the folder.
    """

    path: Path
    endpoints: int
    superseded: int
    bad_lines: int
    first_bad_lines: Sequence[BadLine]
    profiles: int
    anonymous: int
    devices: int
    suppressed: int
    segments: int
    templates: int
    not_expressible: Sequence[str]
    members: Sequence[Member]
    lost: Sequence[Loss]
    changed: Sequence[Loss]
    unnamed: int
    renamed: Mapping[str, str]
    files: Sequence[str]

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON, without the path."""
        members = attrs.asdict(self)
        del members["path"]
        return members

    def __str__(self) -> str:
        lines = [
            (
                f"{self.endpoints:,} endpoints, {self.bad_lines:,} bad lines -> {self.profiles:,}"
                f" profiles ({self.anonymous:,} anonymous), {self.devices:,} devices,"
                f" {self.suppressed:,} addresses in the suppression list"
            ),
        ]
        if self.superseded:
            lines.append(f"{self.superseded:,} older records of the same endpoints left out")
        if self.segments or self.templates or self.not_expressible:
            lines.append(
                f"{self.segments:,} segments and {self.templates:,} templates;"
                f" {len(self.not_expressible):,} notes on what could not be said"
            )
        for word, losses in (("lost", self.lost), ("changed", self.changed)):
            lines += [f"{word}: {loss.count:,} of {loss.member}: {loss.reason}" for loss in losses]
        return "\n".join(lines)


def members_of(ledger: Ledger) -> list[Member]:
    """Return what became of each member, by its name."""
    lost: dict[str, int] = {}
    for (member, _), count in ledger.lost.items():
        lost[member] = lost.get(member, 0) + count
    return [
        Member(name=name, read=read, written=read - lost.get(name, 0), lost=lost.get(name, 0))
        for name, read in sorted(ledger.read.items())
        if read
    ]


def losses_of(counts: Mapping[tuple[str, str], int]) -> list[Loss]:
    """Return counts by member and reason, in their order."""
    return [
        Loss(member=member, reason=reason, count=count)
        for (member, reason), count in sorted(counts.items())
    ]
