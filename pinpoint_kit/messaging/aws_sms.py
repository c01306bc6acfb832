"""`AwsSms`: SMS through AWS End User Messaging, which lives on where Amazon Pinpoint's SMS was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT, AwsSettings, make_client
from pinpoint_kit.messaging.aws import not_sent_of
from pinpoint_kit.records.message import NotSent, Sent
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from botocore.client import BaseClient

    from pinpoint_kit.records.message import OutgoingMessage

__all__ = ["AwsSms"]

_MOST_MESSAGES = 20
#: Members of the request that carry what an operator in India must send along.
_COUNTRY_PARAMETERS = {"EntityId": "IN_ENTITY_ID", "TemplateId": "IN_TEMPLATE_ID"}


class AwsSms:
    """Sends SMS by `SendTextMessage` of AWS End User Messaging (`pinpoint-sms-voice-v2`).

    Throttling and failures of the service are temporary, other refusals permanent; what the service
    said is the status of the message. Each message is one request, and tried once.

    Args:
        client: a boto3 client of `pinpoint-sms-voice-v2`; made of the machine's settings unless
            given.
        origination: the number, pool or sender id that messages come from which do not say so.
        configuration_set: the name of a configuration set.
        region: the Region of a client that is made here.
        endpoint_url: another address of the service for it.
        profile: a profile of the AWS configuration files for it.
        timeout: the seconds that a call of `send` takes at most, up to 240.

    Raises:
        ConfigurationError: no client can be made.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        client: BaseClient | None = None,
        *,
        origination: str = "",
        configuration_set: str = "",
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        timeout: float = DEFAULT_TIMEOUT,
    ) -> None:
        settings = AwsSettings(
            region=region, endpoint_url=endpoint_url, profile=profile, timeout=timeout
        )
        self._is_own = client is None
        self._client: Any = client or make_client("pinpoint-sms-voice-v2", settings, "aws-sms")
        self._name = f"aws-sms://{self._client.meta.region_name}"
        self._origination = origination
        self._configuration_set = configuration_set
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"<AwsSms {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: with the Region."""
        return self._name

    @property
    def most_messages(self) -> int:
        """The most messages of one call of `send`."""
        return _MOST_MESSAGES

    def send(self, messages: Sequence[OutgoingMessage]) -> Sequence[Sent | NotSent]:
        """Send messages, and say of each what became of it, in their order."""
        until = time.monotonic() + self._timeout
        with deadlines.within(self._timeout):
            return [self._one(message, until) for message in messages]

    def close(self) -> None:
        """Close the connections of a client that was made here; idempotent."""
        if self._is_own:
            self._client.close()

    def _one(self, message: OutgoingMessage, until: float) -> Sent | NotSent:
        if time.monotonic() >= until:
            return NotSent(f"{self._name}: not reached within {self._timeout:g} seconds")
        try:
            answer = self._client.send_text_message(**self._request(message))
        except Exception as error:  # noqa: BLE001 -- botocore raises anything at another form
            return not_sent_of(error, self._name)
        return Sent(f"MessageId: {answer.get('MessageId', '')}")

    def _request(self, message: OutgoingMessage) -> dict[str, Any]:
        origination = message.origination_number or message.sender or self._origination
        country = {
            name: str(message.data[member])
            for member, name in _COUNTRY_PARAMETERS.items()
            if message.data.get(member)
        }
        optional = {
            "OriginationIdentity": origination,
            "MessageType": message.message_type,
            "ConfigurationSetName": self._configuration_set,
            "DestinationCountryParameters": country,
        }
        return {
            "DestinationPhoneNumber": message.address,
            "MessageBody": message.body,
            **{name: value for name, value in optional.items() if value},
        }
