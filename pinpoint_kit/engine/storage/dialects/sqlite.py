"""What each database needs of its own, all of it here: connecting, locking, upserts, errors.

SQLite now; the PostgreSQL family is to join by adding to this file only. Nothing outside may
name a dialect, and nothing here may name a table. What is written differently inside of an
expression (JSON, hints) is an element of its own, spelled out when the statement is compiled.

The SQLite settings, and why:
- WAL: readers never wait for the writer. `synchronous=FULL`: an answered write survives power
  loss. `secure_delete`: deleted personal data is overwritten, not just unlinked.
- The driver's own transaction handling is switched off; a write begins with BEGIN IMMEDIATE, so
  that two writers queue instead of failing half-way.

Values are looked for by SQLite's JSON functions, but for what those do not tell exactly, which is
rare: they end a text at U+0000, and cannot name a member with a quote or a backslash. A function
in Python decides there. Dates are read by one too, because SQLite takes too much for a date.
"""

from __future__ import annotations

import math
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from sqlalchemy import (
    URL,
    ColumnElement,
    Float,
    and_,
    case,
    cast,
    create_engine,
    event,
    exists,
    false,
    func,
    or_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import QueuePool, StaticPool

from pinpoint_kit.engine.storage.dialects import functions as sql_functions
from pinpoint_kit.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
    from sqlalchemy.sql.compiler import SQLCompiler
    from sqlalchemy.sql.dml import Insert

__all__ = [
    "Explanation",
    "begin_write",
    "columns",
    "connect",
    "copy",
    "explain",
    "has_value",
    "insert_ignoring",
    "is_in_memory",
    "metric",
    "parse_url",
    "prepare",
    "scrub",
    "unindexed",
    "upsert",
]

#: What SQL may call by these names, and with how many arguments.
_FUNCTIONS: tuple[tuple[str, int, Callable[..., Any]], ...] = (
    ("pinpoint_has_value", 2, sql_functions.has_value),
    ("pinpoint_instant", 1, sql_functions.instant),
    ("pinpoint_metric", 2, sql_functions.metric),
)

#: Beyond so many values their marks are not looked for: each costs a pass over the text.
_MAX_MARKS = 4
#: Jobs write all over the indexes: pages are kept in memory, and moved from the log less often.
_BULK_CACHE_KB = 96_000
_BULK_LOG_PAGES = 16_000

_WAL_ATTEMPTS = 100
_WAL_PAUSE_S = 0.05
_PAGES_A_PIECE = 4096


def parse_url(url: str) -> URL:
    """Returns the parsed URL.

    Raises:
        StoreError: it is not one of a SQLite database.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    if parsed is None or parsed.drivername not in {"sqlite", "sqlite+pysqlite"}:
        raise StoreError(
            "The engine needs a database URL of the form sqlite:///FILE, sqlite:////ABSOLUTE/FILE "
            "or sqlite:// (in memory); write one of these"
        )
    return parsed


def is_in_memory(url: URL) -> bool:
    """Returns whether the database lives in this process only."""
    database = (url.database or "").removeprefix("file:")
    is_named_so = url.query.get("mode") == "memory" or url.query.get("vfs") == "memdb"
    return not database or ":memory:" in database or is_named_so


def connect(url: URL, busy_timeout: float, *, bulk: bool = False) -> Engine:
    """Returns a SQLAlchemy engine with this package's settings; it has not connected yet.

    In memory there is one connection, and the caller must let only one thread in at a time.

    Args:
        url: the database.
        busy_timeout: how many seconds a write waits for another one.
        bulk: for many transactions that write all over the indexes. They do not wait for the disk:
            a crash of the process loses nothing, but power loss may undo what no transaction of
            another connection has followed. Not in memory.
    """
    arguments = {"timeout": busy_timeout, "check_same_thread": False}
    if is_in_memory(url):
        engine = create_engine(
            url, poolclass=StaticPool, connect_args=arguments, hide_parameters=True
        )
    else:
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=8,
            max_overflow=-1,
            pool_use_lifo=True,  # the one with the warm cache first
            connect_args=arguments,
            hide_parameters=True,
        )
    event.listen(engine, "connect", _configure)
    if bulk:
        event.listen(engine, "connect", _configure_for_bulk)
    return engine


def _configure(connection: DBAPIConnection, _record: object) -> None:
    # Attribute of sqlite3.Connection: None leaves every BEGIN to us.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA secure_delete=ON")
    for name, function in (("sin", math.sin), ("cos", math.cos)):
        if _lacks(cursor, name):
            connection.create_function(name, 1, function, deterministic=True)
    cursor.close()
    for name, arguments, function in _FUNCTIONS:
        connection.create_function(name, arguments, function, deterministic=True)


def _configure_for_bulk(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA cache_size=-{_BULK_CACHE_KB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_BULK_LOG_PAGES}")
    cursor.close()


def _lacks(cursor: DBAPICursor, function: str) -> bool:
    """Whether this SQLite was built without the mathematical functions."""
    try:
        cursor.execute(f"SELECT {function}(0.0)")
    except sqlite3.OperationalError:
        return True
    cursor.fetchall()
    return False


def prepare(connection: Connection) -> None:
    """Makes the file ready for several processes; it stays so.

    Turning WAL on needs the file for a moment alone, and SQLite does not wait for that by itself.
    """
    attempt = 1
    while not _has_turned_wal_on(connection, is_last=attempt == _WAL_ATTEMPTS):
        attempt += 1
        time.sleep(_WAL_PAUSE_S)


def _has_turned_wal_on(connection: Connection, *, is_last: bool) -> bool:
    try:
        connection.exec_driver_sql("PRAGMA journal_mode=WAL").fetchall()
    except OperationalError as error:
        if is_last or "locked" not in str(error.orig):
            raise
        return False
    return True


def begin_write(connection: Connection) -> None:
    """Begins a transaction that holds the right to write from the start."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def columns(connection: Connection, tables: Sequence[str]) -> set[tuple[str, str]]:
    """Returns which columns some tables have, as (table, column); by one query, for speed."""
    marks = ", ".join("?" * len(tables))
    rows = connection.exec_driver_sql(
        "SELECT m.name, c.name FROM sqlite_master AS m, pragma_table_info(m.name) AS c"  # noqa: S608 -- question marks
        f" WHERE m.type = 'table' AND m.name IN ({marks})",
        tuple(tables),
    )
    return {(table, column) for table, column in rows}


def scrub(connection: Connection) -> None:
    """Takes deleted data out of the write-ahead log, if nobody is using it right now.

    Without this the log keeps old pages until it is next overwritten or the last user closes.
    """
    timeout = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql("PRAGMA busy_timeout=0")
    try:
        # When it is in use, the next deletion, the next overwriting or the last close does it.
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(timeout)}")


def copy(connection: Connection, path: Path) -> None:
    """Copies all that a connection sees at this moment into an empty file, and checks the copy.

    Raises:
        StoreError: the copy cannot be written, or is damaged.
    """
    # A snapshot: without it a write of another process in between would begin the copy anew.
    connection.exec_driver_sql("BEGIN")
    connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").fetchall()
    source: sqlite3.Connection = connection.connection.driver_connection  # type: ignore[assignment] # see parse_url
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as target:
            # In pieces, between which Ctrl-C is heard.
            source.backup(target, pages=_PAGES_A_PIECE, progress=lambda *_: None)
            # A file that needs no others beside it, and opens where nothing can be written.
            target.execute("PRAGMA journal_mode=DELETE").fetchall()
            found = target.execute("PRAGMA integrity_check(1)").fetchall()
    except sqlite3.Error as error:
        raise StoreError(_meaning(error).sentence) from None
    if found != [("ok",)]:
        raise StoreError("the database file is corrupt; restore it from a backup")


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def insert_ignoring(dialect: str, table: Table) -> Insert:
    """Returns an insert of whole rows that leaves rows alone which are already there."""
    return _insert(dialect, table).on_conflict_do_nothing()


def upsert(dialect: str, table: Table, keys: Sequence[str], columns: Sequence[str]) -> Insert:
    """Returns an insert of whole rows that replaces `columns` where `keys` are already there."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in columns}
    )


def has_value(
    text: ColumnElement[str], name: str, how: str, wanted: Sequence[str]
) -> ColumnElement[bool]:
    """Returns whether a stored map of lists has a value of this name that fits.

    Args:
        text: the map: JSON as `body.encode` writes it, NULL for an empty one.
        name: the name of the list.
        how: INCLUSIVE (the value is one of the wanted), CONTAINS (it has one of them in it), or
            BEFORE, AFTER, ON, BETWEEN: it is an ISO_INSTANT before, after, on the day of one of
            them, or between the two of them, both included.
        wanted: texts; for dates in the form of `instants.sortable`.
    """
    return _HasValue(text, name, how, tuple(wanted))


def metric(text: ColumnElement[str], name: str) -> ColumnElement[float]:
    """Returns a number of a stored map of numbers, NULL when there is none of this name."""
    return _Metric(text, name)


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Returns the column as one that no index is used for: the table is read from end to end."""
    return _Unindexed(column)


# Expressions that every dialect spells in its own way. A condition must not have the type Boolean:
# it would be compared with 1, and then SQLite works out all of it for every row.


class _HasValue(ColumnElement[bool]):
    inherit_cache = False  # statements with it are made for one use

    def __init__(
        self, text: ColumnElement[str], name: str, how: str, wanted: tuple[str, ...]
    ) -> None:
        self.text = text
        self.name = name
        self.how = how
        self.wanted = wanted


class _Metric(ColumnElement[float]):
    inherit_cache = False
    type = Float()

    def __init__(self, text: ColumnElement[str], name: str) -> None:
        self.text = text
        self.name = name


class _Unindexed(ColumnElement[Any]):
    inherit_cache = False

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(_HasValue, "sqlite")
def _spell_has_value(element: _HasValue, compiler: SQLCompiler, **options: object) -> str:
    """JSON functions decide; where U+0000 may mislead them, a function in Python does.

    Texts without the wanted are told by their characters, which costs a tenth of reading JSON.
    """
    asked = orjson.dumps([element.name, element.how, element.wanted]).decode()
    exactly = func.pinpoint_has_value(element.text, asked) == 1
    found: ColumnElement[bool]
    if _is_plain(element.name) and "\\u0000" not in asked:
        each = func.json_each(element.text, f'$."{element.name}"').table_valued("value")
        fits = exists().select_from(each)
        found = fits.where(_SQLITE_TESTS[element.how](each.c.value, element.wanted))
        marks = _marks(element.how, element.wanted)
        if marks:
            found = and_(or_(*(_has(element.text, mark) for mark in marks)), found)
        is_cut = and_(element.text.is_not(None), _has(element.text, "\\u0000"))
        if element.how == "CONTAINS":  # it may be in what was cut off
            found = or_(found, and_(is_cut, exactly))
        else:  # what is left may look like the wanted
            found = and_(found, or_(~is_cut, exactly))
    else:
        found = and_(element.text.is_not(None), exactly)
    return f"({compiler.process(found, **options)})"


def _marks(how: str, wanted: Sequence[str]) -> list[str]:
    """What the JSON text of a map must have in it if a value fits, one of these; none says nothing.

    A text in JSON is the row of its characters in JSON, so that what is in the one is in the other.
    """
    if not 0 < len(wanted) <= _MAX_MARKS:
        return []
    if how == "INCLUSIVE":  # without the first quote, for there are many
        return [orjson.dumps(value).decode()[1:] for value in wanted]
    if how == "CONTAINS":
        marks = [orjson.dumps(value).decode()[1:-1] for value in wanted]
        return marks if all(marks) else []
    return [moment[:10] for moment in wanted] if how == "ON" else []


def _has(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Whether a text has a part; SQLite finds it much faster by GLOB than by instr."""
    pattern = "".join(f"[{char}]" if char in "*?[" else char for char in part)
    return text.op("GLOB", is_comparison=True)(f"*{pattern}*")


@compiles(_Metric, "sqlite")
def _spell_metric(element: _Metric, compiler: SQLCompiler, **options: object) -> str:
    number: ColumnElement[float]
    if _is_plain(element.name):
        number = cast(func.json_extract(element.text, f'$."{element.name}"'), Float)
    else:
        exactly = func.pinpoint_metric(element.text, orjson.dumps(element.name).decode())
        number = case((element.text.is_not(None), exactly))
    return f"({compiler.process(number, **options)})"


@compiles(_Unindexed, "sqlite")
def _spell_unindexed(element: _Unindexed, compiler: SQLCompiler, **options: object) -> str:
    return f"+{compiler.process(element.column, **options)}"


def _is_plain(name: str) -> bool:
    """Whether a JSON path can name a member so called, and JSON writes the name as it is."""
    return bool(name) and all(char >= " " and char not in '"\\' for char in name)


#: How a value in SQL fits, by `how`; the same as in storage/dialects/functions.py.
_SQLITE_TESTS: dict[str, Callable[[ColumnElement[str], Sequence[str]], ColumnElement[bool]]] = {
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
    """An instant in the form that sorts, NULL for any other text."""
    return func.pinpoint_instant(value)


@attrs.frozen
class Explanation:
    """What a database error means.

    Attributes:
        sentence: the cause and what to do, without SQL and without data.
        is_permanent: True when it lasts until somebody mends it, so that repeating the request
            is of no use.
    """

    sentence: str
    is_permanent: bool


def _passing(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=False)


def _permanent(sentence: str) -> Explanation:
    return Explanation(sentence, is_permanent=True)


_LOCKED = _passing("another process has locked the database for too long; try again")
_READ_ONLY = _permanent("the database is read-only; give this process the right to write its file")
#: A part of SQLite's own text -> what it means. The first that fits counts.
_EXPLANATIONS = {
    "full": _passing("the disk or the database is full; make room, then try again"),
    "locked": _LOCKED,
    "busy": _LOCKED,
    "readonly": _READ_ONLY,
    "read-only": _READ_ONLY,
    "not a database": _permanent("the file is not a SQLite database; name another file"),
    "malformed": _permanent(
        "the database file is corrupt; restore it from a backup or name another file"
    ),
    # Also when the process has too many files open, which passes.
    "unable to open": _passing(
        "the database file cannot be opened; check that it exists and its rights"
    ),
    "no such table": _permanent("the database lacks our tables; name another file"),
    "i/o error": _passing("the disk reported an I/O error; check the disk, then try again"),
}


def explain(error: DBAPIError) -> Explanation:
    """Returns what a database error means and what to do."""
    return _meaning(error.orig)


def _meaning(error: BaseException | None) -> Explanation:
    text = str(error).lower()
    for mark, explanation in _EXPLANATIONS.items():
        if mark in text:
            return explanation
    return _passing(f"the database failed ({type(error).__name__}); try again")
