"""Single values of a foreign record, cleaned: what is not what it should be becomes None.

Records hold names, addresses and tokens. Nothing here lets free text through: a value is an id, a
code or a short label of a fixed alphabet, or it is left out.
"""

from __future__ import annotations

import re

__all__ = ["code", "identifier", "label", "printable", "text"]

#: Longest value of an event attribute. Source: Developer Guide, Quotas, "Event ingestion".
MAX_VALUE = 200
#: Longest value of an endpoint attribute, and what a place or a version may have.
MAX_LABEL = 100
#: What providers write for "there is none".
_NOTHING = frozenset({"", "-", "null", "none", "unknown", "undefined", "n/a", "(null)", "nil"})
_LONGEST_NOTHING = max(map(len, _NOTHING))
#: A user id that stands for nobody.
_NOBODY = re.compile(r"[0-]+")
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,99}")
_IDENTIFIER = re.compile(r"[!-?A-~]{1,200}")  # printable ASCII without blanks and @
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_IPV6 = re.compile(r"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}")
_PHONE = re.compile(r"\+?\d{7,}")
#: No id is a larger number, and Python refuses to write the largest.
_MOST_NUMBER = 2**64
_CALLABLE = re.compile(r"(?:.*\|)?\+\d{6,}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def text(value: object) -> str | None:
    """Return the value as text when it says something; a whole number counts as text.

    Args:
        value: anything that JSON can hold.
    """
    if type(value) is str:
        found = value.strip()
        if len(found) > _LONGEST_NOTHING or found.casefold() not in _NOTHING:
            return found
        return None
    if type(value) is int and abs(value) <= _MOST_NUMBER:
        return str(value)
    return None


def printable(value: str, most: int) -> str:
    """Return the text without control characters and halves of characters, cut to a length."""
    if value.isascii() and value.isprintable():
        return value[:most]
    return _CONTROLS.sub(" ", value[: most * 4]).strip()[:most]


def label(value: str | None) -> str | None:
    """Return a short printable text, for a place or a version; None without one."""
    return None if value is None else printable(value, MAX_LABEL) or None


def code(value: str | None) -> str | None:
    """Return a reason code or another word of a fixed set; None for anything else.

    Blanks, `@`, network addresses and telephone numbers do not occur in codes.
    """
    if value is None or not _CODE.fullmatch(value) or _is_address(value):
        return None
    return None if _PHONE.fullmatch(value) else value


def identifier(value: str | None) -> str | None:
    """Return an opaque id, such as a client's or a tenant's; None for anything else."""
    if value is None or not _IDENTIFIER.fullmatch(value) or _is_address(value):
        return None
    return value


def person(value: str | None) -> str | None:
    """Return the id of a person as the provider writes it; None for ids that mean nobody."""
    if value is None or _NOBODY.fullmatch(value):
        return None
    return printable(value, MAX_VALUE) or None


def is_opaque(user_id: str) -> bool:
    """Return whether a user id says nothing of its person: no e-mail address, no number to call.

    Ids of digits alone are opaque: Google and OneLogin number their users. A telephone number as
    an id has a plus.
    """
    return identifier(user_id) is not None and not ("+" in user_id and _CALLABLE.fullmatch(user_id))


def _is_address(value: str) -> bool:
    return bool(
        ("." in value and _IPV4.fullmatch(value)) or (":" in value and _IPV6.fullmatch(value))
    )
