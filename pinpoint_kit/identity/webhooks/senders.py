"""Who has sent a request: each provider's own check, in constant time.

A check looks at the headers and at the bytes of the body, before anything is parsed. Secrets are
compared by `hmac.compare_digest` and never shown.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, Protocol

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Authorization", "FusionAuthSignature", "KeycloakSignature", "SenderCheck"]

_SHORTEST = 8
_HASHES = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_LONGEST_TOKEN = 10_000


def _secret(value: str) -> str:
    if len(value) < _SHORTEST:
        raise ConfigurationError(
            f"the webhook's secret has {len(value)} characters, and at least {_SHORTEST} are"
            " needed: anyone who guesses it can make up sign-ins"
        )
    return value


def _lower(value: str) -> str:
    return value.lower()


class SenderCheck(Protocol):
    """Tells whether a request comes from the provider."""

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether the request is the provider's.

        Args:
            headers: names in lower case.
            body: the bytes as they came.
        """


@attrs.frozen
class Authorization:
    """The value of a header that provider and receiver share: Okta, Auth0, and others.

    Args:
        value: the whole value, for example `Bearer 3fd1…`, as it was typed into the provider's
            form.
        header: the header's name.

    Raises:
        ConfigurationError: the value is too short.
    """

    value: str = attrs.field(repr=False, converter=_secret)
    header: str = attrs.field(default="authorization", converter=_lower)

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:  # noqa: ARG002 -- SenderCheck
        """Return whether the header has the value."""
        return hmac.compare_digest(_bytes(headers.get(self.header, "")), _bytes(self.value))


@attrs.frozen
class KeycloakSignature:
    """`X-Keycloak-Signature`: HMAC-SHA-256 of the body, as the webhook extensions send it.

    Args:
        secret: the webhook's secret.

    Raises:
        ConfigurationError: the secret is too short.
    """

    secret: str = attrs.field(repr=False, converter=_secret)

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether the signature is that of the body."""
        given = headers.get("x-keycloak-signature", "").removeprefix("sha256=").lower()
        expected = hmac.new(_bytes(self.secret), body, "sha256").hexdigest()
        return hmac.compare_digest(_bytes(given), _bytes(expected))


@attrs.frozen
class FusionAuthSignature:
    """`X-FusionAuth-Signature-JWT`: a token, signed with a shared key, that names the body's hash.

    Args:
        secret: the HMAC key with which the tenant signs its webhooks.

    Raises:
        ConfigurationError: the secret is too short.
    """

    secret: str = attrs.field(repr=False, converter=_secret)

    def is_genuine(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Return whether the token is signed with the key, for this body."""
        token = headers.get("x-fusionauth-signature-jwt", "")
        parts = token.split(".")
        if len(parts) != 3 or len(token) > _LONGEST_TOKEN:  # noqa: PLR2004 -- a JSON Web Token
            return False
        try:
            header, claims, signature = (_decoded(part) for part in parts)
            algorithm, claimed = orjson.loads(header)["alg"], orjson.loads(claims)
            given = claimed["request_body_sha256"]
        except (binascii.Error, ValueError, KeyError, TypeError):
            return False
        if not isinstance(algorithm, str) or algorithm not in _HASHES or not isinstance(given, str):
            return False
        signed = f"{parts[0]}.{parts[1]}".encode()
        expected = hmac.digest(_bytes(self.secret), signed, _HASHES[algorithm])
        digest = base64.b64encode(hashlib.sha256(body).digest())
        return hmac.compare_digest(signature, expected) & hmac.compare_digest(_bytes(given), digest)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
