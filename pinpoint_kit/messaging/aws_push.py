"""`AwsPush`: push through AWS End User Messaging, which lives on as Pinpoint's SendMessages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT, AwsSettings, make_client
from pinpoint_kit.messaging.aws import not_sent_of
from pinpoint_kit.records.message import NotSent, Sent
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from botocore.client import BaseClient

    from pinpoint_kit.records.message import OutgoingMessage

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


class AwsPush:
    """Sends push messages by `SendMessages` of AWS End User Messaging (`pinpoint`).

    Only device tokens and rendered payloads are sent; no endpoint needs to be stored there. The
    application and its push channels, with their certificates and keys, must be.

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
            for group in _without_repeats(messages):
                found |= self._request(group)
        return [found[place] for place in range(len(messages))]

    def close(self) -> None:
        """Close the connections of a client that was made here; idempotent."""
        if self._is_own:
            self._client.close()

    def _request(self, group: Mapping[int, OutgoingMessage]) -> dict[int, Sent | NotSent]:
        found: dict[int, Sent | NotSent] = {}
        sent = {}
        for place, message in group.items():
            if message.channel in _CONFIGURATION_OF:
                sent[place] = message
            else:
                text = f"{self._name}: takes no {message.channel}"
                found[place] = NotSent(text, is_permanent=True, code=400)
        if not sent:
            return found
        try:
            answer = self._client.send_messages(
                ApplicationId=self._application_id, MessageRequest=_message_request(sent.values())
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


def _message_request(messages: Any) -> dict[str, Any]:  # noqa: ANN401 -- a view of values
    addresses: dict[str, dict[str, str]] = {}
    configuration: dict[str, dict[str, str]] = {}
    for message in messages:
        addresses[message.address] = {
            "ChannelType": message.channel,
            "RawContent": message.payload,
        }
        # The service wants a message for the channel, although each address has one of its own.
        configuration.setdefault(
            _CONFIGURATION_OF[message.channel], {"RawContent": message.payload}
        )
    return {"Addresses": addresses, "MessageConfiguration": configuration}


def _without_repeats(messages: Sequence[OutgoingMessage]) -> list[dict[int, OutgoingMessage]]:
    """Part messages, by their places, into requests that have an address once."""
    groups: list[dict[int, OutgoingMessage]] = []
    rounds: dict[str, int] = {}
    for place, message in enumerate(messages):
        number = rounds.get(message.address, 0)
        rounds[message.address] = number + 1
        if number == len(groups):
            groups.append({})
        groups[number][place] = message
    return groups
