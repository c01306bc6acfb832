"""Which endpoints are flattened when they are read: those of which nothing is lost or changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.migration.customer_profiles import convert
from pinpoint_kit.migration.customer_profiles.mapping import merging, packing
from pinpoint_kit.migration.customer_profiles.mapping.packing import SEPARATOR, Plans
from tests.migration.outputs import snapshot, write_lines

if TYPE_CHECKING:
    from pathlib import Path

ENDPOINT: dict[str, Any] = {
    "Id": "e-1",
    "ChannelType": "EMAIL",
    "Address": "ana@example.com",
    "OptOut": "ALL",
    "EffectiveDate": "2026-03-04T05:06:07.890Z",
    "Attributes": {"plan": ["pro"], "interests": ["music", "travel"], "first name": ["Ana"]},
    "Metrics": {"level": 7.0, "spend": 1.5, "count": 3},
    "Demographic": {"Make": "Apple", "Platform": "ios"},
    "Location": {"City": "Lisboa", "Latitude": 38.7},
    "User": {"UserId": "ana", "UserAttributes": {"plan": ["team"]}},
}


def _packed(endpoint: dict[str, Any], key: str = "ana") -> list[str] | None:
    plan = Plans().of(endpoint)
    content = plan and plan.packed(endpoint, key, 1)
    return content.split(SEPARATOR)[:-1] if content else None


def test_an_endpoint_becomes_its_texts() -> None:
    """Every value is there once; the last one, which is left out here, names the shape."""
    assert _packed(ENDPOINT) == [
        *("e-1", "EMAIL", "ALL", "2026-03-04T05:06:07.890Z"),
        *("pro", "music", "travel", "Ana", "team", "Apple", "ios"),
        *("7", "1.5", "3", "38.7", "Lisboa", "ana@example.com"),
    ]


@pytest.mark.parametrize(
    "number", [0, -1, 7.0, -0.0, 0.1, 1e-4, 1e-5, 9.5e-7, 1e15, 1e16, 1.5e300, 5e-324, 2**63 - 1]
)
def test_numbers_are_written_as_python_does(number: float) -> None:
    """Whatever the writer of JSON does with very small and very large ones."""
    assert _packed({"Metrics": {"a": number, "b": 10.0}}) == [
        repr(number).removesuffix(".0"),
        "10",
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"Id": 7},
        {"Id": ""},
        {"ChannelType": "email"},
        {"ChannelType": ["EMAIL"]},
        {"Address": ""},
        {"Address": None},
        {"Address": ["a"]},
        {"Address": "x" * 256},
        {"OptOut": "maybe"},
        {"EndpointStatus": ["ACTIVE"]},
        {"RequestId": "x" * 256},
        {"RequestId": f"a{SEPARATOR}b"},
        {"Colour": "red"},
        {"Attributes": None},
        {"Attributes": []},
        {"Attributes": {"a": "text"}},
        {"Attributes": {"a": {"b": 1}}},
        {"Attributes": {"a": []}},
        {"Attributes": {"": ["x"]}},
        {"Attributes": {"a": [""]}},
        {"Attributes": {"a": [7]}},
        {"Attributes": {"a": [["x"]]}},
        {"Attributes": {f"a{number}": ["x"] for number in range(300)}},
        {"Metrics": {"a": True}},
        {"Metrics": {"a": "7"}},
        {"Metrics": {"": 7}},
        {"Metrics": ["a"]},
        {"Metrics": {"a": float("nan")}},
        {"Demographic": ["Make"]},
        {"Demographic": {"Colour": "red"}},
        {"Demographic": {"Make": None}},
        {"Location": []},
        {"Location": ""},
        {"Location": {"Latitude": "38.7"}},
        {"Location": {"City": 7}},
        {"User": None},
        {"User": "ana"},
        {"User": {"UserId": "ben"}},
        {"User": {"UserId": ["ana"]}},
        {"User": {"UserId": "ana", "UserAttributes": None}},
        {"User": {"UserId": "ana", "Shoe": 42}},
    ],
)
def test_what_would_lose_anything_is_not_packed(change: dict[str, Any]) -> None:
    """It waits as it is, for the code that counts losses."""
    assert _packed({**ENDPOINT, **change}) is None


def test_however_many_shapes_there_are_the_bytes_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is known of shapes is bounded; beyond that it is only slower."""
    endpoints = [
        {
            **dict(sorted(ENDPOINT.items(), reverse=bool(number % 3))),
            "Id": f"e-{number}",
            "Attributes": {f"name-{number % 7}": ["x", f"{number}"], "plan": [f"{number}"]},
            "User": {"UserId": f"u-{number % 5}"},
        }
        for number in range(20)
    ]
    source = write_lines(tmp_path / "endpoints.json", *endpoints)
    convert(source, tmp_path / "many")
    monkeypatch.setattr(packing, "_MAX_PLANS", 2)
    monkeypatch.setattr(merging, "_MAX_KNOWN", 1)
    convert(source, tmp_path / "few")
    assert snapshot(tmp_path / "few") == snapshot(tmp_path / "many")


def test_a_plan_that_is_kept_is_the_same_plan() -> None:
    """The mark depends on nothing but the shape."""
    plans, others = Plans(), Plans()
    plan = plans.of(ENDPOINT)
    others.restore(plans.fresh)
    assert plan is not None
    assert others.marked[plan.mark].singles == plan.singles
    assert others.of(ENDPOINT) is others.marked[plan.mark]
    assert not others.fresh
