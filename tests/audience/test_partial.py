"""What an error tells of the part of a long call that was done before it."""

from __future__ import annotations

import pickle
import sys
from typing import TYPE_CHECKING, Any

import pytest

import pinpoint_kit as pk
from pinpoint_kit.errors import Forbidden, InvalidTypeError, TransportTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def pinpoint() -> Iterator[pk.Pinpoint]:
    """Give a client in process that tries everything once."""
    with pk.connect("sqlite://", retry=pk.RetryPolicy(max_attempts=1)) as client:
        yield client


def endpoint(number: int, **fields: Any) -> pk.Endpoint:
    """Return an endpoint that the service takes."""
    return pk.Endpoint(**{"id": f"e-{number}", "metrics": {"n": number}, **fields})


def failing_source(count: int, error: Exception) -> Iterator[pk.Endpoint]:
    """Yield some endpoints, one of them refused before it is sent, and then an error."""
    for number in range(count):
        yield endpoint(number, attributes={"k": ["v" * (101 if number == 30 else 1)]})
    raise error


def fail_from(
    pinpoint: pk.Pinpoint, operation: str, number: int, failure: Callable[[], Any]
) -> None:
    """Has the n-th request of an operation and all later ones fail."""
    seen = 0

    def hook(**_: object) -> Any:
        nonlocal seen
        seen += 1
        return failure() if seen >= number else None

    pinpoint.client.meta.events.register_first(f"before-send.pinpoint.{operation}", hook)


def refused() -> Any:
    """Return the answer of a service that has taken the permission away."""
    from botocore.awsrequest import AWSResponse  # noqa: PLC0415 -- for this answer only

    class Raw:
        def stream(self, **_: object) -> Iterator[bytes]:
            yield b'{"Message":"no"}'

    headers: Any = {"x-amzn-ErrorType": "ForbiddenException"}
    return AWSResponse("http://engine.invalid", 403, headers, Raw())


def timeout() -> Any:
    """Return what botocore raises when no answer comes."""
    from botocore.exceptions import ReadTimeoutError  # noqa: PLC0415 -- as above

    raise ReadTimeoutError(endpoint_url="http://engine.invalid")


# update_many


def test_a_source_that_fails_loses_nothing_that_was_read(pinpoint: pk.Pinpoint) -> None:
    """What came before the failure is sent, and the failure comes as it was, with the counts."""
    problem = RuntimeError("the file ends here")
    with pytest.raises(RuntimeError) as caught:
        pinpoint.endpoints.update_many(failing_source(250, problem))
    assert caught.value is problem
    assert pinpoint.endpoints.get("e-249").id == "e-249"
    if sys.version_info >= (3, 11):
        assert problem.__notes__ == [
            "update_many: 249 endpoints were accepted and 1 rejected before this, in 3 requests"
        ]


def test_an_item_of_a_wrong_type_loses_nothing_either(pinpoint: pk.Pinpoint) -> None:
    """The endpoints before it are sent, and the error has the report."""
    items: list[Any] = [*(endpoint(n) for n in range(150)), {"id": "e"}, endpoint(151)]
    with pytest.raises(InvalidTypeError, match=r"\$\[150\]") as caught:
        pinpoint.endpoints.update_many(items)
    assert caught.value.report == pk.BatchReport(accepted=150, requests=2)
    assert pinpoint.endpoints.get("e-149").id == "e-149"


@pytest.mark.parametrize(
    ("failure", "kind"), [(refused, Forbidden), (timeout, TransportTimeoutError)]
)
def test_a_failure_half_way_has_the_report(
    pinpoint: pk.Pinpoint, failure: Callable[[], Any], kind: type[pk.PinpointKitError]
) -> None:
    """What was accepted and rejected before is told, in another process too."""
    fail_from(pinpoint, "UpdateEndpointsBatch", 3, failure)
    items = [endpoint(n) for n in range(250)]
    items[7] = pk.Endpoint(id="long", attributes={"k": ["v" * 101]})
    with pytest.raises(kind) as caught:
        pinpoint.endpoints.update_many(items)
    report = caught.value.report
    assert report is not None
    assert (report.accepted, report.requests, report.total) == (200, 3, 201)
    assert [(rejection.index, rejection.id) for rejection in report.rejected] == [(7, "long")]
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own bytes
    assert again.report == report


def test_a_source_and_the_service_that_both_fail(pinpoint: pk.Pinpoint) -> None:
    """The service's error has the report, and the source's is its cause."""
    fail_from(pinpoint, "UpdateEndpointsBatch", 2, refused)
    problem = RuntimeError("the file ends here")
    with pytest.raises(Forbidden) as caught:
        pinpoint.endpoints.update_many(failing_source(150, problem))
    assert caught.value.__cause__ is problem
    assert caught.value.report is not None
    assert caught.value.report.accepted == 100


def test_a_source_can_be_read_on_after_a_failure(pinpoint: pk.Pinpoint) -> None:
    """A generator of the caller's is not closed by a failure of the service."""
    fail_from(pinpoint, "UpdateEndpointsBatch", 1, refused)
    source = (endpoint(n) for n in range(300))
    with pytest.raises(Forbidden) as caught:
        pinpoint.endpoints.update_many(source)
    del caught
    assert next(source).id == "e-101"


def test_a_callback_that_fails_keeps_its_own_context(pinpoint: pk.Pinpoint) -> None:
    """An error of `on_progress` comes as it is."""

    def fail(_: int) -> None:
        try:
            int("x")
        except ValueError:
            raise ValueError("outer")  # noqa: B904 -- the context is what is tested

    with pytest.raises(ValueError, match="outer") as caught:
        pinpoint.endpoints.update_many([endpoint(1)], on_progress=fail)
    assert isinstance(caught.value.__context__, ValueError)
    assert not caught.value.__suppress_context__


# put_many


@pytest.mark.parametrize(
    ("failure", "kind"), [(refused, Forbidden), (timeout, TransportTimeoutError)]
)
def test_put_many_that_fails_half_way_has_the_results(
    pinpoint: pk.Pinpoint, failure: Callable[[], Any], kind: type[pk.PinpointKitError]
) -> None:
    """Each event has its result, or None where no answer came, in the order given."""
    fail_from(pinpoint, "PutEvents", 2, failure)
    events = [("e", pk.Event(type="t", id=str(n))) for n in range(150)]
    events[120] = ("e", pk.Event(type="t", id="long", app_title="x" * 1_000_000))
    with pytest.raises(kind) as caught:
        pinpoint.events.put_many(events)
    results = caught.value.results
    assert results is not None
    assert [result and result.event_id for result in results] == [
        *(str(n) for n in range(100)),
        *[None] * 20,
        "long",
        *[None] * 29,
    ]
    assert all(result.is_accepted for result in results[:100] if result)
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own bytes
    assert again.results == results


def test_put_many_sends_nothing_of_a_source_that_fails(pinpoint: pk.Pinpoint) -> None:
    """All events are read before the first request."""

    def source() -> Iterator[tuple[str, pk.Event]]:
        for number in range(150):
            yield "e", pk.Event(type="t", id=str(number))
        raise RuntimeError("the file ends here")

    fail_from(pinpoint, "PutEvents", 1, lambda: pytest.fail("something was sent"))
    with pytest.raises(RuntimeError, match="ends here"):
        pinpoint.events.put_many(source())
