"""Starting without a server: `connect` by name answers at once, events wait, refusals are seen."""

from __future__ import annotations

import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.doors.lookup import ApplicationLookup
from pinpoint_kit.testing import FaultyPinpoint
from pinpoint_kit.testing.faults import Fault
from tests.ports import held_port
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

#: Nothing waits that long; what fails here would hang.
SOON_S = 10.0
AT_ONCE_S = 1.5
QUICK = pk.DeliveryOptions(max_wait=0.1, flush_interval=0.05)


@pytest.fixture(autouse=True)
def _no_aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine reaches a test."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "PINPOINT_KIT_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def faulty() -> Iterator[FaultyPinpoint]:
    """Give a server that can be down, and comes up on the same port."""
    with FaultyPinpoint() as faulty:
        assert faulty.url
        yield faulty


@pytest.fixture
def closed_url() -> Iterator[str]:
    """Give a URL where nobody listens."""
    with held_port() as port:
        yield f"http://127.0.0.1:{port}"


def eventually(is_true: Callable[[], bool]) -> bool:
    """Whether something becomes true soon."""
    deadline = time.monotonic() + SOON_S
    while not is_true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return is_true()


def lookup_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the ERROR lines of the look-up."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "pinpoint_kit.lookup" and record.levelno == logging.ERROR
    ]


def test_connect_answers_at_once_without_its_server(closed_url: str) -> None:
    """The program starts, records, and an answer fails within the look-up's own time."""
    began = time.monotonic()
    pinpoint = pk.connect(closed_url, application="shop")
    pinpoint.events.record("device-1", "level_up")
    in_time(time.monotonic() - began, AT_ONCE_S)
    assert pinpoint.delivery.stats().application == "looking_up"
    assert repr(pinpoint) == "<Pinpoint http application=shop>"
    began = time.monotonic()
    with pytest.raises(pk.TransportError, match="no answer from"):
        pinpoint.endpoints.get("device-1")
    with pytest.raises(pk.TransportError):
        assert pinpoint.application_id
    with pytest.raises(pk.TransportError):
        pinpoint.events.put("device-1", "level_up")
    in_time(time.monotonic() - began, AT_ONCE_S)
    report = pinpoint.close(0.2)
    assert (report.recorded, report.dropped) == (1, 1)
    with pytest.raises(pk.ClosedError):
        assert pinpoint.application_id


def test_events_wait_for_the_server(faulty: FaultyPinpoint) -> None:
    """What was recorded while it was down arrives when it comes, in the application of the name."""
    url = faulty.url
    faulty.stop()
    with pk.connect(url, application="tests", delivery=QUICK) as pinpoint:
        for number in range(20):
            pinpoint.events.record(f"device-{number % 3}", "level_up")
        assert pinpoint.flush(0.1).pending == 20
        faulty.start()
        assert pinpoint.flush(SOON_S).accepted == 20
        assert pinpoint.delivery.stats().application == "known"
        assert pinpoint.application_id == faulty.application_id
    assert faulty.count() == 20


def test_a_new_application_is_created_by_our_server(faulty: FaultyPinpoint) -> None:
    """Our own server creates the application of the name."""
    with pk.connect(faulty.url, application="brand new", wait=SOON_S) as pinpoint:
        assert pinpoint.application_id != faulty.application_id
        assert [a.name for a in pinpoint.applications.list()] == ["tests", "brand new"]


def test_two_at_once_agree(faulty: FaultyPinpoint) -> None:
    """Clients that start together use one application."""
    clients = [pk.connect(faulty.url, application="brand new") for _ in range(4)]
    ids = set()
    for client in clients:
        client.wait_for_application(SOON_S)
        ids.add(client.application_id)
        client.close()
    assert len(ids) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_is_seen_everywhere(
    faulty: FaultyPinpoint, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """One ERROR line, a state, and the error of the next call that returns an answer."""
    faulty.always(Fault.refused(status), operation=None)
    with pk.connect(faulty.url, application="tests", delivery=QUICK) as pinpoint:
        event_id = pinpoint.events.record("device-1", "level_up")
        assert event_id
        assert eventually(lambda: pinpoint.delivery.stats().application == "refused")
        for _ in range(3):
            with pytest.raises(pk.Forbidden, match="give application_id=ID"):
                pinpoint.endpoints.get("device-1")
        with pytest.raises(pk.Forbidden):
            pinpoint.flush(0.1, raise_for_loss=True)
        assert pinpoint.flush(0.1).pending == 1
        (line,) = lookup_lines(caplog)
        assert line.startswith("application 'tests' cannot be used: ")
        assert str(status) in line
        faulty.heal()
        assert pinpoint.application_id == faulty.application_id  # the next call looks again
        assert pinpoint.flush(SOON_S, raise_for_loss=True).accepted == 1


def test_an_unknown_name_is_a_refusal_elsewhere(
    faulty: FaultyPinpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """On a server that is not ours nothing is created by a misspelt name."""
    monkeypatch.setattr("pinpoint_kit.transport.calls.MARK", "x-somebody-else")
    with pk.connect(faulty.url, application="tsets") as pinpoint:
        with pytest.raises(pk.NotFound, match="no application has the name 'tsets'"):
            pinpoint.endpoints.get("device-1")
        assert pinpoint.delivery.stats().application == "refused"
    assert len(lookup_lines(caplog)) == 1
    assert not [r for r in faulty.requests if r.operation == "CreateApp"]


def test_a_page_of_a_proxy_passes(faulty: FaultyPinpoint) -> None:
    """A page in place of the list refuses nothing: the look-up goes on."""
    faulty.script([Fault.html(404), Fault.html(400), Fault.refused(503)], operation="GetApps")
    with pk.connect(faulty.url, application="tests", delivery=QUICK) as pinpoint:
        pinpoint.events.record("device-1", "level_up")
        assert pinpoint.flush(SOON_S).accepted == 1


def test_wait_resolves_before_it_returns(faulty: FaultyPinpoint, closed_url: str) -> None:
    """`wait` is the old way: connect has found the application, or raises."""
    with pk.connect(faulty.url, application="tests", wait=SOON_S) as pinpoint:
        assert pinpoint.delivery.stats().application == "known"
    began = time.monotonic()
    with pytest.raises(pk.TransportError):
        pk.connect(closed_url, application="tests", wait=0.3)
    took = time.monotonic() - began
    assert took >= 0.3
    in_time(took, SOON_S)
    faulty.always(Fault.refused(403), operation=None)
    began = time.monotonic()
    with pytest.raises(pk.Forbidden):
        pk.connect(faulty.url, application="tests", wait=SOON_S)
    in_time(time.monotonic() - began, SOON_S)
    with pytest.raises(pk.ConfigurationError, match="wait must be"):
        pk.connect(faulty.url, application="tests", wait=-1)


def test_a_server_that_hangs_holds_nobody(faulty: FaultyPinpoint) -> None:
    """A call that needs the id waits as long as a look-up may take, and close keeps its time."""
    faulty.always(Fault.hang(30.0), operation=None)
    pinpoint = pk.connect(faulty.url, application="tests", lookup_timeout=0.3)
    pinpoint.events.record("device-1", "level_up")
    began = time.monotonic()
    with pytest.raises(pk.TransportError):
        pinpoint.endpoints.get("device-1")
    in_time(time.monotonic() - began, SOON_S)
    began = time.monotonic()
    pinpoint.close(0.2)
    in_time(time.monotonic() - began, 3)


def test_a_spool_waits_for_its_application(faulty: FaultyPinpoint, tmp_path: Path) -> None:
    """Bound to the name first and to the id later, it is delivered by a later process."""
    spool = tmp_path / "events.spool"
    url = faulty.url
    faulty.stop()
    pinpoint = pk.connect(url, application="tests", spool=spool, delivery=QUICK)
    for _ in range(5):
        pinpoint.events.record("device-1", "level_up")
    assert pinpoint.close(0.1).pending == 5
    with pytest.raises(pk.StoreError, match="holds events of application tests"):
        pk.connect(url, application="others", spool=spool)
    with pytest.raises(pk.StoreError, match="holds events of application tests"):
        pk.connect(url, application_id="a" * 32, spool=spool)
    faulty.start()
    with pk.connect(url, application="tests", spool=spool, delivery=QUICK) as pinpoint:
        pinpoint.wait_for_application(SOON_S)
        assert eventually(lambda: faulty.count() == 5)
    with pk.connect(url, application_id=faulty.application_id, spool=spool, delivery=QUICK):
        pass
    with pytest.raises(pk.StoreError, match=f"holds events of application {faulty.application_id}"):
        pk.connect(url, application_id="a" * 32, spool=spool)


def test_a_spool_of_another_application_is_not_delivered(
    faulty: FaultyPinpoint, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A spool that knows an id refuses the id that the name turns out to have."""
    spool = tmp_path / "events.spool"
    url = faulty.url
    faulty.stop()
    pk.connect(url, application_id="a" * 32, spool=spool).close(0)
    faulty.start()
    with pk.connect(url, application="tests", spool=spool, delivery=QUICK) as pinpoint:
        pinpoint.events.record("device-1", "level_up")
        with pytest.raises(pk.StoreError, match="holds events of application aaaa"):
            pinpoint.wait_for_application(SOON_S)
        assert pinpoint.delivery.stats().application == "refused"
        assert pinpoint.close(0.1).pending == 1
    assert faulty.count() == 0
    assert len(lookup_lines(caplog)) == 1


def _child(pinpoint: pk.Pinpoint, results: Any) -> None:
    pinpoint.events.record("device-1", "level_up")
    results.put((pinpoint.flush(SOON_S).accepted, pinpoint.application_id))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_looks_itself(faulty: FaultyPinpoint) -> None:
    """A client that was made before a fork, and not looked up by then, works in the child."""
    url = faulty.url
    faulty.stop()
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    with pk.connect(url, application="tests", delivery=QUICK) as pinpoint:
        faulty.start()
        child = context.Process(target=_child, args=(pinpoint, results))
        child.start()
        accepted, application_id = results.get(timeout=SOON_S * 2)
        child.join(SOON_S)
        assert (accepted, application_id) == (1, faulty.application_id)


def test_a_forgotten_client_ends_its_look_up(closed_url: str) -> None:
    """A client that nobody closed warns, and its thread ends."""
    before = threading.active_count()
    pinpoint = pk.connect(closed_url, application="tests")
    with pytest.warns(ResourceWarning, match="unclosed"):
        del pinpoint
    assert eventually(lambda: threading.active_count() <= before)


def test_a_look_that_fails_oddly_is_made_again() -> None:
    """What a hook of the client raises ends no look-up, and shows no content."""
    outcomes: list[Any] = [KeyError("ada@example.com"), KeyError("ada@example.com"), "id-1"]

    def find() -> str:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return str(outcome)

    lookup = ApplicationLookup("shop", find, timeout=SOON_S)
    with pytest.raises(pk.TransportError, match="failed: KeyError") as caught:
        assert lookup.id
    assert "ada" not in str(caught.value)
    assert lookup.wait(SOON_S) == "id-1"
    lookup.close()
    assert lookup.id == "id-1"


def test_no_credentials_are_found_out_at_once() -> None:
    """Without credentials to sign with, connecting to the hosted service is a local mistake."""
    with (
        pytest.warns(pk.PinpointRetiredWarning),
        pytest.raises(pk.ConfigurationError, match="no usable AWS credentials"),
    ):
        pk.connect("aws://us-east-1", application="shop")


def test_no_thread_runs_while_uwsgi_loads_a_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its master forks without the interpreter's lock, which a thread would take with it."""
    number = 0
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(worker_id=lambda: number))
    before = set(threading.enumerate())
    pinpoint = pk.connect("http://127.0.0.1:9", application="shop", spool=tmp_path / "spool.db")
    assert set(threading.enumerate()) == before
    number = 1  # now it is a worker
    pinpoint.events.record("device-1", "level_up")
    started = {thread.name for thread in set(threading.enumerate()) - before}
    assert any(name.startswith("pinpoint") for name in started)
    pinpoint.close(0)


def test_a_first_request_imports_nothing() -> None:
    """A fork in the middle of an import on the look-up's thread would leave its lock locked."""
    code = (
        "import sys, pinpoint_kit\n"
        "from pinpoint_kit.doors.lookup import ApplicationLookup\n"
        "start, ApplicationLookup.start = ApplicationLookup.start, lambda self: None\n"
        "pinpoint = pinpoint_kit.connect('http://127.0.0.1:9', application='shop')\n"
        "before, ApplicationLookup.start = set(sys.modules), start\n"
        "try: pinpoint.wait_for_application(0.2)\n"
        "except pinpoint_kit.errors.TransportError: pass\n"
        "print(sorted(set(sys.modules) - before))\n"
        "pinpoint.close(0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)  # noqa: S603 -- our own command
    assert done.stdout.strip() == "[]"
