"""Records of messages in the stream backlog: only for applications that have a stream.

What a record looks like belongs to records/message_stream.py. Whose a record is, its head says: the
endpoint, or for an address without one an id made of the message's, so that erasure finds it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import UUID

from pinpoint_kit.engine.messages.phone_numbers import country_of
from pinpoint_kit.engine.streams import backlog
from pinpoint_kit.engine.streams.backlog import RecordHook
from pinpoint_kit.engine.streams.rows import Head
from pinpoint_kit.records.message_stream import (
    CampaignSend,
    EmailEvent,
    SmsEvent,
    campaign_record,
    email_record,
    sms_record,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Application, Context
    from pinpoint_kit.engine.messages.content import Content
    from pinpoint_kit.engine.messages.outbox import NewMessage, StoredMessage
    from pinpoint_kit.records.message_stream import CampaignNames

__all__ = [
    "Happened",
    "NamedSend",
    "Streamed",
    "campaign_sends",
    "client_id_of",
    "is_of_message",
    "is_wanted",
    "message_of",
    "sent",
    "write",
]

_HOOK = RecordHook()


class Streamed(NamedTuple):
    """A message whose records are to be written.

    Attributes:
        row: its row of the outbox.
        content: what was rendered.
        endpoint_id: the endpoint's id as written; None for an address without an endpoint.
        campaign: the campaign, None for a message that was sent directly.
        request_id: the request that has sent it.
    """

    row: NewMessage | StoredMessage
    content: Content
    endpoint_id: str | None = None
    campaign: CampaignNames | None = None
    request_id: str = ""

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"Streamed(row={self.row!r})"


class Happened(NamedTuple):
    """What has happened to a message, as its record says it.

    Attributes:
        type: the event type.
        status: `feedback` of e-mail, or `record_status` of SMS.
        facet: of e-mail: the member of `mail_event`, and what stands in it.
    """

    type: str
    status: str
    facet: tuple[str, Mapping[str, object]] = ("send", {})


class NamedSend(NamedTuple):
    """A `_campaign.send` record that is to be written, and whose it is.

    Attributes:
        send: what the record says.
        endpoint: the endpoint's id in lower case.
        user_id: the endpoint's user.
    """

    send: CampaignSend
    endpoint: str
    user_id: str | None = None

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"NamedSend(send={self.send!r})"


_SENT = {
    "EMAIL": Happened("_email.send", "received"),
    "SMS": Happened("_SMS.BUFFERED", "PENDING"),
}


def is_wanted(context: Context, connection: Connection, app: Application) -> bool:
    """Return whether anybody waits for records of an application: a few microseconds.

    Args:
        context: the engine's surroundings.
        connection: a write transaction.
        app: the application.
    """
    return _HOOK.wanted(context, connection, app) != "nothing"


def sent(
    context: Context,
    connection: Connection,
    app: Application,
    messages: Sequence[Streamed],
    *,
    now: int,
) -> None:
    """Write `_email.send` and `_SMS.BUFFERED` for messages that were sent.

    Push and voice are not streamed, and nothing is written for an application without a stream.

    Args:
        context: the engine's surroundings.
        connection: the transaction that puts them into the outbox.
        app: the application.
        messages: those that were sent; others are left out.
        now: milliseconds since 1970.
    """
    write(
        context,
        connection,
        app,
        [
            (message, _SENT[message.row.channel])
            for message in messages
            if message.row.channel in _SENT and message.row.status == "SUCCESSFUL"
        ],
        now=now,
    )


def write(
    context: Context,
    connection: Connection,
    app: Application,
    events: Sequence[tuple[Streamed, Happened]],
    *,
    now: int,
) -> None:
    """Write what has happened to messages, if anybody waits for it."""
    if not events or not is_wanted(context, connection, app):
        return
    records = []
    for message, happened in events:
        row = message.row
        client_id = message.endpoint_id or row.endpoint or client_id_of(row.id)
        record = (
            _email(context, app, message, happened, client_id, now)
            if row.channel == "EMAIL"
            else _sms(context, app, message, happened, client_id, now)
        )
        key = row.endpoint or client_id
        event_id = f"{row.id}-{happened.type}"  # as `message_of` reads it
        records.append((Head(key, event_id, now, row.user_id), record))
    backlog.add(connection, app.number, None, records, now)
    context.announce_records()


def campaign_sends(
    context: Context,
    connection: Connection,
    app: Application,
    sends: Sequence[NamedSend],
    *,
    now: int,
) -> None:
    """Write `_campaign.send` for applications with a stream; nothing otherwise.

    Args:
        context: the engine's surroundings.
        connection: the transaction that decides about these endpoints.
        app: the application.
        sends: one for each endpoint.
        now: milliseconds since 1970.
    """
    if not sends or not is_wanted(context, connection, app):
        return
    form = context.streams.form
    records = []
    for named in sends:
        send = named.send
        event_id = f"{send.campaign.activity_id}-{context.new_id()}"
        head = Head(named.endpoint, event_id, now, named.user_id)
        records.append((head, campaign_record(send, form)))
    backlog.add(connection, app.number, None, records, now)
    context.announce_records()


def message_of(event_id: str) -> str:
    """Return the message that a record is of, by the id of its event."""
    return event_id.partition("-")[0]


def is_of_message(event_id: str) -> bool:
    """Return whether a record is one of a message, by the id of its event."""
    return event_id.partition("-")[2].startswith(("_email.", "_SMS."))


def client_id_of(message_id: str) -> str:
    """Return the `client_id` of a message to an address without an endpoint: a UUID."""
    return str(UUID(message_id[:32]))


def _email(  # noqa: PLR0913, PLR0917 -- private; all that a record has
    context: Context,
    app: Application,
    message: Streamed,
    happened: Happened,
    client_id: str,
    now: int,
) -> str:
    row, content = message.row, message.content
    return email_record(
        EmailEvent(
            type=happened.type,
            feedback=happened.status,
            application_id=app.id,
            client_id=client_id,
            message_id=row.id,
            sent=row.created,
            arrival=now,
            address=row.address,
            sender=content.sender,
            subject=content.title,
            headers=content.headers,
            facet=happened.facet,
            campaign=message.campaign,
            context=_context_of(content),
        ),
        context.streams.form,
    )


def _sms(  # noqa: PLR0913, PLR0917 -- private; all that a record has
    context: Context,
    app: Application,
    message: Streamed,
    happened: Happened,
    client_id: str,
    now: int,
) -> str:
    row, content = message.row, message.content
    return sms_record(
        SmsEvent(
            type=happened.type,
            record_status=happened.status,
            application_id=app.id,
            client_id=client_id,
            message_id=row.id,
            request_id=message.request_id,
            sent=row.created,
            arrival=now,
            address=row.address,
            origination_number=content.origination_number,
            country=country_of(row.address),
            message_type=content.message_type or "TRANSACTIONAL",
            parts=content.parts or 1,
            keyword=str(content.data.get("Keyword", "")),
            campaign=message.campaign,
            context=_context_of(content),
        ),
        context.streams.form,
    )


def _context_of(content: Content) -> Mapping[str, str]:
    return cast("Mapping[str, str]", content.data.get("Context") or {})
