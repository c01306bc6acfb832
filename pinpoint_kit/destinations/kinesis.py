"""Amazon Kinesis Data Streams, by PutRecords."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from pinpoint_kit.destinations.aws import AwsDestination, arn_of
from pinpoint_kit.destinations.batches import Entry, Request
from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT, AwsSettings
from pinpoint_kit.destinations.parameters import checked_number

if TYPE_CHECKING:
    import boto3

__all__ = ["Kinesis"]

_MOST_RECORDS = 500
_MOST_RECORD_BYTES = 1_000_000
_MOST_BYTES = 5_000_000
#: Since 2025; a stream must be set up for records of more than 1 MiB.
_NEWER_MOST_BYTES = 10 * 1024 * 1024
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}")
_ARN = re.compile(r"arn:[\w-]+:kinesis:(?P<region>[\w-]+):\d{12}:stream/(?P<name>[\w.-]{1,128})")


@attrs.frozen
class _Dialect:
    """PutRecords."""

    stream: Mapping[str, str]
    service: ClassVar[str] = "kinesis"
    results: ClassVar[str] = "Records"
    receipt: ClassVar[str] = "SequenceNumber"

    def call(self, client: Any, entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: ANN401 -- botocore's
        records = [{"Data": entry.data, "PartitionKey": entry.key} for entry in entries]
        answer: Mapping[str, Any] = client.put_records(**self.stream, Records=records)
        return answer


class Kinesis(AwsDestination):
    """A stream of Amazon Kinesis Data Streams, or of what speaks its protocol.

    The partition key is the record's key, so that one endpoint's events are in one shard. Needs
    `kinesis:PutRecords`. Safe for several threads.

    Args:
        stream: the name of the stream, or its ARN, which may be another account's.
        region: its Region; the ARN's, or the session's, unless given.
        endpoint_url: another address of the service.
        profile: a profile of the AWS configuration files.
        session: a boto3 session, instead of a profile.
        client: a boto3 client for Kinesis to use as it is; what it tries again, and how long it
            waits, is then its own business.
        timeout: the seconds that a call of `send` takes at most.
        event_id: add a member `event_id` to each record; Pinpoint's own have none.
        ordered: keep order by key also where single records are refused: a request then holds a
            key once. With False, requests are larger and an endpoint's records may change places.
        most_record_bytes: the most bytes of a record with its key. The default is what every
            stream takes; up to 10,485,760 where the stream is set up for it.
        most_bytes: the most bytes of one request, up to 10,485,760.

    Raises:
        ConfigurationError: a value is wrong, or there is no Region or no credentials.

    Examples:
        >>> import boto3
        >>> session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
        >>> Kinesis("events", session=session).name
        'kinesis://events?region=eu-west-1'
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
        most_record_bytes: int = _MOST_RECORD_BYTES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        arn = arn_of("kinesis", stream, arn=_ARN, name=_NAME)
        super().__init__(
            f"kinesis://{stream}",
            _Dialect({"StreamARN": stream} if arn else {"StreamName": stream}),
            Request(
                most_records=_MOST_RECORDS,
                most_bytes=checked_number("most_bytes", most_bytes, 1, _NEWER_MOST_BYTES),
                most_record_bytes=checked_number(
                    "most_record_bytes", most_record_bytes, 1, _NEWER_MOST_BYTES
                ),
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
