"""A small shop whose store is exported, and what store and lake hold, in one form."""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb

from pinpoint_kit.engine import Engine, LakeSource, Request
from pinpoint_kit.lake import export_lake
from pinpoint_kit.lake.layout import load

if TYPE_CHECKING:
    from pathlib import Path

    from pinpoint_kit.lake import ExportReport

DAY_MS = 86_400_000
#: 2026-03-01.
START_MS = 20_513 * DAY_MS

_STORED = (
    "SELECT endpoint, user_id, event_id, type, timestamp, arrival, session_id, session_start,"
    " session_stop, session_duration, app_package_name, app_title, app_version_code, sdk_name,"
    " client_sdk_version, attributes, metrics, platform, app_version, make, model, locale, country,"
    " timezone FROM events WHERE app = 1"
)
_EXPORTED = (
    "SELECT client.client_id, user_id, event_id, event_type, event_timestamp, arrival_timestamp,"
    " session.session_id, session.start_timestamp, session.stop_timestamp, session_duration,"
    " application.package_name, application.title, application.version_code, application.sdk.name,"
    " application.sdk.version, attributes, metrics, device.platform.name,"
    " application.version_name, device.make, device.model, device.locale.code, country, time_zone,"
    " application.app_id, event_date"
    " FROM read_parquet('{}/events/*/*.parquet', hive_partitioning = true)"
)


class Shop:
    """An engine on a file, with one application that is exported and one that is not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "shop.db"
        self.url = f"sqlite:///{self.file}"
        self.lake = folder / "lake"
        self.engine = Engine.open(self.url)
        self.app = self.made("shop")
        self.other = self.made("other")
        self.count = 0

    def made(self, name: str) -> str:
        """Make an application; return its id."""
        return str(self.ask("POST", "", {"Name": name})["Id"])

    def ask(self, method: str, path: str, content: object = None, root: str = "/v1/apps") -> Any:
        """Ask the engine; it must not refuse."""
        body = b"" if content is None else json.dumps(content).encode()
        answer = self.engine.handle(Request(method, f"{root}{path}", body=body))
        assert answer.status < 300, answer.body
        return json.loads(answer.body) if answer.body else None

    def record(
        self,
        endpoint: str,
        *,
        user: str | None = None,
        day: int = 0,
        app: str | None = None,
        **event: Any,
    ) -> None:
        """Record one event of an endpoint, with all that events and endpoints have."""
        self.count += 1
        moment = _iso(START_MS + day * DAY_MS + self.count)
        member: dict[str, Any] = {
            "EventType": "level_up",
            "Timestamp": moment,
            "Session": {"Id": f"{endpoint}-s", "StartTimestamp": moment, "Duration": 5},
            "Attributes": {"of": endpoint, "odd": "na\"me'ü\\\n"},
            "Metrics": {"level": self.count / 4},
            **event,
        }
        about: dict[str, Any] = {
            "ChannelType": "EMAIL",
            "Address": f"{endpoint}@example.com",
            "Attributes": {"plan": ["pro", endpoint]},
            "Demographic": {
                "Platform": "ios",
                "AppVersion": "1.0",
                "Make": f"make-{endpoint}",
                "Model": "model",
                "Locale": "de_DE",
                "Timezone": "Europe/Berlin",
            },
            "Location": {"Country": "DE"},
        }
        if user is not None:
            about["User"] = {"UserId": user, "UserAttributes": {"tier": [user]}}
        item = {"Endpoint": about, "Events": {f"e{self.count}": member}}
        path = f"/{app or self.app}/events"
        answer = self.ask("POST", path, {"BatchItem": {endpoint: item}})
        (result,) = answer["Results"].values()
        assert [each["StatusCode"] for each in result["EventsItemResponse"].values()] == [202]

    def erase(self, kind: str, value: str) -> dict[str, Any]:
        """Erase a person; return the report."""
        found: dict[str, Any] = self.ask(
            "POST", f"/{self.app}/erasures", {kind: value}, "/pinpoint-kit/v1/apps"
        )
        return found

    def export(self, path: Path | None = None, **options: Any) -> ExportReport:
        """Export the first application."""
        with LakeSource.open(self.url, self.app) as source:
            return export_lake(source, path or self.lake, **options)

    def stored(self) -> list[tuple[Any, ...]]:
        """Return the events of the store, sorted."""
        with closing(sqlite3.connect(self.file)) as connection:
            rows = connection.execute(_STORED).fetchall()
        return sorted((_plain(row) for row in rows), key=repr)

    def exported(self, path: Path | None = None) -> list[tuple[Any, ...]]:
        """Return the events of the lake's folder, sorted; their folders and ids are checked."""
        folder = path or self.lake
        if not list(folder.glob("events/*/*.parquet")):
            return []
        with closing(duckdb.connect()) as connection:
            rows = connection.execute(_EXPORTED.format(folder)).fetchall()
        for row in rows:
            assert row[-2] == self.app
            assert row[-1].toordinal() - 719_163 == row[4] // DAY_MS
        manifest = load(folder)
        assert manifest is not None
        assert manifest.rows == len(rows)
        there = {p.relative_to(folder).as_posix() for p in folder.rglob("*.parquet")}
        assert there == manifest.names
        return sorted((_plain(row[:-2]) for row in rows), key=repr)

    def close(self) -> None:
        self.engine.close()


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    values = list(row)
    for place in (15, 16):
        value = values[place]
        if isinstance(value, str):
            value = json.loads(value.replace("\\u0000", "\\ufffd"))
        values[place] = tuple(sorted(value.items())) if value else None
    return tuple(values)


def _iso(milliseconds: int) -> str:

    moment = dt.datetime.fromtimestamp(milliseconds / 1000, dt.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
