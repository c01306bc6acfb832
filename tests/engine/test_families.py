"""What families export: operations without doubles, tables to empty, what is held of persons."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, insert

import pinpoint_kit.engine
from pinpoint_kit.engine import handlers
from pinpoint_kit.engine.analytics.answers import ANSWERS
from pinpoint_kit.engine.applications import operations as applications
from pinpoint_kit.engine.storage.tables.metadata import METADATA

if TYPE_CHECKING:
    from pinpoint_kit.engine.context import Family
    from tests.engine.conftest import Wire

ENGINE = Path(pinpoint_kit.engine.__file__).parent
#: Columns that tell who somebody is.
PERSONAL = {"endpoint", "user_id", "address"}


def test_every_family_is_in_the_table() -> None:
    """Each folder with an operations.py is listed, under the folder's own name."""
    folders = {path.parent.name for path in ENGINE.glob("*/operations.py")}
    assert [family.name for family in handlers.FAMILIES if family.name not in folders] == []
    assert {family.name for family in handlers.FAMILIES} == folders


def test_doubles_are_refused() -> None:
    """Two families cannot answer one operation."""
    with pytest.raises(ValueError, match="two families answer B, C"):
        handlers.merged([{"A": 1, "B": 1, "C": 1}, {"B": 2, "C": 2}])
    assert handlers.merged([{"A": 1}, {"B": 2}]) == {"A": 1, "B": 2}


def test_an_operation_is_an_extension_or_pinpoint_s_own() -> None:
    """No name stands in both tables, where one would hide the other."""
    assert handlers.OPERATIONS.keys() & handlers.EXTENSIONS.keys() == set()


def test_what_is_loaded_late_answers_all_that_the_family_of_numbers_lists() -> None:
    """A name without a handler, or the other way round, would be found by the first user only."""
    family = next(family for family in handlers.FAMILIES if family.name == "analytics")
    assert ANSWERS.keys() == {*family.operations, *family.extensions}


def test_the_workers_of_all_families_are_run(wire: Wire) -> None:
    """What a family's `workers` makes is what the engine takes turns with, by unique names."""
    names = []
    for place, lane in enumerate(handlers.LANES):
        made = handlers.workers(wire.engine._context, lambda: 0.0, lane)
        assert list(wire.engine.lanes[place].runner.workers) == [worker.name for worker in made]
        names += [worker.name for worker in made]
    assert {"import-jobs", "export-jobs", "campaigns"} <= set(names)
    assert len(set(names)) == len(names)


def test_every_table_belongs_to_a_family_that_answers_for_persons() -> None:
    """A family whose tables name endpoints, users or addresses says what it holds of a person."""
    answers: dict[str, Family] = {family.name: family for family in handlers.FAMILIES}
    silent = [
        f"{path.stem}.{table.name}"
        for path in (ENGINE / "storage/tables").glob("*.py")
        if path.stem in answers and answers[path.stem].held_of_person is None
        for table in vars(import_module(f"pinpoint_kit.engine.storage.tables.{path.stem}")).values()
        if isinstance(table, Table) and PERSONAL & set(table.c.keys())
    ]
    assert silent == []


def test_delete_app_empties_every_table_with_a_column_app(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A table of a family that comes later needs no line anywhere."""
    metadata = MetaData()
    later = Table("later", metadata, Column("app", BigInteger), Column("note", Text))
    other = Table("other", metadata, Column("note", Text))
    for table in METADATA.tables.values():
        table.to_metadata(metadata)
    monkeypatch.setattr(applications, "METADATA", metadata)
    with wire.engine._store.write() as connection:
        metadata.create_all(connection, [later, other])
        connection.execute(insert(later), [{"app": 1, "note": "a"}, {"app": 2, "note": "b"}])
        connection.execute(insert(other).values(note="c"))
    assert wire.send("DELETE", f"/v1/apps/{wire.app}").status == 200
    assert wire.rows("SELECT app, note FROM later") == [{"app": 2, "note": "b"}]
    assert wire.rows("SELECT note FROM other") == [{"note": "c"}]
