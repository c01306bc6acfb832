"""Whitespace control as in Handlebars.js: what `~` takes away, and tags alone on their line.

A block's tag, an else, a partial or a comment that stands alone on a line takes the line with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pinpoint_kit.templating.nodes import Block, Comment, Inline, Node, Output, Partial, Strip, Text
from pinpoint_kit.templating.tokens import WHITESPACE

if TYPE_CHECKING:
    from pinpoint_kit.templating.nodes import Program

__all__ = ["control"]


def control(program: Program, *, is_root: bool = True) -> None:
    """Strip the texts of a program and of all programs inside of it, in place."""
    body = program.body
    for at, node in enumerate(body):
        if isinstance(node, Text):
            continue
        strip, opens, closes = _inside(node)
        is_alone = isinstance(node, (Comment, Partial))
        before = _ends_line(body, at - 1, is_root=is_root)
        after = _begins_line(body, at + 1, is_root=is_root)
        if strip.close:
            _strip_right(_at(body, at + 1), is_all=True)
        if strip.open:
            _strip_left(_at(body, at - 1), is_all=True)
        if is_alone and before and after:
            _strip_right(_at(body, at + 1))
            indent = _strip_left(_at(body, at - 1))
            if indent and isinstance(node, Partial):
                node.indent = indent
        if isinstance(node, (Block, Inline)):
            _strip_lines(body, at, node, is_open=opens and before, is_close=closes and after)


def _strip_lines(
    body: list[Node], at: int, node: Block | Inline, *, is_open: bool, is_close: bool
) -> None:
    """Take the lines of a block's opening and closing tags, when they stand alone on them."""
    first, last = _ends(node)
    if is_open:
        _strip_right(_at(first.body, 0))
        _strip_left(_at(body, at - 1))
    if is_close:
        _strip_right(_at(body, at + 1))
        _strip_left(_at(last.body, len(last.body) - 1))


def _ends(node: Block | Inline) -> tuple[Program, Program]:
    """Return the first and the last program of a block."""
    if isinstance(node, Inline):
        return node.program, node.program
    return (
        cast("Program", node.program or node.inverse),
        cast("Program", node.inverse or node.program),
    )


def _inside(node: Node) -> tuple[Strip, bool, bool]:
    """Return what a node strips around itself, and whether its ends can stand alone on a line."""
    if isinstance(node, (Output, Comment, Partial)):
        return node.strip, False, False
    return _block(cast("Block | Inline", node))


def _block(node: Block | Inline) -> tuple[Strip, bool, bool]:
    program, last = _ends(node)
    control(program, is_root=False)
    if last is not program:
        control(last, is_root=False)
    branches = _branches(node)
    closing = branches[0] if branches else program
    found = (
        Strip(node.open_strip.open, node.close_strip.close),
        _begins_line(program.body, 0),
        _ends_line(closing.body, len(closing.body) - 1),
    )
    if node.open_strip.close:
        _strip_right(_at(program.body, 0), is_all=True)
    if branches:
        _strip_branches(cast("Block", node), program, *branches)
    elif node.close_strip.open:
        _strip_left(_at(program.body, len(program.body) - 1), is_all=True)
    return found


def _strip_branches(node: Block, program: Program, first: Program, last: Program) -> None:
    """Strip around the first else of a block, and before the block's end."""
    end = len(program.body) - 1
    if node.inverse_strip.open:
        _strip_left(_at(program.body, end), is_all=True)
    if node.inverse_strip.close:
        _strip_right(_at(first.body, 0), is_all=True)
    if node.close_strip.open:
        _strip_left(_at(last.body, len(last.body) - 1), is_all=True)
    if _ends_line(program.body, end) and _begins_line(first.body, 0):
        _strip_left(_at(program.body, end))
        _strip_right(_at(first.body, 0))


def _branches(node: Block | Inline) -> tuple[Program, Program] | None:
    """Return the first and the last program behind an else, as Handlebars.js finds them."""
    if isinstance(node, Inline) or node.program is None or node.inverse is None:
        return None
    first = last = node.inverse
    if first.is_chained:
        first = cast("Program", cast("Block", first.body[0]).program)
    while last.is_chained:
        last = cast("Program", cast("Block", last.body[0]).program)
    return first, last


def _at(body: list[Node], at: int) -> Node | None:
    return body[at] if 0 <= at < len(body) else None


def _ends_line(body: list[Node], at: int, *, is_root: bool = False) -> bool:
    """Whether what stands up to here ends with the beginning of a line."""
    node = _at(body, at)
    if node is None:
        return is_root
    if not isinstance(node, Text):
        return False
    text = node.original.rstrip(WHITESPACE)
    is_blank = not text and is_root and at == 0
    return is_blank or "\n" in node.original[len(text) :]


def _begins_line(body: list[Node], at: int, *, is_root: bool = False) -> bool:
    """Whether what stands from here on begins with the end of a line."""
    node = _at(body, at)
    if node is None:
        return is_root
    if not isinstance(node, Text):
        return False
    text = node.original.lstrip(WHITESPACE)
    is_blank = not text and is_root and at == len(body) - 1
    return is_blank or "\n" in node.original[: len(node.original) - len(text)]


def _strip_right(node: Node | None, *, is_all: bool = False) -> None:
    """Take away what begins a text: all whitespace, or the rest of the line."""
    if not isinstance(node, Text) or (not is_all and node.is_right_stripped):
        return
    before = node.value
    if is_all:
        node.value = before.lstrip(WHITESPACE)
    else:
        node.value = before.lstrip(" \t").removeprefix("\r").removeprefix("\n")
    node.is_right_stripped = node.value != before


def _strip_left(node: Node | None, *, is_all: bool = False) -> str:
    """Take away what ends a text: all whitespace, or the indent of a line; return what went."""
    if not isinstance(node, Text) or (not is_all and node.is_left_stripped):
        return ""
    before = node.value
    node.value = before.rstrip(WHITESPACE if is_all else " \t")
    node.is_left_stripped = node.value != before
    return before[len(node.value) :]
