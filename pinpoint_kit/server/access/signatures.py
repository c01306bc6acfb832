"""Verifying a signature: is this request, byte for byte, what the holder of a key has signed?

The same work is done for a key that is not known, with a secret that nobody has, so that the time
of an answer tells nothing; everything that depends on a secret is compared in constant time. What
the key's holder may do is not asked here (access/scopes.py).
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from pinpoint_kit.server.access import canonical
from pinpoint_kit.server.access.claims import SERVICE
from pinpoint_kit.server.access.credentials import Credential
from pinpoint_kit.server.access.denials import invalid_signature, unrecognized_client

if TYPE_CHECKING:
    from pinpoint_kit.server.access.claims import Claim
    from pinpoint_kit.server.head import Head

__all__ = ["check_holder", "verify"]

#: Stands in for a key that is not there.
_NOBODY = Credential(
    access_key_id="",
    secret_access_key=secrets.token_urlsafe(30),
    applications=frozenset(),
    access="read-only",
)


def check_holder(head: Head, claim: Claim, credential: Credential | None) -> Credential:
    """Return the credential when all is right that can be seen without the body.

    Args:
        head: the request line and the headers.
        claim: what it says of its signature.
        credential: the key that it names, None when there is no such key.

    Raises:
        AccessDenied: something is not.
    """
    if {".", ".."} & set(head.full_path.split("/")):
        # Signers resolve dot segments, the engine does not: the two would mean different paths.
        raise invalid_signature("The path must not have the segments . and ..")
    has_token = hmac.compare_digest(
        (credential or _NOBODY).session_token.encode(),
        claim.session_token.encode("utf-8", "surrogatepass"),
    )
    if credential is None or not has_token:
        raise unrecognized_client()
    if credential.region not in {"", claim.region}:
        raise invalid_signature("Credential should be scoped to a valid region")
    return credential


def verify(head: Head, body: bytes, claim: Claim, credential: Credential | None) -> Credential:
    """Return the credential when the signature is its holder's, and all else is right.

    Args:
        head: the request line and the headers.
        body: the whole body.
        claim: what it says of its signature.
        credential: the key that it names, None when there is no such key.

    Raises:
        AccessDenied: it is not.
    """
    payload_hash = _payload_hash(head, body)
    signed = canonical.canonical_request(head, claim.query, claim.signed_headers, payload_hash)
    text = canonical.string_to_sign(claim.stamp, claim.scope, signed)
    secret = (credential or _NOBODY).secret_access_key
    key = canonical.signing_key(secret, claim.date, claim.region, SERVICE)
    is_right = hmac.compare_digest(canonical.signature(key, text), claim.signature)
    holder = check_holder(head, claim, credential)
    if not is_right:
        raise invalid_signature(
            "The request signature we calculated does not match the signature you provided."
            " Check the secret access key and the signing method; a proxy in between must pass"
            " path, query and Host on as they came"
        )
    return holder


def _payload_hash(head: Head, body: bytes) -> str:
    computed = canonical.sha256(body)
    if "x-amz-content-sha256" not in head.headers:
        return computed
    claimed = head.header("x-amz-content-sha256").strip()
    if claimed == "UNSIGNED-PAYLOAD" or claimed.startswith("STREAMING-"):
        raise invalid_signature("The body must be signed: x-amz-content-sha256 must be its hash")
    if not hmac.compare_digest(claimed.encode("utf-8", "surrogatepass"), computed.encode()):
        raise invalid_signature("The body is not the one that x-amz-content-sha256 stands for")
    return computed
