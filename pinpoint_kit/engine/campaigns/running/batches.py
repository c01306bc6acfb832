"""`Batch`: some endpoints of a run: read, decided about, and made into messages. It stores nothing.

Everything slow of a step happens here, outside of transactions: reading the segment, calling the
operator's functions, rendering. What comes of it is stored by runs.py, as far as it still holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import attrs
from sqlalchemy import or_

from pinpoint_kit.engine.campaigns import sends
from pinpoint_kit.engine.campaigns.running import hooks
from pinpoint_kit.engine.campaigns.running.addresses import holders
from pinpoint_kit.engine.campaigns.running.prepared import members_of
from pinpoint_kit.engine.campaigns.running.targets import CUSTOM, SEND, Sieve, Target
from pinpoint_kit.engine.campaigns.triggers import Trigger
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import decoded, rendered_row
from pinpoint_kit.engine.messages.composing import Failure
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection, Select

    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.campaigns.running.hooks import Called
    from pinpoint_kit.engine.campaigns.running.position import Position
    from pinpoint_kit.engine.campaigns.running.prepared import Prepared
    from pinpoint_kit.engine.messages.content import Content

__all__ = [
    "MOST_ROWS",
    "Batch",
    "Chosen",
    "Outcome",
    "choose",
    "decide",
    "of_events",
    "read",
    "zones_of",
]

#: Endpoints that a step reads, and so many while requests write: they wait for its transaction. The
#: few are written by one statement a table.
MOST_ROWS, _FEW_ROWS = 200, 32
#: Numbers of endpoints that one query goes over.
_WINDOW = 50_000
#: Numbers of endpoints in one list of a query.
_MOST_ASKED = 500
_OVERRIDES = ("TitleOverride", "BodyOverride")


@attrs.frozen
class Batch:
    """Endpoints of a run that were read.

    Attributes:
        targets: the endpoints, by number.
        after: how far that is; the run goes on after this number.
        triggers: the events that they are of, for a campaign that waits for events.
    """

    targets: Sequence[Target] = attrs.field(repr=False)
    after: int
    triggers: Sequence[Trigger] = attrs.field(default=(), repr=False)


class Outcome(NamedTuple):
    """What a run does about one endpoint.

    Attributes:
        status: the status of its record.
        content: the message, None without one.
        delivery: its channel type, or `CUSTOM`.
        shown: the endpoint as GetEndpoint shows it; empty where nobody wants it.
    """

    target: Target
    status: str
    content: Content | None
    delivery: str
    shown: Mapping[str, object]

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"Outcome(status={self.status!r})"


@attrs.define
class Decisions:
    """What a step does: the outcomes of endpoints, what was counted, and how far it has come.

    Attributes:
        outcomes: what becomes of each endpoint.
        counts: execution metrics.
        after: how far it has come.
        seen: how many endpoints it has dealt with.
        is_told: whether others are told of it: functions that were called, or event streams.
        until: of a campaign with a maximum duration, the last instant at which each of those who
            get something may get it, by the endpoint and the id of the event or "".
        problem: why a message cannot be made, without personal data; "" for all others.
        last_opt_out: the number of the last opt-out of an address that it knows of.
    """

    outcomes: list[Outcome] = attrs.field(factory=list, repr=False)
    problem: str = ""
    counts: Counter[str] = attrs.field(factory=Counter)
    after: int = 0
    seen: int = 0
    is_told: bool = False
    until: Mapping[tuple[str, str], int] = attrs.field(factory=dict, repr=False)
    last_opt_out: int = 0


def read(
    connection: Connection,
    prepared: Prepared,
    position: Position,
    *,
    is_short: bool = False,
) -> Batch:
    """Return the next endpoints of the segment, up to the last one of the run.

    Args:
        connection: for reading.
        prepared: what the run needs.
        position: how far it is.
        is_short: a few only, because requests wait for the transaction that stores them.
    """
    most = min(MOST_ROWS, _FEW_ROWS) if is_short else MOST_ROWS
    end = min(cast("int", position.last), position.after + _WINDOW)
    statement = prepared.window
    if position.wave is not None:
        instant, zones = position.wave
        zone = ENDPOINTS.c.timezone
        # Instant 0 is the first wave: of those who get nothing, in no zone of a wave to come.
        is_here = zone.in_(zones) if instant else or_(zone.is_(None), zone.not_in(zones))
        statement = statement.where(is_here)
    values = {"after_": position.after, "end_": end, "most_": most}
    targets = [Target(*row) for row in connection.execute(statement, values)]
    return Batch(targets, targets[-1].number if len(targets) == most else end)


def of_events(
    connection: Connection, prepared: Prepared, triggers: Sequence[Trigger], now: int
) -> Batch:
    """Return the endpoints of some events, as far as they belong to the segment."""
    keys = sorted({trigger.endpoint for trigger in triggers})
    statement = _members(prepared, now).where(ENDPOINTS.c.endpoint.in_(keys))
    found = {row[1]: row for row in connection.execute(statement)}
    targets = [
        Target(*found[trigger.endpoint])._replace(event_id=trigger.event_id)
        for trigger in triggers
        if trigger.endpoint in found
    ]
    return Batch(targets, 0, triggers)


def zones_of(connection: Connection, prepared: Prepared, now: int) -> list[str]:
    """Return the time zones of the segment's endpoints."""
    statement = _members(prepared, now).with_only_columns(ENDPOINTS.c.timezone).distinct()
    return [name for name in connection.execute(statement).scalars() if name]


class Chosen(NamedTuple):
    """Those who get something, unless a function or a text of the campaign says otherwise.

    Attributes:
        decisions: what becomes of the others.
        targets: they.
        shown: they as GetEndpoint shows them, by their keys, and others.
    """

    decisions: Decisions
    targets: Sequence[Target]
    shown: Mapping[str, Mapping[str, object]]

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"Chosen(targets={len(self.targets)})"


def choose(  # noqa: PLR0913, PLR0917 -- what a step stands on
    connection: Connection,
    prepared: Prepared,
    activity: Activity,
    position: Position,
    batch: Batch,
    now: int,
    *,
    is_streamed: bool,
) -> Chosen:
    """Choose from a batch, or from its beginning where more would be too much at once.

    Args:
        connection: for reading; no transaction may be open.
        prepared: what the run needs.
        activity: the run.
        position: how far it is.
        batch: the endpoints.
        now: milliseconds since 1970.
        is_streamed: whether records are wanted of every endpoint.
    """
    last_opt_out = opt_outs.newest(connection, activity.app)
    sieve = _sieve(connection, prepared, activity, position, batch, now)
    known = sends.known(connection, activity.number, [each.endpoint for each in batch.targets])
    most = _most(prepared)
    is_told = is_streamed or prepared.calls
    decisions = Decisions(
        after=batch.after, counts=sieve.counts, is_told=is_told, last_opt_out=last_opt_out
    )
    chosen: list[Target] = []
    statuses: list[tuple[Target, str]] = []
    for place, target in enumerate(batch.targets):
        if len(chosen) == most:
            decisions.after = batch.targets[place - 1].number
            break
        decisions.seen += 1
        status = None if (target.endpoint, target.event_id) in known else sieve.check(target)
        if status == SEND:
            chosen.append(target)
        elif status:
            statuses.append((target, status))
    until = _until(prepared, activity, position, batch)
    late = {target for target in chosen if until and now > until[_key(target)]}
    statuses += [(target, "EXPIRED") for target in chosen if target in late]
    chosen = [target for target in chosen if target not in late]
    decisions.until = {key: until[key] for key in map(_key, chosen)} if until else {}
    wanted = [*chosen, *(target for target, _ in statuses)] if is_streamed else chosen
    shown = _shown(connection, prepared, wanted)
    decisions.outcomes = [
        Outcome(target, status, None, target.channel_type or "", shown.get(target.endpoint, {}))
        for target, status in statuses
    ]
    return Chosen(decisions, [target for target in chosen if target.endpoint in shown], shown)


def decide(
    prepared: Prepared, activity: Activity, chosen: Chosen, give_way: Callable[[], None]
) -> Decisions:
    """Call functions and render, and return what becomes of all.

    No connection may be lent: in memory there is one, and requests wait for it.

    Args:
        prepared: what the run needs.
        activity: the run.
        chosen: who gets something.
        give_way: lets requests go first; called every now and then.
    """
    decisions, targets, shown = chosen
    if prepared.filter is not None and targets:
        targets, changed = _filtered(prepared.filter, decisions, targets, shown)
        shown = {**shown, **changed}
    _make(prepared, activity, decisions, targets, shown, give_way)
    return decisions


def _members(prepared: Prepared, now: int) -> Select[Any]:
    return members_of(prepared.segment, prepared.app, now)


def _most(prepared: Prepared) -> int:
    """Return to how many endpoints one step sends."""
    most = hooks.MOST_ENDPOINTS if prepared.calls else MOST_ROWS
    rate = prepared.definition.limit("MessagesPerSecond")
    return min(most, rate) if rate else most


def _sieve(  # noqa: PLR0913, PLR0917 -- as of `choose`
    connection: Connection,
    prepared: Prepared,
    activity: Activity,
    position: Position,
    batch: Batch,
    now: int,
) -> Sieve:
    definition, treatment = prepared.definition, prepared.treatment
    total, daily = definition.limit("Total"), definition.limit("Daily")
    zones: Sequence[str] | None = None
    if position.wave is not None:
        zones = position.wave[1] if position.wave[0] else ()
    sieve = Sieve(
        channels=prepared.channels,
        custom=prepared.custom,
        every_channel=prepared.delivers is not None,
        cohorts=treatment.cohorts,
        held_out=definition.held_out,
        reports_holdout=treatment.number == 0,
        now=now,
        zones=zones,
        quiet=treatment.quiet,
        total=total,
        daily=daily,
    )
    sieve.opted_out = opt_outs.among(
        connection, activity.app, ((each.channel_type, each.address) for each in batch.targets)
    )
    if not batch.triggers:

        def belonging(numbers: Sequence[int]) -> set[int]:
            return _belonging(connection, prepared, numbers, now)

        sieve.addresses |= holders(connection, activity, position, batch.targets, belonging)
    if total or daily:
        keys = [each.endpoint for each in batch.targets]
        found = sends.caps(connection, activity.app, activity.campaign, keys, now)
        sieve.sent_in_total.update(found[0])
        sieve.sent_today.update(found[1])
    return sieve


def _belonging(
    connection: Connection, prepared: Prepared, numbers: Sequence[int], now: int
) -> set[int]:
    """Return which endpoints belong to the segment, of some by their numbers."""
    asked = _members(prepared, now).with_only_columns(ENDPOINTS.c.number)
    return {
        number
        for first in range(0, len(numbers), _MOST_ASKED)
        for number in connection.execute(
            asked.where(ENDPOINTS.c.number.in_(numbers[first : first + _MOST_ASKED]))
        ).scalars()
    }


def _until(
    prepared: Prepared, activity: Activity, position: Position, batch: Batch
) -> Mapping[tuple[str, str], int]:
    """Return the last instant of each endpoint, counted from its event if any; empty without."""
    duration = prepared.definition.limit("MaximumDuration") * 1000
    if not duration:
        return {}
    begun = position.wave[0] if position.wave is not None else activity.scheduled
    events = {(each.endpoint, each.event_id): each.at for each in batch.triggers}
    return {key: events.get(key, begun) + duration for key in map(_key, batch.targets)}


def _key(target: Target) -> tuple[str, str]:
    return target.endpoint, target.event_id


def _shown(
    connection: Connection, prepared: Prepared, targets: Sequence[Target]
) -> dict[str, Mapping[str, object]]:
    """Return endpoints as GetEndpoint shows them, by their keys."""
    keys = list({target.endpoint for target in targets})
    if not keys:
        return {}
    app = prepared.app
    return {
        row[1]: rendered_row(row, app.id)
        for row in reader.rows_by_keys(connection, app.number, keys)
    }


def _filtered(
    called: Called,
    decisions: Decisions,
    targets: Sequence[Target],
    shown: Mapping[str, Mapping[str, object]],
) -> tuple[list[Target], dict[str, Mapping[str, object]]]:
    """Return the endpoints that a hook leaves, and how it has changed them."""
    left = called.filter(_payload(targets, shown))
    if left is None:
        decisions.outcomes += [
            Outcome(target, "HOOK_FAILURE", None, target.channel_type or "", shown[target.endpoint])
            for target in targets
        ]
        return [], {}
    kept: list[Target] = []
    changed: dict[str, Mapping[str, object]] = {}
    for target in targets:
        endpoint_id = cast("str", shown[target.endpoint]["Id"])
        if endpoint_id in left:
            kept.append(target)
            changed[target.endpoint] = {**left[endpoint_id], "Id": endpoint_id}
    decisions.counts["FILTERED_OUT_BY_SEGMENT"] += len(targets) - len(kept)
    return kept, changed


def _payload(
    targets: Sequence[Target], shown: Mapping[str, Mapping[str, object]]
) -> dict[str, object]:
    """Return the endpoints of a call, by their ids, each without its id."""
    return {
        cast("str", endpoint["Id"]): {k: v for k, v in endpoint.items() if k != "Id"}
        for target in targets
        for endpoint in [shown[target.endpoint]]
    }


def _make(  # noqa: PLR0913, PLR0917 -- as of `choose`
    prepared: Prepared,
    activity: Activity,
    decisions: Decisions,
    targets: Sequence[Target],
    shown: Mapping[str, Mapping[str, object]],
    give_way: Callable[[], None],
) -> None:
    """Add the outcomes of those who get something."""
    called = prepared.delivers or prepared.custom_channel
    by_call = [
        target
        for target in targets
        if prepared.delivers is not None or target.channel_type in prepared.custom
    ]
    if called is not None and by_call:
        endpoints = _with_cohorts(by_call, _payload(by_call, shown))
        status = "SUCCESS" if called.deliver(endpoints) else "CUSTOM_DELIVERY_FAILURE"
        decisions.outcomes += [
            Outcome(target, status, None, CUSTOM, shown[target.endpoint]) for target in by_call
        ]
    names = {
        "campaign_id": prepared.campaign_id,
        "campaign_activity_id": activity.id,
        "treatment_id": str(activity.treatment),
    }
    done = set(by_call)
    for target in targets:
        give_way()
        if target not in done:
            made = _composed(prepared, target, shown[target.endpoint], names)
            # What a hook has given instead may hold anything.
            if isinstance(made, Failure) and not made.text.startswith(_OVERRIDES):
                decisions.problem = made.text
            decisions.outcomes.append(_outcome(target, made, shown[target.endpoint]))


def _with_cohorts(targets: Sequence[Target], endpoints: Mapping[str, object]) -> dict[str, object]:
    """Return the endpoints of a delivery: each has its cohort among its attributes."""
    changed: dict[str, object] = {}
    for target, (endpoint_id, value) in zip(targets, endpoints.items(), strict=True):
        endpoint = cast("dict[str, object]", value)
        attributes = decoded(endpoint.get("Attributes", {}))
        cohort = {"CohortId": [str(target.cohort)]}
        changed[endpoint_id] = {**endpoint, "Attributes": {**attributes, **cohort}}
    return changed


def _composed(
    prepared: Prepared, target: Target, endpoint: Mapping[str, object], names: Mapping[str, str]
) -> Content | Failure:
    channel = cast("str", target.channel_type)
    title, body = (
        (None, None) if channel == "EMAIL" else (_text(endpoint, name) for name in _OVERRIDES)
    )
    return prepared.composer.compose(endpoint, channel, title=title, body=body, campaign=names)


def _outcome(target: Target, made: Content | Failure, endpoint: Mapping[str, object]) -> Outcome:
    channel = cast("str", target.channel_type)
    if isinstance(made, Failure):
        return Outcome(target, "FAILURE_PERMANENT", None, channel, endpoint)
    return Outcome(target, "SUCCESS", made, channel, endpoint)


def _text(endpoint: Mapping[str, object], name: str) -> str | None:
    value = endpoint.get(name)
    return value if isinstance(value, str) and value else None
