"""Who may open the console: links, keys, sessions, forms, and pages of other hosts."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server.access.console_keys import ConsoleKeys
from pinpoint_kit.server.console import Sessions
from tests.server.conftest import PATIENCE
from tests.server.console.conftest import ConsoleServer, csrf_of, serve
from tests.server.signing import write_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx

SECRET = "a-secret-of-at-least-32-characters-for-"


def cookie_of(client: httpx.Client) -> str:
    """Return the name of the cookie of a console at this port."""
    return f"pinpoint_kit_console_{client.base_url.port}"


def test_a_link_opens_one_session(console: ConsoleServer) -> None:
    """The token leaves the URL at once, becomes a cookie that scripts and other sites lack."""
    link = console.link()
    with console.browser() as client:
        answer = client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
        cookie = answer.headers["set-cookie"]
        for part in ("HttpOnly", "SameSite=strict", "Path=/console/", "Max-Age="):
            assert part in cookie
        assert "demo" in client.get("/console/").text
    with console.browser() as other:
        assert other.get(link).status_code == 401
        assert "used already" in other.get(link).text


@pytest.mark.parametrize("path", ["/console/", "/console/apps/x/overview", "/console/nowhere"])
def test_a_stranger_sees_nothing(console: ConsoleServer, path: str) -> None:
    """Without a session, every path asks for a link, also one that is not there."""
    with console.browser() as client:
        answer = client.get(path)
    assert answer.status_code == 401
    assert "A link opens this console" in answer.text
    assert console.application not in answer.text


def test_a_link_is_used_up_by_one_who_is_in(console: ConsoleServer) -> None:
    """It leaves the URL, and no good token stays behind in a history."""
    with console.visitor() as client, console.browser() as other:
        link = console.link()
        answer = client.get(link)
        assert (answer.status_code, answer.headers["location"]) == (303, "/console/")
        assert client.get("/console/").status_code == 200
        assert other.get(link).status_code == 401


def test_consoles_of_one_machine_do_not_end_each_others_sessions(
    console: ConsoleServer, demo_database: str, tmp_path: Path
) -> None:
    """Browsers send the cookies of 127.0.0.1 to all of its ports."""
    second = serve(tmp_path, demo_database)
    try:
        with console.visitor() as client:
            assert client.get(second.link()).status_code == 303
            assert client.get(f"{second.server.url}/console/").status_code == 200
            assert client.get("/console/").status_code == 200
    finally:
        second.stop()


def test_a_wrong_token_opens_nothing(console: ConsoleServer) -> None:
    """Nor does a cookie that somebody made up."""
    with console.browser() as client:
        assert client.get("/console/?token=guess").status_code == 401
        assert not client.cookies
        client.cookies.set(cookie_of(client), "guess", path="/console/")
        assert client.get("/console/").status_code == 401


def test_log_out_ends_the_session_on_the_server(console: ConsoleServer) -> None:
    """A cookie that was kept opens nothing any more."""
    with console.visitor() as client:
        held = client.cookies[cookie_of(client)]
        csrf = csrf_of(client.get("/console/").text)
        assert client.post("/console/log-out", data={"csrf": csrf}).status_code == 200
        client.cookies.set(cookie_of(client), held, path="/console/")
        assert client.get("/console/").status_code == 401


def test_log_out_everywhere_ends_every_session(console: ConsoleServer) -> None:
    """In this browser and in others."""
    with console.visitor() as client, console.visitor() as other:
        page = client.get("/console/").text
        assert "Log out everywhere" in page
        sent = {"csrf": csrf_of(page), "everywhere": "yes"}
        assert "in every browser" in client.post("/console/log-out", data=sent).text
        assert client.get("/console/").status_code == 401
        assert other.get("/console/").status_code == 401


def test_sessions_end(tmp_path: Path) -> None:
    """After 2 hours without a page, and after 12 hours in any case."""
    now = 1_000_000.0
    sessions = Sessions(tmp_path, lambda: now)
    held = sessions.begin("")
    for _ in range(11):
        now += 3_600
        assert sessions.find(held) is not None
    now += 3_600
    assert sessions.find(held) is None
    held = sessions.begin("")
    now += 7_199
    assert sessions.find(held) is not None
    now += 7_200
    assert sessions.find(held) is None
    assert list(tmp_path.iterdir()) == []


def test_a_token_that_nobody_used_ends(tmp_path: Path) -> None:
    """After an hour; it is removed when it is tried, and when a session begins."""
    now = 1_000_000.0
    sessions = Sessions(tmp_path, lambda: now)
    in_time, tried, forgotten = (sessions.make_token() for _ in range(3))
    now += 3_599
    late = sessions.make_token()
    assert sessions.use_token(in_time)
    now += 1
    assert not sessions.use_token(tried)
    held = sessions.begin("")
    assert len(list(tmp_path.iterdir())) == 2
    now -= 1
    assert not sessions.use_token(tried)
    assert not sessions.use_token(forgotten)
    assert sessions.find(held) is not None
    assert sessions.use_token(late)


def test_a_link_that_is_too_old_says_how_to_get_another(console: ConsoleServer) -> None:
    """And opens nothing."""
    folder = console.folder / "sessions"
    before = set(folder.iterdir())
    link = console.link()
    (file,) = set(folder.iterdir()) - before
    made = file.stat().st_mtime
    os.utime(file, (made - 3_601, made - 3_601))
    with console.browser() as client:
        answer = client.get(link)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "older than an hour" in answer.text
    assert "<code>pinpoint-kit console --url URL</code>" in answer.text
    assert not file.exists()


def test_the_folder_of_sessions_opens_nothing(tmp_path: Path) -> None:
    """It holds hashes of what browsers hold, for the owner's eyes only."""
    sessions = Sessions(tmp_path)
    held, token = sessions.begin("PKME"), sessions.make_token()
    for file in tmp_path.iterdir():
        assert held not in file.name + file.read_text()
        assert token not in file.name + file.read_text()
        assert file.stat().st_mode & 0o077 == 0
        assert sessions.find(file.name.partition("-")[2]) is None


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8025", "127.0.0.1.evil.example"])
def test_a_name_that_was_pointed_here_gets_nothing(console: ConsoleServer, host: str) -> None:
    """DNS rebinding: the page's own name stands in `Host`."""
    with console.visitor() as client:
        for path in ("/console/", "/console/static/console.css", f"{console.base}/overview"):
            answer = client.get(path, headers={"Host": host})
            assert answer.status_code == 403
            assert "localhost" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
        {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_forms_of_other_pages_change_nothing(
    console: ConsoleServer, headers: dict[str, str]
) -> None:
    """Even with the cookie and the right token."""
    with console.visitor() as client:
        csrf = csrf_of(client.get("/console/").text)
        sent = {"csrf": csrf, "funnel_name": "stolen"}
        query = "step1=page_view&step2=add_to_cart"
        answer = client.post(f"{console.base}/funnels?{query}", data=sent, headers=headers)
        assert answer.status_code == 403
        assert "stolen" not in client.get(f"{console.base}/funnels").text


def test_a_form_without_its_token_changes_nothing(console: ConsoleServer) -> None:
    """Another session's token does not do either."""
    with console.visitor() as client, console.visitor() as other:
        for csrf in ("", "x", csrf_of(other.get("/console/").text)):
            answer = client.post("/console/log-out", data={"csrf": csrf})
            assert answer.status_code == 403
        assert client.get("/console/").status_code == 200


def test_every_answer_keeps_browsers_within_bounds(console: ConsoleServer) -> None:
    """No script or style in a page, no frame, nothing from elsewhere, nothing kept."""
    with console.visitor() as client:
        for path in ("/console/", f"{console.base}/overview", "/console/nowhere", "/console"):
            headers = client.get(path).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
        page = client.get(f"{console.base}/overview").text
    assert "<style" not in page
    assert " style=" not in page
    assert page.count("<script") == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_there_is_said_without_the_name_of_the_host(
    console: ConsoleServer, method: str
) -> None:
    """No redirect repeats `Host`, and a wrong method is a page."""
    with console.visitor() as client:
        headers = {"Host": "localhost:1", "Origin": "http://localhost:1"}
        path = f"{console.base}/overview/" if method == "GET" else f"{console.base}/usage"
        client.cookies.set("pinpoint_kit_console_1", next(iter(client.cookies.values())))
        answer = client.request(method, path, headers=headers)
    assert answer.status_code == 404
    assert "localhost" not in answer.text
    assert "<h1>" in answer.text


def test_a_form_has_a_bound(console: ConsoleServer) -> None:
    """A long one is refused before it is read."""
    with console.visitor() as client:
        answer = client.post("/console/log-out", content=b"csrf=" + b"x" * 100_000)
    assert answer.status_code == 413


# On a server with credentials


@pytest.fixture(scope="module")
def keyed(demo_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleServer]:
    """Give a server with access keys, whose console some of them open."""
    folder = tmp_path_factory.mktemp("keyed")
    with pk.connect(demo_database, application="demo") as pinpoint:
        application = pinpoint.application_id
        other = pinpoint.applications.find_or_create("other").id
    rows = {
        "PKBOSS": ("*", "read-write", "console = yes"),
        "PKREADER": (application, "read-only", "console = yes"),
        "PKNUMBERS": (application, "analytics", "console = yes"),
        "PKOTHER": (other, "read-write", "console = yes"),
        "PKBACKEND": ("*", "read-write", ""),
    }
    text = "\n".join(
        f"[{name}]\nsecret_access_key = {SECRET}{name}\napplications = {ids}\naccess = {access}\n"
        f"{more}\n"
        for name, (ids, access, more) in rows.items()
    )
    file = write_file(folder / "keys.ini", text)
    found = serve(folder, demo_database, file, folder / "audit.log")
    yield found
    found.stop()


def wait_until(is_so: Callable[[], bool]) -> None:
    """Return once it is so; fail after a while."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def log_in(
    server: ConsoleServer, key: str, secret: str | None = None, to: str = "/console/"
) -> tuple[httpx.Client, httpx.Response]:
    """Log in, and return the client with the answer."""
    client = server.browser()  # the server's fixture closes it
    sent = {"key": key, "secret": SECRET + key if secret is None else secret, "to": to}
    return client, client.post("/console/log-in", data=sent)


def test_a_key_logs_in_and_leads_on(keyed: ConsoleServer) -> None:
    """To the page that was asked for, and to none of another site."""
    with keyed.browser() as stranger:
        asked = stranger.get(f"{keyed.base}/usage?by=platform")
        assert asked.status_code == 401
        assert f'value="{keyed.base}/usage?by=platform"' in asked.text
    client, answer = log_in(keyed, "PKBOSS", to=f"{keyed.base}/usage?by=platform")
    assert answer.headers["location"] == f"{keyed.base}/usage?by=platform"
    assert client.get(answer.headers["location"]).status_code == 200
    for to in (
        "https://evil.example/",
        "//evil.example/",
        "/console//evil",
        "/v1/apps",
        "/console/log-out",
    ):
        assert log_in(keyed, "PKBOSS", to=to)[1].headers["location"] == "/console/"


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("PKBOSS", "wrong"),
        ("PKBOSS", ""),
        ("PKNOBODY", None),
        ("PKBACKEND", None),  # a right secret of a key that opens no console
        ("", ""),
        ("PKBOSS", "ä\N{SNOWMAN}"),
    ],
)
def test_what_is_no_key_for_the_console_opens_nothing(
    keyed: ConsoleServer, key: str, secret: str | None
) -> None:
    """One sentence for all of them."""
    client, answer = log_in(keyed, key, secret)
    assert answer.status_code == 403
    assert "This is no access key for the console" in answer.text
    assert client.get("/console/").status_code == 401


def test_a_link_opens_nothing_where_keys_do(keyed: ConsoleServer) -> None:
    """Whatever lies in the folder."""
    with keyed.browser() as client:
        assert client.get(keyed.link()).status_code == 401
        client.cookies.set(cookie_of(client), keyed.sessions.begin(""), path="/console/")
        assert client.get("/console/").status_code == 401


def test_no_secret_is_taken_in_clear_text(keyed: ConsoleServer) -> None:
    """From another machine, only where a proxy says that it came over TLS."""
    sent = {"key": "PKBOSS", "secret": f"{SECRET}PKBOSS", "to": ""}
    headers = {"Host": "console.example", "Origin": "https://console.example"}
    with keyed.browser() as client:
        refused = client.post("/console/log-in", data=sent, headers=headers)
        assert (refused.status_code, "unencrypted" in refused.text) == (403, True)
        told = {**headers, "X-Forwarded-Proto": "https"}
        taken = client.post("/console/log-in", data=sent, headers=told)
        assert taken.status_code == 303
        assert "Secure" in taken.headers["set-cookie"]


def test_a_log_in_of_another_page_is_refused(keyed: ConsoleServer) -> None:
    """Nobody is logged in as somebody else without knowing."""
    sent = {"key": "PKBOSS", "secret": f"{SECRET}PKBOSS", "to": ""}
    with keyed.browser() as client:
        headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert client.post("/console/log-in", data=sent, headers=headers).status_code == 403


def test_a_link_from_a_mail_leads_on_by_a_page_of_ours(keyed: ConsoleServer) -> None:
    """Strict cookies stay behind on the way from another site; the next step has them."""
    client, _ = log_in(keyed, "PKBOSS")
    with keyed.browser() as stranger:
        answer = stranger.get(f"{keyed.base}/usage", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 200
    assert f"url={keyed.base}/usage" in answer.text
    assert client.get(f"{keyed.base}/usage").status_code == 200


def test_a_key_sees_what_it_may(keyed: ConsoleServer) -> None:
    """Numbers, or people too, of its own applications; and changes only where it may write."""
    numbers, _ = log_in(keyed, "PKNUMBERS")
    page = numbers.get(f"{keyed.base}/overview").text
    assert "Daily active endpoints" in page
    assert "People</a>" not in page
    assert "segment_name" not in page
    for path in ("person?user_id=user-1", "live", "segments", "jobs", "live/rows"):
        assert numbers.get(f"{keyed.base}/{path}").status_code == 403
    refused = numbers.get(f"{keyed.base}/usage?where=user_id%3Duser-1").text
    assert refused.count("may not see") == 1
    assert refused.count("for the same reason") > 3

    reader, _ = log_in(keyed, "PKREADER")
    assert "device-1" in reader.get(f"{keyed.base}/person?user_id=user-1").text
    csrf = csrf_of(reader.get("/console/").text)
    sent = {"csrf": csrf, "segment_name": "x"}
    assert reader.post(f"{keyed.base}/behind/daily", data=sent).status_code == 403

    other, _ = log_in(keyed, "PKOTHER")
    assert other.get(f"{keyed.base}/overview").status_code == 403
    listed = other.get("/console/").text
    assert "other" in listed
    assert keyed.application not in listed


def test_a_key_that_is_removed_is_out(tmp_path: Path) -> None:
    """Its sessions end with it."""
    now = 0.0
    file = write_file(
        tmp_path / "few.ini",
        f"[PKAAAA]\nsecret_access_key = {SECRET}\napplications = *\naccess = analytics\n"
        "console = yes\n",
    )
    keys = ConsoleKeys.load(file, monotonic=lambda: now)
    assert keys.log_in("PKAAAA", SECRET) is not None
    file.write_text(file.read_text().replace("console = yes", "console = no"))
    now += 2
    assert keys.find("PKAAAA") is None


def test_log_out_everywhere_is_of_one_key(keyed: ConsoleServer) -> None:
    """The sessions of others go on."""
    boss, _ = log_in(keyed, "PKBOSS")
    reader, _ = log_in(keyed, "PKREADER")
    again, _ = log_in(keyed, "PKREADER")
    page = reader.get("/console/").text
    assert "PKREADER (read-only)" in page
    reader.post("/console/log-out", data={"csrf": csrf_of(page), "everywhere": "yes"})
    statuses = [client.get("/console/").status_code for client in (boss, reader, again)]
    assert statuses == [200, 401, 401]


def key_file(path: Path, secret: str, access: str = "analytics", applications: str = "*") -> Path:
    """Write a file with one key that opens the console."""
    return write_file(
        path,
        f"[PKAAAA]\nsecret_access_key = {secret}\napplications = {applications}\n"
        f"access = {access}\nconsole = yes\n",
    )


def test_a_key_with_another_secret_is_out(demo_database: str, tmp_path: Path) -> None:
    """A secret that is replaced ends the sessions that were begun with the old one."""
    file = key_file(tmp_path / "keys.ini", SECRET + "old")
    found = serve(tmp_path, demo_database, file)
    try:
        client, _ = log_in(found, "PKAAAA", SECRET + "old")
        assert client.get("/console/").status_code == 200
        key_file(file, SECRET + "new")
        wait_until(lambda: client.get("/console/").status_code == 401)
        again, _ = log_in(found, "PKAAAA", SECRET + "new")
        assert again.get("/console/").status_code == 200
    finally:
        found.stop()


@pytest.mark.parametrize("now", ["access = analytics", "applications = none"])
def test_what_a_key_may_see_no_longer_is_not_shown_again(
    demo_database: str, tmp_path: Path, now: str
) -> None:
    """Not even from the answers of a moment ago."""
    file = key_file(tmp_path / "keys.ini", SECRET, "read-only")
    found = serve(tmp_path, demo_database, file)
    path = f"{found.base}/numbers/daily.csv?where=user_id%3Duser-1"
    try:
        client, _ = log_in(found, "PKAAAA", SECRET)
        assert client.get(path).status_code == 200
        kind = now.partition(" ")[0]
        text = "".join(
            f"{now}\n" if line.startswith(kind) else line
            for line in file.read_text().splitlines(keepends=True)
        )
        write_file(file, text)
        wait_until(
            lambda: (
                client.get(f"{found.base}/jobs").status_code == 403
                and found.application not in client.get("/console/").text * (kind != "access")
            )
        )
        assert client.get(path).status_code == 403
    finally:
        found.stop()


@pytest.mark.parametrize("line", ["console = maybe", "console = yes\nsession_token = abcdefgh"])
def test_a_file_that_is_not_clear_is_refused(tmp_path: Path, line: str) -> None:
    """Nobody comes in by a misunderstanding."""
    text = f"[PKAAAA]\nsecret_access_key = {SECRET}\napplications = *\naccess = analytics\n{line}\n"
    with pytest.raises(ConfigurationError, match="console"):
        ConsoleKeys.load(write_file(tmp_path / "bad.ini", text))


def test_looking_at_a_person_is_in_the_audit_log(keyed: ConsoleServer) -> None:
    """With the key and the person; other pages leave no person there."""
    reader, _ = log_in(keyed, "PKREADER")
    reader.get(f"{keyed.base}/person?user_id=user-1")
    reader.get(f"{keyed.base}/person?endpoint_id=device-2")
    log = keyed.folder / "audit.log"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    seen = {
        line["eventName"]: line["requestParameters"]
        for line in lines
        if line["userIdentity"].get("accessKeyId") == "PKREADER"
    }
    assert seen["GetUserEndpoints"]["user-id"] == "user-1"
    assert seen["GetEndpoint"]["endpoint-id"] == "device-2"
    assert "timeline" in seen["GetMetric"].values()
