"""Opening the port, and saying in a sentence why it cannot be opened."""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server.access.local_only import is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BACKLOG", "Address", "listening"]

#: Clients that the system lets wait until a worker takes them.
BACKLOG = 512


@attrs.frozen
class Address:
    """Where the server listens.

    Attributes:
        host: the number of the address.
        port: the port.
    """

    host: str
    port: int

    @property
    def url(self) -> str:
        """What a client on this machine puts before a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@contextmanager
def listening(host: str, port: int, *, local_only: bool) -> Iterator[socket.socket]:
    """Open a port; closes it at the end.

    Args:
        host: the name or number of an address of this machine.
        port: the port; 0 for one that is free.
        local_only: only loopback addresses will do.

    Raises:
        ConfigurationError: it cannot be opened, or may not be; the message says what to do.
    """
    if not host.strip():
        raise ConfigurationError(
            "the host is empty: give an address of this machine, such as 127.0.0.1, or 0.0.0.0 for"
            " all that it has"
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"the host {host} is not known here: give an address of this machine, such as 127.0.0.1"
        ) from None
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    if local_only and not is_loopback(str(address[0]).partition("%")[0]):
        raise ConfigurationError(
            f"{host} can be reached from other machines, and anybody there could read and change"
            " everything: name the access keys that may come in with --credentials FILE, or serve"
            " on 127.0.0.1"
        )
    try:
        listener = socket.create_server(address[:2], family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(_why_not(error, host, port)) from None
    with listener:
        listener.set_inheritable(True)
        yield listener


def _why_not(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} of {host} is taken: stop what uses it, or give another port (0 takes one"
            " that is free)"
        )
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that this user does not have: give one above 1023"
    return f"cannot listen at {host} port {port} ({error.strerror}): give another host or port"
