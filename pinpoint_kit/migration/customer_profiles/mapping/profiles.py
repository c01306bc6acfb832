"""`ProfileMaker`: makes profiles of the endpoints in the work file, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.migration.customer_profiles.mapping.addresses import Addresses
from pinpoint_kit.migration.customer_profiles.mapping.flattening import Flattener
from pinpoint_kit.migration.customer_profiles.mapping.losses import lose_all
from pinpoint_kit.migration.customer_profiles.mapping.members import channel_of, text_of
from pinpoint_kit.migration.customer_profiles.mapping.merging import Merger
from pinpoint_kit.migration.customer_profiles.mapping.packing import SEPARATOR
from pinpoint_kit.migration.customer_profiles.mapping.reasons import (
    EMPTY,
    NOT_TEXT,
    NULL,
    TOO_LARGE,
)
from pinpoint_kit.migration.customer_profiles.mapping.tables import DEVICE_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.packing import Plans
    from pinpoint_kit.migration.customer_profiles.staging import StoredEndpoint, Suppression

__all__ = ["ProfileMaker"]

#: As much of endpoints is taken for one profile, which then is far larger than it may be.
_MAX_TAKEN = 2_000_000


class ProfileMaker:
    """Makes profiles: `begin`, `add` for each endpoint, newest first, then `finish`.

    Args:
        ledger: counts what becomes of each member.
        plans: those of the endpoints that were packed.
        region_field: the field of `Address` that takes `Location.Region`.
        suppress: takes addresses that must not be contacted.

    Attributes:
        addresses: decides where addresses go.
    """

    def __init__(
        self,
        ledger: Ledger,
        plans: Plans,
        *,
        region_field: str,
        suppress: Callable[[Suppression], object],
    ) -> None:
        self._ledger = ledger
        self._plans = plans
        self._merger = Merger(ledger, region_field=region_field)
        self.addresses = Addresses(ledger, self._merger, suppress=suppress)
        self._flattener = Flattener(ledger, self._merger)
        self._taken = 0

    @property
    def multiple(self) -> Iterable[str]:
        """Names of attributes whose values were several in a profile; 5,000 at most."""
        return self._merger.multiple

    @property
    def attributes(self) -> Iterable[str]:
        """Names of the attributes of the profile that was finished last."""
        return self._merger.attributes

    def begin(self, key: str, *, is_anonymous: bool) -> None:
        """Begin a profile."""
        self._taken = 0
        self._merger.begin(key, is_anonymous=is_anonymous)

    def add(self, stored: StoredEndpoint) -> None:
        """Add the next endpoint of the profile."""
        self._ledger.at(stored.file, stored.line)
        content = stored.content
        is_full = self._taken > _MAX_TAKEN
        self._taken += len(content)
        if type(content) is str:
            self._add_packed(stored, content, is_full=is_full)
        else:
            self._add_members(stored, orjson.loads(content), is_full=is_full)

    def _add_packed(self, stored: StoredEndpoint, content: str, *, is_full: bool) -> None:
        texts = content.split(SEPARATOR)
        plan = self._plans.marked[texts[-1]]
        texts[-1] = ""  # that of what is missing
        plan.count += 1
        channel, address, *shown = plan.contact_of(texts)
        if is_full or self._taken > _MAX_TAKEN:
            self.addresses.add(stored, channel, address, shown, is_full=is_full)
            for member, count in plan.reads.items():
                if member not in {"Address", "User.UserId"}:  # which is the key of the profile
                    self._ledger.lose(member, TOO_LARGE, count)
            return
        self.addresses.add(stored, channel, address, shown)
        merger = self._merger
        merger.add_channel(channel, stored.flags)
        merger.add_plain(plan.plain, texts)
        merger.merge(plan, texts)

    def _add_members(
        self, stored: StoredEndpoint, members: dict[str, Any], *, is_full: bool
    ) -> None:
        channel = channel_of(members)
        address = members.get("Address")
        usable = address if type(address) is str else ""
        shown = _shown(members.get("Demographic"))
        self.addresses.add(stored, channel, usable, shown, is_full=is_full)
        if "Address" in members:
            self._ledger.read["Address"] += 1
            if not usable:
                lost = NULL if address is None else EMPTY if address == "" else NOT_TEXT
                self._ledger.lose("Address", lost)
        if self._taken > _MAX_TAKEN:
            lose_all(members, self._ledger)
            return
        self._merger.add_channel(channel, stored.flags)
        self._flattener.add(members)

    def finish(self) -> bytes:
        """Return the profile object as a line of JSON, and count what it cannot hold."""
        return self._merger.finish()

    def count(self) -> None:
        """Tell the ledger what was merged since the last time."""
        self._plans.count(self._ledger)


def _shown(demographic: object) -> list[str]:
    """Return what a device has of it."""
    get = demographic.get if isinstance(demographic, dict) else {}.get
    return [text_of(get(name)) or "" for name in DEVICE_MEMBERS]
