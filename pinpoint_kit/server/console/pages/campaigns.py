"""Campaigns: what they are, what came of each run, and treatments side by side."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import attrs
from markupsafe import Markup

from pinpoint_kit.analytics import charts
from pinpoint_kit.errors import NotFound
from pinpoint_kit.models.campaigns.results import RunResults
from pinpoint_kit.server.console.proportions import difference, interval

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.responses import Response

    from pinpoint_kit.models.campaigns.activity import Activity
    from pinpoint_kit.models.campaigns.campaign import Campaign
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

_MOST_CAMPAIGNS = 200
_MOST_RUNS = 50
#: Runs that are drawn; the others stand in the table.
_MOST_DRAWN = 4
_STEPS = (
    ("made", "attempted"),
    ("sent", "sent"),
    ("delivered", "delivered"),
    ("opened", "opened"),
    ("clicked", "clicked"),
)
_DEFAULT = "0"
#: The status of an endpoint that got its message.
_SENT = "SUCCESS"


@attrs.frozen
class _Rate:
    """A share of the delivered messages of a treatment, and how sure it is.

    Attributes:
        text: the share.
        between: its interval.
        against: how it differs from the campaign's own messages; "" for these.
    """

    text: str
    between: str = ""
    against: str = ""


@attrs.frozen
class _Side:
    """A treatment, beside the others."""

    name: str
    percent: int
    counts: RunResults
    opened: _Rate
    clicked: _Rate


async def campaigns(visit: Visit) -> Response:
    """List the campaigns, the newest first."""
    found = await visit.run(
        lambda: list(itertools.islice(visit.pinpoint.campaigns.list(), _MOST_CAMPAIGNS))
    )
    segments = await visit.run(lambda: {e.id: e.name for e in visit.pinpoint.segments.list()})
    return visit.page(
        "campaigns.html",
        title="Campaigns",
        active="campaigns",
        campaigns=found,
        segments=segments,
    )


async def campaign(visit: Visit) -> Response:
    """Show a campaign: its funnel, its treatments side by side, and its runs."""
    campaign_id = visit.request.path_params["campaign"]
    found = await visit.run(lambda: visit.pinpoint.campaigns.get(campaign_id))
    results = await visit.run(lambda: visit.pinpoint.campaigns.results(campaign_id))
    runs = await visit.run(
        lambda: list(itertools.islice(visit.pinpoint.campaigns.activities(campaign_id), _MOST_RUNS))
    )
    by_run = {each.activity_id: each for each in results.runs}
    return visit.page(
        "campaign.html",
        title=found.name or "Campaign",
        active="campaigns",
        campaign=found,
        segment=await visit.run(lambda: _segment_name(visit, found)),
        total=results.total,
        picture=_funnel("All runs", results.total) if results.total.attempted else "",
        bars=_bars(results.total),
        sides=_sides(found, results.treatments),
        statuses=sorted((name, count) for name, count in results.statuses.items() if name != _SENT),
        runs=[(run, by_run.get(run.id)) for run in runs],
        drawn=_drawn(runs, by_run) if len(runs) > 1 else [],
    )


def _segment_name(visit: Visit, found: Campaign) -> str:
    if not found.segment_id:
        return ""
    try:
        return visit.pinpoint.segments.get(found.segment_id).name or found.segment_id
    except NotFound:
        return f"{found.segment_id}, which was deleted"


def _funnel(title: str, counts: RunResults) -> Markup:
    steps = [(name, int(getattr(counts, member))) for name, member in _STEPS]
    return Markup(charts.funnel_chart(title, steps))  # noqa: S704 -- it escapes what it is given


def _bars(counts: RunResults) -> list[tuple[str, int, float]]:
    whole = counts.attempted or 1
    steps = [(name, int(getattr(counts, member))) for name, member in _STEPS]
    return [(name, count, min(1.0, count / whole)) for name, count in steps]


def _drawn(
    runs: Sequence[Activity], by_run: dict[str | None, RunResults]
) -> list[tuple[Activity, Markup]]:
    known = [(run, by_run[run.id]) for run in runs if run.id in by_run]
    return [
        (run, _funnel(f"Run {run.id}", counts))
        for run, counts in known[:_MOST_DRAWN]
        if counts.attempted
    ]


def _sides(found: Campaign, treatments: Sequence[RunResults]) -> list[_Side]:
    """Return the treatments of a campaign that has several."""
    others = {each.id: each for each in found.additional_treatments or ()}
    if not others:
        return []
    by_id = {each.treatment_id: each for each in treatments}
    own = by_id.get(_DEFAULT)
    taken = sum(each.size_percent for each in others.values()) + (found.holdout_percent or 0)
    sides = []
    for treatment_id, counts in by_id.items():
        treatment = others.get(treatment_id)
        name = found.treatment_name if treatment is None else treatment.treatment_name
        sides.append(
            _Side(
                name or ("its own messages" if treatment is None else f"treatment {treatment_id}"),
                100 - taken if treatment is None else treatment.size_percent,
                counts,
                _rate(counts, own, "opened"),
                _rate(counts, own, "clicked"),
            )
        )
    return sides


def _rate(counts: RunResults, own: RunResults | None, member: str) -> _Rate:
    share = _share(counts, member)
    between = interval(*share)
    if between is None:
        return _Rate("—")
    text, ends = _percent(share[0] / share[1]), f"{_percent(between[0])} to {_percent(between[1])}"
    if own is None or counts.treatment_id == own.treatment_id:
        return _Rate(text, ends)
    gap = difference(share, _share(own, member))
    if gap is None:
        return _Rate(text, ends)
    if gap[0] <= 0 <= gap[1]:
        return _Rate(text, ends, f"no clear difference ({_points(gap[0])} to {_points(gap[1])})")
    word = "more" if gap[0] > 0 else "less"
    return _Rate(text, ends, f"{word}, by {_points(gap[0])} to {_points(gap[1])}")


def _share(counts: RunResults, member: str) -> tuple[int, int]:
    # Some messages are opened and bounce for good later: they are no more than what was delivered.
    return min(int(getattr(counts, member)), counts.delivered), counts.delivered


def _percent(value: float) -> str:
    return charts.format_number(value, unit="%")


def _points(value: float) -> str:
    return f"{value * 100:+.1f} points"


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "/campaigns", campaigns),
    ("GET", "/campaigns/{campaign}", campaign),
]
