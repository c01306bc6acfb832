"""Applications: created, read, listed page by page, deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

pytestmark = pytest.mark.at_moto

#: The form in which the service writes dates.
DATE = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def created(client: Any, **request: object) -> dict[str, Any]:
    """Create an application; `Name` is `shop` unless the test says otherwise."""
    answer = client.create_app(CreateApplicationRequest={"Name": "shop", **request})
    response: dict[str, Any] = answer["ApplicationResponse"]
    return response


def test_create_app_answers_201_with_the_application(client: Any) -> None:
    """CreateApp gives a new id, and the name back."""
    answer = client.create_app(CreateApplicationRequest={"Name": "shop"})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert answer["ApplicationResponse"]["Name"] == "shop"


def test_ids_of_applications_are_32_hex_digits(client: Any) -> None:
    """Every id is new and made of 32 lower-case hex digits."""
    ids = {created(client)["Id"] for _ in range(3)}
    assert len(ids) == 3
    assert all(re.fullmatch("[0-9a-f]{32}", application_id) for application_id in ids)


def test_an_application_has_an_arn_of_mobiletargeting(client: Any) -> None:
    """The ARN carries the signing name and ends in the id."""
    app = created(client)
    assert re.fullmatch(r"arn:aws:mobiletargeting:us-east-1:\d{12}:apps/" + app["Id"], app["Arn"])


def test_the_date_of_creation_is_a_text(door: Door) -> None:
    """Dates are texts in ISO 8601 with milliseconds and Z."""
    app = created(door.client)
    with door.unlike_moto("it answers the seconds since 1970 as a number"):
        assert re.fullmatch(DATE, str(app["CreationDate"]))


def test_get_app_gives_what_create_app_gave(client: Any) -> None:
    """GetApp answers the same as CreateApp did."""
    app = created(client)
    assert client.get_app(ApplicationId=app["Id"])["ApplicationResponse"] == app


def test_tags_given_at_creation_are_part_of_the_application(door: Door) -> None:
    """An application shows the tags that it was created with."""
    with door.unlike_moto("its applications show no tags"):
        app = created(door.client, tags={"stage": "test"})
        assert app["tags"] == {"stage": "test"}
        got = door.client.get_app(ApplicationId=app["Id"])["ApplicationResponse"]
        assert got["tags"] == {"stage": "test"}


def test_names_need_not_be_unique(client: Any) -> None:
    """Two applications may have one name."""
    assert created(client)["Id"] != created(client)["Id"]


def test_get_apps_lists_every_application(client: Any) -> None:
    """GetApps holds what was created, as GetApp shows it."""
    apps = [created(client), created(client)]
    listed = client.get_apps(PageSize="1000")["ApplicationsResponse"]["Item"]
    assert [app for app in listed if app in apps] == apps


def test_get_apps_goes_page_by_page(door: Door) -> None:
    """Page size and token are texts; the last page has no NextToken."""
    for _ in range(3):
        created(door.client)
    everything = door.client.get_apps(PageSize="1000")["ApplicationsResponse"]["Item"]
    page = door.client.get_apps(PageSize="2")["ApplicationsResponse"]
    seen = page["Item"]
    with door.unlike_moto("it has no pages"):
        assert len(seen) == 2
    while page.get("NextToken"):
        page = door.client.get_apps(PageSize="2", Token=page["NextToken"])["ApplicationsResponse"]
        assert 1 <= len(page["Item"]) <= 2
        seen += page["Item"]
    assert seen == everything


def test_delete_app_answers_with_the_application_and_it_is_gone(client: Any) -> None:
    """DeleteApp gives the application back once more; then nobody knows it."""
    app = created(client)
    assert client.delete_app(ApplicationId=app["Id"])["ApplicationResponse"] == app
    with pytest.raises(client.exceptions.NotFoundException):
        client.get_app(ApplicationId=app["Id"])
    with pytest.raises(client.exceptions.NotFoundException):
        client.delete_app(ApplicationId=app["Id"])


def test_deleting_one_application_leaves_the_others(client: Any) -> None:
    """DeleteApp touches one application only."""
    kept, deleted = created(client), created(client)
    client.delete_app(ApplicationId=deleted["Id"])
    assert client.get_app(ApplicationId=kept["Id"])["ApplicationResponse"] == kept


def test_an_unknown_application_is_not_found(client: Any) -> None:
    """GetApp of an id that nobody has is a typed NotFoundException with status 404."""
    with pytest.raises(client.exceptions.NotFoundException) as missing:
        client.get_app(ApplicationId="0" * 32)
    assert missing.value.response["Error"]["Code"] == "NotFoundException"
    assert missing.value.response["Error"]["Message"] == "Application not found"
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_the_error_has_message_and_request_id(door: Door) -> None:
    """The modelled members of an error stand beside its `Error`."""
    with pytest.raises(door.client.exceptions.NotFoundException) as missing:
        door.client.get_app(ApplicationId="0" * 32)
    response = missing.value.response
    with door.unlike_moto("its errors have neither"):
        assert response["Message"] == response["Error"]["Message"]
        assert response["RequestID"] == response["ResponseMetadata"]["RequestId"]


def test_an_application_needs_a_name(door: Door) -> None:
    """CreateApp without a name is a BadRequestException."""
    with (
        door.unlike_moto("it takes any name"),
        pytest.raises(door.client.exceptions.BadRequestException),
    ):
        created(door.client, Name="")
