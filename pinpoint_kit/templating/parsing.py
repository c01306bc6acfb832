"""The text of a template read into nodes.

The language is Handlebars as Pinpoint's guide describes it. What it leaves out of Handlebars.js is
refused with a sentence: raw blocks, partial blocks, partials of other templates.
"""

from __future__ import annotations

import re
from typing import cast

from pinpoint_kit.templating import whitespace
from pinpoint_kit.templating.bounds import MAX_DEPTH, MAX_TAGS, MAX_TEMPLATE_CHARS, MAX_VALUES
from pinpoint_kit.templating.nodes import (
    Block,
    Call,
    Comment,
    Expression,
    Inline,
    Literal,
    Node,
    Output,
    Partial,
    Path,
    Program,
    Strip,
    Text,
)
from pinpoint_kit.templating.tokens import Cursor, Word, error_at, next_tag

__all__ = ["parse", "path_names"]

_PIECE = re.compile(r"(\[(?:\\\]|[^\]])*\]|\.\.?(?=/|$)|[^./\[]+)[./]?")
_OPENING = re.compile(
    r"\{\{(?P<strip>~?)(?:(?P<sign>\{\{|\{|&|\#\*|\#>|\#|\^|/|>|!)|\s*(?P<word>else)(?=[\s~}]))?"
)
_INLINE = "inline"
_CONSTANTS = {"true": True, "false": False, "null": None, "undefined": None}


def parse(text: str) -> Program:
    """Return the nodes of a template, with whitespace control applied.

    Raises:
        TemplateError: it is no template; with the line and the column.
    """
    if len(text) > MAX_TEMPLATE_CHARS:
        raise error_at(text, 0, f"a template has at most {MAX_TEMPLATE_CHARS} characters: cut it")
    program = _Parser(text).parse()
    whitespace.control(program)
    return program


def path_names(source: str) -> tuple[str, ...]:
    """Return the parts of a path that is written in words: `A.[b c].[0]` has three."""
    return tuple(_unbracketed(match[1]) for match in _PIECE.finditer(source))


class _Tag:
    """A tag's opening: what it is, and where its words begin."""

    def __init__(self, text: str, at: int) -> None:
        match = cast("re.Match[str]", _OPENING.match(text, at))  # it begins with two braces
        self.at = at
        self.strip = bool(match["strip"])
        self.sign = match["sign"] or match["word"] or ""
        self.words_at = match.end()


class _Parser:
    """Goes through one template once, from the front."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._tags = 0

    def parse(self) -> Program:
        body, stopped = self._body()
        if stopped is not None:
            what = "{{else}}" if stopped.sign in {"else", "^"} else "{{/…}}"
            raise error_at(self._text, stopped.at, f"{what} has no block that it belongs to")
        return Program(body)

    def _body(self) -> tuple[list[Node], _Tag | None]:
        """Read nodes up to a tag that only the block around can read, or to the end."""
        body: list[Node] = []
        while True:
            literal, at = next_tag(self._text, self._at)
            if literal:
                body.append(Text(literal, literal))
            if at < 0:
                return body, None
            tag = _Tag(self._text, at)
            self._at = tag.words_at
            self._tags += 1
            if self._tags > MAX_TAGS:
                raise error_at(self._text, at, f"a template has at most {MAX_TAGS} tags: use fewer")
            if tag.sign in {"/", "else"} or (tag.sign == "^" and self._is_bare(tag)):
                return body, tag
            body.append(self._node(tag))

    def _is_bare(self, tag: _Tag) -> bool:
        return Cursor(self._text, tag.words_at, tag.at).word.kind == "close"

    def _node(self, tag: _Tag) -> Node:
        if tag.sign == "!":
            return self._comment(tag)
        if tag.sign in {"#", "^"}:
            return self._block(tag)
        if tag.sign == "#*":
            return self._inline(tag)
        if tag.sign == ">":
            return self._partial(tag)
        if tag.sign in {"{{", "#>"}:
            what = "raw blocks" if tag.sign == "{{" else "partial blocks"
            raise error_at(self._text, tag.at, f"{what} are not part of the language: leave it out")
        cursor = self._cursor(tag)
        call = self._call(cursor)
        strip = self._close(cursor, tag, is_triple=tag.sign == "{")
        return Output(call, bool(tag.sign), strip)

    def _comment(self, tag: _Tag) -> Comment:
        is_long = self._text.startswith("--", tag.words_at)
        end = self._text.find("--" if is_long else "}}", tag.words_at + (2 if is_long else 0))
        while is_long and end >= 0 and not self._text.startswith(("--}}", "--~}}"), end):
            end = self._text.find("--", end + 1)
        if end < 0:
            ending = "--}}" if is_long else "}}"
            raise error_at(self._text, tag.at, f"the comment never ends: close it with {ending}")
        self._at = self._text.index("}}", end) + 2
        return Comment(Strip(tag.strip, self._text[self._at - 3] == "~"))

    def _block(self, tag: _Tag) -> Block:
        cursor = self._cursor(tag)
        call = self._call(cursor)
        names = self._names(cursor)
        opened = self._close(cursor, tag)
        body, stopped = self._inside(tag)
        program = Program(body, names)
        inverse, inverse_strip, closed = self._branches(call, tag, stopped)
        _end_chain(inverse, closed)
        if tag.sign == "^":
            return Block(call, inverse, program, opened, inverse_strip, closed)
        return Block(call, program, inverse, opened, inverse_strip, closed)

    def _branches(
        self, outer: Call, opened: _Tag, tag: _Tag | None
    ) -> tuple[Program | None, Strip, Strip]:
        """Read what follows a block's first part: else branches and the closing tag."""
        if tag is None:
            raise error_at(
                self._text,
                opened.at,
                f"the block {outer.source} never ends: close it with {{{{/{outer.source}}}}}",
            )
        cursor = self._cursor(tag)
        if tag.sign == "/":
            closed = self._closed(cursor, tag, outer.source)
            return None, Strip(), closed
        if cursor.word.kind == "close":
            strip = self._close(cursor, tag)
            body, stopped = self._inside(tag)
            if stopped is not None and stopped.sign != "/":
                raise error_at(
                    self._text, stopped.at, "{{else}} stands twice: a block has one, at its end"
                )
            _, _, closed = self._branches(outer, opened, stopped)
            return Program(body), strip, closed
        call = self._call(cursor)
        names = self._names(cursor)
        strip = self._close(cursor, tag)
        self._deeper(tag.at)
        body, stopped = self._body()
        inverse, inverse_strip, closed = self._branches(outer, opened, stopped)
        self._depth -= 1
        _end_chain(inverse, inverse_strip)
        chained = Block(call, Program(body, names), inverse, strip, inverse_strip, inverse_strip)
        return Program([chained], is_chained=True), strip, closed

    def _inside(self, tag: _Tag) -> tuple[list[Node], _Tag | None]:
        self._deeper(tag.at)
        try:
            return self._body()
        finally:
            self._depth -= 1

    def _deeper(self, at: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise error_at(self._text, at, f"more than {MAX_DEPTH} levels: nest less deeply")

    def _inline(self, tag: _Tag) -> Inline:
        cursor = self._cursor(tag)
        name = cursor.take()
        if (name.kind, name.text) != ("path", _INLINE):
            raise error_at(self._text, name.at, 'only {{#* inline "name"}} can stand here')
        called = self._partial_name(cursor)
        opened = self._close(cursor, tag)
        body, stopped = self._inside(tag)
        if stopped is None or stopped.sign != "/":
            raise error_at(
                self._text,
                tag.at,
                f"the partial {called} never ends: close it with {{{{/inline}}}}",
            )
        closed = self._closed(self._cursor(stopped), stopped, _INLINE)
        return Inline(called, Program(body), opened, closed)

    def _partial(self, tag: _Tag) -> Partial:
        cursor = self._cursor(tag)
        name = self._partial_name(cursor)
        args, options = self._arguments(cursor)
        if len(args) > 1:
            raise error_at(self._text, args[1].at, "a partial takes one context: leave this out")
        strip = self._close(cursor, tag)
        return Partial(tag.at, name, args[0] if args else None, options, strip)

    def _partial_name(self, cursor: Cursor) -> str:
        word = cursor.take()
        if word.kind not in {"path", "text", "number"}:
            raise error_at(self._text, word.at, "the name of a partial must stand here")
        return word.text

    def _cursor(self, tag: _Tag) -> Cursor:
        return Cursor(self._text, tag.words_at, tag.at)

    def _close(self, cursor: Cursor, tag: _Tag, *, is_triple: bool = False) -> Strip:
        """Read the end of a tag, and go on after it."""
        word = cursor.word
        if word.kind != "close":
            raise cursor.error(f"{word.text!r} is too much here: leave it out")
        ending = word.text
        self._at = cursor.at
        if is_triple and not (ending.startswith("}") and len(ending) > 2):  # noqa: PLR2004 -- }}
            raise cursor.error("a tag that opens with {{{ closes with }}}")
        if not is_triple and ending == "}}}":
            self._at -= 1  # the third is text
        elif not is_triple and ending == "}~}}":
            raise cursor.error("a tag that opens with {{ closes with }}")
        return Strip(tag.strip, "~" in ending)

    def _closed(self, cursor: Cursor, tag: _Tag, name: str) -> Strip:
        word = cursor.take()
        if word.text != name:
            raise error_at(
                self._text, word.at, f"the open block is {name}: close it with {{{{/{name}}}}}"
            )
        return self._close(cursor, tag)

    def _call(self, cursor: Cursor) -> Call:
        """Read a name and its arguments."""
        word = cursor.take()
        if word.kind == "path":
            name = self._path(word)
        elif word.kind in {"text", "number"}:
            name = Path(word.at, word.text, (word.text,), is_scoped=True)
        else:
            raise error_at(self._text, word.at, "a variable or a helper must stand here")
        args, options = self._arguments(cursor)
        return Call(name.at, name, args, options)

    def _arguments(self, cursor: Cursor) -> tuple[tuple[Expression, ...], dict[str, Expression]]:
        args: list[Expression] = []
        options: dict[str, Expression] = {}
        count = 0  # an option that is given twice is in `options` once
        while cursor.word.kind in {"path", "text", "number", "("}:
            word = cursor.take()
            count += 1
            if count > MAX_VALUES:
                raise error_at(
                    self._text, word.at, f"a tag has at most {MAX_VALUES} values: use fewer"
                )
            if word.kind == "path" and cursor.word.kind == "=":
                cursor.take()
                options[word.text.strip("[]")] = self._expression(cursor, cursor.take())
            elif options:
                raise error_at(self._text, word.at, "values come before those with a name and =")
            else:
                args.append(self._expression(cursor, word))
        return tuple(args), options

    def _expression(self, cursor: Cursor, word: Word) -> Expression:
        if word.kind == "(":
            self._deeper(word.at)
            call = self._call(cursor)
            if cursor.take().kind != ")":
                raise error_at(self._text, word.at, "( is opened and never closed: close it with )")
            self._depth -= 1
            return call
        if word.kind == "text":
            return Literal(word.at, word.text, word.text)
        if word.kind == "number":
            number = float(word.text) if "." in word.text else int(word.text)
            return Literal(word.at, number, word.text)
        if word.kind == "path":
            if word.text in _CONSTANTS:
                return Literal(word.at, _CONSTANTS[word.text], word.text)
            return self._path(word)
        raise error_at(self._text, word.at, "a value must stand here")

    def _path(self, word: Word) -> Path:
        source = word.text
        is_data = source.startswith("@")
        names: list[str] = []
        up = 0
        for match in _PIECE.finditer(source, is_data):
            part = match[1]
            if part in {"..", ".", "this"}:
                if names:
                    raise error_at(
                        self._text, word.at, f"{part} can only stand at the front of a path"
                    )
                up += part == ".."
            else:
                names.append(_unbracketed(part))
        is_scoped = source.startswith(".") or source.split(".")[0].split("/")[0] == "this"
        return Path(word.at, source, tuple(names), up, is_data, is_scoped)

    def _names(self, cursor: Cursor) -> tuple[str, ...]:
        """Read `as |item index|`, if it is there."""
        if cursor.word.kind != "names":
            return ()
        cursor.take()
        names: list[str] = []
        while cursor.word.kind == "path":
            names.append(cursor.take().text)
        if not names or cursor.take().kind != "|":
            raise cursor.error("as |…| holds one or two names: close it with |")
        return tuple(names)


def _end_chain(inverse: Program | None, strip: Strip) -> None:
    """Give the first branch of an else chain the end that Handlebars.js gives it."""
    if inverse is not None and inverse.is_chained:
        first = cast("Block", inverse.body[0])
        first.close_strip = strip


def _unbracketed(part: str) -> str:
    return part[1:-1].replace("\\]", "]") if part.startswith("[") else part
