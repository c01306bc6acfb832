"""One thin layer over one botocore client: calls, retries, and errors in our own words.

Sessions, profiles, assumed roles, proxies and client events keep working because it *is*
botocore. Events and endpoints go to botocore as a finished body in `before-call`; the answer to
PutEvents is read from its bytes in `before-parse`, so that nothing walks the events again.

botocore may be imported here, in `doors` and in `engine.routes`, and nowhere else. No threads.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Mapping, Sized
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast
from urllib.parse import quote, urlencode, urlsplit

import attrs
import botocore.exceptions as aws
import orjson
import tenacity
from botocore.parsers import ResponseParserError

from pinpoint_kit import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from botocore.client import BaseClient
    from botocore.model import OperationModel


__all__ = ["OwnCall", "PutEventsAnswer", "RetryPolicy", "Transport", "translate", "translating"]

R = TypeVar("R")

#: Operations that go out as a finished body.
_FINISHED = ("PutEvents", "UpdateEndpoint", "UpdateEndpointsBatch")
#: The operation that our own ones travel as: botocore sends nothing that it has no model of.
_CARRIER = "GetApp"
#: How the names of our own operations begin that change nothing.
_OWN_READS = ("Count", "Explain", "Get", "List")
#: The engine and our server mark their answers so; there our own operations exist.
_MARK = "x-pinpoint-kit"
_FIRST_FAILURE = 300
_FIRST_CLIENT_ERROR = 400
_NOT_FOUND = 404
_NOT_IMPLEMENTED = 501
_MOST_MESSAGE_CHARS = 1_000
#: The engine and our server say by it what they were not set up for; it is not about credentials.
_NOT_ALLOWED_HERE = "ForbiddenException"
_NOT_PINPOINT = (
    "the answer is not a Pinpoint answer: check that the URL is a Pinpoint service and no"
    " proxy's page"
)

#: The embedded engine and our server say so when a failure lasts until somebody mends its cause.
_RETRYABLE_HEADER = "x-pinpoint-kit-retryable"

_BY_CODE: dict[str, type[errors.ServiceError]] = {
    "BadRequestException": errors.BadRequest,
    "ForbiddenException": errors.Forbidden,
    "NotFoundException": errors.NotFound,
    "MethodNotAllowedException": errors.MethodNotAllowed,
    "ConflictException": errors.Conflict,
    "PayloadTooLargeException": errors.PayloadTooLarge,
    "TooManyRequestsException": errors.TooManyRequests,
    "InternalServerErrorException": errors.InternalServerError,
    # Not modelled, but front ends of AWS answer with them.
    "AccessDeniedException": errors.Forbidden,
    "RequestEntityTooLargeException": errors.PayloadTooLarge,
    "ThrottlingException": errors.TooManyRequests,
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


def _at_least(least: float) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        del instance
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
            raise errors.ConfigurationError(
                f"{attribute.name} must be a number of at least {least}"
            )

    return check


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """When and how often one request is tried again: full jitter, and a deadline.

    Args:
        deadline: seconds from the first try after which no new try starts; where the wait
            before it would end later, the error comes at once.
        max_attempts: tries in all; 1 switches retries off.
        base_wait: seconds; the n-th wait is random between 0 and `base_wait * 2**(n - 1)`.
        max_wait: seconds, the longest single wait that we choose; an answer may ask for more.

    Raises:
        ConfigurationError: a value is no number, or too small.
    """

    deadline: float = attrs.field(default=20.0, validator=_at_least(0))
    max_attempts: int = attrs.field(default=8, validator=_at_least(1))
    base_wait: float = attrs.field(default=0.1, validator=_at_least(0))
    max_wait: float = attrs.field(default=5.0, validator=_at_least(0))


@attrs.frozen
class PutEventsAnswer:
    """The answer to one PutEvents request: `Results` as they came, and the request's id."""

    results: Mapping[str, Mapping[str, Any]]
    request_id: str


def _size(value: Sized) -> str:
    return f"<{len(value)}>"


@attrs.frozen
class OwnCall:
    """One call of an operation that only the engine and our server have.

    Attributes:
        operation: its name, for errors, retries and the pace.
        path: the segments after `/pinpoint-kit/v1/apps/ID`, not yet percent-encoded.
        query: the parameters; those that are None are left out.
        body: JSON to POST; None makes it a GET.
    """

    operation: str
    path: tuple[str, ...] = attrs.field(repr=_size)
    query: Mapping[str, str | int | None] = attrs.field(factory=dict, repr=_size)
    body: Mapping[str, object] | None = attrs.field(default=None, repr=False)

    def redirect(self, request: dict[str, Any]) -> None:
        """Makes it out of the carrier's request, which is not signed yet."""
        base, slash, application = request["url"].partition("/v1/apps/")
        url = f"{base}/pinpoint-kit{slash}{application}"
        url += "".join(f"/{quote(segment, safe='')}" for segment in self.path)
        query = {name: value for name, value in self.query.items() if value is not None}
        request["url"] = f"{url}?{urlencode(query, quote_via=quote)}" if query else url
        if self.body is not None:
            request["method"] = "POST"
            request["headers"]["Content-Type"] = "application/json"
            request["body"] = orjson.dumps(self.body)


class Pace(Protocol):
    """How fast requests may follow each other."""

    def spend(self, operation: str) -> float:
        """0.0 when a request may go now, else the seconds until it is worth asking again."""

    def throttled(self, operation: str) -> None:
        """The service said 429."""

    def succeeded(self, operation: str) -> None:
        """The service answered."""


class _Exchange(threading.local):
    """What the calling thread hands to, and takes from, the two botocore events."""

    operation: str = ""  # that we are calling; "" where somebody else calls
    body: bytes | None = None
    answer: bytes | None = None
    own: OwnCall | None = None
    is_marked: bool = False  # the last answer came from our engine or server


class Transport:
    """Calls on one botocore `pinpoint` client. Safe to use from several threads.

    Args:
        client: any botocore client for `pinpoint`.
        retry: how often and how long.
        pace: how fast requests that are made here may follow each other. What is sent once
            (`retry=False`) is paced by whoever sends it.
        sleep: waits between two tries; replace it to interrupt or to test.
    """

    def __init__(
        self,
        client: BaseClient,
        *,
        retry: RetryPolicy | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self._pace = pace
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
        # The client's own hooks see the request as it goes out, and the answer as it came.
        for operation in _FINISHED:
            client.meta.events.register_first(
                f"before-call.pinpoint.{operation}", self._put_body, self._handler_id(operation)
            )
        client.meta.events.register_first(
            f"before-call.pinpoint.{_CARRIER}", self._redirect, self._handler_id(_CARRIER)
        )
        client.meta.events.register_last(
            "before-parse.pinpoint", self._take_answer, self._handler_id("answer")
        )

    def _handler_id(self, name: str) -> str:
        return f"pinpoint_kit-{id(self)}-{name}"

    @property
    def is_pinpoint_kit(self) -> bool:
        """Whether the latest answer of the calling thread came from our engine or our server."""
        return self._exchange.is_marked

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
        for operation in (*_FINISHED, _CARRIER):
            self.client.meta.events.unregister(
                f"before-call.pinpoint.{operation}", unique_id=self._handler_id(operation)
            )
        self.client.meta.events.unregister(
            "before-parse.pinpoint", unique_id=self._handler_id("answer")
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
        return self.with_retries(operation, lambda: self._once(operation, params)[0])

    def put_events(
        self, application_id: str, body: bytes, *, retry: bool = True
    ) -> PutEventsAnswer:
        """Send a finished PutEvents body and read the answer, item by item.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the whole request was refused.
        """

        def attempt() -> PutEventsAnswer:
            params = {"ApplicationId": application_id, "EventsRequest": {"BatchItem": {}}}
            answer, raw = self._once("PutEvents", params, body)
            return PutEventsAnswer(_results(raw, answer), _request_id(answer))

        if not retry:
            return attempt()
        return self.with_retries("PutEvents", attempt)

    def update_endpoint(self, application_id: str, endpoint_id: str, body: bytes) -> str:
        """Send a finished UpdateEndpoint body, with retries.

        Returns:
            The id of the request, "" when the answer had none.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the service refused.
        """
        params = {
            "ApplicationId": application_id,
            "EndpointId": endpoint_id,
            "EndpointRequest": {},
        }

        def attempt() -> str:
            answer, _ = self._once("UpdateEndpoint", params, body)
            return str(answer.get("MessageBody", {}).get("RequestID") or _request_id(answer))

        return self.with_retries("UpdateEndpoint", attempt)

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
            params = {"ApplicationId": application_id, "EndpointBatchRequest": {"Item": []}}
            answer, _ = self._once("UpdateEndpointsBatch", params, body)
            return _request_id(answer)

        if not retry:
            return attempt()
        return self.with_retries("UpdateEndpointsBatch", attempt)

    def call_own(self, application_id: str, own: OwnCall) -> dict[str, Any] | None:
        """Call an operation that only the engine and our server have, with retries.

        Returns:
            The answer, or None where there are no such operations: the hosted service, another
            server, or an older release of ours.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the operation is there, and refused.
        """
        params = {"ApplicationId": application_id}
        try:
            return self.with_retries(
                own.operation, lambda: _object(self._once(_CARRIER, params, own=own)[1], own)
            )
        except errors.ServiceError as error:
            is_absent = error.status in {403, 404, 405} and not self._exchange.is_marked
            if is_absent or error.status == _NOT_IMPLEMENTED:
                return None
            raise

    def _redirect(self, params: dict[str, Any], **_: object) -> None:
        own = self._exchange.own
        if own is not None:
            own.redirect(params)

    def _put_body(self, params: dict[str, Any], model: OperationModel, **_: object) -> None:
        exchange = self._exchange
        if exchange.body is not None and exchange.operation == model.name:
            params["body"] = exchange.body

    def _take_answer(
        self, response_dict: dict[str, Any], operation_model: OperationModel, **_: object
    ) -> None:
        """Keep what is not Pinpoint's away from botocore's parser, which would make do with it."""
        exchange = self._exchange
        if exchange.operation != operation_model.name:
            return
        exchange.is_marked = _MARK in response_dict["headers"]
        if response_dict["status_code"] >= _FIRST_FAILURE:
            if response_dict["body"] and not _is_object(response_dict["body"]):
                response_dict["body"] = orjson.dumps({"Message": _NOT_PINPOINT})
        elif exchange.own is not None or (
            exchange.operation == "PutEvents" and exchange.body is not None
        ):
            exchange.answer = response_dict["body"]
            response_dict["body"] = b"{}"
        else:
            shape = operation_model.output_shape
            has_payload = shape is not None and "payload" in shape.serialization
            if has_payload and not _is_object(response_dict["body"]):
                raise _unreadable(exchange.operation)

    def _once(
        self,
        operation: str,
        params: Mapping[str, object],
        body: bytes | None = None,
        own: OwnCall | None = None,
    ) -> tuple[dict[str, Any], bytes | None]:
        """One try: the answer, and for a finished PutEvents body also the answer's bytes."""
        if self._is_closed:
            raise errors.ClosedError("this client was closed: make a new one with connect()")
        exchange = self._exchange
        # A hook of the client may call something on this thread meanwhile.
        outer = exchange.operation, exchange.body, exchange.answer, exchange.own
        exchange.operation, exchange.body, exchange.answer = operation, body, None
        exchange.own = own
        name = operation if own is None else own.operation
        try:
            answer = getattr(self.client, self._methods[operation])(**params)
            raw = exchange.answer
        except (aws.BotoCoreError, aws.ClientError) as error:
            translated = translate(error, name)
        except UnicodeEncodeError:
            translated = errors.ValidationError(
                f"{name}: a parameter cannot be written in UTF-8", "", "parameters"
            )
        except Exception as error:
            if not _is_parser_failure(error):
                raise  # what the client's own hooks raise is theirs
            translated = _unreadable(name)
        else:
            return answer, raw
        finally:
            exchange.operation, exchange.body, exchange.answer, exchange.own = outer
        # Not chained: botocore's own text holds the URL and the parameters, and those hold
        # user ids and addresses.
        raise translated from None

    def with_retries(self, operation: str, attempt: Callable[[], R]) -> R:
        """Try as often and as long as the policy says, as far as the operation may be repeated.

        The first try is made without tenacity: most calls need no more, and what is refused for
        good is raised with a short traceback.
        """
        started = time.monotonic()
        try:
            return self._paced(operation, attempt)
        except errors.PinpointKitError as error:
            if self.retry.max_attempts == 1 or not self._may_repeat(operation, error):
                raise
            failed = [error]
        return self._again(operation, attempt, failed, started)

    def _again(
        self,
        operation: str,
        attempt: Callable[[], R],
        failed: list[errors.PinpointKitError],
        started: float,
    ) -> R:
        """The tries after the first, which is tenacity's first too: it counts and waits from it."""

        def replay_or_try() -> R:
            if failed:
                raise failed.pop()
            return self._paced(operation, attempt)

        policy = self.retry
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception(lambda error: self._may_repeat(operation, error)),
            wait=_wait(policy),
            stop=tenacity.stop_any(
                tenacity.stop_before_delay(policy.deadline - (time.monotonic() - started)),
                tenacity.stop_after_attempt(policy.max_attempts),
            ),
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(replay_or_try)

    def _paced(self, operation: str, attempt: Callable[[], R]) -> R:
        """One try at the pace of the operation, which learns from the answer."""
        pace = self._pace
        if pace is None:
            return attempt()
        while (seconds := pace.spend(operation)) > 0:
            self.sleep(seconds)
        try:
            answer = attempt()
        except errors.TooManyRequests:
            pace.throttled(operation)
            raise
        pace.succeeded(operation)
        return answer

    def _may_repeat(self, operation: str, error: BaseException) -> bool:
        if not isinstance(error, errors.PinpointKitError) or not error.is_retryable:
            return False
        if operation in self._repeatable or isinstance(error, errors.TooManyRequests):
            return True
        if operation not in self._methods and operation.startswith(_OWN_READS):
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


def _results(raw: bytes | None, parsed: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The answer item by item; no `Results` means that no item was answered."""
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
    raise _unreadable("PutEvents")


def _object(raw: bytes | None, own: OwnCall) -> dict[str, Any]:
    try:
        answer = orjson.loads(raw or b"")
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise _unreadable(own.operation)
    return answer


def _unreadable(operation: str) -> errors.TransportError:
    return errors.TransportError(f"{operation}: {_NOT_PINPOINT}", operation)


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(orjson.loads(body), dict)
    except orjson.JSONDecodeError:
        return False


def _is_parser_failure(error: Exception) -> bool:
    """True when botocore's parser stumbled: for members of a wrong type it has no error class."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    module = trace.tb_frame.f_globals.get("__name__") if trace is not None else None
    return isinstance(error, ResponseParserError) or module == "botocore.parsers"


def _request_id(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ResponseMetadata", {}).get("RequestId", ""))


@contextlib.contextmanager
def translating(operation: str) -> Iterator[None]:
    """Has errors of botocore raised as ours; for clients of other services.

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
    """The first problem of botocore's report, without the value: that may hold anything."""
    report = str(error.kwargs.get("report", "")).strip()
    first, has_value, rest = report.partition(", value: ")
    if has_value:
        expected = _EXPECTED.search(rest)
        problem = first + (expected.group() if expected else "")
    else:
        problem = first.partition("\n")[0]
    printable = "".join(char if char.isprintable() else "?" for char in problem)
    return errors.ValidationError(
        f"{operation}: {printable[:_MOST_MESSAGE_CHARS] or 'see the API'}", "", "parameters"
    )


def _service_error(error: aws.ClientError, operation: str) -> errors.ServiceError:
    response = cast("Mapping[str, Any]", error.response)
    metadata = response.get("ResponseMetadata") or {}
    details = response.get("Error") or {}
    status = _whole(metadata.get("HTTPStatusCode"))
    code = str(details.get("Code") or "")
    if code == str(status):
        code = ""  # botocore's stopgap for an answer that names no exception
    message = str(details.get("Message") or response.get("Message") or "no message")
    if _FIRST_FAILURE <= status < _FIRST_CLIENT_ERROR:
        message = "the server redirects elsewhere, which is not followed: correct the URL"
    fallback = errors.InternalServerError if status >= 500 else errors.ServiceError  # noqa: PLR2004 -- HTTP
    cls = _BY_CODE.get(code) or _BY_STATUS.get(status, fallback)
    headers: Mapping[str, str] = metadata.get("HTTPHeaders") or {}
    translated = cls(
        message[:_MOST_MESSAGE_CHARS],
        status=status,
        code=code,
        request_id=str(metadata.get("RequestId") or response.get("RequestID") or ""),
        operation=operation,
        retry_after=_retry_after(headers),
    )
    _advise(translated, headers)
    return translated


def _advise(error: errors.ServiceError, headers: Mapping[str, str]) -> None:
    """Correct what the class says of every such answer, where this answer says otherwise."""
    if error.status == _NOT_IMPLEMENTED:
        error.is_retryable = False
        error.next_step = "use an operation that the compatibility page lists, or another door"
    elif headers.get(_RETRYABLE_HEADER) == "false":
        error.is_retryable = False
        error.next_step = "repeating it does not help; the log of the engine or server says more"
    elif error.code == _NOT_ALLOWED_HERE and _MARK in headers:
        error.next_step = errors.ServiceError.next_step  # it has the remedy, and no key is one
    elif error.status == _NOT_FOUND and not error.code:
        error.next_step = "this is no Pinpoint server: check the URL"


def _whole(value: object) -> int:
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # whatever it is
    except (TypeError, ValueError):
        return 0


def _retry_after(headers: Mapping[str, str]) -> float | None:
    try:
        seconds = float(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    return seconds if 0 <= seconds < threading.TIMEOUT_MAX else None
