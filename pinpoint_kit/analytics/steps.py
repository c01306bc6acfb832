"""`Step`: a step of a funnel, as a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError

__all__ = ["Step"]


@attrs.frozen
class Step:
    """An event that somebody must have on the way through a funnel.

    Args:
        type: the event type, for example `page_view`.
        attributes: the event's attributes: name -> values, of which one is enough.
        metrics: the event's metrics: name -> a number, or a comparison such as
            `{"at_least": 3}` (`equals`, `above`, `at_least`, `below`, `at_most`).
        name: what to call the step; the event type unless given.

    Examples:
        >>> Step("add_to_cart", attributes={"currency": ["EUR"]}).to_json()
        {'type': 'add_to_cart', 'attributes': {'currency': ['EUR']}}
    """

    type: str
    attributes: Mapping[str, str | Sequence[str | None]] | None = attrs.field(
        default=None, kw_only=True
    )
    metrics: Mapping[str, float | Mapping[str, float]] | None = attrs.field(
        default=None, kw_only=True
    )
    name: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.type, str):
            raise InvalidTypeError("expected text such as 'page_view'", "$.type")
        if not self.type:
            raise ValidationError("is empty: name an event type", "$.type", "empty")

    def to_json(self) -> dict[str, object]:
        """Return the step as the argument of a metric."""
        members = {
            "type": self.type,
            "name": self.name,
            "attributes": None if self.attributes is None else dict(self.attributes),
            "metrics": None if self.metrics is None else dict(self.metrics),
        }
        return {name: value for name, value in members.items() if value is not None}
