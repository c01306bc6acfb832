"""The made-up people of `pinpoint-kit demo`: the same seed makes the same ones.

Plain values only; what they do is commands/demo.py's business.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit import ChannelType, Demographic, Endpoint, Location, User

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Person", "people"]

_PLATFORMS = {"ios": ("apple", "iPhone"), "android": ("google", "Pixel"), "web": ("", "")}
_COUNTRIES = ("PT", "DE", "FR", "JP", "BR", "US")
_WEIGHTS = (5, 4, 3, 2, 2, 4)
_INTERESTS = ("music", "travel", "sports", "books", "cooking", "cinema")
_PRODUCTS = (("sku-cap", 14.5), ("sku-mug", 9.99), ("sku-poster", 24.0))


@attrs.frozen
class Person:
    """One person, and what they will do.

    Args:
        endpoint: where they sign up.
        second: a second endpoint of theirs, if they have one.
        fails: wrong passwords before the sign-in.
        levels: levels that they finish in their session.
        minutes: length of the session.
        purchase: product id, price and quantity, if they buy something.
    """

    endpoint: Endpoint
    second: Endpoint | None
    fails: int
    levels: int
    minutes: float
    purchase: tuple[str, float, int] | None

    @property
    def endpoints(self) -> list[Endpoint]:
        """All endpoints of this person."""
        return [self.endpoint] if self.second is None else [self.endpoint, self.second]


def people(count: int, seed: int) -> Iterator[Person]:
    """Make people up.

    Args:
        count: how many.
        seed: the same seed makes the same people.
    """
    chance = random.Random(seed)  # noqa: S311 -- made-up people need no secrecy
    for number in range(1, count + 1):
        user = User(id=f"user-{number}", attributes={"plan": [chance.choice(("free", "pro"))]})
        country = chance.choices(_COUNTRIES, _WEIGHTS)[0]
        platform = chance.choice(tuple(_PLATFORMS))
        yield Person(
            endpoint=_endpoint(f"device-{number}", user, platform, country, chance),
            second=_mail(number, user, country) if chance.random() < 0.2 else None,  # noqa: PLR2004 -- one in five
            fails=chance.choices((0, 1, 2), (6, 2, 1))[0],
            levels=chance.randint(0, 4),
            minutes=round(chance.uniform(1, 30), 1),
            purchase=(*chance.choice(_PRODUCTS), chance.randint(1, 3))
            if chance.random() < 0.4  # noqa: PLR2004 -- two in five
            else None,
        )


def _endpoint(
    endpoint_id: str, user: User, platform: str, country: str, chance: random.Random
) -> Endpoint:
    make, model = _PLATFORMS[platform]
    return Endpoint(
        id=endpoint_id,
        attributes={"interests": sorted(chance.sample(_INTERESTS, 2))},
        demographic=Demographic(platform=platform, make=make or None, model=model or None),
        location=Location(country=country),
        user=user,
    )


def _mail(number: int, user: User, country: str) -> Endpoint:
    return Endpoint(
        id=f"mail-{number}",
        channel_type=ChannelType.EMAIL,
        address=f"user-{number}@example.com",
        demographic=Demographic(platform="email"),
        location=Location(country=country),
        user=user,
    )
