"""What the outbox is asked: ListMessages, GetMessage, ClearMessages and ReportMessageOutcome.

Extension operations, see wire/routes.py. Addresses stand in bodies, never in a path or a query,
which logs may show.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import orjson
from sqlalchemy import bindparam, select

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints.parsing import CHANNEL_TYPES
from pinpoint_kit.engine.messages import outbox, outcomes
from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.outbox import Filter
from pinpoint_kit.engine.storage import remnants
from pinpoint_kit.engine.storage.statements import Statement
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_ACTIVITIES, CAMPAIGNS
from pinpoint_kit.engine.storage.tables.messages import MESSAGES
from pinpoint_kit.engine.wire import body, instants, paging
from pinpoint_kit.engine.wire.refusals import bad_request, not_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context, Handler
    from pinpoint_kit.engine.messages.outbox import StoredMessage

__all__ = ["HANDLERS"]

_FILTERS = frozenset({"Address", "Campaign", "Channel", "EndpointId", "Kind", "Since", "Until"})
_KINDS = ("direct", "otp", "campaign")
_REPORT = frozenset({"BounceType", "IpAddress", "Link", "Outcome", "Reason", "UserAgent"})
_BOUNCES = {"Permanent": True, "Transient": False}
_MAX_DETAIL_CHARS = 4_096

_CAMPAIGN = Statement(
    select(CAMPAIGNS.c.number)
    .where(CAMPAIGNS.c.app == bindparam("app_"))
    .where(CAMPAIGNS.c.id == bindparam("id_")),
    "app_",
    "id_",
)


def list_messages(context: Context, call: Call) -> object:
    """ListMessages: what is in the outbox, the newest last, or first with NewestFirst."""
    with apps.checked_first(context, call.application_id):
        size, after = paging.size(call.query), paging.number(call.query)
        source = body.known_members(call.body, _FILTERS | {"NewestFirst"})
        wanted = _filter(source)
        newest_first = source.get("NewestFirst", False)
        if not isinstance(newest_first, bool):
            raise bad_request("must be true or false", ".NewestFirst")
    last = context.store.settled(MESSAGES.name)
    if newest_first and last is not None:  # what is not settled is not there yet
        after = min(after or last + 1, last + 1)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        found = outbox.find(
            connection,
            app.number,
            _of_campaign(connection, app, source, wanted),
            after=after,
            most=size + 1,
            newest_first=newest_first,
        )
        if last is not None:
            found = [message for message in found if message.number <= last]
        names = _Names(connection)
        return paging.page(
            found, size, lambda message: message.number, lambda each: _shown(each, names)
        )


def get_message(context: Context, call: Call) -> object:
    """GetMessage: one message, and what was reported of it."""
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        message = _require(connection, app, call)
        return _with_reports(connection, message)


def clear_messages(context: Context, call: Call) -> object:
    """ClearMessages: delete messages, and what was reported of them."""
    with apps.checked_first(context, call.application_id):
        source = body.known_members(call.body, _FILTERS)
        wanted = _filter(source)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        count = outbox.clear(connection, app.number, _of_campaign(connection, app, source, wanted))
        if count:
            remnants.leave(context.store, connection, context.new_id(), call.now)
    context.store.scrub()
    context.announce()
    return {"Messages": count}


def report_message_outcome(context: Context, call: Call) -> object:
    """ReportMessageOutcome: say what has become of a message, as its provider would."""
    with apps.checked_first(context, call.application_id):
        given = _report(body.known_members(call.body, _REPORT))
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        message = _require(connection, app, call)
        after = outcomes.report(context, connection, app, message, given, stamp=call.stamp)
        return _with_reports(connection, after)


class _Names:
    """The ids of campaigns and of their runs, each looked up once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[tuple[str, int], str] = {}

    def campaign(self, number: int) -> str:
        return self._of("campaign", number)

    def activity(self, number: int) -> str:
        return self._of("activity", number)

    def _of(self, kind: str, number: int) -> str:
        found = self._known.get((kind, number))
        if found is None:
            table = CAMPAIGNS if kind == "campaign" else CAMPAIGN_ACTIVITIES
            row = self._connection.execute(
                select(table.c.id).where(table.c.number == number)
            ).scalar()
            found = self._known[kind, number] = str(row or "")
        return found


def _shown(message: StoredMessage, names: _Names) -> dict[str, object]:
    shown: dict[str, object] = {
        "Id": message.id,
        "CreationDate": instants.from_ms(message.created),
        "ChannelType": message.channel,
        "Address": message.address,
        "Kind": message.kind,
        "DeliveryStatus": message.status,
        "StatusCode": message.status_code,
        "StatusMessage": message.status_text,
        "Content": Content.read(message.content).members(),
        "Outcomes": _fragment(message.outcomes),
    }
    if message.endpoint is not None:
        shown["EndpointId"] = message.endpoint
    if message.user_id is not None:
        shown["UserId"] = message.user_id
    if message.campaign is not None:
        shown["CampaignId"] = names.campaign(message.campaign)
        shown["TreatmentId"] = str(message.treatment or 0)
        if message.activity is not None:
            shown["ActivityId"] = names.activity(message.activity)
    return shown


def _with_reports(connection: Connection, message: StoredMessage) -> dict[str, object]:
    return {
        **_shown(message, _Names(connection)),
        "Reports": [
            {"Outcome": outcome, "Date": instants.from_ms(at), **detail}
            for outcome, at, detail in outcomes.reports_of(connection, message)
        ],
    }


def _fragment(text: str | None) -> object:
    return orjson.Fragment(text) if text else []


def _require(connection: Connection, app: App, call: Call) -> StoredMessage:
    message = outbox.by_id(connection, app.number, call.labels["message-id"])
    if message is None:
        raise not_found("Message not found; the list of messages has their ids")
    return message


def _filter(source: Mapping[str, object]) -> Filter:
    endpoint = body.optional_text(source, "EndpointId")
    body.optional_text(source, "Campaign")
    return Filter(
        address=body.optional_text(source, "Address"),
        channel=body.optional_choice(source, "Channel", CHANNEL_TYPES),
        endpoint=None if endpoint is None else endpoint.lower(),
        kind=body.optional_choice(source, "Kind", _KINDS),
        since=body.optional_instant(source, "Since"),
        until=body.optional_instant(source, "Until"),
    )


def _of_campaign(
    connection: Connection, app: App, source: Mapping[str, object], wanted: Filter
) -> Filter:
    """Return the filter with the number of the campaign that it names.

    Raises:
        ApiError: there is no such campaign.
    """
    campaign_id = body.optional_text(source, "Campaign")
    if campaign_id is None:
        return wanted
    rows = _CAMPAIGN.rows(connection, app.number, campaign_id)
    if not rows:
        raise not_found("Campaign not found")
    return attrs.evolve(wanted, campaign=rows[0][0])


def _report(source: Mapping[str, object]) -> outcomes.Report:
    outcome = body.optional_text(source, "Outcome")
    if outcome not in outcomes.OUTCOMES:
        raise bad_request(f"must be one of {', '.join(outcomes.OUTCOMES)}", ".Outcome")
    bounce = body.optional_text(source, "BounceType") or "Permanent"
    if bounce not in _BOUNCES:
        raise bad_request(f"must be one of {', '.join(_BOUNCES)}", ".BounceType")
    texts = {}
    for name in ("Link", "Reason", "UserAgent", "IpAddress"):
        texts[name] = body.optional_text(source, name) or ""
        if len(texts[name]) > _MAX_DETAIL_CHARS:
            raise bad_request(f"has more than {_MAX_DETAIL_CHARS} characters", f".{name}")
    if outcome == "clicked" and not texts["Link"]:
        raise bad_request("Missing Link: what was clicked")
    return outcomes.Report(
        outcome=outcome,
        is_permanent=_BOUNCES[bounce],
        link=texts["Link"],
        reason=texts["Reason"],
        user_agent=texts["UserAgent"],
        ip_address=texts["IpAddress"],
    )


HANDLERS: Mapping[str, Handler] = {
    "ClearMessages": clear_messages,
    "GetMessage": get_message,
    "ListMessages": list_messages,
    "ReportMessageOutcome": report_message_outcome,
}
