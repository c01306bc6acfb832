"""Which texts a template has, and which of them a channel gets: for previews and for messages.

Pure; how templates are stored stands in template_rows.py, what their texts mean in
pinpoint_kit/templating.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["BODY", "DEFAULT", "HTML", "PLATFORMS", "SUBJECT", "TEXT", "PartText", "texts_of"]

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
#: The members of a push template that are texts, in the order of an answer.
_PUSH_TEXTS = (
    *("Title", "Body", "Url", "MediaUrl", "ImageUrl", "ImageIconUrl", "SmallImageIconUrl"),
    "RawContent",
)


class PartText(NamedTuple):
    """One text of a template: its name, what was written, and whether it is HTML."""

    name: str
    text: str
    is_html: bool = False


def texts_of(
    kind: str, content: Mapping[str, object], channel: str | None = None
) -> Iterator[PartText]:
    """Yield the texts of a template that recipients see.

    Args:
        kind: its type, one of `TYPES` in template_rows.py.
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


def _named(content: Mapping[str, object], *names: str, prefix: str = "") -> Iterator[PartText]:
    for name in names:
        text = content.get(name)
        if isinstance(text, str):
            yield PartText(prefix + name, text)


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
