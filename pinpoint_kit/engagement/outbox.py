"""`Outbox`: what was sent, as its recipients see it, and what became of it.

The operations are those of our engine and server; Pinpoint itself has no outbox. Every call blocks
until it is answered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from pinpoint_kit.errors import ConfigurationError, MessageTimeoutError, ValidationError
from pinpoint_kit.models.base import enum_member, iso
from pinpoint_kit.models.checks import require_path_id, seconds
from pinpoint_kit.models.direct_message import Recipient
from pinpoint_kit.models.display.tables import ModelList
from pinpoint_kit.models.scalars import moment
from pinpoint_kit.models.sent_message import OutboxMessage, Outcome
from pinpoint_kit.models.wire.messages import outbox_message
from pinpoint_kit.transport import ExtensionCall
from pinpoint_kit.transport.polling import looks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pinpoint_kit.models.endpoint import ChannelType
    from pinpoint_kit.models.scalars import Moment
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Outbox"]

_PAGE_SIZE = 1_000
_FIRST_WAIT_S = 0.02
_LONGEST_WAIT_S = 0.5


class Outbox:
    """The outbox of one application. Safe to use from several threads.

    All verbs raise `ConfigurationError` where neither our engine nor our server answers,
    `ServiceError` when they are refused, and `TransportError` when no answer came.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        application_id: ApplicationId,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._transport = transport
        self._application_id = application_id
        self._clock = clock
        self._sleep = sleep

    def messages(  # noqa: PLR0913 -- what one may ask for
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> ModelList[OutboxMessage]:
        """Messages that were sent, the newest last unless said.

        Args:
            address: those to this address alone.
            channel: those through this channel alone.
            endpoint_id: those to this endpoint alone.
            campaign: those of the campaign with this id alone.
            kind: `direct`, `otp` or `campaign`.
            since: those that were sent then or later.
            until: those that were sent before that.
            limit: at most so many, the first of them; all unless given.
            newest_first: begin with the newest.

        Raises:
            ValidationError: an argument is not what it should be.
            NotFound: there is no such campaign.

        Examples:
            >>> from pinpoint_kit import connect
            >>> with connect("sqlite://") as pinpoint:
            ...     len(pinpoint.outbox.messages())
            0
        """
        wanted = _wanted(address, channel, endpoint_id, campaign, kind, since, until)
        if newest_first:
            wanted["NewestFirst"] = True
        return ModelList(self._all(wanted, limit), of=OutboxMessage)

    def get(self, message: OutboxMessage | str) -> OutboxMessage:
        """Read one message again, with all reports of it.

        Args:
            message: the message or its id.

        Raises:
            NotFound: there is no such message.
        """
        return outbox_message(self._call("GetMessage", (_id(message),)))

    def wait_for(  # noqa: PLR0913 -- what one may wait for
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        timeout: float = 10.0,
    ) -> OutboxMessage:
        """Wait until there is such a message, and return the newest; one that is there counts.

        It asks again and again, at longer and longer intervals of up to half a second.

        Args:
            address: as in `messages`, and so are the others.
            channel: see there.
            endpoint_id: see there.
            campaign: see there.
            kind: see there.
            since: see there.
            until: see there.
            timeout: seconds to wait at most, 0 for a single look.

        Raises:
            MessageTimeoutError: there is none in time.
            ValidationError: an argument is not what it should be.
        """
        wanted = _wanted(address, channel, endpoint_id, campaign, kind, since, until)
        wanted["NewestFirst"] = True
        for _ in looks(
            seconds(timeout),
            first=_FIRST_WAIT_S,
            longest=_LONGEST_WAIT_S,
            clock=self._clock,
            sleep=self._sleep,
        ):
            newest = next(self._all(wanted, 1), None)
            if newest is not None:
                return newest
        raise MessageTimeoutError(
            f"no such message has come within {timeout:g} seconds: look at the result of"
            " sending it, or wait longer"
        )

    def clear(  # noqa: PLR0913 -- what one may ask for
        self,
        *,
        address: str | None = None,
        channel: ChannelType | str | None = None,
        endpoint_id: str | None = None,
        campaign: str | None = None,
        kind: str | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
    ) -> int:
        """Delete messages, and what was reported of them.

        Args:
            address: as in `messages`, and so are the others; all messages unless given.
            channel: see there.
            endpoint_id: see there.
            campaign: see there.
            kind: see there.
            since: see there.
            until: see there.

        Returns:
            How many.
        """
        wanted = _wanted(address, channel, endpoint_id, campaign, kind, since, until)
        return int(self._call("ClearMessages", ("clear",), wanted)["Messages"])

    def report(  # noqa: PLR0913 -- the members of a report
        self,
        message: OutboxMessage | str,
        outcome: Outcome | str,
        *,
        permanent: bool = True,
        link: str | None = None,
        reason: str | None = None,
        user_agent: str | None = None,
        ip_address: str | None = None,
    ) -> OutboxMessage:
        """Say what has become of a message, as its provider would.

        It changes the endpoint and writes a record of the event stream: `opted_out` has the
        endpoint opt out of everything, `complained` and a permanent `bounced` make it inactive.
        After any of these three the address gets nothing more on its channel, whether it has an
        endpoint or not, until `opt_outs.remove`.

        Args:
            message: the message or its id.
            outcome: `delivered`, `bounced`, `opened`, `clicked`, `complained` or `opted_out`. An
                SMS cannot be `opened`, a voice message neither that nor `clicked`, and a push
                message cannot be `complained` of.
            permanent: of a bounce: whether the address does not exist.
            link: of a click: the URL; needed there.
            reason: what the other side said.
            user_agent: of a reader.
            ip_address: of a reader.

        Returns:
            The message with its outcomes.

        Raises:
            ValidationError: there is no such outcome.
            BadRequest: a click has no link, or the channel's messages cannot have the outcome; the
                error names those that they can have.
            NotFound: there is no such message.
        """
        kind = enum_member(Outcome, outcome, "outcome")
        if kind is None:
            raise ValidationError("misses an outcome: name one", "$.outcome")
        body = {
            "Outcome": kind.value,
            "BounceType": None if permanent else "Transient",
            "Link": link,
            "Reason": reason,
            "UserAgent": user_agent,
            "IpAddress": ip_address,
        }
        given = {name: value for name, value in body.items() if value is not None}
        return outbox_message(self._call("ReportMessageOutcome", (_id(message), "outcomes"), given))

    def _all(self, wanted: Mapping[str, object], limit: int | None) -> Iterator[OutboxMessage]:
        token: str | None = None
        left = limit
        while left is None or left > 0:
            size = _PAGE_SIZE if left is None else min(left, _PAGE_SIZE)
            query: dict[str, str | int | None] = {"page-size": size, "token": token}
            page = self._call("ListMessages", ("find",), wanted, query)
            yield from map(outbox_message, page["Item"])
            left = None if left is None else left - len(page["Item"])
            token = page.get("NextToken")
            if not token:
                return

    def _call(
        self,
        operation: str,
        path: tuple[str, ...],
        body: Mapping[str, object] | None = None,
        query: Mapping[str, str | int | None] | None = None,
    ) -> dict[str, Any]:
        call = ExtensionCall(operation, ("messages", *path), query or {}, body)
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint has no outbox: connect to the engine (sqlite:///FILE,"
                " postgresql://...) or to its server"
            )
        return answer


def _id(message: OutboxMessage | str) -> str:
    return require_path_id(
        message.id if isinstance(message, OutboxMessage) else message, "$.message"
    )


def _wanted(  # noqa: PLR0913, PLR0917 -- private; the filters
    address: str | None,
    channel: ChannelType | str | None,
    endpoint_id: str | None,
    campaign: str | None,
    kind: str | None,
    since: Moment | None,
    until: Moment | None,
) -> dict[str, object]:
    checked = Recipient(channel_type=channel).channel_type
    members = {
        "Address": address,
        "Channel": None if checked is None else checked.value,
        "EndpointId": endpoint_id,
        "Campaign": campaign,
        "Kind": kind,
        "Since": None if since is None else iso(moment(since, "$.since")),
        "Until": None if until is None else iso(moment(until, "$.until")),
    }
    return {name: value for name, value in members.items() if value is not None}
