"""Transports of messages and hooks of campaigns, as the engine and our server are given them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias, TypedDict, cast

from pinpoint_kit.doors.opening import opened_once
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import timedelta

    from pinpoint_kit.records.message import Channel, Hook, OutgoingMessage, Transport

__all__ = [
    "EngagementOptions",
    "GivenHooks",
    "GivenTransports",
    "open_hooks",
    "open_transports",
    "parse_hooks",
    "parse_transports",
]

#: By channel (`EMAIL`, `SMS`, `PUSH`): a URL, an object, or a function of one message.
GivenTransports: TypeAlias = "Mapping[str, str | Transport | Callable[[OutgoingMessage], object]]"
#: By the name, the ARN or the URL that a campaign says: a URL, an object, or a function of the
#: event, or of event and context.
GivenHooks: TypeAlias = "Mapping[str, str | Hook | Callable[..., object]]"

_CHANNELS: dict[str, Channel] = {"EMAIL": "EMAIL", "SMS": "SMS", "PUSH": "PUSH"}
_PAIR = re.compile(
    r"(?P<key>.+?)=(?P<url>(?:python:|lambda:|[A-Za-z][A-Za-z0-9+.-]*://).*)", re.DOTALL
)


class EngagementOptions(TypedDict, total=False):
    """What takes messages away, and what campaigns call; see `Engine.open`.

    Attributes:
        transports: what takes messages away, by channel.
        hooks: what campaigns may call, by the name, the ARN or the URL that a campaign says.
        catch_up: whether a run that was missed is made up for once.
        runs_campaigns: whether campaigns run in this process.
        keep_messages: how old messages of the outbox may become.
    """

    transports: GivenTransports
    hooks: GivenHooks
    catch_up: bool
    runs_campaigns: bool
    keep_messages: timedelta


def parse_transports(given: Sequence[str]) -> dict[str, str]:
    """Return the URLs of `CHANNEL=URL`, by channel.

    Raises:
        ConfigurationError: one is not of this form, or a channel stands there twice.
    """
    return _parsed(given, "transport", "CHANNEL=URL, for example EMAIL=smtp://localhost:1025")


def parse_hooks(given: Sequence[str]) -> dict[str, str]:
    """Return the URLs of `NAME=URL`, by the name, the ARN or the URL that campaigns say.

    Raises:
        ConfigurationError: one is not of this form, or a name stands there twice.
    """
    return _parsed(given, "hook", "NAME=URL, for example filter=python:shop.hooks:filter")


def open_transports(given: GivenTransports) -> dict[Channel, Transport]:
    """Open the URLs among some transports; one that is given twice is opened once.

    Raises:
        ConfigurationError: a URL cannot be used, a channel is none, or a value is no transport.
    """
    if not _is_any(given):
        return {}
    from pinpoint_kit.messaging import FunctionTransport, open_transport  # noqa: PLC0415 -- loaded when used

    def checked(key: str, value: object) -> Transport:
        if callable(getattr(value, "send", None)):
            return cast("Transport", value)
        if callable(value):
            return FunctionTransport(value)
        raise ConfigurationError(
            f"the transport for {key!r} is a {type(value).__name__}: give a URL, a function, or an"
            " object with the members of Transport"
        )

    with opened_once(open_transport) as opened:
        return {
            _channel(key): opened(value) if isinstance(value, str) else checked(key, value)
            for key, value in given.items()
        }


def open_hooks(given: GivenHooks) -> dict[str, Hook]:
    """Open the URLs among some hooks; one that is given twice is opened once.

    Raises:
        ConfigurationError: a URL cannot be used, or a value is no hook.
    """
    if not _is_any(given):
        return {}
    from pinpoint_kit.hooks import FunctionHook, open_hook  # noqa: PLC0415 -- loaded when used

    def checked(key: str, value: object) -> Hook:
        if callable(getattr(value, "call", None)):
            return cast("Hook", value)
        if callable(value):
            return FunctionHook(value, name=key)
        raise ConfigurationError(
            f"the hook for {key!r} is a {type(value).__name__}: give a URL, a function, or an"
            " object with the members of Hook"
        )

    with opened_once(open_hook) as opened:
        return {
            key: opened(value) if isinstance(value, str) else checked(key, value)
            for key, value in given.items()
        }


def _parsed(given: Sequence[str], kind: str, form: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        match = _PAIR.fullmatch(each)
        if match is None:
            raise ConfigurationError(f"a {kind} is {form}; it was given in another form")
        if match["key"] in found:
            raise ConfigurationError(
                f"there are two {kind}s for {match['key']}: leave one of them out"
            )
        found[match["key"]] = match["url"]
    return found


def _channel(key: str) -> Channel:
    if key.upper() not in _CHANNELS:
        raise ConfigurationError(
            f"there is no transport for {key!r}: name {', '.join(_CHANNELS)}; all kinds of push"
            " share one"
        )
    return _CHANNELS[key.upper()]


def _is_any(given: object) -> bool:
    """Return whether something is given."""
    if not isinstance(given, Mapping):
        raise ConfigurationError("transports and hooks are given by name: write {NAME: URL}")
    return bool(given)
