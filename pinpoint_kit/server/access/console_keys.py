"""`ConsoleKeys`: which access keys open the console, and whether somebody holds one.

A browser cannot sign, so the secret itself is typed in: only keys that say `console = yes` may be
used so. The secret is compared in constant time, and goes no further.
"""

from __future__ import annotations

import hmac
import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.server.access.credentials_file import CredentialsFile

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from typing_extensions import Self

    from pinpoint_kit.server.access.credentials import Credential

__all__ = ["ConsoleKeys"]

#: Compared with where there is no such key, so that the time of an answer tells nothing.
_NOBODYS = secrets.token_urlsafe(30)


class ConsoleKeys:
    """The keys of a credentials file that open the console. Make it with `ConsoleKeys.load`.

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
            ConfigurationError: the file cannot be read, can be read by others, or is wrong.
        """
        return cls(CredentialsFile(Path(path), monotonic))

    def find(self, access_key_id: str) -> Credential | None:
        """Return a key that opens the console; None when there is none of this id (any more)."""
        found = self._credentials.current().get(access_key_id)
        return found if found is not None and found.is_for_console else None

    def log_in(self, access_key_id: str, secret: str) -> Credential | None:
        """Return the key when the secret is its own and it opens the console, else None."""
        found = self.find(access_key_id)
        expected = _NOBODYS if found is None else found.secret_access_key
        given = secret.encode("utf-8", "surrogatepass")
        is_right = hmac.compare_digest(expected.encode(), given)
        return found if is_right else None
