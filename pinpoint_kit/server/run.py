"""Runs an engine under uvicorn until it is stopped: one process or several, and the signals.

How a single request is treated stands in app.py and http/connection.py. Several workers are
processes of their own, that open the same database; workers.py looks after them.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

import attrs
import uvicorn
from prometheus_client import disable_created_metrics
from uvicorn.config import STARTUP_FAILURE

from pinpoint_kit.engine import RETENTION_LOGGER, Engine
from pinpoint_kit.engine.engine import (
    DEFAULT_REGION,
    STREAM_AGE,
    STREAM_BACKLOG,
    STREAM_DEAD_LETTERS,
    STREAM_TRIES,
)
from pinpoint_kit.engine.files.files import NO_FILES, Files
from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.records.destination import Destination
from pinpoint_kit.records.message import Channel, Hook, Transport
from pinpoint_kit.records.stream import StreamForm
from pinpoint_kit.server import access_log
from pinpoint_kit.server.access.audit import AuditLog, AuditSelection
from pinpoint_kit.server.access.authenticator import Authenticator
from pinpoint_kit.server.app import App
from pinpoint_kit.server.http.connection import Connection
from pinpoint_kit.server.listening import BACKLOG, Address, listening
from pinpoint_kit.server.metrics import DIRECTORY_VARIABLE
from pinpoint_kit.server.mounts import Mount
from pinpoint_kit.server.options import ServerOptions
from pinpoint_kit.server.subprocess.app import SubprocessApp
from pinpoint_kit.server.workers import Supervisor, beat

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from types import FrameType

    from typing_extensions import Self

__all__ = ["ServedApp", "Settings", "configuration", "serve", "stopped_by_signals"]

#: What a worker opens besides connections: databases, with their side files, for each thread.
_OTHER_FILES = 256
#: How long a thread computes while others want to. A request has several turns, and waited for each
#: of them beside charts and campaigns; shorter ones cost no processor time that could be measured.
_TURN_S = 0.0005
#: Exit status of a process that had to cut requests off.
_ABANDONED = 1

#: Opens the console on an engine; must be picklable.
OpenConsole: TypeAlias = Callable[[Engine, AuditLog | None], Mount]


def no_destinations() -> Mapping[str, Sequence[Destination]]:
    """Event streams go nowhere."""
    return {}


def no_transports() -> Mapping[Channel, Transport]:
    """Messages stay in the outbox."""
    return {}


def no_hooks() -> Mapping[str, Hook]:
    """Campaigns call nothing."""
    return {}


def no_files() -> Files:
    """Jobs may use no files at all."""
    return NO_FILES


@attrs.frozen
class Settings:
    """What to serve, and where.

    Args:
        url: the database, `sqlite:///FILE` or `postgresql://USER@HOST/DATABASE`.
        host: the name or number of the address to listen at.
        port: the port; 0 for one that is free.
        workers: processes that answer.
        region: the Region in the ARNs of answers to requests that are not signed.
        credentials: the file that says who may come in; None for every program of this machine.
        options: what to grant to a client; `local_only` follows from the credentials.
        audit_log: the file for who has done what; None for no such log.
        audit_log_like: which operations stand there, see `AuditLog`.
        keep_events: how old events may become, at least 31 days; None for any age.
        stream_form: how records of event streams look.
        stream_backlog: how many records of an application may wait for its destinations.
        stream_age: how long a record may wait, 31 days at most.
        stream_tries: how often a record that is refused singly is sent.
        stream_dead_letters: how many dead letters an application may have.
        open_mount: gives the app beside the API, in each process anew, and must be picklable.
        open_destinations: gives where event streams go, in each process anew, and must be
            picklable.
        open_transports: the same for what takes messages away.
        open_hooks: the same for what campaigns may call.
        open_tracking: gives the app that answers the links of tracked e-mail, in each process anew,
            and must be picklable.
        catch_up: whether a run of a campaign that was missed is made up for once.
        keep_messages: how old messages of the outbox may become, at least a day; None for any age.
        open_console: the same for the console, with the engine and the audit log. It gets a process
            of its own, unless the database is in memory.
        open_files: gives what import and export jobs may use, in each process anew, and must be
            picklable. Anyone who may create a job can read and write there.
    """

    url: str = attrs.field(repr=False)  # may hold a password
    host: str = "127.0.0.1"
    port: int = 8025
    workers: int = 1
    region: str = DEFAULT_REGION
    credentials: Path | None = None
    options: ServerOptions = attrs.field(factory=ServerOptions)
    audit_log: Path | None = None
    audit_log_like: AuditSelection = "2023"
    keep_events: timedelta | None = None
    stream_form: StreamForm = attrs.field(factory=StreamForm)
    stream_backlog: int = STREAM_BACKLOG
    stream_age: timedelta = STREAM_AGE
    stream_tries: int = STREAM_TRIES
    stream_dead_letters: int = STREAM_DEAD_LETTERS
    open_mount: Callable[[Engine], Mount] | None = None
    open_destinations: Callable[[], Mapping[str, Sequence[Destination]]] = no_destinations
    open_transports: Callable[[], Mapping[Channel, Transport]] = no_transports
    open_hooks: Callable[[], Mapping[str, Hook]] = no_hooks
    open_tracking: Callable[[Engine], Mount] | None = None
    catch_up: bool = True
    keep_messages: timedelta | None = None
    open_console: OpenConsole | None = None
    open_files: Callable[[], Files] = no_files

    @property
    def is_in_memory(self) -> bool:
        """Whether the database is gone when the server stops."""
        return Engine.is_in_memory(self.url)


def serve(settings: Settings, on_start: Callable[[Address], None]) -> int:
    """Serve until SIGINT or SIGTERM, then lets requests under way finish for a bounded time.

    Args:
        settings: what to serve, and where.
        on_start: called when the port is open and the database is known to be usable.

    Returns:
        The exit status: 0, or 1 when workers could not start or requests were abandoned.

    Raises:
        ConfigurationError: the address or the port cannot be used, or may not without credentials.
        StoreError: the database cannot be used, or the URL is none of a database.
    """
    if settings.workers > 1 and settings.is_in_memory:
        raise ConfigurationError(
            "a database in memory belongs to one process: name a file, or serve with one worker"
        )
    authenticator = _authenticator(settings)
    _audit_log(settings)  # a file that cannot be used ends the start
    port = listening(settings.host, settings.port, local_only=authenticator is None)
    with port as listener, stopped_by_signals():
        # Here, so that problems are told once and early.
        engine = _open_engine(settings)
        address = Address(*listener.getsockname()[:2])
        if settings.workers == 1:
            with engine:
                on_start(address)
                return _run_one(ServedApp.of(engine, authenticator, settings), settings, listener)
        engine.close()
        on_start(address)
        return _run_several(settings, listener)
    return 0  # a signal came


def _run_one(app: App, settings: Settings, listener: socket.socket) -> int:
    _set_up_process(settings.options)
    _keep_for_good()
    uvicorn.Server(configuration(lambda: app, settings)).run(sockets=[listener])
    return 0


def _run_several(settings: Settings, listener: socket.socket) -> int:
    make = functools.partial(_worker_app, settings)
    with _shared_metrics():
        _set_up_process(settings.options)
        supervisor = Supervisor(
            configuration(make, settings),
            [listener],
            worker_timeout=settings.options.worker_timeout,
        )
        return supervisor.run_to_end()


def _worker_app(settings: Settings) -> App:
    """Run in a worker process, once."""
    _set_up_process(settings.options)
    try:
        authenticator = _authenticator(settings)
        engine = _open_engine(settings)
    except PinpointKitError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(STARTUP_FAILURE)  # the supervisor knows this status
    app = ServedApp.of(engine, authenticator, settings)
    _keep_for_good()
    return app


def _open_engine(settings: Settings) -> Engine:
    return Engine.open(
        settings.url,
        files=settings.open_files(),
        region=settings.region,
        keep_events=settings.keep_events,
        destinations=settings.open_destinations(),
        stream_form=settings.stream_form,
        stream_backlog=settings.stream_backlog,
        stream_age=settings.stream_age,
        stream_tries=settings.stream_tries,
        stream_dead_letters=settings.stream_dead_letters,
        transports=settings.open_transports(),
        hooks=settings.open_hooks(),
        catch_up=settings.catch_up,
        keep_messages=settings.keep_messages,
    )


def _authenticator(settings: Settings) -> Authenticator | None:
    return None if settings.credentials is None else Authenticator.load(settings.credentials)


def _audit_log(settings: Settings) -> AuditLog | None:
    if settings.audit_log is None:
        return None
    return AuditLog(
        settings.audit_log,
        like=settings.audit_log_like,
        region=settings.region,
        log_addresses=settings.options.log_addresses,
    )


def _console(
    open_console: OpenConsole, engine: Engine, audit_log: AuditLog | None, settings: Settings
) -> Mount:
    """Give the console a process of its own, but for a database that belongs to this one."""
    mount = open_console(engine, audit_log)
    if settings.is_in_memory:
        return mount
    mount.close()  # what could be wrong with it was told here, once
    make = functools.partial(_console_apart, open_console, settings)
    timeout = settings.options.worker_timeout
    app = SubprocessApp("console", make, engine.note_reads_beside, timeout=timeout)
    return attrs.evolve(mount, app=app, close=app.close)


def _console_apart(
    open_console: OpenConsole, settings: Settings, on_reads: Callable[[bool], object]
) -> Mount:
    """Run in the console's process, once."""
    _set_up_process(settings.options)
    try:
        engine = _open_engine(settings)
        engine.read_beside(on_reads)
        mount = open_console(engine, _audit_log(settings))
    except PinpointKitError as error:
        sys.stderr.write(f"error: the console cannot start: {error}\n")
        sys.exit(STARTUP_FAILURE)

    def close() -> None:
        mount.close()
        engine.close()

    _keep_for_good()
    return attrs.evolve(mount, close=close)


class ServedApp(App):
    """An app with a process of its own, which must not outlive the patience for its requests."""

    @classmethod
    def of(cls, engine: Engine, authenticator: Authenticator | None, settings: Settings) -> Self:
        """Make the app that the settings describe."""
        options = attrs.evolve(settings.options, local_only=authenticator is None)
        audit_log = _audit_log(settings)
        mounts = [] if settings.open_mount is None else [settings.open_mount(engine)]
        if settings.open_tracking is not None:
            mounts.append(settings.open_tracking(engine))
        if settings.open_console is not None:
            mounts.append(_console(settings.open_console, engine, audit_log, settings))
        return cls(
            engine,
            options,
            authenticator,
            audit_log=audit_log,
            mount=mounts,
            owns_engine=True,
        )

    async def start(self) -> None:
        """Stop, in a worker, when there is no supervisor any more; show it that this one lives."""
        await super().start()
        parent = multiprocessing.parent_process()
        if parent is not None:
            with suppress(NotImplementedError):  # on Windows
                asyncio.get_running_loop().add_reader(parent.sentinel, _stop_once, parent.sentinel)
            self._beating = asyncio.create_task(beat())

    async def stop(self) -> None:
        """End the process here when requests are not done by now."""
        if not await self.has_finished():
            # A thread is still in the engine, and the interpreter would wait for it. The database
            # undoes what is not complete, as after a crash.
            sys.stderr.write("error: not all requests finished in time, and they were cut off\n")
            sys.stderr.flush()
            os._exit(_ABANDONED)
        await super().stop()


def _stop_once(sentinel: int) -> None:
    # It stays readable for ever, and would keep the event loop busy while requests finish.
    asyncio.get_running_loop().remove_reader(sentinel)
    signal.raise_signal(signal.SIGTERM)


def configuration(make: Callable[[], App], settings: Settings) -> uvicorn.Config:
    """Return uvicorn's configuration for an app that `make` makes."""
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
        backlog=BACKLOG,
        h11_max_incomplete_event_size=options.max_head_bytes,
        timeout_keep_alive=cast("int", options.keep_alive_timeout),  # any number will do
        timeout_graceful_shutdown=cast("int", options.stop_timeout),
    )


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """End the block quietly at a signal.

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
    """Give the workers a directory for their numbers."""
    directory = tempfile.mkdtemp(prefix="pinpoint-kit-metrics-")
    os.environ[DIRECTORY_VARIABLE] = directory
    try:
        yield
    finally:
        del os.environ[DIRECTORY_VARIABLE]
        shutil.rmtree(directory, ignore_errors=True)


def _keep_for_good() -> None:
    """Keep the garbage collector from scanning what is loaded; requests wait for full scans."""
    gc.collect()
    gc.freeze()


def _set_up_process(options: ServerOptions) -> None:
    """Let threads take short turns, send the access log to stdout and what matters to stderr."""
    sys.setswitchinterval(_TURN_S)
    _allow_files(options.max_connections + _OTHER_FILES)
    disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the series for nothing
    logging.raiseExceptions = False  # a log that nobody reads any more must not fill stderr
    access = logging.getLogger(access_log.LOGGER)
    access.setLevel(logging.INFO)
    access.propagate = False
    access.handlers[:] = [logging.StreamHandler(sys.stdout)]
    attention = logging.StreamHandler()
    attention.setLevel(logging.WARNING)
    attention.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger("pinpoint_kit").handlers[:] = [attention]
    removals = logging.getLogger(RETENTION_LOGGER)
    removals.setLevel(logging.INFO)  # what disappears is told, although nobody needs to act
    removals.propagate = False
    told = logging.StreamHandler()
    told.setFormatter(attention.formatter)
    removals.handlers[:] = [told]
    # Below that, uvicorn only tells of requests that the access log has, too.
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)


def _allow_files(count: int) -> None:
    """Let this process open so many files and sockets, as far as it may decide that."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
