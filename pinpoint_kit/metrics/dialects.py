"""What databases spell differently inside of an expression, all of it here, and nothing else.

SQLite and PostgreSQL are SQLAlchemy's own dialects: the store runs statements on its connection.
`DuckDB` and `Spark` only write text and parameters (`render`), which their own libraries run.
Attributes and metrics are JSON text in the store, and maps (`MAP`) in the lake, because paths into
JSON misread odd names there. U+0000, which PostgreSQL has no place for, is read as U+FFFD in JSON.
No table and no metric may be named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Double,
    Text,
    case,
    cast,
    collate,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.dialects.postgresql.base import PGCompiler, PGDialect
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import IdentifierPreparer, SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Subquery, TableValuedAlias
    from sqlalchemy.engine import Dialect
    from sqlalchemy.sql.expression import SelectBase

    from pinpoint_kit.metrics.relation import Selected

__all__ = [
    "DuckDB",
    "Spark",
    "as_json",
    "attribute",
    "code_points",
    "each_value",
    "metric",
    "number",
    "once",
    "render",
    "rounded",
]

_T = TypeVar("_T")

_NUL = "\\u0000"
_REPLACEMENT = "\\ufffd"
#: An escaped backslash, and what stands for it meanwhile: after one, `u0000` is a text. No JSON has
#: a U+0001 that is not escaped.
_BACKSLASH, _NO_BACKSLASH = "\\\\", "\x01"


def number(value: int) -> ColumnElement[int]:
    """Return an integer of our own making, written into the statement.

    Parameters would not do: databases compare `GROUP BY x / ?` with `SELECT x / ?` and find two
    different expressions.
    """
    return literal_column(str(int(value)), BigInteger)


def once(statement: Selected) -> Subquery:
    """Return a statement as a table whose expressions are computed once a row.

    Databases put a plain subquery's expressions wherever its columns are used, and then read the
    same JSON several times a row. `OFFSET 0` keeps them from it, and stores nothing, as
    `MATERIALIZED` would.
    """
    return statement.offset(number(0)).subquery()


def attribute(column: ColumnElement[str], name: str) -> ColumnElement[str]:
    """Return the text of this name in a stored map of texts, NULL when there is none."""
    return _Attribute(column, name)


def metric(column: ColumnElement[str], name: str) -> ColumnElement[float]:
    """Return the number of this name in a stored map of numbers, NULL when there is none."""
    return _Metric(column, name)


def each_value(column: ColumnElement[str], name: str) -> TableValuedAlias:
    """Return a table of the values that a stored map of lists has under a name, as `value`.

    Join it to the table of the column with `true()`: it has a row for each value.
    """
    return _EachValue(column, name).table_valued("value")


def rounded(value: ColumnElement[float]) -> ColumnElement[int]:
    """Return a number as the nearest integer, halves away from zero.

    Give it a plain column: it may be written more than once.
    """
    return _Rounded(value)


def as_json(column: ColumnElement[str]) -> ColumnElement[str]:
    """Return a stored map as JSON text."""
    return _AsJson(column)


def code_points(text: ColumnElement[str]) -> ColumnElement[str]:
    """Return a text that sorts by code points, as Python sorts."""
    return _CodePoints(text)


class _Member(FunctionElement[_T]):
    """What a stored map has under a name."""

    inherit_cache = False  # statements with it are made for one use

    def __init__(self, column: ColumnElement[Any], key: str) -> None:
        super().__init__(column)
        self.column = column
        self.key_name = key.replace("\0", "\ufffd")


class _Attribute(_Member[str]):
    inherit_cache = False
    type = Text()
    name = "attribute"


class _Metric(_Member[float]):
    inherit_cache = False
    type = Double()
    name = "metric"


class _EachValue(_Member[str]):
    inherit_cache = False
    type = Text()
    name = "each_value"


class _Rounded(FunctionElement[int]):
    inherit_cache = False
    type = BigInteger()
    name = "rounded"


class _AsJson(FunctionElement[str]):
    inherit_cache = False
    type = Text()
    name = "as_json"


class _CodePoints(FunctionElement[str]):
    inherit_cache = False
    type = Text()
    name = "code_points"


def _is_plain(name: str) -> bool:
    """Whether a JSON path of SQLite can name a member so called."""
    return bool(name) and all(char >= " " and char not in '"\\' for char in name)


def _sqlite_text(text: ColumnElement[Any]) -> ColumnElement[str]:
    return _without_nul(text, func.instr)


def _postgresql_text(text: ColumnElement[Any]) -> ColumnElement[str]:
    return _without_nul(cast(text, Text), func.strpos)


def _without_nul(
    text: ColumnElement[Any], position: Callable[..., ColumnElement[Any]]
) -> ColumnElement[str]:
    """Return JSON without U+0000; to look for it is cheaper than to copy every text."""
    found: ColumnElement[Any] = text
    for before, after in (
        (_BACKSLASH, _NO_BACKSLASH),
        (_NUL, _REPLACEMENT),
        (_NO_BACKSLASH, _BACKSLASH),
    ):
        found = func.replace(found, literal(before, Text), literal(after, Text), type_=Text())
    return case((position(text, literal(_NUL, Text)) > literal(0), found), else_=text)


def _sqlite_member(element: _Attribute | _Metric) -> ColumnElement[Any]:
    text = _sqlite_text(element.column) if isinstance(element, _Attribute) else element.column
    if _is_plain(element.key_name):
        return func.json_extract(text, f'$."{element.key_name}"', type_=element.type)
    members = func.json_each(text).table_valued("key", "value")
    found = select(members.c.value).where(members.c.key == element.key_name)
    return found.scalar_subquery()


@compiles(_Attribute, "sqlite")
@compiles(_Metric, "sqlite")
def _sqlite_attribute(element: _Attribute | _Metric, compiler: SQLCompiler, **kw: object) -> str:
    return compiler.process(_sqlite_member(element), **kw)


def _postgresql_member(element: _Attribute | _Metric) -> ColumnElement[str]:
    document = cast(_postgresql_text(element.column), JSON)
    return document.op("->>")(literal(element.key_name, Text))


@compiles(_Attribute, "postgresql")
def _postgresql_attribute(element: _Attribute, compiler: SQLCompiler, **kw: object) -> str:
    return f"({compiler.process(_postgresql_member(element), **kw)})"


@compiles(_Metric, "postgresql")
def _postgresql_metric(element: _Metric, compiler: SQLCompiler, **kw: object) -> str:
    return f"CAST({compiler.process(_postgresql_member(element), **kw)} AS DOUBLE PRECISION)"


@compiles(_Attribute, "duckdb")
@compiles(_Metric, "duckdb")
@compiles(_Attribute, "spark")
@compiles(_Metric, "spark")
def _subscript(element: _Member[Any], compiler: SQLCompiler, **kw: object) -> str:
    name = compiler.process(literal(element.key_name, Text), **kw)
    return f"{compiler.process(element.column, **kw)}[{name}]"


@compiles(_EachValue, "sqlite")
def _sqlite_each_value(element: _EachValue, compiler: SQLCompiler, **kw: object) -> str:
    text = _sqlite_text(element.column)
    if _is_plain(element.key_name):
        return compiler.process(func.json_each(text, f'$."{element.key_name}"'), **kw)
    members = func.json_each(text).table_valued("key", "value")
    found = select(members.c.value).where(members.c.key == element.key_name)
    return compiler.process(func.json_each(found.scalar_subquery()), **kw)


@compiles(_EachValue, "postgresql")
def _postgresql_each_value(element: _EachValue, compiler: SQLCompiler, **kw: object) -> str:
    document = cast(_postgresql_text(element.column), JSON)
    values = document.op("->")(literal(element.key_name, Text))
    return f"json_array_elements_text({compiler.process(values, **kw)})"


@compiles(_EachValue, "duckdb")
def _duckdb_each_value(element: _EachValue, compiler: SQLCompiler, **kw: object) -> str:
    return f"LATERAL (SELECT unnest({_subscript(element, compiler, **kw)}) AS value)"


@compiles(_EachValue, "spark")
def _spark_each_value(element: _EachValue, compiler: SQLCompiler, **kw: object) -> str:
    return f"LATERAL (SELECT explode({_subscript(element, compiler, **kw)}) AS value)"


@compiles(_Rounded)
def _any_rounded(element: _Rounded, compiler: SQLCompiler, **kw: object) -> str:
    return f"CAST(ROUND({compiler.process(element.clauses, **kw)}) AS BIGINT)"


@compiles(_Rounded, "postgresql")
def _postgresql_rounded(element: _Rounded, compiler: SQLCompiler, **kw: object) -> str:
    value = compiler.process(element.clauses, **kw)  # its own ROUND has halves go to even
    return f"CAST(TRUNC({value} + SIGN({value}) * 0.5) AS BIGINT)"


@compiles(_AsJson)
def _any_as_json(element: _AsJson, compiler: SQLCompiler, **kw: object) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(_AsJson, "duckdb")
def _duckdb_as_json(element: _AsJson, compiler: SQLCompiler, **kw: object) -> str:
    return f"CAST(to_json({compiler.process(element.clauses, **kw)}) AS VARCHAR)"


@compiles(_AsJson, "spark")
def _spark_as_json(element: _AsJson, compiler: SQLCompiler, **kw: object) -> str:
    return f"to_json({compiler.process(element.clauses, **kw)})"


@compiles(_CodePoints)
def _any_code_points(element: _CodePoints, compiler: SQLCompiler, **kw: object) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(_CodePoints, "postgresql")
def _postgresql_code_points(element: _CodePoints, compiler: SQLCompiler, **kw: object) -> str:
    (text,) = element.clauses
    return compiler.process(collate(text, "C"), **kw)


class _DuckDBCompiler(PGCompiler):
    def visit_floordiv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:  # noqa: ANN401, ARG002 -- SQLAlchemy's own signature
        return f"({self.process(binary.left, **kw)} // {self.process(binary.right, **kw)})"


class DuckDB(PGDialect):
    """DuckDB's SQL: PostgreSQL's, but that `/` gives fractions; parameters are question marks."""

    name = "duckdb"
    statement_compiler = _DuckDBCompiler
    supports_statement_cache = False

    def __init__(self) -> None:
        super().__init__(paramstyle="qmark")  # type: ignore[no-untyped-call] # SQLAlchemy's


class _SparkCompiler(SQLCompiler):
    def visit_floordiv_binary(self, binary: Any, operator: Any, **kw: Any) -> str:  # noqa: ANN401, ARG002 -- as above
        return f"({self.process(binary.left, **kw)} DIV {self.process(binary.right, **kw)})"

    def limit_clause(self, select: Any, **kw: Any) -> str:  # noqa: ANN401 -- as above
        limit = select._limit_clause  # noqa: SLF001 -- how dialects read it
        return "" if limit is None else f"\n LIMIT {self.process(limit, **kw)}"


class _SparkPreparer(IdentifierPreparer):
    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect, initial_quote="`", escape_quote="`")


class Spark(DefaultDialect):
    """Spark's SQL, with ANSI mode on or off; parameters are named."""

    name = "spark"
    statement_compiler = _SparkCompiler
    preparer = _SparkPreparer  # type: ignore[assignment] # DefaultDialect says too much
    supports_native_boolean = True
    supports_statement_cache = False

    def __init__(self) -> None:
        super().__init__(paramstyle="named")


def render(
    statement: SelectBase, dialect: DuckDB | Spark
) -> tuple[str, list[object] | Mapping[str, object]]:
    """Return the text of a statement and its parameters: a list for DuckDB, by name for Spark.

    Examples:
        >>> from sqlalchemy import column, select
        >>> render(select((column("a", BigInteger) // number(7)).label("week")), DuckDB())
        ('SELECT (a // 7) AS week', [])

    Run them by `connection.execute(text, parameters)` and `session.sql(text, args=parameters)`.
    """
    compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    if isinstance(dialect, DuckDB):
        return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]
    return str(compiled), dict(compiled.params)
