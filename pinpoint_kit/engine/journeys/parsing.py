"""What a journey may say: the rules that the service model states in words only.

Pure functions of the request. Whether a segment or a template exists is asked in operations.py.
A draft may be unfinished, but what it says must have a meaning.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from pinpoint_kit.engine.engagement.headers import check_line
from pinpoint_kit.engine.journeys.activities import Members, kind_of, steps_of
from pinpoint_kit.engine.wire import instants
from pinpoint_kit.engine.wire.body import json_step
from pinpoint_kit.engine.wire.refusals import bad_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pinpoint_kit.engine.wire.refusals import ApiError

__all__ = ["WRITABLE", "check", "check_complete", "segments_of", "templates_of"]

#: The states that a request to create or update may give.
WRITABLE = ("DRAFT", "ACTIVE")

_MAX_NAME_CHARS = 150
_MAX_ACTIVITIES = 40  # quotas of the developer guide, as the days below
_MAX_DAYS = 540
_MAX_BRANCHES = 5
_WHOLE = 100
_DAY_MS = 86_400_000
_ACTIVITY_ID = re.compile(r"[A-Za-z0-9]{1,100}")
_TIME = re.compile(r"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9])?")
_DURATION = re.compile(
    r"P(?=.)(?:[0-9]+Y)?(?:[0-9]+M)?(?:[0-9]+W)?(?:[0-9]+D)?"
    r"(?:T(?=.)(?:[0-9]+H)?(?:[0-9]+M)?(?:[0-9]+(?:\.[0-9]+)?S)?)?",
    re.ASCII,
)
#: The offset at the end of a time; without one it is meant in UTC.
_OFFSET = re.compile(r"[Tt ][0-9:.,]+(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})?)?$", re.ASCII)
#: What the service model lists at `Timezone`.
_ZONES = frozenset(
    {
        "UTC",
        *(f"UTC+{hours:02}" for hours in range(1, 14)),
        *(f"UTC-{hours:02}" for hours in range(2, 12)),
        *("UTC+03:30", "UTC+04:30", "UTC+05:30", "UTC+05:45", "UTC+06:30", "UTC+08:45"),
        *("UTC+09:30", "UTC+10:30", "UTC+12:45", "UTC+13:45"),
        *("UTC-02:30", "UTC-03:30", "UTC-09:30"),
    }
)
#: Where a number stands, and the least and the most that it may be. 0 is no limit.
_RANGES = {
    "DailyCap": (0, 100),
    "EndpointReentryCap": (0, 100),
    "MessagesPerSecond": (0, 20_000),
    "TotalCap": (0, 100),
}
_FRAME = {"Cap": (0, 100), "Days": (0, 30)}
_STARTS = ("EventStartCondition", "SegmentStartCondition")
_TEMPLATES = {"CUSTOM": None, "EMAIL": "EMAIL", "PUSH": "PUSH", "SMS": "SMS"}


def check(request: Members) -> None:
    """Check what a request says, of a draft or of a journey that is published.

    Raises:
        ApiError: something in it has no meaning.
    """
    _check_name(cast("str", request["Name"]))
    state = cast("str", request.get("State", WRITABLE[0]))
    if state not in WRITABLE:
        raise bad_request(
            f"must be {' or '.join(WRITABLE)}; UpdateJourneyState pauses, resumes and cancels",
            ".State",
        )
    _check_schedule(_object(request, "Schedule"))
    for name, text in _object(request, "QuietTime").items():
        if _TIME.fullmatch(cast("str", text)) is None:
            raise bad_request(
                "must be a time of the day such as 02:30 or 14:30", f".QuietTime.{name}"
            )
    if _object(request, "OpenHours") or _object(request, "ClosedDays"):
        _check_hours(request)
    _check_duration(request, "RefreshFrequency", "")
    _check_limits(_object(request, "Limits"))
    _check_activities(request)


def check_complete(request: Members) -> None:
    """Check that nothing is missing of a journey that is published.

    Raises:
        ApiError: it could not run.
    """
    if not _object(request, "Activities"):
        raise bad_request("Missing Activities: a journey needs one to be ACTIVE")
    if not request.get("StartActivity"):
        raise bad_request("Missing StartActivity: it names the activity to begin with")
    condition = _object(request, "StartCondition")
    starts = [
        name for name in ("EventStartCondition", "SegmentStartCondition") if name in condition
    ]
    if len(starts) != 1:
        raise bad_request(
            "must have one of EventStartCondition and SegmentStartCondition", ".StartCondition"
        )
    for _, activity, path in _activities(request):
        settings = cast("Members", activity[kind_of(activity, path)])
        branches = cast("Sequence[Members]", settings.get("Branches", ()))
        if "RandomSplit" in activity:
            total = sum(cast("int", branch.get("Percentage", 0)) for branch in branches)
            if total != _WHOLE:
                raise bad_request(
                    f"must have branches of {_WHOLE} percent together", f"{path}.RandomSplit"
                )


def segments_of(request: Members) -> Iterator[tuple[str, str]]:
    """Yield the id of each segment that a journey names, and its place."""
    start = _object(request, "StartCondition")
    for member in _STARTS:
        named = _object(start, member).get("SegmentId")
        if named:
            yield cast("str", named), f".StartCondition.{member}.SegmentId"
    for _, activity, path in _activities(request):
        for condition, where in _conditions(activity, path):
            named = _object(condition, "SegmentCondition").get("SegmentId")
            if named:
                yield cast("str", named), f"{where}.SegmentCondition.SegmentId"


def templates_of(request: Members) -> Iterator[tuple[str, str, str | None, str]]:
    """Yield the name, type and version of each template that a journey names, and its place."""
    for _, activity, path in _activities(request):
        kind = kind_of(activity, path)
        settings = cast("Mapping[str, str]", activity[kind])
        template_type = _TEMPLATES.get(kind)
        if template_type is not None and settings.get("TemplateName"):
            where = f"{path}.{kind}.TemplateName"
            version = settings.get("TemplateVersion")
            yield settings["TemplateName"], template_type, version, where


def _check_name(name: str) -> None:
    if not name or len(name) > _MAX_NAME_CHARS or any(each.isspace() for each in name):
        raise bad_request(f"must have 1 to {_MAX_NAME_CHARS} characters and no spaces", ".Name")


def _check_schedule(schedule: Members) -> None:
    """Check times and zone: times carry the offset that the zone names, as the service has it."""
    zone = cast("str | None", schedule.get("Timezone"))
    if zone is not None and zone.upper() not in _ZONES:
        raise bad_request(
            "must be UTC, or an offset such as UTC+05:30 or UTC-08", ".Schedule.Timezone"
        )
    for name in ("StartTime", "EndTime"):
        text = cast("str | None", schedule.get(name))
        if text is not None and zone is not None and _offset(text) != zone.upper():
            raise bad_request(
                f"doesn't have the same offset as the journey's schedule offset: {zone.upper()}",
                f".Schedule.{name}",
            )
    start, end = (schedule.get(name) for name in ("StartTime", "EndTime"))
    if start is None or end is None:
        return
    length = instants.to_ms(cast("str", end)) - instants.to_ms(cast("str", start))
    if length <= 0:
        raise bad_request("must be later than StartTime", ".Schedule.EndTime")
    if length > _MAX_DAYS * _DAY_MS:
        raise bad_request(f"must be within {_MAX_DAYS} days of StartTime", ".Schedule.EndTime")


def _offset(text: str) -> str:
    """Return the offset of a time as a zone is written."""
    found = _OFFSET.search(text)
    sign, hours, minutes = found.groups() if found else (None, None, None)
    if sign is None or (hours == "00" and minutes in {None, "00"}):
        return "UTC"
    return f"UTC{sign}{hours}" + ("" if minutes in {None, "00"} else f":{minutes}")


def _check_hours(request: Members) -> None:
    if not request.get("SendingSchedule") or not _object(request, "QuietTime"):
        raise bad_request("OpenHours and ClosedDays need QuietTime, and SendingSchedule true")
    for channel, days in _object(request, "OpenHours").items():
        for day, rules in cast("Mapping[str, Sequence[Members]]", days).items():
            for position, rule in enumerate(rules):
                for name, text in rule.items():
                    if _TIME.fullmatch(cast("str", text)) is None:
                        raise bad_request(
                            "must be a time of the day such as 02:30 or 14:30",
                            f".OpenHours.{channel}{json_step(day, 0)}[{position}].{name}",
                        )
    for channel, closed in _object(request, "ClosedDays").items():
        for position, rule in enumerate(cast("Sequence[Members]", closed)):
            for name in ("StartDateTime", "EndDateTime"):
                _check_instant(rule, name, f".ClosedDays.{channel}[{position}]")


def _check_limits(limits: Members) -> None:
    _check_ranges(limits, _RANGES, ".Limits")
    _check_ranges(_object(limits, "TimeframeCap"), _FRAME, ".Limits.TimeframeCap")
    _check_duration(limits, "EndpointReentryInterval", ".Limits")


def _check_ranges(source: Members, ranges: Mapping[str, tuple[int, int]], path: str) -> None:
    for name, (least, most) in ranges.items():
        if not least <= cast("int", source.get(name, least)) <= most:
            raise bad_request(f"must be from {least} to {most}", f"{path}.{name}")


def _check_activities(request: Members) -> None:
    activities = _object(request, "Activities")
    if len(activities) > _MAX_ACTIVITIES:
        raise bad_request(f"may be {_MAX_ACTIVITIES} at most", ".Activities")
    start = cast("str | None", request.get("StartActivity"))
    if start and start not in activities:
        raise _unknown(".StartActivity")
    for activity_id, activity, path in _activities(request):
        if _ACTIVITY_ID.fullmatch(activity_id) is None:
            raise bad_request("must have an id of 1 to 100 letters and digits", path)
        kind = kind_of(activity, path)
        settings, where = cast("Members", activity[kind]), f"{path}.{kind}"
        for step, place in steps_of(settings, where):
            if step not in activities:
                raise _unknown(place)
            if step == activity_id:
                raise bad_request("must not lead to itself", place)
        _check_settings(settings, where)


def _check_settings(settings: Members, path: str) -> None:
    branches = cast("Sequence[Members]", settings.get("Branches", ()))
    most = _MAX_BRANCHES - ("DefaultActivity" in settings)
    if len(branches) > most:
        raise bad_request(f"may be {most} at most", f"{path}.Branches")
    for source, where in (
        (settings, path),
        *((branch, f"{path}.Branches[{at}]") for at, branch in enumerate(branches)),
    ):
        _check_ranges(source, {"Percentage": (0, _WHOLE)}, where)
    sender = _object(settings, "MessageConfig").get("FromAddress")
    check_line(sender, f"{path}.MessageConfig.FromAddress")
    for member in ("EvaluationWaitTime", "WaitTime"):
        wait = _object(settings, member)
        if "WaitFor" in wait and "WaitUntil" in wait:
            raise bad_request("must have one of WaitFor and WaitUntil", f"{path}.{member}")
        _check_duration(wait, "WaitFor", f"{path}.{member}")
        _check_instant(wait, "WaitUntil", f"{path}.{member}")


def _check_duration(source: Members, name: str, path: str) -> None:
    text = cast("str | None", source.get(name))
    if text and _DURATION.fullmatch(text) is None:
        raise bad_request("must be an ISO 8601 duration such as PT1H or P1D", f"{path}.{name}")


def _check_instant(source: Members, name: str, path: str) -> None:
    text = cast("str | None", source.get(name))
    if not text:
        return
    try:
        instants.to_ms(text)
    except (ValueError, OverflowError):
        raise bad_request(
            "must be an ISO 8601 date and time such as 2018-05-07T19:03:29Z", f"{path}.{name}"
        ) from None


def _activities(request: Members) -> Iterator[tuple[str, Members, str]]:
    for position, (name, activity) in enumerate(_object(request, "Activities").items()):
        yield name, cast("Members", activity), f".Activities{json_step(name, position)}"


def _conditions(activity: Members, path: str) -> Iterator[tuple[Members, str]]:
    """Yield the simple conditions of an activity, each with its place."""
    single = _object(_object(activity, "ConditionalSplit"), "Condition")
    for position, condition in enumerate(cast("Sequence[Members]", single.get("Conditions", ()))):
        yield condition, f"{path}.ConditionalSplit.Condition.Conditions[{position}]"
    branches = _object(activity, "MultiCondition").get("Branches", ())
    for position, branch in enumerate(cast("Sequence[Members]", branches)):
        yield _object(branch, "Condition"), f"{path}.MultiCondition.Branches[{position}].Condition"


def _unknown(path: str) -> ApiError:
    return bad_request("names no activity of the journey", path)


def _object(source: Members, name: str) -> Members:
    return cast("Members", source.get(name, {}))
