"""`open_lake`: the verbs on files, of our own exports and of Pinpoint's event streams."""

from __future__ import annotations

import gzip
import json
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

import pinpoint_kit as pk
from pinpoint_kit.analytics.verbs import Analytics
from pinpoint_kit.lake.duck import connected
from tests.lake.kit import DAY_MS, START_MS, Shop

if TYPE_CHECKING:
    from pathlib import Path

DAYS: dict[str, Any] = {"first": "2026-03-01", "last": "2026-03-04"}


def test_every_verb_answers_as_the_store_does(shop: Shop) -> None:
    """All verbs, each with the rows and totals of the embedded engine."""
    for number in range(12):
        endpoint = f"Device-{number % 4}"
        shop.record(endpoint, user=f"user-{number % 3}", day=number % 4)
        shop.record(
            endpoint,
            day=number % 4,
            EventType="_monetization.purchase",
            Metrics={"_item_price": 9.99, "_quantity": number},
            Attributes={"_currency": "EUR"},
        )
    shop.export()
    step = pk.Step("level_up", attributes={"of": ["Device-1"]})
    questions: dict[str, dict[str, Any]] = {
        "funnel": {"steps": [step, "_monetization.purchase"]},
        "timeline": {"endpoint_id": "DEVICE-1"},
        "events": {"where": {"endpoint_id": ["DEVICE-2"]}, "by": "attributes.of"},
        "demographics": {"by": "endpoint_attributes.plan"},
        "active": {"by": "make", "window": 7, "zone": "Europe/Berlin"},
    }
    verbs = [name for name in vars(Analytics) if not name.startswith("_")]
    assert len(verbs) > 20
    with (
        pk.connect(shop.url, application_id=shop.app) as pinpoint,
        pk.open_lake(shop.lake) as lake,
    ):
        for name in verbs:
            options = {**DAYS, **questions.get(name, {})}
            assert isinstance(pinpoint.analytics, Analytics)
            expected = getattr(pinpoint.analytics, name)(**options)
            found = getattr(lake, name)(**options)
            assert found.rows == expected.rows, name
            assert found.summary() == expected.summary(), name


def test_a_lake_without_events_answers(shop: Shop) -> None:
    """Nothing is counted, and nothing fails."""
    shop.export()
    with pk.open_lake(shop.lake) as lake:
        assert lake.active(**DAYS).total == 0
        assert lake.demographics().total == 0


def test_an_open_lake_sees_the_next_export(shop: Shop) -> None:
    """Also when files were removed, or became one."""
    shop.record("device-1")
    shop.export()
    with pk.open_lake(shop.lake) as lake:
        assert lake.active(**DAYS).total == 1
        shop.record("device-2")
        shop.export(compact=True)
        assert lake.active(**DAYS).total == 2
        shop.erase("EndpointId", "device-1")
        shop.export()
        assert lake.active(**DAYS).total == 1


def test_questions_and_exports_do_not_disturb_each_other(shop: Shop) -> None:
    """Threads ask while files come and go; each number is one that the lake had."""
    shop.record("device-0")
    shop.export()
    counts: list[int] = []
    errors: list[BaseException] = []
    is_over = threading.Event()
    with pk.open_lake(shop.lake) as lake:

        def ask() -> None:
            try:
                while not is_over.is_set():
                    counts.append(int(lake.events(**DAYS).total or 0))
            except BaseException as error:  # noqa: BLE001 -- shown below
                errors.append(error)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(1, 8):
            shop.record(f"device-{number}")
            shop.export(compact=number % 2 == 0)
        is_over.set()
        for thread in threads:
            thread.join()
    assert errors == []
    assert set(counts) <= set(range(1, 9))


def test_duckdb_prints_nothing_and_fetches_nothing(tmp_path: Path) -> None:
    """Neither a bar while a question takes long, nor an extension from somewhere."""
    with closing(connected(tmp_path)) as connection:
        for setting in ("enable_progress_bar", "autoinstall_known_extensions"):
            row = connection.execute(f"SELECT current_setting('{setting}')").fetchone()
            assert row == (False,)


def test_a_closed_lake_says_so(shop: Shop) -> None:
    """Closing again does nothing."""
    shop.export()
    lake = pk.open_lake(shop.lake)
    lake.close()
    lake.close()
    with pytest.raises(pk.ClosedError, match="open it again"):
        lake.active()


def test_a_missing_file_is_named(shop: Shop) -> None:
    """A lake of which files were deleted does not answer with less."""
    shop.record("device-1")
    shop.export()
    next((shop.lake / "events").rglob("*.parquet")).unlink()
    with pytest.raises(pk.ConfigurationError, match="are missing"):
        pk.open_lake(shop.lake)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("nowhere", "make a lake with `pinpoint-kit lake export"),
        ("s3://bucket/lake", "aws s3 sync"),
        ("empty", "there are no files in"),
        ("text", "neither Parquet nor JSON lines"),
    ],
)
def test_what_is_no_lake_is_refused(tmp_path: Path, place: str, message: str) -> None:
    """One sentence says what to do."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("hello")
    with pytest.raises(pk.ConfigurationError, match=message):
        pk.open_lake(place if "://" in place else tmp_path / place)


def test_a_wrong_question_is_refused_as_anywhere(shop: Shop) -> None:
    """The text names the argument."""
    shop.export()
    with pk.open_lake(shop.lake) as lake, pytest.raises(pk.ValidationError, match="time zone"):
        lake.active(zone="Mars/Olympus")


def record(client: str, day: int, kind: str = "open", **more: Any) -> dict[str, Any]:
    """Return a record of the event stream as the developer guide prints it."""
    at = START_MS + day * DAY_MS + 1000
    return {
        "event_type": kind,
        "event_timestamp": at,
        "arrival_timestamp": at + 50,
        "event_version": "3.0",
        "application": {
            "app_id": "app-1",
            "cognito_identity_pool_id": "us-east-1:a1b2",
            "package_name": "main.page",
            "sdk": {"name": "aws-sdk-js", "version": "2.1"},
            "title": "title",
            "version_name": "1.0",
            "version_code": "3",
        },
        "client": {"client_id": client, "cognito_id": "us-east-1:c"},
        "device": {
            "locale": {"code": "en_US", "country": "US", "language": "en"},
            "make": "generic web browser",
            "model": "Chrome",
            "platform": {"name": "android", "version": "10.10"},
        },
        "session": {"session_id": "s-1", "start_timestamp": at, "stop_timestamp": at + 7000},
        "attributes": {"screen": "home"},
        "metrics": {"level": 3, "price": 1.5},
        **more,
    }


def test_a_folder_that_firehose_has_filled_is_read(tmp_path: Path) -> None:
    """JSON lines by hour of arrival, packed, with members that nobody asked for."""
    for hour, records in (
        ("2026/03/01/00", [record("A", 0), record("b", 0, "_session.stop")]),
        ("2026/03/02/05", [record("b", 1, endpoint={"User": {"UserId": "u"}})]),
    ):
        folder = tmp_path / "events" / hour
        folder.mkdir(parents=True)
        lines = "".join(json.dumps(each) + "\n" for each in records)
        (folder / "delivery-stream-1.gz").write_bytes(gzip.compress(lines.encode()))
    with pk.open_lake(tmp_path / "events") as lake:
        assert [row["value"] for row in lake.active(**DAYS).rows] == [2, 1, 0, 0]
        assert lake.active(**DAYS, actor="user").total == 1
        assert lake.session_length(**DAYS).total == 7.0
        assert lake.new(**DAYS).total == 2
        assert lake.events("open", **DAYS, metric="price").total == 3.0
        assert [row["platform"] for row in lake.demographics(by="platform").rows] == ["android"]
        assert len(lake.timeline(endpoint_id="a", **DAYS).rows) == 1
    with pk.open_lake(tmp_path / "events", application_id="app-2") as lake:
        assert lake.active(**DAYS).total == 0


#: The table of AWS's Digital User Engagement database: narrower, and with maps of texts.
_DUE = (
    "event_type VARCHAR, event_timestamp BIGINT, arrival_timestamp BIGINT, event_version VARCHAR,"
    " application STRUCT(app_id VARCHAR, sdk MAP(VARCHAR, VARCHAR)),"
    " client STRUCT(client_id VARCHAR, cognito_id VARCHAR),"
    " device STRUCT(platform MAP(VARCHAR, VARCHAR)), session MAP(VARCHAR, VARCHAR),"
    " attributes MAP(VARCHAR, VARCHAR), client_context STRUCT(custom MAP(VARCHAR, VARCHAR)),"
    " awsaccountid VARCHAR, metrics STRUCT(price_in_millicents_usd DOUBLE)"
)


def due(folder: Path) -> Path:
    """Write a file as the Digital User Engagement database has it; return its folder."""
    place = folder / "events" / "2026" / "03" / "01" / "00"
    place.mkdir(parents=True)
    endpoint = json.dumps({"User": {"UserId": "user-1"}, "ChannelType": "SMS"})
    with closing(duckdb.connect()) as connection:
        connection.execute(f"CREATE TABLE t ({_DUE})")
        for number, client in enumerate(("a", "b")):
            at = START_MS + number * DAY_MS
            connection.execute(
                "INSERT INTO t VALUES (?, ?, ?, '3.1', {'app_id': 'x', 'sdk': MAP {}},"
                " {'client_id': ?, 'cognito_id': NULL},"
                " {'platform': MAP {'name': 'ios'}},"
                " MAP {'session_id': ?, 'start_timestamp': ?, 'stop_timestamp': ?},"
                " MAP {'account': ?}, {'custom': MAP {'endpoint': ?}}, '1',"
                " {'price_in_millicents_usd': 645.0})",
                [
                    *("_session.stop", at, at, client, "s", str(at), str(at + 3000)),
                    *(f"account-{number}", endpoint),
                ],
            )
        connection.execute(f"COPY t TO '{place / 'part.parquet'}' (FORMAT parquet)")
    return folder / "events"


def test_the_digital_user_engagement_table_is_read(tmp_path: Path) -> None:
    """Maps and structs the other way round, texts for numbers, the user inside of JSON."""
    with pk.open_lake(due(tmp_path)) as lake:
        assert lake.active(**DAYS).total == 2
        assert lake.active(**DAYS, actor="user").total == 1
        assert lake.session_length(**DAYS).total == 3.0
        assert lake.events(**DAYS, metric="price_in_millicents_usd").total == 1290.0
        assert [row["platform"] for row in lake.demographics(by="platform").rows] == ["ios"]


def test_columns_can_be_mapped(tmp_path: Path) -> None:
    """A path goes through structs and maps; what is not there is named."""
    folder = due(tmp_path)
    with pk.open_lake(folder, columns={"user_id": "attributes.account"}) as lake:
        assert lake.active(**DAYS, actor="user").total == 2
    with pytest.raises(pk.ConfigurationError, match=r"no device\.brand, which was named for make"):
        pk.open_lake(folder, columns={"make": "device.brand"})
    with pytest.raises(pk.ConfigurationError, match="there is no column 'colour' to map"):
        pk.open_lake(folder, columns={"colour": "device"})


def test_files_without_events_are_refused(tmp_path: Path) -> None:
    """The error says what the files have."""
    with closing(duckdb.connect()) as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")
    with pytest.raises(
        pk.ConfigurationError, match="no type of events is in these files, which ha"
    ):
        pk.open_lake(tmp_path)


def test_json_that_is_none_is_refused(tmp_path: Path) -> None:
    """A line that is cut off does not become an event."""
    (tmp_path / "events.json").write_text('{"event_type": "open", "event_timestamp": 1}\n{"event')
    with pk.open_lake(tmp_path) as lake, pytest.raises(pk.ConfigurationError, match="one form"):
        lake.events(**DAYS)
