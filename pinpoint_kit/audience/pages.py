"""Lists that come in pages: botocore has no paginators for Pinpoint, so here is the one loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Page = Mapping[str, Any]

__all__ = ["PAGE_SIZE", "items"]

#: What is asked for at once; the service and the engine both give as many.
PAGE_SIZE = "100"


def items(page: Callable[[str | None], Page], first: Page | None = None) -> Iterator[Any]:
    """Yield the items of all pages, each page asked for when it is needed.

    Args:
        page: gives the page that a token names, the first one for None.
        first: the first page, when the caller has it already.

    Raises:
        TransportError: the pages lead in a circle.
    """
    token: str | None = None
    found = page(None) if first is None else first
    while True:
        yield from found.get("Item") or ()
        following = found.get("NextToken")
        if not following:
            return
        if following == token:
            raise TransportError("a page is followed by itself: check that the URL is a Pinpoint")
        token = following
        found = page(token)
