"""What an answer says, and whether it is Pinpoint's own word.

A proxy, a gateway or a captive portal answers with statuses too. Only an answer that shows by its
headers and body that Pinpoint gave it may refuse anything; every other is no answer. What comes
from outside is cleaned and bounded here before it becomes part of an error, a reason or a log
line. Nothing here calls, and botocore stays out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

import attrs
import orjson

from pinpoint_kit import errors
from pinpoint_kit.transport.extensions import MARK

__all__ = [
    "FIRST_FAILURE",
    "PutEventsAnswer",
    "foreign",
    "is_object",
    "is_own",
    "object_of",
    "request_id_of",
    "results_of",
    "retry_after_of",
    "text_of",
    "unreadable",
    "word_of",
]

FIRST_FAILURE = 300
_FIRST_CLIENT_ERROR = 400
_FIRST_SERVER_ERROR = 500
_ABOUT_NOTHING_STORED = frozenset({401, 403, 405, 429})
#: Statuses of a proxy's page that may pass: timeouts, too many requests, failures but 501 and 505.
_PASSING = frozenset({408, 425, 429, *range(500, 600)} - {501, 505})
_MOST_TEXT_CHARS = 1_000
_NOT_PINPOINT = (
    "the answer is not a Pinpoint answer: check that the URL is a Pinpoint service and no"
    " proxy's page"
)
#: The names of exceptions and the ids of requests: a word that can stand in any log line.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)
#: Seconds in decimal digits. The other form, a date, is not used by anything seen so far.
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)


@attrs.frozen
class PutEventsAnswer:
    """The answer to one PutEvents request: `Results` as they came, and the request's id."""

    results: Mapping[str, Mapping[str, Any]]
    request_id: str


def is_object(body: bytes) -> bool:
    """Whether a body is a JSON object, as every answer of Pinpoint is that has a body."""
    try:
        return isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        return False


def is_own(status: int, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether an answer that refuses is Pinpoint's own.

    It is when its body is a JSON object and it has our mark, names the exception as AWS does
    (`x-amzn-ErrorType`, or `__type` or a known `code` in the body), or has the two members that
    every exception of the service model has, `Message` and `RequestID`. 401, 403, 405, 429 and 5xx
    say nothing of the content or of what is stored, so that the JSON object is enough.

    Args:
        status: the HTTP status, 300 or more.
        headers: the answer's headers, under any letters.
        body: the answer's body.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(answer, dict):
        return False
    if status in _ABOUT_NOTHING_STORED or status >= _FIRST_SERVER_ERROR or MARK in headers:
        return True
    return (
        bool(headers.get("x-amzn-errortype"))
        or bool(answer.get("__type"))
        or answer.get("code") in errors.SERVICE_EXCEPTIONS
        or ("Message" in answer and "RequestID" in answer)
    )


def foreign(operation: str, status: int, headers: Mapping[str, str]) -> errors.ForeignAnswerError:
    """Return the error for an answer that something in between gave in Pinpoint's place."""
    if FIRST_FAILURE <= status < _FIRST_CLIENT_ERROR:
        problem = "the server redirects elsewhere, which is not followed: correct the URL"
    else:
        problem = _NOT_PINPOINT
    return errors.ForeignAnswerError(
        f"{operation}: {problem} (status {status})",
        operation,
        status=status,
        retry_after=retry_after_of(headers),
        is_retryable=status in _PASSING,
    )


def unreadable(operation: str) -> errors.TransportError:
    """Return the error for an answer of success that Pinpoint cannot have given."""
    return errors.TransportError(f"{operation}: {_NOT_PINPOINT}", operation)


def results_of(raw: bytes | None, parsed: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Read the answer to PutEvents item by item; no `Results` means that no item was answered.

    Raises:
        TransportError: it is no such answer.
    """
    try:
        # There are no bytes where a hook answers in place of the network (botocore's Stubber).
        answer = orjson.loads(raw) if raw is not None else parsed["EventsResponse"]
        results = answer.get("Results")
        if results is None:
            return {}
        if all(isinstance(item, dict) for item in results.values()):
            return cast("Mapping[str, Mapping[str, Any]]", results)
    except (orjson.JSONDecodeError, AttributeError, KeyError):
        pass
    raise unreadable("PutEvents")


def object_of(raw: bytes | None, operation: str) -> dict[str, Any]:
    """Read the answer to an extension operation.

    Raises:
        TransportError: it is no JSON object.
    """
    try:
        answer = orjson.loads(raw or b"")
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise unreadable(operation)
    return answer


def request_id_of(answer: Mapping[str, Any]) -> str:
    """Return the id of a request that was answered, "" where there is none."""
    return word_of(answer.get("ResponseMetadata", {}).get("RequestId"))


def word_of(value: object) -> str:
    """Return a name or an id from outside as it may stand in a log line; "" for anything else."""
    return value if isinstance(value, str) and _WORD.fullmatch(value) else ""


def text_of(value: object) -> str:
    """Return a text from outside in one line of at most 1,000 printable characters."""
    text = str(value)[:_MOST_TEXT_CHARS]
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "?" for character in text)


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait, None where it does not or not in digits."""
    asked = headers.get("retry-after", "")
    return float(asked) if isinstance(asked, str) and _SECONDS.fullmatch(asked) else None
