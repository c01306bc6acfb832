"""`where`: which events, endpoints or users a number is about, from JSON to conditions.

What comes from the wire is checked here and bounded in size, and every refusal names the member.
The conditions are portable; no metric may be named here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs
from sqlalchemy import ColumnElement, Double, Text, false, literal, not_, or_, select, true

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.metrics.dialects import attribute, each_value, metric
from pinpoint_kit.metrics.relation import REMEMBERED, Selected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pinpoint_kit.metrics.relation import Endpoints, Relation, Users

__all__ = ["EVERYTHING", "Values", "Where", "endpoints_with", "equals", "users_with"]

#: Values of one text; None stands for "has none".
Values = tuple["str | None", ...]

#: The same bounds as those of a segment's definition.
MAX_MEMBERS = DEFAULT_LIMITS.max_segment_dimensions
MAX_VALUES = DEFAULT_LIMITS.max_segment_values
MAX_VALUE_CHARS = max(DEFAULT_LIMITS.max_event_value_chars, 256)
MAX_NAME_CHARS = 256

#: Members that only events have.
_OF_EVENTS = ("event_type", "session_id", "attributes", "metrics")
_TEXTS = ("event_type", "session_id", "endpoint_id", "user_id", "channel", *REMEMBERED)
_MAPS = ("attributes", "endpoint_attributes", "user_attributes")
_MEMBERS = (*_TEXTS, *_MAPS, "metrics")

_COMPARISONS: Mapping[str, Callable[[ColumnElement[float], float], ColumnElement[bool]]] = {
    "equals": lambda number, wanted: number == literal(wanted, Double),
    "above": lambda number, wanted: number > literal(wanted, Double),
    "at_least": lambda number, wanted: number >= literal(wanted, Double),
    "below": lambda number, wanted: number < literal(wanted, Double),
    "at_most": lambda number, wanted: number <= literal(wanted, Double),
}


@attrs.frozen(kw_only=True)
class Where:
    """Conditions that all must hold; the values of one condition are alternatives.

    Examples:
        >>> Where.parse({"platform": ["ios"], "metrics": {"level": {"at_least": 3}}}).names
        ('platform', 'metrics')

    Args:
        texts: by the member's name, for example `platform`.
        maps: for `attributes`, `endpoint_attributes` and `user_attributes`: (member, name, values).
        metrics: (name, comparison, number).
    """

    texts: tuple[tuple[str, Values], ...] = ()
    maps: tuple[tuple[str, str, Values], ...] = ()
    metrics: tuple[tuple[str, str, float], ...] = ()

    @classmethod
    def parse(cls, value: object, path: str = "$.where") -> Where:
        """Return the conditions that a JSON object states.

        Its members: `event_type`, `session_id`, `endpoint_id`, `user_id`, `channel`, `platform`,
        `app_version`, `make`, `model`, `locale` and `country` with a text or a list of texts;
        `attributes` (of events), `endpoint_attributes` and `user_attributes` with an object of
        such; `metrics` with an object of numbers or of comparisons (`equals`, `above`,
        `at_least`, `below`, `at_most`). Null as a text stands for "has none".

        Raises:
            ValidationError: a member is unknown, malformed, too long, or there are too many.
        """
        texts, maps, metrics = [], [], []
        for name, content in _entries({} if value is None else value, path, _MEMBERS):
            at = f"{path}.{name}"
            if name in _TEXTS:
                texts.append((name, _values(content, at)))
            elif name in _MAPS:
                maps += [
                    (name, key, _as_read(_values(v, f"{at}[…]")))
                    for key, v in _entries(content, at)
                ]
            else:
                for key, number in _entries(content, at):
                    metrics += [(key, how, n) for how, n in _comparisons(number, f"{at}[…]")]
        found = cls(texts=tuple(texts), maps=tuple(maps), metrics=tuple(metrics))
        lists = [values for _, values in found.texts] + [values for _, _, values in found.maps]
        if (
            len(lists) + len(metrics) > MAX_MEMBERS
            or sum(map(len, lists)) + len(metrics) > MAX_VALUES
        ):
            raise ValidationError(
                f"too many values: a filter has at most {MAX_VALUES}; ask with fewer", path, "size"
            )
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """The members that are used."""
        used = [name for name, _ in self.texts] + [name for name, _, _ in self.maps]
        return tuple(dict.fromkeys([*used, *(["metrics"] if self.metrics else [])]))

    def of_events(self, relation: Relation) -> list[ColumnElement[bool]]:
        """Return the conditions on `relation.events`.

        Attributes of endpoints and users, and the channel, are the present ones; the rest is as
        it was when the event arrived.
        """
        events = relation.events
        columns = {name: getattr(events, name) for name in REMEMBERED} | {
            "event_type": events.type,
            "session_id": events.session,
            "endpoint_id": events.endpoint,
            "user_id": events.user,
        }
        found: list[ColumnElement[bool]] = []
        for name, values in self.texts:
            if name == "channel":
                chosen = endpoints_where(relation, equals(relation.endpoints.channel, values))
                found.append(events.endpoint.in_(chosen))
            else:
                found.append(equals(columns[name], values))
        for member, key, values in self.maps:
            if member == "attributes":
                found.append(equals(attribute(events.attributes, key), values))
            elif member == "endpoint_attributes":
                found.append(endpoints_with(relation, events.endpoint, key, values))
            else:
                found.append(users_with(relation, events.user, key, values))
        return found + [
            _COMPARISONS[how](metric(events.metrics, key), number)
            for key, how, number in self.metrics
        ]

    def of_endpoints(self, relation: Relation) -> list[ColumnElement[bool]]:
        """Return the conditions on `relation.endpoints`.

        Those that only events have are left out.
        """
        endpoints = relation.endpoints
        columns = {name: getattr(endpoints, name) for name in REMEMBERED} | {
            "endpoint_id": endpoints.endpoint,
            "user_id": endpoints.user,
            "channel": endpoints.channel,
        }
        found = [equals(columns[name], values) for name, values in self.texts if name in columns]
        for member, key, values in self.maps:
            if member == "endpoint_attributes":
                found.append(endpoints_with(relation, endpoints.endpoint, key, values))
            elif member == "user_attributes":
                found.append(users_with(relation, endpoints.user, key, values))
        return found

    def of_users(self, relation: Relation) -> list[ColumnElement[bool]]:
        """Return the conditions on `relation.users`: one of their endpoints must meet the rest."""
        own = Where(
            texts=tuple(t for t in self.texts if t[0] == "user_id"),
            maps=tuple(m for m in self.maps if m[0] == "user_attributes"),
        )
        rest = Where(
            texts=tuple(t for t in self.texts if t not in own.texts and t[0] not in _OF_EVENTS),
            maps=tuple(m for m in self.maps if m[0] == "endpoint_attributes"),
        )
        users = relation.users
        found = [equals(users.user, values) for _, values in own.texts]
        found += [users_with(relation, users.user, key, values) for _, key, values in own.maps]
        if rest.texts or rest.maps:
            conditions = rest.of_endpoints(relation)
            endpoints = relation.endpoints
            chosen = _scoped(select(endpoints.user), endpoints).where(
                *conditions, endpoints.user.is_not(None)
            )
            found.append(users.user.in_(chosen))
        return found


EVERYTHING = Where()


def equals(column: ColumnElement[str], values: Values) -> ColumnElement[bool]:
    """Return the condition under which a text is one of some values; None: it is NULL."""
    wanted = [value for value in values if value is not None]
    tests = [column == literal(wanted[0], Text)] if len(wanted) == 1 else []
    if len(wanted) > 1:
        tests = [column.in_([literal(value, Text) for value in wanted])]
    if None in values:
        tests.append(column.is_(None))
    return or_(false(), *tests)


def endpoints_where(relation: Relation, *conditions: ColumnElement[bool]) -> Selected:
    """Return the ids of the endpoints under some conditions."""
    endpoints = relation.endpoints
    return _scoped(select(endpoints.endpoint), endpoints).where(*conditions)


def endpoints_with(
    relation: Relation, endpoint: ColumnElement[str], key: str, values: Values
) -> ColumnElement[bool]:
    """Return the condition under which an endpoint has one of some values of an attribute now."""
    source = relation.endpoints
    return _listed(source, source.endpoint, endpoint, key, values)


def users_with(
    relation: Relation, user: ColumnElement[str], key: str, values: Values
) -> ColumnElement[bool]:
    """Return the condition under which a user has one of some values of an attribute now."""
    source = relation.users
    return _listed(source, source.user, user, key, values)


def _listed(
    source: Endpoints | Users,
    owner: ColumnElement[str],
    asked: ColumnElement[str],
    key: str,
    values: Values,
) -> ColumnElement[bool]:
    each = each_value(source.attributes, key)
    having = select(owner).select_from(source.table.join(each, true()))
    if source.scope is not None:
        having = having.where(source.scope)
    having = having.where(owner.is_not(None))
    wanted = [literal(value, Text) for value in values if value is not None]
    tests: list[ColumnElement[bool]]
    tests = [asked.in_(having.where(each.c.value.in_(wanted)))] if wanted else []
    if None in values:
        tests.append(or_(asked.is_(None), not_(asked.in_(having))))
    return or_(false(), *tests)


def _scoped(statement: Selected, source: Endpoints | Users) -> Selected:
    found = statement.select_from(source.table)
    return found if source.scope is None else found.where(source.scope)


def _entries(value: object, path: str, known: tuple[str, ...] = ()) -> Iterable[tuple[str, object]]:
    if not isinstance(value, Mapping):
        raise ValidationError(f"expected an object, not {type(value).__name__}", path, "type")
    for name, content in value.items():
        if not isinstance(name, str) or (known and name not in known):
            raise ValidationError(f"unknown filter; there are {', '.join(known)}", path, "unknown")
        if len(name) > MAX_NAME_CHARS:
            raise ValidationError(
                f"a name is longer than {MAX_NAME_CHARS} characters; shorten it", path, "size"
            )
        yield name, content


def _values(value: object, path: str) -> Values:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not values:
        raise ValidationError("the list is empty; name a value, or leave it out", path, "size")
    for text in values:
        if text is not None and not isinstance(text, str):
            raise ValidationError(f"expected text or null, not {type(text).__name__}", path, "type")
        if text is not None and len(text) > MAX_VALUE_CHARS:
            raise ValidationError(
                f"a value is longer than {MAX_VALUE_CHARS} characters; none that is stored is",
                path,
                "size",
            )
    return tuple(dict.fromkeys(values))


def _as_read(values: Values) -> Values:
    """Return the values as they are read from JSON, where U+0000 becomes U+FFFD."""
    return tuple(value and value.replace("\0", "\ufffd") for value in values)


def _comparisons(value: object, path: str) -> list[tuple[str, float]]:
    asked = {"equals": value} if not isinstance(value, Mapping) else value
    found = []
    for how, number in asked.items():
        if how not in _COMPARISONS:
            raise ValidationError(
                f"unknown comparison; there are {', '.join(_COMPARISONS)}", path, "unknown"
            )
        if isinstance(number, bool) or not isinstance(number, (int, float)):
            raise ValidationError(f"expected a number, not {type(number).__name__}", path, "type")
        try:
            converted = float(number)
        except OverflowError:
            converted = math.inf
        if not math.isfinite(converted):
            raise ValidationError("expected a finite number", path, "type")
        found.append((str(how), converted))
    if not found:
        raise ValidationError("no comparison; write a number, or leave it out", path, "size")
    return found
