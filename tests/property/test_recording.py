"""Laws of recording: the short way of a usual event and the long way of any event are one."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import attrs
from hypothesis import given
from hypothesis import strategies as st

from pinpoint_kit import Limits, Session
from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import wire
from pinpoint_kit.recording.details import EventPolicy
from pinpoint_kit.recording.recorder import Recorder

if TYPE_CHECKING:
    from pinpoint_kit.batching import EventItem
    from pinpoint_kit.delivery import Delivery
    from pinpoint_kit.delivery.pipeline.items import Recorded
    from pinpoint_kit.recording.details import InvalidPolicy

NOW = 1_793_361_600.963
MEMBERS = wire.event_members(app_title="shop", sdk_name="bench")


class Text(str):
    """Text that is not of type `str` itself."""

    __slots__ = ()


NAMES = st.text(max_size=15) | st.just(Text("name"))
VALUES = st.text(max_size=30) | st.just("x" * 201) | st.just(Text("value"))
NUMBERS = st.floats() | st.integers() | st.just(10**400) | st.booleans()
WRONG = st.none() | st.just(b"bytes") | st.sampled_from([7, True])
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=6) | st.dictionaries(
    NAMES | WRONG, VALUES | WRONG, max_size=2
)
METRICS = st.dictionaries(NAMES, NUMBERS, max_size=6) | st.dictionaries(
    NAMES | WRONG, NUMBERS | WRONG | VALUES, max_size=2
)
SESSIONS = st.builds(
    Session,
    id=st.text(min_size=1, max_size=10),
    start_timestamp=st.just("2026-10-30T12:00:00.000Z"),
    duration_ms=st.none() | st.integers(0, 10**6),
    extra=st.just({}) | st.just({"More": ["of", "it"]}),
)
MANY_NAMES = st.just({f"name-{number}": "" for number in range(41)})


@attrs.define
class Queue:
    """What the recorder hands on."""

    queued: list[tuple[str, str, bytes]] = attrs.field(factory=list)
    refused: list[tuple[str, str]] = attrs.field(factory=list)
    truncated: int = 0
    left_out: int = 0

    def put_plain(self, endpoint_id: str, event_id: str, fragment: bytes) -> bool:
        self.queued.append((endpoint_id, event_id, fragment))
        return True

    def enqueue(self, endpoint_id: str, event_id: str, fragment: bytes, *_: object) -> None:
        self.queued.append((endpoint_id, event_id, fragment))

    def reject(self, item: Recorded, reason: str, message: str) -> None:
        assert item.event_id
        self.refused.append((reason, message))

    def count_truncated(self) -> None:
        self.truncated += 1

    def count_left_out(self, number: int) -> None:
        self.left_out += number


@given(
    endpoint_id=st.text(max_size=10) | st.just(Text("device")) | st.just("a}") | WRONG,
    event_type=st.text(max_size=10),
    attributes=st.none() | ATTRIBUTES | MANY_NAMES,
    metrics=st.none() | METRICS,
    session=st.none() | SESSIONS,
    invalid=st.sampled_from(["reject", "truncate"]),
    room=st.sampled_from([300, 1_000]),
)
def test_both_ways_give_the_same_bytes_and_the_same_refusals(  # noqa: PLR0913, PLR0917 -- the parts of an event
    endpoint_id: str,
    event_type: str,
    attributes: dict[str, str] | None,
    metrics: dict[str, float] | None,
    session: Session | None,
    invalid: InvalidPolicy,
    room: int,
) -> None:
    """An event is recorded as `put`, which has only the long way, would send or refuse it."""
    queue = Queue()
    recorder = Recorder(
        cast("Delivery", queue),
        limits=Limits(max_event_bytes=room),
        policy=EventPolicy(invalid=invalid, members=MEMBERS),
        clock=lambda: NOW,
    )

    def encoded(event_id: str) -> EventItem:
        return recorder.encoded(
            endpoint_id,
            event_type,
            event_id,
            {"attributes": attributes, "metrics": metrics, "session": session},
        )

    event_id = recorder.record(endpoint_id, event_type, attributes, metrics, session)
    counted = queue.truncated, queue.left_out
    expected: tuple[list[object], list[object]]
    try:
        item = encoded(event_id)
        expected = [(item.endpoint_id, event_id, item.fragment)], []
    except ValidationError as problem:
        expected = [], [(problem.reason, problem.message)]
    assert (queue.queued, queue.refused) == expected
    if not queue.refused:
        assert (queue.truncated, queue.left_out) == (2 * counted[0], 2 * counted[1])


def test_a_session_shows_what_is_added_to_it_between_two_events() -> None:
    """A session is encoded once, but not for longer than it stays as it is."""
    queue = Queue()
    recorder = Recorder(cast("Delivery", queue), limits=Limits(), policy=EventPolicy())
    session = Session(id="session-1")
    recorder.record("device-1", "level_up", session=session)
    session.extra["More"] = "of it"
    recorder.record("device-1", "level_up", session=session)
    assert [b'"More":"of it"' in fragment for _, _, fragment in queue.queued] == [False, True]
