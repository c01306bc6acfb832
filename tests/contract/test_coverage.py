"""The coverage table tells the truth: what it calls emulated is called here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.engine import Engine
from tests.contract.doors import MOTO_PROBLEMS, Calls
from tests.model_answers import service

if TYPE_CHECKING:
    from tests.contract.doors import Door

ROWS = Engine.coverage()


def test_the_table_has_every_operation_of_the_service_model_once() -> None:
    """122 operations, each with one status."""
    assert sorted(row.operation for row in ROWS) == sorted(service().operation_names)
    assert len(ROWS) == 122
    assert {row.status for row in ROWS} <= {"emulated", "partial", "refused"}


def test_no_operation_is_refused() -> None:
    """All 122 are answered; whatever is not fully emulated says what is missing."""
    assert [row.operation for row in ROWS if row.status == "refused"] == []
    assert [row.operation for row in ROWS if row.status == "partial" and not row.note] == []


@pytest.mark.looks_back
def test_every_operation_has_succeeded_in_this_suite(door: Door, calls: Calls) -> None:
    """What the table calls emulated or partial was called with success at this door."""
    claimed = {row.operation for row in ROWS if row.status != "refused"}
    assert claimed - calls.answered(door.name) == set()
    assert calls.answered(door.name) - claimed == set()


@pytest.mark.looks_back
def test_every_known_problem_of_moto_is_still_there(calls: Calls) -> None:
    """The list of moto's differences has no entry that moto has mended since."""
    assert calls.moto_problems == MOTO_PROBLEMS.keys()
