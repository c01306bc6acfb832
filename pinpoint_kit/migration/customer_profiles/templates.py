"""From Pinpoint's message templates to those of Amazon Connect: variables under their new names.

Both speak Handlebars. What stands in `{{…}}` is taken apart so far that its paths can be replaced;
texts in quotes, helpers and everything outside stay as they are. What cannot be replaced stays,
and is noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.migration.customer_profiles.mapping.members import PLAIN, text_of
from pinpoint_kit.migration.customer_profiles.mapping.names import attribute_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Templates", "convert_templates", "rewritten"]

_CUSTOMER = "Attributes.Customer."
_CUSTOM = f"{_CUSTOMER}Attributes."
#: A tag: an escaped one, a comment, or three or two braces.
_TAG = re.compile(
    r"\\\{\{|\{\{!--.*?--~?\}\}|\{\{~?!.*?\}\}|\{\{\{.*?\}\}\}|\{\{(?:\"[^\"]*\"|'[^']*'|.)*?\}\}",
    re.DOTALL,
)
#: Inside of a tag: a text, a path, or what stands between them.
_TOKEN = re.compile(
    r"\"[^\"]*\"|'[^']*'|(?P<path>(?:@|\.\./)*[A-Za-z_$][\w$-]*(?:(?:\.|/)(?:\[[^\]]*\]|[\w$-]+)|\[[^\]]*\])*)"
    r"|\[[^\]]*\]|-?\d[\d.]*|.",
    re.DOTALL,
)
_STEP = re.compile(r"\[([^\]]*)\]|([\w$-]+)")
_GROUPS = frozenset({"Attributes", "Metrics", "User", "Demographic", "Location", "Recommendations"})
_LITERALS = frozenset({"true", "false", "null", "undefined", "this", "else", "as"})
_CORE_HELPERS = frozenset({"if", "unless", "each", "with", "lookup", "else"})
_DEMOGRAPHIC = frozenset(
    {
        *("AppVersion", "Locale", "Make", "Model", "ModelVersion", "Platform", "PlatformVersion"),
        "Timezone",
    }
)
_SUBTYPES = {"EMAIL": "EMAIL", "SMS": "SMS", "PUSH": "PUSH"}
_PUSH = {"ADM": "adm", "APNS": "apns", "Baidu": "baidu", "GCM": "fcm", "Default": ""}
_PUSH_TEXTS = {
    "Title": "title",
    "Sound": "sound",
    "Url": "url",
    "ImageUrl": "imageUrl",
    "ImageIconUrl": "imageIconUrl",
    "SmallImageIconUrl": "smallImageIconUrl",
    "MediaUrl": "mediaUrl",
}
_MAX_NAME_CHARS = 255
_MAX_DESCRIPTION_CHARS = 255
_NAME = re.compile(r"[^A-Za-z0-9\s_.,-]+")


@attrs.frozen(kw_only=True)
class Templates:
    """What became of templates.

    Args:
        requests: requests of qconnect's CreateMessageTemplate but for the knowledge base.
        notes: what is missing or different: the template, its part, and why.
    """

    requests: Sequence[dict[str, object]]
    notes: Sequence[str]


def convert_templates(templates: Iterable[dict[str, Any]], *, region_field: str) -> Templates:
    """Convert templates.

    Args:
        templates: as GetEmailTemplate and the like answer, each with its `TemplateType`.
        region_field: the field of `Address` that has the region.
    """
    requests: list[dict[str, object]] = []
    notes: list[str] = []

    def order(template: dict[str, Any]) -> tuple[str, str]:
        return text_of(template.get("TemplateName")) or "", str(template["TemplateType"])

    for template in sorted(templates, key=order):
        name, kind = order(template)
        own: list[str] = []

        def rewrite(text: str, own: list[str] = own, kind: str = kind) -> str:
            found, problems = rewritten(text, kind, region_field=region_field)
            own += problems
            return found

        content = _content(template, kind, rewrite, own)
        if content is not None:
            requests.append(_request(template, kind, content, own, rewrite))
        label = f"template {name or '(unnamed)'} ({kind})"
        notes += [f"{label}: {each}" for each in dict.fromkeys(own)]
    return Templates(requests=requests, notes=notes)


def _request(
    template: dict[str, Any],
    kind: str,
    content: dict[str, object],
    notes: list[str],
    rewrite: Callable[[str], str],
) -> dict[str, object]:
    name = text_of(template.get("TemplateName")) or ""
    plain = _NAME.sub("-", name).lstrip("-")[:_MAX_NAME_CHARS] or "template"
    request: dict[str, object] = {
        "name": plain,
        "channelSubtype": _SUBTYPES[kind],
        "content": content,
    }
    description = text_of(template.get("TemplateDescription"))
    if description:
        found = _NAME.sub(" ", description).strip()[:_MAX_DESCRIPTION_CHARS]
        if found:
            request["description"] = found
        if found != description:
            notes.append("TemplateDescription: signs that a description cannot have are left out")
    defaults = _defaults(template, notes, rewrite)
    if defaults:
        request["defaultAttributes"] = {"customerProfileAttributes": {"custom": defaults}}
    left_out = [member for member in ("RecommenderId", "tags") if template.get(member)]
    notes += [f"{member}: is left out" for member in left_out]
    return request


def _defaults(
    template: dict[str, Any], notes: list[str], rewrite: Callable[[str], str]
) -> dict[str, str]:
    """Return the defaults of variables that are custom attributes of a profile now."""
    given = template.get("DefaultSubstitutions")
    if not given:
        return {}
    try:
        values = orjson.loads(given)
    except (orjson.JSONDecodeError, TypeError):
        values = None
    if not isinstance(values, dict):
        notes.append("DefaultSubstitutions: is no JSON object")
        return {}
    found = {}
    for path, value in values.items():
        target = rewrite(f"{{{{{path}}}}}")[2:-2]
        text = text_of(value)
        if target.startswith(_CUSTOM) and text:
            found[target.removeprefix(_CUSTOM)] = text
        else:
            notes.append(f"DefaultSubstitutions: {path[:100]}: set its default in Amazon Connect")
    return found


def _content(
    template: dict[str, Any], kind: str, rewrite: Callable[[str], str], notes: list[str]
) -> dict[str, object] | None:
    if kind == "EMAIL":
        return _email(template, rewrite, notes)
    if kind == "SMS":
        body = text_of(template.get("Body"))
        if not body:
            notes.append("Body: is empty")
            return None
        return {"sms": {"body": {"plainText": {"content": rewrite(body)}}}}
    if kind == "PUSH":
        return _push(template, rewrite, notes)
    notes.append("Amazon Connect has no templates of this type")
    return None


def _email(
    template: dict[str, Any], rewrite: Callable[[str], str], notes: list[str]
) -> dict[str, object] | None:
    body = {}
    for member, name in (("HtmlPart", "html"), ("TextPart", "plainText")):
        if text := text_of(template.get(member)):
            body[name] = {"content": rewrite(text)}
    email: dict[str, object] = {}
    if subject := text_of(template.get("Subject")):
        email["subject"] = rewrite(subject)
    if body:
        email["body"] = body
    headers = template.get("Headers")
    if isinstance(headers, list) and headers:
        email["headers"] = [
            {
                "name": text_of(each.get("Name")) or "",
                "value": rewrite(text_of(each.get("Value")) or ""),
            }
            for each in headers
            if isinstance(each, dict)
        ]
    if not email:
        notes.append("Subject, HtmlPart, TextPart: are empty")
        return None
    return {"email": email}


def _push(
    template: dict[str, Any], rewrite: Callable[[str], str], notes: list[str]
) -> dict[str, object] | None:
    found: dict[str, object] = {}
    default = template.get("Default")
    for member, service in _PUSH.items():
        given = template.get(member)
        if not isinstance(given, dict) or not service:
            continue
        found[service] = _message(given, rewrite)
    if isinstance(default, dict) and any(default.values()):
        for service in ("adm", "apns", "baidu", "fcm"):
            found.setdefault(service, _message(default, rewrite))
    if not found:
        notes.append("no message of any push service is in it")
        return None
    return {"push": found}


def _message(given: dict[str, Any], rewrite: Callable[[str], str]) -> dict[str, object]:
    message: dict[str, object] = {}
    if body := text_of(given.get("Body")):
        message["body"] = {"content": rewrite(body)}
    if raw := text_of(given.get("RawContent")):
        message["rawContent"] = {"content": rewrite(raw)}
    if given.get("Action"):
        message["action"] = given["Action"]
    for member, name in _PUSH_TEXTS.items():
        if text := text_of(given.get(member)):
            message[name] = rewrite(text)
    return message


def rewritten(text: str, kind: str, *, region_field: str) -> tuple[str, list[str]]:
    """Return a text of a template with Amazon Connect's names of variables.

    Args:
        text: Handlebars, as Pinpoint takes it.
        kind: the type of the template, which says what `{{Address}}` is.
        region_field: the field of `Address` that has the region.

    Returns:
        The text, and notes on what could not be rewritten.

    Examples:
        >>> rewritten("Hi {{User.UserAttributes.name}}!", "SMS", region_field="Province")
        ('Hi {{Attributes.Customer.Attributes.User_name}}!', [])
    """
    notes: list[str] = []

    def tag(found: re.Match[str]) -> str:
        whole = found[0]
        if whole.startswith(("\\", "{{!", "{{~!")):
            return whole
        braces = 3 if whole.startswith("{{{") else 2
        inner = whole[braces:-braces]
        return whole[:braces] + _inside(inner, kind, region_field, notes) + whole[-braces:]

    return _TAG.sub(tag, text), notes


def _inside(inner: str, kind: str, region_field: str, notes: list[str]) -> str:
    is_block = inner.lstrip("~ \t\r\n").startswith(("#", "/", "^", ">", "else"))
    parts: list[str] = []
    tokens = list(_TOKEN.finditer(inner))
    paths = [found for found in tokens if found["path"]]
    is_call = is_block or len([each for each in tokens if each[0].strip(" \t\r\n~&")]) > 1
    for found in tokens:
        path = found["path"]
        if path is None:
            parts.append(found[0])
            continue
        before = inner[: found.start()].rstrip()
        is_helper = (is_call and found is paths[0]) or before.endswith("(")
        if inner[found.end() :].lstrip().startswith("=") or path in _LITERALS:
            parts.append(path)
        elif is_helper and path.partition(".")[0] not in _GROUPS:
            if path not in _CORE_HELPERS:
                notes.append(f"the helper {path[:50]}: see whether Amazon Connect has it")
            parts.append(path)
        else:
            parts.append(_path(path, kind, region_field, notes))
    return "".join(parts)


def _path(path: str, kind: str, region_field: str, notes: list[str]) -> str:
    steps = [first or second for first, second in _STEP.findall(path)]
    target = "" if path.startswith(("@", "..")) else _target(steps, kind, region_field)
    if not target:
        notes.append(f"{{{{{path[:100]}}}}}: has no place in a profile, and is left as it is")
        return path
    return target


def _target(steps: list[str], kind: str, region_field: str) -> str:  # noqa: C901, PLR0911 -- a table
    """Return the new path; "" where there is none."""
    match steps:
        case ["User", "UserId"]:
            return f"{_CUSTOMER}AccountNumber"
        case ["User", "UserAttributes", name, *rest]:
            return _listed(f"User_{name}", rest)
        case ["Attributes", name, *rest]:
            return _listed(name, rest)
        case ["Metrics", name]:
            return _CUSTOM + attribute_name(f"Metrics_{name}")
        case ["Demographic", name] if name in _DEMOGRAPHIC:
            return f"{_CUSTOM}Demographic_{name}"
        case ["Location", "City" | "Country" | "PostalCode" as name]:
            return _CUSTOMER + name
        case ["Location", "Region"]:
            return _CUSTOMER + region_field
        case ["Location", "Latitude" | "Longitude" as name]:
            return f"{_CUSTOM}Location_{name}"
        case ["Address"] if kind in {"EMAIL", "SMS", "VOICE"}:
            return _CUSTOMER + ("EmailAddress" if kind == "EMAIL" else "PhoneNumber")
        case [name] if name in PLAIN:
            return f"{_CUSTOM}pinpoint_{name}"
    return ""


def _listed(name: str, rest: list[str]) -> str:
    """Return the path of an attribute, or of one of its values."""
    base = _CUSTOM + attribute_name(name)
    match rest:
        case [] | ["0"]:
            return base
        case [number] if number.isdecimal():
            return f"{base}_{number}"
    return ""
