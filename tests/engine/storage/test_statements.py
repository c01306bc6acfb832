"""`BulkInsert`: many rows with few statements, and the outcome of one row after the other."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, Text, create_engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from pinpoint_kit.engine.storage.dialects.statements import insert_ignoring, upsert
from pinpoint_kit.engine.storage.statements import BulkInsert

THINGS = Table("things", MetaData(), Column("name", Text, primary_key=True), Column("n", Integer))
IGNORING = BulkInsert(lambda dialect: insert_ignoring(dialect, THINGS), "n", "name")
REPLACING = BulkInsert(lambda dialect: upsert(dialect, THINGS, ("name",), ("n",)), "name", "n")


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 64, 100])
def test_every_row_is_written_once(count: int) -> None:
    """In any number of them; a row that is there already stays, or is replaced."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    THINGS.create(engine)
    with engine.begin() as connection:
        IGNORING.run(connection, [(-1, "7")])
        IGNORING.run(connection, [(number, str(number)) for number in range(count)])
        IGNORING.run(connection, [(number + 1, str(number)) for number in range(count)])
        found = {row.name: row.n for row in connection.execute(select(THINGS))}
        assert found == {**{str(number): number for number in range(count)}, "7": -1}
        REPLACING.run(connection, [(str(number), 2 * number) for number in range(count)])
        found = {row.name: row.n for row in connection.execute(select(THINGS))}
        assert found == {"7": -1, **{str(number): 2 * number for number in range(count)}}
    engine.dispose()


def test_a_hundred_rows_are_a_few_statements() -> None:
    """So that a busy program lets the writer go on soon: each statement gives the GIL away."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    THINGS.create(engine)
    ran: list[str] = []
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.set_trace_callback(ran.append)
        IGNORING.run(connection, [(number, str(number)) for number in range(100)])
    engine.dispose()
    assert len([sql for sql in ran if sql.startswith("INSERT")]) == 4


def test_a_statement_of_several_rows_keeps_no_copies_of_pages() -> None:
    """SQLite keeps them to undo one statement; here the transaction is undone as a whole."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    strict = Table("strict", MetaData(), Column("n", Integer, nullable=False))
    strict.create(engine)
    insert = BulkInsert(lambda dialect: insert_ignoring(dialect, strict), "n")
    with engine.connect() as connection:
        with pytest.raises(IntegrityError):
            insert.run(connection, [(1,), (2,), (3,), (None,)])
        assert connection.execute(select(strict)).all() == [(1,), (2,), (3,)]
        connection.rollback()
        assert connection.execute(select(strict)).all() == []
    engine.dispose()


WIDE = Table(
    "wide",
    MetaData(),
    Column("key", Integer, primary_key=True),
    Column("a", Text),
    Column("b", Text),
)
WRITING = BulkInsert(lambda dialect: upsert(dialect, WIDE, ("key",), ("a", "b")), "key", "a", "b")


def test_columns_without_a_value_are_left_out_of_the_statement() -> None:
    """The outcome is that of whole rows: what a row does not have becomes NULL."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    WIDE.create(engine)
    ran: list[str] = []
    with engine.begin() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        WRITING.run(connection, [(1, "a1", "b1"), (2, None, "b2")])
        driver.set_trace_callback(ran.append)
        WRITING.run(connection, [(1, "A1", None), (2, "A2", None), (3, None, None)])
        WRITING.run(connection, [(4, None, None)])
        assert connection.execute(select(WIDE).order_by(WIDE.c.key)).all() == [
            (1, "A1", None),
            (2, "A2", None),
            (3, None, None),
            (4, None, None),
        ]
    engine.dispose()
    written = [sql.partition(" VALUES")[0] for sql in ran if sql.startswith("INSERT")]
    assert written == ['INSERT INTO wide ("key", a)'] * 2 + ['INSERT INTO wide ("key", a, b)']


_NAMES = "abcdef"
ANY = Table(
    "anything",
    MetaData(),
    Column("n", Integer, primary_key=True),
    *(Column(name, Text) for name in _NAMES),
)
ADDING = BulkInsert(lambda dialect: insert_ignoring(dialect, ANY), *_NAMES)
_ROWS = st.lists(st.tuples(*[st.none() | st.just("x")] * len(_NAMES)), min_size=1, max_size=40)


@given(st.lists(_ROWS, max_size=12))
@settings(max_examples=20, deadline=None)
def test_any_rows_are_written_as_they_are(calls: list[list[tuple[str | None, ...]]]) -> None:
    """Whatever columns have values, over more sets of columns than there are statements for."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    ANY.create(engine)
    with engine.begin() as connection:
        for rows in calls:
            ADDING.run(connection, rows)
        columns = [ANY.c[name] for name in _NAMES]
        found = connection.execute(select(*columns).order_by(ANY.c.n)).all()
    engine.dispose()
    assert found == [row for rows in calls for row in rows]
