"""What the engine hands to a transport of messages, and to a hook, and what it is told of each.

The engine decides who gets which text, renders it and keeps it in the outbox; a transport only
sends. So a transport is any object with these members, the operator's own included.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, TypeAlias

import attrs

__all__ = [
    "Channel",
    "Hook",
    "HookFailed",
    "NotSent",
    "OutgoingMessage",
    "Sent",
    "Transport",
]

#: The channels that have a transport of their own; all kinds of push share one.
Channel: TypeAlias = Literal["EMAIL", "SMS", "PUSH"]


@attrs.frozen(kw_only=True)
class OutgoingMessage:
    """One message, rendered as its recipient gets it.

    Attributes:
        id: the message's id; the same when it is sent again after a crash.
        application_id: the application.
        channel: the service's channel type, such as `EMAIL`, `SMS`, `GCM` or `APNS_SANDBOX`.
        address: whom it goes to: an address of e-mail, a number in E.164 form, a device token.
        title: the subject of e-mail, or the title of a push message; "" without one.
        body: the text; "" where e-mail has HTML alone.
        html: the HTML of e-mail; "" without one.
        sender: the address of e-mail, or the sender id of SMS; "" for what the transport sends
            from.
        origination_number: the number that SMS comes from; "" for what the transport has.
        message_type: `TRANSACTIONAL` or `PROMOTIONAL` for SMS, else "".
        headers: headers of e-mail, by name.
        payload: the JSON of a push message as its service takes it; "" for other channels.
        data: members that stand beside it: `Context`, `TraceId`, of SMS `EntityId` and
            `TemplateId`, of push what the push service is told with the payload, such as
            `TimeToLive`, and `CollapseId`, `Priority` and `APNSPushType` for APNs.
    """

    id: str
    application_id: str
    channel: str
    address: str = attrs.field(repr=False)
    title: str = attrs.field(default="", repr=False)
    body: str = attrs.field(default="", repr=False)
    html: str = attrs.field(default="", repr=False)
    sender: str = attrs.field(default="", repr=False)
    origination_number: str = attrs.field(default="", repr=False)
    message_type: str = ""
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    payload: str = attrs.field(default="", repr=False)
    data: Mapping[str, object] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class Sent:
    """A message that a transport has handed on.

    Attributes:
        text: what the next one said, such as the id that it has there; "" for nothing.
    """

    text: str = attrs.field(default="", repr=False)


@attrs.frozen
class NotSent:
    """A message that a transport could not hand on.

    Attributes:
        text: why, for whoever sent it.
        is_permanent: True where the same message would be refused again.
        code: the status that its sender sees, such as 400, 410 or 503.
        is_bounce: True where the address is none that can ever be reached; it then gets nothing
            more, as after a permanent bounce. A refusal for another reason is none.
    """

    text: str = attrs.field(repr=False)
    is_permanent: bool = False
    code: int = 503
    is_bounce: bool = False


class Transport(Protocol):
    """Takes messages of one channel away. One thread at a time calls it."""

    @property
    def name(self) -> str:
        """What status and logs call it, such as `smtp://localhost:1025`: without secrets."""

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Send messages, and say of each what became of it, in their order.

        Whatever goes wrong is an answer; an exception counts as `NotSent` for all of them.
        """

    def close(self) -> None:
        """Give back connections; nothing is sent afterwards."""


class HookFailed(Exception):
    """A hook gave no answer that can be used; the message says why, without personal data."""


class Hook(Protocol):
    """A function that campaigns call, as the operator has mapped it to its name, ARN or URL."""

    @property
    def name(self) -> str:
        """What logs call it: without secrets."""

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Return the answer to one call.

        Args:
            payload: JSON in UTF-8, at most 6 MB (the limit of Lambda).
            timeout: how long to wait, in seconds.

        Raises:
            HookFailed: it took too long, or failed; it may be called again.
        """

    def close(self) -> None:
        """Give back connections; it is not called afterwards."""
