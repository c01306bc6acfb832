"""Counting of values that are lost as a group, whatever stands in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.migration.customer_profiles.mapping.ledger import UNKNOWN
from pinpoint_kit.migration.customer_profiles.mapping.reasons import (
    NO_MEMBER,
    TOO_LARGE,
)
from pinpoint_kit.migration.customer_profiles.mapping.tables import (
    GROUPS,
    PATHS,
    PLAIN_NAMES,
    PREFIXES,
)

if TYPE_CHECKING:
    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger

__all__ = ["lose", "lose_all", "member_of"]


def lose(ledger: Ledger, value: object, member: str, reason: str, name: str = "") -> None:
    """Count all values of a group as read and lost."""
    count = leaves(value)
    ledger.read[member] += count
    ledger.lose(member, reason, count, name=name)


def lose_all(members: dict[str, Any], ledger: Ledger) -> None:
    """Count an endpoint as lost, but for its address."""
    for name, value in members.items():
        if name == "Address":
            continue
        if name in {"Demographic", "Location", "User"} and type(value) is dict:
            for inner, each in value.items():
                path = f"{name}.{inner}"
                if path == "User.UserId":  # the key of the profile
                    ledger.read[path] += 1
                else:
                    lose(ledger, each, path if path in PATHS else UNKNOWN, TOO_LARGE, path)
        elif name in PLAIN_NAMES or name in GROUPS:
            lose(ledger, value, name, TOO_LARGE)
        else:
            lose(ledger, value, UNKNOWN, NO_MEMBER, name)


def member_of(name: str) -> str:
    """Return the member that an attribute was made of."""
    base = name.rstrip("0123456789").rstrip("_")
    if base.startswith("pinpoint_"):
        return base.removeprefix("pinpoint_")
    for prefix, member in PREFIXES.items():
        if base.startswith(prefix):
            path = f"{member}.{base.removeprefix(prefix)}"
            return path if path in PATHS else member
    return "Attributes"


def leaves(value: object) -> int:
    """Return how many values there are; an empty group counts as one."""
    try:
        if isinstance(value, dict):
            return sum(map(leaves, value.values())) or 1
        if isinstance(value, list):
            return sum(map(leaves, value)) or 1
    except RecursionError:
        return 1
    return 1
