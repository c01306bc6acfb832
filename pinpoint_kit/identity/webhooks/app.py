"""The ASGI app that providers send their events to.

It answers 2xx only when the events are accepted, so that a provider sends again what was not. It
holds no rule of a provider: who may send is in `senders`, what a record means in its table.
Starlette (extra `identity`) is imported when the app is made.
"""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.identity.importing.files import GZIP, Unreadable, documents
from pinpoint_kit.identity.importing.source_readings import Provider, reader_of
from pinpoint_kit.identity.webhooks.senders import SenderCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

    from pinpoint_kit.identity.importing.importer import Importer

__all__ = ["Webhook", "webhook_app"]

_LOG = logging.getLogger("pinpoint_kit.identity.webhooks")
_CHALLENGE = "x-okta-verification-challenge"
_LONGEST_CHALLENGE = 1_000
#: Requests that may wait for their turn: more are asked to come again.
_MOST_WAITING = 64
_RETRY_AFTER = {"Retry-After": "5"}


@attrs.frozen
class Webhook:
    """A provider that may send.

    Args:
        provider: its name, its table, or a function that reads a record.
        check: tells whether a request comes from it.

    Raises:
        ConfigurationError: there is no such provider.
    """

    provider: Provider
    check: SenderCheck

    def __attrs_post_init__(self) -> None:
        reader_of(self.provider)


def webhook_app(
    importer: Importer,
    webhooks: Mapping[str, Webhook],
    *,
    max_body_bytes: int = 5_000_000,
) -> Starlette:
    """Return an ASGI app that records what providers send to it.

    Okta's one-time verification is answered. A request whose sender is not genuine gets 401, one
    that is too large 413, one that is no JSON 400. While the events cannot be recorded it gets 503,
    and the provider sends them again.

    Args:
        importer: records the events; the app uses it for one request at a time.
        webhooks: path, such as `/okta`, to what may send there.
        max_body_bytes: the largest body.

    Returns:
        The app, for any ASGI server; mount it where TLS ends.

    Raises:
        ConfigurationError: a path does not begin with `/`, or the extra `identity` is missing.

    Examples:
        >>> import pinpoint_kit as pk
        >>> from pinpoint_kit import identity
        >>> with pk.connect("sqlite://") as pinpoint:
        ...     app = identity.webhook_app(
        ...         identity.Importer(pinpoint, key="0123456789abcdef"),
        ...         {"/okta": identity.Webhook("okta", identity.Authorization("a long secret"))},
        ...     )
    """
    try:
        from starlette.applications import Starlette  # noqa: PLC0415 -- an extra
        from starlette.routing import Route  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError:
        raise ConfigurationError(
            "starlette is missing, which receives webhooks: pip install 'pinpoint-kit[identity]'"
        ) from None
    for path in webhooks:
        if not path.startswith("/"):
            raise ConfigurationError(f"the webhook's path {path!r} must begin with /")
    receiver = _Receiver(importer, max_body_bytes)
    return Starlette(
        routes=[
            Route(path, receiver.endpoint(webhook), methods=["GET", "POST"])
            for path, webhook in webhooks.items()
        ]
    )


class _Receiver:
    """What the routes of one app share."""

    def __init__(self, importer: Importer, max_body_bytes: int) -> None:
        import anyio  # noqa: PLC0415 -- comes with starlette

        self._importer = importer
        self._max_body_bytes = max_body_bytes
        self._limiter_of = anyio.CapacityLimiter
        self._limiter: anyio.CapacityLimiter | None = None

    def endpoint(self, webhook: Webhook) -> _Endpoint:
        """Return what answers at the path of one webhook."""
        return _Endpoint(self, webhook)

    async def body(self, request: Request) -> bytes | None:
        """Return the body; None when it is too large."""
        given = request.headers.get("content-length", "0")
        if given.isdecimal() and int(given[:20]) > self._max_body_bytes:
            return None
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > self._max_body_bytes:
                return None
        return bytes(body)

    async def record(self, records: list[object], provider: Provider) -> int:
        """Record, one request after the other; return the status of the answer."""
        import anyio.to_thread  # noqa: PLC0415 -- comes with starlette

        if self._limiter is None:  # made here, where there is an event loop
            self._limiter = self._limiter_of(1)
        if self._limiter.statistics().tasks_waiting >= _MOST_WAITING:
            return 503
        try:
            await anyio.to_thread.run_sync(
                self._importer.load, records, provider, limiter=self._limiter
            )
        except PinpointKitError as error:
            _LOG.error("webhook events not recorded: %s", type(error).__name__)
            return 503
        return 204


class _Endpoint:
    """Answers the requests of one provider."""

    def __init__(self, receiver: _Receiver, webhook: Webhook) -> None:
        self._receiver = receiver
        self._webhook = webhook

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        """Answer one request, as an ASGI app."""
        from starlette.requests import Request  # noqa: PLC0415 -- an extra

        request = Request(scope, receive)  # type: ignore[arg-type]
        response = await self._answer(request)
        await response(scope, receive, send)  # type: ignore[arg-type]

    async def _answer(self, request: Request) -> Response:
        from starlette.responses import JSONResponse, Response  # noqa: PLC0415 -- an extra

        if request.method != "POST":
            challenge = request.headers.get(_CHALLENGE, "")
            if self._is_okta() and 0 < len(challenge) <= _LONGEST_CHALLENGE:
                return JSONResponse({"verification": challenge})
            return Response(status_code=405, headers={"Allow": "POST"})
        body = await self._receiver.body(request)
        if body is None:
            return Response(status_code=413)
        if not self._webhook.check.is_genuine(dict(request.headers), body):
            return Response(status_code=401)
        records = _records(body)
        if not records or any(_is_no_json(record) for record in records):
            return Response(status_code=400)
        status = await self._receiver.record(records, self._webhook.provider)
        return Response(status_code=status, headers=_RETRY_AFTER if status == 503 else None)  # noqa: PLR2004 -- HTTP

    def _is_okta(self) -> bool:
        provider = self._webhook.provider
        name = provider if isinstance(provider, str) else getattr(provider, "name", "")
        return str(name).lower() == "okta"


def _records(body: bytes) -> list[object]:
    """Return the documents of a body; none of one that would be bounded only while compressed."""
    return [] if body.startswith(GZIP) else list(documents(io.BytesIO(body)))


def _is_no_json(record: object) -> bool:
    return isinstance(record, (Unreadable, str))
