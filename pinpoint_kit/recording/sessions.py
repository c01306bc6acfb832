"""Sessions: `_session.start`, `.pause`, `.resume` and `.stop`, with their duration.

Several sessions run at once, one an endpoint. The state machine of a session is all in
`ActiveSession`. No thread and no clock of its own: time comes in.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models.event import Event, Session
from pinpoint_kit.models.scalars import id_text, moment
from pinpoint_kit.recording.details import Defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from pinpoint_kit.models.endpoint import Endpoint
    from pinpoint_kit.models.scalars import AttributeValue, Id, MetricValue, Moment
    from pinpoint_kit.recording.details import EventDetails
    from pinpoint_kit.recording.recorder import Recorder

__all__ = ["ActiveSession", "Sessions"]

START = "_session.start"
STOP = "_session.stop"
PAUSE = "_session.pause"
RESUME = "_session.resume"

_ID_TAIL = 8


class ActiveSession:
    """A session that runs. Use it in a `with` block, or call `stop()`.

    Everything that is recorded through it carries the session. Safe for several threads.
    """

    def __init__(
        self,
        owner: Sessions,
        value: Session,
        *,
        elapsed_ms: int | None,
        defaults: Defaults | None,
    ) -> None:
        self._owner = owner
        self._value = value
        self._defaults = defaults
        self._elapsed_ms = elapsed_ms
        self._origin = owner.monotonic()
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"<ActiveSession {self.id} {self.state}>"

    @property
    def id(self) -> str:
        """The session's id."""
        return self._value.id

    @property
    def endpoint_id(self) -> str:
        """The endpoint that it belongs to."""
        return str(self._value.endpoint_id)

    @property
    def state(self) -> str:
        """`running`, `paused` or `stopped`."""
        if self._value.stop_timestamp is not None:
            return "stopped"
        return "running" if self._value.pause_timestamp is None else "paused"

    @property
    def value(self) -> Session:
        """The session as a plain value: another process can `sessions.attach` it."""
        return self._value

    def record(self, event: Event | str, /, **details: Unpack[EventDetails]) -> str:
        """Record an event that carries this session; the rest as in `events.record`.

        After `stop` it carries the finished session, so that a late event is not lost.

        Args:
            event: an `Event` or an event type.
            **details: as in `events.record`, without `session`.

        Returns:
            The event id.
        """
        if isinstance(event, Event):
            event = attrs.evolve(event, session=self._value)
        else:
            details["session"] = self._value
        return self._owner.recorder.record(
            self.endpoint_id, event, defaults=self._defaults, **details
        )

    def begin(self, endpoint: Endpoint | None) -> None:
        """Record `_session.start`; `Sessions.start` does it once, unless it is refused."""
        self._owner.recorder.record(
            self.endpoint_id,
            START,
            timestamp=self._value.start_timestamp,
            session=self._value,
            endpoint=endpoint,
            defaults=self._defaults,
        )

    def pause(self, *, timestamp: Moment | None = None) -> None:
        """Record `_session.pause` with the duration so far; nothing when it does not run.

        Args:
            timestamp: when; now unless given.
        """
        with self._lock:
            if self.state != "running":
                return
            at, problem = self._owner.at(timestamp)
            duration_ms = self._measure(at)
            at = at or self._owner.now()
            self._value = attrs.evolve(self._value, pause_timestamp=at, duration_ms=duration_ms)
            self._mark(PAUSE, at, attrs.evolve(self._value, stop_timestamp=at), problem)

    def resume(self, *, timestamp: Moment | None = None) -> None:
        """Record `_session.resume`; nothing when it is not paused.

        Args:
            timestamp: when; now unless given.
        """
        with self._lock:
            if self.state != "paused":
                return
            at, problem = self._owner.at(timestamp)
            self._value = attrs.evolve(self._value, pause_timestamp=None, duration_ms=None)
            self._mark(RESUME, at or self._owner.now(), self._value, problem)

    def stop(self, *, timestamp: Moment | None = None) -> Session:
        """Record `_session.stop` with `StopTimestamp` and `Duration`; idempotent.

        A paused session ends at the pause.

        Args:
            timestamp: when; now unless given.

        Returns:
            The finished session.
        """
        with self._lock:
            if self.state == "stopped":
                return self._value
            paused_at = self._value.pause_timestamp
            at, problem = self._owner.at(timestamp)
            if paused_at is not None:
                at, duration_ms = paused_at, self._value.duration_ms
            else:
                duration_ms = self._measure(at)
                at = at or self._owner.now()
            self._value = attrs.evolve(
                self._value, stop_timestamp=at, duration_ms=duration_ms, pause_timestamp=None
            )
            self._mark(STOP, at, self._value, problem)
            self._owner.forget(self)
            return self._value

    def _measure(self, given: dt.datetime | None) -> int | None:
        """Return milliseconds since the start: monotonic, unless the caller dates the end.

        None where nobody knows, because the end is dated before the start; 0 would be a duration.
        """
        if given is None:
            if self._elapsed_ms is None:
                return None
            return self._elapsed_ms + round((self._owner.monotonic() - self._origin) * 1000)
        start = self._value.start_timestamp
        if start is None or given < start:
            return None
        return round((given - start) / dt.timedelta(milliseconds=1))

    def _mark(
        self, event_type: str, at: dt.datetime, session: Session, problem: Exception | None
    ) -> None:
        recorder = self._owner.recorder
        if problem is not None:
            recorder.refuse(self.endpoint_id, problem)
            return
        recorder.record(
            self.endpoint_id, event_type, timestamp=at, session=session, defaults=self._defaults
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class Sessions:
    """The sessions of one application: several at once, one an endpoint."""

    def __init__(self, recorder: Recorder, *, monotonic: Callable[[], float]) -> None:
        self.recorder = recorder
        self.monotonic = monotonic
        self.renew()

    def renew(self) -> None:
        """In a forked child: the parent's sessions are the parent's to stop."""
        self._active: dict[str, ActiveSession] = {}
        self._lock = threading.Lock()

    def start(  # noqa: PLR0913 -- the parts of a session
        self,
        endpoint_id: Id,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
        endpoint: Endpoint | None = None,
        timestamp: Moment | None = None,
        session_id: Id | None = None,
    ) -> ActiveSession:
        """Record `_session.start` and return the session; one that is open there is stopped.

        It never blocks and never raises, like `events.record`. A session whose start cannot be
        sent is returned all the same, so that the program goes on; what it records is counted as
        rejected where it cannot be sent either.

        Args:
            endpoint_id: the endpoint; case-insensitive.
            attributes: name -> text or the like, riding on every event of this session.
            metrics: name -> number, riding on every event of this session.
            endpoint: endpoint data that goes with the event.
            timestamp: when it began; now unless given.
            session_id: made of the endpoint id and the time unless given.

        Returns:
            The session; use it in a `with` block or call its `stop()`.

        Raises:
            ValidationError: strict, and the event cannot be sent as it is.
            ClosedError: strict, and the client was closed.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     with pinpoint.sessions.start("device-1") as session:
            ...         event_id = session.record("level_up")
            ...     pinpoint.flush().accepted
            3
        """
        problem: Exception | None = None
        key, own_id, started = "", "", None
        try:
            key = id_text(endpoint_id, "$.endpoint_id")
            own_id = "" if session_id is None else id_text(session_id, "$.session_id")
            started = None if timestamp is None else moment(timestamp, "$.timestamp")
        except Exception as error:
            problem = error
            if self.recorder.policy.strict:
                raise
        started = started or self.now()
        value = Session(
            id=own_id or _session_id(key, started), start_timestamp=started, endpoint_id=key
        )
        session = ActiveSession(self, value, elapsed_ms=0, defaults=_riding(attributes, metrics))
        self._replace(session, None if timestamp is None else started)
        if problem is None:
            session.begin(endpoint)
        else:
            self.recorder.refuse(endpoint_id, problem)
        return session

    def attach(
        self,
        session: Session,
        *,
        attributes: Mapping[str, AttributeValue] | None = None,
        metrics: Mapping[str, MetricValue] | None = None,
    ) -> ActiveSession:
        """Carry on a session that another process began, from its plain value.

        Records nothing for it; another session that is open at the endpoint is stopped. The
        duration goes on from the wall clock's distance to the start; it stays unknown when the
        start is later than this machine's clock.

        Args:
            session: the value of an `ActiveSession`, with its `endpoint_id`.
            attributes: as in `start`.
            metrics: as in `start`.

        Returns:
            The session that runs (or is paused) here.

        Raises:
            ValidationError: the value has no endpoint id or no start, or it was stopped.
        """
        if not isinstance(session, Session):
            raise InvalidTypeError(
                f"expected a Session, got {type(session).__name__}: pass the `value` of an"
                " ActiveSession",
                "$.session",
            )
        if session.endpoint_id is None or session.start_timestamp is None:
            raise ValidationError(
                "needs endpoint_id and start_timestamp: attach the `value` of an ActiveSession",
                "$.session",
            )
        if session.stop_timestamp is not None:
            raise ValidationError("was stopped: start another session", "$.session")
        with self._lock:
            known = self._active.get(session.endpoint_id.lower())
        if known is not None and known.id == session.id:
            return known
        elapsed_ms = round((self.now() - session.start_timestamp) / dt.timedelta(milliseconds=1))
        active = ActiveSession(
            self,
            session,
            elapsed_ms=elapsed_ms if elapsed_ms >= 0 else None,
            defaults=_riding(attributes, metrics),
        )
        self._replace(active, None)
        return active

    def now(self) -> dt.datetime:
        """Now, aware, in UTC, in whole milliseconds as the wire has it."""
        at = dt.datetime.fromtimestamp(self.recorder.clock(), dt.timezone.utc)
        return at.replace(microsecond=at.microsecond // 1000 * 1000)

    def at(self, timestamp: Moment | None) -> tuple[dt.datetime | None, Exception | None]:
        """Return the instant that was given, if any, and why it cannot be used.

        Raises:
            ValidationError: strict, and it cannot.
        """
        try:
            return (None if timestamp is None else moment(timestamp, "$.timestamp")), None
        except Exception as error:
            if self.recorder.policy.strict:
                raise
            return None, error

    def get(self, endpoint_id: Id) -> ActiveSession | None:
        """Return the session that is open at this endpoint in this client, or None."""
        key = id_text(endpoint_id, "$.endpoint_id").lower()
        with self._lock:
            return self._active.get(key)

    def stop_all(self) -> None:
        """Stop every session that is open in this client."""
        with self._lock:
            active = list(self._active.values())
        for session in active:
            session.stop()

    def _replace(self, session: ActiveSession, timestamp: Moment | None) -> None:
        with self._lock:
            earlier = self._active.get(session.endpoint_id.lower())
            self._active[session.endpoint_id.lower()] = session
        if earlier is not None:
            earlier.stop(timestamp=timestamp)

    def forget(self, session: ActiveSession) -> None:
        """Take a stopped session off the list."""
        with self._lock:
            if self._active.get(session.endpoint_id.lower()) is session:
                del self._active[session.endpoint_id.lower()]


def _riding(attributes: object, metrics: object) -> Defaults | None:
    """Return what rides on every event of a session; it is converted with each of them."""
    if attributes is None and metrics is None:
        return None
    return Defaults(_copied(attributes), _copied(metrics))


def _copied(values: object) -> object:
    """Return a copy, because the caller keeps theirs; what is no dict is refused with events."""
    return dict(values) if type(values) is dict else values


def _session_id(endpoint_id: str, started: dt.datetime) -> str:
    """Return the mobile SDKs' form, tail of the endpoint id and start time, made unique."""
    stamp = started.strftime("%Y%m%d-%H%M%S") + f"{started.microsecond // 1000:03d}"
    return f"{endpoint_id[-_ID_TAIL:]}-{stamp}-{os.urandom(2).hex()}"
