"""Segments, jobs and event streams: who is in a segment and why, how far a job or a stream is."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse, Response

from pinpoint_kit.errors import NotFound, PinpointKitError
from pinpoint_kit.server.console.answers import QueueFullError
from pinpoint_kit.server.console.wording import words_of, words_of_criterion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from pinpoint_kit.models.segments.segment import Segment
    from pinpoint_kit.server.console.visit import Visit

__all__ = ["ROUTES"]

#: Segments that are counted on the list; the others on their own page.
_MOST_COUNTED = 20
_MOST_MEMBERS = 50
_MOST_JOBS = 100
_MOST_LETTERS = 50


async def home(visit: Visit) -> Response:
    """Lead to the first page of an application."""
    path = visit.request.url.path.rstrip("/")
    return RedirectResponse(f"{path}/overview", 303)


async def segments(visit: Visit) -> Response:
    """List the segments, with their sizes."""
    found = list(await visit.run(visit.pinpoint.segments.list))
    names = _names(found)
    sizes = [await _size(visit, each) for each in found[:_MOST_COUNTED]]
    sizes += [None] * (len(found) - len(sizes))
    rows = [(each, words_of(each, names), size) for each, size in zip(found, sizes, strict=True)]
    return visit.page("segments.html", title="Segments", active="segments", rows=rows)


def _names(found: Iterable[Segment]) -> dict[str, str]:
    return {each.id: each.name or each.id for each in found}


async def _size(visit: Visit, segment: Segment) -> int | None:
    """Return how many are in a segment; None when it cannot be counted now."""
    try:
        return await visit.counted(
            ("size", segment.id, segment.version),
            lambda: visit.pinpoint.segments.count(segment.id),
        )
    except (PinpointKitError, QueueFullError):
        return None


async def segment(visit: Visit) -> Response:
    """Show a segment: its size, its definition, who is in it, and why somebody is."""
    segment_id = visit.request.path_params["segment"]
    found = await visit.run(lambda: visit.pinpoint.segments.get(segment_id))
    names = _names(await visit.run(visit.pinpoint.segments.list))
    asked = visit.id_parameter("endpoint_id")
    explanation, problem = None, ""
    if asked:
        try:
            explanation = await visit.run(
                lambda: visit.pinpoint.segments.explain(asked, segment_id)
            )
        except NotFound:
            problem = "There is no such endpoint."
    members = await visit.run(
        lambda: list(itertools.islice(visit.pinpoint.segments.members(segment_id), _MOST_MEMBERS))
    )
    return visit.page(
        "segment.html",
        title=found.name or "Segment",
        active="segments",
        segment=found,
        words=words_of(found, names),
        size=await _size(visit, found),
        members=members,
        asked=asked,
        explanation=explanation,
        criteria=[] if explanation is None else list(map(words_of_criterion, explanation.criteria)),
        problem=problem,
    )


async def jobs(visit: Visit) -> Response:
    """List import and export jobs, the newest first, with their progress."""
    found = await visit.run(lambda: list(itertools.islice(visit.pinpoint.jobs.list(), _MOST_JOBS)))
    return visit.page(
        "jobs.html",
        title="Jobs",
        active="jobs",
        jobs=found,
        is_running=any(not job.is_finished for job in found),
    )


async def streams(visit: Visit) -> Response:
    """Show how event streams fare, and what their destinations have refused."""
    found = list(await visit.run(visit.pinpoint.streams.status))
    letters = await visit.run(
        lambda: list(itertools.islice(visit.pinpoint.streams.dead_letters(), _MOST_LETTERS))
    )
    return visit.page(
        "streams.html", title="Event streams", active="streams", streams=found, letters=letters
    )


ROUTES: list[tuple[str, str, Callable[[Visit], Awaitable[Response]]]] = [
    ("GET", "", home),
    ("GET", "/segments", segments),
    ("GET", "/segments/{segment}", segment),
    ("GET", "/jobs", jobs),
    ("GET", "/streams", streams),
]
