"""One endpoint with its events, as PutEvents and ImportEvents give it: what of it can be stored.

Each event is answered by itself; a single one is parsed in events/parsing.py. No SQL.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import attrs

from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.parsing import EMPTY, parse_patch
from pinpoint_kit.engine.endpoints.writer import Update
from pinpoint_kit.engine.events.parsing import EventRow, parse_event
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request
from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["ACCEPTED", "How", "Item", "events_of", "parse_item", "refused"]

#: In which member of the request an entry stands, and at which place of it.
Place: TypeAlias = tuple[str, int]

ACCEPTED: Mapping[str, object] = {"StatusCode": 202, "Message": "Accepted"}


class Item(NamedTuple):  # made for each entry, and quicker than a class of attrs
    """One entry of a request: what of it can be stored, and the answers known so far.

    Attributes:
        change: None when the endpoint id is not a legal one; then nothing can be stored.
        is_refused: whether the `Endpoint` part is refused already, so that `change` only names
            the endpoint.
    """

    change: Update | None
    is_refused: bool
    rows: Sequence[EventRow]
    endpoint_answer: Mapping[str, object]
    event_answers: Mapping[str, object]


@attrs.frozen
class How:
    """What is looked at in each event, because the request as a whole calls for it.

    Attributes:
        limits: what each must keep to.
        is_sized: the request is so long that one event may be too long.
        checks_characters: it may have U+0000 in it.
    """

    limits: Limits
    is_sized: bool
    checks_characters: bool

    @classmethod
    def of(cls, content: bytes, limits: Limits) -> How:
        """Return what a request's body calls for."""
        return cls(limits, len(content) > limits.max_event_bytes, body.has_null_characters(content))


def events_of(entry: object, place: Place) -> Mapping[str, object]:
    """Return the events of an entry; most entries are as they should be.

    Raises:
        ApiError: the entry is no object, or its events are none.
    """
    if type(entry) is not dict:
        entry = body.as_object(entry, _path(place))
    events = entry.get("Events")
    if type(events) is dict:
        return cast("Mapping[str, object]", events)
    return {} if events is None else body.as_object(events, f"{_path(place)}.Events")


def parse_item(
    endpoint_id: str,
    entry: Mapping[str, object],
    events: Mapping[str, object],
    place: Place,
    how: How,
) -> Item:
    """Return what of an entry can be stored; what cannot is answered, each part by itself.

    Args:
        endpoint_id: as written.
        entry: its JSON.
        events: what `events_of` gives.
        place: where it stands.
        how: what to look at.
    """
    try:
        key = check_id(endpoint_id)
    except ApiError as refusal:
        answer = refused(refusal)
        return Item(
            change=None,
            is_refused=True,
            rows=[],
            endpoint_answer=answer,
            event_answers=dict.fromkeys(events, answer),
        )
    rows: list[EventRow] = []
    answers: dict[str, object] = dict.fromkeys(events, ACCEPTED)
    for event_id, event in events.items():
        try:
            rows.append(_parse_event(event_id, event, how))
        except ApiError as refusal:  # noqa: PERF203 -- each event may be refused by itself
            where = f"{_path(place)}.Events[{list(events).index(event_id)}]"
            answers[event_id] = refused(_located(refusal, where))
    patch, endpoint_answer = EMPTY, ACCEPTED
    given = entry.get("Endpoint")
    if given != {}:
        try:
            if given is None:
                raise bad_request("Missing Endpoint")
            if how.checks_characters:
                body.check_characters(given)
            patch = parse_patch(given, how.limits)
        except ApiError as refusal:
            where = f"{_path(place)}.Endpoint"
            endpoint_answer = refused(_located(refusal, where))
    return Item(
        change=Update(key, endpoint_id, patch),
        is_refused=endpoint_answer is not ACCEPTED,
        rows=rows,
        endpoint_answer=endpoint_answer,
        event_answers=answers,
    )


def refused(refusal: ApiError) -> Mapping[str, object]:
    """Return the answer to a part of a request that is refused."""
    return {"StatusCode": 400, "Message": refusal.message}


def _parse_event(event_id: str, event: object, how: How) -> EventRow:
    if how.checks_characters:
        body.check_characters(event_id)
        body.check_characters(event)
    return parse_event(event_id, event, how.limits, sized=how.is_sized)


def _path(place: Place) -> str:
    return f".{place[0]}[{place[1]}]"


def _located(refusal: ApiError, prefix: str) -> ApiError:
    """Places below be seen from the request; a text that says it all stays as it is."""
    return refusal if refusal.path is None else refusal.under(prefix)
