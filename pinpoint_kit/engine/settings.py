"""Application settings: GetApplicationSettings and UpdateApplicationSettings.

They are kept and given back; no campaign obeys them yet. A member that is sent replaces the
stored one as a whole, a member that is not sent stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson
from sqlalchemy import update

from pinpoint_kit.engine import apps, body, instants, schema
from pinpoint_kit.engine.refusals import bad_request

if TYPE_CHECKING:
    from pinpoint_kit.engine.apps import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = ["get_application_settings", "update_application_settings"]

# Member -> its members -> type; a mapping inside is one level more. From the service model.
_HOOK = {"LambdaFunctionName": str, "Mode": str, "WebUrl": str}
_LIMITS = {
    "Daily": int,
    "MaximumDuration": int,
    "MessagesPerSecond": int,
    "Total": int,
    "Session": int,
}
_QUIET_TIME = {"End": str, "Start": str}
_JOURNEY_LIMITS: Mapping[str, object] = {
    "DailyCap": int,
    "TimeframeCap": {"Cap": int, "Days": int},
    "TotalCap": int,
}
_RETURNED: Mapping[str, object] = {
    "CampaignHook": _HOOK,
    "Limits": _LIMITS,
    "QuietTime": _QUIET_TIME,
    "JourneyLimits": _JOURNEY_LIMITS,
}
_SHAPE: Mapping[str, object] = {
    **_RETURNED,
    "CloudWatchMetricsEnabled": bool,
    "EventTaggingEnabled": bool,
}
_WORDS = {str: "a string", int: "a whole number", bool: "true or false"}


def get_application_settings(context: Context, call: Call) -> object:
    """GetApplicationSettings; members that were never set are empty objects."""
    with context.store.read() as connection:
        return _rendered(apps.require(connection, call.application_id))


def update_application_settings(context: Context, call: Call) -> object:
    """UpdateApplicationSettings."""
    with apps.checked_first(context, call.application_id):
        changes = _checked(body.parse_object(call.body), _SHAPE, "")
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        settings = {**_stored(app), **changes}
        connection.execute(
            update(schema.apps)
            .where(schema.apps.c.number == app.number)
            .values(settings=body.encode(settings), settings_modified=call.now)
        )
        return _rendered(apps.require(connection, call.application_id))


def _stored(app: App) -> dict[str, object]:
    stored: dict[str, object] = orjson.loads(app.settings) if app.settings else {}
    return stored


def _rendered(app: App) -> dict[str, object]:
    stored = _stored(app)
    modified = app.created if app.settings_modified is None else app.settings_modified
    return {
        "ApplicationId": app.id,
        "LastModifiedDate": instants.from_ms(modified),
        **{name: stored.get(name, {}) for name in _RETURNED},
    }


def _checked(source: object, shape: Mapping[str, object], path: str) -> dict[str, object]:
    """Returns the known members of the right type; unknown and null ones are left out."""
    values = body.as_object(source, path)
    result: dict[str, object] = {}
    for name, wanted in shape.items():
        value = values.get(name)
        if value is None:
            continue
        if isinstance(wanted, Mapping):
            result[name] = _checked(value, wanted, f"{path}.{name}")
        elif type(value) is wanted:
            result[name] = value
        else:
            raise bad_request(f"must be {_WORDS[wanted]}", f"{path}.{name}")  # type: ignore[index]
    return result
