"""What opening a URL gives: a botocore client, and what must be closed with it."""

# ruff: noqa: TC004 -- this is no model: nothing resolves its types at run time
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

import attrs

from pinpoint_kit.doors.locations import open_objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botocore.client import BaseClient

    from pinpoint_kit.doors.background import BackgroundWork
    from pinpoint_kit.doors.uninterrupted import Uninterrupted
    from pinpoint_kit.engine import Engine
    from pinpoint_kit.objects import Objects

__all__ = ["Door"]


@attrs.define
class Door:
    """An open client, what answers it, and what must be closed."""

    client: BaseClient
    kind: Literal["aws", "http", "engine"]
    url: str
    engine: Engine | None = None
    objects: Objects = attrs.field(factory=open_objects, repr=False)
    _long_work: Sequence[BackgroundWork] = attrs.field(default=(), alias="long_work", repr=False)
    _calls: Uninterrupted | None = attrs.field(default=None, alias="calls", repr=False)

    def close(self, timeout: float = 5.0) -> None:
        """Close what was opened; idempotent.

        Args:
            timeout: seconds to wait for calls and work that are under way, all in all. What is not
                over then, as where another process has locked the database, ends by itself.
        """
        deadline = time.monotonic() + timeout
        self.client.close()
        if self.engine is not None:
            self.engine.hang_up()
        for work in self._long_work:
            work.close(max(0.0, deadline - time.monotonic()))
        if self._calls is not None:
            self._calls.stop(max(0.0, deadline - time.monotonic()))
        self.objects.close()
        if self.engine is not None:
            self.engine.close(max(0.0, deadline - time.monotonic()))
