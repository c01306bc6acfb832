"""A provider as a table, and the one reader of all tables.

`read` never raises for what a record holds. A provider's own shapes (envelopes, older forms) are
brought into one form by its `prepare`; everything else is said by paths and rules.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.reading.countries import country_code
from pinpoint_kit.identity.reading.instants import instant_of
from pinpoint_kit.identity.reading.paths import Paths, compiled, finder, value_at
from pinpoint_kit.identity.reading.reading import Device, Identity, Reading, Record
from pinpoint_kit.identity.reading.rules import (
    AUTH_FAIL_EVENT,
    SESSION_RESUME_EVENT,
    SESSION_START_EVENT,
    SESSION_STOP_EVENT,
    SIGN_IN_EVENT,
    SIGN_UP_EVENT,
    Rule,
)
from pinpoint_kit.identity.reading.user_agents import demographic_of, family_of
from pinpoint_kit.identity.reading.values import (
    MAX_LABEL,
    code,
    identifier,
    is_opaque,
    label,
    person,
    printable,
    text,
)
from pinpoint_kit.models.endpoint import Demographic, Location
from pinpoint_kit.models.event import Event, Session

__all__ = ["Part", "ProviderTable"]

Prepare: TypeAlias = Callable[[Record], Record]

#: What a table may say where to find.
_FIELDS = frozenset(
    {"id", "time", "user", "target", "name", "tenant", "client", "device", "user_agent", "platform"}
    | {"session", "country", "region", "city", "reason", "person_type"}
)
#: Attributes that may be on an event, each a code or an opaque id. Names and addresses are not.
_CODES = frozenset({"factor", "risk", "strategy", "protocol"})
_IDENTIFIERS = frozenset({"connection"})
_ATTRIBUTES: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    *((name, identifier) for name in ("tenant", "client", *sorted(_IDENTIFIERS))),
    *((name, code) for name in sorted(_CODES)),
)
_LONGEST_TYPE = 80
_LONGEST_ID = 128
_UNUSUAL = re.compile(r"[^A-Za-z0-9_.:/ -]")
_PERSONAL = frozenset({SIGN_IN_EVENT, SIGN_UP_EVENT})
_OF_SESSIONS = frozenset({SESSION_STOP_EVENT, SESSION_RESUME_EVENT})
_WITH_SESSION = _OF_SESSIONS | {SIGN_IN_EVENT}


def _parts(value: Iterable[str | tuple[str, ...] | Part]) -> tuple[Part, ...]:
    return tuple(item if isinstance(item, Part) else Part(item) for item in value)


def _fields(value: Mapping[str, str | tuple[str, ...]]) -> dict[str, Paths]:
    unknown = value.keys() - _FIELDS - _CODES - _IDENTIFIERS
    if unknown:
        raise ConfigurationError(
            f"no such field of a provider's table: {', '.join(sorted(unknown))}; there are"
            f" {', '.join(sorted(_FIELDS | _CODES | _IDENTIFIERS))}"
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

    def of(self, record: Record) -> str:
        """Return the part of this record."""
        found = finder(self.paths)(record)
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
    _finders: Mapping[str, Callable[[object], str | None]] = attrs.field(init=False, repr=False)

    @_finders.default
    def _finders_of_fields(self) -> Mapping[str, Callable[[object], str | None]]:
        return {name: finder(paths) for name, paths in self.fields.items()}

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
        words = [part.of(prepared) for part in self.parts]
        kind = _shown(words)
        rule = self._rule(words)
        if rule is None:
            return Reading(provider=self.name, type=kind, outcome="unknown")
        reason = self._why_not(rule, prepared)
        if reason:
            return self._ignored(kind, reason)
        at = self._time(prepared)
        if at is None:
            return self._ignored(kind, "no_time")
        return _Maker(self, rule, kind, prepared, at).reading(record)

    def text(self, record: Record, field: str) -> str | None:
        """Return what a record says in a field, unchanged; None when it says nothing."""
        found = self._finders.get(field)
        return None if found is None else found(record)

    def _ignored(self, kind: str, reason: str) -> Reading:
        return Reading(provider=self.name, type=kind, outcome="ignored", reason=reason)

    def _rule(self, words: list[str]) -> Rule | None:
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
            found = instant_of(value_at(record, path))
            if found is not None:
                return found
        return None


def _shown(words: list[str]) -> str:
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


@attrs.frozen
class _Maker:
    """Makes the events and the endpoint of one record that a rule lets in."""

    table: ProviderTable
    rule: Rule
    kind: str
    record: Record
    at: dt.datetime
    _texts: dict[str, str | None] = attrs.field(factory=dict, init=False)

    def reading(self, source: Record) -> Reading:
        """Return the reading.

        Args:
            source: the record as it came, for an id when it has none of its own.
        """
        event = self.rule.event
        session_id = self._session_id()
        if event in _OF_SESSIONS and session_id is None:
            return Reading(
                provider=self.table.name, type=self.kind, outcome="ignored", reason="no_session"
            )
        user = person(self._text(self.rule.subject)) or ""
        identity = Identity(
            self.table.name,
            printable(self._text("tenant") or "", _LONGEST_ID),
            user,
            self._place(event, user),
            event == AUTH_FAIL_EVENT,
        )
        is_known = event in _PERSONAL and bool(user) and is_opaque(user)
        return Reading(
            provider=self.table.name,
            type=self.kind,
            outcome="events",
            events=self._events(event, source, session_id),
            device=self._device(event, user if is_known else None),
            identity=identity,
        )

    def _text(self, field: str) -> str | None:
        texts = self._texts
        if field not in texts:
            texts[field] = self.table.text(self.record, field)
        return texts[field]

    def _place(self, event: str, user: str) -> str:
        """Return what tells the devices of a person apart.

        Of failures and of unknown persons it is the client alone: anyone can make up user agents,
        and each would be an endpoint.
        """
        client = printable(self._text("client") or "", _LONGEST_ID)
        if event == AUTH_FAIL_EVENT or not user or self.rule.subject != "user":
            return client
        device = self._text("device")
        if device is not None:
            return "device:" + printable(device, _LONGEST_ID)
        agent = self._text("user_agent") or self._text("platform")
        return client if agent is None else f"{client} {family_of(agent)}"

    def _session_id(self) -> str | None:
        """Return the session's id, hashed: the provider's own may be worth stealing."""
        found = self._text("session")
        if found is None:
            return None
        tenant = self._text("tenant") or ""
        return _digest(f"{self.table.name}\0{tenant}\0{found}".encode("utf-8", "replace"))

    def _events(self, event: str, source: Record, session_id: str | None) -> tuple[Event, ...]:
        event_id = self._event_id(source)
        session = None
        if session_id is not None and event in _WITH_SESSION:
            # The service refuses a stop time without a duration, which needs the start.
            session = Session(id=session_id, start_timestamp=self.at)
        attributes = self._attributes()
        events = [
            Event(
                type=event, id=event_id, timestamp=self.at, attributes=attributes, session=session
            )
        ]
        if session is not None and self.rule.starts_session:
            events.append(
                Event(
                    type=SESSION_START_EVENT,
                    id=event_id + ":session",
                    timestamp=self.at,
                    attributes=attributes,
                    session=session,
                )
            )
        return tuple(events)

    def _event_id(self, source: Record) -> str:
        found = self._text("id")
        if found is None or len(found) > _LONGEST_ID or identifier(found) is None:
            return f"{self.table.name}:{_digest(_canonical(source))}"
        return f"{self.table.name}:{found}"

    def _attributes(self) -> dict[str, str]:
        attributes = {"provider": self.table.name}
        for name, clean in _ATTRIBUTES:
            found = self._text(name)
            value = None if found is None else clean(found)
            if value is not None:
                attributes[name] = value
        if self.rule.event == AUTH_FAIL_EVENT:
            value = code(self._text("reason"))
            if value is not None:
                attributes["reason"] = value
        return attributes

    def _device(self, event: str, user_id: str | None) -> Device:
        """Return what is known of the endpoint; of failures only the client."""
        is_theirs = event != AUTH_FAIL_EVENT and self.rule.subject == "user"
        client = identifier(self._text("client"))
        return Device(
            provider=self.table.name,
            used=self.at,
            client=client if client is None or len(client) <= MAX_LABEL else None,
            demographic=self._demographic() if is_theirs else None,
            location=self._location() if is_theirs else None,
            user_id=user_id,
        )

    def _demographic(self) -> Demographic | None:
        agent = self._text("user_agent")
        if agent is not None:
            return demographic_of(agent[:512])
        platform = label(self._text("platform"))
        return None if platform is None else Demographic(platform=platform)

    def _location(self) -> Location | None:
        return _location(self._text("country"), self._text("region"), self._text("city"))


@functools.lru_cache(maxsize=4_096)
def _location(country: str | None, region: str | None, city: str | None) -> Location | None:
    found = None if country is None else country_code(country)
    region, city = label(region), label(city)
    if found is None and region is None and city is None:
        return None
    return Location(country=found, region=region, city=city)


def _canonical(record: Record) -> bytes:
    """Return the same bytes for the same record, whatever the order of its members."""
    try:
        return orjson.dumps(record, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    except TypeError:  # too deep, halves of characters, numbers beyond 64 bits
        flat = {name: text(value) for name, value in record.items() if isinstance(name, str)}
        return repr(sorted(flat.items())).encode("utf-8", "backslashreplace")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
