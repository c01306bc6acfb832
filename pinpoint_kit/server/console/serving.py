"""Serves a console by itself, on this machine, until it is stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import uvicorn

from pinpoint_kit.server.listening import BACKLOG, Address, listening
from pinpoint_kit.server.run import stopped_by_signals

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.server.console.app import Console

__all__ = ["serve_console"]

_MOST_REQUESTS = 64
_MOST_HEAD_BYTES = 32_768
_STOP_S = 3


def serve_console(
    console: Console, host: str, port: int, on_start: Callable[[Address], object]
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        console: what answers.
        host: a loopback address.
        port: the port; 0 for one that is free.
        on_start: called when the port is open.

    Raises:
        ConfigurationError: the address or the port cannot be used.
    """
    with listening(host, port, local_only=True) as listener, stopped_by_signals():
        on_start(Address(*listener.getsockname()[:2]))
        settings = uvicorn.Config(
            console,
            http="h11",
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            limit_concurrency=_MOST_REQUESTS,
            h11_max_incomplete_event_size=_MOST_HEAD_BYTES,
            timeout_graceful_shutdown=_STOP_S,
        )
        uvicorn.Server(settings).run(sockets=[listener])
