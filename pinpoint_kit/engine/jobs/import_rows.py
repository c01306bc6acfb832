"""What a row of an import file means: an endpoint to update, users, or a failure.

How files are read stands in `pinpoint_kit.records`, which the SDK reads them by, too. A row
that cannot be used fails alone and says why without showing what it holds. What is done with rows
belongs to jobs/imports.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import attrs
import orjson

from pinpoint_kit.engine.context import Stamp
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.parsing import parse_patch
from pinpoint_kit.engine.endpoints.state import EndpointState, merge, merge_lists, new_state
from pinpoint_kit.engine.wire.body import (
    check_characters,
    has_null_characters,
    json_step,
    optional_instant,
    optional_text,
)
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request
from pinpoint_kit.limits import Limits
from pinpoint_kit.records.ids import derived_id

if TYPE_CHECKING:
    from pinpoint_kit.engine.endpoints.parsing import Patch

__all__ = ["BadRow", "EndpointRow", "Origin", "Row", "RowMaker", "UsersRow"]

#: Members whose values are words in capital letters.
_IN_CAPITALS = ("ChannelType", "OptOut", "EndpointStatus")
_COHORT = re.compile(r"[0-9]{1,2}")


@attrs.frozen
class Origin:
    """Where imported endpoints come from: what a row itself does not say.

    Attributes:
        app: the number of their application.
        stamp: when and by what they are stored.
        new_id: gives a new id, from which a cohort is drawn.
    """

    app: int
    stamp: Stamp
    new_id: Callable[[], str]


@attrs.define
class EndpointRow:
    """What a row says about one endpoint; see `Change` of endpoints/writer.py.

    Most are new. What they will be is worked out while the row is read, before any lock is held,
    and of the rest only the text is kept: many objects would keep the garbage collector busy.
    """

    line: int
    key: str
    draft: EndpointState = attrs.field(repr=False)
    user_id: str | None = attrs.field(repr=False)
    is_exported: bool
    _text: bytes = attrs.field(repr=False)
    _limits: Limits = attrs.field(repr=False)

    @property
    def id(self) -> str:
        """The endpoint's id as written."""
        return self.draft.id

    @property
    def patch(self) -> Patch:
        """What was said."""
        return _patch(orjson.loads(self._text), self._limits)


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
    """Makes the rows that an import works with.

    Args:
        limits: what is refused.
        origin: where the rows come from. Set it anew when that changes.
    """

    def __init__(self, limits: Limits, origin: Origin) -> None:
        self._limits = limits
        self.origin = origin

    def endpoint(
        self, line: int, members: Mapping[str, object], content: bytes | None = None
    ) -> Row:
        """Return a row with members of an endpoint."""
        try:
            return _endpoint(line, members, content, self.origin, self._limits)
        except ApiError as refusal:
            return BadRow(line, refusal.message)

    def users(self, line: int, user_ids: Sequence[str]) -> Row:
        """Return a row that names nothing but users."""
        try:
            check_characters(user_ids, ".User.UserId")
        except ApiError as refusal:
            return BadRow(line, refusal.message)
        return UsersRow(line, user_ids)

    def bad(self, line: int, reason: str, column: str = "") -> Row:
        """Return a row that cannot be read."""
        if not column:
            return BadRow(line, reason)
        group, _, member = column.partition(".")
        return BadRow(line, f"{reason} @ $.{group}{json_step(member, 0)}")


def _endpoint(
    line: int, source: Mapping[str, object], content: bytes | None, origin: Origin, limits: Limits
) -> EndpointRow:
    text = orjson.dumps(source) if content is None else content
    if has_null_characters(text):
        check_characters(source)
    patch = _patch(source, limits)
    endpoint_id = optional_text(source, "Id")
    if not endpoint_id:
        if not patch.address:
            raise bad_request("Missing Address")
        if not patch.channel_type:
            raise bad_request("Missing ChannelType")
        endpoint_id = derived_id(patch.channel_type, patch.address)
    key, stamp = check_id(endpoint_id), origin.stamp
    draft = new_state(origin.app, key, endpoint_id, stamp.now, origin.new_id())
    is_exported = _restore(draft, source)
    merge(draft, patch, stamp.now, stamp.request_id)
    draft.user_attributes = merge_lists(None, patch.user_attributes)
    return EndpointRow(line, key, draft, patch.user_id, is_exported, text, limits)


def _patch(source: Mapping[str, object], limits: Limits) -> Patch:
    # Files by hand have "Email", as AWS's own sample does.
    for name in _IN_CAPITALS:
        value = source.get(name)
        if isinstance(value, str) and not value.isupper():
            source = {**source, name: value.upper()}
    return parse_patch(source, limits)


def _restore(draft: EndpointState, source: Mapping[str, object]) -> bool:
    """Set what an exported endpoint tells about how it began; return whether it does."""
    created = optional_instant(source, "CreationDate")
    if created is None:
        return False
    draft.creation_date = created
    cohort = optional_text(source, "CohortId")
    if cohort is not None:
        if _COHORT.fullmatch(cohort) is None:
            raise bad_request("must be a number from 0 to 99", ".CohortId")
        draft.cohort = int(cohort)
    return True
