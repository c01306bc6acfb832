"""`Claim`: what a request says of its own signature, in its headers or in its query.

Reading and the checks that need no key: form, algorithm, scope, date. Nothing here knows a secret,
and nothing that comes out of here is true yet; access/signatures.py finds out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.server.access.canonical import ALGORITHM, TERMINATOR, parameters
from pinpoint_kit.server.access.denials import (
    incomplete_signature,
    invalid_signature,
    missing_token,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from pinpoint_kit.server.head import Head

    #: Decoded parameters in the order in which they came.
    _Query: TypeAlias = Sequence[tuple[bytes, bytes]]

__all__ = ["SERVICE", "Claim", "read_claim"]

#: What clients sign Pinpoint's requests for; not `pinpoint`.
SERVICE = "mobiletargeting"

_SKEW = timedelta(minutes=5)
_LONGEST_EXPIRY_S = 7 * 24 * 3600

_NAME = r"[!#$%&'*+.^_`|~0-9a-z-]+"
_PART = re.compile(r"(Credential|SignedHeaders|Signature)=([^\s,]+)")
_SIGNED_HEADERS = re.compile(rf"{_NAME}(?:;{_NAME})*")
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_STAMP = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_HTTP_DATE = re.compile(
    r"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} (?:GMT|UTC|[+-]0000)"
)
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
_EXPIRY = re.compile(r"[0-9]{1,6}")
#: Which of two would count? HttpRefusal, so that nobody in between reads another one than we do.
_ONLY_ONCE = (
    "authorization",
    "host",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
)
_QUERY_FORM = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature")


@attrs.frozen
class Claim:
    """The parts of a signature, well-formed and within their time.

    Attributes:
        access_key_id: the key that it names, known or not.
        date: the day of the scope, `20261121`.
        region: the Region of the scope.
        stamp: the time of signing, `20261121T140000Z`.
        signed_headers: their names, sorted.
        query: the decoded query parameters, without the signature.
        signature: 64 hex digits.
        session_token: "" when there is none.
    """

    access_key_id: str
    date: str
    region: str
    stamp: str
    signed_headers: tuple[str, ...]
    query: Sequence[tuple[bytes, bytes]] = attrs.field(repr=False)
    signature: str = attrs.field(repr=False)
    session_token: str = attrs.field(repr=False)

    @property
    def scope(self) -> str:
        """What the signing key is made for."""
        return f"{self.date}/{self.region}/{SERVICE}/{TERMINATOR}"


def read_claim(head: Head, now: datetime) -> Claim:
    """Return what the request claims.

    Args:
        head: the request line and the headers.
        now: the server's time.

    Raises:
        AccessDenied: there is no signature, or one that could not count whatever the key.
    """
    for name in _ONLY_ONCE:
        if len(head.headers.get(name, ())) > 1:
            raise incomplete_signature(f"The header {name} was sent more than once")
    query = parameters(head.query)
    names = {name for name, _ in query}
    in_query = any(name.encode() in names for name in _QUERY_FORM)
    if in_query and "authorization" in head.headers:
        raise incomplete_signature("Sign in the Authorization header or in the query, not in both")
    if in_query:
        return _from_query(head, query, now)
    if "authorization" in head.headers:
        return _from_header(head, query, now)
    raise missing_token()


def _from_header(head: Head, query: _Query, now: datetime) -> Claim:
    algorithm, _, rest = _header(head, "authorization").partition(" ")
    _check_algorithm(algorithm)
    found = [_PART.fullmatch(part.strip()) for part in rest.split(",")]
    parts = {match[1]: match[2] for match in found if match}
    if None in found or not len(found) == len(parts) == 3:  # noqa: PLR2004 -- one of each
        raise incomplete_signature(
            "Authorization must hold Credential, SignedHeaders and Signature, each once,"
            " with commas between them"
        )
    stamp, dated_by = _date_header(head)
    claim = _claim(parts, stamp, query, _header(head, "x-amz-security-token"))
    _check_signed(claim, head, ("host", dated_by))
    _check_time(claim, now, _SKEW)
    return claim


def _from_query(head: Head, query: _Query, now: datetime) -> Claim:
    own: dict[str, str] = {}
    for name, value in query:
        if name.startswith(b"X-Amz-"):
            text = name.decode("latin-1")
            if text in own:
                raise incomplete_signature("A query parameter X-Amz-... was sent more than once")
            own[text] = value.decode("latin-1")
    _check_algorithm(own.get("X-Amz-Algorithm", ""))
    needed = ("Credential", "Date", "SignedHeaders", "Signature")
    missing = [f"X-Amz-{name}" for name in needed if f"X-Amz-{name}" not in own]
    if missing:
        raise incomplete_signature(f"The query must hold {missing[0]}")
    if "x-amz-security-token" in head.headers:
        raise incomplete_signature("A signature in the query needs its session token there, too")
    if not _STAMP.fullmatch(own["X-Amz-Date"]):
        raise incomplete_signature("X-Amz-Date must have the form YYYYMMDD'T'HHMMSS'Z'")
    parts = {name: own[f"X-Amz-{name}"] for name in ("Credential", "SignedHeaders", "Signature")}
    unsigned = [pair for pair in query if pair[0] != b"X-Amz-Signature"]
    claim = _claim(parts, own["X-Amz-Date"], unsigned, own.get("X-Amz-Security-Token", ""))
    _check_signed(claim, head, ("host",))
    _check_time(claim, now, _expiry(own.get("X-Amz-Expires")))
    return claim


def _check_algorithm(algorithm: str) -> None:
    if algorithm != ALGORITHM:
        raise incomplete_signature(
            f"Only {ALGORITHM} is verified here: not SigV4A, earlier AWS signatures or other"
            " kinds of authorization"
        )


def _claim(parts: Mapping[str, str], stamp: str, query: _Query, session_token: str) -> Claim:
    credential = parts["Credential"].split("/")
    if len(credential) != 5:  # noqa: PLR2004 -- as the message says
        raise incomplete_signature(
            "Credential must have the form KEY/YYYYMMDD/REGION/mobiletargeting/aws4_request"
        )
    access_key_id, date, region, service, terminator = credential
    if terminator != TERMINATOR:
        raise invalid_signature(
            f"Credential should be scoped with a valid terminator: '{TERMINATOR}'"
        )
    if service != SERVICE:
        raise invalid_signature(f"Credential should be scoped to correct service: '{SERVICE}'")
    if not _REGION.fullmatch(region):
        raise invalid_signature("Credential should be scoped to a valid region")
    if date != stamp[:8]:
        raise invalid_signature(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from"
            " HTTP"
        )
    names = parts["SignedHeaders"]
    signed = names.split(";")
    if not _SIGNED_HEADERS.fullmatch(names) or signed != sorted(set(signed)):
        raise incomplete_signature(
            "SignedHeaders must be lower-case names, sorted, with ; between them"
        )
    if not _SIGNATURE.fullmatch(parts["Signature"]):
        raise incomplete_signature("Signature must be 64 lower-case hex digits")
    return Claim(
        access_key_id=access_key_id,
        date=date,
        region=region,
        stamp=stamp,
        signed_headers=tuple(signed),
        query=query,
        signature=parts["Signature"],
        session_token=session_token,
    )


def _header(head: Head, name: str) -> str:
    return head.header(name).strip()


def _date_header(head: Head) -> tuple[str, str]:
    """Return the time of signing, and the header that says it."""
    if "x-amz-date" in head.headers:
        stamp = _header(head, "x-amz-date")
        if not _STAMP.fullmatch(stamp):
            raise incomplete_signature("X-Amz-Date must have the form YYYYMMDD'T'HHMMSS'Z'")
        return stamp, "x-amz-date"
    if len(head.headers.get("date", ())) != 1:
        raise incomplete_signature("Authorization needs the header X-Amz-Date, once")
    text = _header(head, "date")
    if _STAMP.fullmatch(text):
        return text, "date"
    try:
        if not _HTTP_DATE.fullmatch(text):
            raise ValueError  # noqa: TRY301 -- the same answer
        return f"{parsedate_to_datetime(text):%Y%m%dT%H%M%SZ}", "date"
    except ValueError:
        raise incomplete_signature(
            "Date must have the form 'Sat, 21 Nov 2026 14:00:00 GMT'; X-Amz-Date is better"
        ) from None


def _check_signed(claim: Claim, head: Head, needed: Sequence[str]) -> None:
    for name in needed:
        if name not in claim.signed_headers:
            raise incomplete_signature(f"SignedHeaders must hold {name}")
    if any(name not in head.headers for name in claim.signed_headers):
        raise invalid_signature("A header of SignedHeaders is not there: it was lost on the way")
    unsigned = head.headers.keys() - set(claim.signed_headers)
    if any(name.startswith("x-amz-") for name in unsigned):
        raise invalid_signature("Every header x-amz-... that is sent must be in SignedHeaders")


def _expiry(text: str | None) -> timedelta:
    if text is None:  # as Amplify's beacons sign: good for no longer than a header would be
        return _SKEW
    if not _EXPIRY.fullmatch(text) or not 1 <= int(text) <= _LONGEST_EXPIRY_S:
        raise incomplete_signature(f"X-Amz-Expires must be 1 to {_LONGEST_EXPIRY_S} seconds")
    return timedelta(seconds=int(text))


def _check_time(claim: Claim, now: datetime, good_for: timedelta) -> None:
    try:
        signed_at = datetime.strptime(claim.stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise incomplete_signature("X-Amz-Date is not a date") from None
    server = f"{now.astimezone(timezone.utc):%Y%m%dT%H%M%SZ}"
    # Clients know these beginnings, and some set their clock by what stands in the parentheses.
    if now - signed_at > good_for:
        window = "- 5 min." if good_for == _SKEW else "is after X-Amz-Expires"
        raise invalid_signature(
            f"Signature expired: it was made too long ago for this server ({server} {window})"
        )
    if signed_at - now > _SKEW:
        raise invalid_signature(
            f"Signature not yet current: it is dated too late for this server ({server} + 5 min.)"
        )
