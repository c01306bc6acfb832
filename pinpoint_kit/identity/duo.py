"""Duo's authentication log (Admin API, versions 1 and 2); only the table belongs here.

Source: Duo, "Admin API", Authentication Logs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, leave_out
from pinpoint_kit.identity.reading.table import Part, ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["TABLE", "read"]

TABLE = ProviderTable(
    name="duo",
    parts=[
        Part(("event_type", "eventtype", "action"), {}, "authentication"),
        Part("result", {"SUCCESS": "success", "FAILURE": "denied", "FRAUD": "fraud"}),
    ],
    rules={
        "authentication:success": SIGN_IN,
        "authentication:denied": AUTH_FAIL,
        "authentication:fraud": AUTH_FAIL,
        "enrollment:*": leave_out("factor"),
        **dict.fromkeys(
            (
                "admin_login:*",
                "admin_2fa_error:*",
                "admin_lockout:*",
                "admin_create:*",
                "admin_update:*",
                "admin_single_sign_on_update:*",
                "application_install:*",
                "bypass_create:*",
                "bypass_view:*",
                "integration_create:*",
                "user_update:*",
                "integration_skey_view:*",
                "policy_update:*",
                "update_admin_factor_restrictions:*",
            ),
            leave_out("administration"),
        ),
    },
    fields={
        "id": "txid",
        "time": ("timestamp", "isotimestamp"),
        "user": "user.key",
        "client": ("application.key", "ikey"),
        "device": "access_device.epkey",
        "platform": "access_device.os",
        "country": "access_device.location.country",
        "region": "access_device.location.state",
        "city": "access_device.location.city",
        "reason": "reason",
        "factor": "factor",
    },
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one log entry says; never raises for what it holds.

    Args:
        record: an entry of the authentication log; those of the administrators' log are left out.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({"event_type": "authentication", "result": "fraud", "timestamp": 1723564700}
        ... ).events[0].type
        '_userauth.auth_fail'
    """
    return table.read(record)
