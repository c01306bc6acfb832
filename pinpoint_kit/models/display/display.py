"""How values show themselves to people: as a table in a notebook, as lines of text elsewhere.

Personal data is hidden until it is asked for with `show()`: what a notebook displays is stored in
its file, and what a shell prints is often copied. Nothing here may know a single model.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from html import escape

import attrs

__all__ = [
    "COUNTS",
    "DETAIL",
    "HIDDEN",
    "Displayed",
    "Shown",
    "many_as_html",
    "one_as_html",
    "short",
    "without_addresses",
]

#: In the metadata of a field whose content shows only when it is asked for.
HIDDEN = "pinpoint_kit.hidden"
#: In the metadata of a field that maps words to numbers, and nothing personal.
COUNTS = "pinpoint_kit.counts"
#: In the metadata of a field that only a display of a single value needs.
DETAIL = "pinpoint_kit.detail"
#: More rows than this make a notebook slow to scroll.
MOST_ROWS = 50

_COVERED = "<hidden>"
_IS_COVERED = re.compile(r"<(hidden|[1-9]\d*)>")
#: An address of e-mail, a telephone number, or the token of a device, within a text.
_ADDRESS = re.compile(
    r"<?[^\s@<>()\[\],;:\"']+@[^\s@<>()\[\],;:\"']+>?"
    r"|(?<![0-9A-Za-z])\+?\d{7,15}(?![0-9A-Za-z])"
    r"|[0-9A-Za-z_:-]{64,}"
)


class Displayed:
    """Has a value show itself in a notebook, and reveal itself when asked."""

    __slots__ = ()

    def show(self) -> Shown:
        """Show everything, addresses, user ids and attributes included.

        Returns:
            Something that displays as a table in a notebook and as lines of text elsewhere.
        """
        return Shown([self])

    def _repr_html_(self) -> str:
        return one_as_html(self, is_revealed=False)


class Shown:
    """Values with nothing hidden, for display only."""

    def __init__(self, values: Sequence[object]) -> None:
        self._values = values

    def __repr__(self) -> str:
        return "\n\n".join(map(_as_text, self._values))

    def _repr_html_(self) -> str:
        if len(self._values) == 1:
            return one_as_html(self._values[0], is_revealed=True)
        return many_as_html(self._values, is_revealed=True)


def short(value: object, *, is_hidden: bool) -> str:
    """Return a member's value as a repr shows it: counts for maps, and for what is hidden."""
    if isinstance(value, Mapping) or (is_hidden and isinstance(value, tuple)):
        return f"<{len(value)}>"
    if is_hidden:
        return _COVERED
    return _plain(value) if isinstance(value, (Enum, dt.datetime)) else repr(value)


def without_addresses(text: str) -> str:
    """Return what others have said, such as a mail server, with addresses covered.

    Examples:
        >>> without_addresses("550 <ada@example.com>: no such user")
        '550 <hidden>: no such user'
    """
    return _ADDRESS.sub(_COVERED, text)


def one_as_html(value: object, *, is_revealed: bool) -> str:
    """Return a table with a member a row."""
    rows = list(_rows(value, is_revealed=is_revealed))
    body = "".join(f"<tr><th>{escape(name)}</th>{_cell(text)}</tr>" for name, text in rows)
    return f"<table>{_caption(type(value).__name__)}{body}</table>{_note(rows)}"


def many_as_html(values: Sequence[object], *, is_revealed: bool, of: str = "models") -> str:
    """Return a table with a value a row and a member a column, without empty columns."""
    shown = [
        dict(_rows(value, is_revealed=is_revealed, is_brief=True)) for value in values[:MOST_ROWS]
    ]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    head = "".join(f"<th>{escape(name)}</th>" for name in columns)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(name, "")) for name in columns) + "</tr>" for row in shown
    )
    kind = type(values[0]).__name__ if values else of
    of_all = "" if len(shown) == len(values) else f" of {len(values)}"
    count = f"{kind}, {len(shown)}{of_all}" if values else f"{kind}: none"
    table = f"<table>{_caption(count)}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return table + _note([cell for row in shown for cell in row.items()])


def _cell(text: str) -> str:
    return f'<td style="text-align: left">{escape(text)}</td>'


def _caption(text: str) -> str:
    return f"<caption>{escape(text)}</caption>"


def _note(rows: Iterable[tuple[str, str]]) -> str:
    if any(_IS_COVERED.fullmatch(text) for _, text in rows):
        return "<small>Personal data is hidden; <code>.show()</code> shows it.</small>"
    return ""


def _as_text(value: object) -> str:
    rows = list(_rows(value, is_revealed=True))
    width = max((len(name) for name, _ in rows), default=0)
    lines = (f"  {name:<{width}}  {text}" for name, text in rows)
    return "\n".join([type(value).__name__, *lines])


def _rows(
    value: object, *, is_revealed: bool, is_brief: bool = False, prefix: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the members that are given, those of members as `outer.inner`."""
    for field in attrs.fields(type(value)):  # type: ignore[arg-type]  # whoever displays is attrs
        member = getattr(value, field.name)
        is_left_out = is_brief and DETAIL in field.metadata
        if member is None or is_left_out or (field.name == "extra" and not member):
            continue
        name = prefix + field.name
        if is_revealed:
            yield from _revealed(name, member)
        elif attrs.has(type(member)):
            yield from _rows(member, is_revealed=False, prefix=f"{name}.")
        else:
            yield name, _covered(field, member)


def _revealed(name: str, member: object) -> Iterator[tuple[str, str]]:
    if attrs.has(type(member)):
        yield from _rows(member, is_revealed=True, prefix=f"{name}.")
    elif isinstance(member, Mapping):
        for key, item in member.items():
            yield from _revealed(f"{name}.{key}", item)
    elif isinstance(member, tuple) and any(attrs.has(type(item)) for item in member):
        for index, item in enumerate(member):
            yield from _revealed(f"{name}[{index}]", item)
    else:
        yield name, _plain(member)


def _covered(field: attrs.Attribute[object], member: object) -> str:
    if callable(field.repr):
        return field.repr(member)
    if HIDDEN in field.metadata or not field.repr:
        return short(member, is_hidden=True)
    if isinstance(member, Mapping) and COUNTS in field.metadata:
        return ", ".join(f"{key}: {item}" for key, item in member.items())
    return f"<{len(member)}>" if isinstance(member, Mapping) else _plain(member)


def _plain(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, dt.datetime):
        return value.isoformat(timespec="milliseconds")
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    return str(value)
