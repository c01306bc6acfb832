"""What errors of SMS and push through AWS mean for a message.

The text of an error may quote the message, and stands only in the status of that message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pinpoint_kit.records.message import NotSent

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["not_sent_of"]

_THROTTLED = re.compile(r"Throttl|TooManyRequests|LimitExceeded|QuotaExceeded|RequestLimit")
_STATUS_THROTTLED = 429
_PERMANENT = range(400, 500)
_CODE = re.compile(r"[\w.]{1,100}")
_MOST_TEXT_CHARS = 300


def not_sent_of(error: Exception, name: str) -> NotSent:
    """Return what an exception of a client means for the message that it was sending."""
    from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415 -- loaded with the client

    if isinstance(error, ParamValidationError):
        return NotSent(f"{name}: the message is not valid there", is_permanent=True, code=400)
    if not isinstance(error, ClientError):
        return NotSent(f"{name}: no answer ({type(error).__name__})")
    response: Mapping[str, Any] = error.response
    found = _CODE.match(str(response.get("Error", {}).get("Code")))
    code = found[0] if found else "Unknown"
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500)
    said = str(response.get("Error", {}).get("Message", ""))
    text = "".join(sign for sign in said if sign.isprintable())[:_MOST_TEXT_CHARS]
    shown = f"{code}: {text}" if text else code
    if status == _STATUS_THROTTLED or _THROTTLED.search(code):
        return NotSent(shown, code=_STATUS_THROTTLED)
    return NotSent(shown, is_permanent=status in _PERMANENT, code=status)
