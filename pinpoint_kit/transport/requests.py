"""What is known of a request that was made, for the log and for whoever watches the client."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Observers", "SentRequest"]

_LOGGER = logging.getLogger("pinpoint_kit.transport")


@attrs.frozen(kw_only=True)
class SentRequest:
    """One request, which was answered or not. Each try is one. No ids of people, and no content.

    Args:
        operation: the API's name, for example `PutEvents`.
        status: the HTTP status of the answer; 0 where none came that can be read.
        error: the class of the error, for example `TooManyRequests`; "" when it went well.
        request_id: the answer's id; "" when it had none.
        started_at: seconds since 1970.
        seconds: how long it took.
    """

    operation: str
    status: int = 0
    error: str = ""
    request_id: str = ""
    started_at: float
    seconds: float


class Observers:
    """Are told of each request: the log first, at level DEBUG, then who asked for it."""

    def __init__(self) -> None:
        self._observers: tuple[Callable[[SentRequest], object], ...] = ()

    def __bool__(self) -> bool:
        return bool(self._observers) or _LOGGER.isEnabledFor(logging.DEBUG)

    def add(self, observer: Callable[[SentRequest], object]) -> Callable[[], None]:
        """Tell this one, too; gives what ends that."""
        self._observers = (*self._observers, observer)

        def end() -> None:
            self._observers = tuple(each for each in self._observers if each is not observer)

        return end

    def tell(self, request: SentRequest) -> None:
        """Tell all of a request; what they raise harms nobody."""
        _LOGGER.debug(
            "%s %s in %.3f s, request id %s",
            request.operation,
            request.status or request.error or "answered",
            request.seconds,
            request.request_id or "-",
        )
        for observer in self._observers:
            try:
                observer(request)
            except Exception:  # noqa: PERF203 -- the others are told all the same
                _LOGGER.exception("an observer of requests failed; the client goes on")
