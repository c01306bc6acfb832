"""How the server behaves, as one value. What the engine enforces stands in limits.py."""

from __future__ import annotations

import attrs

from pinpoint_kit.validators import positive

__all__ = ["ServerOptions"]


@attrs.frozen(kw_only=True)
class ServerOptions:
    """What the server grants to a client; beyond that it refuses or hangs up.

    Those marked with an asterisk hold under `pinpoint-kit serve`. Under another server they are
    matters of that server's own settings.

    Args:
        max_in_flight: requests that may be in the engine or wait for it; one more is refused
            with 429.
        long_query_wait: seconds that a request for a long query (counting or listing the members of
            a segment) may wait for others to end; then it is refused with 503 and `Retry-After`.
        max_body_bytes_in_flight: bytes of the bodies of requests and of answers that may be in
            memory at once; a request that would need more is refused with 429. One body may be as
            long as `Limits.max_request_bytes` says. The answers to one access key take half of it
            at most. Before anybody is refused, clients are let go (*) that have not read a long
            answer for longest.
        max_head_bytes: bytes of the request line and all headers; above it is 431.
        max_headers: headers of a request; above it is 431.
        body_idle_timeout: seconds without a byte after which an unfinished body is given up with
            408.
        body_timeout: seconds after which it is given up in any case.
        head_timeout: * seconds for the request line and the headers.
        keep_alive_timeout: * seconds that a connection may wait for its next request. A proxy in
            front should give up sooner.
        write_timeout: * seconds in which a client must take 16 KB of a waiting answer, or all
            that is left of it.
        max_connections: * open connections. One more takes the place of the one that has waited
            longest for a request, or else of the one that has been sending its request for longest,
            and is refused when all requests are being answered.
        stop_timeout: * seconds that requests under way may take to finish when the server stops.
        worker_timeout: * seconds that the event loop of one of several workers, or of the console,
            may stand still; then its process is killed and replaced.
        local_only: refuse requests that come by a web page of another host: those whose `Host` is
            not this machine, and those with an `Origin` elsewhere. `pinpoint-kit serve` sets it
            when there are no credentials.
        access_log: write a line for each request to the logger `pinpoint_kit.server.access`.
        log_addresses: put the client's network address, which is personal data, into that line.

    Raises:
        ConfigurationError: a number is not above 0.
    """

    max_in_flight: int = attrs.field(default=64, validator=positive)
    long_query_wait: float = attrs.field(default=5.0, validator=positive)
    max_body_bytes_in_flight: int = attrs.field(default=256_000_000, validator=positive)
    max_head_bytes: int = attrs.field(default=32_768, validator=positive)
    max_headers: int = attrs.field(default=100, validator=positive)
    body_idle_timeout: float = attrs.field(default=10.0, validator=positive)
    body_timeout: float = attrs.field(default=60.0, validator=positive)
    head_timeout: float = attrs.field(default=10.0, validator=positive)
    keep_alive_timeout: float = attrs.field(default=75.0, validator=positive)
    write_timeout: float = attrs.field(default=60.0, validator=positive)
    max_connections: int = attrs.field(default=512, validator=positive)
    stop_timeout: float = attrs.field(default=20.0, validator=positive)
    worker_timeout: float = attrs.field(default=30.0, validator=positive)
    local_only: bool = False
    access_log: bool = True
    log_addresses: bool = False
