"""One-time passwords: sent, checked, used up, expired, missed too often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Clock
    from tests.engine.messages.kit import Sender


def code_of(sender: Sender) -> str:
    """Return the code that was sent last."""
    code: str = sender.outbox()[-1]["Content"]["Data"]["Otp"]
    return code


def wrong(code: str) -> str:
    """Return another code of the same length."""
    return code[:-1] + ("1" if code[-1] == "0" else "0")


def test_a_code_is_right_once(sender: Sender) -> None:
    """It stands in the text that its recipient gets; a wrong one is no error."""
    answer = sender.otp().json
    assert answer["Result"]["+12065550100"]["DeliveryStatus"] == "SUCCESSFUL"
    code = code_of(sender)
    [message] = sender.outbox()
    assert (len(code), message["Kind"]) == (6, "otp")
    assert message["Content"]["Body"] == f"This is your One Time Password: {code} from Shop"
    assert not sender.verify(wrong(code))
    assert not sender.verify(code, ReferenceId="other")
    assert not sender.verify(code, DestinationIdentity="+12065550111")
    assert sender.verify(code)
    assert not sender.verify(code)


def test_a_code_expires(sender: Sender, clock: Clock) -> None:
    """After the minutes that were asked for, and not before."""
    sender.otp(ValidityPeriod=5)
    code = code_of(sender)
    clock.advance(299)
    assert not sender.verify(wrong(code))
    clock.advance(1)
    assert not sender.verify(code)
    sender.otp(ValidityPeriod=5)
    clock.advance(299)
    assert sender.verify(code_of(sender))


def test_more_misses_than_are_allowed(sender: Sender) -> None:
    """As many as are allowed are forgiven; one more makes the right code invalid."""
    for misses, is_valid in ((2, True), (3, False)):
        sender.otp(AllowedAttempts=2)
        code = code_of(sender)
        for _ in range(misses):
            assert not sender.verify(wrong(code))
        assert sender.verify(code) is is_valid


def test_a_new_code_takes_the_place_of_the_last(sender: Sender) -> None:
    """Of the same reference only."""
    sender.otp()
    first = code_of(sender)
    sender.otp(ReferenceId="other")
    other = code_of(sender)
    sender.otp(CodeLength=8)
    second = code_of(sender)
    assert len(second) == 8
    assert not sender.verify(first)
    assert sender.verify(other, ReferenceId="other")
    assert sender.verify(second)


@pytest.mark.parametrize("language", ["de-DE", "es-419", "ja-JP", "zh-TW"])
def test_languages(sender: Sender, language: str) -> None:
    """The text has code and brand in each."""
    sender.otp(Language=language)
    body = sender.outbox()[-1]["Content"]["Body"]
    assert code_of(sender) in body
    assert "Shop" in body


@pytest.mark.parametrize(
    "members",
    [
        {"Channel": "EMAIL"},
        {"BrandName": ""},
        {"BrandName": "x" * 21},
        {"ReferenceId": ""},
        {"ReferenceId": "x" * 49},
        {"CodeLength": 4},
        {"CodeLength": 9},
        {"ValidityPeriod": 4},
        {"ValidityPeriod": 61},
        {"AllowedAttempts": 0},
        {"AllowedAttempts": 6},
        {"Language": "xx-XX"},
        {"DestinationIdentity": "ann@example.com"},
        {"OriginationIdentity": ""},
        {"CodeLength": "6"},
    ],
)
def test_requests_that_are_refused(sender: Sender, members: dict[str, Any]) -> None:
    """400, with the member's name."""
    answer = sender.otp(**members)
    assert answer.status == 400
    assert next(iter(members)) in answer.message
    assert sender.outbox() == []


def test_a_channel_that_is_off(sender: Sender) -> None:
    """The result says so, and there is no code."""
    sender.wire.put(f"/v1/apps/{sender.wire.app}/channels/sms", {"Enabled": False})
    result = sender.otp().json["Result"]["+12065550100"]
    assert result["DeliveryStatus"] == "PERMANENT_FAILURE"
    assert sender.wire.rows("SELECT * FROM one_time_passwords") == []
