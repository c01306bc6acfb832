"""Every metric on a Spark cluster with two workers: the rows of the store, whatever happens."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.analytics.verbs import Analytics
from tests.lake.kit import Shop
from tests.lake.spark_cluster import Cluster, cluster
from tests.lake.test_opening import due

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("pyspark", reason=".ci/run installs PySpark for these tests")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java 17", allow_module_level=True)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore"),  # what PySpark warns of is none of ours
]

DAYS: dict[str, Any] = {"first": "2026-03-01", "last": "2026-03-12"}
TYPES = ("view", "cart", "_session.start", "_session.stop", "_monetization.purchase")
STEPS = [
    pk.Step("view", attributes={"of": ["a-1", "a-2", "a-3"]}),
    "cart",
    "_monetization.purchase",
]
#: Besides the plain question, one with what is spelled differently in each database.
MORE: dict[str, dict[str, Any]] = {
    "active": {"window": 7, "by": "endpoint_attributes.plan", "zone": "Australia/Lord_Howe"},
    "events": {"by": "attributes.odd", "where": {"metrics": {"level": {"above": 3}}}},
    "funnel": {"steps": STEPS, "by": "platform", "order": "after"},
    "revenue": {"by": "country", "actor": "user"},
    "retention": {"on": 2, "cohort": "new"},
    "demographics": {"by": "user_attributes.tier", "actor": "user"},
    "timeline": {"user_id": "u-2", "where": {"attributes": {"of": "a-4"}}},
}
NEEDED: dict[str, dict[str, Any]] = {
    "funnel": {"steps": STEPS},
    "timeline": {"endpoint_id": "A-1"},
}


@pytest.fixture(scope="module")
def spark_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Start a cluster for all tests of this file; the last one loses a worker."""
    with cluster(tmp_path_factory.mktemp("spark")) as found:
        yield found


@pytest.fixture(scope="module")
def session(spark_cluster: Cluster) -> Iterator[Any]:
    """Return a classic session."""
    found = spark_cluster.session()
    yield found
    found.stop()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Return a store with some hundred events over twelve days, and its lake."""
    shop = Shop(tmp_path_factory.mktemp("shop"))
    rng = random.Random(5)  # noqa: S311 -- no secret
    for _ in range(240):
        who, kind = rng.randrange(9), rng.choice(TYPES)
        more: dict[str, Any] = {"EventType": kind}
        if kind == "_monetization.purchase":
            more["Metrics"] = {
                "_item_price": rng.choice((9.99, 0.1)),
                "_quantity": rng.randrange(4),
            }
            more["Attributes"] = {"_currency": rng.choice(("EUR", "USD"))}
        user = f"u-{who // 2}" if who % 3 else None
        shop.record(f"a-{who}", user=user, day=rng.randrange(12), **more)
    shop.ask("DELETE", f"/{shop.app}/endpoints/a-8")
    shop.export()
    yield shop
    shop.close()


def questions() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every verb, plainly, and some of them with more."""
    for name in vars(Analytics):
        if not name.startswith("_"):
            yield name, {**DAYS, **NEEDED.get(name, {})}
    for name, options in MORE.items():
        yield name, {**DAYS, **options}


# First, because the session of the other tests takes every core of the cluster and keeps it.
def test_spark_connect_gives_the_same(filled: Shop, spark_cluster: Cluster) -> None:
    """By the client of Connect, in a process of its own: a process has one kind of session."""
    pytest.importorskip("grpc", reason="Spark Connect needs grpcio")
    asked = [(name, options) for name, options in questions() if name in {"active", "revenue"}]
    with spark_cluster.connect_server() as url:
        done = subprocess.run(  # noqa: S603 -- our own
            [sys.executable, "-W", "ignore", "-c", _CONNECTED, url, str(filled.lake)],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    with pk.connect(filled.url, application_id=filled.app) as pinpoint:
        expected = [getattr(pinpoint.analytics, name)(**o).to_csv() for name, o in asked]
    assert [json.loads(line) for line in done.stdout.splitlines()] == expected


def test_every_metric_has_the_rows_of_the_store(filled: Shop, session: Any) -> None:
    """On SQLite and on two workers."""
    with (
        pk.connect(filled.url, application_id=filled.app) as pinpoint,
        pk.open_lake(filled.lake, spark=session) as lake,
    ):
        for name, options in questions():
            expected = getattr(pinpoint.analytics, name)(**options)
            found = getattr(lake, name)(**options)
            assert found.rows == expected.rows, (name, options)
            assert found.summary() == expected.summary(), (name, options)
            assert expected.rows or name == "overview", name  # there is something to compare
    assert [row.name for row in session.catalog.listTables()] == []


def test_an_open_lake_sees_the_next_export(filled: Shop, session: Any) -> None:
    """The manifest decides, on the cluster too."""
    with pk.open_lake(filled.lake, spark=session) as lake:
        before = lake.events(**DAYS).total
        filled.record("a-1", day=3, EventType="view")
        filled.export()
        assert lake.events(**DAYS).total == (before or 0) + 1
    with pytest.raises(pk.ClosedError):
        lake.active()


def test_others_files_are_read(tmp_path: Path, session: Any) -> None:
    """The Digital User Engagement table, whose maps are structs and whose numbers are texts."""
    days: dict[str, Any] = {"first": "2026-03-01", "last": "2026-03-04"}
    folder = due(tmp_path)
    with pk.open_lake(folder, spark=session) as spark, pk.open_lake(folder) as duck:
        for name, options in (
            ("active", {"actor": "user"}),
            ("session_length", {}),
            ("events", {"metric": "price_in_millicents_usd"}),
            ("demographics", {"by": "platform"}),
            ("timeline", {"endpoint_id": "a"}),
        ):
            found = getattr(spark, name)(**days, **options)
            assert found.rows == getattr(duck, name)(**days, **options).rows, name
            assert found.rows
    with pytest.raises(pk.ConfigurationError, match="Spark can read no events in"):
        pk.open_lake(tmp_path / "nothing", spark=session)


_CONNECTED = """
import json, sys
from pyspark.sql import SparkSession
import pinpoint_kit as pk
url, place = sys.argv[1:]
session = SparkSession.builder.remote(url).getOrCreate()
with pk.open_lake(place, spark=session) as lake:
    for verb, options in json.loads(sys.stdin.read()):
        print(json.dumps(getattr(lake, verb)(**options).to_csv()))
session.stop()
"""


def test_what_is_no_session_is_refused(filled: Shop) -> None:
    """The error says what to hand over."""
    with pytest.raises(pk.ConfigurationError, match="takes a SparkSession"):
        pk.open_lake(filled.lake, spark=object())  # type: ignore[arg-type] # what is tested


def test_a_worker_that_is_killed_changes_no_number(
    filled: Shop, session: Any, spark_cluster: Cluster
) -> None:
    """In the middle of a question: its tasks are done again by the other one."""
    path = filled.folder / "many"
    filled.export(path, events_a_step=4)  # many files, and so many tasks
    session.conf.set("spark.sql.files.openCostInBytes", "1g")  # each file is a task of its own
    status = session.sparkContext.statusTracker()
    killed: list[int] = []

    def kill() -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            for stage in status.getActiveStageIds():
                info = status.getStageInfo(stage)
                if info is not None and 0 < info.numCompletedTasks < info.numTasks:
                    spark_cluster.kill_a_worker()
                    killed.append(stage)
                    return
            time.sleep(0.005)  # until a stage is half done

    with (
        pk.connect(filled.url, application_id=filled.app) as pinpoint,
        pk.open_lake(path, spark=session) as lake,
    ):
        expected = pinpoint.analytics.active(window=30, by="platform", **DAYS)
        killer = threading.Thread(target=kill)
        killer.start()
        found = lake.active(window=30, by="platform", **DAYS)
        killer.join()
        assert killed
        assert found.rows == expected.rows
        assert lake.sessions(**DAYS).rows == pinpoint.analytics.sessions(**DAYS).rows
