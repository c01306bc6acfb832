"""`Spellings`: which addresses are one of some, however they are written.

For whoever looks for what is stored of an address. What counts as one address says contacts.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.records.contacts import (
    EMAIL_CHANNELS,
    PHONE_CHANNELS,
    comparable,
    may_be_number,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typing_extensions import Self

__all__ = ["Spellings"]

_EMAIL, _PHONE = "EMAIL", "SMS"


@attrs.frozen
class Spellings:
    """All spellings of some addresses.

    E-mail is compared without case, names and such around it, telephone numbers by their digits,
    addresses of all other channels letter by letter.

    Attributes:
        exact: the addresses as they were given.
        mailboxes: those that may be of e-mail, in the form that is compared.
        numbers: those that may be telephone numbers, the same.
    """

    exact: frozenset[str] = attrs.field(repr=False)
    mailboxes: frozenset[str] = attrs.field(repr=False)
    numbers: frozenset[str] = attrs.field(repr=False)

    @classmethod
    def of(cls, addresses: Iterable[str]) -> Self:
        """Return the spellings of these addresses, of whatever channels they are."""
        exact = frozenset(addresses)
        forms = {form for each in exact if "@" in (form := comparable(_EMAIL, each))}
        numbers = {comparable(_PHONE, each) for each in exact if may_be_number(each)}
        return cls(exact, frozenset(forms), frozenset(each for each in numbers if each[:1] == "+"))

    @property
    def forms(self) -> frozenset[str]:
        """The addresses as they were given, and in the forms that are compared."""
        return self.exact | self.mailboxes | self.numbers

    def has(self, channel: str | None, address: str) -> bool:
        """Return whether an address of a channel is one of these.

        Examples:
            >>> whom = Spellings.of(["ana@example.com", "+1 206 555 0100"])
            >>> whom.has("EMAIL", "Ana <Ana@Example.com>"), whom.has("SMS", "0012065550100")
            (True, True)
            >>> whom.has("CUSTOM", "Ana@Example.com"), whom.has("EMAIL", "nana@example.com")
            (False, False)
        """
        if address in self.exact:
            return True
        if channel in EMAIL_CHANNELS:
            return comparable(_EMAIL, address) in self.mailboxes
        return channel in PHONE_CHANNELS and comparable(_PHONE, address) in self.numbers

    def may_have(self, address: str) -> bool:
        """Return whether an address is one of these, unless its channel says otherwise."""
        if address in self.exact:
            return True
        if self.mailboxes and ("@" in address or not address.isascii()):
            return self.has(_EMAIL, address)
        return bool(self.numbers) and may_be_number(address) and self.has(_PHONE, address)
