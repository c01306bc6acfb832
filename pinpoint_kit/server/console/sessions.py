"""`Sessions`: who is logged in, as files in a folder, so that all workers of a server agree.

A file is named by the hash of what the browser holds: whoever reads the folder cannot use it. A
one-time token is a file too, and whoever deletes it first has used it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
import time
from typing import TYPE_CHECKING

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["Session", "Sessions"]

_SESSION, _TOKEN = "session-", "token-"
#: How long a session lasts, and how long without a page, in seconds.
LASTS_S = 12 * 3600.0
IDLE_S = 2 * 3600.0
#: How long a token waits for somebody to open its link, in seconds: links stand in logs.
TOKEN_LASTS_S = 3600.0
#: A session's last use is noted once in so many seconds.
_NOTE_EVERY_S = 60.0
#: More sessions at once than people: the oldest end.
_MOST = 1_000


@attrs.frozen
class Session:
    """Somebody who is logged in.

    Attributes:
        access_key_id: their access key, "" where the server asks for none.
        csrf: what every form of theirs must bring.
    """

    access_key_id: str
    csrf: str = attrs.field(repr=False)
    _held: str = attrs.field(repr=False)
    _seal: str = attrs.field(repr=False)

    def began_with(self, secret: str) -> bool:
        """Whether the session was begun with this secret: a key that got another one is another."""
        return hmac.compare_digest(self._seal, _sealed(self._held, secret))


class Sessions:
    """The sessions of a console. Use it from any thread and any process.

    Args:
        folder: where they are kept; nobody else may read there.
        now: returns seconds since 1970.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now

    def make_token(self) -> str:
        """Return a token that begins one session, within an hour."""
        token = secrets.token_urlsafe(32)
        file = self._file(_TOKEN, token)
        _write(file, b"")
        self._note(file)
        return token

    def use_token(self, token: str) -> bool:
        """Return whether a token was good; it is not any more."""
        file = self._file(_TOKEN, token)
        try:
            made = file.stat().st_mtime
            file.unlink()
        except OSError:
            return False
        return self._now() - made < TOKEN_LASTS_S

    def begin(self, access_key_id: str, secret: str = "") -> str:
        """Begin a session, and return what its browser holds.

        Args:
            access_key_id: the access key, "" where the server asks for none.
            secret: its secret, which is not kept: only whether another is the same can be asked.
        """
        self._sweep()
        held = secrets.token_urlsafe(32)
        content = {
            "access_key_id": access_key_id,
            "csrf": secrets.token_urlsafe(32),
            "seal": _sealed(held, secret),
            "until": self._now() + LASTS_S,
        }
        file = self._file(_SESSION, held)
        _write(file, orjson.dumps(content))
        self._note(file)
        return held

    def find(self, held: str) -> Session | None:
        """Return the session of a browser; None when there is none, or it is over."""
        if not held:
            return None
        file = self._file(_SESSION, held)
        try:
            content = orjson.loads(file.read_bytes())
            used = file.stat().st_mtime
        except (OSError, orjson.JSONDecodeError):
            return None
        now = self._now()
        if now >= content["until"] or now - used >= IDLE_S:
            file.unlink(missing_ok=True)
            return None
        if now - used >= _NOTE_EVERY_S:
            self._note(file)
        return Session(content["access_key_id"], content["csrf"], held, content["seal"])

    def end(self, held: str) -> None:
        """End a session, if there is one."""
        self._file(_SESSION, held).unlink(missing_ok=True)

    def end_all(self, access_key_id: str) -> None:
        """End every session of an access key; without keys, those of everybody."""
        for file in self._folder.glob(f"{_SESSION}*"):
            with contextlib.suppress(OSError, orjson.JSONDecodeError):  # it has just ended
                if orjson.loads(file.read_bytes())["access_key_id"] == access_key_id:
                    file.unlink(missing_ok=True)

    def _file(self, kind: str, held: str) -> Path:
        digest = hashlib.sha256(held.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{kind}{digest}"

    def _note(self, file: Path) -> None:
        with contextlib.suppress(OSError):  # it has just ended
            os.utime(file, (self._now(), self._now()))

    def _sweep(self) -> None:
        """Remove sessions and tokens that are over, and the oldest sessions of too many."""
        found = sorted(self._ages(_SESSION), reverse=True)
        for place, (used, file) in enumerate(found):
            if self._now() - used >= IDLE_S or place >= _MOST - 1:
                file.unlink(missing_ok=True)
        for made, file in self._ages(_TOKEN):
            if self._now() - made >= TOKEN_LASTS_S:
                file.unlink(missing_ok=True)

    def _ages(self, kind: str) -> Iterator[tuple[float, Path]]:
        for file in self._folder.glob(f"{kind}*"):
            with contextlib.suppress(OSError):  # it has just ended
                yield file.stat().st_mtime, file


def _sealed(held: str, secret: str) -> str:
    key, text = (part.encode("utf-8", "surrogatepass") for part in (held, secret))
    return hmac.new(key, text, hashlib.sha256).hexdigest()


def _write(file: Path, content: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)
