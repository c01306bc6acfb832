"""From a request to a campaign's definition: defaults, and what the service model says in words.

A pure function of the request and the application's settings. Whether a segment or a template
exists is asked in operations.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.applications.settings import check_limits, check_quiet_time
from pinpoint_kit.engine.campaigns.definition import (
    COHORTS,
    IMMEDIATE,
    IN_APP,
    ON_EVENT,
    Definition,
    Members,
)
from pinpoint_kit.engine.engagement.headers import check_headers, check_line
from pinpoint_kit.engine.segments.parsing import check_attributes_and_metrics
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pinpoint_kit.engine.wire.refusals import ApiError

__all__ = ["check", "parse", "templates_of"]

_MAX_TREATMENTS = 4  # additional ones
_MAX_PRIORITY = 5
_MAX_BODY_CHARS = 200
_MAX_DATA_BYTES = 5_000
#: What the service model lists at `Timezone`; any case is taken, and kept as written.
_ZONES = frozenset(
    {
        "UTC",
        *(f"UTC+{hours:02}" for hours in range(1, 14)),
        *(f"UTC-{hours:02}" for hours in range(2, 12)),
        *(
            f"UTC+{text}"
            for text in ("03:30", "04:30", "05:30", "05:45", "06:30", "09:30", "10:30")
        ),
    }
)
_PUSH = ("DefaultMessage", "ADMMessage", "APNSMessage", "BaiduMessage", "GCMMessage")
#: The members of a template configuration, and the types of their templates.
_TEMPLATES = {
    "EmailTemplate": "EMAIL",
    "InAppTemplate": "INAPP",
    "PushTemplate": "PUSH",
    "SMSTemplate": "SMS",
}
_IN_APP_MEMBERS = frozenset({"InAppMessage", "InAppTemplate"})


def parse(request: Members, settings: Members, version: int) -> Definition:
    """Return what a request defines, with what is copied from the application's settings.

    Args:
        request: as the service model shapes it, and as `check` has seen it; without tags.
        settings: the application's settings.
        version: the version of the segment that the campaign is pinned to.
    """
    hook = _object(request, "Hook") or _object(settings, "CampaignHook")
    schedule: dict[str, object] = {
        "IsLocalTime": False,
        "Timezone": "UTC",
        **_object(request, "Schedule"),
    }
    if "QuietTime" not in schedule and _object(settings, "QuietTime"):
        schedule["QuietTime"] = _object(settings, "QuietTime")
    treatments = [
        {**each, "Id": str(number)} for number, each in enumerate(_treatments(request), 1)
    ]
    return Definition(
        {
            **request,
            "AdditionalTreatments": treatments,
            "HoldoutPercent": request.get("HoldoutPercent", 0),
            "IsPaused": request.get("IsPaused", False),
            "Limits": {**_object(settings, "Limits"), **_object(request, "Limits")},
            "MessageConfiguration": _object(request, "MessageConfiguration"),
            "Schedule": schedule,
            "SegmentVersion": version,
            "TemplateConfiguration": _object(request, "TemplateConfiguration"),
            **({"Hook": hook} if hook else {}),
        }
    )


def check(request: Members, now: int, unchanged_start: str | None = None) -> None:
    """Check everything that the request alone can tell.

    Args:
        request: as the service model shapes it.
        now: milliseconds since 1970.
        unchanged_start: a start that may be in the past, because the campaign has it already.

    Raises:
        ApiError: something in it has no meaning.
    """
    for name in ("SegmentId", "Schedule"):
        if not request.get(name):
            raise bad_request(f"Missing {name}")
    schedule = _object(request, "Schedule")
    _check_schedule(schedule, ".Schedule", now, unchanged_start)
    check_limits(_object(request, "Limits"), ".Limits")
    _check_hook(_object(request, "Hook"))
    priority = cast("int", request.get("Priority", 1))
    if not 1 <= priority <= _MAX_PRIORITY:
        raise bad_request(f"must be from 1 to {_MAX_PRIORITY}", ".Priority")
    version = cast("int", request.get("SegmentVersion", 1))
    if version < 1:
        raise bad_request("must be 1 or more", ".SegmentVersion")
    frequency = str(schedule.get("Frequency", "ONCE"))
    _check_messages(request, "", frequency)
    _check_shares(request)
    for number, treatment in enumerate(_treatments(request)):
        path = f".AdditionalTreatments[{number}]"
        _check_messages(treatment, path, frequency)
        own = _object(treatment, "Schedule")
        if own:
            _check_schedule(own, f"{path}.Schedule", now, unchanged_start)
            _check_alike(own, schedule, f"{path}.Schedule")


def templates_of(request: Members) -> Iterator[tuple[str, str, str | None]]:
    """Yield the name, the type and the version of each template that a campaign names.

    Raises:
        ApiError: one has no name.
    """
    for source, path in (
        (request, ""),
        *(
            (each, f".AdditionalTreatments[{number}]")
            for number, each in enumerate(_treatments(request))
        ),
    ):
        for member, value in _object(source, "TemplateConfiguration").items():
            where = f"{path}.TemplateConfiguration.{member}"
            template = cast("Mapping[str, str]", value)
            if member not in _TEMPLATES:
                raise bad_request("is not for campaigns", where)
            if not template.get("Name"):
                raise bad_request("Missing Name", where)
            yield template["Name"], _TEMPLATES[member], template.get("Version")


def _check_schedule(schedule: Members, path: str, now: int, unchanged_start: str | None) -> None:
    start = cast("str", schedule["StartTime"])
    is_immediate = start == IMMEDIATE
    begins = now if is_immediate else _instant(start, f"{path}.StartTime")
    if begins < now and start != unchanged_start:
        raise bad_request("StartTime must be at least current time.")
    if is_immediate and schedule.get("IsLocalTime"):
        raise bad_request("must be a date and time where IsLocalTime is true", f"{path}.StartTime")
    end = cast("str | None", schedule.get("EndTime"))
    if end and _instant(end, f"{path}.EndTime") <= max(begins, now):
        raise bad_request("must be later than StartTime and the present", f"{path}.EndTime")
    zone = cast("str", schedule.get("Timezone", "UTC"))
    if zone.upper() not in _ZONES:
        raise bad_request(
            "must be UTC, or an offset such as UTC+05:30 or UTC-08", f"{path}.Timezone"
        )
    check_quiet_time(_object(schedule, "QuietTime"), f"{path}.QuietTime")
    frequency, event_filter = schedule.get("Frequency"), _object(schedule, "EventFilter")
    if frequency in {ON_EVENT, IN_APP}:
        _check_filter(event_filter, path)
        if schedule.get("IsLocalTime"):
            raise bad_request("has no meaning for a campaign of events", f"{path}.IsLocalTime")
    elif event_filter:
        raise bad_request(f"is for the frequencies {ON_EVENT} and {IN_APP}", f"{path}.EventFilter")


def _check_filter(event_filter: Members, path: str) -> None:
    if not event_filter:
        raise bad_request(f"Missing EventFilter for Frequency {ON_EVENT} or {IN_APP}", path)
    where = f"{path}.EventFilter.Dimensions"
    dimensions = _object(event_filter, "Dimensions")
    if not _object(dimensions, "EventType").get("Values"):
        raise bad_request("Missing EventType with at least one value", where)
    check_attributes_and_metrics(dimensions, where)


def _check_alike(own: Members, schedule: Members, path: str) -> None:
    """Refuse a treatment of its own kind: events start all treatments or none."""
    of_events = {ON_EVENT, IN_APP}
    frequencies = own.get("Frequency"), schedule.get("Frequency")
    if of_events.intersection(frequencies) and own != schedule:
        raise bad_request("must be that of the campaign where events start it", path)


def _check_hook(hook: Members) -> None:
    if hook and not hook.get("LambdaFunctionName") and not hook.get("WebUrl"):
        raise bad_request("Missing LambdaFunctionName or WebUrl", ".Hook")


def _check_shares(request: Members) -> None:
    holdout = cast("int", request.get("HoldoutPercent", 0))
    if not 0 <= holdout <= COHORTS:
        raise bad_request(f"must be from 0 to {COHORTS}", ".HoldoutPercent")
    treatments = _treatments(request)
    if len(treatments) > _MAX_TREATMENTS:
        raise bad_request(f"may be {_MAX_TREATMENTS} at most", ".AdditionalTreatments")
    total = holdout
    for number, treatment in enumerate(treatments):
        size = cast("int", treatment["SizePercent"])
        if not 0 <= size <= COHORTS:
            path = f".AdditionalTreatments[{number}].SizePercent"
            raise bad_request(f"must be from 0 to {COHORTS}", path)
        total += size
    if total > COHORTS:
        raise bad_request(
            f"HoldoutPercent and the SizePercent of all treatments are more than {COHORTS} together"
        )


def _check_messages(source: Members, path: str, frequency: str) -> None:
    messages = _object(source, "MessageConfiguration")
    templates = _object(source, "TemplateConfiguration")
    given = {name for found in (messages, templates) for name, value in found.items() if value}
    wanted = given & _IN_APP_MEMBERS if frequency == IN_APP else given - _IN_APP_MEMBERS
    if not wanted:
        what = "an in-app message or template" if frequency == IN_APP else "a message or a template"
        raise bad_request(f"Missing {what} in MessageConfiguration or TemplateConfiguration", path)
    where = f"{path}.MessageConfiguration"
    for name in _PUSH:
        if len(str(_object(messages, name).get("Body", ""))) > _MAX_BODY_CHARS:
            raise bad_request(f"has more than {_MAX_BODY_CHARS} characters", f"{where}.{name}.Body")
    email = _object(messages, "EmailMessage")
    check_line(email.get("FromAddress"), f"{where}.EmailMessage.FromAddress")
    check_headers(email, f"{where}.EmailMessage")
    _check_custom(source, messages, path)


def _check_custom(source: Members, messages: Members, path: str) -> None:
    data = str(_object(messages, "CustomMessage").get("Data", ""))
    if len(data.encode()) > _MAX_DATA_BYTES:
        raise bad_request(
            f"has more than {_MAX_DATA_BYTES} bytes",
            f"{path}.MessageConfiguration.CustomMessage.Data",
        )
    custom = _object(source, "CustomDeliveryConfiguration")
    if messages.get("CustomMessage") and not custom:
        raise bad_request("Missing CustomDeliveryConfiguration for CustomMessage", path)
    if custom and not custom.get("DeliveryUri"):
        raise bad_request("Missing DeliveryUri", f"{path}.CustomDeliveryConfiguration")


def _instant(text: str, path: str) -> int:
    try:
        return instants.to_ms(text)
    except (ValueError, OverflowError):
        raise _no_date(path) from None


def _no_date(path: str) -> ApiError:
    return bad_request(
        "must be an ISO 8601 date and time such as 2018-05-07T19:03:29Z"
        + (f", or {IMMEDIATE}" if path.endswith("StartTime") else ""),
        path,
    )


def _treatments(request: Members) -> list[Members]:
    return cast("list[Members]", request.get("AdditionalTreatments", []))


def _object(source: Members, name: str) -> Members:
    return cast("Members", source.get(name, {}))
