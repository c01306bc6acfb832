"""`Webhook`: a URL of the operator's gets each message as JSON.

What it answers is not shown beyond its status: it may quote the message.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.destinations.parameters import checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.message import NotSent, Sent
from pinpoint_kit.transport.posting import NoAnswer, Poster, checked_url, is_header_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["Webhook"]

_TIMEOUT = 30.0
_MOST_MESSAGES = 20
_MOST_ANSWER_BYTES = 65_536
_OK = range(200, 300)
_REFUSED = range(400, 500)
#: What may be different a moment later, among these.
_PASSING = frozenset({408, 425, 429})
_REDIRECTS = range(300, 400)


class Webhook:
    """Posts each message as JSON to a URL.

    The body has `id`, `application_id`, `channel`, `address`, `title`, `body`, `html`, `sender`,
    `origination_number`, `message_type`, `headers`, `payload` and `data`, as `OutgoingMessage`
    says. The header `Idempotency-Key` has the message's id, which is the same when it is sent again
    after a crash.

    Any status from 200 to 299 takes the message. Of the others, those from 400 to 499 but 408, 425
    and 429 are permanent failures; the rest, and no answer at all, are temporary ones. No redirect
    is followed.

    Args:
        url: `https://HOST/PATH`; `http://` too, but with a token only on this machine.
        token: sent as `Authorization: Bearer TOKEN`.
        ca_file: certificates, in PEM, of authorities to trust instead of the public ones.
        timeout: the seconds that a call of `send` takes at most, up to 240.

    Raises:
        ConfigurationError: the URL is none or holds a secret, or a value is wrong.

    Examples:
        >>> Webhook("https://relay.example.com/messages").name
        'https://relay.example.com?a30c3f47'
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        ca_file: str | None = None,
        timeout: float = _TIMEOUT,
    ) -> None:
        self._name = checked_url(url, has_secret=token is not None)
        if token is not None and not is_header_value(token):
            raise ConfigurationError(
                f"the token for {self._name} is none: write printable ASCII without blanks around"
                " it"
            )
        self._timeout = checked_seconds("timeout", timeout)
        self._poster = Poster(
            url,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {token}"} if token is not None else {}),
            },
            ca_file=ca_file,
            most_bytes=_MOST_ANSWER_BYTES,
        )

    def __repr__(self) -> str:
        return f"<Webhook {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: the URL, with a hash in place of path and query."""
        return self._name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return _MOST_MESSAGES

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Post messages, and say of each what became of it, in their order."""
        until = time.monotonic() + self._timeout
        return [self._one(message, until - time.monotonic()) for message in messages]

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._poster.close()

    def _one(self, message: OutgoingMessage, seconds: float) -> Sent | NotSent:
        if seconds <= 0:
            return NotSent(f"{self._name}: not reached within {self._timeout:g} seconds")
        try:
            answer = self._poster.post(_body(message), {"Idempotency-Key": message.id}, seconds)
        except NoAnswer as error:
            return NotSent(str(error))
        status = answer.status
        if status in _OK:
            return Sent()
        if status in _REDIRECTS:
            return NotSent(f"{self._name}: answers {status}: write the URL that it leads to")
        return NotSent(
            f"{self._name}: answers {status}",
            is_permanent=status in _REFUSED and status not in _PASSING,
            code=status,
        )


def _body(message: OutgoingMessage) -> bytes:
    return orjson.dumps(
        {
            "id": message.id,
            "application_id": message.application_id,
            "channel": message.channel,
            "address": message.address,
            "title": message.title,
            "body": message.body,
            "html": message.html,
            "sender": message.sender,
            "origination_number": message.origination_number,
            "message_type": message.message_type,
            "headers": dict(message.headers),
            "payload": message.payload,
            "data": dict(message.data),
        }
    )
