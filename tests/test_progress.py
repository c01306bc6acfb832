"""The progress bar: where somebody looks, and nowhere else."""

from __future__ import annotations

import io
import sys
import types
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit import Job, JobType, LoadProgress, ProgressBar

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = Job(id="j", type=JobType.IMPORT)
HALF = Job(
    id="j",
    total_pieces=4,
    completed_pieces=1,
    failed_pieces=1,
    total_processed=1500,
    total_failures=2,
)


class Terminal(io.StringIO):
    """Somebody looks."""

    def isatty(self) -> bool:
        return True


class Notebook:
    """Stands for IPython in a kernel: remembers what is displayed."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:  # noqa: N802 -- IPython's name
        return text

    def display(self, text: str, *, display_id: bool) -> Notebook:
        assert display_id
        self.shown.append(text)
        return self

    def update(self, text: str) -> None:
        self.shown.append(text)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    """Give a notebook."""
    notebook = Notebook()
    shell: Any = types.ModuleType("IPython")
    shell.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    shell.display = notebook
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", notebook)
    return notebook


@pytest.mark.parametrize(
    ("state", "bar", "text"),
    [
        (JOB, "<progress>", "0"),
        (HALF, '<progress value="2" max="4">', "1,500, 2 failed"),
        (LoadProgress(stage="checking", done=7), "<progress>", "checking: 7"),
        (LoadProgress(stage="sending", done=7, total=9), 'value="7" max="9"', "sending: 7"),
        (LoadProgress(stage="sending", done=0, total=0), 'value="0" max="1"', "sending: 0"),
        (1200, "<progress>", "1,200"),
    ],
)
def test_a_notebook_shows_one_line(notebook: Notebook, state: Any, bar: str, text: str) -> None:
    """Each call replaces the display below the cell; the label is escaped."""
    with ProgressBar("a <b>") as show:
        show(state)
    assert notebook.shown[0] == "a &lt;b&gt;"
    assert notebook.shown[1].startswith("a &lt;b&gt; <progress")
    assert bar in notebook.shown[1]
    assert notebook.shown[1].endswith(f"> {text}")
    assert len(notebook.shown) == 2


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is drawn on stderr, and gone at the end."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with ProgressBar("importing [b]") as show:
        show(HALF)
    assert "importing [b]" in terminal.getvalue()
    assert "1,500, 2 failed" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")


def hidden(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Take a module away."""

    def hide(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", Terminal())
        monkeypatch.setitem(sys.modules, name, None)

    return hide


@pytest.mark.parametrize("prepare", [lambda _: None, hidden("rich.console")], ids=["pipe", "bare"])
def test_nowhere_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    prepare: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """Without a terminal, and without rich, the work goes on unseen."""
    prepare(monkeypatch)
    with ProgressBar() as show:
        show(HALF)
    if isinstance(sys.stderr, Terminal):
        assert sys.stderr.getvalue() == ""
    assert capsys.readouterr().err == ""


def test_after_its_end_a_bar_is_silent(notebook: Notebook) -> None:
    """Whoever goes on calling it disturbs nobody."""
    with ProgressBar() as show:
        pass
    show(HALF)
    assert len(notebook.shown) == 1
