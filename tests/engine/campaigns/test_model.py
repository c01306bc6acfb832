"""Campaigns against a model: whatever happens in whatever order, the states are those it expects.

The model knows a campaign as somebody would tell it: when it is to run, whether it is paused, and
who has got something. It works by going through the hours, and knows nothing of plans or positions.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import hypothesis
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from pinpoint_kit.engine import Engine
from tests.engine.campaigns.conftest import MESSAGE, Campaigns
from tests.engine.conftest import Clock, Wire

if TYPE_CHECKING:
    from collections.abc import Collection

HOUR = dt.timedelta(hours=1)
PERIODS = {"HOURLY": HOUR, "DAILY": 24 * HOUR, "WEEKLY": 7 * 24 * HOUR}
PEOPLE = 3


@attrs.define
class Model:
    """What is known of one campaign."""

    frequency: str
    start: dt.datetime
    end: dt.datetime | None
    segment: str
    is_immediate: bool
    status: str = "SCHEDULED"
    #: The time after which runs count: those before were missed in a pause, or have been.
    after: dt.datetime | None = None
    runs: int = 0
    version: int = 1

    def due(self, now: dt.datetime) -> list[dt.datetime]:
        """Return the runs that should have begun and have not, by going from one to the next."""
        found, at = [], self.start
        while at <= now and (self.end is None or at <= self.end):
            if self.after is None or at > self.after:
                found.append(at)
            if self.frequency == "ONCE":
                break
            at += PERIODS[self.frequency]
        return found

    def is_over(self, now: dt.datetime) -> bool:
        """Return whether no run is to come."""
        if self.frequency == "ONCE":
            return self.start <= now
        at = self.start
        while at <= now:
            at += PERIODS[self.frequency]
        return self.end is not None and at > self.end

    def work(self, now: dt.datetime, segments: Collection[str]) -> None:
        """Do what an engine should have done by now."""
        if self.status in {"COMPLETED", "DELETED"}:
            return
        if self.segment not in segments:
            self.status = "DELETED"
            return
        if self.status == "PAUSED":
            return
        if self.due(now):
            self.runs += 1  # of several that were missed one is made up for
            self.after = now
            self.status = "PENDING_NEXT_RUN"
        if self.is_over(now):
            self.status = "COMPLETED"


class Machine(RuleBasedStateMachine):
    """An engine on a file, a few campaigns, and a model of each."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.url = f"sqlite:///{Path(self.folder.name)}/pinpoint.db"
        self.clock = Clock()
        self.engine = Engine.open(self.url, clock=self.clock)
        self.campaigns = Campaigns(Wire(self.engine), self.clock)
        self.campaigns.people(PEOPLE)
        self.models: dict[str, Model] = {}
        self.segments: list[str] = []  # by age: ids differ when an example is repeated

    def teardown(self) -> None:
        """Close the engine."""
        self.engine.close()
        self.folder.cleanup()

    @initialize()
    def begin(self) -> None:
        """Make a segment."""
        self.segments.append(self.campaigns.segment())

    def _schedule(self, frequency: str, delay: int | None, hours: int | None) -> dict[str, Any]:
        start = self.clock.now + HOUR * (delay or 0)
        schedule = {"Frequency": frequency, "StartTime": "IMMEDIATE"}
        if delay is not None:
            schedule["StartTime"] = start.isoformat()
        if hours is not None:
            schedule["EndTime"] = (start + HOUR * hours).isoformat()
        return schedule

    frequencies = st.sampled_from(["ONCE", "HOURLY", "DAILY", "WEEKLY"])
    delays = st.one_of(st.none(), st.integers(1, 30))
    lengths = st.one_of(st.none(), st.integers(1, 100))

    @precondition(lambda self: self.segments and len(self.models) < 6)
    @rule(frequency=frequencies, delay=delays, hours=lengths, data=st.data())
    def create(self, frequency: str, delay: int | None, hours: int | None, data: Any) -> None:
        """Make a campaign."""
        segment = data.draw(st.sampled_from(self.segments))
        schedule = self._schedule(frequency, delay, hours)
        campaign = self.campaigns.create(SegmentId=segment, Schedule=schedule)
        self.models[campaign] = self._model(segment, frequency, delay, hours)

    def _model(self, segment: str, frequency: str, delay: int | None, hours: int | None) -> Model:
        start = self.clock.now + HOUR * (delay or 0)
        end = None if hours is None else start + HOUR * hours
        return Model(frequency, start, end, segment, is_immediate=delay is None)

    @precondition(lambda self: self.models)
    @rule(frequency=frequencies, delay=st.integers(1, 30), hours=lengths, data=st.data())
    def update(self, frequency: str, delay: int, hours: int | None, data: Any) -> None:
        """Replace a campaign by one that starts later, where that is allowed."""
        campaign, model = self._drawn(data)
        answer = self.campaigns.update(
            campaign,
            SegmentId=model.segment,
            MessageConfiguration=MESSAGE,
            Schedule=self._schedule(frequency, delay, hours),
        )
        if self._shown(model) not in {"SCHEDULED", "PENDING_NEXT_RUN", "PAUSED"}:
            assert answer.status == 400
            return
        assert answer.status == 200, answer.json
        after = self._model(model.segment, frequency, delay, hours)
        self.models[campaign] = attrs.evolve(after, version=model.version + 1, runs=model.runs)

    @precondition(lambda self: self.models)
    @rule(data=st.data(), is_paused=st.booleans())
    def pause(self, data: Any, *, is_paused: bool) -> None:
        """Pause or resume a campaign, where that is allowed."""
        campaign, model = self._drawn(data)
        answer = self.campaigns.update(campaign, IsPaused=is_paused)
        shown = self._shown(model)
        if is_paused:
            can = shown in {"SCHEDULED", "PENDING_NEXT_RUN", "PAUSED"} and not model.is_immediate
            assert answer.status == (200 if can else 400), answer.json
            if can:
                model.status = "PAUSED"
            return
        assert answer.status == 200
        if shown == "PAUSED":
            now = self.clock.now - dt.timedelta(milliseconds=1)
            is_late = model.start <= now
            model.after = max(model.after or now, now) if is_late else model.after
            model.status = "PENDING_NEXT_RUN" if model.runs else "SCHEDULED"
            if model.is_over(now):
                model.status = "COMPLETED"

    @precondition(lambda self: self.models)
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        """Delete a campaign."""
        campaign, _ = self._drawn(data)
        self.campaigns.delete(campaign)
        self.models.pop(campaign)

    @rule()
    def add_segment(self) -> None:
        """Make a further segment."""
        self.segments.append(self.campaigns.segment())

    @precondition(lambda self: self.segments)
    @rule(data=st.data())
    def delete_segment(self, data: Any) -> None:
        """Delete a segment; what has it does not run any more."""
        segment = data.draw(st.sampled_from(self.segments))
        self.campaigns.wire.send("DELETE", f"{self.campaigns.base}/segments/{segment}")
        self.segments.remove(segment)

    @rule(minutes=st.integers(0, 60 * 50))
    def wait(self, minutes: int) -> None:
        """Let the clock go on while an engine works, if it is only every hour that it looks."""
        for _ in range(0, minutes, 60):
            self._work(60)
        self._work(minutes % 60)

    @rule(minutes=st.integers(60, 60 * 24 * 9))
    def be_away(self, minutes: int) -> None:
        """Let the clock jump while no engine is there."""
        self.engine.close()
        self.engine = Engine.open(self.url, clock=self.clock)
        self.campaigns.wire.engine = self.engine
        self._work(minutes)

    @rule(steps=st.integers(1, 4))
    def restart(self, steps: int) -> None:
        """Do a few steps and no more, and open another engine."""
        for _ in range(steps):
            self.engine.step()
        self.engine.close()
        self.engine = Engine.open(self.url, clock=self.clock)
        self.campaigns.wire.engine = self.engine
        self._work(0)

    def _work(self, minutes: int) -> None:
        self.campaigns.work(minutes * 60)
        for model in self.models.values():
            model.work(self.clock.now, self.segments)

    def _drawn(self, data: Any) -> tuple[str, Model]:
        campaign = data.draw(st.sampled_from(list(self.models)))
        return campaign, self.models[campaign]

    def _shown(self, model: Model) -> str:
        if model.segment not in self.segments and model.status != "COMPLETED":
            return "DELETED"
        return model.status

    @invariant()
    def states_are_expected(self) -> None:
        """Status, version and runs of each campaign; and everybody has got each run once."""
        listed = self.campaigns.wire.send("GET", f"{self.campaigns.base}/campaigns").json["Item"]
        assert {each["Id"] for each in listed} == set(self.models)
        for campaign, model in self.models.items():
            shown = self.campaigns.get(campaign)
            assert shown["State"]["CampaignStatus"] == self._shown(model)
            assert shown["Version"] == model.version
            activities = self.campaigns.activities(campaign)
            assert [each["State"] for each in activities] == ["COMPLETED"] * model.runs
            assert [each["SuccessfulEndpointCount"] for each in activities] == [PEOPLE] * model.runs


def _run(examples: int, steps: int) -> None:
    hypothesis.stateful.run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_campaigns_do_what_a_model_expects() -> None:
    """Create, update, pause, resume, delete, clock jumps, restarts, deleted segments."""
    _run(examples=4, steps=12)


@pytest.mark.slow
def test_campaigns_do_what_a_model_expects_for_long() -> None:
    """The same, many times."""
    _run(examples=60, steps=40)
