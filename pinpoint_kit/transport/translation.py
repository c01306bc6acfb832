"""Our error for one of botocore's: the one place that knows botocore's exceptions.

Loaded with the first error. Texts of ours never hold a URL's path or a parameter; what comes from
outside was cleaned in transport/answers.py.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import botocore.exceptions as aws

from pinpoint_kit import errors
from pinpoint_kit.transport.answers import (
    FIRST_FAILURE,
    retry_after_of,
    text_of,
    unreadable,
    word_of,
)
from pinpoint_kit.transport.extensions import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["translate", "translate_any", "translating"]

_FIRST_CLIENT_ERROR = 400
_NOT_FOUND = 404
_NOT_IMPLEMENTED = 501
#: The engine and our server say by it what they were not set up for; it is not about credentials.
_NOT_ALLOWED_HERE = "ForbiddenException"
#: The embedded engine and our server say so when a failure lasts until somebody fixes its cause.
_RETRYABLE_HEADER = "x-pinpoint-kit-retryable"

_BY_STATUS: dict[int, type[errors.ServiceError]] = {
    400: errors.BadRequest,
    401: errors.Forbidden,
    403: errors.Forbidden,
    404: errors.NotFound,
    405: errors.MethodNotAllowed,
    409: errors.Conflict,
    413: errors.PayloadTooLarge,
    429: errors.TooManyRequests,
}

#: What botocore's report says was expected; classes and numbers only, never a value.
_EXPECTED = re.compile(
    r", valid types: <class '[\w.]+'>(, <class '[\w.]+'>)*|, valid (min|max) (length|value): \d+"
)
_TIMEOUTS = (aws.ConnectTimeoutError, aws.ReadTimeoutError)
_NEVER_SENT = (aws.EndpointConnectionError, aws.ConnectTimeoutError, aws.ProxyConnectionError)
_CREDENTIALS = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.NoAuthTokenError,
    aws.TokenRetrievalError,
    aws.SSOError,
)
_SETUP = (aws.NoRegionError, aws.ProfileNotFound, aws.InvalidProxiesConfigError)
_NETWORK = (aws.HTTPClientError, aws.ConnectionError, aws.IncompleteReadError)


@contextlib.contextmanager
def translating(operation: str) -> Iterator[None]:
    """Raise errors of botocore as ours; for clients of other services.

    Raises:
        PinpointKitError: what `translate` makes of it.
    """
    try:
        yield
    except (aws.BotoCoreError, aws.ClientError) as error:
        translated = translate(error, operation)
    else:
        return
    raise translated from None  # as in `Transport`


def translate_any(error: Exception, operation: str) -> errors.PinpointKitError | None:
    """Return our error for whatever a call raised; None where it is somebody else's."""
    if isinstance(error, (aws.BotoCoreError, aws.ClientError)):
        return translate(error, operation)
    if isinstance(error, UnicodeEncodeError):
        return errors.ValidationError(
            f"{operation}: a parameter cannot be written in UTF-8", "", "parameters"
        )
    return unreadable(operation) if _is_parser_failure(error) else None


def _is_parser_failure(error: Exception) -> bool:
    """Whether botocore's parser failed: for members of a wrong type it has no error class."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_globals.get("__name__") == "botocore.parsers"


def translate(error: Exception, operation: str) -> errors.PinpointKitError:
    """Return our error for one of botocore's; its text holds no URL's path and no parameter."""
    if isinstance(error, aws.ClientError):
        return _service_error(error, operation)
    if isinstance(error, aws.ParamValidationError):
        return _parameters(error, operation)
    if isinstance(error, _CREDENTIALS):
        return errors.TransportError(
            f"{operation}: no usable AWS credentials ({type(error).__name__}): configure a profile,"
            " a role or environment variables, or use a sqlite:/// URL, which needs none",
            operation,
            is_retryable=False,
            may_have_arrived=False,
        )
    if isinstance(error, _SETUP):
        return errors.ConfigurationError(
            f"{operation}: {type(error).__name__}: name the Region in the URL (aws://REGION), and"
            " check the profile and proxy settings"
        )
    return _no_answer(error, operation)


def _no_answer(error: Exception, operation: str) -> errors.TransportError:
    if not isinstance(error, _NETWORK):
        return errors.TransportError(
            f"{operation}: not sent ({type(error).__name__}): check the configuration of the"
            " client and of its credentials",
            operation,
            is_retryable=False,
            may_have_arrived=False,
        )
    inner = getattr(error, "kwargs", {}).get("error")
    if isinstance(inner, errors.TransportError):  # of what sends, which botocore wraps
        inner.message = f"{operation}: {inner.message}"
        inner.operation = operation
        return inner
    if isinstance(error, aws.ProxyConnectionError):
        return errors.TransportError(
            f"{operation}: no answer from the proxy{_host(error, 'proxy_url')}: check that it runs,"
            " and HTTP_PROXY, HTTPS_PROXY and NO_PROXY",
            operation,
            may_have_arrived=False,
        )
    where = _host(error, "endpoint_url")
    if isinstance(error, _TIMEOUTS):
        return errors.TransportTimeoutError(
            f"{operation}: no answer in time{where}: try again, or raise the timeouts",
            operation,
            may_have_arrived=not isinstance(error, _NEVER_SENT),
        )
    is_tls = isinstance(error, aws.SSLError)
    return errors.TransportError(
        f"{operation}: no answer{where} ({type(error).__name__}): check the URL, the network and"
        " that the server runs",
        operation,
        is_retryable=not is_tls,
        may_have_arrived=not (is_tls or isinstance(error, _NEVER_SENT)),
    )


def _host(error: Exception, name: str) -> str:
    """Return the host and port in what botocore says of a failure, without user and password."""
    host = urlsplit(str(getattr(error, "kwargs", {}).get(name, ""))).netloc.rpartition("@")[2]
    return host and (f" {host}" if name == "proxy_url" else f" from {host}")


def _parameters(error: aws.ParamValidationError, operation: str) -> errors.ValidationError:
    """Return the first problem of botocore's report, without the value: that may hold anything."""
    report = str(error.kwargs.get("report", "")).strip()
    first, has_value, rest = report.partition(", value: ")
    if has_value:
        expected = _EXPECTED.search(rest)
        problem = first + (expected.group() if expected else "")
    else:
        problem = first.partition("\n")[0]
    return errors.ValidationError(
        f"{operation}: {text_of(problem) or 'see the API'}", "", "parameters"
    )


def _service_error(error: aws.ClientError, operation: str) -> errors.ServiceError:
    response = cast("Mapping[str, Any]", error.response)
    metadata = response.get("ResponseMetadata") or {}
    details = response.get("Error") or {}
    status = _whole(metadata.get("HTTPStatusCode"))
    code = word_of(details.get("Code"))
    if code == str(status):
        code = ""  # botocore's stopgap for an answer that names no exception
    message = text_of(details.get("Message") or response.get("Message") or "no message")
    if FIRST_FAILURE <= status < _FIRST_CLIENT_ERROR:
        message = "the server redirects elsewhere, which is not followed: correct the URL"
    fallback = errors.InternalServerError if status >= 500 else errors.ServiceError  # noqa: PLR2004 -- HTTP
    cls = errors.SERVICE_EXCEPTIONS.get(code) or _BY_STATUS.get(status, fallback)
    if status == _NOT_IMPLEMENTED:
        cls = errors.OperationNotImplemented
    headers: Mapping[str, str] = metadata.get("HTTPHeaders") or {}
    translated = cls(
        message,
        status=status,
        code=code,
        request_id=word_of(metadata.get("RequestId") or response.get("RequestID")),
        operation=operation,
        retry_after=retry_after_of(headers),
    )
    _advise(translated, headers)
    return translated


def _advise(error: errors.ServiceError, headers: Mapping[str, str]) -> None:
    """Correct what the class says of every such answer, where this answer says otherwise."""
    if isinstance(error, errors.OperationNotImplemented):
        return
    if headers.get(_RETRYABLE_HEADER) == "false":
        error.is_retryable = False
        error.next_step = "repeating it does not help; the log of the engine or server says more"
    elif error.code == _NOT_ALLOWED_HERE and MARK in headers:
        error.next_step = errors.ServiceError.next_step  # it has the remedy, and no key is one
    elif error.status == _NOT_FOUND and not error.code:
        error.next_step = "this is no Pinpoint server: check the URL"


def _whole(value: object) -> int:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # whatever it is
    except (TypeError, ValueError):
        return 0
