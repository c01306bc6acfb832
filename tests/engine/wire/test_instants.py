"""Dates: which ISO 8601 texts are read, and as what."""

from __future__ import annotations

import pytest

from pinpoint_kit.engine.wire import instants

EXPECTED = 1525719809963


@pytest.mark.parametrize(
    "text",
    [
        "2018-05-07T19:03:29.963Z",
        "2018-05-07T19:03:29.963",
        "2018-05-07 19:03:29.963Z",
        "2018-05-07T19:03:29,963z",
        "2018-05-07T19:03:29.963999Z",
        "2018-05-07T19:03:29.963999999Z",
        "2018-05-07T19:03:29.963+00:00",
        "2018-05-07T21:03:29.963+02:00",
        "2018-05-07T14:33:29.963-0430",
        "2018-05-07T21:03:29.963+02",
        "20180507T190329.963Z",
    ],
)
def test_forms_of_one_instant(text: str) -> None:
    """Offsets with and without colon, any fraction, naive as UTC: all are the same instant."""
    assert instants.to_ms(text) == EXPECTED


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2018-05-07T19:03:29Z", "2018-05-07T19:03:29.000Z"),
        ("2018-05-07T19:03Z", "2018-05-07T19:03:00.000Z"),
        ("2018-05-07", "2018-05-07T00:00:00.000Z"),
        ("2018-05-07T24:00:00Z", "2018-05-08T00:00:00.000Z"),
        ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ("0001-01-01T00:00:00.000Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ("2018-05-07T19:03:29.5+00:00", "2018-05-07T19:03:29.500Z"),
    ],
)
def test_the_printed_form(text: str, form: str) -> None:
    """Dates are printed with milliseconds and Z, in any year."""
    assert instants.from_ms(instants.to_ms(text)) == form


@pytest.mark.parametrize(
    "text",
    [
        "", "now", "2018", "2018-05", "1525719809", "1525719809963", "2018-05-07T",
        "2018-13-07T19:03:29.963Z", "2018-02-30T19:03:29.963Z", "2018-05-07T25:03:29.963Z",
        "2018-05-07T19:03:61.963Z", "2018-05-07X19:03:29.963Z", "2018-05-07T19:03:29.963ZZ",
        "2018-05-07T19:03:29.963 CET", "2018-05-07T19:03:29+00:00Z", "0001-01-01T00:00:00+02:00",
        "9999-12-31T23:59:59-02:00", "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z",
        "٢٠١٨-05-07T19:03:29.963Z", " 2018-05-07T19:03:29Z", "2018-05-07T19:03:29.963\n",
        "-2018-05-07T19:03:29Z", "2018-05-07T19:03:29+99:99", "9" * 10000,
    ],
)  # fmt: skip
def test_what_is_no_date(text: str) -> None:
    """Other texts are refused, and so are instants outside the years 1 to 9999."""
    with pytest.raises(ValueError):  # noqa: PT011 -- the text is said by the caller
        instants.to_ms(text)
