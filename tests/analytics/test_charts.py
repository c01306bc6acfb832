"""Charts: what is drawn, in well-formed SVG, whatever the labels and values are."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from decimal import Context, Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.analytics import charts
from pinpoint_kit.analytics.charts.numbers import ticks
from pinpoint_kit.analytics.charts.svg import COLOURS, REST

if TYPE_CHECKING:
    from collections.abc import Callable

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = '<script>"x"</script>\x00\x1b[31m\u202e&'

NAMES = st.text(max_size=60)
NUMBERS = st.one_of(
    st.none(),
    st.integers(0, 10**15),
    st.floats(0, 1e15),
    st.decimals(0, 10**9, places=2),
)


def parsed(svg: str) -> ET.Element:
    """Return the picture as a tree; a picture that is not well-formed fails."""
    return ET.fromstring(svg)  # noqa: S314 -- our own output


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb`, by WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("colour", [*COLOURS, REST])
@pytest.mark.parametrize("background", ["#ffffff", "#1e1e1e", "#111111"])
def test_colours_stand_out_in_light_and_dark(colour: str, background: str) -> None:
    """Every series has the contrast of 3 that WCAG asks of graphics."""
    bright, dark = sorted((luminance(colour), luminance(background)), reverse=True)
    assert (bright + 0.05) / (dark + 0.05) >= 3


def test_a_line_has_a_gap_where_a_value_is_not_known() -> None:
    """The path is lifted, so that no line pretends a value."""
    tree = parsed(charts.line_chart("Active", list("abcd"), {"x": [1, None, 2, 3]}))
    path = tree.find(f"{SVG}path")
    assert path is not None
    assert path.attrib["d"].count("M") == 2


def test_what_is_not_over_is_dashed() -> None:
    """Today's number still grows: a full line down to it would tell of a loss."""
    values = {"x": [4, 5, 1]}
    tree = parsed(charts.line_chart("Active", list("abc"), values, open_from=2))
    over, still, dots = tree.findall(f"{SVG}path")
    assert dots.attrib["d"].count("h0") == 2  # a dot for each day that is over
    assert ("stroke-dasharray" in over.attrib, "stroke-dasharray" in still.attrib) == (False, True)
    assert over.attrib["d"].endswith(still.attrib["d"][1:].partition("L")[0])  # they touch
    assert [dot.attrib["fill"] for dot in tree.findall(f"{SVG}circle")][-1] == "none"
    titles = [title.text for title in tree.iter(f"{SVG}title")]
    assert titles == ["a\nx: 4", "b\nx: 5", "c, not over yet\nx: 1"]


def test_what_has_no_common_scale_has_charts_of_its_own() -> None:
    """Each under its name, as high as its own largest value."""
    series = {"EUR": {"EUR": [1, 2]}, "JPY": {"JPY": [1000, 2000]}}
    tree = parsed(charts.line_charts("Revenue", ["a", "b"], series))
    words = [text.text for text in tree.iter(f"{SVG}text")]
    assert {"EUR", "JPY", "2", "2k"} <= set(words)
    first, second = (group.attrib["transform"] for group in tree.findall(f"{SVG}g"))
    assert first != second
    assert tree.attrib["aria-label"].startswith("Revenue: EUR, a to b: EUR from 1 to 2; JPY")


def test_every_point_of_time_names_its_values() -> None:
    """What the mouse shows are all series of that day, in words."""
    tree = parsed(charts.line_chart("Active", ["1 Oct"], {"iOS": [1200], "Android": [None]}))
    titles = [title.text for title in tree.iter(f"{SVG}title")]
    assert titles == ["1 Oct\niOS: 1,200\nAndroid: \N{EM DASH}"]


def test_one_series_needs_no_legend() -> None:
    """Its name is the title of the figure already."""
    one = charts.line_chart("Active", ["a"], {"only": [1]})
    two = charts.line_chart("Active", ["a"], {"first": [1], "second": [2]})
    shown = [text.text for text in parsed(two).iter(f"{SVG}text")]
    assert {"first", "second"} <= set(shown)
    assert "only" not in [text.text for text in parsed(one).iter(f"{SVG}text")]


def test_a_summary_says_what_the_picture_shows() -> None:
    """For people who hear it."""
    tree = parsed(charts.line_chart("Daily active", ["1 Oct", "2 Oct"], {"endpoints": [3, 5]}))
    assert tree.attrib["role"] == "img"
    assert tree.attrib["aria-label"] == "Daily active, 1 Oct to 2 Oct: endpoints from 3 to 5"


def test_bars_are_as_long_as_their_values() -> None:
    """In proportion to the largest."""
    tree = parsed(charts.bar_chart("Platforms", [("iOS", 10), ("Android", 40)]))
    first, second = (float(bar.attrib["width"]) for bar in tree.iter(f"{SVG}rect"))
    assert second == pytest.approx(4 * first, rel=0.01)


def test_a_funnel_shows_rates_of_the_first_step_and_losses_of_the_step_before() -> None:
    """100 %, 50 %, 10 %; of the second step 80 % dropped off."""
    text = charts.funnel_chart("Purchase", [("view", 100), ("cart", 50), ("buy", 10)])
    assert "50 · 50 %" in text
    assert "40 dropped off (80 %)" in text


def test_cohorts_leave_unfinished_days_empty() -> None:
    """A day that is not over has no cell."""
    tree = parsed(
        charts.cohort_triangle("Retention", [("a", 2, [1.0, 0.5]), ("b", 3, [1.0, None])])
    )
    assert len(list(tree.iter(f"{SVG}rect"))) == 3


DRAWINGS: list[Callable[[str, list[int | float | Decimal | None]], str]] = [
    lambda name, values: charts.line_chart(name, [name] * len(values), {name: values, "y": values}),
    lambda name, values: charts.bar_chart(name, [(name, value) for value in values]),
    lambda name, values: charts.heat_map(name, [name], [name] * len(values), [values]),
    lambda name, values: charts.funnel_chart(name, [(name, int(v or 0)) for v in values]),
    lambda name, values: charts.cohort_triangle(
        name, [(name, 3, [None if v is None else float(v) for v in values])]
    ),
]


@pytest.mark.parametrize("draw", DRAWINGS)
@given(name=NAMES, values=st.lists(NUMBERS, max_size=40))
def test_any_label_and_value_makes_a_picture(
    draw: Callable[[str, list[int | float | Decimal | None]], str],
    name: str,
    values: list[int | float | Decimal | None],
) -> None:
    """Well-formed, without scripts, styles or references to anywhere."""
    tree = parsed(draw(name, values))
    for part in tree.iter():
        assert part.tag.removeprefix(SVG) in {
            *("svg", "g", "rect", "line", "path", "circle", "text", "title")
        }
        assert not {key for key in part.attrib if key.startswith("on") or key in {"style", "href"}}


@pytest.mark.parametrize("draw", DRAWINGS)
def test_hostile_labels_are_harmless(
    draw: Callable[[str, list[int | float | Decimal | None]], str],
) -> None:
    """Markup is text, and nothing turns the direction of what follows."""
    text = draw(HOSTILE, [1, 2])
    assert "<script" not in text
    assert not {"\x00", "\x1b", "\u202e"} & set(text)
    parsed(text)


def test_figures_carry_their_numbers() -> None:
    """The table stands beside the picture; only a notebook gets the style inline."""
    table = charts.data_table(["day", HOSTILE], [["1 Oct", HOSTILE]])
    page = charts.figure(HOSTILE, "<svg/>", table, note=HOSTILE)
    assert "<script" not in page
    assert "<style" not in page
    assert page.index("<svg") < page.index("<table")
    assert "<style" in charts.figure("a", "<svg/>", table, is_styled=True)


@given(st.lists(NUMBERS, max_size=300), st.integers(1, 80))
def test_sparklines_fit(values: list[int | float | Decimal | None], width: int) -> None:
    """However many values there are."""
    line = charts.sparkline(values, width=width)
    assert len(line) == min(width, len(values))


@given(st.floats(0, 1e15), st.booleans())
def test_scales_hold_their_values(top: float, is_whole: bool) -> None:  # noqa: FBT001 -- by hypothesis
    """Round steps from 0 to at least the top, and not many of them."""
    marks = ticks(top, is_whole=is_whole)
    assert marks[0] == 0
    assert marks[-1] >= top * (1 - 1e-9)
    assert 2 <= len(marks) <= 6
    if is_whole:
        assert all(mark.is_integer() for mark in marks)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "", "0"),
        (1234567, "", "1,234,567"),
        (0.125, "%", "12.5 %"),
        (Decimal("1234.50"), "EUR", "1,234.50 EUR"),
        (Decimal(12), "EUR", "12.00 EUR"),
        (Decimal("0.12500"), "EUR", "0.125 EUR"),
        (Decimal("1e30"), "", f"1{',000' * 10}.00"),
        (3.14159, "", "3.14"),
        (9.99, "", "9.99"),
        (9.996, "", "9.996"),
        (-9.996, "", "-9.996"),
        (12.345, "", "12.3"),
        (999.96, "", "999.96"),
        (12.999999999999998, "", "13"),
        (0.0042, "", "0.004"),
        (0.00042, "", "0.0004"),
        (1e-12, "", "0"),
        (0.1 + 0.2 - 0.3, "%", "0 %"),
        (0.999, "%", "99.9 %"),
        (0.9996, "%", "99.96 %"),
        (0.07, "%", "7 %"),
        (0.0456, "%", "4.6 %"),
        (1.5e300, "", "1.5e+300"),
        (float("inf"), "", "inf"),
        (Decimal("NaN"), "", "NaN"),
        (None, "%", "\N{EM DASH}"),
    ],
)
def test_numbers_are_readable(value: float | Decimal | None, unit: str, text: str) -> None:
    """Thousands are grouped, money keeps its digits, and what is not known is a dash."""
    assert charts.format_number(value, unit=unit) == text


def written(value: float, decimals: int) -> str:
    """Round a number slowly and obviously: exactly, with more decimals while it looks like more.

    Args:
        value: the number, of any sign.
        decimals: how many it has from 1 on, below 10.
    """
    exact = abs(Decimal(value))
    if exact == int(exact):
        return f"{int(value):,}"
    whole = str(int(exact))
    count = 3 if exact < 1 else decimals if exact < 10 else 1
    while True:
        rounded = exact.quantize(Decimal(1).scaleb(-count), context=Context(prec=60))
        is_like_it = (
            rounded > 0 and len(str(int(rounded))) == len(whole) and (exact >= 1 or rounded < 1)
        )
        if is_like_it or count == 9:
            break
        count += 1
    text = f"{rounded:,f}".rstrip("0").rstrip(".")
    return f"-{text}" if value < 0 and text != "0" else text


#: Near whole numbers and powers of ten, where rounding is hard, and anywhere.
NEAR = st.builds(
    lambda power, away, places: float(10**power + away / 10**places),
    st.integers(0, 12),
    st.integers(-2_000, 2_000),
    st.integers(0, 12),
)
NUMBERS = NEAR | st.floats(-1e15, 1e15) | st.floats(-2, 2) | st.integers(-(10**9), 10**9).map(float)


@given(NUMBERS)
def test_numbers_are_rounded_as_the_definition_says(value: float) -> None:
    """Digit by digit."""
    assert charts.format_number(value) == written(value, 2)
    assert charts.format_number(value / 100, unit="%") == f"{written(value / 100 * 100, 1)} %"


@given(NUMBERS, NUMBERS)
def test_the_larger_number_never_looks_smaller(one: float, other: float) -> None:
    """Whatever is rounded."""
    low, high = sorted([one, other])
    shown = [Decimal(charts.format_number(n).replace(",", "")) for n in (low, high)]
    assert shown == sorted(shown)


@given(st.integers(1, 10**8), st.integers(1, 10**8))
def test_a_share_looks_whole_or_empty_only_where_it_is(part: int, more: int) -> None:
    """Of a hundred million people, one who is missing can be seen."""
    text = charts.format_number(part / (part + more), unit="%")
    assert text not in {"0 %", "100 %"}
    assert 0 < float(text.removesuffix(" %")) < 100


@given(st.floats(0.01, 1e14))
def test_numbers_on_an_axis_are_short_and_near(value: float) -> None:
    """Three digits and a letter, and never an exponent."""
    text = charts.format_number(value, is_brief=True)
    sizes = {"T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3}
    size = sizes.get(text[-1], 1.0)
    assert len(text) <= 6
    assert "e" not in text
    assert float(text.rstrip("TGMk")) * size == pytest.approx(value, rel=0.006)
    assert float(text.rstrip("TGMk")) < 1_000


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (999, "999"),
        (999.6, "1k"),
        (999_499, "999k"),
        (999_999, "1M"),
        (1e12, "1T"),
        (1e16, "1e+16"),
    ],
)
def test_a_short_number_that_is_rounded_up_has_the_next_letter(value: float, text: str) -> None:
    """Never a thousand of the smaller one."""
    assert charts.format_number(value, is_brief=True) == text
