"""Shows how to look up endpoints and users from a notebook, and filter what is found in Python.

    python examples/endpoint_lookup.py

Editors that know `# %%` run it cell by cell. Everything is in this process: no account, no server.
With `connect("sqlite:///FILE")` the same cells look into a database of your own.
"""

# %% Open a Pinpoint. This one is in memory and begins empty, so give it an audience.

from __future__ import annotations

import pinpoint_kit as pk
from pinpoint_kit import ChannelType, Endpoint, Location, User

pinpoint = pk.connect("sqlite://", application="shop")

report = pinpoint.endpoints.update_many(
    Endpoint(
        id=f"{name}-{channel.value.lower()}",
        channel_type=channel,
        address=address,
        attributes={"interests": interests},
        metrics={"orders": orders},
        location=Location(country=country),
        user=User(id=name, attributes={"plan": [plan]}),
    )
    for name, channel, address, interests, orders, country, plan in [
        ("ana", ChannelType.EMAIL, "ana@example.com", ["music", "travel"], 12, "PT", "pro"),
        ("ana", ChannelType.SMS, "+351210000000", ["travel"], 12, "PT", "pro"),
        ("ben", ChannelType.EMAIL, "ben@example.com", ["music"], 3, "DE", "free"),
        ("eva", ChannelType.EMAIL, "eva@example.com", [], 0, "PT", "free"),
    ]
)
report.raise_for_rejected()
print(f"{report.accepted} endpoints")

# %% One endpoint, by its id. The repr hides addresses and user ids; the attributes show them.
endpoint = pinpoint.endpoints.get("ana-email")
print(endpoint)
print(endpoint.address, endpoint.attributes, endpoint.effective_date)

# %% All endpoints of a user, as a table.


def row(endpoint: Endpoint) -> tuple[str, ...]:
    """What the table shows of an endpoint. What is not known is None."""
    location, attributes = endpoint.location or Location(), endpoint.attributes or {}
    return (
        endpoint.id or "",
        endpoint.channel_type.value if endpoint.channel_type else "",
        endpoint.address or "",
        location.country or "",
        f"{(endpoint.metrics or {}).get('orders', 0):g}",
        ", ".join(attributes.get("interests", [])),
    )


def table(endpoints: list[Endpoint]) -> str:
    """One line an endpoint."""
    head = ("endpoint", "channel", "address", "country", "orders", "interests")
    rows = [head, *map(row, endpoints)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        for cells in rows
    )


print(table(pinpoint.users.endpoints("ana")))

# %% Filter in Python: endpoints are plain values. A user who is not there raises NotFound.


def endpoints_of(user_id: str) -> list[Endpoint]:
    """The user's endpoints; none when there is no such user."""
    try:
        return pinpoint.users.endpoints(user_id)
    except pk.errors.NotFound:
        return []


everyone = [found for name in ("ana", "ben", "eva", "zoe") for found in endpoints_of(name)]
music = [e for e in everyone if "music" in (e.attributes or {}).get("interests", [])]
print(table(music))

# %% Count by country.
countries = [e.location.country for e in everyone if e.location]
for country in sorted({country for country in countries if country}):
    print(country, countries.count(country))

# %% Close it when done.
pinpoint.close()
