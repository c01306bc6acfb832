"""`Definition`: what a version of a campaign says, and its treatments with the people of each.

It is a value over the members of a CampaignResponse, as parsing.py has checked them; no statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TypeAlias, cast

import attrs

from pinpoint_kit.engine.campaigns.schedule import Frequency, Quiet, Schedule
from pinpoint_kit.engine.wire import instants

__all__ = ["COHORTS", "IMMEDIATE", "IN_APP", "ON_EVENT", "Definition", "Members", "Treatment"]

#: JSON as the service model shapes it.
Members: TypeAlias = Mapping[str, object]

#: A start that means: as soon as the campaign is made.
IMMEDIATE = "IMMEDIATE"
ON_EVENT, IN_APP = "EVENT", "IN_APP_EVENT"
#: The offset at the end of a text that has a time.
_OFFSET = re.compile(r"[Tt ][0-9:.,]+([+-][0-9:]{2,5})$")
#: The numbers of cohorts: an endpoint is in one of them for good.
COHORTS = 100


@attrs.frozen
class Treatment:
    """What some of a segment's endpoints get: of an A/B test one of several, else all of it.

    Attributes:
        number: 0 for the campaign's own, 1 to 4 for additional ones.
        members: the members of the campaign or of the treatment.
        cohorts: who gets it: the endpoints whose cohort is one of these.
        schedule: the members of its schedule.
    """

    number: int
    members: Members
    cohorts: range
    schedule: Members

    @property
    def messages(self) -> Members:
        """Its `MessageConfiguration`."""
        return _member(self.members, "MessageConfiguration")

    @property
    def templates(self) -> Members:
        """Its `TemplateConfiguration`."""
        return _member(self.members, "TemplateConfiguration")

    @property
    def custom(self) -> Members:
        """Its `CustomDeliveryConfiguration`; empty without a custom channel."""
        return _member(self.members, "CustomDeliveryConfiguration")

    @property
    def quiet(self) -> Quiet | None:
        """Its quiet time."""
        times = cast("Mapping[str, str]", _member(self.schedule, "QuietTime"))
        return Quiet.of(times.get("Start"), times.get("End"))

    def calendar(self, anchor: int) -> Schedule:
        """Return when it runs.

        Args:
            anchor: when a run is that starts as soon as the campaign is made.
        """
        return calendar_of(self.schedule, anchor)


@attrs.frozen
class Definition:
    """What a version of a campaign says.

    Attributes:
        members: those of a CampaignResponse that come from a request, the copied settings included.
    """

    members: Members

    @property
    def schedule(self) -> Members:
        """The members of its schedule."""
        return _member(self.members, "Schedule")

    @property
    def frequency(self) -> str:
        """Its frequency; `ONCE` unless said."""
        return cast("str", self.schedule.get("Frequency", "ONCE"))

    @property
    def is_immediate(self) -> bool:
        """Whether it starts when it is made."""
        return self.schedule.get("StartTime") == IMMEDIATE

    @property
    def is_paused(self) -> bool:
        """Whether its request said so."""
        return bool(self.members.get("IsPaused"))

    @property
    def holdout(self) -> int:
        """How many percent get nothing."""
        return cast("int", self.members.get("HoldoutPercent", 0))

    @property
    def segment(self) -> tuple[str, int]:
        """Its segment and the version of that."""
        members = self.members
        return cast("str", members["SegmentId"]), cast("int", members["SegmentVersion"])

    @property
    def event_filter(self) -> Members:
        """The event filter of a campaign that waits for events."""
        return _member(self.schedule, "EventFilter")

    @property
    def hook(self) -> Members:
        """Its `Hook`; empty without one."""
        return _member(self.members, "Hook")

    def limit(self, name: str) -> int:
        """Return one of its limits; 0 for none."""
        return cast("int", _member(self.members, "Limits").get(name, 0))

    @cached_property
    def treatments(self) -> tuple[Treatment, ...]:
        """Its own treatment, and the additional ones.

        Of the cohorts, the first are held out, those after them belong to the additional
        treatments in their order, and the rest to its own.
        """
        added = cast("list[Members]", self.members.get("AdditionalTreatments", []))
        treatments, first = [], self.holdout
        for number, each in enumerate(added, 1):
            size = cast("int", each["SizePercent"])
            schedule = _member(each, "Schedule") or self.schedule
            treatments.append(Treatment(number, each, range(first, first + size), schedule))
            first += size
        own = Treatment(0, self.members, range(first, COHORTS), self.schedule)
        return (own, *treatments)

    def treatment(self, number: int) -> Treatment:
        """Return one of its treatments."""
        return next(each for each in self.treatments if each.number == number)

    @property
    def held_out(self) -> range:
        """The cohorts that get nothing."""
        return range(self.holdout)

    def calendar(self, anchor: int) -> Schedule:
        """Return when it runs, or between when it waits for events; see `Treatment.calendar`."""
        return calendar_of(self.schedule, anchor)


def calendar_of(schedule: Members, anchor: int) -> Schedule:
    """Return when somebody runs whose schedule this is; see `Treatment.calendar`."""
    start, end = cast("str", schedule["StartTime"]), cast("str | None", schedule.get("EndTime"))
    frequency = cast("Frequency", schedule.get("Frequency", "ONCE"))
    begins, offset = (anchor, 0) if start == IMMEDIATE else _written(start)
    return Schedule(
        start=begins + offset,
        offset=offset,
        frequency=frequency,
        end=instants.to_ms(end) if end else None,
        is_local=bool(schedule.get("IsLocalTime")),
    )


def _written(text: str) -> tuple[int, int]:
    """Return the instant of a text, and the offset that it is written with."""
    instant = instants.to_ms(text)
    offset = _OFFSET.search(text)
    if offset is None:
        return instant, 0
    return instant, instants.to_ms(text[: offset.start(1)] + "Z") - instant


def _member(source: Members, name: str) -> Members:
    return cast("Members", source.get(name, {}))
