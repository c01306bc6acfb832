"""`deliver`: hand messages to the transports, and say what became of each. No transaction is open.

A message that waits for a transport is in the outbox as `PENDING` before it is handed over, and
gets its status after that, each in a transaction of its own: `waits`, then `deliver`, then
`settle`. So a crash in between leaves it `PENDING`, and nobody knows whether it went.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import tenacity
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine.messages import simulators
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.rendering.payloads import PUSH_CHANNELS
from pinpoint_kit.engine.storage.failure_log import location_of
from pinpoint_kit.engine.storage.statements import Lookup, Statement
from pinpoint_kit.engine.storage.tables.messages import MESSAGES
from pinpoint_kit.engine.wire.refusals import ApiError
from pinpoint_kit.records.message import NotSent, OutgoingMessage, Sent
from pinpoint_kit.system.turns import NoTurnError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.messages.outbox import NewMessage, StoredMessage
    from pinpoint_kit.records.message import Channel, Transport

__all__ = ["PENDING", "Delivered", "channel_of", "deliver", "settle", "stored", "waits"]

_logger = logging.getLogger(__name__)

#: The status of a message that waits for its transport.
PENDING = "PENDING"
_THROTTLED = 429
#: How often a status is stored again that others have kept from being stored.
_REPEATS = 6
#: How long one that sends waits for another one at the same transport: as long as a call may take.
_TURN_S = 240.0
_OTHERS: dict[str, Channel] = {"EMAIL": "EMAIL", "SMS": "SMS"}

_SETTLE = Statement(
    update(MESSAGES)
    .values(
        status=bindparam("status_"), status_code=bindparam("code_"), status_text=bindparam("text_")
    )
    .where(MESSAGES.c.app == bindparam("app_"))
    .where(MESSAGES.c.id == bindparam("id_"))
    .where(MESSAGES.c.status == PENDING),
    *("status_", "code_", "text_", "app_", "id_"),
)
#: A message whose endpoint was deleted is there without an address.
_SOMEBODYS = Lookup(select(MESSAGES.c.id).where(MESSAGES.c.address != ""), MESSAGES.c.id)


class Delivered(NamedTuple):
    """What became of a message: the members of a MessageResult.

    Attributes:
        status: the DeliveryStatus.
        code: the StatusCode.
        text: the StatusMessage.
        is_bounce: whether the address is none that can be reached.
    """

    status: str
    code: int
    text: str
    is_bounce: bool = False

    def __repr__(self) -> str:
        """Show no text: it may name the recipient."""
        return f"Delivered(status={self.status!r}, code={self.code!r})"


def channel_of(channel: str) -> Channel | None:
    """Return by which transport messages of a channel type go; None for those that none takes."""
    return "PUSH" if channel in PUSH_CHANNELS else _OTHERS.get(channel)


def waits(context: Context, channel: str, address: str) -> bool:
    """Return whether a message waits for a transport, instead of staying in the outbox.

    Args:
        context: the engine's surroundings.
        channel: its channel type.
        address: whom it goes to; what is sent to a simulator of AWS stays.
    """
    transports = context.engagement.transports
    if not transports or channel_of(channel) not in transports:
        return False
    return simulators.outcomes_of(channel, address) is None


def deliver(
    context: Context, application_id: str, messages: Sequence[NewMessage | StoredMessage]
) -> list[Delivered]:
    """Hand messages to their transports, and return what became of each, in their order.

    It takes as long as the transports do, and raises nothing. No transaction may be open.

    Args:
        context: the engine's surroundings.
        application_id: the id of their application.
        messages: those of which `waits` is true, as they are in the outbox.
    """
    found: list[Delivered | None] = [None] * len(messages)
    by_channel: dict[Channel, list[int]] = {}
    for place, row in enumerate(messages):
        channel = channel_of(row.channel)
        if channel is not None and channel in context.engagement.transports:
            by_channel.setdefault(channel, []).append(place)
    for channel, places in by_channel.items():
        transport = context.engagement.transports[channel]
        size = max(1, transport.most_messages)
        for start in range(0, len(places), size):
            part = places[start : start + size]
            outgoing = [_outgoing(application_id, messages[place]) for place in part]
            for place, outcome in zip(part, _sent(context, transport, outgoing), strict=True):
                found[place] = _delivered(messages[place], outcome)
    return [each or Delivered("SUCCESSFUL", 200, "") for each in found]


def settle(connection: Connection, app: int, rows: Sequence[tuple[str, Delivered]]) -> set[str]:
    """Store what became of messages, by their ids; what is not `PENDING` any more stays as it is.

    Args:
        connection: a write transaction that no removal of a person runs beside.
        app: the number of their application.
        rows: the ids, each with what became of it.

    Returns:
        The ids of those that are still somebody's. Of the others nothing may be stored that names
        anybody: they were erased, or their endpoints were deleted, while a transport had them.
    """
    somebodys = {row[0] for row in _SOMEBODYS.rows(connection, app, [one for one, _ in rows])}
    _SETTLE.run_many(
        connection,
        [
            (given.status, given.code, given.text if one in somebodys else "", app, one)
            for one, given in rows
        ],
    )
    return somebodys


def stored(context: Context, store: Callable[[], None]) -> None:
    """Store what became of messages, again when the database has undone it for somebody else's.

    Where it cannot be stored, they stay `PENDING`, and the log says so: the request must not fail,
    because whoever repeats it would send the messages twice.

    Args:
        context: the engine's surroundings.
        store: stores it, in a transaction of its own.
    """
    repeating = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(_REPEATS),
        wait=tenacity.wait_random_exponential(multiplier=0.02, max=1.0),
        retry=tenacity.retry_if_exception(
            lambda error: isinstance(error, DBAPIError) and context.store.may_repeat(error)
        ),
        reraise=True,
    )
    try:
        repeating(store)
    except (DBAPIError, ApiError) as error:
        _logger.error("messages were sent, and stay PENDING: %s", location_of(error))  # noqa: TRY400 -- a traceback would hold personal data


def _sent(
    context: Context, transport: Transport, outgoing: Sequence[OutgoingMessage]
) -> Sequence[Sent | NotSent]:
    """Call a transport, whatever it does."""
    try:
        outcomes = context.engagement.turns.of(transport).run(
            lambda: transport.send(outgoing), _TURN_S
        )
    except NoTurnError:
        why = f"{transport.name}: others send there, or it has sent messages itself"
        return [NotSent(why)] * len(outgoing)
    except Exception as error:  # noqa: BLE001 -- of somebody's transport
        _logger.error("%s failed: %s", transport.name, location_of(error))  # noqa: TRY400 -- a traceback would hold personal data
        return [NotSent(f"{transport.name}: {type(error).__name__}")] * len(outgoing)
    if not _is_of_each(outcomes, outgoing):
        return [NotSent(f"{transport.name}: it says not of each what became of it")] * len(outgoing)
    return outcomes


def _is_of_each(outcomes: object, outgoing: Sequence[OutgoingMessage]) -> bool:
    """Return whether a transport has said of each message what became of it."""
    return (
        isinstance(outcomes, Sequence)
        and len(outcomes) == len(outgoing)
        and all(isinstance(each, (Sent, NotSent)) for each in outcomes)
    )


def _outgoing(application_id: str, row: NewMessage | StoredMessage) -> OutgoingMessage:
    content = Content.read(row.content)
    return OutgoingMessage(
        id=row.id,
        application_id=application_id,
        channel=row.channel,
        address=row.address,
        title=content.title,
        body=content.body,
        html=content.html,
        sender=content.sender,
        origination_number=content.origination_number,
        message_type=content.message_type,
        headers=content.headers,
        payload=content.payload,
        data=content.data,
    )


def _delivered(row: NewMessage | StoredMessage, outcome: Sent | NotSent) -> Delivered:
    if isinstance(outcome, Sent):
        return Delivered("SUCCESSFUL", 200, outcome.text or row.status_text)
    if outcome.code == _THROTTLED:
        return Delivered("THROTTLED", _THROTTLED, outcome.text)
    status = "PERMANENT_FAILURE" if outcome.is_permanent else "TEMPORARY_FAILURE"
    is_bounce = outcome.is_permanent and outcome.is_bounce
    return Delivered(status, outcome.code, outcome.text, is_bounce)
