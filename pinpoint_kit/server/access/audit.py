"""`AuditLog`: who has done what, as records in CloudTrail's form.

A log of administration. Of a body only what is listed here is written, everything else is masked:
so personal data stands there only where an id stands in a path, or where addresses are asked for.

Source: Developer Guide, "Logging Amazon Pinpoint API Calls with AWS CloudTrail", of 2018 and 2023:
the members of a record, the masks, and what is not logged.
"""

from __future__ import annotations

import datetime as dt
import errno
import logging
import os
import re
import stat
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args
from urllib.parse import parse_qsl

import orjson

from pinpoint_kit.engine.applications.tags import ACCOUNT
from pinpoint_kit.engine.engine import DEFAULT_REGION
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.system.private_files import is_private

if TYPE_CHECKING:
    from pinpoint_kit.engine.wire.http import Response
    from pinpoint_kit.engine.wire.routes import Match, Route
    from pinpoint_kit.engine.wire.shapes import Shape
    from pinpoint_kit.server.head import Head

__all__ = ["AuditLog", "AuditSelection"]

#: Which operations are logged: as CloudTrail did in 2018 or in 2023, or every one.
AuditSelection: TypeAlias = Literal["2018", "2023", "all"]

_logger = logging.getLogger(__name__)

_UNLOGGED: Mapping[str, frozenset[str]] = {
    "2018": frozenset(
        {"GetEndpoint", "UpdateEndpoint", "UpdateEndpointsBatch"}
        | {"SendMessages", "SendUsersMessages"}
    ),
    "2023": frozenset({"PutEvents", "SendMessages", "SendUsersMessages"}),
    "all": frozenset(),
}
_MASK = "****"
#: Members whose text is a setting, an instant or the id of a resource. Numbers and words of a fixed
#: set are shown too; names, descriptions, messages, addresses and attributes are masked.
_SHOWN = frozenset(
    {"ApplicationId", "Arn", "CompletionDate", "CreationDate", "End", "EndTime", "Id"}
    | {"LastModifiedDate", "RoleArn", "SegmentId", "Start", "StartTime", "Timezone"}
)
#: Structures that are looked into.
_OPENED = frozenset({"Limits", "QuietTime", "Schedule", "State"})
#: What is shown of a query, by the form of its value: anything else may be anybody's data.
_QUERY: Mapping[str, re.Pattern[str]] = {
    "page-size": re.compile(r"[0-9]{1,5}", re.ASCII),
    "version": re.compile(r"[0-9]{1,10}", re.ASCII),
    **dict.fromkeys(
        ("end-time", "start-time"),
        re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]{1,18}(Z|[+ -][0-9:]{2,5})?)?", re.ASCII),
    ),
}
_LONGEST_AGENT = 200
_O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 0)
_O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class AuditLog:
    """Appends one JSON object a request to a file that only its owner can read.

    The file is opened for each record, so that it can be moved away at any time; several processes
    may write to it. Use it from any thread.

    Args:
        path: the file; it is made with mode 0600.
        like: which operations are logged: as CloudTrail did in `2018` or in `2023`, or `all`.
        region: the Region that the records name.
        log_addresses: write the client's network address, which is personal data.
        now: returns the time, aware.

    Raises:
        ConfigurationError: the file cannot be written, or others can read it.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        like: AuditSelection = "2023",
        region: str = DEFAULT_REGION,
        log_addresses: bool = False,
        now: Callable[[], dt.datetime] = _now,
    ) -> None:
        if like not in get_args(AuditSelection):
            raise ConfigurationError(f"like is {like!r}: use 2018, 2023 or all")
        self._path = Path(path)
        self._unlogged = _UNLOGGED[like]
        self._region = region
        self._log_addresses = log_addresses
        self._now = now
        self._is_failing = False
        self._check()

    def __repr__(self) -> str:
        return f"<AuditLog {self._path}>"

    def write(  # noqa: PLR0913, PLR0917 -- what there is to say of a request
        self,
        head: Head,
        match: Match,
        content: bytes,
        access_key_id: str,
        address: str,
        response: Response,
    ) -> None:
        """Write the record of a request that has its answer; never raises.

        A file that cannot be written is logged as an error, once until it can be again.

        Args:
            head: the request line and the headers.
            match: what was asked for.
            content: the body.
            access_key_id: the key that signed the request, "" without one.
            address: the client's network address.
            response: the answer.
        """
        route = match.route
        if route is None or route.operation in self._unlogged:
            return
        record = self._record(head, match, route, content, access_key_id, response)
        record["sourceIPAddress"] = address if self._log_addresses and address else None
        try:
            self._append(orjson.dumps(record) + b"\n")
        except OSError as error:
            if not self._is_failing:
                _logger.error("audit log not written: %s: %s", self._path, error.strerror)  # noqa: TRY400 -- the sentence is all there is to say
            self._is_failing = True
        else:
            self._is_failing = False

    def _record(  # noqa: PLR0913, PLR0917 -- as `write`
        self,
        head: Head,
        match: Match,
        route: Route,
        content: bytes,
        access_key_id: str,
        response: Response,
    ) -> dict[str, object]:
        is_read = match.method in {"GET", "HEAD"}
        is_done = response.status < 400  # noqa: PLR2004 -- HTTP
        record: dict[str, object] = {
            "eventVersion": "1.05",
            "userIdentity": _identity(access_key_id),
            "eventTime": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "eventSource": "pinpoint.amazonaws.com",
            "eventName": route.operation,
            "awsRegion": self._region,
            "userAgent": _printable(head.header("user-agent")),
            "requestParameters": {
                **(_masked_body(content, route.body) if is_done else {}),
                **_query(head.query),
                **match.labels(route),
            }
            or None,
            "responseElements": None
            if is_read or not is_done
            else _masked_body(response.body, route.answer) or None,
            "requestID": response.headers.get("x-amzn-RequestId", ""),
            "eventID": str(uuid.uuid4()),
            "readOnly": is_read,
            "eventType": "AwsApiCall",
            "recipientAccountId": ACCOUNT,
        }
        code = response.headers.get("x-amzn-ErrorType", "")
        return {**record, "errorCode": code} if code else record

    def _check(self) -> None:
        try:
            found = self._append(b"")
        except OSError as error:
            raise ConfigurationError(
                f"the audit log {self._path} cannot be written: {error.strerror}"
            ) from None
        if not (stat.S_ISREG(found.st_mode) and is_private(found)):
            raise ConfigurationError(
                f"the audit log {self._path} can be read by others, or is no file: run"
                f" `chmod 600 {self._path}`, or name another file"
            )

    def _append(self, line: bytes) -> os.stat_result:
        # A pipe that nobody reads must not make us wait.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | _O_NOFOLLOW | _O_NONBLOCK
        descriptor = os.open(self._path, flags, 0o600)
        try:
            found = os.fstat(descriptor)
            if line:
                if not (stat.S_ISREG(found.st_mode) and is_private(found)):
                    raise PermissionError(errno.EACCES, "others can read it, or it is no file")
                written = os.write(descriptor, line)  # one call: lines of several stay whole
                if written < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return found
        finally:
            os.close(descriptor)


def _identity(access_key_id: str) -> dict[str, object]:
    if not access_key_id:
        return {"type": "Unknown"}
    return {
        "type": "IAMUser",
        "principalId": access_key_id,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{access_key_id}",
        "accountId": ACCOUNT,
        "accessKeyId": access_key_id,
        "userName": access_key_id,
    }


def _query(query: str) -> dict[str, object]:
    try:
        pairs = parse_qsl(query, max_num_fields=50)
    except ValueError:
        return {}
    return {
        name: value if _QUERY[name].fullmatch(value) else _MASK
        for name, value in pairs
        if name in _QUERY
    }


def _masked_body(content: bytes, shape: Shape) -> dict[str, object]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return _masked(value, shape) if isinstance(value, dict) else {}


def _masked(value: Mapping[str, object], shape: Shape) -> dict[str, object]:
    """Return the members that the service model has, each shown or masked."""
    return {
        name: _shown(name, value[name], member)
        for name, member in shape.members.items()
        if value.get(name) is not None
    }


def _shown(name: str, value: object, shape: Shape) -> object:
    if isinstance(value, Mapping):
        return _masked(value, shape) if name in _OPENED else _MASK
    if isinstance(value, str):
        return value if name in _SHOWN or value in shape.choices else _MASK
    return value if isinstance(value, (bool, int, float)) else _MASK


def _printable(text: str) -> str:
    return "".join(char for char in text[:_LONGEST_AGENT] if char.isprintable())
