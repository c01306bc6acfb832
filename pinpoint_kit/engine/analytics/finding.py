"""FindEvents: stored events, filtered as metrics are, by time or in the order of arrival.

In the order of arrival, a token is there at the end of the list too: asked again, it gives what
has arrived since, which is a live tail; the token `end` begins one behind all that is there.
Only reading belongs here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import and_, func, literal_column, or_, select

from pinpoint_kit.engine.analytics.asking import compared, refusing
from pinpoint_kit.engine.analytics.relation import relation_of
from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.metrics.filters import Where

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection, RowMapping, Select

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["find_events"]

_ORDERS = ("NEWEST", "OLDEST", "ARRIVAL")
#: The token `end`: nothing of what is there, and then all that arrives.
_END = (0, -1)
_TOKEN = re.compile(r"(-?[0-9]{1,18})-([0-9]{1,18})")
_TEXTS = {
    "AppPackageName": "app_package_name",
    "AppTitle": "app_title",
    "AppVersionCode": "app_version_code",
    "ClientSdkVersion": "client_sdk_version",
    "SdkName": "sdk_name",
    "UserId": "user_id",
}
_DEMOGRAPHIC = {
    "AppVersion": "app_version",
    "Locale": "locale",
    "Make": "make",
    "Model": "model",
    "Platform": "platform",
    "Timezone": "timezone",
}


@attrs.frozen
class _Asked:
    """What is looked for.

    Attributes:
        since: milliseconds since 1970, included.
        until: milliseconds since 1970, not included.
        after: the time and number of the last event before this page.
    """

    where: Where
    since: int | None
    until: int | None
    order: str
    after: tuple[int, int] | None


def find_events(context: Context, call: Call) -> object:
    """FindEvents: those that meet all filters, with what they remember of their endpoint."""
    with apps.checked_first(context, call.application_id):
        size = paging.size(call.query)
        wanted = _parse(call)
    is_by_arrival = wanted.order == "ARRIVAL" or wanted.after == _END
    last = context.store.settled(EVENTS.name) if is_by_arrival else None
    with context.store.long_read() as connection:
        app = apps.require(connection, call.application_id)
        if wanted.after == _END:
            return {"Item": [], "NextToken": f"0-{_newest(connection, app, last)}"}
        rows = connection.execute(_statement(wanted, app, last, size + 1)).mappings().all()
    answer = paging.page(rows, size, _token, _shown)
    if wanted.order == "ARRIVAL" and "NextToken" not in answer:
        end = _token(rows[-1]) if rows else call.query.get("token", ["0-0"])[-1]
        answer["NextToken"] = end
    return answer


def _newest(connection: Connection, app: App, last: int | None) -> int:
    """Return the number of the event of the application that arrived last, 0 without one."""
    newest = select(func.max(EVENTS.c.number)).where(EVENTS.c.app == app.number)
    if last is not None:
        newest = newest.where(EVENTS.c.number <= last)
    return connection.execute(newest).scalar() or 0


def _parse(call: Call) -> _Asked:
    source = body.known_members(call.body, {"Where", "Since", "Until", "Order"})
    order = source.get("Order") or _ORDERS[0]
    if order not in _ORDERS:
        raise bad_request(f"must be one of {', '.join(_ORDERS)}", ".Order")
    with refusing():
        where = Where.parse(compared({"where": source.get("Where")})["where"], "$.Where")
    return _Asked(
        where=where,
        since=body.optional_instant(source, "Since"),
        until=body.optional_instant(source, "Until"),
        order=str(order),
        after=_after(call.query),
    )


def _after(query: Mapping[str, object]) -> tuple[int, int] | None:
    given = paging.last(query, "token")  # type: ignore[arg-type]  # as a call has it
    if given is None:
        return None
    if given == "end":
        return _END
    match = _TOKEN.fullmatch(given)
    if match is None:
        raise bad_request("token must be the NextToken of an earlier answer")
    return int(match.group(1)), int(match.group(2))


def _statement(wanted: _Asked, app: App, last: int | None, most: int) -> Select[tuple[object, ...]]:
    events, relation = EVENTS.c, relation_of(app)
    at: ColumnElement[int] = events.timestamp
    if _asks_for_few(wanted.where):
        # In other words than those of the indexes of times and types, by which a database would
        # go through most of the application, because they also have the order that is asked for.
        at = events.timestamp + literal_column("0")
        of_type = attrs.evolve(relation.events, type=events.type.concat(""))
        relation = attrs.evolve(relation, events=of_type)
    found = select(*events).where(events.app == app.number)
    found = found.where(*wanted.where.of_events(relation))
    if last is not None:
        found = found.where(events.number <= last)
    if wanted.since is not None:
        found = found.where(events.timestamp >= wanted.since)
    if wanted.until is not None:
        found = found.where(events.timestamp < wanted.until)
    if wanted.order == "ARRIVAL":
        found = found.order_by(events.number)
    elif wanted.order == "OLDEST":
        found = found.order_by(at, events.number)
    else:
        found = found.order_by(at.desc(), events.number.desc())
    if wanted.after is not None:
        found = found.where(_is_after(wanted.order, at, *wanted.after))
    return found.limit(most)


def _asks_for_few(where: Where) -> bool:
    """Whether it asks for the events of sessions, or of several endpoints or users.

    Those are few, and no index has them in the order of time; one endpoint's or user's are in it.
    """
    return any(
        None not in values
        and (member == "session_id" or (member in {"endpoint_id", "user_id"} and len(values) > 1))
        for member, values in where.texts
    )


def _is_after(order: str, at: ColumnElement[int], time: int, number: int) -> ColumnElement[bool]:
    events = EVENTS.c
    if order == "ARRIVAL":
        return events.number > number
    same = at == time
    if order == "OLDEST":
        return or_(at > time, and_(same, events.number > number))
    return or_(at < time, and_(same, events.number < number))


def _token(row: RowMapping) -> str:
    return f"{row['timestamp']}-{row['number']}"


def _shown(row: RowMapping) -> dict[str, object]:
    shown: dict[str, object] = {
        "ArrivalTimestamp": instants.from_ms(row["arrival"]),
        "Attributes": orjson.Fragment(row["attributes"] or "{}"),
        "EndpointId": row["endpoint"],
        "EventId": row["event_id"],
        "EventType": row["type"],
        "Metrics": orjson.Fragment(row["metrics"] or "{}"),
        "Timestamp": instants.from_ms(row["timestamp"]),
    }
    shown |= _given(row, _TEXTS)
    if row["session_id"] is not None:
        session = {
            "Duration": row["session_duration"],
            "Id": row["session_id"],
            "StartTimestamp": _instant(row["session_start"]),
            "StopTimestamp": _instant(row["session_stop"]),
        }
        shown["Session"] = {name: value for name, value in session.items() if value is not None}
    endpoint: dict[str, object] = {}
    if demographic := _given(row, _DEMOGRAPHIC):
        endpoint["Demographic"] = demographic
    if row["country"] is not None:
        endpoint["Location"] = {"Country": row["country"]}
    if endpoint:
        shown["Endpoint"] = endpoint
    return shown


def _given(row: RowMapping, columns: Mapping[str, str]) -> dict[str, object]:
    return {name: row[column] for name, column in columns.items() if row[column] is not None}


def _instant(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else instants.from_ms(milliseconds)
