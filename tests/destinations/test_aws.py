"""Kinesis and Firehose against a fake on a real socket that fails in every way."""

from __future__ import annotations

import os
import re
import time
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from pinpoint_kit import ConfigurationError
from pinpoint_kit.destinations import Firehose, Kinesis, Unavailable
from tests.destinations.fake_aws import FakeAws, Fault
from tests.destinations.records import by_key, numbers, record, records
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS: list[type[Kinesis | Firehose]] = [Kinesis, Firehose]


@pytest.fixture
def fake() -> Iterator[FakeAws]:
    """Give a fake that takes everything."""
    with FakeAws() as fake:
        yield fake


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Any:
    """Give each of the two."""
    return request.param


def opened(fake: FakeAws, kind: Any = Kinesis, **options: Any) -> Any:
    """Return a destination that sends to the fake."""
    return kind("events", session=fake.session(), endpoint_url=fake.url, **options)


def test_records_arrive(fake: FakeAws, kind: Any) -> None:
    """Bytes for bytes, in their order, and keyed where the service has keys."""
    sent = records(7, keys=7)
    destination = opened(fake, kind)
    assert destination.send("app", sent) == [None] * 7
    assert fake.data() == [one.data for one in sent]
    expected = [one.key for one in sent] if kind is Kinesis else [""] * 7
    assert [taken.key for taken in fake.taken] == expected
    assert {taken.stream for taken in fake.taken} == {"events"}
    destination.close()
    destination.close()


def test_a_call_within_its_limits_is_one_request(fake: FakeAws, kind: Any) -> None:
    """500 records of 500 endpoints go at once, and more of them in several requests."""
    destination = opened(fake, kind)
    assert destination.most_records == 500
    assert destination.send("app", records(1_100, keys=1_100)) == [None] * 1_100
    assert fake.requests == [500, 500, 100]
    assert numbers(fake.data()) == list(range(1, 1_101))


def test_limits_are_the_older_ones_by_default(fake: FakeAws) -> None:
    """The newer ones are an option, up to what the service takes."""
    kinesis, firehose = opened(fake), opened(fake, Firehose)
    assert (kinesis.most_record_bytes, kinesis.most_bytes) == (1_000_000, 5_000_000)
    assert (firehose.most_record_bytes, firehose.most_bytes) == (1_000_000, 4_000_000)
    newer = opened(fake, most_bytes=10_485_760, most_record_bytes=10_485_760)
    large = record(1, title="x" * 2_000_000)
    assert newer.send("app", [large]) == [None]
    (refused,) = kinesis.send("app", [large])
    assert (refused.code, refused.is_permanent) == ("RecordTooLarge", True)
    assert len(fake.taken) == 1


def test_bytes_end_a_request(fake: FakeAws, kind: Any) -> None:
    """Records of 900,000 bytes go four or five at a time."""
    sent = [record(n, f"device-{n}", title="x" * 900_000) for n in range(1, 9)]
    assert opened(fake, kind).send("app", sent) == [None] * 8
    assert fake.requests == ([5, 3] if kind is Kinesis else [4, 4])


def test_single_refusals_are_said_of_their_records(fake: FakeAws, kind: Any) -> None:
    """With the service's own code, as something to try again, and without its words."""
    fake.script.append(Fault.records(1, 3))
    outcomes = opened(fake, kind).send("app", records(5, keys=5))
    assert [outcome is None for outcome in outcomes] == [True, False, True, False, True]
    assert outcomes[1].code == "ProvisionedThroughputExceededException"
    assert not outcomes[1].is_permanent
    assert outcomes[1].counts_as_try
    assert "shard 1" not in outcomes[1].message


@pytest.mark.parametrize("ordered", [True, False])
def test_order_by_endpoint_survives_single_refusals(
    fake: FakeAws, kind: Any, *, ordered: bool
) -> None:
    """Sent again until all is taken, each endpoint's records come in their order."""
    destination = opened(fake, kind, ordered=ordered)
    fake.default = Fault.share(0.3, seed=7)
    left = records(200, keys=10)
    for _ in range(200):
        outcomes = destination.send("app", left)
        left = [one for one, outcome in zip(left, outcomes, strict=True) if outcome is not None]
        if not left:
            break
    assert sorted(numbers(fake.data())) == list(range(1, 201))
    is_in_order = all(places == sorted(places) for places in by_key(fake.data()).values())
    assert is_in_order is ordered


@pytest.mark.parametrize(
    "fault",
    [
        Fault.whole("ProvisionedThroughputExceededException"),
        Fault.whole("ServiceUnavailableException", status=503),
        Fault.whole("InternalFailure", status=500),
        Fault.whole("ValidationException", status=500),
        Fault.reset(is_stored=False),
        Fault.reset(is_stored=True),
        Fault.truncated(),
        Fault.garbage(),
        Fault.garbage(b"[]"),
        Fault.garbage(b'{"Records":7,"RequestResponses":7}'),
        Fault.garbage(b"<html>busy</html>", status=502),
        Fault.missing(),
        Fault.duplicated(),
    ],
    ids=lambda fault: f"{fault.code}-{fault.ending}-{fault.status}",
)
def test_whole_failures_leave_nothing_known(fake: FakeAws, kind: Any, fault: Fault) -> None:
    """All is sent again, and passes then; the client has tried once."""
    fake.script.append(fault)
    destination = opened(fake, kind)
    with pytest.raises(Unavailable, match=rf"^{kind.__name__.lower()}://events\?\S+: ") as caught:
        destination.send("app", records(3, keys=3))
    assert "device-" not in str(caught.value)
    assert fake.requests == [3]
    assert destination.send("app", records(3, keys=3)) == [None] * 3


def test_a_record_that_nothing_is_said_of_was_not_taken(fake: FakeAws, kind: Any) -> None:
    """An empty result is no acknowledgement."""
    fake.script.append(Fault.mute())
    outcomes = opened(fake, kind).send("app", records(2, keys=2))
    assert [outcome.code for outcome in outcomes] == ["NoAnswer", "NoAnswer"]


def test_a_service_says_how_long_to_wait(fake: FakeAws, kind: Any) -> None:
    """Its Retry-After is handed on; nonsense there is none."""
    destination = opened(fake, kind)
    for after, expected in (("7", 7.0), ("soon", None), ("9" * 400, None)):
        fake.script.append(Fault.whole("Throttling", status=503, headers={"Retry-After": after}))
        with pytest.raises(Unavailable) as caught:
            destination.send("app", records(1))
        assert caught.value.retry_after == expected


def test_what_is_wrong_with_the_set_up_is_said(fake: FakeAws, kind: Any) -> None:
    """The service's words are shown where they name a permission, in one line and cut."""
    said = "not authorized to perform: PutRecords\n" + "x" * 5_000
    fake.script.append(Fault.whole("AccessDeniedException", message=said))
    with pytest.raises(Unavailable, match=r"AccessDeniedException.*not authorized") as caught:
        opened(fake, kind).send("app", records(1))
    assert len(str(caught.value)) < 500
    assert "\n" not in str(caught.value)


def test_a_record_that_the_service_calls_wrong_is_found(fake: FakeAws, kind: Any) -> None:
    """It is refused for good; all others are taken, and nothing of it is shown."""
    fake.judge = lambda data: b"poison" in data
    sent = [*records(6, keys=6), record(7, "sick", title="poison"), *records(6, 6, first=8)]
    outcomes = opened(fake, kind).send("app", sent)
    assert [place for place, outcome in enumerate(outcomes) if outcome is not None] == [6]
    assert (outcomes[6].code, outcomes[6].is_permanent) == ("ValidationException", True)
    assert "poison" not in repr(outcomes[6])
    assert len(fake.taken) == 12


@pytest.mark.parametrize(
    "fault",
    [Fault.hang(), Fault.hang(is_stored=True), Fault.slow(8)],
    ids=["hung", "lost", "slow"],
)
def test_a_call_ends_in_time(fake: FakeAws, kind: Any, fault: Fault) -> None:
    """Whether nothing comes or one byte at a time."""
    fake.script.append(fault)
    destination = opened(fake, kind, timeout=0.5)
    began = time.monotonic()
    with pytest.raises(Unavailable, match="no answer"):
        destination.send("app", records(1))
    in_time(time.monotonic() - began, 5)  # a piece comes every 0.4 s
    assert destination.send("app", records(1)) == [None]


def test_time_is_for_all_requests_of_a_call(fake: FakeAws) -> None:
    """An endpoint's hundred records take as many requests: what is left waits for another call."""
    fake.default = Fault.slow(0.1)
    destination = opened(fake, timeout=0.5)
    began = time.monotonic()
    outcomes = destination.send("app", records(100, keys=1))
    in_time(time.monotonic() - began, 5)
    done = [outcome is None for outcome in outcomes]
    assert done == sorted(done, reverse=True)
    assert 0 < sum(done) < 100
    assert not any(outcome.counts_as_try for outcome in outcomes if outcome is not None)


def test_a_service_that_is_down_and_comes_back(fake: FakeAws, kind: Any) -> None:
    """A refused connection is unavailable, and later it is not."""
    destination = opened(fake, kind)
    fake.down()
    with pytest.raises(Unavailable, match="no answer"):
        destination.send("app", records(1))
    fake.up()
    assert destination.send("app", records(1)) == [None]


def test_the_event_id_is_added_when_asked_for(fake: FakeAws, kind: Any) -> None:
    """As a member at the end; without it, records are Pinpoint's own."""
    plain, with_id = opened(fake, kind), opened(fake, kind, event_id=True)
    sent = record(1)
    plain.send("app", [sent])
    with_id.send("app", [sent])
    assert fake.data() == [sent.data, sent.data[:-2] + b',"event_id":"event-1"}\n']


def test_an_arn_names_the_stream(fake: FakeAws) -> None:
    """Kinesis takes it as it is, which may be another account's; Firehose takes names."""
    keys = boto3.session.Session("AKIDEXAMPLE", "secret")
    arn = "arn:aws:kinesis:eu-central-1:123456789012:stream/events"
    kinesis = Kinesis(arn, session=keys, endpoint_url=fake.url)
    firehose = Firehose(
        "arn:aws:firehose:eu-central-1:123456789012:deliverystream/events",
        session=keys,
        endpoint_url=fake.url,
    )
    assert kinesis.name == f"kinesis://{arn}"
    assert firehose.name.endswith("123456789012:deliverystream/events")
    kinesis.send("app", [record(1)])
    firehose.send("app", [record(2)])
    assert [taken.stream for taken in fake.taken] == [arn, "events"]


def test_a_client_can_be_handed_in(fake: FakeAws) -> None:
    """It is used as it is, and stays open."""
    client = fake.session().client(
        "kinesis",
        endpoint_url=fake.url,
        config=Config(retries={"total_max_attempts": 3, "mode": "standard"}),
    )
    destination = Kinesis("events", client=client)
    fake.script.append(Fault.whole("InternalFailure", status=500))
    assert destination.send("app", records(2)) == [None] * 2
    destination.close()
    assert destination.send("app", records(1)) == [None]
    client.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(fake: FakeAws) -> None:
    """What the child sends is not mixed with what the parent sends."""
    destination = opened(fake)
    destination.send("app", [record(1)])
    ours = destination._client
    if (pid := os.fork()) == 0:
        done = destination.send("app", [record(2)]) == [None]
        os._exit(0 if done and destination._client is not ours else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert destination.send("app", [record(3)]) == [None]
    assert numbers(fake.data()) == [1, 2, 3]


@pytest.mark.parametrize("name", ["", "a b", "x" * 129, "a/b", "arn:aws:sns:eu-west-1:1:x"])
def test_a_name_that_is_none(kind: Any, name: str) -> None:
    """It is refused before anything is sent."""
    with pytest.raises(ConfigurationError, match="no name of a stream"):
        kind(name, session=FakeAws.session())


def test_no_region_and_no_credentials(kind: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one sentence that says what to do."""
    scheme = kind.__name__.lower()
    with pytest.raises(ConfigurationError, match=f"no Region for {scheme}://events: write "):
        kind("events", session=boto3.session.Session("AKIDEXAMPLE", "secret"))
    with pytest.raises(ConfigurationError, match=f"no AWS credentials for {scheme}://events"):
        kind("events", region="eu-west-1")
    with pytest.raises(ConfigurationError, match="not both"):
        kind("events", profile="x", session=FakeAws.session())
    with pytest.raises(ConfigurationError, match=r"ProfileNotFound.*check the Region"):
        kind("events", profile="nobody", region="eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "topsecret")
    destination = kind("events", region="eu-west-1")
    assert not re.search("AKID|topsecret", repr(destination) + repr(vars(destination)["_settings"]))


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), 3_601])
def test_a_timeout_that_is_none(kind: Any, timeout: float) -> None:
    """It has to be waited for."""
    with pytest.raises(ConfigurationError, match="timeout must be above 0"):
        kind("events", session=FakeAws.session(), timeout=timeout)
