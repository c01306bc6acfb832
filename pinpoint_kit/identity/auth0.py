"""Auth0's log: records of log streams, of the Management API and of EventBridge.

Only the table and the bringing of these forms into one belong here.

Source: Auth0, "Log Event Type Codes"; Auth0, "Log Streams".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, RESUME, SIGN_IN, SIGN_UP, STOP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["TABLE", "read"]

_TOKEN = leave_out("token")
_ADMINISTRATION = leave_out("administration")
_REFUSED = leave_out("refused_sign_up")
_WARNING = leave_out("warning")
#: `f` and its like are also written for errors of configuration, which name nobody.
_FAILED = attrs.evolve(AUTH_FAIL, needs=("user", "name"))


def _one_form(record: Record) -> Record:
    detail = record.get("detail")  # EventBridge
    if isinstance(detail, Mapping) and isinstance(detail.get("data"), Mapping):
        return detail
    if isinstance(record.get("data"), Mapping):
        return record
    return {"log_id": record.get("log_id"), "data": record}  # Management API


TABLE = ProviderTable(
    name="auth0",
    parts=["data.type"],
    rules={
        "s": SIGN_IN,
        "scoa": SIGN_IN,
        "sens": SIGN_IN,
        "f": _FAILED,
        "fp": _FAILED,
        "fu": _FAILED,
        "fcoa": _FAILED,
        "fens": _FAILED,
        "pwd_leak": _FAILED,
        "limit_wc": _FAILED,
        "ss": SIGN_UP,
        "slo": STOP,
        "ssa": RESUME,
        "fs": _REFUSED,
        "signup_pwd_leak": _REFUSED,
        "flo": leave_out("failed_sign_out"),
        "fc": leave_out("connector"),
        "fco": leave_out("cross_origin"),
        "fsa": leave_out("silent_authentication"),
        "sapi": _ADMINISTRATION,
        "fapi": _ADMINISTRATION,
        "mgmt_api_read": _ADMINISTRATION,
        **dict.fromkeys(
            (
                "seacft",
                "feacft",
                "seccft",
                "feccft",
                "sede",
                "fede",
                "seoobft",
                "feoobft",
                "seotpft",
                "feotpft",
                "sepft",
                "fepft",
                "sercft",
                "fercft",
                "sertft",
                "fertft",
                "ferrt",
                "srrt",
                "frrt",
                "sepkoobft",
                "sepkotpft",
                "secte",
            ),
            _TOKEN,
        ),
        **dict.fromkeys(
            (
                "gd_auth_failed",
                "gd_auth_rejected",
                "gd_auth_succeed",
                "gd_enroll_complete",
                "gd_enrollment_complete",
                "gd_module_switch",
                "gd_otp_rate_limit_exceed",
                "gd_recovery_failed",
                "gd_recovery_rate_limit_exceed",
                "gd_recovery_succeed",
                "gd_send_email",
                "gd_send_email_verification",
                "gd_send_pn",
                "gd_send_pn_failure",
                "gd_send_sms",
                "gd_send_sms_failure",
                "gd_send_voice",
                "gd_send_voice_failure",
                "gd_start_auth",
                "gd_start_enroll",
                "gd_start_enroll_failed",
                "gd_tenant_update",
                "gd_unenroll",
                "gd_update_device_account",
                "gd_user_delete",
            ),
            leave_out("factor"),
        ),
        **dict.fromkeys(("limit_mu", "limit_sul", "limit_delegation"), leave_out("rate_limit")),
        **dict.fromkeys(("w", "depnote", "cls", "cs", "sys_os_update_start"), _WARNING),
        **dict.fromkeys(
            (
                "sce",
                "fce",
                "scp",
                "fcp",
                "scpr",
                "fcpr",
                "scph",
                "fcph",
                "scpn",
                "fcpn",
                "scu",
                "fcu",
                "sv",
                "fv",
                "svr",
                "fvr",
                "sdu",
                "fdu",
                "fn",
                "sui",
                "fui",
                "pla",
                "ublkdu",
            ),
            leave_out("account_change"),
        ),
    },
    fields={
        "id": ("log_id", "data.log_id", "data._id"),
        "time": "data.date",
        "user": "data.user_id",
        "name": "data.user_name",
        "tenant": ("data.tenant_name", "data.hostname"),
        "client": "data.client_id",
        "device": "data.details.device_id",
        "user_agent": "data.user_agent",
        "session": "data.details.session_id",
        "country": ("data.location_info.country_code", "data.location_info.country_name"),
        "city": "data.location_info.city_name",
        "reason": "data.type",
        "connection": "data.connection_id",
        "strategy": "data.strategy",
    },
    services=("@clients",),
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one log event says; never raises for what it holds.

    Args:
        record: `{"log_id": …, "data": {…}}`, a log of the Management API, or an EventBridge event.
        table: another table, made with `TABLE.extended` or `TABLE.enabling`. The option `resume`
            makes `_session.resume` of silent authentication (`ssa`).

    Examples:
        >>> read({"log_id": "9002", "data": {"type": "sapi"}}).reason
        'administration'
    """
    return table.read(record)
