"""What becomes of addresses: contacts, devices, or rows of the suppression list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.migration.customer_profiles.mapping.members import OPTED_OUT, PUSH_CHANNELS
from pinpoint_kit.migration.customer_profiles.mapping.reasons import (
    IN_USE,
    SUPPRESSED,
    TOO_LARGE,
    TOO_LONG,
)
from pinpoint_kit.migration.customer_profiles.mapping.tables import MAX_VALUE_CHARS
from pinpoint_kit.migration.customer_profiles.staging import ADDRESS_IN_USE, Suppression
from pinpoint_kit.records.contacts import EMAIL_CHANNELS, PHONE_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.merging import Merger
    from pinpoint_kit.migration.customer_profiles.staging import StoredEndpoint

__all__ = ["DEVICE_COLUMNS", "Addresses"]


#: What the table of devices has of a device that push messages can be sent to.
DEVICE_COLUMNS = (
    "device_id", "account_number", "token", "channel_type", "platform", "app_version", "make",
    "model", "effective_date",
)  # fmt: skip


class Addresses:
    """Decides where addresses go.

    Args:
        ledger: counts what is lost or changed.
        merger: takes contacts.
        suppress: takes addresses that must not be contacted.

    Attributes:
        device: takes rows of the table of devices; whoever adds addresses sets it before.
    """

    device: Callable[[Sequence[str]], object]

    def __init__(
        self,
        ledger: Ledger,
        merger: Merger,
        *,
        suppress: Callable[[Suppression], object],
    ) -> None:
        self._ledger = ledger
        self._merger = merger
        self._suppress = suppress

    def add(
        self,
        stored: StoredEndpoint,
        channel: str,
        address: str,
        shown: Sequence[str],
        *,
        is_full: bool = False,
    ) -> None:
        """Put the address of an endpoint where its channel wants it.

        Args:
            stored: the endpoint.
            channel: its channel.
            address: its address; "" when it has none.
            shown: what a device has of `Demographic`.
            is_full: the profile takes no more.
        """
        if stored.flags or stored.address_flags & OPTED_OUT:
            self._refuse(stored, channel, address)
        elif not address:
            return
        elif channel in PUSH_CHANNELS:
            self._ledger.counts["devices"] += 1
            self.device((stored.id, stored.key, address, channel, *shown, stored.effective))
        elif channel in EMAIL_CHANNELS:
            self._add_contact(address, self._merger.emails, is_full=is_full)
        elif channel in PHONE_CHANNELS:
            self._add_contact(address, self._merger.phones, is_full=is_full)
        elif reason := self._obstacle(address, is_full=is_full):
            self._ledger.lose("Address", reason)
        else:
            self._merger.put(f"Address_{channel or 'UNKNOWN'}", address)

    def _add_contact(self, address: str, contacts: dict[str, None], *, is_full: bool) -> None:
        if address in contacts:
            return
        if reason := self._obstacle(address, is_full=is_full):
            self._ledger.lose("Address", reason)
        else:
            contacts[address] = None

    @staticmethod
    def _obstacle(address: str, *, is_full: bool) -> str:
        """Return why a profile cannot have an address; "" if it can."""
        if len(address) > MAX_VALUE_CHARS:  # a part of it would be another's
            return TOO_LONG
        return TOO_LARGE if is_full else ""

    def _refuse(self, stored: StoredEndpoint, channel: str, address: str) -> None:
        """Put an address into the suppression list."""
        # An address that another endpoint uses must not be suppressed for that one.
        is_used = bool(address and stored.address_flags & ADDRESS_IN_USE)
        if not is_used:
            if stored.flags & OPTED_OUT:
                reason = "OPT_OUT"
            elif stored.address_flags & OPTED_OUT:
                reason = "ADDRESS_OPTED_OUT"
            else:
                reason = "INACTIVE"
            self._suppress(
                Suppression(channel, address, reason, stored.key, stored.id, stored.effective)
            )
        if address:
            self._ledger.change("Address", IN_USE if is_used else SUPPRESSED, noted=False)
