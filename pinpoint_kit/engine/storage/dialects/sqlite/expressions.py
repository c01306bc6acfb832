"""How SQLite finds values in stored JSON: its own functions, and Python's for the rest.

SQLite's JSON functions end a text at U+0000, and cannot name a member with a quote or a backslash:
a function in Python decides there. Dates are read by one too, because SQLite takes too much for a
date. These functions stand in storage/dialects/functions.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import ColumnElement, Float, and_, case, cast, exists, false, func, or_
from sqlalchemy.ext.compiler import compiles

from pinpoint_kit.engine.storage.dialects.expressions import HasValue, Metric, Unindexed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

__all__: list[str] = []

#: Beyond so many values their prefilters are not looked for: each costs a pass over the text.
_MAX_PREFILTERS = 4


@compiles(HasValue, "sqlite")
def _compile_has_value(element: HasValue, compiler: SQLCompiler, **options: object) -> str:
    """JSON functions decide; where U+0000 may mislead them, a function in Python does.

    Texts without the wanted are told by their characters, which costs a tenth of reading JSON.
    """
    asked = orjson.dumps([element.name, element.how, element.wanted]).decode()
    exactly = func.pinpoint_has_value(element.text, asked) == 1
    found: ColumnElement[bool]
    if _is_plain(element.name) and "\\u0000" not in asked:
        each = func.json_each(element.text, f'$."{element.name}"').table_valued("value")
        fits = exists().select_from(each)
        found = fits.where(_TESTS[element.how](each.c.value, element.wanted))
        prefilters = _prefilters(element.how, element.wanted)
        if prefilters:
            found = and_(or_(*(_has(element.text, part) for part in prefilters)), found)
        is_cut = and_(element.text.is_not(None), _has(element.text, "\\u0000"))
        if element.how == "CONTAINS":  # it may be in what was cut off
            found = or_(found, and_(is_cut, exactly))
        else:  # what is left may look like the wanted
            found = and_(found, or_(~is_cut, exactly))
    else:
        found = and_(element.text.is_not(None), exactly)
    return f"({compiler.process(found, **options)})"


def _prefilters(how: str, wanted: Sequence[str]) -> list[str]:
    """Return texts of which the JSON of a map has one if a value fits; none says nothing.

    A text in JSON is the row of its characters in JSON, so that what is in the one is in the other.
    """
    if not 0 < len(wanted) <= _MAX_PREFILTERS:
        return []
    if how == "INCLUSIVE":  # without the first quote, for there are many
        return [orjson.dumps(value).decode()[1:] for value in wanted]
    if how == "CONTAINS":
        prefilters = [orjson.dumps(value).decode()[1:-1] for value in wanted]
        return prefilters if all(prefilters) else []
    return [moment[:10] for moment in wanted] if how == "ON" else []


def _has(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether a text has a part; SQLite finds it much faster by GLOB than by instr."""
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in part)
    return text.op("GLOB", is_comparison=True)(f"*{pattern}*")


@compiles(Metric, "sqlite")
def _compile_metric(element: Metric, compiler: SQLCompiler, **options: object) -> str:
    number: ColumnElement[float]
    if _is_plain(element.name):
        number = cast(func.json_extract(element.text, f'$."{element.name}"'), Float)
    else:
        exactly = func.pinpoint_metric(element.text, orjson.dumps(element.name).decode())
        number = case((element.text.is_not(None), exactly))
    return f"({compiler.process(number, **options)})"


@compiles(Unindexed, "sqlite")
def _compile_unindexed(element: Unindexed, compiler: SQLCompiler, **options: object) -> str:
    return f"+{compiler.process(element.column, **options)}"


def _is_plain(name: str) -> bool:
    """Whether a JSON path can name a member so called, and JSON writes the name as it is."""
    return bool(name) and all(char >= " " and char not in '"\\' for char in name)


#: How a value in SQL fits, by `how`; the same as in storage/dialects/functions.py.
_TESTS: dict[str, Callable[[ColumnElement[str], Sequence[str]], ColumnElement[bool]]] = {
    "INCLUSIVE": lambda value, wanted: value.in_(wanted),
    "CONTAINS": lambda value, wanted: or_(
        false(), *(func.instr(value, part) > 0 for part in wanted)
    ),
    # Whatever is an instant of a day sorts between the day and the day with a tilde, so that most
    # of what does not fit need not be read as a date.
    "BEFORE": lambda value, wanted: and_(
        value < max(wanted, default="")[:10] + "~", _instant(value) < max(wanted, default="")
    ),
    "AFTER": lambda value, wanted: and_(
        value > min(wanted, default="~")[:10], _instant(value) > min(wanted, default="~")
    ),
    "ON": lambda value, wanted: func.substr(_instant(value), 1, 10).in_(
        [moment[:10] for moment in wanted]
    ),
    "BETWEEN": lambda value, wanted: and_(
        value.between(wanted[0][:10], wanted[1][:10] + "~"),
        _instant(value).between(wanted[0], wanted[1]),
    ),
}


def _instant(value: ColumnElement[str]) -> ColumnElement[str]:
    """Return an instant in the form that sorts, NULL for any other text."""
    return func.pinpoint_instant(value)
