"""Looks an application up by its name, in the background, so that nobody waits for a server.

The state machine, which only `_run` moves on:

    looking_up ──(found)──> known
      │  ▲
      │  └──(tried again: after a pause, or when a caller asks)──┐
      └──(an error that time does not heal)──> refused ──────────┘

How one look goes, and who may create an application, belongs to the client.
"""

from __future__ import annotations

import contextlib
import copy
import logging
import random
import threading
import time
from typing import TYPE_CHECKING, Literal

from pinpoint_kit.errors import (
    ClosedError,
    ForeignAnswerError,
    PinpointKitError,
    ServiceError,
    TransportTimeoutError,
)
from pinpoint_kit.system import forks

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ApplicationLookup"]

_LOGGER = logging.getLogger("pinpoint_kit.lookup")
_BASE_WAIT_S = 0.1
_MAX_WAIT_S = 5.0
#: Refusals last until somebody does something about them.
_REFUSED_WAIT_S = 30.0


class ApplicationLookup:
    """The id of an application that was given by name. Safe to use from several threads.

    Args:
        name: the application's name, for log lines.
        find: looks once; returns the id or raises.
        timeout: seconds that a caller waits for it.
    """

    def __init__(self, name: str, find: Callable[[], str], *, timeout: float) -> None:
        self._name = name
        self._find = find
        self._timeout = timeout
        self._id = ""
        self._refusal: PinpointKitError | None = None
        self._logged = ""
        self._is_closed = False
        self.renew()
        forks.watch(self, forks.Layer.WORK, after_in_child=ApplicationLookup.renew)

    def renew(self) -> None:
        """Begin anew, without a thread; a forked child has only the thread that forked."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_wanted = False
        self._looks = 0
        self._error: PinpointKitError | None = self._refusal

    @property
    def state(self) -> Literal["known", "looking_up", "refused"]:
        """Whether the id is known, is being looked up, or the look-up was refused."""
        if self._id:
            return "known"
        return "refused" if self._refusal is not None else "looking_up"

    @property
    def refusal(self) -> PinpointKitError | None:
        """Why the look-up was refused; None while it was not."""
        return None if self._refusal is None else copy.copy(self._refusal)

    @property
    def id(self) -> str:
        """The id; looks once more where it is not known yet, and waits for that look.

        Raises:
            ClosedError: the client was closed.
            TransportError: no answer came in time.
            PinpointKitError: the look-up was refused.
        """
        return self._id or self._wait_for_look(self._timeout)

    def wait(self, timeout: float) -> str:
        """Return the id, which is waited for over any number of looks.

        Raises:
            ClosedError: the client was closed.
            TransportError: no answer came in time.
            PinpointKitError: the look-up was refused.
        """
        forks.check()
        deadline = time.monotonic() + timeout
        self.start()
        with self._changed:
            while not self._id and not self._is_closed and self._refusal is None:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        return self._outcome()

    def close(self) -> None:
        """End the look-up, and every wait for it; idempotent."""
        self._is_closed = True
        forks.forget(self)
        with self._changed:
            self._changed.notify_all()

    def abandon(self) -> None:
        """End the look-up at its next step, without a lock: for a client that nobody closed."""
        self._is_closed = True

    def _wait_for_look(self, timeout: float) -> str:
        forks.check()
        deadline = time.monotonic() + timeout
        with self._changed:
            seen = self._looks
            self._is_wanted = True
            self._changed.notify_all()
        self.start()
        with self._changed:
            while not self._id and not self._is_closed and self._looks == seen:
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed.wait(left):
                    break
        return self._outcome()

    def _outcome(self) -> str:
        if self._id:
            return self._id
        if self._is_closed:
            raise ClosedError("this client was closed: make a new one with connect()")
        if self._error is None:
            raise TransportTimeoutError(
                f"no answer in time while looking for application {self._name!r}: check that the"
                " server runs, or wait for it with connect(wait=...)",
                "GetApps",
                may_have_arrived=False,
            )
        raise copy.copy(self._error)

    def start(self) -> None:
        """Begin to look, unless that goes on already or is over."""
        with self._changed:
            if self._thread is not None or self._id or self._is_closed:
                return
            thread = threading.Thread(target=self._run, name="pinpoint-lookup", daemon=True)
            # The interpreter may be about to exit; then nobody needs the id any more.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread

    def _run(self) -> None:
        failures = 0
        while not self._is_closed:
            try:
                found, error = self._find(), None
            except PinpointKitError as failed:
                found, error = "", failed
            except Exception as failed:  # noqa: BLE001 -- of a hook of the client: it may pass
                found, error = "", _unexpected(failed)
            failures += 1
            if error is not None and _is_refusal(error):
                self._log(error)
            with self._changed:
                self._id, self._error = found, error
                self._refusal = error if error is not None and _is_refusal(error) else None
                self._looks += 1
                self._changed.notify_all()
                if found or self._is_closed:
                    self._thread = None
                    return
                if not self._is_wanted:
                    self._changed.wait(self._pause(failures, error))
                self._is_wanted = False

    def _pause(self, failures: int, error: PinpointKitError | None) -> float:
        most = _MAX_WAIT_S if self._refusal is None else _REFUSED_WAIT_S
        pause = random.uniform(0, min(most, _BASE_WAIT_S * 2 ** min(failures, 10)))  # noqa: S311 -- jitter
        return max(pause, getattr(error, "retry_after", None) or 0.0)

    def _log(self, error: PinpointKitError) -> None:
        """One line for each new reason; the server's own text may hold anything and stays out."""
        told = (
            f"{error.reason} ({error.status}): {error.next_step}"
            if isinstance(error, ServiceError)
            else f"{type(error).__name__}: {error}"
        )
        if told != self._logged:
            self._logged = told
            _LOGGER.error(
                "application %r cannot be used: %s; recorded events wait", self._name, told
            )


def _is_refusal(error: PinpointKitError) -> bool:
    if isinstance(error, ForeignAnswerError):
        return error.status in {401, 403}
    return not error.is_retryable


def _unexpected(error: Exception) -> PinpointKitError:
    return TransportTimeoutError(f"looking for the application failed: {type(error).__name__}")
