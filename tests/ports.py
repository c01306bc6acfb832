"""Ports for tests that must know one before anybody listens there.

A port that is chosen, let go and opened again may be somebody else's by then. This one is held: the
system gives it to nobody who asks for any port, connections to it are refused, and a server that is
told to listen there can, since servers reuse addresses.
"""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["held_port"]


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port of 127.0.0.1 on which nobody listens."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]
