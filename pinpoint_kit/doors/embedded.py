"""The engine in this process, and a botocore client that a function answers.

This is the one place where the SDK and the engine meet, and they meet on the wire: the engine
answers the client's `before-send` event.
"""

# ruff: noqa: TC004 -- these are no models: nothing resolves their types at run time
from __future__ import annotations

import contextlib
import io
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import botocore.session
from botocore.awsrequest import AWSResponse

from pinpoint_kit.doors.background import BackgroundWork
from pinpoint_kit.doors.destinations import open_destinations
from pinpoint_kit.doors.door import Door
from pinpoint_kit.doors.engagement import open_hooks, open_transports
from pinpoint_kit.doors.locations import open_files, open_objects
from pinpoint_kit.doors.sessions import DEFAULT_REGION, bare_session, client_config, loader
from pinpoint_kit.doors.uninterrupted import Uninterrupted
from pinpoint_kit.doors.urls import shown
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import timedelta

    from botocore.awsrequest import AWSPreparedRequest
    from botocore.client import BaseClient

    from pinpoint_kit.doors.destinations import GivenDestinations, StreamOptions
    from pinpoint_kit.doors.engagement import EngagementOptions
    from pinpoint_kit.engine import Request, Response
    from pinpoint_kit.limits import Limits

__all__ = ["IN_PROCESS", "answer_in_process", "answered", "client_answered_by", "open_engine"]

#: Requests to the engine never leave the process; this name cannot be resolved if one did.
IN_PROCESS = "http://engine.invalid"


def open_engine(  # noqa: PLR0913 -- what `connect` takes
    url: str,
    *,
    limits: Limits,
    timeout: float,
    keep_events: timedelta | None,
    destinations: GivenDestinations,
    streams: StreamOptions,
    engagement: EngagementOptions,
) -> Door:
    """Open the engine on a database, and a client that it answers.

    Raises:
        ConfigurationError: the URL is malformed, `keep_events` too short, or a destination, a
            bound of streams, a transport or a hook wrong.
        StoreError: the engine cannot use its database.
    """
    from pinpoint_kit.engine import Engine  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    if url.startswith("sqlite:"):
        _check_file_url(url)
    objects = open_objects()
    with contextlib.ExitStack() as closing:
        opened = open_destinations(destinations)
        for destination in (each for several in opened.values() for each in several):
            closing.callback(destination.close)
        transports = open_transports(engagement.get("transports", {}))
        for transport in transports.values():
            closing.callback(transport.close)
        hooks = open_hooks(engagement.get("hooks", {}))
        for hook in hooks.values():
            closing.callback(hook.close)
        engine = Engine.open(
            url,
            limits=limits,
            files=open_files(objects),
            keep_events=keep_events,
            destinations=opened,
            **streams,
            transports=transports,
            hooks=hooks,
            catch_up=engagement.get("catch_up", True),
            keep_messages=engagement.get("keep_messages"),
        )
        closing.pop_all()  # they are the engine's now
    calls = Uninterrupted()
    try:
        client = client_answered_by(
            lambda request: calls.run(lambda: engine.handle(request)), timeout=timeout
        )
    except BaseException:
        engine.close()
        raise
    left_out = set() if engagement.get("runs_campaigns", True) else {"campaigns"}
    work = [
        BackgroundWork(lane, lane.pause_s) for lane in engine.lanes if lane.name not in left_out
    ]
    place = url if url.startswith("sqlite:") else shown(url).strip("'")  # without a password
    return Door(client, "engine", place, engine, objects, long_work=work, calls=calls)


def _check_file_url(url: str) -> None:
    location = url.partition("://")[2]
    if location[:1] not in {"", "/", "?"}:
        raise ConfigurationError(
            f"a sqlite URL has no host: {shown(url)}: write sqlite:///FILE with three slashes, or"
            " four before an absolute path"
        )
    if "?" in url:
        raise ConfigurationError(f"a sqlite URL takes no parameters: {shown(url)}: leave them out")


def client_answered_by(
    answer: Callable[[Request], Response], *, timeout: float = 10.0, url: str = IN_PROCESS
) -> BaseClient:
    """Make a client whose requests a function answers, in place of the network.

    It needs nothing of the machine's AWS settings, so none of them can break it.

    Args:
        answer: gets every request, and may raise errors of botocore.
        timeout: seconds, for the client's configuration.
        url: what the client takes for its server; nothing is sent there.
    """
    isolated = {
        name: (None, None, default, conversion)
        for name, (_, _, default, conversion) in botocore.session.Session.SESSION_VARIABLES.items()
    }
    for file in ("config_file", "credentials_file"):
        isolated[file] = (None, None, os.devnull, None)
    session = bare_session(session_vars=isolated)
    session.register_component("data_loader", loader())
    client = session.create_client(
        "pinpoint",
        region_name=DEFAULT_REGION,
        endpoint_url=url,
        verify=True,  # and no look at the environment for certificates
        config=client_config(timeout, unsigned=True),
    )
    answer_in_process(client, answer)
    return client


def answer_in_process(client: BaseClient, answer: Callable[[Request], Response]) -> None:
    """Have a function answer a client's requests from now on, in place of the network."""
    client.meta.events.register_first(
        "before-send.pinpoint",
        _Answers(answer),  # type: ignore[arg-type]  # the stubs deny what botocore documents
    )


@attrs.frozen
class _Answers:
    """Handle a client's `before-send`: a request in, an answer out, no network."""

    answer: Callable[[Request], Response]

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        from pinpoint_kit.engine import Request  # noqa: PLC0415 -- as above

        url = urlsplit(request.url)
        body: Any = request.body or b""
        response = self.answer(
            Request(
                method=request.method,
                path=url.path,
                query=url.query,
                headers={name.lower(): _text(value) for name, value in request.headers.items()},
                body=body.encode() if isinstance(body, str) else bytes(body),
            )
        )
        return answered(request.url, response)


def answered(url: str, response: Response) -> AWSResponse:
    """Return an answer as botocore reads it."""
    return AWSResponse(
        url,
        response.status,
        dict(response.headers),  # type: ignore[arg-type]  # the stubs want http.client's
        _Raw(response.body),
    )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _Raw(io.BytesIO):
    """What botocore reads an answer from: urllib3's response, as far as it is used."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield all of the body."""
        while content := self.read():
            yield content
