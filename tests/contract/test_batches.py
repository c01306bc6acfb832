"""UpdateEndpointsBatch: up to a hundred endpoints, all or none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door


def update(client: Any, app: str, *items: object) -> Any:
    """Send a batch."""
    return client.update_endpoints_batch(
        ApplicationId=app, EndpointBatchRequest={"Item": list(items)}
    )


def get(client: Any, app: str, endpoint_id: str) -> Any:
    """Read an endpoint."""
    return client.get_endpoint(ApplicationId=app, EndpointId=endpoint_id)["EndpointResponse"]


def test_a_batch_is_accepted_as_one(client: Any, app: str) -> None:
    """The answer is 202 with one `Accepted`, whatever the number of items."""
    answer = update(client, app, *({"Id": f"e{i}", "Metrics": {"n": i}} for i in range(100)))
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["MessageBody"]["Message"] == "Accepted"
    assert get(client, app, "e99")["Metrics"] == {"n": 99}


def test_items_merge_as_single_updates_do(client: Any, app: str) -> None:
    """What an item does not name stays."""
    update(client, app, {"Id": "e", "Attributes": {"a": ["1"]}, "User": {"UserId": "u"}})
    update(client, app, {"Id": "e", "Attributes": {"b": ["2"]}})
    got = get(client, app, "e")
    assert (got["Attributes"], got["User"]["UserId"]) == ({"a": ["1"], "b": ["2"]}, "u")


@pytest.mark.parametrize(
    "bad",
    [
        {"Id": "bad", "Address": "without a channel"},
        {"Id": "bad", "Attributes": {"n": ["v" * 101]}},
        {"Id": "b{d"},
        {"Metrics": {"n": 1.0}},
    ],
    ids=["channel", "value", "id", "no id"],
)
def test_one_bad_item_refuses_all(client: Any, app: str, bad: dict[str, Any]) -> None:
    """A batch is applied as a whole or not at all."""
    with pytest.raises(client.exceptions.BadRequestException):
        update(client, app, {"Id": "good", "Metrics": {"n": 1.0}}, bad)
    with pytest.raises(client.exceptions.NotFoundException):
        get(client, app, "good")


def test_101_items_are_too_many(client: Any, app: str) -> None:
    """More than a hundred items are a BadRequestException."""
    with pytest.raises(client.exceptions.BadRequestException):
        update(client, app, *({"Id": f"e{i}"} for i in range(101)))


def test_over_7_megabytes_are_too_large(door: Door, app: str) -> None:
    """The general payload limit answers 413 PayloadTooLargeException."""
    padding = b'{"Item": [{"Id": "e"}], "Padding": "' + b"x" * 7_000_000 + b'"}'
    answer = door.send("PUT", f"/v1/apps/{app}/endpoints", body=padding)
    assert (answer.status, answer.code) == (413, "PayloadTooLargeException")


def test_too_large_is_a_class_of_its_own(client: Any, app: str) -> None:
    """A client of AWS sees a PayloadTooLargeException, though the answer came early."""
    with pytest.raises(client.exceptions.PayloadTooLargeException) as refused:
        update(client, app, {"Id": "e", "Address": "x" * 7_000_000})
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_an_unknown_application_wins_over_a_bad_batch(door: Door) -> None:
    """The application is looked for before the body is read."""
    answer = door.send("PUT", f"/v1/apps/{'0' * 32}/endpoints", body=b"nonsense")
    assert (answer.status, answer.code) == (404, "NotFoundException")
