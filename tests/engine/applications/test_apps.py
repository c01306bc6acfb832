"""Applications, their settings and their tags."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from pinpoint_kit.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Wire


def test_create_and_get(wire: Wire) -> None:
    """A created application is given back with its id, ARN, name, tags and date."""
    created = wire.post("/v1/apps", {"Name": "café", "tags": {"stage": "test"}})
    assert created.status == 201
    app = created.json
    assert app == {
        "Arn": f"arn:aws:mobiletargeting:us-east-1:000000000000:apps/{app['Id']}",
        "Id": app["Id"],
        "Name": "café",
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "tags": {"stage": "test"},
    }
    assert wire.send("GET", f"/v1/apps/{app['Id']}").json == app
    assert wire.send("GET", f"/v1/apps/{wire.app}").json["tags"] == {}


@pytest.mark.parametrize(
    "payload", [{}, {"Name": ""}, {"Name": None}, {"Name": 7}, {"Name": ["x"]}]
)
def test_a_name_is_needed(wire: Wire, payload: object) -> None:
    """An application without a name is refused."""
    assert wire.post("/v1/apps", payload).status == 400


def test_the_length_of_a_name(make_wire: Callable[..., Wire]) -> None:
    """A name of 64 characters is taken, a longer one refused, and the limit can be replaced."""
    wire = make_wire("sqlite://")
    assert wire.post("/v1/apps", {"Name": "é" * 64}).status == 201
    answer = wire.post("/v1/apps", {"Name": "é" * 65})
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message == "must have at most 64 characters @ $.Name"
    assert len(wire.send("GET", "/v1/apps").json["Item"]) == 2
    other = make_wire("sqlite://", limits=Limits(max_application_name_chars=65))
    assert other.post("/v1/apps", {"Name": "é" * 65}).status == 201


def test_pages(wire: Wire) -> None:
    """GetApps pages in the order of creation, and the last page has no token."""
    ids = [wire.app] + [wire.post("/v1/apps", {"Name": "x"}).json["Id"] for _ in range(4)]
    seen, query = [], "page-size=2"
    for size in (2, 2, 1):
        page = wire.send("GET", "/v1/apps", query=query).json
        assert len(page["Item"]) == size
        seen += [item["Id"] for item in page["Item"]]
        query = f"page-size=2&token={page.get('NextToken')}"
    assert seen == ids
    assert "NextToken" not in page


@pytest.mark.parametrize(
    "query", ["page-size=0", "page-size=-1", "page-size=x", "page-size=1e3", "token=x", "token=-1",
              "page-size=%D9%A3", "token=" + "9" * 30],
)  # fmt: skip
def test_bad_paging_is_refused(wire: Wire, query: str) -> None:
    """Page sizes are positive whole numbers and tokens are our own."""
    assert wire.send("GET", "/v1/apps", query=query).status == 400


@pytest.mark.parametrize("query", ["", "page-size=", "page-size=99999999", "token=&page-size=5"])
def test_empty_and_large_paging_is_tolerated(wire: Wire, query: str) -> None:
    """An empty parameter is as good as none, and a huge page is served as a large one."""
    assert len(wire.send("GET", "/v1/apps", query=query).json["Item"]) == 1


def test_delete_removes_everything(wire: Wire) -> None:
    """Deleting an application deletes its endpoints, users, events and tags, and nobody else's."""
    other = wire.post("/v1/apps", {"Name": "other", "tags": {"a": "b"}}).json["Id"]
    wire.put(
        f"/v1/apps/{other}/endpoints/e", {"User": {"UserId": "u", "UserAttributes": {"a": ["b"]}}}
    )
    before = wire.dump()
    app = wire.post("/v1/apps", {"Name": "gone", "tags": {"a": "b"}}).json
    wire.put(
        f"/v1/apps/{app['Id']}/endpoints/e",
        {"User": {"UserId": "u", "UserAttributes": {"a": ["b"]}}},
    )
    event = {"EventType": "t", "Timestamp": "2026-01-01T00:00:00Z"}
    wire.post(
        f"/v1/apps/{app['Id']}/events",
        {"BatchItem": {"e": {"Endpoint": {}, "Events": {"1": event}}}},
    )
    deleted = wire.send("DELETE", f"/v1/apps/{app['Id']}")
    assert (deleted.status, deleted.json) == (200, app)
    assert wire.dump() == before
    assert wire.send("GET", f"/v1/apps/{app['Id']}").status == 404
    assert wire.send("DELETE", f"/v1/apps/{app['Id']}").status == 404


def test_the_application_is_looked_for_before_the_body(wire: Wire) -> None:
    """A nonsense body for an unknown application is NotFound, as at the service."""
    for method, path in [
        ("POST", "events"), ("PUT", "endpoints"), ("PUT", "endpoints/$"), ("PUT", "settings"),
        ("PUT", "attributes/nonsense"), ("POST", "eventstream"),
    ]:  # fmt: skip
        assert wire.send(method, f"/v1/apps/test/{path}", b"nonsense").status == 404


def tags_path(wire: Wire, app: str = "", region: str = "us-east-1") -> str:
    """Return the path of an application's tags."""
    arn = f"arn:aws:mobiletargeting:{region}:123456789012:apps/{app or wire.app}"
    return f"/v1/tags/{quote(arn, safe='')}"


def test_tags(wire: Wire) -> None:
    """Tags are added, replaced, listed and removed, whatever Region the ARN names."""
    path = tags_path(wire, region="eu-central-1")
    assert wire.post(path, {"tags": {"a": "1", "b": "2"}}).status == 204
    assert wire.post(path, {"tags": {"b": "3", "c": ""}}).status == 204
    assert wire.send("GET", path).json == {"tags": {"a": "1", "b": "3", "c": ""}}
    gone = wire.send("DELETE", path, query="tagKeys=a&tagKeys=c&tagKeys=never")
    assert (gone.status, gone.json) == (204, None)
    assert wire.send("GET", path).json == {"tags": {"b": "3"}}


def test_tags_are_limited(wire: Wire) -> None:
    """A resource has at most 50 tags, counted over all calls, and refused tags are not stored."""
    path = tags_path(wire)
    assert wire.post(path, {"tags": {f"k{n}": "" for n in range(50)}}).status == 204
    assert wire.post(path, {"tags": {"k0": "new"}}).status == 204
    assert wire.post(path, {"tags": {"one more": ""}}).status == 400
    assert (
        wire.post("/v1/apps", {"Name": "x", "tags": {f"k{n}": "" for n in range(51)}}).status == 400
    )
    assert len(wire.send("GET", path).json["tags"]) == 50


@pytest.mark.parametrize(
    "tags", [{"": "x"}, {"k" * 129: "x"}, {"k": "x" * 257}, {"aws:k": "x"}, {"k": 1}, [], "x", None]
)
def test_bad_tags_are_refused(wire: Wire, tags: object) -> None:
    """Keys have 1 to 128 characters, values are strings of at most 256."""
    assert wire.post(tags_path(wire), {"tags": tags}).status == 400


def test_tags_of_nothing(wire: Wire) -> None:
    """An unknown application is not found, a text that is no ARN is refused, keys are needed."""
    assert wire.send("GET", tags_path(wire, "x")).status == 404
    assert wire.post(tags_path(wire, "x"), {"tags": {"a": "b"}}).status == 404
    assert wire.send("GET", "/v1/tags/x").status == 400
    assert wire.send("DELETE", tags_path(wire)).status == 400
