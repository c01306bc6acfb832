"""What is checked of each family of metrics, against any source."""

from __future__ import annotations

import datetime as dt
import json
import random
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import strategies as st

from pinpoint_kit.metrics import DEFINITIONS, actors, measure
from pinpoint_kit.metrics.results import from_json
from tests.metrics.oracle import REST, Oracle, by_actor, depth, fits, local, median, micros
from tests.metrics.population import DAY_MS, HOUR_MS, ODD, questions, seeds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.metrics.results import Result
    from tests.metrics.population import Event, Population

EVENT_BYS = (
    None,
    None,
    "platform",
    "event_type",
    f"attributes.{ODD}",
    "attributes.screen",
    "channel",
    "endpoint_attributes.plan",
    f"endpoint_attributes.{ODD}",
    "user_attributes.plan",
)
ONE_DAY = dt.timedelta(days=1)


def group_of(group: Any) -> Any:
    """Return a group of a result as the oracle has it."""
    if group is None:
        return None
    return REST if group.is_rest else (group.value,)


class Check:
    """One question, asked of a source and of the oracle."""

    def __init__(  # noqa: PLR0913 -- a question has these parts
        self,
        source: Any,
        population: Population,
        now: int,
        data: st.DataObject,
        *,
        bys: tuple[str | None, ...] = EVENT_BYS,
        filters: bool = True,
    ) -> None:
        self.source, self.now = source, now
        self.arguments = data.draw(questions(breakdowns=bys, filters=filters))
        self.data = data
        self.oracle = Oracle(population, self.arguments, now)

    def ask(self, name: str, **extra: object) -> Any:
        """Ask the source; what travels as JSON is the same afterwards."""
        given = {k: v for k, v in {**self.arguments, **extra}.items() if v is not None}
        known = {argument.name for argument in DEFINITIONS[name].takes}
        given = {k: v for k, v in given.items() if k in known}
        result: Result = measure(
            name, given, self.source.relation, now=self.now, execute=self.source.execute
        )
        assert from_json(result.to_json()) == result
        return result

    def who(self, name: str, point: dict[str, object], **extra: object) -> list[str]:
        """Ask for the actors behind a number."""
        given = {k: v for k, v in {**self.arguments, **extra}.items() if v is not None}
        statement = actors(name, given, point, self.source.relation, now=self.now)
        return sorted(row[0] for row in self.source.execute(statement))

    def series(  # noqa: PLR0913 -- what is expected has these parts
        self,
        result: Any,
        groups: dict[Any, list[Any]],
        everything: list[Any],
        values: Callable[[list[Any], dt.date], tuple[Any, ...]],
        totals: Callable[[list[Any]], tuple[Any, ...]],
        *,
        is_ratio: bool = False,
        ready_after: int = 0,
    ) -> None:
        """Compare a series, day by day and group by group."""
        o = self.oracle
        expected = {}
        for day in o.days():
            ready = day + dt.timedelta(days=ready_after)
            is_known = ready < o.today or (ready == o.today and not is_ratio)
            for group, rows in groups.items():
                numbers = values(rows, day) if is_known else (None,) * len(result.measures)
                expected[day, group] = (numbers, ready < o.today)
        got = {(p.day, group_of(p.group)): (p.values, p.is_complete) for p in result.points}
        assert len(got) == len(result.points)
        assert got == expected
        wanted = {None: totals(everything)}
        wanted |= {group: totals(rows) for group, rows in groups.items()}
        assert {group_of(t.group): t.values for t in result.totals} == wanted


def share(part: int | Fraction, base: int) -> float | None:
    """Return a ratio as Python divides."""
    return float(Fraction(part) / base) if base else None


def activity(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Active (any window), sticky factor, stickiness, and who is behind them."""
    check = Check(source, population, now, data)
    o = check.oracle
    width = data.draw(st.sampled_from((1, 1, 2, 7, 30)))
    check.arguments["activity"] = data.draw(st.sampled_from(("any", "session")))
    counted = o.period(o.activity())
    wide = o.between(o.activity(), o.first - dt.timedelta(days=width - 1), o.seen)
    result = check.ask("active", window=width)
    check.series(
        result,
        o.grouped(wide, counted),
        wide,
        lambda rows, day: (len(o.window(rows, day, width)),),
        lambda rows: (len(o.actors(o.period(rows))),),
    )
    day = data.draw(st.sampled_from(o.days()))
    if day <= o.seen:
        found = check.who("active", {"day": day.isoformat()}, window=width)
        assert found == sorted(map(str, o.window(wide, day, width)))
    for group, rows in o.grouped(wide, counted).items():
        if isinstance(group, tuple) and group != REST:
            found = check.who("active", {"group": group[0]}, window=width)
            assert found == sorted(map(str, o.actors(o.period(rows))))
    width = max(width, 2)
    wide = o.between(o.activity(), o.first - dt.timedelta(days=width - 1), o.seen)

    def both(rows: list[Event], day: dt.date) -> tuple[int, int]:
        return len(o.window(rows, day, 1)), len(o.window(rows, day, width))

    def sums(rows: list[Event]) -> tuple[Any, ...]:
        pairs = [both(rows, day) for day in o.days() if day < o.today]
        daily, within = sum(a for a, _ in pairs), sum(b for _, b in pairs)
        return share(daily, within), daily, within

    check.series(
        check.ask("sticky_factor", window=width),
        o.grouped(wide, counted),
        wide,
        lambda rows, day: (share(*both(rows, day)), *both(rows, day)),
        sums,
        is_ratio=True,
    )
    result = check.ask("stickiness")
    groups = o.grouped(counted, counted) | {None: counted}
    expected: dict[Any, Any] = {}
    for group, rows in groups.items():
        each = Counter(len({o.day(e.time) for e in own}) for own in by_actor(o, rows).values())
        expected |= {(group, str(k)): (n, share(n, sum(each.values()))) for k, n in each.items()}
    got = {(group_of(r.group), r.value.value): (r.count, r.share) for r in result.rows}
    assert got == expected
    for k in (1, 2):
        own = by_actor(o, counted).items()
        wanted = sorted(str(a) for a, es in own if len({o.day(e.time) for e in es}) == k)
        assert check.who("stickiness", {"count": k}) == wanted


def members(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Return new endpoints and users, demographics, cohorts."""
    bys: tuple[str | None, ...] = (None, "user_attributes.plan")
    check = Check(source, population, now, data, filters=False)
    o = check.oracle
    if check.arguments["actor"] == "endpoint":
        bys = (*bys, "platform", "channel", "endpoint_attributes.plan", "user_attributes.plan")
    check.arguments["by"] = data.draw(st.sampled_from(bys))
    born = o.born()
    groups = o.grouped(born, born)

    def made(rows: list[Any], day: dt.date) -> tuple[int]:
        return (sum(o.day(m.created) == day for m in rows),)

    result = check.ask("new")
    check.series(result, groups, born, made, lambda rows: (len(rows),))
    assert check.who("new", {}) == sorted(m.id for m in born)

    which = data.draw(st.sampled_from(("all", "active", "new")))
    by = check.arguments["by"] or "user_attributes.plan"
    o.arguments = {**check.arguments, "by": by}
    active = {o.actor(e) for e in o.period(o.activity())}
    people = {
        "all": o.members(),
        "active": [m for m in o.members() if m.id in active],
        "new": born,
    }[which]
    result = check.ask("demographics", by=by, of=which)
    assert {group_of(r.value): (r.count, r.share) for r in result.rows} == {
        group: (len(rows), share(len(rows), len(people)))
        for group, rows in o.grouped(people, people).items()
    }
    assert result.total == len(people)
    o.arguments = check.arguments


def came_back(  # noqa: PLR0913, PLR0917 -- the parts of a return
    o: Oracle, events: list[Event], actor: str | None, day: dt.date, low: int, high: int | None
) -> bool:
    """Whether an actor was active between two numbers of days after a day."""
    ages = [(o.day(e.time) - day).days for e in events if o.actor(e) == actor]
    reach = (o.today - day).days
    return any(low <= a and (high is None or a <= high) and a <= reach for a in ages)


SPANS: dict[str, Callable[[int], tuple[int, int | None]]] = {
    "on": lambda n: (n, n),
    "within": lambda n: (1, n),
    "on_or_after": lambda n: (n, None),
}


def retention(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Retention of all kinds, the guide's seven days, and cohorts."""
    check = Check(source, population, now, data)
    o = check.oracle
    n = data.draw(st.sampled_from((1, 2, 3, 7)))
    kind = data.draw(st.sampled_from(tuple(SPANS)))
    low, high = SPANS[kind](n)
    counted = o.period(o.activity())
    # An actor of a group comes back by events of that group.
    until = o.today if high is None else o.seen + dt.timedelta(days=high)
    wide = o.grouped(o.between(o.activity(), o.first, min(until, o.today)), counted)
    groups = {g: rows for g, rows in wide.items() if g is None or any(e in counted for e in rows)}

    def kept(rows: list[Event], day: dt.date) -> tuple[Any, ...]:
        base = o.actors(o.on(rows, day))
        back = sum(came_back(o, rows, a, day, low, high) for a in base)
        return share(back, len(base)), len(base), back

    def sums(rows: list[Event], *, after: int = n, shift: int = 0) -> tuple[Any, ...]:
        ready = [d for d in o.days() if d + dt.timedelta(days=after) < o.today]
        each = [kept(rows, d - dt.timedelta(days=shift)) for d in ready]
        base, back = sum(e[1] for e in each), sum(e[2] for e in each)
        return share(back, base), base, back

    result = check.ask("retention", days=n, kind=kind)
    check.series(result, groups, o.activity(), kept, sums, is_ratio=True, ready_after=n)
    day = data.draw(st.sampled_from(o.days()))
    if day <= o.seen:
        for is_back in (True, False):
            point: dict[str, object] = {"day": day.isoformat(), "is_back": is_back}
            base = o.actors(o.on(counted, day))
            wanted = [a for a in base if came_back(o, o.activity(), a, day, low, high) == is_back]
            assert check.who("retention", point, days=n, kind=kind) == sorted(map(str, wanted))
    check.arguments["by"] = None
    low, high = 1, 7
    check.series(
        check.ask("seven_day_retention"),
        {None: o.activity()},
        o.activity(),
        lambda rows, day: kept(rows, day - 8 * ONE_DAY),
        lambda rows: sums(rows, after=-1, shift=8),
        is_ratio=True,
        ready_after=-1,
    )


def cohorts(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Cohorts of new members, and retention of new ones."""
    check = Check(source, population, now, data)
    o = check.oracle
    bys = (None, "platform", "endpoint_attributes.plan")
    is_user = check.arguments["actor"] == "user"
    check.arguments["by"] = data.draw(st.sampled_from((None,) if is_user else bys))
    n = data.draw(st.sampled_from((1, 2, 5)))
    kind = data.draw(st.sampled_from(tuple(SPANS)))
    groups = o.grouped(o.born(), o.born())
    low, high = SPANS[kind](n)
    events = o.activity()
    expected = {}
    for day in o.days():
        for group, rows in groups.items():
            own = [m.id for m in rows if o.day(m.created) == day]
            counts = []
            for k in range(n + 1):
                span: tuple[int, int | None]
                span = SPANS[kind](k) if k else ((0, None) if kind == "on_or_after" else (0, 0))
                is_known = day + dt.timedelta(days=k) < o.today
                back = sum(came_back(o, events, i, day, span[0], span[1]) for i in own)
                counts.append(back if is_known else None)
            expected[day, group] = (len(own), tuple(counts))
    result = check.ask("cohorts", days=n, kind=kind)
    got = {(r.day, group_of(r.group)): (r.size, r.counts) for r in result.rows}
    assert got == expected
    known = [(c[n] or 0, size) for size, c in expected.values() if c[n] is not None]
    assert result.weighted[n] == share(sum(c for c, _ in known), sum(s for _, s in known))

    def kept(rows: list[Any], day: dt.date) -> tuple[Any, ...]:
        own = [m.id for m in rows if o.day(m.created) == day]
        back = sum(came_back(o, events, id_, day, low, high) for id_ in own)
        return share(back, len(own)), len(own), back

    def sums(rows: list[Any]) -> tuple[Any, ...]:
        each = [kept(rows, d) for d in o.days() if d + dt.timedelta(days=n) < o.today]
        base, back = sum(e[1] for e in each), sum(e[2] for e in each)
        return share(back, base), base, back

    result = check.ask("retention", days=n, kind=kind, cohort="new")
    check.series(result, groups, o.born(), kept, sums, is_ratio=True, ready_after=n)


def counts(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Sign-ins and their like, sessions, purchases, events, metrics of events."""
    check = Check(source, population, now, data)
    o = check.oracle
    name, kind = data.draw(
        st.sampled_from(
            (
                ("sign_ins", "_userauth.sign_in"),
                ("sign_ups", "_userauth.sign_up"),
                ("auth_failures", "_userauth.auth_fail"),
                ("sessions", "_session.start"),
                ("purchases", "_monetization.purchase"),
            )
        )
    )
    own = o.period(o.events(kind))
    check.series(
        check.ask(name),
        o.grouped(own, own),
        own,
        lambda rows, day: (len(o.on(rows, day)),),
        lambda rows: (len(rows),),
    )
    found = check.who(name, {})
    assert found == sorted({str(o.actor(e)) for e in own if o.actor(e) is not None})

    every = o.period(o.events())

    def measures(rows: list[Event]) -> tuple[Any, ...]:
        sessions = {e.session for e in rows} - {None}
        within = sum(e.session is not None for e in rows)
        people = o.actors(rows) - {None}
        return len(rows), len(people), len(sessions), share(within, len(sessions))

    groups = o.grouped(every, every)
    result = check.ask("events")
    check.series(result, groups, every, lambda r, day: measures(o.on(r, day)), measures)

    key = data.draw(st.sampled_from(("n", ODD)))
    having = [e for e in every if key in e.metrics]

    def aggregates(rows: list[Event]) -> tuple[Any, ...]:
        numbers = [micros(e.metrics[key]) for e in rows if fits(e.metrics[key])]
        total = sum(numbers)
        return (
            total / 1_000_000,
            total / (len(numbers) * 1_000_000) if numbers else None,
            min(numbers) / 1_000_000 if numbers else None,
            max(numbers) / 1_000_000 if numbers else None,
            len(numbers),
            len(rows) - len(numbers),
        )

    check.series(
        check.ask("event_metrics", metric=key),
        o.grouped(having, having),
        having,
        lambda rows, day: aggregates(o.on(rows, day)),
        aggregates,
    )


def sessions(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Sessions per actor, their length, the heat map."""
    check = Check(source, population, now, data)
    o = check.oracle
    started = o.period(o.events("_session.start", acting=True))

    def per_actor(rows: list[Event]) -> tuple[Any, ...]:
        return share(len(rows), len(o.actors(rows))), len(rows), len(o.actors(rows))

    check.series(
        check.ask("sessions_per_actor"),
        o.grouped(started, started),
        started,
        lambda rows, day: per_actor(o.on(rows, day)),
        per_actor,
        is_ratio=True,
    )
    stopped = o.period(o.events("_session.stop"))

    def lengths(rows: list[Event]) -> tuple[Any, ...]:
        known = [e.duration for e in rows if e.duration is not None and e.duration < 2**60]
        return (
            share(sum(known), len(known) * 1000),
            share(median(known), 1000) if known else None,
            share(max(known), 1000) if known else None,
            len(known),
            len(rows) - len(known),
        )

    check.series(
        check.ask("session_length"),
        o.grouped(stopped, stopped),
        stopped,
        lambda rows, day: lengths(o.on(rows, day)),
        lengths,
    )
    result = check.ask("heat_map")
    every = o.period(o.events("_session.start"))
    expected: Counter[tuple[int, int]] = Counter()
    for event in every:
        zone = event.time_zone if event.time_zone not in {None, "nowhere"} else o.zone
        at = local(event.time, str(zone))
        expected[at.weekday(), at.hour] += 1
    got = {(d, h): n for d, row in enumerate(result.rows) for h, n in enumerate(row) if n}
    assert got == expected
    assert result.without_zone == sum(e.time_zone in {None, "nowhere"} for e in every)


def money(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Revenue, units, paying, and revenue per actor."""
    check = Check(source, population, now, data)
    o = check.oracle
    bought = o.period(o.events("_monetization.purchase"))
    amount = data.draw(st.sampled_from(("price_times_quantity", "price")))

    def price(event: Event) -> int | None:
        value = event.metrics.get("_item_price")
        if value is not None and amount == "price_times_quantity":
            value *= event.metrics.get("_quantity", 1.0)
        return micros(value) if value is not None and fits(value) else None

    def currency(event: Event) -> str | None:
        code = event.attributes.get("_currency")
        return code and code.replace("\0", "\ufffd")

    def sums(rows: list[Event]) -> dict[str | None, Decimal]:
        found: dict[str | None, Decimal] = {}
        for event in rows:
            value = Decimal(price(event) or 0) / 1_000_000
            found[currency(event)] = found.get(currency(event), Decimal(0)) + value
        return found

    groups = o.grouped(bought, bought)
    codes = sorted({currency(e) for e in bought}, key=lambda c: (c is None, c or ""))
    result = check.ask("revenue", amount=amount)
    assert list(result.currencies) == codes
    assert result.unpriced == sum(price(e) is None for e in bought)
    got = {(p.day, group_of(p.group), p.currency): p.value for p in result.points}
    assert got == {
        (day, group, code): sums(o.on(rows, day)).get(code, Decimal(0)) if day <= o.today else None
        for day in o.days()
        for group, rows in groups.items()
        for code in codes
    }
    totals = {(group_of(t.group), t.currency): t.value for t in result.totals}
    assert totals == {
        (group, code): sums(rows).get(code, Decimal(0))
        for group, rows in (groups | {None: bought}).items()
        for code in codes
    }

    def units(rows: list[Event]) -> tuple[float]:
        each = [e.metrics.get("_quantity", 1.0) for e in rows]
        return (sum(micros(q) for q in each if fits(q)) / 1_000_000,)

    check.series(
        check.ask("units_sold"),
        groups,
        bought,
        lambda rows, day: units(o.on(rows, day)),
        units,
    )
    acting = [e for e in bought if o.actor(e) is not None]
    check.series(
        check.ask("paying"),
        o.grouped(acting, acting),
        acting,
        lambda rows, day: (len(o.actors(o.on(rows, day))),),
        lambda rows: (len(o.actors(rows)),),
    )
    check.arguments["by"] = None
    divisors = {"revenue_per_active": o.period(o.activity()), "revenue_per_paying": acting}
    for name, people in divisors.items():
        result = check.ask(name, amount=amount)
        for point in result.points:
            who = o.actors(o.on(people, point.day))
            value = sums(o.on(bought, point.day)).get(point.currency, Decimal(0))
            if not who or point.day >= o.today:
                assert point.value is None
            else:
                assert point.value == (value / len(who)).quantize(Decimal("0.000001"))


def funnels(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Funnels: windows, ties, filters of steps, steps that overlap."""
    check = Check(source, population, now, data, bys=(None, "platform", "endpoint_attributes.plan"))
    o = check.oracle
    rng = random.Random(data.draw(seeds()))  # noqa: S311 -- no secret
    kinds = ("view", "cart", "_session.start", "_monetization.purchase")
    possible: list[dict[str, Any]] = [{"type": kind} for kind in kinds]
    possible.append({"type": "view", "attributes": {"screen": ["x", None]}})
    steps = [rng.choice(possible) for _ in range(rng.choice((2, 2, 3, 4)))]
    if rng.random() < 0.5:
        steps = [{"type": "view"}, {"type": "cart"}]
    window = rng.choice((0, 1, HOUR_MS, DAY_MS, DAY_MS, 3 * DAY_MS))
    order = rng.choice(("at_or_after", "after"))
    overlap = len({s["type"] for s in steps}) < len(steps)

    def test(asked: dict[str, Any]) -> Callable[[Event], bool]:
        screens = asked.get("attributes", {}).get("screen")
        return lambda e: (
            e.type == asked["type"] and (screens is None or e.attributes.get("screen") in screens)
        )

    tests = [test(s) for s in steps]
    own = [
        e
        for e in o.events(acting=True)
        if any(t(e) for t in tests) and o.first <= o.day(e.time) and o.day(e.time) <= o.today
    ]
    typed = o.period(o.events(*(s["type"] for s in steps), acting=True))

    def in_period(event: Event) -> bool:
        return o.day(event.time) <= o.seen

    def deep(rows: list[Event]) -> dict[str | None, int]:
        return {
            actor: depth(
                events,
                tests,
                window or None,
                in_period,
                strictly=overlap or order == "after",
            )
            for actor, events in by_actor(o, rows).items()
        }

    result = check.ask("funnel", steps=steps, window_ms=window, order=order)
    got: dict[Any, list[int]] = {}
    for row in result.rows:
        got.setdefault(group_of(row.group), []).append(row.count)
    expected = {
        group: [sum(d >= k for d in deep(rows).values()) for k in range(1, len(steps) + 1)]
        for group, rows in (o.grouped(own, typed) | {None: own}).items()
    }
    zeros = [0] * len(steps)
    assert {g: c for g, c in got.items() if c != zeros} == {
        g: c for g, c in expected.items() if c != zeros
    }
    last = len(steps)
    extra = {"steps": steps, "window_ms": window, "order": order}
    found = check.who("funnel", {"step": last, "is_back": False}, **extra)
    assert found == sorted(str(a) for a, d in deep(own).items() if d == last - 1)


def timelines(source: Any, population: Population, now: int, data: st.DataObject) -> None:
    """Timelines: every event once over all pages, the latest first."""
    check = Check(source, population, now, data)
    o = check.oracle
    who = data.draw(st.sampled_from(({"endpoint_id": "a"}, {"user_id": "u"})))
    limit = data.draw(st.sampled_from((1, 3, 100)))
    found: list[Any] = []
    token = None
    while True:
        page = check.ask("timeline", limit=limit, after=token, **who)
        found += page.entries
        token = page.following
        if token is None:
            break
    own = [
        e
        for e in o.period(o.events())
        if (e.endpoint == "a" if "endpoint_id" in who else e.user == "u")
    ]
    expected = sorted(own, key=lambda e: (-e.time, e.endpoint, e.id))
    assert [(e.time_ms, e.endpoint_id, e.event_id) for e in found] == [
        (e.time, e.endpoint, e.id) for e in expected
    ]
    assert [(e.type, e.user_id, e.session_id) for e in found] == [
        (e.type, e.user, e.session) for e in expected
    ]
    assert [(_content(e.attributes), e.metrics) for e in found] == [
        (
            {name: text.replace("\0", "\ufffd") for name, text in e.attributes.items()} or None,
            _plain(e.metrics),
        )
        for e in expected
    ]


def _content(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _plain(numbers: dict[str, float]) -> str | None:
    """Return numbers as JSON, whole ones without a fraction."""
    if not numbers:
        return None
    texts = (
        f"{json.dumps(name)}:{int(n) if n.is_integer() else orjson.dumps(n).decode()}"
        for name, n in numbers.items()
    )
    return "{" + ",".join(texts) + "}"


FAMILIES: dict[str, Callable[[Any, Population, int, st.DataObject], None]] = {
    f.__name__: f
    for f in (
        activity,
        members,
        retention,
        cohorts,
        counts,
        sessions,
        money,
        funnels,
        timelines,
    )
}
