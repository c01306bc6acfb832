"""Okta's System Log: records of `/api/v1/logs`, of event hooks and of log streaming.

Only the table belongs here. One log-in makes several records (policy, factor, application); the
one that counts is `user.session.start`.

Source: Okta's System Log API and its catalogue of event types; Panther's data model for Okta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.identity.reading.paths import compiled, finder
from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, STOP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["TABLE", "read"]

_PART = leave_out("part_of_a_sign_in")
_NOT_FINAL = leave_out("not_final")
_WRONG = frozenset({"INVALID_CREDENTIALS", "VERIFICATION_ERROR", "LOCKED_OUT"})

_CLEAR = "user.session.clear"
_KIND, _ACTOR, _TARGET = (
    finder(compiled(path)) for path in ("eventType", "actor.id", "target[type=User].id")
)


def _told_apart(record: Record) -> Record:
    """Give the clearing of somebody else's sessions a type of its own.

    Such a record names the administrator's own session. Each of the person's sessions has a
    `user.session.end` beside it.
    """
    if _KIND(record) != _CLEAR or _TARGET(record) in {None, _ACTOR(record)}:
        return record
    return {**record, "eventType": f"{_CLEAR}.by_others"}


TABLE = ProviderTable(
    name="okta",
    parts=["eventType", "outcome.result"],
    rules={
        "user.session.start:SUCCESS": SIGN_IN,
        "user.session.start:FAILURE": AUTH_FAIL,
        "user.session.start:*": _NOT_FINAL,
        "user.authentication.auth_via_mfa:FAILURE": AUTH_FAIL,
        "user.authentication.auth_via_mfa:*": _PART,
        "user.authentication.authenticate:FAILURE": attrs.evolve(AUTH_FAIL, reasons=_WRONG),
        "user.authentication.authenticate:*": _PART,
        "user.lifecycle.create:SUCCESS": attrs.evolve(SIGN_UP, subject="target"),
        "user.lifecycle.create:*": _NOT_FINAL,
        "user.session.end:SUCCESS": STOP,
        "user.session.end:*": _NOT_FINAL,
        "user.session.expire:SUCCESS": STOP,
        "user.session.expire:*": _NOT_FINAL,
        "user.session.clear:SUCCESS": STOP,
        "user.session.clear:*": _NOT_FINAL,
        f"{_CLEAR}.by_others:*": leave_out("administration"),
        "user.session.*": leave_out("administration"),
        "user.authentication.*": _PART,
        "policy.evaluate_sign_on:*": _PART,
        "app.oauth2.*": leave_out("token"),
        "app.token.*": leave_out("token"),
        "user.account.lock:*": leave_out("consequence_of_failures"),
        "user.account.*": leave_out("administration"),
        "user.lifecycle.*": leave_out("administration"),
        "user.mfa.*": leave_out("administration"),
        "application.*": leave_out("administration"),
        "app.*": leave_out("application"),
        "group.*": leave_out("administration"),
        "policy.*": leave_out("administration"),
        "security.*": leave_out("security"),
        "system.*": leave_out("administration"),
    },
    fields={
        "id": "uuid",
        "time": "published",
        "user": "actor.id",
        "person_type": "actor.type",
        "target": "target[type=User].id",
        "client": "debugContext.debugData.clientId",
        "device": "device.id",
        "user_agent": "client.userAgent.rawUserAgent",
        "session": "authenticationContext.externalSessionId",
        "country": "client.geographicalContext.country",
        "region": "client.geographicalContext.state",
        "city": "client.geographicalContext.city",
        "reason": "outcome.reason",
        "factor": "debugContext.debugData.factor",
        "strategy": "authenticationContext.credentialType",
    },
    people=frozenset({"", "User"}),
    prepare=_told_apart,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one record of the System Log says; never raises for what it holds.

    Args:
        record: a record as Okta writes it, or with its names in lower case.
        table: another table, made with `TABLE.extended` or `TABLE.enabling`.

    Examples:
        >>> reading = read({
        ...     "uuid": "dc9fd3c0-598c-11ef-8478-2b7584bf8d5a",
        ...     "published": "2024-08-13T15:58:20.353Z",
        ...     "eventType": "user.session.start",
        ...     "outcome": {"result": "SUCCESS"},
        ...     "actor": {"id": "00uttidj01jqL21aM1d6", "type": "User"},
        ...     "authenticationContext": {"externalSessionId": "102bZDNFfWaQSyEZQuDgWt-uQ"},
        ... })
        >>> [event.type for event in reading.events]
        ['_userauth.sign_in', '_session.start']
    """
    return table.read(record)
