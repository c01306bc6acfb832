"""`Target` and `Sieve`: which endpoints of a segment a run sends to, and what it says of the rest.

The checks stand here in their order: channel, address, inactive, opted out (the endpoint, or its
address), duplicate address, cohort, zone, total cap, daily cap, quiet time. Hooks, limits of time
and rendering come after them, in runs.py. Nothing is read or stored here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import attrs

from pinpoint_kit.engine.campaigns.schedule import Quiet, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.campaigns.definition import Members, Treatment

__all__ = ["CUSTOM", "SEND", "Sieve", "Target", "channels_of"]

CUSTOM = "CUSTOM"
#: An endpoint that passes all checks.
SEND = "SEND"
_APNS = ("APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX")
_PUSH = (*_APNS, "ADM", "BAIDU", "GCM")
#: Messages and templates of a campaign -> the channel types that get them.
_CHANNELS: Mapping[str, tuple[str, ...]] = {
    "DefaultMessage": _PUSH,
    "PushTemplate": _PUSH,
    "ADMMessage": ("ADM",),
    "APNSMessage": _APNS,
    "BaiduMessage": ("BAIDU",),
    "GCMMessage": ("GCM",),
    "EmailMessage": ("EMAIL",),
    "EmailTemplate": ("EMAIL",),
    "SMSMessage": ("SMS",),
    "SMSTemplate": ("SMS",),
}


def channels_of(treatment: Treatment) -> frozenset[str]:
    """Return the channel types that a treatment has a message for, custom channels left out."""
    given: list[Members] = [treatment.messages, treatment.templates]
    return frozenset(
        channel
        for members in given
        for name, value in members.items()
        if value
        for channel in _CHANNELS.get(name, ())
    )


class Target(NamedTuple):
    """An endpoint of a segment, with what is looked at first, and the event that starts it."""

    number: int
    endpoint: str
    channel_type: str | None
    address: str | None
    status: str
    opt_out: str
    cohort: int
    timezone: str | None
    user_id: str | None = None
    event_id: str = ""

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"Target(number={self.number})"


@attrs.define
class Sieve:
    """Decides about endpoints one by one; what it remembers is for the endpoints of one step.

    Attributes:
        channels: the channel types that are sent to.
        custom: those that go to a custom channel; they need no address.
        every_channel: a hook delivers, whatever the channel is.
        cohorts: those of the treatment.
        held_out: those that get nothing; only the default treatment's run says so of them.
        reports_holdout: whether this is the run that does.
        zones: of a run of local time, the zones of this wave; None else.
        quiet: the quiet time.
        total: the total cap, 0 for none.
        daily: the daily cap, 0 for none.
        opted_out: channel type and address of those that are among the opt-outs.
        addresses: the endpoints that stand for addresses, by channel type and address; those
            that no other endpoint has may be left out.
        sent_in_total: by endpoint, how often the campaign has targeted it.
        sent_today: by endpoint, how many messages of campaigns it got within a day.
        counts: execution metrics.
    """

    channels: Collection[str]
    custom: Collection[str]
    every_channel: bool
    cohorts: range
    held_out: range
    reports_holdout: bool
    now: int
    zones: Collection[str] | None = None
    quiet: Quiet | None = None
    total: int = 0
    daily: int = 0
    opted_out: Collection[tuple[str, str]] = attrs.field(default=(), repr=False)
    addresses: dict[tuple[str, str], str] = attrs.field(factory=dict, repr=False)
    sent_in_total: Counter[str] = attrs.field(factory=Counter, repr=False)
    sent_today: Counter[str] = attrs.field(factory=Counter, repr=False)
    counts: Counter[str] = attrs.field(factory=Counter)

    def check(self, target: Target) -> str | None:
        """Decide about an endpoint, and count it.

        Returns:
            `SEND`, the status of the record of one that gets nothing, or None for one that is
            only counted.
        """
        self.counts["ENDPOINT_PRODUCED"] += 1
        metric = self._metric(target)
        if metric:
            self.counts[metric] += 1
            return None
        contact = (target.channel_type or "", target.address or "")
        if contact[1] and not target.event_id:
            first = self.addresses.setdefault(contact, target.endpoint)
            if first != target.endpoint:
                self.counts["DUPLICATE_ENDPOINT"] += 1
                return "DUPLICATE_ADDRESS" if target.cohort in self.cohorts else None
        if target.cohort not in self.cohorts:
            if target.cohort in self.held_out and self.reports_holdout:
                return "HOLDOUT"
            self.counts["TREATMENT_HOLDOUT"] += 1
            return None
        if self.zones is not None and target.timezone not in self.zones:
            is_known = zone_of(target.timezone) is not None
            metric = "ENDPOINT_TIMEZONE_MISMATCH" if is_known else "ENDPOINT_MISSING_TIMEZONE"
            self.counts[metric] += 1
            return None
        return self._capped(target) or SEND

    def _capped(self, target: Target) -> str | None:
        """Return the status of an endpoint that its caps or its quiet time keep back, else None."""
        endpoint = target.endpoint
        if self.total and self.sent_in_total[endpoint] >= self.total:
            return "CAMPAIGN_CAP"
        if self.daily and self.sent_today[endpoint] >= self.daily:
            return "DAILY_CAP"
        self.sent_in_total[endpoint] += 1
        if self.quiet is not None and self.quiet.holds(self.now, target.timezone):
            return "QUIET_TIME"
        self.sent_today[endpoint] += 1
        return None

    def _metric(self, target: Target) -> str | None:
        """Return what is counted of an endpoint that cannot be sent to, None of one that can."""
        channel = target.channel_type
        if not self.every_channel:
            if not channel:
                return "ENDPOINT_MISSING_CHANNEL"
            if channel not in self.channels and channel not in self.custom:
                return "ENDPOINT_CHANNEL_MISMATCH"
            if not target.address and channel not in self.custom:
                return "ENDPOINT_MISSING_ADDRESS"
        if target.status != "ACTIVE":
            return "ENDPOINT_INACTIVE"
        is_out = target.opt_out == "ALL" or (channel, target.address) in self.opted_out
        return "ENDPOINT_OPT_OUT" if is_out else None
