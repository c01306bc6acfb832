"""Settings that all tests share."""

from __future__ import annotations

import functools
import gc
import os
import signal
from types import FunctionType
from typing import TYPE_CHECKING, Any

import botocore.hooks
import pytest
from botocore.loaders import JSONFileLoader
from hypothesis import HealthCheck, settings
from pytest_rerunfailures import StatusDB
from sqlalchemy.util import LRUCache
from xdist.scheduler import LoadScopeScheduling

# pytester forgets the modules that a test has imported, and SQLAlchemy cannot be imported twice.
import pinpoint_kit.client
import pinpoint_kit.engine  # noqa: F401 -- imported to be there
from pinpoint_kit.engine.storage.dialects.sqlite import connections
from tests.contract import table
from tests.postgresql import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from tests.postgresql import Server

# A shared machine may pause at any moment: how long an example takes says nothing here.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

# No test may find, or ask the network for, anybody's AWS account.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
os.environ["AWS_CONFIG_FILE"] = os.devnull
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

# The processes that tests start import what those before them have compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A shell starts background jobs with SIGINT ignored; commands under test would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Most sessions of the tests read the same models of botocore, up to 1 MB of JSON each.
_load_file = functools.cache(JSONFileLoader().load_file)


def _load_once(self: JSONFileLoader, file_path: str) -> Any:  # noqa: ARG001 -- botocore's method
    return _load_file(file_path)


JSONFileLoader.load_file = _load_once  # type: ignore[method-assign]

# Each of them registers the same 120 functions, and looks at the signature of each.
_looks_at = botocore.hooks.accepts_kwargs
_has_looked_at = functools.cache(_looks_at)


def _accepts_kwargs(func: Any) -> Any:
    # Others hold what they are bound to, which would live as long as the process.
    is_plain = isinstance(func, FunctionType) and func.__closure__ is None
    return (_has_looked_at if is_plain else _looks_at)(func)


botocore.hooks.accepts_kwargs = _accepts_kwargs


class Compiled(LRUCache):  # type: ignore[type-arg]
    """What SQLAlchemy has compiled for one database of a kind serves all others in the process.

    Nearly every test opens one of its own, and would compile the same statements.
    """

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        """Return what was compiled for a database of the same kind."""
        return super().get((type(key[0]), *key[1:]), default)

    def __setitem__(self, key: tuple[Any, ...], value: Any) -> None:
        super().__setitem__((type(key[0]), *key[1:]), value)


connections.create_engine = functools.partial(  # type: ignore[attr-defined]
    connections.create_engine,  # type: ignore[attr-defined]
    execution_options={"compiled_cache": Compiled(5000)},
)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]  # has no types
    """With `-n`, keeps a file's tests together, and the contract suite: it looks back at itself."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        folder = path.rpartition("/")[0]
        return folder if folder == "tests/contract" else path


@pytest.hookimpl(trylast=True)  # after pytest-rerunfailures
def pytest_configure(config: pytest.Config) -> None:
    """Has the contract suite's table printed; keeps the counts of reruns where they are made."""
    config.pluginmanager.register(table)
    if hasattr(config, "workerinput"):
        # Before each test, a worker would tell the first process what to do after a crash, byte by
        # byte over a socket: 40 ms each for an acknowledgement. Whoever crashes is not tried again.
        config.failures_db.sock.close()  # type: ignore[attr-defined]
        config.failures_db = StatusDB()  # type: ignore[attr-defined]


def pytest_collection_finish() -> None:
    """Keep the collected tests out of what the garbage collector walks, which takes a while."""
    gc.collect()
    gc.freeze()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Says which tests a worker gets at once."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def postgresql_server(testrun_uid: str) -> Iterator[Server]:
    """Give a PostgreSQL server, one for all processes of a run."""
    with serving(testrun_uid) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: Server) -> Iterator[str]:
    """Give the URL of a schema in PostgreSQL that does not exist yet."""
    with postgresql_server.schema() as url:
        yield url
