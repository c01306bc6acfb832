"""An HTTP endpoint in the form that Amazon Data Firehose delivers to.

Receivers that were written for Firehose read it: `{requestId, timestamp, records: [{data}]}` with
the access key in a header. It is sent by botocore's own HTTP session, so that it ends in time and
follows no redirect. Nothing that the endpoint says is shown: it may quote a record.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import ipaddress
import json
import os
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from pinpoint_kit.destinations.batches import ContentRefusedError, Entry, Request, send_batches
from pinpoint_kit.destinations.members import data_of
from pinpoint_kit.destinations.parameters import checked_number, checked_seconds
from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.records.destination import Unavailable
from pinpoint_kit.transport import deadlines
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pinpoint_kit.records.destination import Refused, StreamRecord

__all__ = ["HttpEndpoint"]

_TIMEOUT = 30.0
_MOST_RECORDS = 1_000
#: In base64 it becomes 4 MB, below what API Gateway (10 MB) and Lambda (6 MB) take.
_MOST_BYTES = 3_000_000
_HIGHEST_BYTES = 48_000_000  # 64 MB in base64: Firehose's largest buffer for HTTP
#: The longest answer that is read; Firehose reads 1 MiB.
_MOST_ANSWER_BYTES = 1_048_576
_OK = 200
#: 413 is Firehose's word for too large; 400 and 422 are what others say of a record.
_CONTENT = frozenset({400, 413, 422})
_REDIRECTS = range(300, 400)
#: A request with the same records has the same id.
_NAMESPACE = uuid.UUID("0e7b2b52-4d2b-4f53-8a49-5d7f3c1f3e0b")


class HttpEndpoint:
    """An HTTP endpoint that takes what Amazon Data Firehose sends to one.

    Records are sent in order, and a request is taken as a whole. Its id follows from the records in
    it, so that a receiver may ignore a request that comes twice; after a call of which a part was
    taken, the rest comes in other requests. Safe for several threads.

    Args:
        url: `https://HOST/PATH`; `http://` too, but with an access key only on this machine.
        access_key: what the endpoint knows the sender by, sent as `X-Amz-Firehose-Access-Key`.
        compress: compress requests with gzip.
        ca_file: certificates, in PEM, of authorities to trust instead of the public ones.
        timeout: the seconds that a call of `send` takes at most.
        event_id: add a member `event_id` to each record; Pinpoint's own have none.
        most_records: the most records of one request, from 1 to 10,000.
        most_bytes: the most bytes of one request before base64, which adds a third.

    Raises:
        ConfigurationError: the URL is none or holds a secret, or a value is wrong.

    Examples:
        >>> HttpEndpoint("https://collector.example.com/firehose?team=growth").name
        'https://collector.example.com?8ae0b1d5'
    """

    keeps_order = True  # requests are taken as a whole, one after the other

    def __init__(  # noqa: PLR0913 -- keyword-only options
        self,
        url: str,
        *,
        access_key: str | None = None,
        compress: bool = False,
        ca_file: str | None = None,
        timeout: float = _TIMEOUT,
        event_id: bool = False,
        most_records: int = _MOST_RECORDS,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        self._url = url
        self._name = _checked(url, has_key=access_key is not None)
        if access_key is not None and not _is_header(access_key):
            raise ConfigurationError(
                f"the access key for {self._name} is none: write printable ASCII without blanks"
                " around it, up to 4,096 characters"
            )
        self._timeout = checked_seconds("timeout", timeout)
        self._event_id = event_id
        self._compress = compress
        if ca_file is not None and not os.path.isfile(ca_file):  # noqa: PTH113 -- a str
            raise ConfigurationError(f"no file {ca_file}: name certificates in PEM")
        self._ca_file = ca_file
        size = checked_number("most_bytes", most_bytes, 1, _HIGHEST_BYTES)
        self._request = Request(
            most_records=checked_number("most_records", most_records, 1, 10_000),
            most_bytes=size,
            most_record_bytes=size,
        )
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": f"pinpoint_kit/{VERSION}",
            "X-Amz-Firehose-Protocol-Version": "1.0",
            **({"Content-Encoding": "gzip"} if compress else {}),
            **({"X-Amz-Firehose-Access-Key": access_key} if access_key is not None else {}),
        }
        self._pid = os.getpid()
        self._session: Any = None

    def __repr__(self) -> str:
        return f"<HttpEndpoint {self._name}>"

    @property
    def name(self) -> str:
        """What status and logs call it: the URL, with a hash in place of path and query."""
        return self._name

    @property
    def most_records(self) -> int:
        """The most records of one request."""
        return self._request.most_records

    @property
    def most_bytes(self) -> int:
        """The most bytes of one request, before base64."""
        return self._request.most_bytes

    @property
    def most_record_bytes(self) -> int:
        """The most bytes of one record."""
        return self._request.most_record_bytes

    def send(
        self, application_id: str, records: Sequence[StreamRecord]
    ) -> Sequence[Refused | None]:
        """Send records, in their order, and say of each what became of it.

        Args:
            application_id: whose stream it is, sent as the attribute `applicationId`.
            records: the records.

        Returns:
            None for each record that was taken, else why it was not.

        Raises:
            Unavailable: nothing is known to have been taken.
        """
        entries = [
            Entry(index, record.key, data, len(data))
            for index, record in enumerate(records)
            for data in (data_of(record, event_id=self._event_id),)
        ]

        def send(batch: Sequence[Entry]) -> list[Refused | None]:
            numbers = (str(records[entry.index].number) for entry in batch)
            identity = f"{self._url}\n{application_id}\n{','.join(numbers)}"
            self._post(application_id, str(uuid.uuid5(_NAMESPACE, identity)), batch)
            return [None] * len(batch)

        until = time.monotonic() + self._timeout
        with deadlines.within(self._timeout):
            return send_batches(
                entries, self._request, send, is_ordered=True, is_atomic=True, until=until
            )

    def close(self) -> None:
        """Close the connections; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _post(self, application_id: str, request_id: str, batch: Sequence[Entry]) -> None:
        body = _body(request_id, batch)
        headers = {
            **self._headers,
            "X-Amz-Firehose-Request-Id": request_id,
            "X-Amz-Firehose-Common-Attributes": json.dumps(  # in ASCII, without line ends
                {"commonAttributes": {"applicationId": application_id}}
            ),
        }
        status, found, answer = self._ask(
            gzip.compress(body, 1) if self._compress else body, headers
        )
        if status in _REDIRECTS:
            raise Unavailable(f"{self._name}: answers {status}: write the URL that it leads to")
        if status in _CONTENT:
            raise ContentRefusedError(str(status), "the endpoint calls the content wrong")
        if status != _OK:
            after = found.get("retry-after", "")
            raise Unavailable(
                f"{self._name}: answers {status}",
                retry_after=float(after) if after.isdecimal() and len(after) < 6 else None,  # noqa: PLR2004 -- seconds
            )
        if _request_id(answer) != request_id:
            raise Unavailable(
                f"{self._name}: answers 200 without the requestId of the request: check that it is"
                " an endpoint for Amazon Data Firehose"
            )

    def _ask(self, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
        from botocore.awsrequest import AWSPreparedRequest  # noqa: PLC0415 -- loaded when used
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 -- as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- as above

        prepared: Any = AWSPreparedRequest
        request = prepared("POST", self._url, dict(headers), body, stream_output=True)
        try:
            answer: Any = self._current().send(request)
            content = answer.raw.read(_MOST_ANSWER_BYTES + 1)
            if len(content) > _MOST_ANSWER_BYTES:
                answer.raw.close()
                raise Unavailable(
                    f"{self._name}: an answer of more than {_MOST_ANSWER_BYTES} bytes: check that"
                    " it is an endpoint for Amazon Data Firehose"
                )
            answer.raw.release_conn()
        except (BotoCoreError, HTTPError, PinpointKitError, OSError) as error:
            raise Unavailable(f"{self._name}: no answer ({type(error).__name__})") from error
        return answer.status_code, {n.lower(): v for n, v in answer.headers.items()}, content

    def _current(self) -> Any:  # noqa: ANN401 -- botocore's
        """Return the session; in a forked child another one, since connections are the parent's."""
        if self._session is None or os.getpid() != self._pid:
            from botocore.httpsession import URLLib3Session  # noqa: PLC0415 -- loaded when used

            from pinpoint_kit.transport.sending import bound_session  # noqa: PLC0415 -- as above

            make: Any = URLLib3Session  # its types lack a path and two timeouts
            session = make(
                verify=self._ca_file or True, timeout=(min(5.0, self._timeout), self._timeout)
            )
            bound_session(session)
            self._session, self._pid = session, os.getpid()
        return self._session


def _body(request_id: str, batch: Sequence[Entry]) -> bytes:
    records = b'"},{"data":"'.join(base64.b64encode(entry.data) for entry in batch)
    return b'{"requestId":"%b","timestamp":%d,"records":[{"data":"%b"}]}' % (
        request_id.encode(),
        time.time_ns() // 1_000_000,
        records,
    )


def _request_id(content: bytes) -> object:
    try:
        answer = orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
    return answer.get("requestId") if isinstance(answer, dict) else None


def _checked(url: str, *, has_key: bool) -> str:
    """Return how the URL is shown: with a hash for path and query, which may hold a token."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or parts.scheme not in {"http", "https"} or not host or not _is_header(url):
        raise ConfigurationError("no URL of an HTTP endpoint: write https://HOST/PATH")
    if "@" in parts.netloc:
        raise ConfigurationError(
            "a URL is no place for secrets: hand the access key over by access_key_env or"
            " access_key_file"
        )
    if parts.fragment:
        raise ConfigurationError("the URL of an HTTP endpoint has a #: leave out what follows it")
    if has_key and parts.scheme == "http" and not _is_here(host):
        raise ConfigurationError(
            f"http://{parts.netloc} would send the access key in the clear: use https://"
        )
    shown, rest = f"{parts.scheme}://{parts.netloc}", parts._replace(scheme="", netloc="").geturl()
    mark = hashlib.sha256(rest.encode()).hexdigest()[:8]
    return f"{shown}?{mark}" if rest.strip("/") else shown


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_header(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip() and 0 < len(text) <= 4096  # noqa: PLR2004 -- Firehose's limit of a key
