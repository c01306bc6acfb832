"""RemoveAttributes: names that are not captured any more."""

from __future__ import annotations

from typing import Any

import pytest


def remove(client: Any, app: str, kind: str, *names: str) -> Any:
    """Send a blacklist and return the attributes resource."""
    answer = client.remove_attributes(
        ApplicationId=app, AttributeType=kind, UpdateAttributesRequest={"Blacklist": list(names)}
    )
    return answer["AttributesResource"]


@pytest.mark.parametrize(
    ("kind", "member", "value"),
    [
        ("endpoint-custom-attributes", "Attributes", ["x"]),
        ("endpoint-metric-attributes", "Metrics", 1.0),
        ("endpoint-user-attributes", "UserAttributes", ["x"]),
    ],
)
def test_removed_names_are_not_captured_any_more(
    client: Any, app: str, kind: str, member: str, value: object
) -> None:
    """Names and globs of a type are left out of later updates; what is stored stays."""

    def update(*names: str) -> Any:
        values = {member: dict.fromkeys(names, value)}
        request = {"User": {"UserId": "u", **values}} if member == "UserAttributes" else values
        client.update_endpoint(ApplicationId=app, EndpointId="e", EndpointRequest=request)
        got = client.get_endpoint(ApplicationId=app, EndpointId="e")["EndpointResponse"]
        return {**got["User"], **got}[member].keys()

    update("kept", "old")
    resource = remove(client, app, kind, "old", "new*")
    assert (resource["ApplicationId"], resource["AttributeType"]) == (app, kind)
    assert set(resource["Attributes"]) >= {"old", "new*"}
    assert update("other", "newer", "old") == {"kept", "old", "other"}


def test_an_unknown_type_is_refused(client: Any, app: str) -> None:
    """There are three types of attributes."""
    with pytest.raises(client.exceptions.BadRequestException):
        remove(client, app, "endpoint-moods", "x")
