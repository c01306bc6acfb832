"""Turns the sign-ins of a real sshd/PAM system log into Pinpoint events, endpoints and users.

    python examples/sshd_signins.py /var/log/auth.log --url sqlite:///signins.db

It shows how to bring history from elsewhere into Pinpoint: events with their own times and ids,
sessions with their duration, one endpoint for each user and remote host. Reading a log and
recording what it says are two parts: `read_log` is pure and knows no client, `Importer` no logs.

What a line of the log becomes:

- sshd's `Accepted ...`: `_userauth.sign_in`, and the user is attached to the endpoint.
- sshd's `Failed ...`: `_userauth.auth_fail`; `message repeated N times` makes N of them.
- PAM's `session opened` and `session closed` (sshd, login, ftp, display managers, su, sudo):
  `_session.start` and `_session.stop` with the duration between the two lines. One endpoint may
  have several sessions at once. A session that no `Accepted` of the same process announced is
  a sign-in too, unless it is of su or sudo: root needs no password there.
- PAM's `authentication failure` of these services: `_userauth.auth_fail`.

A failed attempt counts once. sshd writes two lines for it into the same log, PAM's
(`sshd[1]: pam_unix(sshd:auth): authentication failure`) and its own (`sshd[1]: Failed password`);
only its own counts, as it alone has the name that was tried. Old systems write PAM's line under
another name and into another log (`sshd(pam_unix)[1]: authentication failure`); there it counts,
and a `Failed` of the same process within ten minutes tells of it again and does not.

A line is data, and its writer may be an attacker: everybody can try to sign in as the user
`root from 192.0.2.1 port 22 ssh2`. So lines are read from the end that sshd itself writes. A line
whose end is cut off is left out, and so is one that can be read in two ways; only a cut right
behind such a name cannot be seen. Each line that gives no event is counted by its reason.

Who tried is not who is: a failed attempt names the user in an event attribute, and only a sign-in
or a session attaches the user to the endpoint. Otherwise a few hundred attackers would be the
endpoints of `root`, and Pinpoint allows 15 a user. The first 15 hosts from which a user signs in
are attached; what happens at further ones is recorded at endpoints of their own without a user.

Running it again on the same log, or on the same log grown longer, adds only what is new: an event
id is a hash of its line, and Pinpoint's embedded engine keeps one event for each endpoint and id.
Therefore events are made here with their ids and recorded with `events.record`; what happens now
is recorded more simply, with `auth.sign_in` and `sessions.start`.

System logs name neither year nor time zone. Times are taken as UTC. The last line is given the
latest year in which it is not younger than the file (`--year` overrides), and every other line is
taken to be within half a year of the one beside it, which also finds the turn of the year.

The exit status is 0 when everything was accepted, 1 when not, and 2 when it could not begin.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import hashlib
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import attrs

import pinpoint_kit as pk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

SIGN_IN = "_userauth.sign_in"
AUTH_FAIL = "_userauth.auth_fail"
SESSION_START = "_session.start"
SESSION_STOP = "_session.stop"

#: Services whose sessions are sign-ins, and services that only change the user.
SIGN_IN_SERVICES = frozenset(
    {"sshd", "dropbear", "login", "remote", "rlogin", "rsh", "ftp", "ftpd", "vsftpd", "proftpd"}
    | {"gdm", "gdm3", "gdm-password", "gdm-fingerprint", "kdm", "xdm", "lightdm", "sddm"}
)
SWITCH_SERVICES = frozenset({"su", "su-l", "sudo", "sudo-i", "runuser", "runuser-l"})

MAX_LINE_BYTES = 65_536
#: sshd ends a connection after a few attempts; a count beyond this is not sshd's.
MAX_REPEATS = 100
SAME_PROCESS_SECONDS = 600
MAX_ATTACHED = pk.Limits().max_endpoints_per_user
FLUSH_SECONDS = 600.0

# ------------------------------------------------------------------ one line, without its context

_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
_LEAP_YEAR = 2000
_YEAR_SECONDS = 366 * 86_400

_HEADER = re.compile(
    r"(?:(?P<month>" + "|".join(_MONTHS) + r") +(?P<day>[0-9]{1,2}) "
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"|(?P<iso>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8})(?P<fraction>\.[0-9]+)?"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})) "
    r"(?P<server>\S+) (?P<rest>.*)",
    re.ASCII,
)
_TAG = re.compile(
    r"(?P<program>[\w./-]+)(?:\((?P<module>[\w-]+)\))?(?:\[(?P<pid>[0-9]+)\])?: (?P<message>.*)",
    re.ASCII,
)
_REPEATED = re.compile(r"message repeated ([0-9]{1,9}) times: \[ ?(.*)\]")
_LAST_REPEATED = re.compile(r"last message repeated ([0-9]{1,9}) times?")

_ATTEMPT = re.compile(
    r"(?P<verb>Accepted|Failed) (?P<method>\S+) for (?P<unknown>invalid user |illegal user )?"
    r"(?P<rest>.*)",
    re.ASCII,
)
# What follows the last " from ". A certificate's id is chosen by whoever made the certificate.
_PRINT = r"(?:SHA256:[A-Za-z0-9+/]{43}=?|(?:MD5:)?(?:[0-9a-f]{2}:){15}[0-9a-f]{2})"
_ORIGIN = re.compile(
    r"(?P<host>\S+) port (?P<port>[0-9]{1,5}) ssh2"
    rf"(?:: [A-Z0-9-]+ {_PRINT}"
    rf"(?P<certificate> ID .*\(serial [0-9]+\) CA [A-Z0-9-]+ {_PRINT}.*)?)?",
    re.ASCII,
)

_PAM_NEW = re.compile(r"pam_unix\((?P<service>[\w.-]+):\w+\): (?P<text>.*)", re.ASCII)
_PAM_MORE = re.compile(r"PAM (?P<text>[0-9]{1,9} more authentication failures?;.*)", re.ASCII)
_PAM_FAILURE = re.compile(
    r"(?:(?P<more>[0-9]{1,9}) more )?authentication failures?;"
    r" logname=\S* uid=[0-9]* euid=[0-9]* tty=\S* ruser=(?P<ruser>\S*) rhost=(?P<host>\S*) "
    r"(?: ?user=(?P<user>.*))?",
    re.ASCII,
)
_OPENED = re.compile(r"session opened for user (?P<user>.*) by (?P<by>[^ ]*)\(uid=[0-9]+\)")
_CLOSED = re.compile(r"session closed for user (?P<user>.*)")
_UID = re.compile(r"\(uid=[0-9]+\)$")

Reason = str
#: Server, process, service, user.
SessionKey = tuple[str, str, str, "str | None"]


@attrs.frozen
class Line:
    """The parts that every line of a system log has."""

    month: int
    day: int
    time: dt.time
    when: dt.datetime | None  # only if the line itself names year and zone
    server: str
    program: str
    module: str
    pid: str
    message: str


@attrs.frozen(kw_only=True)
class Fact:
    """What one line says."""

    kind: Literal["accepted", "failed", "opened", "closed"]
    service: str
    user: str | None  # None: the line names nobody
    host: str = ""  # "": this machine, or not logged
    method: str = "pam"
    is_known: bool = True
    times: int = 1


def split_line(raw: bytes) -> Line | Reason:
    """Return the parts of a line, or why it has none. Bytes that are not UTF-8 stay."""
    if len(raw) > MAX_LINE_BYTES:
        return "too long"
    text = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
    header = _HEADER.fullmatch(text)
    if header is None:
        return "not a log line"
    try:
        when = _iso(header) if header["iso"] else None
        if when is None:
            month, day = _MONTHS.index(header["month"]) + 1, int(header["day"])
            time = _clock(header)
            dt.date(_LEAP_YEAR, month, day)
        else:
            month, day, time = when.month, when.day, when.time()
    except (ValueError, OverflowError):
        return "impossible date"
    tag = _TAG.fullmatch(header["rest"])
    if tag is None:
        parts = ("", "", "", header["rest"])
    else:
        program = tag["program"].rpartition("/")[2]
        program = "sshd" if program in {"sshd-session", "sshd-auth"} else program
        parts = (program, tag["module"] or "", tag["pid"] or "", tag["message"])
    return Line(month, day, time, when, header["server"], *parts)


def _clock(header: re.Match[str]) -> dt.time:
    # A leap second counts as the second before it.
    return dt.time(int(header["hour"]), int(header["minute"]), min(int(header["second"]), 59))


def _iso(header: re.Match[str]) -> dt.datetime:
    fraction = (header["fraction"] or ".0")[1:7].ljust(6, "0")
    zone = "+00:00" if header["zone"] == "Z" else header["zone"]
    when = dt.datetime.fromisoformat(f"{header['iso']}.{fraction}{zone}")
    return when.astimezone(dt.timezone.utc)


def fact_of(line: Line) -> Fact | Reason:
    """Return what a line says by itself, or why it says nothing."""
    repeated = _REPEATED.fullmatch(line.message)
    if repeated is None:
        return _single_fact(line)
    fact = _single_fact(attrs.evolve(line, message=repeated[2]))
    return _repeat(fact, int(repeated[1])) if isinstance(fact, Fact) else fact


def _repeat(fact: Fact, times: int) -> Fact | Reason:
    if fact.kind not in {"accepted", "failed"}:
        return "repeated session line"
    if not 1 <= times <= MAX_REPEATS:
        return "impossible number of repeats"
    return attrs.evolve(fact, times=times * fact.times)


def _single_fact(line: Line) -> Fact | Reason:
    if line.module:
        if line.module != "pam_unix":
            return "other programs"
        return _pam_fact(line.program, line.message, is_old=True)
    message = line.message.removeprefix("(pam_unix) ")
    new = _PAM_NEW.fullmatch(message)
    if new is not None:
        return _pam_fact(new["service"], new["text"], is_old=False)
    more = _PAM_MORE.fullmatch(message)
    if more is not None:
        return _pam_fact(line.program, more["text"], is_old=False)
    if message != line.message:
        return _pam_fact(line.program, message, is_old=False)
    return _sshd_fact(message) if line.program == "sshd" else "other programs"


def _sshd_fact(message: str) -> Fact | Reason:
    attempt = _ATTEMPT.fullmatch(message)
    if attempt is None:
        if message.startswith(("Accepted ", "Failed ")):
            return "cut off"
        return "connections and other news of sshd"
    user, separator, end = attempt["rest"].rpartition(" from ")
    origin = _ORIGIN.fullmatch(end) if separator else None
    if origin is None:
        return "cut off"
    if origin["certificate"] and " from " in user:
        return "can be read in two ways"
    return Fact(
        kind="accepted" if attempt["verb"] == "Accepted" else "failed",
        service="sshd",
        user=user,
        host=origin["host"].lower(),
        method=attempt["method"],
        is_known=not attempt["unknown"],
    )


def _pam_fact(service: str, text: str, *, is_old: bool) -> Fact | Reason:
    if service not in SIGN_IN_SERVICES | SWITCH_SERVICES:
        return "other programs"
    kinds: dict[Literal["opened", "closed"], re.Pattern[str]] = {
        "opened": _OPENED,
        "closed": _CLOSED,
    }
    for kind, pattern in kinds.items():
        session = pattern.fullmatch(text)
        if session is not None:
            return Fact(kind=kind, service=service, user=_UID.sub("", session["user"]))
    if "authentication failure" in text:
        is_copy = service == "sshd" and not is_old
        return "PAM's copy of what sshd says itself" if is_copy else _pam_failure(service, text)
    return "cut off" if text.startswith("session opened ") else "other news of PAM"


def _pam_failure(service: str, text: str) -> Fact | Reason:
    failure = _PAM_FAILURE.fullmatch(text)
    if failure is None:
        return "cut off"
    # sshd leaves ruser empty, and its user comes last: there only the first rhost is a rhost.
    if failure["ruser"] and " rhost=" in (failure["user"] or ""):
        return "can be read in two ways"
    fact = Fact(
        kind="failed",
        service=service,
        user=failure["user"],
        host=failure["host"].lower(),
        is_known=failure["user"] is not None,
    )
    return _repeat(fact, int(failure["more"])) if failure["more"] else fact


# --------------------------------------------------------------------- the years that no line names


class YearCounter:
    """Counts the turns of the year from line to line; the first line is in year 0."""

    def __init__(self) -> None:
        self._latest: int | None = None

    def year_of(self, line: Line) -> int:
        """Return the year that puts the line closest to the one before it."""
        start = dt.datetime(_LEAP_YEAR, 1, 1)  # noqa: DTZ001 -- a distance, not an instant
        moment = dt.datetime.combine(dt.date(_LEAP_YEAR, line.month, line.day), line.time)
        position = int((moment - start).total_seconds())
        latest = position if self._latest is None else self._latest
        year = round((latest - position) / _YEAR_SECONDS)
        self._latest = year * _YEAR_SECONDS + position
        return year


def year_zero(lines: Iterable[bytes], *, not_after: dt.datetime, last_year: int | None) -> int:
    """Return the calendar year of year 0: of the first line, unless that is a straggler.

    Args:
        lines: the log.
        not_after: nothing in the log is later, give or take a day for the time zone.
        last_year: the year of the last line, if it is known.
    """
    counter = YearCounter()
    last: tuple[int, Line] | None = None
    leap_years = set()
    for raw in lines:
        line = split_line(raw)
        if isinstance(line, Line) and line.when is None:
            last = counter.year_of(line), line
            if (line.month, line.day) == (2, 29):
                leap_years.add(last[0])
    if last is None:
        return not_after.year
    year, line = last
    if last_year is not None:
        return last_year - year
    latest = not_after + dt.timedelta(days=1)
    is_later = (line.month, line.day, line.time) > (latest.month, latest.day, latest.time())
    newest = latest.year - is_later - year
    for zero in range(newest, newest - 8, -1):
        if all(_is_leap(zero + leap) for leap in leap_years):
            return zero
    return newest


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


# ------------------------------------------------------------------------ the log, line after line


@attrs.frozen(kw_only=True)
class SignIn:
    """An event to record, with the user and the host that it is about."""

    event: pk.Event
    user: str | None
    host: str

    @property
    def endpoint_id(self) -> str:
        """One for each user and remote host; safe whatever the names hold."""
        return "host-" + digest("endpoint", self.user, self.host)


@attrs.frozen
class Reading:
    """What became of one line: events, or the reason why there are none."""

    events: tuple[SignIn, ...] = ()
    reason: Reason = ""


def read_log(lines: Iterable[bytes], *, year: int) -> Iterator[Reading]:
    """Read a log. Depends on nothing but its arguments; gives one reading for each line.

    Args:
        lines: the log.
        year: what `year_zero` found.
    """
    reader = _Reader(year)
    return map(reader.read, lines)


@attrs.define
class _Reader:
    """What must be remembered from line to line."""

    _year: int
    _years: YearCounter = attrs.field(factory=YearCounter, init=False)
    _day: object = attrs.field(default=None, init=False)
    _seen: Counter[bytes] = attrs.field(factory=Counter, init=False)
    _last: dict[str, Fact | None] = attrs.field(factory=dict, init=False)
    _accepted: dict[tuple[str, str], tuple[dt.datetime, Fact]] = attrs.field(
        factory=dict, init=False
    )
    _told: dict[tuple[str, str], tuple[dt.datetime, int]] = attrs.field(factory=dict, init=False)
    _open: dict[SessionKey, tuple[pk.Session, Fact]] = attrs.field(factory=dict, init=False)

    def read(self, raw: bytes) -> Reading:
        """Read the next line."""
        line = split_line(raw)
        if isinstance(line, Reason):
            return Reading(reason=line)
        try:
            at = line.when or dt.datetime.combine(
                dt.date(self._year + self._years.year_of(line), line.month, line.day),
                line.time,
                dt.timezone.utc,
            )
        except ValueError:  # the 29th of February of a year that has none
            return Reading(reason="impossible date")
        fact = self._fact(line)
        if isinstance(fact, Reason):
            return Reading(reason=fact)
        # A line that is there twice was written twice: its number makes the ids differ.
        raw = raw.rstrip(b"\r\n")
        if self._day != (line.month, line.day):
            self._day = (line.month, line.day)
            self._seen.clear()
        key = hashlib.sha256(raw).digest()
        self._seen[key] += 1
        return self._events(line, at, fact, digest(key.hex(), self._seen[key]))

    def _fact(self, line: Line) -> Fact | Reason:
        repeated = None if line.program else _LAST_REPEATED.fullmatch(line.message)
        if repeated is None:
            fact = fact_of(line)
            self._last[line.server] = fact if isinstance(fact, Fact) else None
            return fact
        last = self._last.get(line.server)
        if last is None:
            return "repeats of other lines"
        return _repeat(last, int(repeated[1]))

    def _events(self, line: Line, at: dt.datetime, fact: Fact, seed: str) -> Reading:
        process = (line.server, line.pid)
        make = functools.partial(_sign_in, line=line, at=at, fact=fact, seed=seed)
        if fact.kind == "failed":
            times = self._untold(process, at, fact, is_pam=bool(line.module))
            if not times:
                return Reading(reason="sshd's copy of what PAM says")
            return Reading(tuple(make(AUTH_FAIL, number=number) for number in range(times)))
        if fact.kind == "accepted":
            self._accepted[process] = at, fact
            return Reading(tuple(make(SIGN_IN, number=number) for number in range(fact.times)))
        key = (*process, fact.service, fact.user)
        if fact.kind == "opened":
            return self._opened(line, at, fact, seed, key)
        if key not in self._open:
            return Reading(reason="session that began before the log")
        session, fact = self._open.pop(key)
        start = session.start_timestamp or at
        duration_ms = max(0, round((at - start) / dt.timedelta(milliseconds=1)))
        session = attrs.evolve(session, stop_timestamp=at, duration_ms=duration_ms)
        return Reading((make(SESSION_STOP, fact=fact, session=session),))

    def _opened(
        self, line: Line, at: dt.datetime, fact: Fact, seed: str, key: SessionKey
    ) -> Reading:
        accepted = self._accepted.pop((line.server, line.pid), None)
        is_announced = accepted is not None and _is_near(accepted[0], at)
        if accepted is not None and is_announced:
            fact = attrs.evolve(fact, host=accepted[1].host, method=accepted[1].method)
        make = functools.partial(_sign_in, line=line, at=at, fact=fact, seed=seed)
        session = pk.Session(id=digest("session", seed), start_timestamp=at)
        self._open[key] = session, fact
        start = make(SESSION_START, session=session)
        if is_announced or fact.service not in SIGN_IN_SERVICES:
            return Reading((start,))
        return Reading((make(SIGN_IN), start))

    def _untold(
        self, process: tuple[str, str], at: dt.datetime, fact: Fact, *, is_pam: bool
    ) -> int:
        """How many of these failed attempts were not told of before."""
        if fact.service != "sshd":
            return fact.times
        told_at, told = self._told.pop(process, (at, 0))
        told = told if _is_near(told_at, at) else 0
        if is_pam:
            self._told[process] = at, told + fact.times
            return fact.times
        if told > fact.times:
            self._told[process] = told_at, told - fact.times
        return max(0, fact.times - told)


def _is_near(earlier: dt.datetime, later: dt.datetime) -> bool:
    return abs((later - earlier).total_seconds()) <= SAME_PROCESS_SECONDS


def _sign_in(  # noqa: PLR0913 -- an event and where it comes from
    event_type: str,
    *,
    line: Line,
    at: dt.datetime,
    fact: Fact,
    seed: str,
    number: int = 0,
    session: pk.Session | None = None,
) -> SignIn:
    attributes = {"service": fact.service, "server": line.server, "method": fact.method}
    if fact.user is not None:
        attributes["user_name"] = fact.user
    if fact.host:
        attributes["remote_host"] = fact.host
    if event_type == AUTH_FAIL:
        attributes["is_known_user"] = "true" if fact.is_known else "false"
    event = pk.Event(
        type=event_type,
        id=digest(event_type, seed, number),
        timestamp=at,
        attributes={name: shown(value, 200) for name, value in attributes.items()},
        session=session,
    )
    return SignIn(event=event, user=fact.user, host=fact.host)


def digest(*parts: str | int | None) -> str:
    """Return a name for some parts; JSON keeps them apart, whatever they hold."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def shown(text: str, longest: int) -> str:
    """Text for people and terminals: no control characters, no broken ones, not too long."""
    head = "".join(
        character
        if character.isprintable()
        else character.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if "\udc80" <= character <= "\udcff"
        else character.encode("unicode_escape").decode()
        for character in text[: longest + 1]
    )
    return head if len(head) <= longest else head[: longest - 1] + "…"


# ------------------------------------------------------------------------------ into Pinpoint


@attrs.define
class Summary:
    """What was read and what became of it."""

    lines: int = 0
    understood: int = 0
    ignored: Counter[str] = attrs.field(factory=Counter)
    events: Counter[str] = attrs.field(factory=Counter)
    session_ms: list[int] = attrs.field(factory=list)
    signed_in: Counter[str] = attrs.field(factory=Counter)
    failed: Counter[str] = attrs.field(factory=Counter)
    failed_hosts: Counter[str] = attrs.field(factory=Counter)
    hosts: set[str] = attrs.field(factory=set)
    endpoints: set[str] = attrs.field(factory=set)
    without_user: set[str] = attrs.field(factory=set)
    refused: set[str] = attrs.field(factory=set)
    report: pk.DeliveryReport = attrs.field(factory=pk.DeliveryReport)

    @property
    def is_complete(self) -> bool:
        """True when everything was accepted."""
        return self.report.is_complete and not self.refused

    def count(self, sign_in: SignIn) -> None:
        """Count one event."""
        kind, user = sign_in.event.type, sign_in.user
        self.events[kind] += 1
        self.endpoints.add(sign_in.endpoint_id)
        if sign_in.host:
            self.hosts.add(sign_in.host)
        if kind == SIGN_IN and user:
            self.signed_in[user] += 1
        if kind == AUTH_FAIL:
            self.failed["(not named)" if user is None else user] += 1
            self.failed_hosts[sign_in.host or "(this machine)"] += 1
        session = sign_in.event.session
        if kind == SESSION_STOP and session is not None:
            self.session_ms.append(session.duration_ms or 0)


class Importer:
    """Records sign-ins, and decides which endpoints belong to a user."""

    def __init__(self, pinpoint: pk.Pinpoint) -> None:
        self._pinpoint = pinpoint
        self._attached: dict[str, set[str]] = {}
        self._sent: dict[str, bool] = {}  # endpoint id -> whether its user went with it
        self.summary = Summary()

    def add(self, reading: Reading) -> None:
        """Record what one line says."""
        self.summary.lines += 1
        if reading.reason:
            self.summary.ignored[reading.reason] += 1
            return
        self.summary.understood += 1
        for sign_in in reading.events:
            self.summary.count(sign_in)
            future = self._pinpoint.events.submit(
                sign_in.endpoint_id, sign_in.event, endpoint=self._endpoint(sign_in)
            )
            future.add_done_callback(self._settled)

    def finish(self) -> Summary:
        """Wait until everything is settled."""
        self.summary.report = self._pinpoint.flush(FLUSH_SECONDS)
        return self.summary

    def _endpoint(self, sign_in: SignIn) -> pk.Endpoint | None:
        """Return the endpoint's data, with its first event and with its first sign-in."""
        endpoint_id = sign_in.endpoint_id
        is_sign_in = sign_in.event.type != AUTH_FAIL and bool(sign_in.user)
        if endpoint_id in self._sent and (self._sent[endpoint_id] or not is_sign_in):
            return None
        self._sent[endpoint_id] = is_sign_in
        attributes = {"user_name": sign_in.user, "remote_host": sign_in.host}
        return pk.Endpoint(
            attributes={name: shown(value, 100) for name, value in attributes.items() if value},
            user=self._user(sign_in.user, endpoint_id) if is_sign_in and sign_in.user else None,
        )

    def _user(self, name: str, endpoint_id: str) -> pk.User | None:
        user_id = name if shown(name, 100) == name else "user-" + digest("user", name)
        if user_id not in self._attached:
            self._attached[user_id] = self._known(user_id)
        attached = self._attached[user_id]
        if endpoint_id not in attached and len(attached) >= MAX_ATTACHED:
            self.summary.without_user.add(endpoint_id)
            return None
        attached.add(endpoint_id)
        return pk.User(id=user_id)

    def _known(self, user_id: str) -> set[str]:
        """Return the user's endpoints of earlier runs."""
        try:
            return {str(endpoint.id) for endpoint in self._pinpoint.users.endpoints(user_id)}
        except pk.errors.NotFound:
            return set()

    def _settled(self, future: Future[pk.EventResult]) -> None:
        if future.exception() is None:
            result = future.result()
            if result.endpoint_status_code not in {None, 202}:
                self.summary.refused.add(result.endpoint_id)


def log_lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, cut just beyond `MAX_LINE_BYTES`: no line fills the memory."""
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            yield line
            # The rest of a cut line must not pass for a line of its own.
            while line and not line.endswith(b"\n") and len(line) > MAX_LINE_BYTES:
                line = file.readline(MAX_LINE_BYTES + 1)


def summary_text(name: str, summary: Summary) -> str:
    """Return the summary as a page of text."""
    report, duration = summary.report, sum(summary.session_ms)
    rows: list[tuple[int, str, int]] = [
        (0, "lines read", summary.lines),
        (1, "understood", summary.understood),
        (1, "ignored", summary.ignored.total()),
        *((2, reason, count) for reason, count in summary.ignored.most_common()),
        (0, "events", summary.events.total()),
        *((1, kind, count) for kind, count in sorted(summary.events.items())),
        (1, "sessions that the log does not end", _still_open(summary)),
        (1, "seconds in ended sessions", duration // 1000),
        (0, "users that signed in", len(summary.signed_in)),
        *((1, shown(user, 40), count) for user, count in _top(summary.signed_in)),
        (0, "names that failed to", len(summary.failed)),
        *((1, shown(user, 40), count) for user, count in _top(summary.failed)),
        (0, "remote hosts", len(summary.hosts)),
        *((1, shown(host, 40) + " failed", n) for host, n in _top(summary.failed_hosts)),
        (0, "endpoints", len(summary.endpoints)),
        (1, f"left without their user (over {MAX_ATTACHED})", len(summary.without_user)),
        (0, "recorded", report.recorded),
        (1, "accepted", report.accepted),
        (1, "rejected", report.rejected),
        (1, "dropped", report.dropped),
        (1, "pending", report.pending),
        (1, "endpoints refused", len(summary.refused)),
    ]
    table = (f"{'  ' * level + label:<56}{count:>9,}" for level, label, count in rows)
    return "\n".join([shown(name, 200), *table])


def _still_open(summary: Summary) -> int:
    return summary.events[SESSION_START] - summary.events[SESSION_STOP]


def _top(counter: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counter.items(), key=lambda item: (-item[1], item[0]))[:5]


def main() -> int:
    """Read a log into Pinpoint; returns the exit status."""
    parser = argparse.ArgumentParser(description="Sign-ins of an sshd/PAM log as Pinpoint events.")
    parser.add_argument("logfile", type=Path, metavar="LOGFILE")
    parser.add_argument("--url", help="where to; $PINPOINT_KIT_URL or sqlite:///pinpoint.db")
    parser.add_argument("--application", default="sshd", help="its name (default: %(default)s)")
    parser.add_argument("--year", type=int, help="the year of the last line")
    options = parser.parse_args()
    if options.year is not None and not 1900 <= options.year <= 9000:  # noqa: PLR2004 -- a century's room at each end
        parser.error("--year must be from 1900 to 9000")
    try:
        modified = options.logfile.stat().st_mtime
        year = year_zero(
            log_lines(options.logfile),
            not_after=dt.datetime.fromtimestamp(modified, dt.timezone.utc),
            last_year=options.year,
        )
        delivery = pk.DeliveryOptions(when_full="block")
        with pk.connect(options.url, application=options.application, delivery=delivery) as client:
            importer = Importer(client)
            for reading in read_log(log_lines(options.logfile), year=year):
                importer.add(reading)
            summary = importer.finish()
    except (OSError, pk.PinpointKitError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    # Only now, after the client was closed, is the answer to the last endpoint in the summary.
    print(summary_text(str(options.logfile), summary))
    return 0 if summary.is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
