"""`Transporting`: hands messages of a run to a transport, and stores what became of them.

The messages are in the outbox as `PENDING` before anything is sent, and the transport is called
outside of transactions. After a crash, those of the call that was interrupted are sent again: a
transport may have taken them already, which nobody can know. They keep their ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from sqlalchemy import bindparam, select

from pinpoint_kit.engine.applications.store import App
from pinpoint_kit.engine.campaigns import activities, sends, store
from pinpoint_kit.engine.campaigns.running.addresses import HAS_MOVED
from pinpoint_kit.engine.campaigns.running.position import Position
from pinpoint_kit.engine.campaigns.running.storing import named_send
from pinpoint_kit.engine.campaigns.sends import Send
from pinpoint_kit.engine.campaigns.store import Campaign
from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.messages import delivering, outcomes, stream_records
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.messages.outbox import StoredMessage
from pinpoint_kit.engine.messages.recipients import LISTED
from pinpoint_kit.engine.messages.stream_records import Streamed
from pinpoint_kit.engine.storage.statements import Lookup, Statement, padded
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGES
from pinpoint_kit.engine.work.leases import Lease, LostError
from pinpoint_kit.records.message_stream import CampaignNames

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.messages.delivering import Delivered

__all__ = ["Transporting"]

#: What a DeliveryStatus is called in a record of a campaign.
_STATUSES = {
    "SUCCESSFUL": "SUCCESS",
    "PERMANENT_FAILURE": "FAILURE_PERMANENT",
    "OPT_OUT": "FAILURE_PERMANENT",
    "THROTTLED": "THROTTLED",
}
#: What becomes of one whose run has ended first.
_ENDED = delivering.Delivered(
    "PERMANENT_FAILURE", 400, "The campaign ended before a transport took the message"
)
#: What becomes of a message whose endpoint was deleted while it waited: nothing is left of it.
_GONE = delivering.Delivered("PERMANENT_FAILURE", 400, "The endpoint was deleted")
#: What becomes of one whose endpoint has changed while it waited, which may be for days in a pause.
_OUT = delivering.Delivered("OPT_OUT", 200, "The endpoint has opted out, or is inactive")
_LISTED = delivering.Delivered("OPT_OUT", 200, LISTED)
_MOVED = delivering.Delivered("PERMANENT_FAILURE", 400, HAS_MOVED)
#: What becomes of one whose turn comes in quiet time, or too late.
_QUIET = delivering.Delivered("PERMANENT_FAILURE", 400, "It was quiet time where the endpoint is")
_LATE = delivering.Delivered("PERMANENT_FAILURE", 400, "The campaign's MaximumDuration was over")
#: What a record of a campaign calls what no transport has said.
_OWN_STATUSES = {_ENDED: "FAILURE", _QUIET: "QUIET_TIME", _LATE: "EXPIRED"}
_ENDPOINTS_NOW = Lookup(
    select(
        ENDPOINTS.c.endpoint,
        ENDPOINTS.c.channel_type,
        ENDPOINTS.c.address,
        ENDPOINTS.c.status,
        ENDPOINTS.c.opt_out,
        ENDPOINTS.c.timezone,
    ),
    ENDPOINTS.c.endpoint,
)
_LISTS = (1, 10, 100, 500)
_BY_NUMBERS = {
    size: Statement(
        select(*(MESSAGES.c[name] for name in StoredMessage._fields)).where(
            MESSAGES.c.number.in_([bindparam(f"number_{n}") for n in range(size)])
        ),
        *(f"number_{n}" for n in range(size)),
    )
    for size in _LISTS
}


@attrs.frozen
class Transporting:
    """Sends messages of the runs of one campaign."""

    _context: Context
    _app: App
    _campaign: Campaign
    _lease: Lease

    def go_on(self, activity: Activity, position: Position, now: int) -> None:
        """Send some of the messages that wait, in one call, and store the results.

        Raises:
            LostError: the lease is lost, or the campaign may not go on.
        """
        waiting = self._waiting(position)
        gone = [message for message in waiting if not message.address]
        chosen = gone or self._of_one_call(waiting)
        decided = self._decided(activity, position, chosen, now)
        asked = [message for message in chosen if message.number not in decided]
        given = delivering.deliver(self._context, self._app.id, asked)
        decided.update(zip((message.number for message in asked), given, strict=True))
        results = [decided[message.number] for message in chosen]
        done = {message.number for message in chosen}
        left = {message.number for message in waiting} - done
        self._store(activity, position, chosen, results, left, now)

    def give_up(self, activity: Activity, now: int) -> None:
        """Store that messages of a run were not sent, because it has ended.

        Raises:
            LostError: the lease is lost, or the campaign is gone.
        """
        position = Position.of(activity)
        waiting = self._waiting(position)
        self._store(activity, position, waiting, [_ENDED] * len(waiting), set(), now)

    def _waiting(self, position: Position) -> list[StoredMessage]:
        """Return the messages that wait; those that were erased meanwhile are left out."""
        with self._context.store.read() as connection:
            return _messages(connection, sorted(dict(position.sending)))

    def _decided(
        self, activity: Activity, position: Position, chosen: Sequence[StoredMessage], now: int
    ) -> dict[int, Delivered]:
        """Return what becomes of messages that nobody may get any more, by their numbers."""
        quiet = self._campaign.definition.treatment(activity.treatment).quiet
        until = dict(position.until)
        keys = list({message.endpoint for message in chosen if message.endpoint})
        with self._context.store.read() as connection:
            rows = _ENDPOINTS_NOW.rows(connection, activity.app, keys) if keys else []
            contacts = ((message.channel, message.address) for message in chosen)
            opted_out = opt_outs.among(connection, activity.app, contacts)
        present = {endpoint: rest for endpoint, *rest in rows}
        decided: dict[int, Delivered] = {}
        for message in chosen:
            found = present.get(message.endpoint or "")
            if not message.address or found is None:
                decided[message.number] = _GONE
                continue
            channel, address, status, opt_out, zone = found
            if status != "ACTIVE" or opt_out == "ALL":
                decided[message.number] = _OUT
            elif (channel, address) != (message.channel, message.address):
                decided[message.number] = _MOVED
            elif (channel, address) in opted_out:
                decided[message.number] = _LISTED
            elif quiet is not None and quiet.holds(now, zone):
                decided[message.number] = _QUIET
            elif now > until.get(message.number, now):
                decided[message.number] = _LATE
        return decided

    def _of_one_call(self, waiting: Sequence[StoredMessage]) -> list[StoredMessage]:
        """Return the messages that one call of a transport takes."""
        if not waiting:
            return []
        channel = delivering.channel_of(waiting[0].channel)
        transports = self._context.engagement.transports
        if channel is None or channel not in transports:
            return list(waiting)  # it is given no more, and they stay in the outbox
        found = [each for each in waiting if delivering.channel_of(each.channel) == channel]
        return found[: max(1, transports[channel].most_messages)]

    def _store(  # noqa: PLR0913, PLR0917 -- a call, and what came of it
        self,
        activity: Activity,
        position: Position,
        chosen: Sequence[StoredMessage],
        results: Sequence[Delivered],
        left: Collection[int],
        now: int,
    ) -> None:
        event_ids = dict(position.sending)
        rows = [
            Send(
                activity.number,
                message.endpoint or "",
                event_ids[message.number],
                activity.app,
                activity.campaign,
                now,
                _status(result),
                message.number,
            )
            for message, result in zip(chosen, results, strict=True)
        ]
        with self._context.store.write() as connection:
            self._lease.check(connection)
            store.load(connection, self._campaign.number)
            somebodys = delivering.settle(
                connection,
                activity.app,
                [(message.id, given) for message, given in zip(chosen, results, strict=True)],
            )
            bounced = [
                message.id
                for message, given in zip(chosen, results, strict=True)
                if given.is_bounce and message.id in somebodys
            ]
            outcomes.bounce(self._context, connection, self._app, bounced, now=now)
            sends.settle(connection, rows)
            current = activities.again(connection, activity)
            if current is None:
                raise LostError
            # It may have ended during the call; what the transport has taken counts all the same.
            counted = current.counted(
                {activities.SUCCESSFUL: sum(row.status == "SUCCESS" for row in rows)}
            )
            if counted.ended is not None:
                counted = counted.ended_with(counted.state, counted.ended)
            # As it is stored now: an erasure may have taken the ids of events out of it.
            stored = Position.of(current)
            sending = [pair for pair in stored.sending if pair[0] in left]
            until = [pair for pair in stored.until if pair[0] in left]
            after = attrs.evolve(stored, sending=sending, until=until)
            activities.save(connection, attrs.evolve(counted, position=after.stored()))
            told = [
                (message, row)
                for message, row in zip(chosen, rows, strict=True)
                if message.id in somebodys or not message.address
            ]
            self._record(connection, activity, told, now)

    def _record(
        self,
        connection: Connection,
        activity: Activity,
        told: Sequence[tuple[StoredMessage, Send]],
        now: int,
    ) -> None:
        context, app = self._context, self._app
        if not told or not stream_records.is_wanted(context, connection, app):
            return
        keys = [message.endpoint for message, _ in told if message.endpoint]
        shown: Mapping[str, Mapping[str, object]] = {
            state.endpoint: rendered(state, app.id, attributes)
            for state, attributes in reader.by_keys(connection, app.number, keys)
        }
        names = CampaignNames(self._campaign.id, activity.id, str(activity.treatment))
        stream_records.campaign_sends(
            context,
            connection,
            app,
            [
                named_send(app.id, names, endpoint, row, message.channel, message.user_id)
                for message, row in told
                for endpoint in [shown.get(row.endpoint, {})]
            ],
            now=now,
        )
        stream_records.sent(
            context,
            connection,
            app,
            [
                Streamed(
                    message._replace(status="SUCCESSFUL"),
                    Content.read(message.content),
                    str(shown.get(row.endpoint, {}).get("Id", "")) or None,
                    names,
                )
                for message, row in told
                if row.status == "SUCCESS"
            ],
            now=now,
        )


def _status(result: Delivered) -> str:
    """Return what a record of a campaign calls what became of a message."""
    return _OWN_STATUSES.get(result) or _STATUSES.get(result.status, "TRANSIENT_FAILURE")


def _messages(connection: Connection, numbers: Sequence[int]) -> list[StoredMessage]:
    """Return messages by their numbers, in their order."""
    found = {
        row[0]: StoredMessage(*row)
        for part in padded(numbers, _LISTS)
        for row in _BY_NUMBERS[len(part)].rows(connection, *part)
    }
    return [found[number] for number in sorted(found)]
