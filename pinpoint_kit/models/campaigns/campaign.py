"""Campaigns: who is sent what and when, with their treatments. Values only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    TimestampInput,
    enum_member,
    extra_field,
    instant,
    models_in_order,
    optional_count,
    optional_flag,
    optional_model,
    optional_text,
    required_member,
    required_text,
    text_list,
    text_values,
)
from pinpoint_kit.models.campaigns.message import MessageConfiguration, TemplateConfiguration
from pinpoint_kit.models.campaigns.schedule import CampaignLimits, Schedule
from pinpoint_kit.models.endpoint import ChannelType
from pinpoint_kit.models.segments.segment import Segment

__all__ = [
    "Campaign",
    "CampaignHook",
    "CampaignState",
    "CampaignStatus",
    "CustomDelivery",
    "HookMode",
    "Treatment",
]

_WHOLE = 100
_MAX_TREATMENTS = 4  # besides the default one


class CampaignStatus(str, Enum):
    """Where a campaign is."""

    SCHEDULED = "SCHEDULED"
    EXECUTING = "EXECUTING"
    PENDING_NEXT_RUN = "PENDING_NEXT_RUN"
    COMPLETED = "COMPLETED"
    PAUSED = "PAUSED"
    DELETED = "DELETED"
    INVALID = "INVALID"


class HookMode(str, Enum):
    """What a function is called for: to choose among the endpoints, or to deliver (deprecated)."""

    FILTER = "FILTER"
    DELIVERY = "DELIVERY"


def _campaign_status(value: CampaignStatus | str | None) -> CampaignStatus | None:
    return enum_member(CampaignStatus, value, "campaign_status")


def _mode(value: HookMode | str | None) -> HookMode | None:
    return enum_member(HookMode, value, "mode")


def _endpoint_types(value: Sequence[ChannelType | str] | None) -> tuple[str, ...] | None:
    if value is None:
        return None
    return tuple(
        required_member(ChannelType, name, f"endpoint_types[{position}]").value
        for position, name in enumerate(text_list(value, "$.endpoint_types"))
    )


def _percent(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    optional_count(instance, attribute, value)
    if isinstance(value, int) and not 0 <= value <= _WHOLE:
        raise ValidationError("must be from 0 to 100", f"$.{attribute.name}")


def _required_percent(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        raise ValidationError("is missing: give the part in percent", f"$.{attribute.name}")
    _percent(instance, attribute, value)


@attrs.frozen(kw_only=True, repr=False)
class CampaignState(Model):
    """The state of a campaign or a treatment, as the service gives it.

    Args:
        campaign_status: where it is.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the status is not known.

    Source: CampaignState of the service model.
    """

    campaign_status: CampaignStatus | None = attrs.field(default=None, converter=_campaign_status)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class CampaignHook(Model):
    """A function that is asked, at most 50 endpoints a call, whom a campaign sends to.

    Only a hook that the operator of the engine has named is ever called.

    Args:
        lambda_function_name: the function's name or ARN.
        mode: FILTER.
        web_url: a URL in place of a function.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the mode is not known.

    Source: CampaignHook of the service model.
    """

    lambda_function_name: str | None = attrs.field(default=None, validator=optional_text)
    mode: HookMode | None = attrs.field(default=None, converter=_mode)
    web_url: str | None = attrs.field(default=None, validator=optional_text)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class CustomDelivery(Model):
    """A channel of your own: a function or a URL that is given the endpoints and delivers.

    Args:
        delivery_uri: the function's name or ARN, or an `https://` URL.
        endpoint_types: the channels whose endpoints are given to it.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the URI is empty, or a channel is not known.

    Source: CustomDeliveryConfiguration of the service model.
    """

    delivery_uri: str = attrs.field(validator=required_text)
    endpoint_types: tuple[str, ...] | None = attrs.field(default=None, converter=_endpoint_types)
    extra: dict[str, JsonValue] = extra_field()


@attrs.frozen(kw_only=True, repr=False)
class Treatment(Model):
    """A further variation of a campaign, for an A/B test.

    Args:
        size_percent: the part of the audience that gets it, 0 to 100.
        message_configuration: its messages.
        template_configuration: its templates.
        custom_delivery_configuration: its custom channel.
        schedule: when it runs; as the campaign unless given.
        treatment_name: its name.
        treatment_description: what it is.
        id: `1` to `4`, from the service; the campaign's own treatment is `0`.
        state: where it is, from the service.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: the part is not from 0 to 100.

    Source: WriteTreatmentResource and TreatmentResource of the service model.
    """

    size_percent: int = attrs.field(validator=_required_percent)
    message_configuration: MessageConfiguration | None = attrs.field(
        default=None, validator=optional_model(MessageConfiguration)
    )
    template_configuration: TemplateConfiguration | None = attrs.field(
        default=None, validator=optional_model(TemplateConfiguration)
    )
    custom_delivery_configuration: CustomDelivery | None = attrs.field(
        default=None, validator=optional_model(CustomDelivery)
    )
    schedule: Schedule | None = attrs.field(default=None, validator=optional_model(Schedule))
    treatment_name: str | None = attrs.field(default=None, validator=optional_text)
    treatment_description: str | None = attrs.field(default=None, validator=optional_text)
    id: str | None = attrs.field(default=None, validator=optional_text)
    state: CampaignState | None = attrs.field(default=None, validator=optional_model(CampaignState))
    extra: dict[str, JsonValue] = extra_field()


def _treatments(value: Sequence[Treatment] | None) -> tuple[Treatment, ...] | None:
    treatments = models_in_order(Treatment, value, "additional_treatments")
    if treatments is not None and len(treatments) > _MAX_TREATMENTS:
        raise ValidationError(
            f"has {len(treatments)} treatments, and a campaign takes {_MAX_TREATMENTS} besides its"
            " own: leave some out",
            "$.additional_treatments",
        )
    return treatments


def _segment_id(value: Segment | str | None) -> str | None:
    return value.id if isinstance(value, Segment) else value


def _creation_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "creation_date")


def _last_modified_date(value: TimestampInput | None) -> dt.datetime | None:
    return instant(value, "last_modified_date")


def _tags(value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    return text_values(value, "tags")


@attrs.frozen(kw_only=True, repr=False)
class Campaign(Model):
    """A message to the endpoints of a segment, on a schedule.

    Args:
        name: its name; names need not be unique.
        segment_id: whom it is for: a segment, or its id.
        segment_version: a version of the segment; the latest at creation unless given.
        schedule: when it runs.
        message_configuration: its messages.
        template_configuration: its templates.
        custom_delivery_configuration: its custom channel.
        additional_treatments: for an A/B test, up to 4 variations; the campaign's own messages go
            to the rest.
        holdout_percent: the part of the segment that gets nothing, 0 to 100.
        hook: a function that chooses among the endpoints.
        limits: how much it may send.
        priority: of in-app messages: of two that would show at once, the lower number does.
        is_paused: whether it waits to be resumed.
        description: what it is.
        treatment_name: the name of its own treatment.
        treatment_description: what that is.
        tags: key -> value, at most 50.
        id: from the service, as all that follows.
        application_id: its application.
        arn: `arn:aws:mobiletargeting:REGION:ACCOUNT:apps/ID/campaigns/ID`.
        version: how often it was changed, beginning at 1.
        state: where it is; see `status`.
        default_state: with several treatments, where its own is.
        creation_date: when it was created.
        last_modified_date: when this version was made.
        extra: members that the service sent and this version does not know.

    Raises:
        InvalidTypeError: a value has the wrong type.
        ValidationError: a percentage is not possible, treatments and holdout are more than all,
            or there are more than 4 additional treatments.

    Source: WriteCampaignRequest and CampaignResponse of the service model.
    """

    name: str | None = attrs.field(default=None, validator=optional_text)
    segment_id: str | None = attrs.field(
        default=None, converter=_segment_id, validator=optional_text
    )
    segment_version: int | None = attrs.field(default=None, validator=optional_count)
    schedule: Schedule | None = attrs.field(default=None, validator=optional_model(Schedule))
    message_configuration: MessageConfiguration | None = attrs.field(
        default=None, validator=optional_model(MessageConfiguration)
    )
    template_configuration: TemplateConfiguration | None = attrs.field(
        default=None, validator=optional_model(TemplateConfiguration)
    )
    custom_delivery_configuration: CustomDelivery | None = attrs.field(
        default=None, validator=optional_model(CustomDelivery)
    )
    additional_treatments: tuple[Treatment, ...] | None = attrs.field(
        default=None, converter=_treatments
    )
    holdout_percent: int | None = attrs.field(default=None, validator=_percent)
    hook: CampaignHook | None = attrs.field(default=None, validator=optional_model(CampaignHook))
    limits: CampaignLimits | None = attrs.field(
        default=None, validator=optional_model(CampaignLimits)
    )
    priority: int | None = attrs.field(default=None, validator=optional_count)
    is_paused: bool | None = attrs.field(default=None, validator=optional_flag)
    description: str | None = attrs.field(default=None, validator=optional_text)
    treatment_name: str | None = attrs.field(default=None, validator=optional_text)
    treatment_description: str | None = attrs.field(default=None, validator=optional_text)
    tags: Mapping[str, str] | None = attrs.field(default=None, converter=_tags)
    id: str | None = attrs.field(default=None, validator=optional_text)
    application_id: str | None = attrs.field(default=None, validator=optional_text)
    arn: str | None = attrs.field(default=None, validator=optional_text)
    version: int | None = attrs.field(default=None, validator=optional_count)
    state: CampaignState | None = attrs.field(default=None, validator=optional_model(CampaignState))
    default_state: CampaignState | None = attrs.field(
        default=None, validator=optional_model(CampaignState)
    )
    creation_date: dt.datetime | None = attrs.field(default=None, converter=_creation_date)
    last_modified_date: dt.datetime | None = attrs.field(
        default=None, converter=_last_modified_date
    )
    extra: dict[str, JsonValue] = extra_field()

    def __attrs_post_init__(self) -> None:
        """Check that the parts are not more than all."""
        parts = sum(treatment.size_percent for treatment in self.additional_treatments or ())
        whole = parts + (self.holdout_percent or 0)
        if whole > _WHOLE:
            raise ValidationError(
                f"are {whole} % together with the holdout: make it 100 or less",
                "$.additional_treatments",
            )

    @property
    def status(self) -> CampaignStatus | None:
        """Where it is; None before the service has said so."""
        return None if self.state is None else self.state.campaign_status

    @property
    def is_finished(self) -> bool:
        """True when it will send nothing any more."""
        return self.status in _ENDS


_ENDS = frozenset({CampaignStatus.COMPLETED, CampaignStatus.DELETED, CampaignStatus.INVALID})
