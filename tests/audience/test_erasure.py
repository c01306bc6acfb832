"""`Pinpoint.erase`: what is stored, what the client still holds, and the report."""

from __future__ import annotations

import io
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from pinpoint_kit import (
    ChannelType,
    ConfigurationError,
    Endpoint,
    ErasureReport,
    InvalidTypeError,
    NotFound,
    Pinpoint,
    User,
    ValidationError,
    connect,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PERSON = "person-who-leaves@example.com"


@pytest.fixture
def pinpoint(tmp_path: Path) -> Iterator[Pinpoint]:
    """Give a client with a spool, where values that are too long make dead letters."""
    url = f"sqlite:///{tmp_path / 'pinpoint.db'}"
    with connect(url, spool=tmp_path / "events.spool", invalid="reject") as pinpoint:
        yield pinpoint


def someone(pinpoint: Pinpoint, endpoint_id: str = "device-1") -> None:
    """Return an endpoint of the person, and an event that is still on its way."""
    pinpoint.endpoints.update(
        Endpoint(
            id=endpoint_id,
            channel_type=ChannelType.EMAIL,
            address=PERSON,
            user=User(id="user-1", attributes={"name": [PERSON]}),
        )
    )
    pinpoint.events.record(endpoint_id, "level_up", attributes={"note": PERSON})


@pytest.mark.parametrize(
    "whom", [{"user_id": "user-1"}, {"address": PERSON}, {"endpoint_id": "DEVICE-1"}]
)
def test_everything_of_a_person_goes(pinpoint: Pinpoint, whom: dict[str, str]) -> None:
    """Endpoint, recorded events and dead letters are found by any id, reported, and gone."""
    someone(pinpoint)
    pinpoint.events.record("device-1", "refused", attributes={"note": PERSON * 10})
    found = pinpoint.erase(**whom, dry_run=True)  # type: ignore[arg-type]
    assert pinpoint.endpoints.get("device-1").address == PERSON
    report = pinpoint.erase(**whom)  # type: ignore[arg-type]
    assert report == ErasureReport(
        is_dry_run=False,
        endpoint_ids=("device-1",),
        user_ids=("user-1",),
        kept_user_ids=(),
        events=1,
        segment_entries=0,
        dead_letters=1,
        pending=0,
        values_gone=True,
        copies=report.copies,
    )
    assert found.dead_letters == 1
    with pytest.raises(NotFound):
        pinpoint.endpoints.get("device-1")
    assert pinpoint.delivery.dead_letters() == []


def test_no_file_holds_a_value_of_theirs(pinpoint: Pinpoint, tmp_path: Path) -> None:
    """Neither the database nor the spool can be searched for the person afterwards."""
    someone(pinpoint)
    pinpoint.events.record("device-1", "refused", attributes={"note": PERSON * 10})
    pinpoint.erase(user_id="user-1")
    pinpoint.close()
    holders = [file.name for file in tmp_path.iterdir() if PERSON.encode() in file.read_bytes()]
    assert holders == []


def test_copies_that_erasure_does_not_reach_are_named(pinpoint: Pinpoint, tmp_path: Path) -> None:
    """The report names the files of export jobs, and what nobody has a list of."""
    someone(pinpoint)
    exported = pinpoint.jobs.wait(pinpoint.jobs.export_endpoints(tmp_path / "out"))
    copies = pinpoint.erase(user_id="user-1").copies
    assert copies[0] == f"export job {exported.id}: {(tmp_path / 'out').as_uri()}"
    assert [text.split(" ", 1)[0] for text in copies[1:]] == ["backups", "files", "spools"]


def test_the_report_says_when_values_are_still_there(pinpoint: Pinpoint, tmp_path: Path) -> None:
    """While somebody reads in the database, old pages stay; they go as soon as they can."""
    someone(pinpoint)
    pinpoint.flush()
    with closing(sqlite3.connect(tmp_path / "pinpoint.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM endpoints").fetchall()
        assert not pinpoint.erase(user_id="user-1").values_gone
        assert not pinpoint.erase(user_id="user-1", dry_run=True).values_gone
    assert pinpoint.erase(user_id="user-1").values_gone
    assert pinpoint.erase(user_id="user-1", dry_run=True).values_gone


def test_dead_letters_of_others_stay(pinpoint: Pinpoint) -> None:
    """Only what is about the person goes."""
    someone(pinpoint)
    pinpoint.events.record("device-2", "refused", attributes={"note": "x" * 201})
    assert pinpoint.erase(user_id="user-1").dead_letters == 0
    assert [letter.endpoint_id for letter in pinpoint.delivery.dead_letters()] == ["device-2"]


def test_dead_letters_with_another_spelling_of_the_address_go(pinpoint: Pinpoint) -> None:
    """Those of endpoints that were never stored, too; nobody else's."""
    for endpoint_id, address in {"a": PERSON.upper(), "b": f"x{PERSON}"}.items():
        endpoint = Endpoint(channel_type=ChannelType.EMAIL, address=address)
        note = {"note": "x" * 201}
        pinpoint.events.record(endpoint_id, "refused", attributes=note, endpoint=endpoint)
    assert pinpoint.erase(address=PERSON, dry_run=True).dead_letters == 1
    assert pinpoint.erase(address=PERSON).dead_letters == 1
    assert [letter.endpoint_id for letter in pinpoint.delivery.dead_letters()] == ["b"]


def test_dead_letters_in_memory_go_too() -> None:
    """Without a spool the client's own list is what there is."""
    with connect("sqlite://", invalid="reject") as pinpoint:
        someone(pinpoint)
        pinpoint.events.record("device-1", "refused", attributes={"note": "x" * 201})
        assert pinpoint.erase(endpoint_id="device-1").dead_letters == 1
        assert pinpoint.delivery.dead_letters() == []


def test_endpoint_data_is_sent_again_after_an_erasure_and_a_deletion() -> None:
    """What the client remembers to have sent is forgotten with the endpoint."""
    with connect("sqlite://") as pinpoint:
        data = Endpoint(user=User(id="user-1"))
        forgets: list[Callable[[], object]] = [
            lambda: pinpoint.erase(user_id="user-1"),
            lambda: pinpoint.users.delete("user-1"),
        ]
        for forget in forgets:
            pinpoint.events.record("device-1", "seen", endpoint=data)
            pinpoint.flush()
            assert pinpoint.users.endpoints("user-1")
            forget()
        pinpoint.events.record("device-1", "seen", endpoint=data)
        pinpoint.flush()
        assert [found.id for found in pinpoint.users.endpoints("user-1")] == ["device-1"]


@pytest.mark.parametrize(
    ("whom", "error"),
    [
        ({}, ConfigurationError),
        ({"user_id": "a", "address": "b"}, ConfigurationError),
        ({"user_id": ""}, ValidationError),
        ({"user_id": 1}, InvalidTypeError),
    ],
)
def test_who_must_be_clear(
    pinpoint: Pinpoint, whom: dict[str, Any], error: type[Exception]
) -> None:
    """Exactly one id, or an error that says so before anything is sent."""
    someone(pinpoint)
    with pytest.raises(error):
        pinpoint.erase(**whom)
    assert pinpoint.endpoints.get("device-1").address == PERSON


def test_the_report_prints_numbers_only() -> None:
    """Ids are personal data, so the repr has none."""
    with connect("sqlite://") as pinpoint:
        someone(pinpoint)
        report = pinpoint.erase(user_id="user-1")
    assert repr(report) == (
        "ErasureReport(is_dry_run=False, endpoint_ids=<1>, user_ids=<1>, kept_user_ids=<0>,"
        " events=1, segment_entries=0, stream_records=0, messages=0,"
        " one_time_passwords=0, opt_outs=0, campaign_sends=0, dead_letters=0, pending=0,"
        " values_gone=True, copies=<3>)"
    )


class _Body(io.BytesIO):
    """As much of urllib3's response as botocore reads."""

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


def test_the_hosted_service_cannot_do_it() -> None:
    """Another service knows no such path; the error says what to do instead."""

    def refuse(request: Any, **_: object) -> Any:
        headers: Any = {"x-amzn-ErrorType": "MissingAuthenticationTokenException"}
        return AWSResponse(request.url, 403, headers, _Body(b"{}"))

    client = boto3.client("pinpoint", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.meta.events.register("before-send.pinpoint", refuse)
    with (
        Pinpoint(client, "app") as pinpoint,
        pytest.raises(ConfigurationError, match=r"users\.delete"),
    ):
        pinpoint.erase(user_id="user-1")
    client.close()


def test_a_damaged_spool_that_was_set_aside_is_named(tmp_path: Path) -> None:
    """It holds what it held, of the person, too."""
    url, spool = f"sqlite:///{tmp_path}/shop.db", tmp_path / "events.spool"
    with connect(url, application="shop", spool=spool) as first:
        first.events.record("device-1", "opened")
    with spool.open("r+b") as file:
        file.seek(100)
        file.write(b"\0" * 1000)
    with connect(url, application="shop", spool=spool) as second:
        (aside,) = tmp_path.glob("events.spool.corrupt-*")
        copies = second.erase(endpoint_id="device-1").copies
    assert f"the damaged spool {aside}: delete it" in copies
