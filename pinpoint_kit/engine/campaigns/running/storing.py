"""`Kept`: what a step stores of its outcomes: messages, sends, and records for event streams.

All of it belongs to the one transaction of the step.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import select

from pinpoint_kit.engine.campaigns import activities, sends
from pinpoint_kit.engine.campaigns.running.batches import Outcome
from pinpoint_kit.engine.campaigns.sends import PENDING, Send
from pinpoint_kit.engine.context import Stamp
from pinpoint_kit.engine.messages import (
    delivering,
    outbox,
    outcomes,
    simulators,
    stream_records,
)
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.messages.outbox import NewMessage
from pinpoint_kit.engine.messages.stream_records import NamedSend, Streamed
from pinpoint_kit.engine.storage.statements import Lookup
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.records.message_stream import CampaignSend

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.records.message_stream import CampaignNames

__all__ = ["Kept", "named_send", "still", "totals"]

#: Statuses of endpoints that a run has tried to reach.
_ATTEMPTED = frozenset(
    {
        PENDING,
        "SUCCESS",
        "FAILURE_PERMANENT",
        "TRANSIENT_FAILURE",
        "HOOK_FAILURE",
        "CUSTOM_DELIVERY_FAILURE",
    }
)
#: What must still be so of an endpoint when its message is stored.
_PRESENT = Lookup(
    select(
        ENDPOINTS.c.endpoint,
        ENDPOINTS.c.number,
        ENDPOINTS.c.channel_type,
        ENDPOINTS.c.address,
        ENDPOINTS.c.status,
        ENDPOINTS.c.opt_out,
    ),
    ENDPOINTS.c.endpoint,
)


@attrs.define
class Kept:
    """What a step stores.

    Attributes:
        outcomes: what the step has found out.
        rows: the send of each.
        messages: the message of each, None without one.
    """

    outcomes: Sequence[Outcome] = attrs.field(repr=False)
    rows: list[Send] = attrs.field(factory=list, repr=False)
    messages: list[NewMessage | None] = attrs.field(factory=list, repr=False)

    @classmethod
    def of(
        cls, context: Context, activity: Activity, outcomes: Sequence[Outcome], now: int
    ) -> Kept:
        """Return what is stored of some outcomes of a run."""
        kept = cls(outcomes)
        for outcome in outcomes:
            context.requests.give_way()
            target = outcome.target
            message = _message(context, activity, outcome, now)
            waits = message is not None and message.status == delivering.PENDING
            kept.messages.append(message)
            kept.rows.append(
                Send(
                    activity.number,
                    target.endpoint,
                    target.event_id,
                    activity.app,
                    activity.campaign,
                    now,
                    PENDING if waits else outcome.status,
                    None,
                )
            )
        return kept

    @property
    def waits_for_transport(self) -> bool:
        """Whether a transport takes some of the messages."""
        return any(row.status == PENDING for row in self.rows)

    def add(self, context: Context, connection: Connection, app: App, now: int) -> list[Send]:
        """Store messages and sends, and have simulators report; return the sends."""
        messages = [message for message in self.messages if message is not None]
        outbox.add(connection, messages)
        waiting = [message.id for message in messages if message.status == PENDING]
        if waiting:
            numbers = outbox.numbers(connection, app.number, waiting)
            self.rows = [
                row._replace(message=numbers.get(message.id)) if message is not None else row
                for row, message in zip(self.rows, self.messages, strict=True)
            ]
        sends.add(connection, self.rows)
        for message in messages:
            for outcome in simulators.outcomes_of(message.channel, message.address) or ():
                stored = outbox.by_id(connection, app.number, message.id)
                if stored is not None:
                    given = outcomes.Report(outcome=outcome)
                    stamp = Stamp(now, message.id)
                    outcomes.report(context, connection, app, stored, given, stamp=stamp)
        return self.rows

    def record(
        self, context: Context, connection: Connection, app: App, names: CampaignNames, now: int
    ) -> None:
        """Write the records for event streams; those of messages that wait come with the result."""
        if not stream_records.is_wanted(context, connection, app):
            return
        done = [
            (outcome, row, message)
            for outcome, row, message in zip(self.outcomes, self.rows, self.messages, strict=True)
            if row.status != PENDING
        ]
        told = [
            named_send(app.id, names, outcome.shown, row, outcome.delivery, outcome.target.user_id)
            for outcome, row, _ in done
        ]
        stream_records.campaign_sends(context, connection, app, told, now=now)
        sent = [
            Streamed(message, outcome.content, str(outcome.shown.get("Id", "")), names)
            for outcome, _, message in done
            if message is not None and outcome.content is not None
        ]
        stream_records.sent(context, connection, app, sent, now=now)


def still(
    connection: Connection, app: int, kept: Kept, last_opt_out: int
) -> tuple[Kept, Counter[str]]:
    """Return what holds in this transaction, and counts of what has changed.

    Args:
        connection: the transaction.
        app: the number of the application.
        kept: what a step wants to store.
        last_opt_out: the number of the last opt-out of an address that the step knows of.
    """
    counts: Counter[str] = Counter()
    opted_out = opt_outs.among(
        connection,
        app,
        ((each.target.channel_type, each.target.address) for each in kept.outcomes),
        known=last_opt_out,
    )
    keys = list({outcome.target.endpoint for outcome in kept.outcomes})
    present = {row[0]: row[1:] for row in _PRESENT.rows(connection, app, keys)} if keys else {}
    holding = []
    for place, outcome in enumerate(kept.outcomes):
        target = outcome.target
        found = present.get(target.endpoint)
        if found is None or found[0] != target.number:
            continue  # it was deleted meanwhile, and nothing may be kept of it
        if outcome.content is not None:
            if found[4] == "ALL" or (target.channel_type, target.address) in opted_out:
                counts["ENDPOINT_OPT_OUT"] += 1
                continue
            if found[1:4] != (target.channel_type, target.address, target.status):
                counts["ENDPOINT_INACTIVE"] += 1
                continue
        holding.append(place)
    if len(holding) == len(kept.outcomes):
        return kept, counts
    return (
        Kept(
            [kept.outcomes[place] for place in holding],
            [kept.rows[place] for place in holding],
            [kept.messages[place] for place in holding],
        ),
        counts,
    )


def totals(rows: Sequence[Send]) -> Counter[str]:
    """Return how many endpoints a step has tried to reach, and has sent something."""
    return Counter(
        {
            activities.TOTAL: sum(row.status in _ATTEMPTED for row in rows),
            activities.SUCCESSFUL: sum(row.status == "SUCCESS" for row in rows),
        }
    )


def named_send(  # noqa: PLR0913, PLR0917 -- the parts of a record
    application_id: str,
    names: CampaignNames,
    shown: Mapping[str, object],
    row: Send,
    delivery: str,
    user_id: str | None,
) -> NamedSend:
    """Return what the stream is told of an endpoint.

    Args:
        application_id: the application.
        names: the run.
        shown: the endpoint as GetEndpoint shows it.
        row: its send.
        delivery: its channel type, or `CUSTOM`.
        user_id: the endpoint's user, whatever a hook has made of it: erasures go by it.
    """
    return NamedSend(
        CampaignSend(
            status=row.status,
            application_id=application_id,
            endpoint_id=str(shown.get("Id", row.endpoint)),
            campaign=names,
            at=row.at,
            delivery_type=delivery,
            endpoint=shown,
        ),
        row.endpoint,
        user_id,
    )


def _message(context: Context, activity: Activity, outcome: Outcome, now: int) -> NewMessage | None:
    target, content = outcome.target, outcome.content
    if content is None:
        return None
    address = target.address or ""
    waits = delivering.waits(context, outcome.delivery, address)
    return NewMessage(
        app=activity.app,
        id=outbox.new_message_id(context, now),
        created=now,
        channel=outcome.delivery,
        address=address,
        content=content.stored(),
        endpoint=target.endpoint,
        user_id=target.user_id,
        kind="campaign",
        campaign=activity.campaign,
        treatment=activity.treatment,
        activity=activity.number,
        status=delivering.PENDING if waits else "SUCCESSFUL",
    )
