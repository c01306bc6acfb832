"""What has come of a campaign: counts of its runs. Values only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import attrs

from pinpoint_kit.models.base import (
    JsonValue,
    Model,
    counts_by_name,
    extra_field,
    models_in_order,
    optional_count,
    optional_text,
    required_text,
)

__all__ = ["CampaignResults", "RunResults"]


def _statuses(value: Mapping[str, int] | None) -> Mapping[str, int]:
    return counts_by_name(value, "statuses") or {}


@attrs.frozen(kw_only=True, repr=False)
class RunResults(Model):
    """What has come of one run of a treatment, or of all runs of it.

    Args:
        treatment_id: `0` for the campaign's own messages, `1` to `4` for the others.
        activity_id: the run; None for all of them.
        attempted: messages that were made.
        sent: those that were handed over: to a transport, or to the outbox where there is none.
        delivered: those of them that did not bounce for good.
        bounced: those that bounced for good.
        opened: messages that were opened, each once.
        clicked: messages in which something was clicked, each once.
        complained: messages that somebody has called spam.
        opted_out: messages after which somebody has opted out.
        extra: members that the server sent and this version does not know.
    """

    treatment_id: str = attrs.field(validator=required_text)
    activity_id: str | None = attrs.field(default=None, validator=optional_text)
    attempted: int = attrs.field(default=0, validator=optional_count)
    sent: int = attrs.field(default=0, validator=optional_count)
    delivered: int = attrs.field(default=0, validator=optional_count)
    bounced: int = attrs.field(default=0, validator=optional_count)
    opened: int = attrs.field(default=0, validator=optional_count)
    clicked: int = attrs.field(default=0, validator=optional_count)
    complained: int = attrs.field(default=0, validator=optional_count)
    opted_out: int = attrs.field(default=0, validator=optional_count)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def open_rate(self) -> float | None:
        """Opened ÷ delivered; None where nothing was delivered."""
        return self.opened / self.delivered if self.delivered else None

    @property
    def click_rate(self) -> float | None:
        """Clicked ÷ delivered; None where nothing was delivered."""
        return self.clicked / self.delivered if self.delivered else None


_COUNTS = tuple(
    field.name
    for field in attrs.fields(RunResults)
    if field.name not in {"treatment_id", "activity_id", "extra"}
)


def _runs(value: Sequence[RunResults] | None) -> tuple[RunResults, ...]:
    return models_in_order(RunResults, value, "runs") or ()


@attrs.frozen(kw_only=True, repr=False)
class CampaignResults(Model):
    """What has come of a campaign.

    Args:
        campaign_id: the campaign.
        runs: of each run, the oldest first.
        statuses: endpoints by what the run has made of them: `SUCCESS`, `HOLDOUT`, `DAILY_CAP` and
            the other values of `campaign_send_status`.
        extra: members that the server sent and this version does not know.
    """

    campaign_id: str = attrs.field(validator=required_text)
    runs: tuple[RunResults, ...] = attrs.field(default=(), converter=_runs)
    statuses: Mapping[str, int] = attrs.field(factory=dict, converter=_statuses)
    extra: dict[str, JsonValue] = extra_field()

    @property
    def treatments(self) -> tuple[RunResults, ...]:
        """All runs of each treatment together, in the order of their ids."""
        by_treatment: dict[str, list[RunResults]] = defaultdict(list)
        for run in self.runs:
            by_treatment[run.treatment_id].append(run)
        return tuple(_together(name, runs) for name, runs in sorted(by_treatment.items()))

    @property
    def total(self) -> RunResults:
        """Everything together, as treatment `all`."""
        return _together("all", self.runs)


def _together(treatment_id: str, runs: Sequence[RunResults]) -> RunResults:
    counts = {name: sum(getattr(run, name) for run in runs) for name in _COUNTS}
    return RunResults(treatment_id=treatment_id, **counts)
