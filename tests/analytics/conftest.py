"""Three endpoints of two users, whose numbers can be counted by hand; in process and over HTTP.

2026-10-05  a (u1, ios): session of 120 s, view (level 3), purchase of two, 9.99 EUR each
b (u2, ios): sign-up, failed sign-in, view
2026-10-06  a: view (level 5)
c (u1, web): sign-in, view, purchase 500 JPY
2026-10-12  a: view
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The days on which most of it happens.
DAYS = ("2026-10-05", "2026-10-07")
_STARTED = dt.datetime(2026, 10, 5, 10, tzinfo=dt.timezone.utc)


def _event(day: int, second: int, kind: str, **details: Any) -> pk.Event:
    at = dt.datetime(2026, 10, day, 10, 0, second, tzinfo=dt.timezone.utc)
    return pk.Event(type=kind, id=f"{kind}-{day}-{second}", timestamp=at, **details)


def _purchase(day: int, price: float, currency: str, quantity: int) -> pk.Event:
    return _event(
        day,
        30,
        "_monetization.purchase",
        attributes={"_currency": currency, "_product_id": "sku-1"},
        metrics={"_item_price": price, "_quantity": quantity},
    )


def populate(pinpoint: pk.Pinpoint) -> None:
    """Store the endpoints, then what they did."""
    for key, user, platform in (("a", "u1", "ios"), ("b", "u2", "ios"), ("c", "u1", "web")):
        pinpoint.endpoints.update(
            pk.Endpoint(
                id=key,
                channel_type=pk.ChannelType.EMAIL,
                address=f"{key}@example.com",
                demographic=pk.Demographic(platform=platform),
                user=pk.User(id=user),
            )
        )
    session = pk.Session(id="s-1", start_timestamp=_STARTED, duration_ms=120_000)
    begun = pk.Session(id="s-1", start_timestamp=_STARTED)
    happened = [
        (
            "a",
            _event(5, 0, "_session.start", session=begun),
        ),
        ("a", _event(5, 10, "view", attributes={"page": "=1+1"}, metrics={"level": 3})),
        ("a", _purchase(5, 9.99, "EUR", 2)),
        ("a", _event(5, 40, "_session.stop", session=session)),
        ("b", _event(5, 1, "_userauth.sign_up")),
        ("b", _event(5, 2, "_userauth.auth_fail")),
        ("b", _event(5, 3, "view", attributes={"page": "home"})),
        ("a", _event(6, 5, "view", metrics={"level": 5})),
        ("c", _event(6, 1, "_userauth.sign_in")),
        ("c", _event(6, 2, "view")),
        ("c", _purchase(6, 500, "JPY", 1)),
        ("a", _event(12, 5, "view")),
    ]
    assert {result.status_code for result in pinpoint.events.put_many(happened)} == {202}


@pytest.fixture(scope="module")
def shop() -> Iterator[pk.Pinpoint]:
    """Give the population in memory, for tests that change nothing that others count."""
    with pk.connect("sqlite://", application="shop") as pinpoint:
        populate(pinpoint)
        yield pinpoint
