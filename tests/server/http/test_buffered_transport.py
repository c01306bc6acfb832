"""What the outlet does to a transport, moment by moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from pinpoint_kit.server import ServerOptions
from pinpoint_kit.server.http.buffered_transport import BufferedTransport

if TYPE_CHECKING:
    from collections.abc import Callable


class Loop:
    """A loop whose next turn and next timer come when the test says so."""

    def __init__(self) -> None:
        self._soon: list[Callable[[], None]] = []
        self._later: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def call_soon(self, function: Callable[[], None]) -> None:
        self._soon.append(function)

    def call_later(self, _: float, function: Callable[..., None], *args: object) -> Loop:
        self._later.append((function, args))
        return self

    def cancel(self) -> None:
        self._later.clear()

    def turn(self) -> None:
        while self._soon:
            self._soon.pop()()

    def pass_time(self) -> None:
        function, args = self._later.pop()
        function(*args)


class Transport:
    """A transport that keeps what it is given until the test says what was taken."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.waiting = 0
        self.ends: list[str] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.waiting += len(data)

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def is_closing(self) -> bool:
        return bool(self.ends)

    def can_write_eof(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.ends.append(name)


class Bench:
    """An outlet between the two."""

    def __init__(self, *, is_sending: bool = False) -> None:
        self.loop, self.transport = Loop(), Transport()
        transport, loop = cast("Any", self.transport), cast("Any", self.loop)
        self.outlet = BufferedTransport(transport, ServerOptions(), loop, lambda: is_sending)

    def write(self, *parts: bytes) -> None:
        for part in parts:
            self.outlet.write(part)
        self.loop.turn()


def test_what_is_written_together_goes_together() -> None:
    """Pieces of one turn are one packet."""
    bench = Bench()
    bench.write(b"head", b"body", b"")
    bench.write(b"next")
    assert bench.transport.written == [b"headbody", b"next"]


@pytest.mark.parametrize(("taken", "is_cut"), [(0, True), (16_383, True), (16_384, False)])
def test_progress_is_what_counts(taken: int, is_cut: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """A client that takes enough keeps its connection, also when as much is written anew."""
    bench = Bench()
    bench.write(b"x" * 100_000)
    bench.write(b"x" * taken)
    bench.transport.waiting -= taken
    bench.loop.pass_time()
    assert bench.transport.ends == (["abort"] if is_cut else [])
    if not is_cut:
        bench.loop.pass_time()  # and then nothing more
        assert bench.transport.ends == ["abort"]


def test_a_client_that_takes_all_is_not_watched() -> None:
    """The watch ends with what there was to take, and begins again with more."""
    bench = Bench()
    bench.write(b"x")
    bench.transport.waiting = 0
    bench.loop.pass_time()
    assert bench.transport.ends == []
    bench.write(b"x")
    bench.loop.pass_time()
    assert bench.transport.ends == ["abort"]


def test_closing_sends_first() -> None:
    """What was written in the same turn goes out before the end, and nothing after it."""
    bench = Bench()
    bench.outlet.write(b"last")
    bench.outlet.close()
    bench.outlet.close()
    bench.outlet.write(b"too late")
    bench.loop.turn()
    assert (bench.transport.written, bench.transport.ends) == ([b"last"], ["close"])


def test_closing_waits_for_who_is_sending() -> None:
    """A client in the middle of its request may read the answer, for a moment."""
    bench = Bench(is_sending=True)
    bench.outlet.close()
    assert bench.transport.ends == ["write_eof", "resume_reading"]
    bench.outlet.discard(32_000_000)
    assert "abort" not in bench.transport.ends
    bench.loop.pass_time()
    assert bench.transport.ends[-1] == "close"


def test_closing_waits_for_so_many_bytes() -> None:
    """Who sends too much meanwhile is cut off."""
    bench = Bench(is_sending=True)
    bench.outlet.close()
    bench.outlet.discard(32_000_001)
    assert bench.transport.ends[-1] == "abort"


def test_the_end_ends_the_timers() -> None:
    """Nothing happens to a connection that is gone."""
    bench = Bench(is_sending=True)
    bench.write(b"x")
    bench.outlet.close()
    bench.outlet.has_ended()
    with pytest.raises(IndexError):
        bench.loop.pass_time()
