"""Keycloak's events: of its REST API, of webhooks, and from its log lines in all their forms.

Only the table and the bringing of these forms into one belong here; the parsing of lines is in
`keycloak_lines`. `IDENTITY_PROVIDER_LOGIN` is followed by `LOGIN`, so only the latter counts.

Source: Keycloak, EventType and Errors, versions 12 to 26.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pinpoint_kit.identity.keycloak_lines import fields_of_line
from pinpoint_kit.identity.reading.reading import Reading, Record
from pinpoint_kit.identity.reading.rules import AUTH_FAIL, RESUME, SIGN_IN, SIGN_UP, STOP, leave_out
from pinpoint_kit.identity.reading.table import Part, ProviderTable

__all__ = ["TABLE", "read"]

_CLIENT_ERROR = leave_out("client_error")
_ACCOUNT = leave_out("account_change")
_TOKEN = leave_out("token")
_PART = leave_out("part_of_a_sign_in")


def _one_form(record: Record) -> Record:
    """Return the event with its type as the REST API has it."""
    kind = record.get("type")
    if isinstance(kind, str) and kind.startswith("access."):  # webhook extensions
        return {**record, "type": kind.removeprefix("access.")}
    return record


TABLE = ProviderTable(
    name="keycloak",
    parts=["type", Part("error")],
    rules={
        "LOGIN:": SIGN_IN,
        "LOGIN:*": leave_out("not_final"),
        **{
            f"LOGIN_ERROR:{error}": AUTH_FAIL
            for error in (
                "invalid_user_credentials",
                "user_not_found",
                "user_disabled",
                "user_temporarily_disabled",
            )
        },
        "LOGIN_ERROR:*": _CLIENT_ERROR,
        "REGISTER:": SIGN_UP,
        "REGISTER:*": leave_out("not_final"),
        "LOGOUT:*": STOP,
        "USER_SESSION_DELETED:*": STOP,
        "REFRESH_TOKEN:": RESUME,
        **dict.fromkeys(
            (
                f"{name}:*"
                for name in (
                    *("CODE_TO_TOKEN", "CODE_TO_TOKEN_ERROR", "REFRESH_TOKEN_ERROR"),
                    *("TOKEN_EXCHANGE", "TOKEN_EXCHANGE_ERROR", "INTROSPECT_TOKEN"),
                    *("INTROSPECT_TOKEN_ERROR", "VALIDATE_ACCESS_TOKEN", "PERMISSION_TOKEN"),
                    *("VALIDATE_ACCESS_TOKEN_ERROR", "PERMISSION_TOKEN_ERROR", "REVOKE_GRANT"),
                    *("REVOKE_GRANT_ERROR", "USER_INFO_REQUEST", "USER_INFO_REQUEST_ERROR"),
                    *("PUSHED_AUTHORIZATION_REQUEST", "PUSHED_AUTHORIZATION_REQUEST_ERROR"),
                    *("OAUTH2_DEVICE_AUTH", "OAUTH2_DEVICE_AUTH_ERROR"),
                    *("OAUTH2_DEVICE_CODE_TO_TOKEN", "OAUTH2_DEVICE_CODE_TO_TOKEN_ERROR"),
                    *("OAUTH2_DEVICE_VERIFY_USER_CODE", "OAUTH2_DEVICE_VERIFY_USER_CODE_ERROR"),
                    *("AUTHREQID_TO_TOKEN", "AUTHREQID_TO_TOKEN_ERROR", "REFRESH_TOKEN"),
                )
            ),
            _TOKEN,
        ),
        **dict.fromkeys(
            (
                f"{name}{error}:*"
                for name in (
                    *("IDENTITY_PROVIDER_LOGIN", "IDENTITY_PROVIDER_FIRST_LOGIN"),
                    *("IDENTITY_PROVIDER_POST_LOGIN", "IDENTITY_PROVIDER_RESPONSE"),
                    *("IDENTITY_PROVIDER_RETRIEVE_TOKEN", "SEND_IDENTITY_PROVIDER_LINK"),
                    *("CUSTOM_REQUIRED_ACTION", "EXECUTE_ACTIONS", "EXECUTE_ACTION_TOKEN"),
                )
                for error in ("", "_ERROR")
            ),
            _PART,
        ),
        **dict.fromkeys(
            (
                f"{name}{error}:*"
                for name in (
                    *("UPDATE_EMAIL", "UPDATE_PROFILE", "UPDATE_PASSWORD", "UPDATE_TOTP"),
                    *("UPDATE_CREDENTIAL", "REMOVE_CREDENTIAL", "VERIFY_EMAIL", "VERIFY_PROFILE"),
                    *("REMOVE_TOTP", "GRANT_CONSENT", "UPDATE_CONSENT", "SEND_VERIFY_EMAIL"),
                    *("SEND_RESET_PASSWORD", "RESET_PASSWORD", "RESTART_AUTHENTICATION"),
                    *("FEDERATED_IDENTITY_LINK", "REMOVE_FEDERATED_IDENTITY", "DELETE_ACCOUNT"),
                    *("INVITE_ORG", "FEDERATED_IDENTITY_OVERRIDE_LINK"),
                )
                for error in ("", "_ERROR")
            ),
            _ACCOUNT,
        ),
        **dict.fromkeys(
            (
                f"{name}{error}:*"
                for name in (
                    *("CLIENT_INFO", "CLIENT_REGISTER", "CLIENT_UPDATE", "CLIENT_DELETE"),
                    *("CLIENT_INITIATED_ACCOUNT_LINKING", "REGISTER_NODE", "UNREGISTER_NODE"),
                )
                for error in ("", "_ERROR")
            ),
            leave_out("administration"),
        ),
        "CLIENT_LOGIN:*": leave_out("not_a_person"),
        "CLIENT_LOGIN_ERROR:*": leave_out("not_a_person"),
        "admin.*": leave_out("administration"),
        "IMPERSONATE:*": leave_out("impersonation"),
        "IMPERSONATE_ERROR:*": leave_out("impersonation"),
        "LOGOUT_ERROR:*": leave_out("failed_sign_out"),
        "REGISTER_ERROR:*": leave_out("refused_sign_up"),
        "USER_DISABLED_BY_PERMANENT_LOCKOUT:*": leave_out("consequence_of_failures"),
        "USER_DISABLED_BY_TEMPORARY_LOCKOUT:*": leave_out("consequence_of_failures"),
    },
    fields={
        "id": ("id", "uid"),
        "time": "time",
        "user": ("userId", "authDetails.userId"),
        "tenant": ("realmId", "authDetails.realmId", "realmName"),
        "client": ("clientId", "authDetails.clientId"),
        "session": ("sessionId", "authDetails.sessionId", "details.code_id"),
        "reason": "error",
        "connection": "details.identity_provider",
        "protocol": "details.auth_method",
    },
    prepare=_one_form,
)


def read(
    record: object,
    *,
    table: ProviderTable = TABLE,
    date: dt.date | None = None,
    zone: dt.tzinfo = dt.timezone.utc,
) -> Reading:
    """Return what one event or one log line says; never raises for what it holds.

    Args:
        record: an event as JSON, a log line, or a log record as JSON that holds a line as its
            `message`.
        table: another table, made with `TABLE.extended` or `TABLE.enabling`. The option `resume`
            makes `_session.resume` of refreshed tokens.
        date: the day of lines that name only the time; its year counts for lines of syslog.
        zone: the zone of lines that name none.

    Examples:
        >>> read(
        ...     '2024-08-13 15:58:20,353 DEBUG [org.keycloak.events] (x) type="LOGIN", realmId="r",'
        ...     ' clientId="shop", userId="u-1", sessionId="s-1", ipAddress="192.0.2.7"'
        ... ).user_id
        'u-1'
    """
    line, at = _line_of(record)
    if line is None:
        return table.read(record)
    event = fields_of_line(line, date=date, zone=zone)
    if isinstance(event, str):
        return Reading(provider=table.name, outcome="ignored", reason=event)
    if at is not None:
        event["time"] = at
    return table.read(event)


def _line_of(record: object) -> tuple[str | None, object]:
    """Return the log line of a record, and the time that stands beside it."""
    if isinstance(record, str):
        return record, None
    if not isinstance(record, Mapping) or isinstance(record.get("type"), str):
        return None, None
    message = record.get("message")
    if not isinstance(message, str):
        return None, None
    return message, record.get("@timestamp") or record.get("timestamp")
