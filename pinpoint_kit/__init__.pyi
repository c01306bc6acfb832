# Made from the table in __init__.py by tests/stub_of_front.py; change it there.

from pinpoint_kit import errors as errors
from pinpoint_kit.version import VERSION as __version__
from pinpoint_kit.aio.client import AsyncPinpoint as AsyncPinpoint
from pinpoint_kit.aio.client import connect_async as connect_async
from pinpoint_kit.aio.rows import AsyncEventTail as AsyncEventTail
from pinpoint_kit.aio.rows import AsyncModelIterator as AsyncModelIterator
from pinpoint_kit.aio.rows import AsyncRows as AsyncRows
from pinpoint_kit.analytics.results.cohorts import CohortTable as CohortTable
from pinpoint_kit.analytics.results.distribution import Distribution as Distribution
from pinpoint_kit.analytics.results.funnel import Funnel as Funnel
from pinpoint_kit.analytics.results.heat_map import HeatMap as HeatMap
from pinpoint_kit.analytics.results.money import MoneySeries as MoneySeries
from pinpoint_kit.analytics.results.overview import Overview as Overview
from pinpoint_kit.analytics.results.series import Series as Series
from pinpoint_kit.analytics.results.timeline import Timeline as Timeline
from pinpoint_kit.analytics.steps import Step as Step
from pinpoint_kit.analytics.store_analytics import SavedFunnel as SavedFunnel
from pinpoint_kit.analytics.stored_events import EventTail as EventTail
from pinpoint_kit.audience.erasure import ErasureReport as ErasureReport
from pinpoint_kit.audience.report import BatchReport as BatchReport
from pinpoint_kit.audience.report import LoadProgress as LoadProgress
from pinpoint_kit.audience.report import LoadReport as LoadReport
from pinpoint_kit.audience.report import Rejection as Rejection
from pinpoint_kit.audience.report import RowProblem as RowProblem
from pinpoint_kit.client import Pinpoint as Pinpoint
from pinpoint_kit.client import connect as connect
from pinpoint_kit.delivery.options import DeliveryOptions as DeliveryOptions
from pinpoint_kit.delivery.report import DeadLetter as DeadLetter
from pinpoint_kit.delivery.report import DeliveryReport as DeliveryReport
from pinpoint_kit.delivery.report import DeliveryStats as DeliveryStats
from pinpoint_kit.errors import BadRequest as BadRequest
from pinpoint_kit.errors import CampaignTimeoutError as CampaignTimeoutError
from pinpoint_kit.errors import ClosedError as ClosedError
from pinpoint_kit.errors import ConfigurationError as ConfigurationError
from pinpoint_kit.errors import Conflict as Conflict
from pinpoint_kit.errors import DeliveryError as DeliveryError
from pinpoint_kit.errors import Forbidden as Forbidden
from pinpoint_kit.errors import ForeignAnswerError as ForeignAnswerError
from pinpoint_kit.errors import InternalServerError as InternalServerError
from pinpoint_kit.errors import InvalidRowsError as InvalidRowsError
from pinpoint_kit.errors import InvalidTypeError as InvalidTypeError
from pinpoint_kit.errors import JobFailedError as JobFailedError
from pinpoint_kit.errors import JobTimeoutError as JobTimeoutError
from pinpoint_kit.errors import MessageTimeoutError as MessageTimeoutError
from pinpoint_kit.errors import MethodNotAllowed as MethodNotAllowed
from pinpoint_kit.errors import NotFound as NotFound
from pinpoint_kit.errors import OperationNotImplemented as OperationNotImplemented
from pinpoint_kit.errors import PayloadTooLarge as PayloadTooLarge
from pinpoint_kit.errors import PinpointKitError as PinpointKitError
from pinpoint_kit.errors import PinpointKitWarning as PinpointKitWarning
from pinpoint_kit.errors import PinpointRetiredWarning as PinpointRetiredWarning
from pinpoint_kit.errors import ServiceError as ServiceError
from pinpoint_kit.errors import StoreError as StoreError
from pinpoint_kit.errors import TemplateError as TemplateError
from pinpoint_kit.errors import TemplateWarning as TemplateWarning
from pinpoint_kit.errors import TooManyRequests as TooManyRequests
from pinpoint_kit.errors import TransportError as TransportError
from pinpoint_kit.errors import TransportTimeoutError as TransportTimeoutError
from pinpoint_kit.errors import ValidationError as ValidationError
from pinpoint_kit.lake.lake import Lake as Lake
from pinpoint_kit.lake.lake import open_lake as open_lake
from pinpoint_kit.limits import Limits as Limits
from pinpoint_kit.limits import UNLIMITED as UNLIMITED
from pinpoint_kit.models import where as where
from pinpoint_kit.models.application import Application as Application
from pinpoint_kit.models.attribute import AttributeKind as AttributeKind
from pinpoint_kit.models.campaigns.activity import Activity as Activity
from pinpoint_kit.models.campaigns.campaign import Campaign as Campaign
from pinpoint_kit.models.campaigns.campaign import CampaignHook as CampaignHook
from pinpoint_kit.models.campaigns.campaign import CampaignState as CampaignState
from pinpoint_kit.models.campaigns.campaign import CampaignStatus as CampaignStatus
from pinpoint_kit.models.campaigns.campaign import CustomDelivery as CustomDelivery
from pinpoint_kit.models.campaigns.campaign import HookMode as HookMode
from pinpoint_kit.models.campaigns.campaign import Treatment as Treatment
from pinpoint_kit.models.campaigns.in_app import Alignment as Alignment
from pinpoint_kit.models.campaigns.in_app import ButtonAction as ButtonAction
from pinpoint_kit.models.campaigns.in_app import InAppBody as InAppBody
from pinpoint_kit.models.campaigns.in_app import InAppButton as InAppButton
from pinpoint_kit.models.campaigns.in_app import InAppButtonStyle as InAppButtonStyle
from pinpoint_kit.models.campaigns.in_app import InAppContent as InAppContent
from pinpoint_kit.models.campaigns.in_app import InAppHeader as InAppHeader
from pinpoint_kit.models.campaigns.in_app import InAppMessage as InAppMessage
from pinpoint_kit.models.campaigns.in_app import Layout as Layout
from pinpoint_kit.models.campaigns.message import CustomMessage as CustomMessage
from pinpoint_kit.models.campaigns.message import EmailMessage as EmailMessage
from pinpoint_kit.models.campaigns.message import Message as Message
from pinpoint_kit.models.campaigns.message import MessageAction as MessageAction
from pinpoint_kit.models.campaigns.message import MessageConfiguration as MessageConfiguration
from pinpoint_kit.models.campaigns.message import MessageHeader as MessageHeader
from pinpoint_kit.models.campaigns.message import MessageType as MessageType
from pinpoint_kit.models.campaigns.message import SMSMessage as SMSMessage
from pinpoint_kit.models.campaigns.message import TemplateConfiguration as TemplateConfiguration
from pinpoint_kit.models.campaigns.message import TemplateReference as TemplateReference
from pinpoint_kit.models.campaigns.results import CampaignResults as CampaignResults
from pinpoint_kit.models.campaigns.results import RunResults as RunResults
from pinpoint_kit.models.campaigns.schedule import CampaignLimits as CampaignLimits
from pinpoint_kit.models.campaigns.schedule import EventDimensions as EventDimensions
from pinpoint_kit.models.campaigns.schedule import EventFilter as EventFilter
from pinpoint_kit.models.campaigns.schedule import FilterType as FilterType
from pinpoint_kit.models.campaigns.schedule import Frequency as Frequency
from pinpoint_kit.models.campaigns.schedule import QuietTime as QuietTime
from pinpoint_kit.models.campaigns.schedule import Schedule as Schedule
from pinpoint_kit.models.direct_message import DirectEmail as DirectEmail
from pinpoint_kit.models.direct_message import DirectMessage as DirectMessage
from pinpoint_kit.models.direct_message import DirectPush as DirectPush
from pinpoint_kit.models.direct_message import DirectSms as DirectSms
from pinpoint_kit.models.direct_message import DirectVoice as DirectVoice
from pinpoint_kit.models.direct_message import Recipient as Recipient
from pinpoint_kit.models.display.tables import ModelIterator as ModelIterator
from pinpoint_kit.models.display.tables import ModelList as ModelList
from pinpoint_kit.models.endpoint import ChannelType as ChannelType
from pinpoint_kit.models.endpoint import Demographic as Demographic
from pinpoint_kit.models.endpoint import Endpoint as Endpoint
from pinpoint_kit.models.endpoint import EndpointStatus as EndpointStatus
from pinpoint_kit.models.endpoint import Location as Location
from pinpoint_kit.models.endpoint import OptOut as OptOut
from pinpoint_kit.models.event import Event as Event
from pinpoint_kit.models.event import EventResult as EventResult
from pinpoint_kit.models.event import ImportRefusal as ImportRefusal
from pinpoint_kit.models.event import Session as Session
from pinpoint_kit.models.job import Job as Job
from pinpoint_kit.models.job import JobDefinition as JobDefinition
from pinpoint_kit.models.job import JobFormat as JobFormat
from pinpoint_kit.models.job import JobStatus as JobStatus
from pinpoint_kit.models.job import JobType as JobType
from pinpoint_kit.models.opt_out import OptedOutAddress as OptedOutAddress
from pinpoint_kit.models.segments.dimension import AttributeDimension as AttributeDimension
from pinpoint_kit.models.segments.dimension import AttributeType as AttributeType
from pinpoint_kit.models.segments.dimension import ComparisonOperator as ComparisonOperator
from pinpoint_kit.models.segments.dimension import DimensionType as DimensionType
from pinpoint_kit.models.segments.dimension import Duration as Duration
from pinpoint_kit.models.segments.dimension import GPSCoordinates as GPSCoordinates
from pinpoint_kit.models.segments.dimension import GPSPointDimension as GPSPointDimension
from pinpoint_kit.models.segments.dimension import MetricDimension as MetricDimension
from pinpoint_kit.models.segments.dimension import RecencyDimension as RecencyDimension
from pinpoint_kit.models.segments.dimension import RecencyType as RecencyType
from pinpoint_kit.models.segments.dimension import SegmentBehaviors as SegmentBehaviors
from pinpoint_kit.models.segments.dimension import SegmentDemographics as SegmentDemographics
from pinpoint_kit.models.segments.dimension import SegmentDimensions as SegmentDimensions
from pinpoint_kit.models.segments.dimension import SegmentLocation as SegmentLocation
from pinpoint_kit.models.segments.dimension import SetDimension as SetDimension
from pinpoint_kit.models.segments.explanation import Criterion as Criterion
from pinpoint_kit.models.segments.explanation import SegmentExplanation as SegmentExplanation
from pinpoint_kit.models.segments.grouping import Condition as Condition
from pinpoint_kit.models.segments.segment import GroupType as GroupType
from pinpoint_kit.models.segments.segment import ImportDefinition as ImportDefinition
from pinpoint_kit.models.segments.segment import Include as Include
from pinpoint_kit.models.segments.segment import Segment as Segment
from pinpoint_kit.models.segments.segment import SegmentGroup as SegmentGroup
from pinpoint_kit.models.segments.segment import SegmentGroupList as SegmentGroupList
from pinpoint_kit.models.segments.segment import SegmentReference as SegmentReference
from pinpoint_kit.models.segments.segment import SegmentType as SegmentType
from pinpoint_kit.models.segments.segment import SourceType as SourceType
from pinpoint_kit.models.sent_message import MessageResult as MessageResult
from pinpoint_kit.models.sent_message import OutboxMessage as OutboxMessage
from pinpoint_kit.models.sent_message import Outcome as Outcome
from pinpoint_kit.models.sent_message import OutcomeReport as OutcomeReport
from pinpoint_kit.models.sent_message import PhoneNumber as PhoneNumber
from pinpoint_kit.models.stored_event import StoredEvent as StoredEvent
from pinpoint_kit.models.stream import StreamDeadLetter as StreamDeadLetter
from pinpoint_kit.models.stream import StreamStatus as StreamStatus
from pinpoint_kit.models.templates.parts import PushTemplatePart as PushTemplatePart
from pinpoint_kit.models.templates.parts import TemplateType as TemplateType
from pinpoint_kit.models.templates.results import TemplatePreview as TemplatePreview
from pinpoint_kit.models.templates.results import TemplateSummary as TemplateSummary
from pinpoint_kit.models.templates.template import EmailTemplate as EmailTemplate
from pinpoint_kit.models.templates.template import InAppTemplate as InAppTemplate
from pinpoint_kit.models.templates.template import PushTemplate as PushTemplate
from pinpoint_kit.models.templates.template import SMSTemplate as SMSTemplate
from pinpoint_kit.models.templates.template import VoiceTemplate as VoiceTemplate
from pinpoint_kit.models.user import User as User
from pinpoint_kit.progress import ProgressBar as ProgressBar
from pinpoint_kit.recording.sessions import ActiveSession as ActiveSession
from pinpoint_kit.records.stream import StreamForm as StreamForm
from pinpoint_kit.transport.requests import SentRequest as SentRequest
from pinpoint_kit.transport.retries import RetryPolicy as RetryPolicy

__all__ = [
    "ActiveSession",
    "Activity",
    "Alignment",
    "Application",
    "AsyncEventTail",
    "AsyncModelIterator",
    "AsyncPinpoint",
    "AsyncRows",
    "AttributeDimension",
    "AttributeKind",
    "AttributeType",
    "BadRequest",
    "BatchReport",
    "ButtonAction",
    "Campaign",
    "CampaignHook",
    "CampaignLimits",
    "CampaignResults",
    "CampaignState",
    "CampaignStatus",
    "CampaignTimeoutError",
    "ChannelType",
    "ClosedError",
    "CohortTable",
    "ComparisonOperator",
    "Condition",
    "ConfigurationError",
    "Conflict",
    "Criterion",
    "CustomDelivery",
    "CustomMessage",
    "DeadLetter",
    "DeliveryError",
    "DeliveryOptions",
    "DeliveryReport",
    "DeliveryStats",
    "Demographic",
    "DimensionType",
    "DirectEmail",
    "DirectMessage",
    "DirectPush",
    "DirectSms",
    "DirectVoice",
    "Distribution",
    "Duration",
    "EmailMessage",
    "EmailTemplate",
    "Endpoint",
    "EndpointStatus",
    "ErasureReport",
    "Event",
    "EventDimensions",
    "EventFilter",
    "EventResult",
    "EventTail",
    "FilterType",
    "Forbidden",
    "ForeignAnswerError",
    "Frequency",
    "Funnel",
    "GPSCoordinates",
    "GPSPointDimension",
    "GroupType",
    "HeatMap",
    "HookMode",
    "ImportDefinition",
    "ImportRefusal",
    "InAppBody",
    "InAppButton",
    "InAppButtonStyle",
    "InAppContent",
    "InAppHeader",
    "InAppMessage",
    "InAppTemplate",
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
    "Lake",
    "Layout",
    "Limits",
    "LoadProgress",
    "LoadReport",
    "Location",
    "Message",
    "MessageAction",
    "MessageConfiguration",
    "MessageHeader",
    "MessageResult",
    "MessageTimeoutError",
    "MessageType",
    "MethodNotAllowed",
    "MetricDimension",
    "ModelIterator",
    "ModelList",
    "MoneySeries",
    "NotFound",
    "OperationNotImplemented",
    "OptOut",
    "OptedOutAddress",
    "OutboxMessage",
    "Outcome",
    "OutcomeReport",
    "Overview",
    "PayloadTooLarge",
    "PhoneNumber",
    "Pinpoint",
    "PinpointKitError",
    "PinpointKitWarning",
    "PinpointRetiredWarning",
    "ProgressBar",
    "PushTemplate",
    "PushTemplatePart",
    "QuietTime",
    "RecencyDimension",
    "RecencyType",
    "Recipient",
    "Rejection",
    "RetryPolicy",
    "RowProblem",
    "RunResults",
    "SMSMessage",
    "SMSTemplate",
    "SavedFunnel",
    "Schedule",
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
    "SentRequest",
    "Series",
    "ServiceError",
    "Session",
    "SetDimension",
    "SourceType",
    "Step",
    "StoreError",
    "StoredEvent",
    "StreamDeadLetter",
    "StreamForm",
    "StreamStatus",
    "TemplateConfiguration",
    "TemplateError",
    "TemplatePreview",
    "TemplateReference",
    "TemplateSummary",
    "TemplateType",
    "TemplateWarning",
    "Timeline",
    "TooManyRequests",
    "TransportError",
    "TransportTimeoutError",
    "Treatment",
    "UNLIMITED",
    "User",
    "ValidationError",
    "VoiceTemplate",
    "__version__",
    "connect",
    "connect_async",
    "errors",
    "open_lake",
    "where",
]
