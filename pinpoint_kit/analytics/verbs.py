"""`Analytics`: the verbs that read numbers, for a store and for a lake alike.

Each asks for one metric by name; what it means stands in metrics/, which every docstring here
names. Nothing is computed here.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, TypeVar

from pinpoint_kit.analytics.results import (
    CohortTable,
    Distribution,
    Funnel,
    HeatMap,
    MoneySeries,
    Overview,
    Result,
    Series,
    Timeline,
    present,
)
from pinpoint_kit.analytics.steps import Step
from pinpoint_kit.errors import InvalidTypeError, ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from pinpoint_kit.analytics.asking import Ask

__all__ = ["Analytics", "Day", "Options", "Where"]

#: A calendar day: a date, or ISO 8601 text such as `2026-10-30`.
Day: TypeAlias = "dt.date | str"
#: Filters: all must hold, of several values one is enough.
Where: TypeAlias = "Mapping[str, object]"
Actor: TypeAlias = Literal["endpoint", "user"]
R = TypeVar("R", bound=Result)

_DAY = dt.timedelta(days=1)


class Options(TypedDict, total=False):
    """What nearly every verb takes.

    Attributes:
        zone: the IANA zone whose calendar days count; `UTC` unless given.
        by: a breakdown: `event_type`, `platform`, `app_version`, `make`, `model`, `locale`,
            `country`, `channel`, `attributes.NAME` (of events), `endpoint_attributes.NAME` or
            `user_attributes.NAME`.
        where: filters: those names with a text or a list of texts, `endpoint_id`, `user_id`,
            `session_id`, `attributes`, `endpoint_attributes`, `user_attributes` with an object of
            such, and `metrics` with numbers or comparisons. None as a text stands for "has none".
        actor: who is counted, `endpoint` (unless given) or `user`.
        top: how many values of the breakdown are shown, 1 to 50, 10 unless given; all others are
            one row, counted anew.
    """

    zone: str
    by: str | None
    where: Where | None
    actor: Actor
    top: int


class Analytics:
    """The numbers of one application. Safe to use from several threads.

    `first` and `last` are calendar days, both included; today and the 29 days before it unless
    given. A number that is not known yet is None. Every verb raises what `active` raises.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def active(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        window: int = 1,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Count who was active in the `window` days that end with each day.

        Args:
            first: the first day.
            last: the last day.
            window: 1 for daily active, 7 and 30 for rolling weeks and months; up to 366.
            activity: what counts: any event of the app, or only the start of a session.
            **options: see `Options`.

        Returns:
            The numbers by day; the total counts everybody of the period once.

        Raises:
            ValidationError: an argument is none that the metric takes.
            ConfigurationError: neither our engine nor our server answers.
            BadRequest: the server refuses the question; the text names the argument.
            TooManyRequests, ServiceError: it cannot answer now.
            TransportError: no answer came.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     event_id = pinpoint.events.record("device-1", "level_up")
            ...     report = pinpoint.flush()
            ...     pinpoint.analytics.active().total
            1
        """
        own = {"window": window, "activity": activity}
        return self._get(Series, "active", first, last, options, own)

    def new(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the endpoints or users that were registered on each day."""
        return self._get(Series, "new", first, last, options)

    def sessions(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sessions that began on each day."""
        return self._get(Series, "sessions", first, last, options)

    def sessions_per_actor(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Divide the sessions of each day by the endpoints or users that had one."""
        return self._get(Series, "sessions_per_actor", first, last, options)

    def session_length(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Measure how long sessions took, in seconds: average, median and maximum."""
        return self._get(Series, "session_length", first, last, options)

    def heat_map(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        zone: str = "UTC",
        where: Where | None = None,
        actor: Actor = "endpoint",
    ) -> HeatMap:
        """Count sessions by weekday and hour of each endpoint's own time zone."""
        options: Options = {"zone": zone, "where": where, "actor": actor}
        return self._get(HeatMap, "heat_map", first, last, options)

    def sticky_factor(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        window: int = 30,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Divide who was active on a day by who was active in the 30 days that end with it."""
        own = {"window": window, "activity": activity}
        return self._get(Series, "sticky_factor", first, last, options, own)

    def stickiness(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Distribution:
        """Count endpoints or users by the number of days on which they were active."""
        return self._get(Distribution, "stickiness", first, last, options, {"activity": activity})

    def sign_ins(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sign-ins of each day: `_userauth.sign_in`."""
        return self._get(Series, "sign_ins", first, last, options)

    def sign_ups(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the sign-ups of each day: `_userauth.sign_up`."""
        return self._get(Series, "sign_ups", first, last, options)

    def auth_failures(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the failed authentications of each day: `_userauth.auth_fail`."""
        return self._get(Series, "auth_failures", first, last, options)

    def revenue(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Sum what purchases brought on each day, currency by currency, exactly.

        Args:
            first: the first day.
            last: the last day.
            amount: price times quantity, or the price alone, as Mobile Analytics had it.
            **options: see `Options`.
        """
        return self._get(MoneySeries, "revenue", first, last, options, {"amount": amount})

    def purchases(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the purchases of each day: `_monetization.purchase`."""
        return self._get(Series, "purchases", first, last, options)

    def units_sold(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Sum the quantities of the purchases of each day."""
        return self._get(Series, "units_sold", first, last, options)

    def paying(
        self, first: Day | None = None, last: Day | None = None, **options: Unpack[Options]
    ) -> Series:
        """Count the endpoints or users with a purchase on each day."""
        return self._get(Series, "paying", first, last, options)

    def revenue_per_active(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Divide the revenue of each day by who was active on it."""
        own = {"amount": amount, "activity": activity}
        return self._get(MoneySeries, "revenue_per_active", first, last, options, own)

    def revenue_per_paying(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        amount: Literal["price_times_quantity", "price"] = "price_times_quantity",
        **options: Unpack[Options],
    ) -> MoneySeries:
        """Divide the revenue of each day by who paid on it."""
        own = {"amount": amount}
        return self._get(MoneySeries, "revenue_per_paying", first, last, options, own)

    def events(
        self,
        type: str | Sequence[str] | None = None,  # noqa: A002 -- Pinpoint's own word
        first: Day | None = None,
        last: Day | None = None,
        *,
        metric: str | None = None,
        **options: Unpack[Options],
    ) -> Series:
        """Count events, who had them, and how many a session had; or look at one of their metrics.

        Args:
            type: the event type or types; all unless given.
            first: the first day.
            last: the last day.
            metric: the name of a metric of the events: minimum, maximum, sum and average of it
                instead of counts.
            **options: see `Options`.
        """
        where = dict(options.get("where") or {})
        if type is not None:
            where["event_type"] = [type] if isinstance(type, str) else list(type)
        asked: Options = {**options, "where": where}
        if metric is None:
            return self._get(Series, "events", first, last, asked)
        return self._get(Series, "event_metrics", first, last, asked, {"metric": metric})

    def retention(  # noqa: PLR0913 -- three kinds, and the parts of a question
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        on: int | None = None,
        within: int | None = None,
        on_or_after: int | None = None,
        cohort: Literal["active", "new"] = "active",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Give the share of each day's endpoints or users that came back.

        Args:
            first: the first day.
            last: the last day.
            on: back on exactly this day after, 1 to 366.
            within: back at least once up to this day; 7 unless one of the three is given.
            on_or_after: back on this day or any later one.
            cohort: all who were active on the day, or those who were new on it.
            activity: what counts as being active.
            **options: see `Options`.

        Raises:
            ValidationError: more than one of `on`, `within` and `on_or_after` is given.
        """
        kinds = {"on": on, "within": within, "on_or_after": on_or_after}
        given = {kind: days for kind, days in kinds.items() if days is not None}
        if len(given) > 1:
            raise ValidationError(f"give one of {', '.join(given)}, not several", "$", "conflict")
        kind, days = next(iter(given.items()), ("within", 7))
        own = {"kind": kind, "days": days, "cohort": cohort, "activity": activity}
        return self._get(Series, "retention", first, last, options, own)

    def seven_day_retention(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> Series:
        """Give Pinpoint's seven-day retention: who was active 8 days before, and again since."""
        own = {"activity": activity}
        return self._get(Series, "seven_day_retention", first, last, options, own)

    def cohorts(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        days: int = 30,
        kind: Literal["on", "within", "on_or_after"] = "on",
        activity: Literal["any", "session"] = "any",
        **options: Unpack[Options],
    ) -> CohortTable:
        """Show who came back, by the day on which they were new and the days since.

        Args:
            first: the first cohort's day.
            last: the last cohort's day.
            days: up to how many days since.
            kind: back on exactly that day, within the days up to it, or on it or later.
            activity: what counts as being active.
            **options: see `Options`.
        """
        own = {"days": days, "kind": kind, "activity": activity}
        return self._get(CohortTable, "cohorts", first, last, options, own)

    def funnel(
        self,
        steps: Sequence[Step | str],
        *,
        first: Day | None = None,
        last: Day | None = None,
        window: dt.timedelta | float | None = dt.timedelta(days=7),
        order: Literal["at_or_after", "after"] = "at_or_after",
        **options: Unpack[Options],
    ) -> Funnel:
        """Count who went through steps in their order, whatever else they did between.

        Args:
            steps: 2 to 10 `Step`s, or event types.
            first: the first day of the first step.
            last: the last day.
            window: how long after the first step the last one may come, a timedelta or seconds,
                up to 366 days; None: any time.
            order: whether a step may have the same time as the one before.
            **options: see `Options`.

        Examples:
            >>> from pinpoint_kit import Step, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     for kind in ("page_view", "purchase"):
            ...         event_id = pinpoint.events.record("device-1", kind)
            ...     report = pinpoint.flush()
            ...     funnel = pinpoint.analytics.funnel([Step("page_view"), Step("purchase")])
            ...     [row.count for row in funnel.rows]
            [1, 1]
        """
        own = {**funnel_arguments(steps, window), "order": order}
        return self._get(Funnel, "funnel", first, last, options, own)

    def demographics(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        of: Literal["all", "active", "new"] = "all",
        **options: Unpack[Options],
    ) -> Distribution:
        """Count endpoints or users by platform, app version, country or any attribute.

        Args:
            first: the first day, where `of` looks at a period.
            last: the last day.
            of: all that there are, or those active or new in the period.
            **options: see `Options`; `by` is `platform` unless given.
        """
        asked: Options = {"by": "platform", **options}
        return self._get(Distribution, "demographics", first, last, asked, {"of": of})

    def overview(
        self,
        first: Day | None = None,
        last: Day | None = None,
        *,
        zone: str = "UTC",
        where: Where | None = None,
        actor: Actor = "endpoint",
    ) -> Overview:
        """Show the six charts of the console's first page: activity, retention, revenue."""
        options: Options = {"zone": zone, "where": where, "actor": actor}
        return self._get(Overview, "overview", first, last, options)

    def timeline(  # noqa: PLR0913 -- as above
        self,
        *,
        endpoint_id: str | None = None,
        user_id: str | None = None,
        first: Day | None = None,
        last: Day | None = None,
        zone: str = "UTC",
        where: Where | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> Timeline:
        """List the events of one endpoint or user, the latest first: personal data.

        Args:
            endpoint_id: whose events; case-insensitive.
            user_id: or whose, over all endpoints.
            first: the first day.
            last: the last day.
            zone: whose days they are.
            where: filters; see `Options`.
            limit: at most so many, up to 1,000.
            after: `Timeline.following` of an earlier answer.
        """
        own = {"endpoint_id": endpoint_id, "user_id": user_id, "limit": limit, "after": after}
        options: Options = {"zone": zone, "where": where}
        return self._get(Timeline, "timeline", first, last, options, own)

    def _get(  # noqa: PLR0913, PLR0917 -- the parts of a question
        self,
        kind: type[R],
        metric: str,
        first: Day | None,
        last: Day | None,
        options: Options,
        own: Mapping[str, object] | None = None,
    ) -> R:
        unknown = sorted(options.keys() - Options.__annotations__.keys())
        if unknown:
            raise TypeError(f"{metric}() got an unexpected argument {unknown[0]!r}")
        days = {"first": _day(first, "$.first"), "last": _day(last, "$.last")}
        asked: dict[str, Any] = {**days, **options, **(own or {})}
        arguments = {name: value for name, value in asked.items() if value is not None}
        result = present(self._ask(metric, arguments), arguments)
        if not isinstance(result, kind):
            raise TypeError(f"{metric} was answered with a {type(result).__name__}")
        return result


def funnel_arguments(
    steps: Sequence[Step | str], window: dt.timedelta | float | None
) -> dict[str, object]:
    """Return steps and window as the arguments of the metric `funnel`.

    Raises:
        InvalidTypeError: a step is none, or the window is no duration.
    """
    found = []
    for index, step in enumerate(steps):
        if not isinstance(step, (Step, str)):
            raise InvalidTypeError("expected a Step or an event type", f"$.steps[{index}]")
        found.append((Step(step) if isinstance(step, str) else step).to_json())
    seconds = window.total_seconds() if isinstance(window, dt.timedelta) else window
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float, type(None))):
        raise InvalidTypeError("expected a timedelta, seconds or None", "$.window")
    return {"steps": found, "window_ms": round((seconds or 0) * 1000)}


def _day(value: Day | None, path: str) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise InvalidTypeError("expected a date, or text such as '2026-10-30'", path)
    return value.isoformat()
