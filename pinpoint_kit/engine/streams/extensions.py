"""What an event stream is asked that Pinpoint's API has no name for: status, pauses, dead letters.

Extension operations, see wire/routes.py. A destination is named as its status names it; without a
name, all destinations of the application are meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import func, insert, select, update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.streams import STREAM_CURSORS, STREAM_REPLAYS
from pinpoint_kit.engine.streams import cursors, letters, status
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context, Handler
    from pinpoint_kit.engine.streams.letters import DeadLetter
    from pinpoint_kit.engine.streams.status import Status

__all__ = ["HANDLERS"]

#: Dead letters that one request sends again or discards; the answer says how many are left.
_MOST_LETTERS = 1_000
#: A destination's name in an error.
_MOST_NAME_CHARS = 200


def get_stream_status(context: Context, call: Call) -> object:
    """GetStreamStatus: how each destination of the application fares."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = status.of_app(connection, app.number, call.now)
        return {"Item": [_shown(each, call.now) for each in found]}


def pause_stream(context: Context, call: Call) -> object:
    """PauseStream: send nothing until ResumeStream; records wait, within the backlog's bounds."""
    return _set_paused(context, call, paused=1)


def resume_stream(context: Context, call: Call) -> object:
    """ResumeStream: send on, and at once, where the destination has failed or refused records."""
    return _set_paused(context, call, paused=0)


def _set_paused(context: Context, call: Call, *, paused: int) -> object:
    with apps.checked_first(context, call.application_id):
        destination = _destination(body.known_members(call.body, {"Destination"}))
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        _check(connection, app.number, destination)
        here = STREAM_CURSORS.c.app == app.number
        if destination is not None:
            here &= STREAM_CURSORS.c.destination == destination
        connection.execute(update(STREAM_CURSORS).where(here).values(paused=paused))
        for cursor in [] if paused else cursors.of_app(connection, app.number):
            if destination in {None, cursor.destination}:
                cursors.hasten(connection, cursor)
        found = status.of_app(connection, app.number, call.now)
    context.announce_streams()
    return {"Item": [_shown(each, call.now) for each in found]}


def replay_stream(context: Context, call: Call) -> object:
    """ReplayStream: send events that arrived since a moment once more, from the stored events.

    Records say `"replayed": true`, and have the endpoint as it is now. They are made behind
    requests. Refused where no destination takes anything new.
    """
    with apps.checked_first(context, call.application_id):
        source = body.known_members(call.body, {"Destination", "Since", "Until"})
        destination = _destination(source)
        since = body.optional_instant(source, "Since")
        if since is None:
            raise bad_request("Missing Since")
        until = body.optional_instant(source, "Until")
        until = call.now if until is None else until
        if until <= since:
            raise bad_request("must be later than Since", ".Until")
    last = context.store.settled(EVENTS.name)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        _check_taking(connection, app.number, {destination} if destination is not None else None)
        newest = connection.execute(select(func.max(EVENTS.c.number))).scalar() or 0
        connection.execute(
            insert(STREAM_REPLAYS).values(
                app=app.number,
                destination=destination,
                since=since,
                until=until,
                position=0,
                last=newest if last is None else last,
            )
        )
        wanted = EVENTS.c.arrival.between(since, until - 1)
        count = connection.execute(
            select(func.count()).select_from(EVENTS).where(EVENTS.c.app == app.number, wanted)
        ).scalar_one()
    context.announce()
    return {"Events": count}


def remove_stream_destination(context: Context, call: Call) -> object:
    """RemoveStreamDestination: forget a destination that will not come back.

    What waits for it alone goes, and is counted as lost. An engine that has the destination makes
    it anew.
    """
    with apps.checked_first(context, call.application_id):
        destination = _destination(body.known_members(call.body, {"Destination"}))
        if destination is None:
            raise bad_request("Missing Destination")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        found = status.of_app(connection, app.number, call.now)
        lost = next(
            (
                each.lag.records
                for each in found
                if each.cursor is not None and each.cursor.destination == destination
            ),
            0,
        )
        if not cursors.remove(connection, app.number, destination):
            raise not_found("The application has no such destination")
        cursors.count_loss(connection, app.number, destination, "removed", lost)
    context.announce()
    return {"Records": lost}


def list_stream_dead_letters(context: Context, call: Call) -> object:
    """ListStreamDeadLetters: records that a destination has refused for good, the oldest first."""
    with apps.checked_first(context, call.application_id):
        size = paging.size(call.query)
        after = paging.number(call.query)
        destination = paging.last(call.query, "destination")
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = letters.find(
            connection, app.number, destination=destination, after=after, most=size + 1
        )
    return paging.page(found, size, lambda letter: letter.number, _letter)


def retry_stream_dead_letters(context: Context, call: Call) -> object:
    """RetryStreamDeadLetters: send dead letters again, some hundred a request.

    Refused while a destination of theirs takes nothing new: they would be lost.
    """
    destination, numbers = _letters_of(context, call)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        meant = letters.destinations(connection, app.number, destination, numbers)
        _check_taking(connection, app.number, meant)
        count = letters.retry(
            connection, app.number, destination, numbers, most=_MOST_LETTERS, now=call.now
        )
        left = _left(connection, app.number, destination)
    context.announce_streams()
    return {"Records": count, "Left": left}


def discard_stream_dead_letters(context: Context, call: Call) -> object:
    """DiscardStreamDeadLetters: delete dead letters, and count them as lost."""
    destination, numbers = _letters_of(context, call)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        count = letters.discard(connection, app.number, destination, numbers, most=_MOST_LETTERS)
        return {"Records": count, "Left": _left(connection, app.number, destination)}


def _left(connection: Connection, app: int, destination: str | None) -> int:
    found = letters.counts(connection, app)
    return sum(found.values()) if destination is None else found.get(destination, 0)


def _letters_of(context: Context, call: Call) -> tuple[str | None, list[int] | None]:
    """Return which dead letters a request is about."""
    with apps.checked_first(context, call.application_id):
        source = body.known_members(call.body, {"Destination", "Ids"})
        given = source.get("Ids")
        if given is None:
            return _destination(source), None
        if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
            raise bad_request("must be a list of ids, as the list of dead letters has them", ".Ids")
        if len(given) > _MOST_LETTERS:
            raise bad_request(f"may have {_MOST_LETTERS} ids", ".Ids")
        if not all(one.isascii() and one.isdigit() and len(one) < 19 for one in given):  # noqa: PLR2004 -- digits of 64 bits
            raise bad_request("must be ids of dead letters", ".Ids")
        return _destination(source), [int(one) for one in given]


def _destination(source: Mapping[str, object]) -> str | None:
    return body.optional_text(source, "Destination") or None


def _check(connection: Connection, app: int, destination: str | None) -> None:
    if destination is not None and cursors.load(connection, app, destination) is None:
        raise not_found("The application has no such destination; the status names them")


def _check_taking(connection: Connection, app: int, meant: Collection[str] | None) -> None:
    """Refuse to send something to destinations that take nothing new; None is for any."""
    known = {each.destination: each for each in cursors.of_app(connection, app)}
    taking = {name for name, each in known.items() if each.until is None}
    if meant is None and not taking:
        raise bad_request(
            "The application has no destination to send events to: give it a stream with"
            " PutEventStream that a destination is for, or a destination of its own"
        )
    gone = sorted(set(meant or ()) - taking)
    if not gone:
        return
    name = gone[0][:_MOST_NAME_CHARS]
    if gone[0] in known:
        raise bad_request(
            f"{name} takes nothing new, because its stream is gone: put the stream again, or"
            " discard its dead letters"
        )
    raise not_found(
        f"The application has no such destination as {name}: open an engine with it, or discard its"
        " dead letters"
    )


def _shown(found: Status, now: int) -> dict[str, object]:
    cursor = found.cursor
    shown: dict[str, object] = {
        "Claim": found.claim,
        "DeadLetters": found.dead_letters,
        "LagRecords": found.lag.records,
        "LagSeconds": found.lag.seconds(now),
        "Lost": found.lost,
        "State": found.state,
    }
    if found.lag.oldest is not None:
        shown["OldestDate"] = instants.from_ms(found.lag.oldest)
    if found.destination is not None:
        shown["Destination"] = found.destination
    if cursor is None:
        return shown
    shown |= {
        "Failed": cursor.failed,
        "FailuresInARow": cursor.failures,
        "Paused": bool(cursor.paused),
        "Rate": round(cursor.rate_at(now), 3),
        "Refused": cursor.refused,
        "Repeated": cursor.repeated,
        "Sent": cursor.sent,
    }
    if cursor.error_at is not None:
        shown["LastErrorDate"] = instants.from_ms(cursor.error_at)
        shown["LastErrorCode"] = cursor.error_code
        shown["LastErrorMessage"] = cursor.error_message
    if cursor.sent_at is not None:
        shown["LastSentDate"] = instants.from_ms(cursor.sent_at)
    due = max(cursor.due, cursor.retry_due)
    if due > now:
        shown["NextTryDate"] = instants.from_ms(due)
    return shown


def _letter(letter: DeadLetter) -> dict[str, object]:
    return {
        "ArrivalTimestamp": instants.from_ms(letter.arrival),
        "Attempts": letter.attempts,
        "Code": letter.code,
        "Destination": letter.destination,
        "EndpointId": letter.endpoint,
        "EventId": letter.event_id,
        "GivenUpDate": instants.from_ms(letter.given_up),
        "Id": str(letter.number),
        "Message": letter.message,
        "Record": orjson.Fragment(letter.record.strip()),
    }


HANDLERS: Mapping[str, Handler] = {
    "DiscardStreamDeadLetters": discard_stream_dead_letters,
    "GetStreamStatus": get_stream_status,
    "ListStreamDeadLetters": list_stream_dead_letters,
    "PauseStream": pause_stream,
    "RemoveStreamDestination": remove_stream_destination,
    "ReplayStream": replay_stream,
    "ResumeStream": resume_stream,
    "RetryStreamDeadLetters": retry_stream_dead_letters,
}
