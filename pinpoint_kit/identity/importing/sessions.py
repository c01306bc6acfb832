"""When sessions began: a bounded memory, and behind it whatever stores events.

A session's end carries its duration only when its start is known. A start that is not remembered
is looked up by the session's id, through the protocol: that works over every URL of ours, and after
a restart. Where stored events cannot be read, an end without a remembered start has no duration.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import attrs

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.importing.pseudonyms import Item
from pinpoint_kit.identity.reading.rules import (
    SESSION_RESUME_EVENT,
    SESSION_START_EVENT,
    SESSION_STOP_EVENT,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.client import Pinpoint
    from pinpoint_kit.models.event import Session

__all__ = ["RecordedSessions", "SessionHistory", "SessionStart", "Sessions"]

_REMEMBERED = 50_000
_NEED_STARTS = frozenset({SESSION_STOP_EVENT, SESSION_RESUME_EVENT})
#: Sessions that are looked up by one request; a filter may have 100 values in all.
_AT_ONCE = 50


@attrs.frozen
class SessionStart:
    """The start of a session.

    Args:
        endpoint_id: where it began.
        timestamp: when.
    """

    endpoint_id: str
    timestamp: dt.datetime


class SessionHistory(Protocol):
    """Finds the starts of sessions that are recorded already.

    With a method `session_starts` as well, from ids to the starts by id, it is asked for many
    sessions at once.
    """

    def session_start(self, session_id: str) -> SessionStart | None:
        """Return the start of a session, or None when none is recorded.

        Args:
            session_id: the id as it stands in the recorded events.
        """


@runtime_checkable
class _ManyStarts(Protocol):
    """A history that can be asked for many sessions at once."""

    def session_starts(self, session_ids: Sequence[str]) -> Mapping[str, SessionStart]:
        """Return the starts that are recorded, by the session's id."""


class RecordedSessions:
    """Finds the starts of sessions among the stored events of an application.

    Args:
        pinpoint: the client. One whose server cannot look events up, such as `aws://`, is asked
            once, and then no more.
    """

    def __init__(self, pinpoint: Pinpoint) -> None:
        self._pinpoint = pinpoint
        self._is_able = True

    def session_start(self, session_id: str) -> SessionStart | None:
        """Return the earliest start of a session, or None when none is recorded.

        Raises:
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        return self.session_starts([session_id]).get(session_id)

    def session_starts(self, session_ids: Sequence[str]) -> Mapping[str, SessionStart]:
        """Return the earliest starts of those sessions that have one, by the session's id.

        Raises:
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        starts: dict[str, SessionStart] = {}
        for first in range(0, len(session_ids), _AT_ONCE):
            if not self._is_able:
                break
            try:
                found = self._pinpoint.events.find(
                    type=SESSION_START_EVENT,
                    session_id=session_ids[first : first + _AT_ONCE],
                    is_newest_first=False,
                )
                for event in found:
                    session = event.session
                    if session is not None and event.timestamp is not None:
                        start = SessionStart(event.endpoint_id, event.timestamp)
                        starts.setdefault(session.id, start)
            except ConfigurationError:
                self._is_able = False
        return starts


class Sessions:
    """Completes events of sessions with what is known of their start.

    Args:
        history: where to look for starts that are not remembered; nowhere unless given.
    """

    def __init__(self, history: SessionHistory | None = None) -> None:
        self._history = history
        #: Endpoint and time: plain tuples, which the garbage collector soon leaves alone.
        self._starts: OrderedDict[str, tuple[str, dt.datetime]] = OrderedDict()
        #: What `recall` has just looked for in vain.
        self._missing: set[str] = set()

    def recall(self, items: Sequence[Item]) -> None:
        """Look the sessions up that these items end or resume, as far as they are not known.

        One request for many, where the history can do that; without it, `completed` asks for each.

        Args:
            items: what `completed` will be called with.

        Raises:
            ServiceError: the service refuses to go on.
            TransportError: no answer came.
        """
        if not isinstance(self._history, _ManyStarts):
            return
        begun: set[str] = set()
        wanted: dict[str, None] = {}
        for item in items:
            session = item.events[0].session
            if session is None:
                continue
            if item.events[-1].type == SESSION_START_EVENT:
                begun.add(session.id)
            elif item.events[0].type in _NEED_STARTS and session.id not in self._starts:
                wanted[session.id] = None
        unknown = [session_id for session_id in wanted if session_id not in begun]
        for session_id, start in self._history.session_starts(unknown).items():
            self._remember(session_id, start.endpoint_id, start.timestamp)
        self._missing = {session_id for session_id in unknown if session_id not in self._starts}

    def completed(self, item: Item, *, is_last_chance: bool) -> Item | None:
        """Return the item with what is known of its session.

        Args:
            item: events that are about to be recorded, in the order of time.
            is_last_chance: whether an end without a known start is recorded as it is.

        Returns:
            The item; None when the start of an ended session may still come.
        """
        event = item.events[0]
        session = event.session
        if session is None:
            return item
        if item.events[-1].type == SESSION_START_EVENT:
            self._remember(session.id, item.endpoint_id, _time_of(item))
            return item
        if event.type not in _NEED_STARTS:
            return item
        start = self._start(session.id)
        if start is None or start.timestamp > _time_of(item):
            return item if is_last_chance else None
        known = attrs.evolve(session, start_timestamp=start.timestamp)
        if event.type == SESSION_STOP_EVENT:
            known = _ended(known, _time_of(item))
        return Item(start.endpoint_id, item.device, (attrs.evolve(event, session=known),))

    def _start(self, session_id: str) -> SessionStart | None:
        known = self._starts.get(session_id)
        if known is not None:
            return SessionStart(*known)
        if self._history is None or session_id in self._missing:
            return None
        found = self._history.session_start(session_id)
        if found is not None:
            self._remember(session_id, found.endpoint_id, found.timestamp)
        return found

    def _remember(self, session_id: str, endpoint_id: str, at: dt.datetime) -> None:
        known = self._starts.get(session_id)
        if known is None or at < known[1]:
            self._starts[session_id] = (endpoint_id, at)
        self._starts.move_to_end(session_id)
        if len(self._starts) > _REMEMBERED:
            self._starts.popitem(last=False)


def _time_of(item: Item) -> dt.datetime:
    at = item.events[0].timestamp
    assert at is not None, "every reading has a time"  # noqa: S101 -- for the type checker
    return at


def _ended(session: Session, at: dt.datetime) -> Session:
    start = session.start_timestamp or at
    return attrs.evolve(
        session,
        stop_timestamp=at,
        duration_ms=int((at - start) / dt.timedelta(milliseconds=1)),
    )
