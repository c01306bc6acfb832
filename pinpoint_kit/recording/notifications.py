"""What clients report of a campaign's push messages: `_campaign.opened_notification` and others.

The open rate of push depends on them: only the app knows that somebody has tapped a message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.recording.details import Defaults

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from pinpoint_kit.models.scalars import AttributeValue, Id
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder

__all__ = ["Notifications"]

OPENED = "_campaign.opened_notification"
RECEIVED_FOREGROUND = "_campaign.received_foreground"
RECEIVED_BACKGROUND = "_campaign.received_background"


class Notifications:
    """What became of a campaign's push messages. Recorded in the background, like other events.

    A message carries the ids: `pinpoint.campaign.campaign_id` and so on in the data of Firebase,
    and `data.pinpoint.campaign` in the payload of Apple.
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def opened(
        self,
        endpoint_id: Id,
        *,
        campaign_id: AttributeValue,
        activity_id: AttributeValue = None,
        treatment_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record that somebody has opened the app by a message.

        Args:
            endpoint_id: where.
            campaign_id: the campaign (attribute `campaign_id`).
            activity_id: its run (attribute `campaign_activity_id`).
            treatment_id: `0` for the default treatment (attribute `treatment_id`).
            **details: as in `events.record`; its attributes are added.

        Returns:
            The event id.

        Source: the AWS mobile SDKs.
        """
        ids = _ids(campaign_id, activity_id, treatment_id)
        return self._record(endpoint_id, OPENED, ids, details)

    def received(
        self,
        endpoint_id: Id,
        *,
        campaign_id: AttributeValue,
        in_foreground: bool,
        activity_id: AttributeValue = None,
        treatment_id: AttributeValue = None,
        **details: Unpack[EventDetails],
    ) -> str:
        """Record that the app has received a message.

        Args:
            endpoint_id: where.
            campaign_id: the campaign (attribute `campaign_id`).
            in_foreground: whether the app was on the screen.
            activity_id: its run (attribute `campaign_activity_id`).
            treatment_id: `0` for the default treatment (attribute `treatment_id`).
            **details: as in `events.record`; its attributes are added.

        Returns:
            The event id.

        Source: the AWS mobile SDKs.
        """
        ids = _ids(campaign_id, activity_id, treatment_id)
        event_type = RECEIVED_FOREGROUND if in_foreground else RECEIVED_BACKGROUND
        return self._record(endpoint_id, event_type, ids, details)

    def _record(
        self,
        endpoint_id: Id,
        event_type: str,
        ids: dict[str, AttributeValue],
        details: EventDetails,
    ) -> str:
        more = Defaults(details.pop("attributes", None), None)
        details["attributes"] = ids
        return self._recorder.record(endpoint_id, event_type, defaults=more, **details)


def _ids(
    campaign_id: AttributeValue, activity_id: AttributeValue, treatment_id: AttributeValue
) -> dict[str, AttributeValue]:
    ids = {
        "campaign_id": campaign_id,
        "campaign_activity_id": activity_id,
        "treatment_id": treatment_id,
    }
    return {name: value for name, value in ids.items() if value is not None}
