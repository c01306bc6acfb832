"""From the endpoints of a user to a profile: what goes where, as the how-to page's table has it.

Nothing is left out without a reason in the ledger. Values that differ are all kept: `plan_0`,
`plan_1`. Memory stays small for a user with a million endpoints: what a profile cannot hold is
counted and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from pinpoint_kit.migration.customer_profiles.ledger import UNKNOWN
from pinpoint_kit.migration.customer_profiles.members import (
    DEFAULTS,
    EMAIL_CHANNELS,
    INACTIVE,
    OPTED_OUT,
    PHONE_CHANNELS,
    PLAIN,
    PUSH_CHANNELS,
    channel_of,
    text_of,
)
from pinpoint_kit.migration.customer_profiles.names import (
    MAX_NAME_CHARS,
    attribute_name,
    user_attribute_name,
)
from pinpoint_kit.migration.customer_profiles.staging import ADDRESS_IN_USE, Suppression

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.migration.customer_profiles.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.staging import StoredEndpoint

__all__ = ["EMAIL_SLOTS", "MAX_OBJECT_BYTES", "PHONE_SLOTS", "Device", "ProfileMaker"]

EMAIL_SLOTS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")
PHONE_SLOTS = ("PhoneNumber", "HomePhoneNumber", "MobilePhoneNumber", "BusinessPhoneNumber")
#: Of one profile object in Customer Profiles, a KB being 1,000 bytes.
MAX_OBJECT_BYTES = 250_000
#: What is not attributes: contacts, address, punctuation.
_RESERVE_BYTES = 10_000
_MAX_VALUE_CHARS = 255
_MAX_RENAMED = 20_000
_LOCATION = ("City", "Country", "PostalCode", "Region")
_COORDINATES = ("Latitude", "Longitude")
_DEMOGRAPHIC = (
    "AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion",
    "Timezone",
)  # fmt: skip
_DEMOGRAPHIC_BASES = {name: f"Demographic_{name}" for name in _DEMOGRAPHIC}
_LOCATION_PATHS = {name: f"Location.{name}" for name in (*_LOCATION, *_COORDINATES)}
_NUMERIC = frozenset({"Metrics", *(f"Location.{name}" for name in _COORDINATES)})
_DEMOGRAPHIC_PATHS = {name: f"Demographic.{name}" for name in _DEMOGRAPHIC}
_PLAIN_NAMES = {name: f"pinpoint_{name}" for name in PLAIN}
_GROUPS = frozenset({"Address", "Attributes", "Demographic", "Location", "Metrics", "User"})

NULL = "null"
EMPTY = "empty"
NOT_AN_OBJECT = "not an object"
NOT_TEXT = "not text"
NO_CHANNEL = "an address without a channel"
TOO_LONG = "longer than 255 characters"
TOO_LARGE = "more than a profile can hold (250 KB)"
NO_MEMBER = "no member of an endpoint"
CUT = "cut to 255 characters"
AS_TEXT = "not text: written as text"
RENAMED = "name changed: written with letters, digits, hyphens and underscores"
TAKEN = "name changed: another value has the name"
REFUSED_VALUE = "not one of Pinpoint's values: taken as a refusal of messages"
HASHED = "longer than 255 characters: ends with a hash"
ESCAPED = "begins like a key of an endpoint without a user: written with user: before it"
IN_USE = "inactive here: only where another endpoint uses it"
SUPPRESSED = "must not be contacted: only in the suppression list"


class Device(NamedTuple):
    """A device that push messages can be sent to."""

    device_id: str
    account_number: str
    token: str
    channel_type: str
    platform: str
    app_version: str
    make: str
    model: str
    effective_date: str


class ProfileMaker:
    """Makes profiles one by one: `begin`, `add` for each endpoint, newest first, then `finish`.

    Args:
        ledger: counts what becomes of each member.
        region_field: the field of `Address` that takes `Location.Region`.
        suppress: takes addresses that must not be contacted.
        device: takes devices.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        region_field: str,
        suppress: Callable[[Suppression], object],
        device: Callable[[Device], object],
    ) -> None:
        self._ledger = ledger
        self._address_fields = {name: name for name in _LOCATION} | {"Region": region_field}
        self._suppress = suppress
        self._device = device
        #: Names of attributes whose values were ever several in a profile.
        self.multiple: set[str] = set()
        self.begin("", is_anonymous=False)

    def begin(self, key: str, *, is_anonymous: bool) -> None:
        """Begin a profile."""
        self._key = key
        self._is_anonymous = is_anonymous
        self._emails: dict[str, None] = {}
        self._phones: dict[str, None] = {}
        self._location: dict[str, str] = {}
        #: Name of an attribute -> its distinct values, in order.
        self._values: dict[str, dict[str, None]] = {}
        #: Name of an attribute -> what it stands for, so that no other takes the name.
        self._owners: dict[str, str] = {}
        #: Owner -> the name that it has instead; taken name -> the latest number behind it.
        self._renamed: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        #: Members of each endpoint, which stay together.
        self._plain: list[dict[str, str]] = []
        #: optOut_CHANNEL, inactive_CHANNEL -> how many endpoints say so, and say the contrary.
        self._refusals: dict[str, list[int]] = {}
        self._left = MAX_OBJECT_BYTES - _RESERVE_BYTES

    def add(self, stored: StoredEndpoint) -> None:
        """Add the next endpoint of the profile."""
        members: dict[str, Any] = orjson.loads(stored.content)
        ledger = self._ledger
        ledger.at(stored.file, stored.line)
        read = ledger.read
        own: dict[str, str] = {}
        for name in members:
            if name in _PLAIN_NAMES:
                self._add_plain(own, name, members[name])
            elif name not in _GROUPS:
                count = _leaves(members[name])
                read[UNKNOWN] += count
                ledger.lose(UNKNOWN, NO_MEMBER, count, name=name)
        if own:
            self._keep_plain(own)
        channel = channel_of(members)
        demographic = self._group(members, "Demographic")
        self._add_address(stored, members, channel, demographic)
        if channel:
            self._add_refusals(stored.flags, channel)
        if demographic:
            self._add_fixed(demographic, "Demographic", _DEMOGRAPHIC_PATHS, self._add_demographic)
        if location := self._group(members, "Location"):
            self._add_location(location)
        if user := self._group(members, "User"):
            self._add_user(user)
        if attributes := self._group(members, "Attributes"):
            self._add_lists(attributes, "Attributes", attribute_name)
        if metrics := self._group(members, "Metrics"):
            self._add_metrics(metrics)

    def _group(self, members: dict[str, Any], name: str) -> dict[str, Any]:
        found = members.get(name)
        if type(found) is dict:
            return found
        if name in members:
            count = _leaves(found)
            self._ledger.read[name] += count
            self._ledger.lose(name, NULL if found is None else NOT_AN_OBJECT, count)
        return {}

    def _add_plain(self, own: dict[str, str], name: str, value: object) -> None:
        self._ledger.read[name] += 1
        text = self._text(value, name)
        if text:
            own[_PLAIN_NAMES[name]] = text
            if name in DEFAULTS and value not in ("ALL", "INACTIVE", DEFAULTS[name]):
                self._ledger.change(name, REFUSED_VALUE)

    def _keep_plain(self, own: dict[str, str]) -> None:
        size = sum(map(len, own.values())) + 40 * len(own)
        if size <= self._left:
            self._left -= size
            self._plain.append(own)
            return
        for name in own:
            self._ledger.lose(name.removeprefix("pinpoint_"), TOO_LARGE)

    def _text(self, value: object, member: str, *, name: str = "") -> str:
        """Return a value as a text that an attribute can have; "" for what is lost."""
        text = value if type(value) is str else text_of(value)
        if not text:
            self._ledger.lose(member, NULL if text is None else EMPTY, name=name)
            return ""
        if len(text) > _MAX_VALUE_CHARS:
            text = text[:_MAX_VALUE_CHARS]
            self._ledger.change(member, CUT, name=name)
        if type(value) is not str and member not in _NUMERIC:
            self._ledger.change(member, AS_TEXT, name=name)
        return text

    def _add_refusals(self, flags: int, channel: str) -> None:
        refusals = self._refusals
        for flag, word in ((OPTED_OUT, "optOut_"), (INACTIVE, "inactive_")):
            counts = refusals.setdefault(word + channel, [0, 0])
            counts[0 if flags & flag else 1] += 1

    def _add_address(
        self,
        stored: StoredEndpoint,
        members: dict[str, Any],
        channel: str,
        demographic: dict[str, Any],
    ) -> None:
        """Put the address where its channel wants it, or into the suppression list."""
        is_given = "Address" in members
        address = members.get("Address")
        if is_given:
            self._ledger.read["Address"] += 1
        flags = stored.flags
        reason = "OPT_OUT" if flags & OPTED_OUT else "INACTIVE" if flags else ""
        if stored.address_flags & OPTED_OUT and not flags & OPTED_OUT:
            reason = "ADDRESS_OPTED_OUT"
        usable = address if type(address) is str else ""
        if reason:
            # An address that another endpoint uses must not be suppressed for that one.
            is_used = bool(usable and stored.address_flags & ADDRESS_IN_USE)
            if not is_used:
                self._suppress(
                    Suppression(channel, usable, reason, self._key, stored.id, stored.effective)
                )
            if usable:
                self._ledger.change("Address", IN_USE if is_used else SUPPRESSED, noted=False)
                return
        if not is_given:
            return
        if not usable:
            lost = NULL if address is None else EMPTY if address == "" else NOT_TEXT
            self._ledger.lose("Address", lost)
        elif channel in EMAIL_CHANNELS or channel in PHONE_CHANNELS:
            self._add_contact(usable, self._emails if channel in EMAIL_CHANNELS else self._phones)
        elif channel in PUSH_CHANNELS:
            self._device(_device(stored, self._key, usable, channel, demographic))
        elif len(usable) > _MAX_VALUE_CHARS:
            self._ledger.lose("Address", TOO_LONG)
        else:
            self._put(f"Address_{channel or 'UNKNOWN'}", "Address", usable, "Address")

    def _add_contact(self, address: str, contacts: dict[str, None]) -> None:
        if address in contacts:
            return
        if len(address) > _MAX_VALUE_CHARS:  # a part of it would be another's
            self._ledger.lose("Address", TOO_LONG)
        elif (size := len(address) + 30) > self._left:
            self._ledger.lose("Address", TOO_LARGE)
        else:
            self._left -= size
            contacts[address] = None

    def _add_fixed(
        self,
        group: dict[str, Any],
        member: str,
        paths: dict[str, str],
        add: Callable[[str, str], None],
    ) -> None:
        """Add members whose names are known."""
        read = self._ledger.read
        for name, value in group.items():
            path = paths.get(name)
            if path is None:
                count = _leaves(value)
                read[UNKNOWN] += count
                self._ledger.lose(UNKNOWN, NO_MEMBER, count, name=f"{member}.{name}")
                continue
            read[path] += 1
            if text := self._text(value, path):
                add(name, text)

    def _add_demographic(self, name: str, text: str) -> None:
        self._put(_DEMOGRAPHIC_BASES[name], "Demographic", text, _DEMOGRAPHIC_PATHS[name])

    def _add_location(self, location: dict[str, Any]) -> None:
        is_first = not self._location

        def add(name: str, text: str) -> None:
            if name not in _COORDINATES:
                field = self._address_fields[name]
                if is_first:
                    self._location[field] = text
                    return
                if self._location.get(field) == text:
                    return
            self._put(f"Location_{name}", "Location", text, _LOCATION_PATHS[name])

        self._add_fixed(location, "Location", _LOCATION_PATHS, add)

    def _add_user(self, user: dict[str, Any]) -> None:
        for name, value in user.items():
            if name == "UserId":
                self._add_user_id(value)
            elif name == "UserAttributes":
                if type(value) is dict:
                    self._add_lists(value, "User.UserAttributes", user_attribute_name)
                else:
                    count = _leaves(value)
                    self._ledger.read["User.UserAttributes"] += count
                    reason = NULL if value is None else NOT_AN_OBJECT
                    self._ledger.lose("User.UserAttributes", reason, count)
            else:
                count = _leaves(value)
                self._ledger.read[UNKNOWN] += count
                self._ledger.lose(UNKNOWN, NO_MEMBER, count, name=f"User.{name}")

    def _add_user_id(self, value: object) -> None:
        """Count the id; it is the key already."""
        self._ledger.read["User.UserId"] += 1
        if value == self._key:
            return
        text = text_of(value)
        if not text:
            self._ledger.lose("User.UserId", NULL if text is None else EMPTY)
        elif text == self._key:
            self._ledger.change("User.UserId", AS_TEXT)
        else:
            is_long = len(text) > _MAX_VALUE_CHARS - len("user:")
            self._ledger.change("User.UserId", HASHED if is_long else ESCAPED)

    def _add_lists(
        self, attributes: dict[str, Any], member: str, name_of: Callable[[str], str]
    ) -> None:
        read = self._ledger.read
        for given, values in attributes.items():
            base = name_of(given)
            if type(values) is not list:
                values = [values]  # noqa: PLW2901 -- one value instead of a list of one
            if not values or not base:
                read[member] += max(len(values), 1)
                self._ledger.lose(member, EMPTY, max(len(values), 1), name=f"{member}.{given}")
                continue
            read[member] += len(values)
            if base[-len(given) :] != given:
                self._ledger.rename(member, RENAMED, given, base)
            for value in values:
                if type(value) is str and 0 < len(value) <= _MAX_VALUE_CHARS:
                    text = value
                else:
                    text = self._text(value, member, name=f"{member}.{given}")
                if text:
                    self._put(base, f"{member}.{given}", text, member)

    def _add_metrics(self, metrics: dict[str, Any]) -> None:
        read = self._ledger.read
        for given, value in metrics.items():
            read["Metrics"] += 1
            text = self._text(value, "Metrics", name=f"Metrics.{given}")
            if text and given:
                base = attribute_name(f"Metrics_{given}")
                if base[-len(given) :] != given:
                    self._ledger.rename("Metrics", RENAMED, given, base)
                self._put(base, f"Metrics.{given}", text, "Metrics")
            elif text:
                self._ledger.lose("Metrics", EMPTY)

    def _put(self, base: str, owner: str, text: str, member: str) -> None:
        """Keep a value under a name, or under the next free one like it."""
        held = self._owners.get(base)
        if held is not None and held != owner:
            self._ledger.change(member, TAKEN, name=owner)
            base = self._free(base, owner)
            held = self._owners.get(base)
        if held is not None and text in self._values[base]:
            return
        size = len(base) + len(text) + 12
        if size > self._left:
            self._ledger.lose(member, TOO_LARGE, name=owner)
            return
        self._left -= size
        if held is None:
            self._owners[base] = owner
            self._values[base] = {text: None}
        else:
            self._values[base][text] = None

    def _free(self, base: str, owner: str) -> str:
        """Return the name that this owner has instead of a taken one, or a free one."""
        number = self._numbers.get(base, 1)
        if (held := self._renamed.get(owner)) is not None:
            return held
        found = base
        while self._owners.get(found, owner) != owner:
            number += 1
            found = _numbered(base, number)
        if len(self._renamed) < _MAX_RENAMED:  # beyond, they are too many for a profile anyway
            self._numbers[base] = number
            self._renamed[owner] = found
        return found

    def finish(self) -> dict[str, object]:
        """Return the profile object."""
        profile: dict[str, object] = {"AccountNumber": self._key}
        if self._is_anonymous:
            profile["PartyTypeString"] = "anonymous"
        attributes: dict[str, str] = {}
        for slots, addresses in ((EMAIL_SLOTS, self._emails), (PHONE_SLOTS, self._phones)):
            for index, address in enumerate(addresses):
                if index < len(slots):
                    profile[slots[index]] = address
                else:
                    attributes[f"{slots[0]}_{index}"] = address
        if self._location:
            profile["Address"] = self._location
        self._finish_plain(attributes)
        for name, (refused, others) in self._refusals.items():
            if refused:
                attributes[name] = "SOME" if others else "ALL"
        self._finish_values(attributes)
        if attributes:
            profile["Attributes"] = attributes
        return profile

    def _finish_plain(self, attributes: dict[str, str]) -> None:
        if len(self._plain) == 1:
            attributes.update(self._plain[0])
            return
        for index, own in enumerate(self._plain):
            for name, text in own.items():
                attributes[f"{name}_{index}"] = text

    def _finish_values(self, attributes: dict[str, str]) -> None:
        several = []
        for base, values in self._values.items():
            if len(values) == 1 and base not in attributes:
                (attributes[base],) = values
            elif values:
                several.append(base)
        for base in several:
            values = self._values[base]
            if len(values) == 1:  # its name is another's
                (text,) = values
                attributes[_unused(base, attributes)] = text
                continue
            self.multiple.add(base)
            for index, text in enumerate(values):
                attributes[_unused(f"{base}_{index}", attributes)] = text


def _numbered(base: str, number: int) -> str:
    return f"{base[: MAX_NAME_CHARS - 8]}_{number}"


def _unused(name: str, attributes: dict[str, str]) -> str:
    """Return the name, or the next one like it that nothing has yet."""
    name = name[:MAX_NAME_CHARS]
    number = 2
    found = name
    while found in attributes:
        found = _numbered(name, number)
        number += 1
    return found


def _device(
    stored: StoredEndpoint, key: str, token: str, channel: str, demographic: dict[str, Any]
) -> Device:
    def shown(name: str) -> str:
        return text_of(demographic.get(name)) or ""

    return Device(
        stored.id,
        key,
        token,
        channel,
        shown("Platform"),
        shown("AppVersion"),
        shown("Make"),
        shown("Model"),
        stored.effective,
    )


def _leaves(value: object) -> int:
    """Return how many values there are; an empty group counts as one."""
    if isinstance(value, dict):
        return sum(map(_leaves, value.values())) or 1
    if isinstance(value, list):
        return sum(map(_leaves, value)) or 1
    return 1
