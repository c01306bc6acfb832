"""Signature Version 4 as arithmetic: canonical request, string to sign, key, signature.

Pure functions after AWS's published algorithm. They are our own because a verifier must not import
botocore here, botocore only signs, and the one verifying library on PyPI (awssig 0.5.0, 2019) is
no longer kept. Where a request says how it was signed is read elsewhere (access/claims.py), and
nothing is decided here.

What the canonical form does not tell apart, the engine must not tell apart either. So paths keep
their percent-encoding as it was sent (`%2F` stays one segment), and query parameters are decoded
exactly as the engine decodes them, `+` included.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pinpoint_kit.server.head import Head

__all__ = [
    "ALGORITHM",
    "TERMINATOR",
    "canonical_request",
    "parameters",
    "sha256",
    "signature",
    "signing_key",
    "string_to_sign",
]

ALGORITHM = "AWS4-HMAC-SHA256"
TERMINATOR = "aws4_request"

_KEPT_KEYS = 256


def sha256(content: bytes) -> str:
    """Return the hash in lower-case hex."""
    return hashlib.sha256(content).hexdigest()


def parameters(raw_query: str) -> list[tuple[bytes, bytes]]:
    """Return the decoded query parameters in the order in which they came."""
    pairs = (pair.partition("=") for pair in raw_query.split("&") if pair)
    return [(_decoded(name), _decoded(value)) for name, _, value in pairs]


def _decoded(part: str) -> bytes:
    return unquote_to_bytes(part.replace("+", " ").encode("utf-8", "surrogatepass"))


def canonical_request(
    head: Head,
    query: Iterable[tuple[bytes, bytes]],
    signed_headers: Sequence[str],
    payload_hash: str,
) -> bytes:
    """Return the form of a request that is hashed and signed.

    Args:
        head: the request line and the headers.
        query: its decoded parameters, without the signature itself.
        signed_headers: names of its headers, sorted.
        payload_hash: of the body, in lower-case hex.
    """
    lines = [head.method, _canonical_path(head.full_path), _canonical_query(query)]
    lines += [f"{name}:{_canonical_value(head.headers[name])}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), payload_hash]
    return "\n".join(lines).encode("latin-1", "replace")  # ASGI's headers are Latin-1


def _canonical_path(raw_path: str) -> str:
    """Encode what is encoded once more, as all services but S3 want it; drops empty segments.

    Dot segments are resolved by those who sign, and are refused before they come here.
    """
    segments = [segment for segment in raw_path.split("/") if segment]
    slash = "/" if segments and raw_path.endswith("/") else ""
    path = "/" + "/".join(segments) + slash
    return quote(path.encode("utf-8", "surrogatepass"), safe="/-_.~")


def _canonical_query(query: Iterable[tuple[bytes, bytes]]) -> str:
    encoded = sorted((quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _canonical_value(values: Sequence[str]) -> str:
    return ",".join(" ".join(value.split()) for value in values)


def string_to_sign(stamp: str, scope: str, canonical: bytes) -> bytes:
    """Return what the signing key signs.

    Args:
        stamp: the time of the request, `20261121T140000Z`.
        scope: `20261121/REGION/SERVICE/aws4_request`.
        canonical: the canonical request.
    """
    return "\n".join((ALGORITHM, stamp, scope, sha256(canonical))).encode()


@functools.lru_cache(_KEPT_KEYS)
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """Return the key of a day, Region and service; the latest ones are kept."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: bytes) -> str:
    """Return the signature in lower-case hex."""
    return hmac.digest(key, text, "sha256").hex()
