"""The seam to databases: which URL is which, and what the engine assumes of all of them."""

from __future__ import annotations

import sqlite3
from importlib import import_module

import pytest

from pinpoint_kit.engine.storage.dialects.assumptions import ASSUMPTIONS
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.errors import StoreError
from pinpoint_kit.system.sqlite_files import fault_of, turn_wal_on


@pytest.mark.parametrize("url", ["nonsense", "", "mysql://host/shop", "sqlite+aiosqlite:///a.db"])
def test_an_unknown_database_is_refused(url: str) -> None:
    """The message says which URLs there are."""
    with pytest.raises(StoreError, match="sqlite:///FILE"):
        dialect_of(url)


@pytest.mark.parametrize(
    "place", [place for assumption in ASSUMPTIONS for place in assumption.where]
)
def test_what_is_assumed_names_places_that_exist(place: str) -> None:
    """The list cannot rot: what it names is there, under that name."""
    module, _, name = place.partition(":")
    assert hasattr(import_module(f"pinpoint_kit.engine.{module}"), name)


def test_a_fault_is_worded_for_its_file() -> None:
    """The engine and the spool word the same fault for what they call their file."""
    fault = fault_of(sqlite3.OperationalError("database is locked"))
    assert (fault.kind, fault.is_permanent) == ("locked", False)
    assert fault.sentence("the spool").startswith("another process has locked the spool")
    other = fault_of(ValueError("customer@example.com"))
    assert other.sentence("the spool") == "the spool failed (ValueError); try again"


def test_only_a_locked_file_is_waited_for() -> None:
    """Turning WAL on is tried again while the file is locked; other errors come at once."""
    answers = [
        sqlite3.OperationalError("database is locked"),
        sqlite3.OperationalError("database table is locked"),
        None,
    ]
    ran: list[str] = []

    def run(sql: str) -> None:
        ran.append(sql)
        answer = answers[len(ran) - 1]
        if answer is not None:
            raise answer

    turn_wal_on(run, timeout_s=60.0, pause_s=0.0)
    assert ran == ["PRAGMA journal_mode=WAL"] * 3
    ran.clear()
    answers[1] = sqlite3.OperationalError("disk I/O error")
    with pytest.raises(sqlite3.OperationalError, match="I/O"):
        turn_wal_on(run, timeout_s=60.0, pause_s=0.0)
    ran.clear()
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        turn_wal_on(run, timeout_s=0.0)
