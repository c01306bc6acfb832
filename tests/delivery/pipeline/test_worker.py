"""What delivery does with answers and failures, step by step and without a thread."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import pytest

from pinpoint_kit import errors
from pinpoint_kit.limits import Limits
from pinpoint_kit.transport import PutEventsAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.models.event import EventResult
    from tests.delivery.conftest import Rig


def counts(rig: Rig) -> tuple[int, int, int, int]:
    """Return accepted, rejected, dropped and pending, after checking that they add up."""
    report = rig.delivery.stats()
    parts = (report.accepted, report.rejected, report.dropped, report.pending)
    assert sum(parts) == report.recorded
    assert report.rejected + report.dropped == sum(report.reasons.values())
    return parts


def future() -> Future[EventResult]:
    """Return a future as `submit` makes it."""
    made: Future[EventResult] = Future()
    made.set_running_or_notify_cancel()
    return made


def test_accepted_events_are_counted_and_their_futures_hold_the_answer(rig: Rig) -> None:
    """An accepted event settles as accepted, and its future gives the service's answer."""
    waits = future()
    rig.record("1", future=waits)
    rig.run()
    assert counts(rig) == (1, 0, 0, 0)
    assert waits.result(0).is_accepted
    assert waits.result(0).request_id == "request-1"


def test_one_request_carries_a_hundred_events_grouped_by_endpoint(rig: Rig) -> None:
    """250 events of two endpoints go out in three requests, each of at most 100 events."""
    for number in range(250):
        rig.record(str(number), f"e{number % 2}")
    rig.run()
    sizes = [sum(len(item["Events"]) for item in r.values()) for r in rig.service.requests]
    assert sizes == [100, 100, 50]
    assert counts(rig) == (250, 0, 0, 0)


def test_a_refused_event_is_rejected_with_the_services_message(rig: Rig) -> None:
    """A 400 for one event rejects that one; the others of the request are accepted."""
    waits = future()
    rig.service.statuses["bad"] = 400
    rig.record("good")
    rig.record("bad", future=waits)
    rig.run()
    assert counts(rig) == (1, 1, 0, 0)
    assert rig.delivery.stats().reasons == {"status_400": 1}
    assert waits.result(0).status_code == 400
    with pytest.raises(errors.BadRequest, match="event refused: m"):
        waits.result(0).raise_for_status()


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_event_that_may_pass_later_is_sent_again_alone(rig: Rig, status: int) -> None:
    """429 and 5xx for one event send that event again, and not the accepted ones."""
    rig.service.statuses["slow"] = status
    rig.record("fast", "a")
    rig.record("slow", "b")
    rig.run()
    assert counts(rig) == (1, 0, 0, 1)
    rig.service.statuses.clear()
    rig.run(10.0)
    assert counts(rig) == (2, 0, 0, 0)
    assert rig.service.event_ids == ["fast", "slow", "slow"]


def test_an_event_that_the_answer_does_not_mention_is_sent_again(rig: Rig) -> None:
    """A missing item counts as not yet accepted."""
    rig.service.script.append(lambda _: PutEventsAnswer({}, "r"))
    rig.record("1")
    rig.run()
    assert counts(rig) == (0, 0, 0, 1)
    rig.run(10.0)
    assert counts(rig) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    "garbage", [{"e": None}, {"e": {"EventsItemResponse": []}}, {"e": {"EventsItemResponse": {}}}]
)
def test_a_garbled_answer_keeps_the_events(rig: Rig, garbage: Any) -> None:
    """An answer of the wrong shape settles nothing and loses nothing."""
    rig.service.script.append(lambda _: PutEventsAnswer(garbage, "r"))
    rig.record("1")
    rig.run()
    assert counts(rig) == (0, 0, 0, 1)
    rig.run(10.0)
    assert counts(rig) == (1, 0, 0, 0)


def test_a_poison_event_holds_no_others_back(rig: Rig) -> None:
    """An event that always fails waits longer each time, while other endpoints go through."""
    rig.service.statuses["poison"] = 500
    rig.record("poison", "p")
    rig.run()
    for number in range(5):
        rig.record(str(number), "q")
        rig.run(0.0)
    assert counts(rig) == (5, 0, 0, 1)


def test_later_events_of_an_endpoint_wait_behind_the_one_that_is_tried_again(rig: Rig) -> None:
    """The order of an endpoint's events is kept over a retry."""
    rig.service.statuses["1"] = 500
    rig.record("1")
    rig.run()
    rig.record("2")
    rig.record("3", "other")
    rig.run()
    assert rig.service.event_ids == ["1", "3"]
    rig.service.statuses.clear()
    rig.run(10.0)
    assert rig.service.event_ids == ["1", "3", "1", "2"]
    assert counts(rig) == (3, 0, 0, 0)


@pytest.mark.parametrize(
    "error",
    [
        errors.TransportError("no answer"),
        errors.TransportTimeoutError("no answer in time"),
        errors.TooManyRequests("slow down", status=429),
        errors.InternalServerError("oops", status=500),
        RuntimeError("a hook of the caller's client failed"),
    ],
)
def test_a_failed_request_keeps_its_events_and_pauses(rig: Rig, error: Exception) -> None:
    """Whole-request failures that may pass keep every event, and nothing is sent for a while."""
    rig.service.script.append(error)
    rig.record("1")
    rig.run()
    rig.record("2", "other")
    rig.clock.now += 0.0
    assert counts(rig) == (0, 0, 0, 2)
    rig.run(10.0)
    assert counts(rig) == (2, 0, 0, 0)
    assert rig.delivery.stats().retries == 1
    last = rig.delivery.stats().last_error
    assert last.startswith(type(error).__name__)


def test_retry_after_is_obeyed(rig: Rig) -> None:
    """A 429 that asks for 60 seconds is not tried again before they are over."""
    rig.service.script.append(errors.TooManyRequests("slow", status=429, retry_after=60.0))
    rig.record("1")
    rig.run()
    rig.run(59.0)
    assert len(rig.service.requests) == 1
    rig.run(1.5)
    assert counts(rig) == (1, 0, 0, 0)


def test_a_closing_client_does_not_wait_as_long_as_it_was_asked_to(rig: Rig) -> None:
    """Once the client is closing it tries again within a second, since the rest is dropped."""
    asked = errors.TooManyRequests("slow", status=429, retry_after=60.0)
    rig.service.script += [asked, asked]
    rig.record("1")
    rig.run()
    rig.delivery.begin_exit(0.0)
    rig.run(1.0)
    assert len(rig.service.requests) == 2
    rig.run(1.0)
    assert counts(rig) == (1, 0, 0, 0)


@pytest.mark.parametrize("status", [True, 0, -1, 200, 302, 600, 10**30, "400", None])
def test_what_is_no_status_of_an_item_refuses_nothing(rig: Rig, status: object) -> None:
    """Only 4xx refuses an event; after anything but a status the event is tried again."""
    rig.service.statuses["1"] = status  # type: ignore[assignment]  # as a server may answer
    rig.record("1")
    rig.run()
    assert counts(rig) == (0, 0, 0, 1)
    del rig.service.statuses["1"]
    rig.run(10.0)
    assert counts(rig) == (1, 0, 0, 0)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (errors.BadRequest("bad", status=400, code="BadRequestException"), "BadRequestException"),
        (errors.PayloadTooLarge("too", status=413, code="New"), "PayloadTooLarge"),
    ],
)
def test_content_that_cannot_pass_is_rejected_at_once(
    rig: Rig, error: errors.ServiceError, reason: str
) -> None:
    """400, and 413 for a single event, are never tried again; the reason is counted."""
    waits = future()
    rig.service.script.append(error)
    rig.record("1", future=waits)
    rig.run()
    rig.run(1000.0)
    assert counts(rig) == (0, 1, 0, 0)
    assert rig.delivery.stats().reasons == {reason: 1}
    assert len(rig.service.requests) == 1
    assert waits.result(0).status_code == error.status


@pytest.mark.parametrize(
    "error",
    [
        errors.Forbidden("expired", status=403, code="ExpiredTokenException"),
        errors.NotFound("no such application", status=404, code="NotFoundException"),
        errors.TransportError("no usable AWS credentials", is_retryable=False),
        errors.ConfigurationError("no Region"),
    ],
)
def test_what_is_not_the_events_fault_keeps_them(
    make_rig: Callable[..., Rig], error: errors.PinpointKitError, caplog: pytest.LogCaptureFixture
) -> None:
    """Credentials and set-up may be put right: events wait, and the log says what to do."""
    rig = make_rig(give_up_after=60.0)
    rig.service.script.extend([error] * 3)
    rig.record("1")
    for _ in range(3):
        rig.run(6.0)
    assert counts(rig) == (0, 0, 0, 1)
    rig.run(6.0)
    assert counts(rig) == (1, 0, 0, 0)
    assert len(caplog.records) == 1
    assert "events stay pending" in caplog.text
    rig.service.script.extend([error] * 50)
    rig.record("2")
    for _ in range(20):
        rig.run(6.0)
    assert counts(rig) == (1, 0, 1, 0)
    letter = rig.delivery.dead_letters()[0]
    assert letter.reason == "undeliverable"
    assert type(error).__name__ in letter.message or "Exception (" in letter.message


def test_a_request_that_is_too_large_is_halved_until_it_fits(rig: Rig) -> None:
    """413 splits; the order is kept and everything arrives."""

    def limit(request: dict[str, Any]) -> PutEventsAnswer:
        if sum(len(item["Events"]) for item in request.values()) > 3:
            rig.service.script.append(limit)
            rig.service.script.append(limit)
            raise errors.PayloadTooLarge("too large", status=413)
        return rig.service.accept(request)

    rig.service.script.append(limit)
    for number in range(10):
        rig.record(str(number))
    rig.run()
    assert counts(rig) == (10, 0, 0, 0)
    sent = [r for r in rig.service.requests if sum(len(i["Events"]) for i in r.values()) <= 3]
    assert [e for r in sent for i in r.values() for e in i["Events"]] == list("0123456789")


def test_one_bad_event_in_a_refused_request_is_found(rig: Rig) -> None:
    """A 400 for the whole request names no item, so halves find it; the rest is accepted."""

    def refuse(request: dict[str, Any]) -> PutEventsAnswer:
        rig.service.script.append(refuse)
        if any("7" in item["Events"] for item in request.values()):
            raise errors.BadRequest("no", status=400, code="BadRequestException")
        return rig.service.accept(request)

    rig.service.script.append(refuse)
    for number in range(10):
        rig.record(str(number))
    rig.run()
    assert counts(rig) == (9, 1, 0, 0)


def test_an_event_that_can_never_fit_is_rejected_by_itself(
    make_rig: Callable[..., Rig],
) -> None:
    """An event over the limit is rejected with its size and the limit; others go out."""
    rig = make_rig(Limits(max_event_request_bytes=500))
    waits = future()
    rig.record("small")
    rig.delivery.enqueue("e", "huge", fragment_of("huge", 600), future=waits)
    rig.run()
    assert counts(rig) == (1, 1, 0, 0)
    assert waits.result(0).status_code == 413
    assert "at most 500" in waits.result(0).message


def fragment_of(event_id: str, padding: int) -> bytes:
    """Return an encoded event of a certain size."""
    return b'"%b":{"EventType":"%b"}' % (event_id.encode(), b"x" * padding)


def test_an_event_that_never_gets_through_is_given_up_and_counted(
    make_rig: Callable[..., Rig],
) -> None:
    """After `give_up_after` seconds of failures an event is dropped as undeliverable."""
    rig = make_rig(give_up_after=30.0)
    waits = future()
    rig.service.script.extend([errors.TransportError("down")] * 50)
    rig.record("1", future=waits)
    for _ in range(20):
        rig.run(5.0)
    assert counts(rig) == (0, 0, 1, 0)
    assert rig.delivery.stats().reasons == {"undeliverable": 1}
    with pytest.raises(errors.DeliveryError, match="undeliverable"):
        waits.result(0)


def test_the_log_has_one_line_per_reason_and_interval_and_no_content(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Many losses make one line; its successor an interval later counts what was unsaid."""
    rig.service.statuses.update({str(number): 400 for number in range(300)})
    with caplog.at_level(logging.WARNING):
        for number in range(250):
            rig.record(str(number), "person@example.com")
        rig.run()
        rig.clock.now += 61
        rig.record("299", "person@example.com")
        rig.run()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["100 event(s) rejected: status_400", "151 event(s) rejected: status_400"]


def test_the_log_says_once_that_delivery_is_held_up(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """A service that is down makes one line an interval, however often it is tried."""
    rig.service.script.extend([errors.TransportError("down")] * 5)
    rig.record("1")
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            rig.run(6.0)
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["delivery is held up, events stay pending: TransportError: down"]


def test_endpoint_data_goes_out_with_the_first_event_of_the_request(rig: Rig) -> None:
    """Endpoint data stands in the request beside the events; other data starts a new one."""
    rig.record("1", endpoint=b'{"OptOut":"ALL"}')
    rig.record("2")
    rig.record("3", endpoint=b'{"OptOut":"NONE"}')
    rig.run()
    assert [request["e"]["Endpoint"] for request in rig.service.requests] == [
        {"OptOut": "ALL"},
        {"OptOut": "NONE"},
    ]
    assert rig.service.event_ids == ["1", "2", "3"]
