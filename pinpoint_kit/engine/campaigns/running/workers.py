"""`CampaignWorker`: campaigns as tasks: they begin, go on, end, and are cleared away.

One step does one of these. What a step of a run does stands in runs.py, what leads a campaign from
one state to another in states.py.
"""

from __future__ import annotations

import itertools
import logging
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.campaigns import activities, store, triggers
from pinpoint_kit.engine.campaigns.definition import IN_APP, ON_EVENT
from pinpoint_kit.engine.campaigns.running import prepared
from pinpoint_kit.engine.campaigns.running.position import Position
from pinpoint_kit.engine.campaigns.running.prepared import InvalidError
from pinpoint_kit.engine.campaigns.running.runs import Runs
from pinpoint_kit.engine.context import Context
from pinpoint_kit.engine.work.leases import LostError
from pinpoint_kit.engine.work.worker import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.campaigns.states import CampaignStatus
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.work.leases import Lease
    from pinpoint_kit.engine.work.worker import Worker

__all__ = ["CampaignWorker", "workers"]

_logger = logging.getLogger(__name__)

#: Campaigns that are looked at in one turn.
_MOST_TASKS = 500
#: Rows of a campaign that is gone, deleted in one step.
_MOST_REMOVED = 2_000
#: Events that a step deals with.
_MOST_EVENTS = 200


@attrs.define
class CampaignWorker:
    """All campaigns; a task is one, by its number."""

    _context: Context
    _runs: Runs
    _turns: dict[int, int] = attrs.field(factory=dict)
    _counter: itertools.count[int] = attrs.field(factory=lambda: itertools.count(1))

    @property
    def name(self) -> str:
        """What its leases are stored under."""
        return "campaigns"

    def tasks(self, connection: Connection, now: int) -> Sequence[Task]:  # noqa: ARG002 -- see Worker
        """Return the campaigns for which there is, or will be, something to do."""
        found = {number: Task(str(number), at) for number, at in store.due(connection, _MOST_TASKS)}
        for number in store.triggered(connection, _MOST_TASKS):
            found[number] = Task(str(number), self._runs.paced(number))
        return list(found.values())

    def run(self, key: str, lease: Lease, now: int) -> None:
        """Do the next thing that there is to do for a campaign."""
        with self._context.store.read() as connection:
            campaign = store.load(connection, int(key))
            app = apps.by_number(connection, campaign.app)
            under_way = activities.open_of(connection, campaign.number)
            left_over = activities.left_over(connection, campaign.number)
        if app is None:
            raise LostError
        if left_over:
            self._runs.give_up(app, campaign, left_over[0], lease, now)
            return
        try:
            self._step(app, campaign, under_way, lease, now)
        except InvalidError as why:
            _logger.warning("campaign %s can't run: %s", campaign.id, why)
            self._end(campaign, "INVALID", "CANCELLED", lease, now)

    def fail(self, key: str, lease: Lease, now: int) -> None:
        """Let a campaign be invalid; a fault of ours would be met again and again."""
        with self._context.store.read() as connection:
            campaign = store.load(connection, int(key))
        self._end(campaign, "INVALID", "CANCELLED", lease, now)

    def forget(self, key: str) -> None:  # noqa: ARG002 -- see Worker
        """Forget what was looked up for runs: another engine may have gone on with them."""
        self._runs.forget()

    def close(self) -> None:
        """Keep nothing."""
        self._runs.forget()

    def _step(
        self, app: App, campaign: Campaign, under_way: Sequence[Activity], lease: Lease, now: int
    ) -> None:
        if campaign.removed is not None:
            self._clear(campaign, lease, now)
        elif campaign.status == "DELETED":
            self._end(campaign, "DELETED", "CANCELLED", lease, now)
        elif campaign.stored_status not in {"SCHEDULED", "EXECUTING", "PENDING_NEXT_RUN"}:
            self._settle(campaign, lease)
        elif campaign.definition.frequency in {ON_EVENT, IN_APP}:
            self._step_of_events(app, campaign, under_way, lease, now)
        elif self._startable(campaign, under_way, now):
            self._begin(app, campaign, under_way, lease, now)
        elif not under_way:
            self._settle(campaign, lease)
        else:
            self._go_on(app, campaign, under_way, lease, now)

    def _go_on(
        self, app: App, campaign: Campaign, under_way: Sequence[Activity], lease: Lease, now: int
    ) -> None:
        """Do a step of the run whose turn it is, or end it."""
        ready = [each for each in under_way if Position.of(each).ready_at <= now]
        if not ready:
            self._settle(campaign, lease)
            return
        activity = min(ready, key=lambda each: self._turns.get(each.number, 0))
        self._turns[activity.number] = next(self._counter)
        if Position.of(activity).is_over:
            self._finish(campaign, activity, lease, now)
        else:
            self._runs.step(app, campaign, activity, lease, now)

    @staticmethod
    def _startable(campaign: Campaign, under_way: Sequence[Activity], now: int) -> list[int]:
        """Return the treatments whose run is due: not while one is under way, but in local time."""
        busy = {each.treatment for each in under_way}
        return [
            treatment.number
            for treatment in campaign.definition.treatments
            if (at := campaign.plan.next[treatment.number]) is not None
            and at <= now
            and (treatment.number not in busy or treatment.schedule.get("IsLocalTime"))
        ]

    def _begin(
        self, app: App, campaign: Campaign, under_way: Sequence[Activity], lease: Lease, now: int
    ) -> None:
        """Begin the runs that are due."""
        numbers = self._startable(campaign, under_way, now)
        context = self._context
        with context.store.write() as connection:
            lease.check(connection)
            current = _same(connection, campaign)
            plan = current.plan
            for treatment in campaign.definition.treatments:
                if treatment.number not in numbers:
                    continue
                plan, at = plan.begun(treatment, now, catches_up=context.engagement.catch_up)
                if at is not None:
                    self._open(connection, app, campaign, treatment.number, at, now)
            after = attrs.evolve(current, plan=plan, stored_status=plan.status)
            store.save(connection, attrs.evolve(after, due=now))

    def _open(  # noqa: PLR0913, PLR0917 -- the parts of a run
        self,
        connection: Connection,
        app: App,
        campaign: Campaign,
        treatment: int,
        scheduled: int,
        now: int,
    ) -> None:
        """Store a run that begins, once everything that it needs is there."""
        templates = prepared.pinned_templates(connection, campaign.definition.treatment(treatment))
        position = Position(
            templates=templates if campaign.definition.frequency != ON_EVENT else {},
            first_message=prepared.last_message(connection),
            due=now,
        )
        activity = activities.new(
            self._context, campaign, treatment, scheduled, position.stored(), now=now
        )
        prepared.prepare(self._context, connection, app, campaign, activity, templates, now)
        activities.add(connection, activity)

    def _finish(self, campaign: Campaign, activity: Activity, lease: Lease, now: int) -> None:
        """End a run whose endpoints were all dealt with."""
        with self._context.store.write() as connection:
            lease.check(connection)
            current = store.running(connection, campaign)
            activities.save(connection, activity.ended_with("COMPLETED", now))
            left = activities.open_of(connection, campaign.number)
            plan = current.plan
            if all(each.treatment != activity.treatment for each in left):
                plan = plan.ended(activity.treatment)
            after = attrs.evolve(current, plan=plan, stored_status=plan.status)
            store.save(connection, attrs.evolve(after, due=_due(after, left)))
        self._runs.forget(activity.number)
        self._turns.pop(activity.number, None)

    def _step_of_events(
        self, app: App, campaign: Campaign, under_way: Sequence[Activity], lease: Lease, now: int
    ) -> None:
        """Begin to wait for events, deal with some, or end."""
        calendar = campaign.definition.calendar(campaign.plan.anchor)
        if campaign.stored_status == "SCHEDULED":
            if calendar.begins(calendar.start) <= now:
                self._open_events(app, campaign, lease, now)
            else:
                self._settle(campaign, lease)
            return
        with self._context.store.read() as connection:
            waiting = triggers.waiting(connection, campaign.number, _MOST_EVENTS)
        sending = [each for each in under_way if Position.of(each).sending]
        if sending:
            self._runs.step_of_events(app, campaign, sending[0], (), lease, now)
        elif waiting:
            self._trigger(app, campaign, under_way, waiting, lease, now)
        elif calendar.end is not None and calendar.end <= now:
            self._end(campaign, "COMPLETED", "COMPLETED", lease, now)
        else:
            self._settle(campaign, lease)

    def _trigger(  # noqa: PLR0913, PLR0917 -- as of a step
        self,
        app: App,
        campaign: Campaign,
        under_way: Sequence[Activity],
        waiting: Sequence[triggers.Trigger],
        lease: Lease,
        now: int,
    ) -> None:
        """Deal with events: each treatment sends to its own endpoints."""
        waiting = self._runs.few(campaign, waiting)
        are_done = [
            self._runs.step_of_events(app, campaign, activity, waiting, lease, now)
            for activity in under_way
        ]
        if all(are_done):
            with self._context.store.write() as connection:
                lease.check(connection)
                triggers.remove(connection, waiting)

    def _open_events(self, app: App, campaign: Campaign, lease: Lease, now: int) -> None:
        with self._context.store.write() as connection:
            lease.check(connection)
            current = _same(connection, campaign)
            plan = current.plan
            for treatment in campaign.definition.treatments:
                at = plan.next[treatment.number]
                if campaign.definition.frequency == ON_EVENT:
                    self._open(connection, app, campaign, treatment.number, at or now, now)
                plan = plan.changed(treatment.number, "EXECUTING", None)
            after = attrs.evolve(current, plan=plan, stored_status="EXECUTING")
            store.save(connection, attrs.evolve(after, due=after.next_due))

    def _end(
        self, campaign: Campaign, status: CampaignStatus, state: str, lease: Lease, now: int
    ) -> None:
        """End a campaign, and with it the runs that are under way."""
        with self._context.store.write() as connection:
            lease.check(connection)
            current = _same(connection, campaign)
            some_wait = activities.end(connection, campaign.number, state, now)
            due = now if some_wait else None
            store.save(connection, attrs.evolve(current, stored_status=status, due=due))
            store.forget_triggers(connection, campaign.number)
            lease.end(connection)
        self._runs.forget()

    def _settle(self, campaign: Campaign, lease: Lease) -> None:
        """Store when there is something to do next."""
        with self._context.store.write() as connection:
            lease.check(connection)
            current = _same(connection, campaign)
            left = activities.open_of(connection, campaign.number)
            due = _due(current, left)
            status = current.stored_status
            if due is None and status in {"SCHEDULED", "PENDING_NEXT_RUN"}:
                status = current.plan.status
            store.save(connection, attrs.evolve(current, stored_status=status, due=due))

    def _clear(self, campaign: Campaign, lease: Lease, now: int) -> None:
        """Delete some of what is kept of a campaign that was deleted a while ago."""
        is_over = campaign.removed is not None and campaign.removed + store.KEPT_MS <= now
        with self._context.store.write() as connection:
            lease.check(connection)
            if not is_over:
                due = (campaign.removed or 0) + store.KEPT_MS
                store.save(connection, attrs.evolve(campaign, due=due))
            elif store.remove_some(connection, campaign, _MOST_REMOVED):
                lease.end(connection)


def _same(connection: Connection, campaign: Campaign) -> Campaign:
    """Return a campaign again, in a transaction.

    Raises:
        LostError: it was changed meanwhile; the next step sees how.
    """
    current = store.load(connection, campaign.number)
    if (current.version, current.stored_status, current.removed) != (
        campaign.version,
        campaign.stored_status,
        campaign.removed,
    ):
        raise LostError
    return current


def _due(campaign: Campaign, under_way: Sequence[Activity]) -> int | None:
    """Return when there is something to do next for a campaign, None for never."""
    if campaign.definition.frequency in {ON_EVENT, IN_APP} or not under_way:
        return campaign.next_due
    busy = {
        each.treatment
        for each in under_way
        if not campaign.definition.treatments[each.treatment].schedule.get("IsLocalTime")
    }
    following = [at for number, at in campaign.plan.next.items() if at and number not in busy]
    return min([*(Position.of(each).ready_at for each in under_way), *following])


def workers(context: Context, monotonic: Callable[[], float]) -> list[Worker]:  # noqa: ARG001 -- see MakeWorkers
    """Return the worker for campaigns."""
    return [CampaignWorker(context, Runs(context))]
