"""How delivery behaves, as one value."""

from __future__ import annotations

from typing import Literal

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.validators import positive

__all__ = ["DeliveryOptions", "WhenFull"]

WhenFull = Literal["drop_newest", "drop_oldest", "block"]


def _known(_: object, attribute: attrs.Attribute[str], value: str) -> None:
    if value not in {"drop_newest", "drop_oldest", "block"}:
        raise ConfigurationError(
            f"{attribute.name} is {value!r}: use drop_newest, drop_oldest or block"
        )


@attrs.frozen(kw_only=True)
class DeliveryOptions:
    """How recorded events are kept and sent.

    Args:
        max_buffer_events: events that may wait in memory.
        max_buffer_bytes: bytes of encoded events that may wait in memory.
        when_full: what a full buffer does with one event more: `drop_newest` drops that one,
            `drop_oldest` the one that waits longest, `block` makes the caller wait for room.
        flush_events: events that make a request worth sending at once.
        flush_bytes: the same in bytes.
        flush_interval: seconds after which a waiting event is sent in any case.
        give_up_after: seconds from the first failed try after which an event that still cannot
            be delivered is dropped and counted as `undeliverable`.
        base_wait: seconds; the n-th wait after a failure is random between 0 and
            `base_wait * 2**(n - 1)`.
        max_wait: seconds, the longest wait between two tries.
        exit_timeout: seconds that a client which nobody closed may still deliver at exit.
        max_in_flight: requests under way at once, each on a thread of its own. Threads after the
            first are made only while requests are slow and the queue grows; events of one
            endpoint still go out one request after the other.
    """

    max_buffer_events: int = attrs.field(default=200_000, validator=positive)
    max_buffer_bytes: int = attrs.field(default=128_000_000, validator=positive)
    when_full: WhenFull = attrs.field(default="drop_newest", validator=_known)
    flush_events: int = attrs.field(default=100, validator=positive)
    flush_bytes: int = attrs.field(default=1_000_000, validator=positive)
    flush_interval: float = attrs.field(default=1.0, validator=positive)
    give_up_after: float = attrs.field(default=300.0, validator=positive)
    base_wait: float = attrs.field(default=0.1, validator=positive)
    max_wait: float = attrs.field(default=5.0, validator=positive)
    exit_timeout: float = attrs.field(default=5.0, validator=positive)
    max_in_flight: int = attrs.field(default=4, validator=positive)
