"""The doors: which URL opens what, what a wrong one is told, and what is never echoed or asked."""

from __future__ import annotations

import contextlib
import os
import socket
import sqlite3
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import pytest

import pinpoint_kit as pk
from pinpoint_kit.doors import open_door
from pinpoint_kit.engine import handlers
from pinpoint_kit.errors import (
    ConfigurationError,
    InternalServerError,
    NotFound,
    OperationNotImplemented,
    PinpointRetiredWarning,
    StoreError,
)
from pinpoint_kit.limits import DEFAULT_LIMITS

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2"


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PINPOINT_KIT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def opened(url: str, **options: Any) -> Any:
    """Open a door and close it again."""
    door = open_door(url, limits=DEFAULT_LIMITS, **options)
    door.close()
    return door


@pytest.mark.parametrize(
    ("url", "kind", "endpoint", "region"),
    [
        ("sqlite://", "engine", "http://engine.invalid", "us-east-1"),
        ("SQLITE://", "engine", "http://engine.invalid", "us-east-1"),
        ("http://127.0.0.1:8080", "http", "http://127.0.0.1:8080", "us-east-1"),
        ("http://localhost", "http", "http://localhost", "us-east-1"),
        ("https://example.test/base", "http", "https://example.test/base", "us-east-1"),
        ("http://[::1]:8080", "http", "http://[::1]:8080", "us-east-1"),
        ("http://h:1?region=eu-west-1", "http", "http://h:1", "eu-west-1"),
    ],
)
def test_urls_that_open(url: str, kind: str, endpoint: str, region: str) -> None:
    """Each form opens its door."""
    door = opened(url)
    assert (door.kind, door.client.meta.endpoint_url) == (kind, endpoint)
    assert door.client.meta.region_name == region


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "^the URL is empty: write sqlite:///FILE"),
        ("shop.db", "^not a URL: 'shop.db': a file is sqlite:///shop.db: write sqlite:///FILE"),
        ("/var/shop.sqlite3", "a file is sqlite:////var/shop.sqlite3: write"),
        ("us-east-1", "aws://REGION"),
        ("sqlite://shop.db", "with three slashes"),
        ("sqlite://:memory:", "with three slashes"),
        (f"sqlite://user:{SECRET}@host/shop.db", "with three slashes"),
        ("ftp://host", "^unknown URL scheme 'ftp' in 'ftp://host': write"),
        ("MYSQL://host/db", "^unknown URL scheme 'mysql'"),
        ("http://", "^no host and port in"),
        ("http://:80", "^no host and port in"),
        ("http://host:0", "^no host and port in"),
        ("http://host:port", "^no host and port in"),
        ("http://host:99999", "^no host and port in"),
        ("http://[::1", "is malformed"),
        ("http://h?regoin=x", "may carry .region=... and no other"),
        ("http://h#region=x", "no other parameter"),
        ("aws://us-east-1/path", "aws://REGION"),
        ("aws://us east 1", "aws://REGION"),
        ("aws://", "NoRegionError"),
        ("aws://us-east-1?profle=x", "may carry .profile=... and no other"),
        ("aws://us-east-1?profile=missing", "ProfileNotFound"),
        ("http://h?region=no such", "InvalidRegionError"),
        (f"http://user:{SECRET}@host", "no place for secrets"),
        (f"http://:{SECRET}@host", "no place for secrets"),
        (f"http://{SECRET}@host", "no place for secrets"),
        (f"aws://:{SECRET}@us-east-1", "no place for secrets"),
        (f"aws://key:{SECRET}@us-east-1", "no place for secrets"),
        (f"aws://us-east-1?aws_secret_access_key={SECRET}", "no other parameter"),
        (f"http://host?token={SECRET}", "no other parameter"),
        (f"ftp://user:{SECRET}@host?key={SECRET}#{SECRET}", "^unknown URL scheme 'ftp'"),
        (f"http://[user:{SECRET}@host", "is malformed"),
        (f"user:{SECRET}@host", "not a URL"),
    ],
)
def test_urls_that_do_not(url: str, says: str) -> None:
    """A wrong URL is a ConfigurationError that says what to write, without any secret."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        opened(url)
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(caught.value.__cause__)


@pytest.mark.parametrize("url", [5, None, b"sqlite://"])
def test_what_is_no_text_is_no_url(url: Any) -> None:
    """Other types are refused like other texts."""
    with pytest.raises(ConfigurationError):
        opened(url)


@pytest.mark.parametrize("session", ["default", object()])
def test_what_is_no_session_is_refused(session: Any) -> None:
    """A profile's name is no session."""
    for url in ("http://127.0.0.1:1", "aws://us-east-1"):
        with pytest.raises(ConfigurationError, match="pass a boto3 or botocore session"):
            opened(url, session=session)


BROKEN = {
    "AWS_PROFILE": "missing",
    "AWS_DEFAULTS_MODE": "bogus",
    "AWS_RETRY_MODE": "bogus",
    "AWS_MAX_ATTEMPTS": "x",
    "AWS_STS_REGIONAL_ENDPOINTS": "bogus",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "x",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "bogus",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_ENDPOINT_URL": "nonsense",
    "AWS_CA_BUNDLE": "/nonexistent",
    "REQUESTS_CA_BUNDLE": " ",
    "AWS_DEFAULT_REGION": "no such region",
    "HTTP_PROXY": "http://127.0.0.1:1",
}


def test_no_aws_setting_breaks_the_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A newcomer's machine may be set up for AWS in any broken way."""
    (tmp_path / "config").write_text("this is no ini file [")
    for name, value in BROKEN.items():
        monkeypatch.setenv(name, value)
    with pk.connect("sqlite://") as pinpoint:
        assert [app.name for app in pinpoint.applications.list()] == ["default"]


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_DEFAULTS_MODE", "AWS_DEFAULT_REGION"])
def test_broken_settings_are_told_at_the_other_doors(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where they matter, they are a ConfigurationError and not botocore's."""
    monkeypatch.setenv(name, BROKEN[name])
    for url in ("http://127.0.0.1:1", "aws://"):
        with pytest.raises(ConfigurationError, match="cannot be used"):
            opened(url)


def test_the_engine_opens_no_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In process means in process: without credentials and without the network."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    with pk.connect(f"sqlite:///{tmp_path}/shop.db", application="shop") as pinpoint:
        pinpoint.endpoints.update(pk.Endpoint(id="e", address="a", channel_type="EMAIL"))
        assert pinpoint.endpoints.get("e").address == "a"
        assert pinpoint.events.put("e", "level_up").is_accepted


def test_the_http_door_asks_no_metadata_service(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening it without credentials connects to nothing and sends unsigned."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something was asked")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr("botocore.utils.IMDSFetcher._get_request", refuse)
    monkeypatch.setattr("botocore.utils.IMDSFetcher._fetch_metadata_token", refuse)
    door = opened("http://127.0.0.1:8080")
    assert door.client.meta.config.signature_version is botocore.UNSIGNED


def test_credentials_are_used_where_there_are_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """The http door signs when the environment or the session has keys."""
    keys: Any = {"aws_access_key_id": "A", "aws_secret_access_key": "S", "region_name": "eu-west-1"}
    door = opened("http://127.0.0.1:8080", session=boto3.session.Session(**keys))
    assert door.client.meta.config.signature_version != botocore.UNSIGNED
    assert door.client.meta.region_name == "eu-west-1"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    assert opened("http://h:1").client.meta.config.signature_version != botocore.UNSIGNED


# The hosted service


@pytest.fixture
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials to sign with, which the hosted service needs."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")


@pytest.mark.usefixtures("_keys")
def test_the_hosted_service_warns() -> None:
    """It ended; whoever connects is told once, at their own line."""
    for url in ("aws://us-east-1", "https://pinpoint.eu-west-1.amazonaws.com"):
        with pytest.warns(PinpointRetiredWarning, match="ended on 2026-10-30") as caught:
            pk.connect(url, application_id="a").close()
        assert len(caught) == 1
        assert caught[0].filename == __file__


@pytest.mark.usefixtures("_keys")
def test_only_the_hosted_service_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server elsewhere is not retired, also when its URL comes from the environment."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT", "http://127.0.0.1:8080")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened("aws://us-east-1").client.meta.endpoint_url == "http://127.0.0.1:8080"
        opened("http://amazonaws.com.example.test")
        opened("sqlite://")


@pytest.mark.filterwarnings("ignore::pinpoint_kit.errors.PinpointRetiredWarning")
def test_profiles_and_sessions(tmp_path: Path) -> None:
    """A profile gives the Region; a session and a profile together are refused."""
    (tmp_path / "config").write_text(
        "[profile shop]\nregion = eu-west-1\naws_access_key_id = A\naws_secret_access_key = S\n"
    )
    door = opened("aws://?profile=shop")
    assert (door.url, door.client.meta.region_name) == ("aws://eu-west-1", "eu-west-1")
    session = botocore.session.Session(profile="shop")
    assert opened("aws://", session=session).client.meta.region_name == "eu-west-1"
    with pytest.raises(ConfigurationError, match="not both"):
        opened("aws://us-east-1?profile=shop", session=session)


def test_botocores_retries_are_off() -> None:
    """On clients that we make only our own retries count."""
    config = opened("http://127.0.0.1:1", timeout=2.0).client.meta.config
    assert config.retries["total_max_attempts"] == 1
    assert (config.connect_timeout, config.read_timeout) == (2.0, 2.0)
    assert opened("sqlite://", timeout=60.0).client.meta.config.connect_timeout == 5.0


# The database


@pytest.mark.parametrize("make", ["folder", "no_folder", "garbage"])
def test_a_database_that_cannot_be_used(make: str, tmp_path: Path) -> None:
    """What is wrong with the file passes through connect as a StoreError."""
    file = tmp_path / "shop.db"
    if make == "folder":
        file.mkdir()
    elif make == "no_folder":
        file = tmp_path / "none" / "shop.db"
    else:
        file.write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError):
        pk.connect(f"sqlite:///{file}")


def test_a_corrupt_page_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Connecting to a damaged file neither waits nor repeats, nor says to try again."""
    file = tmp_path / "shop.db"
    pk.connect(f"sqlite:///{file}", application="shop").close()
    with contextlib.closing(sqlite3.connect(file)) as db:
        size = db.execute("PRAGMA page_size").fetchone()[0]
        (root,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'apps'").fetchone()
    with file.open("r+b") as stream:
        stream.seek((root - 1) * size)
        stream.write(b"\xff" * size)
    monkeypatch.setattr("time.sleep", lambda _: pytest.fail("it waited"))
    with pytest.raises(InternalServerError, match="restore it from a backup") as caught:
        pk.connect(f"sqlite:///{file}", application="shop")
    assert not caught.value.is_retryable
    assert "try again" not in str(caught.value)
    # Clients of other tests may be ending on threads of their own, and say so.
    lines = [record.getMessage() for record in caplog.records]
    assert sum(str(file) in line for line in lines) == 1


def test_a_refusal_has_a_short_traceback() -> None:
    """What is refused for good passes through no retry machinery, and shows none."""
    with pk.connect("sqlite://") as pinpoint, pytest.raises(NotFound) as caught:
        pinpoint.endpoints.get("nobody")
    files = [frame.filename for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert not [name for name in files if "tenacity" in name]


def test_what_is_not_emulated_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operation is named once, and the advice is not to wait for it."""
    monkeypatch.delitem(handlers.OPERATIONS, "GetCampaigns")
    with pk.connect("sqlite://") as pinpoint, pytest.raises(OperationNotImplemented) as caught:
        pinpoint.call("GetCampaigns")
    text = str(caught.value)
    assert (text.count("GetCampaigns"), caught.value.status) == (1, 501)
    assert text.endswith("use an operation that the compatibility page lists, or another server")


def test_closing_twice() -> None:
    """A door may be closed again."""
    door = opened("sqlite://")
    door.close()
