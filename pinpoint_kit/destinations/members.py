"""The one member that may be added to a record: the id of its event, for consumers that need it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pinpoint_kit.records.destination import StreamRecord

__all__ = ["data_of"]


def data_of(record: StreamRecord, *, event_id: bool) -> bytes:
    r"""Return a record's data, with a member `event_id` at its end if asked for.

    Pinpoint's own records have none. Events may be told apart by it together with the endpoint's
    id, `client.client_id`.

    Examples:
        >>> from pinpoint_kit.destinations import StreamRecord
        >>> record = StreamRecord(1, "device-1", "e-1", "device-1", 0, b'{"event_type":"x"}\n')
        >>> data_of(record, event_id=True)
        b'{"event_type":"x","event_id":"e-1"}\n'
    """
    if not event_id:
        return record.data
    body = record.data.rstrip()[:-1]
    comma = b"" if body.rstrip() == b"{" else b","
    return b'%b%b"event_id":%b}\n' % (body, comma, orjson.dumps(record.event_id))
