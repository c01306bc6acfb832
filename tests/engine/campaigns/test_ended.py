"""Messages that wait for a transport when their campaign ends, and whose events they keep."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pinpoint_kit.records.message import Sent
from tests.engine.campaigns.conftest import MESSAGE, Campaigns, FakeTransport
from tests.engine.campaigns.test_streams import with_stream
from tests.engine.campaigns.test_triggers import put, schedule

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire


def delete(campaigns: Campaigns, campaign: str) -> None:
    """Delete the campaign."""
    campaigns.delete(campaign)


def change(campaigns: Campaigns, campaign: str) -> None:
    """Pause the campaign, and replace it by one that begins much later."""
    assert campaigns.update(campaign, IsPaused=True).status == 200
    later = schedule(StartTime="2026-02-01T00:00:00Z")
    segment = campaigns.get(campaign)["SegmentId"]
    answer = campaigns.update(
        campaign, SegmentId=segment, Schedule=later, MessageConfiguration=MESSAGE
    )
    assert answer.status == 200


def delete_segment(campaigns: Campaigns, campaign: str) -> None:
    """Delete the segment, which ends the campaign."""
    segment = campaigns.get(campaign)["SegmentId"]
    campaigns.wire.send("DELETE", f"{campaigns.base}/segments/{segment}")


def started(make_wire: Callable[..., Wire], clock: Clock) -> tuple[Campaigns, str]:
    """Return a campaign of which a transport has taken three messages, and four wait."""
    transport = FakeTransport(lambda _: Sent())
    campaigns = with_stream(make_wire(transports={"PUSH": transport}), clock)
    people = campaigns.people(7)
    campaign = campaigns.create(Schedule=schedule())
    for endpoint in people:
        put(campaigns, endpoint, f"event-of-{endpoint}")
    while not transport.sent:
        assert campaigns.wire.engine.step()
    assert Counter(campaigns.sends().values()) == {"SUCCESS": 3, "PENDING": 4}
    return campaigns, campaign


@pytest.mark.parametrize("end", [delete, change, delete_segment])
def test_what_waits_when_a_campaign_ends_has_failed(
    make_wire: Callable[..., Wire], clock: Clock, end: Callable[[Campaigns, str], None]
) -> None:
    """Message, send, record and activity say so, and nothing is looked at again and again."""
    campaigns, campaign = started(make_wire, clock)
    end(campaigns, campaign)
    campaigns.work()
    found = Counter((m["status"], m["status_text"]) for m in campaigns.messages())
    why = "The campaign ended before a transport took the message"
    assert found == {("SUCCESSFUL", ""): 3, ("PERMANENT_FAILURE", why): 4}
    assert Counter(campaigns.sends().values()) == {"SUCCESS": 3, "FAILURE": 4}
    rows = campaigns.wire.rows("SELECT records FROM stream_backlog")
    told = re.findall(r'"campaign_send_status":"(\w+)"', " ".join(row["records"] for row in rows))
    assert Counter(told) == {"SUCCESS": 3, "FAILURE": 4}
    (activity,) = campaigns.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("CANCELLED", "SUCCESS")
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (7, 3)
    (row,) = campaigns.wire.rows("SELECT open, position FROM campaign_activities")
    assert (row["open"], "event-of" in row["position"]) == (None, False)


def test_an_erasure_reaches_the_events_of_a_run(
    make_wire: Callable[..., Wire], clock: Clock
) -> None:
    """No id of an event of theirs is left, even while the campaign is paused."""
    campaigns, campaign = started(make_wire, clock)
    assert campaigns.update(campaign, IsPaused=True).status == 200
    campaigns.wire.send("DELETE", f"{campaigns.base}/endpoints/device-5")
    (row,) = campaigns.wire.rows("SELECT position FROM campaign_activities")
    assert sorted(event for _, event in json.loads(row["position"])["sending"]) == [
        "",
        "event-of-device-3",
        "event-of-device-4",
        "event-of-device-6",
    ]
    assert campaigns.update(campaign, IsPaused=False).status == 200
    campaigns.work()
    assert set(campaigns.sends().values()) == {"SUCCESS"}
    assert campaigns.messages()[5]["status"] == "PERMANENT_FAILURE"


def test_an_erasure_during_a_call_stays(make_wire: Callable[..., Wire], clock: Clock) -> None:
    """What a call stores does not bring back the ids of events that went meanwhile."""

    def answer(_: object) -> Sent:
        campaigns.wire.send("DELETE", f"{campaigns.base}/endpoints/device-5")
        return Sent()

    transport = FakeTransport(answer)
    campaigns = Campaigns(make_wire(transports={"PUSH": transport}), clock)
    people = campaigns.people(7)
    campaigns.create(Schedule=schedule())
    for endpoint in people:
        put(campaigns, endpoint, f"event-of-{endpoint}")
    while not transport.sent:
        assert campaigns.wire.engine.step()
    (row,) = campaigns.wire.rows("SELECT position FROM campaign_activities")
    assert "event-of-device-4" in row["position"]
    assert "event-of-device-5" not in row["position"]
