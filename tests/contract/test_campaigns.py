"""Campaigns: made, changed, paused, deleted, kept with their versions, and refused."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

LATER = "2999-01-01T09:00:00-08:00"
MESSAGE = {"DefaultMessage": {"Action": "OPEN_APP", "Title": "Hello", "Body": "My message"}}


def later(**members: Any) -> dict[str, Any]:
    """Return a request for a campaign of the far future, but for its segment."""
    schedule = {"StartTime": LATER, **members.pop("Schedule", {})}
    return {"Name": "news", "MessageConfiguration": MESSAGE, "Schedule": schedule, **members}


@pytest.fixture
def segment(client: Any, app: str) -> str:
    """Give a segment of all endpoints."""
    answer = client.create_segment(ApplicationId=app, WriteSegmentRequest={"Name": "all"})
    found: str = answer["SegmentResponse"]["Id"]
    return found


@pytest.fixture
def create(client: Any, app: str, segment: str) -> Callable[..., dict[str, Any]]:
    """Give a function that makes a campaign of the far future."""

    def made(**members: Any) -> dict[str, Any]:
        request = {"SegmentId": segment, **later(**members)}
        answer = client.create_campaign(ApplicationId=app, WriteCampaignRequest=request)
        campaign: dict[str, Any] = answer["CampaignResponse"]
        return campaign

    return made


def refused(code: str, text: str, call: Callable[..., object], **arguments: Any) -> None:
    """Check that a call is refused."""
    with pytest.raises(ClientError, match=text) as caught:
        call(**arguments)
    assert caught.value.response["Error"]["Code"] == code


def test_a_campaign_is_answered_as_the_service_does(client: Any, app: str, segment: str) -> None:
    """CreateCampaign answers 201, SCHEDULED, Version 1, with everything that was not sent."""
    answer = client.create_campaign(
        ApplicationId=app,
        WriteCampaignRequest={
            "Name": "news",
            "Description": " ",
            "SegmentId": segment,
            "Schedule": {"StartTime": LATER},
            "MessageConfiguration": {
                "DefaultMessage": {"Body": "Hi", "Title": "", "Action": "OPEN_APP"}
            },
            "tags": {"team": "shop"},
        },
    )
    campaign = answer["CampaignResponse"]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    identity = {name: campaign.pop(name) for name in ("Id", "Arn", "CreationDate")}
    assert len(identity["Id"]) == 32
    assert identity["Arn"].endswith(f":apps/{app}/campaigns/{identity['Id']}")
    assert campaign.pop("LastModifiedDate") == identity["CreationDate"]
    assert campaign == {
        "AdditionalTreatments": [],
        "ApplicationId": app,
        "Description": " ",
        "HoldoutPercent": 0,
        "IsPaused": False,
        "Limits": {},
        "MessageConfiguration": {
            "DefaultMessage": {"Body": "Hi", "Title": "", "Action": "OPEN_APP"}
        },
        "Name": "news",
        "Schedule": {"IsLocalTime": False, "StartTime": LATER, "Timezone": "UTC"},
        "SegmentId": segment,
        "SegmentVersion": 1,
        "State": {"CampaignStatus": "SCHEDULED"},
        "TemplateConfiguration": {},
        "Version": 1,
        "tags": {"team": "shop"},
    }
    got = client.get_campaign(ApplicationId=app, CampaignId=identity["Id"])["CampaignResponse"]
    assert got["State"] == {"CampaignStatus": "SCHEDULED"}
    assert client.list_tags_for_resource(ResourceArn=identity["Arn"])["TagsModel"] == {
        "tags": {"team": "shop"}
    }


def test_treatments_have_numbers_and_states(create: Callable[..., dict[str, Any]]) -> None:
    """Additional treatments are "1" to "4", and the campaign's own has a state, too."""
    campaign = create(
        HoldoutPercent=10,
        AdditionalTreatments=[{"SizePercent": 40, "MessageConfiguration": MESSAGE}],
    )
    assert [each["Id"] for each in campaign["AdditionalTreatments"]] == ["1"]
    assert campaign["AdditionalTreatments"][0]["State"] == {"CampaignStatus": "SCHEDULED"}
    assert campaign["DefaultState"] == {"CampaignStatus": "SCHEDULED"}


def test_settings_are_copied_when_a_campaign_is_made(
    client: Any, app: str, create: Callable[..., dict[str, Any]]
) -> None:
    """The application's limits, quiet time and hook are defaults; later changes do not count."""
    hook = {"LambdaFunctionName": "filter", "Mode": "FILTER"}

    def set_limits(daily: int) -> None:
        client.update_application_settings(
            ApplicationId=app,
            WriteApplicationSettingsRequest={
                "CampaignHook": hook,
                "Limits": {"Daily": daily, "Total": 7},
                "QuietTime": {"Start": "22:00", "End": "06:00"},
            },
        )

    set_limits(3)
    campaign = create(Limits={"Total": 5})
    set_limits(4)
    got = client.get_campaign(ApplicationId=app, CampaignId=campaign["Id"])["CampaignResponse"]
    assert got["Limits"] == {"Daily": 3, "Total": 5}
    assert got["Schedule"]["QuietTime"] == {"Start": "22:00", "End": "06:00"}
    assert got["Hook"] == hook


def test_an_update_replaces_the_whole_and_keeps_the_version_before(
    client: Any, app: str, segment: str, create: Callable[..., dict[str, Any]]
) -> None:
    """UpdateCampaign makes a further version; members that are not sent are gone; tags stay."""
    campaign = create(Description="one", tags={"team": "shop"})
    names = {"ApplicationId": app, "CampaignId": campaign["Id"]}
    request = {"SegmentId": segment, **later(Name="two"), "tags": {"not": "looked at"}}
    after = client.update_campaign(**names, WriteCampaignRequest=request)["CampaignResponse"]
    assert (after["Version"], after["Name"], after["tags"]) == (2, "two", {"team": "shop"})
    assert "Description" not in after
    versions = client.get_campaign_versions(**names)["CampaignsResponse"]["Item"]
    assert [(each["Version"], each["Name"]) for each in versions] == [(1, "news"), (2, "two")]
    first = client.get_campaign_version(**names, Version="1")["CampaignResponse"]
    assert (first["Name"], first["Description"]) == ("news", "one")
    refused(
        "NotFoundException",
        "Campaign version not found",
        client.get_campaign_version,
        **names,
        Version="3",
    )


def test_a_campaign_is_paused_and_goes_on(
    client: Any, app: str, create: Callable[..., dict[str, Any]]
) -> None:
    """IsPaused alone makes no version; one that is paused can be made so as well."""
    for campaign in (create(), create(IsPaused=True)):
        names = {"ApplicationId": app, "CampaignId": campaign["Id"]}
        for is_paused, status in ((True, "PAUSED"), (True, "PAUSED"), (False, "SCHEDULED")):
            after = client.update_campaign(**names, WriteCampaignRequest={"IsPaused": is_paused})
            shown = after["CampaignResponse"]
            assert shown["State"]["CampaignStatus"] == status
            assert (shown["IsPaused"], shown["Version"]) == (is_paused, 1)
            assert shown["Name"] == "news"


def test_a_deleted_campaign_can_be_read_for_a_while(
    client: Any, app: str, create: Callable[..., dict[str, Any]]
) -> None:
    """DeleteCampaign answers with DELETED, and the campaign is listed no more."""
    kept, gone = create(), create()
    names = {"ApplicationId": app, "CampaignId": gone["Id"]}
    for call in (client.delete_campaign, client.get_campaign, client.delete_campaign):
        assert call(**names)["CampaignResponse"]["State"] == {"CampaignStatus": "DELETED"}
    listed = client.get_campaigns(ApplicationId=app)["CampaignsResponse"]["Item"]
    assert [each["Id"] for each in listed] == [kept["Id"]]
    for request in ({"IsPaused": True}, later(SegmentId=kept["SegmentId"])):
        refused(
            "BadRequestException",
            "DELETED can't be",
            client.update_campaign,
            **names,
            WriteCampaignRequest=request,
        )


def test_a_campaign_without_its_segment_is_deleted(
    client: Any, app: str, segment: str, create: Callable[..., dict[str, Any]]
) -> None:
    """When its segment is deleted, a campaign fails with the status DELETED."""
    campaign = create()
    client.delete_segment(ApplicationId=app, SegmentId=segment)
    got = client.get_campaign(ApplicationId=app, CampaignId=campaign["Id"])["CampaignResponse"]
    assert got["State"] == {"CampaignStatus": "DELETED"}


def test_campaigns_are_listed_the_newest_first_by_pages(
    client: Any, app: str, create: Callable[..., dict[str, Any]]
) -> None:
    """GetCampaigns pages by tokens."""
    made = [create(Name=str(number))["Id"] for number in range(3)]
    first = client.get_campaigns(ApplicationId=app, PageSize="2")["CampaignsResponse"]
    rest = client.get_campaigns(ApplicationId=app, PageSize="2", Token=first["NextToken"])
    items = first["Item"] + rest["CampaignsResponse"]["Item"]
    assert [each["Id"] for each in items] == made[::-1]
    assert "NextToken" not in rest["CampaignsResponse"]
    names = {"ApplicationId": app, "CampaignId": made[0]}
    activities = client.get_campaign_activities(**names)["ActivitiesResponse"]
    assert activities["Item"] == []


EVENT = {
    "Frequency": "EVENT",
    "EventFilter": {
        "FilterType": "ENDPOINT",
        "Dimensions": {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["purchase"]}},
    },
}


def email_with(**members: object) -> dict[str, Any]:
    """Return the message of a campaign that is an e-mail."""
    return {"MessageConfiguration": {"EmailMessage": {"Title": "S", "Body": "T", **members}}}


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"Schedule": {"StartTime": "2020-01-01T00:00:00Z"}}, "at least current time"),
        ({"Schedule": {"StartTime": "soon"}}, "ISO 8601"),
        ({"Schedule": {"EndTime": "2020-01-01T00:00:00Z"}}, "later than StartTime"),
        ({"Schedule": {"Timezone": "UTC+02:17"}}, "UTC, or an offset"),
        ({"Schedule": {"QuietTime": {"Start": "25:00"}}}, "time of the day"),
        ({"Schedule": {"Frequency": "EVENT"}}, "Missing EventFilter"),
        ({"Schedule": {**EVENT, "Frequency": "DAILY"}}, "is for the frequencies"),
        ({"Schedule": {**EVENT, "IsLocalTime": True}}, "no meaning"),
        ({"Schedule": {"StartTime": "IMMEDIATE", "IsLocalTime": True}}, "date and time"),
        ({"Schedule": {"StartTime": "IMMEDIATE"}, "IsPaused": True}, "can't be paused"),
        ({"MessageConfiguration": {}}, "Missing a message or a template"),
        ({"MessageConfiguration": {"DefaultMessage": {"Body": "x" * 201}}}, "200 characters"),
        ({"MessageConfiguration": {"CustomMessage": {"Data": "x"}}}, "CustomDeliveryConfig"),
        (email_with(FromAddress="a@example.com\r\nBcc: all@example.com"), "must be one line"),
        (email_with(Headers=[{"Name": "X", "Value": "y\nBcc: a@example.com"}]), "must be one line"),
        (email_with(Headers=[{"Name": "X\nBcc", "Value": "y"}]), "must be the name of a header"),
        (
            {
                "AdditionalTreatments": [
                    {"SizePercent": 50, **email_with(FromAddress="a@example.com\n")}
                ]
            },
            "must be one line",
        ),
        ({"CustomDeliveryConfiguration": {"DeliveryUri": ""}}, "Missing DeliveryUri"),
        ({"Schedule": {**EVENT, "Frequency": "IN_APP_EVENT"}}, "an in-app message"),
        ({"Limits": {"Daily": 101}}, "from 1 to 100"),
        ({"Limits": {"MaximumDuration": 59}}, "60 or more"),
        ({"HoldoutPercent": 101}, "from 0 to 100"),
        ({"Hook": {"Mode": "FILTER"}}, "Missing LambdaFunctionName or WebUrl"),
        ({"Priority": 6}, "from 1 to 5"),
        ({"TemplateConfiguration": {"VoiceTemplate": {"Name": "x"}}}, "not for campaigns"),
        ({"TemplateConfiguration": {"EmailTemplate": {}}}, "Missing Name"),
    ],
)
def test_what_has_no_meaning_is_refused(
    create: Callable[..., dict[str, Any]], members: dict[str, Any], text: str
) -> None:
    """Each refusal is a 400 that says what is wrong."""
    refused("BadRequestException", text, create, **members)


def test_shares_of_more_than_all_are_refused(create: Callable[..., dict[str, Any]]) -> None:
    """The holdout and all treatments are 100 percent together at most; 4 treatments are."""
    half = {"SizePercent": 50, "MessageConfiguration": MESSAGE}
    refused(
        "BadRequestException",
        "more than 100 together",
        create,
        HoldoutPercent=1,
        AdditionalTreatments=[half, half],
    )
    none = {"SizePercent": 0, "MessageConfiguration": MESSAGE}
    refused("BadRequestException", "4 at most", create, AdditionalTreatments=[none] * 5)


def test_what_is_not_there_is_not_found(
    client: Any, app: str, create: Callable[..., dict[str, Any]]
) -> None:
    """Unknown segments, versions, templates and campaigns are 404."""
    for members, text in (
        ({"SegmentId": "0" * 32}, "Segment not found"),
        ({"SegmentVersion": 2}, "Segment version not found"),
        ({"TemplateConfiguration": {"EmailTemplate": {"Name": "no-such"}}}, "Template not found"),
    ):
        refused("NotFoundException", text, create, **members)
    for call in (client.get_campaign, client.get_campaign_activities, client.delete_campaign):
        refused(
            "NotFoundException",
            "Campaign not found",
            call,
            ApplicationId=app,
            CampaignId="0" * 32,
        )


def test_the_schedule_is_kept_as_written(create: Callable[..., dict[str, Any]]) -> None:
    """The zone's letters and the start's offset come back as they were sent."""
    schedule = {
        "StartTime": (dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)).isoformat(),
        "Frequency": "ONCE",
        "IsLocalTime": True,
        "Timezone": "utc-08",
    }
    assert create(Schedule=schedule)["Schedule"] == schedule
