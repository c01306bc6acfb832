"""What the engine hands to a destination of an event stream, and what it is told of each record.

The engine keeps the records, their order and how far each destination has come; a destination
only sends. So a destination is any object with these members, the operator's own included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Destination", "Refused", "StreamRecord", "Unavailable"]


@attrs.frozen
class StreamRecord:
    """One record of an event stream, as it leaves.

    Attributes:
        number: its place in the stream of its application, rising, with gaps.
        key: what order is kept by, and the partition key: the endpoint's id, or the SHA-256 of it
            in hexadecimal where it is longer than 256 characters.
        event_id: the id of the event; with the endpoint's id, the same for a record that is sent
            twice.
        endpoint_id: the endpoint's id.
        arrived: when the engine took the event, in milliseconds since 1970, UTC.
        data: the record: one JSON object in UTF-8, with a newline at its end.
    """

    number: int
    key: str = attrs.field(repr=False)
    event_id: str
    endpoint_id: str = attrs.field(repr=False)
    arrived: int
    data: bytes = attrs.field(repr=False)


@attrs.frozen
class Refused:
    """Why a destination did not take one record.

    Attributes:
        code: the destination's own word for it, such as `ProvisionedThroughputExceededException`.
        message: what it said, without content of the record.
        is_permanent: True where the same record would be refused again, such as one too large.
        counts_as_try: False where the record had no part in it: it was held back behind another
            one of its key, time was over, or the destination failed in the middle of the call.
    """

    code: str
    message: str
    is_permanent: bool = False
    counts_as_try: bool = True


class Unavailable(Exception):
    """A destination took nothing of a call, or nobody knows what it took: all is sent again.

    Attributes:
        retry_after: how long the destination asks to be left alone, in seconds, or None.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Destination(Protocol):
    """Where the records of event streams go.

    One thread at a time calls `send` for one application; several applications may be sent side
    by side.
    """

    @property
    def name(self) -> str:
        """What status and logs call it, such as `kinesis://stream`: without secrets."""

    @property
    def most_records(self) -> int:
        """The most records of one call of `send`."""

    @property
    def most_bytes(self) -> int:
        """The most bytes of one call of `send`: the data and the keys together."""

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record's data and key; a larger one is never sent."""

    def send(
        self, application_id: str, records: Sequence[StreamRecord]
    ) -> Sequence[Refused | None]:
        """Send records, in their order, and say of each what became of it.

        After a crash the engine calls this again with exactly the records of the call that was
        interrupted, before any other: a destination that names what it writes after the first
        and the last number writes the same thing again.

        Returns:
            None for each record that is safe at the destination, else why it was not taken.

        Raises:
            Unavailable: of the whole call nothing is known to have been taken.
        """

    def close(self) -> None:
        """Give back connections and threads; nothing is sent afterwards."""
