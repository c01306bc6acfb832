"""How many parts a text message takes: a table of the GSM 7-bit alphabet, and a count.

Sources: 3GPP TS 23.038 (the alphabet); User Guide, SMS character limits (the sizes). Pure.

    >>> parts("Hello"), parts("a" * 161), parts("日" * 71)
    (1, 2, 2)
"""

from __future__ import annotations

__all__ = ["parts"]

#: The basic alphabet, but for the escape to the extension, which no text has.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: The extension: each of these takes two places.
_EXTENDED = frozenset("\f^{}\\[~]|€")
_ALL = _BASIC | _EXTENDED

#: Characters of a message that is one part, and of a part of several.
_GSM = (160, 153)
_UCS2 = (70, 67)


def parts(text: str) -> int:
    """Return how many parts a text takes; one without characters takes one.

    A character that takes two places is never split between parts.
    """
    if _ALL.issuperset(text):
        widths = [2 if character in _EXTENDED else 1 for character in text]
        single, several = _GSM
    else:  # UTF-16 counts, in which an emoji takes two
        widths = [2 if character > "\uffff" else 1 for character in text]
        single, several = _UCS2
    if sum(widths) <= single:
        return 1
    count, room = 1, several
    for width in widths:
        if width > room:
            count, room = count + 1, several
        room -= width
    return count
