"""The codec: every documented member, nothing lost, and nothing that JSON cannot hold."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import attrs
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pinpoint_kit as pk
from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.models import (
    Application,
    AttributeDimension,
    ChannelType,
    Criterion,
    Demographic,
    Endpoint,
    Event,
    GPSCoordinates,
    GPSPointDimension,
    ImportDefinition,
    Job,
    JobDefinition,
    Location,
    MetricDimension,
    RecencyDimension,
    Segment,
    SegmentBehaviors,
    SegmentDemographics,
    SegmentDimensions,
    SegmentExplanation,
    SegmentGroup,
    SegmentGroupList,
    SegmentLocation,
    SegmentReference,
    Session,
    SetDimension,
    User,
    wire,
)
from pinpoint_kit.models.base import Model
from pinpoint_kit.models.segments import where
from pinpoint_kit.models.stored_event import StoredEvent
from pinpoint_kit.models.stream import StreamDeadLetter, StreamStatus
from pinpoint_kit.models.wire.codec import NAMES, REQUEST
from tests.model_templates import BY_CLASS
from tests.model_templates import SHAPES as SHAPES_OF_TEMPLATES

SHAPES: list[tuple[type[Model], tuple[str, ...]]] = [
    (Endpoint, ("EndpointRequest", "EndpointResponse", "EndpointBatchItem", "PublicEndpoint")),
    (Demographic, ("EndpointDemographic",)),
    (Location, ("EndpointLocation",)),
    (User, ("EndpointUser",)),
    (Event, ("Event",)),
    (Session, ("Session",)),
    (Application, ("ApplicationResponse",)),
    (Job, ("ImportJobResponse", "ExportJobResponse")),
    (JobDefinition, ("ImportJobResource", "ExportJobResource")),
    (Segment, ("SegmentResponse",)),
    (ImportDefinition, ("SegmentImportResource",)),
    (SegmentGroupList, ("SegmentGroupList",)),
    (SegmentGroup, ("SegmentGroup",)),
    (SegmentReference, ("SegmentReference",)),
    (SegmentDimensions, ("SegmentDimensions",)),
    (SegmentBehaviors, ("SegmentBehaviors",)),
    (SegmentDemographics, ("SegmentDemographics",)),
    (SegmentLocation, ("SegmentLocation",)),
    (AttributeDimension, ("AttributeDimension",)),
    (SetDimension, ("SetDimension",)),
    (MetricDimension, ("MetricDimension",)),
    (RecencyDimension, ("RecencyDimension",)),
    (GPSPointDimension, ("GPSPointDimension",)),
    (GPSCoordinates, ("GPSCoordinates",)),
    (pk.Campaign, ("WriteCampaignRequest", "CampaignResponse")),
    (pk.CampaignState, ("CampaignState",)),
    (pk.CampaignHook, ("CampaignHook",)),
    (pk.CampaignLimits, ("CampaignLimits",)),
    (pk.CustomDelivery, ("CustomDeliveryConfiguration",)),
    (pk.Treatment, ("WriteTreatmentResource", "TreatmentResource")),
    (pk.Activity, ("ActivityResponse",)),
    (pk.Schedule, ("Schedule",)),
    (pk.QuietTime, ("QuietTime",)),
    (pk.EventFilter, ("CampaignEventFilter",)),
    (pk.EventDimensions, ("EventDimensions",)),
    (pk.MessageConfiguration, ("MessageConfiguration",)),
    (pk.Message, ("Message",)),
    (pk.EmailMessage, ("CampaignEmailMessage",)),
    (pk.MessageHeader, ("MessageHeader",)),
    (pk.SMSMessage, ("CampaignSmsMessage",)),
    (pk.CustomMessage, ("CampaignCustomMessage",)),
    (pk.TemplateConfiguration, ("TemplateConfiguration",)),
    (pk.TemplateReference, ("Template",)),
    (pk.MessageResult, ("MessageResult", "EndpointMessageResult")),
    (pk.PhoneNumber, ("NumberValidateResponse",)),
    (pk.InAppMessage, ("CampaignInAppMessage",)),
    (pk.InAppContent, ("InAppMessageContent",)),
    (pk.InAppHeader, ("InAppMessageHeaderConfig",)),
    (pk.InAppBody, ("InAppMessageBodyConfig",)),
    (pk.InAppButton, ("InAppMessageButton",)),
    (pk.InAppButtonStyle, ("DefaultButtonConfiguration", "OverrideButtonConfiguration")),
    *SHAPES_OF_TEMPLATES,
]
#: Members of our own: event files name the event, and a session is handed to other processes.
OURS = {
    Event: {"EventId"},
    pk.MessageResult: {"EndpointId", "UserId"},
    Session: {"EndpointId", "PauseTimestamp"},
}


def members(*shapes: str) -> set[str]:
    """Return the members of shapes of the installed service model."""
    service: Any = botocore.session.Session().get_service_model("pinpoint")
    return {member for shape in shapes for member in service.shape_for(shape).members}


@pytest.mark.parametrize(
    ("cls", "shapes"), SHAPES, ids=lambda value: getattr(value, "__name__", "")
)
def test_names_are_the_service_models(cls: type[Model], shapes: tuple[str, ...]) -> None:
    """Every member of the shapes has its field, and no field has a name of its own invention."""
    expected = members(*shapes) | OURS.get(cls, set())
    assert set(NAMES[cls].values()) == expected - BY_CLASS.get(cls, set())


def test_no_model_is_forgotten() -> None:
    """Each model of the service is among them; the others are answers of our own."""
    ours = {
        Criterion,
        SegmentExplanation,
        StoredEvent,
        pk.ImportRefusal,
        StreamDeadLetter,
        StreamStatus,
    }
    ours |= {pk.DirectEmail, pk.DirectMessage, pk.DirectPush, pk.DirectSms, pk.DirectVoice}
    ours |= {pk.OutboxMessage, pk.OutcomeReport, pk.Recipient, pk.TemplatePreview}
    public = [getattr(pk, name) for name in pk.__all__]
    models = {value for value in public if isinstance(value, type) and issubclass(value, Model)}
    ours |= {pk.CampaignResults, pk.OptedOutAddress, pk.RunResults}
    assert {cls for cls, _ in SHAPES} | ours == models - {pk.EventResult}
    assert set(NAMES) <= models


def test_requests_carry_what_requests_may_carry() -> None:
    """An endpoint read from the service goes back without what only the service sets."""
    assert set(wire.endpoint_request(wire.from_wire(Endpoint, ENDPOINT))) == members(
        "EndpointRequest"
    )
    event = wire.from_wire(Event, EVENT)
    assert set(wire.event_body(event, event.attributes, event.metrics)) == members("Event")


ENDPOINT: dict[str, Any] = {
    "Address": "ada@example.com",
    "ApplicationId": "a" * 32,
    "Attributes": {"plan": ["pro", "beta"], "none": []},
    "ChannelType": "EMAIL",
    "CohortId": "63",
    "CreationDate": "2018-05-01T20:31:48.000Z",
    "Demographic": {
        "AppVersion": "1.0",
        "Locale": "en_US",
        "Make": "apple",
        "Model": "iPhone",
        "ModelVersion": "8",
        "Platform": "ios",
        "PlatformVersion": "11.3.1",
        "Timezone": "America/Los_Angeles",
    },
    "EffectiveDate": "2018-05-07T19:03:29.963Z",
    "EndpointStatus": "ACTIVE",
    "Id": "example_endpoint",
    "Location": {
        "City": "Seattle",
        "Country": "US",
        "Latitude": 47.6,
        "Longitude": -122.3,
        "PostalCode": "98121",
        "Region": "WA",
    },
    "Metrics": {"level": 6.0},
    "OptOut": "ALL",
    "RequestId": "073f7ee6-7cd6-4a56-8b5d-bd9ee2bb4a5f",
    "User": {"UserAttributes": {"name": ["Ada"]}, "UserId": "user-1"},
}
EVENT: dict[str, Any] = {
    "AppPackageName": "com.example",
    "AppTitle": "Shop",
    "AppVersionCode": "3",
    "Attributes": {"a": "", "b": "x"},
    "ClientSdkVersion": "1",
    "EventType": "level_up",
    "Metrics": {"n": 1.5},
    "SdkName": "kit",
    "Session": {
        "Duration": 1000,
        "Id": "s",
        "StartTimestamp": "2020-01-01T00:00:00.000Z",
        "StopTimestamp": "2020-01-01T00:00:01.000Z",
    },
    "Timestamp": "2020-01-01T00:00:00.500Z",
}
JOB: dict[str, Any] = {
    "ApplicationId": "a",
    "CompletedPieces": 1,
    "CompletionDate": "2020-01-01T00:00:01.000Z",
    "CreationDate": "2020-01-01T00:00:00.000Z",
    "Definition": {
        "DefineSegment": False,
        "ExternalId": "e",
        "Format": "CSV",
        "RegisterEndpoints": True,
        "RoleArn": "arn",
        "S3Url": "s3://b/k",
        "S3UrlPrefix": "s3://b/",
        "SegmentId": "s",
        "SegmentName": "n",
        "SegmentVersion": 2,
    },
    "FailedPieces": 0,
    "Failures": ["one", "two"],
    "Id": "job",
    "JobStatus": "COMPLETED",
    "TotalFailures": 2,
    "TotalPieces": 1,
    "TotalProcessed": 7,
    "Type": "IMPORT",
}
APPLICATION: dict[str, Any] = {
    "Arn": "arn:aws:mobiletargeting:us-east-1:1:apps/x",
    "CreationDate": "2020-01-01T00:00:00.000Z",
    "Id": "x",
    "Name": "shop",
    "tags": {"team": "a"},
}
DIMENSIONS: dict[str, Any] = {
    "Attributes": {
        "plan": {"AttributeType": "EXCLUSIVE", "Values": ["pro", "beta"]},
        "a.b": {"Values": []},
    },
    "Behavior": {"Recency": {"Duration": "DAY_7", "RecencyType": "INACTIVE"}},
    "Demographic": {
        "AppVersion": {"Values": ["1"]},
        "Channel": {"DimensionType": "INCLUSIVE", "Values": ["SMS"]},
        "DeviceType": {"Values": ["phone"]},
        "Make": {"Values": ["apple"]},
        "Model": {"Values": ["iPhone"]},
        "Platform": {"DimensionType": "EXCLUSIVE", "Values": ["ios"]},
    },
    "Location": {
        "Country": {"Values": ["PT"]},
        "GPSPoint": {
            "Coordinates": {"Latitude": 38.7, "Longitude": -9.1},
            "RangeInKilometers": 50.0,
        },
    },
    "Metrics": {"level": {"ComparisonOperator": "LESS_THAN_OR_EQUAL", "Value": 3.0}},
    "UserAttributes": {"born": {"AttributeType": "BETWEEN", "Values": ["1970", "1980"]}},
}
SEGMENT: dict[str, Any] = {
    "ApplicationId": "a",
    "Arn": "arn:aws:mobiletargeting:us-east-1:1:apps/a/segments/s",
    "CreationDate": "2020-01-01T00:00:00.000Z",
    "Dimensions": DIMENSIONS,
    "Id": "s",
    "ImportDefinition": {
        "ChannelCounts": {"SMS": 2},
        "ExternalId": "e",
        "Format": "JSON",
        "RoleArn": "arn",
        "S3Url": "s3://b/k",
        "Size": 2,
    },
    "LastModifiedDate": "2020-01-02T00:00:00.000Z",
    "Name": "pros",
    "SegmentGroups": {
        "Groups": [
            {
                "Dimensions": [DIMENSIONS, {}],
                "SourceSegments": [{"Id": "x", "Version": 2}, {"Id": "y"}],
                "SourceType": "ANY",
                "Type": "NONE",
            },
            {},
        ],
        "Include": "ALL",
    },
    "SegmentType": "DIMENSIONAL",
    "Version": 3,
    "tags": {"team": "a"},
}
FULL: list[tuple[type[Model], dict[str, Any]]] = [
    (Segment, SEGMENT),
    (Endpoint, ENDPOINT),
    (Event, EVENT),
    (Job, JOB),
    (Application, APPLICATION),
]
full = pytest.mark.parametrize(
    ("cls", "data"), FULL, ids=lambda value: getattr(value, "__name__", "")
)


@full
def test_a_full_object_survives(cls: type[Model], data: dict[str, Any]) -> None:
    """JSON with every documented member comes back the same, and nothing was put aside."""
    model = wire.from_wire(cls, data, strict=True)
    assert wire.to_wire(model) == data
    assert model.extra == {}  # type: ignore[attr-defined]  # every model has it
    assert wire.from_wire(cls, json.loads(wire.encode(wire.to_wire(model)))) == model


@full
def test_unknown_members_are_kept(cls: type[Model], data: dict[str, Any]) -> None:
    """What a later service sends is kept and written back."""
    later = {**data, "NewThing": {"deep": [1, None, {"x": "y"}]}}
    assert wire.to_wire(wire.from_wire(cls, later)) == later


def test_unknown_members_of_parts_are_kept() -> None:
    """The same inside of a location, demographic, user or session."""
    data = {
        "Location": {"Planet": "Earth"},
        "Demographic": {"Os": 1},
        "User": {"Nick": ["x"]},
    }
    assert wire.to_wire(wire.from_wire(Endpoint, data)) == data


@full
def test_null_members_count_as_absent(cls: type[Model], data: dict[str, Any]) -> None:
    """A null is like no member at all, at any depth that is a model's."""
    required = {"Id", "EventType"}
    nulls = {name: value if name in required else None for name, value in data.items()}
    bare = {name: value for name, value in data.items() if name in required}
    if cls is Endpoint:
        nulls["Id"] = bare["Id"]
    model = wire.from_wire(cls, nulls)
    assert model == wire.from_wire(cls, bare)
    assert model.extra == {}  # type: ignore[attr-defined]  # every model has it


def test_null_inside_of_maps_counts_as_absent() -> None:
    """A null attribute is no attribute."""
    endpoint = wire.from_wire(
        Endpoint, {"Attributes": {"a": None, "b": ["x"]}, "User": {"UserAttributes": {"c": None}}}
    )
    assert endpoint.attributes == {"b": ["x"]}
    assert endpoint.user == User(attributes={})


def test_not_given_differs_from_empty() -> None:
    """Nothing is sent of what was not given; an empty value is sent as it is."""
    assert wire.endpoint_request(Endpoint(id="e")) == {}
    empty = Endpoint(
        id="e",
        address="",
        attributes={"plan": []},
        metrics={},
        location=Location(),
        user=User(id="", attributes={}),
    )
    assert wire.endpoint_request(empty) == {
        "Address": "",
        "Attributes": {"plan": []},
        "Metrics": {},
        "Location": {},
        "User": {"UserId": "", "UserAttributes": {}},
    }


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ChannelType", "TELEPATHY"),
        ("OptOut", ["ALL"]),
        ("EndpointStatus", {"a": 1}),
        ("EffectiveDate", "yesterday"),
        ("EffectiveDate", 1_500_000_000),
        ("Attributes", ["a"]),
        ("Attributes", {"a": {"b": 1}}),
        ("Attributes", {"a": [1]}),
        ("Attributes", {"a": [None]}),
        ("Metrics", {"a": "1"}),
        ("Metrics", {"a": True}),
        ("Address", 5),
        ("Location", "Seattle"),
        ("Location", {"Latitude": "north"}),
        ("User", []),
        ("User", {"UserId": 7}),
        ("Id", 5),
    ],
)
def test_unreadable_members_are_kept(member: str, value: object) -> None:
    """One odd member does not lose the rest: it is kept where it was, and strict refuses it."""
    data = {"Address": "a", member: value}
    endpoint = wire.from_wire(Endpoint, data)
    assert wire.to_wire(endpoint) == data
    if member != "Address":
        assert endpoint.address == "a"
    with pytest.raises(ValidationError) as caught:
        wire.from_wire(Endpoint, data, strict=True)
    assert caught.value.path.startswith(f"$.{member}")


@pytest.mark.parametrize(
    ("cls", "data", "path"),
    [
        (Endpoint, {"Attributes": {"plan": ["a", 5]}}, "$.Attributes.plan[1]"),
        (Endpoint, {"User": {"UserAttributes": {"plan": 5}}}, "$.User.UserAttributes.plan"),
        (Endpoint, {"Location": {"Latitude": "x"}}, "$.Location.Latitude"),
        (Endpoint, {"Metrics": {"a.b": "x"}}, "$.Metrics.a.b"),
        (Event, {"EventType": "e", "Session": {"Id": "s", "Duration": -1}}, "$.Session.Duration"),
        (Event, {"EventType": 5}, "$.EventType"),
        (Application, {"Id": "x", "tags": {"a": 1}}, "$.tags.a"),
        (Job, {"Id": "x", "Failures": "abc"}, "$.Failures"),
        (Job, {"Id": "x", "Definition": {"DefineSegment": "yes"}}, "$.Definition.DefineSegment"),
        (Job, {"Id": "x", "Failures": ["a", 5]}, "$.Failures[1]"),
        (
            Segment,
            {"Id": "x", "Dimensions": {"Metrics": {"level": {"Value": 1}}}},
            "$.Dimensions.Metrics.level",
        ),
        (Segment, {"Id": "x", "Dimensions": {"Metrics": [1]}}, "$.Dimensions.Metrics"),
        (
            Segment,
            {"Id": "x", "Dimensions": {"Location": {"Country": {"Values": ["PT", 5]}}}},
            "$.Dimensions.Location.Country.Values[1]",
        ),
        (
            Segment,
            {"Id": "x", "SegmentGroups": {"Groups": [{}, {"Type": "SOME"}]}},
            "$.SegmentGroups.Groups[1].Type",
        ),
        (Segment, {"Id": "x", "SegmentGroups": {"Groups": {}}}, "$.SegmentGroups.Groups"),
        (
            Segment,
            {"Id": "x", "Dimensions": {"Location": {"GPSPoint": {}}}},
            "$.Dimensions.Location.GPSPoint",
        ),
        (Endpoint, [1], "$"),
        (Endpoint, None, "$"),
    ],
)
def test_strict_problems_are_located(cls: type[Model], data: object, path: str) -> None:
    """The path leads to the member, in the names that the reader of the JSON sees."""
    with pytest.raises(ValidationError) as caught:
        wire.from_wire(cls, data, strict=True)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "member",
    [
        {"Dimensions": {"Metrics": {"level": {"ComparisonOperator": "ROUGHLY", "Value": 1}}}},
        {"Dimensions": {"Attributes": {"a": {"Values": ["x"]}, "b": {"Values": 5}}}},
        {"Dimensions": {"Location": {"GPSPoint": {"Coordinates": {"Latitude": "north"}}}}},
        {"SegmentGroups": {"Groups": [{"SourceSegments": [{"Version": 1}]}]}},
        {"SegmentGroups": {"Groups": "all"}},
        {"ImportDefinition": {"ChannelCounts": {"SMS": "two"}}},
    ],
)
def test_unreadable_parts_of_a_segment_are_kept(member: dict[str, Any]) -> None:
    """What a later service may say in a definition is kept where it was, and written back."""
    data = {"Id": "s", "Name": "n", **member}
    segment = wire.from_wire(Segment, data)
    assert (segment.name, wire.to_wire(segment)) == ("n", data)


def test_null_filters_count_as_absent() -> None:
    """A null filter of an attribute is none."""
    segment = wire.from_wire(Segment, {"Id": "s", "Dimensions": {"Attributes": {"a": None}}})
    assert segment.dimensions == SegmentDimensions(attributes={})


def test_a_segment_is_written_with_one_kind_of_definition() -> None:
    """Dimensions or groups, never both, with a name, and with tags when there are some."""
    plain = where.platform("ios")
    assert wire.segment_request("n", plain.definition(), {"a": "b"}) == {
        "Name": "n",
        "Dimensions": {
            "Demographic": {"Platform": {"DimensionType": "INCLUSIVE", "Values": ["ios"]}}
        },
        "tags": {"a": "b"},
    }
    grouped = wire.segment_request("n", (plain | where.country("PT")).definition())
    assert set(grouped) == {"Name", "SegmentGroups"}


def test_a_missing_member_is_named() -> None:
    """Without its required members there is no model, strict or not."""
    with pytest.raises(ValidationError, match="misses EventType"):
        wire.from_wire(Event, {"Timestamp": "2020-01-01"})
    with pytest.raises(ValidationError, match="misses Id"):
        wire.from_wire(Event, {"EventType": "e", "Session": {}}, strict=True)


def test_what_the_service_sets_is_never_sent_even_when_unreadable() -> None:
    """An odd cohort id does not come back as a member that requests may not carry."""
    endpoint = wire.from_wire(Endpoint, {"Id": 5, "CohortId": 5, "CreationDate": "?"})
    assert wire.endpoint_request(endpoint) == {}
    assert wire.with_id("e", wire.encode(wire.endpoint_request(endpoint))) == b'{"Id":"e"}'


def test_what_is_given_wins_over_what_was_kept() -> None:
    """A member in `extra` never hides the field of its name."""
    kept = wire.from_wire(Endpoint, {"ChannelType": "TELEPATHY"})
    changed = attrs.evolve(kept, channel_type=ChannelType.SMS)
    assert wire.endpoint_request(changed) == {"ChannelType": "SMS"}


@pytest.mark.parametrize(
    ("endpoint_id", "request_body", "expected"),
    [
        ("e", b"{}", {"Id": "e"}),
        (
            'q"\\\u00fc\U0001f600',
            b'{"Address":"a"}',
            {"Id": 'q"\\\u00fc\U0001f600', "Address": "a"},
        ),
    ],
)
def test_with_id(endpoint_id: str, request_body: bytes, expected: dict[str, str]) -> None:
    """The id joins the encoded request as its first member, whatever its characters."""
    assert json.loads(wire.with_id(endpoint_id, request_body)) == expected


@pytest.mark.parametrize(
    "value",
    [
        {"a": "\ud800"},
        {"\udfff": 1},
        {"a": 2**64},
        {"a": -(2**63) - 1},
        {"a": object()},
        {"a": b"x"},
    ],
    ids=["surrogate", "surrogate-key", "big", "small", "object", "bytes"],
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """It is a ValidationError when it is encoded, and its text repeats no value."""
    with pytest.raises(ValidationError, match="cannot be written as JSON"):
        wire.encode(value)


def test_deep_nesting_is_refused() -> None:
    """The encoder's own limit is an error like the others, not a crash."""
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    with pytest.raises(ValidationError):
        wire.encode(deep)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"NaN", b"{'a': 1}"])
def test_what_is_not_json_is_refused(text: bytes) -> None:
    """The message says where; a document that is no JSON is no surprise."""
    with pytest.raises(ValidationError, match=r"is not JSON: .* at line"):
        wire.from_json(text)


NOW = dt.datetime(2026, 10, 30, 12, 0, 0, 123000, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    "members",
    [
        wire.event_members(sdk_name="kit"),
        wire.event_members(app_title="default", sdk_name="kit"),
        wire.event_members(),
    ],
    ids=["apart", "overlapping", "none"],
)
def test_a_fragment_is_the_event(members: wire.Members) -> None:
    """A fragment in braces is `{id: event}` with the client's members; the event's own win."""
    event = Event(type="e", app_title="own", attributes={"a": "b"}, metrics={"n": 1.0})
    body = wire.event_body(event, {"a": "b", "more": "x"}, event.metrics)
    fragment = wire.event_fragment(body, 'id"1', "2020-01-01T00:00:00.000Z", members)
    assert json.loads(b"{" + fragment + b"}") == {
        'id"1': {
            **members.values,
            "EventType": "e",
            "AppTitle": "own",
            "Attributes": {"a": "b", "more": "x"},
            "Metrics": {"n": 1.0},
            "Timestamp": "2020-01-01T00:00:00.000Z",
        }
    }
    assert event.attributes == {"a": "b"}


@pytest.mark.parametrize(
    "seconds", [NOW.timestamp(), 0.0, 1.999999, 0.0005, 1e9, 1.0, 1e9 + 0.9999]
)
def test_a_stamp_is_the_time(seconds: float) -> None:
    """The time of recording is written in whole milliseconds, cut and not rounded."""
    text = wire.stamp(seconds)
    assert len(text) == len("2020-01-01T00:00:00.000Z")
    read = dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
    assert -1e-6 <= seconds - read < 0.00101


_MOMENTS = st.none() | st.just(NOW)
_TEXTS = st.none() | st.just("x")
_EXTRA: st.SearchStrategy[dict[str, int]] = st.just({}) | st.just({"New": 1})
_SESSIONS = st.builds(
    Session,
    id=st.just("s"),
    start_timestamp=_MOMENTS,
    stop_timestamp=_MOMENTS,
    duration_ms=st.none() | st.just(0),
    endpoint_id=_TEXTS,
    pause_timestamp=_MOMENTS,
    extra=_EXTRA,
)


@given(
    st.builds(
        Event,
        type=st.just("e"),
        id=_TEXTS,
        timestamp=_MOMENTS,
        attributes=st.none() | st.just({}) | st.just({"a": "b"}),
        metrics=st.none() | st.just({}) | st.just({"n": 1.0}),
        session=st.none() | _SESSIONS,
        app_title=_TEXTS,
        sdk_name=_TEXTS,
        extra=_EXTRA,
    )
)
def test_the_short_ways_give_what_the_codec_gives(event: Event) -> None:
    """An event's members are the same, whether its parts or the model are written."""
    expected = {**REQUEST.unstructure(event), "Timestamp": ""}
    body = wire.event_body(event, event.attributes, event.metrics)
    assert {**body, "Timestamp": ""} == expected
    if event.app_title is None and event.sdk_name is None and not event.extra:
        parts = wire.event_parts("e", event.attributes, event.metrics, event.session)
        assert {**parts, "Timestamp": ""} == expected


def test_what_rides_along_is_no_event() -> None:
    """The members of a client have no type."""
    assert "EventType" not in wire.event_members(app_title="x").values


@pytest.mark.parametrize("value", [5, b"x"])
def test_members_are_text(value: Any) -> None:
    """What rides on every event is checked when the client is made."""
    with pytest.raises(InvalidTypeError):
        wire.event_members(app_title=value)


SESSION = Session(id="s", start_timestamp="2020-01-01T00:00:00Z")


@pytest.mark.parametrize("members", [wire.event_members(), wire.event_members(sdk_name="kit")])
@pytest.mark.parametrize(
    "event",
    [
        Event(type="t", timestamp="2020-01-01T00:00:00.123Z"),
        Event(type="t", timestamp="2020-01-01T00:00:00Z", attributes={"a": 'ü"', "b": ""}),
        Event(type="t", timestamp="2020-01-01T00:00:00Z", attributes={}, session=SESSION),
        Event(
            type="t",
            timestamp="2020-01-01T00:00:00Z",
            session=attrs.evolve(SESSION, stop_timestamp="2020-01-01T00:00:01Z", duration_ms=1_000),
        ),
    ],
)
def test_a_usual_event_is_written_in_fewer_steps_with_the_same_bytes(
    event: Event, members: wire.Members
) -> None:
    """`encode_usual_event` gives what `event_body` and `event_fragment` give."""
    body = wire.event_body(event, event.attributes, event.metrics)
    assert event.timestamp is not None
    expected = wire.event_fragment(body, 'id"1', wire.iso(event.timestamp), members)
    assert wire.encode_usual_event(event, 'id"1', members) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"timestamp": None},
        {"metrics": {"n": 1.0}},
        {"sdk_name": "own"},
        {"app_title": "own"},
        {"extra": {"New": 1}},
    ],
)
def test_an_unusual_event_is_left_to_the_general_way(changes: dict[str, Any]) -> None:
    """`encode_usual_event` gives None where an event has members that few have."""
    event = attrs.evolve(Event(type="t", timestamp="2020-01-01T00:00:00Z"), **changes)
    assert wire.encode_usual_event(event, "1", wire.event_members(sdk_name="kit")) is None


@pytest.mark.parametrize(
    "name",
    ["app_package_name", "app_title", "app_version_code", "client_sdk_version", "sdk_name"],
)
def test_what_says_where_an_event_comes_from_is_text(name: str) -> None:
    """Each of the five is checked, and the error names it."""
    wrong: dict[str, Any] = {name: 1}
    with pytest.raises(InvalidTypeError, match=name):
        Event(type="t", **wrong)
