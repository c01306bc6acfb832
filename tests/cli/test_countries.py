"""`--country` takes a code, and says which one to write for a name."""

from __future__ import annotations

import click
import pytest

from pinpoint_kit.cli.countries import COUNTRY


@pytest.mark.parametrize(("given", "code"), [("PT", "PT"), ("pt", "PT"), (" XK ", "XK")])
def test_codes(given: str, code: str) -> None:
    """Two letters are a code, in any letters; those that ISO leaves to its users, too."""
    assert COUNTRY.convert(given, None, None) == code


@pytest.mark.parametrize(
    ("given", "remedy"),
    [
        ("Portugal", "write PT"),
        ("portugal", "write PT"),
        ("PRT", "write PT"),
        ("UK", "write GB"),
        ("Atlantis", "write the two letters of ISO 3166-1, such as PT"),
        ("P1", "such as PT"),
    ],
)
def test_names_are_refused_with_their_code(given: str, remedy: str) -> None:
    """A name would be stored, or looked for, and never match."""
    with pytest.raises(click.BadParameter, match=f"is no country code: {remedy}|{remedy}$"):
        COUNTRY.convert(given, None, None)
