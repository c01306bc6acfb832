"""What holds for every command: help, --json, errors as sentences, exit statuses, the extra."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.cli import cli
from pinpoint_kit.cli.app import _HOMES
from pinpoint_kit.cli.failures import exit_status
from pinpoint_kit.cli.wording import in_cli_words
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "command-line.md"


def leaves(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Each command that does something, with its path."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


COMMANDS = dict(leaves(cli, "pinpoint-kit"))
#: Those that answer once; a server and its page go on.
ANSWERING = [path for path in COMMANDS if path.split()[1] not in {"console", "serve"}]


def test_every_command_is_in_the_how_to() -> None:
    """The how-to page shows every command, and every exit status."""
    text = PAGE.read_text("utf-8")
    assert [path for path in COMMANDS if path not in text] == []
    assert [code for code in (0, 1, 2, 3, 70, 130, 141) if f"| {code} |" not in text] == []


@pytest.mark.parametrize("path", ANSWERING)
def test_common_options(path: str) -> None:
    """Commands take the same options for where they work (a Pinpoint, a spool) and answer."""
    options = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    places = {
        "dead-letters": {"--spool"},
        "credentials": set[str](),
        "backup": {"--url"},
        "copy": set[str](),  # two places, which are its arguments
        "application": {"--url"},
        "iam": set[str](),
        "migrate": {"--application", "--application-id"},  # the URL is its argument
        "schema": {"--url"},
    }
    a_pinpoint = {"--url", "--application", "--application-id"}
    place = places.get(path.split()[1], a_pinpoint)
    if path == "pinpoint-kit lake table":  # connects to nothing
        place = set()
    assert {*place, "--json", "--debug"} <= options


@pytest.mark.parametrize("path", ["pinpoint-kit", *COMMANDS])
def test_help(run: Run, path: str) -> None:
    """Every command explains itself, from an empty folder, with status 0."""
    answer = run(*path.split()[1:], "--help")
    assert answer.status == 0
    assert answer.stdout.startswith("Usage: ")


@pytest.mark.parametrize("path", ["pinpoint-kit", *COMMANDS])
def test_help_is_narrow(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Help is at most 76 wide on any terminal, and shows no mark-up of its source."""
    monkeypatch.setenv("COLUMNS", "200")
    command = COMMANDS.get(path, cli)
    settings: dict[str, Any] = {**cli.context_settings}
    text = command.get_help(click.Context(command, info_name=path, **settings))
    assert max(map(len, text.splitlines())) <= 76
    assert "\\b" not in text
    assert "\b" not in text


def test_summaries() -> None:
    """The summaries of `--help`, which imports no command, are those of the commands."""
    shown = {name: home.summary for name, home in _HOMES.items()}
    assert shown == {
        name: command.get_short_help_str(limit=100) for name, command in cli.commands.items()
    }


@pytest.mark.parametrize("path", COMMANDS)
def test_examples(path: str) -> None:
    """The help of every command ends with examples, which are command lines that parse."""
    command = COMMANDS[path]
    lines = re.findall(r"^  pinpoint-kit (.+)$", command.epilog or "", re.MULTILINE)
    assert lines
    for line in lines:
        words = shlex.split(line.partition(" < ")[0])
        name = path.split()[1:]
        assert words[: len(name)] == name
        command.make_parser(click.Context(command)).parse_args(words[len(name) :])


@pytest.mark.parametrize("path", COMMANDS)
def test_lists_have_every_form(path: str) -> None:
    """Whatever lists prints comma- and tab-separated values and JSON lines, too."""
    options = {name for parameter in COMMANDS[path].params for name in parameter.opts}
    is_list = path.rpartition(" ")[2] in {
        *("activities", "channels", "endpoints", "find", "list", "members", "results", "status"),
        *("send", "versions"),
    }
    assert ({"--csv", "--tsv", "--nl"} <= options) is is_list


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (("endpont",), "endpoint"),
        (("endpoint", "lst"), "list"),
        (("endpoint", "list", "--limti", "3"), "--limit"),
    ],
)
def test_near_names(run: Run, words: tuple[str, ...], near: str) -> None:
    """A name that is not known is answered with one that is nearly the same."""
    answer = run(*words)
    assert answer.status == 2
    assert "Did you mean" in answer.stderr
    assert f"'{near}'" in answer.stderr.partition("Did you mean")[2]


#: What takes long to import, and what `--help` needs least.
HEAVY = ("sqlalchemy", "uvicorn", "boto3", "botocore", "cattrs", "prometheus_client")


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["nonsense"], ["endpoint", "update", "--help"]]
)
def test_help_is_light(words: list[str], folder: Path) -> None:
    """Help, and what is wrong with a command line, loads nothing that takes long."""
    program = (
        "import sys\n"
        "from pinpoint_kit.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit:\n"
        "    print('loaded', *(set(sys.modules) & set(sys.stdin.read().split())))"
    )
    heavy = " ".join(HEAVY if words[0] != "endpoint" else HEAVY[:4])
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program, *words],
        input=heavy,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    assert done.stdout.splitlines()[-1] == "loaded"


def test_exit_table(run: Run) -> None:
    """The help has a line of its own for each exit status."""
    lines = run("--help").stdout.splitlines()
    first = lines.index("  Exit status:") + 1
    shown = [line.split()[0] for line in lines[first : first + 7]]
    assert shown == ["0", "1", "2", "3", "70", "130", "141"]


def test_version(run: Run) -> None:
    """--version says which release this is."""
    assert VERSION in run("--version").stdout


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.ConfigurationError("x"), 2),
        (errors.StoreError("x"), 2),
        (errors.ValidationError("x"), 2),
        (errors.TransportError("x", is_retryable=False), 2),
        (errors.TransportError("x"), 3),
        (errors.TransportTimeoutError("x"), 3),
        (errors.TooManyRequests("x"), 3),
        (errors.InternalServerError("x"), 3),
        (errors.NotFound("x"), 1),
        (errors.Forbidden("x"), 1),
    ],
)
def test_exit_statuses(error: errors.PinpointKitError, status: int) -> None:
    """Each kind of error has the status that the help promises."""
    assert exit_status(error) == status


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("secret"), 70), (OSError(5, "Input/output error"), 2)]
)
def test_no_traceback_without_debug(
    run: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    """A fault is one sentence without its content; --debug shows the traceback."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("pinpoint_kit.connect", fail)
    answer = run("demo")
    assert (answer.status, answer.stdout) == (status, "")
    assert len(answer.stderr.splitlines()) == 1
    assert "secret" not in answer.stderr
    with pytest.raises(type(error)):
        run("demo", "--debug")


@pytest.mark.parametrize(
    ("words", "kind", "status"),
    [
        (("endpoint", "get", "x"), "ConfigurationError", 2),
        (("endpoint", "get"), "MissingParameter", 2),
        (("endpoint", "get", "x", "--bogus"), "NoSuchOption", 2),
        (("endpoint", "update", "x"), "UsageError", 2),
        (("record", "-", "--url", "sqlite://", "--application-id", "a1"), "NotFound", 1),
        (
            ("endpoint", "get", "x", "--url", "http://127.0.0.1:1", "--application-id", "a1"),
            *("TransportError", 3),
        ),
    ],
)
def test_errors_as_json(run: Run, words: tuple[str, ...], kind: str, status: int) -> None:
    """With --json, an error is the one JSON value on stdout, and a sentence on stderr as well."""
    answer = run(*words, "--json")
    error = answer.value["error"]
    assert (answer.status, error["exit_status"], error["type"]) == (status, status, kind)
    assert error["message"] in answer.stderr
    assert run(*words).stdout == ""


def test_refusals_of_a_command_as_json(run: Run, folder: Path) -> None:
    """A command that says no by itself answers with JSON as well, and only once."""
    with pk.connect("sqlite://", spool=folder / "events.spool"):
        pass
    answer = run("dead-letters", "show", "5", "--spool", "events.spool", "--json")
    error = answer.value["error"]
    assert (answer.status, error["type"], error["exit_status"]) == (1, "Refused", 1)
    assert error["message"] in answer.stderr
    counts = run("record", "-", "--url", "sqlite://", "--json", stdin="bad\n")
    assert (counts.status, counts.value["rejected"]) == (1, 1)


def test_faults_as_json(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also a fault is JSON, and so it is where --debug lets the traceback through."""

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("pinpoint_kit.connect", fail)
    assert run("demo", "--json").value["error"]["exit_status"] == 70
    with pytest.raises(RuntimeError):
        cli.main(["demo", "--json", "--debug"], standalone_mode=False)
    printed = capsys.readouterr().out
    assert json.loads(printed)["error"]["type"] == "RuntimeError"
    assert "secret" not in printed


def test_summaries_in_groups_are_whole(run: Run) -> None:
    """A long one goes on in the next line."""
    for name, command in cli.commands.items():
        if isinstance(command, click.Group):
            assert "...\n" not in run(name, "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (
            "name the application: connect(url, application=NAME), application_id=ID, or $X",
            "name the application: --application NAME, --application-id ID, or $X",
        ),
        ('shorten it, or connect with invalid="truncate" @ $.a', "shorten it @ $.a"),
        ("is empty: name it @ $.EventType", "$.EventType is empty: name it"),
        ("application_id is empty: give the id", "--application-id is empty: give the id"),
        ("expected a number, got str: pass a float", "expected a number, got text: write a number"),
        ("there is nothing to change", "there is nothing to change"),
    ],
)
def test_words_of_the_command_line(sentence: str, words: str) -> None:
    """The library's sentences are said with options and JSON instead of Python."""
    assert in_cli_words(sentence) == words


SPRING = ("campaign", "create", "spring", "--segment", "s", "--sms", "Hi")
DAYS = ("--from", "2026-01-01", "--to", "2026-01-02")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((*SPRING, "--start", "tomorrow"), "--start is not an ISO 8601 instant"),
        ((*SPRING, "--end", "never"), "--end is not an ISO 8601 instant"),
        ((*SPRING, "--sms-template", ""), "--sms-template is empty"),
        ((*SPRING[:-1], "x\0y"), "@ --sms ("),
        ((*SPRING, "--email-html", "x\0y"), "@ --email-html ("),
        (("campaign", "show", ""), "ID is empty"),
        (("campaign", "show", ".."), "@ ID"),
        (("endpoint", "get", ""), "ID is empty"),
        (("endpoint", "update", "x", "--platform", "x\0y"), "@ --platform ("),
        (("endpoint", "update", "x", "--user-id", "x\0y"), "@ --user-id ("),
        (("endpoint", "update", "x", "--attribute", f"k={'v' * 101}"), "@ --attribute"),
        (("endpoint", "update", "x", "--user-attribute", f"k={'v' * 101}"), "@ --user-attribute"),
        (("endpoint", "find", "--user", "x\0y"), "@ --user ("),
        (("event", "list", "--type", "x\0y"), "@ --type ("),
        (("event", "list", "--since", "tomorrow"), "--since is "),
        (("analytics", "active", *DAYS, "--zone", "nowhere"), "@ --zone ("),
        (("analytics", "active", *DAYS, "--by", "nothing"), "@ --by ("),
        (("analytics", "active", *DAYS, "--where", "a=b"), "@ --where ("),
        (("analytics", "funnel", "a", *DAYS), "@ TYPE"),
        (("analytics", "retention", *DAYS, "--within", "0"), "@ --within ("),
        (("application", "create", "x\0y"), "@ NAME ("),
        (("application", "create", "x", "--tag", f"k={'v' * 257}"), "@ --tag ("),
    ],
)
def test_a_refusal_names_what_was_typed(
    run: Run, folder: Path, words: tuple[str, ...], expected: str
) -> None:
    """Options and arguments are named as they are typed, not as Python and JSON call them."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db"):
        pass
    answer = run(*words)
    assert answer.status in {1, 2}
    assert expected in answer.stderr
    assert "$." not in answer.stderr


def test_what_stands_in_a_file_is_named_as_there(run: Run, folder: Path) -> None:
    """An option that was given with it is not blamed for the file."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db"):
        pass
    treatment = {"SizePercent": 50, "MessageConfiguration": {"SMSMessage": {"Body": "x\0y"}}}
    text = json.dumps({"AdditionalTreatments": [treatment]})
    answer = run(*SPRING, "--file", "-", stdin=text)
    assert "@ $.AdditionalTreatments[0].MessageConfiguration.SMSMessage.Body" in answer.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--url", "http://127.0.0.1:1"), "--application NAME, --application-id ID"),
        (("--application", "a", "--application-id", "b"), "--application (a name) or"),
        (("--application", ""), "--application must be a name"),
        (("--application-id", ".."), "--application-id an id of one or two dots"),
    ],
)
def test_settings_are_named_as_options(run: Run, words: tuple[str, ...], expected: str) -> None:
    """What `connect` would say of its arguments is said of the options."""
    answer = run("endpoint", "update", "x", "--country", "PT", *words)
    assert answer.status == 2
    assert expected in answer.stderr
    assert "connect(" not in answer.stderr


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra(folder: Path, missing: str) -> None:
    """Without the extra, one sentence says what to install."""
    program = f"import sys; sys.modules[{missing!r}] = None; import pinpoint_kit.cli as c; c.main()"
    done = subprocess.run(  # noqa: S603 -- our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=folder
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'pinpoint-kit[cli]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_nothing_else_is_in_the_package() -> None:
    """The package has `cli` and `main`, and says so when something else is asked for."""
    with pytest.raises(AttributeError, match="nothing"):
        __import__("pinpoint_kit.cli").cli.nothing  # noqa: B018 -- asking is the test


def test_a_process_of_its_own(process: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -m pinpoint_kit.cli` works, also on a terminal that knows only ASCII."""
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    update = process("endpoint", "update", "d", "--attribute", "name=Zoë")
    answer = process("endpoint", "get", "d")
    assert (update.status, answer.status, answer.stderr) == (0, 0, "")
    assert "Zo" in answer.stdout
    assert (folder / "pinpoint.db").exists()


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX pipes")
@pytest.mark.parametrize("words", [("doctor",), ("doctor", "--json")])
def test_nobody_reads_the_output(folder: Path, words: tuple[str, ...]) -> None:
    """A closed pipe ends the command quietly."""
    reader, writer = os.pipe()
    os.close(reader)
    with subprocess.Popen(  # noqa: S603 -- our own command line
        [sys.executable, "-m", "pinpoint_kit.cli", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=folder,
    ) as command:
        os.close(writer)
        _, stderr = command.communicate(timeout=20)
    assert (command.returncode, stderr) == (141, b"")
