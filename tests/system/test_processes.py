"""Which process is which, where the system tells little."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from pinpoint_kit.system import processes

if TYPE_CHECKING:
    import pytest


def test_processes_that_cannot_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of another user exists; where asking would end it, nobody is asked."""

    def refuse(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert processes.has_process(1)
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.delattr(os, "kill")
    assert processes.has_process(1)


def test_a_machine_that_tells_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without /proc the host name has to do."""

    def missing(*_: object) -> str:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_text", missing)
    assert processes.machine() == socket.gethostname()
