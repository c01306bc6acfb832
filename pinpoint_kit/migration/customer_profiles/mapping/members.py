"""What stands in an endpoint's JSON, and what is decided by it before anything is converted.

Whose profile an endpoint belongs to, how new it is, whether it may be contacted, and by which
address it is the same as another. Anything may stand anywhere: nothing here raises.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
import uuid
from typing import Any, Protocol, TypeAlias

import orjson

from pinpoint_kit.records.contacts import EMAIL_CHANNELS, PHONE_CHANNELS, comparable
from pinpoint_kit.records.ids import derived_id

__all__ = [
    "ANONYMOUS",
    "CHANNELS",
    "CONTACT_CHANNELS",
    "DEFAULTS",
    "INACTIVE",
    "OPTED_OUT",
    "PLAIN",
    "PUSH_CHANNELS",
    "Shape",
    "Staged",
    "channel_of",
    "has_repetitions",
    "number_text",
    "staged",
    "text_of",
    "without_repetitions",
]

PUSH_CHANNELS = frozenset(
    {"ADM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "BAIDU", "GCM", "PUSH"}
)
CONTACT_CHANNELS = EMAIL_CHANNELS | PHONE_CHANNELS
_OTHER_CHANNELS = frozenset({"CUSTOM", "IN_APP"})
CHANNELS = CONTACT_CHANNELS | PUSH_CHANNELS | _OTHER_CHANNELS
#: How a contact begins, by its channel: what has none is no contact.
_KINDS = {
    **dict.fromkeys(EMAIL_CHANNELS, "E"),
    **dict.fromkeys(PHONE_CHANNELS, "P"),
    **dict.fromkeys(PUSH_CHANNELS, "T"),
}

#: Members of an endpoint that are plain values, in the order in which they are kept.
PLAIN = (
    "Id",
    "ChannelType",
    "OptOut",
    "EndpointStatus",
    "EffectiveDate",
    "CreationDate",
    "CohortId",
    "RequestId",
    "ApplicationId",
)
_GROUPS = ("Attributes", "Demographic", "Location", "Metrics")
#: What does not stop messages; anything else does.
DEFAULTS = {"OptOut": "NONE", "EndpointStatus": "ACTIVE"}

_MISSPELT = {name.lower(): name for name in DEFAULTS}

#: Flags of an endpoint that may not be contacted.
OPTED_OUT, INACTIVE = 1, 2

#: How keys of profiles without a user begin, and no others.
ANONYMOUS = "endpoint:"
_USER = "user:"
_RESERVED = (ANONYMOUS, _USER)
_MAX_KEY_CHARS = 255
_HASH_CHARS = 64
_NAMESPACE = uuid.UUID("1b4b52f3-6c55-4e0c-9f5f-0e2b7d0f6a11")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z")


#: What endpoints may have in common: the names of each group, behind them how many values each of
#: its lists has, and None between two groups.
Shape: TypeAlias = "tuple[str | int | None, ...]"


class Packing(Protocol):
    """Makes flat texts of an endpoint."""

    def packed(self, members: dict[str, Any], key: str, flags: int) -> str | None:
        """Return the texts; None if one would not stay as it is."""


#: One endpoint as it waits for its profile:
#: the profile's key;
#: when it was last changed, so that texts compare as instants, "" when unknown;
#: the endpoint's id, or one made from what it has;
#: why it may not be contacted, 0 when it may;
#: the same for the same address, however it is written, "" when it has none;
#: which file it stands in, and on which line;
#: its texts as packing.py has them, or its JSON.
Staged: TypeAlias = "tuple[str, str, str, int, str, int, int, str | bytes]"


def staged(
    members: dict[str, Any], content: bytes, plan: Packing | None, file: int, line: int
) -> Staged:
    """Return an endpoint with what must be known of it before it is converted.

    Args:
        members: its JSON, read.
        content: its JSON.
        plan: packs it, if anything can.
        file: which file it stands in.
        line: where in that file.
    """
    get = members.get
    channel = channel_of(members)
    address = get("Address")
    endpoint_id = get("Id")
    if type(endpoint_id) is not str or not endpoint_id:
        endpoint_id = text_of(endpoint_id) or _made_id(content, channel, address)
    user = get("User")
    user_id = user.get("UserId") if type(user) is dict else None
    if type(user_id) is not str:
        user_id = text_of(user_id)
    value = get("OptOut")
    flags = 0 if value == "NONE" or value is None else OPTED_OUT
    value = get("EndpointStatus")
    if value != "ACTIVE" and value is not None:
        flags |= INACTIVE
    if plan is None:
        flags |= _misspelt_refusals(members)
    if user_id:
        key = f"{_USER}{user_id}" if user_id.startswith(_RESERVED) else user_id
    else:
        key = ANONYMOUS + endpoint_id
    if len(key) > _MAX_KEY_CHARS:
        key = _shortened(key)
    effective = get("EffectiveDate")
    if effective is not None:
        is_plain = type(effective) is str and _UTC.fullmatch(effective)
        effective = effective[:-1] if is_plain else _instant(effective)
        if "." in effective:  # the same instant is the same text
            effective = effective.rstrip("0").rstrip(".")
    return (
        key,
        effective or "",
        endpoint_id,
        flags,
        _contact(channel, address) if type(address) is str else "",
        file,
        line,
        (plan and plan.packed(members, key, flags)) or content,
    )


def channel_of(members: dict[str, Any]) -> str:
    """Return the channel; "UNKNOWN" for what is none of Pinpoint's, "" where none is given."""
    given = members.get("ChannelType")
    if given is None:
        return ""
    if type(given) is not str:
        return "UNKNOWN"
    if given in CHANNELS:
        return given
    upper = given.upper()
    return upper if upper in CHANNELS else "UNKNOWN"


def number_text(value: float) -> str:
    """Return a number as text, in plain digits as far as Python does."""
    return repr(value).removesuffix(".0")


def text_of(value: object) -> str | None:
    """Return a JSON value as text; None for null, "" for what is nested too deeply.

    Examples:
        >>> text_of("a"), text_of(7.0), text_of(True), text_of([1]), text_of(None)
        ('a', '7', 'true', '[1]', None)
    """
    if type(value) is str:
        return value
    if value is None:
        return None
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(value)
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # nested too deeply
        return ""


def has_repetitions(content: bytes, quotes: int) -> bool:
    """Whether a name may stand more than once in an object, as far as can be told at once.

    Args:
        content: the JSON.
        quotes: how many quotation marks the JSON of what a reader has made of it has.
    """
    return content.count(b'"') != quotes or b"\\" in content


def without_repetitions(content: bytes, members: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Return the members of a JSON object, and how many of them stand there more than once.

    JSON readers keep the last of these, which may be the one that lets a person be contacted. Of
    `OptOut` and `EndpointStatus` the one that does not is kept, of others the last.

    Args:
        content: the JSON.
        members: what a reader has made of it.
    """
    if (
        content.count(b'":') == _count(members)
        and b" :" not in content
        and b"\t" not in content
        and b"\r" not in content
    ):
        return members, 0  # each name is followed by its colon, and there are no more than these
    repeated = 0

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal repeated
        found: dict[str, Any] = {}
        for name, value in pairs:
            if name in found:
                repeated += 1
                if name in DEFAULTS and not _is_usual(found, name):
                    continue
            found[name] = value
        return found

    try:
        again = json.loads(
            content, object_pairs_hook=collect, parse_int=orjson.loads, parse_float=orjson.loads
        )
    except (ValueError, RecursionError, TypeError):
        return members, 0  # what one reader takes and another does not
    return (again, repeated) if repeated else (members, 0)


def _misspelt_refusals(members: dict[str, Any]) -> int:
    """Return the flags for `optOut`, `opt_out` and the like: lost, but not what they say."""
    flags = 0
    for name, value in members.items():
        member = _MISSPELT.get(name.replace("_", "").replace("-", "").lower())
        if member and value is not None and value != DEFAULTS[member]:
            flags |= OPTED_OUT if member == "OptOut" else INACTIVE
    return flags


def _is_usual(members: dict[str, Any], name: str) -> bool:
    value = members.get(name)
    return bool(value is None or value == DEFAULTS[name])


def _count(members: dict[str, Any]) -> int:
    """Return how many names an endpoint has, those of deeper objects left out."""
    count = len(members)
    get = members.get
    for name in _GROUPS:
        if type(group := get(name)) is dict:
            count += len(group)
    if type(user := get("User")) is dict:
        count += len(user)
        if type(inner := user.get("UserAttributes")) is dict:
            count += len(inner)
    return count


def _made_id(content: bytes, channel: str, address: object) -> str:
    if channel and isinstance(address, str) and address:
        return derived_id(channel, address)
    return str(uuid.uuid5(_NAMESPACE, hashlib.sha256(content).hexdigest()))


def _shortened(key: str) -> str:
    """Return a key that fits, and that no other has."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"{key[: _MAX_KEY_CHARS - _HASH_CHARS - 1]}#{digest}"


def _instant(value: object) -> str:
    if type(value) is not str:
        return ""
    try:
        found = dt.datetime.fromisoformat(value.replace("Z", "+00:00"))
        if found.tzinfo is None:
            found = found.replace(tzinfo=dt.timezone.utc)
        return found.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat()
    except (ValueError, OverflowError):
        return ""


def _contact(channel: str, address: str) -> str:
    """Return the same text for all that reaches the same mailbox or number."""
    kind = _KINDS.get(channel, "")
    plain = comparable(channel, address) if kind else ""
    return f"{kind}{plain}" if plain else ""
