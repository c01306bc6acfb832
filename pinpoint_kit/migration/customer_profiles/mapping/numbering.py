"""Names for values that cannot have the one that they were given, or that share it.

Several values of a name become `plan_0`, `plan_1`. A name that must change, because Customer
Profiles cannot read it, may be another's then: it gets a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.migration.customer_profiles.mapping.ledger import MAX_NAMES
from pinpoint_kit.migration.customer_profiles.mapping.names import MAX_NAME_CHARS, attribute_name
from pinpoint_kit.migration.customer_profiles.mapping.reasons import RENAMED, TAKEN
from pinpoint_kit.migration.customer_profiles.mapping.tables import PREFIX_OF, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger

__all__ = ["Numbering"]


class Numbering:
    """Writes values under their names.

    Attributes:
        names: name of an attribute that had several values -> the names that these get.

    Args:
        ledger: counts names that are not those given.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.names: dict[str, list[str]] = {}

    def add_several(
        self, several: Mapping[str, dict[str, None]], attributes: dict[str, str]
    ) -> None:
        """Put values into the attributes of a profile, numbered.

        Args:
            several: name -> its values, in their order.
            attributes: what is there already; gets the values.
        """
        added: dict[str, str] = {}
        total = 0
        known = self.names
        for base, texts in several.items():
            names = known.get(base)
            count = len(texts)
            total += count
            if names is None or len(names) < count:
                names = self._names_of(base, count)
            if count == 2:  # noqa: PLR2004 -- the usual number, and quicker so
                added[names[0]], added[names[1]] = texts
            else:
                added.update(zip(names, texts, strict=False))
        if len(added) == total and attributes.keys().isdisjoint(added):
            attributes.update(added)
            return
        for base, texts in several.items():  # some of these names were there already
            for index, text in enumerate(texts):
                attributes[_unused(_with_number(base, index), attributes)] = text

    def _names_of(self, base: str, count: int) -> list[str]:
        """Return `plan_0`, `plan_1`, …: as many, or more."""
        names = [_with_number(base, index) for index in range(max(count, USUAL))]
        if len(self.names) < MAX_NAMES:
            self.names[base] = names
        return names

    def add_odd(
        self,
        odd: Mapping[tuple[str, str], dict[str, None]],
        attributes: dict[str, str],
        several: dict[str, dict[str, None]],
    ) -> None:
        """Find names for values that cannot have the one that they were given.

        Args:
            odd: member and name as given -> the values, in their order.
            attributes: what is there already; gets what has one value.
            several: gets what has several values.
        """
        numbers: dict[str, int] = {}
        for (member, given), texts in odd.items():
            wanted = PREFIX_OF.get(member, "") + given
            base = attribute_name(wanted)
            if base != wanted:
                self._ledger.rename(member, RENAMED, given, base)
            found, number = base, numbers.get(base, 1)
            while found in attributes or found in several:
                number += 1
                found = _with_number(base, number)
            if found != base:
                numbers[base] = number
                self._ledger.change(member, TAKEN, name=f"{member}.{given}")
            if len(texts) > 1:
                several[found] = texts
            else:
                (attributes[found],) = texts


def _with_number(base: str, number: int) -> str:
    """Return a name with a number behind it, which is no longer than a name may be."""
    return f"{base[: MAX_NAME_CHARS - 8]}_{number}"


def _unused(name: str, attributes: dict[str, str]) -> str:
    """Return the name, or the next one like it that nothing has yet."""
    name = name[:MAX_NAME_CHARS]
    number = 2
    found = name
    while found in attributes:
        found = _with_number(name, number)
        number += 1
    return found
