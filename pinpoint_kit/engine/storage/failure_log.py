"""`FailureLog`: tells the log what is wrong with the database, once a cause and not once a request.

Clients repeat what failed, so one bad disk would otherwise fill the log. Only the log is served
here; what the client is told belongs to engine.py.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.engine.storage.dialects.dialect import Explanation

__all__ = ["FailureLog", "location_of"]

_logger = logging.getLogger(__name__)

#: A cause that is still there, or there again, after so long is told again.
_AGAIN_AFTER_S = 3600.0


class FailureLog:
    """One line a cause and hour, with the name of the database. Use from any thread."""

    def __init__(self, name: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: dict[Explanation, float] = {}

    def report(self, why: Explanation, request_id: str) -> None:
        """Log the cause, unless that was done within the hour."""
        now = self._monotonic()
        with self._lock:
            before = self._told.get(why)
            if before is not None and now - before < _AGAIN_AFTER_S:
                return
            self._told[why] = now
        level = logging.ERROR if why.is_permanent else logging.WARNING
        _logger.log(level, "%s: %s (first in request %s)", self._name, why.sentence, request_id)


def location_of(error: BaseException) -> str:
    """Return the error's type and the line it came from, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
