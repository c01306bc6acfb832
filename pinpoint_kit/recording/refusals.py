"""Why an event, or its endpoint data, is refused before it is sent, and what the caller is given.

Pure: nothing here counts or queues.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.delivery.pipeline.items import Recorded
from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.event import EventResult

if TYPE_CHECKING:
    from pinpoint_kit.limits import Limits

__all__ = ["data_alone", "event_too_large", "problem_of", "refusal", "with_endpoint_answer"]

_REFUSED = 400
_TOO_LARGE = 413


def data_alone(item: Recorded) -> Recorded:
    """Return the endpoint data of an event that is rejected, as an update of the endpoint."""
    data = wire.with_id(item.endpoint_id, item.endpoint)
    return Recorded(item.endpoint_id, "", data, is_endpoint=True)


def with_endpoint_answer(
    outer: Future[EventResult], problem: ValidationError
) -> Future[EventResult]:
    """Return a future whose result reaches `outer` together with why the endpoint data stayed."""
    inner: Future[EventResult] = Future()
    inner.set_running_or_notify_cancel()

    def pass_on(done: Future[EventResult]) -> None:
        error = done.exception()
        if error is not None:
            outer.set_exception(error)
            return
        answer = attrs.evolve(
            done.result(),
            endpoint_status_code=_status(problem),
            endpoint_message=str(problem),
        )
        outer.set_result(answer)

    inner.add_done_callback(pass_on)
    return inner


def problem_of(error: Exception) -> ValidationError:
    """Return why something cannot be sent, without what the caller's own types said."""
    if isinstance(error, ValidationError):
        return error
    return ValidationError(
        f"cannot be read ({type(error).__name__}): pass plain values", "$", "unreadable"
    )


def event_too_large(fragment: bytes, limits: Limits) -> ValidationError:
    """Return why an encoded event that is over the limit is refused."""
    return ValidationError(
        f"has {len(fragment)} bytes, and at most {limits.max_event_bytes} are allowed: send less"
        " with the event",
        "$",
        "too_large",
    )


def refusal(endpoint_id: str, event_id: str, problem: ValidationError) -> EventResult:
    """Return the result of an event that was refused before it was sent."""
    return EventResult(
        endpoint_id=endpoint_id,
        event_id=event_id,
        status_code=_status(problem),
        message=str(problem),
    )


def _status(problem: ValidationError) -> int:
    return _TOO_LARGE if problem.reason == "too_large" else _REFUSED
