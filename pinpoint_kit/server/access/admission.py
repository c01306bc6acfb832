"""`AccessControl`: whether a request may come in, in the server's terms.

Without an authenticator it looks at where a request comes from, with one at who has signed it.
What signatures and scopes mean is the authenticator's business (access/authenticator.py).
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from pinpoint_kit.server import refusals
from pinpoint_kit.server.access import denials, local_only

if TYPE_CHECKING:
    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.authenticator import Authenticator
    from pinpoint_kit.server.access.denials import Denial
    from pinpoint_kit.server.head import Head

__all__ = ["AccessControl"]


class AccessControl:
    """Asked for every request.

    Args:
        authenticator: verifies signatures; None lets everybody in who passes the other checks.
        local_only: refuse what web pages and names of other hosts bring.
    """

    def __init__(self, authenticator: Authenticator | None, *, local_only: bool) -> None:
        self._authenticator = authenticator
        self._local_only = local_only

    def precheck(self, head: Head) -> None:
        """Refuse, before the body is read, what will surely not come in.

        Raises:
            HttpRefusal: the request does not come from this machine, and must; or its body is
                large, and it is not signed or with a key that is not known.
        """
        if self._local_only:
            local_only.check_local(head)
        if self._authenticator is not None and head.has_large_body:
            decision = self._authenticator.precheck(head, _now())
            _refuse(decision.denial, ends_connection=True)

    def authorize(self, head: Head, body: bytes, match: Match) -> str:
        """Return the access key that has signed the request, "" when none is asked for.

        Raises:
            HttpRefusal: the signature is missing or wrong, or the key may not do this.
        """
        if self._authenticator is None:
            return ""
        decision = self._authenticator.authorize(head, body, match, _now())
        _refuse(decision.denial)
        return decision.access_key_id

    def check_metrics_client(self, head: Head, peer: str, match: Match) -> None:
        """Let monitors of this machine in unsigned, others with a key for everything.

        Raises:
            HttpRefusal: it is neither.
        """
        if self._authenticator is None:
            if self._local_only:
                local_only.check_local(head)
        elif not (local_only.is_loopback(peer) and local_only.is_local(head)):
            denial = self._authenticator.authorize(head, b"", match, _now()).denial
            if denial == denials.missing_token().denial:
                denial = denials.metrics_client_elsewhere().denial
            _refuse(denial)


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _refuse(denial: Denial | None, *, ends_connection: bool = False) -> None:
    if denial is not None:
        raise refusals.denied(
            denial.status, denial.code, denial.message, ends_connection=ends_connection
        )
