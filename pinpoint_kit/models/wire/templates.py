"""Templates as requests carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pinpoint_kit.models.templates.parts import TemplateType
from pinpoint_kit.models.templates.template import (
    AnyTemplate,
    EmailTemplate,
    InAppTemplate,
    PushTemplate,
    SMSTemplate,
    VoiceTemplate,
)
from pinpoint_kit.models.wire.codec import to_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.models.base import JsonValue

__all__ = ["KINDS", "TEMPLATE_MODELS", "preview_request", "template_request"]

#: Type -> how the names of operations and of parameters have it.
KINDS = {
    TemplateType.EMAIL: ("EmailTemplate", "EmailTemplate"),
    TemplateType.INAPP: ("InAppTemplate", "InAppTemplate"),
    TemplateType.PUSH: ("PushTemplate", "PushNotificationTemplate"),
    TemplateType.SMS: ("SmsTemplate", "SMSTemplate"),
    TemplateType.VOICE: ("VoiceTemplate", "VoiceTemplate"),
}
#: Type -> its model.
TEMPLATE_MODELS: Mapping[TemplateType, type[AnyTemplate]] = {
    model.type: model
    for model in (EmailTemplate, InAppTemplate, PushTemplate, SMSTemplate, VoiceTemplate)
}
#: Members that only answers have.
_OF_ANSWERS = frozenset(
    {"Arn", "CreationDate", "LastModifiedDate", "TemplateName", "TemplateType", "Version"}
)


def template_request(template: AnyTemplate, *, with_tags: bool) -> dict[str, JsonValue]:
    """Return the members that Create and Update carry; only a creation has tags."""
    members = to_wire(template)
    unwanted = _OF_ANSWERS if with_tags else _OF_ANSWERS | {"tags"}
    return {name: value for name, value in members.items() if name not in unwanted}


def preview_request(  # noqa: PLR0913 -- the parts of a question
    kind: TemplateType,
    *,
    name: str | None = None,
    version: str | None = None,
    template: AnyTemplate | None = None,
    endpoint_id: str | None = None,
    user_id: str | None = None,
    endpoint: Mapping[str, JsonValue] | None = None,
    substitutions: Mapping[str, JsonValue] | None = None,
    defaults: Mapping[str, JsonValue] | None = None,
) -> dict[str, JsonValue]:
    """Return the members that PreviewTemplate carries."""
    members: dict[str, JsonValue] = {
        "TemplateType": kind.value,
        "TemplateName": name,
        "Version": version,
        "Content": None if template is None else template_request(template, with_tags=False),
        "EndpointId": endpoint_id,
        "UserId": user_id,
        "Endpoint": endpoint,
        "Substitutions": substitutions,
        "DefaultSubstitutions": defaults,
    }
    return {name: value for name, value in members.items() if value is not None}
