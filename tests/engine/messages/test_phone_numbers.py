"""PhoneNumberValidate: what the library knows, in the members of the service."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.engine.conftest import Answer, Wire


def ask(wire: Wire, number: str, country: str | None = None) -> Answer:
    """Ask about a number."""
    members = {"PhoneNumber": number, **({"IsoCountryCode": country} if country else {})}
    return wire.post("/v1/phone/number/validate", members)


def test_a_number_of_north_america(wire: Wire) -> None:
    """It could be a mobile one, and has no carrier."""
    assert ask(wire, "+12065550142").json == {
        "CleansedPhoneNumberE164": "+12065550142",
        "CleansedPhoneNumberNational": "2065550142",
        "City": "Washington State",
        "Country": "United States",
        "CountryCodeIso2": "US",
        "CountryCodeNumeric": "1",
        "OriginalPhoneNumber": "+12065550142",
        "PhoneType": "MOBILE",
        "PhoneTypeCode": 0,
        "Timezone": "America/Los_Angeles",
    }


@pytest.mark.parametrize(
    ("number", "country", "kind"),
    [
        ("+4915112345678", None, ("MOBILE", 0)),
        ("4915112345678", None, ("MOBILE", 0)),
        ("015112345678", "DE", ("MOBILE", 0)),
        ("015112345678", "de", ("MOBILE", 0)),
        ("+493012345678", None, ("LANDLINE", 1)),
        ("+44 56 1234 5678", None, ("VOIP", 2)),
        ("+18005550123", None, ("OTHER", 4)),
        ("+12", None, ("INVALID", 3)),
        ("nonsense", None, ("INVALID", 3)),
        ("015112345678", None, ("INVALID", 3)),
        ("015112345678", "ZZ", ("INVALID", 3)),
        ("9" * 64, None, ("INVALID", 3)),
    ],
)
def test_types(wire: Wire, number: str, country: str | None, kind: tuple[str, int]) -> None:
    """As the service numbers them; one that is none is an answer, not an error."""
    answer = ask(wire, number, country)
    assert answer.status == 200
    assert (answer.json["PhoneType"], answer.json["PhoneTypeCode"]) == kind
    assert answer.json["OriginalPhoneNumber"] == number
    assert ("CleansedPhoneNumberE164" in answer.json) is (kind[0] != "INVALID")


@pytest.mark.parametrize("number", ["", "9" * 65])
def test_what_is_refused(wire: Wire, number: str) -> None:
    """Nothing, and far too much."""
    assert ask(wire, number).status == 400


def test_without_the_extra(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """501 says what to install; the stream's records only lack the country."""
    gone: Any = None
    monkeypatch.setitem(sys.modules, "phonenumbers", gone)
    answer = ask(wire, "+12065550142")
    assert (answer.status, answer.code) == (501, "NotImplementedException")
    assert 'pip install "pinpoint-kit[phone]"' in answer.message
