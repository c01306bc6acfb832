"""The models: frozen values in Pinpoint's own words. `wire` alone knows the JSON names."""

from pinpoint_kit.models.application import Application
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
from pinpoint_kit.models.user import User

__all__ = [
    "Application",
    "ChannelType",
    "Demographic",
    "Endpoint",
    "EndpointStatus",
    "Event",
    "EventResult",
    "Job",
    "JobDefinition",
    "JobFormat",
    "JobStatus",
    "JobType",
    "Location",
    "OptOut",
    "Session",
    "User",
]
