"""What tests of messages share: a client with channels on, and what is in the outbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import attrs

from tests.engine.conftest import Wire

if TYPE_CHECKING:
    from tests.engine.conftest import Answer

__all__ = ["EMAIL", "Sender"]

EMAIL = {
    "FromAddress": "shop@example.com",
    "Identity": "arn:aws:ses:us-east-1:1:identity/example.com",
}
_TOKEN = {"BundleId": "b", "TeamId": "t", "TokenKey": "k", "TokenKeyId": "i"}
_CHANNELS: dict[str, dict[str, str]] = {
    "email": EMAIL,
    "sms": {},
    "voice": {},
    "gcm": {"ApiKey": "k"},
    "apns": _TOKEN,
    "adm": {"ClientId": "i", "ClientSecret": "s"},
    "baidu": {"ApiKey": "k", "SecretKey": "s"},
}


@attrs.define
class Sender:
    """Sends from the application of a wire."""

    wire: Wire

    def enable(self, *kinds: str) -> None:
        """Turn channels on; all of them unless some are named."""
        for kind in kinds or _CHANNELS:
            answer = self.wire.put(f"{self._app}/channels/{kind}", _CHANNELS[kind])
            assert answer.status == 200, answer.json

    def send(self, **request: object) -> Answer:
        """SendMessages, as it is answered."""
        request.setdefault("MessageConfiguration", {"DefaultMessage": {"Body": "Hello"}})
        return self.wire.post(f"{self._app}/messages", request)

    def result(self, address: str, channel: str = "EMAIL", **request: object) -> Any:
        """Send to one address, and return its result."""
        answer = self.send(Addresses={address: {"ChannelType": channel}}, **request)
        assert answer.status == 200, answer.json
        return answer.json["Result"][address]

    def endpoint_result(self, endpoint_id: str, settings: Any = None, **request: object) -> Any:
        """Send to one endpoint, and return its result."""
        answer = self.send(Endpoints={endpoint_id: settings or {}}, **request)
        assert answer.status == 200, answer.json
        assert "Result" not in answer.json
        return answer.json["EndpointResult"][endpoint_id]

    def users(self, **request: object) -> Answer:
        """SendUsersMessages, as it is answered."""
        request.setdefault("MessageConfiguration", {"DefaultMessage": {"Body": "Hello"}})
        return self.wire.post(f"{self._app}/users-messages", request)

    def otp(self, **members: object) -> Answer:
        """SendOTPMessage, as it is answered."""
        given = {
            "BrandName": "Shop",
            "Channel": "SMS",
            "DestinationIdentity": "+12065550100",
            "OriginationIdentity": "+12065550199",
            "ReferenceId": "log-in",
        }
        return self.wire.post(f"{self._app}/otp", {**given, **members})

    def verify(self, code: str, **members: object) -> bool:
        """VerifyOTPMessage, and whether the code is right."""
        given = {"DestinationIdentity": "+12065550100", "ReferenceId": "log-in", "Otp": code}
        answer = self.wire.post(f"{self._app}/verify-otp", {**given, **members})
        assert answer.status == 200, answer.json
        valid: bool = answer.json["Valid"]
        return valid

    def outbox(self, **asked: object) -> list[Any]:
        """Return what is in the outbox, all pages of it."""
        found: list[Any] = []
        token = ""
        while True:
            answer = self.ask("find", asked, query=f"page-size=2{token}")
            assert answer.status == 200, answer.json
            found += answer.json["Item"]
            if "NextToken" not in answer.json:
                return found
            token = f"&token={answer.json['NextToken']}"

    def ask(self, path: str, body: object, query: str = "") -> Answer:
        """Call an extension operation of messages."""
        return self.wire.send(
            "POST",
            f"/pinpoint-kit{self._app}/messages/{path}",
            json.dumps(body).encode(),
            query,
        )

    def report(self, message_id: str, outcome: str, **members: object) -> Answer:
        """Report what has become of a message."""
        return self.ask(f"{message_id}/outcomes", {"Outcome": outcome, **members})

    def template(self, kind: str, name: str, **content: object) -> None:
        """Make a template."""
        answer = self.wire.post(f"/v1/templates/{name}/{kind}", content)
        assert answer.status == 201, answer.json

    @property
    def _app(self) -> str:
        return f"/v1/apps/{self.wire.app}"
