"""`MemoryBudget`: the memory for all bodies, those of requests and those of answers, together.

What a client sends takes memory until it is answered, and what it is sent takes memory until it has
read it. When there is none left, the answer that has waited longest to be read is let go, of the
tenant that holds the most; so a client that does not read cannot keep others from being answered.
For one event loop. Nothing here reads or sends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import attrs

from pinpoint_kit.server import refusals

__all__ = ["ABORT", "HeldAnswer", "MemoryBudget"]

#: Under this name a scope's extensions have what hangs up on the client, where the server can.
ABORT = "pinpoint_kit.abort"

#: Of the whole, what the answers to one tenant may take.
_SHARE = 0.5
#: So long any client may take before its answer can be let go.
_GRACE_S = 1.0


@attrs.define(eq=False)
class HeldAnswer:
    """An answer that its client has not read yet.

    Attributes:
        size: its bytes.
        tenant: whose request it answers: an access key id, "" without one.
        since: when it was made, by the monotonic clock.
        abort: hangs up on its client; None where the server in front gives no way to.
        is_let_go: whether that has been done.
    """

    size: int
    tenant: str
    since: float
    abort: Callable[[], None] | None
    is_let_go: bool = False


class MemoryBudget:
    """Bytes that may be in use.

    Args:
        max_bytes: how many there are.
        monotonic: returns seconds.
    """

    def __init__(self, max_bytes: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._free = max_bytes
        self._share = int(max_bytes * _SHARE)
        self._monotonic = monotonic
        self._held: dict[str, list[HeldAnswer]] = {}

    def take(self, size: int) -> None:
        """Take bytes for the body of a request.

        Raises:
            HttpRefusal: there are not so many left.
        """
        if not self._make_room(size):
            raise refusals.busy(ends_connection=True)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Make bytes of requests free again."""
        self._free += size

    def hold(
        self, size: int, tenant: str, abort: Callable[[], None] | None, *, is_refusable: bool
    ) -> HeldAnswer:
        """Take bytes for an answer until `release`.

        Args:
            size: how many.
            tenant: whose they are.
            abort: hangs up on the client.
            is_refusable: False when the request has changed something, and must not be repeated.

        Raises:
            HttpRefusal: there are not so many left, or not for this tenant.
        """
        while self._of(tenant) + size > self._share and self._let_go(tenant):
            pass
        fits = self._of(tenant) + size <= self._share or not self._held.get(tenant)
        if not (fits and self._make_room(size)) and is_refusable:
            raise refusals.busy()
        held = HeldAnswer(size, tenant, self._monotonic(), abort)
        self._held.setdefault(tenant, []).append(held)
        self._free -= size
        return held

    def release(self, held: HeldAnswer) -> None:
        """Make the bytes of an answer free again, unless it was let go."""
        if held.is_let_go:
            return
        answers = self._held[held.tenant]
        answers.remove(held)
        if not answers:
            del self._held[held.tenant]
        self._free += held.size

    def _of(self, tenant: str) -> int:
        return sum(held.size for held in self._held.get(tenant, ()))

    def _make_room(self, size: int) -> bool:
        while size > self._free:
            tenants = sorted(self._held, key=self._of, reverse=True)
            if not any(map(self._let_go, tenants)):  # the first that has one
                return False
        return True

    def _let_go(self, tenant: str) -> bool:
        """Let the oldest answer of a tenant go; return False when none has waited long enough."""
        latest = self._monotonic() - _GRACE_S
        for held in self._held.get(tenant, ()):
            if held.since <= latest and held.abort is not None:
                self.release(held)
                held.is_let_go = True
                held.abort()
                return True
        return False
