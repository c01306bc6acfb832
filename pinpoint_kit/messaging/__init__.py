"""What takes messages away: an SMTP server, a URL, a Python function, AWS End User Messaging.

A transport only sends. The engine decides who gets which text, renders it and keeps it in the
outbox with what became of it. What is heavy is loaded by the transport that needs it, when it is
opened. Only imports belong here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pinpoint_kit.messaging.aws_push import AwsPush
    from pinpoint_kit.messaging.aws_sms import AwsSms
    from pinpoint_kit.messaging.function import FunctionTransport
    from pinpoint_kit.messaging.links import TRACKING_PREFIX, Link, Links, tracking_key
    from pinpoint_kit.messaging.opening import open_transport
    from pinpoint_kit.messaging.smtp import Smtp
    from pinpoint_kit.messaging.tracked import TrackedEmail
    from pinpoint_kit.messaging.tracking import tracking_app
    from pinpoint_kit.messaging.webhook import Webhook
    from pinpoint_kit.records.message import NotSent, OutgoingMessage, Sent, Transport

__all__ = [
    "TRACKING_PREFIX",
    "AwsPush",
    "AwsSms",
    "FunctionTransport",
    "Link",
    "Links",
    "NotSent",
    "OutgoingMessage",
    "Sent",
    "Smtp",
    "TrackedEmail",
    "Transport",
    "Webhook",
    "open_transport",
    "tracking_app",
    "tracking_key",
]

_HERE = "pinpoint_kit.messaging"
_CONTRACT = "pinpoint_kit.records.message"
_HOME_OF = {
    "AwsPush": f"{_HERE}.aws_push",
    "AwsSms": f"{_HERE}.aws_sms",
    "FunctionTransport": f"{_HERE}.function",
    "Link": f"{_HERE}.links",
    "Links": f"{_HERE}.links",
    "NotSent": _CONTRACT,
    "OutgoingMessage": _CONTRACT,
    "Sent": _CONTRACT,
    "Smtp": f"{_HERE}.smtp",
    "TRACKING_PREFIX": f"{_HERE}.links",
    "TrackedEmail": f"{_HERE}.tracked",
    "Transport": _CONTRACT,
    "Webhook": f"{_HERE}.webhook",
    "open_transport": f"{_HERE}.opening",
    "tracking_app": f"{_HERE}.tracking",
    "tracking_key": f"{_HERE}.links",
}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
