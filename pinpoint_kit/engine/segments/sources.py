"""Which segments a segment builds on: found, and kept from going in circles or growing too large.

A segment is ready to be evaluated when everything that it builds on, however indirectly, has been
found; `found` gives it that. How they are put together is segments/sql.py's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.segments.rules import ROOT, Combination, SourceRule, walk
from pinpoint_kit.engine.segments.store import Reference, Segment, find
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App

__all__ = ["found", "require"]

#: Everything is evaluated in one SQL expression, and databases bound its depth and its size.
_MAX_DEPTH = 5
_MAX_PARTS = 500


def require(
    connection: Connection, app: App, segment_id: str, version: int | None = None
) -> Segment:
    """Return a segment that is ready to be evaluated, at its newest version unless said.

    Raises:
        ApiError: it does not exist, or what it builds on does not any more.
    """
    return found(connection, find(connection, app.number, segment_id, version))


def found(connection: Connection, segment: Segment) -> Segment:
    """Return the segment with everything that it builds on.

    Raises:
        ApiError: a segment or a version does not exist (any more), an imported segment is not the
            only source of its group, the segment builds on itself, or it is too much in all.
    """
    return _Search(connection).complete(segment, ()).segment


@attrs.frozen
class _Complete:
    """A segment with its sources, and how much it is with them."""

    segment: Segment
    depth: int
    parts: int


class _Search:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._complete: dict[tuple[int, int], _Complete] = {}

    def complete(self, segment: Segment, above: tuple[tuple[int, int], ...]) -> _Complete:
        """Completes a segment; `above` are those that build on it, to see a circle."""
        me = segment.number, segment.version
        if me in above:
            raise bad_request("A segment must not build on itself, not even by way of others")
        if me not in self._complete:
            self._complete[me] = self._searched(segment, (*above, me))
        return self._complete[me]

    def _searched(self, segment: Segment, above: tuple[tuple[int, int], ...]) -> _Complete:
        rules = list(walk(segment.rule))
        sources: dict[Reference, Segment] = {}
        depth, parts = 1, sum(bool(rule.path) for rule in rules)
        for rule in rules:
            if isinstance(rule, SourceRule):
                source = self.complete(self._find(segment.app, rule), above)
                sources[rule.id, rule.version] = source.segment
                depth = max(depth, source.depth + 1)
                parts += source.parts
            elif isinstance(rule, Combination):
                _check_alone(rule, sources)
        if depth > _MAX_DEPTH or parts > _MAX_PARTS:
            raise bad_request(
                f"A segment may build on others {_MAX_DEPTH} deep, and have {_MAX_PARTS} "
                "dimensions, groups and sources together with them"
            )
        return _Complete(attrs.evolve(segment, sources=sources), depth, parts)

    def _find(self, app: int, rule: SourceRule) -> Segment:
        try:
            return find(self._connection, app, rule.id, rule.version)
        except ApiError:
            raise _misplaced("names a segment or a version that does not exist", rule) from None


def _check_alone(rule: Combination, sources: dict[Reference, Segment]) -> None:
    """Refuse an imported segment that is not the only source of its group."""
    own = [part for part in rule.parts if isinstance(part, SourceRule)]
    for part in own:
        if len(own) > 1 and sources[part.id, part.version].is_imported:
            raise _misplaced("an imported segment must be the only source of its group", part)


def _misplaced(text: str, rule: SourceRule) -> ApiError:
    return bad_request(text, rule.path.removeprefix(ROOT))
