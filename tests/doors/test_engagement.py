"""Transports and hooks as `connect`, `serve` and the engine take them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

import pinpoint_kit as pk
from pinpoint_kit.cli import cli
from pinpoint_kit.doors import open_hooks, open_transports, parse_hooks, parse_transports
from pinpoint_kit.engine import Engine
from pinpoint_kit.hooks import FunctionHook
from pinpoint_kit.messaging import FunctionTransport, Smtp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.messaging import NotSent, OutgoingMessage, Sent

ARN = "arn:aws:lambda:us-east-1:111122223333:function:filter"


class Recording:
    """A transport, or a hook, that says when it is closed."""

    name = "recording"
    most_messages = 1

    def __init__(self) -> None:
        self.closed = 0

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Take nothing."""
        raise NotImplementedError(messages)

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Answer nothing."""
        raise NotImplementedError(payload, timeout)

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_what_is_given_goes_with_the_engine() -> None:
    """A client that ends closes each transport and hook once, whatever it was given for."""
    mine = Recording()
    with pk.connect(
        "sqlite://",
        application="shop",
        transports={"EMAIL": "smtp://localhost:1025", "sms": mine, "PUSH": print},
        hooks={"filter": mine, ARN: "python:json:dumps", "https://hook.example.com": len},
        catch_up=False,
    ):
        assert mine.closed == 0
    assert mine.closed >= 1


def test_functions_objects_and_urls() -> None:
    """Each becomes what the engine calls; a URL that is given twice is one."""
    mine = Recording()
    url = "smtp://localhost:1025"
    opened = open_transports({"email": url, "SMS": url, "PUSH": print})
    assert list(opened) == ["EMAIL", "SMS", "PUSH"]
    assert isinstance(opened["EMAIL"], Smtp)
    assert opened["EMAIL"] is opened["SMS"]
    assert isinstance(opened["PUSH"], FunctionTransport)
    assert open_transports({"SMS": mine})["SMS"] is mine
    hooks = open_hooks({"filter": len, ARN: mine})
    assert isinstance(hooks["filter"], FunctionHook)
    assert hooks["filter"].name == "python:filter"
    assert hooks[ARN] is mine


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transports": {"PIGEON": print}}, "name EMAIL, SMS, PUSH"),
        ({"transports": {"SMS": 7}}, "a URL, a function, or an object"),
        ({"transports": {"SMS": "gopher://x"}}, "not the URL of a transport"),
        ({"transports": "smtp://localhost"}, "NAME: URL"),
        ({"hooks": {"filter": 7}}, "a URL, a function, or an object"),
        ({"hooks": {"filter": "gopher://x"}}, "not the URL of a hook"),
    ],
)
def test_mistakes_end_the_start(options: Any, says: str) -> None:
    """Each says what to write; nothing stays open."""
    with pytest.raises(pk.errors.ConfigurationError, match=says):
        pk.connect("sqlite://", application="shop", **options)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transports": {"email": Recording()}}, "name EMAIL, SMS, PUSH"),
        ({"transports": {"EMAIL": print}}, "open_transport"),
        ({"hooks": {"filter": print}}, "open_hook"),
    ],
)
def test_the_engine_takes_objects_only(options: Any, says: str) -> None:
    """What makes one of a URL is named."""
    with pytest.raises(pk.errors.ConfigurationError, match=says):
        Engine.open("sqlite://", **options)


def test_what_was_opened_is_closed_when_something_else_is_wrong() -> None:
    """The mistake comes last."""
    mine = Recording()
    with pytest.raises(pk.errors.ConfigurationError):
        pk.connect("sqlite://", transports={"SMS": mine}, hooks={"filter": 7})  # type: ignore[dict-item]
    assert mine.closed == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"transports": {"SMS": print}}, "--transport"),
        ({"hooks": {"filter": print}}, "--hook"),
        ({"catch_up": False}, "--no-catch-up"),
        ({"runs_campaigns": False}, "leave it out$"),
        ({"keep_messages": timedelta(days=30)}, "--keep-messages"),
    ],
)
def test_they_are_the_embedded_engines_own(options: Any, says: str) -> None:
    """A server is given its own."""
    with pytest.raises(pk.errors.ConfigurationError, match=says):
        pk.connect("http://127.0.0.1:1", application="shop", **options)


def test_what_the_command_line_gives() -> None:
    """ARNs and URLs are names, too, with signs of equality in them."""
    assert parse_transports(["EMAIL=smtp://h?sender=a@b.example"]) == {
        "EMAIL": "smtp://h?sender=a@b.example"
    }
    assert parse_hooks([f"{ARN}=lambda:filter", "https://a/?b=c=python:x:y", "f=https://h"]) == {
        ARN: "lambda:filter",
        "https://a/?b=c": "python:x:y",
        "f": "https://h",
    }
    for wrong in ("smtp://h", "=smtp://h", "EMAIL=", "EMAIL=host"):
        with pytest.raises(pk.errors.ConfigurationError, match="EMAIL=smtp://localhost:1025"):
            parse_transports([wrong])
    with pytest.raises(pk.errors.ConfigurationError, match="two hooks for f"):
        parse_hooks(["f=https://h", "f=https://i"])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--transport", "EMAIL"], "CHANNEL=URL"),
        (["--transport", "PIGEON=smtp://h"], "name EMAIL, SMS, PUSH"),
        (["--hook", "filter=gopher://x"], "not the URL of a hook"),
    ],
)
def test_serve_refuses_mistakes(arguments: list[str], says: str) -> None:
    """Before it listens for anybody."""
    result = CliRunner().invoke(cli, ["serve", "--url", "sqlite://", "--port", "0", *arguments])
    assert result.exit_code == 2
    assert says in result.output
