"""The verbs of the audience API, through the engine in process and over a socket."""

from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import pinpoint_kit as pk
from pinpoint_kit.errors import (
    BadRequest,
    ConfigurationError,
    InvalidTypeError,
    NotFound,
    TransportError,
    ValidationError,
)
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.audience.conftest import served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["engine", "http"])
def pinpoint(request: pytest.FixtureRequest) -> Iterator[pk.Pinpoint]:
    """Give a client in process, and one over a loopback socket."""
    if request.param == "engine":
        with pk.connect("sqlite://", application="shop") as client:
            yield client
        return
    with served() as url, pk.connect(url, application="shop", wait=10.0) as client:
        yield client


def endpoint(number: int, **fields: Any) -> pk.Endpoint:
    """Return an endpoint that the service takes."""
    return pk.Endpoint(
        **{"id": f"e-{number}", "address": f"+351{number:09}", "channel_type": "SMS", **fields}
    )


def test_the_life_of_an_endpoint(pinpoint: pk.Pinpoint) -> None:
    """Create, read, change in part, clear, delete; then it is gone."""
    request_id = pinpoint.endpoints.update(
        endpoint(1, attributes={"plan": "pro", "old": ["x"]}, user=pk.User(id="u/1 ü"))
    )
    assert request_id
    pinpoint.endpoints.update(pk.Endpoint(id="E-1", attributes={"old": []}))
    read = pinpoint.endpoints.get("e-1")
    assert read.address == "+351000000001"
    assert read.attributes is not None
    assert read.attributes["plan"] == ["pro"]
    assert not read.attributes.get("old")
    assert [e.id for e in pinpoint.users.endpoints("u/1 ü")] == ["e-1"]
    assert pinpoint.endpoints.delete("e-1").id == "e-1"
    for call in (pinpoint.endpoints.get, pinpoint.endpoints.delete):
        with pytest.raises(NotFound):
            call("e-1")


@pytest.mark.parametrize("name", ["a b", "a/b", "a%2Fb", "ü", "a?b#c", "a+b", "😀", "a;b=c", "..."])
def test_ids_of_any_characters(pinpoint: pk.Pinpoint, name: str) -> None:
    """What the URL must encode comes back as it was."""
    pinpoint.endpoints.update(endpoint(1, id=name, user=pk.User(id=name)))
    assert pinpoint.endpoints.get(name).id == name
    assert [e.id for e in pinpoint.users.delete(name)] == [name]


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_ids_that_name_something_else(pinpoint: pk.Pinpoint, value: str) -> None:
    """Dots would climb in the path: no call leaves, and the application stays."""
    for call in (
        pinpoint.endpoints.get,
        pinpoint.endpoints.delete,
        pinpoint.users.endpoints,
        pinpoint.users.delete,
        pinpoint.applications.delete,
        lambda value: pinpoint.endpoints.update(pk.Endpoint(id=value)),
    ):
        with pytest.raises(ValidationError):
            call(value)
    assert [app.name for app in pinpoint.applications.list()] == ["shop"]


@pytest.mark.parametrize("value", [5, None, b"e", ["e"]])
def test_ids_are_text(pinpoint: pk.Pinpoint, value: Any) -> None:
    """Other types never get as far as a request."""
    for call in (pinpoint.endpoints.get, pinpoint.users.endpoints, pinpoint.endpoints.update):
        with pytest.raises(InvalidTypeError):
            call(value)


def test_what_update_refuses_before_sending(pinpoint: pk.Pinpoint) -> None:
    """No id, a forbidden character, an over-long value, or too many bytes."""
    many = {f"k{n}": ["v" * 100] * 2 for n in range(100)}
    for bad in (
        pk.Endpoint(address="x"),
        pk.Endpoint(id="a${x}"),
        endpoint(1, attributes={"k": ["v" * 101]}),
        endpoint(1, attributes=many),
        endpoint(1, address="\ud800"),
    ):
        with pytest.raises(ValidationError):
            pinpoint.endpoints.update(bad)
    with pytest.raises(BadRequest, match="Missing"):
        pinpoint.endpoints.update(pk.Endpoint(id="e", address="only"))


def test_unknown_members_do_not_stop_an_update(pinpoint: pk.Pinpoint) -> None:
    """What a later service sent can be sent back: read, change, write."""
    pinpoint.endpoints.update(attrs.evolve(endpoint(1), extra={"NewThing": {"a": 1}}))
    assert pinpoint.endpoints.update_many([endpoint(2, extra={"NewThing": 1})]).accepted == 1
    pinpoint.endpoints.update(pinpoint.endpoints.get("e-1"))


def test_many(pinpoint: pk.Pinpoint) -> None:
    """More than a request holds goes in several, with progress; the input is read as needed."""
    progress: list[int] = []
    report = pinpoint.endpoints.update_many(
        (endpoint(n) for n in range(250)), on_progress=progress.append
    )
    assert (report.accepted, report.rejected, report.requests, report.total) == (250, (), 3, 250)
    assert progress == [100, 200, 250]
    assert report.raise_for_rejected() is report
    assert pinpoint.endpoints.get("e-249").address == "+351000000249"
    assert pinpoint.endpoints.update_many([]) == pk.BatchReport()


def test_poison_is_found_by_halving(pinpoint: pk.Pinpoint) -> None:
    """One item that the service refuses, and some that we do, are rejected by themselves."""
    items = [endpoint(n) for n in range(120)]
    items[7] = pk.Endpoint(id="half", address="only")  # refused by the service
    items[50] = endpoint(50, attributes={"k": ["v" * 101]})  # refused before sending
    items[51] = pk.Endpoint(address="none")  # has no id
    items[110] = endpoint(110, address="x" * 20_000)  # never fits
    report = pinpoint.endpoints.update_many(items)
    assert report.accepted == 116
    assert [(r.index, r.id) for r in report.rejected] == [
        (7, "half"),
        (50, "e-50"),
        (51, ""),
        (110, "e-110"),
    ]
    assert "Missing" in report.rejected[0].reason
    assert "15000" in report.rejected[3].reason
    assert repr(report).count("only") == 0
    with pytest.raises(BadRequest, match="4 of 120 endpoints rejected; item 7"):
        report.raise_for_rejected()
    assert pinpoint.endpoints.get("e-6").id == "e-6"
    assert pinpoint.endpoints.get("e-8").id == "e-8"


def test_wrong_types_stop_at_their_place(pinpoint: pk.Pinpoint) -> None:
    """A dict is no endpoint; the message says which item it was."""
    with pytest.raises(InvalidTypeError, match=r"expected an Endpoint, got dict.* @ \$\[1\]"):
        pinpoint.endpoints.update_many([endpoint(1), {"id": "e"}])  # type: ignore[list-item]


def test_megabytes_are_split() -> None:
    """8 MB of endpoints arrive in requests of less than 7 MB, by bytes and not by count."""
    limits = attrs.evolve(DEFAULT_LIMITS, max_endpoints_per_request=10_000)
    with pk.connect("sqlite://", limits=limits) as pinpoint:
        sizes: list[int] = []
        pinpoint.client.meta.events.register(
            "before-send.pinpoint.UpdateEndpointsBatch",
            lambda request, **_: sizes.append(len(request.body)),
        )
        pinpoint.client.meta.events.register_first(
            "before-send.pinpoint.UpdateEndpointsBatch",
            lambda request, **_: sizes.append(len(request.body)),
        )
        report = pinpoint.endpoints.update_many(
            endpoint(n, address="x" * 14_000) for n in range(580)
        )
    assert (report.accepted, report.requests) == (580, 2)
    assert max(sizes) <= 7_000_000
    assert sum(set(sizes)) > 8_000_000


def test_input_is_read_lazily(pinpoint: pk.Pinpoint) -> None:
    """When the first request is sent, little more than a hundred items were read."""
    read = 0
    at_first: list[int] = []

    def items() -> Iterator[pk.Endpoint]:
        nonlocal read
        for n in range(300):
            read += 1
            yield endpoint(n)

    pinpoint.endpoints.update_many(items(), on_progress=lambda _: at_first.append(read))
    assert at_first[0] == 101


def test_an_unknown_application() -> None:
    """It is NotFound, for one and for many."""
    with pk.connect("sqlite://", application_id="0" * 32) as pinpoint:
        with pytest.raises(NotFound):
            pinpoint.endpoints.update(endpoint(1))
        with pytest.raises(NotFound):
            pinpoint.endpoints.update_many([endpoint(1)])


# Applications


def test_applications(pinpoint: pk.Pinpoint) -> None:
    """Create with tags, list over pages, find the first of several, delete."""
    first = pinpoint.applications.create("twice", tags={"team": "a"})
    second = pinpoint.applications.create("twice")
    assert first.tags == {"team": "a"}
    assert pinpoint.applications.find_or_create("twice").id == first.id
    assert pinpoint.applications.delete(first.id).id == first.id
    assert pinpoint.applications.find_or_create("twice").id == second.id
    for number in range(105):
        pinpoint.applications.create(f"n{number}")
    assert len(pinpoint.applications.list()) == 107
    for name in ("", "  ", 5):
        with pytest.raises(ConfigurationError):
            pinpoint.applications.find_or_create(name)  # type: ignore[arg-type]  # the point


def test_an_answer_that_is_no_application(pinpoint: pk.Pinpoint) -> None:
    """An application without an id is no answer, and not the caller's mistake."""

    def replace(response_dict: dict[str, Any], **_: object) -> None:
        response_dict["body"] = b"{}"

    pinpoint.client.meta.events.register_first("before-parse.pinpoint.CreateApp", replace)
    with pytest.raises(TransportError, match="no application"):
        pinpoint.applications.create("x")


def connect_at_once(url: str, start: Any, found: Any) -> None:
    """Return what one of several processes does."""
    start.wait(30)
    with pk.connect(url, application="shop") as pinpoint:
        found.put(pinpoint.application_id)


def test_processes_agree_on_one_application(tmp_path: Path) -> None:
    """Processes that start at the same moment on a new file find or create the same one."""
    context = multiprocessing.get_context("spawn")
    start, found = context.Barrier(2), context.Queue()
    url = f"sqlite:///{tmp_path}/shop.db"
    processes = [
        context.Process(target=connect_at_once, args=(url, start, found)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    ids = {found.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(30)
    assert len(ids) == 1
    with pk.connect(url, application="shop") as pinpoint:
        assert [app.id for app in pinpoint.applications.list()] == list(ids)
