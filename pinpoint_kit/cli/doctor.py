"""`pinpoint-kit doctor`: which Pinpoint, does it answer, and what is installed.

It changes nothing: it makes no database and no application. Secrets are never shown.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import time
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import attrs
import click

from pinpoint_kit import errors
from pinpoint_kit.cli.failures import DONE, REFUSED, exit_status
from pinpoint_kit.cli.options import Settings, common, database_file, find
from pinpoint_kit.cli.output import console, print_json, table
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    import pinpoint_kit as pk

__all__ = ["doctor"]

State = Literal["ok", "note", "PROBLEM"]

_RETIRED = (
    "the hosted Amazon Pinpoint ended on 2026-10-30: endpoints, segments, campaigns, journeys,"
    " analytics and e-mail are gone there; SMS, voice, push and one-time passwords go on"
)
_DOORS = {
    "sqlite": "the engine in this process",
    "http": "a server at an address",
    "https": "a server at an address",
    "aws": "the hosted service",
}
_HEADER = b"SQLite format 3\x00"
_WAL = 2


@attrs.define
class _Findings:
    """What was found, line by line, and the exit status that follows from it."""

    rows: list[tuple[str, State, str]] = attrs.field(factory=list)
    status: int = DONE

    def add(self, name: str, state: State, text: str) -> None:
        self.rows.append((name, state, text))

    def fail(self, name: str, text: str, status: int) -> None:
        self.rows.append((name, "PROBLEM", text))
        self.status = self.status or status


@click.command()
@common
def doctor(settings: Settings) -> None:
    """Say which Pinpoint would be used, whether it answers, and what is installed.

    Makes no database and no application. The exit status is 0 when all is good, otherwise that of
    the first problem.
    """
    findings = _Findings()
    url = settings.resolved_url
    kind = _DOORS.get(url.partition(":")[0].lower(), "no kind that is known")
    findings.add("door", "ok", f"{redacted(url)} ({kind})")
    file = database_file(url)
    if file is None or _check_file(findings, file):
        _check_door(findings, settings)
    findings.add("retired", "note", _RETIRED)
    versions = _versions()
    if settings.as_json:
        checks = [{"check": n, "state": s, "detail": t} for n, s, t in findings.rows]
        print_json({"ok": findings.status == DONE, "checks": checks, "versions": versions})
    else:
        line = ", ".join(f"{name} {version}" for name, version in versions.items())
        rows = [*findings.rows, ("versions", "ok", line)]
        console().print(table(("Check", "State", "Finding"), rows))
        good = findings.status == DONE
        click.echo("\n" + ("all good" if good else "there are problems: see PROBLEM above"))
    sys.exit(findings.status)


def redacted(url: str) -> str:
    """The URL without what may be secret: user, password, and all of the query but two names."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() == "sqlite":
        return url.partition("?")[0]
    rest, _, query = rest.partition("?")
    shown = [part for part in query.split("&") if part.startswith(("profile=", "region="))]
    return f"{scheme}://{rest.rpartition('@')[2]}" + (f"?{'&'.join(shown)}" if shown else "")


def _check_file(findings: _Findings, file: Path) -> bool:
    """Look at a database file from outside; False when it is not to be opened."""
    if not file.exists():
        folder = file.absolute().parent
        if not folder.is_dir():
            findings.fail("database", f"the folder {folder} does not exist: make it first", 2)
        elif not os.access(folder, os.W_OK):
            findings.fail("database", f"the folder {folder} cannot be written to", 2)
        else:
            text = f"{file} does not exist; the first command that writes will make it"
            findings.add("database", "note", text)
        return False
    if not file.is_file():
        return True  # opening it says what is wrong
    missing = [
        name for name, mode in (("read", os.R_OK), ("write", os.W_OK)) if not os.access(file, mode)
    ]
    if missing:
        findings.fail("database", f"{file}: no permission to {' and '.join(missing)}", 2)
        return False
    details = file.stat()
    text = f"{file}, {details.st_size:,} bytes, mode {details.st_mode & 0o777:o}"
    findings.add("database", "ok", text + _journal(file))
    return True


def _journal(file: Path) -> str:
    """The journal mode, from the file's header: opening it could change it.

    Source: sqlite.org/fileformat2.html, bytes 18 and 19.
    """
    with file.open("rb") as stream:
        header = stream.read(20)
    if not header.startswith(_HEADER):
        return ""
    return ", journal mode wal" if header[18] == _WAL else ", journal mode not wal"


def _check_door(findings: _Findings, settings: Settings) -> None:
    """Ask for the list of applications: cheap, and it needs none to exist."""
    named = settings.application
    known_id = settings.application_id or os.environ.get("PINPOINT_KIT_APPLICATION_ID")
    door = attrs.evolve(settings, application=None, application_id=known_id or "none")
    try:
        with door.opened() as pinpoint:
            _check_credentials(findings, settings.resolved_url, pinpoint)
            if _answers(findings, pinpoint):
                _check_application(findings, pinpoint, settings, named, known_id)
    except errors.PinpointKitError as error:
        findings.fail("answer", str(error), exit_status(error))


def _answers(findings: _Findings, pinpoint: pk.Pinpoint) -> bool:
    began = time.perf_counter()
    try:
        pinpoint.call("GetApps", PageSize="1")
    except errors.ServiceError as error:
        findings.fail("answer", f"it answers, and refuses: {error}", exit_status(error))
        return False
    spent = (time.perf_counter() - began) * 1000
    findings.add("answer", "ok", f"answered in {spent:.0f} ms")
    return True


def _check_application(
    findings: _Findings,
    pinpoint: pk.Pinpoint,
    settings: Settings,
    name: str | None,
    known_id: str | None,
) -> None:
    if name is not None:
        try:
            findings.add("application", "ok", f"found, id {find(pinpoint, name)}")
        except errors.ConfigurationError:
            text = "not found by that name; the first command that writes will make it"
            findings.add("application", "note", text)
    elif known_id is not None:
        try:
            pinpoint.call("GetApp")
        except errors.NotFound:
            findings.fail("application", "there is none with that id: check it", REFUSED)
        except errors.ServiceError as error:
            findings.fail("application", str(error), exit_status(error))
        else:
            findings.add("application", "ok", "found by its id")
    elif settings.resolved_url.lower().startswith("sqlite:"):
        findings.add("application", "ok", "none is named: `default` is used")
    else:
        findings.add("application", "note", "none is named: give --application or --application-id")


def _check_credentials(findings: _Findings, url: str, pinpoint: pk.Pinpoint) -> None:
    if urlsplit(url).scheme.lower() == "sqlite":
        return
    if _has_credentials(pinpoint):
        findings.add("credentials", "ok", "found (not shown)")
    elif urlsplit(url).scheme.lower() == "aws":
        findings.add("credentials", "note", "not found: configure a profile, a role or variables")
    else:
        findings.add("credentials", "ok", "none: requests are not signed")


def _has_credentials(pinpoint: pk.Pinpoint) -> bool:
    """Whether the client can sign: tried on a URL that is thrown away, without the network."""
    try:
        client: Any = pinpoint.client  # the stubs do not have the method
        signed = str(client.generate_presigned_url("get_apps"))
    except Exception:  # noqa: BLE001 -- each provider of credentials has errors of its own
        return False
    return "Signature" in signed


def _versions() -> dict[str, Any]:
    def version(name: str) -> str:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return "not installed"

    return {
        "pinpoint-kit": VERSION,
        "Python": platform.python_version(),
        "botocore": version("botocore"),
        "SQLAlchemy": version("sqlalchemy"),
        "SQLite": sqlite3.sqlite_version,
    }
