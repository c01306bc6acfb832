"""`Messages`: send to addresses, endpoints and users; one-time passwords; telephone numbers.

On our engine and server every message stays in the outbox, see engagement/outbox.py. Every call
blocks until it is answered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from pinpoint_kit.errors import (
    InvalidTypeError,
    NotFound,
    ServiceError,
    TransportError,
    ValidationError,
)
from pinpoint_kit.models.base import text_values
from pinpoint_kit.models.direct_message import DirectMessage, Recipient
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.sent_message import MessageResult, PhoneNumber
from pinpoint_kit.models.wire.channels import (
    CHANNEL_KEYS,
    channel_operation,
    channel_request,
    platform_keys,
    sending_channel,
)
from pinpoint_kit.models.wire.codec import from_wire
from pinpoint_kit.models.wire.messages import direct_message, message_templates, recipient_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.endpoint import ChannelType
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Messages", "RecipientInput"]

_T = TypeVar("_T")

#: How a recipient of an address may be written: its channel type alone, or all that differs.
RecipientInput: TypeAlias = "Recipient | ChannelType | str"

#: What a result calls the recipients of each member of a request.
_MEMBERS = {"Addresses": "Address", "Endpoints": "EndpointId", "Users": "UserId"}
_NOT_TRIED = "not sent, because a request before it has failed: send it again"

#: What the account's identity is called where there is no account.
_LOCAL_IDENTITY = "arn:aws:ses:us-east-1:000000000000:identity/{domain}"


class Messages:
    """The messages of one application. Safe to use from several threads.

    All verbs raise `ServiceError` when they are refused as a whole, and `TransportError` when no
    answer came. What happens to single recipients is in the results.
    """

    def __init__(
        self, transport: Transport, *, application_id: ApplicationId, limits: Limits
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits

    def enable(
        self,
        channel: ChannelType | str,
        *,
        from_address: str | None = None,
        identity: str | None = None,
        keys: Mapping[str, str] | None = None,
    ) -> None:
        """Turn a channel on. Without that, nothing is sent through it.

        Args:
            channel: `EMAIL`, `SMS`, `VOICE`, or a push channel such as `GCM` or `APNS`.
            from_address: for e-mail: the address that messages come from, unless they name one.
            identity: for e-mail on AWS: the ARN of the verified identity.
            keys: for push: the keys of the platform, as Pinpoint names them: `ServiceJson` or
                `ApiKey` for GCM; `BundleId`, `TeamId`, `TokenKey` and `TokenKeyId`, or
                `Certificate` and `PrivateKey`, for APNS; `ClientId` and `ClientSecret` for ADM;
                `ApiKey` and `SecretKey` for BAIDU. Our engine forgets them: it keeps only that
                there are some, and any text will do.

        Raises:
            ValidationError: nothing is sent through such a channel, e-mail has no `from_address`,
                or keys are missing.
            BadRequest: the keys are refused.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.messages.enable("EMAIL", from_address="shop@example.com")
            ...     pinpoint.messages.enable("GCM", keys={"ApiKey": "any"})
            ...     pinpoint.messages.channels()
            {'EMAIL': True, 'GCM': True}
        """
        kind = sending_channel(_channel(channel).value)
        members: dict[str, object] = {"Enabled": True}
        if kind == "EMAIL":
            if not from_address:
                raise ValidationError("misses from_address: say whom e-mail is from", "$")
            domain = from_address.rpartition("@")[2]
            members["FromAddress"] = from_address
            members["Identity"] = identity or _LOCAL_IDENTITY.format(domain=domain)
        elif kind in CHANNEL_KEYS:
            members |= platform_keys(kind, keys)
        self._call(channel_operation("Update", kind), **{channel_request(kind): members})

    def disable(self, channel: ChannelType | str) -> None:
        """Turn a channel off, and remove its settings: `enable` needs address and keys again.

        Messages that are in the outbox stay there. A channel that is off already is no error.

        Args:
            channel: the channel.

        Raises:
            ValidationError: nothing is sent through such a channel.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.messages.enable("SMS")
            ...     pinpoint.messages.disable("SMS")
            ...     pinpoint.messages.channels()
            {}
        """
        with contextlib.suppress(NotFound):
            self._call(channel_operation("Delete", sending_channel(_channel(channel).value)))

    def channels(self) -> dict[str, bool]:
        """Return the channels that have settings, by name, and whether each is on.

        What is not in it is off.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.messages.enable("SMS")
            ...     pinpoint.messages.channels()
            {'SMS': True}
        """
        found = self._call("GetChannels")["ChannelsResponse"]["Channels"]
        return {kind: bool(found[kind].get("Enabled")) for kind in sorted(found)}

    def send(
        self,
        message: DirectMessage | str,
        *,
        addresses: Mapping[str, RecipientInput] | None = None,
        endpoints: Iterable[str] | Mapping[str, Recipient] | None = None,
        context: Mapping[str, str] | None = None,
        trace_id: str | None = None,
    ) -> ModelList[MessageResult]:
        """Send a message to addresses, to endpoints, or to both.

        More than 100 recipients are several requests. When the first one fails, it raises, and
        nothing more is sent. When a later one fails, others have their message already: then the
        results say of whom it is not known (`UNKNOWN_FAILURE`), and who surely got nothing
        (`TEMPORARY_FAILURE`, `THROTTLED`, `PERMANENT_FAILURE`); send to these again.

        Args:
            message: what it says; a text is for all channels.
            addresses: address -> its channel type, or a `Recipient`. One that is among the
                `opt_outs` gets nothing; what an endpoint with that address says is not asked.
            endpoints: ids of endpoints, or id -> `Recipient`.
            context: name -> text that goes with the message, and into its event-stream records.
            trace_id: an id of your own.

        Returns:
            One result for each recipient: first the addresses, then the endpoints.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: there is no recipient, or an address without a channel type.
            BadRequest: the whole request is refused.
            NotFound: there is no such template, or no such application.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.messages.enable("SMS")
            ...     [result] = pinpoint.messages.send("Hello", addresses={"+12065550100": "SMS"})
            ...     result.is_sent, pinpoint.outbox.messages()[-1].body
            (True, 'Hello')
        """
        request = _request(message, context, trace_id)
        to_addresses = {
            address: recipient_request(_recipient(recipient, f"$.addresses[{place}]"))
            for place, (address, recipient) in enumerate((addresses or {}).items())
        }
        to_endpoints = _named(endpoints, "$.endpoints")
        if not to_addresses and not to_endpoints:
            raise ValidationError("has no recipient: give addresses or endpoints", "$")

        def sent(kind: str, part: Mapping[str, object]) -> list[MessageResult]:
            answer = self._call("SendMessages", MessageRequest={**request, kind: part})
            return _results(answer["MessageResponse"], part)

        most = self._limits.max_recipients_per_request
        parts = [("Addresses", part) for part in _parts(to_addresses, most)]
        parts += [("Endpoints", part) for part in _parts(to_endpoints, most)]
        return ModelList(_in_parts(parts, sent), of=MessageResult)

    def send_to_users(
        self,
        message: DirectMessage | str,
        users: Iterable[str] | Mapping[str, Recipient],
        *,
        context: Mapping[str, str] | None = None,
        trace_id: str | None = None,
    ) -> ModelList[MessageResult]:
        """Send a message to all endpoints of users.

        More than 100 users are several requests, as with `send`.

        Args:
            message: what it says; a text is for all channels.
            users: user ids, or user id -> `Recipient`.
            context: as in `send`.
            trace_id: as in `send`.

        Returns:
            One result for each endpoint. A user without endpoints has none; one whose request has
            failed has one without an endpoint.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: there is no user.
            BadRequest: the whole request is refused.
            NotFound: there is no such template, or no such application.
        """
        request = _request(message, context, trace_id)
        named = _named(users, "$.users")
        if not named:
            raise ValidationError("has no recipient: name users", "$.users")

        def sent(kind: str, part: Mapping[str, object]) -> list[MessageResult]:
            answer = self._call(
                "SendUsersMessages", SendUsersMessageRequest={**request, kind: part}
            )
            results = answer["SendUsersMessageResponse"].get("Result", {})
            return [
                from_wire(MessageResult, {**item, "UserId": user_id, "EndpointId": endpoint_id})
                for user_id, endpoints in results.items()
                for endpoint_id, item in endpoints.items()
            ]

        most = self._limits.max_recipients_per_request
        parts = [("Users", part) for part in _parts(named, most)]
        return ModelList(_in_parts(parts, sent), of=MessageResult)

    def send_otp(  # noqa: PLR0913 -- the members of the request
        self,
        address: str,
        *,
        brand: str,
        reference: str,
        origination: str,
        code_length: int = 6,
        minutes: int = 15,
        attempts: int = 3,
        language: str | None = None,
        entity_id: str | None = None,
        template_id: str | None = None,
    ) -> MessageResult:
        """Send a one-time password by SMS. A new one takes the place of an earlier one.

        Args:
            address: the telephone number in E.164 form.
            brand: whom it is from, at most 20 characters.
            reference: what it is for, at most 48 characters; `verify_otp` names it again.
            origination: the number or sender id that the SMS comes from.
            code_length: digits of the code, 5 to 8.
            minutes: how long it is valid, 5 to 60.
            attempts: how many wrong codes are forgiven, 1 to 5.
            language: the language of the text, such as `de-DE`; `en-US` unless given.
            entity_id: the sender's id in countries that register senders.
            template_id: the text's id there.

        Returns:
            Whether the SMS was taken. The code itself is in the outbox (`OutboxMessage.otp`),
            unless a transport has taken it.

        Raises:
            BadRequest: a value is outside of its range.
        """
        given = {
            "BrandName": brand,
            "ReferenceId": reference,
            "OriginationIdentity": origination,
            "DestinationIdentity": address,
            "Channel": "SMS",
            "CodeLength": code_length,
            "ValidityPeriod": minutes,
            "AllowedAttempts": attempts,
            "Language": language,
            "EntityId": entity_id,
            "TemplateId": template_id,
        }
        members = {name: value for name, value in given.items() if value is not None}
        answer = self._call("SendOTPMessage", SendOTPMessageRequestParameters=members)
        return _results(answer["MessageResponse"], {address: {}})[0]

    def verify_otp(self, address: str, code: str, *, reference: str) -> bool:
        """Return whether this is the code that was sent. A right one is used up.

        A wrong code, one that has expired and one that was used are all the same: no.

        Args:
            address: the number that it was sent to.
            code: what the person has typed.
            reference: as in `send_otp`.

        Raises:
            BadRequest: the number is none.
        """
        members = {"DestinationIdentity": address, "Otp": code, "ReferenceId": reference}
        answer = self._call("VerifyOTPMessage", VerifyOTPMessageRequestParameters=members)
        return bool(answer["VerificationResponse"].get("Valid"))

    def validate_phone(self, number: str, *, country: str | None = None) -> PhoneNumber:
        """Return what is known of a telephone number. The engine asks nobody.

        Args:
            number: the number; with its country's calling code, or with `country`.
            country: the country in ISO 3166-1 alpha-2, for a number without its calling code.

        Raises:
            BadRequest: the number is empty.
            OperationNotImplemented: the engine's side has not installed the extra `phone`.
        """
        members = {"PhoneNumber": number}
        if country is not None:
            members["IsoCountryCode"] = country
        answer = self._transport.call("PhoneNumberValidate", NumberValidateRequest=members)
        return from_wire(PhoneNumber, answer["NumberValidateResponse"])

    def _call(self, operation: str, **params: object) -> dict[str, Any]:
        return self._transport.call(operation, ApplicationId=self._application_id, **params)


def _channel(channel: ChannelType | str) -> ChannelType:
    kind = Recipient(channel_type=channel).channel_type
    if kind is None:
        raise ValidationError("misses a channel type: name one, such as EMAIL", "$.channel")
    return kind


def _request(
    message: DirectMessage | str, context: Mapping[str, str] | None, trace_id: str | None
) -> dict[str, object]:
    """Return the members of a request that are the same for all recipients."""
    if isinstance(message, str):
        message = DirectMessage(body=message)
    if not isinstance(message, DirectMessage):
        raise InvalidTypeError(
            f"expected DirectMessage, got {type(message).__name__}: pass one, or a text",
            "$.message",
        )
    request: dict[str, object] = {"MessageConfiguration": direct_message(message)}
    templates = message_templates(message)
    if templates:
        request["TemplateConfiguration"] = templates
    if context:
        request["Context"] = text_values(context, "context")
    if trace_id is not None:
        request["TraceId"] = trace_id
    return request


def _recipient(given: RecipientInput, path: str) -> Recipient:
    recipient = given if isinstance(given, Recipient) else Recipient(channel_type=given)
    if recipient.channel_type is None:
        raise ValidationError("misses channel_type: an address needs one", path)
    return recipient


def _named(
    given: Iterable[str] | Mapping[str, Recipient] | None, path: str
) -> dict[str, dict[str, Any]]:
    """Return the request of each endpoint or user, by its id."""
    if given is None:
        return {}
    if isinstance(given, str):
        raise InvalidTypeError("expected ids, got one text: pass a list of ids", path)
    if isinstance(given, Mapping):
        return {name: recipient_request(recipient) for name, recipient in given.items()}
    return {name: {} for name in given}


def _parts(given: Mapping[str, _T], most: int) -> Iterator[dict[str, _T]]:
    items = list(given.items())
    for start in range(0, len(items), most):
        yield dict(items[start : start + most])


def _in_parts(
    parts: Sequence[tuple[str, Mapping[str, object]]],
    send: Callable[[str, Mapping[str, object]], list[MessageResult]],
) -> list[MessageResult]:
    """Return the results of several requests, of which a later one may have failed.

    Raises:
        PinpointKitError: the first request has failed.
    """
    found: list[MessageResult] = []
    for place, (kind, part) in enumerate(parts):
        try:
            found += send(kind, part)
        except (ServiceError, TransportError) as error:  # noqa: PERF203 -- each may fail
            if place == 0:
                raise
            found += _without_answer(kind, part, _status_of(error), str(error))
            for later, rest in parts[place + 1 :]:
                found += _without_answer(later, rest, "TEMPORARY_FAILURE", _NOT_TRIED)
            break
    return found


def _status_of(error: ServiceError | TransportError) -> str:
    """Return the DeliveryStatus of recipients whose request has failed."""
    if error.is_throttling:
        return "THROTTLED"
    if isinstance(error, TransportError):
        return "UNKNOWN_FAILURE" if error.may_have_arrived else "TEMPORARY_FAILURE"
    return "UNKNOWN_FAILURE" if error.is_retryable else "PERMANENT_FAILURE"


def _without_answer(
    kind: str, part: Mapping[str, object], status: str, why: str
) -> list[MessageResult]:
    member = _MEMBERS[kind]
    given = {"DeliveryStatus": status, "StatusMessage": why}
    return [from_wire(MessageResult, {**given, member: name}) for name in part]


def _results(answer: Mapping[str, Any], asked: Mapping[str, object]) -> list[MessageResult]:
    """Return the results in the order in which recipients were named."""
    addresses, endpoints = answer.get("Result") or {}, answer.get("EndpointResult") or {}
    found = []
    for name in asked:
        if name in addresses:
            found.append(from_wire(MessageResult, {**addresses[name], "Address": name}))
        elif name in endpoints:
            found.append(from_wire(MessageResult, {**endpoints[name], "EndpointId": name}))
    return found
