"""`serve` with a transport: e-mail leaves, and what its readers do comes back."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from tests.messaging.fake_smtp import FakeSmtp
from tests.server.test_command import Command

if TYPE_CHECKING:
    from pathlib import Path


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follow nothing."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Stay."""


def ask(url: str) -> tuple[int, Any]:
    """Return the status and the headers of an answer."""
    opener = urllib.request.build_opener(NoRedirect)
    try:
        with opener.open(url, timeout=20) as answer:
            return answer.status, answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers


@pytest.mark.slow
def test_openings_and_clicks_come_back(tmp_path: Path) -> None:
    """The link leads where it did, and the outbox says what was clicked and opened."""
    with FakeSmtp() as mail:
        command = Command(
            tmp_path,
            *("--url", "sqlite:///shop.db"),
            *("--transport", f"EMAIL=smtp://127.0.0.1:{mail.port}"),
            *("--track-opens-and-clicks", "--public-url", "https://mail.example.com"),
        )
        try:
            with pk.connect(command.url, application="shop") as pinpoint:
                pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
                message = pk.DirectMessage(
                    email=pk.DirectEmail(
                        subject="Hi", html='<a href="https://shop.example.com/cart">Cart</a>'
                    )
                )
                (sent,) = pinpoint.messages.send(message, addresses={"ada@example.com": "EMAIL"})
                assert sent.delivery_status == "SUCCESSFUL"
                text = mail.emails[0].message.get_content()
                paths = re.findall(r"https://mail\.example\.com(/t/[^\"]+)", text)
                click, picture = paths
                status, headers = ask(command.url + click)
                assert (status, headers["Location"]) == (302, "https://shop.example.com/cart")
                assert ask(command.url + picture)[0] == 200
                assert ask(command.url + click[:-1])[0] == 404
                assert sent.message_id is not None
                kept = pinpoint.outbox.get(sent.message_id)
        finally:
            command.end()
    assert kept.html == '<a href="https://shop.example.com/cart">Cart</a>'
    assert kept.reports is not None
    reports = [(report.outcome, report.link) for report in kept.reports]
    assert reports == [("clicked", "https://shop.example.com/cart"), ("opened", None)]
    assert (tmp_path / "shop.db.tracking-key").stat().st_mode & 0o777 == 0o600
    assert "TrackedLink" in command.log.read_text()
    assert "ada" not in command.log.read_text()
