"""What every handler is given, and what every family of handlers gives back: a `Family`.

A handler is a function of the engine's surroundings and the matched request; whatever it returns is
the answer's payload. What crosses families goes through the two registries here, so that no family
imports one beside it: what happens when events are recorded, and what is held of a person. Values
and protocols only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, cast

import attrs

from pinpoint_kit.engine.files.files import Files
from pinpoint_kit.engine.storage.store import Store
from pinpoint_kit.engine.wire import body, shapes
from pinpoint_kit.engine.wire.routes import Route
from pinpoint_kit.engine.work.requests import Requests
from pinpoint_kit.limits import Limits
from pinpoint_kit.records.destination import Destination
from pinpoint_kit.records.message import Channel, Hook, Transport
from pinpoint_kit.records.stream import StreamForm
from pinpoint_kit.system.turns import NoTurnError, Turns

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.work.worker import Worker

__all__ = [
    "Application",
    "Call",
    "Context",
    "Copies",
    "Device",
    "EngagementSettings",
    "EventHook",
    "Family",
    "Handler",
    "MakeWorkers",
    "Operation",
    "Person",
    "PersonData",
    "RecordedEvent",
    "Stamp",
    "Status",
    "StreamSettings",
    "Wanted",
]


@attrs.frozen(kw_only=True)
class StreamSettings:
    """What the operator wants of event streams.

    Attributes:
        destinations: where records go, by what they are given for: the ARN of a stream, or an
            application's id or name.
        form: how records look.
        most_records: how many records of an application may wait for its destinations; of more,
            the oldest are given up.
        most_age_ms: how long one may wait, at most 31 days.
        most_tries: how often a single record is sent that is refused as itself, before it becomes a
            dead letter.
        most_dead_letters: how many dead letters an application may have; the oldest go.
    """

    destinations: Mapping[str, Sequence[Destination]] = attrs.field(factory=dict, repr=False)
    form: StreamForm = attrs.field(factory=StreamForm)
    most_records: int = 1_000_000
    most_age_ms: int = 7 * 86_400_000
    most_tries: int = 100
    most_dead_letters: int = 10_000


@attrs.frozen(kw_only=True)
class EngagementSettings:
    """What the operator wants of messages and campaigns.

    Attributes:
        transports: what takes messages away, by channel; those of a channel without one stay in
            the outbox, where they count as delivered.
        hooks: what campaigns may call, by the name, the ARN or the URL that a campaign says.
            Nothing else is ever called.
        catch_up: whether a run that was missed, because no engine was there, is made up for once.
        keep_messages_ms: how old messages of the outbox may become, None for any age.
        turns: let one thread at a time call a transport.
    """

    transports: Mapping[Channel, Transport] = attrs.field(factory=dict, repr=False)
    hooks: Mapping[str, Hook] = attrs.field(factory=dict, repr=False)
    catch_up: bool = True
    keep_messages_ms: int | None = None
    turns: Turns = attrs.field(factory=Turns, init=False, repr=False, eq=False)

    def close(self, timeout: float) -> None:
        """Close transports and hooks, each once.

        Args:
            timeout: how long to wait for whoever is sending by a transport, in seconds.
        """
        end = time.monotonic() + timeout
        for transport in {id(each): each for each in self.transports.values()}.values():
            turn = self.turns.of(transport)
            try:
                turn.run(transport.close, max(0.0, end - time.monotonic()))
            except NoTurnError:  # that message has had its time
                transport.close()
        for hook in {id(each): each for each in self.hooks.values()}.values():
            hook.close()


@attrs.frozen
class Context:
    """The engine's surroundings: the same for all requests.

    Attributes:
        files: where jobs may read and write.
        announce: to be called when there may be long work to do, other than that of campaigns.
        announce_campaigns: to be called when campaigns may have something to do.
        announce_records: to be called when there may be more records to forward.
        announce_streams: to be called when there may be something else for destinations to do, or
            sooner.
        on_events: what PutEvents calls with the events that it has stored, in its transaction.
        held_of_person: what removal asks and empties, in this order.
        copies: what erasure asks for data that has left the database.
        keep_events_ms: how old events may become, None for any age.
        on_expired: called with the number of events that were removed for their age.
        streams: what the operator wants of event streams.
        engagement: what the operator wants of messages and campaigns.
        now: the present, milliseconds since 1970.
        requests: those that are being answered, to which work in the background gives way.
        on_forwarded: called with the name of a destination, an outcome, and a number of records or
            calls; see the streams family.
    """

    store: Store
    limits: Limits
    new_id: Callable[[], str]
    files: Files
    announce: Callable[[], None]
    on_events: Sequence[EventHook] = ()
    held_of_person: Sequence[PersonData] = ()
    copies: Sequence[Copies] = ()
    keep_events_ms: int | None = None
    on_expired: Callable[[int], None] = lambda _: None
    streams: StreamSettings = attrs.field(factory=StreamSettings)
    now: Callable[[], int] = lambda: 0
    announce_records: Callable[[], None] = lambda: None
    on_forwarded: Callable[[str, str, int], None] = lambda _, __, ___: None
    engagement: EngagementSettings = attrs.field(factory=EngagementSettings)
    announce_streams: Callable[[], None] = lambda: None
    announce_campaigns: Callable[[], None] = lambda: None
    requests: Requests = attrs.field(factory=Requests)


@attrs.frozen
class Stamp:
    """When a change is made and what it is known by, milliseconds since 1970 and a request id."""

    now: int
    request_id: str


@attrs.frozen
class Call:
    """One request that matched an operation.

    Attributes:
        route: the operation.
        labels: the decoded path labels by name, for example `application-id`.
        query: the decoded query parameters, each with all its values.
        body: the raw body.
        now: the time of the request, milliseconds since 1970.
        request_id: the request's id, which the answer carries too.
        region: the Region that ARNs in the answer name.
    """

    route: Route
    labels: Mapping[str, str] = attrs.field(repr=False)
    query: Mapping[str, Sequence[str]] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    now: int
    request_id: str
    region: str

    @property
    def stamp(self) -> Stamp:
        """What the request writes is dated and marked with."""
        return Stamp(self.now, self.request_id)

    def members(self, *, ignoring: Collection[str] = ()) -> dict[str, object]:
        """Return the members of the body that the operation knows.

        Args:
            ignoring: members that are left out unseen, whatever they are.

        Raises:
            ApiError: it is no JSON object, or does not fit the operation's shape.
        """
        given = body.parse_object(self.body)
        kept = {name: value for name, value in given.items() if name not in ignoring}
        return cast("dict[str, object]", shapes.read(self.route.body, kept))

    @property
    def application_id(self) -> str:
        """The application that the path names."""
        return self.labels["application-id"]


class Device(NamedTuple):
    """What the device of an endpoint is, as far as it is known."""

    id: str
    platform_version: str | None
    platform: str | None
    app_version: str | None
    make: str | None
    model: str | None
    locale: str | None
    country: str | None
    timezone: str | None

    def __repr__(self) -> str:
        """Name nothing: all of it together can tell a device from all others."""
        return "Device()"


class RecordedEvent(NamedTuple):
    """An event that has just been stored, with the endpoint as it was at that moment.

    A tuple, because one is made for each event of a request.

    Attributes:
        app: the number of the application.
        application_id: its id.
        endpoint: the endpoint's id in lower case.
        user_id: the endpoint's user when the event arrived.
        arrival: when it arrived, milliseconds since 1970. So are the other instants.
        session_duration: milliseconds.
        attributes: JSON, None when there are none; so are `metrics`.
        device: the endpoint's device, after what came with the event.
        shown_endpoint: the endpoint as GetEndpoint shows it, after what came with the event; None
            when there is none, or no hook wants it.
    """

    app: int
    application_id: str
    endpoint: str
    user_id: str | None
    arrival: int
    event_id: str
    type: str
    timestamp: int
    session_id: str | None
    session_start: int | None
    session_stop: int | None
    session_duration: int | None
    app_package_name: str | None
    app_title: str | None
    app_version_code: str | None
    client_sdk_version: str | None
    sdk_name: str | None
    attributes: str | None
    metrics: str | None
    device: Device
    shown_endpoint: Mapping[str, object] | None

    def __repr__(self) -> str:
        """Show what names nobody."""
        return f"RecordedEvent(app={self.app}, type={self.type!r}, arrival={self.arrival})"


#: Whether a hook wants to hear of the events of an application, and of their whole endpoints.
Wanted: TypeAlias = Literal["nothing", "events", "endpoints"]


class Application(Protocol):
    """A stored application, see applications/store.py."""

    @property
    def number(self) -> int:
        """What tables call it by."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def name(self) -> str:
        """Its name."""


class EventHook(Protocol):
    """What a family does with recorded events."""

    def wanted(self, context: Context, connection: Connection, app: Application) -> Wanted:
        """Return what it wants of the events of an application: a few microseconds, each time.

        It is asked in the write transaction of PutEvents, before anything is written.
        """

    def __call__(
        self, context: Context, connection: Connection, events: Sequence[RecordedEvent]
    ) -> bool | None:
        """Take events, in the same transaction, after they and their endpoints were written.

        Events that were stored already, from an earlier try, are not passed. An error undoes the
        request.

        Returns:
            True when workers have something to do as soon as the transaction is over.
        """


@attrs.frozen
class Person:
    """Whom a removal is about, within one application.

    Attributes:
        app: the number of the application.
        keys: the endpoints to remove, ids in lower case. They need not be stored.
        user_ids: the users whose every record is meant.
        orphans: the users who have no endpoint left once these are gone.
        addresses: the addresses that are the person's alone, and are meant as a whole: as they
            are stored, and in the form that is compared (records/contacts.py).
        pseudonyms: by endpoint, the id that its events go on under where they are not removed. It
            is new and stands nowhere else.
    """

    app: int
    keys: Sequence[str] = attrs.field(repr=False)
    user_ids: Sequence[str] = attrs.field(repr=False)
    orphans: Sequence[str] = attrs.field(repr=False)
    addresses: Sequence[str] = attrs.field(default=(), repr=False)
    pseudonyms: Mapping[str, str] = attrs.field(factory=dict, repr=False)


class PersonData(Protocol):
    """A family's answer to "what do you hold of this person", and its removal.

    All are called while what the family builds on is still there.
    """

    def held(self, connection: Connection, person: Person) -> Mapping[str, int]:
        """Return how much is held, by the report's names for it."""

    def erase(self, context: Context, connection: Connection, person: Person) -> None:
        """Remove all of it, for a data-protection request."""

    def forget(self, context: Context, connection: Connection, person: Person) -> None:
        """Remove what names the person, because the endpoints are deleted."""


#: Returns what may hold an application's persons outside of the database, where erasure does not
#: reach, in words: a connection and the application's number -> "export job ID: URL".
Copies: TypeAlias = Callable[["Connection", int], Sequence[str]]

#: Returns a family's workers for one engine. It is given the monotonic clock, in seconds, and is
#: called again in a forked child, because what workers keep open belongs to the parent.
MakeWorkers: TypeAlias = Callable[["Context", Callable[[], float]], Sequence["Worker"]]

Status: TypeAlias = Literal["emulated", "partial", "refused"]


@attrs.frozen
class Operation:
    """How an operation is answered, and how fully."""

    handler: Handler
    status: Status = "emulated"
    note: str = ""


@attrs.frozen
class Family:
    """What a family gives to the engine. Each has one, in its operations.py.

    Attributes:
        name: the name of its folder.
        operations: its rows of the table of operations.
        extensions: handlers of what Pinpoint's own API cannot be asked; see wire/routes.py.
        held_of_person: its answer to removal, None when it holds nothing of a person.
        on_events: what it does with recorded events, if anything.
        long_reads: its operations that read by `Store.long_read`: few of them run at once.
        copies: names what it has written outside of the database, None when it writes nothing.
        workers: makes what does its long or timed work behind requests, None without any.
        lane: whose turns they take: those of `jobs`, or of `campaigns`, which may wait for a hook
            or a transport of the operator's.
    """

    name: str
    operations: Mapping[str, Operation]
    extensions: Mapping[str, Handler] = attrs.field(factory=dict)
    held_of_person: PersonData | None = attrs.field(kw_only=True)
    on_events: EventHook | None = None
    long_reads: frozenset[str] = frozenset()
    copies: Copies | None = None
    workers: MakeWorkers | None = None
    lane: Literal["jobs", "campaigns"] = "jobs"


#: Returns the payload of the answer: something that orjson can write, or None for no body.
Handler: TypeAlias = Callable[[Context, Call], object]
