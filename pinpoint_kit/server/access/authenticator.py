"""`Authenticator`: who may come in, and to what.

One question a request, answered from the credentials file and the request alone: no database, no
network. Turning a denial into an HTTP answer is the caller's business.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.server.access.claims import read_claim
from pinpoint_kit.server.access.credentials_file import CredentialsFile
from pinpoint_kit.server.access.denials import AccessDenied, Denial
from pinpoint_kit.server.access.scopes import check_scope
from pinpoint_kit.server.access.signatures import check_holder, verify

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from datetime import datetime

    from typing_extensions import Self

    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.claims import Claim
    from pinpoint_kit.server.access.credentials import Credential
    from pinpoint_kit.server.head import Head

__all__ = ["AccessDecision", "Authenticator", "Denial"]


@attrs.frozen
class AccessDecision:
    """The authenticator's answer.

    Attributes:
        access_key_id: the key of the file that the request names, "" when it names none of them.
            Only without a denial is it sure that the key's holder has sent the request.
        denial: why it may not come in, or None.
    """

    access_key_id: str = ""
    denial: Denial | None = None


class Authenticator:
    """Lets in what is signed with an access key of a file. Make it with `Authenticator.load`.

    Changes of the file count within a second. Use it from any thread.
    """

    def __init__(self, credentials: CredentialsFile) -> None:
        self._credentials = credentials

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> Self:
        """Read a credentials file.

        Args:
            path: the file.
            monotonic: returns seconds; says when to look at the file again.

        Raises:
            ConfigurationError: the file cannot be read, can be read by others, or is wrong; the
                message says where, and what to write.
        """
        return cls(CredentialsFile(Path(path), monotonic))

    def authorize(self, head: Head, body: bytes, match: Match, now: datetime) -> AccessDecision:
        """Decide whether a request may come in. Never raises for one.

        Args:
            head: the request line and the headers.
            body: the whole body.
            match: what the request asks for.
            now: the server's time, aware.

        Returns:
            The decision. `OPTIONS` always comes in: browsers ask before they sign, and the answer
            tells nothing that is stored.
        """

        def check(claim: Claim, credential: Credential | None) -> None:
            check_scope(verify(head, body, claim, credential), match, body)

        return self._decide(head, now, check)

    def precheck(self, head: Head, now: datetime) -> AccessDecision:
        """Decide whether it is worth while to read the body. Never raises.

        What is not signed, is signed too long ago or with an unknown key need not be read at all.
        What passes here is not authenticated yet: call `authorize` when the body is there.

        Args:
            head: as for `authorize`.
            now: the server's time, aware.
        """

        def check(claim: Claim, credential: Credential | None) -> None:
            check_holder(head, claim, credential)

        return self._decide(head, now, check)

    def _decide(
        self, head: Head, now: datetime, check: Callable[[Claim, Credential | None], None]
    ) -> AccessDecision:
        if head.method == "OPTIONS":
            return AccessDecision()
        access_key_id = ""
        try:
            claim = read_claim(head, now)
            credential = self._credentials.current().get(claim.access_key_id)
            access_key_id = credential.access_key_id if credential else ""
            check(claim, credential)
        except AccessDenied as denied:
            return AccessDecision(access_key_id, denied.denial)
        return AccessDecision(access_key_id)
