"""Laws of the codec: what goes out comes back, and reprs stay discreet whatever they hold."""

from __future__ import annotations

import copy
import datetime as dt
import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pinpoint_kit.errors import ValidationError
from pinpoint_kit.models import (
    AttributeDimension,
    AttributeType,
    ChannelType,
    ComparisonOperator,
    Demographic,
    DimensionType,
    Endpoint,
    Event,
    GPSCoordinates,
    GPSPointDimension,
    GroupType,
    Include,
    Location,
    MetricDimension,
    OptOut,
    Segment,
    SegmentDemographics,
    SegmentDimensions,
    SegmentGroup,
    SegmentGroupList,
    SegmentLocation,
    SegmentReference,
    Session,
    SetDimension,
    User,
    wire,
)
from pinpoint_kit.models.wire.codec import NAMES

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)
LISTS = st.dictionaries(TEXT, st.lists(TEXT, max_size=3), max_size=3)
INSTANT = st.datetimes(
    dt.datetime(1, 1, 2),  # noqa: DTZ001 -- hypothesis adds the zone
    dt.datetime(9999, 12, 30),  # noqa: DTZ001 -- as above
    timezones=st.just(dt.timezone.utc),
).map(lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000))


def optional(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Draw that, or nothing."""
    return st.one_of(st.none(), strategy)


ENDPOINTS = st.builds(
    Endpoint,
    id=optional(TEXT),
    channel_type=optional(st.sampled_from(ChannelType)),
    address=optional(TEXT),
    attributes=optional(LISTS),
    metrics=optional(st.dictionaries(TEXT, NUMBER, max_size=3)),
    demographic=optional(st.builds(Demographic, locale=optional(TEXT), make=optional(TEXT))),
    location=optional(
        st.builds(Location, city=optional(TEXT), latitude=optional(NUMBER), region=optional(TEXT))
    ),
    user=optional(st.builds(User, id=optional(TEXT), attributes=optional(LISTS))),
    opt_out=optional(st.sampled_from(OptOut)),
    effective_date=optional(INSTANT),
    creation_date=optional(INSTANT),
    cohort_id=optional(TEXT),
)
EVENTS = st.builds(
    Event,
    type=TEXT.filter(bool),
    id=optional(TEXT),
    timestamp=optional(INSTANT),
    attributes=optional(st.dictionaries(TEXT, TEXT, max_size=3)),
    metrics=optional(st.dictionaries(TEXT, NUMBER, max_size=3)),
    session=optional(
        st.builds(
            Session,
            id=TEXT.filter(bool),
            start_timestamp=optional(INSTANT),
            duration_ms=optional(st.integers(0, 2**63 - 1)),
        )
    ),
    app_title=optional(TEXT),
)


@given(ENDPOINTS)
@settings(max_examples=150, deadline=None)
def test_endpoints(endpoint: Endpoint) -> None:
    """Model to JSON and back is the same model, through real bytes."""
    data = json.loads(wire.encode(wire.to_wire(endpoint)))
    assert wire.from_wire(Endpoint, data, strict=True) == endpoint
    assert pickle.loads(pickle.dumps(endpoint)) == endpoint  # noqa: S301 -- our own bytes
    assert copy.deepcopy(endpoint) == endpoint


@given(EVENTS)
@settings(max_examples=150, deadline=None)
def test_events(event: Event) -> None:
    """The same for events and their sessions."""
    data = json.loads(wire.encode(wire.to_wire(event)))
    assert wire.from_wire(Event, data, strict=True) == event


VALUES = st.lists(TEXT, max_size=3)
SETS = st.builds(
    SetDimension, values=VALUES, dimension_type=optional(st.sampled_from(DimensionType))
)
DIMENSIONS = st.builds(
    SegmentDimensions,
    attributes=optional(
        st.dictionaries(
            TEXT,
            st.builds(
                AttributeDimension,
                values=VALUES,
                attribute_type=optional(st.sampled_from(AttributeType)),
            ),
            max_size=2,
        )
    ),
    metrics=optional(
        st.dictionaries(
            TEXT,
            st.builds(
                MetricDimension,
                comparison_operator=st.sampled_from(ComparisonOperator),
                value=NUMBER,
            ),
            max_size=2,
        )
    ),
    demographic=optional(
        st.builds(SegmentDemographics, platform=optional(SETS), channel=optional(SETS))
    ),
    location=optional(
        st.builds(
            SegmentLocation,
            country=optional(SETS),
            gps_point=optional(
                st.builds(
                    GPSPointDimension,
                    coordinates=st.builds(GPSCoordinates, latitude=NUMBER, longitude=NUMBER),
                    range_in_kilometers=optional(NUMBER),
                )
            ),
        )
    ),
)
SEGMENTS = st.builds(
    Segment,
    id=TEXT.filter(bool),
    name=optional(TEXT),
    version=optional(st.integers(1, 2**31)),
    dimensions=optional(DIMENSIONS),
    segment_groups=optional(
        st.builds(
            SegmentGroupList,
            groups=optional(
                st.lists(
                    st.builds(
                        SegmentGroup,
                        dimensions=optional(st.lists(DIMENSIONS, max_size=2)),
                        type=optional(st.sampled_from(GroupType)),
                        source_segments=optional(
                            st.lists(st.builds(SegmentReference, id=TEXT.filter(bool)), max_size=2)
                        ),
                    ),
                    max_size=2,
                )
            ),
            include=optional(st.sampled_from(Include)),
        )
    ),
    last_modified_date=optional(INSTANT),
)


@given(SEGMENTS)
@settings(max_examples=80)
def test_segments(segment: Segment) -> None:
    """The same for segments, with models in models, by name and in order."""
    data = json.loads(wire.encode(wire.to_wire(segment)))
    assert wire.from_wire(Segment, data, strict=True) == segment
    assert pickle.loads(pickle.dumps(segment)) == segment  # noqa: S301 -- our own bytes
    assert copy.deepcopy(segment) == segment


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), NUMBER, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
MEMBERS = st.dictionaries(
    st.one_of(st.sampled_from([*NAMES[Endpoint].values(), "New"]), TEXT), JSON, max_size=6
)


@given(MEMBERS)
@settings(max_examples=300, deadline=None)
def test_any_object_can_be_read(data: dict[str, object]) -> None:
    """Whatever a server sends is an endpoint, and what could not be read is kept."""
    endpoint = wire.from_wire(Endpoint, data)
    again = wire.to_wire(endpoint)
    given_members = {name for name, value in data.items() if value is not None}
    assert set(again) == given_members
    assert wire.from_wire(Endpoint, again) == endpoint


@given(MEMBERS)
@settings(max_examples=200, deadline=None)
def test_strict_reading_fails_only_as_validation(data: dict[str, object]) -> None:
    """Strict reading gives the same model, or a located ValidationError."""
    problem = None
    try:
        endpoint = wire.from_wire(Endpoint, data, strict=True)
    except ValidationError as error:
        problem = error
    else:
        assert endpoint == wire.from_wire(Endpoint, data)
    assert problem is None or (problem.path.startswith("$.") and problem.path.isprintable())


@given(st.datetimes(), st.integers(-1439, 1439))
@settings(max_examples=200, deadline=None)
def test_instants_with_any_offset(local: dt.datetime, minutes: int) -> None:
    """Text with an offset is the instant that Python computes, or is outside of the years."""
    zone = dt.timezone(dt.timedelta(minutes=minutes))
    aware = local.replace(tzinfo=zone)
    try:
        expected = aware.astimezone(dt.timezone.utc)
    except OverflowError:
        with pytest.raises(ValidationError):
            Event(type="t", timestamp=aware.isoformat())
        return
    event = Event(type="t", timestamp=aware.isoformat())
    assert event.timestamp == expected.replace(microsecond=expected.microsecond // 1000 * 1000)
    assert event == Event(type="t", timestamp=aware)


@given(st.text(min_size=1, max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_instant_or_refused(text: str) -> None:
    """No text makes anything but an instant or a ValidationError."""
    path = "$.timestamp"
    try:
        event = Event(type="t", timestamp=text)
    except ValidationError as error:
        path = error.path
    else:
        assert event.timestamp is not None
    assert path == "$.timestamp"


MARK = "MARKED"


@given(st.text(max_size=10), st.text(max_size=10))
@settings(max_examples=100, deadline=None)
def test_reprs_and_problems_are_discreet(before: str, after: str) -> None:
    """Whatever surrounds it, personal text shows neither in a repr nor in a message."""
    secret = f"{before}{MARK}{after}"
    endpoint = Endpoint(
        address=secret,
        attributes={secret: [secret]},
        metrics={secret: 1.0},
        user=User(id=secret, attributes={secret: [secret]}, extra={secret: secret}),
        location=Location(city=secret, postal_code=secret, region=secret, latitude=1.25),
        extra={secret: secret},
    )
    assert MARK not in repr(endpoint)
    assert "1.25" not in repr(endpoint)
    assert MARK not in repr(Event(type="t", attributes={secret: secret}, metrics={secret: 1}))
    for make in (
        lambda: Endpoint(channel_type=secret),
        lambda: Event(type="t", timestamp=f"x{secret}"),
        lambda: Endpoint(metrics={"n": secret}),  # type: ignore[dict-item]  # as above
        lambda: wire.encode({"a": f"{secret}\ud800"}),
        lambda: wire.from_json(f'{{"a": {secret}'),
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        assert MARK not in str(caught.value)
        assert MARK.encode() not in pickle.dumps(caught.value)
