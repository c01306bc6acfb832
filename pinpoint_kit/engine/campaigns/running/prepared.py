"""`Prepared`: what a run needs at each of its steps, looked up once: texts, channels, functions.

It is kept in memory for some seconds, and then looked up anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import attrs
from sqlalchemy import Select, bindparam, func, select

from pinpoint_kit.engine.applications.store import App
from pinpoint_kit.engine.campaigns.definition import Definition, Members, Treatment
from pinpoint_kit.engine.campaigns.running import hooks
from pinpoint_kit.engine.campaigns.running.hooks import Called
from pinpoint_kit.engine.campaigns.running.targets import CUSTOM, channels_of
from pinpoint_kit.engine.engagement import template_rows
from pinpoint_kit.engine.messages.composing import Composer
from pinpoint_kit.engine.segments import members, sources
from pinpoint_kit.engine.segments.store import Segment
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGES
from pinpoint_kit.engine.wire.refusals import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from pinpoint_kit.engine.campaigns.activities import Activity
    from pinpoint_kit.engine.campaigns.store import Campaign
    from pinpoint_kit.engine.context import Context

__all__ = [
    "InvalidError",
    "Prepared",
    "last_message",
    "members_of",
    "pinned_templates",
    "prepare",
]

_KINDS = {"EmailTemplate": "EMAIL", "PushTemplate": "PUSH", "SMSTemplate": "SMS"}
#: What is read of an endpoint first, in the order of a `Target`.
_COLUMNS = tuple(
    ENDPOINTS.c[name]
    for name in (
        "number",
        "endpoint",
        "channel_type",
        "address",
        "status",
        "opt_out",
        "cohort",
        "timezone",
        "user_id",
    )
)


class InvalidError(Exception):
    """A campaign cannot run; the message says why, without personal data."""


@attrs.frozen
class Prepared:
    """What a run needs.

    Attributes:
        app: the application.
        campaign_id: the campaign's id.
        segment: the segment, ready to be evaluated.
        window: selects the first `most_` of those who belong to it, by number, as `Target`s: after
            the number `after_`, up to `end_`.
        treatment: what the run sends.
        templates: the template configuration, with the versions that are sent.
        definition: the campaign's.
        composer: makes the messages.
        channels: the channel types that there is a message for, of those that are on.
        custom: the channel types that go to the custom channel.
        filter: changes endpoints, or leaves some out.
        delivers: delivers in the place of all channels.
        custom_channel: delivers to the custom channel.
    """

    app: App
    campaign_id: str
    segment: Segment
    window: Select[Any] = attrs.field(repr=False)  # Any: the columns of a `Target`
    treatment: Treatment
    templates: Members
    definition: Definition
    composer: Composer
    channels: frozenset[str]
    custom: frozenset[str]
    filter: Called | None
    delivers: Called | None
    custom_channel: Called | None

    @property
    def calls(self) -> bool:
        """Whether functions are called, a few endpoints at a time."""
        return bool(self.filter or self.delivers or self.custom_channel)


def pinned_templates(connection: Connection, treatment: Treatment) -> dict[str, object]:
    """Return the template configuration of a treatment, with the versions active now.

    Raises:
        InvalidError: a template is gone.
    """
    pinned: dict[str, object] = {}
    for member, value in treatment.templates.items():
        named = cast("Mapping[str, str]", value)
        if member not in _KINDS or not named:
            continue
        template = template_rows.find(connection, named["Name"], _KINDS[member])
        if template is None:
            raise InvalidError("a template is gone")
        pinned[member] = {"Version": str(template.active), **named}
    return pinned


def prepare(  # noqa: PLR0913, PLR0917 -- a run, and where to look
    context: Context,
    connection: Connection,
    app: App,
    campaign: Campaign,
    activity: Activity,
    templates: Members,
    now: int,
) -> Prepared:
    """Look up what a run needs that sends these versions of its templates.

    Raises:
        InvalidError: something of it is not there.
    """
    definition = campaign.definition
    treatment = definition.treatment(activity.treatment)
    try:
        segment = sources.require(connection, app, *definition.segment)
        composer = Composer.of(connection, app, treatment.messages, templates, now=now)
    except ApiError as refusal:
        raise InvalidError(refusal.text) from None
    names = hooks.names_of(app.id, campaign.id, activity.id, treatment.number, activity.scheduled)
    calls = _calls(context, definition, treatment, names)
    channels = channels_of(treatment) & composer.channels.keys()
    custom = _custom_types(treatment)
    if not channels and not custom and "DELIVERY" not in calls:
        raise InvalidError(
            "no channel that it has a message for is enabled in the application:"
            " `pinpoint-kit message enable CHANNEL` turns one on"
        )
    return Prepared(
        app=app,
        campaign_id=campaign.id,
        segment=segment,
        window=_window(segment, app, now),
        treatment=treatment,
        templates=templates,
        definition=definition,
        composer=composer,
        channels=frozenset(channels),
        custom=custom,
        filter=calls.get("FILTER"),
        delivers=calls.get("DELIVERY"),
        custom_channel=calls.get(CUSTOM),
    )


def members_of(segment: Segment, app: App, now: int) -> Select[Any]:
    """Return the statement that selects the endpoints of a segment as `Target`s."""
    return members.select_members(segment, app, now).with_only_columns(*_COLUMNS)


def last_message(connection: Connection) -> int:
    """Return the number of the newest message."""
    return connection.execute(select(func.max(MESSAGES.c.number))).scalar() or 0


def _window(segment: Segment, app: App, now: int) -> Select[Any]:
    number = ENDPOINTS.c.number
    return (
        members_of(segment, app, now)
        .where(number > bindparam("after_"), number <= bindparam("end_"))
        .order_by(number)
        .limit(bindparam("most_"))
    )


def _custom_types(treatment: Treatment) -> frozenset[str]:
    """Return the channel types of the custom channel: those that are listed, else custom ones."""
    if not treatment.messages.get("CustomMessage"):
        return frozenset()
    listed = cast("list[str]", treatment.custom.get("EndpointTypes", []))
    return frozenset(listed or [CUSTOM])


def _calls(
    context: Context, definition: Definition, treatment: Treatment, names: Members
) -> dict[str, Called]:
    """Return the functions that a run calls, by `FILTER`, `DELIVERY` or `CUSTOM`.

    Raises:
        InvalidError: the operator knows one of them not.
    """
    given = context.engagement.hooks
    calls: dict[str, Called] = {}
    target = hooks.target_of(definition.hook)
    if target:
        hook = hooks.find(given, target)
        if hook is None:
            raise InvalidError("its hook is none that the operator has given")
        mode = cast("str", definition.hook.get("Mode", "FILTER"))
        make = Called.to_deliver if mode == "DELIVERY" else Called.to_filter
        calls[mode] = make(hook, names, treatment.messages)
    if treatment.messages.get("CustomMessage"):
        hook = hooks.find(given, cast("str", treatment.custom.get("DeliveryUri", "")))
        if hook is None:
            raise InvalidError("its custom channel is none that the operator has given")
        message = cast("Members", treatment.messages["CustomMessage"])
        calls[CUSTOM] = Called.to_custom(hook, names, cast("str", message.get("Data", "")))
    return calls
