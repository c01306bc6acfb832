"""A shop for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

pytest.importorskip("duckdb", reason="pip install 'pinpoint-kit[lake]'")

from tests.lake.kit import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return a store with two applications, without events."""
    found = Shop(tmp_path)
    yield found
    found.close()
