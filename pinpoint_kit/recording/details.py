"""What may be said with an event beside its type, and what a client does with all of them.

Values only: nothing here converts, encodes or queues an event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.models import wire
from pinpoint_kit.recording.conversion import attribute_texts, metric_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.event import Session
    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue, Moment

__all__ = ["Defaults", "EventDetails", "EventPolicy", "InvalidPolicy"]

InvalidPolicy = Literal["reject", "truncate"]


class EventDetails(TypedDict, total=False):
    """What a call that names an event type may add to it.

    Attributes:
        attributes: name -> text, number, date or the like, up to 200 characters each.
        metrics: name -> number.
        session: the session that the event belongs to.
        timestamp: when it happened; now unless given. A naive datetime is UTC.
        endpoint: endpoint data that goes with the event, creating or updating the endpoint.
        event_id: the event's id, made unless given; the same id at the same endpoint counts once.
    """

    attributes: Mapping[str, AttributeValue] | None
    metrics: Mapping[str, MetricValue] | None
    session: Session | None
    timestamp: Moment | None
    endpoint: Endpoint | None
    event_id: Id | None


@attrs.frozen(kw_only=True)
class EventPolicy:
    """What is done with content that the service would refuse, and what rides on every event.

    Args:
        strict: raise `ValidationError` instead of counting a rejection.
        invalid: `truncate` values that are too long and leave out names that are too long or too
            many, or `reject` the event.
        members: the client's own members (app title, SDK name and so on), in wire form.
    """

    strict: bool = False
    invalid: InvalidPolicy = "truncate"
    members: wire.Members = attrs.field(factory=wire.Members, repr=False)

    def __attrs_post_init__(self) -> None:
        if self.invalid not in {"reject", "truncate"}:
            raise ConfigurationError(f"invalid is {self.invalid!r}: use 'reject' or 'truncate'")


@attrs.frozen
class Defaults:
    """Attributes and metrics that ride on events of some scope, converted with each event."""

    attributes: object = None
    metrics: object = None

    @classmethod
    def checked(
        cls,
        attributes: Mapping[str, AttributeValue] | None,
        metrics: Mapping[str, MetricValue] | None,
    ) -> Defaults:
        """Convert the values now, so that a mistake shows where it was made.

        Raises:
            InvalidTypeError: a value is nothing that can be sent.
            ValidationError: a metric is text that writes no number.
        """
        return cls(attribute_texts(attributes)[0], metric_numbers(metrics)[0])
