"""Microsoft Entra's sign-in logs: diagnostic settings (Event Hub, storage) and Microsoft Graph.

Only the table and the bringing of Graph's form into the other belong here. An error code above 0
often interrupts a sign-in that goes on (a second factor, a consent), and is no failure: failures
are a list, `FAILURES`, and interrupts another, `INTERRUPTS`. A code that is on neither is unknown.

Source: Microsoft, "Microsoft Entra authentication and authorization error codes" (AADSTS).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.identity.reading.rules import AUTH_FAIL, SIGN_IN, SIGN_UP, leave_out
from pinpoint_kit.identity.reading.table import Part, ProviderTable

if TYPE_CHECKING:
    from pinpoint_kit.identity.reading.reading import Reading, Record

__all__ = ["FAILURES", "INTERRUPTS", "TABLE", "read"]

#: Codes with which a person's sign-in has failed.
FAILURES = frozenset(
    {"50034", "50053", "50055", "50056", "50057", "50064", "50126", "50144", "500121"}
)
#: Codes with which a sign-in goes on, or that are no person's failure.
INTERRUPTS = frozenset(
    {"16000", "50058", "50072", "50074", "50076", "50079", "50097", "50125", "50129", "50140"}
    | {"50203", "53003", "65001"}
)

_INTERRUPT = leave_out("interrupt")
_NO_PERSON = leave_out("not_a_person")


_GRAPH = {
    "interactiveUser": "SignInLogs",
    "nonInteractiveUser": "NonInteractiveUserSignInLogs",
    "servicePrincipal": "ServicePrincipalSignInLogs",
    "managedIdentity": "ManagedIdentitySignInLogs",
}


def _one_form(record: Record) -> Record:
    if isinstance(record.get("properties"), Mapping):
        return record
    if record.get("activityDateTime") is not None:  # Graph's directoryAudit
        return {
            "category": "AuditLogs",
            "operationName": record.get("activityDisplayName"),
            "properties": record,
        }
    if record.get("createdDateTime") is None:
        return record
    kinds = record.get("signInEventTypes")  # Graph's signIn; without them it is interactive
    kind = kinds[0] if isinstance(kinds, list) and kinds else "interactiveUser"
    category = _GRAPH.get(kind, "") if isinstance(kind, str) else ""
    return {"category": category, "properties": record}


TABLE = ProviderTable(
    name="entra",
    parts=[
        "category",
        Part(("properties.status.errorCode", "resultType", "operationName"), {"Success": "0"}),
    ],
    rules={
        "SignInLogs:0": SIGN_IN,
        **{f"SignInLogs:{number}": AUTH_FAIL for number in sorted(FAILURES)},
        **{f"SignInLogs:{number}": _INTERRUPT for number in sorted(INTERRUPTS)},
        "NonInteractiveUserSignInLogs:*": leave_out("not_interactive"),
        "ServicePrincipalSignInLogs:*": _NO_PERSON,
        "ManagedIdentitySignInLogs:*": _NO_PERSON,
        "ADFSSignInLogs:0": SIGN_IN,
        "AuditLogs:Add user": attrs.evolve(SIGN_UP, option="sign_up", subject="target"),
        **dict.fromkeys(
            ("AuditLogs:*", "Policy:*", "ApplicationManagement:*", "DirectoryManagement:*"),
            leave_out("administration"),
        ),
    },
    fields={
        "id": "properties.id",
        "time": ("properties.createdDateTime", "properties.activityDateTime", "time"),
        "user": "properties.userId",
        "target": "properties.targetResources[type=User].id",
        "tenant": ("tenantId", "properties.homeTenantId", "properties.resourceTenantId"),
        "client": "properties.appId",
        "device": "properties.deviceDetail.deviceId",
        "user_agent": "properties.userAgent",
        "platform": "properties.deviceDetail.operatingSystem",
        "country": ("properties.location.countryOrRegion", "location"),
        "region": "properties.location.state",
        "city": "properties.location.city",
        "reason": ("properties.status.errorCode", "resultType"),
        "protocol": "properties.authenticationProtocol",
        "risk": "properties.riskLevelDuringSignIn",
    },
    prepare=_one_form,
)


def read(record: object, *, table: ProviderTable = TABLE) -> Reading:
    """Return what one sign-in record says; never raises for what it holds.

    Args:
        record: a record of a diagnostic setting, or a `signIn` of Microsoft Graph.
        table: another table, made with `TABLE.extended` or `TABLE.enabling`. The option `sign_up`
            counts the audit log's `Add user`.

    Examples:
        >>> read({"category": "SignInLogs", "resultType": "50140"}).reason
        'interrupt'
    """
    return table.read(record)
