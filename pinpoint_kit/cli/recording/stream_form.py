"""Records of Pinpoint's event stream, as pipelines have them, in the form of PutEvents.

The mapping stands in records/stream.py, and in docs/how-to/command-line.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.records import stream

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_stream_record", "to_put_events"]

is_stream_record = stream.is_stream_record


def to_put_events(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event with the members of PutEvents, `EndpointId` and `Endpoint`.

    Raises:
        ValidationError: a part is not what the event stream writes.
    """
    try:
        return stream.to_put_events(record)
    except stream.RecordError as error:
        kind = InvalidTypeError if error.is_of_type else ValidationError
        raise kind(error.message, error.path) from error
