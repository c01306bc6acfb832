"""The outbox: the table of every message that was rendered for somebody. Statements only.

What a message says belongs to messages/composing.py, what becomes of it to messages/outcomes.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs
from sqlalchemy import bindparam, delete, exists, insert, or_, select

from pinpoint_kit.engine.storage.statements import BulkInsert, Distinct, Lookup, Statement
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_ACTIVITIES, CAMPAIGN_SENDS
from pinpoint_kit.engine.storage.tables.messages import MESSAGE_OUTCOMES, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Connection
    from sqlalchemy.sql import ColumnElement

    from pinpoint_kit.engine.context import Context

__all__ = [
    "Filter",
    "NewMessage",
    "StoredMessage",
    "add",
    "app_with_older",
    "by_id",
    "clear",
    "delete_numbers",
    "find",
    "new_message_id",
    "numbers",
    "remove_older",
]

_COLUMNS = (
    "app",
    "id",
    "created",
    "channel",
    "address",
    "endpoint",
    "user_id",
    "kind",
    "campaign",
    "treatment",
    "activity",
    "status",
    "status_code",
    "status_text",
    "content",
    "outcomes",
)
_INSERT = BulkInsert(lambda _: insert(MESSAGES), *_COLUMNS)
_SHOWN = (MESSAGES.c.number, *(MESSAGES.c[name] for name in _COLUMNS))
_BY_ID = Lookup(select(*_SHOWN), MESSAGES.c.id)
_NUMBERS = Lookup(select(MESSAGES.c.id, MESSAGES.c.number), MESSAGES.c.id)
_ADDRESSES = Distinct(MESSAGES.c.address)
_DELETE = Statement(delete(MESSAGES).where(MESSAGES.c.number == bindparam("number_")), "number_")
_DELETE_OUTCOMES = Statement(
    delete(MESSAGE_OUTCOMES).where(MESSAGE_OUTCOMES.c.message == bindparam("number_")), "number_"
)

#: The first messages of an application, without those of campaigns that wait for a transport, and
#: of runs under way, which still have to know whom they have reached. (One that waits for events
#: does not ask, and is under way for years.)
_FIRST = Statement(
    select(MESSAGES.c.number, MESSAGES.c.created)
    .where(MESSAGES.c.app == bindparam("app_"))
    .where(or_(MESSAGES.c.status != "PENDING", MESSAGES.c.campaign.is_(None)))
    .where(
        ~exists()
        .where(CAMPAIGN_ACTIVITIES.c.number == MESSAGES.c.activity)
        .where(CAMPAIGN_ACTIVITIES.c.open.is_not(None))
        .where(CAMPAIGN_SENDS.c.activity == MESSAGES.c.activity)
        .where(CAMPAIGN_SENDS.c.endpoint == MESSAGES.c.endpoint)
        .where(CAMPAIGN_SENDS.c.event_id == "")
    )
    .order_by(MESSAGES.c.number)
    .limit(bindparam("most_")),
    "app_",
    "most_",
)
_APPS = Statement(select(APPS.c.number).order_by(APPS.c.number))
#: So many are looked at before an application is said to have none that is old: a clock that was
#: wrong for a moment must not keep the others for ever.
_LOOKED_AT = 50


class NewMessage(NamedTuple):
    """A row of the outbox that is to be added. A tuple, because campaigns make thousands.

    Attributes:
        app: the number of the application.
        id: its id, of `new_message_id`.
        created: when it was made, milliseconds since 1970.
        channel: the service's channel type.
        address: whom it goes to.
        content: what was rendered, of `Content.stored`.
        endpoint: the endpoint's id in lower case; None for an address without an endpoint.
        user_id: the endpoint's user.
        kind: `direct`, `otp` or `campaign`.
        campaign: the number of the campaign; None unless it is of one.
        treatment: the number of its treatment.
        activity: the number of its run.
        status: `PENDING`, or a DeliveryStatus of the service.
        status_code: its StatusCode.
        status_text: its StatusMessage.
        outcomes: JSON, the outcomes that are known already.
    """

    app: int
    id: str
    created: int
    channel: str
    address: str
    content: str
    endpoint: str | None = None
    user_id: str | None = None
    kind: str = "direct"
    campaign: int | None = None
    treatment: int | None = None
    activity: int | None = None
    status: str = "SUCCESSFUL"
    status_code: int = 200
    status_text: str = ""
    outcomes: str | None = None

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"NewMessage(id={self.id!r}, channel={self.channel!r}, status={self.status!r})"


class StoredMessage(NamedTuple):
    """A row of the outbox, in the order of its columns."""

    number: int
    app: int
    id: str
    created: int
    channel: str
    address: str
    endpoint: str | None
    user_id: str | None
    kind: str
    campaign: int | None
    treatment: int | None
    activity: int | None
    status: str
    status_code: int
    status_text: str
    content: str
    outcomes: str | None

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"StoredMessage(id={self.id!r}, channel={self.channel!r}, status={self.status!r})"


@attrs.frozen(kw_only=True)
class Filter:
    """Which messages are meant; None for all.

    Attributes:
        since: those that were made then or later, milliseconds since 1970.
        until: those that were made before that.
        campaign: the number of a campaign.
    """

    address: str | None = attrs.field(default=None, repr=False)
    channel: str | None = None
    endpoint: str | None = attrs.field(default=None, repr=False)
    kind: str | None = None
    campaign: int | None = None
    since: int | None = None
    until: int | None = None


def new_message_id(context: Context, created: int) -> str:
    """Return a new id in the service's form: 40 lower-case hex digits.

    Ids begin with their time, so that the index of ids grows at its end: random ones would write a
    page of it for each message.

    Args:
        context: the engine's surroundings.
        created: when the message is made, milliseconds since 1970.
    """
    return f"{created:012x}{context.new_id()[-28:]}"


def add(connection: Connection, rows: Sequence[NewMessage]) -> None:
    """Put messages into the outbox, all of them with a few statements, in their order.

    Args:
        connection: a write transaction.
        rows: the messages; their ids are new.
    """
    _INSERT.run(
        connection,
        [
            (
                row.app,
                row.id,
                row.created,
                row.channel,
                row.address,
                row.endpoint,
                row.user_id,
                row.kind,
                row.campaign,
                row.treatment,
                row.activity,
                row.status,
                row.status_code,
                row.status_text,
                row.content,
                row.outcomes,
            )
            for row in rows
        ],
        are_new=True,
    )


def numbers(connection: Connection, app: int, ids: Sequence[str]) -> dict[str, int]:
    """Return the numbers of messages by their ids: what other tables call them by."""
    return dict(_NUMBERS.rows(connection, app, ids))


def by_id(connection: Connection, app: int, message_id: str) -> StoredMessage | None:
    """Return a message, or None."""
    rows = _BY_ID.one(connection, app, message_id)
    return StoredMessage(*rows[0]) if rows else None


def addresses(connection: Connection, app: int) -> Iterator[str]:
    """Yield the addresses that messages are for, each once, in their order."""
    return _ADDRESSES.walk(connection, app)


def find(  # noqa: PLR0913 -- what one may ask for
    connection: Connection,
    app: int,
    wanted: Filter,
    *,
    after: int = 0,
    most: int,
    newest_first: bool = False,
) -> list[StoredMessage]:
    """Return messages, the oldest first unless said.

    Args:
        connection: where to look.
        app: the number of the application.
        wanted: which of them.
        after: the number of the message before the first; 0 for the beginning.
        most: how many.
        newest_first: whether to begin with the newest.
    """
    number = MESSAGES.c.number
    query = select(*_SHOWN).where(*_conditions(app, wanted)).limit(most)
    if newest_first:
        query = query.order_by(number.desc())
        query = query.where(number < after) if after else query
    else:
        query = query.order_by(number).where(number > after)
    return [StoredMessage(*row) for row in connection.execute(query)]


def clear(connection: Connection, app: int, wanted: Filter) -> int:
    """Delete messages and what was reported of them; return how many messages.

    Args:
        connection: a write transaction.
        app: the number of the application.
        wanted: which of them.
    """
    found = connection.execute(select(MESSAGES.c.number).where(*_conditions(app, wanted)))
    gone = [(number,) for (number,) in found]
    delete_numbers(connection, gone)
    return len(gone)


def delete_numbers(connection: Connection, gone: Iterable[tuple[int]]) -> None:
    """Delete messages by their numbers, and what was reported of them."""
    numbers_of = list(gone)
    _DELETE_OUTCOMES.run_many(connection, numbers_of)
    _DELETE.run_many(connection, numbers_of)


def app_with_older(connection: Connection, before: int, now: int) -> int | None:  # noqa: ARG001 -- as of events
    """Return the number of an application that has a message from before a moment.

    Messages of campaigns that wait for a transport are left to their campaign.

    Args:
        connection: where to look.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
    """
    for (app,) in _APPS.rows(connection):
        if any(created < before for _, created in _FIRST.rows(connection, app, _LOOKED_AT)):
            return int(app)
    return None


def remove_older(connection: Connection, app: int, before: int, now: int, most: int) -> int:  # noqa: ARG001 -- as of events
    """Delete messages from before a moment, and what was reported of them; see `app_with_older`.

    Args:
        connection: a write transaction.
        app: the number of the application.
        before: the moment, milliseconds since 1970.
        now: the same of the present.
        most: how many to look at, the oldest first.

    Returns:
        How many were deleted.
    """
    first = _FIRST.rows(connection, app, max(most, _LOOKED_AT))
    gone = [(number,) for number, created in first if created < before]
    delete_numbers(connection, gone)
    return len(gone)


def _conditions(app: int, wanted: Filter) -> list[ColumnElement[bool]]:
    columns = MESSAGES.c
    conditions: list[ColumnElement[bool]] = [columns.app == app]
    for column, value in (
        (columns.address, wanted.address),
        (columns.channel, wanted.channel),
        (columns.endpoint, wanted.endpoint),
        (columns.kind, wanted.kind),
        (columns.campaign, wanted.campaign),
    ):
        if value is not None:
            conditions.append(column == value)
    if wanted.since is not None:
        conditions.append(columns.created >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.created < wanted.until)
    return conditions
