"""`OptOuts`: the addresses that get nothing, whether they have an endpoint or not.

The operations are those of our engine and server; Pinpoint itself kept such lists per account, and
has no operation for them. Every call blocks until it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models.base import enum_member
from pinpoint_kit.models.direct_message import Recipient
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.opt_out import OptedOutAddress
from pinpoint_kit.models.sent_message import Outcome
from pinpoint_kit.models.wire.codec import from_wire
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pinpoint_kit.limits import Limits
    from pinpoint_kit.models.endpoint import ChannelType
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["OptOuts"]

_PAGE_SIZE = 1_000
#: Outcomes after which nothing more is sent.
_REASONS = (Outcome.OPTED_OUT, Outcome.COMPLAINED, Outcome.BOUNCED)


class OptOuts:
    """The opt-outs of one application. Safe to use from several threads.

    An opt-out is one of an address on a channel. Reports of messages make them (`outbox.report`:
    `opted_out`, `complained`, a permanent `bounced`), and `add` does. While it is there, the
    address gets nothing on that channel: as an address, through any endpoint that has it, from
    campaigns, and no one-time password. Spellings of one address count as one: upper case in
    e-mail, signs between the digits of a number.

    All verbs raise `ConfigurationError` where neither our engine nor our server answers,
    `ServiceError` when they are refused, and `TransportError` when no answer came.
    """

    def __init__(
        self, transport: Transport, *, application_id: ApplicationId, limits: Limits
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._limits = limits

    def list(
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        reason: Outcome | str | None = None,
        limit: int | None = None,
    ) -> ModelList[OptedOutAddress]:
        """List the addresses that get nothing, the oldest opt-out first.

        Args:
            address: this one alone, in any spelling.
            channel: those on this channel alone.
            reason: those for this reason alone: `opted_out`, `complained` or `bounced`.
            limit: at most so many, the first of them; all unless given.

        Raises:
            ValidationError: an argument is not what it should be.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     len(pinpoint.opt_outs.list())
            0
        """
        wanted = _given(Address=address, Channel=_channel(channel), Reason=_reason(reason))
        return ModelList(self._all(wanted, limit), of=OptedOutAddress)

    def page(
        self,
        *,
        size: int,
        after: str | None = None,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        reason: Outcome | str | None = None,
    ) -> tuple[ModelList[OptedOutAddress], str | None]:
        """Return a part of what `list` gives, and where the next one begins; None at the end.

        For those who show a list that may be long, such as the console.

        Args:
            size: at most so many, up to 1,000.
            after: what an earlier page gave as the beginning of the next one.
            address: as `list` takes it.
            channel: as `list` takes it.
            reason: as `list` takes it.

        Raises:
            ValidationError: an argument is not what it should be.
            BadRequest: `after` is of no earlier page.
        """
        wanted = _given(Address=address, Channel=_channel(channel), Reason=_reason(reason))
        found, following = self._page(wanted, size, after)
        return ModelList(found, of=OptedOutAddress), following

    def add(
        self,
        addresses: str | Iterable[str],
        channel: ChannelType | str,
        *,
        reason: Outcome | str = "opted_out",
    ) -> int:
        """Send nothing to addresses any more: they have unsubscribed, or said so elsewhere.

        Those that have opted out already stay as they are, so that it may be done again. More than
        100 addresses are several requests.

        Args:
            addresses: one address, or several.
            channel: the channel that they get nothing on.
            reason: why: `opted_out`, `complained` or `bounced`.

        Returns:
            How many are new.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: there is no such channel, or no such reason.
            BadRequest: one can be no address of the channel, such as a telephone number without the
                code of its country; of its request nothing is stored.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.messages.enable("SMS")
            ...     pinpoint.opt_outs.add("+1 206 555 0100", "SMS")
            ...     [result] = pinpoint.messages.send("Hi", addresses={"+12065550100": "SMS"})
            ...     result.delivery_status
            1
            'OPT_OUT'
        """
        given = _given(Channel=_channel(channel), Reason=_reason(reason))
        return self._each("AddOptOuts", (), _texts(addresses), given)

    def remove(self, addresses: str | Iterable[str], channel: ChannelType | str) -> int:
        """Lift opt-outs: the addresses may be sent to again on that channel.

        An endpoint's own `OptOut` and status stay as they are: set them, too, where a report has
        changed them. More than 100 addresses are several requests.

        Args:
            addresses: one address, or several, in any spelling.
            channel: the channel.

        Returns:
            How many had opted out.

        Raises:
            InvalidTypeError: an argument has the wrong type.
            ValidationError: there is no such channel.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     pinpoint.opt_outs.remove("ann@example.com", "EMAIL")
            0
        """
        given = _given(Channel=_channel(channel))
        return self._each("RemoveOptOuts", ("remove",), _texts(addresses), given)

    def _each(
        self,
        operation: str,
        path: tuple[str, ...],
        addresses: Sequence[str],
        given: Mapping[str, object],
    ) -> int:
        most = self._limits.max_recipients_per_request
        return sum(
            int(self._call(operation, path, {**given, "Addresses": part})["OptOuts"])
            for start in range(0, len(addresses), most)
            for part in [addresses[start : start + most]]
        )

    def _all(self, wanted: Mapping[str, object], limit: int | None) -> Iterator[OptedOutAddress]:
        token: str | None = None
        left = limit
        while left is None or left > 0:
            size = _PAGE_SIZE if left is None else min(left, _PAGE_SIZE)
            page, token = self._page(wanted, size, token)
            yield from page
            left = None if left is None else left - len(page)
            if token is None:
                return

    def _page(
        self, wanted: Mapping[str, object], size: int, token: str | None
    ) -> tuple[Sequence[OptedOutAddress], str | None]:
        page = self._call("ListOptOuts", ("find",), wanted, {"page-size": size, "token": token})
        return [from_wire(OptedOutAddress, item) for item in page["Item"]], page.get("NextToken")

    def _call(
        self,
        operation: str,
        path: tuple[str, ...],
        body: Mapping[str, object],
        query: Mapping[str, str | int | None] | None = None,
    ) -> dict[str, Any]:
        call = ExtensionCall(operation, ("opt-outs", *path), query or {}, body)
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint has no list of opt-outs: connect to the engine (sqlite:///FILE,"
                " postgresql://...) or to its server"
            )
        return answer


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _channel(channel: ChannelType | str | None) -> str | None:
    checked = Recipient(channel_type=channel).channel_type
    return None if checked is None else checked.value


def _reason(reason: Outcome | str | None) -> str | None:
    checked = enum_member(Outcome, reason, "reason")
    if checked is not None and checked not in _REASONS:
        names = ", ".join(each.value for each in _REASONS)
        raise ValidationError(f"is no reason to send nothing: one of {names}", "$.reason")
    return None if checked is None else checked.value


def _texts(addresses: str | Iterable[str]) -> list[str]:
    given = [addresses] if isinstance(addresses, str) else [*addresses]
    for place, address in enumerate(given):
        if not isinstance(address, str):
            raise InvalidTypeError(
                f"expected text, got {type(address).__name__}", f"$.addresses[{place}]"
            )
    return given
