"""From a URL to a botocore client: hosted, over HTTP, or answered by the engine in this process.

What a URL needs is loaded when it is opened: importing this room loads neither botocore nor the
engine. Calls, retries and errors are the transport's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pinpoint_kit.doors.destinations import (
    GivenDestinations,
    StreamOptions,
    open_destinations,
    parse_destinations,
)
from pinpoint_kit.doors.door import Door
from pinpoint_kit.doors.engagement import (
    EngagementOptions,
    GivenHooks,
    GivenTransports,
    open_hooks,
    open_transports,
    parse_hooks,
    parse_transports,
)
from pinpoint_kit.doors.locations import open_files, open_objects, open_served_files
from pinpoint_kit.doors.urls import FORMS, is_engine, scheme_of, shown
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from datetime import timedelta

    import boto3
    import botocore.session
    from botocore.client import BaseClient

    from pinpoint_kit.engine import Request, Response
    from pinpoint_kit.limits import Limits

__all__ = [
    "DEFAULT_URL",
    "Door",
    "EngagementOptions",
    "GivenDestinations",
    "GivenHooks",
    "GivenTransports",
    "StreamOptions",
    "client_of",
    "is_engine",
    "open_destinations",
    "open_door",
    "open_files",
    "open_hooks",
    "open_objects",
    "open_served_files",
    "open_transports",
    "parse_destinations",
    "parse_hooks",
    "parse_transports",
]

DEFAULT_URL = "sqlite:///pinpoint.db"
#: Options of the server in place of those of `connect`.
_SERVED_AS = {
    "destinations": "--destination",
    "keep_events": "--keep-events",
    "stream_backlog": "--stream-backlog",
    "stream_form": "--stream-version",
    "stream_tries": "--stream-tries",
    "stream_age": "--stream-age",
    "stream_dead_letters": "--stream-dead-letters",
    "transports": "--transport",
    "hooks": "--hook",
    "catch_up": "--no-catch-up",
    "keep_messages": "--keep-messages",
}


def open_door(  # noqa: PLR0913 -- what `connect` takes
    url: str,
    *,
    limits: Limits,
    session: boto3.session.Session | botocore.session.Session | None = None,
    timeout: float = 10.0,
    keep_events: timedelta | None = None,
    destinations: GivenDestinations | None = None,
    streams: StreamOptions | None = None,
    engagement: EngagementOptions | None = None,
) -> Door:
    """Open what a URL names.

    Args:
        url: `sqlite:///FILE`, `postgresql://USER@HOST/DATABASE`,
            `http(s)://HOST:PORT[?region=REGION]` or `aws://REGION[?profile=NAME]`.
        limits: what the embedded engine enforces.
        session: a boto3 or botocore session to take credentials and settings from.
        timeout: seconds that a request may take in all (and at most 5 for a connection).
        keep_events: how old events of the embedded engine may become.
        destinations: where the embedded engine sends event streams.
        streams: how their records look, and their bounds.
        engagement: what takes its messages away, and what its campaigns call.

    Raises:
        ConfigurationError: the URL is malformed or of an unknown kind.
        StoreError: the engine cannot use its database.
    """
    scheme = scheme_of(url)
    if is_engine(url):
        from pinpoint_kit.doors.embedded import open_engine  # noqa: PLC0415 -- loads the engine

        if session is not None:
            raise ConfigurationError("session given for the embedded engine: leave it out")
        place = scheme + url[len(scheme) :]
        return open_engine(
            place,
            limits=limits,
            timeout=timeout,
            keep_events=keep_events,
            destinations=destinations or {},
            streams=streams or {},
            engagement=engagement or {},
        )
    of_the_engine = [
        *(["destinations"] if destinations else []),
        *(["keep_events"] if keep_events is not None else []),
        *(streams or {}),
        *(engagement or {}),
    ]
    for name in of_the_engine:
        more = f", and give a server of yours {_SERVED_AS[name]}" if name in _SERVED_AS else ""
        raise ConfigurationError(f"{name} is an option of the embedded engine: leave it out{more}")
    if scheme in {"http", "https", "aws"}:
        from pinpoint_kit.doors import hosted  # noqa: PLC0415 -- loads botocore

        open_hosted = hosted.open_aws if scheme == "aws" else hosted.open_http
        return open_hosted(url, session, timeout)
    raise ConfigurationError(f"unknown URL scheme {scheme!r} in {shown(url)}: {FORMS}")


class Answering(Protocol):
    """What answers requests as an engine does."""

    def handle(self, request: Request, /) -> Response:
        """Answer a request."""


def client_of(engine: Answering, *, timeout: float = 10.0) -> BaseClient:
    """Make a botocore client that an engine of this process answers.

    Args:
        engine: what answers, an engine or what stands in front of one; it stays the caller's.
        timeout: seconds, for the client's configuration.
    """
    from pinpoint_kit.doors.embedded import client_answered_by  # noqa: PLC0415 -- loads botocore

    return client_answered_by(engine.handle, timeout=timeout)
