"""Imports made-up Okta records durably, and prints how many a second and how much memory.

    python tests/benchmarks/bench_identity.py [RECORDS [ENDS]]

100,000 records of 20,000 users with 2,000 different user agents unless a number is given: nine of
ten are sign-ins with a session, the rest failures. The target is a SQLite file in the folder for
temporary files: an event counts once it is committed there. Memory is what the process holds,
after each fifth of the records: it must not grow once the caches are full, with 500,000 records.

Then the least that storing takes: the bare driver writes the same rows into the same tables of a
new file, with the same indexes and settings, as many in a transaction as a request has.

Then another importer, which remembers nothing, reads the ends of 2,000 of the sessions: each start
is looked up among the stored events.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import pinpoint_kit as pk
from pinpoint_kit.identity import Importer, ImportReport
from pinpoint_kit.limits import MOST_IMPORTED_EVENTS

USERS = 20_000
AGENTS = 2_000
KEY = "0123456789abcdef"
START = dt.datetime(2024, 8, 13, tzinfo=dt.timezone.utc)


def agent(number: int) -> str:
    """One of the user agents."""
    system = (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        f"Linux; Android 1{number % 5}; Pixel {number % 9}",
    )[number % 4]
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko)"
        f" Chrome/{90 + number % 40}.0.{number}.1 Safari/537.36"
    )


def write(file: Path, records: int) -> None:
    """Write made-up records, one JSON object a line."""
    lots = random.Random(7)  # noqa: S311 -- made-up people
    with file.open("w") as stream:
        for number in range(records):
            user = lots.randrange(USERS)
            is_failure = number % 10 == 0
            at = START + dt.timedelta(seconds=number)
            record = {
                "uuid": f"{number:032x}",
                "published": at.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                "eventType": "user.session.start",
                "displayMessage": "User login to Okta",
                "severity": "INFO",
                "outcome": {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}
                if is_failure
                else {"result": "SUCCESS"},
                "actor": {"id": f"00u{user:017}", "type": "User", "alternateId": "x@example.com"},
                "authenticationContext": {"externalSessionId": f"s{number:030}"},
                "client": {
                    "device": "Computer",
                    "ipAddress": "192.0.2.7",
                    "userAgent": {"rawUserAgent": agent(user % AGENTS)},
                    "geographicalContext": {
                        "city": "Lisbon",
                        "country": "Portugal",
                        "state": "Lisboa",
                    },
                },
                "debugContext": {"debugData": {"requestUri": "/idp/idx/identify"}},
                "target": [{"id": "0ua", "type": "AppUser"}],
                "transaction": {"id": f"t{number}", "type": "WEB"},
            }
            stream.write(json.dumps(record) + "\n")


def write_ends(file: Path, ends: int) -> None:
    """Write the ends of the first sessions."""
    with file.open("w") as stream:
        for number in range(1, 2 * ends, 2):  # none of which is a failure
            record = {
                "uuid": f"{number:031x}e",
                "published": (START + dt.timedelta(seconds=number, hours=1)).isoformat(),
                "eventType": "user.session.end",
                "outcome": {"result": "SUCCESS"},
                "actor": {"id": "00u", "type": "User"},
                "authenticationContext": {"externalSessionId": f"s{number:030}"},
            }
            stream.write(json.dumps(record) + "\n")


def megabytes() -> float:
    """Return the memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def imported(file: Path, importer: Importer, fifths: int) -> None:
    """Import a file, and print."""
    held: list[tuple[int, float]] = []

    def look(report: ImportReport) -> None:
        if report.records >= (len(held) + 1) * fifths:
            held.append((report.records, megabytes()))

    started, used = time.perf_counter(), time.process_time()
    report = importer.load_file(file, "okta", on_progress=look)
    took, cpu = time.perf_counter() - started, time.process_time() - used
    print(f"{report.records:,} records, {sum(report.events.values()):,} events")
    print(f"{took:.1f} s, {report.records / took:,.0f} records a second")
    print(f"{cpu:.1f} s of CPU, {report.records / cpu:,.0f} records a second of CPU")
    print(f"ends of sessions without a start: {report.stops_without_start}")
    print("memory: " + ", ".join(f"{mb:.0f} MB after {records:,}" for records, mb in held))


TABLES = ("endpoints", "users", "events")
#: What the store says of its connections.
SETTINGS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "secure_delete=ON",
    "cache_size=-16000",
    "wal_autocheckpoint=4000",
)


def floor(imported_file: Path, new_file: Path, records: int) -> None:
    """Write the rows of a database by the bare driver, and print."""
    source = sqlite3.connect(imported_file)
    target = sqlite3.connect(new_file, isolation_level=None)
    for setting in SETTINGS:
        target.execute(f"PRAGMA {setting}")
    made = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name = ?"
    rows, inserts = {}, {}
    for table in TABLES:
        for (sql,) in source.execute(made, (table,)).fetchall():
            target.execute(sql)
        found = source.execute(f"SELECT * FROM {table} ORDER BY rowid")  # noqa: S608 -- ours
        rows[table] = found.fetchall()
        filled = {
            place for row in rows[table] for place, value in enumerate(row) if value is not None
        }
        places = sorted(filled)
        names = ", ".join(found.description[place][0] for place in places)
        marks = ", ".join("?" * len(places))
        inserts[table] = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 -- ours
        rows[table] = [tuple(row[place] for place in places) for row in rows[table]]
    requests = -(-len(rows["events"]) // MOST_IMPORTED_EVENTS)
    used = time.process_time()
    for request in range(requests):
        target.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            share = -(-len(rows[table]) // requests)
            part = rows[table][request * share : (request + 1) * share]
            target.executemany(inserts[table], part)
        target.execute("COMMIT")
    cpu = time.process_time() - used
    print(f"bare driver: {cpu:.1f} s of CPU, {records / cpu:,.0f} records a second of CPU")
    source.close()
    target.close()


def main() -> None:
    """Write, import, and print."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    ends = min(int(sys.argv[2]) if len(sys.argv) > 2 else 2_000, records // 20)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "okta.ndjson"
        write(file, records)
        with pk.connect(f"sqlite:///{folder}/bench.db", application="bench") as pinpoint:
            imported(file, Importer(pinpoint, key=KEY), records // 5)
            floor(Path(folder) / "bench.db", Path(folder) / "floor.db", records)
            print("Ends, by another importer:")
            write_ends(file, ends)
            imported(file, Importer(pinpoint, key=KEY), max(1, ends))


if __name__ == "__main__":
    main()
