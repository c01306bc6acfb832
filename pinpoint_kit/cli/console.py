"""The console beside a server, and by itself: what it reads from, and where its sessions are.

Only the joining is here: pages and access are the business of `pinpoint_kit.server.console`.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import ExitStack
from typing import TYPE_CHECKING, cast

import pinpoint_kit as pk
from pinpoint_kit.doors import client_of
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from mypy_boto3_pinpoint import PinpointClient

    from pinpoint_kit.engine import Engine
    from pinpoint_kit.lake import Lake
    from pinpoint_kit.models.application import Application
    from pinpoint_kit.server.access.audit import AuditLog
    from pinpoint_kit.server.access.console_keys import ConsoleKeys
    from pinpoint_kit.server.console.source import Access, Visitor
    from pinpoint_kit.server.mounts import Mount

__all__ = ["ClientSource", "DelegatedSource", "LakeSource", "check_extra", "open_console"]

#: Applications whose clients are kept open, and keys whose are.
_MOST_OPEN = 50
_MAX_BODY_BYTES = 65_536
#: Counting may take longer than other requests.
TIMEOUT_S = 60.0
_NO_ID = "not-known-yet"
_LAKE_ID = "lake"


def check_extra() -> None:
    """Check that what the console needs is installed.

    Raises:
        ConfigurationError: the extra `console` is not.
    """
    try:
        import jinja2  # noqa: F401, PLC0415 -- an extra
        import starlette  # noqa: F401, PLC0415 -- an extra
    except ModuleNotFoundError:
        raise ConfigurationError(
            "the console needs starlette and jinja2: pip install 'pinpoint-kit[console]'"
        ) from None


class LakeSource:
    """Reads the numbers of a lake: there is nobody behind them. Use it from any thread.

    Args:
        lake: what `open_lake` gives; it stays the caller's.
        folder: where it is.
    """

    access: Access = "analytics"

    def __init__(self, lake: Lake, folder: Path) -> None:
        self.place = f"{folder}: a lake, which has numbers only"
        self._lake = _LakeClient(lake, folder.name)

    def applications(self, visitor: Visitor) -> Sequence[Application]:
        """List the lake, as if it were an application."""
        del visitor
        return [pk.Application(id=_LAKE_ID, name=self._lake.name)]

    def open(self, visitor: Visitor, application_id: str) -> pk.Pinpoint:
        """Return the lake in the place of a client."""
        del visitor
        if application_id != _LAKE_ID:
            raise ConfigurationError("a lake is one application: begin at the list")
        return cast("pk.Pinpoint", self._lake)


class _LakeClient:
    """A lake where the console has a client: its numbers, and a sentence for all else."""

    def __init__(self, lake: Lake, name: str) -> None:
        self.analytics = lake
        self.name = name

    def call(self, operation: str) -> dict[str, dict[str, str]]:
        """Answer GetApp, which gives the name."""
        del operation
        return {"ApplicationResponse": {"Name": self.name}}

    def __getattr__(self, name: str) -> object:
        raise ConfigurationError(
            f"a lake has numbers only, and no {name}: open the console with --url of the database"
        )


class ClientSource:
    """Reads by one client, as whoever started the console may. Use it from any thread.

    Args:
        client: a botocore client; it stays the caller's.
        place: what it reads, without a password.
    """

    access: Access = "read-write"

    def __init__(self, client: PinpointClient, place: str) -> None:
        self.place = place
        self._client = client
        self._lock = threading.Lock()
        self._opened: OrderedDict[str, pk.Pinpoint] = OrderedDict()

    def applications(self, visitor: Visitor) -> Sequence[Application]:
        """List the applications that somebody may see."""
        with pk.Pinpoint(self._client, _NO_ID) as outer:
            if visitor.applications is None:
                return outer.applications.list()
        return [
            pk.Application(id=each, name=self._name(visitor, each))
            for each in sorted(visitor.applications)
        ]

    def _name(self, visitor: Visitor, application_id: str) -> str:
        try:
            answer = self.open(visitor, application_id).call("GetApp")
        except pk.NotFound:
            return "(deleted)"
        return str(answer["ApplicationResponse"]["Name"])

    def open(self, visitor: Visitor, application_id: str) -> pk.Pinpoint:
        """Return the client of one application."""
        del visitor
        with self._lock:
            found = self._opened.pop(application_id, None)
            if found is None:
                found = pk.Pinpoint(self._client, application_id)
            self._opened[application_id] = found
            while len(self._opened) > _MOST_OPEN:
                self._opened.popitem(last=False)[1].close(0)
            return found

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            for each in self._opened.values():
                each.close(0)
            self._opened.clear()


class DelegatedSource:
    """Reads an engine of this process, as the access key of each visitor may.

    Args:
        engine: what is read; it stays the caller's.
        keys: the keys that open the console; None: the server asks for none.
        audit_log: where to record what was asked.
        place: what is read, for people.
    """

    access: Access = "read-write"

    def __init__(
        self,
        engine: Engine,
        keys: ConsoleKeys | None,
        audit_log: AuditLog | None,
        place: str,
    ) -> None:
        self.place = place
        self._engine = engine
        self._keys = keys
        self._audit_log = audit_log
        self._lock = threading.Lock()
        self._sources: dict[str, ClientSource] = {}
        self._clients = ExitStack()

    def applications(self, visitor: Visitor) -> Sequence[Application]:
        """List the applications that somebody may see."""
        return self._of(visitor).applications(visitor)

    def open(self, visitor: Visitor, application_id: str) -> pk.Pinpoint:
        """Return the client of one application."""
        return self._of(visitor).open(visitor, application_id)

    def close(self) -> None:
        """Close what was opened."""
        with self._lock:
            for source in self._sources.values():
                source.close()
            self._sources.clear()
            self._clients.close()

    def _of(self, visitor: Visitor) -> ClientSource:
        from pinpoint_kit.server.access.delegation import Delegate  # noqa: PLC0415 -- an extra

        key = visitor.access_key_id
        with self._lock:
            if key not in self._sources:  # as many as there are keys
                delegate = Delegate(self._engine, self._keys, key, self._audit_log)
                client = cast("PinpointClient", client_of(delegate, timeout=TIMEOUT_S))
                self._clients.callback(client.close)
                self._sources[key] = ClientSource(client, self.place)
            return self._sources[key]


def open_console(
    folder: Path,
    credentials: Path | None,
    place: str,
    engine: Engine,
    audit_log: AuditLog | None,
) -> Mount:
    """Return the console of a server, as an app beside its API.

    Args:
        folder: where its sessions are kept.
        credentials: the file of access keys; None: one-time tokens open it.
        place: what the server reads, for people.
        engine: what is read; it stays the caller's.
        audit_log: where to record what is asked.

    Raises:
        ConfigurationError: the file is wrong, or the extra `console` is not installed.
    """
    check_extra()
    from pinpoint_kit.server.access.console_keys import ConsoleKeys  # noqa: PLC0415 -- an extra
    from pinpoint_kit.server.console import PREFIX, Console, Sessions  # noqa: PLC0415 -- an extra
    from pinpoint_kit.server.mounts import Mount  # noqa: PLC0415 -- an extra

    keys = None if credentials is None else ConsoleKeys.load(credentials)
    source = DelegatedSource(engine, keys, audit_log, place)
    console = Console(source, Sessions(folder), keys=keys)
    return Mount(PREFIX, "Console", console, _MAX_BODY_BYTES, source.close)
