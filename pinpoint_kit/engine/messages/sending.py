"""SendMessages and SendUsersMessages: decide about each recipient, compose, put into the outbox.

All of a request is one transaction; after it, transports get what waits for them. What is wrong
with one recipient is that recipient's answer; only what concerns all of them refuses the request.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, cast

import attrs
from sqlalchemy import Connection

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.applications.store import App
from pinpoint_kit.engine.context import Call, Context
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.ids import check_id
from pinpoint_kit.engine.endpoints.state import rendered
from pinpoint_kit.engine.engagement.headers import MARK, check_headers, check_line
from pinpoint_kit.engine.messages import (
    delivering,
    outbox,
    outcomes,
    simulators,
    stream_records,
)
from pinpoint_kit.engine.messages.composing import Composer, Failure
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.messages.outbox import NewMessage
from pinpoint_kit.engine.messages.recipients import Recipient, Refusal, refusal_of
from pinpoint_kit.engine.messages.rendering.payloads import PUSH_CHANNELS
from pinpoint_kit.engine.messages.stream_records import Streamed
from pinpoint_kit.engine.wire.refusals import ApiError, bad_request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pinpoint_kit.engine.messages.content import Content

__all__ = ["Sender", "send_messages", "send_users_messages"]

_MAX_CONTEXT_KEYS = 50
_MAX_CONTEXT_CHARS = 1_000
_UNKNOWN = Refusal("PERMANENT_FAILURE", 400, "There is no such endpoint")


def send_messages(context: Context, call: Call) -> object:
    """SendMessages: to addresses, and to endpoints by their ids."""
    with apps.checked_first(context, call.application_id):
        request = call.members()
        addresses = _named(request, "Addresses")
        endpoints = _named(request, "Endpoints")
        _check_count(context, len(addresses) + len(endpoints), "Addresses and Endpoints")
        if not addresses and not endpoints:
            raise bad_request("Missing Addresses or Endpoints")
        _check_contexts(request, (*addresses.values(), *endpoints.values()))
        _check_email(request)
    keys = {name: key for name in endpoints if (key := _key(name)) is not None}
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        _claim(context, connection, app, sorted(set(keys.values())))
        sender = Sender.of(context, connection, app, call, request)
        found = {
            state.endpoint: (state, attributes)
            for state, attributes in reader.by_keys(
                connection, app.number, sorted(set(keys.values()))
            )
        }
        recipients = [_of_address(address, settings) for address, settings in addresses.items()]
        sender.look_up(
            *((each.channel, each.address) for each in recipients),
            *((state.channel_type, state.address) for state, _ in found.values()),
        )
        results = {cast("str", each.address): sender.add(each) for each in recipients}
        by_endpoint = {
            name: sender.add_endpoint(found.get(keys.get(name, "")), settings)
            for name, settings in endpoints.items()
        }
        sender.flush()
    sender.deliver()
    answer: dict[str, object] = {"ApplicationId": app.id, "RequestId": call.request_id}
    if addresses:
        answer["Result"] = results
    if endpoints:
        answer["EndpointResult"] = by_endpoint
    return answer


def send_users_messages(context: Context, call: Call) -> object:
    """SendUsersMessages: to all endpoints of each user; a user without one has no results."""
    with apps.checked_first(context, call.application_id):
        request = call.members()
        users = _named(request, "Users")
        if not users:
            raise bad_request("Missing Users")
        _check_count(context, len(users), "Users")
        _check_contexts(request, users.values())
        _check_email(request)
    with context.store.write(is_shared=True) as connection:
        app = apps.require(connection, call.application_id)
        if len(users) > context.store.most_names:
            context.store.claim(connection, app.number, None)
        else:
            context.store.claim(connection, app.number, [("user", name) for name in users])
        sender = Sender.of(context, connection, app, call, request)
        results: dict[str, dict[str, object]] = {name: {} for name in users}
        endpoints = reader.by_users(connection, app.number, list(users))
        sender.look_up(*((state.channel_type, state.address) for state, _ in endpoints))
        for found in endpoints:
            state = found[0]
            user_id = cast("str", state.user_id)
            results[user_id][state.id] = sender.add_endpoint(found, users[user_id])
        sender.flush()
    sender.deliver()
    return {"ApplicationId": app.id, "RequestId": call.request_id, "Result": results}


@attrs.define
class Sender:
    """Sends the messages of one request, in its transaction. Nothing is stored before `flush`.

    After the transaction, `deliver` hands what waits for a transport to it.

    Attributes:
        composer: makes the messages.
        shared: the Context of all recipients.
        trace_id: its TraceId.
    """

    _context: Context
    _connection: Connection
    _app: App
    _call: Call
    composer: Composer
    shared: Mapping[str, str] = attrs.field(repr=False)
    trace_id: str
    _seen: set[tuple[str, str]] = attrs.field(factory=set, repr=False, init=False)
    _opted_out: Collection[tuple[str, str]] = attrs.field(default=(), repr=False, init=False)
    _messages: list[Streamed] = attrs.field(factory=list, repr=False, init=False)
    _waiting: list[tuple[Streamed, dict[str, object]]] = attrs.field(
        factory=list, repr=False, init=False
    )

    @classmethod
    def of(
        cls,
        context: Context,
        connection: Connection,
        app: App,
        call: Call,
        request: Mapping[str, object],
    ) -> Sender:
        """Return the sender of a request.

        Raises:
            ApiError: it names a template that there is not.
        """
        composer = Composer.of(
            connection,
            app,
            cast("Mapping[str, object]", request["MessageConfiguration"]),
            cast("Mapping[str, object] | None", request.get("TemplateConfiguration")),
            now=call.now,
        )
        shared = cast("Mapping[str, str]", request.get("Context") or {})
        trace_id = str(request.get("TraceId") or "")
        return cls(context, connection, app, call, composer, shared, trace_id)

    def look_up(self, *contacts: tuple[str | None, str | None]) -> None:
        """Look up which recipients are among the opt-outs, before any is added.

        Args:
            contacts: channel type and address of each, as far as they are known.
        """
        self._opted_out = opt_outs.among(self._connection, self._app.number, contacts)

    def add_endpoint(
        self, found: reader.Found | None, settings: Mapping[str, object]
    ) -> dict[str, object]:
        """Decide about an endpoint, and return its EndpointMessageResult."""
        if found is None:
            return _result(_UNKNOWN)
        state, attributes = found
        recipient = Recipient(
            channel=state.channel_type,
            address=state.address,
            shown=rendered(state, self._app.id, attributes),
            settings=settings,
            key=state.endpoint,
            endpoint_id=state.id,
            user_id=state.user_id,
            is_out=state.opt_out == "ALL" or state.status != "ACTIVE",
        )
        result = self.add(recipient)
        if state.address:
            result["Address"] = state.address
        return result

    def add(self, recipient: Recipient) -> dict[str, object]:
        """Decide about a recipient, and return its MessageResult."""
        refusal = self.refusal_of(recipient)
        if refusal is not None:
            return _result(refusal)
        channel, address = cast("str", recipient.channel), cast("str", recipient.address)
        self._seen.add((channel, address))
        settings = recipient.settings
        own = {**self.shared, **cast("Mapping[str, str]", settings.get("Context") or {})}
        composed = self.composer.compose(
            recipient.shown,
            channel,
            substitutions=cast("Mapping[str, Sequence[str]]", settings.get("Substitutions") or {}),
            title=cast("str | None", settings.get("TitleOverride")),
            body=cast("str | None", settings.get("BodyOverride")),
            raw=cast("str | None", settings.get("RawContent")),
            context_members=own,
        )
        if isinstance(composed, Failure):
            return _result(Refusal("PERMANENT_FAILURE", composed.code, composed.text))
        return self.put(recipient, composed, own)

    def refusal_of(self, recipient: Recipient) -> Refusal | None:
        """Return why a recipient gets nothing, None when it gets its message."""
        return refusal_of(recipient, self.composer.channels, self._seen, self._opted_out)

    def put(
        self,
        recipient: Recipient,
        content: Content,
        own: Mapping[str, str],
        *,
        kind: str = "direct",
        kept: Content | None = None,
    ) -> dict[str, object]:
        """Take a message that was composed, and return its MessageResult.

        Args:
            recipient: whom it is for.
            content: what it says.
            own: its Context.
            kind: as of `NewMessage`.
            kept: what the outbox keeps in the place of the content once a transport has that.
        """
        content, kept = self._with_context(content, own), kept and self._with_context(kept, own)
        message_id = outbox.new_message_id(self._context, self._call.now)
        channel = cast("str", recipient.channel)
        text = "" if channel in PUSH_CHANNELS else f"MessageId: {message_id}"
        address = cast("str", recipient.address)
        waits = delivering.waits(self._context, channel, address)
        row = NewMessage(
            app=self._app.number,
            id=message_id,
            created=self._call.now,
            channel=channel,
            address=address,
            content=content.stored(),
            endpoint=recipient.key,
            user_id=recipient.user_id,
            kind=kind,
            status=delivering.PENDING if waits else "SUCCESSFUL",
            status_text=text,
        )
        message = Streamed(row, content, recipient.endpoint_id, request_id=self._call.request_id)
        stored = row if kept is None or not waits else row._replace(content=kept.stored())
        self._messages.append(message._replace(row=stored))
        result: dict[str, object] = {
            "DeliveryStatus": row.status,
            "MessageId": message_id,
            "StatusCode": row.status_code,
            "StatusMessage": text,
        }
        if waits:
            self._waiting.append((message, result))
        return result

    def _with_context(self, content: Content, own: Mapping[str, str]) -> Content:
        beside = {"Context": own, "TraceId": self.trace_id}
        given = {name: value for name, value in beside.items() if value}
        return attrs.evolve(content, data={**content.data, **given}) if given else content

    def flush(self) -> None:
        """Put the messages into the outbox, write their records, and have simulators report."""
        if not self._messages:
            return
        connection, app, call = self._connection, self._app, self._call
        outbox.add(connection, [cast("NewMessage", message.row) for message in self._messages])
        stream_records.sent(self._context, connection, app, self._messages, now=call.now)
        for message in self._messages:
            row = message.row
            for outcome in simulators.outcomes_of(row.channel, row.address) or ():
                stored = outbox.by_id(connection, app.number, row.id)
                if stored is not None:
                    given = outcomes.Report(outcome=outcome)
                    outcomes.report(self._context, connection, app, stored, given, stamp=call.stamp)

    def deliver(self) -> None:
        """Hand messages to their transports, and put what became of each into its result.

        Call it when the transaction is over.
        """
        if not self._waiting:
            return
        rows = [cast("NewMessage", message.row) for message, _ in self._waiting]
        delivered = delivering.deliver(self._context, self._app.id, rows)
        messages = []
        for (message, result), row, given in zip(self._waiting, rows, delivered, strict=True):
            result.update(
                DeliveryStatus=given.status, StatusCode=given.code, StatusMessage=given.text
            )
            messages.append(message._replace(row=row._replace(status=given.status)))
        settled = [(row.id, given) for row, given in zip(rows, delivered, strict=True)]

        bounced = [message_id for message_id, given in settled if given.is_bounce]

        def store() -> None:
            # Endpoints change with an address that bounces, for which a transaction is alone.
            with self._context.store.write(is_shared=not bounced) as connection:
                if not bounced:
                    self._context.store.claim(connection, self._app.number, ())
                somebodys = delivering.settle(connection, self._app.number, settled)
                theirs = [message_id for message_id in bounced if message_id in somebodys]
                outcomes.bounce(self._context, connection, self._app, theirs, now=self._call.now)
                told = [message for message in messages if message.row.id in somebodys]
                stream_records.sent(self._context, connection, self._app, told, now=self._call.now)

        delivering.stored(self._context, store)


def _named(request: Mapping[str, object], name: str) -> Mapping[str, Mapping[str, object]]:
    return cast("Mapping[str, Mapping[str, object]]", request.get(name) or {})


def _check_count(context: Context, count: int, name: str) -> None:
    most = context.limits.max_recipients_per_request
    if count > most:
        raise bad_request(f"{name} have {count} recipients; a request has at most {most}")


def _check_contexts(
    request: Mapping[str, object], recipients: Sequence[Mapping[str, object]] | object
) -> None:
    """Refuse a Context that the records of the stream could not carry."""
    for source in (request, *cast("Sequence[Mapping[str, object]]", recipients)):
        given = cast("Mapping[str, str]", source.get("Context") or {})
        if len(given) > _MAX_CONTEXT_KEYS:
            raise bad_request(f"Context has at most {_MAX_CONTEXT_KEYS} members")
        if any(len(text) > _MAX_CONTEXT_CHARS for item in given.items() for text in item):
            raise bad_request(f"A member of Context has at most {_MAX_CONTEXT_CHARS} characters")


def _check_email(request: Mapping[str, object]) -> None:
    """Refuse an e-mail whose headers would not be those that it names."""
    configuration = _named(request, "MessageConfiguration")
    message = configuration.get("EmailMessage") or {}
    path = ".MessageConfiguration.EmailMessage"
    for name in ("FromAddress", "FeedbackForwardingAddress"):
        check_line(message.get(name), f"{path}.{name}")
    for position, text in enumerate(cast("Sequence[str]", message.get("ReplyToAddresses") or ())):
        if MARK not in text:
            check_line(text, f"{path}.ReplyToAddresses[{position}]")
    check_headers(_named(message, "SimpleEmail"), f"{path}.SimpleEmail")


def _key(endpoint_id: str) -> str | None:
    """Return an endpoint's id as ids are compared; None for what cannot be one."""
    try:
        return check_id(endpoint_id)
    except ApiError:
        return None


def _claim(context: Context, connection: Connection, app: App, keys: Sequence[str]) -> None:
    names = None if len(keys) > context.store.most_names else [("endpoint", key) for key in keys]
    context.store.claim(connection, app.number, names)


def _of_address(address: str, settings: Mapping[str, object]) -> Recipient:
    channel = cast("str | None", settings.get("ChannelType"))
    shown = {"Address": address, **({"ChannelType": channel} if channel else {})}
    return Recipient(channel=channel, address=address, shown=shown, settings=settings)


def _result(refusal: Refusal) -> dict[str, object]:
    return {
        "DeliveryStatus": refusal.status,
        "StatusCode": refusal.code,
        "StatusMessage": refusal.text,
    }
