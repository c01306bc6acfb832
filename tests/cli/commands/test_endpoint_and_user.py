"""`endpoint` and `user`: what they show, change, delete and refuse."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

UPDATE = (
    *("endpoint", "update", "device-1", "--channel-type", "email"),
    *("--address", "a@example.com", "--attribute", "interests=music"),
    *("--attribute", "interests=a=b", "--metric", "level=3.5", "--user-id", "user-1"),
    *("--user-attribute", "plan=pro", "--country", "PT", "--platform", "ios", "--opt-out", "none"),
)


def test_update_then_get(run: Run) -> None:
    """What update gives, get shows: all of it, under Pinpoint's names."""
    assert run(*UPDATE).status == 0
    found = run("endpoint", "get", "DEVICE-1", "--json").value
    assert found["Attributes"] == {"interests": ["music", "a=b"]}
    assert found["Metrics"] == {"level": 3.5}
    assert found["User"] == {"UserId": "user-1", "UserAttributes": {"plan": ["pro"]}}
    assert (found["ChannelType"], found["Address"]) == ("EMAIL", "a@example.com")
    assert (found["Location"], found["Demographic"]) == ({"Country": "PT"}, {"Platform": "ios"})


def test_update_leaves_the_rest(run: Run) -> None:
    """A second update changes what it names; --clear-attribute removes an attribute."""
    run(*UPDATE)
    answer = run(
        *("endpoint", "update", "device-1", "--json", "--clear-attribute", "interests"),
        *("--endpoint-status", "INACTIVE"),
    )
    assert set(answer.value) == {"EndpointId", "RequestID"}
    found = run("endpoint", "get", "device-1", "--json").value
    assert "interests" not in found.get("Attributes", {})
    assert (found["Address"], found["EndpointStatus"]) == ("a@example.com", "INACTIVE")


def test_get_round_trips_through_file(run: Run, folder: Path) -> None:
    """What `get --json` prints can be given to `update --file`, from a file or from stdin."""
    run(*UPDATE)
    text = run("endpoint", "get", "device-1", "--json").stdout
    (folder / "endpoint.json").write_text(text)
    url = ("--url", "sqlite:///other.db")
    assert run("endpoint", "update", "device-1", "--file", "endpoint.json", *url).status == 0
    assert run("endpoint", "update", "device-1", "--file", "-", *url, stdin=text).status == 0
    copy = run("endpoint", "get", "device-1", "--json", *url).value
    assert copy["User"] == json.loads(text)["User"]


def test_tables_show_the_data(run: Run) -> None:
    """The human form names members as Pinpoint does, and shows what was asked for."""
    run(*UPDATE)
    shown = run("endpoint", "get", "device-1").stdout
    assert "Attributes.interests" in shown
    assert "a@example.com" in shown
    assert "OptOut." not in shown
    users = run("user", "endpoints", "user-1").stdout
    assert "device-1" in users
    assert "EMAIL" in users


def test_stored_text_cannot_move_the_cursor(run: Run) -> None:
    """Control characters from the data reach the terminal as text."""
    run("endpoint", "update", "device-1", "--attribute", "name=\x1b[2J\u202eevil")
    shown = run("endpoint", "get", "device-1").stdout
    assert "\x1b" not in shown
    assert "\\x1b[2J\\u202eevil" in shown


@pytest.mark.parametrize(
    "words",
    [
        ("--attribute", "no-value"),
        ("--metric", "level=high"),
        ("--channel-type", "PIGEON"),
        ("--attribute", f"name={'x' * 101}"),
        (),
        ("--file", "missing.json"),
    ],
)
def test_update_refuses_what_is_wrong(run: Run, words: tuple[str, ...]) -> None:
    """A change that cannot be meant is a usage error, and nothing is printed on stdout."""
    answer = run("endpoint", "update", "device-1", *words)
    assert (answer.status, answer.stdout) == (2, "")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "text", ['{"Id": "secret"}', "[]", "{", '{"Attributes": 5}', '{"ChannelType": "secret"}']
)
def test_update_refuses_a_wrong_file(run: Run, text: str) -> None:
    """A file that is no endpoint, or of another one, is refused without showing its content."""
    answer = run("endpoint", "update", "device-1", "--file", "-", stdin=text)
    assert answer.status == 2
    assert "secret" not in answer.stderr


def test_unknown_members_are_mentioned(run: Run) -> None:
    """A misspelt member of a file is sent along, and named on stderr."""
    answer = run("endpoint", "update", "device-1", "--file", "-", stdin='{"Adress": "secret"}')
    assert answer.status == 0
    assert "Adress" in answer.stderr
    assert "secret" not in answer.stderr


def test_file_and_options_exclude_each_other(run: Run) -> None:
    """--file with another option is a usage error."""
    words = ("--file", "-", "--user-id", "user-1")
    assert run("endpoint", "update", "device-1", *words, stdin="{}").status == 2


def test_user_endpoints_as_json(run: Run) -> None:
    """The JSON form of a user's endpoints has Pinpoint's shape."""
    run(*UPDATE)
    value = run("user", "endpoints", "user-1", "--json").value
    assert [item["Id"] for item in value["Item"]] == ["device-1"]


@pytest.mark.parametrize(
    ("words", "known"),
    [(("endpoint", "delete", "device-1"), "Id"), (("user", "delete", "user-1"), "Item")],
)
def test_delete(run: Run, words: tuple[str, ...], known: str) -> None:
    """Deleting needs --yes without a terminal, shows what was deleted, and then it is gone."""
    run(*UPDATE)
    assert run(*words).status == 2
    assert known in run(*words, "--yes", "--json").value
    again = run(*words, "--yes")
    assert again.status == 1
    assert "not found" in again.stderr
    run(*UPDATE)
    assert "device-1" in run(*words, "--yes").stdout


def test_delete_asks_on_a_terminal(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a deletion is asked for on stderr; no means no."""
    run(*UPDATE)
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True, raising=False)
    refused = run("endpoint", "delete", "device-1", "--json", stdin="n\n")
    assert (refused.status, refused.value["error"]["type"]) == (130, "Interrupted")
    assert run("endpoint", "delete", "device-1", "--json", stdin="y\n").value["Id"] == "device-1"


def test_reading_makes_nothing(run: Run, folder: Path) -> None:
    """A command that only reads makes no database and no application."""
    for words in (("endpoint", "get", "x"), ("user", "endpoints", "x")):
        assert run(*words).status == 2
    assert list(folder.iterdir()) == []
    run(*UPDATE)
    answer = run("endpoint", "get", "device-1", "--application", "shpo")
    assert answer.status == 2
    assert "no application of that name" in answer.stderr


def test_reading_makes_no_default_application(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no `default` is, a reading command that names none says which ones there are."""
    url = ("--url", "sqlite:///dm.db")
    run("demo", "--users", "1", *url)
    answers = [
        run("endpoint", "get", "device-1", *url),
        run("user", "endpoints", "user-1", *url),
        run("endpoint", "delete", "device-1", "--yes", *url),
        run("user", "delete", "user-1", "--yes", *url),
    ]
    assert [answer.status for answer in answers] == [2, 2, 2, 2]
    assert all("the application demo: give --application demo" in a.stderr for a in answers)
    with contextlib.closing(sqlite3.connect(folder / "dm.db")) as connection:
        assert connection.execute("SELECT name FROM apps").fetchall() == [("demo",)]
    found = run("endpoint", "get", "device-1", *url, "--application", "demo", "--json").value
    monkeypatch.setenv("PINPOINT_KIT_APPLICATION_ID", found["ApplicationId"])
    assert run("endpoint", "get", "device-1", *url).status == 0


def test_many_applications_are_listed(run: Run) -> None:
    """The message names ten applications at most, and counts the others."""
    assert "no applications yet" in run("endpoint", "get", "x", "--url", "sqlite://").stderr
    for number in range(12):
        run(*UPDATE, "--application", f"shop-{number:02}")
    answer = run("endpoint", "get", "device-1")
    assert "shop-00, shop-01, " in answer.stderr
    assert "shop-09 and 2 more: give --application NAME" in answer.stderr


def test_an_empty_file_is_no_database(run: Run, folder: Path) -> None:
    """A reading command leaves a file of no bytes as it is."""
    (folder / "pinpoint.db").touch()
    answer = run("endpoint", "get", "x")
    assert answer.status == 2
    assert "there is no database" in answer.stderr
    assert [(file.name, file.stat().st_size) for file in folder.iterdir()] == [("pinpoint.db", 0)]


@pytest.mark.parametrize(
    ("given", "option"),
    [
        (("--address", "a@example.com"), "--channel-type"),
        (("--channel-type", "EMAIL"), "--address"),
    ],
)
def test_a_missing_member_is_named_as_an_option(
    run: Run, folder: Path, given: tuple[str, str], option: str
) -> None:
    """A refusal for a missing member names the option that gives it; of a file, the member."""
    answer = run("endpoint", "update", "x", *given)
    assert answer.status == 1
    assert f"give {option}" in answer.stderr
    (folder / "endpoint.json").write_text('{"Address": "a@example.com"}')
    answer = run("endpoint", "update", "x", "--file", "endpoint.json")
    assert "Missing ChannelType" in answer.stderr
    assert "--channel-type" not in answer.stderr


def test_applications_by_name_and_id(run: Run) -> None:
    """--application finds what a writing command made; name and id together are refused."""
    run(*UPDATE, "--application", "shop")
    found = run("endpoint", "get", "device-1", "--application", "shop", "--json").value
    by_id = ("endpoint", "get", "device-1", "--application-id", found["ApplicationId"])
    assert run(*by_id).status == 0
    assert run(*by_id, "--application", "shop").status == 2
    assert run("endpoint", "get", "device-1").status == 2


def test_error_messages_hold_no_personal_data(run: Run) -> None:
    """A failing look-up does not repeat the id that was looked for."""
    run(*UPDATE)
    for words in (("endpoint", "get", "a@example.com"), ("user", "endpoints", "a@example.com")):
        answer = run(*words)
        assert (answer.status, answer.stdout) == (1, "")
        assert "a@example.com" not in answer.stderr


def test_names_that_are_stored_no_longer(run: Run) -> None:
    """They are removed with consent only, for later updates, and all of them are shown."""
    run("endpoint", "update", "e", "--attribute", "plan=pro")
    words = ("endpoint", "remove-attributes", "old_*", "--kind", "custom")
    assert run(*words).status == 2  # nobody can be asked
    assert "old_*" in run(*words, "--yes").stdout
    removed = run("endpoint", "remove-attributes", "b", "--kind", "custom", "--yes", "--json").value
    assert removed["AttributeType"] == "endpoint-custom-attributes"
    assert sorted(removed["Attributes"]) == ["b", "old_*"]
    run("endpoint", "update", "e", "--attribute", "old_a=1", "--attribute", "c=2")
    attributes = run("endpoint", "get", "e", "--json").value["Attributes"]
    assert attributes == {"plan": ["pro"], "c": ["2"]}


def test_json_changes_nothing_on_a_terminal(run: Run) -> None:
    """What is no printable character is escaped in JSON, and means the same."""
    name = "a\x7f\x9b2J\u202eé長"
    run("endpoint", "update", "e", "--attribute", f"plan={name}")
    answer = run("endpoint", "get", "e", "--json")
    assert answer.value["Attributes"] == {"plan": [name]}
    assert "\\u009b2J\\u202eé長" in answer.stdout
    assert answer.stdout.replace("\n", "").isprintable()
