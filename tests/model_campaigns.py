"""One campaign with everything in it, for the tests of models, codec, verbs and command line."""

from __future__ import annotations

import attrs

import pinpoint_kit as pk
from pinpoint_kit.models.base import Model

__all__ = ["ACTIVITY", "CAMPAIGN", "EXAMPLES", "RESULTS"]

_BUTTON = pk.InAppButtonStyle(button_action=pk.ButtonAction.LINK, text="Go", link="https://a.test")
_OVERRIDE = pk.InAppButtonStyle(button_action=pk.ButtonAction.DEEP_LINK, link="shop://a")
_CONTENT = pk.InAppContent(
    header_config=pk.InAppHeader(header="Hi", alignment=pk.Alignment.CENTER, text_color="#000000"),
    body_config=pk.InAppBody(body="Text", alignment=pk.Alignment.LEFT, text_color="#000000"),
    image_url="https://a.test/picture.png",
    primary_btn=pk.InAppButton(default_config=_BUTTON, ios=_OVERRIDE),
)
_MESSAGES = pk.MessageConfiguration(
    default_message=pk.Message(title="Hi", body="Text", action=pk.MessageAction.OPEN_APP),
    apns_message=pk.Message(raw_content="{}", silent_push=True, time_to_live=60),
    email_message=pk.EmailMessage(
        title="Hi", html_body="<p>Text</p>", headers=[pk.MessageHeader(name="X-Shop", value="a")]
    ),
    sms_message=pk.SMSMessage(body="Text", message_type=pk.MessageType.PROMOTIONAL),
    custom_message=pk.CustomMessage(data="anything"),
    in_app_message=pk.InAppMessage(
        content=[_CONTENT], layout=pk.Layout.OVERLAYS, custom_config={"a": "b"}
    ),
)
_TEMPLATES = pk.TemplateConfiguration(
    sms_template="reminder", email_template=pk.TemplateReference(name="welcome", version="2")
)
_EVENTS = pk.EventFilter(
    filter_type=pk.FilterType.ENDPOINT,
    dimensions=pk.EventDimensions(
        event_type="level_up",
        attributes={"world": pk.AttributeDimension(values=("ice",))},
        metrics={
            "level": pk.MetricDimension(comparison_operator=pk.ComparisonOperator.EQUAL, value=5)
        },
    ),
)
_SCHEDULE = pk.Schedule(
    start_time="2026-12-01T09:00:00-08:00",
    end_time="2026-12-24T09:00:00.000Z",
    frequency=pk.Frequency.EVENT,
    is_local_time=True,
    timezone="utc-08",
    quiet_time=pk.QuietTime(start="22:00", end="07:30"),
    event_filter=_EVENTS,
)
_STATE = pk.CampaignState(campaign_status=pk.CampaignStatus.EXECUTING)

#: What the service may answer.
CAMPAIGN = pk.Campaign(
    name="spring",
    segment_id="s",
    segment_version=1,
    schedule=_SCHEDULE,
    message_configuration=_MESSAGES,
    template_configuration=_TEMPLATES,
    custom_delivery_configuration=pk.CustomDelivery(
        delivery_uri="deliver", endpoint_types=[pk.ChannelType.SMS]
    ),
    additional_treatments=[
        pk.Treatment(
            size_percent=40,
            message_configuration=_MESSAGES,
            template_configuration=_TEMPLATES,
            custom_delivery_configuration=pk.CustomDelivery(delivery_uri="deliver"),
            schedule=_SCHEDULE,
            treatment_name="B",
            treatment_description="shorter",
            id="1",
            state=_STATE,
        )
    ],
    holdout_percent=10,
    hook=pk.CampaignHook(lambda_function_name="choose", mode=pk.HookMode.FILTER),
    limits=pk.CampaignLimits(
        daily=2, total=3, session=1, messages_per_second=50, maximum_duration=60
    ),
    priority=1,
    is_paused=False,
    description="An example",
    treatment_name="A",
    treatment_description="longer",
    tags={"team": "growth"},
    id="c" * 32,
    application_id="a" * 32,
    arn="arn:aws:mobiletargeting:us-east-1:000000000000:apps/a/campaigns/c",
    version=1,
    state=_STATE,
    default_state=_STATE,
    creation_date="2026-11-01T00:00:00.000Z",
    last_modified_date="2026-11-01T00:00:00.000Z",
)
ACTIVITY = pk.Activity(
    id="r" * 32,
    campaign_id="c" * 32,
    application_id="a" * 32,
    treatment_id="0",
    state="COMPLETED",
    result="SUCCESS",
    scheduled_start="2026-12-01T09:00:00.000Z",
    start="2026-12-01T09:00:01.000Z",
    end="2026-12-01T09:00:02.000Z",
    successful_endpoint_count=1,
    total_endpoint_count=2,
    timezones_completed_count=1,
    timezones_total_count=1,
    execution_metrics={"ENDPOINT_PRODUCED": "2"},
)
RESULTS = pk.CampaignResults(
    campaign_id="c" * 32,
    runs=[
        pk.RunResults(treatment_id="1", activity_id="a", sent=2, delivered=1, bounced=1, opened=1),
        pk.RunResults(treatment_id="0", activity_id="b", sent=1, delivered=1),
        pk.RunResults(treatment_id="1", activity_id="c", sent=1, delivered=1, clicked=1),
    ],
    statuses={"SUCCESS": 4, "HOLDOUT": 1},
)


def _within(model: Model) -> list[Model]:
    """Return the model and all models in it."""
    found = [model]
    for field in attrs.fields(type(model)):  # type: ignore[arg-type]  # every model is attrs
        value = getattr(model, field.name)
        parts = value if isinstance(value, tuple) else (value,)
        found += [inner for part in parts if isinstance(part, Model) for inner in _within(part)]
    return found


#: One of each model that a campaign consists of.
EXAMPLES = list(
    {
        type(model): model
        for model in [*_within(CAMPAIGN), ACTIVITY, *_within(RESULTS)]
        if ".segments." not in type(model).__module__
    }.values()
)
