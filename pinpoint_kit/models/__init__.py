"""The models: frozen values in Pinpoint's own words. `wire` alone knows the JSON names."""

from pinpoint_kit.models.application import Application
from pinpoint_kit.models.attribute import AttributeKind
from pinpoint_kit.models.endpoint import (
    ChannelType,
    Demographic,
    Endpoint,
    EndpointStatus,
    Location,
    OptOut,
)
from pinpoint_kit.models.event import Event, EventResult, Session
from pinpoint_kit.models.job import Job, JobDefinition, JobFormat, JobStatus, JobType
from pinpoint_kit.models.segments import where
from pinpoint_kit.models.segments.dimension import (
    AttributeDimension,
    AttributeType,
    ComparisonOperator,
    DimensionType,
    Duration,
    GPSCoordinates,
    GPSPointDimension,
    MetricDimension,
    RecencyDimension,
    RecencyType,
    SegmentBehaviors,
    SegmentDemographics,
    SegmentDimensions,
    SegmentLocation,
    SetDimension,
)
from pinpoint_kit.models.segments.explanation import Criterion, SegmentExplanation
from pinpoint_kit.models.segments.grouping import Condition
from pinpoint_kit.models.segments.segment import (
    GroupType,
    ImportDefinition,
    Include,
    Segment,
    SegmentGroup,
    SegmentGroupList,
    SegmentReference,
    SegmentType,
    SourceType,
)
from pinpoint_kit.models.user import User

__all__ = [
    "Application",
    "AttributeDimension",
    "AttributeKind",
    "AttributeType",
    "ChannelType",
    "ComparisonOperator",
    "Condition",
    "Criterion",
    "Demographic",
    "DimensionType",
    "Duration",
    "Endpoint",
    "EndpointStatus",
    "Event",
    "EventResult",
    "GPSCoordinates",
    "GPSPointDimension",
    "GroupType",
    "ImportDefinition",
    "Include",
    "Job",
    "JobDefinition",
    "JobFormat",
    "JobStatus",
    "JobType",
    "Location",
    "MetricDimension",
    "OptOut",
    "RecencyDimension",
    "RecencyType",
    "Segment",
    "SegmentBehaviors",
    "SegmentDemographics",
    "SegmentDimensions",
    "SegmentExplanation",
    "SegmentGroup",
    "SegmentGroupList",
    "SegmentLocation",
    "SegmentReference",
    "SegmentType",
    "Session",
    "SetDimension",
    "SourceType",
    "User",
    "where",
]
