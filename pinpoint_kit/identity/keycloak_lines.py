"""Keycloak's log lines: from one line to the members of an event, or to the reason why not.

A line is data, and its writer may be an attacker: anyone may try to sign in as a user whose name
looks like fields of the line. Keycloak writes its own fields first and in a fixed order, so only
those at their place count, and a line in which one of them comes twice, or a second event begins,
is refused. Keycloak from 25 on quotes every value, and cannot be imitated.

Source: Keycloak, JBossLoggingEventListenerProvider, versions 12 to 26.
"""

from __future__ import annotations

import datetime as dt
import re

from pinpoint_kit.identity.reading.instants import instant_of

__all__ = ["fields_of_line"]

_LONGEST_LINE = 65_536
_HEAD = re.compile(r'(?<![\w=\'"])type="?[A-Z][A-Z0-9_]*"?, realmId=')
_PLAIN = re.compile(
    r"type=(?P<type>\w+), realmId=(?P<realmId>[^,\"]*), (?:realmName=(?P<realmName>[^,\"]*), )?"
    r"clientId=(?P<clientId>[^,\"]*), userId=(?P<userId>[^,\"]*), "
    r"(?:sessionId=(?P<sessionId>[^,\"]*), )?ipAddress=(?P<ipAddress>[^,\"]*)"
    r"(?:, error=(?P<error>[^,\"]*))?(?P<rest>.*)",
    re.ASCII,
)
_VALUE = r'"(?:[^"\\]|\\.)*"'
_QUOTED = re.compile(
    rf"type=(?P<type>{_VALUE}), realmId=(?P<realmId>{_VALUE}), "
    rf"(?:realmName=(?P<realmName>{_VALUE}), )?clientId=(?P<clientId>{_VALUE}), "
    rf"userId=(?P<userId>{_VALUE}), (?:sessionId=(?P<sessionId>{_VALUE}), )?"
    rf"ipAddress=(?P<ipAddress>{_VALUE})(?:, error=(?P<error>{_VALUE}))?(?P<rest>.*)"
)
_QUOTED_DETAIL = re.compile(rf", (?P<name>[\w.-]+)=(?P<value>{_VALUE})")
#: A value in apostrophes, when it has blanks, or one without any.
_PLAIN_DETAIL = re.compile(
    r", (?P<name>[\w.-]+)=(?P<value>'.*?'(?=, [\w.-]+=|\Z)|(?!')(?:[^\s,]|,(?! ))*)"
)
#: What Keycloak writes itself. A detail of such a name was made up by somebody.
_OWN = frozenset(
    {"type", "realmId", "realmName", "clientId", "userId", "sessionId", "ipAddress", "error"}
)
_DETAILS = frozenset({"code_id", "auth_method", "identity_provider"})

_DATED = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII
)
_SYSLOG = re.compile(r"\b([A-Z][a-z]{2}) +(\d\d?) (\d\d:\d\d:\d\d)\b", re.ASCII)
_TIME = re.compile(r"(?<![\d:])(\d\d:\d\d:\d\d(?:[.,]\d{1,6})?)(?![\d:])", re.ASCII)
_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d)\Z")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def fields_of_line(
    line: str, *, date: dt.date | None = None, zone: dt.tzinfo = dt.timezone.utc
) -> dict[str, object] | str:
    """Return the members of the event in a line, or a word that says why there are none.

    Args:
        line: one line, with whatever stands before the event.
        date: the day of the line, for lines that name the time only; its year is taken for
            lines of syslog, which name none.
        zone: the zone of times that name none.

    Returns:
        The event in the form of Keycloak's REST API, or one of `not_an_event` and
        `ambiguous_line`.
    """
    if len(line) > _LONGEST_LINE:
        return "not_an_event"
    heads = [found.start() for found in _HEAD.finditer(line)]
    if not heads:
        return "not_an_event"
    if len(heads) > 1:
        return "ambiguous_line"
    run = line[heads[0] :].rstrip().rstrip(")]")
    found = _QUOTED.fullmatch(run)
    is_quoted = found is not None
    found = found or _PLAIN.fullmatch(run)
    if found is None:
        return "not_an_event"
    details = _details(found["rest"], is_quoted=is_quoted)
    if details is None:
        return "ambiguous_line"
    event: dict[str, object] = {
        name: value
        for name, text in found.groupdict().items()
        if name != "rest" and (value := _unquoted(text)) is not None
    }
    event["details"] = details
    at = _time(line[: heads[0]], date, zone)
    if at is not None:
        event["time"] = at.isoformat()
    return event


def _details(rest: str, *, is_quoted: bool) -> dict[str, str] | None:
    """Return the details that matter; None when the rest can be read in two ways."""
    pattern = _QUOTED_DETAIL if is_quoted else _PLAIN_DETAIL
    seen: set[str] = set()
    details: dict[str, str] = {}
    position = 0
    while position < len(rest):
        found = pattern.match(rest, position)
        if found is None:
            return None
        name = found["name"]
        if name in seen or name in _OWN:
            return None
        seen.add(name)
        value = _unquoted(found["value"])
        if name in _DETAILS and value is not None:
            details[name] = value
        position = found.end()
    return details


def _unquoted(value: str | None) -> str | None:
    if value is None:
        return None
    if value[:1] in {'"', "'"} and len(value) > 1:
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    return None if value in {"", "null"} else value


def _time(prefix: str, date: dt.date | None, zone: dt.tzinfo) -> dt.datetime | None:
    dated = _DATED.search(prefix)
    if dated is not None:
        found = instant_of(dated[0])
        return found if found is None or _ZONED.search(dated[0]) else _in_zone(found, zone)
    if date is None:
        return None
    syslog = _SYSLOG.search(prefix)
    if syslog is not None and syslog[1] in _MONTHS:
        month = _MONTHS.index(syslog[1]) + 1
        found = instant_of(f"{date.year:04}-{month:02}-{int(syslog[2]):02} {syslog[3]}")
        return None if found is None else _in_zone(found, zone)
    time = _TIME.search(prefix)
    found = None if time is None else instant_of(f"{date.isoformat()} {time[1]}")
    return None if found is None else _in_zone(found, zone)


def _in_zone(read_as_utc: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    return read_as_utc.replace(tzinfo=zone).astimezone(dt.timezone.utc)
