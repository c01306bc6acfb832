"""`TrackedEmail`: e-mail that says when it was opened, and which of its links was clicked.

The HTML gets a picture, and its links lead through the server. The outbox keeps the message as it
was rendered.
"""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.messaging.links import Links
    from pinpoint_kit.records.message import NotSent, OutgoingMessage, Sent, Transport

__all__ = ["TrackedEmail"]

_LINK = re.compile(
    r"""(?P<head><a\b[^<>]*?\shref\s*=\s*)(?P<quote>["'])(?P<url>[^"'<>]*)(?P=quote)""",
    re.IGNORECASE,
)
_END = re.compile(r"</body\s*>", re.IGNORECASE)


class TrackedEmail:
    """Sends e-mail through another transport, with tracked links and a picture in its HTML.

    What a server answers to them is `tracking_app`'s. Text parts stay as they are.

    Args:
        transport: what sends.
        links: makes the addresses.
    """

    def __init__(self, transport: Transport, links: Links) -> None:
        self.transport = transport
        self.links = links

    def __repr__(self) -> str:
        return f"<TrackedEmail {self.name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: as the other."""
        return self.transport.name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return self.transport.most_messages

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Send messages, and say of each what became of it, in their order."""
        return self.transport.send([self._tracked(message) for message in messages])

    def close(self) -> None:
        """Close the other."""
        self.transport.close()

    def _tracked(self, message: OutgoingMessage) -> OutgoingMessage:
        if not message.html:
            return message
        whose = message.application_id, message.id

        def tracked(found: re.Match[str]) -> str:
            url = html.unescape(found["url"]).strip()
            made = html.escape(self.links.click(*whose, url))
            return f"{found['head']}{found['quote']}{made}{found['quote']}"

        text = _LINK.sub(tracked, message.html)
        picture = (
            f'<img src="{html.escape(self.links.open(*whose))}" width="1" height="1" alt=""'
            ' style="display:none">'
        )
        ends = list(_END.finditer(text))
        at = ends[-1].start() if ends else len(text)
        return attrs.evolve(message, html=text[:at] + picture + text[at:])
