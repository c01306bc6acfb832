"""`Templates`: what messages are made from, their versions, and what one would look like.

Templates belong to the account: every application of a database or a server has the same ones.
Create, read, update and delete are Pinpoint's own operations; `preview` is one of the engine and
our server. Every call blocks until it is answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pinpoint_kit.engagement.faults import warn_of_template
from pinpoint_kit.errors import ConfigurationError, InvalidTypeError, ValidationError
from pinpoint_kit.models.base import attribute_lists
from pinpoint_kit.models.checks import require_path_id
from pinpoint_kit.models.display.tables import ModelIterator, ModelList
from pinpoint_kit.models.endpoint import Endpoint
from pinpoint_kit.models.templates.parts import TemplateType
from pinpoint_kit.models.templates.results import TemplatePreview, TemplateSummary
from pinpoint_kit.models.wire.codec import from_wire, to_wire
from pinpoint_kit.models.wire.templates import (
    KINDS,
    TEMPLATE_MODELS,
    preview_request,
    template_request,
)
from pinpoint_kit.transport import ExtensionCall

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.models.base import AttributeListsInput, JsonValue
    from pinpoint_kit.models.templates.template import AnyTemplate
    from pinpoint_kit.transport import ApplicationId, Transport

__all__ = ["Templates"]

_PAGE_SIZE = "100"
_LATEST = "latest"


class Templates:
    """Message templates. Safe to use from several threads.

    A template is told by its name and its type. Its first version is active; `update` overwrites
    the latest version unless a new one is asked for, and `activate` says which one messages are
    made from that name none.

    All verbs raise `InvalidTypeError` and `ValidationError` for arguments that nothing can be sent
    of, `NotFound` when there is no such template or version, `BadRequest` and other `ServiceError`s
    when they are refused for another reason, and `TransportError` when no answer came.
    """

    def __init__(self, transport: Transport, *, application_id: ApplicationId) -> None:
        self._transport = transport
        self._application_id = application_id

    def create(self, template: AnyTemplate) -> AnyTemplate:
        """Make a template; its first version is active.

        A text that cannot be read, such as one with `{{#if}}` and no `{{/if}}`, is kept as by the
        service, with a `TemplateWarning`; `preview` shows what becomes of the others.

        Args:
            template: an `EmailTemplate`, `SMSTemplate`, `PushTemplate`, `VoiceTemplate` or
                `InAppTemplate`. What only answers have, such as its version, is not sent.

        Returns:
            The template as it is stored.

        Raises:
            BadRequest: there is one of this name and type, or it breaks a rule.

        Examples:
            >>> from pinpoint_kit import Endpoint, SMSTemplate, connect
            >>> with connect("sqlite://") as pinpoint:
            ...     made = pinpoint.templates.create(
            ...         SMSTemplate(
            ...             name="welcome",
            ...             body="Hello {{User.UserAttributes.Name.[0]}}!",
            ...             default_substitutions={"User.UserAttributes.Name": "you"},
            ...         )
            ...     )
            ...     pinpoint.templates.preview(made).body
            'Hello you!'
        """
        kind, request = _kind(template)
        members = _members(template, with_tags=True)
        warn_of_template(kind.value, members)
        self._call("Create", kind, template.name, **{request: members})
        return self.get(template.name, kind)

    def get(
        self,
        name: str,
        type: TemplateType | str,  # noqa: A002 -- the word for it
        *,
        version: str | int | None = None,
    ) -> AnyTemplate:
        """Read a template with its texts.

        Args:
            name: its name.
            type: what it is for: `EMAIL`, `INAPP`, `PUSH`, `SMS` or `VOICE`.
            version: one of its versions; the active one unless given.
        """
        kind = _type(type)
        more = {} if version is None else {"Version": _version(version)}
        answer = self._call("Get", kind, _name(name), **more)
        (response,) = [value for key, value in answer.items() if key.endswith("TemplateResponse")]
        return from_wire(TEMPLATE_MODELS[kind], _without_type(response))

    def list(
        self,
        type: TemplateType | str | None = None,  # noqa: A002 -- the word for it
        *,
        prefix: str | None = None,
    ) -> ModelIterator[TemplateSummary]:
        """List templates, each with its active version; pages are read when they are needed.

        Args:
            type: only those of this type.
            prefix: only those whose name begins so.
        """
        query: dict[str, str] = {}
        if type is not None:
            query["TemplateType"] = _type(type).value
        if prefix is not None:
            query["Prefix"] = _text(prefix, "$.prefix")
        return self._summaries("ListTemplates", query, "TemplatesResponse")

    def versions(
        self,
        name: str,
        type: TemplateType | str,  # noqa: A002 -- the word for it
    ) -> ModelIterator[TemplateSummary]:
        """List the versions of a template, the latest first."""
        query = {"TemplateName": _name(name), "TemplateType": _type(type).value}
        return self._summaries("ListTemplateVersions", query, "TemplateVersionsResponse")

    def update(self, template: AnyTemplate, *, new_version: bool = False) -> AnyTemplate:
        """Replace the whole content of a template; its tags stay.

        A text that cannot be read is kept with a `TemplateWarning`, as by `create`.

        Args:
            template: its name and its new content.
            new_version: keep the latest version, and make a new one; which one is active stays.

        Returns:
            The version that was written.
        """
        kind, request = _kind(template)
        content = _members(template, with_tags=False)
        warn_of_template(kind.value, content)
        more = {"CreateNewVersion": True} if new_version else {}
        self._call("Update", kind, template.name, **{request: content}, **more)
        latest = next(iter(self.versions(template.name, kind)))
        return self.get(template.name, kind, version=latest.version)

    def activate(
        self,
        name: str,
        type: TemplateType | str,  # noqa: A002 -- the word for it
        version: str | int = _LATEST,
    ) -> None:
        """Say which version messages are made from that name none.

        Args:
            name: its name.
            type: its type.
            version: the version; the latest that there is now unless given.
        """
        wanted = version if version == _LATEST else _version(version)
        self._transport.call(
            "UpdateTemplateActiveVersion",
            TemplateName=_name(name),
            TemplateType=_type(type).value,
            TemplateActiveVersionRequest={"Version": wanted},
        )

    def delete(
        self,
        name: str,
        type: TemplateType | str,  # noqa: A002 -- the word for it
        *,
        version: str | int | None = None,
    ) -> None:
        """Delete a template with all of its versions, or one version.

        Args:
            name: its name.
            type: its type.
            version: this version alone.
        """
        more = {} if version is None else {"Version": _version(version)}
        self._call("Delete", _type(type), _name(name), **more)

    def preview(  # noqa: PLR0913 -- each says who, or with what
        self,
        template: AnyTemplate | str,
        type: TemplateType | str | None = None,  # noqa: A002 -- the word for it
        *,
        version: str | int | None = None,
        endpoint: Endpoint | str | None = None,
        substitutions: AttributeListsInput | None = None,
        defaults: AttributeListsInput | None = None,
    ) -> TemplatePreview:
        """Render a template for one recipient, or for nobody; nothing is sent.

        Args:
            template: the name of a stored template, or a template that need not be stored.
            type: the type of a stored one.
            version: the version of a stored one; the active one unless given.
            endpoint: the id of a stored endpoint, or an `Endpoint` that need not be stored. Without
                one, variables have their default values.
            substitutions: name -> values that win over the endpoint's own, as a message may have
                them for each recipient. Names may be paths: `User.UserAttributes.Name`.
            defaults: name -> values for what the endpoint lacks, as a message may have them. The
                template's own defaults come after these.

        Returns:
            The texts by name, with `subject`, `html`, `text`, `title` and `body`.

        Raises:
            BadRequest: a text cannot be rendered; the message says where and why.
            ConfigurationError: neither our engine nor our server answers.
        """
        (found,) = self._previewed(
            template, type, version, _recipient(endpoint), substitutions, defaults
        )
        return found

    def preview_for_user(  # noqa: PLR0913 -- as above
        self,
        template: AnyTemplate | str,
        type: TemplateType | str | None = None,  # noqa: A002 -- the word for it
        *,
        user_id: str,
        version: str | int | None = None,
        substitutions: AttributeListsInput | None = None,
        defaults: AttributeListsInput | None = None,
    ) -> ModelList[TemplatePreview]:
        """Render a template for all endpoints of a user that its type is for.

        Args:
            template: as in `preview`.
            type: as in `preview`.
            user_id: the user.
            version: as in `preview`.
            substitutions: as in `preview`.
            defaults: as in `preview`.

        Returns:
            A preview an endpoint.

        Raises:
            BadRequest: a text cannot be rendered, or the user has no endpoint of such a channel.
            ConfigurationError: neither our engine nor our server answers.
        """
        recipient: dict[str, Any] = {"user_id": _text(user_id, "$.user_id")}
        return self._previewed(template, type, version, recipient, substitutions, defaults)

    def _previewed(  # noqa: PLR0913, PLR0917 -- as above
        self,
        template: AnyTemplate | str,
        type: TemplateType | str | None,  # noqa: A002 -- the word for it
        version: str | int | None,
        recipient: Mapping[str, Any],
        substitutions: AttributeListsInput | None,
        defaults: AttributeListsInput | None,
    ) -> ModelList[TemplatePreview]:
        asked: dict[str, Any] = {
            **recipient,
            "substitutions": attribute_lists(substitutions, "substitutions"),
            "defaults": attribute_lists(defaults, "defaults"),
        }
        if isinstance(template, str):
            if type is None:
                raise ValidationError("misses the type of the template: give it", "$.type")
            kind = _type(type)
            asked["name"] = _name(template)
            if version is not None:
                asked["version"] = _version(version)
        else:
            kind, _ = _kind(template)
            if version is not None or (type is not None and _type(type) is not kind):
                raise ValidationError(
                    "is for stored templates: give their name, or leave it out", "$.template"
                )
            asked["template"] = template
        call = ExtensionCall(
            "PreviewTemplate", ("templates", "preview"), body=preview_request(kind, **asked)
        )
        answer = self._transport.call_extension(self._application_id, call)
        if answer is None:
            raise ConfigurationError(
                "this Pinpoint cannot preview templates: connect to the engine"
                " (sqlite:///FILE, postgresql://...) or to its server"
            )
        found = (from_wire(TemplatePreview, item) for item in answer["Item"])
        return ModelList(found, of=TemplatePreview)

    def _call(self, verb: str, kind: TemplateType, name: str, **more: object) -> dict[str, Any]:
        return self._transport.call(f"{verb}{KINDS[kind][0]}", TemplateName=_name(name), **more)

    def _summaries(
        self, operation: str, query: Mapping[str, str], member: str
    ) -> ModelIterator[TemplateSummary]:
        def pages() -> Iterator[TemplateSummary]:
            token: dict[str, str] = {}
            while True:
                answer = self._transport.call(operation, PageSize=_PAGE_SIZE, **query, **token)
                page = answer[member]
                yield from (from_wire(TemplateSummary, item) for item in page["Item"])
                following = page.get("NextToken")
                if not following or token.get("NextToken") == following:
                    return
                token = {"NextToken": following}

        return ModelIterator(pages(), of=TemplateSummary)


def _kind(template: AnyTemplate) -> tuple[TemplateType, str]:
    """Return the type of a template, and what the parameter of requests is called."""
    if not isinstance(template, tuple(TEMPLATE_MODELS.values())):
        raise InvalidTypeError(
            f"expected a template, got {type(template).__name__}: pass EmailTemplate(...),"
            " SMSTemplate(...) or such",
            "$.template",
        )
    return template.type, f"{KINDS[template.type][1]}Request"


def _members(template: AnyTemplate, *, with_tags: bool) -> dict[str, JsonValue]:
    return template_request(template, with_tags=with_tags)


def _type(value: TemplateType | str) -> TemplateType:
    try:
        return TemplateType(value)
    except ValueError:
        known = ", ".join(member.value for member in TemplateType)
        raise ValidationError(f"is no type of templates: use one of {known}", "$.type") from None


def _text(value: str, path: str) -> str:
    if not isinstance(value, str):
        raise InvalidTypeError(f"expected text, got {type(value).__name__}: pass a str", path)
    return value


def _name(name: str) -> str:
    return require_path_id(name, "$.name")


def _version(version: str | int) -> str:
    if isinstance(version, bool) or not isinstance(version, (str, int)):
        raise InvalidTypeError("expected the number of a version", "$.version")
    return str(version)


def _recipient(endpoint: Endpoint | str | None) -> dict[str, Any]:
    if endpoint is None:
        return {}
    if isinstance(endpoint, Endpoint):
        return {"endpoint": to_wire(endpoint)}
    return {"endpoint_id": _text(endpoint, "$.endpoint")}


def _without_type(response: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in response.items() if name != "TemplateType"}
