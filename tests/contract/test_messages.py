"""Messages through boto3: sent to addresses, endpoints and users, with codes, behind every door."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.contract.doors import Door

_NUMBERS = itertools.count(1)


class Shop:
    """An application of its own, with channels on."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.client = client = door.client
        name = f"messages-{next(_NUMBERS)}"
        created = client.create_app(CreateApplicationRequest={"Name": name})
        self.app = created["ApplicationResponse"]["Id"]
        client.update_email_channel(
            ApplicationId=self.app,
            EmailChannelRequest={
                "FromAddress": "shop@example.com",
                "Identity": "arn:aws:ses:us-east-1:1:identity/example.com",
            },
        )
        client.update_sms_channel(ApplicationId=self.app, SMSChannelRequest={"Enabled": True})

    def endpoint(self, endpoint_id: str, **members: Any) -> None:
        self.client.update_endpoint(
            ApplicationId=self.app, EndpointId=endpoint_id, EndpointRequest=members
        )

    def send(self, **request: Any) -> Any:
        request.setdefault("MessageConfiguration", {"DefaultMessage": {"Body": "Hello"}})
        answer = self.client.send_messages(ApplicationId=self.app, MessageRequest=request)
        return answer["MessageResponse"]

    def outbox(self) -> list[Any]:
        found: list[Any] = self.ask("messages/find")["Item"]
        return found

    def ask(self, path: str, **body: Any) -> Any:
        """Call an extension operation."""
        assert self.door._sender is not None
        at = f"/pinpoint-kit/v1/apps/{self.app}/{path}"
        answer = self.door._sender("POST", at, {}, json.dumps(body).encode())
        assert answer.status == 200, answer.body
        return answer.json


@pytest.fixture
def shop(door: Door) -> Shop:
    """Give an application of its own."""
    return Shop(door)


def test_messages_to_addresses_and_endpoints(shop: Shop) -> None:
    """Each has its result, and the outbox what each of them sees."""
    shop.endpoint(
        "device-1", Address="ann@example.com", ChannelType="EMAIL", Attributes={"n": ["7"]}
    )
    answer = shop.send(
        Addresses={"+12065550100": {"ChannelType": "SMS"}},
        Endpoints={"device-1": {}, "nobody": {}},
        MessageConfiguration={"DefaultMessage": {"Body": "Order {{Attributes.n}}"}},
    )
    assert answer["Result"]["+12065550100"]["DeliveryStatus"] == "SUCCESSFUL"
    assert answer["EndpointResult"]["device-1"]["Address"] == "ann@example.com"
    assert answer["EndpointResult"]["nobody"]["DeliveryStatus"] == "PERMANENT_FAILURE"
    assert [one["Content"]["Body"] for one in shop.outbox()] == ["Order ", "Order 7"]


def test_messages_to_users(shop: Shop) -> None:
    """All endpoints of each."""
    shop.endpoint("device-1", Address="a@example.com", ChannelType="EMAIL", User={"UserId": "ann"})
    shop.endpoint("device-2", Address="+12065550100", ChannelType="SMS", User={"UserId": "ann"})
    answer = shop.client.send_users_messages(
        ApplicationId=shop.app,
        SendUsersMessageRequest={
            "Users": {"ann": {"BodyOverride": "Ann's"}},
            "MessageConfiguration": {"DefaultMessage": {"Body": "Hello"}},
        },
    )["SendUsersMessageResponse"]
    assert answer["Result"]["ann"].keys() == {"device-1", "device-2"}
    assert {one["Content"]["Body"] for one in shop.outbox()} == {"Ann's"}


def test_one_time_passwords(shop: Shop) -> None:
    """The code that is in the outbox is right, once."""
    shop.client.send_otp_message(
        ApplicationId=shop.app,
        SendOTPMessageRequestParameters={
            "BrandName": "Shop",
            "Channel": "SMS",
            "DestinationIdentity": "+12065550100",
            "OriginationIdentity": "+12065550199",
            "ReferenceId": "log-in",
        },
    )
    code = shop.outbox()[-1]["Content"]["Data"]["Otp"]
    valid = [
        shop.client.verify_otp_message(
            ApplicationId=shop.app,
            VerifyOTPMessageRequestParameters={
                "DestinationIdentity": "+12065550100",
                "Otp": code,
                "ReferenceId": "log-in",
            },
        )["VerificationResponse"]["Valid"]
        for _ in range(2)
    ]
    assert valid == [True, False]


@pytest.mark.parametrize("outcome", ["opted_out", "complained", "bounced"])
def test_an_address_that_opted_out(shop: Shop, outcome: str) -> None:
    """It gets nothing until that is lifted: bare, by an endpoint that comes later, no code."""
    number, other = "+12065550100", "+12065550101"
    both = {number: {"ChannelType": "SMS"}, other: {"ChannelType": "SMS"}}
    first = shop.send(Addresses=both)["Result"][number]
    shop.ask(f"messages/{first['MessageId']}/outcomes", Outcome=outcome)
    again = shop.send(Addresses=both)["Result"]
    assert (again[number]["DeliveryStatus"], again[number]["StatusCode"]) == ("OPT_OUT", 200)
    assert again[other]["DeliveryStatus"] == "SUCCESSFUL"
    shop.endpoint("later", Address=number, ChannelType="SMS", OptOut="NONE")
    by_id = shop.send(Endpoints={"later": {}})["EndpointResult"]["later"]
    assert (by_id["DeliveryStatus"], by_id["Address"]) == ("OPT_OUT", number)
    code = shop.client.send_otp_message(
        ApplicationId=shop.app,
        SendOTPMessageRequestParameters={
            "BrandName": "Shop",
            "Channel": "SMS",
            "DestinationIdentity": number,
            "OriginationIdentity": "+12065550199",
            "ReferenceId": "log-in",
        },
    )["MessageResponse"]["Result"][number]
    assert code["DeliveryStatus"] == "OPT_OUT"
    (listed,) = shop.ask("opt-outs/find")["Item"]
    assert (listed["Address"], listed["Reason"]) == (number, outcome)
    assert shop.ask("opt-outs/remove", Channel="SMS", Addresses=[number]) == {"OptOuts": 1}
    assert shop.send(Addresses=both)["Result"][number]["DeliveryStatus"] == "SUCCESSFUL"
    assert shop.ask("opt-outs", Channel="SMS", Addresses=[number]) == {"OptOuts": 1}
    assert shop.send(Addresses=both)["Result"][number]["DeliveryStatus"] == "OPT_OUT"


def test_telephone_numbers(door: Door) -> None:
    """What is known of one."""
    answer = door.client.phone_number_validate(
        NumberValidateRequest={"PhoneNumber": "+12065550142"}
    )["NumberValidateResponse"]
    assert (answer["PhoneType"], answer["CountryCodeIso2"]) == ("MOBILE", "US")


def test_a_template_that_is_not_there(shop: Shop) -> None:
    """404, as boto3 knows it."""
    with pytest.raises(ClientError) as refused:
        shop.send(
            Addresses={"a@example.com": {"ChannelType": "EMAIL"}},
            TemplateConfiguration={"EmailTemplate": {"Name": "none"}},
        )
    assert refused.value.response["Error"]["Code"] == "NotFoundException"
