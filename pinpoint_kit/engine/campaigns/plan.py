"""`Plan`: when the treatments of a campaign run next, and what has become of each so far.

It is what a campaign must remember from one run to the next, and a value: nothing is stored here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
import orjson

from pinpoint_kit.engine.campaigns.definition import IN_APP, ON_EVENT
from pinpoint_kit.engine.campaigns.states import CampaignStatus

if TYPE_CHECKING:
    from pinpoint_kit.engine.campaigns.definition import Definition, Treatment

__all__ = ["LATE_MS", "Plan", "planned"]

#: A run that begins later than this was missed.
LATE_MS = 5 * 60_000


@attrs.frozen
class Plan:
    """What a campaign remembers.

    Attributes:
        anchor: the instant that `IMMEDIATE` means.
        since: when it was made, changed or resumed; in zones where the time of a run was past
            then, it does not run.
        next: when each treatment runs next, None when never again; for a campaign that waits for
            events, when it begins to, and None once it does.
        statuses: what has become of each treatment.
    """

    anchor: int
    since: int
    next: Mapping[int, int | None]
    statuses: Mapping[int, CampaignStatus]

    @classmethod
    def of(cls, text: str) -> Plan:
        """Return a plan as `text` has stored it."""
        anchor, since, following, statuses = orjson.loads(text)
        return cls(
            anchor,
            since,
            {int(number): at for number, at in following.items()},
            {int(number): status for number, status in statuses.items()},
        )

    def text(self) -> str:
        """Return the plan as JSON."""
        following = {str(number): at for number, at in self.next.items()}
        statuses = {str(number): status for number, status in self.statuses.items()}
        return orjson.dumps([self.anchor, self.since, following, statuses]).decode()

    @property
    def due(self) -> int | None:
        """When the next run of any treatment begins, None without one."""
        return min((at for at in self.next.values() if at is not None), default=None)

    @property
    def status(self) -> CampaignStatus:
        """What the treatments are together."""
        found = set(self.statuses.values())
        if found == {"SCHEDULED"}:
            return "SCHEDULED"
        if found == {"COMPLETED"}:
            return "COMPLETED"
        return "EXECUTING" if "EXECUTING" in found else "PENDING_NEXT_RUN"

    def changed(self, treatment: int, status: CampaignStatus, following: int | None) -> Plan:
        """Return the plan with another state of a treatment."""
        return attrs.evolve(
            self,
            next={**self.next, treatment: following},
            statuses={**self.statuses, treatment: status},
        )

    def ended(self, treatment: int) -> Plan:
        """Return the plan after a run of a treatment."""
        following = self.next[treatment]
        status: CampaignStatus = "COMPLETED" if following is None else "PENDING_NEXT_RUN"
        return self.changed(treatment, status, following)

    def resumed(self, definition: Definition, now: int) -> Plan:
        """Return the plan of a campaign that goes on after a pause: what it has missed is over."""
        if definition.frequency in {ON_EVENT, IN_APP}:
            return self  # whether it has begun or ended, its worker sees
        after = attrs.evolve(self, since=now)
        for treatment in definition.treatments:
            number = treatment.number
            at = after.next[number]
            if at is not None and at < now:
                at = treatment.calendar(self.anchor).next_after(now - 1)
                over: CampaignStatus = "COMPLETED" if at is None else after.statuses[number]
                after = after.changed(number, over, at)
        return after

    def begun(self, treatment: Treatment, now: int, *, catches_up: bool) -> tuple[Plan, int | None]:
        """Return the plan once a treatment's run is due, and when that run was to begin.

        Of several runs that were missed only the last one is made up for, or none.
        """
        calendar = treatment.calendar(self.anchor)
        at = calendar.latest(now)
        if at is None or at < (self.next[treatment.number] or 0):
            at = self.next[treatment.number]
        following = calendar.next_after(now if at is None else max(now, at))
        # One of local time may have begun somewhere before the campaign was made.
        if at is not None and not catches_up and max(at, self.since) < now - LATE_MS:
            status: CampaignStatus = "COMPLETED" if following is None else "PENDING_NEXT_RUN"
            return self.changed(treatment.number, status, following), None
        return self.changed(treatment.number, "EXECUTING", following), at


def planned(definition: Definition, now: int, before: Plan | None = None) -> Plan:
    """Return the plan of a campaign that was made or changed.

    Args:
        definition: what it says.
        now: milliseconds since 1970.
        before: the plan of a campaign that has run or was paused, whose start stays: it goes on
            with the next run. None when it begins anew.
    """
    anchor = now if before is None else before.anchor
    following: dict[int, int | None] = {}
    for treatment in definition.treatments:
        calendar = treatment.calendar(anchor)
        first = calendar.begins(calendar.start)
        of_events = definition.frequency in {ON_EVENT, IN_APP}
        is_anew = before is None or of_events
        following[treatment.number] = first if is_anew else calendar.next_after(now - 1)
    statuses: dict[int, CampaignStatus] = {
        number: "COMPLETED" if at is None else "SCHEDULED" for number, at in following.items()
    }
    return Plan(anchor, now, following, statuses)
