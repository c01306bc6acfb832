"""Openings and clicks: which links an e-mail has, what they answer, and what is reported."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit import ConfigurationError
from pinpoint_kit.cli import cli
from pinpoint_kit.cli.tracking import open_tracking
from pinpoint_kit.engine import Engine
from pinpoint_kit.messaging import (
    FunctionTransport,
    Links,
    OutgoingMessage,
    TrackedEmail,
    tracking_app,
    tracking_key,
)
from tests.messaging.messages import email

if TYPE_CHECKING:
    from pathlib import Path

KEY = bytes(range(32))
LINKS = Links("https://mail.example.com/", KEY)
SHOP = "https://shop.example.com/cart?a=1&b=2"


def sent(**members: Any) -> str:
    """Return the HTML of an e-mail as it leaves."""
    got: list[OutgoingMessage] = []
    transport = TrackedEmail(FunctionTransport(got.append), LINKS)
    transport.send([email(**members)])
    transport.close()
    return got[0].html


def asked(path: str, method: str = "GET") -> tuple[int, dict[str, str], bytes, list[Any]]:
    """Return the answer to a request, and what was reported."""
    reports: list[Any] = []
    messages: list[Any] = []

    async def report(kind: str, link: Any, agent: str) -> None:
        reports.append((kind, link.application_id, link.message_id, link.url, agent))

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"path": path, "method": method, "headers": [(b"user-agent", b"Mail\x01/1")]}
    app = tracking_app(LINKS, report)

    async def ask() -> None:
        await app(scope, None, send)

    asyncio.run(ask())
    headers = {name.decode(): value.decode() for name, value in messages[0]["headers"]}
    return messages[0]["status"], headers, messages[1]["body"], reports


def path_of(address: str) -> str:
    """Return the path of one of our addresses."""
    return address.removeprefix("https://mail.example.com")


def test_links_and_a_picture_are_in_the_html() -> None:
    """Web links lead through the server; what is no web link stays."""
    text = sent(
        html=(
            '<html><body><a class="b" href="https://shop.example.com/cart?a=1&amp;b=2">x</a>'
            "<A HREF='mailto:a@example.com'>y</A><img src=\"https://shop.example.com/x.png\">"
            "</body></html>"
        )
    )
    first, mail = re.findall(r"""href=["'](.*?)["']""", text, re.IGNORECASE)
    assert mail == "mailto:a@example.com"
    assert '<img src="https://shop.example.com/x.png">' in text
    assert text.endswith('style="display:none"></body></html>')
    status, headers, body, reports = asked(path_of(first))
    assert (status, headers["location"], body) == (302, SHOP, b"")
    assert headers["cache-control"] == "no-store"
    assert reports == [("click", "app", "m-1", SHOP, "Mail/1")]
    picture = re.findall(r'src="(https://mail[^"]*)"', text)[0]
    status, headers, body, reports = asked(path_of(picture))
    assert (status, headers["content-type"], body[:6]) == (200, "image/gif", b"GIF89a")
    assert reports == [("open", "app", "m-1", "", "Mail/1")]


def test_text_alone_is_not_touched() -> None:
    """There is nothing to fetch in it."""
    assert sent(html="", body=SHOP) == ""


def test_a_look_ahead_is_no_click() -> None:
    """A HEAD is answered the same, and reported as nothing."""
    status, headers, _, reports = asked(path_of(LINKS.click("app", "m-1", SHOP)), "HEAD")
    assert (status, headers["location"], reports) == (302, SHOP, [])


@pytest.mark.parametrize(
    "path",
    [
        "/t/",
        "/t/c/",
        "/t/c/https://evil.example.com",
        "/t/x/" + path_of(LINKS.click("app", "m-1", SHOP))[5:],
        "/t/c/" + path_of(LINKS.open("app", "m-1"))[5:],
        "/t/o/" + path_of(LINKS.click("app", "m-1", SHOP))[5:],
        path_of(Links("https://mail.example.com", bytes(32)).click("app", "m-1", SHOP)),
        "/t/c/\u00e4",
    ],
)
def test_only_signed_addresses_lead_anywhere(path: str) -> None:
    """Those of other keys, of the other kind and made-up ones are 404, and are not reported."""
    status, headers, _, reports = asked(path)
    assert (status, reports) == (404, [])
    assert "location" not in headers


@given(st.binary(max_size=100))
def test_no_bytes_but_ours_are_read(content: bytes) -> None:
    """Whatever is sent, it is None and no exception."""
    token = LINKS.click("app", "m-1", SHOP).rpartition("/")[2]
    made = content.hex()
    assert LINKS.read("click", made) is None
    assert LINKS.read("click", token[:-3] + made) is None or token[:-3] + made == token


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "mailto:a@example.com", "#top", "https://", "https://[x", "//x"]
)
def test_what_is_no_web_link_is_not_signed(url: str) -> None:
    """So that no redirect can lead there."""
    assert LINKS.click("app", "m-1", url) == url


def test_long_links_stay() -> None:
    """Clients would cut ours."""
    url = SHOP + "&x" * 900
    assert LINKS.click("app", "m-1", url) == url


def test_a_link_with_other_letters_is_a_header() -> None:
    """It is percent-encoded in the redirect."""
    path = path_of(LINKS.click("app", "m-1", "https://shop.example.com/grüße"))
    assert asked(path)[1]["location"] == "https://shop.example.com/gr%C3%BC%C3%9Fe"


def test_a_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    """A file that others can read, or that holds something else, is refused."""
    path = tmp_path / "key"
    key = tracking_key(path)
    assert len(key) == 32
    assert tracking_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.hex() not in repr(Links("https://x.example.com", key))
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        tracking_key(path)
    path.chmod(0o600)
    path.write_text("no key")
    with pytest.raises(ConfigurationError, match="holds no key"):
        tracking_key(path)
    with pytest.raises(ConfigurationError, match="cannot be made"):
        tracking_key(tmp_path / "nowhere" / "key")


def test_the_server_reports_to_its_engine() -> None:
    """A message that is not there is nobody's fault."""

    async def send(message: Any) -> None:
        messages.append(message)

    messages: list[Any] = []
    with Engine.open("sqlite://") as engine:
        mount = open_tracking(LINKS, engine)
        assert mount.prefix == "/t/"
        path = path_of(LINKS.click("app", "m-1", SHOP))
        scope = {"path": path, "method": "GET", "headers": []}

        async def ask() -> None:
            await mount.app(scope, None, send)  # type: ignore[arg-type]  # nothing is received

        asyncio.run(ask())
        mount.close()
    assert messages[0]["status"] == 302


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--public-url"),
        (["--public-url", "https://mail.example.com"], "--transport EMAIL"),
        (
            ["--public-url", "https://mail.example.com", "--transport", "EMAIL=smtp://h"],
            "--tracking-key",
        ),
        (
            [
                *("--public-url", "mail.example.com", "--transport", "EMAIL=smtp://h"),
                *("--tracking-key", "key"),
            ],
            "https://HOST/PATH",
        ),
    ],
)
def test_serve_says_what_is_missing(
    arguments: list[str], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it listens for anybody."""
    monkeypatch.chdir(tmp_path)
    command = ["serve", "--url", "sqlite://", "--port", "0", "--track-opens-and-clicks"]
    result = CliRunner().invoke(cli, [*command, *arguments])
    assert result.exit_code == 2
    assert says in result.output
