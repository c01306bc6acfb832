"""The table of operations that the engine answers, merged from what its families export.

An operation that is not in the table is refused by name. No row of it belongs here: a family has
its own in its operations.py, and is listed below. The coverage page comes from the table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

from pinpoint_kit.engine.analytics import operations as analytics
from pinpoint_kit.engine.applications import operations as applications
from pinpoint_kit.engine.campaigns import operations as campaigns
from pinpoint_kit.engine.context import Handler, Status
from pinpoint_kit.engine.endpoints import operations as endpoints
from pinpoint_kit.engine.engagement import operations as engagement
from pinpoint_kit.engine.events import operations as events
from pinpoint_kit.engine.jobs import operations as jobs
from pinpoint_kit.engine.journeys import operations as journeys
from pinpoint_kit.engine.lakes import operations as lakes
from pinpoint_kit.engine.messages import operations as messages
from pinpoint_kit.engine.removal import operations as removal
from pinpoint_kit.engine.segments import operations as segments
from pinpoint_kit.engine.streams import operations as streams
from pinpoint_kit.engine.streams import status as stream_status
from pinpoint_kit.engine.streams.forwarding import Forwarder, workers_of
from pinpoint_kit.engine.wire import routes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pinpoint_kit.engine.context import Context, Family, Operation
    from pinpoint_kit.engine.work.worker import Worker

__all__ = [
    "COPIES",
    "EXTENSIONS",
    "FAMILIES",
    "HELD_OF_PERSON",
    "LANES",
    "LONG_READS",
    "ON_EVENTS",
    "OPERATIONS",
    "Coverage",
    "Handler",
    "coverage",
    "forwarders",
    "handler_of",
    "merged",
    "stream_lags",
    "workers",
]

#: Each family after those that it builds on.
FAMILIES: tuple[Family, ...] = (
    applications.FAMILY,
    endpoints.FAMILY,
    events.FAMILY,
    lakes.FAMILY,
    segments.FAMILY,
    streams.FAMILY,
    engagement.FAMILY,
    messages.FAMILY,
    analytics.FAMILY,
    campaigns.FAMILY,
    journeys.FAMILY,
    jobs.FAMILY,
    removal.FAMILY,
)

_T = TypeVar("_T")


def merged(tables: Iterable[Mapping[str, _T]]) -> dict[str, _T]:
    """Return all rows of some tables.

    Raises:
        ValueError: two tables have a row of the same name.
    """
    rows: dict[str, _T] = {}
    for table in tables:
        doubles = rows.keys() & table.keys()
        if doubles:
            raise ValueError(f"two families answer {', '.join(sorted(doubles))}; leave one")
        rows.update(table)
    return rows


OPERATIONS: Mapping[str, Operation] = merged(family.operations for family in FAMILIES)

#: What Pinpoint's own API cannot be asked; see wire/routes.py.
EXTENSIONS: Mapping[str, Handler] = merged(family.extensions for family in FAMILIES)

#: What may take long, so that a server has only a few of them done at once.
LONG_READS: frozenset[str] = frozenset().union(*(family.long_reads for family in FAMILIES))

COPIES = tuple(family.copies for family in FAMILIES if family.copies is not None)

ON_EVENTS = tuple(family.on_events for family in FAMILIES if family.on_events is not None)

#: What builds on others comes before them, so that those are still there when it is emptied.
HELD_OF_PERSON = tuple(
    family.held_of_person for family in reversed(FAMILIES) if family.held_of_person is not None
)


def handler_of(name: str) -> Handler | None:
    """Return what answers an operation, or None where it is refused by name."""
    operation = OPERATIONS.get(name)
    return EXTENSIONS.get(name) if operation is None else operation.handler


#: What takes turns by itself, beside the destinations of event streams.
LANES: tuple[str, ...] = tuple(dict.fromkeys(family.lane for family in FAMILIES))


def workers(context: Context, monotonic: Callable[[], float], lane: str) -> list[Worker]:
    """Return the workers of all families of a lane, for one engine.

    Args:
        context: the engine's surroundings.
        monotonic: the monotonic clock, in seconds.
        lane: one of `LANES`.
    """
    return [
        worker
        for family in FAMILIES
        if family.workers is not None and family.lane == lane
        for worker in family.workers(context, monotonic)
    ]


def forwarders(context: Context, monotonic: Callable[[], float]) -> list[Forwarder]:
    """Return what forwards event streams, one for each destination and its lane."""
    return workers_of(context, monotonic)


def stream_lags(context: Context) -> Mapping[str, stream_status.Lag]:
    """Return what waits for each destination of event streams, over all applications."""
    with context.store.read() as connection:
        return stream_status.lags(connection)


@attrs.frozen
class Coverage:
    """One row of the compatibility page.

    Attributes:
        operation: the operation's name.
        status: `emulated` fully, `partial`ly (see the note), or `refused` with 501.
        note: what to know about it; "" when there is nothing to add.
    """

    operation: str
    status: Status
    note: str


def coverage() -> list[Coverage]:
    """Return a row for each operation of the service model, in the order of their names."""
    return [_row(route.operation) for route in routes.load().all]


def _row(name: str) -> Coverage:
    operation = OPERATIONS.get(name)
    if operation is None:
        return Coverage(name, "refused", "")
    return Coverage(name, operation.status, operation.note)
