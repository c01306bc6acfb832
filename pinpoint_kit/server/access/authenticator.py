"""`Doorkeeper`: who may come in, and to what.

One question a request, answered from the credentials file and the request alone: no database, no
network. Whoever asks turns a denial into an HTTP answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.server.access.claims import read_claim
from pinpoint_kit.server.access.credentials_file import CredentialsFile
from pinpoint_kit.server.access.denials import Denial, Denied
from pinpoint_kit.server.access.incoming import Incoming
from pinpoint_kit.server.access.scopes import check_scope
from pinpoint_kit.server.access.signatures import check_holder, verify

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import TypeAlias

    from pinpoint_kit.server.access.claims import Claim
    from pinpoint_kit.server.access.credentials import Credential

    #: Raises `Denied`; what it returns is of no use.
    _Check: TypeAlias = Callable[[Incoming, Claim, Credential | None], object]

__all__ = ["Admission", "Denial", "Doorkeeper"]


@attrs.frozen
class Admission:
    """The doorkeeper's answer.

    Attributes:
        access_key_id: the key of the file that the request names, "" when it names none of them.
            Only without a denial is it sure that the key's holder has sent the request.
        denial: why it may not come in, or None.
    """

    access_key_id: str = ""
    denial: Denial | None = None


class Doorkeeper:
    """Lets in what is signed with an access key of a file. Make it with `Doorkeeper.load`.

    Changes of the file count within a second. Use it from any thread.
    """

    def __init__(self, credentials: CredentialsFile) -> None:
        self._credentials = credentials

    @classmethod
    def load(
        cls, path: str | os.PathLike[str], *, monotonic: Callable[[], float] = time.monotonic
    ) -> Doorkeeper:
        """Reads a credentials file.

        Args:
            path: the file.
            monotonic: returns seconds; says when to look at the file again.

        Raises:
            ConfigurationError: the file cannot be read, can be read by others, or is wrong; the
                message says where, and what to write.
        """
        return cls(CredentialsFile(Path(path), monotonic))

    def admit(  # noqa: PLR0913, PLR0917 -- the parts of a request
        self,
        method: str,
        raw_path: str,
        raw_query: str,
        headers: Sequence[tuple[str, str]],
        body: bytes,
        now: datetime,
    ) -> Admission:
        """Says whether a request may come in. Never raises for one.

        Args:
            method: as it was sent.
            raw_path: as it was sent, still percent-encoded.
            raw_query: as it was sent, without `?`.
            headers: in the order in which they came, decoded as Latin-1.
            body: the whole body.
            now: the server's time, aware.

        Returns:
            The admission. `OPTIONS` always comes in: browsers ask before they sign, and the answer
            tells nothing that is stored.
        """
        request = Incoming.of(method, raw_path, raw_query, headers, body)
        return self._answer(request, now, _admit)

    def glance(
        self,
        method: str,
        raw_path: str,
        raw_query: str,
        headers: Sequence[tuple[str, str]],
        now: datetime,
    ) -> Admission:
        """Says whether it is worth while to read the body. Never raises.

        What is not signed, is signed too long ago or with an unknown key need not be read at all.
        Whoever passes here is still a stranger: ask `admit` when the body is there.

        Args:
            method: as for `admit`, like the others.
            raw_path: the path.
            raw_query: the query.
            headers: the headers.
            now: the server's time.
        """
        request = Incoming.of(method, raw_path, raw_query, headers, b"")
        return self._answer(request, now, check_holder)

    def _answer(self, request: Incoming, now: datetime, check: _Check) -> Admission:
        if request.method == "OPTIONS":
            return Admission()
        access_key_id = ""
        try:
            claim = read_claim(request, now)
            credential = self._credentials.current().get(claim.access_key_id)
            access_key_id = credential.access_key_id if credential else ""
            check(request, claim, credential)
        except Denied as denied:
            return Admission(access_key_id, denied.denial)
        return Admission(access_key_id)


def _admit(request: Incoming, claim: Claim, credential: Credential | None) -> None:
    check_scope(verify(request, claim, credential), request.method, request.raw_path)
