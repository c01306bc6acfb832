"""Credentials files: what they must look like, when a change counts, and how they are changed."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.server.access import credentials_file
from pinpoint_kit.server.access.authenticator import Authenticator
from pinpoint_kit.server.access.credentials import Credential, parse
from tests.server.signing import (
    ADMIN,
    ANALYST,
    APP,
    FILE,
    GUEST,
    LOCAL,
    READER,
    SECRETS,
    TOKEN,
    WRITER,
    sign,
    write_file,
)

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "s" * 32
SECTION = f"[PKONE]\nsecret_access_key = {SECRET}\napplications = *\naccess = read-write\n"


@attrs.define
class Clock:
    """Seconds that pass when a test says so."""

    seconds: float = 100.0

    def __call__(self) -> float:
        return self.seconds


# The text


def test_a_file_says_what_each_key_may_do() -> None:
    """Section by section; comments and blank lines are free."""
    found = parse(FILE, "keys.ini")
    assert list(found) == [ADMIN, WRITER, READER, GUEST, LOCAL, ANALYST]
    assert found[ADMIN].applications is None
    assert found[WRITER].applications == frozenset({APP})
    accesses = [credential.access for credential in found.values()]
    assert accesses == ["read-write", "read-write", "read-only", *["read-write"] * 2, "analytics"]
    assert found[GUEST].session_token == TOKEN
    assert [credential.region for credential in found.values()] == ["", "", "", "", "eu-west-1", ""]
    assert found[WRITER].secret_access_key == SECRETS[WRITER]


def test_a_secret_may_hold_what_an_ini_file_gives_a_meaning_elsewhere() -> None:
    """Percent signs, dollars, semicolons, equals signs: nothing is interpolated or cut."""
    secret = "%(home)s;#=:$[x]" * 2 + "%"
    found = parse(SECTION.replace(SECRET, secret), "keys.ini")
    assert found["PKONE"].secret_access_key == secret


@pytest.mark.parametrize(
    "text", [f"{APP},x_1", f"{APP} x_1", f"\n  {APP},\n  x_1", f" {APP} ,x_1,"]
)
def test_applications_may_be_listed_in_several_ways(text: str) -> None:
    """With commas, spaces or lines between them."""
    found = parse(SECTION.replace("applications = *", f"applications = {text}"), "keys.ini")
    assert found["PKONE"].applications == frozenset({APP, "x_1"})


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("", "keys.ini", "pinpoint-kit credentials add"),
        ("# nothing\n", "keys.ini", "pinpoint-kit credentials add"),
        (SECTION + SECTION, "line 5", "keep one section"),
        (SECTION + "access = read-only\n", "line 5", "keep one"),
        (f"secret_access_key = {SECRET}\n", "line 1", "[ACCESS_KEY_ID]"),
        (SECTION + "whatever that is\n", "line 5", "OPTION = VALUE"),
        ("[DEFAULT]\naccess = read-only\n" + SECTION, "[DEFAULT]", "secret_access_key is missing"),
        (SECTION.replace("PKONE", "not an id"), "keys.ini", "4 to 128 letters"),
        (SECTION.replace("PKONE", "PK"), "keys.ini", "4 to 128 letters"),
        (SECTION + "acess = read-only\n", "[PKONE]", "the options are secret_access_key"),
        (SECTION.replace(SECRET, SECRET[1:]), "[PKONE]", "at least 32 characters"),
        (SECTION.replace(SECRET, SECRET + " x"), "[PKONE]", "at least 32 characters"),
        (SECTION.replace(SECRET, SECRET + "é"), "[PKONE]", "at least 32 characters"),
        (SECTION.replace("secret_access_key", "#"), "[PKONE]", "secret_access_key is missing"),
        (SECTION.replace("applications", "#"), "[PKONE]", "applications is missing: write * for"),
        (
            SECTION.replace("access = r", "# "),
            "[PKONE]",
            "access is missing: write analytics, read-only or",
        ),
        (
            SECTION.replace("read-write", "admin"),
            "[PKONE]",
            "read-only or read-write",
        ),
        (SECTION.replace("= *", "="), "[PKONE]", "applications is wrong"),
        (SECTION.replace("= *", "= *, abc"), "[PKONE]", "applications is wrong"),
        (SECTION.replace("= *", "= apps/abc"), "[PKONE]", "applications is wrong"),
        (SECTION + "session_token =\n", "[PKONE]", "session_token is wrong"),
        (SECTION + "region = eu west\n", "[PKONE]", "region is wrong"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, where: str, hint: str) -> None:
    """The message names the file, the line or section, and what to write; never a value."""
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "keys.ini")
    message = str(caught.value)
    assert message.startswith("keys.ini")
    assert where in message
    assert hint in message
    for value in (SECRET[1:], "whatever", "acess", "admin", "apps/abc"):
        assert value not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_credential_shows_no_secrets() -> None:
    """Neither its secret nor its token, wherever it is printed."""
    text = repr(parse(FILE, "keys.ini"))
    assert GUEST in text
    for secret in (TOKEN, *SECRETS.values()):
        assert secret not in text


# The file


def test_a_file_must_be_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Whoever can read it is everybody in it."""
    path = write_file(tmp_path / "keys.ini")
    for mode in (0o644, 0o640, 0o604, 0o660, 0o620):
        path.chmod(mode)
        with pytest.raises(ConfigurationError, match="chmod 600"):
            Authenticator.load(path)
    for mode in (0o600, 0o400):
        path.chmod(mode)
        assert sign().code(Authenticator.load(str(path))) == ""


def test_what_is_no_such_file_is_told(tmp_path: Path) -> None:
    """A missing file, a folder, a pipe, a large file, other text."""
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "pipe", 0o600)
    write_file(tmp_path / "large", "#" * 1_000_001)
    (write_file(tmp_path / "binary")).write_bytes(b"[PK\xff]\n")
    for name, hint in {
        "missing": "No such file",
        "folder": "is no file",
        "pipe": "is no file",
        "large": "larger than",
        "binary": "UTF-8",
    }.items():
        with pytest.raises(ConfigurationError, match=hint) as caught:
            Authenticator.load(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Some editors write one."""
    path = write_file(tmp_path / "keys.ini")
    path.write_bytes(b"\xef\xbb\xbf" + FILE.encode())
    assert ADMIN in credentials_file.read(path)


def test_a_change_counts_within_a_second(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A removed key stays out, a new secret opens, and the log says so without names."""
    caplog.set_level(logging.INFO)
    clock = Clock()
    path = write_file(tmp_path / "keys.ini")
    door = Authenticator.load(path, monotonic=clock)
    assert sign().code(door) == ""
    credentials_file.remove(path, WRITER)
    assert sign().code(door) == ""  # it was looked at a moment ago
    clock.seconds += 1
    assert sign().code(door) == "UnrecognizedClientException"
    assert sign(key=ADMIN).code(door) == ""
    assert caplog.messages == [f"{path} was read again: 5 access key(s)"]


def test_a_new_secret_ends_the_old_one(tmp_path: Path) -> None:
    """Signing keys that were kept of the old secret are of no use."""
    clock = Clock()
    path = write_file(tmp_path / "keys.ini")
    door = Authenticator.load(path, monotonic=clock)
    assert sign().code(door) == ""
    write_file(path, FILE.replace(SECRETS[WRITER], "n" * 40))
    clock.seconds += 1
    assert sign().code(door) == "InvalidSignatureException"
    assert sign(secret="n" * 40).code(door) == ""


def test_a_broken_change_keeps_what_was(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is told once, and the next good version counts."""
    caplog.set_level(logging.ERROR, "pinpoint_kit.server.access.credentials_file")
    clock = Clock()
    path = write_file(tmp_path / "keys.ini")
    door = Authenticator.load(path, monotonic=clock)
    write_file(path, FILE + "\n[PKBAD]\naccess = everything\n")
    for _ in range(3):
        clock.seconds += 1
        assert sign().code(door) == ""
    (message,) = caplog.messages
    assert "stay in force" in message
    assert "[PKBAD]" in message
    path.chmod(0o644)
    for _ in range(3):
        clock.seconds += 1
        assert sign().code(door) == ""
    path.unlink()
    for _ in range(3):
        clock.seconds += 1
        assert sign().code(door) == ""
    assert [("chmod" in text, "No such file" in text) for text in caplog.messages[1:]] == [
        (True, False),
        (False, True),
    ]
    write_file(path, SECTION)
    clock.seconds += 1
    assert sign().code(door) == "UnrecognizedClientException"
    assert len(caplog.messages) == 3


def test_a_mended_mode_is_noticed(tmp_path: Path) -> None:
    """After chmod 600 the file is read again although its text is as it was."""
    clock = Clock()
    path = write_file(tmp_path / "keys.ini")
    door = Authenticator.load(path, monotonic=clock)
    write_file(path, SECTION)
    path.chmod(0o644)
    clock.seconds += 1
    assert sign().code(door) == ""
    path.chmod(0o600)
    clock.seconds += 1
    assert sign().code(door) == "UnrecognizedClientException"


# Changing it


def _credential(name: str = "PKNEW", **changes: Any) -> Credential:
    made = Credential(name, SECRET, None, access="read-write")
    return attrs.evolve(made, **changes)


def test_the_first_key_makes_the_file(tmp_path: Path) -> None:
    """It can be read by its owner only, and nothing else is left behind."""
    path = tmp_path / "keys.ini"
    credentials_file.add(path, _credential())
    assert path.stat().st_mode & 0o777 == 0o600
    assert credentials_file.read(path) == {"PKNEW": _credential()}
    assert list(tmp_path.iterdir()) == [path]


def test_keys_are_added_to_what_is_there(tmp_path: Path) -> None:
    """Comments and other sections stay as they are, letter by letter."""
    path = write_file(tmp_path / "keys.ini", FILE.rstrip("\n"))
    new = _credential(applications=frozenset({APP, "x"}), access="read-only")
    credentials_file.add(path, new)
    assert path.read_text().startswith(FILE)
    assert credentials_file.read(path) == {**parse(FILE, ""), "PKNEW": new}
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_filled(tmp_path: Path) -> None:
    """`touch` before `add` does no harm."""
    path = write_file(tmp_path / "keys.ini", "")
    credentials_file.add(path, _credential())
    assert list(credentials_file.read(path)) == ["PKNEW"]


def test_a_key_is_added_once(tmp_path: Path) -> None:
    """The second time is refused, and the file stays as it is."""
    path = write_file(tmp_path / "keys.ini")
    with pytest.raises(ConfigurationError, match="already"):
        credentials_file.add(path, _credential(ADMIN))
    assert path.read_text() == FILE


def test_nothing_is_added_to_a_wrong_file(tmp_path: Path) -> None:
    """First it must be mended."""
    path = write_file(tmp_path / "keys.ini", "nonsense\n")
    with pytest.raises(ConfigurationError, match="line 1"):
        credentials_file.add(path, _credential())
    assert path.read_text() == "nonsense\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_key_is_removed_with_its_own_comments_only(tmp_path: Path) -> None:
    """What stands above another section stays."""
    sections = [SECTION.replace("PKONE", name) for name in ("PKONE", "PKTWO", "PKTHREE")]
    text = (
        f"# file\n{sections[0]}# inside\n\n# of two\n; more\n{sections[1]}\n# three\n{sections[2]}"
    )
    path = write_file(tmp_path / "keys.ini", text)
    assert credentials_file.remove(path, "PKONE")
    assert path.read_text() == f"# file\n# of two\n; more\n{sections[1]}\n# three\n{sections[2]}"
    assert credentials_file.remove(path, "PKTHREE")
    assert list(credentials_file.read(path)) == ["PKTWO"]
    assert not credentials_file.remove(path, "PKTHREE")
    assert list(tmp_path.iterdir()) == [path]


def test_the_last_key_is_not_removed(tmp_path: Path) -> None:
    """A file without keys is no credentials file: a server would keep what it had."""
    path = write_file(tmp_path / "keys.ini", SECTION)
    with pytest.raises(ConfigurationError, match="add another"):
        credentials_file.remove(path, "PKONE")
    assert path.read_text() == SECTION


def test_an_unusual_file_is_left_to_its_author(tmp_path: Path) -> None:
    """When a section cannot be told apart by its lines, nothing is removed."""
    unusual = f"{SECTION}\n  {SECTION.replace('PKONE', 'PKTWO')}"
    path = write_file(tmp_path / "keys.ini", unusual)
    assert list(credentials_file.read(path)) == ["PKONE", "PKTWO"]
    with pytest.raises(ConfigurationError, match="by hand"):
        credentials_file.remove(path, "PKONE")
    assert path.read_text() == unusual


def test_two_changes_at_once_are_one_too_many(tmp_path: Path) -> None:
    """The second one is refused, so that none is lost."""
    path = write_file(tmp_path / "keys.ini")
    under_way = tmp_path / "keys.ini.new"
    under_way.touch()
    with pytest.raises(ConfigurationError, match="another change is under way"):
        credentials_file.add(path, _credential())
    assert under_way.exists()
    assert path.read_text() == FILE


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """With the file that could not be made."""
    with pytest.raises(ConfigurationError, match=r"keys\.ini\.new cannot be written"):
        credentials_file.add(tmp_path / "missing" / "keys.ini", _credential())


def test_a_link_goes_on_leading_to_its_file(tmp_path: Path) -> None:
    """The file behind a link is changed, not the link."""
    (tmp_path / "real").mkdir()
    path = write_file(tmp_path / "real" / "keys.ini")
    link = tmp_path / "link.ini"
    link.symlink_to(path)
    credentials_file.add(link, _credential())
    assert link.is_symlink()
    assert "PKNEW" in credentials_file.read(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_stays_its_owners(tmp_path: Path) -> None:
    """Root may administer the file of a service's user."""
    path = write_file(tmp_path / "keys.ini")
    os.chown(path, 12345, 54321)
    credentials_file.add(path, _credential())
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 54321, 0o600)
