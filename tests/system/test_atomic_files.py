"""Files that are there completely or not at all."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from pinpoint_kit.system.atomic_files import atomic_file, remove_drafts

#: Of a file system's 255 bytes, in two alphabets.
LONG_NAMES = ("n" * 255, "é" * 127)


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("name", ["report.json", *LONG_NAMES])
def test_the_file_appears_at_the_end(tmp_path: Path, name: str, *, replace: bool) -> None:
    """Until then its name is free and the draft is hidden; then there is nothing but the file."""
    path = tmp_path / name
    with atomic_file(path, replace=replace) as draft:
        assert not path.exists()
        assert draft.parent == tmp_path
        assert draft.name.startswith(".")
        draft.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="no modes there")
def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    """Also when it takes the place of a file that others could read."""
    path = tmp_path / "keys"
    path.touch(0o644)
    for draft_name in (None, tmp_path / "keys.new"):
        with atomic_file(path, replace=True, draft=draft_name) as draft:
            assert stat.S_IMODE(draft.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_leaves_all_as_it_was(
    tmp_path: Path, error: type[BaseException], *, replace: bool
) -> None:
    """Whatever ends the block, the draft goes and the file stays."""
    path = tmp_path / "report.json"
    if replace:
        path.write_bytes(b"before")

    def fail() -> None:
        with atomic_file(path, replace=replace) as draft:
            draft.write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert list(tmp_path.iterdir()) == ([path] if replace else [])
    assert not replace or path.read_bytes() == b"before"


@pytest.mark.parametrize("has_links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("is_early", [True, False], ids=["early", "late"])
def test_a_file_that_is_there_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, has_links: bool, is_early: bool
) -> None:
    """Before the block or at its end: another's file is never overwritten, and is named."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links on this file system")

    if not has_links:
        monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "report.json"
    if is_early:
        path.write_bytes(b"another's")

    def write() -> None:
        with atomic_file(path, replace=False) as draft:
            assert not is_early
            draft.write_bytes(b"ours")
            path.write_bytes(b"another's")

    with pytest.raises(FileExistsError) as refused:
        write()
    assert refused.value.filename == str(path)
    assert path.read_bytes() == b"another's"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The draft is renamed there."""

    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links on this file system")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    path = tmp_path / "report.json"
    with atomic_file(path, replace=False) as draft:
        draft.write_bytes(b"whole")
    assert path.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [path]


def test_two_writers_with_one_draft(tmp_path: Path) -> None:
    """The second is refused, the draft is named, and the first goes on."""
    path, name = tmp_path / "keys", tmp_path / "keys.new"
    with atomic_file(path, replace=True, draft=name) as draft:
        with (
            pytest.raises(FileExistsError) as refused,
            atomic_file(path, replace=True, draft=name),
        ):
            raise AssertionError
        assert refused.value.filename == str(name)
        draft.write_bytes(b"first")
    assert path.read_bytes() == b"first"


def test_it_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Content first, then the name: power loss in between leaves the file of before."""
    path = tmp_path / "report.json"
    flushed: list[tuple[bool, bool]] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        flushed.append((is_folder, path.exists()))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    with atomic_file(path, replace=True) as draft:
        draft.write_bytes(b"whole")
    assert flushed == [(False, False), (True, True)]


@pytest.mark.parametrize("name", ["part-0", *LONG_NAMES])
def test_what_a_killed_process_left(tmp_path: Path, name: str) -> None:
    """Drafts of this file go, those of others stay, and a writer whose draft went learns it."""
    path, other = tmp_path / name, tmp_path / "part-01"
    with atomic_file(other, replace=True) as kept:

        def write() -> None:
            with atomic_file(path, replace=True):
                remove_drafts(path)
                assert list(tmp_path.iterdir()) == [kept]

        with pytest.raises(FileNotFoundError):
            write()
        assert not path.exists()
    remove_drafts(tmp_path / "missing" / "file")


def test_a_folder_that_is_missing(tmp_path: Path) -> None:
    """The file system's own error comes out."""
    for name in (None, tmp_path / "missing" / "b"):
        with (
            pytest.raises(FileNotFoundError),
            atomic_file(tmp_path / "missing" / "a", replace=True, draft=name),
        ):
            raise AssertionError
