"""Imports made-up Okta records durably, and prints how many a second and how much memory.

    python tests/benchmarks/bench_identity.py [RECORDS]

100,000 records of 20,000 users with 2,000 different user agents unless a number is given: nine of
ten are sign-ins with a session, the rest failures. The target is a SQLite file.
"""

from __future__ import annotations

import datetime as dt
import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import pinpoint_kit as pk
from pinpoint_kit.identity import Importer

USERS = 20_000
AGENTS = 2_000
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


def megabytes() -> float:
    """Return the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_000


def main() -> None:
    """Write, import, and print."""
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "okta.ndjson"
        write(file, records)
        with pk.connect(f"sqlite:///{folder}/bench.db", application="bench") as pinpoint:
            importer = Importer(pinpoint, key="0123456789abcdef")
            seen: list[float] = []
            started, used = time.perf_counter(), time.process_time()
            report = importer.load_file(
                file, "okta", on_progress=lambda _: seen.append(megabytes())
            )
            took, cpu = time.perf_counter() - started, time.process_time() - used
    half = seen[len(seen) // 2]
    print(f"{report.records:,} records, {sum(report.events.values()):,} events")
    print(f"{took:.1f} s, {records / took:,.0f} records a second")
    print(f"{cpu:.1f} s of CPU, {records / cpu:,.0f} records a second of CPU")
    print(f"memory: {half:.0f} MB at half time, {seen[-1]:.0f} MB at the end")


if __name__ == "__main__":
    main()
