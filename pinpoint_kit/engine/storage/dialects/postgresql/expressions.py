"""How PostgreSQL finds values in stored JSON, exactly as SQLite does.

Maps stay texts, as they were written: JSONB would change numbers and the order of names. A look at
the characters comes first where it can tell, for it costs a fraction of reading JSON. Dates are
told by a pattern, because a cast would raise for whatever is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Text,
    and_,
    case,
    cast,
    collate,
    exists,
    false,
    func,
    literal,
    or_,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.ext.compiler import compiles

from pinpoint_kit.engine.storage.dialects.expressions import HasValue, Metric, Unindexed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.sql.compiler import SQLCompiler

__all__: list[str] = []

#: Beyond so many values their prefilters are not looked for: each costs a pass over the text.
_MAX_PREFILTERS = 4
_LEAP = "(0[48]|[2468][048]|[13579][26])"
#: What Java calls ISO_INSTANT, of a day that there is; as `instants.sortable` reads it.
_INSTANT = (
    "^(?!0000)("
    "[0-9]{4}-(0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])"
    "|[0-9]{4}-(0[469]|11)-(0[1-9]|[12][0-9]|30)"
    "|[0-9]{4}-02-(0[1-9]|1[0-9]|2[0-8])"
    f"|([0-9]{{2}}{_LEAP}|{_LEAP}00)-02-29"
    ")[Tt]([01][0-9]|2[0-3])(:[0-5][0-9]){2}([.][0-9]{1,9})?[Zz]$"
)
_NANOSECOND_DIGITS = 9


@compiles(HasValue, "postgresql")
def _compile_has_value(element: HasValue, compiler: SQLCompiler, **options: object) -> str:
    found: ColumnElement[bool]
    if element.how == "INCLUSIVE":
        members = cast(element.text, JSONB).op("->")(literal(element.name, Text))
        found = members.op("?|", is_comparison=True)(literal(list(element.wanted), ARRAY(Text)))
    else:
        members = cast(element.text, JSON).op("->")(literal(element.name, Text))
        each = func.json_array_elements_text(members).table_valued("value")
        value = collate(each.c.value, "C")
        found = exists().select_from(each).where(_TESTS[element.how](value, element.wanted))
    prefilters = _prefilters(element.how, element.wanted)
    if prefilters:
        found = and_(or_(*(func.strpos(element.text, part) > 0 for part in prefilters)), found)
    return f"({compiler.process(func.coalesce(found, false()), **options)})"


def _prefilters(how: str, wanted: Sequence[str]) -> list[str]:
    """Return texts of which the JSON of a map has one if a value fits; none says nothing."""
    if not 0 < len(wanted) <= _MAX_PREFILTERS:
        return []
    if how == "INCLUSIVE":
        return [orjson.dumps(value).decode() for value in wanted]
    if how == "CONTAINS":
        prefilters = [orjson.dumps(value).decode()[1:-1] for value in wanted]
        return prefilters if all(prefilters) else []
    return [moment[:10] for moment in wanted] if how == "ON" else []


@compiles(Metric, "postgresql")
def _compile_metric(element: Metric, compiler: SQLCompiler, **options: object) -> str:
    number = cast(cast(element.text, JSON).op("->>")(literal(element.name, Text)), Float)
    return f"({compiler.process(number, **options)})"


@compiles(Unindexed, "postgresql")
def _compile_unindexed(element: Unindexed, compiler: SQLCompiler, **options: object) -> str:
    return f"(+{compiler.process(element.column, **options)})"


#: How a value in SQL fits, by `how`; the same as in storage/dialects/functions.py.
_TESTS: dict[str, Callable[[ColumnElement[str], Sequence[str]], ColumnElement[bool]]] = {
    "CONTAINS": lambda value, wanted: or_(
        false(), *(func.strpos(value, part) > 0 for part in wanted)
    ),
    "BEFORE": lambda value, wanted: _instant(value) < max(wanted, default=""),
    "AFTER": lambda value, wanted: _instant(value) > min(wanted, default="~"),
    "ON": lambda value, wanted: func.left(_instant(value), 10).in_(
        [moment[:10] for moment in wanted]
    ),
    # BETWEEN would be written with collated bounds, which is no SQL.
    "BETWEEN": lambda value, wanted: and_(
        _instant(value) >= wanted[0], _instant(value) <= wanted[1]
    ),
}


def _instant(value: ColumnElement[str]) -> ColumnElement[str]:
    """Return an instant in the form that sorts, NULL for any other text."""
    fraction = func.coalesce(func.substring(value, "[.]([0-9]+)"), "")
    text = (
        func.left(value, 10)
        + literal("T")
        + func.substr(value, 12, 8)
        + literal(".")
        + func.rpad(fraction, _NANOSECOND_DIGITS, "0")
    )
    sortable = case((value.op("~", is_comparison=True)(_INSTANT), text), else_=None)
    return collate(sortable, "C")
