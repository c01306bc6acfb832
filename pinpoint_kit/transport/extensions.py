"""A call of an extension operation: one that only the engine and our server have.

botocore sends nothing that it has no model of, so such a call travels as GetApp and is rewritten
before it is signed. What the operations mean belongs to those who call them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import attrs
import orjson

if TYPE_CHECKING:
    from collections.abc import Sized

__all__ = ["CARRIER", "MARK", "ExtensionCall", "is_aws"]

#: The operation that extension operations travel as.
CARRIER = "GetApp"
#: The engine and our server mark their answers with this header; there extensions exist.
MARK = "x-pinpoint-kit"
#: How the names of extension operations begin that change nothing, or nothing a second time.
_REPEATABLE = ("Count", "Explain", "Find", "Get", "Import", "List", "Preview")
_LINES = "application/x-ndjson"


def _size(value: Sized) -> str:
    return f"<{len(value)}>"


@attrs.frozen
class ExtensionCall:
    """One call of an operation that only the engine and our server have.

    Attributes:
        operation: its name, for errors, retries and the pace.
        path: the segments after `/pinpoint-kit/v1/apps/ID`, not yet percent-encoded.
        query: the parameters; those that are None are left out.
        body: JSON to POST, or bytes that are JSON lines; None makes it a GET.
        method: the HTTP method, where it is neither of these two.
    """

    operation: str
    path: tuple[str, ...] = attrs.field(repr=_size)
    query: Mapping[str, str | int | None] = attrs.field(factory=dict, repr=_size)
    body: Mapping[str, object] | bytes | None = attrs.field(default=None, repr=False)
    method: str | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether it changes nothing when it is repeated."""
        return self.operation.startswith(_REPEATABLE)

    def redirect(self, request: dict[str, Any]) -> None:
        """Make it out of the carrier's request, which is not signed yet."""
        base, slash, application = request["url"].partition("/v1/apps/")
        url = f"{base}/pinpoint-kit{slash}{application}"
        url += "".join(f"/{quote(segment, safe='')}" for segment in self.path)
        query = {name: value for name, value in self.query.items() if value is not None}
        request["url"] = f"{url}?{urlencode(query, quote_via=quote)}" if query else url
        if self.method is not None:
            request["method"] = self.method
        if self.body is not None:
            are_lines = isinstance(self.body, bytes)
            request["method"] = "POST"
            request["headers"]["Content-Type"] = _LINES if are_lines else "application/json"
            request["body"] = self.body if are_lines else orjson.dumps(self.body)


def is_aws(endpoint_url: str) -> bool:
    """Whether a client's requests go to AWS, which has none of these operations.

    Args:
        endpoint_url: the client's own.
    """
    host = urlsplit(endpoint_url).hostname or ""
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))
