"""A message becomes an e-mail: MIME with text and HTML, and headers that nobody can inject.

A header has no line end, a name is a name, and what says whom an e-mail is from, whom it is for and
what it holds is ours alone. Nothing here knows a server.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["Email", "NotAnEmail", "email_of", "is_address"]

_NAME = re.compile(r"[!-9;-~]{1,126}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
#: RFC 5321 (4.5.3.1): 64 octets before the @, and 256 of a path with its brackets.
_ADDRESS = re.compile(
    r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,189}"
)
_SENDER = re.compile(r"\s*(?:(?P<name>[^<>]*)<)?(?P<address>[^<>\s]+)(?(name)>)\s*")
#: Headers that follow from the message, or that would change how the rest is read.
_OURS = frozenset(
    {
        *("bcc", "cc", "date", "from", "message-id", "mime-version", "received", "return-path"),
        *("sender", "subject", "to", "dkim-signature"),
    }
)
#: The longest line of a header: RFC 5322 (2.1.1).
_MOST_LINE_CHARS = 998


class NotAnEmail(Exception):
    """The message cannot be sent as e-mail, whatever the server; the text says why."""


@attrs.frozen
class Email:
    """An e-mail as a server takes it.

    Attributes:
        sender: the address of its envelope.
        recipient: the same.
        content: the message with CRLF line ends, in ASCII unless `is_utf8`.
        is_utf8: whether an address needs a server that takes UTF-8 (RFC 6531).
    """

    sender: str = attrs.field(repr=False)
    recipient: str = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)
    is_utf8: bool


class _Policy(EmailPolicy):
    """Leave ASCII headers unfolded: Python would encode a long URL in them, and spoil it.

    https://github.com/python/cpython/issues/100884 and others; clients read no encoded word in
    `List-Unsubscribe`.
    """

    def fold(self, name: str, value: Any) -> str:  # noqa: ANN401 -- the base class has it so
        return self._whole(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: Any) -> bytes:  # noqa: ANN401 -- as above
        whole = self._whole(name, value)
        return whole.encode() if whole else super().fold_binary(name, value)

    def _whole(self, name: str, value: Any) -> str | None:  # noqa: ANN401 -- as above
        line = f"{name}: {value}"
        is_whole = line.isascii() and len(line) <= _MOST_LINE_CHARS and line.isprintable()
        return f"{line}\r\n" if is_whole else None


def email_of(message: OutgoingMessage, *, sender: str) -> Email:
    """Make the e-mail of a message.

    Args:
        message: the message.
        sender: whom it is from where the message does not say so: an address, or
            `Name <ADDRESS>`.

    Raises:
        NotAnEmail: an address or a header is none, or there is no sender or no text.
    """
    name, address = _sender(message.sender or sender)
    from_address, to_address = _ascii_host(address), _ascii_host(message.address)
    if not is_address(to_address):
        raise NotAnEmail("the recipient is no address of e-mail")
    is_utf8 = not (from_address + to_address).isascii()
    policy = _Policy(linesep="\r\n", cte_type="7bit", utf8=is_utf8, max_line_length=78)
    email = EmailMessage(policy=policy)
    try:
        email["From"] = _address(from_address, name)
        email["To"] = _address(to_address)
        email["Subject"] = _one_line(message.title)
        email["Date"] = formatdate(usegmt=True)
        email["Message-ID"] = f"<{_id_of(message.id)}@{from_address.rpartition('@')[2]}>"
        for header, value in message.headers.items():
            _check_header(header, value)
            email[header] = value
        _fill(email, message)
        content = email.as_bytes()
    except (MessageError, ValueError, IndexError, AttributeError) as error:
        # The library's readers of headers raise any of these at what is no header of its kind.
        raise NotAnEmail(f"it cannot be written as e-mail ({type(error).__name__})") from error
    return Email(from_address, to_address, content, is_utf8)


def is_address(text: str) -> bool:
    """Return whether a text is one address of e-mail that can stand in an envelope."""
    return _ADDRESS.fullmatch(text) is not None


def _address(address: str, name: str = "") -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, username=local, domain=domain)


def _fill(email: EmailMessage, message: OutgoingMessage) -> None:
    if message.body or not message.html:
        email.set_content(message.body)
        if message.html:
            email.add_alternative(message.html, subtype="html")
    else:
        email.set_content(message.html, subtype="html")


def _sender(text: str) -> tuple[str, str]:
    if not text:
        raise NotAnEmail(
            "it has no sender: give the e-mail channel a FromAddress, or the transport"
            " ?sender=ADDRESS"
        )
    found = None if _CONTROL.search(text) else _SENDER.fullmatch(text)
    if found is None or not is_address(_ascii_host(found["address"])):
        raise NotAnEmail("the sender is no address of e-mail: write ADDRESS or NAME <ADDRESS>")
    return (found["name"] or "").strip().strip('"'), found["address"]


def _check_header(name: str, value: str) -> None:
    lower = name.lower()
    if not _NAME.fullmatch(name) or lower in _OURS or lower.startswith("content-"):
        raise NotAnEmail("a header has a name that cannot be given")
    if _CONTROL.search(value):
        raise NotAnEmail("a header holds a line end or a control character")


def _one_line(text: str) -> str:
    """Return a text in which what would end a header is a blank."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _ascii_host(address: str) -> str:
    """Return an address with its domain in ASCII; as it is where that is impossible."""
    local, sign, domain = address.rpartition("@")
    if not sign or domain.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def _id_of(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "", text) or "message"
