"""A provider as a table, and the one reader of all tables.

`read` never raises for what a record holds. A provider's own shapes (envelopes, older forms) are
brought into one form by its `prepare`; everything else is said by paths and rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.reading.instants import instant_of
from pinpoint_kit.identity.reading.maker import ATTRIBUTES, Maker
from pinpoint_kit.identity.reading.paths import Find, Paths, compiled, finder, value_at
from pinpoint_kit.identity.reading.reading import Reading, Record
from pinpoint_kit.identity.reading.rules import Rule

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Part", "ProviderTable"]

Prepare: TypeAlias = Callable[[Record], Record]

#: What a table may say where to find.
_FIELDS = frozenset(
    {"id", "time", "user", "target", "name", "tenant", "client", "device", "user_agent", "platform"}
    | {"session", "country", "region", "city", "reason", "person_type"}
)
_ATTRIBUTES = frozenset(ATTRIBUTES) - _FIELDS
_LONGEST_TYPE = 80
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.:/ -]")
#: Types of which a table remembers what becomes of them; longer ones are looked up each time.
_MOST_TYPES = 1_000
_LONGEST_REMEMBERED = 2 * _LONGEST_TYPE


def _parts(value: Iterable[str | tuple[str, ...] | Part]) -> tuple[Part, ...]:
    return tuple(item if isinstance(item, Part) else Part(item) for item in value)


def _fields(value: Mapping[str, str | tuple[str, ...]]) -> dict[str, Paths]:
    unknown = value.keys() - _FIELDS - _ATTRIBUTES
    if unknown:
        raise ConfigurationError(
            f"no such field of a provider's table: {', '.join(sorted(unknown))}; there are"
            f" {', '.join(sorted(_FIELDS | _ATTRIBUTES))}"
        )
    return {name: compiled(paths) for name, paths in value.items()}


def _rules(value: Mapping[str, Rule]) -> dict[str, Rule]:
    return dict(value)


@attrs.frozen
class Part:
    """One part of what a table calls the type of a record.

    Args:
        paths: where it stands.
        words: other spellings of its values -> the one that the rules use.
        default: what counts when it is missing.
    """

    paths: Paths = attrs.field(converter=compiled)
    words: Mapping[str, str] = attrs.field(factory=dict)
    default: str = ""
    _find: Find = attrs.field(init=False, repr=False, eq=False)

    @_find.default
    def _finder(self) -> Find:
        return finder(self.paths)

    def of(self, record: Record) -> str:
        """Return the part of this record."""
        found = self._find(record)
        if found is None:
            value = value_at(record, self.paths[0])
            found = str(value).lower() if isinstance(value, bool) else self.default
        return self.words.get(found, found)


@attrs.frozen(kw_only=True)
class ProviderTable:
    """A provider: where its records say what, and what its words mean.

    A rule is found by all parts of the type with `:` between them, then by `FIRST:*`, then by the
    longest `PREFIX.*` of the first part. What no rule is found for is unknown.

    Args:
        name: short name, a part of event and endpoint ids.
        parts: what makes up the type.
        rules: type -> what becomes of it.
        fields: field -> path, or alternatives: `id`, `time`, `user`, `target`, `name` (only
            whether there is one), `tenant`, `client`, `device`, `user_agent`, `platform`,
            `session`, `country`, `region`, `city`, `reason`, `person_type`, and the attributes
            `connection`, `strategy`, `protocol`, `factor`, `risk`.
        people: values of `person_type` that mean a person; others are left out as
            `not_a_person`. Empty: all are.
        services: endings of user ids that mean a program, for example `@clients`.
        options: enabled options of the rules.
        prepare: brings a record into the form that the paths are for.

    Raises:
        ConfigurationError: a field has no such name, or a path is malformed.

    Examples:
        >>> from pinpoint_kit.identity import SIGN_IN
        >>> table = ProviderTable(
        ...     name="door",
        ...     parts=["kind"],
        ...     rules={"opened": SIGN_IN},
        ...     fields={"id": "no", "time": "at", "user": "badge"},
        ... )
        >>> reading = table.read({"kind": "opened", "at": 1700000000, "no": 7, "badge": "b-1"})
        >>> [event.type for event in reading.events], reading.user_id
        (['_userauth.sign_in'], 'b-1')
    """

    name: str
    parts: tuple[Part, ...] = attrs.field(converter=_parts)
    rules: Mapping[str, Rule] = attrs.field(converter=_rules, repr=False)
    fields: Mapping[str, Paths] = attrs.field(converter=_fields, repr=False)
    people: frozenset[str] = frozenset()
    services: tuple[str, ...] = ()
    options: frozenset[str] = frozenset()
    prepare: Prepare | None = attrs.field(default=None, repr=False)
    _finders: Mapping[str, Find] = attrs.field(init=False, repr=False, eq=False)
    _maker: Maker = attrs.field(init=False, repr=False, eq=False)
    _known_types: dict[tuple[str, ...], tuple[str, Rule | None]] = attrs.field(
        init=False, factory=dict, repr=False, eq=False
    )

    @_finders.default
    def _finders_of_fields(self) -> Mapping[str, Find]:
        return {name: finder(paths) for name, paths in self.fields.items()}

    @_maker.default
    def _maker_of_readings(self) -> Maker:
        return Maker(self.name, self._finders)

    def extended(self, rules: Mapping[str, Rule]) -> ProviderTable:
        """Return the table with more rules, or with others for the same types.

        Args:
            rules: type -> what becomes of it.
        """
        return attrs.evolve(self, rules={**self.rules, **rules}, fields=_texts_of(self.fields))

    def enabling(self, *options: str) -> ProviderTable:
        """Return the table with options of its rules in force, for example `resume`.

        Raises:
            ConfigurationError: no rule of the table has such an option.
        """
        known = {rule.option for rule in self.rules.values()} - {""}
        for option in options:
            if option not in known:
                raise ConfigurationError(
                    f"no such option of {self.name}: {option}; there are"
                    f" {', '.join(sorted(known)) or 'none'}"
                )
        return attrs.evolve(
            self, options=self.options | frozenset(options), fields=_texts_of(self.fields)
        )

    def read(self, record: object) -> Reading:
        """Return what a record says; never raises for what it holds.

        Args:
            record: one JSON object of the provider.
        """
        if not isinstance(record, Mapping):
            return Reading(provider=self.name, outcome="ignored", reason="not_a_record")
        prepared = record if self.prepare is None else self.prepare(record)
        kind, rule = self._type(tuple([part.of(prepared) for part in self.parts]))
        if rule is None:
            return Reading(provider=self.name, type=kind, outcome="unknown")
        reason = self._why_not(rule, prepared)
        if reason:
            return self._ignored(kind, reason)
        at = self._time(prepared)
        if at is None:
            return self._ignored(kind, "no_time")
        return self._maker.reading(rule, kind, prepared, at, record)

    def text(self, record: Record, field: str) -> str | None:
        """Return what a record says in a field, unchanged; None when it says nothing."""
        found = self._finders.get(field)
        return None if found is None else found(record)

    def _ignored(self, kind: str, reason: str) -> Reading:
        return Reading(provider=self.name, type=kind, outcome="ignored", reason=reason)

    def _type(self, words: tuple[str, ...]) -> tuple[str, Rule | None]:
        """Return the type as it is shown, and its rule."""
        known = self._known_types.get(words)
        if known is None:
            known = _shown(words), self._rule(words)
            if sum(map(len, words)) <= _LONGEST_REMEMBERED:
                if len(self._known_types) >= _MOST_TYPES:
                    self._known_types.clear()
                self._known_types[words] = known
        return known

    def _rule(self, words: tuple[str, ...]) -> Rule | None:
        rules = self.rules
        found = rules.get(":".join(words)) or rules.get(f"{words[0]}:*")
        if found is not None or "." not in words[0]:
            return found
        prefix = words[0][:_LONGEST_TYPE]
        while "." in prefix:
            prefix = prefix.rpartition(".")[0]
            found = rules.get(f"{prefix}.*")
            if found is not None:
                return found
        return None

    def _why_not(self, rule: Rule, record: Record) -> str:
        """Return why a rule leaves this record out; "" when it does not."""
        if not rule.event:
            return rule.reason or "left_out"
        if rule.option and rule.option not in self.options:
            return "option_off"
        if rule.reasons and self.text(record, "reason") not in rule.reasons:
            return "other_reason"
        if rule.needs and not any(self.text(record, name) for name in rule.needs):
            return "no_person"
        return "" if self._is_person(rule, record) else "not_a_person"

    def _is_person(self, rule: Rule, record: Record) -> bool:
        if self.people and (self.text(record, "person_type") or "") not in self.people:
            return False
        return not (
            self.services and (self.text(record, rule.subject) or "").endswith(self.services)
        )

    def _time(self, record: Record) -> dt.datetime | None:
        for path in self.fields.get("time", ()):
            value = value_at(record, path)
            found = None if value is None else instant_of(value)
            if found is not None:
                return found
        return None


def _shown(words: tuple[str, ...]) -> str:
    """Return a type for reports and logs, which hold no names and no control characters."""
    if not any(words):
        return "(no type)"
    kind = ":".join("?" if "@" in word else word for word in words).rstrip(":")
    return _UNUSUAL.sub("?", kind)[:_LONGEST_TYPE]


def _texts_of(fields: Mapping[str, Paths]) -> dict[str, tuple[str, ...]]:
    """Return the paths as they were written: making a table anew compiles them again."""
    return {
        name: tuple(
            ".".join(
                step if condition is None else f"{step}[{condition[0]}={condition[1]}]"
                for step, _, condition in path
            )
            for path in paths
        )
        for name, paths in fields.items()
    }
