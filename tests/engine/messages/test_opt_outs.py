"""Opt-outs of addresses: what makes them, whom they keep messages from, and how they are lifted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pinpoint_kit.engine.messages.opt_outs import store
from pinpoint_kit.records.contacts import comparable
from tests.engine.messages.kit import Sender

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import Answer, Clock, Wire

ANN = "ann@example.com"
NUMBER = "+12065550100"


def ask(sender: Sender, path: str = "", **members: object) -> Answer:
    """Call an extension operation of opt-outs."""
    return sender.wire.post(f"/pinpoint-kit/v1/apps/{sender.wire.app}/opt-outs{path}", members)


def listed(sender: Sender, **wanted: object) -> list[Any]:
    """Return the opt-outs, each as channel, address and reason."""
    answer = ask(sender, "/find", **wanted)
    assert answer.status == 200, answer.json
    return [(one["ChannelType"], one["Address"], one["Reason"]) for one in answer.json["Item"]]


def status(sender: Sender, address: str = ANN, channel: str = "EMAIL") -> str:
    """Send to an address, and return the DeliveryStatus."""
    found: str = sender.result(address, channel)["DeliveryStatus"]
    return found


@pytest.mark.parametrize(
    ("outcome", "members", "expected"),
    [
        ("opted_out", {}, "OPT_OUT"),
        ("complained", {}, "OPT_OUT"),
        ("bounced", {}, "OPT_OUT"),
        ("bounced", {"BounceType": "Transient"}, "SUCCESSFUL"),
        ("delivered", {}, "SUCCESSFUL"),
        ("opened", {}, "SUCCESSFUL"),
        ("clicked", {"Link": "x"}, "SUCCESSFUL"),
    ],
)
def test_what_is_reported_of_an_address_is_kept(
    sender: Sender, clock: Clock, outcome: str, members: dict[str, str], expected: str
) -> None:
    """Whoever wants no more, or is not there, gets no more, though no endpoint has the address."""
    message_id = sender.result(ANN)["MessageId"]
    clock.advance(60)
    assert sender.report(message_id, outcome, **members).status == 200
    sender.ask("clear", {})
    result = sender.result(ANN)
    assert result["DeliveryStatus"] == expected
    if expected == "OPT_OUT":
        assert (result["StatusCode"], result.get("MessageId")) == (200, None)
        assert "`pinpoint-kit opt-out remove` lifts that" in result["StatusMessage"]
        assert sender.outbox() == []
        (found,) = ask(sender, "/find").json["Item"]
        assert found == {
            "Address": ANN,
            "ChannelType": "EMAIL",
            "Reason": outcome,
            "Since": "2026-01-02T03:05:05.678Z",
        }
    else:
        assert listed(sender) == []


def test_the_first_report_of_an_address_counts(sender: Sender) -> None:
    """A later one changes neither its reason nor its time."""
    first, second = (sender.result(ANN)["MessageId"] for _ in range(2))
    sender.report(first, "complained")
    sender.report(second, "opted_out")
    assert listed(sender) == [("EMAIL", ANN, "complained")]


def test_another_channel_or_application_is_another_matter(sender: Sender) -> None:
    """A number that wants no text messages can still be called."""
    sender.report(sender.result(NUMBER, "SMS")["MessageId"], "opted_out")
    assert status(sender, NUMBER, "SMS") == "OPT_OUT"
    assert status(sender, NUMBER, "VOICE") == "SUCCESSFUL"
    assert status(sender, "+12065550101", "SMS") == "SUCCESSFUL"
    other = Sender(type(sender.wire)(sender.wire.engine))
    other.enable("sms")
    assert status(other, NUMBER, "SMS") == "SUCCESSFUL"


@pytest.mark.parametrize(
    ("channel", "address", "other"),
    [("EMAIL", "Ann@Example.com", ANN), ("SMS", NUMBER, "12065550100"), ("GCM", "t", "t")],
)
def test_every_spelling_is_meant(sender: Sender, channel: str, address: str, other: str) -> None:
    """And an answer has the addresses as they were sent."""
    sender.report(sender.result(address, channel)["MessageId"], "opted_out")
    assert status(sender, other, channel) == status(sender, address, channel) == "OPT_OUT"
    assert ask(sender, "/remove", Channel=channel, Addresses=[other]).json == {"OptOuts": 1}
    assert status(sender, address, channel) == "SUCCESSFUL"


def test_no_one_time_password(sender: Sender) -> None:
    """Nor is a code kept that nobody has got."""
    sender.report(sender.otp().json["Result"][NUMBER]["MessageId"], "opted_out")
    sender.wire.rows("SELECT * FROM one_time_passwords")
    assert ask(sender, "/remove", Channel="SMS", Addresses=[NUMBER]).status == 200
    assert ask(sender, Channel="SMS", Addresses=[NUMBER]).json == {"OptOuts": 1}
    answer = sender.otp(ReferenceId="second")
    assert answer.json["Result"][NUMBER]["DeliveryStatus"] == "OPT_OUT"
    rows = sender.wire.rows("SELECT reference FROM one_time_passwords")
    assert rows == [{"reference": "log-in"}]


def test_an_endpoint_that_comes_later_gets_nothing(sender: Sender) -> None:
    """It says OptOut NONE, as it was written; the address has opted out all the same."""
    sender.report(sender.result(ANN)["MessageId"], "opted_out")
    sender.wire.update("new", Address="ANN@example.com", ChannelType="EMAIL", User={"UserId": "u"})
    sender.wire.update("other", Address="bob@example.com", ChannelType="EMAIL", OptOut="NONE")
    assert sender.wire.get("new")["OptOut"] == "NONE"
    assert sender.endpoint_result("new")["DeliveryStatus"] == "OPT_OUT"
    assert sender.endpoint_result("new")["Address"] == "ANN@example.com"
    assert sender.endpoint_result("other")["DeliveryStatus"] == "SUCCESSFUL"
    results = sender.users(Users={"u": {}}).json["Result"]["u"]
    assert results["new"]["DeliveryStatus"] == "OPT_OUT"


@pytest.mark.parametrize("outcome", ["opted_out", "complained", "bounced"])
def test_an_endpoints_message_concerns_its_address(sender: Sender, outcome: str) -> None:
    """Neither an update of the endpoint nor its deletion brings messages back; lifting it does."""
    sender.wire.update("device-1", Address=ANN, ChannelType="EMAIL")
    sender.report(sender.endpoint_result("device-1")["MessageId"], outcome)
    assert status(sender) == "OPT_OUT"
    sender.wire.update("device-1", OptOut="NONE", EndpointStatus="ACTIVE")
    assert sender.endpoint_result("device-1")["DeliveryStatus"] == "OPT_OUT"
    sender.wire.send("DELETE", sender.wire.endpoint_path("device-1"))
    assert status(sender) == "OPT_OUT"
    assert ask(sender, "/remove", Channel="EMAIL", Addresses=[ANN]).json == {"OptOuts": 1}
    assert status(sender) == "SUCCESSFUL"


def test_lifting_leaves_endpoints_as_they_are(sender: Sender) -> None:
    """What an endpoint says of itself may have another reason."""
    sender.wire.update("device-1", Address=ANN, ChannelType="EMAIL")
    sender.report(sender.endpoint_result("device-1")["MessageId"], "opted_out")
    ask(sender, "/remove", Channel="EMAIL", Addresses=[ANN])
    assert sender.wire.get("device-1")["OptOut"] == "ALL"
    assert sender.endpoint_result("device-1")["DeliveryStatus"] == "OPT_OUT"
    sender.wire.update("device-1", OptOut="NONE")
    assert sender.endpoint_result("device-1")["DeliveryStatus"] == "SUCCESSFUL"


def test_a_report_of_an_earlier_address_concerns_that_one(sender: Sender) -> None:
    """The endpoint has another one by now, which has not bounced."""
    sender.wire.update("device-1", Address=ANN, ChannelType="EMAIL")
    message_id = sender.endpoint_result("device-1")["MessageId"]
    sender.wire.update("device-1", Address="new@example.com")
    sender.report(message_id, "bounced")
    assert listed(sender) == [("EMAIL", ANN, "bounced")]
    assert sender.endpoint_result("device-1")["DeliveryStatus"] == "SUCCESSFUL"


def test_a_message_whose_endpoint_is_gone_has_no_address(sender: Sender) -> None:
    """There is nothing to keep."""
    sender.wire.update("device-1", Address=ANN, ChannelType="EMAIL")
    message_id = sender.endpoint_result("device-1")["MessageId"]
    sender.wire.send("DELETE", sender.wire.endpoint_path("device-1"))
    assert sender.report(message_id, "bounced").status == 200
    assert listed(sender) == []


@pytest.mark.parametrize(
    ("address", "channel"),
    [("bounce@simulator.amazonses.com", "EMAIL"), ("+14254147167", "SMS")],
)
def test_simulators_can_be_sent_to_again(sender: Sender, address: str, channel: str) -> None:
    """As at AWS, where they get onto no list."""
    assert status(sender, address, channel) == status(sender, address, channel) == "SUCCESSFUL"
    sender.report(sender.outbox()[-1]["Id"], "opted_out")
    assert listed(sender) == []


def test_a_request_decides_about_each_recipient(sender: Sender) -> None:
    """The order of checks: opted out before twice, and after what is wrong with an address."""
    ask(sender, Channel="EMAIL", Addresses=[ANN])
    ask(sender, Channel="SMS", Addresses=[NUMBER])
    sender.wire.update("same", Address=ANN, ChannelType="EMAIL")
    answer = sender.send(
        Addresses={
            ANN: {"ChannelType": "EMAIL"},
            "bob@example.com": {"ChannelType": "EMAIL"},
            NUMBER: {"ChannelType": "SMS"},
            "nonsense": {"ChannelType": "SMS"},
            "no-channel": {},
        },
        Endpoints={"same": {}, "nobody": {}},
    ).json
    found = {to: each["DeliveryStatus"] for to, each in answer["Result"].items()}
    assert found == {
        ANN: "OPT_OUT",
        "bob@example.com": "SUCCESSFUL",
        NUMBER: "OPT_OUT",
        "nonsense": "PERMANENT_FAILURE",
        "no-channel": "PERMANENT_FAILURE",
    }
    found = {to: each["DeliveryStatus"] for to, each in answer["EndpointResult"].items()}
    assert found == {"same": "OPT_OUT", "nobody": "PERMANENT_FAILURE"}


def test_one_look_a_request(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many recipients it has."""
    asked: list[int] = []
    rows = type(store._BY_ADDRESS).rows

    def counted(lookup: Any, connection: Any, app: int, values: Any) -> Any:
        if lookup is store._BY_ADDRESS:
            asked.append(len(values))
        return rows(lookup, connection, app, values)

    monkeypatch.setattr(type(store._BY_ADDRESS), "rows", counted)
    addresses = {f"{n}@example.com": {"ChannelType": "EMAIL"} for n in range(100)}
    sender.send(Addresses=addresses)
    assert asked == []
    ask(sender, Channel="EMAIL", Addresses=[ANN])
    sender.send(Addresses=addresses)
    assert asked == [100]


def test_pages_and_filters(sender: Sender, clock: Clock) -> None:
    """The oldest first, and nobody is skipped."""
    for number in range(5):
        ask(sender, Channel="EMAIL", Addresses=[f"{number}@example.com"])
        clock.advance(1)
    ask(sender, Channel="SMS", Addresses=[NUMBER], Reason="bounced")
    found, token = [], ""
    while True:
        answer = sender.wire.send(
            "POST",
            f"/pinpoint-kit/v1/apps/{sender.wire.app}/opt-outs/find",
            b"",
            f"page-size=2{token}",
        ).json
        found += [one["Address"] for one in answer["Item"]]
        if "NextToken" not in answer:
            break
        token = f"&token={answer['NextToken']}"
    assert found == [*(f"{n}@example.com" for n in range(5)), NUMBER]
    assert listed(sender, Channel="SMS") == listed(sender, Reason="bounced")
    assert listed(sender, Address="1 (206) 555-0100") == [("SMS", NUMBER, "bounced")]
    assert listed(sender, Address="3@EXAMPLE.com") == [("EMAIL", "3@example.com", "opted_out")]
    assert listed(sender, Address="nobody@example.com") == []
    assert listed(sender, Channel="GCM") == []


def test_adding_and_removing(sender: Sender) -> None:
    """Both say how many that were, and may be done again."""
    given: dict[str, Any] = {
        "Channel": "SMS",
        "Addresses": ["+1 (206) 555-0100", NUMBER, "+12065550101"],
    }
    assert ask(sender, **given, Reason="complained").json == {"OptOuts": 2}
    assert ask(sender, **given).json == {"OptOuts": 0}
    assert listed(sender) == [("SMS", NUMBER, "complained"), ("SMS", "+12065550101", "complained")]
    assert ask(sender, "/remove", **given).json == {"OptOuts": 2}
    assert ask(sender, "/remove", **given).json == {"OptOuts": 0}
    assert listed(sender) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"Channel": "SMS"}),
        ("", {"Addresses": [NUMBER]}),
        ("", {"Channel": "SMS", "Addresses": []}),
        ("", {"Channel": "SMS", "Addresses": NUMBER}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, 1]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, " "]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, "0301234567"]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, "206-555-0301"]}),
        ("", {"Channel": "VOICE", "Addresses": [NUMBER, " (206) 555 0301"]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, "a\x00b"]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER, "ann2065550100@example.com"]}),
        ("", {"Channel": "EMAIL", "Addresses": [ANN, "nonsense"]}),
        ("", {"Channel": "PIGEON", "Addresses": [NUMBER]}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER], "Reason": "opened"}),
        ("", {"Channel": "SMS", "Addresses": [NUMBER], "Since": "2026-01-01"}),
        ("", {"Channel": "SMS", "Addresses": [f"+120655{n:05}" for n in range(101)]}),
        ("/remove", {"Channel": "SMS"}),
        ("/remove", {"Addresses": [NUMBER]}),
        ("/remove", {"Channel": "SMS", "Addresses": [NUMBER], "Reason": "bounced"}),
        ("/find", {"Channel": "PIGEON"}),
        ("/find", {"Reason": "x"}),
        ("/find", {"Address": 1}),
        ("/find", {"Other": 1}),
    ],
)
def test_what_is_refused(sender: Sender, path: str, body: dict[str, Any]) -> None:
    """400 with the place and without the address, and nothing is stored."""
    answer = ask(sender, path, **body)
    assert answer.status == 400
    assert "nonsense" not in answer.message
    assert "030" not in answer.message
    assert listed(sender) == []


def test_an_application_that_is_not_there(sender: Sender) -> None:
    """404 for each operation."""
    for path in ("", "/find", "/remove"):
        at = f"/pinpoint-kit/v1/apps/{'0' * 32}/opt-outs{path}"
        given: dict[str, Any] = {} if path == "/find" else {"Channel": "SMS", "Addresses": [NUMBER]}
        assert sender.wire.post(at, given).status == 404


def erase(sender: Sender, **target: object) -> int:
    """Erase somebody; return how many opt-outs the report counts, as a dry run has said before."""
    path = f"/pinpoint-kit/v1/apps/{sender.wire.app}/erasures"
    before: int = sender.wire.post(path, {**target, "DryRun": True}).json["OptOuts"]
    assert sender.wire.post(path, target).json["OptOuts"] == before
    return before


def test_an_erasure_leaves_no_opt_out(sender: Sender) -> None:
    """By address in any spelling, and of a user the addresses of the endpoints, past ones too."""
    ask(sender, Channel="EMAIL", Addresses=[ANN, "bob@example.com"])
    ask(sender, Channel="SMS", Addresses=[NUMBER])
    ask(sender, Channel="VOICE", Addresses=[NUMBER])
    assert erase(sender, Address="ANN@example.com") == 1
    assert erase(sender, Address="tel:1-206-555-0100") == 2
    assert erase(sender, Address="bob2065550100@example.com") == 0
    sender.wire.update("a", Address="old@example.com", ChannelType="EMAIL", User={"UserId": "u"})
    sender.endpoint_result("a")
    sender.wire.update("a", Address="new@example.com")
    ask(sender, Channel="EMAIL", Addresses=["old@example.com", "new@example.com"])
    assert erase(sender, UserId="u") == 2
    assert listed(sender) == [("EMAIL", "bob@example.com", "opted_out")]


def test_an_erasure_by_endpoint_leaves_the_opt_outs_of_others(sender: Sender) -> None:
    """An address that another endpoint has is that one's, too."""
    for name in ("a", "b"):
        sender.wire.update(name, Address=ANN, ChannelType="EMAIL")
    sender.wire.update("c", Address="only@example.com", ChannelType="EMAIL")
    ask(sender, Channel="EMAIL", Addresses=[ANN, "only@example.com"])
    assert erase(sender, EndpointId="a") == 0
    assert erase(sender, EndpointId="c") == 1
    assert erase(sender, EndpointId="b") == 1
    assert listed(sender) == []


def test_an_erasure_leaves_the_opt_outs_of_others_however_they_spell_them(sender: Sender) -> None:
    """One writes the address in capitals, and another does not."""
    for name, address in (("a", ANN.upper()), ("b", ANN)):
        sender.wire.update(name, Address=address, ChannelType="EMAIL")
    ask(sender, Channel="EMAIL", Addresses=[ANN])
    assert erase(sender, EndpointId="a") == 0
    assert listed(sender) == [("EMAIL", ANN, "opted_out")]
    assert erase(sender, EndpointId="b") == 1


@pytest.mark.sqlite_only("looks into its file")
def test_nothing_is_left_in_the_file(make_wire: Any, tmp_path: Path) -> None:
    """Neither of an erasure nor, once the worker was there, of an opt-out that was lifted."""
    sender = Sender(make_wire(f"sqlite:///{tmp_path}/pinpoint.db"))
    ask(sender, Channel="EMAIL", Addresses=["quibblesworth@example.com", ANN])
    erase(sender, Address="quibblesworth@example.com")
    left = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"quibblesworth" not in left
    assert ANN.encode() in left


def test_deleting_the_application_deletes_its_opt_outs(sender: Sender) -> None:
    """And no other's."""
    other = Sender(type(sender.wire)(sender.wire.engine))
    for each in (sender, other):
        ask(each, Channel="EMAIL", Addresses=[ANN])
    sender.wire.send("DELETE", f"/v1/apps/{sender.wire.app}")
    assert listed(other) == [("EMAIL", ANN, "opted_out")]
    assert len(other.wire.rows("SELECT * FROM opt_outs")) == 1


def test_no_log_and_no_repr_names_anybody(sender: Sender, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a refusal nor a success writes an address."""
    caplog.set_level(0)
    ask(sender, Channel="EMAIL", Addresses=["quibblesworth@example.com", "zanzibarium"])
    ask(sender, Channel="EMAIL", Addresses=["quibblesworth@example.com"])
    status(sender, "quibblesworth@example.com")
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("pinpoint_kit")]
    assert "quibblesworth" not in "".join(ours)
    row = store.OptedOut(1, "EMAIL", "quibblesworth@example.com", "bounced", 0)
    assert repr(row) == "OptedOut(channel='EMAIL', reason='bounced')"


@pytest.fixture
def hostile(shared: Wire) -> Sender:
    """Give a sender that all examples share."""
    made = Sender(shared)
    made.enable()
    return made


_ADDRESSES = st.text(max_size=30) | st.builds(
    "{}@{}".format, st.text(min_size=1, max_size=8), st.text(min_size=1, max_size=12)
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    address=_ADDRESSES,
    other=_ADDRESSES,
    channel=st.sampled_from(["EMAIL", "SMS", "GCM", "APNS", "VOICE"]),
)
def test_hostile_addresses(hostile: Sender, address: str, other: str, channel: str) -> None:
    """Whatever was taken as an opt-out is listed, gets nothing, and can be lifted by its form."""
    answer = ask(hostile, Channel=channel, Addresses=[address])
    assert answer.status in {200, 400}
    if answer.status == 400:
        assert ask(hostile, "/find").json["Item"] == []
        return
    form = comparable(channel, address)
    assert listed(hostile, Address=address) == [(channel, form, "opted_out")]
    for to in (address, form, other):
        sent = hostile.send(Addresses={to: {"ChannelType": channel}})
        if sent.status == 200:
            found = sent.json["Result"][to]["DeliveryStatus"]
            assert found != "SUCCESSFUL" or comparable(channel, to) != form
            assert found != "OPT_OUT" or comparable(channel, to) == form
    assert ask(hostile, "/remove", Channel=channel, Addresses=[form]).json == {"OptOuts": 1}
    hostile.ask("clear", {})
