"""`Timeline`: the events of one person, which is personal data."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.results.base import Result, Row
from pinpoint_kit.models.display.counting import counted
from pinpoint_kit.models.display.display import HIDDEN, Shown, many_as_html

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.metrics import results as answers  # noqa: TC004 -- loads SQLAlchemy, and no annotation is evaluated


__all__ = ["Timeline", "TimelineEntry"]

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def _private(**options: Any) -> Any:  # noqa: ANN401 -- as attrs.field()
    return attrs.field(metadata={HIDDEN: True}, repr=False, **options)


@attrs.frozen(kw_only=True)
class TimelineEntry:
    """An event of one person.

    Attributes:
        timestamp: when it happened.
        type: the event type.
        endpoint_id: where it happened.
        event_id: the event.
        user_id: the user that came with it.
        session_id: its session.
        attributes: name -> text.
        metrics: name -> number.
    """

    timestamp: dt.datetime
    type: str
    endpoint_id: str = _private()
    event_id: str = attrs.field(repr=False)
    user_id: str | None = _private()
    session_id: str | None = _private()
    attributes: Mapping[str, str] = _private()
    metrics: Mapping[str, float] = _private()


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Timeline(Result):
    """The events of one endpoint or user, the latest first. A display hides what is personal.

    `rows` have `timestamp`, `type`, `endpoint_id`, `event_id`, `user_id`, `session_id`,
    `attributes` and `metrics` (as JSON).
    """

    _answer: answers.Timeline

    @property
    def entries(self) -> Sequence[TimelineEntry]:
        """The events."""
        return [
            TimelineEntry(
                timestamp=_EPOCH + dt.timedelta(milliseconds=entry.time_ms),
                type=entry.type,
                endpoint_id=entry.endpoint_id,
                event_id=entry.event_id,
                user_id=entry.user_id,
                session_id=entry.session_id,
                attributes=orjson.loads(entry.attributes or "{}"),
                metrics=orjson.loads(entry.metrics or "{}"),
            )
            for entry in self._answer.entries
        ]

    @property
    def rows(self) -> Sequence[Row]:
        """The events as rows: personal data."""
        return [
            Row(
                {
                    "timestamp": _EPOCH + dt.timedelta(milliseconds=entry.time_ms),
                    "type": entry.type,
                    "endpoint_id": entry.endpoint_id,
                    "event_id": entry.event_id,
                    "user_id": entry.user_id,
                    "session_id": entry.session_id,
                    "attributes": entry.attributes,
                    "metrics": entry.metrics,
                }
            )
            for entry in self._answer.entries
        ]

    @property
    def following(self) -> str | None:
        """The token for earlier events (`after`); None: there are none."""
        return self._answer.following

    def show(self) -> Shown:
        """Show everything: user, session, attributes and metrics.

        Returns:
            Something that displays as a table in a notebook and as lines of text elsewhere.
        """
        return Shown(self.entries)

    def picture(self) -> str:
        """Draw how many events of each type there are."""
        counts: dict[str, int] = {}
        for entry in self._answer.entries:
            counts[entry.type] = counts.get(entry.type, 0) + 1
        ordered = sorted(counts, key=lambda kind: (-counts[kind], kind))
        return charts.bar_chart(self.title, [(kind, counts[kind]) for kind in ordered])

    def summary(self) -> str:
        """Say how many events there are."""
        more = " and more" if self.following else ""
        return counted(len(self._answer.entries), "event") + more

    def to_html(self, *, is_styled: bool = False) -> str:
        """Make a table without what is personal; `show()` has all of it."""
        del is_styled  # a plain table needs no style
        return many_as_html(self.entries, is_revealed=False, of="events")
