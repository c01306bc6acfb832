"""`backup`: what it says, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run


def test_a_backup_is_a_database(run: Run, folder: Path) -> None:
    """It is told with its size, and opens in the place of the original."""
    run("endpoint", "update", "device-1", "--attribute", "a=1")
    made = run("backup", "copy.db")
    size = (folder / "copy.db").stat().st_size
    assert made.status == 0
    assert made.stdout == f"copy.db: {size:,} bytes, a sound copy of pinpoint.db\n"
    assert run("endpoint", "get", "device-1", "--url", "sqlite:///copy.db").status == 0


def test_json(run: Run) -> None:
    """--json answers with the same facts."""
    run("endpoint", "update", "device-1", "--attribute", "a=1", "--url", "sqlite:///shop.db")
    value = run("backup", "copy.db", "--url", "sqlite:///shop.db", "--json").value
    assert value.pop("bytes") > 0
    assert value == {"database": "shop.db", "file": "copy.db"}


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://127.0.0.1:8025", "give --url sqlite:///FILE, on the machine"),
        ("sqlite://", "give --url sqlite:///FILE, on the machine"),
        ("sqlite:///missing.db", "there is no database missing.db"),
    ],
)
def test_what_cannot_be_copied(run: Run, folder: Path, url: str, sentence: str) -> None:
    """It ends with status 2 and a sentence, and nothing is made."""
    refused = run("backup", "copy.db", "--url", url)
    assert refused.status == 2
    assert sentence in refused.stderr
    assert list(folder.iterdir()) == []
