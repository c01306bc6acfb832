"""`Doorkeeper`: who may come in, and to what.

One question a request, answered from the credentials file and the request alone: no database, no
network. Whoever asks turns a denial into an HTTP answer.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.server.claims import read_claim
from pinpoint_kit.server.credentials_file import CredentialsFile
from pinpoint_kit.server.denials import Denial, Denied
from pinpoint_kit.server.incoming import Incoming
from pinpoint_kit.server.scopes import check_scope
from pinpoint_kit.server.signatures import verify

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence
    from datetime import datetime

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
        if method == "OPTIONS":
            return Admission()
        access_key_id = ""
        try:
            request = Incoming.of(method, raw_path, raw_query, headers, body)
            claim = read_claim(request, now)
            credential = self._credentials.current().get(claim.access_key_id)
            access_key_id = credential.access_key_id if credential else ""
            check_scope(verify(request, claim, credential), method, raw_path)
        except Denied as denied:
            return Admission(access_key_id, denied.denial)
        return Admission(access_key_id)
