"""Content that is over a limit, cut to what the service takes, and what was cut counted.

Values are cut by character and names are left out; ids, currencies and addresses stay as they
are, because a part of one is another one. Nothing here encodes or sends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.endpoint import Endpoint

__all__ = ["Cuts", "trimmed_endpoint", "trimmed_event"]

V = TypeVar("V")
#: Attributes that name something; cut, they would name something else.
_NAMING = frozenset({"_currency", "_product_id", "_transaction_id"})


@attrs.define
class Cuts:
    """What was done to one event or to the endpoint data of one.

    Attributes:
        left_out: names, or values of a list, that are not sent.
        is_truncated: True when a value was cut.
    """

    left_out: int = 0
    is_truncated: bool = False

    def text(self, value: str, longest: int) -> str:
        """Return a text, cut by character if need be."""
        if len(value) <= longest:
            return value
        self.is_truncated = True
        return value[:longest]


def trimmed_event(
    attributes: Mapping[str, str] | None,
    metrics: Mapping[str, float] | None,
    limits: Limits,
    cuts: Cuts,
) -> tuple[Mapping[str, str] | None, Mapping[str, float] | None]:
    """Return attributes and metrics that keep to the limits for an event.

    Where there are too many, Pinpoint's own names (`_…`) stay first, then metrics, then the
    attributes that were given first.

    Source: Developer Guide, Quotas, "Event ingestion".
    """
    longest = limits.max_event_key_chars
    names = [(name, True) for name in attributes or () if len(name) <= longest]
    names += [(name, False) for name in metrics or () if len(name) <= longest]
    cuts.left_out += len(attributes or ()) + len(metrics or ()) - len(names)
    if len(names) > limits.max_event_keys:
        cuts.left_out += len(names) - limits.max_event_keys
        names.sort(key=lambda found: (not found[0].startswith("_"), found[1]))
        del names[limits.max_event_keys :]
    kept = set(names)
    longest = limits.max_event_value_chars
    return (
        attributes
        and {
            name: text if name in _NAMING else cuts.text(text, longest)
            for name, text in attributes.items()
            if (name, True) in kept
        },
        metrics and {name: number for name, number in metrics.items() if (name, False) in kept},
    )


def trimmed_endpoint(endpoint: Endpoint, limits: Limits, cuts: Cuts) -> Endpoint:
    """Return endpoint data whose attributes and metrics keep to the limits for an endpoint.

    Where there are too many names, attributes stay first, then metrics, then user attributes.

    Source: Developer Guide, Quotas, "Endpoints".
    """
    room = limits.max_endpoint_attributes
    attributes, room = _lists(endpoint.attributes, room, limits, cuts)
    metrics, room = _named(endpoint.metrics, room, limits, cuts)
    user = endpoint.user
    if user is not None:
        of_user, _ = _lists(user.attributes, room, limits, cuts)
        user = attrs.evolve(user, attributes=of_user)
    return attrs.evolve(endpoint, attributes=attributes, metrics=metrics, user=user)


def _lists(
    lists: Mapping[str, Sequence[str]] | None, room: int, limits: Limits, cuts: Cuts
) -> tuple[dict[str, list[str]] | None, int]:
    kept, room = _named(lists, room, limits, cuts)
    if kept is None:
        return None, room
    most, longest = limits.max_values_per_attribute, limits.max_endpoint_value_chars
    cuts.left_out += sum(max(0, len(values) - most) for values in kept.values())
    return {
        name: [cuts.text(value, longest) for value in values[:most]]
        for name, values in kept.items()
    }, room


def _named(
    values: Mapping[str, V] | None, room: int, limits: Limits, cuts: Cuts
) -> tuple[dict[str, V] | None, int]:
    """Return what has a short enough name, as far as there is room, and the room that is left."""
    if values is None:
        return None, room
    short = [name for name in values if len(name) <= limits.max_endpoint_name_chars][:room]
    cuts.left_out += len(values) - len(short)
    return {name: values[name] for name in short}, room - len(short)
