"""Files that hold secrets: only a plain file of its owner's is read, and nothing is waited for."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.system.private_files import MOST_BYTES, PrivateFileError, private_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(os.name != "posix", reason="no modes and no pipes")
SECRET = "a-secret-that-no-message-may-hold"


def written(path: Path, content: bytes = SECRET.encode(), mode: int = 0o600) -> Path:
    """Write a file with that mode."""
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_file_of_its_owner(tmp_path: Path, mode: int) -> None:
    """Its text comes without the mark that some editors write."""
    file = written(tmp_path / "keys", b"\xef\xbb\xbf" + SECRET.encode(), mode)
    assert private_text(file) == SECRET
    (tmp_path / "link").symlink_to(file)
    assert private_text(tmp_path / "link") == SECRET


def test_the_largest_file(tmp_path: Path) -> None:
    """One byte more is too much."""
    assert len(private_text(written(tmp_path / "keys", b"x" * MOST_BYTES))) == MOST_BYTES
    with pytest.raises(PrivateFileError, match=f"larger than {MOST_BYTES} bytes"):
        private_text(written(tmp_path / "keys", b"x" * (MOST_BYTES + 1)))


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666, 0o644])
def test_one_that_others_can_use(tmp_path: Path, mode: int) -> None:
    """Also at the end of a link, whose own mode says nothing."""
    file = written(tmp_path / "keys", mode=mode)
    (tmp_path / "link").symlink_to(file)
    for name in ("keys", "link"):
        with pytest.raises(PrivateFileError, match=r"others can read it: chmod 600") as refused:
            private_text(tmp_path / name)
        assert SECRET not in str(refused.value)


def pipe(path: Path) -> None:
    """Make a pipe."""
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda _: None, "cannot be read .No such file"),
        (lambda path: path.mkdir(mode=0o700), "is no file"),
        (pipe, "is no file"),
        (lambda path: path.symlink_to("/dev/zero"), "is no file"),
        (lambda path: path.symlink_to(path), "cannot be read"),
        (lambda path: written(path, b"\xff" + SECRET.encode()), "is no UTF-8 text"),
    ],
    ids=["nothing", "folder", "pipe", "device", "circle", "bytes"],
)
def test_what_is_no_such_file(tmp_path: Path, make: Callable[[Path], object], problem: str) -> None:
    """Each has its sentence, with the path, at once, and without what is in it."""
    path = tmp_path / "keys"
    make(path)
    refusals: list[str] = []

    def read() -> None:
        try:
            private_text(path)
        except PrivateFileError as error:
            refusals.append(str(error))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(30)
    assert not thread.is_alive(), "it waits"
    with pytest.raises(PrivateFileError, match=problem) as refused:
        private_text(path)
    assert refusals == [str(refused.value)]
    assert str(path) in refusals[0]
    assert SECRET not in refusals[0]


def test_a_pipe_somebody_writes_into_is_refused_too(tmp_path: Path) -> None:
    """What comes out of it depends on who reads first."""
    pipe(tmp_path / "keys")
    descriptor = os.open(tmp_path / "keys", os.O_RDWR)
    try:
        os.write(descriptor, SECRET.encode())
        with pytest.raises(PrivateFileError, match="is no file"):
            private_text(tmp_path / "keys")
    finally:
        os.close(descriptor)
