"""An app that a process of its own answers: what it says, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from pinpoint_kit.server.refusals import HttpRefusal
from pinpoint_kit.server.subprocess import app as app_module
from pinpoint_kit.server.subprocess.app import EndedError, SubprocessApp
from pinpoint_kit.server.subprocess.channel import Channel, Kind
from pinpoint_kit.server.subprocess.child import _Requests
from tests.programs import Program
from tests.server.subprocess.answering import answering, unable
from tests.timing import PATIENCE_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

    Message = MutableMapping[str, Any]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")


@attrs.define
class Visit:
    """One request, as a server hands it over."""

    path: str
    method: str = "GET"
    body: bytes = b""
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    parts: list[Message] = attrs.field(factory=list)
    came: asyncio.Event = attrs.field(factory=asyncio.Event)
    leaves: asyncio.Event = attrs.field(factory=asyncio.Event)
    asks: asyncio.Event = attrs.field(factory=asyncio.Event)

    async def receive(self) -> Message:
        if not self.asks.is_set():
            self.asks.set()
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.parts.append(message)
        self.came.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self.leaves.set()  # servers say of whoever has all that they are gone

    async def to(self, app: SubprocessApp) -> Visit:
        """Be answered."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": self.method,
            "path": self.path,
            "query_string": self.query,
            "headers": [list(pair) for pair in self.headers],
            "extensions": {"cannot be pickled": lambda: None},
        }
        await asyncio.wait_for(app(scope, self.receive, self.send), PATIENCE_S)
        return self

    async def until(self, count: int) -> None:
        """Wait for so many parts."""
        while len(self.parts) < count:
            self.came.clear()
            await asyncio.wait_for(self.came.wait(), PATIENCE_S)

    @property
    def text(self) -> bytes:
        return b"".join(part.get("body", b"") for part in self.parts)

    def header(self, name: bytes) -> int:
        return int(dict(self.parts[0]["headers"])[name])


@contextmanager
def running(
    make: Callable[..., Any] = answering,
    on_reads: Callable[[bool], object] = lambda _: None,
    timeout: float = PATIENCE_S,
) -> Iterator[SubprocessApp]:
    """Give an app; its process ends with the block."""
    app = SubprocessApp("test", make, on_reads, timeout=timeout)
    try:
        yield app
    finally:
        app.close()


def run(
    use: Callable[[SubprocessApp], Awaitable[None]],
    make: Callable[..., Any] = answering,
    on_reads: Callable[[bool], object] = lambda _: None,
    timeout: float = PATIENCE_S,
) -> None:
    """Use an app on an event loop of its own."""

    async def main() -> None:
        with running(make, on_reads, timeout) as app:
            await use(app)

    asyncio.run(main())


def is_gone(pid: int) -> bool:
    """Whether a process is there no more."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def until_left(app: SubprocessApp) -> None:
    """Wait until the app has learnt that a client has gone; what it does then is its business."""
    while (await Visit("/has-left").to(app)).text != b"left, and told so":
        pass


class TestSubprocessApp:
    """An app, its process and its server."""

    def test_requests_and_answers_arrive_as_they_are(self) -> None:
        async def use(app: SubprocessApp) -> None:
            body, query = bytes(range(256)), b"a=%00&b=%FF"
            headers = ((b"host", b"x"), (b"x", b"\xff"), (b"x", b""))
            visit = await Visit("/echo", "POST", body, query, headers).to(app)
            shown = repr(("POST", query, [list(pair) for pair in headers])).encode()
            assert visit.text == shown + body
            assert visit.parts[0]["status"] == 200
            assert (await Visit("/long").to(app)).text == b"x" * 5_000_000

        run(use)

    @pytest.mark.slow
    def test_another_process_answers_and_gives_way_to_this_one(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = await Visit("/").to(app)
            assert visit.header(b"x-pid") != os.getpid()
            assert visit.header(b"x-nice") > os.getpriority(os.PRIO_PROCESS, 0)

        run(use)

    def test_parts_arrive_at_once_and_requests_do_not_wait_for_each_other(
        self,
    ) -> None:
        async def use(app: SubprocessApp) -> None:
            slow = [Visit("/parts") for _ in range(5)]
            tasks = [asyncio.create_task(visit.to(app)) for visit in slow]
            for visit in slow:
                await visit.until(2)
                assert visit.text == b"first "
            await Visit("/release").to(app)
            await asyncio.gather(*tasks)
            assert {visit.text for visit in slow} == {b"first second"}

        run(use)

    @pytest.mark.slow
    def test_the_app_learns_that_its_client_has_gone(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/left")
            task = asyncio.create_task(visit.to(app))
            await visit.until(1)
            visit.leaves.set()
            await task
            await until_left(app)

        run(use)

    @pytest.mark.slow
    def test_the_app_learns_that_the_server_waits_no_longer(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/left")
            task = asyncio.create_task(visit.to(app))
            await visit.until(1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await until_left(app)

        run(use)

    @pytest.mark.slow
    def test_a_request_that_fails_takes_no_other_one_with_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def use(app: SubprocessApp) -> None:
            before = await Visit("/").to(app)
            with pytest.raises(RuntimeError, match="the app failed"):
                await Visit("/fails").to(app)
            after = await Visit("/").to(app)
            assert after.header(b"x-pid") == before.header(b"x-pid")

        run(use)
        assert "person" not in caplog.text

    def test_another_process_answers_after_one_that_was_killed(
        self,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        async def use(app: SubprocessApp) -> None:
            pid = (await Visit("/").to(app)).header(b"x-pid")
            os.kill(pid, signal.SIGKILL)
            assert (await Visit("/").to(app)).header(b"x-pid") != pid

        with caplog.at_level(logging.WARNING):
            run(use)
        assert (
            "the process of the test has ended (exit status -9): the next one starts" in caplog.text
        )

    def test_what_may_have_changed_something_is_not_asked_twice(self) -> None:
        async def use(app: SubprocessApp) -> None:
            pid = (await Visit("/").to(app)).header(b"x-pid")
            os.kill(pid, signal.SIGSTOP)  # so that the request is on its way when the process ends
            visit = Visit("/", "POST")
            task = asyncio.create_task(visit.to(app))
            await asyncio.wait_for(visit.asks.wait(), PATIENCE_S)
            os.kill(pid, signal.SIGKILL)
            with pytest.raises(HttpRefusal, match="process_ended") as refused:
                await task
            assert refused.value.response.status == 503
            assert b"look what is stored" in refused.value.response.body
            assert not visit.parts

        run(use)

    @pytest.mark.slow
    def test_an_answer_that_has_begun_is_not_begun_again(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/parts")
            task = asyncio.create_task(visit.to(app))
            await visit.until(2)
            os.kill(visit.header(b"x-pid"), signal.SIGKILL)
            with pytest.raises(EndedError):
                await task
            assert visit.text == b"first "

        run(use)

    @pytest.mark.slow
    def test_a_process_that_cannot_start_is_not_started_again_and_again(
        self,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        started = []
        make_process = app_module._Process

        def counted(*given: Any) -> Any:
            started.append(1)
            return make_process(*given)

        monkeypatch.setattr(app_module, "_Process", counted)

        async def use(app: SubprocessApp) -> None:
            for _ in range(5):
                with pytest.raises(HttpRefusal, match="process_ended"):
                    await Visit("/").to(app)
            assert len(started) == 1
            monkeypatch.setattr(app_module, "_PAUSE_S", 0.0)
            with pytest.raises(HttpRefusal, match="process_ended"):
                await Visit("/").to(app)
            assert len(started) > 1

        run(use, unable)

    @pytest.mark.slow
    def test_it_says_when_long_queries_run(self) -> None:
        told: list[bool] = []

        async def use(app: SubprocessApp) -> None:
            await Visit("/reads").to(app)
            while len(told) < 2:
                await Visit("/").to(app)
            os.kill((await Visit("/").to(app)).header(b"x-pid"), signal.SIGKILL)
            await Visit("/").to(app)

        run(use, on_reads=told.append)
        assert told == [True, False, False, False]  # one that has ended reads no longer

    @pytest.mark.slow
    def test_an_app_learns_of_no_client_that_has_the_whole_answer_that_it_has_gone(self) -> None:
        async def use(app: SubprocessApp) -> None:
            for _ in range(50):
                await Visit("/echo").to(app)
            assert (await Visit("/finished").to(app)).text == b"50"

        run(use)

    @pytest.mark.slow
    def test_a_request_that_is_cancelled_first_leaves_the_others_their_answers(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/")
            task = asyncio.create_task(visit.to(app))
            await asyncio.wait_for(visit.asks.wait(), PATIENCE_S)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert (await Visit("/").to(app)).parts

        run(use)

    @pytest.mark.slow
    def test_who_waits_when_it_is_closed_waits_no_longer(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/parts")
            task = asyncio.create_task(visit.to(app))
            await visit.until(2)
            app.close()
            with pytest.raises(EndedError):
                await task

        run(use)

    @pytest.mark.slow
    def test_nobody_waits_for_ever_for_one_that_cannot_be_understood(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(are_running: bool) -> None:  # noqa: FBT001 -- all that it says
            if are_running:
                raise ValueError("with data of a person")

        async def use(app: SubprocessApp) -> None:
            pid = (await Visit("/").to(app)).header(b"x-pid")
            with pytest.raises(EndedError):
                await Visit("/reads").to(app)
            assert (await Visit("/").to(app)).header(b"x-pid") != pid

        run(use, on_reads=fail)
        assert "the process of the test is ended: ValueError" in caplog.text
        assert "person" not in caplog.text

    def test_one_that_stands_still_is_replaced(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(app_module, "_LOOK_S", 0.05)

        async def use(app: SubprocessApp) -> None:
            pid = (await Visit("/").to(app)).header(b"x-pid")
            os.kill(pid, signal.SIGSTOP)
            assert (await Visit("/").to(app)).header(b"x-pid") != pid

        run(use, timeout=1.0)
        assert "the process of the test stands still: it is killed" in caplog.text

    @pytest.mark.slow
    def test_the_process_ends_with_the_app_and_nobody_answers_afterwards(self) -> None:
        async def use(app: SubprocessApp) -> None:
            pid = (await Visit("/").to(app)).header(b"x-pid")
            app.close()
            assert is_gone(pid)
            with pytest.raises(HttpRefusal, match="process_ended"):
                await Visit("/").to(app)

        run(use)

    def test_the_process_ends_with_its_server_however_that_ends(self) -> None:
        command = [sys.executable, "-m", "tests.server.subprocess.answering"]
        with Program(command) as server:
            pid = int(server.out.line())
            os.kill(server.pid, signal.SIGKILL)
            wait_until(lambda: is_gone(pid))

    @pytest.mark.slow
    def test_signals_let_the_requests_under_way_be_answered(self) -> None:
        async def use(app: SubprocessApp) -> None:
            visit = Visit("/parts")
            task = asyncio.create_task(visit.to(app))
            await visit.until(2)
            pid = visit.header(b"x-pid")
            os.kill(pid, signal.SIGINT)
            os.kill(pid, signal.SIGTERM)
            await Visit("/release").to(app)
            await task
            assert visit.text == b"first second"
            after = await Visit("/").to(app)
            assert after.header(b"x-pid") != pid

        run(use)

    def test_requests_that_have_ended_are_forgotten(self) -> None:
        """Whatever they have brought, and whether the app has read it."""

        class Given:
            def send(self, kind: Kind, number: int = 0, content: object = None) -> None:
                del content
                if kind is Kind.PART:
                    requests.take(Kind.PASSED_ON, number, None)

        async def app(scope: Message, receive: object, send: Callable[..., Any]) -> None:
            del receive
            if scope["path"] == "/fails":
                raise ValueError
            await send({"type": "http.response.start", "status": 200, "headers": []})

        async def main() -> None:
            for number, path in enumerate(["/", "/fails"] * 20):
                requests.take(Kind.REQUEST, number, ({"path": path}, b"x"))
            assert len(requests._requests) == 40
            await asyncio.gather(*requests._tasks)
            await asyncio.sleep(0)
            assert not requests._requests
            assert not requests._tasks

        requests = _Requests(cast("Channel", Given()), app)
        asyncio.run(main())
