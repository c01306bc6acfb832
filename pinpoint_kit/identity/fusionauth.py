"""FusionAuth's webhook events; only the table belongs here.

Source: FusionAuth, "Events & Webhooks".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, RESUME, SIGN_IN, SIGN_UP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["TABLE", "read"]


def _one_form(record: Record) -> Record:
    return record if isinstance(record.get("event"), Mapping) else {"event": record}


TABLE = ProviderTable(
    name="fusionauth",
    parts=["event.type"],
    rules={
        "user.login.success": SIGN_IN,
        "user.login.failed": AUTH_FAIL,
        "user.registration.create.complete": SIGN_UP,
        "jwt.refresh": RESUME,
        "jwt.*": leave_out("token"),
        "user.login.*": leave_out("part_of_a_sign_in"),
        "user.*": leave_out("account_change"),
        "group.*": leave_out("administration"),
        "audit-log.*": leave_out("administration"),
        "event-log.*": leave_out("administration"),
        "kickstart.*": leave_out("administration"),
        "identity-provider.*": leave_out("account_change"),
        "test": leave_out("test"),
    },
    fields={
        "id": "event.id",
        "time": "event.createInstant",
        "user": "event.user.id",
        "tenant": ("event.tenantId", "event.user.tenantId"),
        "client": "event.applicationId",
        "user_agent": "event.info.userAgent",
        "session": "event.refreshTokenId",
        "country": "event.info.location.country",
        "region": "event.info.location.region",
        "city": "event.info.location.city",
        "reason": "event.reason.code",
        "strategy": "event.authenticationType",
    },
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one event says; never raises for what it holds.

    Args:
        record: `{"event": {…}}` as a webhook gets it, or the event alone.
        table: another table, made with `TABLE.extended` or `TABLE.enabling`. The option `resume`
            makes `_session.resume` of refreshed tokens that name their session.

    Examples:
        >>> read({"event": {"type": "jwt.public-key.update"}}).reason
        'token'
    """
    return table.read(record)
