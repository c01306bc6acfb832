"""`Composer`: makes of a message configuration what each recipient gets, on each channel.

It loads the templates once and compiles each text once; after that it is pure. It reads both kinds
of configurations: those of SendMessages and SendUsersMessages, and those of campaigns. To whom
something is sent, and what becomes of it, is decided elsewhere.

Which of several texts counts, the first that is there: the override of a recipient, the message of
the channel, the template, the default message for push, the default message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

import attrs
import orjson

from pinpoint_kit.engine.engagement import channels, template_rows
from pinpoint_kit.engine.messages.rendering.plans import (
    CHANNELS,
    Overrides,
    Plan,
    not_a_channel,
    plan_of,
)
from pinpoint_kit.engine.messages.rendering.texts import Failed, Variables
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Application
    from pinpoint_kit.engine.messages.content import Content

__all__ = ["Composer", "Failure"]

#: Members of a TemplateConfiguration -> the type of template.
_TEMPLATES = {
    "EmailTemplate": "EMAIL",
    "PushTemplate": "PUSH",
    "SMSTemplate": "SMS",
    "VoiceTemplate": "VOICE",
}
_NOTHING: Mapping[str, Sequence[str]] = {}
_NO_TEXTS: Mapping[str, str] = {}


@attrs.frozen
class Failure:
    """Why there is no message for a recipient: a `StatusCode` and a `StatusMessage`."""

    code: int
    text: str


@attrs.define
class Composer:
    """Composes the messages of one configuration.

    Attributes:
        channels: the channels that are on, by type, each with its settings.
    """

    channels: Mapping[str, Mapping[str, object]] = attrs.field(repr=False)
    _configuration: Mapping[str, object] = attrs.field(repr=False)
    _templates: Mapping[str, Mapping[str, object]] = attrs.field(repr=False)
    _now: int
    _plans: dict[str, Plan | Failure] = attrs.field(factory=dict, repr=False, init=False)

    @classmethod
    def of(
        cls,
        connection: Connection,
        app: Application,
        message_configuration: Mapping[str, object],
        template_configuration: Mapping[str, object] | None,
        *,
        now: int,
    ) -> Composer:
        """Return the composer of a configuration, with its templates as they are now.

        Args:
            connection: where templates and channels are looked up.
            app: the application.
            message_configuration: a DirectMessageConfiguration, or the MessageConfiguration of a
                campaign.
            template_configuration: a TemplateConfiguration, if there is one.
            now: milliseconds since 1970.

        Raises:
            ApiError: there is no such template, or no such version of it.
        """
        templates = {
            kind: _template(connection, cast("Mapping[str, object]", named), kind, member)
            for member, kind in _TEMPLATES.items()
            if (named := (template_configuration or {}).get(member))
        }
        return cls(channels.enabled(connection, app), message_configuration, templates, now)

    def compose(  # noqa: PLR0913 -- what differs from one recipient to the next
        self,
        shown_endpoint: Mapping[str, object],
        channel: str,
        *,
        substitutions: Mapping[str, Sequence[str]] = _NOTHING,
        title: str | None = None,
        body: str | None = None,
        raw: str | None = None,
        context_members: Mapping[str, str] = _NO_TEXTS,
        campaign: Mapping[str, str] = _NO_TEXTS,
    ) -> Content | Failure:
        """Return what one recipient gets.

        Args:
            shown_endpoint: the endpoint as GetEndpoint shows it, or what is known of an address.
            channel: its channel type.
            substitutions: variables that win over all others.
            title: in the place of the title or subject.
            body: in the place of the body.
            raw: in the place of everything; for push only.
            context_members: `Context`, which push messages carry.
            campaign: for push: `campaign_id`, `campaign_activity_id`, `treatment_id`.
        """
        plan = self._plans.get(channel) or self._planned(channel)
        if isinstance(plan, Failure):
            return plan
        variables = Variables(shown_endpoint, plan.defaults, substitutions, self._now)
        overrides = Overrides(title or None, body or None, raw or None, context_members, campaign)
        try:
            return plan.compose(variables, overrides)
        except Failed as failed:
            return Failure(400, str(failed))

    def _planned(self, channel: str) -> Plan | Failure:
        if channel not in CHANNELS:
            made: Plan | Failure = Failure(400, not_a_channel(channel))
        else:
            try:
                made = plan_of(
                    channel,
                    self._configuration,
                    self._templates,
                    self.channels.get(channel, {}),
                )
            except Failed as failed:
                made = Failure(400, str(failed))
        self._plans[channel] = made
        return made


def _template(
    connection: Connection, named: Mapping[str, object], kind: str, member: str
) -> Mapping[str, object]:
    """Return the content of the version that is named, or of the active one."""
    name = named.get("Name")
    if not isinstance(name, str) or not name:
        raise bad_request("Missing Name", f".TemplateConfiguration.{member}")
    template = template_rows.require(connection, name, kind)
    wanted = named.get("Version")
    if wanted == "latest":
        version = template_rows.versions(connection, template)[0]
    else:
        number = template_rows.version_number(str(wanted)) if wanted else None
        version = template_rows.version_at(connection, template, number)
    content = dict(version.content)
    defaults = content.get("DefaultSubstitutions")
    if isinstance(defaults, str) and defaults:
        content["DefaultSubstitutions"] = orjson.loads(defaults)
    return content
