"""How questions reach an answer: by the extension operations of our engine and server.

A lake answers the same questions in its own way; the verbs know only `Ask`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinpoint_kit.metrics.results import Result as Answer
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Ask", "Server"]

#: From a metric's name and its arguments, as they stand in JSON, to the answer.
Ask: TypeAlias = "Callable[[str, Mapping[str, object]], Answer]"

_MOST_ITEMS = 1_000


class Server:
    """The extension operations of one application that read numbers and events."""

    def __init__(self, transport: Transport, application_id: ApplicationId) -> None:
        self._transport = transport
        self._application_id = application_id

    def ask(self, metric: str, arguments: Mapping[str, object]) -> Answer:
        """Ask for a metric.

        Raises:
            ConfigurationError: neither our engine nor our server answers.
            ValidationError: the answer is none that this version knows.
            ServiceError: the question was refused.
            TransportError: no answer came.
        """
        from pinpoint_kit.metrics.results import from_json  # noqa: PLC0415 -- loads SQLAlchemy

        return from_json(self.call("GetMetric", ("metrics", metric), body=arguments))

    def call(
        self,
        operation: str,
        path: tuple[str, ...],
        *,
        query: Mapping[str, str | int | None] | None = None,
        body: Mapping[str, object] | None = None,
        method: str | None = None,
    ) -> dict[str, Any]:
        """Call one of the operations; the errors are those of `ask`."""
        call = ExtensionCall(operation, path, query or {}, body, method)
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "numbers and stored events are answered by the embedded engine and by"
                " `pinpoint-kit serve` only: connect to sqlite:///FILE or to such a server"
            )
        return answer

    def items(
        self,
        operation: str,
        path: tuple[str, ...],
        *,
        body: Mapping[str, object] | None = None,
        limit: int | None = None,
        token: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Go through the items of all pages; each page is asked for when it is needed."""
        left = limit
        while left is None or left > 0:
            size = _MOST_ITEMS if left is None else min(left, _MOST_ITEMS)
            query = {"page-size": size, "token": token}
            page = self.call(operation, path, query=query, body=body)
            items = page.get("Item") or []
            yield from items
            left = None if left is None else left - len(items)
            token = page.get("NextToken")
            if not token or not items:
                return
