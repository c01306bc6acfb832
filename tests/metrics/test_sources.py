"""The same metrics on an exported lake by DuckDB, and on PostgreSQL; and what Spark would get."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from pinpoint_kit.metrics import DEFINITIONS
from pinpoint_kit.metrics.dialects import Spark, render
from pinpoint_kit.metrics.example import RELATION
from tests.metrics import families
from tests.metrics.population import Population, populations, presents
from tests.metrics.sources import AlchemySource, LakeSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgresql import Server

pytest.importorskip("duckdb", reason="pip install duckdb")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LakeSource]:
    """One store for all examples, each exported to a lake of its own."""
    source = LakeSource(tmp_path_factory.mktemp("lake"))
    yield source
    source.close()


@pytest.fixture(scope="module")
def postgresql(postgresql_server: Server) -> Iterator[AlchemySource]:
    """One schema of the PostgreSQL of this run."""
    with postgresql_server.schema() as url:
        place, _, schema = url.rpartition("schema=")
        source = AlchemySource(
            place.rstrip("?&").replace("postgresql://", "postgresql+psycopg://"), schema
        )
        yield source
        source.close()


def check_family(family: str, source: AlchemySource | LakeSource, examples: int) -> None:
    """Compare a family's metrics on some made-up events; what fails is shrunk on SQLite."""

    @settings(max_examples=examples, derandomize=True, phases=[Phase.generate])
    @given(populations(), presents(), st.data())
    def check(population: Population, now: int, data: st.DataObject) -> None:
        source.load(population)
        families.FAMILIES[family](source, population, now, data)

    check()


@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_lake_gives_the_same(family: str, lake: LakeSource) -> None:
    """What was exported from a store gives the numbers of the slow computation."""
    check_family(family, lake, 2)


@pytest.mark.slow
@pytest.mark.parametrize("family", families.FAMILIES)
def test_a_lake_gives_the_same_on_many(family: str, lake: LakeSource) -> None:
    """The same on more made-up events."""
    check_family(family, lake, 25)


@pytest.mark.parametrize("family", families.FAMILIES)
def test_postgresql_gives_the_same(family: str, postgresql: AlchemySource) -> None:
    """Tables in PostgreSQL, as a store has them, give the numbers of the slow computation."""
    check_family(family, postgresql, 1)


@pytest.mark.slow
@pytest.mark.parametrize("family", families.FAMILIES)
def test_postgresql_gives_the_same_on_many(family: str, postgresql: AlchemySource) -> None:
    """The same on more made-up events."""
    check_family(family, postgresql, 25)


ASKED: dict[str, dict[str, object]] = {
    "event_metrics": {"metric": "n"},
    "funnel": {"steps": [{"type": "view"}, {"type": "view", "attributes": {"screen": "x"}}]},
    "timeline": {"user_id": "u"},
}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_spark_is_written_in_its_own_words(name: str) -> None:
    """Whole division is DIV, names stand in backticks, attributes are subscripts, no OFFSET."""
    definition = DEFINITIONS[name]
    where = {"endpoint_attributes": {"plan": ["pro"]}, "platform": ["ios", None]}
    arguments = {"where": where, "zone": "Europe/Berlin", **ASKED.get(name, {})}
    if any(argument.name == "by" for argument in definition.takes):
        arguments["by"] = "endpoint_attributes.plan"
    plan = definition.measure(definition.question(arguments, now=1_775_000_000_000), RELATION)
    texts = []
    try:
        statement = next(plan)
        while True:
            text, parameters = render(statement, Spark())
            assert isinstance(parameters, dict)
            assert all(f":{key}" in text for key in parameters)
            texts.append(text)
            statement = plan.send([])
    except StopIteration:
        pass
    whole = "\n".join(texts)
    assert "explode(plain_endpoints.attributes[:" in whole
    assert " / " not in whole
    assert "OFFSET" not in whole  # before 3.4 Spark has none
    assert "json" not in whole or name == "timeline"
    assert " DIV 86400000" in whole or name in {"demographics", "heat_map"}
