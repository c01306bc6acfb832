"""What a row of an import file means: an endpoint to update, users, or a failure.

How files are read stands in `pinpoint_kit.endpoint_files`, which the SDK reads them by, too. A row
that cannot be used fails alone and says why without showing what it holds. What is done with rows
belongs to import_job.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.endpoint_files.ids import derived_id
from pinpoint_kit.engine.body import optional_instant, optional_text, place
from pinpoint_kit.engine.endpoint_patch import CHANNEL_TYPES, check_id, parse_patch
from pinpoint_kit.engine.endpoint_writer import Birth, Change
from pinpoint_kit.engine.refusals import Refusal, bad_request

if TYPE_CHECKING:
    from pinpoint_kit.limits import Limits

__all__ = ["BadRow", "EndpointRow", "Row", "RowMaker", "UsersRow"]

_COHORT = re.compile(r"[0-9]{1,2}")


@attrs.define
class EndpointRow:
    """What a row says about one endpoint."""

    line: int
    change: Change


@attrs.define
class UsersRow:
    """A row that names nothing but users."""

    line: int
    user_ids: Sequence[str] = attrs.field(repr=False)


@attrs.define
class BadRow:
    """A row that cannot be used."""

    line: int
    reason: str


Row: TypeAlias = EndpointRow | UsersRow | BadRow


class RowMaker:
    """Makes the rows that an import works with."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def endpoint(self, line: int, members: Mapping[str, object]) -> Row:
        """A row with members of an endpoint."""
        try:
            return EndpointRow(line, _change(members, self._limits))
        except Refusal as refusal:
            return BadRow(line, refusal.message)

    def users(self, line: int, user_ids: Sequence[str]) -> Row:
        """A row that names nothing but users."""
        return UsersRow(line, user_ids)

    def bad(self, line: int, reason: str, column: str = "") -> Row:
        """A row that cannot be read."""
        if not column:
            return BadRow(line, reason)
        group, _, member = column.partition(".")
        return BadRow(line, f"{reason} @ $.{group}{place(member, 0)}")


def _change(source: Mapping[str, object], limits: Limits) -> Change:
    channel = source.get("ChannelType")
    if isinstance(channel, str) and channel not in CHANNEL_TYPES:
        # Files by hand have "Email", as AWS's own sample does.
        source = {**source, "ChannelType": channel.upper()}
    patch = parse_patch(source, limits)
    endpoint_id = optional_text(source, "Id")
    if not endpoint_id:
        if not patch.address:
            raise bad_request("Missing Address")
        if not patch.channel_type:
            raise bad_request("Missing ChannelType")
        endpoint_id = derived_id(patch.channel_type, patch.address)
    return Change(check_id(endpoint_id), endpoint_id, patch, _birth(source))


def _birth(source: Mapping[str, object]) -> Birth | None:
    """What an exported endpoint tells about its creation, and others do not."""
    created = optional_instant(source, "CreationDate")
    if created is None:
        return None
    cohort = optional_text(source, "CohortId")
    if cohort is not None and _COHORT.fullmatch(cohort) is None:
        raise bad_request("must be a number from 0 to 99", ".CohortId")
    return Birth(created, None if cohort is None else int(cohort))
