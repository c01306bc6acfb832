"""Amazon Data Firehose, by PutRecordBatch."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from pinpoint_kit.destinations.aws import AwsDestination, arn_of
from pinpoint_kit.destinations.batches import Entry, Request
from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT, AwsSettings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import boto3

__all__ = ["Firehose"]

_MOST_RECORDS = 500
_MOST_RECORD_BYTES = 1_000_000
_MOST_BYTES = 4_000_000
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_ARN = re.compile(
    r"arn:[\w-]+:firehose:(?P<region>[\w-]+):\d{12}:deliverystream/(?P<name>[\w.-]{1,64})"
)


@attrs.frozen
class _Dialect:
    """PutRecordBatch."""

    stream: str
    service: ClassVar[str] = "firehose"
    results: ClassVar[str] = "RequestResponses"
    receipt: ClassVar[str] = "RecordId"

    def call(self, client: Any, entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: ANN401 -- botocore's
        records = [{"Data": entry.data} for entry in entries]
        answer: Mapping[str, Any] = client.put_record_batch(
            DeliveryStreamName=self.stream, Records=records
        )
        return answer


class Firehose(AwsDestination):
    """A stream of Amazon Data Firehose whose source is direct PUT.

    Each record ends with a newline, so that objects in S3 have one record a line. Needs
    `firehose:PutRecordBatch`. Records are handed over in order; Firehose promises none for what it
    writes. Safe for several threads.

    Args:
        stream: the name of the stream, or its ARN, which must be of the credentials' account.
        region: its Region; the ARN's, or the session's, unless given.
        endpoint_url: another address of the service.
        profile: a profile of the AWS configuration files.
        session: a boto3 session, instead of a profile.
        client: a boto3 client for Firehose to use as it is; what it tries again, and how long it
            waits, is then its own business.
        timeout: the seconds that a call of `send` takes at most.
        event_id: add a member `event_id` to each record; Pinpoint's own have none.
        ordered: keep order by key also where single records are refused: a request then holds a
            key once.

    Raises:
        ConfigurationError: a value is wrong, or there is no Region or no credentials.
    """

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        stream: str,
        *,
        region: str | None = None,
        endpoint_url: str | None = None,
        profile: str | None = None,
        session: boto3.session.Session | None = None,
        client: object = None,
        timeout: float = DEFAULT_TIMEOUT,
        event_id: bool = False,
        ordered: bool = True,
    ) -> None:
        arn = arn_of("firehose", stream, arn=_ARN, name=_NAME)
        name = arn["name"] if arn else stream
        super().__init__(
            f"firehose://{stream}",
            _Dialect(name),
            Request(
                most_records=_MOST_RECORDS,
                most_bytes=_MOST_BYTES,
                most_record_bytes=_MOST_RECORD_BYTES,
            ),
            settings=AwsSettings(
                region=region or (arn["region"] if arn else None),
                endpoint_url=endpoint_url,
                profile=profile,
                session=session,
                timeout=timeout,
            ),
            client=client,
            event_id=event_id,
            is_ordered=ordered,
        )
