"""JSON objects of a stream, whatever its layout: the same pieces, with their lines."""

from __future__ import annotations

import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit.records.json_objects import JsonObjects

if TYPE_CHECKING:
    from collections.abc import Callable

TEXTS = st.text(st.sampled_from('a"\\{}[], \n'), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(st.text("ab{}", max_size=3), VALUES, max_size=3), max_size=5)


def pretty(objects: list[Any]) -> str:
    """Objects that go over lines, the first one always."""
    return "\n".join(json.dumps(one, indent=1) for one in [{"": 0}, *objects])


LAYOUTS: dict[str, Callable[[list[Any]], str]] = {
    "a line each": lambda found: "".join(f"{json.dumps(one)}\n" for one in found),
    "on one line": lambda found: "".join(map(json.dumps, found)),
    "with commas": lambda found: ", ".join(map(json.dumps, found)),
    "an array": json.dumps,
    "a pretty array": lambda found: json.dumps(found, indent=2),
    "pretty objects": pretty,
}


def pieces(content: bytes, most: int = 1_000) -> list[tuple[int, bytes | None]]:
    """Line and content of everything but blank lines."""
    found = JsonObjects(io.BytesIO(content), max_bytes=most)
    return [(piece.line, piece.content) for piece in found if piece.content != b""]


@pytest.mark.parametrize("layout", LAYOUTS)
@given(objects=OBJECTS, is_compressed=st.booleans())
def test_every_layout_gives_the_objects(
    layout: str,
    objects: list[dict[str, Any]],
    is_compressed: bool,  # noqa: FBT001 -- one value
) -> None:
    """One a line, concatenated, an array, over lines, compressed or not: the same objects."""
    content = LAYOUTS[layout](objects).encode()
    found = pieces(gzip.compress(content) if is_compressed else content, 10_000)
    read = [json.loads(piece or b"") for _, piece in found]
    assert read == ([{"": 0}, *objects] if layout == "pretty objects" else objects)


def test_pieces_name_the_line_where_they_begin() -> None:
    """Objects that go over lines count from their first line."""
    assert pieces(b'[\n {"a":\n 1}, {"b": 2}\n, {"c": 3}]') == [
        (2, b'{"a":\n 1}'),
        (3, b'{"b": 2}'),
        (4, b'{"c": 3}'),
    ]


def test_what_is_no_object_is_a_piece_too() -> None:
    """Nothing is left out silently, and a bad line does not take those behind it."""
    assert pieces(b'{"a": 1\n{"b": 2}\nx {"c": 3}{"d": 4}\n') == [
        (1, b'{"a": 1'),
        (2, b'{"b": 2}'),
        (3, b'x {"c": 3}{"d": 4}'),
    ]
    assert pieces(b'[1, {"a": 1}, "x"]') == [(1, b"1"), (1, b'{"a": 1}'), (1, b'"x"')]
    assert pieces(b'[{"a": 1}, {"b":\n') == [(1, b'{"a": 1}'), (1, b'{"b":')]


def test_memory_is_bounded() -> None:
    """Of a line or an object that is too long nothing is kept, and the next one is found."""
    long = b"x" * 50
    assert pieces(b'{"a": "%s"}\n{"b": 1}\n' % long, 40) == [(1, None), (2, b'{"b": 1}')]
    spread = b"{\n" + b'"a": [1,\n' * 20 + b"]" * 20 + b'}\n{"b": 1}\n'
    assert pieces(spread, 40) == [(1, None), (23, b'{"b": 1}')]


def test_damaged_compression_is_an_error_of_reading() -> None:
    """What was read before the damage is given first."""
    content = gzip.compress(b'{"a": 1}\n' * 3)
    with pytest.raises(OSError, match="damaged"):
        pieces(content[:-9])
