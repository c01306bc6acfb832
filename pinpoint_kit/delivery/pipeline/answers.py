"""Reads the service's answer to one request, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from pinpoint_kit.models.event import ACCEPTED, EventResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


__all__ = ["Answer", "result_of", "status_of"]

#: What may be said of one event beside `ACCEPTED`: 4xx refuses it, 5xx and 429 ask for another try.
_FAILURES = range(400, 600)


class Answer(Protocol):
    """What a sender of events gives back: per-item results and the request's id."""

    @property
    def results(self) -> Mapping[str, Mapping[str, object]]:
        """Endpoint id -> its `EndpointItemResponse` and `EventsItemResponse`."""

    @property
    def request_id(self) -> str:
        """The id of the request."""


def status_of(results: Mapping[str, Mapping[str, object]], endpoint_id: str, event_id: str) -> int:
    """Return the status of one event.

    0 when the service did not mention it, or said what is no status.
    """
    try:
        status = results[endpoint_id]["EventsItemResponse"][event_id]["StatusCode"]  # type: ignore[index]
    except (KeyError, TypeError):
        return 0
    is_known = type(status) is int and (status == ACCEPTED or status in _FAILURES)
    return status if is_known else 0


def statuses_of(
    results: Mapping[str, Mapping[str, object]],
    entries: Iterable[tuple[tuple[str, str, bytes, float], int]],
) -> list[int] | None:
    """Return the status of each event, as `status_of` gives it; None when all are accepted."""
    try:
        for item, _ in entries:
            if results[item[0]]["EventsItemResponse"][item[1]]["StatusCode"] != ACCEPTED:  # type: ignore[index]
                break
        else:
            return None
    except (KeyError, TypeError):
        pass
    return [status_of(results, item[0], item[1]) for item, _ in entries]


def endpoint_status_of(
    results: Mapping[str, Mapping[str, object]], endpoint_id: str
) -> tuple[int | None, str | None]:
    """Status and message of the endpoint data that went with events."""
    item = results.get(endpoint_id)
    endpoint = item.get("EndpointItemResponse") if isinstance(item, dict) else None
    if not isinstance(endpoint, dict):
        return None, None
    status, message = endpoint.get("StatusCode"), endpoint.get("Message")
    return status if isinstance(status, int) else None, str(message) if message else None


def result_of(answer: Answer, endpoint_id: str, event_id: str) -> EventResult | None:
    """Return the answer to one event, or None when the service did not mention it."""
    results = answer.results
    try:
        event: Any = results[endpoint_id]["EventsItemResponse"][event_id]  # type: ignore[index]
        status, message = event["StatusCode"], event.get("Message")
    except (KeyError, TypeError, AttributeError):
        return None
    if type(status) is not int or (status != ACCEPTED and status not in _FAILURES):
        return None
    endpoint_status, endpoint_message = endpoint_status_of(results, endpoint_id)
    return EventResult(
        endpoint_id=endpoint_id,
        event_id=event_id,
        status_code=status,
        message=str(message or ""),
        endpoint_status_code=endpoint_status,
        endpoint_message=endpoint_message,
        request_id=answer.request_id,
    )
