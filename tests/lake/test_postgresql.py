"""The same export from PostgreSQL, whose numbers come out of order and are never used again."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.engine import LakeSource
from pinpoint_kit.errors import StoreError
from pinpoint_kit.lake import export_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgresql import Server

DAYS: dict[str, Any] = {"first": "2026-03-01", "last": "2026-03-04"}


@pytest.fixture
def url(postgresql_server: Server) -> Iterator[str]:
    """Return the URL of a schema of its own."""
    with postgresql_server.schema() as found:
        yield found


def record(pinpoint: pk.Pinpoint, numbers: range) -> None:
    """Record an event of every number, of five endpoints."""
    for number in numbers:
        at = dt.datetime(2026, 3, 1 + number % 3, 10, number % 60, tzinfo=dt.timezone.utc)
        pinpoint.events.record(
            f"device-{number % 5}",
            "level_up",
            timestamp=at,
            attributes={"odd": "na\"me'ü\\\n"},
            metrics={"level": number / 4},
            endpoint=pk.Endpoint(
                user=pk.User(id=f"user-{number % 5}"),
                attributes={"plan": ["pro"]},
                demographic=pk.Demographic(platform="ios"),
            ),
        )
    pinpoint.flush().raise_for_loss()


def test_a_lake_of_postgresql_answers_as_its_store(url: str, tmp_path: Path) -> None:
    """Step by step, then what is new, then without a person who was erased."""
    folder = tmp_path / "lake"
    with pk.connect(url, application="shop") as pinpoint:

        def export(events_a_step: int) -> None:
            with LakeSource.open(url, pinpoint.application_id) as source:
                export_lake(source, folder, events_a_step=events_a_step)
            with pk.open_lake(folder) as lake:
                for name, options in (
                    ("events", {"by": "attributes.odd", "metric": "level"}),
                    ("active", {"actor": "user"}),
                    ("demographics", {"by": "endpoint_attributes.plan"}),
                    ("timeline", {"endpoint_id": "device-1"}),
                ):
                    expected = getattr(pinpoint.analytics, name)(**DAYS, **options)
                    assert getattr(lake, name)(**DAYS, **options).rows == expected.rows
                    assert expected.rows

        record(pinpoint, range(20))
        export(7)
        record(pinpoint, range(20, 30))
        assert pinpoint.erase(user_id="user-2").copies
        export(100)
        assert all(
            b"device-2" not in file.read_bytes() for file in folder.rglob("*") if file.is_file()
        )


def test_a_database_without_the_application_is_refused(url: str) -> None:
    """The error names the database, and no password."""
    with pk.connect(url, application="shop"):
        pass
    with pytest.raises(StoreError, match="Application not found"):
        LakeSource.open(url, "0" * 32)
