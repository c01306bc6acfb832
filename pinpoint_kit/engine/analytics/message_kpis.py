"""Pinpoint's own KPIs, which are about campaigns and messages: names and formulas.

Source: "Standard Amazon Pinpoint analytics metrics" of the developer guide. What each counts comes
from analytics/deliveries.py. Nothing costs anything here, so that prices are 0.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import attrs

from pinpoint_kit.engine.analytics import deliveries
from pinpoint_kit.engine.analytics.deliveries import Counts, Span
from pinpoint_kit.engine.messages.phone_numbers import country_of
from pinpoint_kit.engine.wire import instants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.analytics.deliveries import Sms

__all__ = ["Asked", "Value", "values_of"]

_BY = "-grouped-by-"
_UNKNOWN_COUNTRY = "unknown"


class Value(NamedTuple):
    """A row: what it is grouped by, as key and value, and its number."""

    group: tuple[str, str] | None
    number: float


@attrs.frozen
class Asked:
    """What a request asks for.

    Attributes:
        name: the KPI.
        app: the number of the application.
        start: the first instant of the first day, milliseconds since 1970.
        end: the instant after the last day.
        campaign: the campaign, by its number and id; None for all of them.
    """

    name: str
    app: int
    start: int
    end: int
    campaign: tuple[int, str] | None = None

    def span(self, kinds: Sequence[str], channels: Sequence[str] | None) -> Span:
        """Return the messages that are meant."""
        number = None if self.campaign is None else self.campaign[0]
        return Span(self.app, self.start, self.end, kinds, channels, number)


#: A number of a group, None where it has none.
_Formula: TypeAlias = "Callable[[Counts], float | None]"


def _rate(part: _Formula, of: _Formula) -> _Formula:
    def rate(counts: Counts) -> float | None:
        whole = of(counts)
        return (part(counts) or 0) / whole if whole else None

    return rate


def _sent(counts: Counts) -> float:
    return counts.sent


def _delivered(counts: Counts) -> float:
    return counts.delivered


def _arrived(counts: Counts) -> float:
    """Of direct messages, those that bounced for now were not delivered either."""
    return counts.sent - counts.hard - counts.soft


_EMAIL = ("EMAIL",)
_DIRECT = ("direct", "otp")
_CAMPAIGN = ("campaign",)
#: Name -> the channels it is about, and its formula.
_OF_CAMPAIGNS: Mapping[str, tuple[Sequence[str] | None, _Formula]] = {
    "attempted-deliveries": (None, lambda counts: counts.attempted),
    "clicks": (_EMAIL, lambda counts: counts.clicks),
    "direct-email-opens": (_EMAIL, lambda counts: counts.opens),
    "email-open-rate": (_EMAIL, _rate(lambda counts: counts.opened, _delivered)),
    "hard-bounce-rate": (_EMAIL, _rate(lambda counts: counts.hard, _sent)),
    "sms-spend": (("SMS",), lambda _: 0.0),
    "successful-deliveries": (None, _delivered),
    "successful-delivery-rate": (None, _rate(_delivered, _sent)),
    "unique-deliveries": (None, lambda counts: counts.reached),
}
_OF_EMAILS: Mapping[str, _Formula] = {
    "clicked": lambda counts: counts.clicks,
    "complaint-rate": _rate(lambda counts: counts.complained, _sent),
    "delivered": _arrived,
    "delivery-rate": _rate(_arrived, _sent),
    "hard-bounced": lambda counts: counts.hard,
    "opened": lambda counts: counts.opens,
    "sent": _sent,
    "soft-bounced": lambda counts: counts.soft,
    "unique-clicks": lambda counts: counts.clickers,
    "unique-opens": lambda counts: counts.openers,
    "with-complaints": lambda counts: counts.complained,
}
#: How a name ends -> the key of its groups, and what messages are grouped by.
_GROUPS = {
    "campaign": ("CampaignId", "campaign"),
    "campaign-activity": ("CampaignActivityId", "activity"),
    "date": ("Date", "day"),
}
_OPENS = ("push-open-rate", "direct-push-opens")


def values_of(connection: Connection, asked: Asked) -> list[Value]:
    """Return the rows of a KPI; there are none where nothing was sent."""
    base, _, group = asked.name.partition(_BY)
    if base in _OPENS:
        return list(_push(connection, asked, base, group))
    if base.startswith("txn-sms-"):
        return list(_sms(connection, asked, base.removeprefix("txn-sms-"), group))
    if base.startswith("txn-emails-"):
        formula = _OF_EMAILS[base.removeprefix("txn-emails-")]
        return list(_grouped(connection, asked.span(_DIRECT, _EMAIL), formula, group))
    channels, formula = _OF_CAMPAIGNS[base]
    return list(_grouped(connection, asked.span(_CAMPAIGN, channels), formula, group))


def _grouped(connection: Connection, span: Span, formula: _Formula, group: str) -> Iterator[Value]:
    key, by = _GROUPS.get(group, ("", ""))
    names = _Names(connection, span.app, by)
    for found, counts in deliveries.counted(connection, span, *([by] if by else [])):
        number = formula(counts)
        name = names.of(found[0]) if by else ""
        if number is not None and name is not None:
            yield Value((key, name) if by else None, number)


class _Names:
    """What groups are called in rows."""

    def __init__(self, connection: Connection, app: int, by: str) -> None:
        self._by = by
        campaigns, runs = ({}, {}) if by in {"", "day"} else deliveries.ids_of(connection, app)
        self._ids: Mapping[int, str] = campaigns if by == "campaign" else runs

    def of(self, value: int | None) -> str | None:
        """Return it, None for a group that is gone."""
        if value is None:
            return None
        return instants.from_ms(value)[:10] if self._by == "day" else self._ids.get(value)


def _push(connection: Connection, asked: Asked, base: str, group: str) -> Iterator[Value]:
    """Yield how notifications were opened: what clients have reported, and what tests have."""
    span = asked.span(_CAMPAIGN, deliveries.PUSH)
    key, by = _GROUPS.get(group, ("", ""))
    names = _Names(connection, span.app, by)
    opened: Counter[str] = Counter()
    delivered: Counter[str] = Counter()
    for found, counts in deliveries.counted(connection, span, *([by] if by else [])):
        name = names.of(found[0]) if by else ""
        if name is not None:
            delivered[name] += counts.delivered
            opened[name] += counts.opens
    campaign = None if asked.campaign is None else asked.campaign[1]
    for each in deliveries.push_opens(connection, span, campaign):
        opened[{"campaign": each.campaign, "activity": each.activity}.get(by, "")] += each.times
    for name in sorted(delivered):
        if base == "direct-push-opens":
            yield Value((key, name) if by else None, opened[name])
        elif delivered[name]:
            yield Value((key, name) if by else None, opened[name] / delivered[name])


@attrs.define
class _Texts:
    """Text messages of a group, each and by their parts."""

    sent: int = 0
    delivered: int = 0
    sent_parts: int = 0
    delivered_parts: int = 0


_OF_TEXTS: Mapping[str, Callable[[_Texts], float | None]] = {
    "average-price": lambda found: 0.0 if found.sent else None,
    "average-price-by-parts": lambda found: 0.0 if found.sent else None,
    "delivered": lambda found: found.delivered,
    "delivered-by-parts": lambda found: found.delivered_parts,
    "delivery-rate": lambda found: found.delivered / found.sent if found.sent else None,
    "sent": lambda found: found.sent,
    "sent-by-parts": lambda found: found.sent_parts,
    "total-price": lambda found: 0.0 if found.sent else None,
}
_TEXT_GROUPS = {"": "", "country": "Country", "date": "Date"}
_SUCCESSFUL, _BOUNCED = "SUCCESSFUL", "UNREACHABLE"


def _sms(connection: Connection, asked: Asked, base: str, group: str) -> Iterator[Value]:
    rows = deliveries.sms_of(connection, asked.span(_DIRECT, ("SMS",)))
    if base == "error-distribution":
        yield from _errors(rows)
        return
    groups: dict[str, _Texts] = defaultdict(_Texts)
    for row in rows:
        if row.status != _SUCCESSFUL:
            continue
        found = groups[_text_group(row, group)]
        found.sent += row.messages
        found.sent_parts += row.parts
        if not row.is_bounced:
            found.delivered += row.messages
            found.delivered_parts += row.parts
    for name in sorted(groups):
        number = _OF_TEXTS[base](groups[name])
        if number is not None:
            yield Value((_TEXT_GROUPS[group], name) if group else None, number)


def _text_group(row: Sms, group: str) -> str:
    if group == "country":
        return country_of(row.address) or _UNKNOWN_COUNTRY
    return instants.from_ms(row.day)[:10] if group == "date" else ""


def _errors(rows: Sequence[Sms]) -> Iterator[Value]:
    """Yield how many were not delivered, by why."""
    errors: Counter[str] = Counter()
    for row in rows:
        if row.status != _SUCCESSFUL:
            errors[row.status] += row.messages
        elif row.is_bounced:
            errors[_BOUNCED] += row.messages
    for name in sorted(errors):
        yield Value(("ErrorCode", name), errors[name])
