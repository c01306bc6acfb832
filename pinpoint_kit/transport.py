"""One thin layer over one botocore client: calls, retries, and errors in our own words.

Sessions, profiles, assumed roles, proxies and client events keep working because it *is*
botocore. The two batch operations hand botocore a finished body in `before-call`; the answer to
PutEvents is read from its bytes in `before-parse`, so that nothing walks the events again.

botocore may be imported here, in `doors` and in `engine.routes`, and nowhere else. No threads.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import attrs
import botocore.exceptions as aws
import orjson
import tenacity

from pinpoint_kit import errors

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.client import BaseClient


__all__ = ["PutEventsAnswer", "RetryPolicy", "Transport", "translate"]

_FAST = ("PutEvents", "UpdateEndpointsBatch")
_OK_STATUS = 202
_NOT_IMPLEMENTED = 501

_BY_CODE: dict[str, type[errors.ServiceError]] = {
    "BadRequestException": errors.BadRequest,
    "ForbiddenException": errors.Forbidden,
    "NotFoundException": errors.NotFound,
    "MethodNotAllowedException": errors.MethodNotAllowed,
    "ConflictException": errors.Conflict,
    "PayloadTooLargeException": errors.PayloadTooLarge,
    "TooManyRequestsException": errors.TooManyRequests,
    "InternalServerErrorException": errors.InternalServerError,
}
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


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how often one request is tried again: full jitter, and a deadline.

    Args:
        deadline: seconds from the first try after which no new try starts.
        max_attempts: tries in all; 1 switches retries off.
        base_wait: seconds; the n-th wait is random between 0 and `base_wait * 2**n`.
        max_wait: seconds, the longest single wait.
    """

    deadline: float = 20.0
    max_attempts: int = 8
    base_wait: float = 0.1
    max_wait: float = 5.0


@attrs.frozen
class PutEventsAnswer:
    """The answer to one PutEvents request: `Results` as they came, and the request's id."""

    results: Mapping[str, Mapping[str, Any]]
    request_id: str


class _Exchange(threading.local):
    """What the calling thread hands to, and takes from, the two botocore events."""

    body: bytes | None = None
    answer: bytes | None = None


class Transport:
    """Calls on one botocore `pinpoint` client. Safe to use from several threads.

    Args:
        client: any botocore client for `pinpoint`.
        retry: how often and how long.
        sleep: waits between two tries; replace it to interrupt or to test.
    """

    def __init__(
        self,
        client: BaseClient,
        *,
        retry: RetryPolicy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.retry = retry or RetryPolicy()
        self.sleep = sleep
        self._exchange = _Exchange()
        self._is_closed = False
        methods: Mapping[str, str] = client.meta.method_to_api_mapping
        self._methods = {api: method for method, api in methods.items()}
        model = client.meta.service_model
        self._repeatable = {
            api
            for api in self._methods
            if api == "PutEvents" or model.operation_model(api).http["method"] != "POST"
        }
        for operation in _FAST:
            client.meta.events.register(
                f"before-call.pinpoint.{operation}", self._put_body, self._handler_id(operation)
            )
        client.meta.events.register(
            "before-parse.pinpoint.PutEvents", self._take_answer, self._handler_id("answer")
        )

    def _handler_id(self, name: str) -> str:
        return f"pinpoint_kit-{id(self)}-{name}"

    @property
    def region(self) -> str:
        """The client's Region."""
        return str(self.client.meta.region_name)

    @property
    def endpoint_url(self) -> str:
        """Where requests go."""
        return str(self.client.meta.endpoint_url)

    def close(self) -> None:
        """Refuse further calls; the client itself belongs to who made it."""
        self._is_closed = True
        for operation in _FAST:
            self.client.meta.events.unregister(
                f"before-call.pinpoint.{operation}", unique_id=self._handler_id(operation)
            )
        self.client.meta.events.unregister(
            "before-parse.pinpoint.PutEvents", unique_id=self._handler_id("answer")
        )

    def takes(self, operation: str, parameter: str) -> bool:
        """True when the operation is known and has that parameter."""
        if operation not in self._methods:
            return False
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        return shape is not None and parameter in shape.members

    def call(self, operation: str, /, **params: object) -> dict[str, Any]:
        """Call any of the service's operations, with retries.

        Args:
            operation: the API's name, for example `GetCampaigns`.
            **params: its parameters as in boto3.

        Returns:
            The answer as boto3 gives it.

        Raises:
            ConfigurationError: there is no such operation.
            ValidationError: the parameters do not fit the service model.
            TransportError: no answer came.
            ServiceError: the service refused.
        """
        if operation not in self._methods:
            raise errors.ConfigurationError(
                f"Pinpoint has no operation {operation!r}: write it as the API does,"
                " for example GetCampaigns"
            )
        method = getattr(self.client, self._methods[operation])
        answer = self._with_retries(operation, lambda: self._once(operation, method, params))
        return cast("dict[str, Any]", answer)

    def put_events(
        self, application_id: str, body: bytes, *, retry: bool = True
    ) -> PutEventsAnswer:
        """Send a finished PutEvents body and read the answer, item by item.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the whole request was refused.
        """

        def attempt() -> PutEventsAnswer:
            answer, raw = self._fast(
                "PutEvents",
                body,
                ApplicationId=application_id,
                EventsRequest={"BatchItem": {}},
            )
            return PutEventsAnswer(_results(raw), _request_id(answer))

        if not retry:
            return attempt()
        return cast("PutEventsAnswer", self._with_retries("PutEvents", attempt))

    def update_endpoints_batch(
        self, application_id: str, body: bytes, *, retry: bool = True
    ) -> str:
        """Send a finished UpdateEndpointsBatch body; it is answered only as a whole.

        Returns:
            The id of the request.

        Raises:
            TransportError: no answer came.
            ServiceError: the whole request was refused.
        """

        def attempt() -> str:
            answer, _ = self._fast(
                "UpdateEndpointsBatch",
                body,
                ApplicationId=application_id,
                EndpointBatchRequest={"Item": []},
            )
            return _request_id(answer)

        if not retry:
            return attempt()
        return str(self._with_retries("UpdateEndpointsBatch", attempt))

    def _fast(
        self, operation: str, body: bytes, **params: object
    ) -> tuple[dict[str, Any], bytes | None]:
        exchange = self._exchange
        exchange.body, exchange.answer = body, None
        try:
            answer = self._once(operation, getattr(self.client, self._methods[operation]), params)
            return answer, exchange.answer
        finally:
            exchange.body = exchange.answer = None

    def _put_body(self, params: dict[str, Any], **_: object) -> None:
        if self._exchange.body is not None:
            params["body"] = self._exchange.body

    def _take_answer(self, response_dict: dict[str, Any], **_: object) -> None:
        if self._exchange.body is not None and response_dict["status_code"] == _OK_STATUS:
            self._exchange.answer = response_dict["body"]
            response_dict["body"] = b"{}"

    def _once(
        self, operation: str, method: Callable[..., dict[str, Any]], params: Mapping[str, object]
    ) -> dict[str, Any]:
        if self._is_closed:
            raise errors.ClosedError("this client was closed: make a new one with connect()")
        try:
            return method(**params)
        except (aws.BotoCoreError, aws.ClientError) as error:
            translated = translate(error, operation)
        # Not chained: botocore's own text holds the URL and the parameters, and those hold
        # user ids and addresses.
        raise translated from None

    def _with_retries(self, operation: str, attempt: Callable[[], Any]) -> Any:  # noqa: ANN401 -- passes the attempt's own answer through
        policy = self.retry
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._may_repeat(operation, error)),
            wait=_wait(policy),
            stop=tenacity.stop_any(
                tenacity.stop_after_delay(policy.deadline),
                tenacity.stop_after_attempt(policy.max_attempts),
            ),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(attempt)

    def _may_repeat(self, operation: str, error: BaseException) -> bool:
        if not isinstance(error, errors.PinpointKitError) or not error.is_retryable:
            return False
        if operation in self._repeatable or isinstance(error, errors.TooManyRequests):
            return True
        # A create that may have been done already is not done twice.
        return isinstance(error, errors.TransportError) and not error.may_have_arrived


def _wait(policy: RetryPolicy) -> Callable[[tenacity.RetryCallState], float]:
    jitter = tenacity.wait_random_exponential(multiplier=policy.base_wait, max=policy.max_wait)

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "retry_after", None)
        return max(jitter(state), asked) if asked else jitter(state)

    return wait


def _results(raw: bytes | None) -> Mapping[str, Mapping[str, Any]]:
    try:
        answer = orjson.loads(raw or b"")
        results = answer.get("Results") or {}
        if all(isinstance(item, dict) for item in results.values()):
            return cast("Mapping[str, Mapping[str, Any]]", results)
    except (orjson.JSONDecodeError, AttributeError):
        pass
    raise errors.TransportError(
        "PutEvents was answered with something that is not its answer: check that the URL is"
        " a Pinpoint service and no proxy's page",
        "PutEvents",
    )


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


def translate(error: Exception, operation: str) -> errors.PinpointKitError:
    """Our error for one of botocore's. Its text never holds a URL's path or a parameter."""
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
    where = _host(error)
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


def _host(error: Exception) -> str:
    url = getattr(error, "kwargs", {}).get("endpoint_url")
    return f" from {urlsplit(str(url)).netloc.rpartition('@')[2]}" if url else ""


def _parameters(error: aws.ParamValidationError, operation: str) -> errors.ValidationError:
    report = str(error.kwargs.get("report", ""))
    without_values = re.sub(r", value: .*?, (type|valid)", r", \1", report, flags=re.DOTALL)
    first = without_values.strip().splitlines()[0] if without_values.strip() else "see the API"
    return errors.ValidationError(f"{operation}: {first}", "", "parameters")


def _service_error(error: aws.ClientError, operation: str) -> errors.ServiceError:
    response = cast("Mapping[str, Any]", error.response)
    metadata = response.get("ResponseMetadata", {})
    details = response.get("Error", {})
    status = int(metadata.get("HTTPStatusCode", 0))
    code = str(details.get("Code", ""))
    fallback = errors.InternalServerError if status >= 500 else errors.ServiceError  # noqa: PLR2004 -- HTTP
    cls = _BY_CODE.get(code) or _BY_STATUS.get(status, fallback)
    translated = cls(
        str(details.get("Message") or response.get("Message") or "no message"),
        status=status,
        code=code,
        request_id=str(metadata.get("RequestId") or response.get("RequestID") or ""),
        operation=operation,
        retry_after=_retry_after(metadata.get("HTTPHeaders", {})),
    )
    if status == _NOT_IMPLEMENTED:
        translated.is_retryable = False
    return translated


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return seconds if 0 <= seconds < threading.TIMEOUT_MAX else None
