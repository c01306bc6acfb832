"""The whole story of retries: how often, how long, how fast, and what may be repeated at all.

Built on tenacity. Waiting is one callable, so that tests never wait. What an attempt does is its
caller's matter.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs
import tenacity

from pinpoint_kit import errors

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace", "Retries", "RetryPolicy"]

R = TypeVar("R")


def _at_least(least: float) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        del instance
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
            raise errors.ConfigurationError(
                f"{attribute.name} must be a number of at least {least}"
            )

    return check


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how often one request is tried again: full jitter, and a deadline.

    Args:
        deadline: seconds from the first try after which no new try starts; where the wait
            before it would end later, the error comes at once.
        max_attempts: tries in all; 1 switches retries off.
        base_wait: seconds; the n-th wait is random between 0 and `base_wait * 2**(n - 1)`.
        max_wait: seconds, the longest single wait that we choose; an answer may ask for more.
        max_retry_after: seconds, the longest wait that an answer may ask for (`Retry-After`);
            whatever it asks beyond that counts as this.

    Raises:
        ConfigurationError: a value is no number, or too small.
    """

    deadline: float = attrs.field(default=20.0, validator=_at_least(0))
    max_attempts: int = attrs.field(default=8, validator=_at_least(1))
    base_wait: float = attrs.field(default=0.1, validator=_at_least(0))
    max_wait: float = attrs.field(default=5.0, validator=_at_least(0))
    max_retry_after: float = attrs.field(default=60.0, validator=_at_least(0))


class Pace(Protocol):
    """How fast requests may follow each other."""

    def spend(self, operation: str) -> float:
        """Return 0.0 when a request may go now, else the seconds until it is worth asking."""

    def throttled(self, operation: str) -> None:
        """Slow down: the service said 429."""

    def succeeded(self, operation: str) -> None:
        """Speed up: the service answered."""


class Retries:
    """Attempts under one policy. Safe to use from several threads.

    Args:
        policy: how often and how long.
        pace: how fast requests may follow each other.
        sleep: waits between two tries.
        is_repeatable: whether an operation may be repeated although it may have been done.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        *,
        pace: Pace | None,
        sleep: Callable[[float], None],
        is_repeatable: Callable[[str], bool],
    ) -> None:
        self.policy = policy
        self._pace = pace
        self._sleep = sleep
        self._is_repeatable = is_repeatable
        self._jitter = tenacity.wait_random_exponential(
            multiplier=policy.base_wait, max=policy.max_wait
        )
        self._retrying = tenacity.Retrying(
            retry=self._is_worth_another_try,
            wait=self._wait,
            stop=tenacity.stop_any(
                tenacity.stop_before_delay(policy.deadline),
                tenacity.stop_after_attempt(policy.max_attempts),
            ),
            sleep=sleep,
            reraise=True,
        )

    def run(self, operation: str, attempt: Callable[[], R]) -> R:
        """Try as often and as long as the policy says, as far as the operation may be repeated.

        Raises:
            PinpointKitError: the last one, with `attempts` and `elapsed`.
        """
        started = time.monotonic()
        tries = 0

        def one_try(operation: str) -> R:
            nonlocal tries
            tries += 1
            return self._paced(operation, attempt)

        try:
            return self._retrying(one_try, operation)
        except (errors.TransportError, errors.ServiceError) as error:
            error.attempts = tries
            error.elapsed = time.monotonic() - started
            raise error.with_traceback(None)  # noqa: B904 -- itself, without frames of tenacity

    def _paced(self, operation: str, attempt: Callable[[], R]) -> R:
        """Make one try at the pace of the operation, which learns from the answer."""
        pace = self._pace
        if pace is None:
            return attempt()
        while (seconds := pace.spend(operation)) > 0:
            self._sleep(seconds)
        try:
            answer = attempt()
        except errors.PinpointKitError as error:
            if error.is_throttling:
                pace.throttled(operation)
            raise
        pace.succeeded(operation)
        return answer

    def _is_worth_another_try(self, state: tenacity.RetryCallState) -> bool:
        error = state.outcome and state.outcome.exception()
        if not isinstance(error, errors.PinpointKitError) or not error.is_retryable:
            return False
        if error.is_throttling or self._is_repeatable(state.args[0]):
            return True
        # A create that may have been done already is not done twice.
        return isinstance(error, errors.TransportError) and not error.may_have_arrived

    def _wait(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome and state.outcome.exception()
        return max(self._jitter(state), getattr(error, "retry_after", None) or 0.0)
