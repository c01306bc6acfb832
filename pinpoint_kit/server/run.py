"""Runs an engine under uvicorn until somebody stops it: the socket, the workers, the signals.

How a single request is treated stands in app.py and connection.py. Several workers are processes
of their own, spawned by uvicorn, that open the same database.
"""

from __future__ import annotations

import errno
import functools
import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, cast

import attrs
import uvicorn
from prometheus_client import disable_created_metrics
from prometheus_client.multiprocess import mark_process_dead
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

from pinpoint_kit.engine import Engine
from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.server import access_log
from pinpoint_kit.server.app import App
from pinpoint_kit.server.connection import Connection
from pinpoint_kit.server.metrics import DIRECTORY_VARIABLE
from pinpoint_kit.server.options import ServerOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

__all__ = ["Address", "ServedApp", "Settings", "configuration", "serve"]

_BACKLOG = 512
#: uvicorn kills a worker that does not react for so long.
_HEALTH_TIMEOUT_S = 60
_IN_MEMORY = frozenset({"sqlite://", "sqlite:///:memory:"})
#: Exit status of a process that had to cut requests off.
_ABANDONED = 1
#: Exit statuses of workers that stopped as they should; uvicorn repeats the signal at the end.
_GOOD_ENDS = frozenset({0, -signal.SIGINT, -signal.SIGTERM})


@attrs.frozen
class Settings:
    """What to serve, and where.

    Args:
        url: the database, `sqlite:///FILE`.
        host: the name or number of the address to listen at.
        port: the port; 0 for one that is free.
        workers: processes that answer.
        options: what to grant to a client.
    """

    url: str
    host: str = "127.0.0.1"
    port: int = 8025
    workers: int = 1
    options: ServerOptions = attrs.field(factory=ServerOptions)


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


def serve(settings: Settings, on_start: Callable[[Address], None]) -> int:
    """Serves until SIGINT or SIGTERM, then lets requests under way finish for a bounded time.

    Args:
        settings: what to serve, and where.
        on_start: called when the port is open and the database is known to be usable.

    Returns:
        The exit status: 0, or 1 when workers could not start or requests were abandoned.

    Raises:
        ConfigurationError: the address or the port cannot be used, or may not without credentials.
        StoreError: the database cannot be used.
    """
    if settings.workers > 1 and settings.url in _IN_MEMORY:
        raise ConfigurationError(
            "a database in memory belongs to one process: name a file, or serve with one worker"
        )
    with _listening(settings.host, settings.port) as listener, _stopped_by_signals():
        engine = Engine.open(settings.url)  # here, so that problems are told once and early
        address = Address(*listener.getsockname()[:2])
        if settings.workers == 1:
            on_start(address)
            return _run_one(engine, settings, listener)
        engine.close()
        on_start(address)
        return _run_several(settings, listener)
    return 0  # a signal came


def _run_one(engine: Engine, settings: Settings, listener: socket.socket) -> int:
    _set_up_process()
    app = ServedApp(engine, settings.options, owns_engine=True)
    uvicorn.Server(configuration(lambda: app, settings)).run(sockets=[listener])
    return 0


def _run_several(settings: Settings, listener: socket.socket) -> int:
    make = functools.partial(_worker_app, settings)
    with _shared_metrics():
        return _Workers(configuration(make, settings), [listener]).run_to_end()


def _worker_app(settings: Settings) -> App:
    """Runs in a worker process, once."""
    _set_up_process()
    try:
        engine = Engine.open(settings.url)
    except PinpointKitError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(STARTUP_FAILURE)  # uvicorn does not try again after this status
    return ServedApp(engine, settings.options, owns_engine=True)


class ServedApp(App):
    """An app with a process of its own, which must not outlive the patience for its requests."""

    async def stop(self) -> None:
        """Ends the process here when requests are not done by now."""
        if not await self.has_finished():
            # A thread is still in the engine, and the interpreter would wait for it. The database
            # undoes what is not complete, as after a crash.
            sys.stderr.write("error: not all requests finished in time, and they were cut off\n")
            sys.stderr.flush()
            os._exit(_ABANDONED)
        await super().stop()


class _Workers(Multiprocess):
    """uvicorn's supervisor, which also takes dead workers out of the metrics."""

    def run_to_end(self) -> int:
        """Runs until a signal, and returns the exit status."""
        self.run()
        ends = {process.exitcode for process in self.processes}
        return 0 if ends <= _GOOD_ENDS else 1

    def keep_subprocess_alive(self) -> None:
        """Replaces workers that died."""
        before = {process.pid for process in self.processes}
        super().keep_subprocess_alive()
        for pid in before - {process.pid for process in self.processes}:
            mark_process_dead(pid)  # type: ignore[no-untyped-call]


def configuration(make: Callable[[], App], settings: Settings) -> uvicorn.Config:
    """Returns uvicorn's configuration for an app that `make` makes."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    options = settings.options
    return uvicorn.Config(
        make,
        factory=True,
        http=Connection,
        ws="none",
        loop="asyncio",
        lifespan="on",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        workers=settings.workers,
        backlog=_BACKLOG,
        h11_max_incomplete_event_size=options.max_head_bytes,
        timeout_keep_alive=cast("int", options.keep_alive_timeout),  # any number will do
        timeout_graceful_shutdown=cast("int", options.stop_timeout),
        timeout_worker_healthcheck=_HEALTH_TIMEOUT_S,
    )


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Opens the port; closes it at the end."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise ConfigurationError(
            f"the host {host} is not known here: give an address of this machine, such as 127.0.0.1"
        ) from None
    family, *_, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    if not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
        raise ConfigurationError(
            f"{host} can be reached from other machines, and anybody there could read and change"
            " everything: serve on 127.0.0.1"
        )
    try:
        listener = socket.create_server(address[:2], family=family, backlog=_BACKLOG)
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


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Ends the block quietly at a signal.

    uvicorn has handlers of its own while it runs; when it has stopped, it repeats the signal.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except _Stopped:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Stopped(BaseException):
    """A signal came."""


@contextmanager
def _shared_metrics() -> Iterator[None]:
    """Gives the workers a directory for their numbers."""
    directory = tempfile.mkdtemp(prefix="pinpoint-kit-metrics-")
    os.environ[DIRECTORY_VARIABLE] = directory
    try:
        yield
    finally:
        del os.environ[DIRECTORY_VARIABLE]
        shutil.rmtree(directory, ignore_errors=True)


def _set_up_process() -> None:
    """The access log to stdout as it is, everything that needs attention to stderr."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # they double the number of series, and nobody reads them
    logging.raiseExceptions = False  # a log that nobody reads any more must not fill stderr
    _to(sys.stdout, access_log.LOGGER, logging.INFO, "%(message)s")
    _to(sys.stderr, "pinpoint_kit", logging.WARNING, "%(levelname)s %(name)s: %(message)s")
    logging.getLogger(access_log.LOGGER).propagate = False


def _to(stream: TextIO, name: str, level: int, form: str) -> None:
    logger = logging.getLogger(name)
    handler = logging.StreamHandler(stream)
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(form))
    logger.handlers[:] = [handler]
    logger.setLevel(min(level, logger.level or level))
