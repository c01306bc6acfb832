"""One thin layer over one botocore client: calls, retries, and errors in our own words.

Sessions, profiles, assumed roles, proxies and client events keep working because it *is*
botocore. The translation of botocore's errors (`transport.translation`) is loaded with the first
error, so that importing this room does not load botocore. No threads, no models.
"""

from pinpoint_kit.transport.answers import PutEventsAnswer
from pinpoint_kit.transport.application import ApplicationId, Lookup, id_of
from pinpoint_kit.transport.calls import Transport
from pinpoint_kit.transport.extensions import ExtensionCall
from pinpoint_kit.transport.retries import Pace, RetryPolicy

__all__ = [
    "ApplicationId",
    "ExtensionCall",
    "Lookup",
    "Pace",
    "PutEventsAnswer",
    "RetryPolicy",
    "Transport",
    "id_of",
]
