"""`Engine`: finds the operation of a request, calls its handler, turns what comes into an answer.

Dispatch only. It never raises for a request: a refusal, a failing database or a fault of our own
becomes an answer too. What operations mean belongs to their resource's file.
"""

from __future__ import annotations

import functools
import logging
import os
import time
from contextlib import nullcontext
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import attrs
import orjson
import tenacity
from sqlalchemy.exc import DBAPIError

from pinpoint_kit.engine import handlers
from pinpoint_kit.engine.context import Call, Context, EngagementSettings, StreamSettings
from pinpoint_kit.engine.events import store as events
from pinpoint_kit.engine.files.files import NO_FILES
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.failure_log import FailureLog, location_of
from pinpoint_kit.engine.storage.store import BUSY_TIMEOUT_S, Store
from pinpoint_kit.engine.wire import instants, routes
from pinpoint_kit.engine.wire.body import check_characters
from pinpoint_kit.engine.wire.http import (
    Request,
    Response,
    failure_body,
    headers_of,
    preflight_headers,
    region_of,
    uuid_of,
)
from pinpoint_kit.engine.wire.refusals import (
    ApiError,
    bad_request,
    internal_error,
    method_not_allowed,
    not_found,
    not_implemented,
    too_large,
)
from pinpoint_kit.engine.work.lane import Lane
from pinpoint_kit.engine.work.runner import Runner
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.records.stream import StreamForm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from pinpoint_kit.engine.files.files import Files
    from pinpoint_kit.engine.work.worker import Worker
    from pinpoint_kit.records.destination import Destination
    from pinpoint_kit.records.message import Channel, Hook, Transport

__all__ = [
    "KEEP_EVENTS_AT_LEAST",
    "STREAM_AGE",
    "STREAM_BACKLOG",
    "STREAM_DEAD_LETTERS",
    "STREAM_TRIES",
    "Engine",
]

_logger = logging.getLogger(__name__)

#: What ARNs name where neither the request nor whoever opened the engine says a Region.
DEFAULT_REGION = "us-east-1"
#: How often a request is done again that others have kept from being stored, and how long to wait
#: before that: at random, so that two do not meet again.
_REPEATS = 6
_WAIT = tenacity.wait_random_exponential(multiplier=0.02, max=1.0)
#: Segments ask who has had an event within up to 30 days; with fewer kept they would be wrong.
KEEP_EVENTS_AT_LEAST = timedelta(days=31)
#: A shorter time would take messages that a request, or whoever looks, is still about.
KEEP_MESSAGES_AT_LEAST = timedelta(days=1)
#: How many records of an application may wait for its destinations, unless somebody says so.
STREAM_BACKLOG = 1_000_000
STREAM_AGE = timedelta(days=7)
STREAM_TRIES = 100
STREAM_DEAD_LETTERS = 10_000
#: How long a destination waits for more records when some have come.
_GATHERING_S = 0.05
#: What has a transport of its own.
_CHANNELS = ("EMAIL", "SMS", "PUSH")
#: Statuses of refusals that the service model does not know.
_OWN_STATUSES = {"NotImplementedException": 501, "ServiceUnavailableException": 503}


def _utc_now() -> datetime:
    return datetime.now(timezone.utc)


def _random_id() -> str:
    return os.urandom(16).hex()


class Engine:
    """Pinpoint on a database of one's own. Make it with `Engine.open`; use it from any thread.

    Several processes may open the same database, on several machines when it is a server. The
    engine starts no thread: whoever opened it calls `step` to let long work go on.
    """

    def __init__(  # noqa: PLR0913 -- what an engine stands on; all but the first have a default
        self,
        store: Store,
        *,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], datetime] = _utc_now,
        new_id: Callable[[], str] = _random_id,
        files: Files = NO_FILES,
        region: str = DEFAULT_REGION,
        keep_events: timedelta | None = None,
        streams: StreamSettings | None = None,
        engagement: EngagementSettings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._region = region
        self._expiry_listeners: list[Callable[[int], None]] = []
        self._forwarding_listeners: list[Callable[[str, str, int], None]] = []
        self._context = Context(
            store,
            limits,
            new_id,
            files,
            self._announce,
            handlers.ON_EVENTS,
            handlers.HELD_OF_PERSON,
            handlers.COPIES,
            _milliseconds(keep_events),
            self._announce_expired,
            streams or StreamSettings(),
            lambda: instants.moment_ms(clock()),
            self._announce_records,
            self._announce_forwarded,
            engagement or EngagementSettings(),
            self._announce_streams,
            self._announce_campaigns,
        )
        self._failures = FailureLog(store.name)
        self._own_lanes = {name: self._lane_of_families(name) for name in handlers.LANES}
        self._stream_lanes = self._lanes_of_destinations()
        self._lanes = [*self._own_lanes.values(), *self._stream_lanes]
        self._routes = routes.load()
        self._repeating = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_REPEATS),
            wait=_WAIT,
            retry=tenacity.retry_if_exception(self._may_repeat),
            reraise=True,
        )

    @classmethod
    def open(  # noqa: PLR0913 -- what an engine stands on; all but the first have a default
        cls,
        url: str,
        *,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], datetime] = _utc_now,
        new_id: Callable[[], str] = _random_id,
        busy_timeout: float = BUSY_TIMEOUT_S,
        files: Files = NO_FILES,
        region: str = DEFAULT_REGION,
        keep_events: timedelta | None = None,
        destinations: Mapping[str, Destination | Sequence[Destination]] | None = None,
        stream_form: StreamForm | None = None,
        stream_backlog: int = STREAM_BACKLOG,
        stream_age: timedelta = STREAM_AGE,
        stream_tries: int = STREAM_TRIES,
        stream_dead_letters: int = STREAM_DEAD_LETTERS,
        transports: Mapping[Channel, Transport] | None = None,
        hooks: Mapping[str, Hook] | None = None,
        catch_up: bool = True,
        keep_messages: timedelta | None = None,
    ) -> Engine:
        """Open the database, making its tables when it is new.

        Args:
            url: `sqlite:///file.db`, `sqlite:////absolute/file.db`, `sqlite://` for a database
                in memory that goes with the engine, or `postgresql://USER@HOST/DATABASE` (with
                the extra `postgresql`), whose tables are in the schema that `?schema=NAME` says.
            limits: the limits to enforce. Request rates and numbers per account are not.
            clock: returns the current time as an aware datetime.
            new_id: returns a new id of 32 lower-case hex digits.
            busy_timeout: how many seconds a request waits for other writers.
            files: where import and export jobs may read and write; nowhere unless said, because
                whoever may create a job could use them.
            region: the Region in the ARNs of answers to requests that are not signed; those to
                signed ones name the Region of the signature.
            keep_events: how old events may become, at least 31 days; `step` removes older ones,
                some at a time. None keeps all.
            destinations: where the records of event streams go, by the ARN of a stream, or by the
                id or the name of an application, whose events are then forwarded without a stream.
                A destination is an object with the members of `Destination`; the engine closes it.
                `pinpoint_kit.destinations` makes them of URLs.
            stream_form: how records look; as the guide prints app events of version 3.0 unless
                given.
            stream_backlog: how many records of an application may wait for its destinations; of
                more, the oldest are given up and counted.
            stream_age: how long a record may wait, 31 days at most; then it is given up, too.
            stream_tries: how often a record is sent that is refused singly, before it becomes a
                dead letter.
            stream_dead_letters: how many dead letters an application may have; of more, the oldest
                go, and are counted.
            transports: what takes messages away, by channel: `EMAIL`, `SMS`, `PUSH`. Without one,
                they stay in the outbox. A transport is an object with the members of `Transport`;
                the engine closes it.
            hooks: what campaigns may call, by the name, the ARN or the URL that a campaign says;
                each is an object with the members of `Hook`, and the engine closes it.
            catch_up: whether a run of a campaign that was missed, because no engine was there, is
                made up for once.
            keep_messages: how old messages of the outbox may become, at least a day; `step`
                removes older ones, some at a time. None keeps all.

        Returns:
            The engine; close it when done.

        Raises:
            StoreError: the database cannot be used; the message says why and what to do next.
            ConfigurationError: `keep_events` or `keep_messages` is too short, or no `timedelta`; a
                destination is none, or two of them have the same name; a bound of streams is no
                whole number above 0, or `stream_age` longer than 31 days, or `stream_form` no
                `StreamForm`; a transport or a hook is none.
        """
        _check_kept(
            "keep_events",
            keep_events,
            KEEP_EVENTS_AT_LEAST,
            "timedelta(days=400)",
            f"{KEEP_EVENTS_AT_LEAST.days} days: segments ask for events of up to 30 days ago; name"
            " a longer time, or leave it out to keep all events",
        )
        _check_kept(
            "keep_messages",
            keep_messages,
            KEEP_MESSAGES_AT_LEAST,
            "timedelta(days=30)",
            "a day: name a longer time, or leave it out to keep all messages",
        )
        numbers = {
            "stream_backlog": stream_backlog,
            "stream_tries": stream_tries,
            "stream_dead_letters": stream_dead_letters,
        }
        _check_streams(numbers, stream_age, stream_form)
        streams = StreamSettings(
            destinations=_given(destinations or {}),
            most_records=stream_backlog,
            most_age_ms=max(1, stream_age // timedelta(milliseconds=1)),
            most_tries=stream_tries,
            most_dead_letters=stream_dead_letters,
        )
        if stream_form is not None:
            streams = attrs.evolve(streams, form=stream_form)
        _check_engagement(transports or {}, hooks or {})
        store = Store.open(url, busy_timeout=busy_timeout)
        return cls(
            store,
            limits=limits,
            clock=clock,
            new_id=new_id,
            files=files,
            region=region,
            keep_events=keep_events,
            streams=streams,
            engagement=EngagementSettings(
                transports=transports or {},
                hooks=hooks or {},
                catch_up=catch_up,
                keep_messages_ms=_milliseconds(keep_messages),
            ),
        )

    def resolve(self, method: str, path: str) -> routes.Match:
        """Return what a method and a raw path ask for; answers nothing and never raises.

        The match can be asked for the operation, and handed on to `handle`.
        """
        return self._routes.resolve(method, path)

    def handle(self, request: Request, match: routes.Match | None = None) -> Response:
        """Answer one request, whatever it is. A write is durable when the answer is returned.

        Args:
            request: what to answer.
            match: what `resolve` has returned for it; found out here when None.
        """
        request_id = uuid_of(self._context.new_id())
        try:
            return self._answer(
                request, match or self.resolve(request.method, request.path), request_id
            )
        except ApiError as refusal:
            return self._refuse(refusal, request_id)
        except DBAPIError as error:
            why = self._store.explain(error)
            if why.is_refusal:
                return self._refuse(bad_request(why.sentence), request_id)
            self._failures.report(why, request_id)
            text = why.sentence[:1].upper() + why.sentence[1:]
            return self._refuse(internal_error(text, is_permanent=why.is_permanent), request_id)
        except Exception as error:  # noqa: BLE001 -- a request must always get an answer
            _logger.error("request %s failed: %s", request_id, location_of(error))  # noqa: TRY400 -- a traceback would hold personal data
            return self._refuse(
                internal_error("The engine failed; please report this with the log line"),
                request_id,
            )

    @property
    def limits(self) -> Limits:
        """The limits that are enforced."""
        return self._context.limits

    @staticmethod
    def is_long_read(match: routes.Match) -> bool:
        """Return whether answering may take seconds of processor time, such as for a count.

        Few of them run at once; the next one waits in `handle`, on the thread of its caller.
        """
        return match.operation in handlers.LONG_READS

    def step(self) -> bool:
        """Do a bounded piece of the work of each lane, usually within a tenth of a second.

        Call it again as long as it returns True. After that, `wait_s` tells when it may be of use
        again, and `on_work` who is told when that changes. It may be called from any thread, and
        needs not be called on the threads that handle requests. A destination of an event stream
        that is slow takes as long as it does: give each of `lanes` a thread instead.

        Returns:
            False when there was nothing to do.
        """
        have_worked = [lane.step() for lane in self._lanes]
        return any(have_worked)

    @property
    def lanes(self) -> Sequence[Lane]:
        """The long work, in parts that do not wait for one another.

        The first is jobs, then come campaigns, and each destination of event streams.

        `step`, `renew`, `wait_s` and `on_work` of a lane are those of the engine for this part.
        """
        return tuple(self._lanes)

    def renew(self) -> float:
        """Show other engines of the same database that a `step` under way is alive.

        Without that, they take over its job when it takes longer than 6 seconds, for example
        because a bucket is slow. Call it from another thread than `step`; it changes nothing while
        there is no step.

        Returns:
            In how many seconds to call it again.
        """
        return min(lane.renew() for lane in self._lanes)

    def wait_s(self) -> float | None:
        """Return in how many seconds `step` may have something to do.

        Returns:
            0.0 when it has; a time when another engine works on what there is, and might die; None
            when there is no unfinished job and no destination.
        """
        waits = [wait for lane in self._lanes if (wait := lane.wait_s()) is not None]
        return min(waits, default=None)

    def on_work(self, listener: Callable[[], None]) -> None:
        """Have a function called whenever a request may have brought work for `step`.

        It is called without arguments, on the thread of the request, and must return at once.
        """
        for lane in self._lanes:
            lane.on_work(listener)

    def on_forwarded(self, listener: Callable[[str, str, int], None]) -> None:
        """Have a function called when records of event streams were forwarded, or were not.

        It is called with the name of the destination, the outcome and a number: of records that
        were `sent` (acknowledged), `refused` singly, `repeated` after a crash, made `dead` letters
        or `lost` from a full backlog, or of calls that `failed`. It is called on the thread of
        `step`, and must return at once.
        """
        self._forwarding_listeners.append(listener)

    def on_expired_events(self, listener: Callable[[int], None]) -> None:
        """Have a function called with the number of events that `step` has removed for their age.

        It is called on the thread of `step`, after they are gone, and must return at once.
        """
        self._expiry_listeners.append(listener)

    def read_beside(self, listener: Callable[[bool], object]) -> None:
        """Be an engine that mostly reads, beside a process that writes to the same database.

        SQLite's log is then left to the writes of that process and to what moves it after long
        queries here.

        Args:
            listener: tells that process (`note_reads_beside`) whether long queries run; it is
                called on their threads, and must return at once.
        """
        self._store.read_beside(listener)

    def note_reads_beside(self, are_running: bool) -> None:  # noqa: FBT001 -- all that it says
        """Note whether long queries run in the process that reads beside this one.

        While they do, no commit begins to move SQLite's log: all writers would wait for that.
        """
        self._store.note_reads_beside(are_running)

    def count_events(self, application_id: str) -> int:
        """Return how many events are stored for an application, 0 when it does not exist."""
        with self._store.read() as connection:
            return events.count(connection, application_id)

    def stream_lags(self) -> dict[str, tuple[int, float]]:
        """Return what waits for each destination: records, and the seconds of the oldest one."""
        now = instants.moment_ms(self._clock())
        lags = handlers.stream_lags(self._context)
        return {name: (lag.records, lag.seconds(now)) for name, lag in lags.items()}

    @staticmethod
    def is_in_memory(url: str) -> bool:
        """Return whether a database is gone with the process that opens it, and is its alone.

        Raises:
            StoreError: the URL is not one of a database that `open` knows.
        """
        return dialect_of(url).is_in_memory

    @staticmethod
    def coverage() -> list[handlers.Coverage]:
        """Return how each of the service's operations is answered."""
        return handlers.coverage()

    def hang_up(self) -> None:
        """Close destinations that wait for a reader in this process: their `closes_first` is true.

        Call it before you wait for threads that call `step`; `close` does it, too.
        """
        for destination in self._destinations():
            if getattr(destination, "closes_first", False):
                destination.close()

    def close(self, timeout: float = 5.0) -> None:
        """Wait for running requests, then close the database. Closing again does nothing.

        A job that is under way stays where it is, for any engine on the same file to go on with.

        Args:
            timeout: seconds to wait for running requests.
        """
        deadline = time.monotonic() + timeout
        self.hang_up()
        for lane in self._lanes:
            lane.runner.close(max(0.0, deadline - time.monotonic()))
        for destination in self._destinations():
            destination.close()
        self._context.engagement.close(max(0.0, deadline - time.monotonic()))
        self._store.close(max(0.0, deadline - time.monotonic()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _destinations(self) -> list[Destination]:
        """Return all destinations, each once, whatever it was given for."""
        given = self._context.streams.destinations.values()
        return list({id(each): each for several in given for each in several}.values())

    def _announce(self) -> None:
        self._own_lanes["jobs"].announce()

    def _announce_campaigns(self) -> None:
        self._own_lanes["campaigns"].announce()

    def _announce_records(self) -> None:
        for lane in self._stream_lanes:
            lane.announce_more()

    def _announce_streams(self) -> None:
        for lane in self._stream_lanes:
            lane.announce()

    def _announce_forwarded(self, destination: str, outcome: str, count: int) -> None:
        for listener in self._forwarding_listeners:
            listener(destination, outcome, count)

    def _runner_of(
        self,
        make_workers: Callable[[], Sequence[Worker]],
        when_idle: Callable[[], None] = lambda: None,
    ) -> Runner:
        store, clock, failures = self._store, self._clock, self._failures
        return Runner(
            store,
            make_workers,
            clock,
            failures,
            time.monotonic,
            when_idle=when_idle,
            give_way=self._context.requests.give_way,
        )

    def _lane_of_families(self, name: str) -> Lane:
        made = functools.partial(handlers.workers, self._context, time.monotonic, name)
        if name == "jobs":  # nobody else writes in bulk
            return Lane(name, self._runner_of(made, self._store.end_bulk))
        return Lane(name, self._runner_of(made))

    def _lanes_of_destinations(self) -> list[Lane]:
        # The objects themselves, after a fork too: they know that they belong to the parent.
        return [
            Lane(
                worker.name,
                self._runner_of(functools.partial(list, [worker])),
                _GATHERING_S,
                worker.is_resting,
            )
            for worker in handlers.forwarders(self._context, time.monotonic)
        ]

    def _announce_expired(self, count: int) -> None:
        for listener in self._expiry_listeners:
            listener(count)

    def _answer(self, request: Request, match: routes.Match, request_id: str) -> Response:
        if match.refusal is not None:
            raise match.refusal
        if not match.by_method and match.is_extension:
            raise not_implemented("This release of pinpoint-kit has no such operation; upgrade it")
        if not match.by_method:
            raise not_found("There is no such resource path in the Pinpoint API")
        methods = ",".join(sorted({*match.by_method, "OPTIONS"}))
        if request.method == "OPTIONS":
            return Response(200, preflight_headers(request_id, methods), b"")
        route = match.route
        if route is None:
            raise method_not_allowed(f"This resource answers {methods}")
        handler = handlers.handler_of(route.operation)
        if handler is None:
            raise not_implemented(
                f"{route.operation} is not emulated by this engine; "
                "see the compatibility page of the pinpoint-kit documentation"
            )
        maximum = self._context.limits.max_request_bytes
        if len(request.body) > maximum:
            raise too_large(f"The request is larger than {maximum} bytes")
        labels = match.labels(route)
        query = _parameters(request.query) if request.query else {}
        if "%00" in request.path or "%00" in request.query:
            for name, value in (*labels.items(), *query.items()):
                check_characters(value, f".{name}")
        call = Call(
            route=route,
            labels=labels,
            query=query,
            body=request.body,
            now=instants.moment_ms(self._clock()),
            request_id=request_id,
            region=region_of(request) or self._region,
        )
        # Long reads take seconds of a processor: work goes on beside them.
        is_long = route.operation in handlers.LONG_READS
        writes = route.method != "GET"
        with nullcontext() if is_long else self._context.requests.answering(writes=writes):
            payload = self._handled(handler, call)
        content = b"" if payload is None else orjson.dumps(payload)
        return Response(route.status, headers_of(request_id), content)

    def _may_repeat(self, error: BaseException) -> bool:
        return isinstance(error, DBAPIError) and self._store.may_repeat(error)

    def _handled(self, handler: handlers.Handler, call: Call) -> object:
        """Call a handler, again when the database has undone its work for somebody else's."""
        try:
            return handler(self._context, call)
        except DBAPIError as error:
            if not self._store.may_repeat(error):
                raise
        return self._repeating(handler, self._context, call)

    def _refuse(self, refusal: ApiError, request_id: str) -> Response:
        status = self._routes.statuses.get(refusal.code) or _OWN_STATUSES[refusal.code]
        content = orjson.dumps(failure_body(refusal.message, request_id))
        headers = headers_of(request_id, refusal.code, is_permanent=refusal.is_permanent)
        if refusal.retry_after_s is not None:
            headers["Retry-After"] = str(refusal.retry_after_s)
        return Response(status, headers, content)


def _given(
    destinations: Mapping[str, Destination | Sequence[Destination]],
) -> dict[str, tuple[Destination, ...]]:
    """Return the destinations of each key.

    Raises:
        ConfigurationError: one of them is none, or two have the same name: what each has taken
            is kept under its name.
    """
    found: dict[str, tuple[Destination, ...]] = {}
    named: dict[str, Destination] = {}
    for key, given in destinations.items():
        several = given if isinstance(given, list | tuple) else (given,)
        for destination in several:
            if not callable(getattr(destination, "send", None)):
                kind = type(destination).__name__
                raise ConfigurationError(
                    f"the destination for {key!r} is a {kind}: give an object with the members of"
                    " Destination; pinpoint_kit.destinations.open_destination(url) makes one"
                )
            if named.setdefault(destination.name, destination) is not destination:
                raise ConfigurationError(
                    f"two destinations are named {destination.name}: what has been sent is kept by"
                    " name. Give the same URL or object for both keys, or one with another name:"
                    " IteratorDestination(name=...), or a parameter of an https:// endpoint's own"
                )
        found[str(key)] = tuple(several)
    return found


def _check_kept(option: str, given: object, least: timedelta, example: str, why: str) -> None:
    """Check how long something is kept: None, or a time that is not too short."""
    if given is not None and not isinstance(given, timedelta):
        raise ConfigurationError(f"{option} is no timedelta: write for example {example}")
    if given is not None and given < least:
        raise ConfigurationError(f"{option} is less than {why}")


def _milliseconds(given: timedelta | None) -> int | None:
    return None if given is None else given // timedelta(milliseconds=1)


def _check_engagement(transports: Mapping[Channel, Transport], hooks: Mapping[str, Hook]) -> None:
    """Check that transports are for channels, and that both can be called."""
    for channel, transport in transports.items():
        if channel not in _CHANNELS:
            raise ConfigurationError(
                f"there is no transport for {channel!r}: name {', '.join(_CHANNELS)}"
            )
        if not callable(getattr(transport, "send", None)):
            raise ConfigurationError(
                f"the transport for {channel} is a {type(transport).__name__}: give an object with"
                " the members of Transport; pinpoint_kit.messaging.open_transport(url) makes one"
            )
    for name, hook in hooks.items():
        if not callable(getattr(hook, "call", None)):
            raise ConfigurationError(
                f"the hook for {name!r} is a {type(hook).__name__}: give an object with the members"
                " of Hook; pinpoint_kit.hooks.open_hook(url) makes one"
            )


def _check_streams(numbers: Mapping[str, object], age: object, form: object) -> None:
    """Check what streams are bounded by, and how their records look."""
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
            raise ConfigurationError(f"{name} is not above 0: name a whole number")
    if not isinstance(age, timedelta) or not timedelta(0) < age <= KEEP_EVENTS_AT_LEAST:
        raise ConfigurationError(
            f"stream_age is no time above 0 of at most {KEEP_EVENTS_AT_LEAST.days} days: write for"
            " example timedelta(days=7)"
        )
    if form is not None and not isinstance(form, StreamForm):
        raise ConfigurationError(
            'stream_form is no StreamForm: write for example StreamForm(version="3.1")'
        )


def _parameters(query: str) -> dict[str, list[str]]:
    try:
        query.encode()
        return parse_qs(query, keep_blank_values=True, errors="strict")
    except ValueError:
        raise bad_request("The query string is not percent-encoded UTF-8") from None
