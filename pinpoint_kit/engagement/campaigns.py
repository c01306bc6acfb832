"""`Campaigns`: make campaigns, pause and resume them, follow their runs, read what came of them.

All but results are Pinpoint's own operations. Every call blocks until it is answered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from pinpoint_kit.audience.pages import PAGE_SIZE, items
from pinpoint_kit.engagement.faults import warn_of_messages
from pinpoint_kit.errors import CampaignTimeoutError, ConfigurationError, InvalidTypeError
from pinpoint_kit.models.campaigns.activity import Activity
from pinpoint_kit.models.campaigns.campaign import Campaign
from pinpoint_kit.models.campaigns.results import CampaignResults
from pinpoint_kit.models.checks import require_path_id, seconds
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.wire.codec import REQUEST, from_wire
from pinpoint_kit.transport import ExtensionCall
from pinpoint_kit.transport.polling import looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.models.base import JsonValue
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["DEFAULT_TIMEOUT", "Campaigns"]

DEFAULT_TIMEOUT = 600.0
_FIRST_WAIT_S = 0.05
#: The longest wait between two looks.
_LONGEST_WAIT_S = 1.0


class Campaigns:
    """The campaigns of one application. Safe to use from several threads.

    The verbs raise `NotFound` where there is no such campaign or application, `ServiceError` when
    the service refuses for another reason, and `TransportError` when no answer came.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._sleep = sleep
        self._clock = clock

    def create(self, campaign: Campaign) -> Campaign:
        """Make a campaign, which runs as its schedule says.

        What the service sets itself (id, state, dates) is not sent, so that a campaign that was
        read can be made again.

        A text that cannot be read, such as one with `{{#if}}` and no `{{/if}}`, is kept as by the
        service, with a `TemplateWarning`.

        Args:
            campaign: what it is.

        Returns:
            The campaign, with its id and its state.

        Raises:
            InvalidTypeError: it is no campaign.
            BadRequest: the service refuses what it says.
            NotFound: there is no such segment, template or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.

        Examples:
            >>> import pinpoint_kit as pk
            >>> with pk.connect("sqlite://") as pinpoint:
            ...     everyone = pinpoint.segments.create("everyone", pk.SegmentDimensions())
            ...     made = pinpoint.campaigns.create(
            ...         pk.Campaign(
            ...             name="hello",
            ...             segment_id=everyone,
            ...             schedule=pk.Schedule(start_time="IMMEDIATE"),
            ...             message_configuration=pk.MessageConfiguration(
            ...                 sms_message=pk.SMSMessage(body="Hello!")
            ...             ),
            ...         )
            ...     )
            ...     made.status.value
            'SCHEDULED'
        """
        request = _request(campaign)
        warn_of_messages(request)
        return self._one("CreateCampaign", WriteCampaignRequest=request)

    def get(self, campaign: Campaign | str, *, version: int | None = None) -> Campaign:
        """Read a campaign.

        Args:
            campaign: the campaign or its id.
            version: a version of it; the latest unless given.

        Returns:
            The campaign as it is now.

        Raises:
            InvalidTypeError: the id is not text, or the version no whole number.
            ValidationError: the id is empty, or cannot stand in a URL.
            NotFound: there is no such campaign, version or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        if version is None:
            return self._one("GetCampaign", CampaignId=_id(campaign))
        if not isinstance(version, int) or isinstance(version, bool):
            raise InvalidTypeError(
                f"expected a whole number, got {type(version).__name__}: pass an int", "$.version"
            )
        return self._one("GetCampaignVersion", CampaignId=_id(campaign), Version=str(version))

    def list(self) -> ModelList[Campaign]:
        """All campaigns, the newest first.

        Raises:
            ServiceError: the service refused.
            TransportError: no answer came.
        """
        return self._all("GetCampaigns", "CampaignsResponse", Campaign)

    def update(self, campaign: Campaign) -> Campaign:
        """Replace a campaign as a whole, which makes its next version.

        Change one that was read: `update(attrs.evolve(campaign, name="new"))`.

        Args:
            campaign: what it is to be, with its id.

        Returns:
            The new version.

        Raises:
            InvalidTypeError: it is no campaign.
            ValidationError: it has no id.
            BadRequest: the service refuses what it says, or a campaign that runs or is over.
            NotFound: there is no such campaign, segment, template or application.
            ServiceError: the service refused for another reason.
            TransportError: no answer came.
        """
        request = _request(campaign)
        warn_of_messages(request)
        return self._one("UpdateCampaign", CampaignId=_id(campaign), WriteCampaignRequest=request)

    def pause(self, campaign: Campaign | str) -> Campaign:
        """Have a campaign not begin its next run; a run that is under way goes on.

        Args:
            campaign: the campaign or its id.

        Returns:
            The campaign as it is now.

        Raises:
            BadRequest: it starts at once, or is over.
            PinpointKitError: as in `get`.
        """
        return self._paused(campaign, is_paused=True)

    def resume(self, campaign: Campaign | str) -> Campaign:
        """Have a paused campaign go on with its next run; what it has missed is over.

        Args:
            campaign: the campaign or its id.

        Returns:
            The campaign as it is now.

        Raises:
            PinpointKitError: as in `get`.
        """
        return self._paused(campaign, is_paused=False)

    def delete(self, campaign: Campaign | str) -> Campaign:
        """Delete a campaign, which stops a run of it that is under way.

        Args:
            campaign: the campaign or its id.

        Returns:
            The campaign, as DELETED.

        Raises:
            PinpointKitError: as in `get`.
        """
        return self._one("DeleteCampaign", CampaignId=_id(campaign))

    def versions(self, campaign: Campaign | str) -> ModelList[Campaign]:
        """All versions of a campaign.

        Args:
            campaign: the campaign or its id.

        Raises:
            PinpointKitError: as in `get`.
        """
        return self._all(
            "GetCampaignVersions", "CampaignsResponse", Campaign, CampaignId=_id(campaign)
        )

    def activities(self, campaign: Campaign | str) -> ModelList[Activity]:
        """All runs of a campaign: one for each time and treatment, the newest first.

        Args:
            campaign: the campaign or its id.

        Raises:
            PinpointKitError: as in `get`.
        """
        return self._all(
            "GetCampaignActivities", "ActivitiesResponse", Activity, CampaignId=_id(campaign)
        )

    def wait_until_complete(
        self, campaign: Campaign | str, *, timeout: float = DEFAULT_TIMEOUT
    ) -> Campaign:
        """Wait until a campaign will send nothing any more.

        Args:
            campaign: the campaign or its id.
            timeout: seconds to wait at most, 0 for a single look, `math.inf` for as long as it
                takes; the campaign itself goes on.

        Returns:
            The campaign; its `status` is COMPLETED, or DELETED or INVALID.

        Raises:
            InvalidTypeError: the timeout is no number.
            CampaignTimeoutError: it is not over in time.
            PinpointKitError: as in `get`.
        """
        for _ in looks(
            seconds(timeout),
            first=_FIRST_WAIT_S,
            longest=_LONGEST_WAIT_S,
            clock=self._clock,
            sleep=self._sleep,
        ):
            found = self.get(campaign)
            if found.is_finished:
                return found
        status = found.status.value if found.status else "of an unknown status"
        raise CampaignTimeoutError(
            f"campaign {found.id} is {status} after {timeout:g} seconds: wait for it again",
            found.id or "",
        )

    def results(self, campaign: Campaign | str) -> CampaignResults:
        """Read what has come of a campaign so far: sent, delivered, opened, clicked, by run.

        Args:
            campaign: the campaign or its id.

        Returns:
            The counts of each run; `treatments` and `total` add them up.

        Raises:
            ConfigurationError: this Pinpoint does not count that; the engine and our server do.
            PinpointKitError: as in `get`.
        """
        call = ExtensionCall("GetCampaignResults", ("campaigns", _id(campaign), "results"))
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint does not count what came of a campaign: connect to the engine"
                " (sqlite:///FILE) or to its server, or read Pinpoint's KPIs with"
                ' pinpoint.call("GetCampaignDateRangeKpi", ...)'
            )
        return from_wire(CampaignResults, answer)

    def _paused(self, campaign: Campaign | str, *, is_paused: bool) -> Campaign:
        request = {"IsPaused": is_paused}
        return self._one("UpdateCampaign", CampaignId=_id(campaign), WriteCampaignRequest=request)

    def _one(self, operation: str, **params: object) -> Campaign:
        answer = self._transport.call(operation, ApplicationId=self._application_id, **params)
        return from_wire(Campaign, answer["CampaignResponse"])

    def _all(self, operation: str, member: str, cls: type[Any], **params: object) -> ModelList[Any]:
        def page(token: str | None) -> dict[str, Any]:
            paging = {"PageSize": PAGE_SIZE, **({"Token": token} if token else {})}
            answer = self._transport.call(
                operation, ApplicationId=self._application_id, **params, **paging
            )
            found: dict[str, Any] = answer[member]
            return found

        return ModelList((from_wire(cls, item) for item in items(page)), of=cls)


def _request(campaign: Campaign) -> dict[str, JsonValue]:
    if not isinstance(campaign, Campaign):
        raise InvalidTypeError(
            f"expected a campaign, got {type(campaign).__name__}: pass Campaign(...)", "$.campaign"
        )
    return cast("dict[str, JsonValue]", REQUEST.unstructure(campaign))


def _id(campaign: Campaign | str) -> str:
    found = (campaign.id or "") if isinstance(campaign, Campaign) else campaign
    return require_path_id(found, "$.campaign")
