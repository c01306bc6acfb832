"""Journeys on the wire: what is kept, what is refused with its place, and what may change."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Clock, Wire

ACTIVITIES: dict[str, Any] = {
    "start": {"Wait": {"NextActivity": "split", "WaitTime": {"WaitFor": "PT1H"}}},
    "split": {
        "RandomSplit": {
            "Branches": [
                {"NextActivity": "mail", "Percentage": 60},
                {"NextActivity": "hold", "Percentage": 40},
            ]
        }
    },
    "mail": {"EMAIL": {"MessageConfig": {"FromAddress": "shop@example.com"}}},
    "hold": {"Holdout": {"NextActivity": "mail", "Percentage": 10}},
}
EVENT = {
    "FilterType": "ENDPOINT",
    "Dimensions": {"EventType": {"DimensionType": "INCLUSIVE", "Values": ["level_up"]}},
}
JOURNEY: dict[str, Any] = {
    "Name": "welcome",
    "Activities": ACTIVITIES,
    "StartActivity": "start",
    "StartCondition": {"EventStartCondition": {"EventFilter": EVENT}},
    "Limits": {"DailyCap": 1, "EndpointReentryCap": 0, "TimeframeCap": {"Cap": 2, "Days": 30}},
    "QuietTime": {"Start": "22:00", "End": "07:00"},
    "RefreshFrequency": "PT1H",
    "Schedule": {
        "StartTime": "2026-02-01T09:00:00+09:00",
        "EndTime": "2026-03-01T09:00:00+09:00",
        "Timezone": "UTC+09",
    },
    "LocalTime": True,
}


def create(wire: Wire, journey: object) -> Answer:
    """Send CreateJourney."""
    return wire.post(f"/v1/apps/{wire.app}/journeys", journey)


def path(wire: Wire, journey_id: str, rest: str = "") -> str:
    """Return the path of a journey."""
    return f"/v1/apps/{wire.app}/journeys/{journey_id}{rest}"


def made(wire: Wire, **changes: object) -> Any:
    """Return a new journey."""
    answer = create(wire, {**JOURNEY, **changes})
    assert answer.status == 201, answer.json
    return answer.json


def state(wire: Wire, journey_id: str, value: str) -> Answer:
    """Send UpdateJourneyState."""
    return wire.put(path(wire, journey_id, "/state"), {"State": value})


def test_a_journey_is_given_back_as_it_was_sent(wire: Wire, clock: Clock) -> None:
    """All members stay; a draft has no run, and dates are the engine's."""
    journey = made(wire, CreationDate="1999-01-01T00:00:00Z")
    assert journey == {
        **JOURNEY,
        "ApplicationId": wire.app,
        "CreationDate": "2026-01-02T03:04:05.678Z",
        "Id": journey["Id"],
        "LastModifiedDate": "2026-01-02T03:04:05.678Z",
        "State": "DRAFT",
        "tags": {},
    }
    assert wire.send("GET", path(wire, journey["Id"])).json == journey
    clock.advance(1)
    changed = wire.put(path(wire, journey["Id"]), {"Name": "x", "State": "DRAFT"}).json
    assert "Activities" not in changed
    assert changed["LastModifiedDate"] > changed["CreationDate"]
    assert wire.send("DELETE", path(wire, journey["Id"])).json == changed
    assert wire.send("GET", path(wire, journey["Id"])).status == 404
    assert wire.send("DELETE", path(wire, journey["Id"])).status == 404


def test_journeys_are_listed_in_pages(wire: Wire) -> None:
    """In the order of creation, of this application alone."""
    ids = [made(wire)["Id"] for _ in range(3)]
    first = wire.send("GET", path(wire, "")[:-1], query="page-size=2").json
    rest = wire.send("GET", path(wire, "")[:-1], query=f"token={first['NextToken']}").json
    assert [item["Id"] for item in first["Item"] + rest["Item"]] == ids
    other = wire.post("/v1/apps", {"Name": "other"}).json["Id"]
    assert wire.send("GET", f"/v1/apps/{other}/journeys").json == {"Item": []}
    assert wire.send("GET", f"/v1/apps/{other}/journeys/{ids[0]}").status == 404


@pytest.mark.parametrize("before", ["DRAFT", "ACTIVE", "PAUSED", "CANCELLED"])
@pytest.mark.parametrize("after", ["DRAFT", "ACTIVE", "PAUSED", "CANCELLED", "CLOSED"])
def test_states_change_as_listed(wire: Wire, before: str, after: str) -> None:
    """UpdateJourneyState publishes, pauses, resumes and cancels; all else is refused."""
    journey = made(wire)["Id"]
    for step in {"ACTIVE": ["ACTIVE"], "DRAFT": []}.get(before, ["ACTIVE", before]):
        assert state(wire, journey, step).status == 200
    answer = state(wire, journey, after)
    allowed = {
        "DRAFT": {"ACTIVE"},
        "ACTIVE": {"PAUSED", "CANCELLED"},
        "PAUSED": {"ACTIVE", "CANCELLED"},
        "CANCELLED": set[str](),
    }[before]
    assert (answer.status == 200) == (after in allowed)
    shown = wire.send("GET", path(wire, journey)).json["State"]
    assert shown == (after if after in allowed else before)
    if after not in allowed:
        assert answer.code == "BadRequestException"


def test_what_an_update_must_say_and_may_change(wire: Wire) -> None:
    """State is wanted; what a published journey does stays as it is: 409."""
    journey = made(wire, State="ACTIVE")["Id"]
    at = path(wire, journey)
    assert wire.put(at, JOURNEY).message == "Missing State"
    renamed = wire.put(at, {**JOURNEY, "Name": "renamed", "State": "ACTIVE"})
    assert renamed.json["Name"] == "renamed"
    activities = {**ACTIVITIES, "more": {"Wait": {}}}
    for change in (
        {**JOURNEY, "Activities": activities, "State": "ACTIVE"},
        {**JOURNEY, "State": "DRAFT"},
    ):
        answer = wire.put(at, change)
        assert (answer.status, answer.code) == (409, "ConflictException")
    assert state(wire, journey, "CANCELLED").status == 200
    assert wire.put(at, {**JOURNEY, "State": "ACTIVE"}).status == 409
    assert wire.put(path(wire, "f" * 32), {**JOURNEY, "State": "ACTIVE"}).status == 404


def test_a_published_journey_has_a_run_that_never_begins(wire: Wire, clock: Clock) -> None:
    """Its metrics are zero, by the names of the service."""
    journey = made(wire)["Id"]
    runs = path(wire, journey, "/runs")
    assert wire.send("GET", runs).json == {"Item": []}
    clock.advance(60)
    assert state(wire, journey, "ACTIVE").status == 200
    clock.advance(10 * 86_400)
    wire.engine.step()
    (run,) = wire.send("GET", runs).json["Item"]
    assert (run["Status"], run["CreationTime"]) == ("SCHEDULED", "2026-01-02T03:05:05.678Z")
    assert wire.send("GET", runs, query="token=1").json == {"Item": []}
    of_run = f"/runs/{run['RunId']}"
    for where in ("", of_run):
        metrics = wire.send("GET", path(wire, journey, f"{where}/execution-metrics")).json
        assert metrics["Metrics"]["ENDPOINT_ENTERED"] == "0"
        assert set(metrics["Metrics"].values()) == {"0"}
        at = path(wire, journey, f"{where}/activities/split/execution-metrics")
        split = wire.send("GET", at).json
        assert split["ActivityType"] == "RANDOM_SPLIT"
        assert split["Metrics"] == {"Branch_1": "0", "Branch_2": "0"}
        at = path(wire, journey, f"{where}/activities/mail/execution-metrics")
        assert wire.send("GET", at).json["ActivityType"] == "MESSAGE"
        at = path(wire, journey, f"{where}/activities/none/execution-metrics")
        assert wire.send("GET", at).status == 404
    assert wire.send("GET", path(wire, journey, "/runs/none/execution-metrics")).status == 404
    state(wire, journey, "CANCELLED")
    assert wire.send("GET", runs).json["Item"][0]["Status"] == "CANCELLED"


def test_references_exist(wire: Wire) -> None:
    """Segments and templates that a journey names must be there, also of a draft."""
    segment = wire.post(f"/v1/apps/{wire.app}/segments", {"Name": "all"}).json["Id"]
    wire.post("/v1/templates/hello/sms", {"Body": "Hi"})
    text = {"SMS": {"TemplateName": "hello", "TemplateVersion": "1"}}
    start = {"SegmentStartCondition": {"SegmentId": segment}}
    good = {"Activities": {"a": text}, "StartActivity": "a", "StartCondition": start}
    assert made(wire, **good, State="ACTIVE")["State"] == "ACTIVE"
    start = {"SegmentStartCondition": {"SegmentId": "f" * 32}}
    answer = create(wire, {**JOURNEY, **good, "StartCondition": start})
    assert answer.status == 400
    assert answer.message.endswith("@ $.StartCondition.SegmentStartCondition.SegmentId")
    for changed in ({"TemplateName": "nobody"}, {"TemplateName": "hello", "TemplateVersion": "9"}):
        answer = create(wire, {**JOURNEY, **good, "Activities": {"a": {"SMS": changed}}})
        assert answer.status == 400
        assert answer.message.endswith("$.Activities.a.SMS.TemplateName")


def with_activity(**activity: object) -> dict[str, object]:
    """Return a journey with one more activity."""
    return {**JOURNEY, "Activities": {**ACTIVITIES, "more": activity}}


def scheduled(**schedule: object) -> dict[str, object]:
    """Return a journey with that schedule."""
    return {**JOURNEY, "Schedule": schedule}


MISSING = {"NextActivity": "nowhere"}
REFUSED: list[tuple[dict[str, object], str]] = [
    ({**JOURNEY, "Name": ""}, ".Name"),
    ({**JOURNEY, "Name": "two words"}, ".Name"),
    ({**JOURNEY, "Name": "x" * 151}, ".Name"),
    ({**JOURNEY, "State": "PAUSED"}, ".State"),
    ({**JOURNEY, "StartActivity": "nowhere"}, ".StartActivity"),
    ({**JOURNEY, "QuietTime": {"Start": "24:00"}}, ".QuietTime.Start"),
    ({**JOURNEY, "RefreshFrequency": "hourly"}, ".RefreshFrequency"),
    ({**JOURNEY, "RefreshFrequency": "P"}, ".RefreshFrequency"),
    ({**JOURNEY, "RefreshFrequency": "PT"}, ".RefreshFrequency"),
    ({**JOURNEY, "Limits": {"DailyCap": 101}}, ".Limits.DailyCap"),
    ({**JOURNEY, "Limits": {"TimeframeCap": {"Days": 31}}}, ".Limits.TimeframeCap.Days"),
    ({**JOURNEY, "Limits": {"EndpointReentryInterval": "1h"}}, ".EndpointReentryInterval"),
    (scheduled(Timezone="Europe/Paris"), ".Schedule.Timezone"),
    (scheduled(Timezone="UTC+09", StartTime="2026-02-01T09:00:00Z"), ".Schedule.StartTime"),
    (scheduled(Timezone="UTC", EndTime="2026-02-01T09:00:00+09:00"), ".Schedule.EndTime"),
    (
        scheduled(StartTime="2026-02-01T09:00:00Z", EndTime="2026-02-01T09:00:00Z"),
        ".Schedule.EndTime",
    ),
    (
        scheduled(StartTime="2026-02-01T09:00:00Z", EndTime="2027-12-01T09:00:00Z"),
        ".Schedule.EndTime",
    ),
    (with_activity(), ".Activities.more"),
    (with_activity(Description="nothing"), ".Activities.more"),
    (with_activity(Wait={}, Holdout={"Percentage": 1}), ".Activities.more"),
    (with_activity(Wait=MISSING), ".Activities.more.Wait.NextActivity"),
    (with_activity(Wait={"NextActivity": "more"}), ".Activities.more.Wait.NextActivity"),
    (with_activity(ConditionalSplit={"TrueActivity": "no"}), ".ConditionalSplit.TrueActivity"),
    (with_activity(MultiCondition={"DefaultActivity": "no"}), ".DefaultActivity"),
    (with_activity(RandomSplit={"Branches": [{}, MISSING]}), ".Branches[1].NextActivity"),
    (with_activity(RandomSplit={"Branches": [{}] * 6}), ".RandomSplit.Branches"),
    (with_activity(RandomSplit={"Branches": [{"Percentage": 101}]}), ".Branches[0].Percentage"),
    (with_activity(Holdout={"Percentage": -1}), ".Holdout.Percentage"),
    (
        with_activity(Wait={"WaitTime": {"WaitFor": "PT1H", "WaitUntil": "2026-02-01"}}),
        ".WaitTime",
    ),
    (
        with_activity(EMAIL={"MessageConfig": {"FromAddress": "a@example.com\nBcc: b@c.example"}}),
        ".EMAIL.MessageConfig.FromAddress",
    ),
    (with_activity(Wait={"WaitTime": {"WaitUntil": "soon"}}), ".WaitTime.WaitUntil"),
    ({**JOURNEY, "Activities": {"a b": {"Wait": {}}}, "StartActivity": "a b"}, ".Activities[0]"),
    (
        {
            **JOURNEY,
            "Activities": {f"a{n}": {"Wait": {}} for n in range(41)},
            "StartActivity": "a0",
        },
        ".Activities",
    ),
]


@pytest.mark.parametrize(("journey", "place"), REFUSED)
def test_what_has_no_meaning_is_refused(wire: Wire, journey: object, place: str) -> None:
    """With the place where it stands, and nothing is kept of it."""
    answer = create(wire, journey)
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert answer.message.endswith(place), answer.message
    assert wire.send("GET", f"/v1/apps/{wire.app}/journeys").json == {"Item": []}


@pytest.mark.parametrize("missing", ["Activities", "StartActivity", "StartCondition"])
def test_only_a_draft_may_be_unfinished(wire: Wire, missing: str) -> None:
    """What could not run cannot be published, at once or later."""
    journey = {name: value for name, value in JOURNEY.items() if name != missing}
    if missing == "Activities":
        del journey["StartActivity"]
    draft = create(wire, journey).json
    assert create(wire, {**journey, "State": "ACTIVE"}).status == 400
    assert state(wire, draft["Id"], "ACTIVE").status == 400
    assert wire.put(path(wire, draft["Id"]), {**journey, "State": "ACTIVE"}).status == 400
    assert wire.send("GET", path(wire, draft["Id"])).json == draft


def test_branches_of_a_published_journey_are_all(wire: Wire) -> None:
    """A random split of less than 100 percent cannot be published."""
    journey = copy.deepcopy(JOURNEY)
    journey["Activities"]["split"]["RandomSplit"]["Branches"][0]["Percentage"] = 59
    assert create(wire, journey).status == 201
    answer = create(wire, {**journey, "State": "ACTIVE"})
    assert answer.message.endswith("$.Activities.split.RandomSplit")


def test_open_hours_need_a_quiet_time(wire: Wire) -> None:
    """As the service model says in words."""
    hours = {"EMAIL": {"MONDAY": [{"StartTime": "09:00", "EndTime": "17:00"}]}}
    closed = {"SMS": [{"Name": "new-year", "StartDateTime": "2026-01-01T00:00:00Z"}]}
    assert (
        made(wire, SendingSchedule=True, OpenHours=hours, ClosedDays=closed)["OpenHours"] == hours
    )
    assert create(wire, {**JOURNEY, "OpenHours": hours}).status == 400
    bad = {"EMAIL": {"MONDAY": [{"StartTime": "9"}]}}
    answer = create(wire, {**JOURNEY, "SendingSchedule": True, "OpenHours": bad})
    assert answer.message.endswith("$.OpenHours.EMAIL.MONDAY[0].StartTime")


IDS = st.text("abcXYZ019", min_size=1, max_size=8)
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Zs", "Cc", "Zl", "Zp"]), min_size=1, max_size=20
)


@st.composite
def journeys(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a draft whose activities lead to one another."""
    ids = draw(st.lists(IDS, unique=True, max_size=5))
    activities: dict[str, Any] = {}
    for position, name in enumerate(ids):
        step = draw(st.sampled_from(["", *ids[position + 1 :]]))
        after = {"NextActivity": step} if step else {}
        activities[name] = draw(
            st.sampled_from(
                [
                    {"Wait": {**after, "WaitTime": {"WaitFor": "P1DT2H"}}},
                    {"Holdout": {**after, "Percentage": position}},
                    {"EMAIL": after, "Description": "\u00e9"},
                    {
                        "RandomSplit": {
                            "Branches": [{**after, "Percentage": 50}, {"Percentage": 50}]
                        }
                    },
                    {"CUSTOM": {**after, "MessageConfig": {"Data": "{}"}}},
                ]
            )
        )
    journey: dict[str, Any] = {"Name": draw(TEXT), "Activities": activities}
    if ids:
        journey["StartActivity"] = ids[0]
    if draw(st.booleans()):
        journey["LocalTime"] = draw(st.booleans())
    return journey


@given(journeys())
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_draft_comes_back(wire: Wire, journey: dict[str, Any]) -> None:
    """Whatever is accepted is given back unchanged."""
    answer = create(wire, journey)
    assert answer.status == 201, answer.json
    read = wire.send("GET", path(wire, answer.json["Id"])).json
    assert {name: read[name] for name in journey} == journey


HOSTILE = ["\ud83d\ude00" * 40, "../..", "' OR 1=1 --", "{{a}}", "\u202e", "x" * 10_000]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts(wire: Wire, text: str) -> None:
    """They are kept or refused, and never quoted in a refusal."""
    answer = create(wire, {**JOURNEY, "Activities": {"a": {"Description": text, "Wait": {}}}})
    assert answer.status == 400  # its start is not among them
    assert text not in answer.message
    answer = create(wire, {"Name": "n", "StartActivity": text})
    assert answer.status == 400
    assert text not in answer.message
    answer = create(wire, {"Name": "n", "Activities": {text: {"Wait": {}}}})
    assert answer.status == 400
    assert text not in answer.message
