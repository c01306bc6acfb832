"""Made-up events near every edge: ties, repeats, late and future times, days of 23 and 25 hours."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import attrs
from hypothesis import strategies as st

UTC = dt.timezone.utc
#: Clocks go forward in Berlin on March 29, and half an hour back on Lord Howe on April 5.
START = dt.date(2026, 3, 27)
DAYS = 12
START_MS = int(dt.datetime(2026, 3, 27, tzinfo=UTC).timestamp() * 1000)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
ZONES = (
    "UTC",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "America/St_Johns",
    "Pacific/Auckland",
)
TYPES = (
    "_session.start",
    "_session.stop",
    "_monetization.purchase",
    "_userauth.sign_in",
    "_userauth.sign_up",
    "_userauth.auth_fail",
    "_email.open",
    "view",
    "cart",
)
ENDPOINTS = ("a", "b", "c", "d")
USERS = (None, "u", "v", "Ä")
ODD = 'na"me\\ [0].$x'


@attrs.frozen(kw_only=True)
class Event:
    """An event as the oracle reads it."""

    id: str
    endpoint: str
    user: str | None
    type: str
    time: int
    arrival: int
    session: str | None = None
    duration: int | None = None
    attributes: dict[str, str] = attrs.field(factory=dict)
    metrics: dict[str, float] = attrs.field(factory=dict)
    platform: str | None = None
    country: str | None = None
    time_zone: str | None = None


@attrs.frozen(kw_only=True)
class Member:
    """An endpoint or a user as the oracle reads it."""

    id: str
    user: str | None = None
    created: int | None = None
    channel: str | None = None
    platform: str | None = None
    attributes: dict[str, list[str]] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Population:
    """All that a source holds."""

    events: tuple[Event, ...]
    endpoints: tuple[Member, ...]
    users: tuple[Member, ...]


def seeds() -> st.SearchStrategy[int]:
    """Return a number that everything below is made from.

    Drawn one by one, nearly all populations would be too thin for anything to meet: two of one
    kind, of one person, within one window.
    """
    return st.integers(0, 2**64 - 1)


def a_time(rng: random.Random) -> int:
    """Return an instant that others meet, near the edges of days in all zones."""
    quarter = rng.choice((0, 1, 2, 3, 5, 8, 12, 18, 22, 42, 44, 46, 48, 51, 54, 88, 92, 95))
    day = rng.randint(-1, DAYS + 1) if rng.random() < 0.5 else rng.randint(2, 5)
    return START_MS + day * DAY_MS + quarter * 900_000 + rng.choice((-1, 0, 0, 0, 1))


def some(rng: random.Random, names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """Values under some of the names."""
    return {name: rng.choice(values) for name in names if rng.random() < 0.6}


#: Six characters, which JSON writes with two backslashes.
NO_NUL = "\\u0000"
NUMBERS = (0.0, 1.0, 2.0, 9.99, -3.5, 0.000001, 1e6, 12345.678901, 1e15)


def an_event(rng: random.Random, id_: str, types: tuple[str, ...]) -> Event:
    """Return an event of one of the types."""
    time = a_time(rng)
    return Event(
        id=id_,
        endpoint=rng.choice(ENDPOINTS),
        user=rng.choice(USERS),
        type=rng.choice(types),
        time=time,
        arrival=time + rng.choice((0, 1, 5 * DAY_MS)),
        session=rng.choice((None, "s1", "s2")),
        duration=rng.choice((None, 0, 1, 2000, 3500, 60_000, 2**62)),
        attributes=some(rng, ("screen", ODD, "_currency"), ("EUR", "USD", "x", "ü", "\0", NO_NUL)),
        metrics=some(rng, ("n", "_item_price", "_quantity", ODD), NUMBERS),
        platform=rng.choice((None, "ios", "android")),
        country=rng.choice((None, "DE", "US", "FR", "IT")),
        time_zone=rng.choice((None, "nowhere", *ZONES)),
    )


def a_member(rng: random.Random, id_: str) -> Member:
    """Return an endpoint or a user."""
    lists: tuple[list[str], ...] = (["pro"], ["free", "old"], ["pro", "\0", NO_NUL], [])
    return Member(
        id=id_,
        user=rng.choice(USERS),
        created=rng.choice((None, a_time(rng), a_time(rng), a_time(rng))),
        channel=rng.choice((None, "EMAIL", "GCM")),
        platform=rng.choice((None, "ios", "web")),
        attributes=some(rng, ("plan", ODD), lists),
    )


#: Populations of a few types each: many of a kind meet, where any type would rarely do.
FOCUS = (
    TYPES,
    ("view", "cart", "_session.start"),
    ("_session.start", "_session.stop"),
    ("_monetization.purchase",),
    ("_monetization.purchase", "view", "cart"),
    ("_userauth.sign_in", "_email.open"),
)


def populations() -> st.SearchStrategy[Population]:
    """Events of a few types, and the endpoints and users that some of them name."""

    def build(seed: int) -> Population:
        rng = random.Random(seed)  # noqa: S311 -- no secret
        types = rng.choice(FOCUS)
        return Population(
            events=tuple(an_event(rng, f"e{n}", types) for n in range(rng.randrange(45))),
            endpoints=tuple(a_member(rng, id_) for id_ in ENDPOINTS[:3]),
            users=tuple(a_member(rng, id_) for id_ in ("u", "v")),
        )

    return seeds().map(build)


FILTERS: tuple[dict[str, Any], ...] = (
    {"platform": ["ios", None]},
    {"endpoint_attributes": {"plan": ["pro"]}},
    {"user_attributes": {"plan": ["free", None]}},
    {"channel": "EMAIL"},
)
EVENT_FILTERS: tuple[dict[str, Any], ...] = (
    {"attributes": {ODD: "x"}},
    {"attributes": {"screen": ["\0", "ü"]}},
    {"metrics": {"n": {"at_least": 1, "below": 9.99}}},
    {"metrics": {ODD: 2}},
    {"event_type": ["view", "_email.open"]},
)


def questions(
    *, breakdowns: tuple[str | None, ...], filters: bool = True
) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments that all metrics share."""

    def build(seed: int) -> dict[str, Any]:
        rng = random.Random(seed)  # noqa: S311 -- no secret
        start = rng.randint(0, 5)
        wheres = (*FILTERS, *(EVENT_FILTERS if filters else ()))
        return {
            "first": (START + dt.timedelta(days=start)).isoformat(),
            "last": (START + dt.timedelta(days=start + rng.randint(0, 11))).isoformat(),
            "zone": rng.choice(ZONES),
            "actor": rng.choice(("endpoint", "endpoint", "user")),
            "by": rng.choice(breakdowns),
            "top": rng.randint(1, 3),
            "where": rng.choice(wheres) if rng.random() < 0.4 else {},
        }

    return seeds().map(build)


def presents() -> st.SearchStrategy[int]:
    """Return the time at which it is asked: in the middle of the events, or long after."""
    return st.sampled_from(
        (START_MS + 4 * DAY_MS + 5, START_MS + 9 * DAY_MS, START_MS + 400 * DAY_MS)
    )
