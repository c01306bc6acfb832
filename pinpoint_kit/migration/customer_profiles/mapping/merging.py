"""From the endpoints of a user to a profile, one profile at a time.

Values that differ are all kept: `plan_0`, `plan_1`. Memory stays small for a user with a million
endpoints: what a profile cannot hold is counted and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.migration.customer_profiles.mapping.losses import member_of
from pinpoint_kit.migration.customer_profiles.mapping.members import INACTIVE, OPTED_OUT
from pinpoint_kit.migration.customer_profiles.mapping.numbering import Numbering
from pinpoint_kit.migration.customer_profiles.mapping.reasons import TOO_LARGE
from pinpoint_kit.migration.customer_profiles.mapping.tables import (
    EMAIL_SLOTS,
    PHONE_SLOTS,
    USUAL,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.packing import Plan

__all__ = ["MAX_OBJECT_BYTES", "Merger"]

#: Of one profile object in Customer Profiles, a KB being 1,000 bytes.
MAX_OBJECT_BYTES = 250_000
#: Orders of plain members that are known at a time; an export has a few.
_MAX_KNOWN = 500


class Merger:
    """Merges what endpoints have into profiles: `begin`, then each endpoint, then `finish`.

    Args:
        ledger: counts what a profile cannot hold.
        region_field: the field of `Address` that takes `Location.Region`.

    Attributes:
        key: of the profile.
        emails: its addresses, in their order.
        phones: its numbers, in their order.
        attributes: those of the profile that was finished last.
    """

    def __init__(self, ledger: Ledger, *, region_field: str) -> None:
        self._ledger = ledger
        self._fields = {f"Location_{name}": name for name in ("City", "Country", "PostalCode")}
        self._fields["Location_Region"] = region_field
        self._numbering = Numbering(ledger)
        #: Names of plain members -> the same with the number of an endpoint behind them.
        self._numbered: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
        self.begin("", is_anonymous=False)

    @property
    def multiple(self) -> Iterable[str]:
        """Names of attributes whose values were several in a profile; 5,000 at most."""
        return self._numbering.names.keys()

    def begin(self, key: str, *, is_anonymous: bool) -> None:
        """Begin a profile."""
        self.key = key
        self._is_anonymous = is_anonymous
        self.emails: dict[str, None] = {}
        self.phones: dict[str, None] = {}
        self.attributes: dict[str, str] = {}
        self._place: dict[str, str] = {}
        #: Names and texts of the plain members of each endpoint, which stay together.
        self._plain: list[tuple[tuple[str, ...], Sequence[str]]] = []
        self._channels: list[str] = []
        self._refused: list[tuple[str, int]] = []
        #: Name -> the value of what has one, and the values, in their order, of what has several.
        self._single: dict[str, str] = {}
        self._several: dict[str, dict[str, None]] = {}
        #: The same by member and name, where the name must change, or may be another's.
        self._odd: dict[tuple[str, str], dict[str, None]] = {}

    # What an endpoint has.

    def add_channel(self, channel: str, flags: int) -> None:
        """Note that an endpoint has the channel, and why it may not be contacted by it."""
        self._channels.append(channel)
        if flags:
            self._refused.append((channel, flags))

    def add_plain(self, names: tuple[str, ...], texts: Sequence[str]) -> None:
        """Add the plain members of an endpoint; there may be more texts than names."""
        if names:
            self._plain.append((names, texts))

    def merge(self, plan: Plan, texts: Sequence[str]) -> None:
        """Add all that a packed endpoint has but for its address and its plain members."""
        single, several = self._single, self._several
        if not single and not several:
            single.update(zip(plan.singles, plan.singles_of(texts), strict=True))
        else:
            for base, text in zip(plan.singles, plan.singles_of(texts), strict=True):
                held = single.get(base)
                if held == text:
                    continue
                if held is not None:
                    several[base] = {single.pop(base): None, text: None}
                elif base in several:
                    several[base][text] = None
                else:
                    single[base] = text
        for base, begin, end in plan.groups:
            self.put_all(base, texts[begin:end])
        for member, given, begin, end in plan.odd:
            for text in texts[begin:end]:
                self.put_odd(member, given, text)
        if plan.place:
            begin, end = plan.place_at
            self.add_place(plan.place, texts[begin:end])

    def put(self, base: str, text: str) -> None:
        """Keep the value of a name, or one more."""
        held = self._single.get(base)
        if held is None:
            if base in self._several:
                self._several[base][text] = None
            else:
                self._single[base] = text
        elif held != text:
            self._several[base] = {self._single.pop(base): None, text: None}

    def put_all(self, base: str, texts: Sequence[str]) -> None:
        """Keep several values of a name."""
        held = self._several.get(base)
        if held is not None:
            for text in texts:
                held[text] = None
            return
        values = dict.fromkeys(texts)
        if base in self._single or len(values) == 1:
            for text in values:
                self.put(base, text)
        else:
            self._several[base] = values

    def put_odd(self, member: str, given: str, text: str) -> None:
        """Keep a value whose name must change, or may be another's."""
        self._odd.setdefault((member, given), {})[text] = None

    def add_place(self, names: Sequence[str], texts: Sequence[str]) -> None:
        """Add where an endpoint is: the first place is the profile's address."""
        place, fields = self._place, self._fields
        if not place:
            place.update(zip(map(fields.__getitem__, names), texts, strict=True))
            return
        for name, text in zip(names, texts, strict=True):
            if place.get(fields[name]) != text:
                self.put(name, text)

    # What becomes of all this.

    def finish(self) -> bytes:
        """Return the profile object as a line of JSON, and count what it cannot hold."""
        profile: dict[str, object] = {"AccountNumber": self.key}
        if self._is_anonymous:
            profile["PartyTypeString"] = "anonymous"
        attributes: dict[str, str] = {}
        if self.emails:
            _fill(EMAIL_SLOTS, self.emails, profile, attributes)
        if self.phones:
            _fill(PHONE_SLOTS, self.phones, profile, attributes)
        if self._place:
            profile["Address"] = self._place
        self._finish_plain(attributes)
        if self._refused:
            self._finish_channels(attributes)
        attributes.update(self._single)
        if self._odd:
            self._numbering.add_odd(self._odd, attributes, self._several)
        if self._several:
            self._numbering.add_several(self._several, attributes)
        self.attributes = attributes
        if attributes:
            profile["Attributes"] = attributes
        line = orjson.dumps(profile, option=orjson.OPT_APPEND_NEWLINE)
        size = len(line) - 1
        return line if size <= MAX_OBJECT_BYTES else self._cut(profile, size)

    def _finish_plain(self, attributes: dict[str, str]) -> None:
        if len(self._plain) == 1:
            names, texts = self._plain[0]
            attributes.update(zip(names, texts, strict=False))
            return
        for index, (names, texts) in enumerate(self._plain):
            known = self._numbered.get(names)
            if known is None:
                if len(self._numbered) >= _MAX_KNOWN:
                    self._numbered.clear()
                known = self._numbered[names] = [
                    tuple(f"{name}_{number}" for name in names) for number in range(USUAL)
                ]
            if index < USUAL:
                attributes.update(zip(known[index], texts, strict=False))
            else:
                numbered = [f"{name}_{index}" for name in names]
                attributes.update(zip(numbered, texts, strict=False))

    def _finish_channels(self, attributes: dict[str, str]) -> None:
        """Say by which channels the person does not want to be contacted."""
        for given in dict.fromkeys(self._channels):
            channel = given or "UNKNOWN"
            count = self._channels.count(given)
            flags = [flags for other, flags in self._refused if other == given]
            for name, flag in (("optOut", OPTED_OUT), ("inactive", INACTIVE)):
                refused = sum(bool(each & flag) for each in flags)
                if refused:
                    attributes[f"{name}_{channel}"] = "ALL" if refused == count else "SOME"

    def _cut(self, profile: dict[str, object], size: int) -> bytes:
        """Leave out the last attributes of a profile that is too large."""
        attributes = self.attributes
        while size > MAX_OBJECT_BYTES:
            name, text = attributes.popitem()
            size -= len(orjson.dumps({name: text})) - 1
            self._ledger.lose(member_of(name), TOO_LARGE, name=name)
        return orjson.dumps(profile, option=orjson.OPT_APPEND_NEWLINE)


def _fill(
    slots: tuple[str, ...],
    addresses: dict[str, None],
    profile: dict[str, object],
    attributes: dict[str, str],
) -> None:
    """Put addresses into the fields that a profile has for them, and the rest into attributes."""
    for index, address in enumerate(addresses):
        if index < len(slots):
            profile[slots[index]] = address
        else:
            attributes[f"{slots[0]}_{index}"] = address
