"""The metrics once more: slow, obvious, and in plain Python over lists of events."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import attrs

from tests.metrics.population import Population

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.metrics.population import Event, Member

UTC = dt.timezone.utc
REST = ("rest",)
SERVICE = ("_campaign.", "_journey.", "_email.", "_SMS.")
NUL = str.maketrans({"\0": "\ufffd"})


def local(ms: int, zone: str) -> dt.datetime:
    """Return what a clock shows in a zone."""
    seconds, rest = divmod(ms, 1000)
    moment = dt.datetime.fromtimestamp(seconds, UTC) + dt.timedelta(milliseconds=rest)
    return moment.astimezone(ZoneInfo(zone))


def listed(value: object) -> list[object]:
    """One or many as many."""
    return list(value) if isinstance(value, list) else [value]


@attrs.define
class Oracle:
    """The slow computation of one question."""

    population: Population
    arguments: dict[str, Any]
    now: int

    @property
    def zone(self) -> str:
        return str(self.arguments["zone"])

    @property
    def first(self) -> dt.date:
        return dt.date.fromisoformat(self.arguments["first"])

    @property
    def last(self) -> dt.date:
        return dt.date.fromisoformat(self.arguments["last"])

    @property
    def today(self) -> dt.date:
        return local(self.now, self.zone).date()

    @property
    def seen(self) -> dt.date:
        return min(self.last, self.today)

    def days(self) -> list[dt.date]:
        return [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def day(self, ms: int) -> dt.date:
        return local(ms, self.zone).date()

    def actor(self, event: Event) -> str | None:
        return event.user if self.arguments["actor"] == "user" else event.endpoint

    def endpoint(self, id_: str | None) -> Member | None:
        return next((m for m in self.population.endpoints if m.id == id_), None)

    def user(self, id_: str | None) -> Member | None:
        return next((m for m in self.population.users if m.id == id_), None)

    # Filters

    @staticmethod
    def _has(member: Member | None, key: str, wanted: list[object]) -> bool:
        values = member.attributes.get(key, []) if member else []
        return any(value in wanted for value in values) or (None in wanted and not values)

    def passes(self, event: Event) -> bool:
        where = self.arguments["where"]
        endpoint, user = self.endpoint(event.endpoint), self.user(event.user)
        tests: list[bool] = []
        for name, content in where.items():
            if name == "event_type":
                tests.append(event.type in listed(content))
            elif name == "platform":
                tests.append(event.platform in listed(content))
            elif name == "channel":
                tests.append(endpoint is not None and endpoint.channel in listed(content))
            elif name == "attributes":
                tests += [(event.attributes.get(k) in listed(v)) for k, v in content.items()]
            elif name == "endpoint_attributes":
                tests += [self._has(endpoint, k, listed(v)) for k, v in content.items()]
            elif name == "user_attributes":
                tests += [self._has(user, k, listed(v)) for k, v in content.items()]
            else:
                for key, wanted in content.items():
                    number = event.metrics.get(key)
                    how = wanted if isinstance(wanted, dict) else {"equals": wanted}
                    checks: dict[str, Callable[[float, float], bool]] = {
                        "equals": lambda n, w: n == w,
                        "at_least": lambda n, w: n >= w,
                        "below": lambda n, w: n < w,
                    }
                    tests += [number is not None and checks[h](number, w) for h, w in how.items()]
        return all(tests)

    def member_passes(self, member: Member) -> bool:
        where = self.arguments["where"]
        if self.arguments["actor"] == "user":
            tests = [
                self._has(member, k, listed(v)) for k, v in where.get("user_attributes", {}).items()
            ]
            own_names = ("platform", "channel", "endpoint_attributes")
            rest = {k: v for k, v in where.items() if k in own_names}
            if rest:
                own = [m for m in self.population.endpoints if m.user == member.id]
                tests.append(any(self._endpoint_passes(m, rest) for m in own))
            return all(tests)
        return self._endpoint_passes(member, where)

    def _endpoint_passes(self, member: Member, where: dict[str, Any]) -> bool:
        tests: list[bool] = []
        for name, content in where.items():
            if name in {"platform", "channel"}:
                tests.append(getattr(member, name) in listed(content))
            elif name == "endpoint_attributes":
                tests += [self._has(member, k, listed(v)) for k, v in content.items()]
            elif name == "user_attributes":
                user = self.user(member.user)
                tests += [self._has(user, k, listed(v)) for k, v in content.items()]
        return all(tests)

    # Breakdowns

    def values_of(self, row: Event | Member) -> set[str | None]:
        name, _, key = str(self.arguments["by"]).partition(".")
        is_member = not hasattr(row, "type")
        is_user = is_member and self.arguments["actor"] == "user"
        if name in {"event_type", "platform", "country"}:
            return {getattr(row, "type" if name == "event_type" else name)}
        if name == "attributes":
            value = row.attributes.get(key)
            return {None if value is None else str(value).translate(NUL)}
        endpoint: Any = row if is_member else self.endpoint(row.endpoint)  # type: ignore[union-attr]
        if name == "channel":
            return {endpoint.channel if endpoint else None}
        owner: Any = endpoint
        if name == "user_attributes":
            owner = row if is_user else self.user(row.user)
        found = owner.attributes.get(key, []) if owner else []
        return {value.translate(NUL) for value in found} or {None}

    def grouped(self, rows: Sequence[Any], counted: Sequence[Any]) -> dict[Any, list[Any]]:
        """Return the rows by group; which are first is decided by those that are counted."""
        if self.arguments["by"] is None:
            return {None: list(rows)}
        sizes = Counter(value for row in counted for value in self.values_of(row))
        order = sorted(sizes, key=lambda v: (-sizes[v], v is None, v or ""))
        top = order[: self.arguments["top"]]
        found: dict[Any, list[Any]] = {(value,): [] for value in top}
        for row in rows:
            own = self.values_of(row)
            for group in {(v,) if v in top else REST for v in own}:
                found.setdefault(group, []).append(row)
        return found

    # What is counted

    def events(self, *types: str, acting: bool = False) -> list[Event]:
        return [
            e
            for e in self.population.events
            if self.passes(e)
            and (not types or e.type in types)
            and (not acting or self.actor(e) is not None)
        ]

    def between(self, events: Iterable[Event], first: dt.date, last: dt.date) -> list[Event]:
        return [e for e in events if first <= self.day(e.time) <= last]

    def period(self, events: Iterable[Event]) -> list[Event]:
        return self.between(events, self.first, self.seen)

    def activity(self) -> list[Event]:
        found = self.events(acting=True)
        if self.arguments.get("activity") == "session":
            return [e for e in found if e.type == "_session.start"]
        if "event_type" in self.arguments["where"]:
            return found
        return [e for e in found if not e.type.startswith(SERVICE)]

    def on(self, events: Iterable[Event], day: dt.date) -> list[Event]:
        return [e for e in events if self.day(e.time) == day]

    def actors(self, events: Iterable[Event]) -> set[str | None]:
        return {self.actor(e) for e in events}

    def window(self, events: Iterable[Event], day: dt.date, width: int) -> set[str | None]:
        first = day - dt.timedelta(days=width - 1)
        return self.actors(self.between(events, first, day))

    def members(self) -> list[Member]:
        everyone = (
            self.population.users
            if self.arguments["actor"] == "user"
            else self.population.endpoints
        )
        return [m for m in everyone if self.member_passes(m)]

    def born(self) -> list[Member]:
        return [
            m
            for m in self.members()
            if m.created is not None and self.first <= self.day(m.created) <= self.seen
        ]


def micros(value: float) -> int:
    """Return the nearest millionth, halves away from zero."""
    scaled = Fraction(value * 1_000_000)
    whole, rest = divmod(abs(scaled), 1)
    size = int(whole) + (rest >= Fraction(1, 2))
    return size if scaled >= 0 else -size


def fits(value: float | None) -> bool:
    """Whether a number is counted."""
    return value is not None and abs(value) <= 10**12


def median(values: list[int]) -> Fraction:
    """Return the middle one, or the mean of the two."""
    ordered = sorted(values)
    return Fraction(ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2], 2)


def depth(
    events: list[Event],
    steps: list[Callable[[Event], bool]],
    window: int | None,
    entry_before: Callable[[Event], bool],
    *,
    strictly: bool,
) -> int:
    """How many steps one actor took: every chain is tried."""
    best = 0
    for entry in (e for e in events if steps[0](e) and entry_before(e)):
        reached = {entry.time}
        taken = 1
        for step in steps[1:]:
            reached = {
                e.time
                for e in events
                for t in reached
                if step(e)
                and (e.time > t if strictly else e.time >= t)
                and (window is None or e.time - entry.time <= window)
            }
            if not reached:
                break
            taken += 1
        best = max(best, taken)
    return best


def by_actor(oracle: Oracle, events: Iterable[Event]) -> dict[str | None, list[Event]]:
    """Return the events of each actor."""
    found: dict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        found[oracle.actor(event)].append(event)
    return found
