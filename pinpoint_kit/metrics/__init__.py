"""What a number means: every metric once, in words and as portable SQL over one relation.

A source of events (the store, a lake) makes a `Relation` of its own tables and runs what a metric
asks: `measure("active", {"first": "2026-10-01"}, relation, now=…, execute=…)`. `DEFINITIONS` has
all metrics by name, with their words and arguments: operations, commands and pages derive from it.
Nothing here opens a connection, and nothing of the project but errors and limits is imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.metrics import (  # noqa: F401 -- each adds its metrics to DEFINITIONS
    activity,
    counts,
    demographics,
    funnel,
    money,
    overview,
    retention,
    sessions,
)
from pinpoint_kit.metrics.definition import DEFINITIONS, Chosen, Definition, run
from pinpoint_kit.metrics.relation import Endpoints, Events, Relation, Selected, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pinpoint_kit.metrics.relation import Rows, Statement
    from pinpoint_kit.metrics.results import Result

__all__ = [
    "DEFINITIONS",
    "Definition",
    "Endpoints",
    "Events",
    "Relation",
    "Users",
    "actors",
    "find",
    "measure",
]


def find(name: str) -> Definition:
    """Return the metric of a name.

    Raises:
        ValidationError: there is none.
    """
    if name not in DEFINITIONS:
        raise ValidationError(
            f"unknown metric; there are {', '.join(DEFINITIONS)}", "$.metric", "unknown"
        )
    return DEFINITIONS[name]


def measure(
    name: str,
    arguments: Mapping[str, object],
    relation: Relation,
    *,
    now: int,
    execute: Callable[[Statement], Rows],
) -> Result:
    """Return what a metric is for a source.

    Args:
        name: the metric.
        arguments: its arguments, as they stand in JSON.
        relation: the source.
        now: the present, in milliseconds since 1970: what is not over yet depends on it.
        execute: runs a statement and returns all of its rows. A metric may ask several, up to 15;
            run them in one transaction that only reads, so that they see the same events.

    Raises:
        ValidationError: there is no such metric, or an argument is unknown, malformed or missing.
    """
    definition = find(name)
    return run(definition.measure(definition.question(arguments, now=now), relation), execute)


def actors(
    name: str,
    arguments: Mapping[str, object],
    point: Mapping[str, object],
    relation: Relation,
    *,
    now: int,
) -> Selected:
    """Return the statement of the ids (`actor`) of the endpoints or users behind a number.

    Args:
        name: the metric.
        arguments: its arguments, as they stand in JSON.
        point: which number: `day`, `group`, `step`, `age`, `count`, `is_back`, as the metric has
            them; {} is the total. The rest of a breakdown cannot be asked for.
        relation: the source.
        now: the present, in milliseconds since 1970.

    Raises:
        ValidationError: there is no such metric or point, or nobody is behind this metric.
    """
    definition = find(name)
    if definition.actors is None:
        known = [d.name for d in DEFINITIONS.values() if d.actors is not None]
        raise ValidationError(
            f"nobody stands behind {name}; ask one of {', '.join(known)}", "$.metric", "unknown"
        )
    question = definition.question(arguments, now=now)
    return definition.actors(question, relation, Chosen.parse(point))
