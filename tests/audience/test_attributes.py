"""Names of attributes that an application keeps no longer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit import AttributeKind
from pinpoint_kit.errors import InvalidTypeError, NotFound, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from botocore.stub import Stubber

OLD = {"old_one": "x", "kept": "y"}


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in memory."""
    with pk.connect("sqlite://") as client:
        yield client


@pytest.mark.parametrize("kind", [*AttributeKind, *(kind.value for kind in AttributeKind)])
def test_removed_names_are_stored_no_longer(
    pinpoint: pk.Pinpoint, kind: AttributeKind | str
) -> None:
    """Names and patterns of this kind are left out of later updates, those of others are not."""
    assert pinpoint.attributes.remove(kind, "old_*") == ("old_*",)
    assert set(pinpoint.attributes.remove(kind, "shoe")) == {"old_*", "shoe"}
    pinpoint.endpoints.update(
        pk.Endpoint(
            id="e",
            attributes=OLD,
            metrics={"old_one": 1, "kept": 2},
            user=pk.User(id="u", attributes=OLD),
        )
    )
    stored = pinpoint.endpoints.get("e")
    assert stored.user is not None
    names = {
        AttributeKind.CUSTOM: set(stored.attributes or ()),
        AttributeKind.METRIC: set(stored.metrics or ()),
        AttributeKind.USER: set(stored.user.attributes or ()),
    }
    removed = names.pop(AttributeKind(kind))
    assert removed == {"kept"}
    assert list(names.values()) == [{"old_one", "kept"}] * 2


@pytest.mark.parametrize(
    ("kind", "names", "error", "path"),
    [
        ("endpoint-moods", ["a"], ValidationError, r"\$\.kind"),
        (None, ["a"], InvalidTypeError, r"\$\.kind"),
        (AttributeKind.USER, [], ValidationError, r"\$\.names"),
        (AttributeKind.USER, ["a", ""], ValidationError, r"\$\.names\[1\]"),
        (AttributeKind.USER, ["a" * 51], ValidationError, r"\$\.names\[0\]"),
        (AttributeKind.USER, [["a"]], InvalidTypeError, r"\$\.names\[0\]"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_sent(
    stub: Stubber, kind: Any, names: list[Any], error: type[Exception], path: str
) -> None:
    """A kind that there is not, and names that none can be."""
    with pk.Pinpoint(stub.client, "a") as pinpoint, pytest.raises(error, match=path):
        pinpoint.attributes.remove(kind, *names)


def test_an_answer_without_names(stub: Stubber) -> None:
    """A service that tells none gives an empty tuple; its refusals are errors as elsewhere."""
    resource = {"ApplicationId": "a", "AttributeType": "endpoint-user-attributes"}
    stub.add_response("remove_attributes", {"AttributesResource": resource})
    stub.add_client_error("remove_attributes", "NotFoundException", "no", 404)
    with pk.Pinpoint(stub.client, "a") as pinpoint:
        assert pinpoint.attributes.remove(AttributeKind.USER, "a") == ()
        with pytest.raises(NotFound):
            pinpoint.attributes.remove(AttributeKind.USER, "a")
