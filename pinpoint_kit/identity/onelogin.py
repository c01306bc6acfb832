"""OneLogin's events, by their number; only the table belongs here.

Source: OneLogin, "Event Types"; Panther's data model for OneLogin (5, 6, 13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["TABLE", "read"]

TABLE = ProviderTable(
    name="onelogin",
    parts=["event_type_id"],
    rules={
        "5": SIGN_IN,
        "6": AUTH_FAIL,
        "13": SIGN_UP,
        "8": leave_out("application"),
        "90": leave_out("application"),
        "3": leave_out("impersonation"),
        "11": leave_out("account_change"),
        "24": leave_out("factor"),
        "172": leave_out("factor"),
    },
    fields={
        "id": "id",
        "time": ("created_at", "event_timestamp"),
        "user": "user_id",
        "tenant": "account_id",
        "client": "app_id",
        "user_agent": "user_agent",
        "reason": "error_code",
        "risk": "risk_score",
    },
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one event says; never raises for what it holds.

    Args:
        record: an event of the Events API or of a webhook.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({"event_type_id": 5, "id": 1, "created_at": 1723564700, "user_id": 7}).user_id
        '7'
    """
    return table.read(record)
