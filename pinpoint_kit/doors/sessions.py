"""Sessions of botocore and what our clients have in common: configuration and one service model."""

from __future__ import annotations

import copy
import functools
import os
from typing import Any

import botocore
import botocore.loaders
import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.hooks import HierarchicalEmitter

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.version import VERSION

__all__ = [
    "CONNECTIONS",
    "DEFAULT_REGION",
    "bare_session",
    "client_config",
    "core_session",
    "loader",
    "new_session",
]

DEFAULT_REGION = "us-east-1"
#: Connections that a client keeps open for its threads, at most. botocore's 10 would have every
#: further thread connect anew for each request; they are opened when they are needed only.
CONNECTIONS = 256


def core_session(session: Any) -> botocore.session.Session:  # noqa: ANN401 -- boto3's or botocore's
    """Return the botocore session in one of boto3, or a new one when there is none.

    Raises:
        ConfigurationError: it is no session.
    """
    if session is None:
        return new_session()
    # boto3 wraps a botocore session and shows it under this name.
    core = getattr(session, "_session", session)
    if not isinstance(core, botocore.session.Session):
        raise ConfigurationError(
            f"session is a {type(session).__name__}: pass a boto3 or botocore session"
        )
    return core


def client_config(timeout: float, *, unsigned: bool) -> Config:
    """Return the configuration of our own clients: one try, since retries are the transport's."""
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},  # ours are in the transport
        connect_timeout=min(5.0, timeout),
        read_timeout=timeout,
        max_pool_connections=CONNECTIONS,
        # A finished text: botocore would put its own together at every request, twice.
        user_agent=f"pinpoint_kit/{VERSION} botocore/{botocore.__version__}",
        **({"signature_version": UNSIGNED} if unsigned else {}),
    )


@functools.cache
def loader(data_path: str | None = None) -> botocore.loaders.Loader:
    """Read the service model, 10 MB in memory, once a process instead of once a client."""
    return botocore.loaders.create_loader(data_path)


@functools.cache
def _handlers() -> HierarchicalEmitter:
    """Register botocore's own handlers once a process: that takes longer than a copy of them."""
    hooks = HierarchicalEmitter()
    botocore.session.Session(event_hooks=hooks)
    return hooks


def bare_session(**settings: Any) -> botocore.session.Session:  # noqa: ANN401 -- botocore's
    """Make a session without a service model.

    Args:
        settings: as `botocore.session.Session` takes them: a `profile`, or `session_vars`.
    """
    return botocore.session.Session(
        event_hooks=copy.copy(_handlers()), include_builtin_handlers=False, **settings
    )


def new_session(profile: str | None = None) -> botocore.session.Session:
    """Make a session of this machine's settings, which shares the service model with others."""
    core = bare_session(profile=profile)
    core.register_component("data_loader", loader(os.environ.get("AWS_DATA_PATH")))
    return core
