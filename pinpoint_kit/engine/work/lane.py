"""`Lane`: work of an engine that takes its turns by itself, beside that of other lanes.

Jobs are one lane, campaigns another, and each destination of event streams is one, so that a hook
or a destination that is slow holds up nothing beside it. Whoever opened the engine gives each lane
a thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.engine.work.runner import Runner

__all__ = ["Lane"]


class Lane:
    """One runner, and who is told that it may have something to do. Use from any thread.

    Attributes:
        name: what its work is called.
        pause_s: how long to wait after an announcement, so that more comes together.
        is_resting: whether more work of the same kind would only wait until the time that `wait_s`
            says, such as more records for a destination that is down.
    """

    def __init__(
        self,
        name: str,
        runner: Runner,
        pause_s: float = 0.0,
        is_resting: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.pause_s = pause_s
        self.is_resting = is_resting
        self.runner = runner
        self._listeners: list[Callable[[], None]] = []

    def step(self) -> bool:
        """Do a bounded piece of work; return False when there was none."""
        return self.runner.step()

    def renew(self) -> float:
        """Show other engines that a step is alive; return in how many seconds to call it again."""
        return self.runner.renew()

    def wait_s(self) -> float | None:
        """Return in how many seconds `step` may have something to do, None when never."""
        return self.runner.wait_s()

    def on_work(self, listener: Callable[[], None]) -> None:
        """Have a function called, on any thread, when there may be work for `step`."""
        self._listeners.append(listener)

    def announce(self) -> None:
        """Tell that there may be work."""
        for listener in self._listeners:
            listener()

    def announce_more(self) -> None:
        """Tell that there may be more work of the same kind, unless nobody would do it now."""
        if not self.is_resting():
            self.announce()
