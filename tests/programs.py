"""Programs that tests start, and what they print.

A test that reads a pipe of a program by itself waits without end for a line that never comes, stops
the program when it fills the pipe that nobody reads, and loses to `communicate` what `readline` has
read ahead. Here a thread for each pipe reads it from the start to its end, and every wait has an
end at which it fails with all that was printed.
"""

from __future__ import annotations

import io
import os
import re
import signal
import socket
import subprocess
import threading
import time
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from tests.timing import PATIENCE_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

__all__ = ["Output", "Program"]


class Output:
    """The lines of one pipe. Each is given once, in order, with its end.

    Args:
        pipe: read to its end, and closed then.
    """

    def __init__(self, pipe: IO[str]) -> None:
        self._lines: list[str] = []
        self._given = 0
        self._is_over = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, args=(pipe,), daemon=True)
        self._reader.start()

    def _read(self, pipe: IO[str]) -> None:
        with pipe:
            for line in pipe:
                with self._changed:
                    self._lines.append(line)
                    self._changed.notify_all()
        with self._changed:
            self._is_over = True
            self._changed.notify_all()

    @property
    def text(self) -> str:
        """All that was printed so far."""
        return "".join(self._lines)

    def line(self) -> str:
        """Wait for the next line; "" when there is none any more."""
        with self._changed:
            came = self._changed.wait_for(
                lambda: self._is_over or self._given < len(self._lines), PATIENCE_S
            )
            assert came, f"no further line in {PATIENCE_S} s after:\n{self.text}"
            if self._given == len(self._lines):
                return ""
            self._given += 1
            return self._lines[self._given - 1]

    def find(self, pattern: str | re.Pattern[str], times: int = 1) -> re.Match[str]:
        """Pass over lines until one matches, or so many of them do; give the last match."""
        while line := self.line():
            found = re.search(pattern, line)
            times -= found is not None
            if found is not None and not times:
                return found
        raise AssertionError(f"it ended without {pattern!r}:\n{self.text}")

    def rest(self) -> str:
        """Wait for the end, which comes when nobody has the pipe any more; give what is left."""
        self._reader.join(PATIENCE_S)
        assert self._is_over, f"somebody still has the pipe after:\n{self.text}"
        left = "".join(self._lines[self._given :])
        self._given = len(self._lines)
        return left


class Program:
    """A program in a session of its own. Leaving its `with` block kills it and its children.

    Args:
        command: its command line.
        cwd: where it runs.
        env: its environment, this one's unless given.
        stdout: a file for what it prints; then `out` is empty.
        is_merged: whether what it prints on stderr is in `out`, too; then `err` is empty.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdout: IO[str] | None = None,
        is_merged: bool = False,
    ) -> None:
        self.process = subprocess.Popen(  # noqa: S603 -- our own command
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE,
            stdout=stdout or subprocess.PIPE,
            stderr=subprocess.STDOUT if is_merged else subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        #: What it prints on stdout, and on stderr.
        self.out = Output(self.process.stdout or io.StringIO())
        self.err = Output(self.process.stderr or io.StringIO())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self.process.pid

    def write(self, text: str) -> None:
        """Write to its stdin."""
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end_input(self) -> None:
        """Close its stdin."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()

    def listens(self, port: int) -> None:
        """Wait until it takes connections at a port of 127.0.0.1."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", port)) == 0:
                    return
            said = self.out.text + self.err.text
            assert self.process.poll() is None, f"it ended after:\n{said}"
            assert time.monotonic() < deadline, f"nobody listens at {port} after:\n{said}"
            time.sleep(0.05)

    def send_signal(self, number: int) -> None:
        """Send a signal to the process, and to none of its children."""
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for its end; give its exit status."""
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it goes on after:\n{self.out.text}{self.err.text}") from None
        self.end_input()
        return status

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal, and wait for the end; give the exit status."""
        self.send_signal(number)
        return self.wait()

    def succeed(self, timeout: float = PATIENCE_S) -> str:
        """Wait for its end, and fail unless all was well; give what is left of its stdout."""
        status = self.wait(timeout)
        assert status == 0, f"it ended with {status}:\n{self.err.text}"
        return self.out.rest()

    def kill(self) -> None:
        """End it and its children with SIGKILL, in any case and as often as you like."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait(PATIENCE_S)
        self.end_input()
        self.out._reader.join(PATIENCE_S)
        self.err._reader.join(PATIENCE_S)
