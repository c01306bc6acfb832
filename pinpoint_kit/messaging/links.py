"""`Links`: addresses that say which message was opened, or which of its links was clicked.

Each is signed, so that nobody can make one up: a redirect leads nowhere but to links that a message
had. They hold the ids of the application and of the message, and the link, but no person.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias
from urllib.parse import urlsplit

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.system.atomic_files import atomic_file
from pinpoint_kit.system.private_files import PrivateFileError, private_text
from pinpoint_kit.transport.posting import checked_url

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TRACKING_PREFIX", "Link", "Links", "tracking_key"]

#: What paths of such addresses begin with.
TRACKING_PREFIX = "/t/"
_KEY_BYTES = 32
_MARK_BYTES = 16
#: Mail clients and proxies cut longer addresses.
_MOST_CHARS = 2_000
_PARTS = 3

Kind: TypeAlias = Literal["open", "click"]


@attrs.frozen
class Link:
    """What such an address says.

    Attributes:
        application_id: the application.
        message_id: the message.
        url: where a click leads; "" for an opening.
    """

    application_id: str
    message_id: str
    url: str = attrs.field(repr=False)


def _without_slash(url: str) -> str:
    return url.rstrip("/")


@attrs.frozen
class Links:
    """Makes such addresses and reads them.

    Args:
        public_url: what the server's address is for recipients, such as
            `https://mail.example.com`.
        key: 32 bytes that nobody else has; see `tracking_key`.

    Raises:
        ConfigurationError: the URL is none, or the key has another size.

    Examples:
        >>> links = Links("https://mail.example.com", b"0" * 32)
        >>> made = links.click("app", "message", "https://shop.example.com/cart")
        >>> links.read("click", made.rpartition("/")[2]).url
        'https://shop.example.com/cart'
        >>> links.read("click", "made-up") is None
        True
    """

    public_url: str = attrs.field(converter=_without_slash)
    _key: bytes = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        """Check both."""
        checked_url(self.public_url)
        if len(self._key) != _KEY_BYTES:
            raise ConfigurationError(f"the key for links has not {_KEY_BYTES} bytes: make another")

    def open(self, application_id: str, message_id: str) -> str:
        """Return the address of the picture that is fetched when a message is opened."""
        token = self._token("open", [application_id, message_id, ""])
        return f"{self.public_url}{TRACKING_PREFIX}o/{token}"

    def click(self, application_id: str, message_id: str, url: str) -> str:
        """Return the address that leads on to a link of a message.

        It is the link itself where that is not http or https, or where the address would be longer
        than mail clients take.
        """
        if not _is_web(url):
            return url
        token = self._token("click", [application_id, message_id, url])
        made = f"{self.public_url}{TRACKING_PREFIX}c/{token}"
        return made if len(made) <= _MOST_CHARS else url

    def read(self, kind: Kind, token: str) -> Link | None:
        """Return what the last part of an address says; None for one that is not ours."""
        try:
            content = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mark, payload = content[:_MARK_BYTES], content[_MARK_BYTES:]
        if not hmac.compare_digest(mark, self._mark(kind, payload)):
            return None
        parts = orjson.loads(payload)
        return Link(*parts) if len(parts) == _PARTS else None

    def _token(self, kind: Kind, parts: list[str]) -> str:
        payload = orjson.dumps(parts)
        content = self._mark(kind, payload) + payload
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    def _mark(self, kind: Kind, payload: bytes) -> bytes:
        signed = kind.encode() + b"\0" + payload
        return hmac.digest(self._key, signed, "sha256")[:_MARK_BYTES]


def tracking_key(path: Path) -> bytes:
    """Return the key in a file, made for this user alone (mode 600) when there is none.

    Args:
        path: the file. Without it, links of earlier messages lead nowhere.

    Raises:
        ConfigurationError: it cannot be read or made, others can read it, or it holds no key.
    """
    try:
        with suppress(FileExistsError), atomic_file(path, replace=False) as draft:
            draft.write_text(os.urandom(_KEY_BYTES).hex() + "\n")
        key = bytes.fromhex(private_text(path).strip())
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be made ({error.strerror}): name a file in a folder of this user"
        ) from None
    except PrivateFileError as error:
        raise ConfigurationError(str(error)) from None
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigurationError(f"{path} holds no key for links: name another file, or delete it")
    return key


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc) and url.isprintable()
