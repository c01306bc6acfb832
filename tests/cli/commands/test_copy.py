"""`copy`: what it says, what it refuses, and that it goes on after Ctrl-C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.copying import copying

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Run

SOURCE, TARGET = "sqlite:///shop.db", "sqlite:///moved.db"


def make(run: Run) -> None:
    """Make a database with two endpoints."""
    for name in ("device-1", "device-2"):
        run("endpoint", "update", name, "--attribute", "a=1", "--url", SOURCE)


def test_a_copy_answers_as_the_original(run: Run) -> None:
    """It says how much there is, and is a database."""
    make(run)
    made = run("copy", SOURCE, TARGET)
    assert made.status == 0
    assert made.stdout == "moved.db: 3 rows in 34 tables, each the same as in shop.db\n"
    for url in (SOURCE, TARGET):
        assert "device-2" in run("endpoint", "get", "device-2", "--url", url).stdout


def test_json(run: Run) -> None:
    """--json has each table with its rows and the digest of its content."""
    make(run)
    value = run("copy", SOURCE, TARGET, "--json").value
    tables = value.pop("tables")
    assert value == {"source": "shop.db", "target": "moved.db", "resumed": False, "rows": 3}
    assert tables["endpoints"]["rows"] == 2
    assert len(tables["endpoints"]["digest"]) == 64
    assert tables["events"] == {"rows": 0, "digest": ""}
    again = run("copy", TARGET, "sqlite:///third.db", "--json").value
    assert again["tables"] == tables


@pytest.mark.parametrize(
    ("source", "target", "sentence"),
    [
        ("sqlite:///missing.db", TARGET, "there is no database missing.db"),
        (SOURCE, SOURCE, "it holds data already (in apps); name an empty database"),
        (SOURCE, "http://127.0.0.1:8025", "The engine needs a database URL"),
        ("aws://eu-west-1", TARGET, "The engine needs a database URL"),
        (SOURCE, "sqlite://", "a database in memory is gone when the copy ends"),
    ],
)
def test_what_cannot_be_copied(
    run: Run, folder: Path, source: str, target: str, sentence: str
) -> None:
    """It ends with status 2 and a sentence, and nothing is made."""
    make(run)
    before = sorted(folder.iterdir())
    refused = run("copy", source, target, "--json")
    assert refused.status == 2
    assert sentence in refused.stderr
    assert sentence in refused.value["error"]["message"]
    assert sorted(folder.iterdir()) == before


def test_it_goes_on_after_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Status 130 and what to do; until it is done, no command opens the target."""
    make(run)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copying._Copy, "_check", stop)
        ended = run("copy", SOURCE, TARGET)
    assert ended.status == 130
    assert ended.stderr == "interrupted; run the same command again to go on\n"
    refused = run("endpoint", "get", "device-1", "--url", TARGET)
    assert refused.status == 2
    assert "a copy into it has not finished; run the same `pinpoint-kit copy`" in refused.stderr
    assert run("copy", SOURCE, TARGET, "--json").value["resumed"] is True
    assert run("endpoint", "get", "device-1", "--url", TARGET).status == 0
