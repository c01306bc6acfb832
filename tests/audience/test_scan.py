"""All endpoints and all ids: from the engine directly, elsewhere by an export job."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pinpoint_kit as pk
from pinpoint_kit.errors import ConfigurationError, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.stub import Stubber

EXAMPLE = Path(__file__).parents[2] / "examples" / "list_endpoint_ids.py"


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in memory."""
    with pk.connect("sqlite://", application="shop") as client:
        yield client


def test_everything_is_read_over_pages(pinpoint: pk.Pinpoint) -> None:
    """More than a page holds, each once, with everything that is known."""
    pinpoint.endpoints.update_many(
        pk.Endpoint(id=f"E-{n:04}", metrics={"n": n}) for n in range(1_050)
    )
    assert list(pinpoint.endpoints.ids()) == [f"E-{n:04}" for n in range(1_050)]
    found = pinpoint.endpoints.scan()
    assert next(found) == pinpoint.endpoints.get("e-0000")
    rest = found.to_list()
    assert [endpoint.id for endpoint in rest] == [f"E-{n:04}" for n in range(1, 1_050)]


def test_pages_are_read_as_needed(pinpoint: pk.Pinpoint) -> None:
    """The first page is asked for at once, and the next when it is needed."""
    requests: list[str] = []
    pinpoint.client.meta.events.register_first(
        "before-send.pinpoint.GetApp", lambda request, **_: requests.append(request.url)
    )
    pinpoint.endpoints.update_many(pk.Endpoint(id=f"e-{n:04}") for n in range(1_001))
    ids = pinpoint.endpoints.ids()
    assert len(requests) == 1
    for _ in range(1_000):
        next(ids)
    assert len(requests) == 1
    assert next(ids) == "e-1000"
    assert len(requests) == 2


def test_an_empty_application(pinpoint: pk.Pinpoint) -> None:
    """Nothing is no error."""
    assert pinpoint.endpoints.scan().to_list() == []
    assert list(pinpoint.endpoints.ids()) == []


def test_an_unknown_application() -> None:
    """It is NotFound at once."""
    with pk.connect("sqlite://", application_id="0" * 32) as pinpoint:
        for ask in (pinpoint.endpoints.scan, pinpoint.endpoints.ids):
            with pytest.raises(NotFound):
                ask()


def test_elsewhere_a_place_for_an_export_is_needed(stub: Stubber) -> None:
    """AWS is not asked for a list; the error says what to give."""
    with pk.Pinpoint(stub.client, "a") as pinpoint:
        for ask in (pinpoint.endpoints.scan, pinpoint.endpoints.ids):
            with pytest.raises(ConfigurationError, match=r"give export_to=.*role_arn"):
                ask()


@pytest.mark.parametrize("stub", ["https://pinpoint.example.com"], indirect=True)
def test_where_a_list_cannot_be_asked_for_a_place_for_an_export_is_needed(stub: Stubber) -> None:
    """Another server is asked, and has no such operation."""
    with pk.Pinpoint(stub.client, "a") as pinpoint:
        for ask in (pinpoint.endpoints.scan, pinpoint.endpoints.ids):
            stub.add_client_error("get_app", "NotFoundException", http_status_code=404)
            with pytest.raises(ConfigurationError, match=r"give export_to=.*role_arn"):
                ask()


def test_the_guides_program_is_short() -> None:
    """Listing all ids takes fewer than ten lines of code."""
    tree = ast.parse(EXAMPLE.read_text("utf-8"))
    lines = {
        node.lineno
        for statement in tree.body[1:]
        for node in ast.walk(statement)
        if isinstance(node, (ast.stmt, ast.expr))
    }
    assert len(lines) < 10
