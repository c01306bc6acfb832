"""`pinpoint.streams`: event streams behind a client, over every URL of ours."""

from __future__ import annotations

import datetime as dt
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import pinpoint_kit as pk
from pinpoint_kit.destinations import IteratorDestination, Refused, Unavailable
from pinpoint_kit.doors.destinations import parse_destinations
from tests.engine.streams.stream_kit import ARN, BAD, STREAM, Fake
from tests.timing import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def put_stream(pinpoint: pk.Pinpoint) -> None:
    """Give the application a stream."""
    pinpoint.call("PutEventStream", WriteEventStream=STREAM)


def record(pinpoint: pk.Pinpoint, *events: str) -> None:
    """Record events now."""
    for event in events:
        pinpoint.events.put("device-1", pk.Event(id=event, type="level_up"))


def test_events_are_forwarded_behind_the_client() -> None:
    """What a program records comes out of its own destination, while it goes on."""
    out = IteratorDestination()
    with pk.connect("sqlite://", application="shop", destinations={"shop": out}) as pinpoint:
        record(pinpoint, "a")
        found = next(iter(out))
        assert found.event_id == "a"


def test_a_url_is_opened(tmp_path: Path) -> None:
    """A folder gets files; a destination that is slow to close loses nothing."""
    folder = tmp_path / "out"
    folder.mkdir()
    url = f"sqlite:///{tmp_path}/shop.db"
    given = {"shop": [f"file://{folder}", f"file://{folder}"]}
    with pk.connect(url, application="shop", destinations=given) as pinpoint:
        record(pinpoint, "a", "b")
        wait_until(lambda: pinpoint.streams.status()[0].sent == 2)
    assert len(list(folder.rglob("*.ndjson.gz"))) in {1, 2}


def test_the_status_says_how_it_goes() -> None:
    """Of each destination, with what went wrong last."""
    fake = Fake(outage=Unavailable("the network is down"))
    with pk.connect("sqlite://", application="shop", destinations={ARN: fake}) as pinpoint:
        assert list(pinpoint.streams.status()) == []
        put_stream(pinpoint)
        record(pinpoint, "a")
        wait_until(lambda: pinpoint.streams.status()[0].state == "FAILING")
        (found,) = pinpoint.streams.status()
        assert (found.destination, found.claim, found.lag_records) == (fake.name, ARN, 1)
        assert found.last_error_code == "Unavailable"
        assert found.next_try_date is not None
        assert found.next_try_date > dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
        (paused,) = pinpoint.streams.pause()
        assert paused.paused
        fake.outage = None
        pinpoint.streams.resume(fake.name)
        wait_until(lambda: fake.events == ["a"])
        assert pinpoint.streams.replay("2020-01-01") == 1
        wait_until(lambda: fake.events == ["a", "a"])


def test_dead_letters_behind_a_client() -> None:
    """They are listed, retried and discarded, by themselves or all at once."""
    answers: list[Refused | None] = [BAD] * 4
    fake = Fake(answer=lambda _: answers.pop() if answers else None)
    with pk.connect("sqlite://", application="shop", destinations={"shop": fake}) as pinpoint:
        record(pinpoint, "1", "2", "3", "4")
        wait_until(lambda: len(list(pinpoint.streams.dead_letters())) == 4)
        first, second, *_ = pinpoint.streams.dead_letters()
        assert (first.event_id, first.code) == ("1", "BadRecord")
        assert first.record is not None
        assert first.record["event_type"] == "level_up"
        assert "device-1" not in repr(first)
        assert pinpoint.streams.retry([first, second.id]) == 2
        wait_until(lambda: fake.events == ["1", "2"])
        assert pinpoint.streams.discard() == 2
        assert pinpoint.streams.discard(destination=fake.name) == 0
        assert pinpoint.streams.status()[0].lost == 2
        with pytest.raises(pk.errors.ValidationError):
            pinpoint.streams.retry([1])  # type: ignore[list-item]
        with pytest.raises(pk.errors.NotFound):
            pinpoint.streams.pause("kinesis://nobody")


def test_a_slow_destination_holds_up_neither_events_nor_others() -> None:
    """Each has a thread of its own."""
    gate = threading.Event()

    class Slow(Fake):
        def send(self, application_id: str, records: Any) -> Any:
            gate.wait(20)
            return super().send(application_id, records)

    slow, quick = Slow(name="fake://slow"), Fake(name="fake://quick")
    with pk.connect(
        "sqlite://", application="shop", destinations={"shop": [slow, quick]}
    ) as pinpoint:
        record(pinpoint, "a")
        wait_until(lambda: quick.events == ["a"])
        record(pinpoint, "b")
        wait_until(lambda: quick.events == ["a", "b"])
        assert slow.events == []
        gate.set()
        wait_until(lambda: slow.events == ["a", "b"])
    assert slow.is_closed
    assert quick.is_closed


def test_a_hosted_service_has_no_such_verbs() -> None:
    """They are refused before anything is sent."""
    client = boto3.client(
        "pinpoint", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    with (
        pk.Pinpoint(client, "a" * 32) as pinpoint,
        pytest.raises(pk.errors.ConfigurationError, match="event streams"),
    ):
        pinpoint.streams.status()


def test_destinations_are_the_engines_own() -> None:
    """A server is given its own, and a value must be one."""
    with pytest.raises(pk.errors.ConfigurationError, match="--destination"):
        pk.connect("http://127.0.0.1:1", application="shop", destinations={"shop": "file:///x"})
    with pytest.raises(pk.errors.ConfigurationError, match="a URL, or an object"):
        pk.connect("sqlite://", destinations={"shop": 7})  # type: ignore[dict-item]
    with pytest.raises(pk.errors.ConfigurationError, match="not the URL"):
        pk.connect("sqlite://", destinations={"shop": "gopher://x"})


def test_what_the_command_line_gives() -> None:
    """An ARN has colons and slashes, a URL may have signs of equality."""
    url = "kinesis://events?region=eu-west-1"
    assert parse_destinations([f"{ARN}={url}", "a=b=file:///x", f"{ARN}=file:///y"]) == {
        ARN: [url, "file:///y"],
        "a=b": ["file:///x"],
    }
    for wrong in ("file:///x", "=file:///x", "shop=", "shop=folder"):
        with pytest.raises(pk.errors.ConfigurationError, match="ARN=URL"):
            parse_destinations([wrong])


def test_how_records_look_and_their_bounds_are_options() -> None:
    """Records of version 3.1 with the address, and one dead letter of two stays."""
    form = pk.StreamForm(version="3.1", endpoint="full", account_id="111122223333")
    fake = Fake(answer=lambda _: BAD)
    with pk.connect(
        "sqlite://",
        application="shop",
        destinations={"shop": fake},
        stream_form=form,
        stream_backlog=50,
        stream_age=dt.timedelta(days=1),
        stream_tries=2,
        stream_dead_letters=1,
    ) as pinpoint:
        pinpoint.endpoints.update(
            pk.Endpoint(id="device-1", address="a@example.com", channel_type="EMAIL")
        )
        record(pinpoint, "a", "b")
        wait_until(lambda: pinpoint.streams.status()[0].dead_letters > 0)
        letter = next(iter(pinpoint.streams.dead_letters()))
        assert letter.record is not None
        assert letter.record["awsAccountId"] == "111122223333"
        assert "a@example.com" in str(letter.record["endpoint"])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"stream_backlog": 0}, "stream_backlog is not above 0"),
        ({"stream_tries": 1.5}, "stream_tries is not above 0: name a whole number"),
        ({"stream_dead_letters": -1}, "stream_dead_letters is not above 0"),
        ({"stream_age": dt.timedelta(days=32)}, "at most 31 days"),
        ({"stream_age": 7}, "timedelta"),
        ({"stream_form": "3.1"}, "StreamForm"),
    ],
)
def test_options_that_are_none_are_refused(given: dict[str, Any], sentence: str) -> None:
    """Before anything is opened, with what to write."""
    with pytest.raises(pk.errors.ConfigurationError, match=sentence):
        pk.connect("sqlite://", application="shop", **given)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("stream_form", "--stream-version"),
        ("stream_backlog", "--stream-backlog"),
        ("stream_dead_letters", "--stream-dead-letters"),
    ],
)
def test_a_server_has_options_of_its_own(name: str, option: str) -> None:
    """A client of a server cannot choose them, and learns which option of the server does."""
    given: dict[str, Any] = {name: pk.StreamForm() if name == "stream_form" else 1}
    with pytest.raises(pk.errors.ConfigurationError, match=f"{name} is .* {option}"):
        pk.connect("http://127.0.0.1:1", application="shop", **given)


@pytest.mark.parametrize("given", [{"version": "4.0"}, {"endpoint": "all"}, {"account_id": "1234"}])
def test_a_form_must_be_known(given: dict[str, Any]) -> None:
    """What records cannot look like is refused, with what they can."""
    with pytest.raises(ValueError, match="give"):
        pk.StreamForm(**given)
