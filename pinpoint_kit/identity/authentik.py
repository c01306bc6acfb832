"""authentik's events (API `/events/events/`); only the table belongs here.

Source: authentik, "Events", actions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, leave_out
from pinpoint_kit.identity.reading.table import Part, ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading

__all__ = ["TABLE", "read"]

TABLE = ProviderTable(
    name="authentik",
    parts=["action", Part("context.created", {}, "false")],
    rules={
        "login:*": SIGN_IN,
        "login_failed:*": AUTH_FAIL,
        "user_write:true": SIGN_UP,
        "user_write:*": leave_out("account_change"),
        "logout:*": leave_out("no_session"),
        "authorize_application:*": leave_out("application"),
        **dict.fromkeys(
            (
                f"{action}:*"
                for action in (
                    *("configuration_error", "email_sent", "flow_execution"),
                    *("impersonation_ended", "impersonation_started", "invitation_used"),
                    *("model_created", "model_deleted", "model_updated", "password_set"),
                    *("policy_exception", "policy_execution", "property_mapping_exception"),
                    *("secret_rotate", "secret_view", "source_linked", "suspicious_request"),
                    *("system_exception", "system_task_exception", "system_task_execution"),
                    *("token_view", "update_available"),
                )
            ),
            leave_out("administration"),
        ),
    },
    fields={
        "id": "pk",
        "time": "created",
        "user": "user.pk",
        "tenant": ("brand.pk", "tenant.pk"),
        "user_agent": "context.http_request.user_agent",
        "country": "context.geo.country",
        "city": "context.geo.city",
        "strategy": "context.auth_method",
        "client": "context.authorized_application.pk",
    },
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one event says; never raises for what it holds.

    Args:
        record: an event of the API.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({"action": "login", "created": "2024-08-13T15:58:20Z", "user": {"pk": 7}}).user_id
        '7'
    """
    return table.read(record)
