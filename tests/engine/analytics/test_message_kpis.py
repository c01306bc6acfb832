"""KPIs of campaigns and messages, against a slow and obvious count in Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert

from pinpoint_kit.engine.analytics.kpis import APPLICATION_KPIS, CAMPAIGN_KPIS
from pinpoint_kit.engine.storage.tables.campaigns import CAMPAIGN_ACTIVITIES, CAMPAIGNS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.messages import MESSAGE_OUTCOMES, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.engine.conftest import Wire

DAY_MS = 86_400_000
START = 1_767_052_800_000  # 2025-12-30
DAYS = "start-time=2025-12-30&end-time=2026-01-01"
NAMES = ["2025-12-30", "2025-12-31", "2026-01-01"]
CAMPAIGN = ["c" * 32, "d" * 32]
RUNS = ["1" * 32, "2" * 32, "3" * 32]
#: The campaign of each run.
CAMPAIGN_OF = [0, 0, 1]


class Sent(NamedTuple):
    """A message as the model knows it."""

    day: int
    kind: str
    channel: str
    who: str
    run: int
    status: str
    outcomes: tuple[tuple[str, bool], ...]
    parts: int

    @property
    def is_sent(self) -> bool:
        return self.status == "SUCCESSFUL"

    def times(self, outcome: str) -> int:
        return sum(name == outcome for name, _ in self.outcomes)

    @property
    def is_hard(self) -> bool:
        return any(name == "bounced" and is_permanent for name, is_permanent in self.outcomes)

    @property
    def is_soft(self) -> bool:
        return not self.is_hard and self.times("bounced") > 0

    @property
    def is_delivered(self) -> bool:
        return self.is_sent and not self.is_hard


MESSAGE = st.builds(
    Sent,
    day=st.integers(-1, 3),
    kind=st.sampled_from(["direct", "otp", "campaign"]),
    channel=st.sampled_from(["EMAIL", "SMS", "APNS", "GCM"]),
    who=st.sampled_from(["+351210000000", "+4930123456", "kim", "ana"]),
    run=st.integers(0, 2),
    status=st.sampled_from(
        ["SUCCESSFUL", "SUCCESSFUL", "PERMANENT_FAILURE", "TEMPORARY_FAILURE", "PENDING"]
    ),
    outcomes=st.lists(
        st.tuples(
            st.sampled_from(["delivered", "bounced", "opened", "clicked", "complained"]),
            st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    parts=st.integers(1, 3),
)


def stored(wire: Wire, messages: Iterable[Sent], opened: Iterable[tuple[int, int]] = ()) -> None:
    """Replace what is stored by these messages, and by notifications that clients have opened."""
    with wire.engine._store.write() as connection:
        tables = (MESSAGES, MESSAGE_OUTCOMES, CAMPAIGNS, CAMPAIGN_ACTIVITIES, EVENTS)
        for table in tables:
            connection.execute(delete(table))
        common = {"created": 0, "modified": 0, "state": "{}", "segment": "s", "version": 1}
        for number, name in enumerate(CAMPAIGN):
            connection.execute(
                insert(CAMPAIGNS).values(
                    number=number, app=1, id=name, status="COMPLETED", **common
                )
            )
        for number, name in enumerate(RUNS):
            connection.execute(
                insert(CAMPAIGN_ACTIVITIES).values(
                    number=number,
                    app=1,
                    campaign=CAMPAIGN_OF[number],
                    id=name,
                    treatment=0,
                    version=1,
                    scheduled=0,
                    state="COMPLETED",
                    position="{}",
                    counts="{}",
                )
            )
        for number, message in enumerate(messages, 1):
            at = START + message.day * DAY_MS + 5
            of = {"campaign": CAMPAIGN_OF[message.run], "activity": message.run, "treatment": 0}
            connection.execute(
                insert(MESSAGES).values(
                    number=number,
                    app=1,
                    id=f"{number:040x}",
                    created=at,
                    channel=message.channel,
                    address=message.who,
                    kind=message.kind,
                    status=message.status,
                    status_code=200,
                    status_text="",
                    content=orjson.dumps({"Body": '"Parts": 9', "Parts": message.parts}).decode(),
                    **(of if message.kind == "campaign" else {}),
                )
            )
            for outcome, is_permanent in message.outcomes:
                kind = "Permanent" if is_permanent else "Transient"
                detail = {"BounceType": kind} if outcome == "bounced" else {"Link": "x"}
                connection.execute(
                    insert(MESSAGE_OUTCOMES).values(
                        app=1,
                        message=number,
                        outcome=outcome,
                        at=at + 1,
                        detail=orjson.dumps(detail).decode(),
                    )
                )
        for number, (day, run) in enumerate(opened):
            attributes = {"campaign_id": CAMPAIGN[CAMPAIGN_OF[run]]}
            attributes["campaign_activity_id"] = RUNS[run]
            connection.execute(
                insert(EVENTS).values(
                    app=1,
                    endpoint="e",
                    arrival=0,
                    event_id=str(number),
                    type="_campaign.opened_notification",
                    timestamp=START + day * DAY_MS,
                    attributes=orjson.dumps(attributes).decode(),
                )
            )


def rows(wire: Wire, name: str, campaign: str | None = None) -> dict[str, float]:
    """Return the rows of a KPI: what each is grouped by, and its number."""
    of = f"/campaigns/{campaign}" if campaign else ""
    answer = wire.send("GET", f"/v1/apps/{wire.app}{of}/kpis/daterange/{name}", query=DAYS)
    assert answer.status == 200, answer.json
    found = {}
    for row in answer.json["KpiResult"]["Rows"]:
        (value,) = row["Values"]
        group = "".join(each["Value"] for each in row.get("GroupedBys", []))
        assert group not in found
        found[group] = float(value["Value"])
    return found


Group = dict[str, list[Sent]]


def grouped(messages: Iterable[Sent], key: Callable[[Sent], str]) -> Group:
    """Return messages by their group."""
    groups: Group = defaultdict(list)
    for message in messages:
        groups[key(message)].append(message)
    return groups


def share(part: float, whole: float) -> float | None:
    """Return a rate, None of nothing."""
    return part / whole if whole else None


def bounced(messages: list[Sent]) -> int:
    """Count the bounces for good."""
    return sum(message.is_sent and message.is_hard for message in messages)


def arrived(messages: list[Sent]) -> int:
    """Count what did not bounce at all."""
    return sum(m.is_delivered and not m.is_soft for m in messages)


def sent(messages: list[Sent]) -> int:
    """Count what was handed over."""
    return sum(message.is_sent for message in messages)


def delivered(messages: list[Sent]) -> int:
    """Count what did not bounce for good."""
    return sum(message.is_delivered for message in messages)


def had(messages: list[Sent], outcome: str) -> int:
    """Count the messages that have an outcome."""
    return sum(message.times(outcome) > 0 for message in messages)


def each(messages: list[Sent], outcome: str) -> int:
    """Count an outcome each time."""
    return sum(message.times(outcome) for message in messages)


def people(messages: list[Sent], outcome: str) -> int:
    """Count recipients with an outcome."""
    return len({message.who for message in messages if message.times(outcome)})


OF_CAMPAIGNS: dict[str, tuple[str, Callable[[list[Sent]], float | None]]] = {
    "attempted-deliveries": ("", len),
    "clicks": ("EMAIL", lambda m: each(m, "clicked")),
    "direct-email-opens": ("EMAIL", lambda m: each(m, "opened")),
    "email-open-rate": ("EMAIL", lambda m: share(had(m, "opened"), delivered(m))),
    "hard-bounce-rate": ("EMAIL", lambda m: share(bounced(m), sent(m))),
    "sms-spend": ("SMS", lambda _: 0),
    "successful-deliveries": ("", delivered),
    "successful-delivery-rate": ("", lambda m: share(delivered(m), sent(m))),
    "unique-deliveries": ("", lambda m: len({each.who for each in m if each.is_delivered})),
}
OF_EMAILS: dict[str, Callable[[list[Sent]], float | None]] = {
    "clicked": lambda m: each(m, "clicked"),
    "complaint-rate": lambda m: share(had(m, "complained"), sent(m)),
    "delivered": arrived,
    "delivery-rate": lambda m: share(arrived(m), sent(m)),
    "hard-bounced": bounced,
    "opened": lambda m: each(m, "opened"),
    "sent": sent,
    "soft-bounced": lambda m: sum(one.is_sent and one.is_soft for one in m),
    "unique-clicks": lambda m: people(m, "clicked"),
    "unique-opens": lambda m: people(m, "opened"),
    "with-complaints": lambda m: had(m, "complained"),
}
COUNTRY = {"+351210000000": "PT", "+4930123456": "DE"}


def delivered_texts(messages: list[Sent]) -> list[Sent]:
    """Return the text messages that did not bounce."""
    return [message for message in messages if message.is_sent and not message.times("bounced")]


OF_TEXTS: dict[str, Callable[[list[Sent]], float | None]] = {
    "average-price": lambda _: 0,
    "average-price-by-parts": lambda _: 0,
    "delivered": lambda m: len(delivered_texts(m)),
    "delivered-by-parts": lambda m: sum(one.parts for one in delivered_texts(m)),
    "delivery-rate": lambda m: share(len(delivered_texts(m)), len(m)),
    "sent": len,
    "sent-by-parts": lambda m: sum(one.parts for one in m),
    "total-price": lambda _: 0,
}
KEYS: dict[str, Callable[[Sent], str]] = {
    "": lambda _: "",
    "campaign": lambda message: CAMPAIGN[CAMPAIGN_OF[message.run]],
    "campaign-activity": lambda message: RUNS[message.run],
    "country": lambda message: COUNTRY.get(message.who, "unknown"),
    "date": lambda message: NAMES[message.day],
}


def expected(
    messages: list[Sent], opened: list[tuple[int, int]], name: str, campaign: int | None
) -> dict[str, float]:
    """Return the rows of a KPI as the obvious count has them."""
    base, _, group = name.partition("-grouped-by-")
    within = [message for message in messages if 0 <= message.day <= 2]
    direct = [message for message in within if message.kind != "campaign"]
    if base == "txn-sms-error-distribution":
        texts = [message for message in direct if message.channel == "SMS"]
        errors = Counter(
            "UNREACHABLE" if message.is_sent else message.status
            for message in texts
            if not message.is_sent or message.times("bounced")
        )
        return dict(errors)
    if base.startswith("txn-sms-"):
        chosen = [message for message in direct if message.channel == "SMS" and message.is_sent]
        formula = OF_TEXTS[base.removeprefix("txn-sms-")]
    elif base.startswith("txn-emails-"):
        chosen = [message for message in direct if message.channel == "EMAIL"]
        formula = OF_EMAILS[base.removeprefix("txn-emails-")]
    else:
        chosen = [
            message
            for message in within
            if message.kind == "campaign" and campaign in {None, CAMPAIGN_OF[message.run]}
        ]
        if base in {"push-open-rate", "direct-push-opens"}:
            return pushes(chosen, opened, base, group, campaign)
        channel, formula = OF_CAMPAIGNS[base]
        chosen = [message for message in chosen if channel in {"", message.channel}]
    found = {key: formula(part) for key, part in grouped(chosen, KEYS[group]).items()}
    return {key: number for key, number in found.items() if number is not None}


def pushes(
    chosen: list[Sent],
    opened: list[tuple[int, int]],
    base: str,
    group: str,
    campaign: int | None,
) -> dict[str, float]:
    """Return the rows of the KPIs of notifications."""
    groups = grouped([m for m in chosen if m.channel in {"APNS", "GCM"}], KEYS[group])
    reports: Counter[str] = Counter()
    for day, run in opened:
        if 0 <= day <= 2 and campaign in {None, CAMPAIGN_OF[run]}:
            key = {"": "", "campaign": CAMPAIGN[CAMPAIGN_OF[run]]}.get(group, RUNS[run])
            reports[key] += 1
    opens = {key: each(part, "opened") + reports[key] for key, part in groups.items()}
    if base == "direct-push-opens":
        return {key: float(number) for key, number in opens.items()}
    rates = {key: share(opens[key], delivered(part)) for key, part in groups.items()}
    return {key: number for key, number in rates.items() if number is not None}


#: Every name, and the campaign that it is asked for, None for all.
ASKED: list[tuple[str, int | None]] = [
    *((name, None) for name in sorted(APPLICATION_KPIS)),
    *((name, 0) for name in sorted(CAMPAIGN_KPIS)),
]
STORED = st.tuples(
    st.lists(MESSAGE, max_size=30),
    st.lists(st.tuples(st.integers(-1, 3), st.integers(0, 2)), max_size=4),
)


#: A few messages with every fate, of every kind.
EVERYTHING = [
    Sent(day, kind, channel, who, run, status, outcomes, 2)
    for day, kind, run in ((0, "campaign", 0), (2, "campaign", 1), (1, "direct", 0), (3, "otp", 0))
    for channel, who in (("EMAIL", "kim"), ("SMS", "+4930123456"), ("APNS", "ana"))
    for status, outcomes in (
        ("SUCCESSFUL", (("opened", True), ("opened", True), ("clicked", True))),
        ("SUCCESSFUL", (("bounced", False), ("opened", True))),
        ("SUCCESSFUL", (("bounced", True), ("complained", True))),
        ("TEMPORARY_FAILURE", ()),
        ("PENDING", ()),
    )
]


def check(
    wire: Wire,
    given_messages: tuple[list[Sent], list[tuple[int, int]]],
    asked: Iterable[tuple[str, int | None]],
) -> None:
    """Compare KPIs with the obvious count, over three days of five."""
    messages, opened = given_messages
    stored(wire, messages, opened)
    for name, campaign in asked:
        found = rows(wire, name, None if campaign is None else CAMPAIGN[campaign])
        assert found == pytest.approx(expected(messages, opened, name, campaign)), name


@example(given_messages=(EVERYTHING, [(0, 0), (1, 1), (3, 0), (2, 2)]), asked=ASKED)
@given(STORED, st.lists(st.sampled_from(ASKED), min_size=8, max_size=8, unique=True))
@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_kpis_are_the_obvious_count(
    wire: Wire,
    given_messages: tuple[list[Sent], list[tuple[int, int]]],
    asked: list[tuple[str, int | None]],
) -> None:
    """All names with every fate, and some names at a time."""
    check(wire, given_messages, asked)


@pytest.mark.slow
@given(STORED)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_kpi_is_the_obvious_count(
    wire: Wire, given_messages: tuple[list[Sent], list[tuple[int, int]]]
) -> None:
    """All names of applications, and of a campaign."""
    check(wire, given_messages, ASKED)


def test_what_is_grouped_by_says_so(wire: Wire) -> None:
    """Keys are the service's: the name in one word, and what it is grouped by."""
    stored(wire, [Sent(0, "campaign", "EMAIL", "ana", 0, "SUCCESSFUL", (), 1)])
    answer = wire.send(
        "GET",
        f"/v1/apps/{wire.app}/campaigns/{CAMPAIGN[0]}/kpis/daterange/"
        "unique-deliveries-grouped-by-campaign-activity",
        query=DAYS,
    )
    assert answer.json["KpiResult"]["Rows"] == [
        {
            "GroupedBys": [{"Key": "CampaignActivityId", "Type": "String", "Value": RUNS[0]}],
            "Values": [{"Key": "UniqueDeliveries", "Type": "Double", "Value": "1.0"}],
        }
    ]


def test_results_of_a_campaign(wire: Wire) -> None:
    """Each run has its counts, of all time; a campaign that there is not is not found."""
    opened = (("opened", True), ("opened", True), ("clicked", True))
    stored(
        wire,
        [
            Sent(-900, "campaign", "EMAIL", "ana", 0, "SUCCESSFUL", opened, 1),
            Sent(0, "campaign", "EMAIL", "kim", 0, "SUCCESSFUL", (("bounced", True),), 1),
            Sent(0, "campaign", "EMAIL", "kim", 1, "PERMANENT_FAILURE", (), 1),
            Sent(0, "campaign", "EMAIL", "kim", 2, "SUCCESSFUL", (), 1),
        ],
    )
    at = f"/pinpoint-kit/v1/apps/{wire.app}/campaigns"
    answer = wire.send("GET", f"{at}/{CAMPAIGN[0]}/results").json
    zero: dict[str, Any] = {"TreatmentId": "0", "Complained": 0, "OptedOut": 0}
    assert answer["CampaignId"] == CAMPAIGN[0]
    assert answer["Runs"] == [
        {
            **zero,
            "ActivityId": RUNS[0],
            "Attempted": 2,
            "Sent": 2,
            "Delivered": 1,
            "Bounced": 1,
            "Opened": 1,
            "Clicked": 1,
        },
        {
            **zero,
            "ActivityId": RUNS[1],
            "Attempted": 1,
            "Sent": 0,
            "Delivered": 0,
            "Bounced": 0,
            "Opened": 0,
            "Clicked": 0,
        },
    ]
    assert wire.send("GET", f"{at}/{'e' * 32}/results").status == 404


def test_a_campaign_that_there_is_not_has_no_rows(wire: Wire) -> None:
    """A client that polls old campaigns sees no data, and a wrong name is not found."""
    assert rows(wire, "unique-deliveries", "e" * 32) == {}
    at = f"/v1/apps/{wire.app}/campaigns/{'e' * 32}/kpis/daterange/txn-sms-sent"
    assert wire.send("GET", at, query=DAYS).status == 404
