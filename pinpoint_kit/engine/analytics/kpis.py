"""The KPI operations: Pinpoint's names, and ours for what its console showed.

Pinpoint's KPIs are about campaigns, messages and journeys. The numbers of its console (active
endpoints, sessions, revenue …) had no name in the API; `OWN` gives them some in the same form.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.engine.analytics import deliveries
from pinpoint_kit.engine.analytics.asking import measured
from pinpoint_kit.engine.analytics.message_kpis import Asked, values_of
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.wire import instants, paging
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request, not_found
from pinpoint_kit.metrics.results import MoneySeries, Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pinpoint_kit.engine.context import Call, Context
    from pinpoint_kit.metrics.results import Group

__all__ = [
    "APPLICATION_KPIS",
    "CAMPAIGN_KPIS",
    "JOURNEY_KPIS",
    "OWN",
    "Kpi",
    "get_application_kpi",
    "get_campaign_kpi",
    "get_journey_kpi",
]

_DAY_MS = 86_400_000
#: Pinpoint keeps to these; see "Analytics" of its developer guide.
_MAX_DAYS = 31
_MAX_AGE_DAYS = 90


def _with_groups(names: Mapping[str, Sequence[str]]) -> frozenset[str]:
    return frozenset(
        f"{name}{group and '-grouped-by-'}{group}"
        for name, groups in names.items()
        for group in groups
    )


_EMAILS = (
    *("clicked", "complaint-rate", "with-complaints", "delivered", "delivery-rate"),
    *("hard-bounced", "opened", "sent", "soft-bounced", "unique-clicks", "unique-opens"),
)
#: Names of "Standard Amazon Pinpoint analytics metrics" in the developer guide.
APPLICATION_KPIS = _with_groups(
    {
        "successful-delivery-rate": ("", "date"),
        "email-open-rate": ("", "campaign"),
        "push-open-rate": ("", "campaign"),
        "unique-deliveries": ("", "campaign", "date"),
        "successful-deliveries": ("campaign",),
        **{f"txn-emails-{name}": ("", "date") for name in _EMAILS},
        "txn-sms-sent": ("", "country", "date"),
        "txn-sms-delivered": ("", "country", "date"),
        "txn-sms-sent-by-parts": ("", "country"),
        "txn-sms-delivered-by-parts": ("", "country"),
        "txn-sms-delivery-rate": ("", "date"),
        "txn-sms-error-distribution": ("",),
        "txn-sms-average-price": ("country",),
        "txn-sms-average-price-by-parts": ("country",),
        "txn-sms-total-price": ("country",),
    }
)
CAMPAIGN_KPIS = _with_groups(
    {
        "hard-bounce-rate": ("", "campaign-activity"),
        "successful-delivery-rate": ("", "campaign-activity", "date"),
        "email-open-rate": ("", "campaign-activity"),
        "direct-email-opens": ("campaign-activity",),
        "unique-deliveries": ("", "campaign-activity", "date"),
        "clicks": ("campaign-activity",),
        "successful-deliveries": ("campaign-activity",),
        "attempted-deliveries": ("campaign-activity",),
        "push-open-rate": ("", "campaign-activity"),
        "direct-push-opens": ("campaign-activity",),
        "sms-spend": ("",),
    }
)
_JOURNEY_EMAILS = (
    *("clicked", "complained", "delivered", "hardbounced", "opened"),
    *("rejected", "sent", "softbounced", "unsubscribed"),
)
JOURNEY_KPIS = frozenset(f"journey-emails-{name}" for name in _JOURNEY_EMAILS) | frozenset(
    f"emails-{name}-grouped-by-journey-activity" for name in _JOURNEY_EMAILS
)


@attrs.frozen
class Kpi:
    """A KPI of ours: a metric, asked in one way.

    Attributes:
        metric: the definition in metrics/.
        key: what its value is called in a row.
        arguments: of the metric, besides days and breakdown.
        measure: which of the metric's measures is meant.
    """

    metric: str
    key: str
    arguments: Mapping[str, object] = attrs.field(factory=dict)
    measure: str | None = None


def _of_actors(name: str, metric: str, **arguments: object) -> Iterator[tuple[str, Kpi]]:
    for actor in ("endpoint", "user"):
        title = f"{name}-{actor}s"
        yield title, Kpi(metric, _pascal(title), {"actor": actor, **arguments})


def _pascal(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _plain(name: str, metric: str, measure: str | None = None) -> tuple[str, Kpi]:
    return name, Kpi(metric, _pascal(name), {}, measure)


OWN: dict[str, Kpi] = dict(
    [
        *_of_actors("daily-active", "active"),
        *_of_actors("weekly-active", "active", window=7),
        *_of_actors("monthly-active", "active", window=30),
        *_of_actors("new", "new"),
        *_of_actors("sticky-factor", "sticky_factor"),
        *_of_actors("paying", "paying"),
        _plain("seven-day-retention-rate", "seven_day_retention"),
        _plain("sessions", "sessions"),
        _plain("sign-ins", "sign_ins"),
        _plain("sign-ups", "sign_ups"),
        _plain("authentication-failures", "auth_failures"),
        _plain("purchases", "purchases"),
        _plain("units-sold", "units_sold"),
        _plain("revenue", "revenue"),
        _plain("events", "events"),
    ]
)
#: By what ours can be grouped: words of names, and the breakdown and key that they mean.
_GROUPS = {
    "platform": "platform",
    "app-version": "app_version",
    "make": "make",
    "model": "model",
    "country": "country",
    "locale": "locale",
    "type": "event_type",
}
_BY = "-grouped-by-"
_LIST = "reference/metrics, KPI names, in the documentation of pinpoint-kit"


def get_application_kpi(context: Context, call: Call) -> object:
    """GetApplicationDateRangeKpi: Pinpoint's names, and ours beside them."""
    name = call.labels["kpi-name"]
    answer = {"ApplicationId": call.application_id, "KpiName": name}
    base, _, group = name.partition(_BY)
    own = OWN.get(base)
    with apps.checked_first(context, call.application_id):
        start, end = _period(call, is_bounded=own is None)
        if own is not None and not _is_group(own, group, is_named=_BY in name):
            raise _unknown(name, _application_names())
    if own is None:
        rows = _of_messages(context, call, APPLICATION_KPIS, (start, end))
    else:
        rows = _rows(context, call, own, group, (start, end))
    return {**answer, **_shown(start, end, rows)}


def get_campaign_kpi(context: Context, call: Call) -> object:
    """GetCampaignDateRangeKpi; a campaign that there is not has sent nothing."""
    name, campaign_id = call.labels["kpi-name"], call.labels["campaign-id"]
    with apps.checked_first(context, call.application_id):
        start, end = _period(call, is_bounded=True)
    rows = _of_messages(context, call, CAMPAIGN_KPIS, (start, end), campaign_id)
    answer = {"ApplicationId": call.application_id, "KpiName": name, "CampaignId": campaign_id}
    return {**answer, **_shown(start, end, rows)}


def get_journey_kpi(context: Context, call: Call) -> object:
    """GetJourneyDateRangeKpi: of any journey, because none has sent anything."""
    name = call.labels["kpi-name"]
    with apps.checked_first(context, call.application_id):
        start, end = _period(call, is_bounded=True)
    with context.store.read() as connection:
        apps.require(connection, call.application_id)
    _check_name(name, JOURNEY_KPIS)
    answer = {
        "ApplicationId": call.application_id,
        "JourneyId": call.labels["journey-id"],
        "KpiName": name,
    }
    return {**answer, **_shown(start, end, [])}


def _of_messages(
    context: Context,
    call: Call,
    known: frozenset[str],
    period: tuple[int, int],
    campaign_id: str | None = None,
) -> list[object]:
    """Return the rows of a KPI of Pinpoint's: whole days in UTC, both ends included."""
    name = call.labels["kpi-name"]
    first, last = (moment - moment % _DAY_MS for moment in period)
    with context.store.long_read() as connection:
        app = apps.require(connection, call.application_id)
        _check_name(name, known)
        campaign = None
        if campaign_id is not None:
            number = deliveries.campaign_number(connection, app.number, campaign_id)
            if number is None:
                return []
            campaign = (number, campaign_id)
        asked = Asked(name, app.number, first, last + _DAY_MS, campaign)
        values = values_of(connection, asked)
    key = _pascal(name.partition(_BY)[0])
    return [
        row
        for value in values
        for row in _row(key, [] if value.group is None else [value.group], value.number)
    ]


def _check_name(name: str, known: frozenset[str]) -> None:
    if name not in known:
        raise _unknown(name, _application_names() if known is APPLICATION_KPIS else known)


def _application_names() -> set[str]:
    """Return all names of applications: Pinpoint's, and ours alone and with each breakdown."""
    by = [*_GROUPS, "date", "currency"]
    own = {
        f"{name}{_BY}{group}"
        for name, kpi in OWN.items()
        for group in by
        if _is_group(kpi, group, is_named=True)
    }
    return {*APPLICATION_KPIS, *OWN, *own}


def _unknown(name: str, known: Iterable[str]) -> ApiError:
    near = difflib.get_close_matches(name[:100], sorted(known), n=3)
    meant = f": did you mean {' or '.join(near)}?" if near else "."
    return not_found(f"There is no such KPI{meant} The list: {_LIST}")


def _is_group(kpi: Kpi, group: str, *, is_named: bool) -> bool:
    if not is_named:
        return True
    if group == "currency":
        return kpi.metric == "revenue"
    if group == "type":
        return kpi.metric == "events"
    # A new user has no platform: only endpoints do, and a user may have several.
    is_new_user = kpi.metric == "new" and kpi.arguments.get("actor") == "user"
    return group == "date" or (group in _GROUPS and not is_new_user)


def _period(call: Call, *, is_bounded: bool) -> tuple[int, int]:
    """Return the start and end in milliseconds; the 31 days before now unless given."""
    end = _instant(call, "end-time", call.now)
    start = _instant(call, "start-time", end - _MAX_DAYS * _DAY_MS)
    if end < start:
        raise bad_request("end-time must not be before start-time")
    if is_bounded and end - start > _MAX_DAYS * _DAY_MS:
        raise bad_request(f"the period may have at most {_MAX_DAYS} days")
    if is_bounded and call.now - start > _MAX_AGE_DAYS * _DAY_MS:
        raise bad_request(f"start-time must lie within the last {_MAX_AGE_DAYS} days")
    return start, end


def _instant(call: Call, name: str, default: int) -> int:
    given = paging.last(call.query, name)
    if given is None:
        return default
    try:
        return instants.to_ms(given)
    except ValueError:
        raise bad_request(f"{name} must be an ISO 8601 date, such as 2026-10-30") from None


def _shown(start: int, end: int, rows: Sequence[object]) -> dict[str, object]:
    return {
        "StartTime": instants.from_ms(start),
        "EndTime": instants.from_ms(end),
        "KpiResult": {"Rows": rows},
    }


def _rows(
    context: Context, call: Call, kpi: Kpi, group: str, period: tuple[int, int]
) -> list[object]:
    """Return the rows of a KPI of ours: whole days in UTC, both ends included."""
    first, last = (instants.from_ms(moment)[:10] for moment in period)
    arguments = {**kpi.arguments, "first": first, "last": last}
    if group in _GROUPS:
        arguments |= {"by": _GROUPS[group], "top": 50}
    result = measured(context, call, kpi.metric, arguments)
    if isinstance(result, MoneySeries):
        return list(_of_money(kpi, result, group))
    if not isinstance(result, Series):
        raise TypeError(f"{kpi.metric} is no series")
    return list(_of_series(kpi, result, group))


def _of_series(kpi: Kpi, result: Series, group: str) -> Iterator[object]:
    index = result.measures.index(kpi.measure) if kpi.measure else 0
    if group == "date":
        for point in result.points:
            yield from _row(kpi.key, [("Date", point.day.isoformat())], point.values[index])
    elif not group:
        # Who was active is a number of a day; of a period the console showed the mean.
        total = result.totals[0]
        yield from _row(
            kpi.key, [], total.average if kpi.metric == "active" else total.values[index]
        )
    else:
        for total in result.totals:
            if total.group is not None:
                named = [(_pascal(group), _name(total.group))]
                yield from _row(kpi.key, named, total.values[index])


def _of_money(kpi: Kpi, result: MoneySeries, group: str) -> Iterator[object]:
    if group == "date":
        for point in result.points:
            by = [("Date", point.day.isoformat()), ("Currency", point.currency or "")]
            yield from _row(kpi.key, by, point.value)
        return
    for total in result.totals:
        by = [("Currency", total.currency or "")]
        if group in _GROUPS:
            if total.group is None:
                continue
            by.insert(0, (_pascal(group), _name(total.group)))
        elif total.group is not None:
            continue
        yield from _row(kpi.key, by, total.value)


def _name(group: Group) -> str:
    return "(the rest)" if group.is_rest else group.value or "(none)"


def _row(
    key: str, by: Iterable[tuple[str, str]], value: float | Decimal | None
) -> Iterator[dict[str, Any]]:
    """Give the row of a value; what is not known, or not over yet, has none."""
    if value is None:
        return
    text = f"{value:f}" if isinstance(value, Decimal) else repr(float(value))
    grouped = [{"Key": name, "Type": "String", "Value": word} for name, word in by]
    row: dict[str, Any] = {"Values": [{"Key": key, "Type": "Double", "Value": text}]}
    if grouped:
        row = {"GroupedBys": grouped, **row}
    yield row
