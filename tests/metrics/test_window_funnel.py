"""Funnels beside ClickHouse's `windowFunnel` in its default mode."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.metrics import measure
from pinpoint_kit.metrics.example import RELATION
from pinpoint_kit.metrics.results import Funnel
from tests.metrics.population import DAY_MS, HOUR_MS, START_MS, Event, Population
from tests.metrics.sources import AlchemySource

if TYPE_CHECKING:
    from pathlib import Path

KINDS = ("view", "cart", "_monetization.purchase", "other")


@pytest.mark.slow
@pytest.mark.parametrize("window", [HOUR_MS, DAY_MS, 7 * DAY_MS])
def test_funnels_equal_window_funnel(window: int, tmp_path: Path) -> None:
    """4,000 random users, with ties, repeats and gaps, get as far in both."""
    chdb = pytest.importorskip("chdb", reason="pip install chdb")
    rng = random.Random(5)  # noqa: S311 -- no secret
    events = tuple(
        Event(
            id=f"{user}-{n}",
            endpoint=f"u{user}",
            user=None,
            type=rng.choice(KINDS),
            time=START_MS + rng.randrange(200) * HOUR_MS,
            arrival=0,
        )
        for user in range(4000)
        for n in range(rng.randrange(1, 12))
    )
    source = AlchemySource("sqlite://")
    source.load(Population(events=events, endpoints=(), users=()))
    steps = [{"type": kind} for kind in KINDS[:3]]
    result = measure(
        "funnel",
        {"first": "2026-03-01", "last": "2026-05-01", "steps": steps, "window_ms": window},
        RELATION,
        now=START_MS + 100 * DAY_MS,
        execute=source.execute,
    )
    source.close()
    assert isinstance(result, Funnel)
    path = tmp_path / "events.csv"
    path.write_text("".join(f"{e.endpoint},{e.time},{e.type}\n" for e in events))
    wanted = ", ".join(f"kind = '{kind}'" for kind in KINDS[:3])
    answer = chdb.query(
        "SELECT countIf(d >= 1), countIf(d >= 2), countIf(d >= 3) FROM ("  # noqa: S608 -- made above
        f"SELECT windowFunnel({window})(toUInt64(t), {wanted}) AS d FROM"
        f" file('{path}', 'CSV', 'who String, t UInt64, kind String') GROUP BY who)",
        "CSV",
    )
    found = [int(n) for n in str(answer).strip().split(",")]
    assert [row.count for row in result.rows] == found
    assert found[2] > 0
