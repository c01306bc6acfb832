"""`Runs`: what a run does in one step: some endpoints decided about, and all of it stored at once.

A step reads, calls and renders outside of transactions. Then it stores, in one short transaction:
messages in the outbox, whom it has targeted, records for event streams, and how far it has come. So
a crash loses a step or nothing, and with the outbox nobody gets a message twice. What has changed
meanwhile of an endpoint, a campaign or its segment is seen in that transaction.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

import attrs
from sqlalchemy import func, select

from pinpoint_kit.engine.campaigns import activities, store
from pinpoint_kit.engine.campaigns.definition import ON_EVENT
from pinpoint_kit.engine.campaigns.running import batches, hooks, prepared, storing
from pinpoint_kit.engine.campaigns.running.position import Position
from pinpoint_kit.engine.campaigns.running.prepared import Prepared
from pinpoint_kit.engine.campaigns.running.transports import Transporting
from pinpoint_kit.engine.campaigns.sends import PENDING, Send
from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.messages import stream_records
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.records.message_stream import CampaignNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.campaigns.running.batches import Batch, Chosen, Decisions
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.campaigns.triggers import Trigger
    from pinpoint_kit.engine.work.leases import Lease

__all__ = ["Runs"]

_logger = logging.getLogger(__name__)

_LAST = select(func.max(ENDPOINTS.c.number))
#: How long what a run needs is kept: runs of events and of local time go on for days, and channels
#: are turned off meanwhile.
_KEPT_MS = 10_000
#: After how many sends the database moves its log, before a request has to: 4 to 8 MB.
_MOST_LOGGED = 1_000


@attrs.define
class Runs:
    """Steps of runs. It keeps what open runs need in memory for some seconds."""

    _context: Context
    _prepared: dict[int, tuple[Prepared, int]] = attrs.field(factory=dict, repr=False)
    _paced: dict[int, int] = attrs.field(factory=dict)
    _reported: dict[int, str] = attrs.field(factory=dict)
    _logged: int = 0

    def forget(self, activity: int | None = None) -> None:
        """Forget what is kept for a run, or for all of them."""
        if activity is None:
            self._prepared.clear()
            self._paced.clear()
            self._reported.clear()
        else:
            self._prepared.pop(activity, None)

    def step(
        self, app: App, campaign: Campaign, activity: Activity, lease: Lease, now: int
    ) -> None:
        """Do one step of a run.

        Raises:
            InvalidError: the campaign cannot run.
            LostError: it is gone, or was changed, or the lease is lost.
        """
        position = Position.of(activity)
        if position.sending:
            self._transporting(app, campaign, lease).go_on(activity, position, now)
            return
        needed = self._needed(app, campaign, activity, now)
        if campaign.definition.calendar(campaign.plan.anchor).is_local and position.wave is None:
            self._begin_waves(needed, campaign, activity, position, lease, now)
            return
        if position.last is None:
            last = self._context.store.settled(ENDPOINTS.name)
            with self._context.store.read() as connection:
                found = connection.execute(_LAST).scalar() or 0
            position = attrs.evolve(position, last=found if last is None else min(last, found))
        # A step that calls a function takes as long as that, and each call costs.
        is_short = self._context.requests.are_writing and not needed.calls
        with self._context.store.read() as connection:
            batch = batches.read(connection, needed, position, is_short=is_short)
            chosen = self._choose(connection, needed, activity, position, batch, now)
        decisions = batches.decide(needed, activity, chosen, self._context.requests.give_way)
        after = attrs.evolve(position, after=decisions.after)
        is_done = decisions.after >= cast("int", position.last)
        if is_done:
            after = _next_wave(after)
        self._store(needed, campaign, activity, after, decisions, lease, now)

    def step_of_events(  # noqa: PLR0913, PLR0917 -- as `step`, and the events
        self,
        app: App,
        campaign: Campaign,
        activity: Activity,
        waiting: Sequence[Trigger],
        lease: Lease,
        now: int,
    ) -> bool:
        """Do one step of a run of events; return whether the events are done with for this run.

        Raises:
            InvalidError, LostError: as from `step`.
        """
        position = Position.of(activity)
        if position.sending:
            self._transporting(app, campaign, lease).go_on(activity, position, now)
            return False
        needed = self._needed(app, campaign, activity, now)
        with self._context.store.read() as connection:
            batch = batches.of_events(connection, needed, waiting, now)
            chosen = self._choose(connection, needed, activity, position, batch, now)
        decisions = batches.decide(needed, activity, chosen, self._context.requests.give_way)
        self._store(needed, campaign, activity, position, decisions, lease, now)
        return decisions.seen == len(batch.targets)

    def give_up(
        self, app: App, campaign: Campaign, activity: Activity, lease: Lease, now: int
    ) -> None:
        """Give up the messages of a run that has ended before a transport took them.

        Raises:
            LostError: the campaign is gone, or the lease is lost.
        """
        self._transporting(app, campaign, lease).give_up(activity, now)

    def paced(self, campaign: int) -> int:
        """Return when a campaign may send again, 0 for now."""
        return self._paced.get(campaign, 0)

    def few(self, campaign: Campaign, waiting: Sequence[Trigger]) -> Sequence[Trigger]:
        """Return as many events as one step deals with."""
        definition = campaign.definition
        rate = definition.limit("MessagesPerSecond")
        calls = definition.hook or any(each.custom for each in definition.treatments)
        most = hooks.MOST_ENDPOINTS if calls else len(waiting)
        return waiting[: min(most, rate) if rate else most]

    def _needed(self, app: App, campaign: Campaign, activity: Activity, now: int) -> Prepared:
        found, at = self._prepared.get(activity.number, (None, 0))
        if found is not None and abs(now - at) >= _KEPT_MS:
            found = None
        is_of_events = campaign.definition.frequency == ON_EVENT
        if found is not None and not is_of_events:
            return found
        with self._context.store.read() as connection:
            templates = Position.of(activity).templates
            if is_of_events:  # each event gets the versions that are active then
                treatment = campaign.definition.treatment(activity.treatment)
                templates = prepared.pinned_templates(connection, treatment)
            if found is None or found.templates != templates:
                found = prepared.prepare(
                    self._context, connection, app, campaign, activity, templates, now
                )
                self._prepared[activity.number] = found, now
        return found

    def _transporting(self, app: App, campaign: Campaign, lease: Lease) -> Transporting:
        return Transporting(self._context, app, campaign, lease)

    def _choose(  # noqa: PLR0913, PLR0917 -- as of `choose`
        self,
        connection: Connection,
        needed: Prepared,
        activity: Activity,
        position: Position,
        batch: Batch,
        now: int,
    ) -> Chosen:
        is_streamed = stream_records.is_wanted(self._context, connection, needed.app)
        return batches.choose(
            connection, needed, activity, position, batch, now, is_streamed=is_streamed
        )

    def _begin_waves(  # noqa: PLR0913, PLR0917 -- as of `step`
        self,
        needed: Prepared,
        campaign: Campaign,
        activity: Activity,
        position: Position,
        lease: Lease,
        now: int,
    ) -> None:
        """Find the zones of a run of local time; those whose hour was past before it are left."""
        with self._context.store.read() as connection:
            zones = batches.zones_of(connection, needed, now)
        calendar = needed.treatment.calendar(campaign.plan.anchor)
        waves = [
            (instant, names)
            for instant, names in calendar.waves(activity.scheduled, zones).items()
            if instant >= campaign.plan.since
        ]
        kept = [name for _, names in waves for name in names]
        after = attrs.evolve(
            position, wave=(0, kept), waves=waves, zones={"total": len(kept), "done": 0}
        )
        with self._context.store.write() as connection:
            lease.check(connection)
            activities.save(connection, attrs.evolve(activity, position=after.stored()))

    def _store(  # noqa: PLR0913, PLR0917 -- all that a step has found out
        self,
        needed: Prepared,
        campaign: Campaign,
        activity: Activity,
        position: Position,
        decisions: Decisions,
        lease: Lease,
        now: int,
    ) -> None:
        """Store a step, as far as it still holds."""
        context = self._context
        made_before = storing.Kept.of(context, activity, decisions.outcomes, now)
        # What only the outbox shows may go with power loss, together with the run's position: then
        # it is done again. Who does not know of that must not be told before it is on the disk. And
        # a request that writes would wait for all that is not there yet.
        waits = decisions.is_told or made_before.waits_for_transport or context.requests.are_writing
        context.requests.give_way()
        with context.store.write(waits=waits) as connection:
            lease.check(connection)
            current = store.running(connection, campaign)
            kept, counts = storing.still(
                connection, activity.app, made_before, decisions.last_opt_out
            )
            counts.update(decisions.counts)
            made = kept.add(context, connection, needed.app, now)
            counts.update(storing.totals(made))
            position = _with_waiting(position, made, decisions)
            if position.due <= now:
                position = attrs.evolve(position, due=now)
            after = attrs.evolve(activity.counted(counts), position=position.stored())
            activities.save(connection, after)
            paused = max(now, self._paced.get(campaign.number, 0)) + _pause_ms(needed, made)
            left = [Position.of(each) for each in activities.open_of(connection, campaign.number)]
            due = current.next_due  # of a campaign that waits for events
            if campaign.definition.frequency != ON_EVENT or any(each.sending for each in left):
                due = max(paused, min(each.ready_at for each in left))
            store.save(connection, attrs.evolve(current, due=due))
            names = CampaignNames(campaign.id, activity.id, str(activity.treatment))
            kept.record(context, connection, needed.app, names, now)
        if paused > now:
            self._paced[campaign.number] = paused
        problem = decisions.problem
        if problem and self._reported.get(campaign.number) != problem:  # records do not say why
            self._reported[campaign.number] = problem
            _logger.warning("campaign %s: a message can't be made: %s", campaign.id, problem)
        self._logged += len(made)
        if self._logged >= _MOST_LOGGED:
            self._logged = 0
            context.requests.give_way()
            context.store.move_log()


def _with_waiting(position: Position, rows: Sequence[Send], decisions: Decisions) -> Position:
    """Return the position with the messages that wait for a transport."""
    waiting = [row for row in rows if row.status == PENDING]
    keys = [(row.message or 0, (row.endpoint, row.event_id)) for row in waiting]
    until = decisions.until
    return attrs.evolve(
        position,
        sending=[(row.message or 0, row.event_id) for row in waiting],
        until=[(number, until[key]) for number, key in keys if key in until],
    )


def _next_wave(position: Position) -> Position:
    """Return the position after all endpoints were gone over: the next wave, or the end."""
    if position.wave is None:
        return position
    instant, zones = position.wave
    done = position.zones.get("done", 0) + (len(zones) if instant else 0)
    after = attrs.evolve(position, zones={**position.zones, "done": done})
    if not position.waves:
        return after
    following, *rest = position.waves
    return attrs.evolve(
        after,
        wave=(following[0], following[1]),
        waves=rest,
        after=0,
        last=None,
        due=following[0],
    )


def _pause_ms(needed: Prepared, rows: Sequence[Send]) -> int:
    """Return how long to wait after so many messages."""
    rate = needed.definition.limit("MessagesPerSecond")
    sent = sum(row.status in {"SUCCESS", PENDING} for row in rows)
    return -(-sent * 1000 // rate) if rate else 0
