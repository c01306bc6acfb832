"""Amazon Pinpoint's analytics and audience API for Python, with or without AWS.

Only imports belong here. What is heavy is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from pinpoint_kit import errors
from pinpoint_kit.version import VERSION as __version__  # noqa: N811 -- the customary name

if TYPE_CHECKING:
    from pinpoint_kit.audience.erasure import ErasureReport
    from pinpoint_kit.audience.report import (
        BatchReport,
        LoadProgress,
        LoadReport,
        Rejection,
        RowProblem,
    )
    from pinpoint_kit.client import Pinpoint, connect
    from pinpoint_kit.delivery.options import DeliveryOptions
    from pinpoint_kit.delivery.report import DeadLetter, DeliveryReport, DeliveryStats
    from pinpoint_kit.errors import (
        BadRequest,
        ClosedError,
        ConfigurationError,
        Conflict,
        DeliveryError,
        Forbidden,
        InternalServerError,
        InvalidRowsError,
        InvalidTypeError,
        JobFailedError,
        JobTimeoutError,
        MethodNotAllowed,
        NotFound,
        PayloadTooLarge,
        PinpointKitError,
        PinpointKitWarning,
        PinpointRetiredWarning,
        ServiceError,
        StoreError,
        TooManyRequests,
        TransportError,
        TransportTimeoutError,
        ValidationError,
    )
    from pinpoint_kit.limits import UNLIMITED, Limits
    from pinpoint_kit.models.application import Application
    from pinpoint_kit.models.attribute import AttributeKind
    from pinpoint_kit.models.display.tables import ModelIterator, ModelList
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
    from pinpoint_kit.progress import ProgressBar
    from pinpoint_kit.recording.sessions import ActiveSession
    from pinpoint_kit.transport import RetryPolicy

__all__ = [
    "UNLIMITED",
    "ActiveSession",
    "Application",
    "AttributeDimension",
    "AttributeKind",
    "AttributeType",
    "BadRequest",
    "BatchReport",
    "ChannelType",
    "ClosedError",
    "ComparisonOperator",
    "Condition",
    "ConfigurationError",
    "Conflict",
    "Criterion",
    "DeadLetter",
    "DeliveryError",
    "DeliveryOptions",
    "DeliveryReport",
    "DeliveryStats",
    "Demographic",
    "DimensionType",
    "Duration",
    "Endpoint",
    "EndpointStatus",
    "ErasureReport",
    "Event",
    "EventResult",
    "Forbidden",
    "GPSCoordinates",
    "GPSPointDimension",
    "GroupType",
    "ImportDefinition",
    "Include",
    "InternalServerError",
    "InvalidRowsError",
    "InvalidTypeError",
    "Job",
    "JobDefinition",
    "JobFailedError",
    "JobFormat",
    "JobStatus",
    "JobTimeoutError",
    "JobType",
    "Limits",
    "LoadProgress",
    "LoadReport",
    "Location",
    "MethodNotAllowed",
    "MetricDimension",
    "ModelIterator",
    "ModelList",
    "NotFound",
    "OptOut",
    "PayloadTooLarge",
    "Pinpoint",
    "PinpointKitError",
    "PinpointKitWarning",
    "PinpointRetiredWarning",
    "ProgressBar",
    "RecencyDimension",
    "RecencyType",
    "Rejection",
    "RetryPolicy",
    "RowProblem",
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
    "ServiceError",
    "Session",
    "SetDimension",
    "SourceType",
    "StoreError",
    "TooManyRequests",
    "TransportError",
    "TransportTimeoutError",
    "User",
    "ValidationError",
    "__version__",
    "connect",
    "errors",
    "where",
]

_HOMES = {
    "recording.sessions": ("ActiveSession",),
    "audience.erasure": ("ErasureReport",),
    "audience.report": (
        "BatchReport",
        "LoadProgress",
        "LoadReport",
        "Rejection",
        "RowProblem",
    ),
    "client": ("Pinpoint", "connect"),
    "delivery.options": ("DeliveryOptions",),
    "delivery.report": ("DeadLetter", "DeliveryReport", "DeliveryStats"),
    "errors": tuple(errors.__all__),
    "limits": ("UNLIMITED", "Limits"),
    "models": ("where",),
    "models.application": ("Application",),
    "models.attribute": ("AttributeKind",),
    "models.segments.dimension": (
        "AttributeDimension",
        "AttributeType",
        "ComparisonOperator",
        "DimensionType",
        "Duration",
        "GPSCoordinates",
        "GPSPointDimension",
        "MetricDimension",
        "RecencyDimension",
        "RecencyType",
        "SegmentBehaviors",
        "SegmentDemographics",
        "SegmentDimensions",
        "SegmentLocation",
        "SetDimension",
    ),
    "models.endpoint": (
        "ChannelType",
        "Demographic",
        "Endpoint",
        "EndpointStatus",
        "Location",
        "OptOut",
    ),
    "models.event": ("Event", "EventResult", "Session"),
    "models.segments.explanation": ("Criterion", "SegmentExplanation"),
    "models.segments.grouping": ("Condition",),
    "models.job": ("Job", "JobDefinition", "JobFormat", "JobStatus", "JobType"),
    "models.display.tables": ("ModelIterator", "ModelList"),
    "models.segments.segment": (
        "GroupType",
        "ImportDefinition",
        "Include",
        "Segment",
        "SegmentGroup",
        "SegmentGroupList",
        "SegmentReference",
        "SegmentType",
        "SourceType",
    ),
    "models.user": ("User",),
    "progress": ("ProgressBar",),
    "transport": ("RetryPolicy",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


if not TYPE_CHECKING:  # type checkers see the imports above, and no name that is not there

    def __getattr__(name: str) -> object:
        if name not in _HOME_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted(__all__)
