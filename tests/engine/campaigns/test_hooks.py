"""Hooks and custom channels: what they are sent, what their answers do, and what failures leave."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.engine.campaigns.running.hooks import find
from tests.engine.campaigns.conftest import MESSAGE, Campaigns, FakeHook

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

ARN = "arn:aws:lambda:us-east-1:111122223333:function:filter"


@pytest.fixture
def make(make_wire: Callable[..., Wire], clock: Clock) -> Callable[..., Campaigns]:
    """Give a function that opens an engine with hooks."""
    return lambda **hooks: Campaigns(make_wire(hooks=hooks), clock)


def credit_scores(event: Any) -> Any:
    """Do what the guide's example does ("Customizing Segments with AWS Lambda").

    It sets an attribute of each endpoint to a list with a number, and returns the endpoints.
    """
    for key in event["Endpoints"]:
        endpoint = event["Endpoints"][key]
        attributes = endpoint.get("Attributes")
        if not attributes:
            attributes = {}
            endpoint["Attributes"] = attributes
        attributes["CreditScore"] = [len(key) + 650]
    return event["Endpoints"]


def test_the_guides_filter_changes_what_is_said(make: Callable[..., Campaigns]) -> None:
    """It is called for 50 endpoints at a time, and its numbers are texts in the message."""
    hook = FakeHook(credit_scores)
    campaigns = make(filter=hook)
    people = campaigns.people(120)
    campaign = campaigns.create(
        MessageConfiguration={"DefaultMessage": {"Body": "You have {{Attributes.CreditScore}}"}},
        Hook={"LambdaFunctionName": ARN, "Mode": "FILTER"},
    )
    campaigns.work()
    assert campaigns.status(campaign) == "COMPLETED"
    assert campaigns.addressees() == people
    bodies = {row["endpoint"]: json.loads(row["content"])["Body"] for row in campaigns.messages()}
    assert bodies["device-0"] == "You have 658"
    assert [len(call["Endpoints"]) for call in hook.calls] == [50, 50, 20]
    (activity,) = campaigns.activities(campaign)
    head = {k: v for k, v in hook.calls[0].items() if k != "Endpoints"}
    assert head == {
        "ApplicationId": campaigns.wire.app,
        "CampaignId": campaign,
        "TreatmentId": "0",
        "ActivityId": activity["Id"],
        "ScheduledTime": activity["ScheduledStart"],
        "MessageConfiguration": {"DefaultMessage": {"Body": "You have {{Attributes.CreditScore}}"}},
    }
    shown = campaigns.wire.get("device-0")
    shown.pop("Id")
    shown["Attributes"] = {"CreditScore": [658]}  # as the function has changed what it was sent
    assert hook.calls[0]["Endpoints"]["device-0"] == shown


def test_requests_are_answered_while_a_function_is_called(make: Callable[..., Campaigns]) -> None:
    """In memory, too, where one connection is there for all."""
    answered: list[int] = []

    def function(event: Any) -> Any:
        asking = threading.Thread(
            target=lambda: answered.append(campaigns.wire.update("other").status), daemon=True
        )
        asking.start()
        asking.join(10)
        assert not asking.is_alive()
        return event["Endpoints"]

    campaigns = make(filter=FakeHook(function))
    campaigns.people(3)
    campaigns.create(Hook={"LambdaFunctionName": ARN, "Mode": "FILTER"})
    campaigns.work()
    assert answered == [202]
    assert len(campaigns.messages()) == 3


def test_who_is_dropped_gets_nothing_and_has_no_record(make: Callable[..., Campaigns]) -> None:
    """An endpoint that the answer lacks is counted as filtered out; strangers are not added."""

    def function(event: Any) -> Any:
        kept = {k: v for k, v in event["Endpoints"].items() if k != "device-1"}
        return {**kept, "stranger": {"Address": "x", "ChannelType": "GCM"}}

    campaigns = make(filter=FakeHook(function))
    campaigns.people(3)
    campaign = campaigns.create(Hook={"LambdaFunctionName": "filter"})
    campaigns.work()
    assert campaigns.sends() == {"device-0": "SUCCESS", "device-2": "SUCCESS"}
    assert campaigns.metrics(campaign) == {"ENDPOINT_PRODUCED": 3, "FILTERED_OUT_BY_SEGMENT": 1}


def test_overrides_are_for_push_and_sms(make: Callable[..., Campaigns]) -> None:
    """TitleOverride and BodyOverride win, but not in e-mail."""

    def function(event: Any) -> Any:
        return {
            key: {**endpoint, "TitleOverride": "T", "BodyOverride": "B"}
            for key, endpoint in event["Endpoints"].items()
        }

    campaigns = make(filter=FakeHook(function))
    campaigns.people(1)
    campaigns.wire.update("mail", ChannelType="EMAIL", Address="a@example.com")
    mail = {"EmailMessage": {"Title": "News", "Body": "Own"}}
    campaigns.create(
        MessageConfiguration={**MESSAGE, **mail}, Hook={"LambdaFunctionName": "filter"}
    )
    campaigns.work()
    found = {row["channel"]: json.loads(row["content"]) for row in campaigns.messages()}
    assert (found["GCM"]["Title"], found["GCM"]["Body"]) == ("T", "B")
    assert (found["EMAIL"]["Title"], found["EMAIL"]["Body"]) == ("News", "Own")


@pytest.mark.parametrize(
    "answer",
    [
        [1],
        "Success",
        {"device-0": 1},
        {"device-0": {"User": "x"}},
        {"device-0": {"User": {"UserId": {"a": 1}}}},
        {"device-0": {"Attributes": "x"}},
        {"device-0": {"Demographic": [1]}},
        None,
    ],
)
def test_a_hook_that_fails_three_times_keeps_the_message_back(
    make: Callable[..., Campaigns], answer: Any
) -> None:
    """An answer that is no map of endpoints is a failure, too."""
    hook = FakeHook(lambda _: 1 / 0 if answer is None else answer)
    campaigns = make(filter=hook)
    campaigns.people(2)
    campaign = campaigns.create(Hook={"LambdaFunctionName": "filter"})
    campaigns.work()
    assert len(hook.calls) == 3
    assert set(campaigns.sends().values()) == {"HOOK_FAILURE"}
    assert campaigns.messages() == []
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("COMPLETED", "FAIL")


def test_a_hook_cannot_give_a_message_to_another_person(make: Callable[..., Campaigns]) -> None:
    """It can change what is said; whose the message is, by which an erasure goes, stays."""

    def function(event: Any) -> Any:
        return {
            name: {**endpoint, "User": {"UserId": 5}, "Attributes": None}
            for name, endpoint in event["Endpoints"].items()
        }

    campaigns = make(filter=FakeHook(function))
    campaigns.people(1, User={"UserId": "ann"}, Attributes={"a": ["b"]})
    campaigns.create(
        Hook={"LambdaFunctionName": "filter"},
        MessageConfiguration={"DefaultMessage": {"Body": "<{{User.UserId}}{{Attributes.a}}>"}},
    )
    campaigns.work()
    (message,) = campaigns.messages()
    assert message["user_id"] == "ann"
    assert '"Body":"<5>"' in message["content"]


def test_a_hook_that_fails_once_is_called_again(make: Callable[..., Campaigns]) -> None:
    """The second call counts."""
    hook = FakeHook(lambda event: event["Endpoints"] if len(hook.calls) == 2 else 1 / 0)
    campaigns = make(filter=hook)
    campaigns.people(2)
    campaigns.create(Hook={"LambdaFunctionName": "filter"})
    campaigns.work()
    assert len(hook.calls) == 2
    assert len(campaigns.messages()) == 2


def messenger(sent: list[Any]) -> Callable[[Any], Any]:
    """Return what the guide's example does ("Creating Custom Channels"), but for the network."""
    attribute = "facebookMessengerPsid"

    def is_active(endpoint: Any) -> bool:
        user = endpoint.get("User") or {}
        return bool((user.get("UserAttributes") or {}).get(attribute))

    def deliver(message: Any, user: Any) -> None:
        text = message["smsmessage"]["body"]
        psid = user["UserAttributes"][attribute][0]
        sent.append({"recipient": {"id": psid}, "message": {"text": text}})

    def handler(event: Any) -> Any:
        if event.get("Message") and event.get("Endpoints"):
            for endpoint in event["Endpoints"].values():
                if is_active(endpoint):
                    deliver(event["Message"], endpoint["User"])
        return "Success"

    return handler


def test_the_guides_custom_channel_of_2018_delivers(make: Callable[..., Campaigns]) -> None:
    """A hook of the mode DELIVERY is all that delivers, whatever it answers."""
    sent: list[Any] = []
    campaigns = make(messenger=FakeHook(messenger(sent)))
    attributes = {"facebookMessengerPsid": ["1667566386619741"]}
    campaigns.people(1, User={"UserId": "u", "UserAttributes": attributes})
    campaigns.wire.update("other", ChannelType="GCM", Address="x")
    campaign = campaigns.create(
        MessageConfiguration={"SMSMessage": {"Body": "This message should be intercepted."}},
        Hook={"LambdaFunctionName": "messenger", "Mode": "DELIVERY"},
    )
    campaigns.work()
    text = "This message should be intercepted."
    assert sent == [{"recipient": {"id": "1667566386619741"}, "message": {"text": text}}]
    assert campaigns.status(campaign) == "COMPLETED"
    assert set(campaigns.sends().values()) == {"SUCCESS"}
    assert campaigns.messages() == []


def test_a_custom_channel_gets_its_endpoints(make: Callable[..., Campaigns]) -> None:
    """It has the data, an empty message, and the cohort among the attributes of each endpoint."""
    hook = FakeHook(lambda _: {"anything": True})
    campaigns = make(**{"https://example.com/deliver": hook})
    campaigns.people(2)
    campaigns.wire.update("mail", ChannelType="EMAIL", Address="a@example.com")
    campaign = campaigns.create(
        MessageConfiguration={"CustomMessage": {"Data": "x=1"}, **MESSAGE},
        CustomDeliveryConfiguration={
            "DeliveryUri": "https://example.com/deliver",
            "EndpointTypes": ["EMAIL"],
        },
    )
    campaigns.work()
    assert campaigns.sends() == dict.fromkeys(("device-0", "device-1", "mail"), "SUCCESS")
    assert campaigns.addressees() == ["device-0", "device-1"]
    (call,) = hook.calls
    assert (call["Message"], call["Data"], call["CampaignId"]) == ({}, "x=1", campaign)
    (endpoint,) = call["Endpoints"].values()
    cohort = campaigns.wire.get("mail")["CohortId"]
    assert endpoint["Attributes"]["CohortId"] == [cohort]
    assert "CreationDate" in endpoint


def test_a_custom_channel_that_fails_is_recorded(make: Callable[..., Campaigns]) -> None:
    """Its endpoints have the status CUSTOM_DELIVERY_FAILURE, and the run fails."""
    campaigns = make(deliver=FakeHook(lambda _: 1 / 0))
    campaigns.wire.update("one", ChannelType="CUSTOM", Address="x")
    campaign = campaigns.create(
        MessageConfiguration={"CustomMessage": {"Data": "x"}},
        CustomDeliveryConfiguration={"DeliveryUri": "deliver"},
    )
    campaigns.work()
    assert campaigns.sends() == {"one": "CUSTOM_DELIVERY_FAILURE"}
    assert campaigns.activities(campaign)[0]["Result"] == "FAIL"


def test_a_hook_that_nobody_has_given_is_never_called(campaigns: Campaigns) -> None:
    """A stored name alone opens no connection: the campaign is INVALID."""
    campaigns.people(1)
    for members in (
        {"Hook": {"WebUrl": "https://example.com/"}},
        {
            "MessageConfiguration": {"CustomMessage": {"Data": "x"}},
            "CustomDeliveryConfiguration": {"DeliveryUri": ARN},
        },
    ):
        campaign = campaigns.create(**members)
        campaigns.work()
        assert campaigns.status(campaign) == "INVALID"
    assert campaigns.sends() == {}


def test_functions_are_known_by_name_and_by_arn() -> None:
    """Either may be given, and either asked for; a URL is itself alone."""
    hook = FakeHook(lambda _: None)
    for known in ("filter", ARN, f"{ARN}:live"):
        for asked in ("filter", ARN, f"{ARN}:live"):
            assert find({known: hook}, asked) is hook
        assert find({known: hook}, "other") is None
        assert find({known: hook}, "https://example.com/filter") is None
