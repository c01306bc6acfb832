"""Destinations of event streams, as they are given to the embedded engine and to our server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias, TypedDict

from pinpoint_kit.doors.opening import opened_once
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import timedelta

    from pinpoint_kit.records.destination import Destination
    from pinpoint_kit.records.stream import StreamForm

__all__ = ["GivenDestinations", "StreamOptions", "open_destinations", "parse_destinations"]

#: By what each is for: one or several URLs or objects.
GivenDestinations: TypeAlias = "Mapping[str, str | Destination | Sequence[str | Destination]]"


class StreamOptions(TypedDict, total=False):
    """How the embedded engine writes and keeps the records of event streams; see `Engine.open`.

    Attributes:
        stream_form: how records look.
        stream_backlog: how many records of an application may wait.
        stream_age: how long a record may wait.
        stream_tries: how often a record that is refused is sent.
        stream_dead_letters: how many dead letters an application may have.
    """

    stream_form: StreamForm
    stream_backlog: int
    stream_age: timedelta
    stream_tries: int
    stream_dead_letters: int


#: An ARN, an id or a name, and a URL.
_PAIR = re.compile(r"(?P<key>.+?)=(?P<url>[A-Za-z][A-Za-z0-9+.-]*://.*)", re.DOTALL)


def parse_destinations(given: Sequence[str]) -> dict[str, list[str]]:
    """Return the URLs of `ARN_OR_APPLICATION=URL`, by what they are for.

    Raises:
        ConfigurationError: one is not of this form.
    """
    found: dict[str, list[str]] = {}
    for each in given:
        match = _PAIR.fullmatch(each)
        if match is None:
            raise ConfigurationError(
                "a destination is ARN=URL or APPLICATION=URL, for example"
                " shop=file:///var/events; it was given without one of them"
            )
        found.setdefault(match["key"], []).append(match["url"])
    return found


def open_destinations(given: GivenDestinations) -> dict[str, list[Destination]]:
    """Open the URLs among some destinations; one that is given twice is opened once.

    Raises:
        ConfigurationError: a URL cannot be used, or a value is neither a URL nor a destination.
    """
    if not given:
        return {}
    from pinpoint_kit.destinations import open_destination  # noqa: PLC0415 -- loaded when used

    found: dict[str, list[Destination]] = {}
    with opened_once(open_destination) as opened:
        for key, value in given.items():
            several = value if isinstance(value, list | tuple) else [value]
            found[key] = [
                opened(each) if isinstance(each, str) else _checked(key, each) for each in several
            ]
    return {key: several for key, several in found.items() if several}


def _checked(key: str, given: object) -> Destination:
    if not callable(getattr(given, "send", None)):
        raise ConfigurationError(
            f"the destination for {key!r} is a {type(given).__name__}: give a URL, or an object"
            " with the members of Destination"
        )
    destination: Destination = given  # type: ignore[assignment]  # it has `send`
    return destination
