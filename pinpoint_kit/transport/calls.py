"""Calls on one botocore client.

Events and endpoints go to botocore as a finished body in `before-call`; the answer to PutEvents is
read from its bytes in `before-parse`, so that nothing walks the events again. How often a call is
tried belongs to transport/retries.py, what an answer says to transport/answers.py.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, TypeVar, cast

import attrs

from pinpoint_kit import errors
from pinpoint_kit.transport import answers, deadlines
from pinpoint_kit.transport.answers import PutEventsAnswer
from pinpoint_kit.transport.application import id_of
from pinpoint_kit.transport.extensions import CARRIER, MARK, ExtensionCall, is_aws
from pinpoint_kit.transport.requests import Observers, SentRequest
from pinpoint_kit.transport.retries import Retries, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.client import BaseClient
    from botocore.model import OperationModel

    from pinpoint_kit.transport.application import ApplicationId
    from pinpoint_kit.transport.retries import Pace

__all__ = ["Transport"]

R = TypeVar("R")

#: Operations that go out as a finished body.
_FINISHED = ("PutEvents", "UpdateEndpoint", "UpdateEndpointsBatch")
#: Reads that may take longer than a look-up: they count over all of the application.
_SLOW_READS = ("DateRangeKpi",)
_LOOKUP_ATTEMPTS = 2


class _Exchange(threading.local):
    """What the calling thread hands to, and takes from, the two botocore events."""

    operation: str = ""  # that we are calling; "" where somebody else calls
    body: bytes | None = None
    answer: bytes | None = None
    extension: ExtensionCall | None = None
    is_marked: bool = False  # the last answer came from our engine or server


class Transport:
    """Calls on one botocore `pinpoint` client. Safe to use from several threads.

    Args:
        client: any botocore client for `pinpoint`.
        retry: how often and how long.
        lookup_timeout: seconds that a read by id or of a list may take in all, with at most one
            retry inside of them; None treats it like every other call.
        pace: how fast requests that are made here may follow each other. What is sent once
            (`retry=False`) is paced by whoever sends it.
        sleep: waits between two tries; replace it to interrupt or to test.
    """

    def __init__(
        self,
        client: BaseClient,
        *,
        retry: RetryPolicy | None = None,
        lookup_timeout: float | None = None,
        pace: Pace | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.client = client
        self.sleep = sleep
        self.observers = Observers()
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
        self.retry = retry or RetryPolicy()
        self._retries = self._under(self.retry, pace)
        self._lookup_timeout = lookup_timeout
        self._lookups = self._retries
        if lookup_timeout is not None:
            policy = attrs.evolve(
                self.retry,
                deadline=min(self.retry.deadline, lookup_timeout),
                max_attempts=min(self.retry.max_attempts, _LOOKUP_ATTEMPTS),
            )
            self._lookups = self._under(policy, pace)
        # The client's own hooks see the request as it goes out, and the answer as it came.
        for operation in _FINISHED:
            client.meta.events.register_first(
                f"before-call.pinpoint.{operation}", self._put_body, self._handler_id(operation)
            )
        client.meta.events.register_first(
            f"before-call.pinpoint.{CARRIER}", self._redirect, self._handler_id(CARRIER)
        )
        client.meta.events.register_last(
            "before-parse.pinpoint", self._take_answer, self._handler_id("answer")
        )

    def _under(self, policy: RetryPolicy, pace: Pace | None) -> Retries:
        return Retries(
            policy,
            pace=pace,
            sleep=lambda seconds: self.sleep(seconds),  # noqa: PLW0108 -- it may be replaced
            is_repeatable=self._may_repeat,
        )

    def _may_repeat(self, operation: str) -> bool:
        if operation in self._methods:
            return operation in self._repeatable
        return ExtensionCall(operation, ()).is_repeatable

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
        for operation in (*_FINISHED, CARRIER):
            self.client.meta.events.unregister(
                f"before-call.pinpoint.{operation}", unique_id=self._handler_id(operation)
            )
        self.client.meta.events.unregister(
            "before-parse.pinpoint", unique_id=self._handler_id("answer")
        )

    def takes(self, operation: str, parameter: str) -> bool:
        """Return True when the operation is known and has that parameter."""
        if operation not in self._methods:
            return False
        shape = self.client.meta.service_model.operation_model(operation).input_shape
        return shape is not None and parameter in shape.members

    def call(self, operation: str, /, **params: object) -> dict[str, Any]:
        """Call any of the service's operations, with retries.

        Args:
            operation: the API's name, for example `GetCampaigns`.
            **params: its parameters as in boto3; `ApplicationId` may be a `Lookup`.

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
        application = params.get("ApplicationId")
        if application is not None and not isinstance(application, str):
            params["ApplicationId"] = id_of(cast("ApplicationId", application))
        if self._lookup_timeout is None or not _is_lookup(operation):
            return self.with_retries(operation, lambda: self._once(operation, params)[0])
        with deadlines.within(self._lookup_timeout):
            return self._lookups.run(operation, lambda: self._once(operation, params)[0])

    def with_retries(self, operation: str, attempt: Callable[[], R]) -> R:
        """Try as often and as long as `retry` says, as far as the operation may be repeated.

        Raises:
            PinpointKitError: the last one, with `attempts` and `elapsed`.
        """
        return self._retries.run(operation, attempt)

    def put_events(
        self, application_id: ApplicationId, body: bytes, *, retry: bool = True
    ) -> PutEventsAnswer:
        """Send a finished PutEvents body and read the answer, item by item.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the whole request was refused.
        """
        params = {"ApplicationId": id_of(application_id), "EventsRequest": {"BatchItem": {}}}

        def attempt() -> PutEventsAnswer:
            answer, raw = self._once("PutEvents", params, body)
            return PutEventsAnswer(answers.results_of(raw, answer), answers.request_id_of(answer))

        if not retry:
            return attempt()
        return self.with_retries("PutEvents", attempt)

    def update_endpoint(self, application_id: ApplicationId, endpoint_id: str, body: bytes) -> str:
        """Send a finished UpdateEndpoint body, with retries.

        Returns:
            The id of the request, "" when the answer had none.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the service refused.
        """
        params = {
            "ApplicationId": id_of(application_id),
            "EndpointId": endpoint_id,
            "EndpointRequest": {},
        }

        def attempt() -> str:
            answer, _ = self._once("UpdateEndpoint", params, body)
            named = answers.word_of(answer.get("MessageBody", {}).get("RequestID"))
            return named or answers.request_id_of(answer)

        return self.with_retries("UpdateEndpoint", attempt)

    def update_endpoints_batch(
        self, application_id: ApplicationId, body: bytes, *, retry: bool = True
    ) -> str:
        """Send a finished UpdateEndpointsBatch body; it is answered only as a whole.

        Returns:
            The id of the request.

        Raises:
            TransportError: no answer came.
            ServiceError: the whole request was refused.
        """
        params = {"ApplicationId": id_of(application_id), "EndpointBatchRequest": {"Item": []}}

        def attempt() -> str:
            answer, _ = self._once("UpdateEndpointsBatch", params, body)
            return answers.request_id_of(answer)

        if not retry:
            return attempt()
        return self.with_retries("UpdateEndpointsBatch", attempt)

    def call_extension(
        self, application_id: ApplicationId, extension: ExtensionCall
    ) -> dict[str, Any] | None:
        """Call an operation that only the engine and our server have, with retries.

        Returns:
            The answer, or None where there are no such operations: the hosted service, to which
            nothing is sent, another server, or an older release of ours.

        Raises:
            TransportError: no answer came, or none that can be read.
            ServiceError: the operation is there, and refused.
        """
        if is_aws(self.client.meta.endpoint_url):
            return None
        params = {"ApplicationId": id_of(application_id)}

        def attempt() -> dict[str, Any]:
            raw = self._once(CARRIER, params, extension=extension)[1]
            return answers.object_of(raw, extension.operation)

        try:
            return self.with_retries(extension.operation, attempt)
        except errors.OperationNotImplemented:
            return None
        except (errors.ServiceError, errors.ForeignAnswerError) as error:
            if error.status in {403, 404, 405} and not self._exchange.is_marked:
                return None
            raise

    def _redirect(self, params: dict[str, Any], **_: object) -> None:
        extension = self._exchange.extension
        if extension is not None:
            extension.redirect(params)

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
        status, headers = response_dict["status_code"], response_dict["headers"]
        exchange.is_marked = MARK in headers
        name = exchange.operation if exchange.extension is None else exchange.extension.operation
        if status >= answers.FIRST_FAILURE:
            if not answers.is_own(status, headers, response_dict["body"]):
                raise answers.foreign(name, status, headers)
        elif exchange.extension is not None or (
            exchange.operation == "PutEvents" and exchange.body is not None
        ):
            exchange.answer = response_dict["body"]
            response_dict["body"] = b"{}"
        else:
            shape = operation_model.output_shape
            has_payload = shape is not None and "payload" in shape.serialization
            if has_payload and not answers.is_object(response_dict["body"]):
                raise answers.unreadable(exchange.operation)

    def _once(
        self,
        operation: str,
        params: Mapping[str, object],
        body: bytes | None = None,
        extension: ExtensionCall | None = None,
    ) -> tuple[dict[str, Any], bytes | None]:
        """Make one try; for a finished PutEvents body the answer's bytes come too."""
        if self._is_closed:
            raise errors.ClosedError("this client was closed: make a new one with connect()")
        exchange = self._exchange
        # A hook of the client may call something on this thread meanwhile.
        outer = exchange.operation, exchange.body, exchange.answer, exchange.extension
        exchange.operation, exchange.body, exchange.answer = operation, body, None
        exchange.extension = extension
        name = operation if extension is None else extension.operation
        started, started_at = time.monotonic(), time.time()
        try:
            answer = getattr(self.client, self._methods[operation])(**params)
            raw = exchange.answer
        except Exception as error:
            translated = _translated(error, name)
            if translated is None:
                raise  # what the client's own hooks raise is theirs
        else:
            if self.observers:
                metadata = answer.get("ResponseMetadata", {})
                request = SentRequest(
                    operation=name,
                    status=metadata.get("HTTPStatusCode", 0),
                    request_id=answers.word_of(metadata.get("RequestId")),
                    started_at=started_at,
                    seconds=time.monotonic() - started,
                )
                self.observers.tell(request)
            return answer, raw
        finally:
            exchange.operation, exchange.body, exchange.answer, exchange.extension = outer
        if isinstance(translated, (errors.TransportError, errors.ServiceError)):
            translated.attempts, translated.elapsed = 1, time.monotonic() - started
        asked = getattr(translated, "retry_after", None)
        if asked is not None:
            translated.retry_after = min(asked, self.retry.max_retry_after)  # type: ignore[attr-defined]  # the two that have it
        if self.observers:
            request = SentRequest(
                operation=name,
                status=getattr(translated, "status", 0) or 0,
                error=type(translated).__name__,
                request_id=getattr(translated, "request_id", "") or "",
                started_at=started_at,
                seconds=time.monotonic() - started,
            )
            self.observers.tell(request)
        # Not chained: botocore's own text holds the URL and the parameters, and those hold
        # user ids and addresses.
        raise translated from None


def _is_lookup(operation: str) -> bool:
    return operation.startswith("Get") and not operation.endswith(_SLOW_READS)


def _translated(error: Exception, operation: str) -> errors.PinpointKitError | None:
    """Return our error for one that a call raised, None where it is a hook's own."""
    if isinstance(error, errors.TransportError):
        return error  # of `_take_answer`, or of what sends
    from pinpoint_kit.transport.translation import translate_any  # noqa: PLC0415 -- loads botocore

    return translate_any(error, operation)
