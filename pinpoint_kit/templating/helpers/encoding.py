"""The helpers that encode: encode64, decode64, md5, sha256, sha512, uuid. Texts are UTF-8."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid

from pinpoint_kit.templating.helpers.arguments import Given, Helper, text
from pinpoint_kit.templating.rendering import Refusal

__all__ = ["HELPERS"]


def _bytes(given: Given) -> bytes:
    return text(given, 0).encode("utf-8", "surrogatepass")


def _encode64(given: Given) -> str:
    return base64.b64encode(_bytes(given)).decode("ascii")


def _decode64(given: Given) -> str:
    try:
        return base64.b64decode(_bytes(given), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise Refusal("is not the base64 of a UTF-8 text", 0) from None


def _md5(given: Given) -> str:
    return hashlib.md5(_bytes(given), usedforsecurity=False).hexdigest()


def _sha256(given: Given) -> str:
    return hashlib.sha256(_bytes(given)).hexdigest()


def _sha512(given: Given) -> str:
    return hashlib.sha512(_bytes(given)).hexdigest()


def _uuid(given: Given) -> str:
    del given
    return str(uuid.uuid4())


HELPERS = {
    "decode64": Helper(_decode64, 1, 1),
    "encode64": Helper(_encode64, 1, 1),
    "md5": Helper(_md5, 1, 1),
    "sha256": Helper(_sha256, 1, 1),
    "sha512": Helper(_sha512, 1, 1),
    "uuid": Helper(_uuid, 0, 0),
}
