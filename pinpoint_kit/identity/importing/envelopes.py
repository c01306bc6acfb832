"""Documents that hold many records: what log streams, exports and APIs wrap around them.

A wrapper is told by its member, whatever the provider: `Records` of CloudTrail, `value` of Graph,
`logs` of Auth0, `data.events` of Okta's event hooks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from pinpoint_kit.identity.google_workspace import single_events

__all__ = ["records_of"]

_LISTS = ("Records", "records", "value", "logs", "results", "items", "AuthEvents", "authlogs")
#: Without any of these names, a document is a record itself: true of nearly all.
_NAMES = frozenset({*_LISTS, "data", "hits", "_source", "logEvents", "events"})
_DEEPEST = 4


def records_of(document: object, *, _depth: int = 0) -> Iterator[object]:
    """Return the single records of a document; what is no wrapper is a record itself.

    Args:
        document: anything that JSON can hold, or a log line.
    """
    if _depth >= _DEEPEST:
        yield document
        return
    inner = _inner(document)
    if inner is None:
        yield document
        return
    for item in inner:
        if isinstance(item, (list, Mapping)):
            yield from records_of(item, _depth=_depth + 1)
        else:
            yield item


def _inner(document: object) -> list[object] | None:
    """Return what a wrapper holds; None when it is none."""
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping) or _NAMES.isdisjoint(document):
        return None
    for name in _LISTS:
        found = document.get(name)
        if isinstance(found, list):
            return found
    for outer, inner in (("data", "events"), ("hits", "hits")):  # Okta's hooks, Elasticsearch
        place = document.get(outer)
        if isinstance(place, Mapping) and isinstance(place.get(inner), list):
            return list(place[inner])
    return _special(document)


def _special(document: Mapping[str, object]) -> list[object] | None:
    source, lines, events = (document.get(name) for name in ("_source", "logEvents", "events"))
    if isinstance(source, Mapping):  # a hit of Elasticsearch
        return [{"_id": document.get("_id"), **source}]
    if isinstance(lines, list):  # a CloudWatch subscription
        return [_message_of(event) for event in lines]
    if isinstance(events, list) and isinstance(document.get("id"), Mapping):
        return list(single_events(document))
    return None


def _message_of(event: object) -> object:
    message = event.get("message") if isinstance(event, Mapping) else None
    if not isinstance(message, str):
        return event
    try:
        return orjson.loads(message)
    except orjson.JSONDecodeError:
        return message
