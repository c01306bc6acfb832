"""PreviewTemplate, an operation of our own: what recipients would get of a template.

It stores and sends nothing. Which texts a template has, and what they mean, stands in
pinpoint_kit/templating.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING

import attrs

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.endpoints import reader
from pinpoint_kit.engine.endpoints.state import decoded, rendered
from pinpoint_kit.engine.engagement import template_rows as rows
from pinpoint_kit.engine.wire import body
from pinpoint_kit.engine.wire.refusals import bad_request
from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating import (
    compile_template,
    parse_defaults,
    substitutions,
    variables_of,
)
from pinpoint_kit.templating.parts import PLATFORMS, PartText, texts_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pinpoint_kit.engine.context import Call, Context

__all__ = ["preview_template"]

_MEMBERS = frozenset(
    {
        *("TemplateName", "TemplateType", "Version", "Content"),
        *("EndpointId", "UserId", "Endpoint", "Substitutions", "DefaultSubstitutions"),
    }
)
#: The channels that a type of template is for; PUSH is for all others.
_CHANNELS = {"EMAIL": {"EMAIL"}, "INAPP": {"IN_APP"}, "SMS": {"SMS"}, "VOICE": {"VOICE"}}


@attrs.frozen
class _Asked:
    """What a request asks for."""

    kind: str
    name: str | None
    version: int | None
    content: Mapping[str, object] | None
    endpoint_id: str | None
    user_id: str | None
    endpoint: Mapping[str, object] | None
    own: Mapping[str, object]
    defaults: Mapping[str, object]


def preview_template(context: Context, call: Call) -> object:
    """PreviewTemplate: each text of a template, for an endpoint, a user's endpoints, or nobody."""
    with apps.checked_first(context, call.application_id):
        asked = _parse(call)
    with context.store.read() as connection:
        app = apps.require(connection, call.application_id)
        number, content = _content(connection, asked)
        found = _endpoints(connection, app.number, app.id, asked)
    endpoints: list[dict[str, object]] = decoded(found)
    now = dt.datetime.fromtimestamp(call.now / 1000, dt.timezone.utc)
    items = [_item(asked, content, endpoint, now) for endpoint in endpoints]
    answer: dict[str, object] = {"Item": items, "TemplateType": asked.kind}
    if asked.name is not None:
        answer.update(TemplateName=asked.name, Version=str(number))
    return answer


def _parse(call: Call) -> _Asked:
    given = body.parse_object(call.body)
    if unknown := sorted(given.keys() - _MEMBERS):
        raise bad_request(
            f"unknown member; there are {', '.join(sorted(_MEMBERS))}", f".{unknown[0][:50]}"
        )
    kind = rows.kind_of(body.optional_text(given, "TemplateType") or "")
    name = body.optional_text(given, "TemplateName")
    version = body.optional_text(given, "Version")
    content = _object(given, "Content")
    if (name is None) == (content is None):
        raise bad_request("Give TemplateName or Content: one of them")
    recipients = {member: body.optional_text(given, member) for member in ("EndpointId", "UserId")}
    endpoint = _object(given, "Endpoint")
    if sum(value is not None for value in (*recipients.values(), endpoint)) > 1:
        raise bad_request("Give one of EndpointId, UserId and Endpoint")
    return _Asked(
        kind,
        name,
        None if version is None else rows.version_number(version),
        content,
        recipients["EndpointId"],
        recipients["UserId"],
        endpoint,
        _object(given, "Substitutions") or {},
        _object(given, "DefaultSubstitutions") or {},
    )


def _object(given: Mapping[str, object], name: str) -> Mapping[str, object] | None:
    value = given.get(name)
    return None if value is None else body.as_object(value, f".{name}")


def _content(connection: Connection, asked: _Asked) -> tuple[int, Mapping[str, object]]:
    """Return the version and the content that are asked for; 0 for what was given itself."""
    if asked.content is not None:
        return 0, asked.content
    template = rows.require(connection, str(asked.name), asked.kind)
    version = rows.version_at(connection, template, asked.version)
    return version.number, version.content


def _endpoints(
    connection: Connection, app: int, application_id: str, asked: _Asked
) -> Sequence[Mapping[str, object]]:
    """Return the recipients, for orjson to write; one without anything for nobody."""
    if asked.endpoint_id is not None:
        found = [reader.require(connection, app, asked.endpoint_id)]
    elif asked.user_id is not None:
        found = [
            each
            for each in reader.require_user(connection, app, asked.user_id)
            if _is_for(asked.kind, each[0].channel_type)
        ]
        if not found:
            raise bad_request(f"The user has no endpoint for templates of type {asked.kind}")
    else:
        return [asked.endpoint or {}]
    return [rendered(state, application_id, attributes) for state, attributes in found]


def _is_for(kind: str, channel: str | None) -> bool:
    if kind in _CHANNELS:
        return channel in _CHANNELS[kind]
    return channel in PLATFORMS


def _item(
    asked: _Asked, content: Mapping[str, object], endpoint: Mapping[str, object], now: dt.datetime
) -> dict[str, object]:
    channel = endpoint.get("ChannelType")
    layers = [
        substitutions(asked.own),
        variables_of(endpoint),
        substitutions(asked.defaults),
        _defaults(content),
    ]
    item: dict[str, object] = {
        name: endpoint[member]
        for name, member in (("EndpointId", "Id"), ("ChannelType", "ChannelType"))
        if isinstance(endpoint.get(member), str)
    }
    item["Parts"] = {
        part.name: _rendered(part, layers, now, has_variables=asked.kind != "INAPP")
        for part in texts_of(asked.kind, content, channel if isinstance(channel, str) else None)
    }
    return item


def _rendered(
    part: PartText, layers: Sequence[Mapping[str, object]], now: dt.datetime, *, has_variables: bool
) -> str:
    if not has_variables:
        return part.text
    try:
        template = compile_template(part.text)
        return template.render(*layers, escape=part.is_html, is_json=part.is_json, now=now)
    except TemplateError as error:
        raise bad_request(f"{part.name}: {error}") from None


def _defaults(content: Mapping[str, object]) -> Mapping[str, object]:
    text = content.get("DefaultSubstitutions")
    if not isinstance(text, str):
        return {}
    try:
        return parse_defaults(text)
    except ValueError:
        raise bad_request("must be the text of a JSON object", ".DefaultSubstitutions") from None
