"""`AwsPush`: push through AWS End User Messaging, which lives on as Pinpoint's SendMessages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT, AwsSettings, make_client
from pinpoint_kit.messaging.aws import not_sent_of
from pinpoint_kit.records.message import NotSent, OutgoingMessage, Sent
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from botocore.client import BaseClient

__all__ = ["AwsPush"]

#: SendMessages takes 100 addresses:
#: https://docs.aws.amazon.com/pinpoint/latest/developerguide/quotas.html
_MOST_MESSAGES = 100
_TEMPORARY = frozenset({"THROTTLED", "TEMPORARY_FAILURE", "UNKNOWN_FAILURE"})
_THROTTLED = 429
_CONFIGURATION_OF = {
    "ADM": "ADMMessage",
    "APNS": "APNSMessage",
    "APNS_SANDBOX": "APNSMessage",
    "APNS_VOIP": "APNSMessage",
    "APNS_VOIP_SANDBOX": "APNSMessage",
    "BAIDU": "BaiduMessage",
    "GCM": "GCMMessage",
}
#: What a message says to the push service beside its payload; see `OutgoingMessage.data`.
_BESIDE = ("APNSPushType", "CollapseId", "PreferredAuthenticationMethod", "Priority", "TimeToLive")


class AwsPush:
    """Sends push messages by `SendMessages` of AWS End User Messaging (`pinpoint`).

    Only device tokens, rendered payloads and what goes to the push service beside them (such as
    `TimeToLive` and `APNSPushType`) are sent; no endpoint needs to be stored there. The application
    and its push channels, with their certificates and keys, must be.

    Args:
        application_id: the application there.
        client: a boto3 client of `pinpoint`; made of the machine's settings unless given.
        region: the Region of a client that is made here.
        endpoint_url: another address of the service for it.
        profile: a profile of the AWS configuration files for it.
        timeout: the seconds that a call of `send` takes at most, up to 240.

    Raises:
        ConfigurationError: no client can be made.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        application_id: str,
        client: BaseClient | None = None,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        settings = AwsSettings(
            region=region, endpoint_url=endpoint_url, profile=profile, timeout=timeout
        )
        self._is_own = client is None
        self._client: Any = client or make_client("pinpoint", settings, "aws-push")
        self._application_id = application_id
        self._name = f"aws-push://{self._client.meta.region_name}/{application_id}"
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<AwsPush {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: with the Region and the application there."""
        return self._name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return _MOST_MESSAGES

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Send messages, and say of each what became of it, in their order."""
        found: dict[int, Sent | NotSent] = {}
        with deadlines.within(self._timeout):
            for group in _grouped(messages):
                found |= self._request(group)
        return [found[place] for place in range(len(messages))]

    def close(self) -> None:
        """Close the connections of a client that was made here; idempotent."""
        if self._is_own:
            self._client.close()

    def _request(self, group: _Group) -> dict[int, Sent | NotSent]:
        found: dict[int, Sent | NotSent] = {}
        sent = {}
        for place, message in group.messages.items():
            if message.channel in _CONFIGURATION_OF:
                sent[place] = message
            else:
                text = f"{self._name}: takes no {message.channel}"
                found[place] = NotSent(text, is_permanent=True, code=400)
        if not sent:
            return found
        try:
            answer = self._client.send_messages(
                ApplicationId=self._application_id,
                MessageRequest=_message_request(sent.values(), group.beside),
            )
            results = answer["MessageResponse"]["Result"]
        except Exception as error:  # noqa: BLE001 -- botocore raises anything at another form
            outcome = not_sent_of(error, self._name)
            return found | dict.fromkeys(sent, outcome)
        for place, message in sent.items():
            found[place] = self._outcome(results.get(message.address))
        return found

    def _outcome(self, result: Mapping[str, Any] | None) -> Sent | NotSent:
        if not isinstance(result, dict):
            return NotSent(f"{self._name}: the answer says nothing of it")
        status = str(result.get("DeliveryStatus"))
        text = str(result.get("StatusMessage") or "")
        if status == "SUCCESSFUL":
            return Sent(text)
        code = int(result.get("StatusCode") or 500)
        return NotSent(
            text or status,
            is_permanent=status not in _TEMPORARY,
            code=_THROTTLED if status == "THROTTLED" else code,
        )


@attrs.frozen
class _Group:
    """Messages, by their places, that one request can send: an address and a way of sending once.

    Attributes:
        messages: the messages.
        beside: by the names of `_CONFIGURATION_OF`, what goes to the push service with each.
    """

    messages: dict[int, OutgoingMessage] = attrs.field(factory=dict, repr=False)
    beside: dict[str, Mapping[str, object]] = attrs.field(factory=dict, repr=False)
    _addresses: set[str] = attrs.field(factory=set, repr=False)

    def takes(self, place: int, message: OutgoingMessage) -> bool:
        """Add a message, or say that it needs another request."""
        name = _CONFIGURATION_OF.get(message.channel, "")
        beside = {key: message.data[key] for key in _BESIDE if key in message.data}
        if message.address in self._addresses or self.beside.get(name, beside) != beside:
            return False
        self._addresses.add(message.address)
        self.beside[name] = beside
        self.messages[place] = message
        return True


def _message_request(
    messages: Iterable[OutgoingMessage], beside: Mapping[str, Mapping[str, object]]
) -> dict[str, Any]:
    addresses: dict[str, dict[str, str]] = {}
    configuration: dict[str, dict[str, object]] = {}
    for message in messages:
        addresses[message.address] = {
            "ChannelType": message.channel,
            "RawContent": message.payload,
        }
        # The service wants a message for the channel, although each address has one of its own.
        name = _CONFIGURATION_OF[message.channel]
        configuration.setdefault(name, {"RawContent": message.payload, **beside[name]})
    return {"Addresses": addresses, "MessageConfiguration": configuration}


def _grouped(messages: Sequence[OutgoingMessage]) -> list[_Group]:
    """Part messages into as few requests as can send them, in their order."""
    groups: list[_Group] = []
    for place, message in enumerate(messages):
        if not any(group.takes(place, message) for group in groups):
            groups.append(_Group())
            groups[-1].takes(place, message)
    return groups
