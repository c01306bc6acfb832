"""`opened_once`: what the operator gives by URLs, each opened once and none left open."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["opened_once"]


class _Closes(Protocol):
    def close(self) -> None: ...


_Opened = TypeVar("_Opened", bound=_Closes)


@contextmanager
def opened_once(open_url: Callable[[str], _Opened]) -> Iterator[Callable[[str], _Opened]]:
    """Give what opens URLs, one that comes again only once.

    Where the block fails, what was opened is closed again.

    Args:
        open_url: opens a URL.
    """
    opened: dict[str, _Opened] = {}

    def open_once(url: str) -> _Opened:
        if url not in opened:
            opened[url] = open_url(url)
        return opened[url]

    try:
        yield open_once
    except BaseException:
        for each in opened.values():
            with suppress(Exception):
                each.close()
        raise
