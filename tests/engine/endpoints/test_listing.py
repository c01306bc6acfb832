"""Our own ListEndpoints and ListEndpointIds on the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Wire


def listed(wire: Wire, what: str = "endpoints", app: str = "", **query: str) -> Answer:
    """One page."""
    return wire.send(
        "GET", f"/pinpoint-kit/v1/apps/{app or wire.app}/{what}", query=urlencode(query)
    )


def pages(wire: Wire, what: str, size: int) -> list[list[Any]]:
    """All pages, by their tokens."""
    found: list[list[Any]] = []
    query = {"page-size": str(size)}
    while True:
        page = listed(wire, what, **query).json
        found.append(page["Item"])
        if "NextToken" not in page:
            return found
        query["token"] = page["NextToken"]


def test_endpoints_are_listed_as_get_shows_them(wire: Wire) -> None:
    """Each item is what GetEndpoint answers, the user's attributes included."""
    wire.update("b", User={"UserId": "u", "UserAttributes": {"plan": ["pro"]}})
    wire.update("A", Metrics={"level": 2.0})
    assert listed(wire).json == {"Item": [wire.get("A"), wire.get("b")]}


@pytest.mark.parametrize("size", [1, 2, 5, 6])
def test_pages_hold_every_endpoint_once(wire: Wire, size: int) -> None:
    """Pages of any size hold all endpoints, in the order of the ids in lower case."""
    ids = ["é", "B", "a/b", "c", " "]
    wire.batch(*({"Id": name} for name in ids))
    found = pages(wire, "endpoint-ids", size)
    assert [name for page in found for name in page] == [" ", "a/b", "B", "c", "é"]
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    items = [item["Id"] for page in pages(wire, "endpoints", size) for item in page]
    assert items == [name for page in found for name in page]


def test_a_page_stays_right_while_endpoints_go(wire: Wire) -> None:
    """The endpoint at which a page ended may be deleted before the next one is read."""
    wire.batch(*({"Id": name} for name in "abc"))
    token = listed(wire, "endpoint-ids", **{"page-size": "1"}).json["NextToken"]
    wire.send("DELETE", wire.endpoint_path("a"))
    assert listed(wire, "endpoint-ids", token=token).json == {"Item": ["b", "c"]}


def test_other_applications_are_not_listed(wire: Wire) -> None:
    """A listing is of one application, and an unknown one is said to be unknown."""
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    wire.update("mine")
    assert listed(wire, app=other).json == {"Item": []}
    assert listed(wire, app="nothing").message == "Application not found"


@pytest.mark.parametrize(
    "query", [{"page-size": "0"}, {"page-size": "x"}, {"token": "%"}, {"token": "gICA"}]
)
def test_odd_paging_is_refused(wire: Wire, query: dict[str, str]) -> None:
    """Sizes that are no numbers and tokens that are none of ours are 400."""
    assert listed(wire, **query).status == 400


def test_a_later_operation_of_ours_is_501(wire: Wire) -> None:
    """A path below ours that this release does not have is told apart from missing data."""
    assert wire.send("GET", "/pinpoint-kit/v1/apps/a/later").status == 501
