"""How many parts an SMS takes, against the sizes that the guide gives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.engine.messages.rendering.sms_parts import parts

GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
DOUBLE = "^{}[]~\\|€"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 159 + "€", 2),
        ("日" * 70, 1),
        ("日" * 71, 2),
        ("日" * 134, 2),
        ("日" * 135, 3),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        ("a" * 159 + "`", 3),
    ],
)
def test_parts(text: str, count: int) -> None:
    """160 and 153 of the GSM alphabet, in which some count double; else 70 and 67 of UTF-16."""
    assert parts(text) == count


def test_the_alphabet_has_127_characters_and_the_escape() -> None:
    """As the table of 3GPP TS 23.038 has it; one of each is one part."""
    assert len(set(GSM)) == 127
    assert parts(GSM) == 1
    assert parts((GSM + DOUBLE)[:151]) == 1


@given(st.text(st.sampled_from(GSM + DOUBLE), max_size=500))
def test_parts_are_as_few_as_can_be(text: str) -> None:
    """No fewer than the septets need, and at most one more than that in all of them."""
    width = sum(2 if character in DOUBLE else 1 for character in text)
    if width <= 160:
        assert parts(text) == 1
    else:
        assert -(-width // 153) <= parts(text) <= -(-width // 152)
