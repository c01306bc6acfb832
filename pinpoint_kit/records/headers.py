"""What can stand in a header of an e-mail, so that no text makes a header of its own.

The engine refuses by these rules what a request gives, and the SMTP transport by the same what
comes to it. How a header is written belongs to messaging/mime.py.
"""

from __future__ import annotations

import re

__all__ = ["is_header_name", "is_one_line", "one_line"]

#: RFC 5322 (2.2): printable signs of ASCII but the colon; Pinpoint's own limit of the length.
_NAME = re.compile(r"[!-9;-~]{1,126}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


def is_header_name(text: str) -> bool:
    """Return whether a text can be the name of a header.

    Examples:
        >>> is_header_name("List-Unsubscribe"), is_header_name("X: y")
        (True, False)
    """
    return _NAME.fullmatch(text) is not None


def is_one_line(text: str) -> bool:
    r"""Return whether a text has no line end and no other control character but tabs.

    Examples:
        >>> is_one_line("shop@example.com"), is_one_line("shop@example.com\nBcc: all@example.com")
        (True, False)
    """
    return _CONTROL.search(text) is None


def one_line(text: str) -> str:
    r"""Return a text with one blank for all blanks and control characters beside each other.

    Examples:
        >>> one_line("News\n of   May\n")
        'News of May'
    """
    return " ".join(_CONTROL.sub(" ", text).split())
