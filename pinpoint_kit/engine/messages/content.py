"""`Content`: one message as its recipient gets it, and how the outbox keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

__all__ = ["Content"]

#: The member of the stored JSON -> the attribute.
_MEMBERS = {
    "Title": "title",
    "Body": "body",
    "Html": "html",
    "Sender": "sender",
    "OriginationNumber": "origination_number",
    "MessageType": "message_type",
    "Headers": "headers",
    "Payload": "payload",
    "Data": "data",
    "Parts": "parts",
}


@attrs.frozen(kw_only=True)
class Content:
    """One message, rendered.

    Attributes:
        title: the subject of e-mail, or the title of a push message.
        body: the text; "" where e-mail has HTML alone.
        html: the HTML of e-mail.
        sender: the address of e-mail, or the sender id of SMS.
        origination_number: the number that SMS or a call comes from.
        message_type: `TRANSACTIONAL` or `PROMOTIONAL` for SMS, else "".
        headers: headers of e-mail, by name.
        payload: the JSON of a push message.
        data: what stands beside it: `Context`, `TraceId`, `EntityId`, `TemplateId` and such.
        parts: how many parts an SMS takes, 0 for other channels.
    """

    title: str = attrs.field(default="", repr=False)
    body: str = attrs.field(default="", repr=False)
    html: str = attrs.field(default="", repr=False)
    sender: str = attrs.field(default="", repr=False)
    origination_number: str = attrs.field(default="", repr=False)
    message_type: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    payload: str = attrs.field(default="", repr=False)
    data: Mapping[str, object] = attrs.field(factory=dict, repr=False)
    parts: int = 0

    def members(self) -> dict[str, object]:
        """Return what there is of it, with the names of the outbox."""
        return {
            name: value
            for name, attribute in _MEMBERS.items()
            if (value := getattr(self, attribute))
        }

    def stored(self) -> str:
        """Return it as the outbox keeps it."""
        return orjson.dumps(self.members()).decode()

    @classmethod
    def read(cls, stored: str) -> Content:
        """Return what `stored` has made."""
        members: dict[str, Any] = orjson.loads(stored)
        return cls(**{_MEMBERS[name]: value for name, value in members.items()})
