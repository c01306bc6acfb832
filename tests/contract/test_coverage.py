"""The coverage table tells the truth: what is emulated is called here, what is refused says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from pinpoint_kit.engine import Engine
from tests.contract.doors import MOTO_PROBLEMS, Calls
from tests.model_answers import minimal_parameters, service

if TYPE_CHECKING:
    from tests.contract.doors import Door

ROWS = Engine.coverage()


def test_the_table_has_every_operation_of_the_service_model_once() -> None:
    """122 operations, each with one status."""
    assert sorted(row.operation for row in ROWS) == sorted(service().operation_names)
    assert len(ROWS) == 122
    assert {row.status for row in ROWS} <= {"emulated", "partial", "refused"}


def test_most_operations_are_not_refused() -> None:
    """At least 75 are emulated or partial; whatever is not fully emulated says what is missing."""
    assert sum(row.status != "refused" for row in ROWS) >= 75
    assert [row.operation for row in ROWS if row.status == "partial" and not row.note] == []


def test_every_refused_operation_answers_501_and_its_name(door: Door, app: str) -> None:
    """A real operation that is not emulated is never taken for missing data."""
    answers = {}
    for row in ROWS:
        if row.status != "refused":
            continue
        parameters = minimal_parameters(row.operation, ApplicationId=app)
        with pytest.raises(ClientError) as refused:
            getattr(door.client, xform_name(row.operation))(**parameters)
        answers[row.operation] = refused.value.response
    for operation, response in answers.items():
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 501, operation
        assert response["Error"]["Code"] == "NotImplementedException", operation
        assert response["Error"]["Message"].startswith(f"{operation} "), operation


@pytest.mark.looks_back
def test_every_other_operation_has_succeeded_in_this_suite(door: Door, calls: Calls) -> None:
    """What the table calls emulated or partial was called with success at this door."""
    claimed = {row.operation for row in ROWS if row.status != "refused"}
    assert claimed - calls.answered(door.name) == set()
    assert calls.answered(door.name) - claimed == set()


@pytest.mark.looks_back
def test_every_known_problem_of_moto_is_still_there(calls: Calls) -> None:
    """The list of moto's differences has no entry that moto has mended since."""
    assert calls.moto_problems == MOTO_PROBLEMS.keys()
