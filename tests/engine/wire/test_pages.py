"""Pages are bounded in bytes and names in characters, so that no list fills a server's memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.engine.wire import paging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engine.conftest import Wire

LARGEST_PAGE = 1_000_000


def pages(wire: Wire, path: str, size: int = 1000) -> Iterator[list[Any]]:
    """All pages of a list, each checked to be within its bounds."""
    token = ""
    while True:
        answer = wire.send("GET", path, query=f"page-size={size}&token={token}").json
        items = answer["Item"]
        assert len(items) <= size
        assert len(items) == 1 or len(orjson.dumps(items)) <= LARGEST_PAGE + 2
        yield items
        if "NextToken" not in answer:
            return
        token = answer["NextToken"]


def test_large_endpoints_come_in_more_pages(make_wire: Callable[..., Wire]) -> None:
    """Each once and in order, whatever the page size asks for."""
    wire = make_wire()
    values = {f"a{n}": [c * 100 for c in "xyz"] for n in range(40)}
    ids = [f"device-{n:03}" for n in range(200)]
    for first in range(0, 200, 100):
        wire.batch(*({"Id": i, "Attributes": values} for i in ids[first : first + 100]))
    found = list(pages(wire, f"/pinpoint-kit/v1/apps/{wire.app}/endpoints"))
    assert len(found) > 2
    assert [endpoint["Id"] for page in found for endpoint in page] == ids


@given(sizes=st.lists(st.integers(0, 400_000) | st.none(), max_size=12), size=st.integers(1, 6))
def test_pages_of_anything(sizes: list[int | None], size: int) -> None:
    """Everything that is still there comes once, in order; no page but of one item is too long."""
    seen: list[int] = []
    after = -1
    while True:
        left = [(n, length) for n, length in enumerate(sizes) if n > after]
        answer = paging.page(
            left[: size + 1],
            size,
            lambda item: item[0],
            lambda item: None if item[1] is None else {"n": item[0], "text": "x" * item[1]},
        )
        content = orjson.dumps(answer["Item"])
        items = orjson.loads(content)
        assert len(items) <= size
        assert len(items) <= 1 or len(content) <= LARGEST_PAGE + 2
        seen += [item["n"] for item in items]
        if "NextToken" not in answer:
            break
        assert int(str(answer["NextToken"])) > after
        after = int(str(answer["NextToken"]))
    assert seen == [n for n, length in enumerate(sizes) if length is not None]


@pytest.mark.parametrize(
    ("path", "content", "most"),
    [
        ("segments", {"Name": "?", "Dimensions": {}}, 512),
        ("jobs/export", {"RoleArn": "?", "S3UrlPrefix": "s3://b/x"}, 2048),
        ("jobs/export", {"RoleArn": "r", "S3UrlPrefix": "s3://b/?"}, 4096 - 7),
        ("jobs/import", {"RoleArn": "r", "S3Url": "s3://b/?", "Format": "CSV"}, 4096 - 7),
        ("jobs/import", {"RoleArn": "r", "S3Url": "s3://b/x", "SegmentName": "?", "Format": "CSV",
                         "DefineSegment": True}, 512),
        ("jobs/import", {"RoleArn": "r", "S3Url": "s3://b/x", "ExternalId": "?", "Format": "CSV"},
         1224),
    ],
)  # fmt: skip
def test_names_have_a_length(
    make_wire: Callable[..., Wire], path: str, content: dict[str, Any], most: int
) -> None:
    """One character more is refused, with its place; the longest is not refused for that."""
    wire = make_wire()
    (member,) = [name for name, value in content.items() if "?" in str(value)]

    def ask(length: int) -> str:
        text = str(content[member]).replace("?", "n" * length)
        answer = wire.post(f"/v1/apps/{wire.app}/{path}", {**content, member: text})
        return str(answer.json.get("Message", ""))

    assert f"characters @ $.{member}" in ask(most + 1)
    assert "characters" not in ask(most)
