"""An engine whose campaigns run: endpoints, segments and campaigns in a line, and its outbox."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from pinpoint_kit.records.message import HookFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.engine.conftest import Clock, Wire

MESSAGE = {"DefaultMessage": {"Action": "OPEN_APP", "Title": "Hi", "Body": "My message"}}
EMAIL = {"EmailMessage": {"Title": "News", "Body": "Hello {{Attributes.name}}"}}


class Campaigns:
    """Campaigns of the application of a wire."""

    def __init__(self, wire: Wire, clock: Clock) -> None:
        self.wire = wire
        self.clock = clock
        self.base = f"/v1/apps/{wire.app}"
        wire.put(f"{self.base}/channels/gcm", {"ApiKey": "k", "Enabled": True})
        wire.put(
            f"{self.base}/channels/email",
            {"FromAddress": "a@b.example", "Identity": "i", "Enabled": True},
        )

    def people(self, count: int, **members: Any) -> list[str]:
        """Make endpoints with the tokens `token-0` and so on, and return their ids."""
        ids = [f"device-{number}" for number in range(count)]
        for first in range(0, count, 100):
            items = [
                {"Id": each, "ChannelType": "GCM", "Address": f"token-{each}", **members}
                for each in ids[first : first + 100]
            ]
            assert self.wire.batch(*items).status == 202
        return ids

    def segment(self, **members: Any) -> str:
        """Make a segment, of all endpoints unless said."""
        answer = self.wire.post(f"{self.base}/segments", {"Name": "all", **members})
        found: str = answer.json["Id"]
        return found

    def create(self, **members: Any) -> str:
        """Make a campaign that starts at once, and return its id."""
        request = {
            "Name": "news",
            "SegmentId": members.pop("SegmentId", None) or self.segment(),
            "Schedule": {"StartTime": "IMMEDIATE", **members.pop("Schedule", {})},
            "MessageConfiguration": MESSAGE,
            **members,
        }
        answer = self.wire.post(f"{self.base}/campaigns", request)
        assert answer.status == 201, answer.json
        found: str = answer.json["Id"]
        return found

    def get(self, campaign: str) -> Any:
        """Return a campaign."""
        return self.wire.send("GET", f"{self.base}/campaigns/{campaign}").json

    def status(self, campaign: str) -> str:
        """Return the status of a campaign."""
        found: str = self.get(campaign)["State"]["CampaignStatus"]
        return found

    def update(self, campaign: str, **members: Any) -> Any:
        """Send an update, and return the answer."""
        return self.wire.put(f"{self.base}/campaigns/{campaign}", members)

    def delete(self, campaign: str) -> None:
        """Delete a campaign."""
        assert self.wire.send("DELETE", f"{self.base}/campaigns/{campaign}").status == 200

    def activities(self, campaign: str) -> list[Any]:
        """Return the activities, the oldest first."""
        path = f"{self.base}/campaigns/{campaign}/activities"
        answer = self.wire.send("GET", path, query="page-size=1000")
        found: list[Any] = answer.json["Item"][::-1]
        return found

    def metrics(self, campaign: str) -> dict[str, int]:
        """Return the execution metrics of all runs, without those that are 0."""
        counts: Counter[str] = Counter()
        for activity in self.activities(campaign):
            counts.update({k: int(v) for k, v in activity["ExecutionMetrics"].items()})
        return dict(counts)

    def work(self, seconds: float = 0, most: int = 10_000) -> int:
        """Let the clock go on, and do all steps that there are to do."""
        self.clock.advance(seconds)
        steps = 0
        while steps < most and self.wire.engine.step():
            steps += 1
        assert steps < most
        return steps

    def messages(self) -> list[dict[str, Any]]:
        """Return what is in the outbox."""
        return self.wire.rows("SELECT * FROM messages ORDER BY number")

    def addressees(self) -> list[str]:
        """Return the endpoints of all messages in the outbox, in order."""
        return [message["endpoint"] for message in self.messages()]

    def sends(self) -> dict[str, str]:
        """Return the statuses of all sends by endpoint; each was targeted once."""
        rows = self.wire.rows("SELECT endpoint, status FROM campaign_sends")
        found = {row["endpoint"]: row["status"] for row in rows}
        assert len(found) == len(rows)
        return found


@pytest.fixture
def campaigns(wire: Wire, clock: Clock) -> Campaigns:
    """Give campaigns in an engine without transports and hooks."""
    return Campaigns(wire, clock)


@attrs.define
class FakeHook:
    """A hook that calls a function with what it is sent, as a dict."""

    function: Callable[[Any], object]
    name: str = "fake"
    calls: list[Any] = attrs.field(factory=list)

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Call the function."""
        assert timeout == 15.0
        event = json.loads(payload)
        self.calls.append(event)
        try:
            return json.dumps(self.function(event)).encode()
        except ZeroDivisionError:
            raise HookFailed("it divided by zero") from None

    def close(self) -> None:
        """Do nothing."""


@attrs.define
class FakeTransport:
    """A transport that keeps what it is given, and answers what it is told to."""

    answer: Callable[[Any], Any]
    name: str = "fake"
    most_messages: int = 3
    sent: list[Any] = attrs.field(factory=list)

    def send(self, messages: Sequence[Any]) -> Sequence[Any]:
        """Take messages."""
        assert len(messages) <= self.most_messages
        self.sent += messages
        return [self.answer(message) for message in messages]

    def close(self) -> None:
        """Do nothing."""
