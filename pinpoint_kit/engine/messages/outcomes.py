"""What becomes of a message after it was sent: reports, what they do to its address, and records.

A report comes from a test or an operator, or from a simulator's address. Opens and clicks count
each time; of the others the first report counts, and a second one changes nothing, but for a
permanent bounce after those that were not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import attrs
import orjson
from sqlalchemy import bindparam, insert, select, update

from pinpoint_kit.engine.context import Stamp
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.parsing import Patch
from pinpoint_kit.engine.endpoints.writer import EndpointWriter, Update
from pinpoint_kit.engine.messages import outbox, simulators, stream_records
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.opt_outs import store as opt_outs
from pinpoint_kit.engine.messages.rendering.payloads import PUSH_CHANNELS
from pinpoint_kit.engine.messages.stream_records import Happened, Streamed
from pinpoint_kit.engine.storage.statements import BulkInsert, Statement
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_ACTIVITIES, CAMPAIGNS
from pinpoint_kit.engine.storage.tables.messages import MESSAGE_OUTCOMES, MESSAGES
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.records.message_stream import CampaignNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Context
    from pinpoint_kit.engine.endpoints.state import EndpointState
    from pinpoint_kit.engine.messages.outbox import StoredMessage

__all__ = ["OUTCOMES", "Report", "bounce", "names_of", "report", "reports_of"]

#: What may be reported.
OUTCOMES = ("delivered", "bounced", "opened", "clicked", "complained", "opted_out")
_REPEATED = frozenset({"opened", "clicked"})
#: What cannot become of a message of a channel: nothing says that an SMS was read, a call has no
#: links, and nobody can call a notification spam.
_IMPOSSIBLE: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(PUSH_CHANNELS, frozenset({"complained"})),
    "SMS": frozenset({"opened"}),
    "VOICE": frozenset({"opened", "clicked"}),
}

_INSERT = BulkInsert(
    lambda _: insert(MESSAGE_OUTCOMES), "app", "message", "outcome", "at", "detail"
)
_SET_OUTCOMES = Statement(
    update(MESSAGES)
    .values(outcomes=bindparam("outcomes_"))
    .where(MESSAGES.c.number == bindparam("number_")),
    "outcomes_",
    "number_",
)
_REPORTS = Statement(
    select(MESSAGE_OUTCOMES.c.outcome, MESSAGE_OUTCOMES.c.at, MESSAGE_OUTCOMES.c.detail)
    .where(MESSAGE_OUTCOMES.c.message == bindparam("number_"))
    .order_by(MESSAGE_OUTCOMES.c.number),
    "number_",
)
_NAMES = Statement(
    select(CAMPAIGNS.c.id, CAMPAIGN_ACTIVITIES.c.id)
    .select_from(CAMPAIGNS)
    .outerjoin(CAMPAIGN_ACTIVITIES, CAMPAIGN_ACTIVITIES.c.number == bindparam("activity_"))
    .where(CAMPAIGNS.c.number == bindparam("campaign_")),
    "activity_",
    "campaign_",
)


@attrs.frozen(kw_only=True)
class Report:
    """What is reported of one message.

    Attributes:
        outcome: one of `OUTCOMES`.
        is_permanent: of `bounced`: the address does not exist, so that its endpoints go inactive.
        link: of `clicked`: the URL.
        reason: of `bounced` and `complained`: what the other side said.
        user_agent: of `opened`, `clicked` and `complained`.
        ip_address: of `opened` and `clicked`.
    """

    outcome: str
    is_permanent: bool = True
    link: str = attrs.field(default="", repr=False)
    reason: str = attrs.field(default="", repr=False)
    user_agent: str = attrs.field(default="", repr=False)
    ip_address: str = attrs.field(default="", repr=False)

    @property
    def detail(self) -> dict[str, object]:
        """What is kept beside the outcome, by the members of the wire."""
        members: dict[str, object] = {
            "Link": self.link,
            "Reason": self.reason,
            "UserAgent": self.user_agent,
            "IpAddress": self.ip_address,
        }
        if self.outcome == "bounced":
            members["BounceType"] = "Permanent" if self.is_permanent else "Transient"
        return {name: value for name, value in members.items() if value}


def _is_worse(connection: Connection, message: StoredMessage, given: Report) -> bool:
    """Return whether this is the first permanent bounce."""
    return (
        given.outcome == "bounced"
        and given.is_permanent
        and not any(
            outcome == "bounced" and detail.get("BounceType") == "Permanent"
            for outcome, _, detail in reports_of(connection, message)
        )
    )


class _Consequence(NamedTuple):
    """What an outcome does to the endpoints of the address."""

    status: str | None = None
    opt_out: str | None = None


def report(  # noqa: PLR0913 -- a transaction, and what is reported of which message
    context: Context,
    connection: Connection,
    app: App,
    message: StoredMessage,
    given: Report,
    *,
    stamp: Stamp,
) -> StoredMessage:
    """Take a report: keep it, have the address opt out, write the record; return the message.

    Args:
        context: the engine's surroundings.
        connection: a write transaction.
        app: the application.
        message: of which message.
        given: what has happened.
        stamp: when the report came.

    Raises:
        ApiError: it cannot become of a message of that channel.
    """
    impossible = _IMPOSSIBLE.get(message.channel, frozenset())
    if given.outcome in impossible:
        possible = ", ".join(each for each in OUTCOMES if each not in impossible)
        raise bad_request(
            f"{given.outcome} cannot be reported of a message of {message.channel}:"
            f" use one of {possible}",
            ".Outcome",
        )
    known: list[str] = orjson.loads(message.outcomes) if message.outcomes else []
    is_known = given.outcome in known
    if is_known and given.outcome not in _REPEATED and not _is_worse(connection, message, given):
        return message
    detail = orjson.dumps(given.detail).decode() if given.detail else None
    _INSERT.run(connection, [(app.number, message.number, given.outcome, stamp.now, detail)])
    if not is_known:
        outcomes = orjson.dumps([*known, given.outcome]).decode()
        _SET_OUTCOMES.run_many(connection, [(outcomes, message.number)])
        message = message._replace(outcomes=outcomes)
    consequence = _consequence(given)
    if consequence is not None:
        _change_endpoints(context, connection, app, message, consequence, stamp)
        _opt_out(connection, app, message, given.outcome, stamp.now)
    _write_record(context, connection, app, message, given, stamp.now)
    return message


def bounce(
    context: Context, connection: Connection, app: App, message_ids: Sequence[str], *, now: int
) -> None:
    """Have addresses get nothing more that a transport has called none, as after a report of that.

    The messages themselves keep the result that they have: they were never sent.

    Args:
        context: the engine's surroundings.
        connection: a write transaction that is alone.
        app: the application.
        message_ids: the messages to those addresses.
        now: when the transport said so, milliseconds since 1970.
    """
    for message_id in message_ids:
        message = outbox.by_id(connection, app.number, message_id)
        if message is not None and message.address:
            gone = _Consequence(status="INACTIVE")
            _change_endpoints(context, connection, app, message, gone, Stamp(now, message.id))
            _opt_out(connection, app, message, "bounced", now)


def reports_of(
    connection: Connection, message: StoredMessage
) -> list[tuple[str, int, Mapping[str, object]]]:
    """Return the outcome, the time and the detail of each report of a message, in their order."""
    return [
        (outcome, at, orjson.loads(detail) if detail else {})
        for outcome, at, detail in _REPORTS.rows(connection, message.number)
    ]


def names_of(connection: Connection, message: StoredMessage) -> CampaignNames | None:
    """Return the ids of the campaign that a message is of; None for one that was sent directly."""
    if message.campaign is None:
        return None
    rows = _NAMES.rows(connection, message.activity, message.campaign)
    if not rows:
        return None
    return CampaignNames(rows[0][0], rows[0][1] or "", str(message.treatment or 0))


def _consequence(given: Report) -> _Consequence | None:
    if given.outcome == "opted_out":
        return _Consequence(opt_out="ALL")
    if given.outcome == "complained" or (given.outcome == "bounced" and given.is_permanent):
        return _Consequence(status="INACTIVE")
    return None


def _change_endpoints(  # noqa: PLR0913, PLR0917 -- private; a transaction and what it is about
    context: Context,
    connection: Connection,
    app: App,
    message: StoredMessage,
    consequence: _Consequence,
    stamp: Stamp,
) -> None:
    states = [
        state
        for state in _endpoints_of(connection, app.number, message)
        # An address that is dead says nothing of the one that an endpoint has got since.
        if consequence.status is None or state.address == message.address
    ]
    changes = [
        Update(
            state.endpoint,
            state.id,
            Patch(
                # An update makes an endpoint active unless it says otherwise.
                status=consequence.status or state.status,
                opt_out=consequence.opt_out,
                effective_date=stamp.now,
            ),
        )
        for state in states
    ]
    if not changes:
        return
    writer = EndpointWriter(connection, app, context, stamp, changes)
    for change in changes:
        writer.apply(change)
    writer.flush()


def _opt_out(
    connection: Connection, app: App, message: StoredMessage, outcome: str, now: int
) -> None:
    """Keep that the address gets nothing any more; a simulator's is there to be sent to again.

    That of a message whose endpoint was deleted is not known any more.
    """
    if message.address and simulators.outcomes_of(message.channel, message.address) is None:
        contact = (message.channel, message.address)
        opt_outs.add(connection, app.number, [contact], reason=outcome, now=now)


def _endpoints_of(
    connection: Connection, app: int, message: StoredMessage
) -> Sequence[EndpointState]:
    """Return the endpoint that the message went to, or those that have its address."""
    if message.endpoint is not None:
        found = reader.by_key(connection, app, message.endpoint)
        return [] if found is None else [found[0]]
    return [
        state
        for state, _ in reader.by_address(connection, app, message.address)
        if state.channel_type == message.channel
    ]


def _write_record(  # noqa: PLR0913, PLR0917 -- private; a transaction and what it is about
    context: Context,
    connection: Connection,
    app: App,
    message: StoredMessage,
    given: Report,
    now: int,
) -> None:
    happened = _happened(message, given)
    if happened is None or not stream_records.is_wanted(context, connection, app):
        return
    endpoint_id = None
    if message.endpoint is not None:
        found = reader.by_key(connection, app.number, message.endpoint)
        endpoint_id = message.endpoint if found is None else found[0].id
    content = Content.read(message.content)
    streamed = Streamed(message, content, endpoint_id, names_of(connection, message))
    stream_records.write(context, connection, app, [(streamed, happened)], now=now)


def _happened(message: StoredMessage, given: Report) -> Happened | None:
    """Return what the record of a report says; None where the service writes none."""
    if message.channel == "EMAIL":
        return _of_email(message, given)
    if message.channel == "SMS":
        return _OF_SMS.get(given.outcome)
    return None


_OF_SMS = {
    "delivered": Happened("_SMS.SUCCESS", "DELIVERED"),
    "bounced": Happened("_SMS.FAILURE", "UNREACHABLE"),
    "opted_out": Happened("_SMS.OPTOUT", "OPTED_OUT"),
}


def _of_email(message: StoredMessage, given: Report) -> Happened:
    agent = {"user_agent": given.user_agent}
    browser = {"ip_address": given.ip_address, **agent}
    click = {**browser, "link": given.link, "link_tags": {}}
    if given.outcome == "delivered":
        delivery = {
            "smtp_response": given.reason or "250 ok",
            "reporting_mta": "localhost",
            "recipients": [message.address],
            "processing_time_millis": 0,
        }
        return Happened("_email.delivered", "delivered", ("delivery", delivery))
    if given.outcome == "bounced":
        return _of_bounce(message, given)
    if given.outcome == "opened":
        return Happened("_email.open", "opened", ("open", browser))
    if given.outcome == "clicked":
        return Happened("_email.click", given.link, ("click", click))
    if given.outcome == "complained":
        complaint = {
            "complained_recipients": [{"email_address": message.address}],
            "feedback_id": message.id,
            **agent,
            "complaint_feedback_type": given.reason or "abuse",
        }
        return Happened("_email.complaint", "complaint", ("complaint", complaint))
    return Happened("_email.unsubscribe", "unsubscribed", ("click", click))


def _of_bounce(message: StoredMessage, given: Report) -> Happened:
    kind, status = ("Permanent", "5.1.1") if given.is_permanent else ("Transient", "4.2.2")
    recipient = {
        "email_address": message.address,
        "action": "failed",
        "status": status,
        "diagnostic_code": given.reason,
    }
    bounce = {
        "bounce_type": kind,
        "bounce_sub_type": "General",
        "bounced_recipients": [recipient],
        "feedback_id": message.id,
        "reporting_mta": "localhost",
    }
    name = "hardbounce" if given.is_permanent else "softbounce"
    return Happened(f"_email.{name}", name, ("bounce", bounce))
