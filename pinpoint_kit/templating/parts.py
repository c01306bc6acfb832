"""Which texts templates and messages have, which a channel gets, and which cannot be read.

For previews, for messages, and for those who write them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

from pinpoint_kit.errors import TemplateError
from pinpoint_kit.templating.template import compile_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "BODY",
    "DEFAULT",
    "HTML",
    "PLATFORMS",
    "RAW",
    "SUBJECT",
    "TEXT",
    "PartText",
    "faults_of",
    "faults_of_messages",
    "texts_of",
]

#: The texts of a template for e-mail, and that of one for SMS or voice.
SUBJECT, TEXT, HTML, BODY = "Subject", "TextPart", "HtmlPart", "Body"
#: The member of a push template for each channel; it wins over the default one, member by member.
PLATFORMS = {
    "ADM": "ADM",
    "APNS": "APNS",
    "APNS_SANDBOX": "APNS",
    "APNS_VOIP": "APNS",
    "APNS_VOIP_SANDBOX": "APNS",
    "BAIDU": "Baidu",
    "GCM": "GCM",
}
DEFAULT = "Default"
#: The payload of a push message, in the place of everything else that it says.
RAW = "RawContent"
#: The members of a push template that are texts, in the order of an answer.
_PUSH_TEXTS = (
    *("Title", "Body", "Url", "MediaUrl", "ImageUrl", "ImageIconUrl", "SmallImageIconUrl"),
    RAW,
)
#: What in-app messages, custom channels and finished e-mails say has no variables.
_NO_TEMPLATES = frozenset({"CustomMessage", "InAppMessage", "RawEmail", "Substitutions"})


class PartText(NamedTuple):
    """One text of a template: its name, what was written, and whether it is HTML or JSON."""

    name: str
    text: str
    is_html: bool = False
    is_json: bool = False


def texts_of(
    kind: str, content: Mapping[str, object], channel: str | None = None
) -> Iterator[PartText]:
    """Yield the texts of a template that recipients see.

    Args:
        kind: its type, such as `EMAIL`.
        content: its members.
        channel: of a push template, only what this channel gets; all of its parts when None, or
            when it is not a channel of push messages.
    """
    if kind == "EMAIL":
        yield from _named(content, SUBJECT, TEXT)
        html = content.get(HTML)
        if isinstance(html, str):
            yield PartText(HTML, html, is_html=True)
        for header in _objects(content.get("Headers")):
            yield PartText(f"Headers.{header.get('Name', '')}", str(header.get("Value", "")))
    elif kind == "PUSH":
        yield from _push(content, channel)
    elif kind == "INAPP":
        for position, each in enumerate(_objects(content.get("Content"))):
            yield from _in_app(each, f"Content[{position}].")
    else:
        yield from _named(content, BODY)


def faults_of(kind: str, content: Mapping[str, object]) -> dict[str, TemplateError]:
    """Return why texts of a template cannot be read, whoever gets them, by the names of `texts_of`.

    Whether they can be rendered depends on a recipient's values, too.

    Args:
        kind: its type, such as `EMAIL`.
        content: its members.
    """
    return {} if kind == "INAPP" else _faults(texts_of(kind, content))


def faults_of_messages(configuration: Mapping[str, object]) -> dict[str, TemplateError]:
    """Return why texts of a message configuration cannot be read, by their places in it."""
    return _faults(_messages(configuration, ""))


def _faults(texts: Iterable[PartText]) -> dict[str, TemplateError]:
    found: dict[str, TemplateError] = {}
    for part in texts:
        try:
            compile_template(part.text)
        except TemplateError as error:  # noqa: PERF203 -- each has its own
            found[part.name] = error
    return found


def _messages(value: object, place: str) -> Iterator[PartText]:
    if isinstance(value, str):
        yield PartText(place, value)
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _NO_TEMPLATES:
                yield from _messages(each, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _messages(each, f"{place}[{position}]")


def _named(content: Mapping[str, object], *names: str, prefix: str = "") -> Iterator[PartText]:
    for name in names:
        text = content.get(name)
        if isinstance(text, str):
            yield PartText(prefix + name, text, is_json=name == RAW)


def _push(content: Mapping[str, object], channel: str | None) -> Iterator[PartText]:
    parts = {name: _map(content.get(name)) for name in (DEFAULT, *PLATFORMS.values())}
    platform = PLATFORMS.get(channel or "")
    if platform is not None:
        own = {name: value for name, value in parts[platform].items() if value != ""}
        parts = {"": {**parts[DEFAULT], **own}}
    for name, members in parts.items():
        yield from _named(members, *_PUSH_TEXTS, prefix=f"{name}." if name else "")


def _in_app(content: Mapping[str, object], prefix: str) -> Iterator[PartText]:
    for member, name in (("HeaderConfig", "Header"), ("BodyConfig", "Body")):
        yield from _named(_map(content.get(member)), name, prefix=f"{prefix}{member}.")
    for button in ("PrimaryBtn", "SecondaryBtn"):
        members = _map(_map(content.get(button)).get("DefaultConfig"))
        yield from _named(members, "Text", prefix=f"{prefix}{button}.DefaultConfig.")


def _map(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, object]]:
    given = value if isinstance(value, list) else []
    return [cast("Mapping[str, object]", each) for each in given if isinstance(each, Mapping)]
