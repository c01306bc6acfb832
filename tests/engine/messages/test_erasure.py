"""Nothing of a person is left of their messages, codes and records, not even a byte in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit.records.message import Sent
from tests.engine.campaigns.conftest import EMAIL, Campaigns, FakeTransport
from tests.engine.messages.kit import Sender
from tests.engine.streams.stream_kit import STREAM

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.engine.conftest import Clock, Wire

#: Stand in no other text of the tests.
WORDS = ("quibblesworth", "zanzibarium", "+12065559876", "quackenbush")


@pytest.fixture
def filed(make_wire: Callable[..., Wire], tmp_path: Path) -> Sender:
    """Give a sender on a file, whose application has a stream that nobody takes."""
    sender = Sender(make_wire(f"sqlite:///{tmp_path}/pinpoint.db"))
    sender.enable()
    sender.wire.post(f"/v1/apps/{sender.wire.app}/eventstream", STREAM)
    return sender


def erase(sender: Sender, **target: object) -> Any:
    """Erase, and return the report."""
    answer = sender.wire.post(f"/pinpoint-kit/v1/apps/{sender.wire.app}/erasures", target)
    assert answer.status == 200, answer.json
    return answer.json


def everything(sender: Sender) -> str:
    """Return all that is stored, as text."""
    return repr(sender.wire.dump())


def fill(sender: Sender) -> None:
    """Send somebody messages in all ways, and report of them; somebody else gets one, too."""
    sender.wire.update(
        "device-1",
        Address="quibblesworth@example.com",
        ChannelType="EMAIL",
        User={"UserId": "zanzibarium"},
    )
    for message_id in (
        sender.endpoint_result("device-1")["MessageId"],
        sender.result("quibblesworth@example.com")["MessageId"],
        sender.users(Users={"zanzibarium": {}}).json["Result"]["zanzibarium"]["device-1"][
            "MessageId"
        ],
    ):
        sender.report(message_id, "clicked", Link="https://example.com/quackenbush")
    sender.result("other@example.com")


@pytest.mark.sqlite_only("looks into its file")
def test_an_erasure_by_user(filed: Sender, tmp_path: Path) -> None:
    """Their messages go, with those to their addresses, and what was reported and waits."""
    fill(filed)
    assert erase(filed, UserId="zanzibarium", DryRun=True)["Messages"] == 3
    assert len(filed.outbox()) == 4
    report = erase(filed, UserId="zanzibarium")
    assert (report["Messages"], report["ValuesGone"]) == (3, True)
    assert [one["Address"] for one in filed.outbox()] == ["other@example.com"]
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [word for word in WORDS if word.encode() in left or word in everything(filed)] == []
    [row] = filed.wire.rows("SELECT count FROM stream_backlog")  # of the other one
    assert row == {"count": 1}


@pytest.mark.sqlite_only("looks into its file")
def test_an_erasure_by_address(filed: Sender, tmp_path: Path) -> None:
    """Of a number that has no endpoint, too: messages, codes and records."""
    filed.result("+12065559876", "SMS")
    filed.otp(DestinationIdentity="+12065559876", ReferenceId="quackenbush")
    report = erase(filed, Address="+12065559876")
    assert (report["Messages"], report["OneTimePasswords"]) == (2, 1)
    assert filed.outbox() == []
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [word for word in WORDS if word.encode() in left or word in everything(filed)] == []


@pytest.mark.sqlite_only("looks into its file")
@pytest.mark.parametrize("address", ["QuibblesWorth@Example.com", "Q <quibblesworth@example.com>"])
def test_an_erasure_by_another_spelling(filed: Sender, tmp_path: Path, address: str) -> None:
    """Messages to bare addresses, their records and codes go in whatever spelling they have."""
    filed.result("quibblesworth@example.com")
    filed.result("QUIBBLESWORTH@example.com")
    filed.result("other@example.com")
    assert erase(filed, Address=address)["Messages"] == 2
    assert [message["Address"] for message in filed.outbox()] == ["other@example.com"]
    filed.result("+12065559876", "SMS")
    filed.otp(DestinationIdentity="+12065559876")
    report = erase(filed, Address="(00) 1 206-555-9876")
    assert (report["Messages"], report["OneTimePasswords"]) == (2, 1)
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir()).lower()
    assert [word for word in WORDS if word.encode() in left] == []


@pytest.mark.sqlite_only("looks into its file")
def test_an_erasure_by_an_address_that_an_endpoint_had(filed: Sender, tmp_path: Path) -> None:
    """The endpoint has another one by now, and keeps all but what went to the old one."""
    filed.wire.update("device-1", Address="quibblesworth@example.com", ChannelType="EMAIL")
    filed.endpoint_result("device-1")
    filed.wire.update("device-1", Address="new@example.com")
    filed.endpoint_result("device-1")
    report = erase(filed, Address="quibblesworth@example.com")
    assert (report["Messages"], report["StreamRecords"]) == (1, 1)
    assert [one["Address"] for one in filed.outbox()] == ["new@example.com"]
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [word for word in WORDS if word.encode() in left or word in everything(filed)] == []
    assert filed.wire.rows("SELECT count FROM stream_backlog") == [{"count": 1}]


def test_a_deleted_endpoint_leaves_messages_without_a_name(sender: Sender) -> None:
    """That there were some, and what became of them, stays."""
    sender.wire.update(
        "device-1", Address="quibblesworth@example.com", ChannelType="EMAIL",
        User={"UserId": "zanzibarium"},
    )  # fmt: skip
    message_id = sender.endpoint_result("device-1")["MessageId"]
    sender.report(message_id, "clicked", Link="https://example.com/quackenbush")
    sender.wire.send("DELETE", sender.wire.endpoint_path("device-1"))
    [message] = sender.outbox()
    assert (message["Id"], message["Outcomes"]) == (message_id, ["clicked"])
    assert (message["Address"], message["Content"], message["StatusMessage"]) == ("", {}, "")
    assert [word for word in WORDS if word in everything(sender)] == []


def test_deleting_the_application_deletes_its_messages(sender: Sender) -> None:
    """All of them, and the codes."""
    fill(sender)
    sender.otp()
    sender.wire.send("DELETE", f"/v1/apps/{sender.wire.app}")
    for table in ("messages", "message_outcomes", "one_time_passwords"):
        assert sender.wire.rows(f"SELECT * FROM {table}") == []  # noqa: S608 -- our own names


def test_an_erasure_after_the_outbox_was_cleared(sender: Sender) -> None:
    """What waits for the stream tells the address; another one's record stays."""
    sender.wire.post(f"/v1/apps/{sender.wire.app}/eventstream", STREAM)
    sender.result("quibblesworth@example.com")
    sender.result("+12065559876", "SMS")
    sender.result("other@example.com")
    sender.ask("clear", {})
    assert erase(sender, Address="quibblesworth@example.com", DryRun=True)["StreamRecords"] == 1
    assert erase(sender, Address="quibblesworth@example.com")["StreamRecords"] == 1
    assert erase(sender, Address="+12065559876")["StreamRecords"] == 1
    assert [word for word in WORDS if word in everything(sender)] == []
    assert sender.wire.rows("SELECT count FROM stream_backlog") == [{"count": 1}]


def test_a_code_is_erased_in_any_spelling_after_the_outbox_was_cleared(sender: Sender) -> None:
    """Only the code itself still says how the number was written."""
    sender.otp(DestinationIdentity="12065550100")
    sender.ask("clear", {})
    assert erase(sender, Address="+1 206 555 0100")["OneTimePasswords"] == 1
    assert sender.wire.rows("SELECT * FROM one_time_passwords") == []


@pytest.mark.parametrize("by", ["user", "address", "endpoint", "deletion"])
@pytest.mark.parametrize("kind", ["direct", "campaign"])
def test_a_removal_while_a_transport_has_the_message(
    make_wire: Callable[..., Wire], clock: Clock, by: str, kind: str
) -> None:
    """What becomes of the message brings nobody back: neither a record, nor what a server said."""

    def answer(message: Any) -> Sent:
        if by == "deletion":
            sender.wire.send("DELETE", sender.wire.endpoint_path("device-1"))
        else:
            erase(sender, **targets[by])
        return Sent(f"250 queued for {message.address}")

    targets = {
        "user": {"UserId": "zanzibarium"},
        "address": {"Address": "quibblesworth@example.com"},
        "endpoint": {"EndpointId": "device-1"},
    }
    sender = Sender(make_wire(transports={"EMAIL": FakeTransport(answer)}))
    sender.enable()
    sender.wire.post(f"/v1/apps/{sender.wire.app}/eventstream", STREAM)
    sender.wire.update(
        "device-1", Address="quibblesworth@example.com", ChannelType="EMAIL",
        User={"UserId": "zanzibarium"},
    )  # fmt: skip
    if kind == "direct":
        assert sender.endpoint_result("device-1")["DeliveryStatus"] == "SUCCESSFUL"
    else:
        campaigns = Campaigns(sender.wire, clock)
        campaigns.create(MessageConfiguration=EMAIL)
        campaigns.work()
    names = (*WORDS, "device-1")
    assert [word for word in names if word in everything(sender)] == []


def test_no_log_names_anybody(sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a refusal nor a success writes an address or a text."""
    caplog.set_level(0)
    fill(sender)
    sender.result("quibblesworth", "EMAIL")
    sender.otp(DestinationIdentity="quibblesworth")
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("pinpoint_kit")]
    assert [word for word in WORDS if word in "".join(ours)] == []
