"""The made-up people of `pinpoint-kit demo`, and what they do on each of 60 days.

Plain values only: the same seed and first day make the same events with the same ids, so that
recording them again adds nothing. Recording them is commands/demo.py's business.
"""

from __future__ import annotations

import datetime as dt
import random
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit import Demographic, Endpoint, Event, Location, Session, User

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["DAYS", "Person", "days_of", "people"]

#: How long they are watched.
DAYS = 60

_PLATFORMS = {"ios": ("apple", "iPhone"), "android": ("google", "Pixel"), "web": ("", "")}
_COUNTRIES = {
    "PT": ("Europe/Lisbon", "pt_PT", "EUR"),
    "DE": ("Europe/Berlin", "de_DE", "EUR"),
    "FR": ("Europe/Paris", "fr_FR", "EUR"),
    "JP": ("Asia/Tokyo", "ja_JP", "JPY"),
    "US": ("America/New_York", "en_US", "USD"),
}
_WEIGHTS = (5, 4, 3, 2, 4)
_PRODUCTS = (("sku-cap", 14.5), ("sku-mug", 9.99), ("sku-poster", 24.0))
#: What a yen is worth here, so that amounts look right.
_YEN = 160
#: The day on which the new version came out, and that on which somebody guessed passwords.
_RELEASE_DAY, _ATTACK_DAY = 30, 44
_SATURDAY = 5
_SECONDS_A_VIEW = 40


@attrs.frozen
class Person:
    """One person, and how they are.

    Args:
        number: from 1.
        endpoint: where they sign up.
        joined: the day of their sign-up, from 0.
        loyalty: how likely they are back on a day, 0 to 1, before it wears off.
        hour: when they usually come, UTC.
        currency: what they pay in.
    """

    number: int
    endpoint: Endpoint
    joined: int
    loyalty: float
    hour: int
    currency: str


def people(count: int, seed: int) -> list[Person]:
    """Make people up. The first one is there from the first day on.

    Args:
        count: how many.
        seed: the same seed makes the same people.
    """
    return [_person(number, seed) for number in range(1, count + 1)]


def _person(number: int, seed: int) -> Person:
    chance = random.Random(f"{seed}-{number}")  # noqa: S311 -- made-up people need no secrecy
    platform = chance.choice(tuple(_PLATFORMS))
    make, model = _PLATFORMS[platform]
    country = chance.choices(tuple(_COUNTRIES), _WEIGHTS)[0]
    zone, locale, currency = _COUNTRIES[country]
    endpoint = Endpoint(
        id=f"device-{number}",
        demographic=Demographic(
            platform=platform,
            make=make or None,
            model=model or None,
            locale=locale,
            timezone=zone,
        ),
        location=Location(country=country),
        user=User(id=f"user-{number}", attributes={"plan": [chance.choice(("free", "pro"))]}),
    )
    # A third is there within a week; after that, a few more come each day.
    early, late = chance.randrange(7), chance.randrange(DAYS)
    joined = 0 if number == 1 else chance.choice((early, late, late))
    loyalty = chance.choice((0.06, 0.15, 0.4, 0.8))
    return Person(number, endpoint, joined, loyalty, chance.randint(6, 21), currency)


def days_of(
    population: list[Person], seed: int, first: dt.date
) -> Iterator[tuple[dt.date, list[tuple[Endpoint, Event]]]]:
    """Give what happens, day by day: an event, and the endpoint as it is then.

    Args:
        population: from `people`.
        seed: as there.
        first: the first of the days.
    """
    for number in range(DAYS):
        day = first + dt.timedelta(days=number)
        found = []
        for person in population:
            chance = random.Random(f"{seed}-{person.number}-{number}")  # noqa: S311 -- as above
            if _comes(person, number, day, chance):
                version = "1.1" if number - _RELEASE_DAY > person.number % 7 else "1.0"
                visit = _Visit(person, day, f"{seed}-{person.number}-{number}", chance)
                found += visit.events(version, is_first=number == person.joined)
            if number == _ATTACK_DAY and number > person.joined and person.number % 4 == 0:
                attack = _Visit(person, day, f"{seed}-{person.number}-{number}-x", chance)
                found += attack.guesses(person.endpoint)
        yield day, found


def _comes(person: Person, number: int, day: dt.date, chance: random.Random) -> bool:
    age = number - person.joined
    if age <= 0:
        return age == 0
    habit = person.loyalty * (0.3 + 0.7 / (1 + age / 6))
    return chance.random() < habit * (1.2 if day.weekday() >= _SATURDAY else 1.0)


class _Visit:
    """One visit: sign-in, session, pages, and perhaps a purchase."""

    def __init__(self, person: Person, day: dt.date, key: str, chance: random.Random) -> None:
        hour = min(23, max(0, person.hour + chance.randint(-1, 1)))
        start = dt.datetime.combine(day, dt.time(hour, chance.randrange(30)), dt.timezone.utc)
        self._person, self._key, self._chance = person, key, chance
        self._now, self._session = start, Session(id=f"session-{key}", start_timestamp=start)
        self._events: list[Event] = []

    def events(self, version: str, *, is_first: bool) -> list[tuple[Endpoint, Event]]:
        chance = self._chance
        if is_first:
            self._add("_userauth.sign_up")
        elif chance.random() < 0.1:  # noqa: PLR2004 -- one in ten mistypes
            self._add("_userauth.auth_fail", attributes={"reason": "password"})
        self._add("_userauth.sign_in")
        start = self._now
        self._add("_session.start")
        for _ in range(chance.randint(1, 5)):
            page = chance.choice(("home", "product", "product", "search"))
            self._add("page_view", attributes={"page": page})
        if chance.random() < 0.35:  # noqa: PLR2004 -- a third puts something into the cart
            self._add("add_to_cart")
            if chance.random() < 0.45:  # noqa: PLR2004 -- and not half of them buys it
                self._buy()
        length = round((self._now - start).total_seconds() * 1000)
        self._session = attrs.evolve(
            self._session, stop_timestamp=self._now, duration_ms=max(length, 1000)
        )
        self._add("_session.stop")
        endpoint = self._person.endpoint
        if endpoint.demographic is not None:
            changed = attrs.evolve(endpoint.demographic, app_version=version)
            endpoint = attrs.evolve(endpoint, demographic=changed)
        return [(endpoint, event) for event in self._events]

    def guesses(self, endpoint: Endpoint) -> list[tuple[Endpoint, Event]]:
        for _ in range(self._chance.randint(2, 6)):
            self._add("_userauth.auth_fail", attributes={"reason": "password"})
        return [(endpoint, event) for event in self._events]

    def _buy(self) -> None:
        product, price = self._chance.choice(_PRODUCTS)
        currency = self._person.currency
        amount = round(price * _YEN) if currency == "JPY" else price
        self._add(
            "_monetization.purchase",
            attributes={"_product_id": product, "_currency": currency},
            metrics={"_item_price": amount, "_quantity": self._chance.randint(1, 2)},
        )

    def _add(
        self,
        event_type: str,
        *,
        attributes: dict[str, str] | None = None,
        metrics: dict[str, float] | None = None,
    ) -> None:
        is_of_session = not event_type.startswith("_userauth")
        self._events.append(
            Event(
                type=event_type,
                id=f"demo-{self._key}-{len(self._events)}",
                timestamp=self._now,
                attributes=attributes,
                metrics=metrics,
                session=self._session if is_of_session else None,
            )
        )
        self._now += dt.timedelta(seconds=self._chance.randint(5, _SECONDS_A_VIEW * 2))
