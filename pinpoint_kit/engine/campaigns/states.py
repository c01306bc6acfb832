"""The states of a campaign, and in which of them it may be changed or paused.

What leads from one to another by itself stands in campaigns/running/workers.py.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from pinpoint_kit.engine.wire.refusals import bad_request

__all__ = [
    "ACTIVE",
    "CHANGEABLE",
    "ENDED",
    "PAUSABLE",
    "CampaignStatus",
    "check_change",
    "check_pause",
    "shown",
]

CampaignStatus: TypeAlias = Literal[
    "SCHEDULED", "EXECUTING", "PENDING_NEXT_RUN", "COMPLETED", "PAUSED", "DELETED", "INVALID"
]

#: Those that count for the limit of campaigns.
ACTIVE: tuple[CampaignStatus, ...] = ("SCHEDULED", "EXECUTING", "PENDING_NEXT_RUN")
#: Nothing happens in these any more, unless somebody changes the campaign.
ENDED: tuple[CampaignStatus, ...] = ("COMPLETED", "DELETED", "INVALID")
#: In these a campaign can be replaced by another definition.
CHANGEABLE: tuple[CampaignStatus, ...] = ("SCHEDULED", "PENDING_NEXT_RUN", "PAUSED", "INVALID")
#: In these it can be paused; a paused one stays so.
PAUSABLE: tuple[CampaignStatus, ...] = ("SCHEDULED", "PENDING_NEXT_RUN", "PAUSED")


def shown(status: CampaignStatus, *, has_segment: bool) -> CampaignStatus:
    """Return the status that answers show: without its segment, a campaign counts as deleted."""
    return "DELETED" if not has_segment and status != "COMPLETED" else status


def check_change(status: CampaignStatus) -> None:
    """Check that a campaign may be changed.

    Raises:
        ApiError: it may not.
    """
    if status not in CHANGEABLE:
        raise bad_request(
            f"A campaign that is {status} can't be changed; create another, or send IsPaused alone"
            " to pause one that is SCHEDULED or PENDING_NEXT_RUN"
        )


def check_pause(status: CampaignStatus, *, is_immediate: bool, is_of_events: bool = False) -> None:
    """Check that a campaign may be paused; one that waits for events may at any time.

    Raises:
        ApiError: it may not.
    """
    if is_immediate:
        raise bad_request("A campaign whose StartTime is IMMEDIATE can't be paused", ".IsPaused")
    if status not in PAUSABLE and not (is_of_events and status == "EXECUTING"):
        raise bad_request(f"A campaign that is {status} can't be paused", ".IsPaused")
