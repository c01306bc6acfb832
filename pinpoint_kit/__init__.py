"""Amazon Pinpoint's analytics and audience API for Python, with or without AWS.

Only names belong here. What is heavy is loaded when it is first used. `_HOMES` is the one table of
public names; `__init__.pyi`, which type checkers read, is made from it and held to it by a test.
"""

from __future__ import annotations

from importlib import import_module

from pinpoint_kit import errors
from pinpoint_kit.version import VERSION as __version__  # noqa: F401, N811 -- the customary name

#: Module -> the public names that it is the home of.
_HOMES = {
    "aio.client": (
        "AsyncPinpoint",
        "connect_async",
    ),
    "aio.rows": (
        "AsyncEventTail",
        "AsyncModelIterator",
        "AsyncRows",
    ),
    "analytics.results.cohorts": ("CohortTable",),
    "analytics.results.distribution": ("Distribution",),
    "analytics.results.funnel": ("Funnel",),
    "analytics.results.heat_map": ("HeatMap",),
    "analytics.results.money": ("MoneySeries",),
    "analytics.results.overview": ("Overview",),
    "analytics.results.series": ("Series",),
    "analytics.results.timeline": ("Timeline",),
    "analytics.steps": ("Step",),
    "analytics.store_analytics": ("SavedFunnel",),
    "analytics.stored_events": ("EventTail",),
    "audience.erasure": ("ErasureReport",),
    "audience.report": (
        "BatchReport",
        "LoadProgress",
        "LoadReport",
        "Rejection",
        "RowProblem",
    ),
    "client": (
        "Pinpoint",
        "connect",
    ),
    "delivery.options": ("DeliveryOptions",),
    "delivery.report": (
        "DeadLetter",
        "DeliveryReport",
        "DeliveryStats",
    ),
    "errors": tuple(errors.__all__),
    "lake.lake": (
        "Lake",
        "open_lake",
    ),
    "limits": (
        "Limits",
        "UNLIMITED",
    ),
    "models": ("where",),
    "models.application": ("Application",),
    "models.attribute": ("AttributeKind",),
    "models.campaigns.activity": ("Activity",),
    "models.campaigns.campaign": (
        "Campaign",
        "CampaignHook",
        "CampaignState",
        "CampaignStatus",
        "CustomDelivery",
        "HookMode",
        "Treatment",
    ),
    "models.campaigns.in_app": (
        "Alignment",
        "ButtonAction",
        "InAppBody",
        "InAppButton",
        "InAppButtonStyle",
        "InAppContent",
        "InAppHeader",
        "InAppMessage",
        "Layout",
    ),
    "models.campaigns.message": (
        "CustomMessage",
        "EmailMessage",
        "Message",
        "MessageAction",
        "MessageConfiguration",
        "MessageHeader",
        "MessageType",
        "SMSMessage",
        "TemplateConfiguration",
        "TemplateReference",
    ),
    "models.campaigns.results": (
        "CampaignResults",
        "RunResults",
    ),
    "models.campaigns.schedule": (
        "CampaignLimits",
        "EventDimensions",
        "EventFilter",
        "FilterType",
        "Frequency",
        "QuietTime",
        "Schedule",
    ),
    "models.direct_message": (
        "DirectEmail",
        "DirectMessage",
        "DirectPush",
        "DirectSms",
        "DirectVoice",
        "Recipient",
    ),
    "models.display.tables": (
        "ModelIterator",
        "ModelList",
    ),
    "models.endpoint": (
        "ChannelType",
        "Demographic",
        "Endpoint",
        "EndpointStatus",
        "Location",
        "OptOut",
    ),
    "models.event": (
        "Event",
        "EventResult",
        "ImportRefusal",
        "Session",
    ),
    "models.job": (
        "Job",
        "JobDefinition",
        "JobFormat",
        "JobStatus",
        "JobType",
    ),
    "models.opt_out": ("OptedOutAddress",),
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
    "models.segments.explanation": (
        "Criterion",
        "SegmentExplanation",
    ),
    "models.segments.grouping": ("Condition",),
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
    "models.sent_message": (
        "MessageResult",
        "OutboxMessage",
        "Outcome",
        "OutcomeReport",
        "PhoneNumber",
    ),
    "models.stored_event": ("StoredEvent",),
    "models.stream": (
        "StreamDeadLetter",
        "StreamStatus",
    ),
    "models.templates.parts": (
        "PushTemplatePart",
        "TemplateType",
    ),
    "models.templates.results": (
        "TemplatePreview",
        "TemplateSummary",
    ),
    "models.templates.template": (
        "EmailTemplate",
        "InAppTemplate",
        "PushTemplate",
        "SMSTemplate",
        "VoiceTemplate",
    ),
    "models.user": ("User",),
    "progress": ("ProgressBar",),
    "records.stream": ("StreamForm",),
    "recording.sessions": ("ActiveSession",),
    "transport.requests": ("SentRequest",),
    "transport.retries": ("RetryPolicy",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(("__version__", "errors", *_HOME_OF))  # noqa: PLE0605 -- they are strings


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
