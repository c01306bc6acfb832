"""The table of opt-outs: statements, and which of some recipients are in it.

An opt-out is one of an address on a channel, in an application. The address stands there as
`comparable` gives it, so that every spelling of it is meant. Endpoints have an `OptOut` and a
status of their own, which stand beside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import bindparam, delete, func, select

from pinpoint_kit.engine.endpoints.parsing import CHANNEL_TYPES
from pinpoint_kit.engine.storage.dialects.statements import insert_ignoring
from pinpoint_kit.engine.storage.statements import BulkInsert, Lookup, Statement
from pinpoint_kit.engine.storage.tables.messages import OPT_OUTS
from pinpoint_kit.records.contacts import PHONE_CHANNELS, comparable, may_be_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection

__all__ = [
    "REASONS",
    "Contact",
    "OptedOut",
    "add",
    "among",
    "find",
    "newest",
    "numbers_of",
    "remove",
    "remove_numbers",
]

#: Outcomes of messages after which nothing may be sent to an address.
REASONS = ("opted_out", "complained", "bounced")

#: A channel type and an address as it is written.
Contact = tuple[str, str]

_COLUMNS = ("app", "channel", "address", "reason", "since")
_INSERT = BulkInsert(lambda dialect: insert_ignoring(dialect, OPT_OUTS), *_COLUMNS)
_NEWEST = Statement(
    select(func.max(OPT_OUTS.c.number)).where(OPT_OUTS.c.app == bindparam("app_")), "app_"
)
_BY_ADDRESS = Lookup(
    select(OPT_OUTS.c.number, OPT_OUTS.c.channel, OPT_OUTS.c.address), OPT_OUTS.c.address
)
_DELETE = Statement(
    delete(OPT_OUTS)
    .where(OPT_OUTS.c.app == bindparam("app_"))
    .where(OPT_OUTS.c.address == bindparam("address_"))
    .where(OPT_OUTS.c.channel == bindparam("channel_")),
    *("app_", "address_", "channel_"),
)
_DELETE_NUMBER = Statement(delete(OPT_OUTS).where(OPT_OUTS.c.number == bindparam("n_")), "n_")


class OptedOut(NamedTuple):
    """A row of the table."""

    number: int
    channel: str
    address: str
    reason: str
    since: int

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"OptedOut(channel={self.channel!r}, reason={self.reason!r})"


def newest(connection: Connection, app: int) -> int:
    """Return the number of an application's latest opt-out, 0 without any: a few microseconds.

    Later ones have higher numbers, so whoever has looked need not look again while it is the same.
    """
    return _NEWEST.rows(connection, app)[0][0] or 0


def among(
    connection: Connection,
    app: int,
    contacts: Iterable[tuple[str | None, str | None]],
    *,
    known: int = 0,
) -> set[Contact]:
    """Return which of some recipients must not be sent to, as they were written.

    However many they are, it is two short queries, and one where there is nothing new.

    Args:
        connection: where to look.
        app: the number of the application.
        contacts: channel type and address of each, as far as they are known.
        known: a number of `newest`: nothing is looked for while that opt-out is still the latest.
    """
    if newest(connection, app) <= known:
        return set()
    given = {
        (channel, address): form
        for channel, address in contacts
        if channel and address and (form := comparable(channel, address))
    }
    found = {
        (channel, address)
        for _, channel, address in _BY_ADDRESS.rows(connection, app, list(set(given.values())))
    }
    return {contact for contact, form in given.items() if (contact[0], form) in found}


def add(
    connection: Connection, app: int, contacts: Iterable[Contact], *, reason: str, now: int
) -> int:
    """Take opt-outs; one that is there stays as it is.

    Args:
        connection: a write transaction that is alone: numbers are in the order of commits.
        app: the number of the application.
        contacts: channel type and address of each.
        reason: one of `REASONS`.
        now: milliseconds since 1970.

    Returns:
        How many are new.
    """
    given = {(channel, comparable(channel, address)) for channel, address in contacts}
    rows = [(app, channel, form, reason, now) for channel, form in sorted(given) if form]
    return _INSERT.run(connection, rows)


def remove(connection: Connection, app: int, contacts: Iterable[Contact]) -> int:
    """Lift opt-outs, and return how many there were."""
    given = {(comparable(channel, address), channel) for channel, address in contacts}
    return _DELETE.run_many(connection, [(app, *each) for each in sorted(given)])


def find(  # noqa: PLR0913 -- what one may ask for
    connection: Connection,
    app: int,
    *,
    address: str | None = None,
    channel: str | None = None,
    reason: str | None = None,
    after: int = 0,
    most: int,
) -> list[OptedOut]:
    """Return opt-outs, the oldest first.

    Args:
        connection: where to look.
        app: the number of the application.
        address: those of this address alone, in any spelling.
        channel: those of this channel type alone.
        reason: those for this reason alone.
        after: the number of the one before the first; 0 for the beginning.
        most: how many.
    """
    columns = OPT_OUTS.c
    query = (
        select(*(columns[name] for name in OptedOut._fields))
        .where(columns.app == app, columns.number > after)
        .order_by(columns.number)
        .limit(most)
    )
    if address is not None:
        forms = sorted({form for _, form in _contacts(address)})
        query = query.where(columns.address.in_(forms))
    if channel is not None:
        query = query.where(columns.channel == channel)
    if reason is not None:
        query = query.where(columns.reason == reason)
    return [OptedOut(*row) for row in connection.execute(query)]


def numbers_of(connection: Connection, app: int, addresses: Collection[str]) -> list[int]:
    """Return the numbers of the opt-outs of some addresses, in any spelling, on all channels."""
    if not addresses or not newest(connection, app):
        return []
    wanted = {contact for address in addresses for contact in _contacts(address)}
    rows = _BY_ADDRESS.rows(connection, app, sorted({form for _, form in wanted}))
    return sorted({number for number, *contact in rows if tuple(contact) in wanted})


def remove_numbers(connection: Connection, numbers: Sequence[int]) -> None:
    """Delete opt-outs by their numbers."""
    _DELETE_NUMBER.run_many(connection, [(number,) for number in numbers])


def _contacts(address: str) -> list[Contact]:
    """Return as what an address may stand in the table, on whichever channel."""
    left_out = () if may_be_number(address) else PHONE_CHANNELS
    found = [(each, comparable(each, address)) for each in CHANNEL_TYPES if each not in left_out]
    return [(channel, form) for channel, form in found if form]
