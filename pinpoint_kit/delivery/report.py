"""What became of everything that was recorded: the ledger and the reports drawn from it.

`recorded = accepted + rejected + dropped + pending`, always. Rejected means refused for its
content, dropped means given up by policy. Nothing here locks, sends or logs.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from pinpoint_kit.errors import DeliveryError
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.models.display.display import COUNTS, Displayed

#: Whether the application is known that events are sent to.
ApplicationState: TypeAlias = Literal["known", "looking_up", "refused"]

__all__ = ["ApplicationState", "DeadLetter", "DeliveryReport", "DeliveryStats", "Ledger"]


def _reasons(value: Mapping[str, int]) -> dict[str, int]:
    return dict(value)


@attrs.frozen(kw_only=True)
class DeliveryReport(Displayed):
    """Counts of events since the client was made; `recorded` is the sum of the other four.

    Args:
        recorded: events handed to `record` or `submit`.
        accepted: events that the service has taken.
        rejected: events refused for their content, by us or by the service.
        dropped: events given up by policy (buffer full, undeliverable, closed).
        pending: events that are neither; they will still be tried.
        refused_endpoints: endpoint data that went with events and was refused, while the events
            were taken; `submit` says so for each.
        truncated: events of which something was cut or left out to fit the limits.
        left_out: attributes, metrics and values that were left out of events, because their name
            is too long, there are too many, or the value is not finite.
        not_durable: events whose `record` returned before they were in the spool, because the
            disk or another process held it up; 0 without a spool.
        reasons: rejected and dropped, by reason.
    """

    recorded: int = 0
    accepted: int = 0
    rejected: int = 0
    dropped: int = 0
    pending: int = 0
    refused_endpoints: int = 0
    truncated: int = 0
    left_out: int = 0
    not_durable: int = 0
    reasons: dict[str, int] = attrs.field(factory=dict, converter=_reasons, metadata={COUNTS: True})

    @property
    def is_complete(self) -> bool:
        """True when every recorded event was accepted, with the endpoint data that it had."""
        return self.accepted == self.recorded and not self.refused_endpoints

    def since(self, earlier: DeliveryReport) -> DeliveryReport:
        """Return what happened between an earlier report and this one.

        What was pending then counts as recorded in between, so that the sum still holds.
        """
        return DeliveryReport(
            recorded=self.recorded - earlier.recorded + earlier.pending,
            accepted=self.accepted - earlier.accepted,
            rejected=self.rejected - earlier.rejected,
            dropped=self.dropped - earlier.dropped,
            pending=self.pending,
            refused_endpoints=self.refused_endpoints - earlier.refused_endpoints,
            truncated=self.truncated - earlier.truncated,
            left_out=self.left_out - earlier.left_out,
            not_durable=self.not_durable - earlier.not_durable,
            reasons=+(Counter(self.reasons) - Counter(earlier.reasons)),
        )

    def raise_for_loss(self) -> DeliveryReport:
        """Return self when nothing was rejected, dropped or left pending, and no data refused.

        Raises:
            DeliveryError: something was; the message has the counts and the reasons.
        """
        if self.is_complete:
            return self
        why = ", ".join(f"{reason}: {count}" for reason, count in sorted(self.reasons.items()))
        raise DeliveryError(
            f"{counted(self.rejected, 'event')} rejected, {self.dropped} dropped,"
            f" {self.pending} pending of {self.recorded} recorded"
            + (f" ({why})" if why else "")
            + (
                f", endpoint data of {self.refused_endpoints} refused"
                if self.refused_endpoints
                else ""
            ),
            "incomplete",
        )


@attrs.frozen(kw_only=True)
class DeliveryStats(DeliveryReport):
    """The report, and how delivery is doing right now.

    Args:
        buffered_bytes: bytes of encoded events that wait.
        oldest_age: seconds that the oldest pending event has waited; 0.0 when none does.
        requests: requests answered or failed so far.
        retries: events that were sent again.
        application: whether the application is `known`, being looked for by its name
            (`looking_up`), or its look-up was `refused`; then recorded events wait.
        last_error: the class and text of the latest failure, without content; "" when none.
    """

    buffered_bytes: int = 0
    oldest_age: float = 0.0
    requests: int = 0
    retries: int = 0
    application: ApplicationState = "known"
    last_error: str = ""


@attrs.frozen(kw_only=True)
class DeadLetter(Displayed):
    """One item that will not be delivered, without its content.

    Args:
        outcome: `rejected` (refused for its content) or `dropped` (given up by policy).
        endpoint_id: the endpoint it was for.
        event_id: the event; "" for an endpoint update.
        reason: a stable word for counting.
        message: the text of the refusal, if there was one.
        at: when it ended.
        tries: how often it was sent.
    """

    outcome: str
    endpoint_id: str
    event_id: str
    reason: str
    message: str = attrs.field(default="", repr=False)
    at: dt.datetime
    tries: int = 0


@attrs.frozen
class Ledger:
    """What has become of the items that were sent. A new value takes the place of the old one.

    That is one step, so it says at every moment, to whoever looks, what was counted last:
    an exception comes before a commit or after it.
    """

    accepted: int = 0
    rejected: int = 0
    dropped: int = 0
    requests: int = 0
    retries: int = 0
    refused_endpoints: int = 0
    last_error: str = ""
    reasons: Mapping[str, int] = attrs.field(factory=dict)
    #: What was committed last.
    latest: object = None
