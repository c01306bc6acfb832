"""OCSF, as security lakes keep it: class Authentication (3002) and Account Change (3001).

Only the table belongs here. Writers of OCSF often give names where ids are due; both are read.

Source: Open Cybersecurity Schema Framework, classes `authentication` and `account_change`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, STOP, leave_out
from pinpoint_kit.identity.reading.table import Part, ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["TABLE", "read"]

TABLE = ProviderTable(
    name="ocsf",
    parts=[
        Part(("class_uid", "class_name"), {"Authentication": "3002", "Account Change": "3001"}),
        Part(("activity_id", "activity_name"), {"Logon": "1", "Logoff": "2", "Create": "1"}),
        Part(("status_id", "status"), {"Success": "1", "Failure": "2"}),
    ],
    rules={
        "3002:1:1": SIGN_IN,
        "3002:1:2": AUTH_FAIL,
        "3002:2:1": STOP,
        "3002:2:": STOP,
        "3002:*": leave_out("part_of_a_sign_in"),
        "3001:1:1": attrs.evolve(SIGN_UP, subject="target"),
        "3001:*": leave_out("account_change"),
    },
    fields={
        "id": "metadata.uid",
        "time": ("time", "time_dt"),
        "user": ("user.uid", "actor.user.uid"),
        "target": "user.uid",
        "person_type": ("user.type_id", "user.type"),
        "tenant": ("metadata.tenant_uid", "cloud.account.uid"),
        "client": ("service.uid", "actor.app_uid"),
        "device": ("device.uid", "src_endpoint.uid"),
        "user_agent": "http_request.user_agent",
        "platform": ("device.os.name", "src_endpoint.os.name"),
        "session": ("session.uid", "actor.session.uid"),
        "country": ("src_endpoint.location.country", "device.location.country"),
        "region": ("src_endpoint.location.region", "device.location.region"),
        "city": ("src_endpoint.location.city", "device.location.city"),
        "reason": ("status_code", "status_detail"),
        "protocol": ("auth_protocol", "auth_protocol_id"),
    },
    people=frozenset({"", "0", "1", "2", "99", "Unknown", "User", "Admin", "Other"}),
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one OCSF event says; never raises for what it holds.

    Args:
        record: an event of any class; only two of them are about log-ins.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({
        ...     "class_uid": 3002, "activity_id": 1, "status_id": 1, "time": 1723564700353,
        ...     "user": {"uid": "u-1"}, "metadata": {"uid": "e-1"},
        ... }).user_id
        'u-1'
    """
    return table.read(record)
