"""`pinpoint-kit console` and `serve --console`, as they are started by hand."""

from __future__ import annotations

import os
import re
import signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine import LakeSource
from pinpoint_kit.lake import export_lake
from tests.programs import Program
from tests.server.console.conftest import ConsoleServer, csrf_of, serve
from tests.server.signing import write_file
from tests.timing import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def started(folder: Path, *arguments: str, at: str = "stdout") -> Iterator[str]:
    """Start a command that serves a console; give the link that it prints, and end it."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", *arguments]
    with Program(command, cwd=folder, env={**os.environ, "TMPDIR": str(folder)}) as program:
        output = program.out if at == "stdout" else program.err
        yield output.find(r"http://\S+/console/\?token=\S+")[0]
        program.stop()


def test_the_console_shows_a_database(demo_database: str, tmp_path: Path) -> None:
    """By the link that it prints; stopped, it leaves nothing."""
    with started(tmp_path, "console", "--no-browser", "--url", demo_database) as link:
        assert link.startswith("http://127.0.0.1:")
        with httpx.Client(follow_redirects=True) as client:
            page = client.get(link)
            found = re.search(r"/console/apps/\w+/overview", page.text)
            assert found is not None
            assert "Daily active" in client.get(str(page.url.join(found[0]))).text
            assert client.get(link.partition("?")[0], headers={"Host": "evil"}).status_code == 403
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_console_shows_a_server(console: ConsoleServer, tmp_path: Path) -> None:
    """Over HTTP, with the numbers that the server has."""
    url = console.server.url
    with pk.connect(console.database, application="demo") as pinpoint:
        total = pinpoint.analytics.active().total
    with started(tmp_path, "console", "--no-browser", "--url", url) as link:
        base = link.partition("/console/")[0]
        with httpx.Client(follow_redirects=True, base_url=base, timeout=60) as client:
            assert url in client.get(link).text
            card = client.get(f"{console.base}/usage").text.partition('id="daily"')[2]
            assert f"<strong>{total}</strong>" in card
            assert client.get(f"{console.base}/live").status_code == 200


@pytest.mark.slow
def test_what_a_server_refuses_is_said_of_the_credentials(
    demo_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those with which the console was started: numbers are shown, and nobody behind them."""
    secret = "a-secret-of-at-least-32-characters-for-PKME"
    file = write_file(
        tmp_path / "keys.ini",
        f"[PKME]\nsecret_access_key = {secret}\napplications = *\naccess = analytics\n",
    )
    found = serve(tmp_path, demo_database, file)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "PKME")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    try:
        arguments = ("console", "--no-browser", "--url", found.server.url)
        with (
            started(tmp_path, *arguments) as link,
            httpx.Client(follow_redirects=True, timeout=60) as client,
        ):
            page = client.get(link)
            assert "Daily active" in client.get(str(page.url.join(f"{found.base}/usage"))).text
            refused = client.get(str(page.url.join(f"{found.base}/live")))
            assert refused.status_code == 403
            assert "the credentials with which this console was started" in refused.text
    finally:
        found.stop()


@pytest.mark.slow
def test_the_console_shows_a_lake(demo_database: str, tmp_path: Path) -> None:
    """Its numbers; and it says that there is nobody behind them."""
    with pk.connect(demo_database, application="demo") as pinpoint:
        total = pinpoint.analytics.active().total
        application_id = pinpoint.application_id
    with LakeSource.open(demo_database, application_id) as source:
        export_lake(source, tmp_path / "lake")
    arguments = ("console", "--no-browser", "--lake", str(tmp_path / "lake"))
    with (
        started(tmp_path, *arguments) as link,
        httpx.Client(follow_redirects=True, timeout=60) as client,
    ):
        page = client.get(link)
        assert "numbers only" in page.text
        base = page.url.join("/console/apps/lake/")
        card = client.get(str(base.join("usage"))).text.partition('id="daily"')[2]
        assert f"<strong>{total}</strong>" in card
        assert "segment_name" not in card
        steps = "funnels?step1=page_view&step2=add_to_cart"
        assert "entered" in client.get(str(base.join(steps))).text
        for path in ("person?user_id=user-1", "segments", "live", "streams", "jobs"):
            answer = client.get(str(base.join(path)))
            assert (answer.status_code, "numbers only" in answer.text) == (501, True)


@pytest.mark.slow
def test_workers_of_a_server_share_its_sessions(demo_database: str, tmp_path: Path) -> None:
    """Whichever answers: who has come in is in, and who has left is out."""
    arguments = ("--port", "0", "--workers", "2", "--no-access-log", "--console")
    with started(tmp_path, "serve", "--url", demo_database, *arguments, at="stderr") as link:
        base = link.partition("/console/")[0]
        headers = {"Connection": "close", "Origin": base, "Sec-Fetch-Site": "same-origin"}
        with httpx.Client(headers=headers, timeout=60) as client:
            assert client.get(link).status_code == 303
            pages = [client.get(f"{base}/console/") for _ in range(12)]
            assert {page.status_code for page in pages} == {200}
            csrf = csrf_of(pages[0].text)
            held = dict(client.cookies)
            assert client.post(f"{base}/console/log-out", data={"csrf": csrf}).status_code == 200
            for name, value in held.items():
                client.cookies.set(name, value, path="/console/")
            gone = {client.get(f"{base}/console/").status_code for _ in range(12)}
            assert gone == {401}


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _console_process(pid: int) -> int:
    """Wait for the process of a server's console; multiprocessing has one of its own beside it."""
    found: list[int] = []

    def look() -> list[int]:
        found[:] = [
            each
            for each in _children(pid)
            if b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
        ]
        return found

    wait_until(look)
    return found[0]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks for processes in /proc")
def test_the_console_of_a_server_has_a_process_of_its_own(
    demo_database: str, tmp_path: Path
) -> None:
    """It is replaced when it ends, and Ctrl-C ends both without a word."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", "--console"]
    with (
        Program([*command, "--url", demo_database, "--no-access-log"], cwd=tmp_path) as program,
        httpx.Client(follow_redirects=True, timeout=60) as client,
    ):
        link = program.err.find(r"http://\S+/console/\?token=\S+")[0]
        page = client.get(link)
        found = re.search(r"/console/apps/\w+/overview", page.text)
        assert found is not None
        overview = str(page.url.join(found[0]))
        assert "Daily active" in client.get(overview).text
        first = _console_process(program.pid)
        assert os.getpriority(os.PRIO_PROCESS, first) > os.getpriority(os.PRIO_PROCESS, program.pid)
        os.kill(first, signal.SIGKILL)
        assert "Daily active" in client.get(overview).text
        second = _console_process(program.pid)
        assert second != first
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(second, 0)
        assert "Traceback" not in program.err.text
        assert program.err.text.count("has ended (exit status -9)") == 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks for processes in /proc")
def test_ctrl_c_says_nothing_while_the_console_starts(demo_database: str, tmp_path: Path) -> None:
    """Its process has Python's own handlers until it has begun."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", "--console"]
    with Program([*command, "--url", demo_database, "--no-access-log"], cwd=tmp_path) as program:
        program.err.find("Stop it")
        process = _console_process(program.pid)
        wait_until(lambda: "orjson" in Path(f"/proc/{process}/maps").read_text())
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait() == 0
        assert program.err.rest() == ""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="it looks for processes in /proc")
def test_a_database_in_memory_is_shown_by_the_process_that_has_it(tmp_path: Path) -> None:
    """Nobody else can read it."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "serve", "--port", "0", "--console"]
    with (
        Program([*command, "--url", "sqlite://", "--no-access-log"], cwd=tmp_path) as program,
        httpx.Client(follow_redirects=True, timeout=60) as client,
    ):
        link = program.err.find(r"http://\S+/console/\?token=\S+")[0]
        url = link.partition("/console/")[0]
        assert client.post(f"{url}/v1/apps", json={"Name": "shop"}).status_code == 201
        assert "shop" in client.get(link).text
        assert _children(program.pid) == []
        assert program.stop() == 0


def test_a_browser_reads_what_the_server_is(console: ConsoleServer) -> None:
    """At `/`, where API clients get the API's own answer."""
    with console.browser() as client:
        page = client.get("/", headers={"Accept": "text/html,*/*"})
        assert page.status_code == 200
        assert 'href="/console/"' in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        for accept in ("application/json", "*/*"):
            answer = client.get("/", headers={"Accept": accept})
            assert answer.status_code == 404
            assert answer.json()["Message"]
