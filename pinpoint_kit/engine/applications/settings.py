"""Application settings: GetApplicationSettings and UpdateApplicationSettings.

`Limits`, `QuietTime` and `CampaignHook` are copied into campaigns that are made later; journeys do
not run. A member that is sent replaces the stored one as a whole, a member that is not sent stays.
Types come from the service model; the ranges, which it states in words only, stand here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import orjson
from sqlalchemy import update

from pinpoint_kit.engine.applications import store as apps
from pinpoint_kit.engine.storage.tables.applications import APPS
from pinpoint_kit.engine.wire import body, instants
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pinpoint_kit.engine.applications.store import App
    from pinpoint_kit.engine.context import Call, Context

__all__ = [
    "check_limits",
    "check_quiet_time",
    "get_application_settings",
    "stored",
    "update_application_settings",
]

_ANY = 2**31 - 1
#: Where a number stands -> the least and the most that it may be. 0 always means: no such limit.
_CAMPAIGN_RANGES = {
    "Daily": (1, 100),
    "MaximumDuration": (60, _ANY),
    "MessagesPerSecond": (1, 20_000),
    "Session": (1, _ANY),
    "Total": (1, 100),
}
_RANGES = {
    "JourneyLimits.DailyCap": (1, 100),
    "JourneyLimits.TimeframeCap.Cap": (1, 100),
    "JourneyLimits.TimeframeCap.Days": (1, 30),
    "JourneyLimits.TotalCap": (1, 100),
}
#: A time of a day, or "" for none.
_TIME = re.compile(r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?")


def get_application_settings(context: Context, call: Call) -> object:
    """GetApplicationSettings; members that were never set are empty objects."""
    with context.store.read() as connection:
        return _rendered(apps.require(connection, call.application_id), call)


def update_application_settings(context: Context, call: Call) -> object:
    """UpdateApplicationSettings."""
    with apps.checked_first(context, call.application_id):
        changes = call.members()
        _check(changes)
    with context.store.write() as connection:
        app = apps.require(connection, call.application_id)
        settings = {**stored(app), **changes}
        connection.execute(
            update(APPS)
            .where(APPS.c.number == app.number)
            .values(settings=body.encode(settings), settings_modified=call.now)
        )
        return _rendered(apps.require(connection, call.application_id), call)


def stored(app: App) -> dict[str, object]:
    """Return the settings that were set, as they were sent."""
    settings: dict[str, object] = orjson.loads(app.settings) if app.settings else {}
    return settings


def _rendered(app: App, call: Call) -> dict[str, object]:
    settings = stored(app)
    modified = app.created if app.settings_modified is None else app.settings_modified
    groups = (name for name, shape in call.route.answer.members.items() if shape.members)
    return {
        "ApplicationId": app.id,
        "LastModifiedDate": instants.from_ms(modified),
        **{name: settings.get(name, {}) for name in groups},
    }


def check_limits(limits: Mapping[str, object], path: str) -> None:
    """Check the ranges of a campaign's limits.

    Raises:
        ApiError: a number is out of its range.
    """
    _check_ranges(limits, _CAMPAIGN_RANGES, f"{path}.")


def check_quiet_time(times: Mapping[str, object], path: str) -> None:
    """Check the times of a quiet time.

    Raises:
        ApiError: one is no time of a day.
    """
    for name, text in times.items():
        if _TIME.fullmatch(cast("str", text)) is None:
            raise bad_request("must be a time of the day such as 02:30 or 14:30", f"{path}.{name}")


def _check(changes: Mapping[str, object]) -> None:
    check_limits(cast("Mapping[str, object]", changes.get("Limits", {})), ".Limits")
    _check_ranges(changes, _RANGES, ".")
    check_quiet_time(cast("Mapping[str, object]", changes.get("QuietTime", {})), ".QuietTime")


def _check_ranges(
    source: Mapping[str, object], ranges: Mapping[str, tuple[int, int]], prefix: str
) -> None:
    for path, (least, most) in ranges.items():
        number = cast("int | None", _at(source, path))
        if number and not least <= number <= most:
            wanted = f"from {least} to {most}" if most < _ANY else f"{least} or more"
            raise bad_request(f"must be {wanted}, or 0 for none", f"{prefix}{path}")


def _at(source: Mapping[str, object], path: str) -> object:
    """Return what stands at a dotted path, or None."""
    found: object = source
    for name in path.split("."):
        if found is None:
            return None
        found = cast("Mapping[str, object]", found).get(name)
    return found
