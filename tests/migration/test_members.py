"""What is known of an endpoint before it is converted: which addresses are the same."""

from __future__ import annotations

import pytest

from pinpoint_kit.migration.customer_profiles.mapping.members import staged


def _contact(channel: str, address: str) -> str:
    members = {"Id": "1", "ChannelType": channel, "Address": address}
    return staged(members, b"", None, 0, 1)[4]


@pytest.mark.parametrize(
    ("channel", "address", "other"),
    [
        ("EMAIL", "ana@example.com", "\tANA@Example.com\n"),
        ("EMAIL", "ana@example.com", "Ana <ana@example.com>"),
        ("EMAIL", "ana@example.com", "mailto:ana@example.com"),
        ("EMAIL", "ana@example.com", "ana@example.com."),
        ("EMAIL", "ana@example.com", "\ufeffana@exam\u200bple.com"),
        ("EMAIL", "ana@example.com", "\uff41\uff4e\uff41@example\uff0ecom"),
        ("EMAIL", "ana@example.com", "ana@example\u3002com"),
        ("EMAIL", "jos\u00e9@example.com", "jose\u0301@example.com"),
        ("EMAIL", "ana@stra\u00dfe.example", "ana@STRASSE.example"),
        ("EMAIL", "ana@b\u00fccher.example", "ana@xn--bcher-kva.example"),
        ("APNS", "token", " token\n"),
        ("SMS", "+351 912 345 678", "00351-912-345-678"),
        ("SMS", "+351 912 345 678", "tel:+351912345678"),
        ("SMS", "+351 912 345 678", "+351 (0)912 345 678"),
        ("SMS", "+351 912 345 678", "+\uff13\uff15\uff11 912345678"),
        ("SMS", "+351 912 345 678", "+\u0663\u0665\u0661 912345678"),
    ],
)
def test_what_reaches_the_same_mailbox_or_number_is_the_same(
    channel: str, address: str, other: str
) -> None:
    """Whoever opts out by one spelling has opted out by the others."""
    assert _contact(channel, other) == _contact(channel, address) != ""


@pytest.mark.parametrize(
    ("channel", "address", "other"),
    [
        ("EMAIL", "ana@example.com", "ana@example.org"),
        ("EMAIL", "ana@example.com", "ana+1@example.com"),
        ("SMS", "+351 912 345 678", "+351 912 345 679"),
        ("APNS", "token", "TOKEN"),
    ],
)
def test_what_reaches_another_is_another(channel: str, address: str, other: str) -> None:
    """A refusal says nothing of other people."""
    assert _contact(channel, other) != _contact(channel, address)


def test_an_address_of_no_channel_that_reaches_people_is_none() -> None:
    """Nor is a blank one."""
    assert _contact("CUSTOM", "a") == _contact("EMAIL", " ") == _contact("GCM", " ") == ""
