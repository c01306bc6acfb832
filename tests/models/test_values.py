"""The models as values: types, instants, frozen, copied, pickled, and discreet."""

from __future__ import annotations

import copy
import datetime as dt
import decimal
import pickle
import re
import traceback
from collections import OrderedDict
from enum import Enum
from types import MappingProxyType
from typing import Any

import attrs
import pytest

from pinpoint_kit.errors import InvalidTypeError, ValidationError
from pinpoint_kit.limits import DEFAULT_LIMITS
from pinpoint_kit.models import (
    Application,
    AttributeDimension,
    ChannelType,
    ComparisonOperator,
    Criterion,
    Demographic,
    Duration,
    Endpoint,
    EndpointStatus,
    Event,
    EventResult,
    GPSCoordinates,
    GPSPointDimension,
    GroupType,
    ImportDefinition,
    Include,
    Job,
    JobDefinition,
    JobFormat,
    JobStatus,
    JobType,
    Location,
    MetricDimension,
    OptOut,
    RecencyDimension,
    RecencyType,
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
    SourceType,
    User,
    wire,
)
from pinpoint_kit.models.base import Model
from pinpoint_kit.models.checks import endpoint_problem, event_problem, require_path_id
from pinpoint_kit.models.event import ImportRefusal
from pinpoint_kit.models.opt_out import OptedOutAddress
from pinpoint_kit.models.sent_message import MessageResult, OutcomeReport
from pinpoint_kit.models.stored_event import StoredEvent
from pinpoint_kit.models.stream import StreamDeadLetter, StreamStatus
from tests.model_campaigns import EXAMPLES
from tests.model_messages import EXAMPLES as MESSAGES
from tests.model_messages import SHOWN as SHOWN_OF_MESSAGES
from tests.model_templates import EXAMPLES as TEMPLATES
from tests.model_templates import SHOWN as SHOWN_OF_TEMPLATES

UTC = dt.timezone.utc

AT = dt.datetime(2020, 2, 29, 23, 59, 58, 987000, tzinfo=UTC)

MODELS: list[Model] = [
    Application(id="a", name="n", arn="arn", creation_date=AT, tags={"k": "v"}),
    Demographic(model="m"),
    Endpoint(
        id="e",
        channel_type=ChannelType.SMS,
        opt_out=OptOut.ALL,
        endpoint_status=EndpointStatus.INACTIVE,
        attributes={"a": ["b"]},
        metrics={"m": 1},
        location=Location(city="x", latitude=1, longitude=2.5),
        demographic=Demographic(make="m"),
        user=User(id="u", attributes={"a": "b"}),
        effective_date=AT,
        extra={"New": 1},
    ),
    Event(type="t", id="i", timestamp=AT, attributes={"a": "b"}, session=Session(id="s")),
    EventResult(endpoint_id="e", event_id="i", status_code=202),
    ImportRefusal(index=0, event_id="i", message="no"),
    Job(id="j", type=JobType.EXPORT, job_status=JobStatus.FAILED, failures=["a"]),  # type: ignore[arg-type]  # a list will do
    JobDefinition(format=JobFormat.JSON, define_segment=True, segment_version=1),
    Location(country="PT"),
    Session(id="s", start_timestamp=AT, duration_ms=5),
    StoredEvent(id="i", endpoint_id="e", type="t", timestamp=AT, session=Session(id="s")),
    User(id="u"),
    AttributeDimension(values=("a", "b")),
    Criterion(path="$", text="ALL", is_met=True),
    GPSCoordinates(latitude=1, longitude=2.5),
    GPSPointDimension(coordinates=GPSCoordinates(latitude=1, longitude=2), range_in_kilometers=3),
    ImportDefinition(format=JobFormat.CSV, size=1, channel_counts={"SMS": 1}),
    MetricDimension(comparison_operator=ComparisonOperator.EQUAL, value=1),
    RecencyDimension(duration=Duration.DAY_7, recency_type=RecencyType.ACTIVE),
    Segment(id="s", name="n", version=2, dimensions=SegmentDimensions(), creation_date=AT),
    SegmentBehaviors(),
    SegmentDemographics(make=SetDimension(values=("m",))),
    SegmentDimensions(
        attributes={"a": AttributeDimension(values=("b",))},
        metrics={"m": MetricDimension(comparison_operator=ComparisonOperator.EQUAL, value=1)},
    ),
    SegmentExplanation(
        segment_id="s",
        endpoint_id="e",
        is_member=False,
        criteria=(Criterion(path="$", is_met=False),),
    ),
    SegmentGroup(
        source_segments=(SegmentReference(id="s"),),
        source_type=SourceType.ANY,
        dimensions=(SegmentDimensions(),),
        type=GroupType.NONE,
    ),
    SegmentGroupList(groups=(SegmentGroup(),), include=Include.ANY),
    SegmentLocation(country=SetDimension(values=("PT",))),
    SegmentReference(id="s", version=1),
    SetDimension(values=("a",)),
    StreamDeadLetter(id="1", endpoint_id="e", record={"event_type": "t", "attributes": {}}),
    StreamStatus(destination="kinesis://events", claim="shop", state="IDLE"),
    *EXAMPLES,
    *MESSAGES,
    *TEMPLATES,
]
each_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)


def test_every_model_is_among_them() -> None:
    """The tests below miss no model."""
    assert {type(model) for model in MODELS} == set(Model.__subclasses__())


@each_model
def test_models_are_frozen_slotted_and_keyword_only(model: Model) -> None:
    """A model cannot change, takes no stray attribute, and no positional argument."""
    name = attrs.fields(type(model))[0].name  # type: ignore[arg-type]  # every model is attrs
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(model, name, "x")
    assert not hasattr(model, "__dict__")
    with pytest.raises(TypeError):
        type(model)("x")  # type: ignore[call-arg]  # that is the point


@each_model
def test_models_can_be_copied_and_pickled(model: Model) -> None:
    """Every way of copying gives an equal value."""
    assert pickle.loads(pickle.dumps(model)) == model  # noqa: S301 -- our own bytes
    assert copy.copy(model) == model
    assert copy.deepcopy(model) == model
    assert attrs.evolve(model) == model  # type: ignore[misc]  # every model is attrs


def test_a_model_keeps_no_hold_of_what_was_given() -> None:
    """Changing the caller's dict or list later does not change the model."""
    values, attributes, metrics, tags = ["a"], {"x": "y"}, {"n": 1.0}, {"t": "u"}
    endpoint = Endpoint(attributes={"k": values}, metrics=metrics)
    event = Event(type="t", attributes=attributes)
    application = Application(id="a", tags=tags)
    values.append("b")
    attributes["x"] = metrics["n"] = tags["t"] = "changed"  # type: ignore[assignment]
    assert endpoint.attributes == {"k": ["a"]}
    assert endpoint.metrics == {"n": 1.0}
    assert event.attributes == {"x": "y"}
    assert application.tags == {"t": "u"}


# Texts and lists


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("music", ["music"]),
        ("", [""]),
        (["a", "b"], ["a", "b"]),
        (("a",), ["a"]),
        ([], []),
        (ChannelType.SMS, ["SMS"]),
        ([ChannelType.SMS], ["SMS"]),
    ],
)
def test_attribute_values(given: Any, kept: list[str]) -> None:
    """A scalar is a list of one, a bare string is never split, and enums become their text."""
    for mapping in ({"k": given}, OrderedDict(k=given), MappingProxyType({"k": given})):
        endpoint = Endpoint(attributes=mapping, user=User(attributes=mapping))
        assert endpoint.attributes == {"k": kept}
        assert endpoint.user is not None
        assert endpoint.user.attributes == {"k": kept}
        assert {type(item) for item in endpoint.attributes["k"]} <= {str}


@pytest.mark.parametrize(
    "given", [5, 1.5, True, None, b"x", {"a"}, {"a": "b"}, [5], [None], [["a"]]]
)
def test_attribute_values_of_other_types_are_refused(given: Any) -> None:
    """Nothing is guessed from numbers, bytes, sets or nested lists."""
    with pytest.raises(InvalidTypeError) as caught:
        Endpoint(attributes={"k": given})
    assert caught.value.path.startswith("$.attributes.k")


@pytest.mark.parametrize("given", [5, None, b"x", ["a"], True])
def test_event_attributes_are_text(given: Any) -> None:
    """Event attributes hold one text each; nothing else is converted."""
    with pytest.raises(InvalidTypeError, match=re.escape("@ $.attributes.k")):
        Event(type="t", attributes={"k": given})


@pytest.mark.parametrize("given", ["ab", 5, ["a"], [("a", "b")]])
def test_maps_are_maps(given: Any) -> None:
    """What is no mapping is refused with its place."""
    for cls, field in (
        (Endpoint, "attributes"),
        (Endpoint, "metrics"),
        (User, "attributes"),
        (Application, "tags"),
        (Endpoint, "extra"),
    ):
        required = {"id": "a"} if cls is Application else {}
        with pytest.raises(InvalidTypeError, match=rf"@ \$\.{field}$"):
            cls(**{field: given}, **required)  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("name", [5, None, b"x", ("a",)])
def test_names_are_text(name: Any) -> None:
    """Attribute and metric names of other types are refused."""
    with pytest.raises(InvalidTypeError):
        Endpoint(attributes={name: ["x"]})
    with pytest.raises(InvalidTypeError):
        Endpoint(metrics={name: 1.0})
    with pytest.raises(InvalidTypeError):
        Event(type="t", attributes={name: "x"})


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (cls, field.name)
        for cls in (Application, Demographic, Endpoint, Event, Job, JobDefinition, Location, User)
        for field in attrs.fields(cls)
        if str(field.type) in {"str", "str | None"}
    ],
)
@pytest.mark.parametrize("value", [5, b"x", ["x"], True])
def test_text_fields_take_text(cls: type[Model], field: str, value: object) -> None:
    """Every text field refuses what is no text, and says which field it is."""
    required = {Application: {"id": "a"}, Event: {"type": "t"}, Job: {"id": "a"}}.get(cls, {})
    with pytest.raises(InvalidTypeError, match=rf"expected text, got .* @ \$\.{field}$"):
        cls(**{**required, field: value})


#: What a model cannot be made without.
REQUIRED: dict[type[Model], dict[str, Any]] = {
    Event: {"type": "t"},
    Job: {"id": "a"},
    Session: {"id": "a"},
    StoredEvent: {"id": "i", "type": "t", "endpoint_id": "e"},
    AttributeDimension: {"values": ()},
    SetDimension: {"values": ()},
    MetricDimension: {"comparison_operator": "EQUAL", "value": 1},
    RecencyDimension: {"duration": "DAY_7", "recency_type": "ACTIVE"},
    GPSCoordinates: {"latitude": 1, "longitude": 1},
    GPSPointDimension: {"coordinates": GPSCoordinates(latitude=1, longitude=2)},
    Segment: {"id": "a"},
    SegmentReference: {"id": "a"},
    MessageResult: {"delivery_status": "SUCCESSFUL"},
    OutcomeReport: {"outcome": "delivered"},
    Criterion: {"path": "$", "is_met": True},
    SegmentExplanation: {"segment_id": "s", "endpoint_id": "e", "is_member": True},
    **{
        type(example): {
            field.name: getattr(example, field.name)
            for field in attrs.fields(type(example))  # type: ignore[arg-type]  # they are attrs
            if field.default is attrs.NOTHING
        }
        for example in EXAMPLES
    },
}


@pytest.mark.parametrize(
    ("cls", "field", "value"),
    [
        (Job, "definition", {"format": "CSV"}),
        (Job, "failures", "abc"),
        (Job, "failures", [1]),
        (Job, "total_pieces", 1.0),
        (Job, "total_pieces", True),
        (JobDefinition, "segment_version", "1"),
        (JobDefinition, "define_segment", 1),
        (JobDefinition, "format", 1),
        (Endpoint, "location", {"city": "x"}),
        (Endpoint, "user", "user-1"),
        (Endpoint, "demographic", Location()),
        (Endpoint, "channel_type", 5),
        (Endpoint, "effective_date", 5),
        (Endpoint, "effective_date", dt.date(2020, 1, 1)),
        (Event, "session", "s"),
        (Session, "duration_ms", 1.5),
        (Session, "duration_ms", True),
        (AttributeDimension, "values", 5),
        (AttributeDimension, "values", {"a"}),
        (AttributeDimension, "values", ["a", 5]),
        (AttributeDimension, "attribute_type", 5),
        (SetDimension, "values", None),
        (MetricDimension, "comparison_operator", None),
        (MetricDimension, "comparison_operator", 5),
        (MetricDimension, "value", None),
        (MetricDimension, "value", "1"),
        (MetricDimension, "value", True),
        (RecencyDimension, "duration", None),
        (RecencyDimension, "recency_type", 7),
        (GPSCoordinates, "latitude", None),
        (GPSPointDimension, "coordinates", None),
        (GPSPointDimension, "coordinates", (1, 2)),
        (GPSPointDimension, "range_in_kilometers", "5"),
        (SegmentBehaviors, "recency", "DAY_7"),
        (SegmentDemographics, "platform", "ios"),
        (SegmentLocation, "country", ["PT"]),
        (SegmentDimensions, "attributes", [AttributeDimension(values="a")]),  # type: ignore[arg-type]  # one text will do
        (SegmentDimensions, "attributes", {"plan": ["pro"]}),
        (SegmentDimensions, "metrics", {"level": 3}),
        (SegmentDimensions, "metrics", {3: 3}),
        (SegmentGroup, "dimensions", SegmentDimensions()),
        (SegmentGroup, "dimensions", [{}]),
        (SegmentGroup, "source_segments", ["s"]),
        (SegmentGroupList, "groups", {"a": SegmentGroup()}),
        (SegmentReference, "version", "1"),
        (ImportDefinition, "channel_counts", {"SMS": 1.5}),
        (ImportDefinition, "channel_counts", ["SMS"]),
        (Segment, "dimensions", SegmentGroup()),
        (Criterion, "is_met", None),
        (Criterion, "is_met", 1),
        (SegmentExplanation, "criteria", ["$"]),
    ],
)
def test_other_fields_refuse_other_types(cls: type[Model], field: str, value: object) -> None:
    """A wrong type is an InvalidTypeError at its field."""
    with pytest.raises(InvalidTypeError) as caught:
        cls(**{**REQUIRED.get(cls, {}), field: value})
    assert caught.value.path.startswith(f"$.{field}")
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("cls", [Application, Job, Segment, SegmentReference, Session])
def test_ids_are_not_empty(cls: type[Model]) -> None:
    """What must name something cannot be empty."""
    with pytest.raises(ValidationError, match=r"is empty: .* @ \$\.id"):
        cls(id="")  # type: ignore[call-arg]  # they have one


def test_enumerations_list_what_is_possible() -> None:
    """A wrong channel type is answered with the right ones, and is not repeated."""
    with pytest.raises(ValidationError, match="use one of PUSH, GCM") as caught:
        Endpoint(channel_type="PIGEON")
    assert "PIGEON" not in str(caught.value)
    assert caught.value.__cause__ is None  # Enum's own message repeats the text


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (AttributeDimension, "attribute_type"),
        (SetDimension, "dimension_type"),
        (MetricDimension, "comparison_operator"),
        (RecencyDimension, "duration"),
        (RecencyDimension, "recency_type"),
        (SegmentGroup, "source_type"),
        (SegmentGroup, "type"),
        (SegmentGroupList, "include"),
        (Segment, "segment_type"),
        (ImportDefinition, "format"),
    ],
)
def test_words_of_a_segment_are_pinpoints(cls: type[Model], field: str) -> None:
    """Another word than those that there are is refused at its field."""
    with pytest.raises(ValidationError, match=rf"use one of .* @ \$\.{field}$") as caught:
        cls(**{**REQUIRED.get(cls, {}), field: "PIGEON"})
    assert not isinstance(caught.value, InvalidTypeError)


def test_values_of_a_dimension_are_not_shown() -> None:
    """They may be anything; a repr counts them."""
    dimension = AttributeDimension(values=("ana@example.com", "x"))
    assert repr(dimension) == "AttributeDimension(values=<2>)"
    assert "ana" not in repr(SegmentDimensions(user_attributes={"email": dimension}))
    assert AttributeDimension(values=ChannelType.SMS) == AttributeDimension(values=("SMS",))  # type: ignore[arg-type]  # as above


# Numbers


class Number:
    """Like the scalars of numerical libraries."""

    def __float__(self) -> float:
        return 1.5


class Numbers:
    """Like their arrays, which have the method but no single value."""

    def __float__(self) -> float:
        raise TypeError("only length-1 arrays can be converted")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (1, 1.0),
        (1.5, 1.5),
        (decimal.Decimal("1.5"), 1.5),
        (Number(), 1.5),
        (-0.0, 0.0),
        (2**70, 2.0**70),
    ],
)
def test_numbers(given: Any, kept: float) -> None:
    """Whatever is one number becomes a float, in metrics and in coordinates."""
    endpoint = Endpoint(metrics={"n": given}, location=Location(latitude=given, longitude=given))
    assert endpoint.metrics == {"n": kept}
    assert endpoint.location == Location(latitude=kept, longitude=kept)
    assert endpoint.location is not None
    assert type(endpoint.location.latitude) is type(endpoint.metrics["n"]) is float
    assert wire.encode(wire.endpoint_request(endpoint))


@pytest.mark.parametrize(
    ("given", "cls"),
    [
        (True, InvalidTypeError),
        ("1", InvalidTypeError),
        (b"1", InvalidTypeError),
        (None, InvalidTypeError),
        (1j, InvalidTypeError),
        ([1], InvalidTypeError),
        (Numbers(), InvalidTypeError),
        (float("nan"), ValidationError),
        (float("inf"), ValidationError),
        (float("-inf"), ValidationError),
        (decimal.Decimal("NaN"), ValidationError),
        (decimal.Decimal("sNaN"), ValidationError),
        (10**400, ValidationError),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, type) else value.__name__,
)
def test_what_is_no_finite_number_is_refused(given: Any, cls: type[ValidationError]) -> None:
    """Truth values, texts, arrays, NaN and infinity are no metrics and no coordinates."""
    coordinate: Any = "x" if given is None else given
    for make in (
        lambda: Endpoint(metrics={"n": given}),
        lambda: Event(type="t", metrics={"n": given}),
        lambda: Location(latitude=coordinate),
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        assert type(caught.value) is cls


# Instants


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-02-29T23:59:58.987Z", AT),
        ("2020-02-29T23:59:58.987z", AT),
        ("2020-02-29 23:59:58.987Z", AT),
        ("  2020-02-29T23:59:58.987Z\n", AT),
        ("2020-03-01T01:29:58.987+01:30", AT),
        ("2020-03-01T01:29:58.987+0130", AT),
        ("2020-02-29T21:59:58.987-02", AT),
        ("2020-02-29T23:59:58.987", AT),
        ("20200229T235958.987Z", AT),
        ("2020-02-29T23:59:58,987Z", AT),
        ("2020-W09-6T23:59:58.987Z", AT),
        ("2020-060T23:59:58.987Z", AT),
        *(
            (f"2020-02-29T23:59:58.{'987654321'[:digits]}Z", AT.replace(microsecond=micros))
            for digits, micros in zip(range(1, 10), (900000, 980000, *[987000] * 7), strict=True)
        ),
        ("2020-02-29T23:59:58Z", AT.replace(microsecond=0)),
        ("2020-02-29T23:59Z", AT.replace(second=0, microsecond=0)),
        ("2020-02-29", dt.datetime(2020, 2, 29, tzinfo=UTC)),
        ("2020-02", dt.datetime(2020, 2, 1, tzinfo=UTC)),
        ("2020-02-28T24:00:00Z", dt.datetime(2020, 2, 29, tzinfo=UTC)),
        ("2020-W01", dt.datetime(2019, 12, 30, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", dt.datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59.999Z", dt.datetime(9999, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)),
    ],
)
def test_instants_as_text(text: str, expected: dt.datetime) -> None:
    """Every form of ISO 8601 becomes an aware UTC datetime of whole milliseconds."""
    instant = Event(type="t", timestamp=text).timestamp
    assert instant == expected
    assert instant is not None
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1588291199",
        "2020-13-01",
        "2020-02-30",
        "2020-02-29T23:59:60Z",
        "2020-02-29T25:00:00Z",
        "2020-02-29T23:59:58.Z",
        "2020-02-29T23:59:58+99:00",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "\u0662\u0660\u0662\u0660-01-01",
        "2020-02-29T23:59:58.987Zsecret",
        "2020-02-29T23:59:58.987Z\x00",
    ],
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    """The message shows the form to write, and never the text that was given."""
    with pytest.raises(ValidationError, match=r"@ \$\.timestamp") as caught:
        Event(type="t", timestamp=text)
    assert "secret" not in "".join(traceback.format_exception(caught.value))


class NoOffset(dt.tzinfo):
    """A time zone that does not know; Python calls such datetimes naive."""

    def utcoffset(self, when: dt.datetime | None) -> None:
        """Nothing."""
        del when

    def dst(self, when: dt.datetime | None) -> None:
        """Nothing."""
        del when

    def tzname(self, when: dt.datetime | None) -> None:
        """Nothing."""
        del when


@pytest.mark.parametrize(
    "given",
    [
        AT.replace(tzinfo=None),
        AT.replace(tzinfo=NoOffset()),
        AT.replace(microsecond=987999),
        AT.astimezone(dt.timezone(dt.timedelta(hours=-11, minutes=-30))),
        AT.replace(fold=1),
    ],
)
def test_instants_as_datetimes(given: dt.datetime) -> None:
    """Naive counts as UTC, never as local time; aware is converted; milliseconds are cut."""
    instant = Event(type="t", timestamp=given).timestamp
    assert instant == AT
    assert instant is not None
    assert wire.iso(instant) == "2020-02-29T23:59:58.987Z"


# Discretion

MARK = "ada@example.com"

#: Of campaigns: what the operator has written for nobody in particular. What messages say, and whom
#: they come from, does not show.
SHOWN_OF_CAMPAIGNS = {
    *(
        "id",
        "name",
        "arn",
        "application_id",
        "campaign_id",
        "activity_id",
        "segment_id",
        "treatment_id",
        "version",
    ),
    *("description", "treatment_name", "treatment_description", "title", "header", "state"),
    *("url", "image_url", "image_icon_url", "image_small_icon_url", "media_url", "link", "text"),
    *("text_color", "background_color", "start_time", "end_time", "start", "end", "timezone"),
    *("lambda_function_name", "web_url", "delivery_uri", "result"),
    *("sender_id", "entity_id", "template_id", "email_template", "push_template"),
    *("sms_template", "voice_template", "in_app_template"),
}
#: What a repr may show: ids, kinds, the software and the device, the country, and the service's
#: own text. All of it is text that names things, not people.
SHOWN = {
    Application: {"id", "name", "arn"},
    Demographic: {f.name for f in attrs.fields(Demographic)} - {"extra"},
    Endpoint: {"id", "request_id", "application_id", "cohort_id"},
    Event: {
        "type",
        "id",
        "app_package_name",
        "app_title",
        "app_version_code",
        "client_sdk_version",
        "sdk_name",
    },
    ImportRefusal: {"index", "event_id"},
    EventResult: {
        "endpoint_id",
        "event_id",
        "status_code",
        "endpoint_status_code",
        "message",
        "request_id",
    },
    Job: {"id", "application_id"},
    JobDefinition: {f.name for f in attrs.fields(JobDefinition)} - {"extra"},
    Location: {"country"},
    Session: {"id", "endpoint_id"},
    StoredEvent: {
        "id",
        "type",
        "app_package_name",
        "app_title",
        "app_version_code",
        "client_sdk_version",
        "sdk_name",
    },
    User: set[str](),
    AttributeDimension: set[str](),
    Criterion: {"path"},
    GPSCoordinates: set[str](),
    GPSPointDimension: set[str](),
    ImportDefinition: {"s3_url", "role_arn", "external_id"},
    MetricDimension: set[str](),
    RecencyDimension: set[str](),
    Segment: {"id", "name"},
    SegmentBehaviors: set[str](),
    SegmentDemographics: set[str](),
    SegmentDimensions: set[str](),
    SegmentExplanation: {"segment_id", "endpoint_id"},
    SegmentGroup: set[str](),
    SegmentGroupList: set[str](),
    SegmentLocation: set[str](),
    SegmentReference: {"id"},
    SetDimension: set[str](),
    StreamDeadLetter: {"id", "destination", "event_id", "code", "message"},
    StreamStatus: {
        "destination",
        "claim",
        "state",
        "last_error_code",
        "last_error_message",
    },
    **{type(example): SHOWN_OF_MESSAGES & set(example.__slots__) for example in MESSAGES},
    OptedOutAddress: {"channel_type", "reason"},
    **{type(example): SHOWN_OF_TEMPLATES & set(example.__slots__) for example in TEMPLATES},
    **{type(example): SHOWN_OF_CAMPAIGNS & set(example.__slots__) for example in EXAMPLES},
}


@each_model
def test_reprs_hold_no_personal_data(model: Model) -> None:
    """A repr shows ids and counts; addresses, user ids, values and places never show."""
    problems: list[str] = []
    required = {"id": "i", "type": "t", "endpoint_id": "e", "event_id": "i", "status_code": 202}
    required |= {"name": "n", "parts": {}, "index": 0} | REQUIRED.get(type(model), {})
    for field in attrs.fields(type(model)):  # type: ignore[arg-type]  # every model is attrs
        if field.name in SHOWN[type(model)] or isinstance(getattr(model, field.name), Enum):
            continue
        for value in (MARK, {MARK: MARK}, {MARK: [MARK]}, {MARK: 1.0}, [MARK]):
            needed = {
                f.name: required[f.name]
                for f in attrs.fields(type(model))  # type: ignore[arg-type]  # as above
                if f.default is attrs.NOTHING
            }
            try:
                marked = type(model)(**{**needed, field.name: value})
            except (ValidationError, TypeError) as error:
                problems.append("" if isinstance(value, dict) else str(error))
                continue
            assert MARK not in repr(marked), field.name
    assert MARK not in "".join(problems)


def test_a_repr_shows_what_was_given() -> None:
    """It names the class and the given fields, with counts for contents."""
    endpoint = Endpoint(
        id="e",
        channel_type=ChannelType.SMS,
        address=MARK,
        attributes={"a": ["b"]},
        effective_date=AT,
    )
    assert repr(endpoint) == (
        "Endpoint(id='e', channel_type=SMS, address=<hidden>, attributes=<1>,"
        " effective_date=2020-02-29T23:59:58.987+00:00)"
    )
    assert repr(Endpoint()) == "Endpoint()"


NASTY = "n\x1b[2J\r\n\u202e\ud800" + "x" * 200


def test_names_in_paths_are_short_and_printable() -> None:
    """A hostile attribute name cannot fill a log, write to a terminal, or break the encoding."""
    problems = [
        event_problem({NASTY: "v"}, None, DEFAULT_LIMITS),
        event_problem({NASTY[:8]: "v" * 201}, None, DEFAULT_LIMITS),
        event_problem(None, {NASTY: 1.0}, DEFAULT_LIMITS),
        endpoint_problem(Endpoint(attributes={NASTY: ["v"]}), DEFAULT_LIMITS),
        endpoint_problem(Endpoint(attributes={NASTY[:8]: ["v" * 101]}), DEFAULT_LIMITS),
        endpoint_problem(Endpoint(user=User(attributes={NASTY[:8]: ["v"] * 51})), DEFAULT_LIMITS),
    ]
    for make in (
        lambda: Event(type="t", attributes={NASTY: 5}),  # type: ignore[dict-item]  # the point
        lambda: Event(type="t", metrics={NASTY: "5"}),  # type: ignore[dict-item]  # the point
        lambda: Endpoint(attributes={NASTY: 5}),  # type: ignore[dict-item]  # the point
        lambda: Endpoint(attributes={NASTY: [5]}),  # type: ignore[list-item]  # the point
    ):
        with pytest.raises(ValidationError) as caught:
            make()
        problems.append(caught.value)
    for problem in problems:
        assert problem is not None
        assert problem.path.isprintable()
        assert len(problem.path) < 80
        assert str(problem).encode()


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_ids_that_cannot_stand_in_a_url_are_refused(value: str) -> None:
    """Dots are steps in a path: `DELETE .../endpoints/..` would name the application."""
    with pytest.raises(ValidationError):
        require_path_id(value, "$.id")
    assert require_path_id("...", "$.id") == "..."


def test_results_raise_on_request() -> None:
    """A refusal is a value until somebody asks for an error."""
    fine = EventResult(endpoint_id="e", event_id="i", status_code=202)
    assert fine.raise_for_status() is fine
    refused = EventResult(endpoint_id="e", event_id="i", status_code=400, message="no")
    with pytest.raises(Exception, match="event refused: no") as caught:
        refused.raise_for_status()
    assert type(caught.value).__name__ == "BadRequest"
