"""A pace per operation: spend a token before a request, slow down when the service says 429.

The published rates of the hosted service are the ceilings there; the engine has none. Pure
arithmetic with an injected clock: nothing here waits.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinpoint_kit.limits import Limits

__all__ = ["Pacer", "hosted_rates"]

_SLOWEST = 0.5
_FIRST_GUESS = 20.0
_AS_GOOD_AS_FREE = 1000.0
#: Requests that are under way together are told 429 together: that is one reason to slow down.
_ONE_CUT_S = 1.0
#: When to ask again where this thread was asking already.
_SOON_S = 0.01


def hosted_rates(limits: Limits) -> dict[str, float]:
    """Request a second that the hosted service grants, by operation."""
    return {
        "PutEvents": limits.put_events_per_second,
        "UpdateEndpoint": limits.update_endpoint_per_second,
        "UpdateEndpointsBatch": limits.update_endpoints_batch_per_second,
        "GetEndpoint": limits.get_endpoint_per_second,
        "DeleteEndpoint": limits.delete_endpoint_per_second,
    }


@attrs.define
class _Bucket:
    """Tokens of one operation; the burst is the number of one second."""

    ceiling: float
    rate: float
    tokens: float
    updated: float
    #: When the rate was lowered, and when it was last changed at all.
    cut_at: float = -math.inf
    changed_at: float = 0.0

    def refill(self, now: float) -> None:
        if math.isinf(self.rate):
            self.tokens = 1.0
        else:
            burst = max(1.0, self.rate)
            gained = max(0.0, now - self.updated) * self.rate
            self.tokens = min(burst, self.tokens + gained)
        self.updated = now

    def wait(self) -> float:
        return 0.0 if self.tokens >= 1.0 - 1e-9 else (1.0 - self.tokens) / self.rate

    def cut(self, now: float) -> None:
        if now - self.cut_at < _ONE_CUT_S:
            return
        rate = _FIRST_GUESS if math.isinf(self.rate) else self.rate / 2
        self.rate = max(_SLOWEST, rate)
        self.tokens = 0.0
        self.cut_at = self.changed_at = now

    def grow(self, now: float) -> None:
        rate = self.rate * 2 ** min(1.0, max(0.0, now - self.changed_at))
        is_free = rate >= self.ceiling or rate >= _AS_GOOD_AS_FREE
        self.rate = self.ceiling if is_free else rate
        self.changed_at = now


class Pacer:
    """Token buckets by operation. Safe for many threads.

    A 429 halves the rate, at most once a second; success lets it grow again, to the double within
    a second of success and up to the ceiling. An operation without a published rate is free until
    its first 429.

    Args:
        rates: requests a second by operation; what is missing is free.
        clock: monotonic seconds.
    """

    def __init__(self, rates: Mapping[str, float], clock: Callable[[], float]) -> None:
        self._rates = rates
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}
        self.renew()

    def renew(self) -> None:
        """In a forked child, where another thread's turn would never end."""
        self._turn = Turn()

    def rate(self, operation: str) -> float:
        """Return the present rate in requests a second; infinite when free."""
        return self._bucket(operation).rate

    def spend(self, operation: str) -> float:
        """Spend a token if there is one.

        Returns:
            0.0 when the request may go now, otherwise the seconds until it is worth asking again;
            then nothing was spent.
        """

        def spend() -> float:
            bucket = self._bucket(operation)
            bucket.refill(self._clock())
            wait = bucket.wait()
            if not wait:
                bucket.tokens -= 1.0
            return wait

        try:
            return self._turn.run(spend)
        except NoTurnError:  # a signal handler in the midst of it
            return _SOON_S

    def throttled(self, operation: str) -> None:
        """Halve the rate and allow no burst, because the service said 429."""

        def cut() -> None:
            now = self._clock()
            bucket = self._bucket(operation)
            bucket.refill(now)
            bucket.cut(now)

        self._change(cut)

    def succeeded(self, operation: str) -> None:
        """Go a little faster again, because the service answered."""
        bucket = self._buckets.get(operation)
        if bucket is None or bucket.rate >= bucket.ceiling:
            return
        self._change(lambda: bucket.grow(self._clock()))

    def _change(self, action: Callable[[], None]) -> None:
        with suppress(NoTurnError):  # as above: the next answer says the same
            self._turn.run(action)

    def _bucket(self, operation: str) -> _Bucket:
        bucket = self._buckets.get(operation)
        if bucket is None:
            ceiling = self._rates.get(operation, math.inf)
            fresh = _Bucket(ceiling, ceiling, min(ceiling, 1e9), self._clock())
            bucket = self._buckets.setdefault(operation, fresh)
        return bucket
