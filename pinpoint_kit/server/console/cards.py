"""`Card`: a chart of a page: which verb it asks, with what, and which of a page's choices it takes.

A table, so that every chart has its numbers, its CSV and its definition without a line of its own.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.analytics.conditions import parse_conditions
from pinpoint_kit.analytics.steps import Step
from pinpoint_kit.errors import ValidationError

if TYPE_CHECKING:
    from pinpoint_kit.analytics.results import Result
    from pinpoint_kit.analytics.verbs import Analytics
    from pinpoint_kit.server.console.view import View

__all__ = ["CARDS", "PAGES", "UNITS", "Card", "cohort_kind", "funnel_options", "funnel_steps"]

_ALL = frozenset({"zone", "actor", "where", "by"})
_MOST_STEPS = 10
#: What a window's number is of, in milliseconds; days unless said.
UNITS = {"d": 86_400_000, "": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_WINDOW = re.compile(r"([0-9]{1,12})(d|h|m|s|ms|)")
_MOST_WINDOW_DAYS = 366
#: Stands between the conditions of a step; within one, a backslash stands before it.
_BETWEEN = re.compile(r"(?<!\\);")


@attrs.frozen(kw_only=True)
class Card:
    """A chart.

    Attributes:
        key: its name in URLs.
        verb: the verb of `pinpoint.analytics`.
        title: its title, where the result's own would not tell it from another one.
        options: what the verb is always asked with.
        takes: which of a page's choices it takes.
        part: the attribute of the answer that is shown; all of it when "".
        behind: what else is asked when the people behind the part are.
        point: how one point of it is named: `day`, `step`, `age` or `count`; "" for none.
        is_wide: whether it takes the whole width.
    """

    key: str
    verb: str
    title: str = ""
    options: Mapping[str, Any] = attrs.field(factory=dict)
    takes: frozenset[str] = _ALL
    part: str = ""
    behind: Mapping[str, Any] = attrs.field(factory=dict)
    point: str = ""
    is_wide: bool = False

    @property
    def name(self) -> str:
        """What it is called where there is no answer that says it."""
        return self.title or (self.part or self.verb).replace("_", " ").capitalize()

    def ask(self, analytics: Analytics, view: View) -> Result:
        """Ask for what the card shows.

        Raises:
            PinpointKitError: as the verb.
        """
        options: dict[str, Any] = {**self.options}
        if "zone" in self.takes:
            options["zone"] = view.zone
        if "actor" in self.takes:
            options["actor"] = view.actor
        if "where" in self.takes and view.where:
            options["where"] = view.conditions
        if "by" in self.takes and view.by:
            options["by"] = view.by
        if self.verb == "funnel":
            return analytics.funnel(
                funnel_steps(view),
                first=view.first,
                last=view.last,
                **funnel_options(view),
                **options,
            )
        if self.verb == "events":
            kinds = view.own.get("type", "")
            options["metric"] = view.own.get("metric") if self.key == "metric" else None
            return analytics.events(kinds or None, view.first, view.last, **options)
        if self.verb == "cohorts":
            options["kind"] = cohort_kind(view)
        result: Result = getattr(analytics, self.verb)(view.first, view.last, **options)
        return result

    def shown(self, result: Result) -> Result:
        """Return the part of an answer that the card shows."""
        if not self.part:
            return result
        part: Result = getattr(result, self.part)
        return attrs.evolve(part, arguments={**part.arguments, **self.behind})


def funnel_steps(view: View) -> list[Step]:
    """Return the steps that a page's URL names: `step1`, `step1_where`, and so on.

    Raises:
        ValidationError: a condition is none, or has no form that a step takes.
    """
    steps = []
    for number in range(1, _MOST_STEPS + 1):
        kind = view.own.get(f"step{number}", "").strip()
        if not kind:
            continue
        given = _BETWEEN.split(view.own.get(f"step{number}_where", ""))
        texts = [text.replace("\\;", ";") for text in given if text]
        conditions = parse_conditions(
            text if "." in text.partition("=")[0] else f"attributes.{text.strip()}"
            for text in texts
        )
        if unknown := conditions.keys() - {"attributes", "metrics"}:
            raise ValidationError(
                f"a step takes attributes and metrics, not {min(unknown)}", "$.steps", "condition"
            )
        steps.append(
            Step(
                kind,
                attributes=conditions.get("attributes"),
                metrics=conditions.get("metrics"),
            )
        )
    return steps


def funnel_options(view: View) -> dict[str, Any]:
    """Return the window and the order that a page's URL names, as the verb takes them.

    Raises:
        ValidationError: there is no such window or order.
    """
    match = _WINDOW.fullmatch(view.own.get("window", "7").strip())
    window_ms = int(match[1]) * UNITS[match[2]] if match else -1
    if not 0 <= window_ms <= _MOST_WINDOW_DAYS * UNITS["d"]:
        raise ValidationError(
            f"write a number of days, up to {_MOST_WINDOW_DAYS}, or such as 90m or 36h; 0 is any"
            " time",
            "$.window",
            "range",
        )
    window = dt.timedelta(milliseconds=window_ms) if window_ms else None
    return {"window": window, "order": _choice(view, "order", ("at_or_after", "after"))}


def cohort_kind(view: View) -> str:
    """Return when somebody counts as back, as a page's URL says it.

    Raises:
        ValidationError: there is no such choice.
    """
    return _choice(view, "kind", ("on", "within", "on_or_after"))


def _choice(view: View, name: str, known: tuple[str, ...]) -> str:
    given = view.own.get(name) or known[0]
    if given not in known:
        raise ValidationError(f"choose one of {', '.join(known)}", f"$.{name}", "choice")
    return given


_NO_BY = _ALL - {"by"}


def _overview(part: str, point: str = "day", **behind: object) -> Card:
    return Card(
        key=f"overview-{part}",
        verb="overview",
        takes=_NO_BY,
        part=part,
        point=point,
        behind=behind,
    )


PAGES: Mapping[str, tuple[Card, ...]] = {
    "overview": (
        _overview("daily"),
        _overview("monthly", window=30),
        _overview("new"),
        _overview("retention", "is_back"),
        _overview("sessions"),
        Card(key="overview-sign-ins", verb="sign_ins", takes=_NO_BY, point="day"),
        _overview("revenue"),
    ),
    "usage": (
        Card(key="daily", verb="active", title="Daily active", point="day"),
        Card(
            key="weekly", verb="active", title="Weekly active", options={"window": 7}, point="day"
        ),
        Card(
            key="monthly",
            verb="active",
            title="Monthly active",
            options={"window": 30},
            point="day",
        ),
        Card(key="new", verb="new", point="day"),
        Card(key="seven-day", verb="seven_day_retention", point="is_back"),
        Card(key="sticky", verb="sticky_factor", point="day"),
        Card(key="sessions", verb="sessions", point="day"),
        Card(key="per-actor", verb="sessions_per_actor", point="day"),
        Card(key="length", verb="session_length", point="day"),
        Card(key="stickiness", verb="stickiness", point="count"),
        Card(key="heat-map", verb="heat_map", takes=_NO_BY, is_wide=True),
    ),
    "revenue": (
        Card(key="revenue", verb="revenue", point="day"),
        Card(key="purchases", verb="purchases", point="day"),
        Card(key="units", verb="units_sold", point="day"),
        Card(key="paying", verb="paying", point="day"),
        Card(key="per-active", verb="revenue_per_active", point="day"),
        Card(key="per-paying", verb="revenue_per_paying", point="day"),
    ),
    "events": (
        Card(key="events", verb="events", point="day", is_wide=True),
        Card(
            key="types",
            verb="events",
            options={"by": "event_type"},
            takes=_NO_BY,
            point="day",
            is_wide=True,
        ),
        Card(key="metric", verb="events", point="day", is_wide=True),
    ),
    "demographics": tuple(
        Card(
            key=f"by-{by.replace('_', '-')}",
            verb="demographics",
            options={"by": by},
            takes=_NO_BY,
            point="group",
        )
        for by in ("platform", "app_version", "country", "make", "model", "locale", "channel")
    ),
    "sign-ins": (
        Card(key="sign-ins", verb="sign_ins", point="day"),
        Card(key="failures", verb="auth_failures", point="day"),
        Card(key="sign-ups", verb="sign_ups", point="day"),
    ),
    "retention": (
        Card(key="cohorts", verb="cohorts", options={"days": 14}, point="age", is_wide=True),
        Card(key="retention", verb="retention", point="is_back", is_wide=True),
    ),
    "funnels": (Card(key="funnel", verb="funnel", point="step", is_wide=True),),
}
#: All of them by their names.
CARDS: Mapping[str, Card] = {card.key: card for cards in PAGES.values() for card in cards}
