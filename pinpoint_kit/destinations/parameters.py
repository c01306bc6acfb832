"""The parameters of a destination's URL, and the checks of what a destination is made with.

A parameter is taken once, by its name; what nobody has taken is unknown. No value is ever shown,
because any may be a secret.
"""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.system.private_files import PrivateFileError, private_text

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Parameters", "checked_number", "checked_seconds"]

_WORDS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
#: Whoever sends holds a lease that is renewed for 300 seconds: after that another engine may send
#: the same records.
_LONGEST_TIMEOUT = 240.0


class Parameters:
    """What stands behind the `?` of a URL.

    Args:
        query: the text.
        place: how errors call the URL.

    Raises:
        ConfigurationError: it is malformed, or names a parameter twice.
    """

    def __init__(self, query: str, place: str) -> None:
        self.place = place
        try:
            pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
        except ValueError:
            raise ConfigurationError(
                f"malformed parameters of {place}: write ?NAME=VALUE&NAME=VALUE"
            ) from None
        self._values = dict(pairs)
        if len(self._values) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise ConfigurationError(f"{place} has ?{twice}= twice: leave one of them out")

    def text(self, name: str) -> str | None:
        """Take a text; None where it is not given.

        Raises:
            ConfigurationError: it is empty.
        """
        value = self._values.pop(name, None)
        if value == "":
            raise ConfigurationError(f"?{name}= of {self.place} is empty: write a value")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Take a claim: true or false.

        Raises:
            ConfigurationError: it is neither.
        """
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in _WORDS:
            raise ConfigurationError(f"?{name}= of {self.place} is neither: write true or false")
        return _WORDS[text.lower()]

    def whole(self, name: str, default: int) -> int:
        """Take a whole number.

        Raises:
            ConfigurationError: it is none.
        """
        text = self.text(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdecimal() and len(text) < 16):  # noqa: PLR2004 -- bytes
            raise ConfigurationError(f"?{name}= of {self.place} is no number: write digits")
        return int(text)

    def seconds(self, name: str, default: float) -> float:
        """Take a duration in seconds.

        Raises:
            ConfigurationError: it is none.
        """
        text = self.text(name)
        if text is None:
            return default
        try:
            return float(text)
        except ValueError:
            raise ConfigurationError(
                f"?{name}= of {self.place} is no number: write seconds"
            ) from None

    def secret(self, name: str) -> str | None:
        """Take a secret from where `NAME_env` or `NAME_file` says; None where neither is given.

        Raises:
            ConfigurationError: both are given, or what they name is not there or not private.
        """
        variable, path = self.text(f"{name}_env"), self.text(f"{name}_file")
        if variable is not None and path is not None:
            raise ConfigurationError(f"give {name}_env or {name}_file to {self.place}, not both")
        if variable is not None:
            value = os.environ.get(variable)
            if not value:
                raise ConfigurationError(
                    f"?{name}_env={variable}: no such environment variable: set it"
                )
            return value
        if path is None:
            return None
        try:
            return private_text(Path(path)).strip()
        except PrivateFileError as error:
            raise ConfigurationError(str(error)) from None

    def rest(self) -> dict[str, str]:
        """Take all that nobody has taken."""
        values, self._values = self._values, {}
        return values

    def finish(self, known: Iterable[str]) -> None:
        """Refuse what nobody has taken.

        Raises:
            ConfigurationError: there is such a parameter.
        """
        if self._values:
            names = ", ".join(sorted(known))
            raise ConfigurationError(
                f"unknown parameter {next(iter(self._values))!r} of {self.place}: it takes {names}"
            )


def checked_number(name: str, value: int, least: int, most: int) -> int:
    """Return a number that is within its range.

    Raises:
        ConfigurationError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{name} must be from {least} to {most}: choose another number")
    return value


def checked_seconds(name: str, value: float) -> float:
    """Return a duration that can be waited for.

    Raises:
        ConfigurationError: it is not above 0, or above 240 seconds.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or not 0 < value <= _LONGEST_TIMEOUT:
        raise ConfigurationError(
            f"{name} must be above 0 and at most {_LONGEST_TIMEOUT:.0f} seconds: choose another one"
        )
    return float(value)
