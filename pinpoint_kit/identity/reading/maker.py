"""One record that a rule lets in becomes events, an endpoint's data and an identity.

What of it may be kept is decided here: codes and opaque ids, and no name, address or text. Which
records these are, and where their values stand, is the table's business.
"""

from __future__ import annotations

import functools
import hashlib
from typing import TYPE_CHECKING

import orjson

from pinpoint_kit.identity.reading.countries import country_code
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

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping

    from pinpoint_kit.identity.reading.paths import Find

__all__ = ["ATTRIBUTES", "Maker"]

#: Attributes that may be on an event, each a code or an opaque id. Names and addresses are not.
ATTRIBUTES: Mapping[str, Callable[[str], str | None]] = {
    "tenant": identifier,
    "client": identifier,
    "connection": identifier,
    "factor": code,
    "protocol": code,
    "risk": code,
    "strategy": code,
}
_BEGUN = hashlib.sha256()
_LONGEST_ID = 128
_LONGEST_AGENT = 512
_PERSONAL = frozenset({SIGN_IN_EVENT, SIGN_UP_EVENT})
_OF_SESSIONS = frozenset({SESSION_STOP_EVENT, SESSION_RESUME_EVENT})
_WITH_SESSION = _OF_SESSIONS | {SIGN_IN_EVENT}


def _nothing(_: object) -> None:
    return None


class Maker:
    """Makes readings of the records of one provider.

    Args:
        provider: the provider's name.
        finders: what finds the value of a field in a record; fields without one have none.
    """

    def __init__(self, provider: str, finders: Mapping[str, Find]) -> None:
        self._provider = provider
        self._finders = finders
        self._attributes = tuple(
            (name, finders[name], clean) for name, clean in ATTRIBUTES.items() if name in finders
        )
        self._session = finders.get("session", _nothing)
        self._tenant = finders.get("tenant", _nothing)
        self._client = finders.get("client", _nothing)
        self._device_id = finders.get("device", _nothing)
        self._user_agent = finders.get("user_agent", _nothing)
        self._platform = finders.get("platform", _nothing)
        self._id = finders.get("id", _nothing)
        self._reason = finders.get("reason", _nothing)
        self._country = finders.get("country", _nothing)
        self._region = finders.get("region", _nothing)
        self._city = finders.get("city", _nothing)

    def reading(
        self, rule: Rule, kind: str, record: Record, at: dt.datetime, source: Record
    ) -> Reading:
        """Return the reading of a record.

        Args:
            rule: what becomes of it.
            kind: its type, as it is shown.
            record: the record, prepared.
            at: when it happened.
            source: the record as it came, for an id when it has none of its own.
        """
        provider, event = self._provider, rule.event
        session_text, tenant = self._session(record), self._tenant(record) or ""
        if session_text is None and event in _OF_SESSIONS:
            return Reading(provider=provider, type=kind, outcome="ignored", reason="no_session")
        client = self._client(record)
        user = person(self._finders.get(rule.subject, _nothing)(record)) or ""
        is_failure = event == AUTH_FAIL_EVENT
        # Of failures only the client is kept, and nothing where somebody else acts.
        is_theirs = not is_failure and rule.subject == "user"
        agent = self._user_agent(record) if is_theirs else None
        platform = self._platform(record) if is_theirs and agent is None else None
        place = printable(client or "", _LONGEST_ID)
        if is_theirs and user:
            place = self._place(record, place, agent or platform)
        session = None
        if session_text is not None and event in _WITH_SESSION:
            # The service refuses a stop time without a duration, which needs the start.
            session = Session(id=self._session_id(tenant, session_text), start_timestamp=at)
        is_known = event in _PERSONAL and bool(user) and is_opaque(user)
        known_client = identifier(client)
        return Reading(
            provider=provider,
            type=kind,
            outcome="events",
            events=self._events(rule, record, at, source, session),
            device=Device(
                provider=provider,
                used=at,
                client=known_client
                if known_client is None or len(known_client) <= MAX_LABEL
                else None,
                demographic=_demographic(agent, platform) if is_theirs else None,
                location=_location(self._country(record), self._region(record), self._city(record))
                if is_theirs
                else None,
                user_id=user if is_known else None,
            ),
            identity=Identity(provider, printable(tenant, _LONGEST_ID), user, place, is_failure),
        )

    def _place(self, record: Record, client: str, agent: str | None) -> str:
        """Return what tells the devices of a person apart.

        Of failures and of unknown persons it is the client alone: anyone can make up user agents,
        and each would be an endpoint.
        """
        device = self._device_id(record)
        if device is not None:
            return "device:" + printable(device, _LONGEST_ID)
        return client if agent is None else f"{client} {family_of(agent)}"

    def _session_id(self, tenant: str, found: str) -> str:
        """Return the session's id, hashed: the provider's own may be worth stealing."""
        return _digest(f"{self._provider}\0{tenant}\0{found}".encode("utf-8", "replace"))

    def _events(
        self, rule: Rule, record: Record, at: dt.datetime, source: Record, session: Session | None
    ) -> tuple[Event, ...]:
        event_id = self._event_id(record, source)
        attributes = self._attributes_of(rule, record)
        event = Event(
            type=rule.event, id=event_id, timestamp=at, attributes=attributes, session=session
        )
        if session is None or not rule.starts_session:
            return (event,)
        start = Event(
            type=SESSION_START_EVENT,
            id=event_id + ":session",
            timestamp=at,
            attributes=attributes,
            session=session,
        )
        return event, start

    def _event_id(self, record: Record, source: Record) -> str:
        found = self._id(record)
        if found is None or len(found) > _LONGEST_ID or identifier(found) is None:
            return f"{self._provider}:{_digest(_canonical(source))}"
        return f"{self._provider}:{found}"

    def _attributes_of(self, rule: Rule, record: Record) -> dict[str, str]:
        attributes = {"provider": self._provider}
        for name, find, clean in self._attributes:
            found = find(record)
            value = None if found is None else clean(found)
            if value is not None:
                attributes[name] = value
        if rule.event == AUTH_FAIL_EVENT:
            value = code(self._reason(record))
            if value is not None:
                attributes["reason"] = value
        return attributes


def _demographic(agent: str | None, platform: str | None) -> Demographic | None:
    if agent is not None:
        return demographic_of(agent[:_LONGEST_AGENT])
    known = label(platform)
    return None if known is None else Demographic(platform=known)


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
    state = _BEGUN.copy()  # quicker than a new one
    state.update(content)
    return state.hexdigest()[:32]
