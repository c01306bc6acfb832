"""`pinpoint-kit doctor`: the connection, the database and what is installed.

It changes nothing: it makes no database and no application. Secrets are never shown.
"""

from __future__ import annotations

import os
import platform
import sqlite3
import stat
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import attrs
import click

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.cli.failures import DONE, REFUSED, USAGE, exit_status
from pinpoint_kit.cli.hook_names import called_by
from pinpoint_kit.cli.options import (
    Settings,
    common,
    database_file,
    example,
    find,
    is_made,
    is_server_database,
    patience,
    redacted,
)
from pinpoint_kit.cli.output import console, print_json, table
from pinpoint_kit.cli.wording import in_cli_words
from pinpoint_kit.doors import is_engine
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from pinpoint_kit.cli.code_calls import Call

__all__ = ["doctor"]

State = Literal["ok", "note", "PROBLEM"]

_RETIRED = (
    "the hosted Amazon Pinpoint ended on 2026-10-30: endpoints, segments, campaigns, journeys,"
    " analytics and e-mail are gone there; SMS, voice, push and one-time passwords go on"
)
_UNSIGNED = (
    "no access key was found, so requests are not signed; a server with --credentials asks for one"
)
_KINDS = {
    "sqlite": "the engine in this process",
    "postgresql": "the engine in this process, on a database server",
    "postgres": "the engine in this process, on a database server",
    "http": "a server at an address",
    "https": "a server at an address",
    "aws": "the hosted service",
}
#: How AWS and our own server say it to credentials that are right, but not for this.
_NOT_ALLOWED = "AccessDeniedException"
#: Source: sqlite.org/fileformat2.html; bytes 18 and 19 are the journal mode.
_HEADER = b"SQLite format 3\x00"
_JOURNAL_AT = 18
_WAL = 2


@attrs.define
class _Findings:
    """What was found, line by line, and the exit status that follows from it.

    A later finding takes the place of an earlier one of the same name: what looked right from
    outside may turn out wrong when it is used.
    """

    found: dict[str, tuple[State, str]] = attrs.field(factory=dict)
    status: int = DONE

    @property
    def rows(self) -> list[tuple[str, State, str]]:
        return [(name, state, text) for name, (state, text) in self.found.items()]

    def add(self, name: str, state: State, text: str) -> None:
        self.found[name] = (state, text)

    def fail(self, name: str, text: str, status: int) -> None:
        self.found[name] = ("PROBLEM", in_cli_words(text))
        self.status = self.status or status


@example("doctor --url http://127.0.0.1:8025", "doctor --code src/")
@click.command()
@common
@click.option(
    "--code",
    type=click.Path(exists=True, path_type=Path),
    help="Look for calls of Pinpoint below this folder instead, and say what answers them now.",
)
def doctor(settings: Settings, code: Path | None) -> None:
    """Check the connection, the database and what is installed.

    Creates no database and no application. The exit status is 0 when all is good, otherwise that
    of the first problem. With --code it opens nothing but source files, and runs none of them:
    Python, JavaScript, TypeScript, Java, Kotlin, Ruby, Go, shell, Terraform, CloudFormation.
    """
    if code is not None:
        _report_code(settings, code)
        return
    findings = _Findings()
    url = settings.resolved_url
    kind = _KINDS.get(url.partition(":")[0].lower(), "")  # opening it says what is wrong
    findings.add("connection", "ok", f"{redacted(url)} ({kind})")
    file = database_file(url)
    if is_server_database(url):
        is_there = _check_server(findings, url)
    else:
        is_there = file is None or _check_file(findings, file)
    if is_there:
        _check_connection(findings, settings)
    if kind == _KINDS["aws"]:
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


#: Status of an operation in the compatibility table -> what answers a call of it.
_ANSWERS = {
    "emulated": "pinpoint_kit",
    "partial": "pinpoint_kit, in part",
    "refused": "nothing here",
}


def _report_code(settings: Settings, folder: Path) -> None:
    """Print which operations the code calls, where, and what answers them."""
    from pinpoint_kit.cli.code_calls import calls_in  # noqa: PLC0415 -- used for this only
    from pinpoint_kit.engine import coverage  # noqa: PLC0415 -- loads SQLAlchemy

    rows = {row.operation: row for row in coverage()}
    found = calls_in(folder, rows.keys())
    by_operation: dict[str, list[Call]] = {}
    for call in found.calls:
        by_operation.setdefault(call.operation, []).append(call)
    operations = [
        {
            "operation": name,
            "answered_by": _ANSWERS[str(rows[name].status)],
            "note": rows[name].note,
            "calls": [attrs.asdict(call) for call in calls],
        }
        for name, calls in sorted(by_operation.items())
    ]
    if settings.as_json:
        print_json({"files": found.files, "unread": found.unread, "operations": operations})
        return
    lines = [
        (name, str(len(calls)), _places(calls), _ANSWERS[str(rows[name].status)])
        for name, calls in sorted(by_operation.items())
    ]
    console().print(table(("Operation", "Calls", "Where", "Answered by"), lines))
    refused = sum(row["answered_by"] == _ANSWERS["refused"] for row in operations)
    click.echo(
        f"\n{len(found.calls)} calls of {len(lines)} operations in {found.files} files;"
        f" {refused} of the operations are answered by nothing here"
        + (f"; {len(found.unread)} files could not be read" if found.unread else "")
    )


def _places(calls: list[Call]) -> str:
    first = f"{calls[0].file}:{calls[0].line} ({calls[0].how})"
    return first if len(calls) == 1 else f"{first} and {len(calls) - 1} more"


def _check_server(findings: _Findings, url: str) -> bool:
    """Look at a database on a server; False when it is not to be opened."""
    from pinpoint_kit.engine import look_at  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    try:
        look = look_at(url)
    except errors.StoreError as error:
        findings.fail("database", str(error), exit_status(error))
        return False
    text = f"{look.place}: {look.text}, answers in {look.latency_ms:.1f} ms"
    if not look.has_tables and not look.may_make_tables:
        text += (
            "; it has no tables: have an administrator run what `pinpoint-kit schema sql --role"
            " ROLE` prints"
        )
        findings.fail("database", text, USAGE)
        return False
    if not look.has_tables:
        text += "; it has no tables yet: the first command that writes makes them"
    findings.add("database", "ok" if look.has_tables else "note", text)
    return look.has_tables


def _check_file(findings: _Findings, file: Path) -> bool:
    """Look at a database file from outside; False when it is not to be opened."""
    if not is_made(file):
        folder = file.absolute().parent
        if not folder.is_dir():
            text = f"the folder {folder} does not exist: make it first"
            findings.fail("database", text, USAGE)
        elif not os.access(folder, os.W_OK):
            findings.fail("database", f"the folder {folder} cannot be written to", USAGE)
        else:
            how = "is empty" if file.exists() else "does not exist"
            text = f"{file} {how}; the first command that writes creates it"
            findings.add("database", "note", text)
        return False
    if not file.is_file():
        return True  # opening it says what is wrong
    missing = [
        name for name, mode in (("read", os.R_OK), ("write", os.W_OK)) if not os.access(file, mode)
    ]
    if missing:
        findings.fail("database", f"{file}: no permission to {' and '.join(missing)}", USAGE)
        return False
    with file.open("rb") as stream:
        header = stream.read(20)
    if not header.startswith(_HEADER) or len(header) <= _JOURNAL_AT:
        findings.fail("database", f"not a SQLite database: {file}: name another file", USAGE)
        return False
    details = file.stat()
    # From the header, because opening the file could change the mode.
    journal = "wal" if header[_JOURNAL_AT] == _WAL else "not wal"
    text = f"{file}, {details.st_size:,} bytes, mode {details.st_mode & 0o777:o}"
    text += f", journal mode {journal}"
    if os.name == "posix" and details.st_mode & stat.S_IROTH:
        findings.add("database", "note", f"{text}; everyone on this machine can read it: chmod 600")
    else:
        findings.add("database", "ok", text)
    return True


def _check_connection(findings: _Findings, settings: Settings) -> None:
    """Ask for the list of applications: cheap, and it needs none to exist."""
    anyhow = attrs.evolve(settings, application=None, application_id="none")
    try:
        with anyhow.opened() as pinpoint:
            _check_credentials(findings, settings.resolved_url, pinpoint)
            if _answers(findings, pinpoint, settings):
                _check_application(findings, pinpoint, settings)
    except errors.StoreError as error:
        findings.fail("database", str(error), exit_status(error))
    except errors.ConfigurationError as error:
        findings.fail("connection", str(error), exit_status(error))
    except errors.PinpointKitError as error:
        findings.fail("answer", str(error), exit_status(error))


def _answers(findings: _Findings, pinpoint: pk.Pinpoint, settings: Settings) -> bool:
    began = time.perf_counter()
    try:
        pinpoint.call("GetApps", PageSize="1")
    except errors.ServiceError as error:
        if error.code == _NOT_ALLOWED:  # so the credentials are right, as far as they go
            return _may_use_one(findings, settings)
        findings.fail("answer", f"refused: {error}", exit_status(error))
        return False
    spent = (time.perf_counter() - began) * 1000
    findings.add("answer", "ok", f"answered in {spent:.0f} ms")
    return True


def _may_use_one(findings: _Findings, settings: Settings) -> bool:
    """Whether credentials that may not list applications are still to be tried on one."""
    text = "answered; these credentials may not list applications"
    if settings.known_id is None:
        findings.fail("answer", f"{text}: name one with --application-id", REFUSED)
        return False
    findings.add("answer", "ok", text)
    return True


def _check_application(findings: _Findings, pinpoint: pk.Pinpoint, settings: Settings) -> None:
    if settings.application is not None and settings.application_id is not None:
        findings.fail("application", "give --application or --application-id, not both", USAGE)
    elif settings.application is None and settings.known_id is not None:
        _check_id(findings, pinpoint, settings.known_id)
    elif settings.application is None and not settings.is_engine:
        findings.add("application", "note", "not named: give --application or --application-id")
    else:
        try:
            found = find(pinpoint, settings.application)
        except errors.ConfigurationError as error:
            text = f"{error}; the first command that writes creates it"
            findings.add("application", "note", text)
        else:
            name = "found" if settings.application else "not named, `default` is used"
            findings.add("application", "ok", f"{name}, id {found}")
            with pk.Pinpoint(pinpoint.client, found, retry=patience()) as application:
                _check_streams(findings, application)
                _check_hooks(findings, application)


def _check_id(findings: _Findings, pinpoint: pk.Pinpoint, known_id: str) -> None:
    try:
        with pk.Pinpoint(pinpoint.client, known_id, retry=patience()) as application:
            application.call("GetApp")
            _check_streams(findings, application)
            _check_hooks(findings, application)
    except errors.NotFound:
        findings.fail("application", "no application has that id: check it", REFUSED)
    except (errors.ConfigurationError, errors.ServiceError) as error:
        findings.fail("application", str(error), exit_status(error))
    else:
        findings.add("application", "ok", "found by its id")


def _check_streams(findings: _Findings, application: pk.Pinpoint) -> None:
    """Say of an event stream what somebody should know: nobody takes it, it fails, it loses."""
    try:
        found = application.streams.status()
    except (errors.ConfigurationError, errors.ServiceError, errors.TransportError):
        return  # a service that has no such question, or credentials that may not ask it
    if not found:
        return
    texts = []
    for each in found:
        name = each.destination or each.claim or "a stream without a destination"
        if each.state == "UNCLAIMED":
            texts.append(f"no running engine forwards {name}: serve --destination {each.claim}=URL")
        elif each.state == "FAILING":
            texts.append(f"{name} fails: {each.last_error_code}")
        if each.dead_letters:
            texts.append(f"{name} has {each.dead_letters} dead letters")
        if each.lost:
            texts.append(f"{name} has lost {each.lost} records")
    names = ", ".join(each.destination or each.claim for each in found if each.claim)
    findings.add("event streams", "note" if texts else "ok", "; ".join(texts) or names)


def _check_hooks(findings: _Findings, application: pk.Pinpoint) -> None:
    """Say what campaigns call: whoever runs the engine must map it, and knows that alone."""
    try:
        found = called_by(application.campaigns.list())
    except (errors.ConfigurationError, errors.ServiceError, errors.TransportError):
        return  # as above
    if found:
        names = "; ".join(f"{name}, by {', '.join(by)}" for name, by in found.items())
        text = f"campaigns call what only hooks={{...}} or serve --hook NAME=URL can map: {names}"
        findings.add("hooks", "note", text)


def _check_credentials(findings: _Findings, url: str, pinpoint: pk.Pinpoint) -> None:
    if is_engine(url):
        return
    if _has_credentials(pinpoint):
        findings.add("credentials", "ok", "found (not shown)")
    else:
        findings.add("credentials", "ok", _UNSIGNED)


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
        "psycopg": version("psycopg"),
    }
