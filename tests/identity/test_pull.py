"""The pollers against fakes of the providers' APIs: pages, rate limits, clock skew, crashes."""

from __future__ import annotations

import datetime as dt
import email.utils
import json
import sqlite3
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit import ConfigurationError, StoreError, TransportError
from pinpoint_kit.identity import Auth0Logs, Cursors, Importer, OktaLogs, pull
from pinpoint_kit.testing import Fault, FaultyPinpoint, recorded_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START = dt.datetime(2024, 8, 13, 12, tzinfo=dt.timezone.utc)
IN = "_userauth.sign_in"
PAGE = 3


def at(minute: float) -> str:
    """So many minutes after the start, as providers write it."""
    moment = START + dt.timedelta(minutes=minute)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


@attrs.define
class Fake:
    """A provider's log behind HTTP.

    Args:
        records: what was logged, in order.
        now: the provider's clock, in minutes after the start.
        refusals: statuses of the next answers, instead of pages.
        next_host: another host for the links to next pages.
        has_date: whether answers tell the provider's clock.
        asked: queries that came.
    """

    records: list[dict[str, Any]] = attrs.field(factory=list)
    now: float = 10_000.0
    refusals: list[int] = attrs.field(factory=list)
    next_host: str = ""
    has_date: bool = True
    asked: list[dict[str, str]] = attrs.field(factory=list)
    url: str = ""

    def answer(self, path: str, query: dict[str, str]) -> tuple[list[Any], str]:
        """Answer with a page, and the link to the next one."""
        self.asked.append(query)
        if path == "/api/v1/logs":
            return self._okta(query)
        if "from" in query:
            ids = [record["log_id"] for record in self.records]
            if query["from"] not in ids:
                raise LookupError
            first = ids.index(query["from"]) + 1
            return self.records[first : first + PAGE], ""
        since = query["q"].removeprefix("date:[").split(" ")[0]
        return [r for r in self.records if r["date"] >= since][:PAGE], ""

    def _okta(self, query: dict[str, str]) -> tuple[list[Any], str]:
        found = [r for r in self.records if r["published"] >= query["since"]]
        offset = int(query.get("after", "0"))
        host = self.next_host or self.url
        link = f"{host}/api/v1/logs?since={query['since']}&after={offset + PAGE}"
        return found[offset : offset + PAGE], f'<{link}>; rel="next"'


@pytest.fixture
def fake() -> Iterator[Fake]:
    """Run a fake provider on a port of its own."""
    fake = Fake()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            status = fake.refusals.pop(0) if fake.refusals else 200
            if self.headers["Authorization"] not in {"SSWS token", "Bearer token"}:
                status = 401
            records: list[Any] = []
            link = ""
            if status == 200:
                try:
                    records, link = fake.answer(parts.path, query)
                except LookupError:
                    status = 400
            body = json.dumps(records).encode()
            now = START.timestamp() + fake.now * 60
            self.send_response_only(status)
            if fake.has_date:
                self.send_header("Date", email.utils.formatdate(now, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            if status == 429:
                self.send_header("X-Rate-Limit-Reset", str(int(now) + 7))
            if link:
                self.send_header("Link", link)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield fake
    server.shutdown()
    server.server_close()
    thread.join()


def okta_record(number: int, minute: float | None = None) -> dict[str, Any]:
    """Return a sign-in at Okta, a minute after the one before."""
    return {
        "uuid": f"e-{number}",
        "published": at(number if minute is None else minute),
        "eventType": "user.session.start",
        "outcome": {"result": "SUCCESS"},
        "actor": {"id": f"u-{number}"},
    }


def auth0_record(number: int, minute: float | None = None) -> dict[str, Any]:
    """Return a sign-in at Auth0."""
    return {
        "log_id": f"e-{number:04}",
        "date": at(number if minute is None else minute),
        "type": "s",
        "user_id": f"auth0|u-{number}",
    }


MAKERS: list[tuple[type[OktaLogs | Auth0Logs], Any]] = [
    (OktaLogs, okta_record),
    (Auth0Logs, auth0_record),
]


def run(pinpoint: pk.Pinpoint, source: Any, cursors: Cursors) -> int:
    """Pull with a new importer, and return how many sign-ins are recorded in all."""
    pull(Importer(pinpoint, key="0123456789abcdef"), source, cursors)
    return len(recorded_events(pinpoint, IN))


def source_of(kind: Any, fake: Fake, waits: list[float] | None = None) -> Any:
    """Return the source, which waits in no time."""
    sleep = (waits if waits is not None else []).append
    return kind(fake.url, "token", since=START, sleep=sleep)


@pytest.mark.parametrize(("kind", "record"), MAKERS)
def test_all_pages_are_read_once(fake: Fake, pinpoint: pk.Pinpoint, kind: Any, record: Any) -> None:
    """The next pull goes back a little, and records only what is new."""
    fake.records = [record(n) for n in range(10)]
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(kind, fake), cursors) == 10
        asked = len(fake.asked)
        assert run(pinpoint, source_of(kind, fake), cursors) == 10
        assert len(fake.asked) - asked <= 4
        fake.records += [record(n) for n in range(10, 14)]
        assert run(pinpoint, source_of(kind, fake), cursors) == 14


def test_records_that_okta_writes_late_are_read(fake: Fake, pinpoint: pk.Pinpoint) -> None:
    """What appears within the overlap behind the cursor is found."""
    fake.records = [okta_record(n) for n in range(10)]
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(OktaLogs, fake), cursors) == 10
        fake.records.insert(7, okta_record(99, 6.5))
        assert run(pinpoint, source_of(OktaLogs, fake), cursors) == 11


def test_records_that_auth0_writes_late_are_read(fake: Fake, pinpoint: pk.Pinpoint) -> None:
    """The next pull begins at the end of a page that lies the overlap back."""
    fake.records = [auth0_record(n) for n in range(12)]
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(Auth0Logs, fake), cursors) == 12
        fake.records.insert(9, auth0_record(99, 8.5))
        assert run(pinpoint, source_of(Auth0Logs, fake), cursors) == 13


@pytest.mark.parametrize(("kind", "record"), MAKERS)
def test_a_rate_limit_is_waited_for_by_the_providers_clock(
    fake: Fake, pinpoint: pk.Pinpoint, kind: Any, record: Any
) -> None:
    """This machine's clock is years away from the provider's; the wait is 8 seconds."""
    fake.records = [record(0)]
    fake.refusals = [429, 429]
    waits: list[float] = []
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(kind, fake, waits), cursors) == 1
    assert waits == [8.0, 8.0]


def test_failures_that_pass_are_tried_again(fake: Fake, pinpoint: pk.Pinpoint) -> None:
    """Waits double; after some tries it is an error that may pass."""
    fake.records = [okta_record(0)]
    fake.refusals = [500, 503]
    waits: list[float] = []
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(OktaLogs, fake, waits), cursors) == 1
        assert waits == [1.0, 2.0]
        fake.refusals = [503] * 10
        with pytest.raises(TransportError, match="the API fails") as caught:
            run(pinpoint, source_of(OktaLogs, fake), cursors)
        assert caught.value.is_retryable


def test_a_record_from_the_future_does_not_move_the_cursor(
    fake: Fake, pinpoint: pk.Pinpoint
) -> None:
    """A clock of Okta's that is wrong for one record hides no later ones."""
    fake.now = 5
    fake.records = [okta_record(0), okta_record(1), okta_record(2, 50_000)]
    with Cursors(":memory:") as cursors:
        source = source_of(OktaLogs, fake)
        assert run(pinpoint, source, cursors) == 3
        assert cursors.get(source.name) == at(1)
        fake.records.insert(2, okta_record(3, 4))
        assert run(pinpoint, source_of(OktaLogs, fake), cursors) == 4


def test_a_record_from_the_future_moves_no_cursor_without_a_clock(
    fake: Fake, pinpoint: pk.Pinpoint
) -> None:
    """Where a proxy drops Okta's clock, this machine's counts."""
    fake.has_date = False
    late = {**okta_record(2), "published": "2099-01-01T00:00:00.000Z"}
    fake.records = [okta_record(0), okta_record(1), late]
    with Cursors(":memory:") as cursors:
        source = source_of(OktaLogs, fake)
        assert run(pinpoint, source, cursors) == 3
        assert cursors.get(source.name) == at(1)


def test_a_page_that_auth0_keeps_no_more_is_left_for_its_time(
    fake: Fake, pinpoint: pk.Pinpoint
) -> None:
    """After a pause longer than Auth0 keeps its log, it goes on with what there is."""
    fake.records = [auth0_record(n) for n in range(4)]
    with Cursors(":memory:") as cursors:
        assert run(pinpoint, source_of(Auth0Logs, fake), cursors) == 4
        fake.records = [auth0_record(n) for n in range(100, 105)]
        assert run(pinpoint, source_of(Auth0Logs, fake), cursors) == 9
        fake.refusals = [400, 400]
        with pytest.raises(ConfigurationError, match="answers 400"):
            run(pinpoint, source_of(Auth0Logs, fake), cursors)


@pytest.mark.parametrize(("kind", "record"), MAKERS)
def test_a_cursor_is_stored_after_its_records_are_accepted(
    fake: Fake, faulty_pinpoint: FaultyPinpoint, tmp_path: Path, kind: Any, record: Any
) -> None:
    """A pull that fails in between leaves nothing out, also after a restart."""
    fake.records = [record(n) for n in range(8)]
    with faulty_pinpoint.connect(retry=pk.RetryPolicy(max_attempts=1)) as pinpoint:
        for _ in range(2):
            faulty_pinpoint.script([Fault.none(), Fault.refused(503)], operation="ImportEvents")
            with Cursors(tmp_path / "cursors") as cursors, pytest.raises(pk.PinpointKitError):
                pull(Importer(pinpoint, key="0123456789abcdef"), source_of(kind, fake), cursors)
            faulty_pinpoint.heal()
        with Cursors(tmp_path / "cursors") as cursors:
            pull(Importer(pinpoint, key="0123456789abcdef"), source_of(kind, fake), cursors)
    assert sorted(e.user_id or "" for e in faulty_pinpoint.events(IN)) == sorted(
        record(n).get("user_id") or f"u-{n}" for n in range(8)
    )


def test_the_token_goes_to_one_host_only(fake: Fake, pinpoint: pk.Pinpoint) -> None:
    """A next page elsewhere is refused, and so are plain HTTP and a host without a token."""
    fake.records = [okta_record(n) for n in range(4)]
    fake.next_host = "http://attacker.example.com"
    with Cursors(":memory:") as cursors, pytest.raises(TransportError, match="another host"):
        run(pinpoint, source_of(OktaLogs, fake), cursors)
    with pytest.raises(ConfigurationError, match="in the clear"):
        OktaLogs("http://acme.okta.com", "token")
    with pytest.raises(ConfigurationError, match="no address"):
        OktaLogs("ftp://acme.okta.com", "token")
    with pytest.raises(ConfigurationError, match="token is empty"):
        Auth0Logs("https://acme.eu.auth0.com", "")


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, ConfigurationError, "refuses the token"),
        (403, ConfigurationError, "refuses the token"),
        (404, ConfigurationError, "answers 404"),
        (302, ConfigurationError, "answers 302"),
    ],
)
def test_refusals_say_what_to_check(
    fake: Fake, pinpoint: pk.Pinpoint, status: int, error: type[Exception], message: str
) -> None:
    """No redirect is followed, and no token is in the message."""
    fake.refusals = [status]
    with Cursors(":memory:") as cursors, pytest.raises(error, match=message) as caught:
        run(pinpoint, source_of(OktaLogs, fake), cursors)
    assert "SSWS" not in str(caught.value)


# Cursors


def test_cursors_outlive_the_process_and_are_private(tmp_path: Path) -> None:
    """The file is readable by its owner only."""
    file = tmp_path / "cursors.db"
    with Cursors(file) as cursors:
        cursors.set("a", "1")
        cursors.set("a", "2")
    with Cursors(file) as cursors, Cursors(file) as others:
        assert (cursors.get("a"), others.get("b")) == ("2", None)
    assert file.stat().st_mode & 0o777 == 0o600


def test_another_programs_file_is_left_alone(tmp_path: Path) -> None:
    """Neither a database of other tables nor a text is written to."""
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE cursors (x)")
    other.close()
    (tmp_path / "text").write_text("hello, this is a text of some length" * 40)
    for name, message in (
        ("other.db", "another program's"),
        ("text", "cannot be used"),
        ("no/folder", "cannot be opened"),
    ):
        with pytest.raises(StoreError, match=message):
            Cursors(tmp_path / name)
    assert (tmp_path / "text").read_text().startswith("hello")


def test_a_cursor_that_is_not_ours_begins_anew(fake: Fake, pinpoint: pk.Pinpoint) -> None:
    """Garbage in the file is no error."""
    fake.records = [auth0_record(0)]
    for garbage in ("", "x", "[1]", '{"a": 1}', "[[1, 2, 3]]"):
        with Cursors(":memory:") as cursors:
            source = source_of(Auth0Logs, fake)
            cursors.set(source.name, garbage)
            assert run(pinpoint, source, cursors) == 1
