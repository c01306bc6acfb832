"""Endpoints that lose nothing, as flat texts: made when one is read, and only merged later.

What endpoints of one shape have in common is worked out once, in a plan: where each of their texts
goes. The shape is their names, and how many values each list has. An endpoint of which anything
would be lost or changed, or whose shape is unusual, is not packed: flattening.py is for it.
"""

from __future__ import annotations

import hashlib
import re
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import orjson

from pinpoint_kit.migration.customer_profiles.mapping.members import (
    CHANNELS,
    Shape,
    number_text,
)
from pinpoint_kit.migration.customer_profiles.mapping.names import own_name
from pinpoint_kit.migration.customer_profiles.mapping.tables import (
    DEMOGRAPHIC_NAMES,
    DEVICE_MEMBERS,
    GROUPS,
    KNOWN_REFUSALS,
    LOCATION_NAMES,
    MAX_VALUE_CHARS,
    NUMERIC,
    PLAIN_NAMES,
    PREFIX_OF,
    USER_NAMES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pinpoint_kit.migration.customer_profiles.mapping.ledger import Ledger

__all__ = ["SEPARATOR", "Plan", "Plans"]

#: Between the texts of an endpoint. One that has it in a text is not packed.
SEPARATOR = "\x1f"
#: Plans at a time; an export has a few shapes.
_MAX_PLANS = 2_000
#: Larger shapes are those of single endpoints.
_MAX_PARTS = 250
_MAX_NAME_CHARS = 4_000
_MARK_CHARS = 16
#: A text that is too long, or empty.
_UNUSUAL = re.compile(f"{SEPARATOR}(?:[^{SEPARATOR}]{{{MAX_VALUE_CHARS + 1}}}|{SEPARATOR})")
_NUMBERS = frozenset({int, float})
_NOTHING: dict[str, Any] = {}


class Plan:
    """Where the texts of endpoints of one shape go.

    The texts are those of the plain members, the attributes, the user's attributes, `Demographic`,
    the numbers, the place and the address, in this order, and `mark` at the end.

    Args:
        shape: as `Plans` makes it.

    Attributes:
        shape: the same.
        mark: a name for it.
        quotes: how many quotation marks the JSON of such an endpoint has, if it is packed.
        reads: member -> how many values of it such an endpoint has.
        plain: names of the attributes that the plain members become; their texts are the first.
        singles: names of the attributes that have one value.
        singles_of: returns the texts of these.
        groups: names of attributes that have several values, where these begin, and end.
        odd: the same for names that must change, or may be another's, with the member before them.
        place: what `Location` has besides numbers.
        place_at: where the texts of these begin, and end.
        contact_of: returns the channel, the address, and what a device has; of what is missing,
            the last text.
        count: how many such endpoints were merged since the ledger was told.

    Raises:
        ValueError: no endpoint of this shape can be packed.
    """

    def __init__(self, shape: Shape) -> None:
        members, attributes, own, demographic, metrics, location, user = _groups(shape)
        if not (
            PLAIN_NAMES.keys() | GROUPS >= {*members}
            and DEMOGRAPHIC_NAMES.keys() >= {*demographic}
            and LOCATION_NAMES.keys() >= {*location}
            and {*user} <= USER_NAMES
            and not {"", 0} & {*attributes, *own, *metrics}
        ):
            raise ValueError("something of such an endpoint is lost")
        self.shape = shape
        self.mark = hashlib.sha256(orjson.dumps(shape)).hexdigest()[:_MARK_CHARS]
        self.count = 0
        self.reads: dict[str, int] = {}
        self.groups: list[tuple[str, int, int]] = []
        self.odd: list[tuple[str, str, int, int]] = []
        self._at = 0
        singles: list[tuple[str, int]] = []

        self._members = [name for name in members if name in PLAIN_NAMES]
        self.plain = tuple(self._take(name, PLAIN_NAMES[name])[0] for name in self._members)
        for member, lists in (("Attributes", attributes), ("User.UserAttributes", own)):
            half = len(lists) // 2
            for name, count in zip(lists[:half], lists[half:], strict=True):
                singles += self._take_named(member, name, count)
        singles += [self._take(*DEMOGRAPHIC_NAMES[name]) for name in demographic]
        for name in metrics:
            singles += self._take_named("Metrics", name, 1)
        self._coordinates = [name for name in location if LOCATION_NAMES[name][0] in NUMERIC]
        singles += [self._take(*LOCATION_NAMES[name]) for name in self._coordinates]
        begin = self._at
        self._place = [name for name in location if name not in self._coordinates]
        self.place = [self._take(*LOCATION_NAMES[name])[0] for name in self._place]
        self.place_at = begin, self._at
        self._has_user = "UserId" in user
        if self._has_user:
            self.reads["User.UserId"] = 1
        self._has_address = "Address" in members
        at = dict(singles)
        self.contact_of: Callable[[Sequence[str]], tuple[str, ...]] = itemgetter(
            self._members.index("ChannelType") if "ChannelType" in self._members else -1,
            self._take("Address", "")[1] if self._has_address else -1,
            *(at.get(f"Demographic_{name}", -1) for name in DEVICE_MEMBERS),
        )
        numbers = len(metrics) + len(self._coordinates)
        self._has_numbers = numbers > 0
        names = sum(type(part) is str for part in shape)
        self.quotes = 2 * (names + self._at + self._has_user - numbers)
        self.singles = tuple(base for base, _ in singles)
        self.singles_of = _getter([place for _, place in singles])

    def _take(self, member: str, base: str, count: int = 1) -> tuple[str, int]:
        """Lay out the next texts; return the name given, and where they begin."""
        self.reads[member] = self.reads.get(member, 0) + count
        self._at += count
        return base, self._at - count

    def _take_named(self, member: str, name: str, count: int) -> list[tuple[str, int]]:
        """Lay out the texts of an attribute; return where it is, if it is a single one."""
        base, begin = self._take(member, PREFIX_OF.get(member, "") + name, count)
        if not own_name(PREFIX_OF.get(member, ""), name):
            self.odd.append((member, name, begin, self._at))
        elif count > 1:
            self.groups.append((base, begin, self._at))
        else:
            return [(base, begin)]
        return []

    def packed(self, members: dict[str, Any], key: str, flags: int) -> str | None:
        """Return the texts of an endpoint of this shape; None if one would not stay as it is.

        Args:
            members: the endpoint.
            key: of its profile.
            flags: why it may not be contacted.
        """
        get = members.get
        try:
            if self._has_user and members["User"]["UserId"] != key:
                return None
            if get("ChannelType", "CUSTOM") not in CHANNELS:
                return None
            if flags and not (
                get("OptOut") in KNOWN_REFUSALS and get("EndpointStatus") in KNOWN_REFUSALS
            ):
                return None
            # Adding a list to anything but a list raises, and so does joining what is no text.
            texts: list[str] = [*map(members.__getitem__, self._members)]
            texts = sum(get("Attributes", _NOTHING).values(), texts)
            lists = get("User", _NOTHING).get("UserAttributes", _NOTHING)
            texts = sum(lists.values(), texts)
            texts += get("Demographic", _NOTHING).values()
            location = get("Location", _NOTHING)
            if self._has_numbers:
                numbers = [*map(location.__getitem__, self._coordinates)]
                texts.append(_numbers([*get("Metrics", _NOTHING).values(), *numbers]))
            texts += map(location.__getitem__, self._place)
            if self._has_address:
                texts.append(members["Address"])
            texts.append(self.mark)
            content = SEPARATOR.join(texts)
        except (AttributeError, TypeError):
            return None
        is_usual = content.count(SEPARATOR) == self._at and not _UNUSUAL.search(SEPARATOR + content)
        return content if is_usual else None


def _numbers(values: list[float]) -> str:
    """Return numbers as texts, as `text_of` has them.

    Raises:
        TypeError: one of them is none.
    """
    if not _NUMBERS.issuperset(map(type, values)):
        raise TypeError("no number")
    text = orjson.dumps(values).decode()
    if "n" in text:
        raise TypeError("null: no number of JSON")
    if "e" in text or "0.0000" in text:  # very large and small ones look otherwise in Python
        return SEPARATOR.join(map(number_text, values))
    return text.replace("]", ",").replace(".0,", ",")[1:-1].replace(",", SEPARATOR)


class Plans:
    """The plans of a conversion.

    Attributes:
        fresh: shapes of plans that were made since somebody has taken them.
        marked: mark -> the plan that has it.
    """

    def __init__(self) -> None:
        self.fresh: list[Shape] = []
        self._plans: dict[Shape, Plan | None] = {}
        self.marked: dict[str, Plan] = {}
        #: Of no endpoint: it is only told apart from None.
        self._unknown = Plan((None,) * 6)

    def of(self, members: dict[str, Any]) -> Plan | None:
        """Return the plan for an endpoint; None if it cannot be packed."""
        get = members.get
        attributes = get("Attributes", _NOTHING)
        user = get("User", _NOTHING)
        try:
            own = user.get("UserAttributes", _NOTHING)
            shape: Shape = (
                *members, None,
                *attributes, *map(len, attributes.values()), None,
                *own, *map(len, own.values()), None,
                *get("Demographic", _NOTHING).keys(), None,
                *get("Metrics", _NOTHING).keys(), None,
                *get("Location", _NOTHING).keys(), None,
                *user,
            )  # fmt: skip
        except (AttributeError, TypeError):
            return None
        plan = self._plans.get(shape, self._unknown)
        return self._made(shape) if plan is self._unknown else plan

    def _made(self, shape: Shape) -> Plan | None:
        # Those without a plan are not counted: a run that goes on knows those with one alone, and
        # must pack what one from the beginning would.
        is_large = len(shape) > _MAX_PARTS or len(self.marked) >= _MAX_PLANS
        if is_large or sum(len(part) for part in shape if type(part) is str) > _MAX_NAME_CHARS:
            return None
        try:
            plan = Plan(shape)
        except ValueError:
            if len(self._plans) < 2 * _MAX_PLANS:
                self._plans[shape] = None
            return None
        self._plans[shape] = self.marked[plan.mark] = plan
        self.fresh.append(shape)
        return plan

    def restore(self, shapes: Iterable[Shape]) -> None:
        """Make the plans of shapes again that an earlier run has kept."""
        for shape in shapes:
            plan = Plan(shape)
            self._plans[shape] = self.marked[plan.mark] = plan

    def count(self, ledger: Ledger) -> None:
        """Tell the ledger what was merged since the last time."""
        for plan in self.marked.values():
            for member, count in plan.reads.items():
                ledger.read[member] += count * plan.count
            plan.count = 0


def _groups(shape: Shape) -> list[list[Any]]:
    """Return the parts of a shape, group by group."""
    groups: list[list[Any]] = [[]]
    for part in shape:
        if part is None:
            groups.append([])
        else:
            groups[-1].append(part)
    return groups


def _getter(places: Sequence[int]) -> Callable[[Sequence[str]], Sequence[str]]:
    """Return what takes the texts at these places."""
    if len(places) > 1:
        return itemgetter(*places)
    return lambda texts: [texts[place] for place in places]
