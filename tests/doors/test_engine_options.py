"""Options of the embedded engine, given for a server: the refusal names the server's own option."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli.commands.serve import serve

OPTIONS: dict[str, tuple[Any, str | None]] = {
    "destinations": ({"events": "file:///tmp/x"}, "--destination"),
    "keep_events": (timedelta(days=400), "--keep-events"),
    "stream_form": (pk.StreamForm(), "--stream-version"),
    "stream_backlog": (10, "--stream-backlog"),
    "stream_age": (timedelta(days=1), "--stream-age"),
    "stream_tries": (3, "--stream-tries"),
    "stream_dead_letters": (10, "--stream-dead-letters"),
    "transports": ({"EMAIL": "smtp://localhost"}, "--transport"),
    "hooks": ({"filter": "https://example.com"}, "--hook"),
    "catch_up": (False, "--no-catch-up"),
    "keep_messages": (timedelta(days=30), "--keep-messages"),
    "runs_campaigns": (False, None),
}


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "aws://us-east-1"])
@pytest.mark.parametrize("name", OPTIONS)
def test_an_option_of_the_engine_is_refused_for_a_server(url: str, name: str) -> None:
    """Before anything is opened; the option that is named is one of `pinpoint-kit serve`."""
    value, option = OPTIONS[name]
    more = f", and give a server of yours {option}" if option else ""
    with pytest.raises(pk.ConfigurationError) as refused:
        pk.connect(url, application="shop", **{name: value})
    assert str(refused.value) == (f"{name} is an option of the embedded engine: leave it out{more}")
    known = {text for each in serve.params for text in (*each.opts, *each.secondary_opts)}
    assert option is None or option in known
