"""Channels of the ten kinds: settings are stored, secrets are never given back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from botocore import xform_name

if TYPE_CHECKING:
    from tests.contract.doors import Door

SECRET = "s3cr3t-value"
CERTIFICATE = {"Certificate": SECRET, "PrivateKey": SECRET}
TOKEN = {"BundleId": SECRET, "TeamId": SECRET, "TokenKey": SECRET, "TokenKeyId": SECRET}
EMAIL = {"FromAddress": "shop@example.com", "Identity": "arn:aws:ses:us-east-1:1:identity/x"}


@attrs.frozen
class Kind:
    """A kind of channel: how its operations and members are spelled, and what it is made with.

    Attributes:
        name: as in `GetApnsVoipChannel`.
        member: as in `APNSVoipChannelRequest` and `APNSVoipChannelResponse`.
        platform: its name in `ChannelType`.
        request: the least that makes one.
        shown: members of the request that answers give back.
    """

    name: str
    member: str
    platform: str
    request: dict[str, Any]
    shown: dict[str, Any] = attrs.field(factory=dict)


KINDS = [
    Kind("Adm", "ADM", "ADM", {"ClientId": SECRET, "ClientSecret": SECRET}),
    Kind("Apns", "APNS", "APNS", CERTIFICATE),
    Kind("ApnsSandbox", "APNSSandbox", "APNS_SANDBOX", TOKEN),
    Kind("ApnsVoip", "APNSVoip", "APNS_VOIP", CERTIFICATE),
    Kind("ApnsVoipSandbox", "APNSVoipSandbox", "APNS_VOIP_SANDBOX", TOKEN),
    Kind("Baidu", "Baidu", "BAIDU", {"ApiKey": SECRET, "SecretKey": SECRET}),
    Kind("Email", "Email", "EMAIL", EMAIL, EMAIL),
    Kind("Gcm", "GCM", "GCM", {"ApiKey": SECRET}),
    Kind("Sms", "SMS", "SMS", {"SenderId": "SHOP"}, {"SenderId": "SHOP"}),
    Kind("Voice", "Voice", "VOICE", {}),
]
PUSH = [kind for kind in KINDS if kind.platform not in {"EMAIL", "SMS", "VOICE"}]


class Channels:
    """The channels of one application."""

    def __init__(self, client: Any, app: str) -> None:
        self.client = client
        self.app = app

    def _call(self, verb: str, kind: Kind, **parameters: object) -> Any:
        operation = getattr(self.client, xform_name(f"{verb}{kind.name}Channel"))
        return operation(ApplicationId=self.app, **parameters)[f"{kind.member}ChannelResponse"]

    def update(self, kind: Kind, **more: object) -> Any:
        request = {**kind.request, **more}
        return self._call("Update", kind, **{f"{kind.member}ChannelRequest": request})

    def get(self, kind: Kind) -> Any:
        return self._call("Get", kind)

    def delete(self, kind: Kind) -> Any:
        return self._call("Delete", kind)

    def all(self) -> Any:
        answer = self.client.get_channels(ApplicationId=self.app)
        return answer["ChannelsResponse"]["Channels"]


@pytest.fixture
def channels(client: Any, app: str) -> Channels:
    """Give the channels of a new application."""
    return Channels(client, app)


def of_each(kinds: list[Kind]) -> pytest.MarkDecorator:
    """Run a test for each kind."""
    return pytest.mark.parametrize("kind", kinds, ids=lambda kind: kind.name)


@of_each(KINDS)
def test_a_channel_that_nobody_made_is_not_found(channels: Channels, kind: Kind) -> None:
    """A new application has no channels to get."""
    with pytest.raises(channels.client.exceptions.NotFoundException):
        channels.get(kind)
    assert channels.all() == {}


@of_each(KINDS)
def test_deleting_a_channel_that_nobody_made_succeeds(channels: Channels, kind: Kind) -> None:
    """Deleting it, once or twice, answers with a channel that is off, and makes none."""
    for _ in range(2):
        gone = channels.delete(kind)
        assert (gone["Platform"], gone["Enabled"]) == (kind.platform, False)
    assert channels.all() == {}


@of_each(KINDS)
def test_update_makes_the_channel(channels: Channels, kind: Kind) -> None:
    """The answer names application and platform, and gives back what is no secret."""
    made = channels.update(kind, Enabled=True)
    assert (made["ApplicationId"], made["Platform"], made["Enabled"]) == (
        channels.app,
        kind.platform,
        True,
    )
    assert made["Version"] == 1
    assert {name: made[name] for name in kind.shown} == kind.shown
    assert channels.get(kind) == made


@of_each(KINDS)
def test_a_channel_can_be_switched_off(channels: Channels, kind: Kind) -> None:
    """An update with Enabled false changes that, and counts the version on."""
    made = channels.update(kind, Enabled=True)
    updated = channels.update(kind, Enabled=False)
    assert (updated["Enabled"], updated["Version"]) == (False, 2)
    assert updated["CreationDate"] == made["CreationDate"]
    assert channels.get(kind) == updated


@of_each(KINDS)
def test_delete_answers_with_what_it_deleted(channels: Channels, kind: Kind) -> None:
    """The deleted channel is given back once more, and then not found."""
    made = channels.update(kind)
    assert channels.delete(kind) == made
    with pytest.raises(channels.client.exceptions.NotFoundException):
        channels.get(kind)


@of_each(PUSH)
def test_no_answer_holds_a_secret(door: Door, app: str, kind: Kind) -> None:
    """Keys and certificates go in and never come out; the answer says that they are there."""
    path = f"/v1/apps/{app}/channels"
    of_kind = f"{path}/{kind.platform.lower()}"
    assert door.send("PUT", of_kind, kind.request).json["HasCredential"] is True
    answers = [
        door.send("PUT", of_kind, kind.request),
        door.send("GET", of_kind),
        door.send("GET", path),
        door.send("DELETE", of_kind),
    ]
    for answer in answers:
        assert SECRET not in json.dumps([dict(answer.headers), answer.json])


def test_get_channels_has_every_channel_by_its_platform(channels: Channels) -> None:
    """The keys are the names of ChannelType; the values what all kinds have in common."""
    made = {kind.platform: channels.update(kind) for kind in KINDS}
    listed = channels.all()
    assert listed.keys() == made.keys()
    for platform, channel in listed.items():
        assert channel.items() <= {**made[platform], "Id": channel["Id"]}.items()


def test_channels_are_of_one_application(channels: Channels) -> None:
    """Another application does not have them."""
    channels.update(KINDS[0])
    other = channels.client.create_app(CreateApplicationRequest={"Name": "other"})
    assert Channels(channels.client, other["ApplicationResponse"]["Id"]).all() == {}
