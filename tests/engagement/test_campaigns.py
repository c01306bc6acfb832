"""`pinpoint.campaigns`: made, changed, run to their end, and what came of them."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit.engagement.campaigns import Campaigns
from pinpoint_kit.errors import (
    BadRequest,
    CampaignTimeoutError,
    ConfigurationError,
    InvalidTypeError,
    NotFound,
    ValidationError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

SMS = pk.MessageConfiguration(sms_message=pk.SMSMessage(body="Hi"))
SOON = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give an engine in memory with two telephones."""
    with pk.connect("sqlite://", application="shop") as client:
        client.messages.enable("SMS")
        client.endpoints.update_many(
            pk.Endpoint(id=name, channel_type="SMS", address=address)
            for name, address in (("ana", "+351210000001"), ("ben", "+351210000002"))
        )
        yield client


@pytest.fixture
def everyone(pinpoint: pk.Pinpoint) -> pk.Segment:
    """Give the segment of all endpoints."""
    return pinpoint.segments.create("everyone", pk.SegmentDimensions())


def later(segment: pk.Segment) -> pk.Campaign:
    """Return a campaign that runs every day from tomorrow."""
    return pk.Campaign(
        name="later",
        segment_id=segment,
        schedule=pk.Schedule(start_time=SOON, frequency="DAILY"),
        message_configuration=SMS,
        tags={"team": "growth"},
    )


def test_a_campaign_runs_to_its_end(pinpoint: pk.Pinpoint, everyone: pk.Segment) -> None:
    """An A/B test reaches everybody once, and its results are those of the outbox."""
    made = pinpoint.campaigns.create(
        pk.Campaign(
            name="now",
            segment_id=everyone,
            schedule=pk.Schedule(start_time="IMMEDIATE"),
            message_configuration=SMS,
            additional_treatments=[pk.Treatment(size_percent=50, message_configuration=SMS)],
        )
    )
    assert made.status is pk.CampaignStatus.SCHEDULED
    done = pinpoint.campaigns.wait_until_complete(made, timeout=30)
    assert done.status is pk.CampaignStatus.COMPLETED
    runs = pinpoint.campaigns.activities(made)
    assert {run.treatment_id for run in runs} == {"0", "1"}
    assert all(run.is_finished for run in runs)
    messages = list(pinpoint.outbox.messages())
    assert {message.endpoint_id for message in messages} == {"ana", "ben"}
    assert messages[0].id is not None
    pinpoint.outbox.report(messages[0].id, "clicked", link="https://a.test")
    results = pinpoint.campaigns.results(made)
    assert (results.total.sent, results.total.delivered, results.total.clicked) == (2, 2, 1)
    assert results.total.click_rate == 0.5
    assert results.total.open_rate == 0
    assert sum(treatment.sent for treatment in results.treatments) == 2
    assert results.statuses == {"SUCCESS": 2}


def test_a_campaign_of_another_age_holds_up_none(
    pinpoint: pk.Pinpoint, everyone: pk.Segment
) -> None:
    """What is due in a thousand years does not keep the engine from what is due now."""
    far = pk.Schedule(start_time="2999-01-01T00:00:00Z")
    pinpoint.campaigns.create(attrs.evolve(later(everyone), schedule=far))
    now = pk.Schedule(start_time="IMMEDIATE")
    for _ in range(2):  # the second one comes while the engine waits again
        made = pinpoint.campaigns.create(attrs.evolve(later(everyone), schedule=now))
        assert pinpoint.campaigns.wait_until_complete(made, timeout=30).is_finished


def test_create_get_list_update_delete(pinpoint: pk.Pinpoint, everyone: pk.Segment) -> None:
    """A campaign goes through its life; each change makes a version."""
    made = pinpoint.campaigns.create(later(everyone))
    assert made.tags == {"team": "growth"}
    assert pinpoint.campaigns.get(made) == made
    assert list(pinpoint.campaigns.list()) == [made]
    changed = pinpoint.campaigns.update(attrs.evolve(made, name="renamed"))
    assert (changed.name, changed.version) == ("renamed", 2)
    assert pinpoint.campaigns.get(made, version=1).name == "later"
    assert [each.version for each in pinpoint.campaigns.versions(made)] == [1, 2]
    assert pinpoint.campaigns.pause(made).status is pk.CampaignStatus.PAUSED
    assert pinpoint.campaigns.resume(made).status is pk.CampaignStatus.SCHEDULED
    assert list(pinpoint.campaigns.activities(made)) == []
    assert pinpoint.campaigns.results(made) == pk.CampaignResults(campaign_id=made.id or "")
    assert pinpoint.campaigns.delete(made).status is pk.CampaignStatus.DELETED
    assert list(pinpoint.campaigns.list()) == []
    again = pinpoint.campaigns.create(changed)  # one that was read can be made again
    assert again.id != changed.id


def test_what_is_refused(pinpoint: pk.Pinpoint, everyone: pk.Segment) -> None:
    """What is no campaign is refused here, what says too little by the service."""
    campaigns = pinpoint.campaigns
    wrong: list[Any] = [{}, None, "c"]
    for each in wrong:
        with pytest.raises(InvalidTypeError):
            campaigns.create(each)
    with pytest.raises(ValidationError):
        campaigns.update(later(everyone))  # it has no id
    with pytest.raises(ValidationError):
        campaigns.get("")
    with pytest.raises(InvalidTypeError):
        campaigns.get("c", version="1")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(BadRequest):
        campaigns.create(pk.Campaign(name="empty"))
    for call in (campaigns.get, campaigns.delete, campaigns.pause, campaigns.results):
        with pytest.raises(NotFound):
            call("c" * 32)


def test_waiting_has_an_end(pinpoint: pk.Pinpoint, everyone: pk.Segment) -> None:
    """It looks less often the longer it takes, and gives up in time."""
    made = pinpoint.campaigns.create(later(everyone))
    waits: list[float] = []
    campaigns = Campaigns(
        pinpoint._transport,
        application_id=pinpoint.application_id,
        sleep=waits.append,
        clock=lambda: math.fsum(waits),
    )
    with pytest.raises(CampaignTimeoutError, match="is SCHEDULED after 10 seconds") as caught:
        campaigns.wait_until_complete(made, timeout=10)
    assert caught.value.campaign_id == made.id
    assert math.fsum(waits) == pytest.approx(10)
    assert max(waits) <= 1
    with pytest.raises(CampaignTimeoutError):
        campaigns.wait_until_complete(made, timeout=0)
    with pytest.raises(InvalidTypeError):
        campaigns.wait_until_complete(made, timeout="10")  # type: ignore[arg-type]  # the point


def test_the_hosted_service_counts_no_results(pinpoint: pk.Pinpoint) -> None:
    """It says what to do before anything is sent."""

    class Foreign:
        def call_extension(self, *_: object) -> None:
            return None

    campaigns = Campaigns(Foreign(), application_id=pinpoint.application_id)  # type: ignore[arg-type]  # all of it that is used
    with pytest.raises(ConfigurationError, match="GetCampaignDateRangeKpi"):
        campaigns.results("c" * 32)


def test_each_message_that_cannot_be_read_is_a_warning(
    pinpoint: pk.Pinpoint, everyone: pk.Segment
) -> None:
    """Those of treatments, too."""
    broken = pk.MessageConfiguration(sms_message=pk.SMSMessage(body="{{#if"))
    given = attrs.evolve(
        later(everyone),
        additional_treatments=[pk.Treatment(size_percent=50, message_configuration=broken)],
    )
    place = "AdditionalTreatments[0].MessageConfiguration.SMSMessage.Body: "
    with pytest.warns(pk.TemplateWarning, match=re.escape(place)) as seen:
        made = pinpoint.campaigns.create(given)
    assert [each.filename for each in seen] == [__file__]
    with pytest.warns(pk.TemplateWarning, match=re.escape(place)) as seen:
        pinpoint.campaigns.update(made)
    assert len(seen) == 1
