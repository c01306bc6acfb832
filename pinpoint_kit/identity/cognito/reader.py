"""Cognito's own records: user activity exports, CloudTrail, and AdminListUserAuthEvents.

Only the table and the bringing of these forms into one belong here. Cognito has no trigger for a
failed sign-in: these records, or the hook around the boto3 client, are where failures come from.

Source: Amazon Cognito Developer Guide, "Exporting user pool logs", "Logging with CloudTrail".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, leave_out
from pinpoint_kit.identity.reading.table import ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["FAILURES", "SIGN_IN_OPERATIONS", "TABLE", "read"]

#: Exceptions of a sign-in that mean that a person has failed. Throttling and malformed requests
#: are nobody's failure.
FAILURES = frozenset(
    {"NotAuthorizedException", "UserNotFoundException", "CodeMismatchException"}
    | {"ExpiredCodeException", "PasswordResetRequiredException", "UserNotConfirmedException"}
)
#: Operations that can sign somebody in.
SIGN_IN_OPERATIONS = frozenset(
    {"AdminInitiateAuth", "AdminRespondToAuthChallenge", "InitiateAuth", "RespondToAuthChallenge"}
)

_NO_OUTCOME = leave_out("outcome_not_logged")
_PART = leave_out("part_of_a_sign_in")
_ACCOUNT = leave_out("account_change")


def _one_form(record: Record) -> Record:
    if record.get("eventSource") == "cognito-idp.amazonaws.com":
        detail: object = record
    else:
        detail = record.get("detail")  # EventBridge
    if isinstance(detail, Mapping) and detail.get("eventSource") == "cognito-idp.amazonaws.com":
        return _of_trail(detail)
    message = record.get("message")
    if isinstance(message, str):
        message = _parsed(message)
    if isinstance(message, Mapping):
        if isinstance(message.get("message"), Mapping):  # an export inside of a log event
            message = message["message"]
        return message
    if "EventResponse" in record or "EventId" in record:
        return _of_list(record)
    return record


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _of_trail(record: Record) -> Record:
    parameters = record.get("requestParameters")
    more = record.get("additionalEventData")
    parameters = parameters if isinstance(parameters, Mapping) else {}
    more = more if isinstance(more, Mapping) else {}
    return {
        "eventType": record.get("eventName"),
        "eventResponse": record.get("errorCode"),
        "reason": record.get("errorCode"),
        "eventId": record.get("eventID"),
        "creationDate": record.get("eventTime"),
        "userSub": more.get("sub"),
        "userPoolId": parameters.get("userPoolId") or more.get("userPoolId"),
        "clientId": parameters.get("clientId"),
        "userAgent": record.get("userAgent"),
    }


def _of_list(record: Record) -> Record:
    context = record.get("EventContextData")
    risk = record.get("EventRisk")
    context = context if isinstance(context, Mapping) else {}
    risk = risk if isinstance(risk, Mapping) else {}
    created = record.get("CreationDate")
    return {
        "eventType": record.get("EventType"),
        "eventResponse": record.get("EventResponse"),
        "eventId": record.get("EventId"),
        "creationDate": created.isoformat() if hasattr(created, "isoformat") else created,
        "userSub": record.get("userSub") or record.get("UserSub"),
        "userPoolId": record.get("userPoolId") or record.get("UserPoolId"),
        "clientId": record.get("clientId") or record.get("ClientId"),
        "deviceName": context.get("DeviceName"),
        "country": context.get("Country"),
        "city": context.get("City"),
        "riskLevel": risk.get("RiskLevel"),
    }


TABLE = ProviderTable(
    name="cognito",
    parts=["eventType", "eventResponse"],
    rules={
        "SignIn:Pass": SIGN_IN,
        "SignIn:Fail": AUTH_FAIL,
        "SignIn:*": _PART,
        "SignUp:Pass": SIGN_UP,
        "SignUp:": SIGN_UP,  # CloudTrail: no error
        "SignUp:*": leave_out("refused_sign_up"),
        "ForgotPassword:*": _ACCOUNT,
        "PasswordChange:*": _ACCOUNT,
        "ResendCode:*": _ACCOUNT,
        "ConfirmSignUp:*": _ACCOUNT,
        "ConfirmForgotPassword:*": _ACCOUNT,
        "ResendConfirmationCode:*": _ACCOUNT,
        **{
            f"{operation}:{failure}": AUTH_FAIL
            for operation in sorted(SIGN_IN_OPERATIONS)
            for failure in sorted(FAILURES)
        },
        # A success in CloudTrail may be tokens or one challenge more: it does not say.
        **{f"{operation}:*": _NO_OUTCOME for operation in sorted(SIGN_IN_OPERATIONS)},
        **dict.fromkeys(
            ("GetUser:*", "GlobalSignOut:*", "RevokeToken:*", "AdminUserGlobalSignOut:*"),
            leave_out("token"),
        ),
        **dict.fromkeys(
            ("Token_POST:*", "Login_GET:*", "Login_POST:*", "Authorize_GET:*", "Logout_GET:*"),
            leave_out("hosted_page"),
        ),
    },
    fields={
        "id": "eventId",
        "time": ("creationDate", "eventTimestamp"),
        "user": "userSub",
        "tenant": "userPoolId",
        "client": "clientId",
        "user_agent": "userAgent",
        "platform": "deviceName",
        "country": "country",
        "city": "city",
        "reason": "reason",
        "risk": "riskLevel",
    },
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one record says; never raises for what it holds.

    Args:
        record: a user activity export (`userAuthEvents`), also inside of a CloudWatch log event; a
            CloudTrail record; or an `AuthEvents` item of AdminListUserAuthEvents, to which
            `userSub`, `userPoolId` and `clientId` may be added.
        table: another table, made with `TABLE.extended`.

    Examples:
        >>> read({"message": {
        ...     "eventType": "SignIn", "eventResponse": "Pass", "eventId": "e-1",
        ...     "creationDate": "Wed Jul 17 17:25:55 UTC 2024", "userSub": "sub-1",
        ... }}).user_id
        'sub-1'
    """
    return table.read(record)
