"""The recipes for frameworks, under the servers that they are for: every event arrives.

A clean end says nothing: no line of the package, no warning, no traceback.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from tests.programs import Program
from tests.server.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "frameworks"
PATIENCE = 60.0
REQUESTS = 40
TASKS = 250

UVICORN = [sys.executable, "-m", "uvicorn", "--port", "0"]
GUNICORN = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "2"]
UWSGI = [
    *("uwsgi", "--http-socket", "127.0.0.1:0", "--master", "--processes", "2"),
    *("--enable-threads", "--need-app"),
    *("--hook-master-start", "unix_signal:15 gracefully_kill_them_all"),
]

#: What is started, and the package that it needs.
SERVERS: dict[str, tuple[list[str], str]] = {
    "FastAPI, uvicorn": ([*UVICORN, "fastapi_app:app"], "fastapi"),
    "Starlette, uvicorn with workers": (
        [*UVICORN, "--workers", "2", "starlette_app:app"],
        "starlette",
    ),
    "Django, gunicorn": ([*GUNICORN, "django_site:application"], "django"),
    "Django, uvicorn": ([*UVICORN, "django_site:asgi_application"], "django"),
    "Flask, gunicorn": ([*GUNICORN, "flask_app:app"], "flask"),
    "Flask, gunicorn --preload": ([*GUNICORN, "--preload", "flask_app:app"], "flask"),
    "Flask, uWSGI": ([*UWSGI, "--module", "flask_app:app"], "flask"),
    "Flask, uWSGI --lazy-apps": (
        [
            *(*UWSGI, "--lazy-apps", "--hook-post-fork", "unix_signal:1 _exit"),
            *("--module", "flask_app:app"),
        ],
        "flask",
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve Pinpoint's API; gives the URL."""
    served = Served(tmp_path_factory.mktemp("served") / "store.db", 1)
    url = f"http://127.0.0.1:{served.port}"
    with pk.connect(url, application="shop", wait=PATIENCE) as pinpoint:
        pinpoint.endpoints.update(pk.Endpoint(id="known"))
    yield url
    served.kill()


def environment(url: str) -> dict[str, str]:
    """Return what a deployment sets, and warnings of what is left open."""
    return {
        **os.environ,
        "PINPOINT_KIT_URL": url,
        "PYTHONPATH": str(FOLDER),
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": "default::ResourceWarning",
    }


def started(command: list[str], url: str, folder: Path, **more: str) -> Program:
    """Start a server in processes of its own."""
    env = {**environment(url), **more}
    return Program(command, cwd=folder, env=env, is_merged=True)


def ended(program: Program) -> str:
    """Ask it to stop; gives all that it said."""
    status = program.stop()
    program.kill()
    assert status in {0, -signal.SIGTERM}, program.out.text
    return program.out.text


def status_of(method: str, url: str) -> int:
    """Make a request; gives its status."""
    request = urllib.request.Request(url, method=method, data=b"" if method == "POST" else None)  # noqa: S310 -- our own server
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 -- as above
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def arrived(url: str, devices: list[str]) -> int:
    """Count the sign-ins of these devices that the server has."""
    with pk.connect(url, application="shop", wait=PATIENCE) as pinpoint:
        some = (devices[start : start + 100] for start in range(0, len(devices), 100))
        return sum(len(pinpoint.events.find(endpoint_id=each).to_list()) for each in some)


def assert_silent(said: str) -> None:
    """Nothing was lost, so nothing of the package is in the log; servers may say what they like."""
    assert not re.search(r"event\(s\)|Traceback|<\w*Pinpoint|application '", said), said


def runnable(name: str) -> list[str]:
    """Return the command of a server, where what it needs is installed."""
    command, package = SERVERS[name]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed: pip install {package}")
    if command[0] != "uwsgi":
        return command
    here = shutil.which("uwsgi", path=Path(sys.executable).parent) or shutil.which("uwsgi")
    if here is None:
        pytest.skip("uWSGI is not installed: pip install uwsgi, which builds it")
    home = ["--home", sys.prefix] if sys.prefix != sys.base_prefix else []
    return [here, *command[1:], *home, "--pythonpath", str(FOLDER)]


@pytest.mark.parametrize("name", SERVERS)
def test_every_sign_in_arrives(name: str, server: str, tmp_path: Path) -> None:
    """Requests at once over several workers, a look-up, and a clean end without a word."""
    devices = [f"{re.sub('[^a-z]', '', name.lower())}-{number}" for number in range(REQUESTS)]
    with started(runnable(name), server, tmp_path) as program:
        port = program.out.find(
            r"(?:running on|istening at:|bound to TCP address) \D*127\.0\.0\.1:(\d+)"
        )
        program.listens(int(port[1]))  # uvicorn names its port before
        here = f"http://127.0.0.1:{port[1]}"
        with ThreadPoolExecutor(8) as pool:
            statuses = pool.map(lambda each: status_of("POST", f"{here}/sign-ins/{each}"), devices)
        assert set(statuses) == {202}, program.out.text
        assert status_of("GET", f"{here}/devices/known") == 200
        assert status_of("GET", f"{here}/devices/nobody") == 404
        said = ended(program)
    assert_silent(said)
    assert arrived(server, devices) == REQUESTS, said


def test_workers_of_uwsgi_that_still_load_the_program_end(server: str, tmp_path: Path) -> None:
    """SIGTERM comes before they have loaded it; without the second hook that takes for ever."""
    with started(runnable("Flask, uWSGI --lazy-apps"), server, tmp_path) as program:
        program.out.find(r"\(post-fork\)", times=2)
        said = ended(program)
    assert "Traceback" not in said


def test_every_task_of_celery_arrives(server: str, tmp_path: Path) -> None:
    """Children are recycled every 20 tasks; what they recorded is delivered before they end."""
    if importlib.util.find_spec("celery") is None:
        pytest.skip("celery is not installed: pip install celery")
    devices = [f"celery-{number}" for number in range(TASKS)]
    code = f"import celery_tasks\nfor each in {devices}: celery_tasks.sign_in.delay(each)\n"
    code += "celery_tasks.pinpoint.close()"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment(server), check=True)  # noqa: S603 -- our own command
    worker = [sys.executable, "-m", "celery", "--app", "celery_tasks", "worker"]
    worker += ["--concurrency", "2", "--max-tasks-per-child", "20", "--loglevel", "INFO"]
    with started(worker, server, tmp_path, C_FORCE_ROOT="1") as program:
        program.out.find("ready")
        program.out.find("succeeded in", TASKS)
        said = ended(program)
    assert arrived(server, devices) == TASKS
    workers = set(re.findall(r"ForkPoolWorker-(\d+)", said))
    assert len(workers) >= TASKS // 20
    assert_silent(said)


def test_every_invocation_of_lambda_delivers(server: str, tmp_path: Path) -> None:
    """The runtime imports the handler, calls it, and freezes it: here it is killed instead."""
    devices = [f"lambda-{number}" for number in range(10)]
    code = f"""
import os, signal
from lambda_handler import handler

class Context:
    def get_remaining_time_in_millis(self):
        return 30_000

for device in {devices}:
    assert len(handler({{"device": device}}, Context())["event_id"]) == 32
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment(server),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGKILL, "", "")
    assert arrived(server, devices) == 10
