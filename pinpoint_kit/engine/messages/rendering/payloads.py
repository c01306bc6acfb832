"""The JSON of push messages, as the services of the platforms hand it to an app.

The members are those that AWS's own SDKs read: an app for Android gets flat names such as
`pinpoint.notification.title`, one for iOS gets `aps` and `data.pinpoint`. Pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["APNS_CHANNELS", "BESIDE", "PUSH_CHANNELS", "payload"]

APNS_CHANNELS = frozenset({"APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX"})
PUSH_CHANNELS = APNS_CHANNELS | {"GCM", "ADM", "BAIDU"}
#: Members of messages that push services are told beside the payload, by channel.
BESIDE: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(
        APNS_CHANNELS,
        ("APNSPushType", "CollapseId", "PreferredAuthenticationMethod", "Priority", "TimeToLive"),
    ),
    "BAIDU": ("TimeToLive",),
    "GCM": ("PreferredAuthenticationMethod",),
}

#: What `campaign_id` says where no campaign has sent the message.
_DIRECT = "_DIRECT"
_ANDROID = {
    "Title": "pinpoint.notification.title",
    "Body": "pinpoint.notification.body",
    "ImageUrl": "pinpoint.notification.imageUrl",
    "ImageIconUrl": "pinpoint.notification.imageIconUrl",
    "SmallImageIconUrl": "pinpoint.notification.imageSmallIconUrl",
    "ImageSmallIconUrl": "pinpoint.notification.imageSmallIconUrl",
    "IconReference": "pinpoint.notification.icon",
    "Sound": "pinpoint.notification.sound",
}


def payload(
    channel: str,
    message: Mapping[str, object],
    context: Mapping[str, str],
    campaign: Mapping[str, str],
) -> str:
    """Return the payload of a push message.

    Args:
        channel: one of `PUSH_CHANNELS`.
        message: the members of the message, with those of the wire, and rendered.
        context: what is added to `data.pinpoint`.
        campaign: `campaign_id`, `campaign_activity_id` and `treatment_id`; empty for a message that
            was sent directly.
    """
    names = campaign or {"campaign_id": _DIRECT}
    if channel in APNS_CHANNELS:
        made = _apns(message, context, names)
    elif channel == "GCM":
        made = _gcm(message, context, names)
    elif channel == "ADM":
        made = _adm(message, context, names)
    else:
        made = _baidu(message, context, names)
    return orjson.dumps(made).decode()


def _apns(
    message: Mapping[str, object], context: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, object]:
    aps: dict[str, object] = {}
    if message.get("SilentPush"):
        aps["content-available"] = 1
    else:
        alert = {
            key: message[name] for name, key in (("Title", "title"), ("Body", "body"))
            if message.get(name)
        }  # fmt: skip
        aps["alert"] = alert
        if message.get("MediaUrl"):
            aps["mutable-content"] = 1
    for name, key in (("Badge", "badge"), ("Category", "category"), ("ThreadId", "thread-id")):
        if name in message:
            aps[key] = message[name]
    if message.get("Sound"):
        aps["sound"] = message["Sound"]
    pinpoint: dict[str, object] = {**context, "campaign": dict(names), **_action(message)}
    pinpoint.update(_json_body(message))
    data: dict[str, object] = {"pinpoint": pinpoint}
    if message.get("MediaUrl"):
        data["media-url"] = message["MediaUrl"]
    return {"aps": aps, "data": data}


def _gcm(
    message: Mapping[str, object], context: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, object]:
    made: dict[str, object] = {"data": _flat(message, context, names)}
    for name, key in (
        ("CollapseKey", "collapse_key"),
        ("Priority", "priority"),
        ("RestrictedPackageName", "restricted_package_name"),
        ("TimeToLive", "time_to_live"),
    ):
        if name in message:
            made[key] = message[name]
    return made


def _adm(
    message: Mapping[str, object], context: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, object]:
    made: dict[str, object] = {"data": _flat(message, context, names)}
    for name, key in (
        ("ConsolidationKey", "consolidationKey"),
        ("ExpiresAfter", "expiresAfter"),
        ("MD5", "md5"),
    ):
        if name in message:
            made[key] = message[name]
    return made


def _baidu(
    message: Mapping[str, object], context: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, object]:
    return {
        "title": message.get("Title", ""),
        "description": message.get("Body", ""),
        "custom_content": _flat(message, context, names),
    }


def _flat(
    message: Mapping[str, object], context: Mapping[str, str], names: Mapping[str, str]
) -> dict[str, object]:
    """Return what an app for Android reads; all values are texts, but for the context."""
    flat: dict[str, object] = {
        key: message[name] for name, key in _ANDROID.items() if message.get(name)
    }
    flat["pinpoint.notification.silentPush"] = "1" if message.get("SilentPush") else "0"
    for name, value in _action(message).items():
        flat[f"pinpoint.{name}"] = "true" if value is True else value
    for name, value in names.items():
        flat[f"pinpoint.campaign.{name}"] = value
    body = _json_body(message)
    if body:
        flat["pinpoint.jsonBody"] = orjson.dumps(body["jsonBody"]).decode()
    if context:
        flat["pinpoint"] = dict(context)
    return flat


def _action(message: Mapping[str, object]) -> dict[str, object]:
    """Return what tapping the message does: the app opens, unless a place in it or a page does."""
    action, url = message.get("Action"), message.get("Url", "")
    if action == "DEEP_LINK":
        return {"deeplink": url}
    if action == "URL":
        return {"url": url}
    return {"openApp": True}


def _json_body(message: Mapping[str, object]) -> dict[str, object]:
    """Return the data that goes with a message: `Data`, or the text `JsonBody` of a campaign."""
    data = message.get("Data")
    if data:
        return {"jsonBody": data}
    text = message.get("JsonBody")
    if not isinstance(text, str) or not text:
        return {}
    try:
        return {"jsonBody": orjson.loads(text)}
    except orjson.JSONDecodeError:
        return {"jsonBody": text}
