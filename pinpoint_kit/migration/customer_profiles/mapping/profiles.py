"""From the endpoints of a user to a profile: what goes where, as the how-to page's table has it.

Nothing is left out without a reason in the ledger. Values that differ are all kept: `plan_0`,
`plan_1`. Memory stays small for a user with a million endpoints: what a profile cannot hold is
counted and dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import attrs
import orjson

from pinpoint_kit.migration.customer_profiles.mapping.ledger import MAX_NAMES, UNKNOWN
from pinpoint_kit.migration.customer_profiles.mapping.losses import (
    lose,
    lose_all,
    member_of,
)
from pinpoint_kit.migration.customer_profiles.mapping.members import (
    DEFAULTS,
    EMAIL_CHANNELS,
    INACTIVE,
    OPTED_OUT,
    PHONE_CHANNELS,
    PUSH_CHANNELS,
    channel_of,
    text_of,
)
from pinpoint_kit.migration.customer_profiles.mapping.names import attribute_name
from pinpoint_kit.migration.customer_profiles.mapping.numbering import Numbering, Values
from pinpoint_kit.migration.customer_profiles.mapping.reasons import (
    AS_TEXT,
    CUT,
    EMPTY,
    ESCAPED,
    HASHED,
    IN_USE,
    NESTED,
    NO_MEMBER,
    NO_NUMBER,
    NOT_AN_OBJECT,
    NOT_TEXT,
    NULL,
    REFUSED_VALUE,
    SUPPRESSED,
    TOO_LARGE,
    TOO_LONG,
)
from pinpoint_kit.migration.customer_profiles.mapping.tables import (
    DEMOGRAPHIC_NAMES,
    EMAIL_SLOTS,
    GROUPS,
    KNOWN_REFUSALS,
    LOCATION_NAMES,
    NUMERIC,
    OUR_PREFIXES,
    PHONE_SLOTS,
    PLAIN_NAMES,
    PLAIN_NUMBERED,
    TOP_PATHS,
    USUAL,
)
from pinpoint_kit.migration.customer_profiles.staging import ADDRESS_IN_USE, Suppression

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger
    from pinpoint_kit.migration.customer_profiles.staging import StoredEndpoint

__all__ = ["MAX_OBJECT_BYTES", "Device", "ProfileMaker"]

#: Of one profile object in Customer Profiles, a KB being 1,000 bytes.
MAX_OBJECT_BYTES = 250_000
#: As much JSON of endpoints is taken for one profile, which then is far larger than it may be.
_MAX_TAKEN_BYTES = 2_000_000
_MAX_VALUE_CHARS = 255
#: Sets of members that are known at a time; an export has a few.
_MAX_SHAPES = 2_000


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


@attrs.define
class _Shape:
    """What endpoints have whose members are the same, in the same order.

    Attributes:
        plain: plain members, and the names of their attributes.
        groups: members that are objects.
        others: what is no member.
        count: how many of them were read.
    """

    plain: list[tuple[str, str]]
    groups: list[str]
    others: list[str]
    count: int = 0


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
        self._address_fields = {
            f"Location_{name}": name for name in ("City", "Country", "PostalCode")
        }
        self._address_fields["Location_Region"] = region_field
        self._suppress = suppress
        self._device = device
        self._numbering = Numbering(ledger)
        self._shapes: dict[tuple[str, ...], _Shape] = {}
        #: Prefix -> name as given -> name of the attribute, as `_base_of` tells.
        self._known: dict[str, dict[str, str]] = {"": {}, "User_": {}, "Metrics_": {}}
        self.begin("", is_anonymous=False)

    @property
    def multiple(self) -> Iterable[str]:
        """Names of attributes whose values were several in a profile; 5,000 at most."""
        return self._numbering.names.keys()

    def begin(self, key: str, *, is_anonymous: bool) -> None:
        """Begin a profile."""
        self._key = key
        self._is_anonymous = is_anonymous
        self.attributes: dict[str, str] = {}
        self._taken = 0
        self._emails: dict[str, None] = {}
        self._phones: dict[str, None] = {}
        self._location: dict[str, str] = {}
        #: Members of each endpoint, which stay together.
        self._plain: list[dict[str, str]] = []
        #: Channel -> how many endpoints, how many of them opted out, how many are inactive.
        self._channels: dict[str, list[int]] = {}
        #: Name of an attribute -> its value, or values.
        self._values: Values = {}
        self._has_several = False
        #: The same for names that must change, or that another member may have, too.
        self._odd: dict[tuple[str, str], Values] = {}

    def add(self, stored: StoredEndpoint) -> None:  # noqa: C901, PLR0912 -- for each endpoint: quick
        """Add the next endpoint of the profile."""
        members: dict[str, Any] = orjson.loads(stored.content)
        ledger = self._ledger
        ledger.at(stored.file, stored.line)
        channel = channel_of(members)
        demographic = members.get("Demographic")
        self._add_address(stored, members, channel, demographic)
        self._taken += len(stored.content)
        if self._taken > _MAX_TAKEN_BYTES:
            lose_all(members, ledger)
            return
        shape = self._shape(tuple(members))
        shape.count += 1
        own: dict[str, str] = {}
        for name, target in shape.plain:
            value = members[name]
            if type(value) is str and 0 < len(value) <= _MAX_VALUE_CHARS:
                own[target] = value
            elif text := self._text(value, name):
                own[target] = text
        if stored.flags or shape.others:
            self._add_others(members, shape)
        if own:
            self._plain.append(own)
        channels = self._channels
        counts = channels.get(channel) or channels.setdefault(channel, [0, 0, 0])
        counts[0] += 1
        if stored.flags:
            counts[1] += stored.flags & OPTED_OUT
            counts[2] += bool(stored.flags & INACTIVE)
        for name in shape.groups:
            group = members[name]
            if type(group) is not dict:
                reason = NULL if group is None else NOT_AN_OBJECT
                lose(ledger, group, TOP_PATHS.get(name, name), reason, name)
            elif name == "Attributes":
                self._add_lists(group, name, "")
            elif name == "User":
                self._add_user(group)
            elif name == "Demographic":
                self._add_demographic(group)
            elif name == "Location":
                self._add_location(group)
            else:
                self._add_metrics(group)

    def _shape(self, names: tuple[str, ...]) -> _Shape:
        """Return what is known of endpoints with just these members, in this order."""
        found = self._shapes.get(names)
        if found is None:
            if len(self._shapes) >= _MAX_SHAPES:
                self.count()
                self._shapes.clear()
            found = self._shapes[names] = _Shape(
                [(name, PLAIN_NAMES[name]) for name in names if name in PLAIN_NAMES],
                [name for name in names if name in GROUPS and name != "Address"],
                [name for name in names if name not in PLAIN_NAMES and name not in GROUPS],
            )
        return found

    def count(self) -> None:
        """Tell the ledger what was read since the last time."""
        read = self._ledger.read
        for shape in self._shapes.values():
            for name, _ in shape.plain:
                read[name] += shape.count
            shape.count = 0

    def _add_others(self, members: dict[str, Any], shape: _Shape) -> None:
        """Count what is no member, and refusals that Pinpoint does not have."""
        for name in shape.others:
            lose(self._ledger, members[name], UNKNOWN, NO_MEMBER, name)
        for name in DEFAULTS:
            if members.get(name) not in KNOWN_REFUSALS:
                self._ledger.change(name, REFUSED_VALUE)

    def _text(self, value: object, member: str, *, name: str = "") -> str:
        """Return a value as a text that an attribute can have; "" for what is lost."""
        text = value if type(value) is str else text_of(value)
        if not text:
            reason = NULL if value is None else EMPTY if value == "" else NESTED
            self._ledger.lose(member, reason, name=name)
            return ""
        if len(text) > _MAX_VALUE_CHARS:
            text = text[:_MAX_VALUE_CHARS]
            self._ledger.change(member, CUT, name=name)
        is_number = type(value) is float or type(value) is int
        if not is_number or member not in NUMERIC:
            if type(value) is not str:
                self._ledger.change(member, AS_TEXT, name=name)
            elif member in NUMERIC:
                self._ledger.change(member, NO_NUMBER, name=name)
        return text

    def _add_address(
        self, stored: StoredEndpoint, members: dict[str, Any], channel: str, demographic: object
    ) -> None:
        """Put the address where its channel wants it, or into the suppression list."""
        ledger = self._ledger
        is_given = "Address" in members
        address = members.get("Address")
        if is_given:
            ledger.read["Address"] += 1
        usable = address if type(address) is str else ""
        flags = stored.flags
        is_refused = flags or stored.address_flags & OPTED_OUT
        if is_refused and self._refuse(stored, channel, usable):
            return
        if not is_given:
            return
        if not usable:
            lost = NULL if address is None else EMPTY if address == "" else NOT_TEXT
            ledger.lose("Address", lost)
        elif channel in EMAIL_CHANNELS or channel in PHONE_CHANNELS:
            self._add_contact(usable, self._emails if channel in EMAIL_CHANNELS else self._phones)
        elif channel in PUSH_CHANNELS:
            self._device(_device(stored, self._key, usable, channel, demographic))
        elif len(usable) > _MAX_VALUE_CHARS:
            ledger.lose("Address", TOO_LONG)
        elif self._taken > _MAX_TAKEN_BYTES:
            ledger.lose("Address", TOO_LARGE)
        else:
            self._has_several |= _put(self._values, f"Address_{channel or 'UNKNOWN'}", usable)

    def _refuse(self, stored: StoredEndpoint, channel: str, address: str) -> bool:
        """Put an address into the suppression list; return whether there was one."""
        # An address that another endpoint uses must not be suppressed for that one.
        is_used = bool(address and stored.address_flags & ADDRESS_IN_USE)
        if not is_used:
            if stored.flags & OPTED_OUT:
                reason = "OPT_OUT"
            elif stored.address_flags & OPTED_OUT:
                reason = "ADDRESS_OPTED_OUT"
            else:
                reason = "INACTIVE"
            row = Suppression(channel, address, reason, self._key, stored.id, stored.effective)
            self._suppress(row)
        if address:
            self._ledger.change("Address", IN_USE if is_used else SUPPRESSED, noted=False)
        return bool(address)

    def _add_contact(self, address: str, contacts: dict[str, None]) -> None:
        if address in contacts:
            return
        if len(address) > _MAX_VALUE_CHARS:  # a part of it would be another's
            self._ledger.lose("Address", TOO_LONG)
        elif self._taken > _MAX_TAKEN_BYTES:
            self._ledger.lose("Address", TOO_LARGE)
        else:
            contacts[address] = None

    def _add_demographic(self, group: dict[str, Any]) -> None:
        read = self._ledger.read
        into = self._values
        for name, value in group.items():
            known = DEMOGRAPHIC_NAMES.get(name)
            if known is None:
                lose(self._ledger, value, UNKNOWN, NO_MEMBER, f"Demographic.{name}")
                continue
            path, base = known
            read[path] += 1
            if type(value) is not str or not 0 < len(value) <= _MAX_VALUE_CHARS:
                value = self._text(value, path)  # noqa: PLW2901 -- the same, as text
                if not value:
                    continue
            if base not in into:
                into[base] = value
            elif into[base] != value:
                self._put(base, value)

    def _add_location(self, location: dict[str, Any]) -> None:  # noqa: C901 -- as above
        read = self._ledger.read
        place, fields, into = self._location, self._address_fields, self._values
        is_first = not place
        for name, value in location.items():
            known = LOCATION_NAMES.get(name)
            if known is None:
                lose(self._ledger, value, UNKNOWN, NO_MEMBER, f"Location.{name}")
                continue
            path, base = known
            read[path] += 1
            if type(value) is float:
                text = repr(value).removesuffix(".0")
            elif type(value) is str and 0 < len(value) <= _MAX_VALUE_CHARS and base in fields:
                text = value
            elif not (text := self._text(value, path)):
                continue
            field = fields.get(base)
            if field is None:
                if base not in into:
                    into[base] = text
                elif into[base] != text:
                    self._put(base, text)
            elif is_first:
                place[field] = text
            elif place.get(field) != text:
                self._has_several |= _put(into, base, text)

    def _add_user(self, user: dict[str, Any]) -> None:
        for name, value in user.items():
            if name == "UserId":
                self._ledger.read["User.UserId"] += 1
                if value != self._key:
                    self._add_user_id(value)
            elif name == "UserAttributes":
                if type(value) is dict:
                    self._add_lists(value, "User.UserAttributes", "User_")
                else:
                    reason = NULL if value is None else NOT_AN_OBJECT
                    lose(self._ledger, value, "User.UserAttributes", reason)
            else:
                lose(self._ledger, value, UNKNOWN, NO_MEMBER, f"User.{name}")

    def _add_user_id(self, value: object) -> None:
        """Count an id that is not the key as it is."""
        text = text_of(value)
        if not text:
            self._ledger.lose("User.UserId", NULL if text is None else EMPTY)
        elif text == self._key:
            self._ledger.change("User.UserId", AS_TEXT)
        else:
            is_long = len(text) > _MAX_VALUE_CHARS - len("user:")
            self._ledger.change("User.UserId", HASHED if is_long else ESCAPED)

    def _add_lists(  # noqa: C901, PLR0912 -- as above
        self, attributes: dict[str, Any], member: str, prefix: str
    ) -> None:
        known = self._known[prefix]
        into = self._values
        count = 0
        for given, values in attributes.items():
            if type(values) is not list:
                values = [values]  # noqa: PLW2901 -- one value instead of a list of one
            count += len(values)
            base = known.get(given)
            if base is None:
                base = self._base_of(prefix, given)
            if not values or not given:
                count += not values
                self._ledger.lose(member, EMPTY, max(len(values), 1), name=f"{member}.{given}")
                continue
            if base and len(values) == 1:
                value = values[0]
                if type(value) is str and 0 < len(value) <= _MAX_VALUE_CHARS:
                    if (held := into.get(base)) is None:
                        into[base] = value
                    elif held != value:
                        self._put(base, value)
                    continue
            for value in values:
                if type(value) is not str or not 0 < len(value) <= _MAX_VALUE_CHARS:
                    value = self._text(value, member, name=f"{member}.{given}")  # noqa: PLW2901 -- as text
                    if not value:
                        continue
                if not base:
                    self._put_odd(member, given, value)
                elif (held := into.get(base)) is None:
                    into[base] = value
                elif type(held) is dict:
                    held[value] = None
                elif held != value:
                    self._put(base, value)
        self._ledger.read[member] += count

    def _base_of(self, prefix: str, given: str) -> str:
        """Return the name of an attribute; "" when it must change, or may be another's."""
        base = attribute_name(prefix + given)
        if base != prefix + given or (not prefix and base.startswith(OUR_PREFIXES)):
            base = ""
        known = self._known[prefix]
        if len(known) < MAX_NAMES:
            known[given] = base
        return base

    def _put(self, base: str, text: str) -> None:
        """Keep one more value of a name that has another one already."""
        held = self._values[base]
        if type(held) is dict:
            held[text] = None
        else:
            self._values[base] = {held: None, text: None}  # type: ignore[dict-item]  # the other of two types
            self._has_several = True

    def _put_odd(self, member: str, given: str, text: str) -> None:
        _put(self._odd.setdefault((member, given), {}), "", text)

    def _add_metrics(self, metrics: dict[str, Any]) -> None:
        ledger = self._ledger
        ledger.read["Metrics"] += len(metrics)
        known, into = self._known["Metrics_"], self._values
        for given, value in metrics.items():
            if type(value) is int or type(value) is float:
                text = repr(value).removesuffix(".0")
            else:
                text = self._text(value, "Metrics", name=f"Metrics.{given}")
            base = known.get(given)
            if base is None:
                base = self._base_of("Metrics_", given)
            if not given:
                if text:
                    ledger.lose("Metrics", EMPTY)
            elif not text:
                pass
            elif not base:
                self._put_odd("Metrics", given, text)
            elif base not in into:
                into[base] = text
            elif into[base] != text:
                self._put(base, text)

    def finish(self) -> bytes:
        """Return the profile object as JSON, and count what it cannot hold."""
        profile: dict[str, object] = {"AccountNumber": self._key}
        if self._is_anonymous:
            profile["PartyTypeString"] = "anonymous"
        attributes = self.attributes
        if self._emails:
            _fill(EMAIL_SLOTS, self._emails, profile, attributes)
        if self._phones:
            _fill(PHONE_SLOTS, self._phones, profile, attributes)
        if self._location:
            profile["Address"] = self._location
        self._finish_plain(attributes)
        for given, (count, opted_out, inactive) in self._channels.items():
            channel = given or "UNKNOWN"
            if opted_out:
                attributes[f"optOut_{channel}"] = "ALL" if opted_out == count else "SOME"
            if inactive:
                attributes[f"inactive_{channel}"] = "ALL" if inactive == count else "SOME"
        if self._has_several or self._odd:
            self._numbering.write(self._values, self._odd, attributes)
        else:
            attributes.update(self._values)  # type: ignore[arg-type]  # all of them are texts
        if attributes:
            profile["Attributes"] = attributes
        line = orjson.dumps(profile)
        return line if len(line) <= MAX_OBJECT_BYTES else self._cut(profile, attributes, len(line))

    def _finish_plain(self, attributes: dict[str, str]) -> None:
        if len(self._plain) == 1:
            attributes.update(self._plain[0])
            return
        for index, own in enumerate(self._plain):
            names = PLAIN_NUMBERED[index] if index < USUAL else None
            for name, text in own.items():
                attributes[names[name] if names else f"{name}_{index}"] = text

    def _cut(self, profile: dict[str, object], attributes: dict[str, str], size: int) -> bytes:
        """Leave out the last attributes of a profile that is too large."""
        while size > MAX_OBJECT_BYTES:
            name, text = attributes.popitem()
            size -= len(orjson.dumps({name: text})) - 1
            self._ledger.lose(member_of(name), TOO_LARGE, name=name)
        return orjson.dumps(profile)


def _put(into: Values, name: str, text: str) -> bool:
    """Keep a value, or one more; return whether there are several now."""
    held = into.get(name)
    if held is None:
        into[name] = text
        return False
    if type(held) is dict:
        held[text] = None
        return True
    if held == text:
        return False
    assert isinstance(held, str)  # noqa: S101 -- the other of two types
    into[name] = {held: None, text: None}
    return True


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


def _device(
    stored: StoredEndpoint, key: str, token: str, channel: str, demographic: object
) -> Device:
    shown = demographic.get if isinstance(demographic, dict) else {}.get
    platform, version, make, model = (
        text if type(text) is str else text_of(text) or ""
        for text in (shown("Platform"), shown("AppVersion"), shown("Make"), shown("Model"))
    )
    return Device(stored.id, key, token, channel, platform, version, make, model, stored.effective)
