"""Credentials files: read, watched for changes, and changed by those who administer them.

A file that others can read is refused: anyone who reads it can be everybody in it. Changes leave
comments as they are and replace the file at once, so that a server never reads half of one. What
the text means is the business of access/credentials.py.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import time
from typing import TYPE_CHECKING

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server.access.credentials import Credential, parse
from pinpoint_kit.system.atomic_files import atomic_file
from pinpoint_kit.system.private_files import PrivateFileError, private_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["CredentialsFile", "add", "read", "remove"]

_logger = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0


def read(path: Path) -> dict[str, Credential]:
    """Return what a file holds, by access key id.

    Raises:
        ConfigurationError: it cannot be read, others can read it, or its content is wrong.
    """
    return parse(_text(path), str(path))


class CredentialsFile:
    """The credentials of a file as it is now. Use from any thread."""

    def __init__(self, path: Path, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Read the file.

        Raises:
            ConfigurationError: as `read`.
        """
        self._path = path
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_at = monotonic()
        self._version = _version(path)
        self._credentials: Mapping[str, Credential] = read(path)

    def current(self) -> Mapping[str, Credential]:
        """Return the credentials, read again when the file has changed.

        The file is looked at once a second at most. A version that is wrong is told to the log,
        once, and the one before stays in force.
        """
        now = self._monotonic()
        if now - self._looked_at >= _LOOK_EVERY_S and self._lock.acquire(blocking=False):
            try:
                self._looked_at = now
                self._look()
            finally:
                self._lock.release()
        return self._credentials

    def _look(self) -> None:
        version = _version(self._path)
        if version == self._version:
            return
        self._version = version
        try:
            self._credentials = read(self._path)
        except ConfigurationError as error:
            _logger.error("the credentials of before stay in force: %s", error)  # noqa: TRY400 -- the sentence is all there is to say
            return
        _logger.info("%s was read again: %d access key(s)", self._path, len(self._credentials))


def _version(path: Path) -> tuple[int, ...]:
    """Return what changes when the file does; its mode, owner and name count, too."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _text(path: Path) -> str:
    try:
        return private_text(path)
    except PrivateFileError as error:
        raise ConfigurationError(str(error)) from None


def add(path: Path, credential: Credential) -> None:
    """Add an access key; make the file when there is none.

    Raises:
        ConfigurationError: the file cannot be read or written, is wrong, or has that key already.
    """
    with _replaced(path) as draft:
        text = _text(path) if path.exists() else ""
        # An empty file is a file to be filled; anything else must be right as it is.
        known = parse(text, str(path)) if text.strip() else {}
        if credential.access_key_id in known:
            raise ConfigurationError(f"{path} has that access key already: remove it first")
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        changed = f"{text}{gap}{_section(credential)}"
        parse(changed, str(path))
        draft.write_bytes(changed.encode())


def remove(path: Path, access_key_id: str) -> bool:
    """Remove an access key; return False when there is none.

    Raises:
        ConfigurationError: the file cannot be read or written, is wrong, or has no other key.
    """
    if access_key_id not in read(path):
        return False
    with _replaced(path) as draft:
        text = _text(path)  # once more, now that nobody else changes it
        others = parse(text, str(path))
        others.pop(access_key_id, None)
        if not others:
            raise ConfigurationError(
                f"{path} has no other access key, and a server with a file of none keeps what it"
                " had: add another one first, or stop the server"
            )
        changed = _without(text, access_key_id)
        if not _holds(changed, others):
            raise ConfigurationError(f"{path} is written in an unusual way: remove the key by hand")
        draft.write_bytes(changed.encode())
    return True


def _holds(text: str, known: Mapping[str, Credential]) -> bool:
    try:
        return parse(text, "") == known
    except ConfigurationError:
        return False


def _section(credential: Credential) -> str:
    applications = "*" if credential.applications is None else ", ".join(_ids(credential))
    lines = [
        f"[{credential.access_key_id}]",
        f"secret_access_key = {credential.secret_access_key}",
        f"applications = {applications}",
        f"access = {credential.access}",
        *(["console = yes"] if credential.is_for_console else []),
    ]
    return "\n".join(lines) + "\n"


def _ids(credential: Credential) -> list[str]:
    return sorted(credential.applications or ())


def _without(text: str, access_key_id: str) -> str:
    """Take a section out, but not the comment that stands right above the next one."""
    kept: list[str] = []
    held: list[str] = []  # comments that may belong to the section below them
    is_inside = False
    for line in text.splitlines(keepends=True):
        header = re.match(r"\[(.+)\]", line)
        if header:
            is_inside = header[1] == access_key_id
            kept += held if not is_inside else []
            held = []
        if not is_inside:
            kept.append(line)
        elif line.startswith(("#", ";")):
            held.append(line)
        else:
            held = []
    return "".join(kept)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """Lend a draft that takes the file's place. It is also the lock between two changes."""
    path = path.resolve()  # a link goes on leading there
    new = path.with_name(f"{path.name}.new")
    try:
        with atomic_file(path, replace=True, draft=new) as draft:
            yield draft
            _keep_owner(path, draft)
    except FileExistsError:
        raise ConfigurationError(
            f"{new} is there: another change is under way; or one was interrupted: delete it then"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{new} cannot be written: {error.strerror}") from None


def _keep_owner(path: Path, draft: Path) -> None:
    """Root may administer the file of a service's user: it stays that user's."""
    if os.name == "posix" and path.exists():
        found = path.stat()
        if found.st_uid != os.geteuid():
            os.chown(draft, found.st_uid, found.st_gid)
