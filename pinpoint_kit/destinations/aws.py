"""What Kinesis and Firehose have in common: a client, calls that end in time, and their errors.

The client tries once: waits and further tries are the engine's. What a service says in words is
shown only where it speaks of the set-up; elsewhere it may quote a record.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, urlsplit

from pinpoint_kit.destinations.batches import ContentRefusedError, Entry, Request, send_batches
from pinpoint_kit.destinations.clients import AwsSettings, make_client
from pinpoint_kit.destinations.members import data_of
from pinpoint_kit.destinations.parameters import checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.destination import Refused, Unavailable
from pinpoint_kit.transport import deadlines

if TYPE_CHECKING:
    from pinpoint_kit.records.destination import StreamRecord

__all__ = ["AwsDestination", "Dialect", "arn_of"]

#: Where the content of a request is called wrong, by one of its records or all of them.
_CONTENT = frozenset(
    {
        "InvalidArgumentException",
        "ValidationException",
        "SerializationException",
        "RequestEntityTooLargeException",
        "413",
    }
)
#: Codes whose text speaks of the set-up, and quotes no record.
_SPOKEN = re.compile(
    r"AccessDenied|ResourceNotFound|UnrecognizedClient|ExpiredToken|InvalidClientTokenId|"
    r"(Invalid|Incomplete|Missing)(Signature|AuthenticationToken)|SignatureDoesNotMatch|KMS|"
    r"OptInRequired|InvalidSource"
)
_MOST_SPOKEN_CHARS = 300
_CODE = re.compile(r"[\w.]{1,100}")


class Dialect(Protocol):
    """How one service is asked, and how it answers for each record."""

    @property
    def service(self) -> str:
        """Botocore's name of the service."""

    @property
    def results(self) -> str:
        """The member of an answer that has one object a record."""

    @property
    def receipt(self) -> str:
        """The member of such an object that says that the record was taken."""

    def call(self, client: Any, entries: Sequence[Entry]) -> Mapping[str, Any]:  # noqa: ANN401 -- botocore's
        """Send one request, and return its answer."""


class AwsDestination:
    """Sends records through a service of AWS that takes batches.

    Attributes:
        keeps_order: a call may have several records of a key.

    Args:
        name: its URL without parameters.
        dialect: how the service is asked.
        request: the limits of one request.
        settings: how the client is made.
        client: a client to use instead, with its own settings.
        event_id: add the member `event_id` to each record.
        is_ordered: send a key once in a request.

    Raises:
        ConfigurationError: no client can be made.
    """

    keeps_order = True

    def __init__(  # noqa: PLR0913 -- what both services need
        self,
        name: str,
        dialect: Dialect,
        request: Request,
        *,
        settings: AwsSettings,
        client: object,
        event_id: bool,
        is_ordered: bool,
    ) -> None:
        self._name = name
        self._dialect = dialect
        self._request = request
        self._settings = settings
        self._timeout = checked_seconds("timeout", settings.timeout)
        self._given = client
        self._event_id = event_id
        self._is_ordered = is_ordered
        self._pid = os.getpid()
        self._client: Any = client if client is not None else self._made()
        self._name = name if "://arn:" in name else self._whole_name(name)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"

    @property
    def name(self) -> str:
        """What status, logs and the engine's cursor call it: with Region, profile, endpoint_url."""
        return self._name

    @property
    def most_records(self) -> int:
        """The most records of one request."""
        return self._request.most_records

    @property
    def most_bytes(self) -> int:
        """The most bytes of one request, data and keys together."""
        return self._request.most_bytes

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record, data and key together."""
        return min(self._request.most_record_bytes, self._request.most_bytes)

    def send(
        self,
        application_id: str,  # noqa: ARG002 -- the stream is the same for all
        records: Sequence[StreamRecord],
    ) -> list[Refused | None]:
        """Send records, in their order, and say of each what became of it.

        More records than one request takes become several. With order kept (the default), a key
        is once in each request, since the service may take a later record of a batch and refuse
        an earlier one.

        Args:
            application_id: whose stream it is.
            records: the records.

        Returns:
            None for each record that was taken, else why it was not.

        Raises:
            Unavailable: nothing is known to have been taken.
        """
        entries = [
            Entry(index, record.key, data, len(data) + len(record.key.encode()))
            for index, record in enumerate(records)
            for data in (data_of(record, event_id=self._event_id),)
        ]
        until = time.monotonic() + self._timeout
        with deadlines.within(self._timeout):
            return send_batches(
                entries, self._request, self._send, is_ordered=self._is_ordered, until=until
            )

    def close(self) -> None:
        """Close the connections of a client that was made here; idempotent."""
        if self._given is None:
            self._client.close()

    def _whole_name(self, name: str) -> str:
        """Return a name that streams of other Regions, accounts and of emulators do not have."""
        whole = f"{name}?region={self._client.meta.region_name}"
        if self._settings.profile:
            whole += f"&profile={quote(self._settings.profile)}"
        if self._settings.endpoint_url is None:
            return whole
        parts = urlsplit(self._settings.endpoint_url)
        return f"{whole}&endpoint_url={parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    def _made(self) -> Any:  # noqa: ANN401 -- botocore's
        add = f"write {self._name}?region=REGION"
        # The parameters are records that were checked before.
        return make_client(
            self._dialect.service, self._settings, self._name, add_region=add, validates=False
        )

    def _current(self) -> Any:  # noqa: ANN401 -- botocore's
        """Return the client; in a forked child another one, since connections are the parent's."""
        if self._given is None and os.getpid() != self._pid:
            self._client = self._made()
            self._pid = os.getpid()
        return self._client

    def _send(self, entries: Sequence[Entry]) -> list[Refused | None]:
        from botocore.exceptions import ClientError  # noqa: PLC0415 -- loaded with the client

        try:
            answer = self._dialect.call(self._current(), entries)
        except ClientError as error:
            raise self._refusal(error.response) from None
        except Exception as error:  # botocore raises anything at an answer of another form
            raise Unavailable(f"{self._name}: no answer ({type(error).__name__})") from error
        results = answer.get(self._dialect.results)
        if not isinstance(results, list) or len(results) != len(entries):
            raise Unavailable(f"{self._name}: the answer does not say what became of each record")
        return [self._outcome(result) for result in results]

    def _outcome(self, result: object) -> Refused | None:
        if not isinstance(result, Mapping):
            return Refused("NoAnswer", "the answer says nothing of it")
        if code := result.get("ErrorCode"):
            return Refused(_plain(code), "the service did not take it")
        if not result.get(self._dialect.receipt):
            return Refused("NoAnswer", "the answer says nothing of it")
        return None

    def _refusal(self, response: Mapping[str, Any]) -> Unavailable | ContentRefusedError:
        error, metadata = response.get("Error", {}), response.get("ResponseMetadata", {})
        code = _plain(error.get("Code"))
        status = metadata.get("HTTPStatusCode", 0)
        if code in _CONTENT and status < 500:  # noqa: PLR2004 -- HTTP
            return ContentRefusedError(code, "the service calls the content wrong")
        said = str(error.get("Message", "")) if _SPOKEN.search(code) else ""
        text = "".join(sign for sign in said if sign.isprintable())[:_MOST_SPOKEN_CHARS]
        after = str(metadata.get("HTTPHeaders", {}).get("retry-after", ""))
        return Unavailable(
            f"{self._name}: {code} ({status})" + (f": {text}" if text else ""),
            retry_after=float(after) if after.isdecimal() and len(after) < 6 else None,  # noqa: PLR2004 -- seconds
        )


def arn_of(
    service: str, stream: str, *, arn: re.Pattern[str], name: re.Pattern[str]
) -> re.Match[str] | None:
    """Return the parts of a stream's ARN; None where it is given by its name.

    Args:
        service: the scheme of its URL.
        stream: the name or the ARN.
        arn: what an ARN looks like.
        name: what a name looks like.

    Raises:
        ConfigurationError: it is neither.
    """
    found = arn.fullmatch(stream)
    if found is None and not name.fullmatch(stream):
        raise ConfigurationError(
            f"no name of a stream: write {service}://NAME with letters, digits, _, . and -, or its"
            " ARN"
        )
    return found


def _plain(code: object) -> str:
    found = _CODE.match(str(code))
    return found[0] if found else "Unknown"
