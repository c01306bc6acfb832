"""Every metric equals its slow computation, on SQLite here and on others in test_sources.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.metrics.example import ask
from tests.metrics import families
from tests.metrics.population import Population, populations, presents
from tests.metrics.sources import AlchemySource

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def source() -> Iterator[AlchemySource]:
    """One database in memory for all examples."""
    found = AlchemySource("sqlite://")
    yield found
    found.close()


@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_metric_equals_its_slow_computation(family: str, source: AlchemySource) -> None:
    """Ties, repeats, late and future events, missing users and DST days change nothing."""

    @settings(max_examples=12, derandomize=True)
    @given(populations(), presents(), st.data())
    def check(population: Population, now: int, data: st.DataObject) -> None:
        source.load(population)
        families.FAMILIES[family](source, population, now, data)

    check()


@pytest.mark.parametrize(
    ("window_ms", "bought"), [(86_400_000, 1), (86_399_999, 0), (86_400_001, 1), (0, 1)]
)
def test_the_window_of_a_funnel_includes_its_end(window_ms: int, bought: int) -> None:
    """A step that comes exactly when the window ends is in time."""
    steps = [{"type": "view"}, {"type": "buy"}]
    story = "a 10-01 view; a 10-02 buy"
    assert ask("funnel", story, steps=steps, window_ms=window_ms) == {"view": 1, "buy": bought}


@pytest.mark.parametrize(("order", "bought"), [("at_or_after", 1), ("after", 0)])
def test_a_funnel_may_ask_for_later_times(order: str, bought: int) -> None:
    """Two steps of one moment count, unless each must be later."""
    steps = [{"type": "view"}, {"type": "buy"}]
    story = "a 10-01 view; a 10-01 buy"
    assert ask("funnel", story, steps=steps, order=order) == {"view": 1, "buy": bought}
