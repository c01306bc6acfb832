"""The client for asyncio can do what the client can, with the same names and types."""

from __future__ import annotations

import importlib.util
import inspect
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.aio import nouns
from tests import async_of_client
from tests.test_public_api import FIXED_METHODS

if TYPE_CHECKING:
    from boto3.session import Session

ROOT = Path(pk.__file__).parents[1]
#: A program; in its lines with `# -> TYPE` type checkers must see that.
TYPES = (ROOT / "tests" / "data" / "async_types.txt").read_text("utf-8")


def test_the_nouns_are_made_from_the_client() -> None:
    """A verb, a type or a default that changes there changes here: run async_of_client.py."""
    if importlib.util.find_spec("ruff") is None:
        pytest.skip("ruff is not installed, which the nouns are formatted by")
    made = async_of_client.formatted(async_of_client.source())
    assert async_of_client.meaning(made) == async_of_client.meaning(
        async_of_client.NOUNS.read_text("utf-8")
    )


def test_a_noun_that_is_new_is_taken_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the client names its nouns and verbs: what waits and what gives rows is seen."""

    class Streams:
        """Streams."""

        def names(self, *, prefix: str = "a") -> pk.ModelIterator[pk.Endpoint]:
            """Name them."""
            raise NotImplementedError(prefix)

        def wait_for(self, name: str, /, timeout: float = 2.5) -> list[str]:
            """Wait for one."""
            raise NotImplementedError(name, timeout)

    def stop(self: Streams, kind: str, *, tags: tuple[str, ...] = ("a",)) -> Session:
        """Stop it."""
        raise NotImplementedError(self, kind, tags)

    stop.__defaults__ = (pk.ChannelType.EMAIL,)
    stop.__module__ = "boto3.session"  # whose Session is not that of events
    Streams.stop = stop  # type: ignore[attr-defined]
    Streams.names.__annotations__["return"] = "ModelIterator[Endpoint]"
    for verb in (Streams.names, Streams.wait_for):
        verb.__module__ = "pinpoint_kit.audience.endpoints"
    Streams.__module__ = "pinpoint_kit.streams"
    found = {**async_of_client.nouns(), "streams": Streams}
    monkeypatch.setattr(async_of_client, "nouns", lambda: found)
    text = async_of_client.source()
    assert "class AsyncStreams(Noun):" in text
    assert "self.streams = AsyncStreams(connection)" in text
    assert "def names(self, *, prefix: str = 'a') -> AsyncModelIterator[Endpoint]:" in text
    assert (
        "async def wait_for(self, name: str, /, timeout: float = 2.5) -> builtins.list[str]:"
        in text
    )
    assert "self._pool.call(lambda: self._sync.streams.wait_for(name, timeout), waits=True)" in text
    assert "kind: str = ChannelType.EMAIL, *, tags: tuple[str, ...] = ('a', )) -> " in text
    assert "from boto3.session import Session" in text
    assert "from pinpoint_kit.models.event import Session" in text


def test_the_fixed_methods_are_there() -> None:
    """Every noun has the verbs that the design fixes."""
    pinpoint = pk.connect_async("sqlite://")
    for noun, verbs in FIXED_METHODS.items():
        assert [
            verb for verb in verbs if not callable(getattr(getattr(pinpoint, noun), verb))
        ] == []


def test_what_is_at_once_is_no_coroutine() -> None:
    """Recording is a plain call; what asks the service is awaited."""
    assert not inspect.iscoroutinefunction(nouns.AsyncEvents.record)
    assert not inspect.iscoroutinefunction(nouns.AsyncSessions.start)
    assert inspect.iscoroutinefunction(nouns.AsyncEvents.put)
    assert inspect.iscoroutinefunction(nouns.AsyncAnalytics.active)


def test_connecting_takes_what_connect_takes() -> None:
    """The same parameters with the same defaults, and `threads`."""
    own, other = (inspect.signature(f).parameters for f in (pk.connect_async, pk.connect))
    assert {n: str(p) for n, p in own.items() if n != "threads"} == {
        n: str(p) for n, p in other.items()
    }


def expected() -> list[tuple[int, str]]:
    """Return the line numbers and types that the file promises."""
    return [
        (number, line.partition("  # -> ")[2])
        for number, line in enumerate(TYPES.splitlines(), start=1)
        if "  # -> " in line
    ]


@pytest.fixture
def program(tmp_path: Path) -> str:
    """Write the program down where no other tool looks at it."""
    path = tmp_path / "seen.py"
    path.write_text(TYPES, "utf-8")
    return str(path)


@pytest.mark.slow
def test_pyright_sees_exact_types(program: str) -> None:
    """`await`, `async for` and futures have the types of the ordinary client."""
    if importlib.util.find_spec("pyright") is None:
        pytest.skip("pyright is not installed: pip install pyright")
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if not done.stdout.lstrip().startswith("{"):
        pytest.skip("pyright cannot run here: it needs node, or a network to fetch it from")
    found = json.loads(done.stdout)["generalDiagnostics"]
    seen = [
        (entry["range"]["start"]["line"] + 1, entry["message"].rpartition(' is "')[2].rstrip('"'))
        for entry in found
    ]
    assert seen == expected()


@pytest.mark.slow
def test_mypy_sees_exact_types(program: str) -> None:
    """The same for mypy, strictly."""
    if importlib.util.find_spec("mypy") is None:
        pytest.skip("mypy is not installed: pip install mypy")
    done = subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-m", "mypy", "--strict", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    notes = [line for line in done.stdout.splitlines() if "Revealed type is" in line]
    seen = [
        (int(line.split(":")[1]), _short(line.partition('is "')[2].rstrip('"'))) for line in notes
    ]
    assert done.returncode == 0, done.stdout
    assert seen == expected()


def _short(name: str) -> str:
    """`builtins.list[pinpoint_kit.models.endpoint.Endpoint]` -> `list[Endpoint]`."""
    inner = name.rstrip("]").split("[")
    short = [part.rpartition(".")[2] for part in inner]
    return "[".join(short) + "]" * (len(short) - 1)
