"""How lists give way where there is little room."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from pinpoint_kit.cli.columns import Column, print_rows


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a terminal of twelve characters."""
    monkeypatch.setenv("COLUMNS", "12")


@pytest.mark.parametrize("text", ["/a/long/way/to/z", "長" * 9 + "z"], ids=["narrow", "wide"])
def test_a_text_that_keeps_its_end_is_marked(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is cut off is marked, whatever the width of its characters."""
    print_rows((Column("Id"), Column("Place", 6, keeps_end=True)), [("a", text), ("b", "short")])
    _, _, first, second = capsys.readouterr().out.splitlines()
    assert first.rstrip().endswith("z")
    assert first.startswith("a   …")
    assert cell_len(first) <= 12
    assert second.split() == ["b", "short"]


def test_columns_without_content_go_first(capsys: pytest.CaptureFixture[str]) -> None:
    """They are not missed, so nothing is said of them."""
    columns = (Column("Id"), Column("Empty", is_optional=True), Column("Full", is_optional=True))
    print_rows(columns, [("abc", "", "value")])
    out, err = capsys.readouterr()
    assert out.splitlines()[0].split() == ["Id", "Full"]
    assert err == ""
