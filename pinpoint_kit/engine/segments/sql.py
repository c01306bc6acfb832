"""From a segment's rules to SQL: one condition on `endpoints`, in portable SQLAlchemy Core.

The only file that knows both. Every condition is true or false for each endpoint, never NULL, so
that a rule can be turned round. What a dialect spells in its own way comes from
storage/dialects. Within a combination the cheap conditions stand first, because databases
try them in this order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NoReturn

import attrs
from sqlalchemy import (
    ColumnElement,
    and_,
    exists,
    false,
    func,
    not_,
    or_,
    select,
    true,
    union,
)

from pinpoint_kit.engine.segments.rules import (
    Combination,
    ImportedRule,
    ListRule,
    NearRule,
    NumberRule,
    RecencyRule,
    Rule,
    SingleRule,
    SourceRule,
    TextRule,
)
from pinpoint_kit.engine.storage.dialects.expressions import has_value, metric
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.segments import SEGMENT_ENDPOINTS, SEGMENT_USERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import CompoundSelect

    from pinpoint_kit.engine.segments.rules import How
    from pinpoint_kit.engine.segments.store import Segment

__all__ = ["condition", "listed_numbers"]

_ENDPOINTS = ENDPOINTS.c
_USERS = USERS.c
_EVENTS = EVENTS.c
_LISTED = SEGMENT_ENDPOINTS.c
_LISTED_USERS = SEGMENT_USERS.c

#: Mean radius of the Earth (IUGG), and a millimetre that rounding may cost.
_RADIUS_KM = 6371.0088
_SLACK_KM = 1e-6
_POLE = 90.0

#: What a rule costs, in the order in which a combination tries its parts.
_COSTS: dict[type[Rule], int] = {
    TextRule: 0,
    NearRule: 1,
    RecencyRule: 2,
    NumberRule: 3,
    ListRule: 4,
    ImportedRule: 7,
}
#: Attributes that have to be something are told at a glance mostly, dates have to be read.
_LIST_COSTS = {"EXCLUSIVE": 5, "BEFORE": 6, "AFTER": 6, "BETWEEN": 6}
_OF_USER = 4  # looked up for each endpoint


def condition(rule: Rule, segment: Segment, now: int) -> ColumnElement[bool]:
    """Return the condition under which an endpoint meets a rule.

    Args:
        rule: the segment's whole rule or any part of it.
        segment: the segment, with its sources.
        now: milliseconds since 1970.
    """
    if isinstance(rule, Combination):
        parts = sorted(rule.parts, key=lambda part: _cost(part, segment))
        return _combined(rule.how, [condition(part, segment, now) for part in parts])
    if isinstance(rule, SourceRule):
        source = segment.sources[rule.id, rule.version]
        return condition(source.rule, source, now)
    return _single(rule, segment, now)


def _single(rule: SingleRule, segment: Segment, now: int) -> ColumnElement[bool]:  # noqa: PLR0911 -- one for each kind
    match rule:
        case TextRule():
            return _text(rule)
        case ListRule():
            return _list(rule, segment.app)
        case NumberRule():
            return _number(rule)
        case RecencyRule():
            return _recency(rule, now)
        case NearRule():
            return _near(rule)
        case ImportedRule():
            return _imported(segment)
    return _assert_never(rule)


def _assert_never(rule: NoReturn) -> NoReturn:
    """Fail for a rule that has no condition; mypy finds that before."""
    raise AssertionError(type(rule).__name__)


def _cost(rule: Rule, segment: Segment) -> int:
    """Return what a rule costs; a combination costs as much as its dearest part."""
    match rule:
        case Combination():
            return max((_cost(part, segment) for part in rule.parts), default=0)
        case SourceRule():
            source = segment.sources[rule.id, rule.version]
            return _cost(source.rule, source)
        case ListRule():
            own = _LIST_COSTS.get(rule.how, _COSTS[ListRule])
            return own + _OF_USER if rule.is_of_user else own
    return _COSTS[type(rule)]


def _combined(how: How, conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    if not conditions:
        return true()
    if how == "ALL":
        return and_(*conditions)
    anyhow = or_(*conditions)
    return anyhow if how == "ANY" else not_(anyhow)


def _text(rule: TextRule) -> ColumnElement[bool]:
    if rule.column is None:
        return false() if rule.how == "INCLUSIVE" else true()
    column = _ENDPOINTS[rule.column]
    if rule.how == "INCLUSIVE":
        return and_(column.is_not(None), column.in_(rule.wanted))
    return or_(column.is_(None), column.not_in(rule.wanted))


def _list(rule: ListRule, app: int) -> ColumnElement[bool]:
    if rule.how == "EXCLUSIVE":
        return not_(_list(attrs.evolve(rule, how="INCLUSIVE"), app))
    wanted = rule.moments or rule.values
    if not rule.is_of_user:
        return has_value(_ENDPOINTS.attributes, rule.name, rule.how, wanted)
    of_user = exists().where(
        _USERS.app == app,
        _USERS.user_id == _ENDPOINTS.user_id,
        has_value(_USERS.attributes, rule.name, rule.how, wanted),
    )
    waiting = and_(  # for a user id; see the schema
        _ENDPOINTS.user_attributes.is_not(None),
        has_value(_ENDPOINTS.user_attributes, rule.name, rule.how, wanted),
    )
    return or_(of_user, waiting)


def _number(rule: NumberRule) -> ColumnElement[bool]:
    number = metric(_ENDPOINTS.metrics, rule.name)
    compared = {
        "EQUAL": number == rule.value,
        "GREATER_THAN": number > rule.value,
        "GREATER_THAN_OR_EQUAL": number >= rule.value,
        "LESS_THAN": number < rule.value,
        "LESS_THAN_OR_EQUAL": number <= rule.value,
    }[rule.comparison]
    return func.coalesce(compared, false())


def _recency(rule: RecencyRule, now: int) -> ColumnElement[bool]:
    """Active is who was updated, or had an event, no longer ago than the duration."""
    since = now - rule.duration_ms
    active = or_(
        _ENDPOINTS.effective_date >= since,
        exists().where(
            _EVENTS.app == _ENDPOINTS.app,
            _EVENTS.endpoint == _ENDPOINTS.endpoint,
            _EVENTS.timestamp >= since,
        ),
    )
    return active if rule.kind == "ACTIVE" else not_(active)


def _near(rule: NearRule) -> ColumnElement[bool]:
    """Apply the haversine formula; a box of latitudes first spares most of the sines."""
    latitude, longitude = _ENDPOINTS.latitude, _ENDPOINTS.longitude
    angle = min((rule.kilometers + _SLACK_KM) / _RADIUS_KM, math.pi)
    reach = math.degrees(angle) + _SLACK_KM
    half_latitude = func.sin((latitude - rule.latitude) * math.radians(0.5))
    half_longitude = func.sin((longitude - rule.longitude) * math.radians(0.5))
    across = func.cos(latitude * math.radians(1)) * math.cos(math.radians(rule.latitude))
    haversine = half_latitude * half_latitude + across * half_longitude * half_longitude
    return and_(
        latitude.is_not(None),
        longitude.is_not(None),
        latitude.between(max(rule.latitude - reach, -_POLE), min(rule.latitude + reach, _POLE)),
        haversine <= math.sin(angle / 2) ** 2,
    )


def _imported(segment: Segment) -> ColumnElement[bool]:
    """Match what is listed itself, or by its user, who stands for all of their endpoints now."""
    return or_(
        exists().where(
            _LISTED.app == segment.app,
            _LISTED.segment == segment.number,
            _LISTED.endpoint == _ENDPOINTS.number,
        ),
        exists().where(
            _LISTED_USERS.app == segment.app,
            _LISTED_USERS.segment == segment.number,
            _LISTED_USERS.user_id == _ENDPOINTS.user_id,
        ),
    )


def listed_numbers(segment: Segment) -> CompoundSelect[tuple[int]]:
    """Return the numbers of an imported segment's members, beginning at its list.

    The same as `condition`, but what it costs grows with the list and not with the application.
    """
    listed = select(_LISTED.endpoint).where(
        _LISTED.app == segment.app, _LISTED.segment == segment.number
    )
    of_users = (
        select(_ENDPOINTS.number)
        .where(_LISTED_USERS.app == segment.app, _LISTED_USERS.segment == segment.number)
        .where(_ENDPOINTS.app == segment.app, _ENDPOINTS.user_id == _LISTED_USERS.user_id)
        .correlate(None)  # its endpoints are not those around it
    )
    return union(listed, of_users)
