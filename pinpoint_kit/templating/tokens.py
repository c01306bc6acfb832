"""The text of a template cut into text and tags, and a tag's inside into words.

Only the shape of words is known here; what they mean is in templating/parsing.py. Every pattern
reads each character once, whatever it is given.
"""

from __future__ import annotations

import re

import attrs

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating.bounds import MAX_DIGITS

__all__ = ["WHITESPACE", "Cursor", "Word", "error_at", "next_tag"]

#: What counts as whitespace in a template, as in JavaScript.
WHITESPACE = (
    " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)

_ID = r"[^\s!\"#%&'()*+,./;<=>@\[\\\]^`{|}~]+"
_PART = rf"(?:\.\.?(?=[\s/=~}})|])|{_ID}|\[(?:\\\]|[^\]])*\])"
_WORD = re.compile(
    rf"""\s*(?:
      (?P<close>(?:\}}~?|~)?\}}\}})
    | (?P<double>"(?:[^"\\]|\\"|\\(?!"))*")
    | (?P<single>'(?:[^'\\]|\\'|\\(?!'))*')
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?=[\s~}})|]))
    | (?P<names>as\s+\|)
    | (?P<path>@?{_PART}(?:[./]{_PART})*)
    | (?P<sign>[()=|])
    )""",
    re.VERBOSE,
)


@attrs.frozen
class Word:
    """One word of a tag.

    Attributes:
        kind: text, number, path, names (`as |`), a sign by itself, or close.
        text: its value; as it is written, for a path.
        at: where it begins.
    """

    kind: str
    text: str
    at: int


def error_at(text: str, at: int, message: str) -> TemplateError:
    """Return an error with the line and the column of an offset, both from 1."""
    before = text[:at]
    line = before.count("\n") + 1
    return TemplateError(message, line=line, column=at - (before.rfind("\n") + 1) + 1)


class Cursor:
    """Reads the words of one tag, one after the other."""

    def __init__(self, text: str, at: int, opened: int) -> None:
        self.text = text
        self.at = at
        self._opened = opened
        self.word = self._read()

    def take(self) -> Word:
        """Return the current word, and go on to the next."""
        word = self.word
        if word.kind != "close":
            self.word = self._read()
        return word

    def error(self, message: str) -> TemplateError:
        """Return an error at the current word."""
        return error_at(self.text, self.word.at, message)

    def _read(self) -> Word:
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise self._unreadable()
        self.at = match.end()
        kind = match.lastgroup or ""
        found = match[kind]
        at = match.start(kind)
        if kind in {"double", "single"}:
            quote = found[0]
            return Word("text", found[1:-1].replace("\\" + quote, quote), at)
        if kind == "number" and max(map(len, found.lstrip("-").split("."))) > MAX_DIGITS:
            raise error_at(self.text, at, f"a number has at most {MAX_DIGITS} digits: shorten it")
        return Word(found if kind == "sign" else kind, found, at)

    def _unreadable(self) -> TemplateError:
        rest = self.text[self.at :].lstrip()
        if not rest:
            return error_at(self.text, self._opened, "the tag never ends: close it with }}")
        at = len(self.text) - len(rest)
        if rest[0] in "\"'[":
            return error_at(self.text, at, f"{rest[0]} is opened and never closed: close it")
        return error_at(
            self.text, at, f"{rest[0]!r} cannot stand in a tag: put names that hold it in [ ]"
        )


def next_tag(text: str, at: int) -> tuple[str, int]:
    r"""Return the text up to the next tag, and the offset of the tag's `{{`, -1 when there is none.

    `\{{` is text; `\\{{` is one backslash and a tag.
    """
    start = at
    held: list[str] = []
    while (found := text.find("{{", at)) >= 0:
        slashes = 0
        while slashes < 2 and found - slashes > start and text[found - slashes - 1] == "\\":  # noqa: PLR2004 -- two are enough to know
            slashes += 1
        if slashes == 1:  # the braces are text
            held.append(text[start : found - 1])
            start, at = found, found + 2
            continue
        held.append(text[start : found - (slashes > 0)])
        return "".join(held), found
    held.append(text[start:])
    return "".join(held), -1
