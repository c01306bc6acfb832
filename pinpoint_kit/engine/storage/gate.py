"""`Gate`: counts who is inside the store, and lets it be emptied before closing or forking.

A connection must not be closed under a running statement, and must not cross a fork.
Only this counting belongs here; it knows no database.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Gate"]


class Gate:
    """Open at first. While shut, newcomers wait; `shut` waits until everybody has left."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._is_shut = False

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Is inside while the block runs; waits first while the gate is shut."""
        with self._changed:
            while self._is_shut:
                self._changed.wait()
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                if self._is_shut:
                    self._changed.notify_all()

    def shut(self, timeout: float) -> bool:
        """Keep newcomers out and wait; return whether all have left within `timeout` seconds."""
        with self._changed:
            self._is_shut = True
            return self._changed.wait_for(lambda: self._inside == 0, timeout)

    def open(self) -> None:
        """Let everybody in again."""
        with self._changed:
            self._is_shut = False
            self._changed.notify_all()
