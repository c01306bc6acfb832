"""Application settings: campaign hook, limits and quiet time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.engine.conftest import Clock, Wire


@pytest.fixture
def update(wire: Wire) -> Callable[[object], Any]:
    """Send settings of the application."""
    return lambda payload: wire.put(f"/v1/apps/{wire.app}/settings", payload)


def test_settings_are_kept(wire: Wire, clock: Clock) -> None:
    """Sent members replace stored ones as a whole, and members not sent stay."""
    path = f"/v1/apps/{wire.app}/settings"
    assert wire.send("GET", path).json == {
        "ApplicationId": wire.app, "LastModifiedDate": "2026-01-02T03:04:05.678Z",
        "CampaignHook": {}, "Limits": {}, "QuietTime": {}, "JourneyLimits": {},
    }  # fmt: skip
    clock.advance(1)
    quiet = {"Start": "22:00", "End": "06:00"}
    wire.put(path, {"QuietTime": quiet, "Limits": {"Daily": 3, "Total": 9}})
    answer = wire.put(path, {
        "Limits": {"Daily": 1, "Unknown": [1]}, "QuietTime": None, "EventTaggingEnabled": True,
        "JourneyLimits": {"TimeframeCap": {"Cap": 1, "Days": 2}},
    })  # fmt: skip
    assert answer.status == 200
    assert wire.send("GET", path).json == answer.json == {
        "ApplicationId": wire.app, "LastModifiedDate": "2026-01-02T03:04:06.678Z",
        "CampaignHook": {}, "Limits": {"Daily": 1}, "QuietTime": quiet,
        "JourneyLimits": {"TimeframeCap": {"Cap": 1, "Days": 2}},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"Limits": {"Daily": "3"}}, "$.Limits.Daily"),
        ({"Limits": {"Daily": True}}, "$.Limits.Daily"),
        ({"Limits": []}, "$.Limits"),
        ({"JourneyLimits": {"TimeframeCap": 1}}, "$.JourneyLimits.TimeframeCap"),
        ({"EventTaggingEnabled": 1}, "$.EventTaggingEnabled"),
    ],
)
def test_settings_of_a_wrong_type_are_refused(wire: Wire, payload: object, place: str) -> None:
    """A refused setting is located."""
    answer = wire.put(f"/v1/apps/{wire.app}/settings", payload)
    assert answer.status == 400
    assert answer.message.endswith(f" @ {place}")


@pytest.mark.parametrize(
    "limits",
    [
        {"Daily": 100, "Total": 100, "MessagesPerSecond": 20_000, "MaximumDuration": 60},
        {"Daily": 1, "Total": 1, "MessagesPerSecond": 1, "MaximumDuration": 2**31 - 1},
        # What Terraform sends for the limits that its user did not name.
        {"Daily": 0, "Total": 0, "MessagesPerSecond": 0, "MaximumDuration": 0, "Session": 0},
    ],
)
def test_limits_up_to_the_documented_ones(update: Callable[[object], Any], limits: object) -> None:
    """The ends of the documented ranges are taken and given back, and so is 0 for no limit."""
    assert update({"Limits": limits}).json["Limits"] == limits


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("Limits.Daily", 101),
        ("Limits.Daily", -1),
        ("Limits.Total", 101),
        ("Limits.MessagesPerSecond", 20_001),
        ("Limits.MessagesPerSecond", -1),
        ("Limits.MaximumDuration", 59),
        ("Limits.Session", -1),
        ("Limits.Daily", 2**31),
        ("JourneyLimits.DailyCap", 101),
        ("JourneyLimits.TotalCap", -1),
        ("JourneyLimits.TimeframeCap.Cap", 101),
        ("JourneyLimits.TimeframeCap.Days", 31),
    ],
)
def test_limits_over_the_documented_ones(
    wire: Wire, update: Callable[[object], Any], place: str, number: int
) -> None:
    """A number out of its range is refused with its place, and nothing is stored."""
    before = wire.dump()
    payload: Any = number
    for name in reversed(place.split(".")):
        payload = {name: payload}
    answer = update({**payload, "QuietTime": {"Start": "01:00"}})
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message.endswith(f" @ $.{place}")
    assert wire.dump() == before


@pytest.mark.parametrize("time", ["00:00", "23:59", "02:30", ""])
def test_quiet_time(update: Callable[[object], Any], time: str) -> None:
    """Quiet time has hours and minutes on a 24-hour clock; empty text is none."""
    quiet = {"Start": time, "End": "06:00"}
    assert update({"QuietTime": quiet}).json["QuietTime"] == quiet


@pytest.mark.parametrize("time", ["24:00", "12:60", "2:30", "02:30:00", "02:30\n", "٠٢:٣٠", "noon"])
@pytest.mark.parametrize("end", ["Start", "End"])
def test_quiet_time_of_another_form(update: Callable[[object], Any], time: str, end: str) -> None:
    """Whatever is no time of the day is refused."""
    answer = update({"QuietTime": {end: time}})
    assert answer.status == 400
    assert answer.message.endswith(f" @ $.QuietTime.{end}")


def test_the_mode_of_a_hook(update: Callable[[object], Any]) -> None:
    """The two modes of the service model are known, and no other."""
    hook = {"LambdaFunctionName": "f", "Mode": "FILTER", "WebUrl": ""}
    assert update({"CampaignHook": hook}).json["CampaignHook"] == hook
    answer = update({"CampaignHook": {"Mode": "filter"}})
    assert answer.status == 400
    assert answer.message == "must be one of DELIVERY, FILTER @ $.CampaignHook.Mode"
