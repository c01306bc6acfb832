"""The form in which addresses are compared; tests/migration/test_members.py has the spellings."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.records.contacts import comparable

#: Letters that mean something here, or turn into others.
_ODD = st.text(alphabet="aA@.<> mailto:0+(19\u200b\uff41\xdf\u0345\u0130\u3002\xe9xn-", max_size=25)


@given(channel=st.sampled_from(["EMAIL", "SMS", "VOICE", "GCM"]), address=st.text() | _ODD)
def test_the_form_of_a_form_is_itself(channel: str, address: str) -> None:
    """So what a list shows can be given back to it."""
    form = comparable(channel, address)
    assert comparable(channel, form) == form


@pytest.mark.parametrize(
    ("channel", "address", "form"),
    [
        ("EMAIL", "mailto:mailto:Ann@Example.com.", "ann@example.com"),
        ("EMAIL", "Ann <ann@example\u3002com\u3002>", "ann@example.com"),
        ("EMAIL", "", ""),
        ("SMS", "0012065550100", "+12065550100"),
        ("SMS", "000012065550100", "+12065550100"),
        ("SMS", "Shop", "shop"),
        ("CUSTOM", " Ann ", "Ann"),
    ],
)
def test_forms(channel: str, address: str, form: str) -> None:
    """Nothing of what is written around an address is left; other channels keep their letters."""
    assert comparable(channel, address) == form


def test_an_address_that_cannot_be_one_costs_nothing() -> None:
    """Characters that become eighteen, labels without end: a mailbox has 320 characters."""
    begun = time.process_time()
    for address in ("\ufdfa" * 15_000, "mailto:" * 3_000, "a@" + "\xe9" * 15_000, "0" * 15_000):
        for channel in ("EMAIL", "SMS"):
            assert comparable(channel, address)
    assert time.process_time() - begun < 1
