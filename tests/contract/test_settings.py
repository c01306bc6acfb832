"""Application settings: campaign hook, limits and quiet time, stored and given back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.contract.doors import Door

pytestmark = pytest.mark.at_moto

HOOK = {"LambdaFunctionName": "arn:aws:lambda:us-east-1:1:function:f", "Mode": "FILTER"}
LIMITS = {"Daily": 10, "MaximumDuration": 600, "MessagesPerSecond": 50, "Total": 100}
QUIET = {"Start": "22:00", "End": "06:30"}


def update(client: Any, app: str, **request: object) -> dict[str, Any]:
    """Send settings and return what they are then."""
    answer = client.update_application_settings(
        ApplicationId=app, WriteApplicationSettingsRequest=request
    )
    resource: dict[str, Any] = answer["ApplicationSettingsResource"]
    return resource


def get(client: Any, app: str) -> dict[str, Any]:
    """Read the settings."""
    answer = client.get_application_settings(ApplicationId=app)
    resource: dict[str, Any] = answer["ApplicationSettingsResource"]
    return resource


def test_settings_never_set_are_empty(client: Any, app: str) -> None:
    """A new application has settings, and nothing in them."""
    settings = get(client, app)
    assert settings["ApplicationId"] == app
    assert [settings[name] for name in ("CampaignHook", "Limits", "QuietTime")] == [{}, {}, {}]


def test_settings_are_given_back_as_they_were_sent(client: Any, app: str) -> None:
    """The answer of the update and a later read hold what was sent."""
    updated = update(client, app, CampaignHook=HOOK, Limits=LIMITS, QuietTime=QUIET)
    assert updated["CampaignHook"] == HOOK
    assert updated["Limits"] == LIMITS
    assert updated["QuietTime"] == QUIET
    assert get(client, app) == updated


def test_settings_are_of_one_application(client: Any, app: str) -> None:
    """Another application's settings stay as they are."""
    other = client.create_app(CreateApplicationRequest={"Name": "other"})["ApplicationResponse"]
    update(client, app, Limits=LIMITS)
    assert get(client, other["Id"])["Limits"] == {}


def test_members_that_are_not_sent_stay(door: Door, app: str) -> None:
    """An update of one member leaves the others."""
    update(door.client, app, Limits=LIMITS)
    update(door.client, app, QuietTime=QUIET)
    with door.unlike_moto("an update replaces all settings"):
        assert get(door.client, app)["Limits"] == LIMITS


def test_settings_of_an_unknown_application_are_not_found(client: Any) -> None:
    """Both operations look for the application."""
    with pytest.raises(client.exceptions.NotFoundException):
        get(client, "0" * 32)
    with pytest.raises(client.exceptions.NotFoundException):
        update(client, "0" * 32, Limits=LIMITS)
