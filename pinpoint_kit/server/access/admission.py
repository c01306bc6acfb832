"""`Door`: whether a request may come in, in the server's terms.

Without a doorkeeper it looks at where a request comes from, with one at who has signed it. What
signatures and scopes mean is the doorkeeper's business (access/authenticator.py).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pinpoint_kit.server import refusals
from pinpoint_kit.server.access import denials
from pinpoint_kit.server.access import local_only as visitors

if TYPE_CHECKING:
    from pinpoint_kit.server.access.authenticator import Admission, Doorkeeper
    from pinpoint_kit.server.http.head import Head

__all__ = ["Door"]


class Door:
    """Asked for every request.

    Args:
        doorkeeper: verifies signatures; None lets everybody in who passes the other checks.
        local_only: refuse what web pages and names of other hosts bring.
    """

    def __init__(self, doorkeeper: Doorkeeper | None, *, local_only: bool) -> None:
        self._doorkeeper = doorkeeper
        self._local_only = local_only

    def check_visitor(self, head: Head) -> None:
        """Looks at the headers alone, before the body is read.

        Raises:
            Refused: the request does not come from this machine, and has to.
        """
        if self._local_only:
            visitors.check_local(head.headers)

    def glance(self, head: Head) -> None:
        """Turns away, before a large body is read, whoever will surely not come in.

        Raises:
            Refused: the request is not signed, or with a key that is not known.
        """
        if self._doorkeeper is None or not head.has_large_body:
            return
        admission = self._doorkeeper.glance(
            head.method, head.full_path, head.query, head.pairs, datetime.now(timezone.utc)
        )
        if admission.denial is not None:
            raise refusals.denied(admission.denial, ends_connection=True)

    def admit(self, head: Head, body: bytes) -> str:
        """Returns the access key that has signed the request, "" when none is asked for.

        Raises:
            Refused: the signature is missing or wrong, or the key may not do this.
        """
        if self._doorkeeper is None:
            return ""
        admission = _ask(self._doorkeeper, head, body)
        if admission.denial is not None:
            raise refusals.denied(admission.denial)
        return admission.access_key_id

    def check_monitor(self, head: Head, peer: str) -> None:
        """Lets monitors of this machine in unsigned, others with a key for everything.

        Raises:
            Refused: it is neither.
        """
        if self._doorkeeper is None:
            self.check_visitor(head)
        elif not (visitors.is_loopback(peer) and visitors.is_local(head.headers)):
            denial = _ask(self._doorkeeper, head, b"").denial
            if denial == denials.missing_token().denial:
                denial = denials.monitor_elsewhere().denial
            if denial is not None:
                raise refusals.denied(denial)


def _ask(doorkeeper: Doorkeeper, head: Head, body: bytes) -> Admission:
    return doorkeeper.admit(
        head.method, head.full_path, head.query, head.pairs, body, datetime.now(timezone.utc)
    )
