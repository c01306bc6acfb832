"""Endpoints as they stand in a file, whatever it is, with a reason for each value that is lost.

Nothing is left out without one in the ledger. What packing.py can do comes out of here just so,
only later: the order of the values is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.migration.customer_profiles.mapping.ledger import UNKNOWN
from pinpoint_kit.migration.customer_profiles.mapping.losses import lose
from pinpoint_kit.migration.customer_profiles.mapping.members import DEFAULTS, text_of
from pinpoint_kit.migration.customer_profiles.mapping.names import own_name
from pinpoint_kit.migration.customer_profiles.mapping.reasons import (
    AS_TEXT,
    CUT,
    EMPTY,
    ESCAPED,
    HASHED,
    NESTED,
    NO_MEMBER,
    NO_NUMBER,
    NOT_AN_OBJECT,
    NULL,
    REFUSED_VALUE,
)
from pinpoint_kit.migration.customer_profiles.mapping.tables import (
    DEMOGRAPHIC_NAMES,
    GROUPS,
    KNOWN_REFUSALS,
    LOCATION_NAMES,
    MAX_VALUE_CHARS,
    NUMERIC,
    PLAIN_NAMES,
    TOP_PATHS,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.mapping.merging import Merger

__all__ = ["Flattener"]


class Flattener:
    """Hands the values of endpoints to a merger, as texts.

    Args:
        ledger: counts what becomes of each member.
        merger: takes the values.
    """

    def __init__(self, ledger: Ledger, merger: Merger) -> None:
        self._ledger = ledger
        self._merger = merger
        #: Values of names with several, which come after all others.
        self._groups: list[tuple[str, list[str]]] = []

    def add(self, members: dict[str, Any]) -> None:
        """Add an endpoint but for its address."""
        ledger = self._ledger
        names, texts = [], []
        for name, value in members.items():
            if name in PLAIN_NAMES:
                ledger.read[name] += 1
                if text := self._text(value, name):
                    names.append(PLAIN_NAMES[name])
                    texts.append(text)
            elif name not in GROUPS:
                lose(ledger, value, UNKNOWN, NO_MEMBER, name)
        self._merger.add_plain(tuple(names), texts)
        for name in DEFAULTS:
            if members.get(name) not in KNOWN_REFUSALS:
                ledger.change(name, REFUSED_VALUE)
        self._add_lists(self._group(members, "Attributes"), "Attributes", "")
        self._add_user(self._group(members, "User"))
        self._add_demographic(self._group(members, "Demographic"))
        self._add_metrics(self._group(members, "Metrics"))
        place = self._add_coordinates(self._group(members, "Location"))
        for base, values in self._groups:
            self._merger.put_all(base, values)
        self._groups.clear()
        self._merger.add_place([*place], [*place.values()])

    def _group(self, members: dict[str, Any], name: str) -> dict[str, Any]:
        """Return a member that should be an object; an empty one for what is none."""
        if name not in members:
            return {}
        group = members[name]
        if type(group) is dict:
            return group
        reason = NULL if group is None else NOT_AN_OBJECT
        lose(self._ledger, group, TOP_PATHS.get(name, name), reason, name)
        return {}

    def _text(self, value: object, member: str, name: str = "") -> str:
        """Return a value as a text that an attribute can have; "" for what is lost."""
        text = value if type(value) is str else text_of(value)
        if not text:
            reason = NULL if value is None else EMPTY if value == "" else NESTED
            self._ledger.lose(member, reason, name=name)
            return ""
        if len(text) > MAX_VALUE_CHARS:
            text = text[:MAX_VALUE_CHARS]
            self._ledger.change(member, CUT, name=name)
        is_number = type(value) is float or type(value) is int
        if not is_number or member not in NUMERIC:
            if type(value) is not str:
                self._ledger.change(member, AS_TEXT, name=name)
            elif member in NUMERIC:
                self._ledger.change(member, NO_NUMBER, name=name)
        return text

    def _add_lists(self, attributes: dict[str, Any], member: str, prefix: str) -> None:
        """Add attributes, whose values are lists of texts."""
        ledger, merger = self._ledger, self._merger
        for given, values in attributes.items():
            if type(values) is not list:
                values = [values]  # noqa: PLW2901 -- one value instead of a list of one
            ledger.read[member] += len(values) or 1
            name = f"{member}.{given}"
            if not values or not given:
                ledger.lose(member, EMPTY, len(values) or 1, name=name)
                continue
            texts = [text for value in values if (text := self._text(value, member, name))]
            base = own_name(prefix, given)
            if not base:
                for text in texts:
                    merger.put_odd(member, given, text)
            elif not texts:
                continue
            elif len(values) > 1:
                self._groups.append((base, texts))
            else:
                merger.put(base, texts[0])

    def _add_user(self, user: dict[str, Any]) -> None:
        ledger = self._ledger
        for name, value in user.items():
            if name == "UserId":
                ledger.read["User.UserId"] += 1
                if value != self._merger.key:
                    self._add_user_id(value)
            elif name == "UserAttributes":
                if type(value) is dict:
                    self._add_lists(value, "User.UserAttributes", "User_")
                else:
                    reason = NULL if value is None else NOT_AN_OBJECT
                    lose(ledger, value, "User.UserAttributes", reason)
            else:
                lose(ledger, value, UNKNOWN, NO_MEMBER, f"User.{name}")

    def _add_user_id(self, value: object) -> None:
        """Count an id that is not the key as it is."""
        text = text_of(value)
        if not text:
            self._ledger.lose("User.UserId", NULL if text is None else EMPTY)
        elif text == self._merger.key:
            self._ledger.change("User.UserId", AS_TEXT)
        else:
            is_long = len(text) > MAX_VALUE_CHARS - len("user:")
            self._ledger.change("User.UserId", HASHED if is_long else ESCAPED)

    def _add_demographic(self, group: dict[str, Any]) -> None:
        for _, base, text in self._named(group, "Demographic", DEMOGRAPHIC_NAMES):
            self._merger.put(base, text)

    def _add_metrics(self, metrics: dict[str, Any]) -> None:
        for given, value in metrics.items():
            self._ledger.read["Metrics"] += 1
            text = self._text(value, "Metrics", f"Metrics.{given}")
            if not text:
                continue
            if not given:
                self._ledger.lose("Metrics", EMPTY)
            elif base := own_name("Metrics_", given):
                self._merger.put(base, text)
            else:
                self._merger.put_odd("Metrics", given, text)

    def _add_coordinates(self, location: dict[str, Any]) -> dict[str, str]:
        """Add the numbers of a location, and return the names and texts of the rest."""
        place = {}
        for path, base, text in self._named(location, "Location", LOCATION_NAMES):
            if path in NUMERIC:
                self._merger.put(base, text)
            else:
                place[base] = text
        return place

    def _named(
        self, group: dict[str, Any], member: str, names: Mapping[str, tuple[str, str]]
    ) -> Iterator[tuple[str, str, str]]:
        """Yield the path, the name and the text of what is not lost of members that are known."""
        for name, value in group.items():
            if name not in names:
                lose(self._ledger, value, UNKNOWN, NO_MEMBER, f"{member}.{name}")
                continue
            path, base = names[name]
            self._ledger.read[path] += 1
            if text := self._text(value, path):
                yield path, base, text
