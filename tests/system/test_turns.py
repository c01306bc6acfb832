"""`Turn`: exclusion, refusal of nested calls, and interruptions at every line."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.system import turns
from pinpoint_kit.system.turns import NoTurnError, Turn

if TYPE_CHECKING:
    from types import FrameType


def test_one_thread_at_a_time_has_the_turn() -> None:
    """Another thread waits, and is refused when its time is over."""
    turn, inside, leave = Turn(), threading.Event(), threading.Event()
    refused: list[bool] = []

    def hold() -> None:
        inside.set()
        leave.wait(10)

    holder = threading.Thread(target=turn.run, args=(hold,))
    holder.start()
    assert inside.wait(10)
    try:
        turn.run(lambda: None, 0.01)
    except NoTurnError:
        refused.append(True)
    leave.set()
    holder.join()
    assert refused
    assert turn.run(lambda: 7) == 7


def test_a_nested_call_is_refused_at_once() -> None:
    """A thread never waits for itself."""
    turn = Turn()

    def nested() -> str:
        with pytest.raises(NoTurnError):
            turn.run(lambda: None)
        return "refused"

    assert turn.run(nested) == "refused"
    assert not turn.is_mine


def test_no_exception_at_any_line_keeps_the_turn() -> None:
    """Interrupted anywhere, the next thread gets it."""
    line = 0
    while True:
        turn, seen = Turn(), 0

        def trace(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal seen
            if frame.f_code.co_filename != turns.__file__:
                return None
            if event == "line":
                seen += 1
                if seen == line:  # noqa: B023 -- called while this round lasts
                    raise KeyboardInterrupt
            return trace

        before = sys.gettrace()
        sys.settrace(trace)
        try:
            turn.run(lambda: None)
            interrupted = False
        except KeyboardInterrupt:
            interrupted = True
        finally:
            sys.settrace(before)
        other = threading.Thread(target=turn.run, args=(lambda: None, 5.0))
        other.start()
        other.join(10)
        assert not turn.is_mine
        assert turn.run(lambda: 1, 0.0) == 1
        line += 1
        if line > 1 and not interrupted:
            break
    assert line > 5
