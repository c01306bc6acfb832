"""Who may come in when there are no credentials: programs of this machine, and no web pages.

A browser on this machine lets any page send requests to loopback. Pages elsewhere show themselves
by their `Origin`; those that have their own name point here (DNS rebinding), by the `Host`.
"""

from __future__ import annotations

import functools
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pinpoint_kit.server import refusals

if TYPE_CHECKING:
    from pinpoint_kit.server.head import Head

__all__ = ["check_local", "is_local", "is_loopback"]


@functools.lru_cache(maxsize=256)  # the same few names, in every request
def is_loopback(host: str) -> bool:
    """Return whether a host, without its port, is this machine by its name or number."""
    name = host.strip("[]").rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def is_local(head: Head) -> bool:
    """Return whether neither the `Host` nor the `Origin` is another machine's."""
    return _has_local_host(head) and _has_local_origin(head)


def check_local(head: Head) -> None:
    """Refuses, on a server without credentials, what a web page of another host has sent.

    Raises:
        HttpRefusal: the `Host` or the `Origin` is not on this machine.
    """
    if not _has_local_host(head):
        raise refusals.not_here(
            "Without credentials this server answers as localhost only: use its loopback address"
            " as the URL, or start it with --credentials"
        )
    if not _has_local_origin(head):
        raise refusals.not_here(
            "Without credentials this server answers no web page of another host: start it with"
            " --credentials"
        )


def _has_local_host(head: Head) -> bool:
    if "host" not in head.headers:  # HTTP/1.0 may go without; no browser does
        return True
    return is_loopback(_host_of(f"//{head.header('host')}"))


def _has_local_origin(head: Head) -> bool:
    return "origin" not in head.headers or is_loopback(_host_of(head.header("origin")))


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
