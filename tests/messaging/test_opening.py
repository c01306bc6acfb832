"""A URL becomes a transport, a Python function too; mistakes say what to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinpoint_kit import ConfigurationError
from pinpoint_kit.messaging import (
    FunctionTransport,
    NotSent,
    OutgoingMessage,
    Sent,
    open_transport,
)
from tests.messaging.messages import message

if TYPE_CHECKING:
    from pathlib import Path

TAKEN: list[OutgoingMessage] = []


def take(one: OutgoingMessage) -> None:
    """Keep a message."""
    TAKEN.append(one)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have credentials."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("SECRET", "secret-1")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("smtp://localhost:1025", "smtp://localhost:1025"),
        ("smtp://mail.example.com?sender=a@b.example", "smtp://mail.example.com:587"),
        ("smtps://mail.example.com?user=a&password_env=SECRET", "smtps://mail.example.com:465"),
        ("smtp://[::1]:25?tls=never&timeout=5&most_messages=10", "smtp://::1:25"),
        ("https://example.com?token_env=SECRET", "https://example.com"),
        ("aws-sms://eu-central-1?origination=SHOP", "aws-sms://eu-central-1"),
        ("aws-push://eu-central-1/app", "aws-push://eu-central-1/app"),
        ("python:tests.messaging.test_opening:take", "python:tests.messaging.test_opening:take"),
    ],
)
def test_urls(url: str, name: str) -> None:
    """Nothing is asked of anybody yet, and no name shows a secret."""
    transport = open_transport(url)
    assert transport.name == name
    assert transport.most_messages > 0
    transport.close()


def test_parameters_of_an_endpoint_stay_its_own() -> None:
    """What is not ours belongs to the URL, and is hidden by a hash."""
    name = open_transport("https://example.com/x?team=a&timeout=5").name
    assert name.startswith("https://example.com?")
    assert "team" not in name


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gopher://x", "not the URL of a transport: write smtp://"),
        ("smtp://a:b@example.com", r"password_env=VARIABLE"),
        ("smtp://example.com/x", "a host and no path"),
        ("smtp://", "a host and no path"),
        ("smtp://example.com:x", "malformed"),
        ("smtp://example.com?colour=red", "unknown parameter 'colour'"),
        ("smtp://example.com?user=a&password_env=NOT_THERE", "no such environment variable"),
        ("smtp://example.com?user=a&password=b", "unknown parameter 'password'|a user and"),
        ("smtps://example.com?tls=never", r"leave \?tls= out"),
        ("smtp://example.com?password_env=SECRET&password_file=/x", "not both"),
        ("smtp://example.com#x", "has a #"),
        ("aws-push://eu-central-1", "aws-push://REGION/APPLICATION_ID"),
        ("python:nowhere:take", "cannot be imported"),
        ("python:tests.messaging.test_opening:nobody", "cannot be imported"),
        ("python:tests.messaging.test_opening:TAKEN", "cannot be called"),
        ("python:take", "python:MODULE:FUNCTION"),
    ],
)
def test_mistakes(url: str, says: str) -> None:
    """Each says what to write, without the value."""
    with pytest.raises(ConfigurationError, match=says) as error:
        open_transport(url)
    assert "secret-1" not in str(error.value)


def test_a_password_in_a_file(tmp_path: Path) -> None:
    """It must be private."""
    file = tmp_path / "password"
    file.write_text("secret-1\n")
    file.chmod(0o600)
    open_transport(f"smtps://example.com?user=a&password_file={file}").close()
    file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        open_transport(f"smtps://example.com?user=a&password_file={file}")


def test_a_function_takes_messages() -> None:
    """None and a text take it; an outcome is kept; an exception is temporary and shows nothing."""
    answers: list[object] = [None, "taken", Sent("x"), NotSent("no", is_permanent=True, code=410)]

    def function(one: OutgoingMessage) -> Sent | NotSent | str | None:
        if not answers:
            raise ValueError(one.address)
        return answers.pop(0)  # type: ignore[return-value]  # one of these

    transport = FunctionTransport(function, name="mine")
    outcomes = transport.send([message()] * 5)
    assert outcomes == [
        Sent(""),
        Sent("taken"),
        Sent("x"),
        NotSent("no", is_permanent=True, code=410),
        NotSent("python:mine: ValueError"),
    ]
    open_transport("python:tests.messaging.test_opening:take").send([message()])
    assert TAKEN.pop().address == "+15555550123"
    with pytest.raises(ConfigurationError, match="int cannot be called"):
        FunctionTransport(7)  # type: ignore[arg-type]  # a mistake
