"""What can go wrong with one request, as values.

A `Fault` says what happens and holds no state; `FaultyPinpoint` makes it happen. No I/O here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CHAOS", "Fault", "Kind"]

Kind = Literal[
    "none",
    "items",
    "missing",
    "status",
    "too_large",
    "latency",
    "hang",
    "reset",
    "truncated",
    "garbled",
    "html",
    "slow_bytes",
]

_TOO_MANY = 429


@attrs.frozen(kw_only=True, repr=False)
class Fault:
    """One thing that goes wrong with one request. Make it with one of the functions below.

    Attributes:
        kind: what happens.
        status: the status of the items or of the answer.
        retry_after: seconds that a refusal asks the client to wait; None for no such header.
        event_ids: the events that are meant; None for any.
        share: how many of those are hit, from 0 to 1.
        seconds: how long it takes.
        is_stored: whether the engine gets the request, and keeps its events, all the same.
        over_events: events that a request may have without being too large.
    """

    kind: Kind
    status: int = 0
    retry_after: float | None = None
    event_ids: frozenset[str] | None = None
    share: float = 1.0
    seconds: float = 0.0
    is_stored: bool = False
    over_events: int = 1

    def __repr__(self) -> str:
        parts: list[str] = [self.kind]
        parts += [str(self.status)] if self.status else []
        parts += ["stored"] if self.is_stored and self.kind in {"reset", "hang"} else []
        return f"<Fault {' '.join(parts)}>"

    @classmethod
    def none(cls) -> Fault:
        """Nothing goes wrong: the request of a script that passes."""
        return cls(kind="none", is_stored=True)

    @classmethod
    def items(
        cls, status: int, event_ids: Iterable[str] | None = None, *, share: float = 1.0
    ) -> Fault:
        """Give some events of a PutEvents request this status, and do not store them.

        Args:
            status: for example 400, 429 or 500.
            event_ids: only these; any event unless given.
            share: how many of them, from 0 to 1, drawn by lot.
        """
        ids = None if event_ids is None else frozenset(event_ids)
        return cls(kind="items", status=status, event_ids=ids, share=share, is_stored=True)

    @classmethod
    def missing(cls, event_ids: Iterable[str] | None = None, *, share: float = 1.0) -> Fault:
        """Store some events of a PutEvents request, and leave them out of the answer."""
        ids = None if event_ids is None else frozenset(event_ids)
        return cls(kind="missing", event_ids=ids, share=share, is_stored=True)

    @classmethod
    def refused(cls, status: int, *, retry_after: float | None = None) -> Fault:
        """Refuse the whole request, and store nothing of it.

        Args:
            status: for example 403, 404, 413, 429, 500 or 503.
            retry_after: seconds for the header of that name.
        """
        return cls(kind="status", status=status, retry_after=retry_after)

    @classmethod
    def throttled(cls, *, retry_after: float | None = None) -> Fault:
        """Refuse the whole request with 429, with or without a `Retry-After` header."""
        return cls.refused(_TOO_MANY, retry_after=retry_after)

    @classmethod
    def too_large(cls, *, over_events: int = 1) -> Fault:
        """413 if the request has more events than this; a smaller one passes."""
        return cls(kind="too_large", status=413, over_events=over_events)

    @classmethod
    def latency(cls, seconds: float) -> Fault:
        """Answer right, but late."""
        return cls(kind="latency", seconds=seconds, is_stored=True)

    @classmethod
    def hang(cls, seconds: float = 60.0, *, is_stored: bool = False) -> Fault:
        """No answer, until `release()`, until the client gives up, or for some seconds."""
        return cls(kind="hang", seconds=seconds, is_stored=is_stored)

    @classmethod
    def reset_before(cls) -> Fault:
        """Reset the connection; the request never reaches the engine."""
        return cls(kind="reset")

    @classmethod
    def reset_after(cls) -> Fault:
        """Store the events, then reset the connection: the answer is lost."""
        return cls(kind="reset", is_stored=True)

    @classmethod
    def truncated(cls) -> Fault:
        """Store the events; end the connection in the middle of the answer."""
        return cls(kind="truncated", is_stored=True)

    @classmethod
    def garbled(cls) -> Fault:
        """Store the events; answer with the right length, but no JSON."""
        return cls(kind="garbled", is_stored=True)

    @classmethod
    def html(cls, status: int = 200) -> Fault:
        """Answer with a proxy's page; the request never reaches the engine."""
        return cls(kind="html", status=status)

    @classmethod
    def slow_bytes(cls, seconds: float) -> Fault:
        """Answer right, in small pieces that together take this many seconds."""
        return cls(kind="slow_bytes", seconds=seconds, is_stored=True)


#: Everything that may pass when it is tried again, mild enough for tests: `chaos()` draws from it.
CHAOS: tuple[Fault, ...] = (
    Fault.items(429, share=0.5),
    Fault.items(500, share=0.5),
    Fault.missing(share=0.5),
    Fault.throttled(),
    Fault.throttled(retry_after=0.1),
    Fault.refused(500),
    Fault.refused(503),
    Fault.too_large(),
    Fault.latency(0.05),
    Fault.hang(0.1),
    Fault.hang(0.1, is_stored=True),
    Fault.reset_before(),
    Fault.reset_after(),
    Fault.truncated(),
    Fault.garbled(),
    Fault.html(),
    Fault.html(502),
    Fault.slow_bytes(0.05),
)
