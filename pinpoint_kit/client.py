"""The front: `connect` opens what a URL names, `Pinpoint` owns it and hands out the nouns.

No verbs of the API live here. SQL, botocore and encoding are out of place.
"""

from __future__ import annotations

import difflib
import os
import time
import warnings
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any, ParamSpec, TypedDict, TypeVar, cast

import attrs

from pinpoint_kit.analytics.asking import Server
from pinpoint_kit.analytics.stored_events import StoredEvents
from pinpoint_kit.audience.applications import Applications, check_name
from pinpoint_kit.audience.attributes import Attributes
from pinpoint_kit.audience.batches import Batches
from pinpoint_kit.audience.endpoints import Endpoints
from pinpoint_kit.audience.erasure import ErasureReport, erase
from pinpoint_kit.audience.exports import Exports
from pinpoint_kit.audience.jobs import Jobs
from pinpoint_kit.audience.loading import Loader
from pinpoint_kit.audience.segments import Segments
from pinpoint_kit.audience.users import Users
from pinpoint_kit.delivery import Delivery, DeliveryOptions
from pinpoint_kit.delivery.invocations import flush_per_invocation
from pinpoint_kit.delivery.pacing import Pacer, hosted_rates
from pinpoint_kit.delivery.spool.schema import SpoolError
from pinpoint_kit.delivery.spool.spool import Spool
from pinpoint_kit.doors import DEFAULT_URL, open_door, open_objects
from pinpoint_kit.doors.lookup import ApplicationLookup
from pinpoint_kit.engagement.templates import Templates
from pinpoint_kit.errors import ClosedError, ConfigurationError, StoreError, ValidationError
from pinpoint_kit.limits import DEFAULT_LIMITS, Limits
from pinpoint_kit.models import wire
from pinpoint_kit.models.checks import bounded_seconds, require_path_id
from pinpoint_kit.recording.auth import Auth
from pinpoint_kit.recording.details import EventPolicy, InvalidPolicy
from pinpoint_kit.recording.events import Events
from pinpoint_kit.recording.notifications import Notifications
from pinpoint_kit.recording.purchases import Purchases
from pinpoint_kit.recording.recorder import Recorder
from pinpoint_kit.recording.sessions import Sessions
from pinpoint_kit.streams import Streams
from pinpoint_kit.system import forks
from pinpoint_kit.transport import (
    ApplicationId,
    PutEventsAnswer,
    RetryPolicy,
    Transport,
    id_of,
)
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from types import TracebackType

    import boto3
    import botocore.session
    from botocore.client import BaseClient
    from mypy_boto3_pinpoint import PinpointClient  # of boto3-stubs, for those who have it
    from typing_extensions import Self, Unpack

    from pinpoint_kit.analytics.store_analytics import StoreAnalytics
    from pinpoint_kit.delivery import DeadLetter, DeliveryReport
    from pinpoint_kit.delivery.report import ApplicationState
    from pinpoint_kit.doors import (
        Door,
        EngagementOptions,
        GivenDestinations,
        GivenHooks,
        GivenTransports,
        StreamOptions,
    )
    from pinpoint_kit.engagement.campaigns import Campaigns
    from pinpoint_kit.engagement.messages import Messages
    from pinpoint_kit.engagement.opt_outs import OptOuts
    from pinpoint_kit.engagement.outbox import Outbox
    from pinpoint_kit.records.stream import StreamForm
    from pinpoint_kit.transport.requests import SentRequest

__all__ = ["Pinpoint", "PinpointOptions", "connect"]

P = ParamSpec("P")
R = TypeVar("R")

SDK_NAME = "pinpoint_kit"
_LOOKUP_TIMEOUT_S = 2.0
#: Seconds that closing gives to calls that are under way: when its own time is over, and at most.
_LEAST_CLOSING_S, _MOST_CLOSING_S = 0.05, 5.0
#: How long the delivery waits for the look-up before it looks after other things.
_SENDER_WAIT_S = 1.0


class PinpointOptions(TypedDict, total=False):
    """What `connect` and `Pinpoint` both take.

    Attributes:
        app_title: rides on every event.
        app_package_name: rides on every event, for example `com.example.shop`.
        app_version_code: rides on every event, for example `3.2.0`.
        sdk_name: rides on every event; `pinpoint_kit` unless given.
        client_sdk_version: rides on every event; this package's version unless given.
        strict: raise `ValidationError` for content that the service would refuse, instead of
            counting a rejection.
        invalid: what to do with such content: `truncate` values that are too long and leave out
            names that are too long or too many (the default), or `reject` the event.
        limits: the service's limits, if yours differ.
        retry: how often and how long a single call is tried.
        lookup_timeout: seconds that a look-up may take in all, with at most one retry inside of
            them: what reads one thing by its id, or a list of Pinpoint's own. 2 unless given;
            where only `retry` is given, that holds for look-ups too. None treats them like other
            calls.
        delivery: how recorded events are kept and sent.
        on_rejected: called with a `DeadLetter` for everything that is refused for its content,
            on a thread of its own; an error in it is logged and harms nothing.
        on_dropped: the same for everything that is given up by policy.
        rates: requests a second by operation, for example `{"PutEvents": 15}`; what is missing is
            free until the service says 429. The published rates for `aws://`, else none.
        spool: a file that keeps each recorded item on disk before `record` returns, for this
            application; several processes may share it. Memory only unless given.
        fsync: have the spool survive power loss too, at the price of a disk flush an item.
        max_spool_bytes: room for the spool, 1 GB unless given; `delivery.when_full` says what a
            full one does.
    """

    app_title: str | None
    app_package_name: str | None
    app_version_code: str | None
    sdk_name: str | None
    client_sdk_version: str | None
    strict: bool
    invalid: InvalidPolicy
    limits: Limits
    retry: RetryPolicy
    lookup_timeout: float | None
    delivery: DeliveryOptions
    on_rejected: Callable[[DeadLetter], object] | None
    on_dropped: Callable[[DeadLetter], object] | None
    rates: Mapping[str, float]
    spool: str | os.PathLike[str] | None
    fsync: bool
    max_spool_bytes: int


def connect(  # noqa: PLR0913 -- each is a choice of its own
    url: str | None = None,
    *,
    application: str | None = None,
    application_id: str | None = None,
    session: boto3.session.Session | botocore.session.Session | None = None,
    timeout: float = 10.0,
    wait: float | None = None,
    keep_events: timedelta | None = None,
    destinations: GivenDestinations | None = None,
    stream_form: StreamForm | None = None,
    stream_backlog: int | None = None,
    stream_age: timedelta | None = None,
    stream_tries: int | None = None,
    stream_dead_letters: int | None = None,
    transports: GivenTransports | None = None,
    hooks: GivenHooks | None = None,
    catch_up: bool | None = None,
    runs_campaigns: bool | None = None,
    keep_messages: timedelta | None = None,
    **options: Unpack[PinpointOptions],
) -> Pinpoint:
    """Connect to an embedded engine, a server, or the hosted service.

    Args:
        url: `sqlite:///FILE` (embedded; `sqlite://` in memory), `postgresql://USER@HOST/DATABASE`
            (embedded, on a database that others share), `http://HOST:PORT`, or
            `aws://REGION[?profile=NAME]`. `$PINPOINT_KIT_URL` unless given, else
            `sqlite:///pinpoint.db`.
        application: an application's name. Our engine and server create it when there is none.
            Over the network it is looked up in the background, so that a program starts without
            its server; events that are recorded meanwhile wait. The embedded engine takes
            `default` when neither a name nor an id is given.
        application_id: an application's id, `$PINPOINT_KIT_APPLICATION_ID` unless given.
        session: a boto3 or botocore session to take credentials and settings from.
        timeout: seconds that one request may take in all: connecting (at most 5), sending and
            reading the answer.
        wait: seconds to wait until `application` is found, instead of going on without it.
        keep_events: how old events may become, at least 31 days, for example
            `timedelta(days=400)`; the embedded engine removes older ones, behind requests. All are
            kept unless given. A server has its own `--keep-events`.
        destinations: where the embedded engine sends event streams, by the ARN of a stream that
            PutEventStream names, or by the id or the name of an application, whose events then go
            there without a stream: `{"shop": "file:///var/events"}`. A value is a URL as
            `pinpoint_kit.destinations.open_destination` takes it, an object with the members of
            `Destination`, or a list of these. A server has its own `--destination`.
        stream_form: how the embedded engine writes records of event streams; as the guide prints
            app events of version 3.0 unless given. A server has `--stream-version`,
            `--stream-endpoint` and `--stream-account-id`.
        stream_backlog: how many records of an application may wait for their destinations,
            1,000,000 unless given; of more, the oldest are given up and counted. This and the
            following are the embedded engine's; a server has `--stream-backlog` and so on.
        stream_age: how long a record may wait, 7 days unless given and 31 days at most.
        stream_tries: how often a record that is refused singly is sent before it becomes a dead
            letter, 100 unless given.
        stream_dead_letters: how many dead letters an application may have, 10,000 unless given; of
            more, the oldest go, and are counted.
        transports: what takes messages of the embedded engine away, by channel: `EMAIL`, `SMS`,
            `PUSH`, for example `{"EMAIL": "smtp://localhost:1025"}`. A value is a URL as
            `pinpoint_kit.messaging.open_transport` takes it, an object with the members of
            `Transport`, or a function that takes an `OutgoingMessage`. Without one, messages stay
            in the outbox. A server has its own `--transport`.
        hooks: what campaigns of the embedded engine may call, by the function's name, the ARN or
            the URL that a campaign says. A value is a URL as `pinpoint_kit.hooks.open_hook` takes
            it, an object with the members of `Hook`, or a function of the event, or of event and
            context. Nothing else is ever called. A server has its own `--hook`.
        catch_up: whether a run of a campaign that was missed, because no engine was there, is made
            up for once; True unless given. A server has its own `--no-catch-up`.
        runs_campaigns: whether campaigns run in this program; True unless given. False leaves them
            to another one, such as a server that has the transports and the hooks: what runs here
            stays in the outbox, or becomes `INVALID`, where this program has none.
        keep_messages: how old messages in the outbox of the embedded engine may become, at least a
            day, for example `timedelta(days=30)`; older ones are removed in the background. All
            are kept unless given. A server has its own `--keep-messages`.
        **options: see `PinpointOptions`.

    Returns:
        The client; use it in a `with` block or call its `close()`.

    Raises:
        ConfigurationError: the URL is malformed, of an unknown kind, or an option is wrong.
        StoreError: the engine cannot use its database, or the spool is another application's.
        ServiceError: the embedded engine cannot find or create the application; with `wait`, any
            server refuses.
        TransportError: with `wait`, no answer came in time.

    Warns:
        PinpointRetiredWarning: the URL leads to the hosted service, which has ended.

    Examples:
        >>> with connect("sqlite://", application="shop") as pinpoint:
        ...     pinpoint
        <Pinpoint engine application=shop>
    """
    if application is not None and application_id is not None:
        raise ConfigurationError("give application (a name) or application_id, not both")
    _check_seconds("timeout", timeout)
    if wait is not None:
        _check_seconds("wait", wait)
    _check_options(options)
    chosen = {
        "stream_form": stream_form,
        "stream_backlog": stream_backlog,
        "stream_age": stream_age,
        "stream_tries": stream_tries,
        "stream_dead_letters": stream_dead_letters,
    }
    streams = cast(
        "StreamOptions", {name: value for name, value in chosen.items() if value is not None}
    )
    mapped = {
        "transports": transports,
        "hooks": hooks,
        "catch_up": catch_up,
        "runs_campaigns": runs_campaigns,
        "keep_messages": keep_messages,
    }
    engagement = cast(
        "EngagementOptions", {name: value for name, value in mapped.items() if value is not None}
    )
    door = open_door(
        (os.environ.get("PINPOINT_KIT_URL") or DEFAULT_URL) if url is None else url,
        limits=options.get("limits", DEFAULT_LIMITS),
        session=session,
        timeout=timeout,
        keep_events=keep_events,
        destinations=destinations,
        streams=streams,
        engagement=engagement,
    )
    try:
        if application is None and application_id is None:
            application_id = os.environ.get("PINPOINT_KIT_APPLICATION_ID")
            if not application_id:
                application = _default_application(door)
        if application is not None:
            application_id = _known_id(door, application, options)
        if door.kind == "aws":
            options.setdefault("rates", hosted_rates(options.get("limits", DEFAULT_LIMITS)))
        elif door.kind == "engine":
            # More threads would only wait for each other in this process.
            options.setdefault("delivery", DeliveryOptions(max_in_flight=1))
        pinpoint = Pinpoint(
            door.client, application_id or "", door=door, application=application, **options
        )
    except BaseException:
        door.close()
        raise
    return pinpoint if wait is None else _waited_for(pinpoint, wait)


def _known_id(door: Door, name: str, options: PinpointOptions) -> str:
    """Return the id of an application of the engine here; "" where it must be looked up."""
    check_name(name)
    if door.kind != "engine":
        return ""
    transport = Transport(door.client, retry=options.get("retry"))
    found = Applications(transport).find_or_create(name)
    transport.close()
    return found.id


def _waited_for(pinpoint: Pinpoint, timeout: float) -> Pinpoint:
    try:
        pinpoint.wait_for_application(timeout)
    except BaseException:
        pinpoint.close(0)
        raise
    return pinpoint


def _default_application(door: Door) -> str:
    if door.kind == "engine":
        return "default"
    raise ConfigurationError(
        "name the application: connect(url, application=NAME), application_id=ID,"
        " or $PINPOINT_KIT_APPLICATION_ID"
    )


class Pinpoint:
    """One application. Safe to use from several threads.

    Make it with `connect`, or wrap a botocore `pinpoint` client of your own. A client of your
    own stays yours: it keeps its own retries, and `close()` does not close it.

    Args:
        client: any botocore client for `pinpoint`.
        application_id: the application; "" where `connect` has it looked up by its name.
        application: its name.
        door: what `connect` opened, and `close()` closes.
        **options: see `PinpointOptions`.

    Attributes:
        endpoints (Endpoints): read, update and delete endpoints.
        users (Users): the endpoints of a person.
        attributes (Attributes): names that are stored no longer.
        segments (Segments): parts of the audience, and who is in them.
        jobs (Jobs): import and export of endpoints by files.
        events (Events): send events now, or record them for the background.
        auth (Auth): sign-in events.
        sessions (Sessions): sessions with their duration.
        purchases (Purchases): purchases.
        notifications (Notifications): push messages of campaigns that were received or opened.
        streams (Streams): how event streams fare, pauses, replays and dead letters.
        campaigns (Campaigns): make campaigns, follow their runs, read what came of them.
        messages (Messages): send messages and one-time passwords.
        outbox (Outbox): what was sent, and what became of it.
        opt_outs (OptOuts): the addresses that get nothing.
        templates (Templates): what messages are made from, and what one would look like.
        delivery (Delivery): counts and state of background delivery.
        applications (Applications): the applications themselves.
    """

    def __init__(
        self,
        client: BaseClient,
        application_id: str,
        *,
        application: str | None = None,
        door: Door | None = None,
        **options: Unpack[PinpointOptions],
    ) -> None:
        _check_options(options)
        is_looked_up = door is not None and not application_id and application is not None
        if not is_looked_up:
            try:
                require_path_id(application_id, "$.application_id")
            except ValidationError as error:
                raise ConfigurationError(f"application_id {error.message}") from error
        self._name = application or application_id
        self._door = door
        self._is_closed = True  # until all of it is there
        self._objects = door.objects if door else open_objects(client.meta.region_name)
        limits = self._limits = options.get("limits", DEFAULT_LIMITS)
        self._pacer = Pacer(options.get("rates", {}), time.monotonic)
        self._transport = Transport(
            client,
            retry=options.get("retry"),
            lookup_timeout=_lookup_timeout(options),
            pace=self._pacer,
        )
        spool = _spool(options, application_id, application)
        self._lookup = _lookup(client, application, door, options, spool) if is_looked_up else None
        self._application_id: ApplicationId = self._lookup or application_id
        self.delivery = Delivery(
            _Sender(self._transport, self._application_id),
            limits=limits,
            options=options.get("delivery", DeliveryOptions()),
            on_rejected=options.get("on_rejected"),
            on_dropped=options.get("on_dropped"),
            pacer=self._pacer,
            on_fork=_weakly(self),
            spool=spool,
            application_state=_state_of(self._lookup),
        )
        recorder = Recorder(self.delivery, limits=limits, policy=_policy(options))
        self.applications = Applications(self._transport)
        self.jobs = Jobs(
            self._transport,
            application_id=self._application_id,
            door=door.kind if door else None,
        )
        exports = Exports(self.jobs, self._objects)
        batches = Batches(self._transport, self._application_id, limits)
        self.endpoints = Endpoints(
            self._transport,
            application_id=self._application_id,
            limits=limits,
            delivery=self.delivery,
            exports=exports,
            batches=batches,
            loader=Loader(
                jobs=self.jobs,
                objects=self._objects,
                batches=batches,
                limits=limits,
                is_here=door is not None and door.kind == "engine",
            ),
            strict=options.get("strict", False),
        )
        self.users = Users(self._transport, application_id=self._application_id)
        self.attributes = Attributes(
            self._transport, application_id=self._application_id, limits=limits
        )
        self.segments = Segments(
            self._transport, application_id=self._application_id, limits=limits, exports=exports
        )
        self._server = Server(self._transport, self._application_id)
        self.events = Events(
            self._transport,
            recorder,
            StoredEvents(self._server),
            application_id=self._application_id,
        )
        self.streams = Streams(self._transport, application_id=self._application_id)
        self.templates = Templates(self._transport, application_id=self._application_id)
        self.auth = Auth(recorder)
        self.sessions = Sessions(recorder, monotonic=time.monotonic)
        self.purchases = Purchases(recorder)
        self.notifications = Notifications(recorder)
        self._is_closed = False
        if self._lookup is not None and not forks.is_to_be_forked():
            self._lookup.start()  # else whoever needs it first does

    def __repr__(self) -> str:
        kind = self._door.kind if self._door else "client"
        closed = " closed" if self._is_closed else ""
        return f"<Pinpoint {kind} application={self._name}{closed}>"

    @cached_property
    def analytics(self) -> StoreAnalytics:
        """The numbers: active people, sessions, retention, funnels, revenue and more.

        They are loaded when they are first asked for, so that a program that only records starts
        without them.
        """
        from pinpoint_kit.analytics.store_analytics import StoreAnalytics  # noqa: PLC0415 -- as said

        return StoreAnalytics(self._server, self._transport, application_id=self._application_id)

    @cached_property
    def campaigns(self) -> Campaigns:
        """Campaigns, their runs and results; loaded when they are first used."""
        from pinpoint_kit.engagement.campaigns import Campaigns  # noqa: PLC0415 -- as said

        return Campaigns(self._transport, application_id=self._application_id)

    @cached_property
    def messages(self) -> Messages:
        """Sending messages and one-time passwords; loaded when it is first used."""
        from pinpoint_kit.engagement.messages import Messages  # noqa: PLC0415 -- as said

        return Messages(self._transport, application_id=self._application_id, limits=self._limits)

    @cached_property
    def outbox(self) -> Outbox:
        """What was sent, and what became of it; loaded when it is first used."""
        from pinpoint_kit.engagement.outbox import Outbox  # noqa: PLC0415 -- as said

        return Outbox(self._transport, application_id=self._application_id)

    @cached_property
    def opt_outs(self) -> OptOuts:
        """The addresses that get nothing; loaded when it is first used."""
        from pinpoint_kit.engagement.opt_outs import OptOuts  # noqa: PLC0415 -- as said

        return OptOuts(self._transport, application_id=self._application_id, limits=self._limits)

    @property
    def application_name(self) -> str:
        """The application's name; its id where it was given by its id."""
        return self._name

    @property
    def application_id(self) -> str:
        """The application's id; waits for it where the name is being looked up.

        Raises:
            TransportError: the name is not looked up yet, and no answer came in time.
            ServiceError: the look-up was refused.
        """
        return id_of(self._application_id)

    def wait_for_application(self, timeout: float = 5.0) -> None:
        """Wait until the application is found that `connect` was given by name.

        Returns at once where it is known, or was given by its id.

        Args:
            timeout: seconds.

        Raises:
            TransportError: no answer came in time.
            ServiceError: the look-up was refused.
        """
        if self._lookup is not None:
            self._lookup.wait(timeout)

    @property
    def client(self) -> PinpointClient:
        """The botocore client: the escape hatch to everything that it can do."""
        return cast("PinpointClient", self._transport.client)

    def call(self, operation: str, /, **params: object) -> dict[str, Any]:
        """Call any of the 122 operations, with retries and our errors.

        Args:
            operation: the API's name, for example `GetCampaigns`.
            **params: as in boto3; `ApplicationId` is filled in where the operation takes one.

        Returns:
            The answer as boto3 gives it.

        Raises:
            ConfigurationError: there is no such operation.
            ValidationError: the parameters do not fit the service model.
            ServiceError: the service refused; the embedded engine answers an operation that it
                does not implement with `OperationNotImplemented`.
            TransportError: no answer came.
        """
        if self._transport.takes(operation, "ApplicationId"):
            params.setdefault("ApplicationId", self._application_id)
        return self._transport.call(operation, **params)

    def erase(
        self,
        *,
        user_id: str | None = None,
        address: str | None = None,
        endpoint_id: str | None = None,
        dry_run: bool = False,
        timeout: float = 5.0,
    ) -> ErasureReport:
        """Remove a person's data for a data-protection request, and report what there was.

        It is about this application: erase in each that may know the person.

        Gone are their endpoints, the attributes of the user, their events, their entries on lists
        of imported segments, and what this client keeps of them as dead letters; the values are
        overwritten in the database's files too. What was recorded before is flushed first.
        Repeating it is harmless. Files that jobs have exported, backups and spools of other
        programs are not looked at.

        Args:
            user_id: all endpoints and events of this user; case-sensitive.
            address: all endpoints with this address, and their events: of e-mail whatever the case
                and the name around it, of telephone numbers by their digits, of other channels
                exactly this one.
            endpoint_id: one endpoint and its events; case-insensitive.
            dry_run: report only, and remove nothing.
            timeout: seconds that the flush may take.

        Returns:
            What was found and removed.

        Raises:
            ConfigurationError: not exactly one id was given, or this is the hosted service.
            ValidationError: the id is empty, or none that an endpoint can have.
            StoreError: the spool cannot be used; what the engine stores is gone.
            ServiceError: the service refused.
            TransportError: no answer came; erase again.

        Examples:
            >>> from pinpoint_kit import Endpoint, User
            >>> with connect("sqlite://") as pinpoint:
            ...     request_id = pinpoint.endpoints.update(
            ...         Endpoint(id="device-1", user=User(id="user-1"))
            ...     )
            ...     pinpoint.erase(user_id="user-1").endpoint_ids
            ('device-1',)
        """
        return erase(
            self._transport,
            self.delivery,
            self._application_id,
            {"UserId": user_id, "Address": address, "EndpointId": endpoint_id},
            dry_run=dry_run,
            timeout=timeout,
        )

    def observe(self, observer: Callable[[SentRequest], object]) -> Callable[[], None]:
        """Have a function called with each request that this client has made.

        Each try is a request, also those of background delivery. It is called on the thread that
        made the request, which waits for it; what it raises is logged.

        Args:
            observer: called with a `SentRequest`, which names no person and has no content.

        Returns:
            Call it to end that.

        Examples:
            >>> with connect("sqlite://") as pinpoint:
            ...     end = pinpoint.observe(lambda request: print(request.operation, request.status))
            ...     found = pinpoint.applications.list()
            GetApps 200
        """
        return self._transport.observers.add(observer)

    def _after_fork(self) -> None:
        self.sessions.renew()

    def flush(self, timeout: float = 5.0, *, raise_for_loss: bool = False) -> DeliveryReport:
        """Send everything recorded so far and wait until it is settled, or time is over.

        Args:
            timeout: seconds, kept also while a request hangs.
            raise_for_loss: raise where anything was lost, is pending still, or cannot be sent
                because the look-up of the application was refused.

        Returns:
            Counts since the client was made. `pending` is what did not make it in time.

        Raises:
            DeliveryError: with `raise_for_loss`, an event was rejected, dropped or is pending.
            ServiceError: with `raise_for_loss`, the look-up of the application was refused.
        """
        report = self.delivery.flush(timeout)
        if raise_for_loss:
            refusal = None if self._lookup is None else self._lookup.refusal
            if refusal is not None:
                raise refusal
            report.raise_for_loss()
        return report

    def per_invocation(self, timeout: float = 2.0) -> Callable[[Callable[P, R]], Callable[P, R]]:
        """Decorate a handler so that every invocation flushes before it returns or raises.

        For AWS Lambda and whatever else is frozen between two calls. What does not make it in
        time stays pending for the next invocation, and is logged.

        Args:
            timeout: seconds that the flush may take; less when the Lambda context says so.

        Returns:
            The decorator.

        Examples:
            >>> pinpoint = connect("sqlite://")
            >>> @pinpoint.per_invocation(timeout=1.0)
            ... def handler(event, context):
            ...     return pinpoint.auth.sign_in(event["device"])
            >>> event_id = handler({"device": "device-1"}, None)
            >>> pinpoint.delivery.stats().accepted
            1
            >>> pinpoint.close().pending
            0
        """
        return flush_per_invocation(self, timeout)

    def close(self, timeout: float = 5.0) -> DeliveryReport:
        """Stop open sessions, flush, and release everything; idempotent.

        Args:
            timeout: seconds that pending events may still take. What is pending after that is
                dropped, counted as `closed` and logged. It is 0.1 s later at most, whatever the
                network, the disk and other processes do.

        Returns:
            The final counts.
        """
        if self._is_closed:
            return self.delivery.close(0)
        deadline = time.monotonic() + bounded_seconds(timeout)
        self.sessions.stop_all()
        self._is_closed = True
        report = self.delivery.close(timeout)
        if self._lookup is not None:
            self._lookup.close()
        self._transport.close()
        self._objects.close()
        if self._door is not None:
            left = max(_LEAST_CLOSING_S, deadline - time.monotonic())
            self._door.close(min(left, _MOST_CLOSING_S))
        return report

    def __enter__(self) -> Self:
        if self._is_closed:
            raise ClosedError("this client was closed: make a new one with connect()")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_is_closed", True):
            if self._lookup is not None:
                self._lookup.abandon()
            warnings.warn(
                f"unclosed {self!r}: use `with`, or call close()",
                ResourceWarning,
                stacklevel=2,
                source=self,
            )


def _check_options(options: PinpointOptions) -> None:
    known = PinpointOptions.__annotations__
    for name in sorted(options.keys() - known.keys()):
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
        raise ConfigurationError(f"no such option: {name}: {hint}")
    lookup_timeout = options.get("lookup_timeout")
    if lookup_timeout is not None:
        _check_seconds("lookup_timeout", lookup_timeout)
    if not isinstance(options.get("strict", False), bool):
        raise ConfigurationError("strict must be True or False")
    for name, cls in (("limits", Limits), ("retry", RetryPolicy), ("delivery", DeliveryOptions)):
        given = options.get(name)
        if given is not None and not isinstance(given, cls):
            raise ConfigurationError(f"{name} must be {cls.__name__}(...)")


def _check_seconds(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise ConfigurationError(f"{name} must be a number of seconds above 0")


def _lookup_timeout(options: PinpointOptions) -> float | None:
    default = None if options.get("retry") else _LOOKUP_TIMEOUT_S
    return options.get("lookup_timeout", default)


def _spool(options: PinpointOptions, application_id: str, application: str | None) -> Spool | None:
    path = options.get("spool")
    if path is None:
        if options.get("fsync") or "max_spool_bytes" in options:
            raise ConfigurationError("fsync and max_spool_bytes need a spool: give spool=PATH")
        return None
    spool = Spool(
        path,
        fsync=options.get("fsync", False),
        max_bytes=options.get("max_spool_bytes", 1_000_000_000),
    )
    try:
        spool.bind(application_id, name=application)
    except SpoolError as error:
        spool.close()
        raise StoreError(f"the spool cannot be used: {error}") from error
    except StoreError:
        spool.close()
        raise
    return spool


def _lookup(
    client: BaseClient,
    name: str | None,
    door: Door | None,
    options: PinpointOptions,
    spool: Spool | None,
) -> ApplicationLookup:
    """Begin to look for an application by its name; nothing here keeps the client alive."""
    timeout = options.get("lookup_timeout") or _LOOKUP_TIMEOUT_S
    # One try each: the look-up itself tries again.
    transport = Transport(client, retry=RetryPolicy(max_attempts=1), lookup_timeout=timeout)
    applications = Applications(transport)

    def find() -> str:
        may_create = door is not None and door.kind == "http"
        found = applications.find_or_create_where_ours(str(name), may_create=may_create)
        if spool is not None:
            spool.bind(found.id, name=name)
        return found.id

    return ApplicationLookup(str(name), find, timeout=timeout)


def _state_of(lookup: ApplicationLookup | None) -> Callable[[], ApplicationState]:
    return lambda: "known" if lookup is None else lookup.state


def _weakly(pinpoint: Pinpoint) -> Callable[[], None]:
    """Its `_after_fork`, without keeping it alive: a forgotten client must be able to warn."""
    reference = weakref.ref(pinpoint)
    client = pinpoint.client

    def after_fork() -> None:
        client.close()  # the sockets are the parent's; the client opens its own when used
        alive = reference()
        if alive is not None:
            alive._after_fork()  # noqa: SLF001 -- same module

    return after_fork


@attrs.frozen
class _Sender:
    """Sends for the delivery: each body once, because the delivery itself tries again."""

    transport: Transport
    application: ApplicationId

    def put_events(self, body: bytes) -> PutEventsAnswer:
        return self.transport.put_events(self._id(), body, retry=False)

    def update_endpoints_batch(self, body: bytes) -> str:
        return self.transport.update_endpoints_batch(self._id(), body, retry=False)

    def _id(self) -> str:
        application = self.application
        if isinstance(application, ApplicationLookup):
            return application.wait(_SENDER_WAIT_S)
        return id_of(application)


def _policy(options: PinpointOptions) -> EventPolicy:
    return EventPolicy(
        strict=options.get("strict", False),
        invalid=options.get("invalid", "truncate"),
        members=wire.event_members(
            app_title=options.get("app_title"),
            app_package_name=options.get("app_package_name"),
            app_version_code=options.get("app_version_code"),
            sdk_name=options.get("sdk_name", SDK_NAME),
            client_sdk_version=options.get("client_sdk_version", VERSION),
        ),
    )
