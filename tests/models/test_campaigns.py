"""Campaigns as values: through JSON and back, what is checked, and what requests carry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.models.wire.codec import REQUEST
from tests.model_campaigns import CAMPAIGN, EXAMPLES, RESULTS

if TYPE_CHECKING:
    from pinpoint_kit.models.base import Model

CLOCK = st.times().map(lambda time: time.strftime("%H:%M"))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
MESSAGES = st.builds(
    pk.MessageConfiguration,
    default_message=st.none() | st.builds(pk.Message, body=TEXT, title=st.none() | TEXT),
    sms_message=st.none()
    | st.builds(pk.SMSMessage, body=TEXT, message_type=st.sampled_from(pk.MessageType)),
)
CAMPAIGNS = st.builds(
    pk.Campaign,
    name=st.none() | TEXT,
    schedule=st.none()
    | st.builds(
        pk.Schedule,
        start_time=st.just("IMMEDIATE") | st.datetimes(),
        frequency=st.none() | st.sampled_from(pk.Frequency),
        is_local_time=st.none() | st.booleans(),
        quiet_time=st.none() | st.builds(pk.QuietTime, start=st.none() | CLOCK, end=CLOCK),
    ),
    message_configuration=st.none() | MESSAGES,
    additional_treatments=st.none()
    | st.lists(
        st.builds(pk.Treatment, size_percent=st.integers(0, 20), message_configuration=MESSAGES),
        max_size=4,
    ),
    holdout_percent=st.none() | st.integers(0, 20),
    limits=st.none() | st.builds(pk.CampaignLimits, daily=st.none() | st.integers(0, 100)),
    tags=st.none() | st.dictionaries(TEXT, TEXT, max_size=2),
)


@pytest.mark.parametrize("model", EXAMPLES, ids=lambda model: type(model).__name__)
def test_each_part_comes_back(model: Model) -> None:
    """Model to JSON and back is the same model, also where an answer has null members."""
    data = json.loads(wire.encode(wire.to_wire(model)))
    assert wire.from_wire(type(model), data, strict=True) == model
    assert wire.from_wire(type(model), {**data, "New": None}, strict=True) == model


@given(CAMPAIGNS)
@settings(max_examples=80, deadline=None)
def test_any_campaign_comes_back(campaign: pk.Campaign) -> None:
    """The same for any campaign."""
    data = json.loads(wire.encode(wire.to_wire(campaign)))
    assert wire.from_wire(pk.Campaign, data, strict=True) == campaign


def test_requests_are_what_the_service_takes() -> None:
    """A campaign that was read goes back without what only the service sets."""
    request = REQUEST.unstructure(CAMPAIGN)
    service: Any = botocore.session.Session().get_service_model("pinpoint")
    shape = service.shape_for("WriteCampaignRequest")
    assert set(request) == set(shape.members)
    assert not ParamValidator().validate(request, shape).has_errors()
    (treatment,) = request["AdditionalTreatments"]
    assert set(treatment) == set(service.shape_for("WriteTreatmentResource").members)


@pytest.mark.parametrize(
    ("make", "path"),
    [
        (lambda: pk.Schedule(start_time="soon"), "$.start_time"),
        (lambda: pk.Schedule(start_time=""), "$.start_time"),
        (lambda: pk.Schedule(start_time="IMMEDIATE", end_time="IMMEDIATE"), "$.end_time"),
        (lambda: pk.Schedule(start_time="IMMEDIATE", frequency="YEARLY"), "$.frequency"),
        (lambda: pk.QuietTime(start="24:00"), "$.start"),
        (lambda: pk.QuietTime(end="7:30"), "$.end"),
        (lambda: pk.QuietTime(end="\u0660\u0667:\u0663\u0660"), "$.end"),
        (lambda: pk.CampaignLimits(daily=101), "$.daily"),
        (lambda: pk.CampaignLimits(total=-1), "$.total"),
        (lambda: pk.CampaignLimits(messages_per_second=20_001), "$.messages_per_second"),
        (lambda: pk.CampaignLimits(maximum_duration=59), "$.maximum_duration"),
        (lambda: pk.CustomDelivery(delivery_uri=""), "$.delivery_uri"),
        (
            lambda: pk.CustomDelivery(delivery_uri="f", endpoint_types=["FAX"]),
            "$.endpoint_types[0]",
        ),
        (lambda: pk.Treatment(size_percent=101), "$.size_percent"),
        (lambda: pk.Campaign(holdout_percent=-1), "$.holdout_percent"),
        (
            lambda: pk.Campaign(
                holdout_percent=61, additional_treatments=[pk.Treatment(size_percent=40)]
            ),
            "$.additional_treatments",
        ),
        (
            lambda: pk.Campaign(additional_treatments=[pk.Treatment(size_percent=1)] * 5),
            "$.additional_treatments",
        ),
        (lambda: pk.EmailMessage(headers=[pk.MessageHeader(name="a")] * 16), "$.headers"),
        (lambda: pk.InAppMessage(content=[pk.InAppContent()] * 6), "$.content"),
        (lambda: pk.TemplateConfiguration(sms_template=""), "$.name"),
    ],
)
def test_what_cannot_be_is_refused(make: object, path: str) -> None:
    """A wrong value is refused where it is made, with its place."""
    assert callable(make)
    with pytest.raises(ValidationError) as caught:
        make()
    assert caught.value.path == path


@pytest.mark.parametrize(
    "make",
    [
        lambda: pk.Schedule(start_time=None),  # type: ignore[arg-type]  # the point
        lambda: pk.Schedule(start_time=5),  # type: ignore[arg-type]  # the point
        lambda: pk.CampaignLimits(daily="2"),  # type: ignore[arg-type]  # the point
        lambda: pk.CampaignLimits(daily=True),
        lambda: pk.Campaign(segment_id=5),  # type: ignore[arg-type]  # the point
        lambda: pk.Campaign(message_configuration={}),  # type: ignore[arg-type]  # the point
        lambda: pk.TemplateConfiguration(sms_template=5),  # type: ignore[arg-type]  # the point
        lambda: pk.EventDimensions(event_type=5),  # type: ignore[arg-type]  # the point
    ],
)
def test_other_types_are_refused(make: object) -> None:
    """Nothing is guessed from a value of another type."""
    assert callable(make)
    with pytest.raises(InvalidTypeError):
        make()


def test_what_cannot_be_read_is_kept() -> None:
    """An answer of a newer service is read as far as it goes."""
    campaign = wire.from_wire(
        pk.Campaign,
        {
            "Id": "c",
            "State": {"CampaignStatus": "DREAMING"},
            "HoldoutPercent": 900,
            "Schedule": {"StartTime": "IMMEDIATE", "QuietTime": {}, "Frequency": "YEARLY"},
        },
    )
    assert campaign.status is None
    assert campaign.extra == {"HoldoutPercent": 900}
    assert campaign.schedule == pk.Schedule(
        start_time="IMMEDIATE", quiet_time=pk.QuietTime(), extra={"Frequency": "YEARLY"}
    )


def test_a_segment_stands_for_its_id() -> None:
    """A campaign takes the segment itself."""
    assert pk.Campaign(segment_id=pk.Segment(id="s")).segment_id == "s"


@pytest.mark.parametrize("status", pk.CampaignStatus)
def test_a_campaign_ends(status: pk.CampaignStatus) -> None:
    """Only what is completed, deleted or invalid sends nothing any more."""
    campaign = pk.Campaign(state=pk.CampaignState(campaign_status=status))
    assert campaign.status is status
    assert campaign.is_finished == (status.value in {"COMPLETED", "DELETED", "INVALID"})
    assert pk.Campaign().status is None


def test_results_add_up() -> None:
    """By treatment in the order of their ids, and all together."""
    first, second = RESULTS.treatments
    assert (first.treatment_id, first.sent) == ("0", 1)
    assert (second.sent, second.delivered, second.opened, second.clicked) == (3, 2, 1, 1)
    assert (second.open_rate, second.click_rate) == (0.5, 0.5)
    assert (RESULTS.total.sent, RESULTS.total.delivered, RESULTS.total.bounced) == (4, 3, 1)
    assert pk.RunResults(treatment_id="0").open_rate is None
    assert pk.RunResults(treatment_id="0").click_rate is None
