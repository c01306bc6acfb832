"""What it costs to count a segment over a large audience, beside SQL written by hand.

    python tests/benchmarks/bench_segments.py [--endpoints 1000000] [--rounds 5] [--file FILE]

The audience (about 1 KB an endpoint) is generated once and kept in the folder for temporary files.
Segments of five dimensions are counted through the engine, and the same is asked by plain SQL on
the same file, in turns, after one round to warm up: it brings the file into the memory of the
operating system. The SQL is told to read the table in order, without which it takes several times
as long. Printed are the best times of both and their ratio. Both must count the same.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import tempfile
import time
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson
from sqlalchemy import insert

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.engine.storage.tables.endpoints import ENDPOINTS, USERS
from pinpoint_kit.engine.storage.tables.events import EVENTS
from pinpoint_kit.engine.storage.tables.migrations import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
DAY_MS = 86_400_000
_BATCH = 10_000


@attrs.frozen
class Question:
    """A segment and how somebody would ask the same in SQL."""

    name: str
    dimensions: dict[str, Any]
    sql: str


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp() * 1000)


QUESTIONS = [
    Question(
        "a usual segment",
        {
            "Attributes": {"plan": {"Values": ["pro", "team"]}},
            "Behavior": {"Recency": {"Duration": "DAY_30", "RecencyType": "ACTIVE"}},
            "Demographic": {"Platform": {"Values": ["ios"]}},
            "Location": {"Country": {"Values": ["PT", "ES", "FR", "DE"]}},
            "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN", "Value": 50}},
        },
        """SELECT count(*) FROM endpoints e NOT INDEXED
           WHERE app = 1 AND platform = 'ios' AND country IN ('PT', 'ES', 'FR', 'DE')
           AND (effective_date >= :month OR EXISTS (SELECT 1 FROM events v WHERE v.app = 1
                AND v.endpoint = e.endpoint AND v.timestamp >= :month))
           AND json_extract(metrics, '$.level') > 50
           AND EXISTS (SELECT 1 FROM json_each(attributes, '$.plan')
                       WHERE value IN ('pro', 'team'))""",
    ),
    Question(
        "users, a place, a part of a text",
        {
            "Attributes": {"interests": {"AttributeType": "CONTAINS", "Values": ["us"]}},
            "Demographic": {"Channel": {"DimensionType": "EXCLUSIVE", "Values": ["EMAIL"]}},
            "Location": {
                "GPSPoint": {
                    "Coordinates": {"Latitude": 38.7, "Longitude": -9.1},
                    "RangeInKilometers": 5000,
                }
            },
            "Metrics": {"score": {"ComparisonOperator": "LESS_THAN_OR_EQUAL", "Value": 900}},
            "UserAttributes": {"tier": {"Values": ["gold"]}},
        },
        """SELECT count(*) FROM endpoints e NOT INDEXED LEFT JOIN users u ON u.app = e.app
               AND u.user_id = e.user_id
           WHERE e.app = 1 AND (channel_type IS NULL OR channel_type <> 'EMAIL')
           AND 2 * 6371.0088 * asin(min(1, sqrt(pow(sin(radians(latitude - 38.7) / 2), 2)
                + cos(radians(38.7)) * cos(radians(latitude))
                  * pow(sin(radians(longitude + 9.1) / 2), 2)))) <= 5000
           AND json_extract(metrics, '$.score') <= 900
           AND EXISTS (SELECT 1 FROM json_each(e.attributes, '$.interests')
                       WHERE instr(value, 'us'))
           AND EXISTS (SELECT 1 FROM json_each(u.attributes, '$.tier') WHERE value = 'gold')""",
    ),
    Question(
        "nothing but JSON, and nearly everybody",
        {
            "Attributes": {
                "plan": {"AttributeType": "EXCLUSIVE", "Values": ["trial"]},
                "custom_3": {"AttributeType": "EXCLUSIVE", "Values": ["x"]},
                "signup": {"AttributeType": "AFTER", "Values": ["2020-01-01"]},
            },
            "Metrics": {"level": {"ComparisonOperator": "GREATER_THAN_OR_EQUAL", "Value": 1}},
            "UserAttributes": {"tier": {"AttributeType": "EXCLUSIVE", "Values": ["bronze"]}},
        },
        """SELECT count(*) FROM endpoints e NOT INDEXED LEFT JOIN users u ON u.app = e.app
               AND u.user_id = e.user_id
           WHERE e.app = 1 AND json_extract(metrics, '$.level') >= 1
           AND NOT EXISTS (SELECT 1 FROM json_each(e.attributes, '$.plan') WHERE value = 'trial')
           AND NOT EXISTS (SELECT 1 FROM json_each(e.attributes, '$.custom_3') WHERE value = 'x')
           AND EXISTS (SELECT 1 FROM json_each(e.attributes, '$.signup')
                       WHERE julianday(value) > julianday('2020-01-01'))
           AND NOT EXISTS (SELECT 1 FROM json_each(u.attributes, '$.tier')
                           WHERE value = 'bronze')""",
    ),
]


def endpoints(count: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Rows of about 1 KB, in no order of their keys."""
    now = milliseconds(NOW)
    for number in range(count):
        key = f"{dice.getrandbits(128):032x}"
        attributes = {
            "plan": [dice.choice(["free", "pro", "team"])],
            "interests": dice.sample(["music", "sport", "news", "games", "food", "travel"], 2),
            "signup": [f"202{dice.randrange(6)}-0{dice.randrange(1, 10)}-1{number % 10}T10:00:00Z"],
            **{f"custom_{each}": [f"{dice.getrandbits(128):032x}"] for each in range(9)},
        }
        metrics = {"level": dice.randrange(100), "score": dice.random() * 1000, "visits": number}
        effective = now - int(dice.random() * 60 * DAY_MS)
        yield {
            "app": 1, "endpoint": key, "id": key.upper(), "status": "ACTIVE", "opt_out": "NONE",
            "channel_type": dice.choice(["EMAIL", "APNS", "GCM", "SMS"]),
            "address": f"{key}@example.com",
            "effective_date": effective, "creation_date": effective - DAY_MS,
            "cohort": number % 100, "request_id": f"{dice.getrandbits(128):032x}",
            "user_id": f"user-{number * 6 // 10}", "user_attributes": None,
            "attributes": orjson.dumps(attributes).decode(),
            "metrics": orjson.dumps(metrics).decode(),
            "app_version": f"{dice.randrange(5)}.{dice.randrange(10)}", "locale": "en_US",
            "make": "Apple", "model": f"Model {dice.randrange(50)}", "model_version": "1",
            "platform": dice.choice(["ios", "android", "web"]), "platform_version": "17.1",
            "timezone": "Europe/Lisbon", "city": "Lisbon",
            "country": dice.choice(["PT", "ES", "FR", "DE", "US", "BR", "JP", "IN"]),
            "latitude": round(dice.uniform(-90, 90), 1),
            "longitude": round(dice.uniform(-180, 180), 1),
            "postal_code": "1000-001", "region": "Lisbon",
        }  # fmt: skip


def users(count: int, dice: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the users of these endpoints."""
    for number in range(count * 6 // 10 + 1):
        attributes = {"tier": [dice.choice(["gold", "silver"])], "name": [f"name {number}"]}
        text = orjson.dumps(attributes).decode()
        yield {"app": 1, "user_id": f"user-{number}", "attributes": text}


def events(count: int) -> Iterator[dict[str, Any]]:
    """Yield an event for the endpoint of each hundredth row; filled in by the caller."""
    for number in range(0, count, 100):
        yield {
            "app": 1, "arrival": 0, "event_id": f"e{number}", "type": "_session.start",
            "timestamp": milliseconds(NOW) - (number % 90) * DAY_MS,
        }  # fmt: skip


def generate(path: Path, count: int) -> None:
    """Make the file, by inserts into the engine's tables; a half-made one is thrown away."""
    began = time.perf_counter()
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    dice = random.Random(7)  # noqa: S311 -- the same audience each time
    with Engine.open(f"sqlite:///{half}", clock=lambda: NOW) as engine:
        engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "benchmark"}'))
        for table, rows in (
            (ENDPOINTS, endpoints(count, dice)),
            (USERS, users(count, dice)),
        ):
            batch: list[dict[str, Any]] = []
            keys: list[str] = []
            for row in rows:
                batch.append(row)
                keys.append(row.get("endpoint", ""))
                if len(batch) == _BATCH:
                    _insert(engine, table, batch)
            _insert(engine, table, batch)
            if table is ENDPOINTS:
                added = [
                    {**event, "endpoint": key}
                    for event, key in zip(events(count), keys[::100], strict=True)
                ]
                _insert(engine, EVENTS, added)
    half.rename(path)
    print(f"made {path} in {time.perf_counter() - began:.0f} s")


def _insert(engine: Engine, table: Any, batch: list[dict[str, Any]]) -> None:
    if batch:
        with engine._store.write() as connection:
            connection.execute(insert(table), batch)
    batch.clear()


class Counter:
    """Asks the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        (self._app,) = self._call("GET", "/v1/apps")["Item"]

    def _call(self, method: str, path: str, body: object = None) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        response = self._engine.handle(Request(method, path, body=content))
        answer = json.loads(response.body)
        assert response.status < 300, answer
        return answer

    def segment(self, dimensions: dict[str, Any]) -> str:
        """Make a segment."""
        path = f"/v1/apps/{self._app['Id']}/segments"
        segment_id: str = self._call("POST", path, {"Dimensions": dimensions})["Id"]
        return segment_id

    def count(self, segment_id: str) -> int:
        """Count its members."""
        path = f"/pinpoint-kit/v1/apps/{self._app['Id']}/segments/{segment_id}/count"
        count: int = self._call("GET", path)["Count"]
        return count


@attrs.frozen(order=True)
class Taken:
    """Seconds by the clock and of the processor."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:5.2f} s (CPU {self.cpu:5.2f})"


def timed(action: Callable[[], int]) -> tuple[Taken, int]:
    """Return what it took, and what was counted."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = action()
    return Taken(time.perf_counter() - wall, time.process_time() - cpu), found


def asked(connection: sqlite3.Connection, sql: str, values: dict[str, int]) -> int:
    """Count by hand."""
    count: int = connection.execute(sql, values).fetchone()[0]
    return count


def compare(path: Path, rounds: int) -> None:
    """Print a line a question."""
    by_hand = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    month = {"month": milliseconds(NOW) - 30 * DAY_MS}
    with Engine.open(f"sqlite:///{path}", clock=lambda: NOW) as engine:
        counter = Counter(engine)
        for question in QUESTIONS:
            segment_id = counter.segment(question.dimensions)
            ours: list[Taken] = []
            theirs: list[Taken] = []
            for number in range(rounds + 1):
                mine, count = timed(partial(counter.count, segment_id))
                hand, expected = timed(partial(asked, by_hand, question.sql, month))
                assert count == expected, (question.name, count, expected)
                if number:  # the first round warms up
                    ours.append(mine)
                    theirs.append(hand)
            ratio = min(ours).wall / min(theirs).wall
            print(f"{question.name:<40} {count:>8,} members   engine {min(ours)}", end="")
            print(f"   by hand {min(theirs)}   ratio {ratio:4.2f}")
    by_hand.close()


def main() -> None:
    """Generate the audience if need be, and compares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--endpoints", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--file", type=Path, help="where the audience is kept")
    arguments = parser.parse_args()
    name = f"pinpoint-segments-v{VERSION}-{arguments.endpoints}.db"
    path = arguments.file or Path(tempfile.gettempdir()) / name
    if not path.exists():
        generate(path, arguments.endpoints)
    size = path.stat().st_size / arguments.endpoints
    print(f"{arguments.endpoints:,} endpoints, {size:,.0f} bytes each")
    compare(path, arguments.rounds)


if __name__ == "__main__":
    main()
