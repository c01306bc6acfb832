"""Settles futures: once each, and whatever their callbacks do."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import InvalidStateError
from typing import TYPE_CHECKING

from pinpoint_kit.errors import DeliveryError

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pinpoint_kit.models.event import EventResult

__all__ = ["settle"]

_LOGGER = logging.getLogger("pinpoint_kit.delivery")


def settle(future: Future[EventResult], outcome: EventResult | DeliveryError) -> None:
    """Settle a future, unless that was done already; what its callbacks raise harms nobody.

    When it raises, call it again.
    """
    if future.done():
        return
    try:
        if isinstance(outcome, DeliveryError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
    except InvalidStateError:
        pass
    except BaseException:
        # `concurrent.futures` catches Exception itself. On the main thread it may be a Ctrl-C; and
        # what came before the future was settled is no callback's: then it is settled again.
        if threading.current_thread() is threading.main_thread() or not future.done():
            raise
        _LOGGER.exception("a callback of a future failed; delivery goes on")
