"""The access log: one JSON object a request, without content and without personal data.

Never the path, the query, a header or a body: ids and addresses stand there.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOGGER", "Entry", "write"]

LOGGER = "pinpoint_kit.server.access"
_logger = logging.getLogger(LOGGER)

#: A method is a word of the client's choice: others than these are not repeated.
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


@attrs.define
class Entry:
    """What the log and the metrics learn of one request.

    Attributes:
        method: the HTTP method.
        operation: the operation's name, "" when no operation was found.
        status: the HTTP status; 499 when the client had gone before it could be answered.
        request_id: the id that the answer carries.
        error: the exception name of an answer that refuses.
        reason: why the server refused without asking the engine, "" otherwise.
        bytes_in: size of the body that was read.
        bytes_out: size of the answer's body.
        seconds: from the headers to the answer.
        access_key_id: the key that signed the request, "" without one.
        address: the client's network address, "" unless it is to be logged.
    """

    method: str = ""
    operation: str = ""
    status: int = 0
    request_id: str = ""
    error: str = ""
    reason: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: float = 0.0
    access_key_id: str = ""
    address: str = ""


def _now() -> datetime:
    return datetime.now(timezone.utc)


def write(entry: Entry, now: Callable[[], datetime] = _now) -> None:
    """Write the line of a request."""
    if not _logger.isEnabledFor(logging.INFO):
        return
    line: dict[str, object] = {
        "time": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "request_id": entry.request_id,
        "method": entry.method if entry.method in _METHODS else "other",
        "operation": entry.operation,
        "status": entry.status,
        "bytes_in": entry.bytes_in,
        "bytes_out": entry.bytes_out,
        "duration_ms": round(entry.seconds * 1000, 3),
    }
    for name in ("error", "reason", "access_key_id", "address"):
        if value := getattr(entry, name):
            line[name] = value
    # A record made by hand: `info` would walk the stack for the name of this file.
    text = orjson.dumps(line).decode()
    _logger.handle(logging.LogRecord(LOGGER, logging.INFO, __file__, 0, text, None, None))
