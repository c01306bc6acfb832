"""`comparable`: one text for all spellings of an address that reach the same mailbox or number.

Whoever has opted out by one spelling has opted out by the others. It is for comparing alone:
messages go to addresses as they were written.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata

__all__ = ["EMAIL_CHANNELS", "PHONE_CHANNELS", "comparable", "may_be_number"]

EMAIL_CHANNELS = frozenset({"EMAIL"})
PHONE_CHANNELS = frozenset({"SMS", "VOICE"})

#: Letters are in no telephone number.
_NUMBER = re.compile(r"(?:tel:)?[^a-z@]+", re.IGNORECASE)
_NO_DIGITS = re.compile(r"[^0-9]+")
#: No mailbox is longer (RFC 5321): what is, is compared as it is.
_MOST_CHARS = 320


def comparable(channel: str, address: str) -> str:
    """Return the form of an address that is compared; "" for one that has nothing in it.

    E-mail is compared without case, with the names of hosts in ASCII, and without a name or a
    scheme around it; telephone numbers by their digits; all others as they are, without blanks
    around them. Numbers that are written without the code of their country stay different.

    Args:
        channel: the service's channel type.
        address: the address as somebody has written it; any text.

    Examples:
        >>> comparable("EMAIL", "Ann <Ann@Example.com>")
        'ann@example.com'
        >>> comparable("SMS", "+1 (206) 555-0100"), comparable("VOICE", "12065550100")
        ('+12065550100', '+12065550100')
        >>> comparable("GCM", " Token ")
        'Token'
    """
    plain = address.strip()
    is_mailbox = channel in EMAIL_CHANNELS
    if not (is_mailbox or channel in PHONE_CHANNELS) or len(plain) > _MOST_CHARS:
        return plain
    plain = plain.casefold()
    if not plain.isascii():
        plain = _plain_signs(plain)
    if is_mailbox:
        return _mailbox(plain)
    digits = _NO_DIGITS.sub("", plain.replace("(0)", ""))
    zeros = len(digits) - len(digits.lstrip("0"))
    digits = digits[zeros - zeros % 2 :]  # 00 is dialled for the plus sign
    return f"+{digits}" if digits else plain


def may_be_number(address: str) -> bool:
    """Return whether an address may be a telephone number, in any spelling.

    `comparable` takes the digits out of any text. Those of another address could be the number of
    somebody who has nothing to do with it.

    Examples:
        >>> may_be_number("tel:+1 (206) 555-0100"), may_be_number("ann2065550100@example.com")
        (True, False)
    """
    return _NUMBER.fullmatch(address) is not None


def _mailbox(plain: str) -> str:
    """Return a mailbox without what is written around it: `Ann <…>`, `mailto:`, a last dot."""
    while plain.endswith((">", ".")) or plain.startswith("mailto:"):
        plain = plain.rpartition("<")[2].rstrip(" .>").removeprefix("mailto:").lstrip()
    mailbox, at, domain = plain.rpartition("@")
    if not domain.isascii() and len(domain) < _MOST_CHARS:
        with contextlib.suppress(UnicodeError):  # what is no name of a host
            domain = domain.encode("idna").decode()
    return mailbox + at + domain


def _plain_signs(text: str) -> str:
    """Return a text with common signs for those that look or count like them, or do not show."""
    plain = "".join(
        str(unicodedata.decimal(sign)) if sign.isdecimal() else sign
        for sign in unicodedata.normalize("NFKC", text)
        if unicodedata.category(sign) != "Cf"
    )
    return unicodedata.normalize("NFKC", plain.casefold()).replace("\u3002", ".").strip()
