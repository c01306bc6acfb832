"""The documentation is executed: what a page shows is what a reader gets.

Every ```python block of README.md and docs/**/*.md runs, page by page from top to bottom, in an
empty folder and without an AWS account. `<!-- no-run -->` is before a block that needs a service.
"""

from __future__ import annotations

import difflib
import gc
import importlib.util
import os
import re
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import boto3
import pytest

from pinpoint_kit.engine import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    import click

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("README.md"), *DOCS.rglob("*.md")])

#: Whatever else is shown is the business of its own tests, or output.
LANGUAGES = {"bash", "console", "csv", "ini", "json", "nginx", "python", "sql", "text", "yaml"}

FENCE = re.compile(
    r"(?P<mark>^ *<!-- no-run -->\n\n)?"
    r"^(?P<indent> *)(?P<fence>`{3,})(?P<info>[^`\n]*)\n(?P<body>.*?)^(?P=indent)(?P=fence) *$",
    re.MULTILINE | re.DOTALL,
)
INCLUDE = re.compile(r'^--8<-- "(?P<path>[^"]+)"\n', re.MULTILINE)


@attrs.frozen
class Block:
    """A fenced block: its language, its text, where it stands, and whether it needs a service."""

    page: Path
    line: int
    language: str
    info: str
    text: str
    needs_service: bool

    @property
    def is_executed(self) -> bool:
        """True for a block that the reader is meant to run as it stands."""
        return self.language == "python" and not self.needs_service


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page, with included example files put in."""
    text = page.read_text("utf-8")
    found = []
    for match in FENCE.finditer(text):
        language, _, info = match["info"].strip().partition(" ")
        body = textwrap.dedent(match["body"])
        body = INCLUDE.sub(lambda include: (ROOT / include["path"]).read_text("utf-8"), body)
        line = text.count("\n", 0, match.start("body"))
        found.append(Block(page, line, language, info, body, match["mark"] is not None))
    return found


BLOCKS = [block for page in PAGES for block in blocks(page)]
EXECUTED = sorted({block.page for block in BLOCKS if block.is_executed})


def name(page: Path) -> str:
    """How a page is called in test ids and messages."""
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a reader's first minutes: an empty folder, no credentials and no settings."""
    monkeypatch.chdir(tmp_path)
    for variable in os.environ:
        if variable.startswith(("AWS_", "PINPOINT_KIT_")):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """Load docs/generate.py, which is a script and in no package."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.usefixtures("_offline")
@pytest.mark.parametrize("page", EXECUTED, ids=name)
def test_page_runs(page: Path) -> None:
    """The Python blocks of a page run from top to bottom, as one program."""
    namespace: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page):
        if block.is_executed:
            # The padding makes a traceback point at the line of the page.
            source = "\n" * block.line + block.text
            exec(compile(source, page, "exec"), namespace)  # noqa: S102 -- it is our own text
    for value in namespace.values():
        if isinstance(value, Engine):
            value.close()  # as the server would that the page gives it to
    namespace.clear()
    gc.collect()  # what a page forgets to close warns here, and warnings are errors


def test_something_runs() -> None:
    """The extraction finds blocks: a test of nothing would pass for ever."""
    assert any(block.is_executed for block in BLOCKS)


def test_only_python_blocks_are_called_python() -> None:
    """No block escapes execution by another name, an unknown mark or a prompt."""
    for block in BLOCKS:
        where = f"{name(block.page)}:{block.line}"
        assert block.language in LANGUAGES, where
        assert not block.info, where
        assert not block.text.startswith(">>> "), f"{where}: write assert, which is executed"


def test_no_run_is_for_services_only() -> None:
    """A block is left out only because it needs a service at some address."""
    left_out = [block for block in BLOCKS if block.needs_service]
    for block in left_out:
        assert re.search(r"(aws|https?|s3)://", block.text), f"{name(block.page)}:{block.line}"
    marks = [
        mark
        for page in PAGES
        for mark in re.findall(r"^ *<!-- no-run -->$", page.read_text("utf-8"), re.MULTILINE)
    ]
    assert len(left_out) == len(marks)


def test_every_fence_is_closed() -> None:
    """Each page has as many fences as the extraction saw, so that no block is swallowed."""
    for page in PAGES:
        text = page.read_text("utf-8")
        seen = sum(2 + len(re.findall(r"^ *`{3,}", b.text, re.MULTILINE)) for b in blocks(page))
        assert len(re.findall(r"^ *`{3,}", text, re.MULTILINE)) == seen, name(page)


def test_every_page_is_in_the_navigation() -> None:
    """The navigation holds every page exactly once."""
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    navigation = text.partition("\nnav:\n")[2].partition("\n\n")[0]
    listed = re.findall(r": (\S+\.md)$", navigation, re.MULTILINE)
    on_disk = [page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")]
    assert sorted(listed) == sorted(on_disk)


def test_generated_pages_are_in_step(generate: ModuleType) -> None:
    """They are what `python docs/generate.py` would write now."""
    late = [
        line
        for path, text in generate.files().items()
        for line in difflib.unified_diff(
            path.read_text("utf-8").splitlines(), text.splitlines(), path.name, lineterm="", n=0
        )
    ]
    assert not late, "run: python docs/generate.py\n" + "\n".join(late)


def test_every_limit_is_documented(generate: ModuleType) -> None:
    """The limits page names each limit."""
    from pinpoint_kit.limits import Limits  # noqa: PLC0415 -- the page imports it late, too

    page = generate.limits_page()
    assert [f.name for f in attrs.fields(Limits) if f"| `{f.name}` |" not in page] == []


def test_every_error_is_documented(generate: ModuleType) -> None:
    """The tree on the errors page, and so in the module's docstring, names each class once."""
    from pinpoint_kit import errors  # noqa: PLC0415 -- the page imports it late, too

    tree = generate.errors_page().split("```")[1]
    named = re.findall(r"^[ │├└─]*([A-Z]\w+)", tree, re.MULTILINE)
    assert sorted(named) == sorted(errors.__all__)


def test_every_operation_is_on_the_compatibility_page(generate: ModuleType) -> None:
    """The compatibility page has one row for each operation of the service model."""
    from pinpoint_kit import engine  # noqa: PLC0415 -- the page imports it late, too

    page = generate.compatibility_page()
    rows = list(engine.coverage())
    assert len({row.operation for row in rows}) == len(rows)
    assert {str(row.status) for row in rows} <= {"emulated", "partial", "refused"}
    assert [row.operation for row in rows if page.count(f"| `{row.operation}` |") != 1] == []


def test_every_command_is_documented(generate: ModuleType) -> None:
    """Each command has a section on the page; it and its options have a help text."""
    page = generate.cli_page()
    commands = _commands(generate)
    assert len(commands) > 1
    for path, command in commands.items():
        assert f"## {path}\n" in page
        assert command.help, f"{path} has no help text"
        for parameter in command.params:
            # Arguments have no help in click; the command's own text explains them.
            if parameter.param_type_name == "option":
                assert getattr(parameter, "help", None), f"{path} {parameter.opts[0]}"


def test_exit_codes_are_documented(generate: ModuleType) -> None:
    """The top of the command line, or each command, says what its exit status means."""
    commands = _commands(generate)
    texts = {
        path: f"{command.help}\n{command.epilog}".lower() for path, command in commands.items()
    }
    if "exit" not in texts["pinpoint-kit"]:
        assert [path for path, text in texts.items() if "exit" not in text] == []


def test_command_lines_in_the_documentation_exist(generate: ModuleType) -> None:
    """Every `pinpoint-kit ...` line of a page names a real command and real options."""
    commands = _commands(generate)
    for block in BLOCKS:
        if block.language not in {"bash", "console"}:
            continue
        for words in _command_lines(block.text):
            path = "pinpoint-kit"
            while words and f"{path} {words[0]}" in commands:
                path = f"{path} {words.pop(0)}"
            where = f"{name(block.page)}:{block.line}: {path}"
            assert not hasattr(commands[path], "commands") or words == ["--help"], where
            options = {
                option for p in commands[path].params for option in (*p.opts, *p.secondary_opts)
            }
            given = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert given <= {*options, "--help"}, where


def test_what_clients_are_told_to_export_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variables of the page on serving, boto3 needs nothing else to find a server."""
    page = DOCS / "how-to" / "serve.md"
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    for words in re.findall(r"^export (.+)$", page.read_text("utf-8"), re.MULTILINE):
        for word in shlex.split(words, comments=True):
            monkeypatch.setenv(*word.split("=", 1))
    client = boto3.session.Session().client("pinpoint")
    assert client.meta.endpoint_url == "http://127.0.0.1:8025"
    assert client.meta.region_name == os.environ["AWS_REGION"]  # which other SDKs read
    assert client.generate_presigned_url("get_apps")
    client.close()


def _command_lines(text: str) -> Iterator[list[str]]:
    for line in text.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|\||[|;]", line.removeprefix("$ ")):
            words = shlex.split(part, comments=True)
            if words and Path(words[0]).name == "pinpoint-kit":
                yield words[1:]


def _commands(generate: ModuleType) -> dict[str, click.Command]:
    contexts = generate._contexts(generate._cli(), "pinpoint-kit", None)
    return {context.command_path: context.command for context in contexts}
