"""A Spark cluster on this machine, from PySpark's wheel: a master and two workers, in processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_DEADLINE_S = 240


_SMALL = {
    "spark.driver.memory": "1g",
    "spark.executor.memory": "600m",
    "spark.executor.cores": "1",
    "spark.sql.shuffle.partitions": "2",
    "spark.locality.wait": "0",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.session.timeZone": "America/New_York",  # which nothing may depend on
}


class Cluster:
    """A running cluster.

    Attributes:
        url: of the master.
        workers: the processes; each leads a group that has its executors.
    """

    def __init__(
        self,
        url: str,
        workers: list[subprocess.Popen[bytes]],
        start: Callable[..., subprocess.Popen[bytes]],
    ) -> None:
        self.url = url
        self.workers = workers
        self._start = start

    def kill_a_worker(self) -> None:
        """Kill a worker with its executor, at once."""
        os.killpg(self.workers[0].pid, signal.SIGKILL)
        self.workers[0].wait()

    @contextmanager
    def connect_server(self) -> Iterator[str]:
        """Run a server of Spark Connect on the cluster; yield its URL."""
        port = _free_port()
        main = "org.apache.spark.sql.connect.service.SparkConnectServer"
        settings = {
            "spark.connect.grpc.binding.port": str(port),
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
            **_SMALL,
        }
        listed = [word for item in settings.items() for word in ("--conf", "=".join(item))]
        words = ("--class", main, "--master", self.url, *listed, "spark-internal")
        started = self._start("deploy.SparkSubmit", *words)
        _wait_for(port)
        try:
            yield f"sc://127.0.0.1:{port}"
        finally:
            _stop([started])

    def session(self, **settings: str) -> Any:
        """Return a session on the cluster; stop it."""
        from pyspark.sql import SparkSession  # noqa: PLC0415 -- in an environment of its own

        builder = SparkSession.builder.master(self.url).appName("pinpoint-kit")
        driver = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        for name, value in {**driver, **_SMALL, **settings}.items():
            builder = builder.config(name, value)
        return builder.getOrCreate()


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Start a master and two workers of one core each, and stop them."""
    import pyspark  # noqa: PLC0415 -- as above

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "800m",
    }
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    port = _free_port()
    url = f"spark://127.0.0.1:{port}"

    def start(kind: str, *words: str) -> subprocess.Popen[bytes]:
        with (folder / f"{kind}-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 -- Spark's own program
                [str(home / "bin" / "spark-class"), f"org.apache.spark.{kind}", *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        started.append(process)
        return process

    started: list[subprocess.Popen[bytes]] = []
    with ExitStack() as stack:
        stack.callback(_stop, started)
        ports = ("--host", "127.0.0.1", "--webui-port", "0")
        start("deploy.master.Master", "--port", str(port), *ports)
        _wait_for(port)
        size = ("--cores", "1", "--memory", "700m")
        workers = [
            start(
                "deploy.worker.Worker",
                url,
                *size,
                *ports,
                "--work-dir",
                str(folder / f"work-{number}"),
            )
            for number in range(2)
        ]
        yield Cluster(url, workers, start)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(port: int) -> None:
    end = time.monotonic() + _DEADLINE_S
    while time.monotonic() < end:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)  # until it listens
    raise TimeoutError("Spark's master did not start")


def _stop(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
