"""`/healthz`, `/readyz` and `/metrics`: what supervisors and monitors ask.

They are no part of Pinpoint's API, and stay out of the access log and the metrics.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.engine.wire.http import Request, Response
from pinpoint_kit.server import refusals
from pinpoint_kit.server.metrics import CONTENT_TYPE
from pinpoint_kit.server.refusals import HttpRefusal

if TYPE_CHECKING:
    from pinpoint_kit.engine import Engine
    from pinpoint_kit.engine.wire.routes import Match
    from pinpoint_kit.server.access.admission import AccessControl
    from pinpoint_kit.server.head import Head
    from pinpoint_kit.server.metrics import Metrics

__all__ = ["Probes"]

_logger = logging.getLogger(__name__)

_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
#: A load balancer's own patience is about as long.
_READY_WITHIN_S = 5.0
_OK = 200
_UNAVAILABLE = 503


class Probes:
    """Answers the three paths.

    Attributes:
        is_stopping: set it when the server is not to get any more requests.
    """

    def __init__(self, engine: Engine, metrics: Metrics, access: AccessControl) -> None:
        self._engine = engine
        self._metrics = metrics
        self._access = access
        self._check: asyncio.Future[Response] | None = None
        self.is_stopping = False

    async def answer(self, head: Head, peer: str, match: Match) -> Response | None:
        """Return the answer, or None when the path is not one of these."""
        if head.path not in _PATHS:
            return None
        if head.method not in {"GET", "HEAD"}:
            message = "This resource answers GET,HEAD"
            return refusals.answer(405, "MethodNotAllowedException", message)
        if head.path == "/metrics":
            try:
                self._access.check_metrics_client(head, peer, match)
            except HttpRefusal as refused:
                return refused.response
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, self._exposed)
        problem = await self._problem() if head.path == "/readyz" else ""
        if problem:
            return _json(_UNAVAILABLE, {"status": "unavailable", "reason": problem})
        return _json(_OK, {"status": "ok"})

    def _exposed(self) -> Response:
        """Return the numbers; those of streams only where the database answers."""
        try:
            lags = self._engine.stream_lags()
        except Exception as error:  # noqa: BLE001 -- the other numbers are needed all the more
            _logger.error("how far event streams are is not known: %s", type(error).__name__)  # noqa: TRY400 -- a traceback would hold personal data
            lags = {}
        return _response(_OK, CONTENT_TYPE, self._metrics.exposition(lags))

    async def _problem(self) -> str:
        if self.is_stopping:
            return "stopping"
        if self._check is None or self._check.done():  # many probes share one question
            request = Request("GET", "/v1/apps", "page-size=1")
            loop = asyncio.get_running_loop()
            self._check = loop.run_in_executor(None, self._engine.handle, request)
        done, _ = await asyncio.wait([self._check], timeout=_READY_WITHIN_S)
        if not done:
            return "the engine does not answer in time"
        return "" if self._check.result().status == _OK else "the engine refuses"


def _json(status: int, value: object) -> Response:
    return _response(status, "application/json", orjson.dumps(value))


def _response(status: int, content_type: str, body: bytes) -> Response:
    headers = {
        "Content-Type": content_type,
        "Cache-Control": "no-store",
        "x-amzn-RequestId": str(uuid.uuid4()),
    }
    return Response(status, headers, body)
