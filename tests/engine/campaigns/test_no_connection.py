"""Nothing opens a connection that the operator did not configure, whatever names are stored."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.engine.campaigns.conftest import EMAIL, MESSAGE, Campaigns

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire

ARN = "arn:aws:lambda:us-east-1:111122223333:function:filter"
CUSTOM = {"CustomMessage": {"Data": "data"}}
CHANNELS = ("adm", "apns", "apns_sandbox", "apns_voip", "apns_voip_sandbox", "baidu", "gcm")


class ConnectedError(AssertionError):
    """Somebody has looked for a connection."""


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse every socket and every name, and keep who wanted one."""
    found: list[str] = []

    def refuse(name: str) -> Callable[..., Any]:
        def refused(*_: object, **__: object) -> Any:
            found.append(name)
            raise ConnectedError(name)

        return refused

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse(name))
    for name in ("create_connection", "getaddrinfo", "gethostbyname", "getfqdn"):
        monkeypatch.setattr(socket, name, refuse(name))
    return found


@pytest.fixture
def quiet(make_wire: Callable[..., Wire], clock: Clock, opened: list[str]) -> Campaigns:
    """Give campaigns in an engine with the settings of somebody who has set nothing."""
    assert opened == []
    return Campaigns(make_wire("sqlite://"), clock)


def test_the_refusal_works(opened: list[str]) -> None:
    """Or the tests below would prove nothing."""
    with pytest.raises(ConnectedError):
        socket.create_connection(("127.0.0.1", 1))
    with pytest.raises(ConnectedError), socket.socket() as made:
        made.connect(("127.0.0.1", 1))
    assert opened == ["create_connection", "connect"]


def test_messages_of_every_channel(quiet: Campaigns, opened: list[str]) -> None:
    """All of them end in the outbox, one-time passwords too."""
    wire, base = quiet.wire, quiet.base
    keys = {
        "ApiKey": "k",
        "SecretKey": "s",
        "ClientId": "c",
        "ClientSecret": "s",
        "Certificate": "c",
        "PrivateKey": "k",
    }
    for channel in CHANNELS:
        wire.put(f"{base}/channels/{channel}", {"Enabled": True, **keys})
    for channel in ("sms", "voice"):
        wire.put(f"{base}/channels/{channel}", {"Enabled": True})
    addresses = {
        **{channel: {"ChannelType": channel.upper()} for channel in CHANNELS},
        "ada@example.com": {"ChannelType": "EMAIL"},
        "+15555550100": {"ChannelType": "SMS"},
        "+15555550101": {"ChannelType": "VOICE"},
    }
    answer = wire.post(
        f"{base}/messages",
        {
            "Addresses": addresses,
            "MessageConfiguration": {
                "DefaultMessage": {"Body": "x"},
                "EmailMessage": {
                    "SimpleEmail": {"Subject": {"Data": "x"}, "TextPart": {"Data": "x"}}
                },
            },
        },
    )
    statuses = {key: each["DeliveryStatus"] for key, each in answer.json["Result"].items()}
    assert statuses == dict.fromkeys(addresses, "SUCCESSFUL")
    code = {
        "BrandName": "Shop",
        "Channel": "SMS",
        "DestinationIdentity": "+15555550100",
        "OriginationIdentity": "+15555550000",
        "ReferenceId": "r",
    }
    assert wire.post(f"{base}/otp", code).status == 200
    assert len(quiet.messages()) == len(addresses) + 1
    assert opened == []


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"MessageConfiguration": {**MESSAGE, **EMAIL}},
        {"Hook": {"LambdaFunctionName": "filter", "Mode": "FILTER"}},
        {"Hook": {"LambdaFunctionName": ARN, "Mode": "DELIVERY"}},
        {"Hook": {"WebUrl": "https://hook.example.com/filter", "Mode": "FILTER"}},
        *(
            {
                "MessageConfiguration": CUSTOM,
                "CustomDeliveryConfiguration": {"DeliveryUri": uri, "EndpointTypes": ["GCM"]},
            }
            for uri in ("filter", ARN, "https://hook.example.com/deliver")
        ),
    ],
)
def test_campaigns_with_names_that_the_operator_has_not_mapped(
    quiet: Campaigns, opened: list[str], members: dict[str, Any]
) -> None:
    """They end, and call nobody."""
    quiet.people(3)
    quiet.wire.update("mail", ChannelType="EMAIL", Address="a@example.com")
    campaign = quiet.create(**members)
    quiet.work()
    assert quiet.status(campaign) in {"COMPLETED", "INVALID"}
    assert opened == []


def test_a_hook_of_the_application_settings(quiet: Campaigns, opened: list[str]) -> None:
    """It is a name, too."""
    quiet.people(3)
    hook = {"LambdaFunctionName": ARN, "Mode": "FILTER"}
    quiet.wire.put(f"{quiet.base}/settings", {"CampaignHook": hook})
    quiet.create()
    quiet.work()
    assert opened == []
