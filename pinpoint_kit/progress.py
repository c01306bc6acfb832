"""`ProgressBar`: how far long work is, in a terminal and in a notebook.

It only shows what `on_progress` tells. rich draws in terminals, from the `cli` extra; notebooks
show HTML and need nothing. Nothing here starts a thread: it is drawn when there is news.
"""

from __future__ import annotations

import sys
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

from pinpoint_kit.models.job import Job

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

    from pinpoint_kit.audience.report import LoadProgress


__all__ = ["ProgressBar"]


class ProgressBar:
    """A bar on stderr, or below the cell of a notebook; hand it over as `on_progress`.

    Where nobody looks (no terminal, no notebook) and where rich is missing it shows nothing.

    Args:
        label: what stands before the bar.

    Examples:
        >>> from pinpoint_kit import Endpoint, ProgressBar, connect
        >>> endpoints = [Endpoint(id=f"device-{number}") for number in range(300)]
        >>> with connect("sqlite://") as pinpoint, ProgressBar("updating") as bar:
        ...     pinpoint.endpoints.update_many(endpoints, on_progress=bar).accepted
        300
    """

    def __init__(self, label: str = "") -> None:
        self._label = label
        self._screen: _Screen = _Nowhere()

    def __enter__(self) -> Self:
        self._screen = _screen(self._label)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        screen, self._screen = self._screen, _Nowhere()
        screen.close()

    def __call__(self, state: Job | LoadProgress | int) -> None:
        """Show how far the work is.

        Args:
            state: what `jobs.wait`, `endpoints.load` or `endpoints.update_many` tell.
        """
        self._screen.show(*_amounts(state))


def _amounts(state: Job | LoadProgress | int) -> tuple[int, int | None, str]:
    """How much is done, of how much, and in words."""
    if isinstance(state, int):
        return state, None, f"{state:,}"
    if not isinstance(state, Job):
        return state.done, state.total, f"{state.stage}: {state.done:,}"
    failures = f", {state.total_failures:,} failed" if state.total_failures else ""
    pieces = (state.completed_pieces or 0) + (state.failed_pieces or 0)
    return pieces, state.total_pieces or None, f"{state.total_processed or 0:,}{failures}"


class _Screen(Protocol):
    def show(self, done: int, total: int | None, text: str) -> None:
        """Draw it anew."""

    def close(self) -> None:
        """Nothing more comes."""


def _screen(label: str) -> _Screen:
    if _is_notebook():
        return _Notebook(label)
    if sys.stderr.isatty():
        try:
            return _Terminal(label)
        except ImportError:
            pass
    return _Nowhere()


def _is_notebook() -> bool:
    # Where IPython is not loaded this is no notebook; and its shell in a terminal has no kernel.
    shell = sys.modules.get("IPython")
    return shell is not None and hasattr(shell.get_ipython(), "kernel")


class _Nowhere:
    def show(self, done: int, total: int | None, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Terminal:
    def __init__(self, label: str) -> None:
        from rich.console import Console  # noqa: PLC0415 -- an extra
        from rich.progress import (  # noqa: PLC0415 -- an extra
            BarColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[text]}", markup=False),
            TimeElapsedColumn(),
        )
        console = Console(file=sys.stderr)
        self._progress = Progress(*columns, console=console, transient=True, auto_refresh=False)
        self._task = self._progress.add_task(label, total=None, text="")
        self._progress.start()

    def show(self, done: int, total: int | None, text: str) -> None:
        self._progress.update(self._task, completed=done, total=total, text=text)
        self._progress.refresh()

    def close(self) -> None:
        self._progress.stop()


class _Notebook:
    """A display of its own below the cell, which each call replaces."""

    def __init__(self, label: str) -> None:
        shown: Any = import_module("IPython.display")  # which a notebook has
        self._label = label
        self._html = shown.HTML
        self._display = shown.display(shown.HTML(escape(label)), display_id=True)

    def show(self, done: int, total: int | None, text: str) -> None:
        amount = "" if total is None else f' value="{done}" max="{max(total, 1)}"'
        self._display.update(
            self._html(f"{escape(self._label)} <progress{amount}></progress> {escape(text)}")
        )

    def close(self) -> None:
        pass
