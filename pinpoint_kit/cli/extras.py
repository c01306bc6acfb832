"""Parts of the package that need an extra: imported when used, or a sentence how to get it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from pinpoint_kit.errors import ConfigurationError

__all__ = ["server_part"]

_SERVER = frozenset({"h11", "prometheus_client", "uvicorn"})


def server_part(name: str) -> Any:  # noqa: ANN401 -- a module that is not there without its extra
    """Import a module of `pinpoint_kit.server`.

    Raises:
        ConfigurationError: the extra `server` is not installed.
    """
    try:
        return import_module(f"pinpoint_kit.server.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _SERVER:
            raise
        raise ConfigurationError(
            "the server needs uvicorn and prometheus-client: pip install 'pinpoint-kit[server]'"
        ) from None
