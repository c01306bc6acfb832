"""`pinpoint-kit template`: making, reading and previewing templates of messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

NAME = "Hello {{User.UserAttributes.Name}}"


@pytest.fixture
def stored(run: Run, folder: Path) -> Run:
    """Give a database with a template and two endpoints of a person."""
    with pk.connect(f"sqlite:///{folder}/pinpoint.db", application="default") as pinpoint:
        for name in ("device-1", "device-2"):
            user = pk.User(id="user-1", attributes={"Name": "Ada\x1b[2J"})
            pinpoint.endpoints.update(
                pk.Endpoint(id=name, channel_type="EMAIL", address=f"{name}@x", user=user)
            )
    (folder / "welcome.html").write_text("<p>{{User.UserAttributes.Name}}</p>\n", "utf-8")
    given = ("--subject", NAME, "--html", str(folder / "welcome.html"))
    defaults = ("--default", "User.UserAttributes.Name=you", "--description", "a greeting")
    made = run("template", "create", "welcome", "--type", "EMAIL", *given, *defaults)
    assert (made.status, made.stdout) == (0, "created welcome, version 1\n")
    return run


def test_get_and_list(stored: Run) -> None:
    """As lines for people, as Pinpoint's members for programs."""
    shown = stored("template", "get", "welcome")
    assert f"Subject: {NAME}\n" in shown.stdout
    members = json.loads(stored("template", "get", "welcome", "--json").stdout)
    assert members["DefaultSubstitutions"] == '{"User.UserAttributes.Name": "you"}'
    assert "welcome" in stored("template", "list", "--type", "email").stdout
    (item,) = json.loads(stored("template", "list", "--json").stdout)["Item"]
    assert (item["TemplateName"], item["TemplateType"]) == ("welcome", "EMAIL")
    assert "a greeting" in stored("template", "versions", "welcome").stdout


def test_what_get_prints_can_be_given_back(stored: Run, folder: Path) -> None:
    """A file of members makes another template."""
    file = folder / "welcome.json"
    file.write_text(stored("template", "get", "welcome", "--json").stdout, "utf-8")
    made = stored("template", "create", "again", "--type", "EMAIL", "--file", str(file))
    assert made.status == 0, made.stderr
    assert f"Subject: {NAME}\n" in stored("template", "get", "again").stdout


def test_versions(stored: Run) -> None:
    """An update makes another version when asked; `activate` says which one counts."""
    given = ("update", "welcome", "--type", "EMAIL", "--subject", "second", "--new-version")
    assert stored("template", *given).stdout == "updated welcome, version 2\n"
    assert NAME in stored("template", "get", "welcome").stdout
    assert stored("template", "activate", "welcome").stdout == "activated welcome, version 2\n"
    assert "second" in stored("template", "get", "welcome").stdout
    gone = ("delete", "welcome", "--type", "EMAIL", "--yes")
    assert stored("template", *gone, "--version", "2").stdout == "deleted version 2 of welcome\n"
    assert stored("template", *gone, "--json").status == 0
    assert "no templates" in stored("template", "list").stdout


def test_preview(stored: Run) -> None:
    """For nobody, an endpoint and a user; nothing of it moves the cursor."""
    assert stored("template", "preview", "welcome").stdout == (
        "Subject: Hello you\nHtmlPart: <p>you</p>\n\n"
    )
    shown = stored("template", "preview", "welcome", "--endpoint", "device-1").stdout
    assert shown.startswith("Subject: Hello Ada\\x1b[2J\n")
    own = ("--endpoint", "device-1", "--set", "User.UserAttributes.Name=Augusta", "--json")
    item = json.loads(stored("template", "preview", "welcome", *own).stdout)
    assert item["Parts"]["Subject"] == "Hello Augusta"
    shown = stored("template", "preview", "welcome", "--user", "user-1").stdout
    assert "== device-1 (EMAIL)\n" in shown
    assert "== device-2 (EMAIL)\n" in shown
    items = json.loads(
        stored("template", "preview", "welcome", "--user", "user-1", "--json").stdout
    )
    assert [each["EndpointId"] for each in items] == ["device-1", "device-2"]


def test_push_templates(stored: Run) -> None:
    """Title and body are those of all channels."""
    given = ("--title", "News", "--body", "For {{Id}}")
    assert stored("template", "create", "news", "--type", "PUSH", *given).status == 0
    shown = stored("template", "preview", "news").stdout
    assert shown == "Default.Title: News\nDefault.Body: For \n"


def test_errors(stored: Run) -> None:
    """What is wrong is said, and what to do."""
    for words, text in (
        ("preview nothing", "there is no template nothing"),
        ("preview welcome --endpoint a --user b", "not both"),
        ("preview welcome --endpoint nobody", "Endpoint not found"),
        ("create a --type SMS --subject b", "no such part"),
        ("create a --type SMS --title b", "--type PUSH"),
        ("create welcome --type EMAIL", "exists already"),
    ):
        shown = stored("template", *words.split())
        assert shown.status != 0
        assert text in shown.stderr


def test_a_name_of_several_types(stored: Run) -> None:
    """The type must be given then."""
    assert stored("template", "create", "welcome", "--type", "SMS", "--body", "x").status == 0
    assert "give one with --type" in stored("template", "get", "welcome").stderr
    assert "Body: x" in stored("template", "get", "welcome", "--type", "SMS").stdout


def test_a_broken_text_is_said_with_its_place(stored: Run) -> None:
    """The preview fails with the part, the line and the column."""
    given = ("--body", "a\n{{upper Nope}}")
    stored("template", "create", "broken", "--type", "SMS", *given)
    shown = stored("template", "preview", "broken")
    assert shown.status == 1
    assert "Body: upper: Nope has no value" in shown.stderr
    assert "line 2, column 3" in shown.stderr


@pytest.mark.parametrize("verb", ["create", "update"])
def test_a_text_that_cannot_be_read_is_kept_with_a_warning(stored: Run, verb: str) -> None:
    """Stderr names the part, the line and the column; stdout and the status are as ever."""
    stored("template", "create", "code", "--type", "SMS", "--body", "Hi")
    name = {"create": "new", "update": "code"}[verb]
    given = ("--type", "SMS", "--body", "Hello\n {{#if Id}}you")
    made = stored("template", verb, name, *given)
    assert (made.status, made.stdout) == (0, f"{verb}d {name}, version 1\n")
    (line,) = made.stderr.splitlines()
    assert line.startswith("warning: Body: ")
    assert "line 2, column 2" in line
    assert "{{#if Id}}you" in stored("template", "get", name).stdout


def test_texts_that_can_be_read_are_made_without_a_warning(stored: Run, folder: Path) -> None:
    """Nor are in-app templates looked at, which have no variables."""
    given = ("--type", "SMS", "--body", "{{#if Id}}Hi{{/if}} {{upper Nope}}")
    assert stored("template", "create", "fine", *given).stderr == ""
    file = folder / "in-app.json"
    header = {"Header": "{{", "Alignment": "LEFT", "TextColor": "#000000"}
    file.write_text(json.dumps({"Content": [{"HeaderConfig": header}]}), "utf-8")
    made = stored("template", "create", "shown", "--type", "INAPP", "--file", str(file))
    assert (made.status, made.stderr) == (0, "")
