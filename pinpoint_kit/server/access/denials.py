"""`Denial`: why a request may not come in, in the words that AWS's clients know.

The names are those that Pinpoint's own front answered; clients look for some of them (a wrong
clock is told by `InvalidSignatureException` and corrected by mobile SDKs). A message never holds
data of the caller, and never a signature that would have been right. How a denial becomes an HTTP
answer does not belong here.
"""

from __future__ import annotations

import attrs

__all__ = [
    "AccessDenied",
    "Denial",
    "access_denied",
    "incomplete_signature",
    "invalid_signature",
    "metrics_client_elsewhere",
    "missing_token",
    "unrecognized_client",
]


@attrs.frozen
class Denial:
    """A refusal to let a request in.

    Attributes:
        code: the exception name, for example `AccessDeniedException`.
        message: what is wrong and what to do.
        status: the HTTP status.
    """

    code: str
    message: str
    status: int = 403


class AccessDenied(Exception):
    """Carries a denial out of the checks."""

    def __init__(self, denial: Denial) -> None:
        super().__init__(denial)
        self.denial = denial


def missing_token() -> AccessDenied:
    """Deny: the request is not signed at all."""
    return AccessDenied(
        Denial(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token: this server takes requests that are signed with one of"
            " its access keys (AWS Signature Version 4)",
        )
    )


def metrics_client_elsewhere() -> AccessDenied:
    """Deny: the metrics are asked for unsigned, and not as a program of this machine would."""
    return AccessDenied(
        Denial(
            "MissingAuthenticationTokenException",
            "Missing Authentication Token: unsigned, only programs of this machine read the"
            " metrics, and only at a loopback address such as http://127.0.0.1; ask there, or sign"
            " the request with an access key for all applications",
        )
    )


def incomplete_signature(text: str) -> AccessDenied:
    """Deny: the request is signed in a form that cannot be checked."""
    return AccessDenied(Denial("IncompleteSignatureException", text))


def invalid_signature(text: str) -> AccessDenied:
    """Deny: the signature was checked, and does not hold for this request, place or time."""
    return AccessDenied(Denial("InvalidSignatureException", text))


def unrecognized_client() -> AccessDenied:
    """Deny: the key is not known, or its session token is another one."""
    return AccessDenied(
        Denial(
            "UnrecognizedClientException", "The security token included in the request is invalid"
        )
    )


def access_denied() -> AccessDenied:
    """Deny: the key may not do that; the answer tells nothing of what exists."""
    return AccessDenied(
        Denial(
            "AccessDeniedException",
            "This access key is not authorized to perform this operation on this resource",
        )
    )
