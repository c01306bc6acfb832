"""Google Workspace's login activities (Reports API); only the table belongs here.

Google names no sessions, so its `logout` cannot end one.

Source: Google, "Reports API: Login Audit Activity Events".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable
from pinpoint_kit.identity.reading.values import text

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["TABLE", "read", "single_events"]

_MOST_EVENTS = 1_000


def single_events(record: Record) -> list[Record]:
    """Return one record for each event of an activity, which may have several."""
    events = record.get("events")
    if not isinstance(events, list):
        return [record]
    rest = {name: value for name, value in record.items() if name != "events"}
    return [
        {**rest, **event, "_number": number}
        for number, event in enumerate(events[:_MOST_EVENTS])
        if isinstance(event, Mapping)
    ]


def _one_form(record: Record) -> Record:
    events = record.get("events")
    if isinstance(events, list):
        record = (single_events(record) or [record])[0]
    place = record.get("id")
    if not isinstance(place, Mapping):
        return record
    time, qualifier = text(place.get("time")), text(place.get("uniqueQualifier"))
    if time is None or qualifier is None:
        return record
    number = record.get("_number")
    suffix = f":{number}" if number else ""
    return {**record, "_id": f"{time.replace(' ', 'T')}:{qualifier}{suffix}"}


TABLE = ProviderTable(
    name="google_workspace",
    parts=["id.applicationName", "type", "name"],
    rules={
        "login:login:login_success": SIGN_IN,
        "login:login:login_failure": AUTH_FAIL,
        "login:login:logout": leave_out("no_session"),
        "login:login:login_challenge": leave_out("part_of_a_sign_in"),
        "login:login:login_verification": leave_out("part_of_a_sign_in"),
        "login:*": leave_out("warning"),
        "logout:*": leave_out("application"),
        "user_accounts:*": leave_out("account_change"),
        **dict.fromkeys(
            (
                f"{name}:*"
                for name in (
                    *("access_transparency", "admin", "calendar", "chat", "drive", "gcp"),
                    *("gmail", "groups", "groups_enterprise", "meet", "mobile", "rules", "saml"),
                    *("token", "chrome", "context_aware_access", "data_studio", "keep", "vault"),
                )
            ),
            leave_out("application"),
        ),
    },
    fields={
        "id": "_id",
        "time": "id.time",
        "user": "actor.profileId",
        "tenant": "id.customerId",
        "reason": "parameters.login_failure_type",
        "strategy": "parameters.login_type",
    },
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one activity says; never raises for what it holds.

    Args:
        record: an activity; of several events in one, the first. `single_events` parts them.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({
        ...     "id": {"time": "2024-08-13T15:58:20Z", "applicationName": "login"},
        ...     "actor": {"profileId": "1181"},
        ...     "events": [{"type": "login", "name": "login_success"}],
        ... }).user_id
        '1181'
    """
    return table.read(record)
