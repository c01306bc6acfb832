"""Lists that the engine and our server give page by page, and Pinpoint itself not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.audience.pages import items
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["extension_items"]

#: As many as the engine gives at once.
_PAGE_SIZE = 1_000


def extension_items(  # noqa: PLR0913 -- the parts of a request
    transport: Transport,
    application_id: ApplicationId,
    operation: str,
    path: tuple[str, ...],
    query: Mapping[str, str | int | None],
    *,
    body: Mapping[str, object] | None = None,
) -> Iterator[Any] | None:
    """Return the items of all pages; the first page is asked for at once, the others when needed.

    Returns:
        The items, or None where there is no such operation: then something else must answer.
    """

    def page(token: str | None) -> dict[str, Any] | None:
        asked = {**query, "page-size": _PAGE_SIZE, "token": token}
        return transport.call_extension(application_id, ExtensionCall(operation, path, asked, body))

    first = page(None)
    return None if first is None else items(lambda token: page(token) or {}, first)
