"""Plans: the texts of one channel, found in a configuration and compiled, ready for recipients.

One class a kind of channel. A plan knows neither templates' versions nor who gets its messages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

import attrs
import orjson

from pinpoint_kit.engine.messages.content import Content
from pinpoint_kit.engine.messages.rendering.payloads import BESIDE, PUSH_CHANNELS, payload
from pinpoint_kit.engine.messages.rendering.sms_parts import parts
from pinpoint_kit.engine.messages.rendering.texts import Failed, Text, Values, defaults_of
from pinpoint_kit.records.headers import is_one_line, one_line
from pinpoint_kit.templating import parts as texts_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pinpoint_kit.engine.messages.rendering.texts import Variables

__all__ = ["CHANNELS", "Overrides", "Plan", "not_a_channel", "plan_of"]

#: What messages are sent through; CUSTOM and IN_APP are not among them.
CHANNELS = PUSH_CHANNELS | {"EMAIL", "SMS", "VOICE"}

#: An SMS, User Guide, Message templates.
_MAX_SMS_CHARS = 1_600
#: Overrides that one configuration keeps compiled.
_MOST_COMPILED = 1_000
#: What a push message says itself; a layer that has none of it only adds to another one.
_SAYING = ("Title", "Body", "SilentPush")
#: Members of a push message that are no text for anybody.
_NOT_SHOWN = frozenset({"Substitutions", texts_in.RAW})


class Overrides(NamedTuple):
    """What one recipient gets in the place of what all get."""

    title: str | None
    body: str | None
    raw: str | None
    context: Mapping[str, str]
    campaign: Mapping[str, str]


class Plan(Protocol):
    """The texts of one channel."""

    @property
    def defaults(self) -> Sequence[Values]:
        """What stands in for values that an endpoint lacks."""

    def compose(self, variables: Variables, overrides: Overrides) -> Content:
        """Return what one recipient gets.

        Raises:
            Failed: a text cannot be rendered, or there is nothing to send.
        """


@attrs.frozen
class _Layer:
    """One place where a message can say something, and what stands there."""

    place: str
    members: Mapping[str, object]


class _Overriding:
    """Compiles the texts that recipients have of their own: mostly a few, again and again."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, str], Text] = {}

    def __call__(self, text: str, place: str) -> Text:
        key = (place, text)
        found = self._texts.get(key)
        if found is None:
            if len(self._texts) >= _MOST_COMPILED:
                self._texts.clear()
            found = self._texts[key] = Text(text, place, is_json=place == texts_in.RAW)
        return found


def plan_of(
    channel: str,
    configuration: Mapping[str, object],
    templates: Mapping[str, Mapping[str, object]],
    settings: Mapping[str, object],
) -> Plan:
    """Return the plan of a channel.

    Args:
        channel: one of `CHANNELS`.
        configuration: the message configuration.
        templates: the contents of templates by type.
        settings: those of the channel, such as `FromAddress`.

    Raises:
        Failed: a text is no template.
    """
    if channel == "EMAIL":
        return _EmailPlan.of(configuration, templates.get("EMAIL", {}), settings)
    if channel == "SMS":
        return _SmsPlan.of(configuration, templates.get("SMS", {}), settings)
    if channel == "VOICE":
        return _VoicePlan.of(configuration, templates.get("VOICE", {}))
    return _PushPlan.of(channel, configuration, templates.get("PUSH", {}))


def not_a_channel(channel: str) -> str:
    """Return what is said of a channel type that is none of `CHANNELS`."""
    return f"No messages are sent through {channel}; give one of {', '.join(sorted(CHANNELS))}"


def _layers(configuration: Mapping[str, object], *names: str) -> list[_Layer]:
    """Return the members of a configuration that are there, in this order."""
    return [
        _Layer(f"MessageConfiguration.{name}", cast("Mapping[str, object]", configuration[name]))
        for name in names
        if configuration.get(name)
    ]


def _text(layers: Iterable[_Layer], *names: str, is_html: bool = False) -> Text | None:
    """Return the text of the first layer that has one of these members."""
    for layer in layers:
        for name in names:
            value: object = layer.members
            for step in name.split("."):
                value = cast("Mapping[str, object]", value).get(step) if value else None
            if isinstance(value, str) and value:
                place = f"{layer.place}.{name}"
                return Text(value, place, is_html=is_html, is_json=name == texts_in.RAW)
    return None


def _defaults(template: Mapping[str, object], layers: Sequence[_Layer]) -> Sequence[Values]:
    """Return the variables of messages and templates; the first layer wins, the template loses."""
    given = [
        *(layer.members.get("Substitutions") for layer in layers),
        template.get("DefaultSubstitutions"),
    ]
    return defaults_of([cast("Values", values) for values in given if values])


def _rendered(text: Text | None, variables: Variables) -> str:
    return "" if text is None else text.render(variables)


@attrs.define
class _EmailPlan:
    defaults: Sequence[Values]
    _subject: Text | None
    _text: Text | None
    _html: Text | None
    _sender: str
    _headers: Mapping[str, Text]
    _data: Mapping[str, object]
    _raw: Content | None
    _override: _Overriding = attrs.field(factory=_Overriding, init=False)

    @classmethod
    def of(
        cls,
        configuration: Mapping[str, object],
        template: Mapping[str, object],
        settings: Mapping[str, object],
    ) -> _EmailPlan:
        own = _layers(configuration, "EmailMessage")
        default = _layers(configuration, "DefaultMessage")
        templates = [_Layer("EmailTemplate", template)] if template else []
        message = own[0].members if own else {}
        has_parts = any(
            _text(own, *names) is not None
            for names in (("SimpleEmail.HtmlPart.Data", "HtmlBody"), _BODIES)
        )
        # A message that has a body of its own does not get half of a template's, too.
        bodies = own if has_parts else templates
        text = _text([*bodies], *_BODIES, texts_in.TEXT)
        html = _text(bodies, "SimpleEmail.HtmlPart.Data", "HtmlBody", texts_in.HTML, is_html=True)
        if text is None and html is None:
            text = _text(default, "Body")
        sender = message.get("FromAddress") or settings.get("FromAddress") or ""
        data = {name: message[name] for name in ("FeedbackForwardingAddress",) if message.get(name)}
        return cls(
            _defaults(template, [*own, *default]),
            _text(
                [*own, *templates, *default],
                *("SimpleEmail.Subject.Data", "Title", texts_in.SUBJECT),
            ),
            text,
            html,
            str(sender),
            dict(_headers(message, template)),
            data,
            _raw_email(message, str(sender), data),
        )

    def compose(self, variables: Variables, overrides: Overrides) -> Content:
        if self._raw is not None:
            return self._raw
        override, subject, text, html = self._override, self._subject, self._text, self._html
        if overrides.title is not None:
            subject = override(overrides.title, "TitleOverride")
        if overrides.body is not None:
            text, html = override(overrides.body, "BodyOverride"), None
        content = Content(
            title=_subject(subject, variables),
            body=_rendered(text, variables),
            html=_rendered(html, variables),
            sender=self._sender,
            headers={name: _line(header, variables) for name, header in self._headers.items()},
            data=self._data,
        )
        if not content.body and not content.html:
            raise _nothing("EMAIL", "EmailMessage, EmailTemplate or DefaultMessage")
        return content


def _subject(text: Text | None, variables: Variables) -> str:
    """Return a subject: one line, whatever blocks and values it was made of."""
    subject = _rendered(text, variables)
    return subject if is_one_line(subject) else one_line(subject)


def _line(text: Text, variables: Variables) -> str:
    """Return the value of a header.

    Raises:
        Failed: a value has a line end, behind which another header would begin.
    """
    line = text.render(variables)
    if not is_one_line(line):
        raise Failed(f"{text.place}: must be one line, without control characters")
    return line


_BODIES = ("SimpleEmail.TextPart.Data", "Body")


def _headers(
    message: Mapping[str, object], template: Mapping[str, object]
) -> Iterator[tuple[str, Text]]:
    """Yield the headers of an e-mail; those of the message come last, and so win."""
    simple = cast("Mapping[str, object]", message.get("SimpleEmail") or {})
    for place, source in (
        ("EmailTemplate", template),
        ("MessageConfiguration.EmailMessage", message),
        ("MessageConfiguration.EmailMessage.SimpleEmail", simple),
    ):
        given = cast("Sequence[Mapping[str, str]]", source.get("Headers") or ())
        for position, header in enumerate(given):
            if header.get("Name"):
                where = f"{place}.Headers[{position}].Value"
                yield header["Name"], Text(header.get("Value", ""), where)
    replies = cast("Sequence[str]", message.get("ReplyToAddresses") or ())
    if replies:
        yield "Reply-To", Text(", ".join(replies), "MessageConfiguration.EmailMessage.Reply-To")


def _raw_email(
    message: Mapping[str, object], sender: str, data: Mapping[str, object]
) -> Content | None:
    """Return an e-mail that was given as MIME, taken apart; it is sent as it is."""
    raw = cast("Mapping[str, str]", message.get("RawEmail") or {}).get("Data")
    if not raw:
        return None
    from base64 import b64decode  # noqa: PLC0415 -- rarely

    parsed = message_from_bytes(b64decode(raw), policy=policy.default)
    try:
        texts = {
            kind: "" if part is None else str(part.get_content()).replace("\r\n", "\n")
            for kind in ("plain", "html")
            for part in [parsed.get_body((kind,))]
        }
        headers = {name: str(value) for name, value in parsed.items()}
    except (LookupError, ValueError, KeyError):
        raise Failed(
            "MessageConfiguration.EmailMessage.RawEmail.Data: is no message that can be read"
        ) from None
    return Content(
        title=headers.get("Subject", ""),
        body=texts["plain"],
        html=texts["html"],
        sender=headers.get("From", sender),
        headers=headers,
        data={**data, "RawEmail": raw},
    )


@attrs.define
class _SmsPlan:
    defaults: Sequence[Values]
    _body: Text | None
    _sender: str
    _number: str
    _type: str
    _data: Mapping[str, object]
    _override: _Overriding = attrs.field(factory=_Overriding, init=False)

    @classmethod
    def of(
        cls,
        configuration: Mapping[str, object],
        template: Mapping[str, object],
        settings: Mapping[str, object],
    ) -> _SmsPlan:
        own = _layers(configuration, "SMSMessage")
        default = _layers(configuration, "DefaultMessage")
        templates = [_Layer("SMSTemplate", template)] if template else []
        message = own[0].members if own else {}
        return cls(
            _defaults(template, [*own, *default]),
            _text([*own, *templates, *default], "Body"),
            str(message.get("SenderId") or settings.get("SenderId") or ""),
            str(message.get("OriginationNumber") or settings.get("ShortCode") or ""),
            str(message.get("MessageType") or "TRANSACTIONAL"),
            {
                name: message[name]
                for name in ("EntityId", "Keyword", "MediaUrl", "TemplateId")
                if message.get(name)
            },
        )

    def compose(self, variables: Variables, overrides: Overrides) -> Content:
        body = self._body
        if overrides.body is not None:
            body = self._override(overrides.body, "BodyOverride")
        text = _rendered(body, variables)
        if not text:
            raise _nothing("SMS", "SMSMessage, SMSTemplate or DefaultMessage")
        if len(text) > _MAX_SMS_CHARS:
            raise Failed(f"The SMS has more than {_MAX_SMS_CHARS} characters; send a shorter text")
        return Content(
            body=text,
            sender=self._sender,
            origination_number=self._number,
            message_type=self._type,
            data=self._data,
            parts=parts(text),
        )


@attrs.define
class _VoicePlan:
    defaults: Sequence[Values]
    _body: Text | None
    _number: str
    _data: Mapping[str, object]
    _override: _Overriding = attrs.field(factory=_Overriding, init=False)

    @classmethod
    def of(cls, configuration: Mapping[str, object], template: Mapping[str, object]) -> _VoicePlan:
        own = _layers(configuration, "VoiceMessage")
        default = _layers(configuration, "DefaultMessage")
        templates = [_Layer("VoiceTemplate", template)] if template else []
        said = {**template, **(own[0].members if own else {})}
        return cls(
            _defaults(template, [*own, *default]),
            _text([*own, *templates, *default], "Body"),
            str(said.get("OriginationNumber") or ""),
            {name: said[name] for name in ("LanguageCode", "VoiceId") if said.get(name)},
        )

    def compose(self, variables: Variables, overrides: Overrides) -> Content:
        body = self._body
        if overrides.body is not None:
            body = self._override(overrides.body, "BodyOverride")
        text = _rendered(body, variables)
        if not text:
            raise _nothing("VOICE", "VoiceMessage, VoiceTemplate or DefaultMessage")
        return Content(body=text, origination_number=self._number, data=self._data)


@attrs.define
class _PushPlan:
    defaults: Sequence[Values]
    _channel: str
    _texts: Mapping[str, Text]
    _maps: Mapping[str, Mapping[str, Text]]
    _fixed: Mapping[str, object]
    _raw: Text | None
    _override: _Overriding = attrs.field(factory=_Overriding, init=False)

    @classmethod
    def of(
        cls, channel: str, configuration: Mapping[str, object], template: Mapping[str, object]
    ) -> _PushPlan:
        platform = texts_in.PLATFORMS[channel]
        own = _layers(configuration, f"{platform}Message")
        default = _layers(configuration, "DefaultPushNotificationMessage", "DefaultMessage")
        layers = [
            *own,
            *(
                _Layer(f"PushTemplate.{part}", cast("Mapping[str, object]", template[part]))
                for part in (platform, texts_in.DEFAULT)
                if template.get(part)
            ),
            *default,
        ]
        texts: dict[str, Text] = {}
        maps: dict[str, Mapping[str, Text]] = {}
        fixed: dict[str, object] = {}
        for layer in reversed(layers):
            for member, value in layer.members.items():
                place = f"{layer.place}.{member}"
                if member in _NOT_SHOWN or value == "":
                    continue
                if isinstance(value, str):
                    is_json = member == "JsonBody" and value.lstrip().startswith(("{", "["))
                    texts[member] = Text(value, place, is_json=is_json)
                elif isinstance(value, dict):
                    maps[member] = {key: Text(text, place) for key, text in value.items()}
                else:
                    fixed[member] = value
        raw = _text(_saying(layers)[:1], texts_in.RAW)
        return cls(_defaults(template, [*own, *default]), channel, texts, maps, fixed, raw)

    def compose(self, variables: Variables, overrides: Overrides) -> Content:
        raw = self._raw
        if overrides.raw is not None:
            raw = self._override(overrides.raw, texts_in.RAW)
        if raw is not None:
            return self._of_raw(raw.render(variables), self._beside(variables))
        members: dict[str, object] = {
            name: text.render(variables) for name, text in self._texts.items()
        }
        for name, texts in self._maps.items():
            members[name] = {key: text.render(variables) for key, text in texts.items()}
        members.update(self._fixed)
        for name, text in (("Title", overrides.title), ("Body", overrides.body)):
            if text is not None:
                members[name] = self._override(text, f"{name}Override").render(variables)
        title, body = str(members.get("Title", "")), str(members.get("Body", ""))
        if not (title or body or members.get("SilentPush")):
            raise _nothing(self._channel, "the channel's message, PushTemplate or DefaultMessage")
        made = payload(self._channel, members, overrides.context, overrides.campaign)
        return Content(title=title, body=body, payload=made, data=self._beside(variables))

    def _beside(self, variables: Variables) -> dict[str, object]:
        """Return what the push service is told beside the payload."""
        return {
            name: self._fixed[name] if name in self._fixed else self._texts[name].render(variables)
            for name in BESIDE.get(self._channel, ())
            if name in self._fixed or name in self._texts
        }

    @staticmethod
    def _of_raw(text: str, data: Mapping[str, object]) -> Content:
        try:
            orjson.loads(text)
        except orjson.JSONDecodeError:
            raise Failed(
                "RawContent is no JSON; give the payload as the push service takes it"
            ) from None
        return Content(payload=text, data=data)


def _saying(layers: Sequence[_Layer]) -> list[_Layer]:
    """Return the layers of a push message that say something, the one that wins first."""
    return [
        layer
        for layer in layers
        if any(layer.members.get(name) for name in (*_SAYING, texts_in.RAW))
    ]


def _nothing(channel: str, members: str) -> Failed:
    return Failed(f"There is no text for the {channel} channel: give {members}")
