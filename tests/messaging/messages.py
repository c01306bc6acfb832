"""Messages as the engine hands them to a transport."""

from __future__ import annotations

from typing import Any

from pinpoint_kit.messaging import OutgoingMessage

__all__ = ["email", "message"]


def message(**members: Any) -> OutgoingMessage:
    """Make one: SMS unless something else is said."""
    given = {
        "id": "m-1",
        "application_id": "app",
        "channel": "SMS",
        "address": "+15555550123",
        "body": "Hello",
    }
    return OutgoingMessage(**{**given, **members})


def email(**members: Any) -> OutgoingMessage:
    """Make one of e-mail."""
    given = {"channel": "EMAIL", "address": "ada@example.com", "title": "Hi", "body": "Hello Ada"}
    return message(**{**given, **members})
