"""`StoreAnalytics`: the verbs of a store, with what only a store can do.

Saved funnels, and the people behind a number as a segment. A lake has neither.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from pinpoint_kit.analytics.results import Funnel
from pinpoint_kit.analytics.verbs import Analytics, Options, funnel_arguments
from pinpoint_kit.models import wire
from pinpoint_kit.models.base import instant
from pinpoint_kit.models.segments.segment import Segment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Unpack

    from pinpoint_kit.analytics.asking import Server
    from pinpoint_kit.analytics.results import Result
    from pinpoint_kit.analytics.steps import Step
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["SavedFunnel", "StoreAnalytics"]

_PATH = ("funnels",)


@attrs.frozen(kw_only=True)
class SavedFunnel:
    """A funnel that is kept under a name.

    Attributes:
        id: its id.
        name: its name, which need not be unique.
        arguments: what is asked, as the metric `funnel` takes it.
        creation_date: when it was saved.
    """

    id: str
    name: str
    arguments: Mapping[str, object] = attrs.field(repr=False)
    creation_date: dt.datetime | None


class StoreAnalytics(Analytics):
    """The numbers of one application on its store. Safe to use from several threads."""

    def __init__(
        self, server: Server, transport: Transport, *, application_id: ApplicationId
    ) -> None:
        super().__init__(server.ask)
        self._server = server
        self._transport = transport
        self._application_id = application_id

    def save_funnel(
        self,
        name: str,
        steps: Sequence[Step | str],
        *,
        window: dt.timedelta | float | None = dt.timedelta(days=7),
        order: Literal["at_or_after", "after"] = "at_or_after",
        **options: Unpack[Options],
    ) -> SavedFunnel:
        """Keep the steps of a funnel under a name.

        Args:
            name: 1 to 64 characters.
            steps: as for `funnel`; filters that name one person are refused.
            window: as for `funnel`.
            order: as for `funnel`.
            **options: see `Options`.

        Raises:
            BadRequest: the name or the steps are refused.
            ConfigurationError, ServiceError, TransportError: as `active`.
        """
        given = {key: value for key, value in options.items() if value is not None}
        own = {**funnel_arguments(steps, window), "order": order}
        body = {"Name": name, "Arguments": {**given, **own}}
        return _saved(self._server.call("CreateFunnel", _PATH, body=body))

    def saved_funnels(self) -> list[SavedFunnel]:
        """List the saved funnels, the oldest first."""
        return [_saved(item) for item in self._server.items("ListFunnels", _PATH)]

    def saved_funnel(
        self,
        funnel: SavedFunnel,
        *,
        first: dt.date | str | None = None,
        last: dt.date | str | None = None,
    ) -> Funnel:
        """Count a saved funnel, for the days given.

        Args:
            funnel: one of `saved_funnels()`.
            first: the first day of the first step.
            last: the last day.
        """
        options: Options = {}
        return self._get(Funnel, "funnel", first, last, options, funnel.arguments)

    def delete_funnel(self, funnel_id: str) -> None:
        """Delete a saved funnel.

        Raises:
            NotFound: there is none of this id.
            ConfigurationError, ServiceError, TransportError: as `active`.
        """
        self._server.call("DeleteFunnel", (*_PATH, funnel_id), method="DELETE")

    def create_segment(  # noqa: PLR0913 -- which number is meant
        self,
        result: Result,
        name: str,
        *,
        day: dt.date | str | None = None,
        group: str | None = None,
        step: int | None = None,
        age: int | None = None,
        is_back: bool | None = None,
        count: int | None = None,
    ) -> Segment:
        """Make a segment of the people behind a number: a list, which does not change with it.

        Args:
            result: what a verb returned.
            name: the segment's name.
            day: the day that is meant; all of the period unless given.
            group: the value of the breakdown that is meant.
            step: of a funnel: who reached this step, from 1.
            age: of cohorts: who came back so many days after.
            is_back: of a retention: those who came back (True), or those who did not (False).
            count: of a stickiness histogram: who was active on so many days.

        Returns:
            The segment, of type IMPORT.

        Raises:
            BadRequest: nobody stands behind this number.
            ConfigurationError, ServiceError, TransportError: as `active`.
        """
        point: dict[str, Any] = {
            "day": day.isoformat() if isinstance(day, dt.date) else day,
            "group": group,
            "step": step,
            "age": age,
            "is_back": is_back,
            "count": count,
        }
        body = {
            "Name": name,
            "Arguments": dict(result.arguments),
            "Point": {key: value for key, value in point.items() if value is not None},
        }
        path = ("metrics", result.about.metric, "segments")
        made = self._server.call("CreateMetricSegment", path, body=body)
        answer = self._transport.call(
            "GetSegment", ApplicationId=self._application_id, SegmentId=made["SegmentId"]
        )
        return wire.from_wire(Segment, answer["SegmentResponse"])


def _saved(item: Mapping[str, Any]) -> SavedFunnel:
    return SavedFunnel(
        id=item["Id"],
        name=item["Name"],
        arguments=item["Arguments"],
        creation_date=instant(item.get("CreationDate"), "creation_date"),
    )
