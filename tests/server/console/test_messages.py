"""The outbox in a browser: the list, a message as its recipient sees it, and what it cannot do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.server.console.pages.messages import inert
from tests.server.console.conftest import ConsoleServer, csrf_of, serve

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

EVIL = (
    "<meta http-equiv='refresh' content='0; url=https://evil.example.com'>"
    "<p onclick='alert(1)'>Hello</p><script>alert(1)</script>"
    "<img src='https://evil.example.com/pixel'>"
)


@pytest.fixture(scope="module")
def outbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """Give a server whose application has sent an e-mail and an SMS."""
    folder = tmp_path_factory.mktemp("outbox")
    found = serve(folder, f"sqlite:///{folder}/outbox.db")
    with pk.connect(found.database, application="demo") as pinpoint:
        pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
        pinpoint.messages.enable("SMS")
        email = pk.DirectEmail(subject="<b>Hi</b>", text="<i>Hello</i>", html=EVIL)
        pinpoint.messages.send(
            pk.DirectMessage(email=email), addresses={"ada@example.com": "EMAIL"}
        )
        pinpoint.messages.send("Your order", addresses={"+15555550100": "SMS"})
    yield found
    found.stop()


def ids_of(found: ConsoleServer) -> dict[str, str]:
    """Return the ids of messages by their channel."""
    with pk.connect(found.database, application="demo") as pinpoint:
        return {each.channel_type: each.id for each in pinpoint.outbox.messages()}


def test_the_list_begins_with_the_newest(outbox: ConsoleServer) -> None:
    """It can be narrowed, and says so when nothing is left."""
    with outbox.visitor() as client:
        page = client.get(f"{outbox.base}/outbox").text
        assert 0 < page.index("Your order") < page.index("ada@example.com")
        assert "&lt;b&gt;Hi&lt;/b&gt;" in page
        narrow = client.get(f"{outbox.base}/outbox?channel=EMAIL&kind=direct").text
        assert "ada@example.com" in narrow
        assert "Your order" not in narrow
        assert "Nothing of that was sent" in client.get(f"{outbox.base}/outbox?kind=otp").text
        assert client.get(f"{outbox.base}/outbox?channel=PIGEON").status_code == 400
        assert client.get(f"{outbox.base}/outbox?campaign=none").status_code == 404


def test_a_message_is_shown_as_its_recipient_sees_it(outbox: ConsoleServer) -> None:
    """With its outcomes; HTML stands in a frame of its own, and texts are escaped."""
    message_id = ids_of(outbox)["EMAIL"]
    with pk.connect(outbox.database, application="demo") as pinpoint:
        pinpoint.outbox.report(message_id, "clicked", link="https://shop.example.com/<x>")
    with outbox.visitor() as client:
        answer = client.get(f"{outbox.base}/outbox/{message_id}")
        assert "<script>alert" not in answer.text
        assert "&lt;i&gt;Hello&lt;/i&gt;" in answer.text
        assert "https://shop.example.com/&lt;x&gt;" in answer.text
        assert f'sandbox title="The HTML of the message" src="{outbox.base}' in answer.text
        policy = answer.headers["Content-Security-Policy"]
        assert policy.endswith("frame-src 'self'")
        assert "script-src 'self'" in policy
        assert client.get(f"{outbox.base}/outbox/none").status_code == 404


def test_the_html_of_a_message_can_do_nothing(outbox: ConsoleServer) -> None:
    """No script, no form, nothing from elsewhere, no other page, and no frame of other sites."""
    message_id = ids_of(outbox)["EMAIL"]
    path = f"{outbox.base}/outbox/{message_id}/html"
    with outbox.visitor() as client:
        answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "allow-" not in policy
    assert "script-src" not in policy
    assert "img-src data:;" in policy
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert "refresh" not in answer.text
    assert "<p onclick" in answer.text
    stranger: httpx.Client
    with outbox.browser() as stranger:
        assert "onclick" not in stranger.get(path).text


def test_an_address_is_looked_up_without_a_url_that_holds_it(outbox: ConsoleServer) -> None:
    """By a form that is sent; the page's own forms hold it no further."""
    with outbox.visitor() as client:
        page = client.get(f"{outbox.base}/outbox").text
        sent = {"csrf": csrf_of(page), "address": "ada@example.com"}
        found = client.post(f"{outbox.base}/outbox", data=sent).text
        assert found.count("<tr>") == 2
        assert "Your order" not in found
        ignored = client.get(f"{outbox.base}/outbox?address=ada@example.com").text
        assert "Your order" in ignored
        none = client.post(f"{outbox.base}/outbox", data={**sent, "address": "x"}).text
        assert "Nothing of that was sent" in none


@pytest.mark.parametrize(
    "evil",
    [
        "<link rel=dns-prefetch href=//evil.example.com>",
        "<LINK title='>' rel=preconnect href=//evil.example.com>",
        "<lin<link>k rel=preconnect href=//evil.example.com>",
        "<meta name='>' http-equiv=refresh content='0;url=//evil.example.com'>",
        "<me<base>ta http-equiv=refresh content='0;url=//evil.example.com'>",
        "<link rel=preconnect href=//evil.example.com",
    ],
)
def test_nobody_hears_that_a_message_was_looked_at(evil: str) -> None:
    """Not even a name server: no policy forbids to look up a name or to connect ahead."""
    shown = inert(f"<p>Hello{evil}</p>")
    assert not re.search(r"<\s*(link|meta|base)\b", shown, re.IGNORECASE)
    assert shown.startswith("<p>Hello")


def test_a_text_message_has_no_frame(outbox: ConsoleServer) -> None:
    """It is text."""
    with outbox.visitor() as client:
        page = client.get(f"{outbox.base}/outbox/{ids_of(outbox)['SMS']}").text
    assert "<iframe" not in page
    assert "<pre><bdi>Your order</bdi></pre>" in page
    assert "outbox report" in page
