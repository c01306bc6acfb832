"""What a template is made of once it is read. Positions are offsets into its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

__all__ = [
    "Block",
    "Call",
    "Comment",
    "Expression",
    "Inline",
    "Literal",
    "Node",
    "Output",
    "Partial",
    "Path",
    "Program",
    "Strip",
    "Text",
]


@attrs.frozen
class Strip:
    """Whether a tag has a `~` at its opening and at its closing end."""

    open: bool = False
    close: bool = False


@attrs.frozen
class Literal:
    """A text, a number, true, false or null."""

    at: int
    value: object
    source: str


@attrs.frozen
class Path:
    """Where a value is found: `../User.UserAttributes.[Last Name].[0]`.

    Attributes:
        at: where it stands.
        source: as it is written.
        names: its parts, without `..`, `.` and `this`.
        up: how many contexts it goes up.
        is_data: begins with `@`.
        is_scoped: begins with `.`, `..` or `this`, so that it cannot name a helper.
    """

    at: int
    source: str
    names: tuple[str, ...]
    up: int = 0
    is_data: bool = False
    is_scoped: bool = False

    @property
    def simple_name(self) -> str | None:
        """The name that may be a helper's, None when this is certainly a path."""
        if self.up or self.is_data or self.is_scoped or len(self.names) != 1:
            return None
        return self.names[0]


@attrs.frozen
class Call:
    """A name with arguments; without any, it may be a plain path."""

    at: int
    name: Path
    args: tuple[Expression, ...] = ()
    options: Mapping[str, Expression] = attrs.field(factory=dict)

    @property
    def source(self) -> str:
        """How an error names it."""
        return self.name.source


Expression: TypeAlias = Literal | Path | Call


@attrs.define
class Text:
    """What stands between tags. `value` is what whitespace control leaves of `original`."""

    original: str
    value: str
    is_left_stripped: bool = False
    is_right_stripped: bool = False


@attrs.define
class Output:
    """`{{x}}` and `{{{x}}}`."""

    call: Call
    is_raw: bool
    strip: Strip


@attrs.define
class Comment:
    """`{{! … }}`: it prints nothing, and takes its line with it."""

    strip: Strip


@attrs.define
class Partial:
    """`{{> name context key=value}}`."""

    at: int
    name: str
    context: Expression | None
    options: Mapping[str, Expression]
    strip: Strip
    indent: str = ""


@attrs.define
class Program:
    """A row of nodes. `names` are those of `as |item index|`."""

    body: list[Node]
    names: tuple[str, ...] = ()
    is_chained: bool = False


@attrs.define
class Block:
    """`{{#x}} … {{else}} … {{/x}}`. `program` is None in `{{^x}} … {{/x}}`."""

    call: Call
    program: Program | None
    inverse: Program | None
    open_strip: Strip
    inverse_strip: Strip
    close_strip: Strip


@attrs.define
class Inline:
    """`{{#* inline "name"}} … {{/inline}}`."""

    name: str
    program: Program
    open_strip: Strip
    close_strip: Strip


Node: TypeAlias = Text | Output | Comment | Partial | Block | Inline
