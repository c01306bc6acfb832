"""A message becomes an e-mail: MIME with text and HTML, and headers that nobody can inject.

A header has no line end, a name is a name, and what says whom an e-mail is from, whom it is for and
what it holds is ours alone. An e-mail that was given as MIME stays as it is, but for the headers
that it lacks and those that are for servers alone. Nothing here knows a server.
"""

from __future__ import annotations

import re
from base64 import b64decode
from email import message_from_bytes
from email.errors import MessageError
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, compat32
from email.utils import formataddr, formatdate
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.records.headers import is_header_name, is_one_line, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["Email", "NotAnEmail", "email_of", "is_address"]

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
_END = "\r\n"
_POLICY = SMTP.clone(cte_type="7bit")
#: Of what was given as MIME: it writes headers again as it has read them.
_GIVEN = compat32.clone(linesep=_END, cte_type="7bit")
#: Headers that nobody but servers may see; whom the e-mail goes to, the message says.
_NOT_SENT = ("Bcc", "Return-Path")
#: The longest line of a header: RFC 5322 (2.1.1).
_MOST_LINE_CHARS = 998
#: A name that is longer is written in several lines.
_MOST_NAME_CHARS = 200


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
    domain = from_address.rpartition("@")[2]
    head = {
        "From": _named(name, from_address),
        "To": to_address,
        "Date": formatdate(usegmt=True),
        "Message-ID": f"<{_id_of(message.id)}@{domain}>",
    }
    raw = message.data.get("RawEmail")
    try:
        content = _given(raw, head) if isinstance(raw, str) and raw else _written(message, head)
    except (MessageError, ValueError, LookupError) as error:
        raise NotAnEmail(f"it cannot be written as e-mail ({type(error).__name__})") from error
    return Email(from_address, to_address, content, is_utf8)


def _written(message: OutgoingMessage, head: Mapping[str, str]) -> bytes:
    """Return the e-mail of a message that has a title and texts."""
    lines = [f"{header}: {value}" for header, value in head.items()]
    lines.append(_line("Subject", one_line(message.title), is_text=True))
    for header, value in message.headers.items():
        _check_header(header, value)
        lines.append(_line(header, value.strip(), is_text=False))
    return _END.join([*lines, ""]).encode() + _content(message)


def _given(raw: str, head: Mapping[str, str]) -> bytes:
    """Return an e-mail that was given as MIME, with the headers that it lacks."""
    email = message_from_bytes(b64decode(raw), policy=_GIVEN)
    for header in _NOT_SENT:
        del email[header]
    for header, value in {**head, "MIME-Version": "1.0"}.items():
        if header not in email:
            email[header] = value
    try:
        return email.as_bytes()
    except UnicodeError as error:
        raise NotAnEmail(
            "its RawEmail has characters outside of ASCII in a part that names no charset for"
            " them: write it in Content-Type, such as text/plain; charset=utf-8"
        ) from error
    except LookupError as error:
        raise NotAnEmail(
            "its RawEmail has a part with a charset that is not known: convert the text to UTF-8,"
            " and write charset=utf-8, or encode it as base64"
        ) from error


def is_address(text: str) -> bool:
    """Return whether a text is one address of e-mail that can stand in an envelope."""
    return _ADDRESS.fullmatch(text) is not None


def _content(message: OutgoingMessage) -> bytes:
    """Return the MIME headers, and the text and the HTML behind them, in ASCII."""
    email = EmailMessage(policy=_POLICY)
    if message.body or not message.html:
        email.set_content(message.body)
        if message.html:
            email.add_alternative(message.html, subtype="html")
    else:
        email.set_content(message.html, subtype="html")
    if "MIME-Version" not in email:
        email["MIME-Version"] = "1.0"
    return email.as_bytes()


def _line(name: str, value: str, *, is_text: bool) -> str:
    """Return a header, encoded where it must be.

    `EmailMessage` would decode what looks encoded, line ends in it too, and encode long URLs, which
    no client reads in `List-Unsubscribe`.

    Args:
        name: its name.
        value: a line without control characters.
        is_text: whether it is for people, who see what looks encoded as it stands; else it may be
            encoded already.
    """
    line = f"{name}: {value}"
    is_plain = line.isascii() and len(line) <= _MOST_LINE_CHARS
    if is_plain and not (is_text and "=?" in value):
        return line
    encoded = Header(value, "utf-8", header_name=name).encode(linesep=_END)
    return f"{name}: {encoded}"


def _named(name: str, address: str) -> str:
    """Return an address with the name of its owner."""
    if not name:
        return address
    if name.isascii() and "=?" not in name and len(name) <= _MOST_NAME_CHARS:
        return formataddr((name, address))
    return f"{Header(name, 'utf-8', header_name='From').encode(linesep=_END)} <{address}>"


def _sender(text: str) -> tuple[str, str]:
    if not text:
        raise NotAnEmail(
            "it has no sender: give the e-mail channel a FromAddress, or the transport"
            " ?sender=ADDRESS"
        )
    found = _SENDER.fullmatch(text) if is_one_line(text) else None
    if found is None or not is_address(_ascii_host(found["address"])):
        raise NotAnEmail("the sender is no address of e-mail: write ADDRESS or NAME <ADDRESS>")
    return (found["name"] or "").strip().strip('"'), found["address"]


def _check_header(name: str, value: str) -> None:
    lower = name.lower()
    if not is_header_name(name) or lower in _OURS or lower.startswith("content-"):
        raise NotAnEmail("a header has a name that cannot be given")
    if not is_one_line(value):
        raise NotAnEmail("a header holds a line end or a control character")


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
