"""People: how many have what, and what one of them did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import and_, func, or_, select

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics.activity import active_days
from pinpoint_kit.metrics.answering import groups_of
from pinpoint_kit.metrics.breakdown import answered, find_groups, members, picked
from pinpoint_kit.metrics.definition import (
    Argument,
    Chosen,
    Question,
    choice,
    define,
    text,
    whole_number,
)
from pinpoint_kit.metrics.dialects import as_json, code_points, number
from pinpoint_kit.metrics.groups import ALL, WHOLE, Breakdown, Groups, Plan
from pinpoint_kit.metrics.results import Distribution, Entry, Share, Timeline, ratio, whole

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from pinpoint_kit.metrics.relation import Relation, Selected, Statement

__all__ = ["demographics", "timeline"]

MAX_ENTRIES = 1000
#: Below it, each whole number is a double, too.
_EXACT = 2**53

OF = Argument(
    name="of",
    meaning="who is counted: `all`, those `active` in the period, or those `new` in it",
    parse=choice("all", "active", "new"),
    default="all",
)
BY = Argument(
    name="by", meaning="what they are counted by", parse=Breakdown.parse, default="platform"
)


def _who(question: Question, relation: Relation) -> list[ColumnElement[bool]]:
    source = relation.users if question.actor == "user" else relation.endpoints
    owner = relation.users.user if question.actor == "user" else relation.endpoints.endpoint
    which = question.word("of")
    if which == "new":
        return question.seen.condition(source.created)
    if which == "active":
        active = active_days(attrs.evolve(question, by=None, only=None), relation, WHOLE)
        return [owner.in_(select(active.c.actor))]
    return []


def _people(question: Question, relation: Relation, chosen: Chosen) -> Selected:
    by: Breakdown = question.extra["by"]  # type: ignore[assignment] # BY parsed it
    asked = attrs.evolve(question, by=by, only=chosen.group)
    rows = members(asked, relation, WHOLE, _who(asked, relation)).cte("chosen")
    return select(rows.c.actor.label("actor")).distinct()


@define(
    title="Demographics",
    unit="actors",
    arguments=(BY, OF),
    without=("by",),
    actors=_people,
)
def demographics(question: Question, relation: Relation) -> Plan[Distribution]:
    """Count the endpoints or users by something that they have now.

    Counted: Every endpoint (or user) that is stored, or only those active or new in the period, by
        its present platform, app version, make, model, country, locale, channel, or the values of
        an attribute. With several values it stands under each, and shares add up to more than 1.
    Source: Pinpoint User Guide, Demographics.
    Differs: Pinpoint's console has one chart for each of a fixed list; Amplitude, Mixpanel and
        PostHog break events down, which `by` does here for every other metric.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("demographics", "a/ios 10-01 open; b/ios 10-01 open; c/android 10-02 open")
        {'ios': 2, 'android': 1}
    """
    by: Breakdown = question.extra["by"]  # type: ignore[assignment] # BY parsed it
    asked = attrs.evolve(question, by=by)
    conditions = _who(asked, relation)
    groups = yield from find_groups(asked, relation, conditions=conditions, of_members=True)

    def statement(one: Question, parts: Groups) -> Statement:
        rows = members(one, relation, parts, conditions).cte("people")
        return select(number(0).label("zero"), rows.c.part, func.count()).group_by(rows.c.part)

    table = yield from answered(asked, statement, groups, over_all="sum")
    total = whole(table.get((0, ALL), (0,))[0])
    named = groups_of(asked, groups, (part for _, part in table))
    rows = []
    for part, group in named.items():
        count = whole(table.get((0, part), (0,))[0])
        if group is not None:
            rows.append(Share(value=group, count=count, share=ratio(count, total)))
    return Distribution(about=asked.about, rows=tuple(rows), total=total)


def _cursor(value: object, path: str) -> tuple[int, str, str]:
    """Return the place of an entry: its time, endpoint and id, as `Timeline.following` has it."""
    token = str(text(2000)(value, path))
    time, _, rest = token.partition("|")
    size, _, ids = rest.partition("|")
    try:
        return int(time), ids[: int(size)], ids[int(size) :]
    except ValueError:
        raise ValidationError("malformed token; pass `following` as it is", path) from None


@define(
    title="Timeline",
    unit="events",
    arguments=(
        Argument(name="endpoint_id", meaning="whose events, or else `user_id`", parse=text(256)),
        Argument(name="user_id", meaning="whose events, or else `endpoint_id`", parse=text(256)),
        Argument(
            name="limit",
            meaning=f"at most so many entries, 1 to {MAX_ENTRIES}",
            parse=whole_number(1, MAX_ENTRIES),
            default=100,
        ),
        Argument(name="after", meaning="the token of the page before", parse=_cursor),
    ),
    without=("actor", "by", "top"),
)
def timeline(question: Question, relation: Relation) -> Plan[Timeline]:
    """List the events of one endpoint or user, the latest first.

    Counted: Every event of the period that the filters let through; of a user, those that came
        with it, from all of its endpoints.
    Source: this project.
    Differs: Pinpoint's console showed no single events and pointed to streams; Mixpanel, Amplitude
        and PostHog have the same list.

    Examples:
        >>> from pinpoint_kit.metrics.example import ask
        >>> ask("timeline", "a 10-01 open; a 10-02 buy; b 10-02 open", endpoint_id="a")
        ['2026-10-02 buy', '2026-10-01 open']
    """
    events, limit = relation.events, question.whole("limit")
    asked = {name: question.extra[name] for name in ("endpoint_id", "user_id")}
    if (asked["endpoint_id"] is None) == (asked["user_id"] is None):
        raise ValidationError("a timeline is of one person; pass endpoint_id or user_id", "$")
    if asked["endpoint_id"] is not None:
        who = events.endpoint == str(asked["endpoint_id"])
    else:
        who = events.user == str(asked["user_id"])
    found = picked(
        question,
        relation,
        WHOLE,
        {
            "moment": events.time,
            "kind": events.type,
            "endpoint_id": events.endpoint,
            "own_id": events.id,
            "own_user": events.user,
            "own_session": events.session,
            "own_attributes": as_json(events.attributes),
            "own_metrics": as_json(events.metrics),
        },
        conditions=[who],
    ).cte("entries")
    # The id decides between events of one moment, so that pages neither repeat nor lose one.
    endpoint, own = code_points(found.c.endpoint_id), code_points(found.c.own_id)
    page = select(*list(found.c)[2:])
    if (cursor := question.extra["after"]) is not None:
        page = page.where(_is_after(found.c.moment, endpoint, own, cursor))  # type: ignore[arg-type] # _cursor made it
    rows = yield page.order_by(found.c.moment.desc(), endpoint, own).limit(limit + 1)
    entries = tuple(
        Entry(
            time_ms=whole(row[0]),
            type=str(row[1]),
            endpoint_id=str(row[2]),
            event_id=str(row[3]),
            **{
                name: None if value is None else str(value)
                for name, value in zip(("user_id", "session_id"), row[4:6], strict=True)
            },
            attributes=None if row[6] is None else _texts(str(row[6])),
            metrics=None if row[7] is None else _numbers(str(row[7])),
        )
        for row in rows[:limit]
    )
    last = entries[-1] if len(rows) > limit else None
    token = None
    if last is not None:
        token = f"{last.time_ms}|{len(last.endpoint_id)}|{last.endpoint_id}{last.event_id}"
    return Timeline(about=question.about, entries=entries, following=token)


def _texts(text: str) -> str:
    """Return JSON in one form: sources put spaces and escapes where they like."""
    texts = {
        name.replace("\0", "\ufffd"): value.replace("\0", "\ufffd")
        for name, value in orjson.loads(text).items()
    }
    return orjson.dumps(texts).decode()


def _numbers(text: str) -> str:
    """Return a map of numbers as JSON in one form: some sources have only fractions."""
    numbers = {name: float(value) for name, value in orjson.loads(text).items()}
    plain = {
        name: int(value) if value.is_integer() and abs(value) < _EXACT else value
        for name, value in numbers.items()
    }
    return orjson.dumps(plain).decode()


def _is_after(
    moment: ColumnElement[int],
    endpoint: ColumnElement[str],
    own: ColumnElement[str],
    cursor: tuple[int, str, str],
) -> ColumnElement[bool]:
    time, endpoint_id, event_id = cursor
    at = number(time)
    same_endpoint = and_(endpoint == endpoint_id, own > event_id)
    return or_(moment < at, and_(moment == at, or_(endpoint > endpoint_id, same_endpoint)))
