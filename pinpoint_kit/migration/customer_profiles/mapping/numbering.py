"""Names for values that cannot have the one that they were given, or that share it.

Several values of a name become `plan_0`, `plan_1`. A name that must change, because Customer
Profiles cannot read it, may be another's then: it gets a number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from pinpoint_kit.migration.customer_profiles.mapping.ledger import MAX_NAMES
from pinpoint_kit.migration.customer_profiles.mapping.names import MAX_NAME_CHARS, attribute_name
from pinpoint_kit.migration.customer_profiles.mapping.reasons import RENAMED, TAKEN
from pinpoint_kit.migration.customer_profiles.mapping.tables import PREFIX_OF, USUAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger

__all__ = ["Numbering", "Values"]

#: Name as given -> its value, or its values in their order when they are several.
Values: TypeAlias = dict[str, "str | dict[str, None]"]


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

    def write(
        self,
        values: Values,
        odd: Mapping[tuple[str, str], Values],
        attributes: dict[str, str],
    ) -> None:
        """Put values into the attributes of a profile.

        Args:
            values: name -> its value, or values.
            odd: member and name as given -> "" -> its value, or values: for names that must
                change, or that another value may have.
            attributes: what is there already; gets the values.
        """
        several: list[tuple[str, dict[str, None]]] = []
        for base, held in values.items():
            if type(held) is dict:
                several.append((base, held))
            else:
                attributes[base] = held  # type: ignore[assignment]  # the other of two types
        if odd:
            self._add_odd(odd, attributes, several)
        before = attributes.copy()
        count = len(attributes)
        known = self.names
        for base, texts in several:
            names = known.get(base)
            if names is None or len(names) < len(texts):
                names = self._names_of(base, len(texts))
            attributes.update(zip(names, texts, strict=False))
            count += len(texts)
        if len(attributes) != count:  # some of these names were there already
            attributes.clear()
            attributes.update(before)
            for base, texts in several:
                for index, text in enumerate(texts):
                    attributes[_unused(_with_number(base, index), attributes)] = text

    def _names_of(self, base: str, count: int) -> list[str]:
        """Return `plan_0`, `plan_1`, …: as many, or more."""
        names = [_with_number(base, index) for index in range(max(count, USUAL))]
        if len(self.names) < MAX_NAMES:
            self.names[base] = names
        return names

    def _add_odd(
        self,
        odd: Mapping[tuple[str, str], Values],
        attributes: dict[str, str],
        several: list[tuple[str, dict[str, None]]],
    ) -> None:
        """Find names for what cannot have the one that it was given."""
        taken = {base for base, _ in several}
        numbers: dict[str, int] = {}
        for (member, given), values in odd.items():
            wanted = PREFIX_OF.get(member, "") + given
            base = attribute_name(wanted)
            if base != wanted:
                self._ledger.rename(member, RENAMED, given, base)
            found, number = base, numbers.get(base, 1)
            while found in attributes or found in taken:
                number += 1
                found = _with_number(base, number)
            if found != base:
                numbers[base] = number
                self._ledger.change(member, TAKEN, name=f"{member}.{given}")
            held = values[""]
            if type(held) is dict:
                several.append((found, held))
                taken.add(found)
            else:
                attributes[found] = held  # type: ignore[assignment]  # the other of two types


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
