"""`--country`: an ISO 3166-1 code of two letters, as Pinpoint's `Location.Country` holds them.

A name would be stored, or looked for, without an error, and never match; so it is refused together
with the code to write.
"""

from __future__ import annotations

import click

__all__ = ["COUNTRY"]

_LETTERS = 2
#: What people write that is no code of ISO 3166-1, although it looks like one.
_ASIDE = {"UK": "GB", "EL": "GR"}


class _Country(click.ParamType[str]):
    name = "code"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the code in capital letters.

        Raises:
            click.BadParameter: it is no code; the message says which to write.
        """
        text = value.strip()
        code = text.upper()
        is_code = len(code) == _LETTERS and code.isascii() and code.isalpha()
        if is_code and code not in _ASIDE:
            return code
        known = _ASIDE.get(code) or _code_of(text)
        remedy = f"write {known}" if known else "write the two letters of ISO 3166-1, such as PT"
        return self.fail(f"{text!r} is no country code: {remedy}", param, ctx)


def _code_of(name: str) -> str:
    """Return the code of a country's name or its code of three letters, "" for others."""
    try:
        import pycountry  # noqa: PLC0415 -- reads its lists, and only a mistake needs them
    except ImportError:
        return ""
    try:
        return str(pycountry.countries.lookup(name).alpha_2)
    except LookupError:
        return ""


COUNTRY = _Country()
