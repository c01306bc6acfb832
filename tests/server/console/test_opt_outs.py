"""Opt-outs in a browser: found, added and lifted, by those who may, with no address in a URL."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

import pinpoint_kit as pk
from pinpoint_kit.cli.commands.opt_out import opt_out as command
from tests.server.console.conftest import ConsoleServer, csrf_of, serve
from tests.server.console.test_access import SECRET, log_in
from tests.server.signing import write_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

MAIL, NUMBER = "ada@example.com", "+12065550100"


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ConsoleServer]:
    """Give a server of this machine without opt-outs."""
    found = serve(tmp_path, f"sqlite:///{tmp_path}/shop.db")
    yield found
    found.stop()


def opted_out(found: ConsoleServer) -> list[tuple[str, str, str]]:
    """Return address, channel and reason of all opt-outs."""
    with pk.connect(found.database, application="demo") as pinpoint:
        return [(e.address, e.channel_type, e.reason) for e in pinpoint.opt_outs.list()]


def sent(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """Send a form of the page."""
    csrf = csrf_of(client.get(path.partition("/opt-outs")[0] + "/opt-outs").text)
    return client.post(path, data={"csrf": csrf, **fields})


def test_before_the_first_one_the_page_says_what_to_do(shop: ConsoleServer) -> None:
    """Report, or add: by commands that are there."""
    with shop.visitor() as client:
        page = client.get(f"{shop.base}/opt-outs").text
    assert "Nobody has opted out yet" in page
    assert "outbox.report(message_id" in page
    assert "pinpoint-kit opt-out add - --channel SMS" in page
    assert "add" in command.commands
    assert "<table" not in page


def test_an_opt_out_is_added_found_and_lifted(shop: ConsoleServer) -> None:
    """In any spelling; the page says what it did, and goes back to where it was."""
    path = f"{shop.base}/opt-outs"
    with shop.visitor() as client:
        added = sent(client, f"{path}/add", address="Ada@Example.com", channel="EMAIL")
        assert added.status_code == 200
        assert "Added: this address gets nothing on EMAIL" in added.text
        assert f"<bdi>{MAIL}</bdi>" in added.text
        again = sent(client, f"{path}/add", address=MAIL, channel="EMAIL", reason="bounced")
        assert "It was there already" in again.text
        sent(client, f"{path}/add", address=NUMBER, channel="SMS", reason="complained")
        assert opted_out(shop) == [(MAIL, "EMAIL", "opted_out"), (NUMBER, "SMS", "complained")]

        found = sent(client, path, address="ADA@example.com").text
        assert (MAIL in found, NUMBER in found) == (True, False)
        none = sent(client, path, address="bob@example.com").text
        assert "This address has not opted out" in none
        assert sent(client, path, address=" ").headers["location"] == "opt-outs"

        lifted = sent(client, f"{path}/remove", address=MAIL, channel="EMAIL", of_channel="EMAIL")
        assert (lifted.status_code, lifted.headers["location"]) == (
            303,
            "../opt-outs?channel=EMAIL",
        )
        assert opted_out(shop) == [(NUMBER, "SMS", "complained")]
        assert "There is no opt-out of that here" in client.get(f"{path}?channel=EMAIL").text


def test_what_can_be_no_address_is_said_in_the_page(shop: ConsoleServer) -> None:
    """With what to write; the form keeps what was written, and nothing is stored."""
    path = f"{shop.base}/opt-outs/add"
    with shop.visitor() as client:
        refused = sent(client, path, address="030 1234567", channel="SMS", reason="bounced")
        assert refused.status_code == 400
        assert 'role="alert"' in refused.text
        assert 'value="030 1234567"' in refused.text
        assert '<option value="bounced" selected>' in refused.text
        assert sent(client, path, address="", channel="SMS").status_code == 400
        assert sent(client, path, address=MAIL, channel="PIGEON").status_code == 400
        assert sent(client, path, address=MAIL, channel="EMAIL", reason="x").status_code == 400
    assert opted_out(shop) == []


def test_many_are_shown_page_by_page(shop: ConsoleServer) -> None:
    """Each once, in their order, with the filters of the URL; the last page leads no further."""
    numbers = [f"+1206555{number:04}" for number in range(250)]
    with pk.connect(shop.database, application="demo") as pinpoint:
        pinpoint.opt_outs.add(MAIL, "EMAIL", reason="bounced")
        pinpoint.opt_outs.add(numbers, "SMS")
    seen: list[str] = []
    pages = 0
    with shop.visitor() as client:
        path = f"{shop.base}/opt-outs?channel=SMS"
        while path and pages < 9:
            page = client.get(path).text
            assert "<bdi>+" in page
            pages += 1
            seen += re.findall(r"<bdi>(\+\d+)</bdi>", page)
            onward = re.search(r'<a href="([^"]+)">Later opt-outs</a>', page)
            path = "" if onward is None else onward[1].replace("&amp;", "&")
            assert not path or "channel=SMS" in path
        assert f'<a href="{shop.base}/opt-outs?channel=SMS">From the first one</a>' in page
        mails = client.get(f"{shop.base}/opt-outs?reason=bounced").text
    assert (seen, pages) == (numbers, 3)
    assert (MAIL in mails, "<bdi>+" in mails) == (True, False)


@pytest.mark.parametrize("query", ["channel=PIGEON", "reason=opened", "after=x", "after=-1"])
def test_a_wrong_filter_is_told_what_to_write(shop: ConsoleServer, query: str) -> None:
    """A page with status 400."""
    with shop.visitor() as client:
        answer = client.get(f"{shop.base}/opt-outs?{query}")
    assert answer.status_code == 400
    assert "This cannot be asked" in answer.text


def test_no_url_and_no_link_holds_an_address(shop: ConsoleServer) -> None:
    """Not those of the page, and not where forms lead; one in the URL is not looked at."""
    with pk.connect(shop.database, application="demo") as pinpoint:
        pinpoint.opt_outs.add([MAIL, "bob@example.com"], "EMAIL")
    path = f"{shop.base}/opt-outs"
    with shop.visitor() as client:
        pages = [client.get(path), sent(client, path, address=MAIL)]
        pages += [sent(client, f"{path}/add", address=MAIL, channel="EMAIL")]
        links = [
            unquote(link) for p in pages for link in re.findall(r'(?:href|action)="(.*?)"', p.text)
        ]
        assert not [link for link in links if "@" in link or "example.com" in link]
        assert "bob@example.com" in client.get(f"{path}?address={MAIL}").text


def test_forms_of_other_pages_opt_nobody_out(shop: ConsoleServer) -> None:
    """Without the session's own token, or from another origin."""
    path = f"{shop.base}/opt-outs/add"
    fields = {"address": MAIL, "channel": "EMAIL"}
    with shop.visitor() as client:
        assert client.post(path, data={"csrf": "x", **fields}).status_code == 403
        csrf = csrf_of(client.get(f"{shop.base}/opt-outs").text)
        evil = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post(path, data={"csrf": csrf, **fields}, headers=evil).status_code == 403
    assert opted_out(shop) == []


def test_who_may_not_change_or_see_is_refused_and_the_log_has_no_address(tmp_path: Path) -> None:
    """Read-only keys have no forms that change; keys for numbers have no page; each is audited."""
    file = write_file(
        tmp_path / "keys.ini",
        "".join(
            f"[{name}]\nsecret_access_key = {SECRET}{name}\napplications = *\naccess = {access}\n"
            "console = yes\n"
            for name, access in (
                ("PKBOSS", "read-write"),
                ("PKREADER", "read-only"),
                ("PKNUMBERS", "analytics"),
            )
        ),
    )
    found = serve(tmp_path, f"sqlite:///{tmp_path}/keyed.db", file, tmp_path / "audit.log")
    path = f"{found.base}/opt-outs"
    try:
        boss, _ = log_in(found, "PKBOSS")
        assert sent(boss, f"{path}/add", address=MAIL, channel="EMAIL").status_code == 200
        reader, _ = log_in(found, "PKREADER")
        page = reader.get(path).text
        assert MAIL in page
        assert "/opt-outs/add" not in page
        assert "/opt-outs/remove" not in page
        for verb in ("add", "remove"):
            refused = sent(reader, f"{path}/{verb}", address=MAIL, channel="EMAIL")
            assert refused.status_code == 403
            assert "read-write" in refused.text
        numbers, _ = log_in(found, "PKNUMBERS")
        refused = numbers.get(path)
        assert refused.status_code == 403
        assert MAIL not in refused.text
        assert "Opt-outs</a>" not in refused.text
        assert sent(boss, f"{path}/remove", address=MAIL, channel="EMAIL").status_code == 303
    finally:
        found.stop()
    assert opted_out(found) == []
    log = (tmp_path / "audit.log").read_text()
    assert "example.com" not in log
    told = [json.loads(line) for line in log.splitlines()]
    done = {(e["eventName"], e["userIdentity"]["accessKeyId"], e.get("errorCode")) for e in told}
    assert ("AddOptOuts", "PKBOSS", None) in done
    assert ("RemoveOptOuts", "PKBOSS", None) in done
    assert ("ListOptOuts", "PKREADER", None) in done
    assert ("AddOptOuts", "PKREADER", "AccessDeniedException") in done
