"""All errors of this package.

    PinpointKitError
    ├── ValidationError (ValueError)      the service would refuse this content; nothing was sent
    │   ├── InvalidTypeError (TypeError)  a value has a type that no request can hold
    │   ├── InvalidRowsError              rows of a file cannot be loaded; nothing was sent
    │   └── TemplateError                 a message template cannot be read or rendered
    ├── ConfigurationError (ValueError)   a URL, an option or a set-up is wrong
    │   └── StoreError                    a database or spool file cannot be used
    ├── ClosedError (RuntimeError)        used after close()
    ├── TransportError                    no answer of Pinpoint came
    │   ├── TransportTimeoutError (TimeoutError)
    │   └── ForeignAnswerError            a proxy or another server answered in its place
    ├── ServiceError                      an answer came, and it says no
    │   ├── BadRequest                    400
    │   ├── Forbidden                     403
    │   ├── NotFound                      404
    │   ├── MethodNotAllowed              405
    │   ├── Conflict                      409
    │   ├── PayloadTooLarge               413
    │   ├── TooManyRequests               429
    │   ├── InternalServerError           500 and other 5xx
    │   └── OperationNotImplemented       501
    ├── DeliveryError                     a recorded item will not be delivered
    ├── JobFailedError                    an import or export job ended as FAILED
    ├── JobTimeoutError (TimeoutError)    a job has not ended in time; it goes on
    ├── MessageTimeoutError (TimeoutError) no such message has come in time
    └── CampaignTimeoutError (TimeoutError) a campaign is not over in time; it goes on

    PinpointKitWarning (UserWarning)
    ├── PinpointRetiredWarning            the hosted service ended on 2026-10-30
    └── TemplateWarning                   a text is kept that no message can be made of

Every error says what to do next, knows `is_retryable` and survives pickling. Our own messages
never hold addresses, user ids or attribute values; `ServiceError.message` is another server's
text, which may. Nothing of the package may be imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "BadRequest",
    "CampaignTimeoutError",
    "ClosedError",
    "ConfigurationError",
    "Conflict",
    "DeliveryError",
    "Forbidden",
    "ForeignAnswerError",
    "InternalServerError",
    "InvalidRowsError",
    "InvalidTypeError",
    "JobFailedError",
    "JobTimeoutError",
    "MessageTimeoutError",
    "MethodNotAllowed",
    "NotFound",
    "OperationNotImplemented",
    "PayloadTooLarge",
    "PinpointKitError",
    "PinpointKitWarning",
    "PinpointRetiredWarning",
    "ServiceError",
    "StoreError",
    "TemplateError",
    "TemplateWarning",
    "TooManyRequests",
    "TransportError",
    "TransportTimeoutError",
    "ValidationError",
]


class _Rejection(Protocol):
    """A `Rejection`, which cannot be imported here."""

    @property
    def index(self) -> int:
        """Its place in what was given, from 0."""

    @property
    def id(self) -> str:
        """The endpoint."""

    @property
    def reason(self) -> str:
        """Why, and what to do."""


class _Report(Protocol):
    """A `BatchReport`, which cannot be imported here."""

    @property
    def accepted(self) -> int:
        """Items that the service has taken."""

    @property
    def rejected(self) -> Sequence[_Rejection]:
        """Items that were refused."""

    @property
    def requests(self) -> int:
        """Requests that it took."""

    @property
    def total(self) -> int:
        """Items that were settled."""


class _RowProblem(Protocol):
    """A `RowProblem`, which cannot be imported here."""

    @property
    def row(self) -> int:
        """Its line or place, from 1."""

    @property
    def column(self) -> str:
        """What is wrong, "" when it is the whole row."""

    @property
    def message(self) -> str:
        """Why, and what to do."""


class _Result(Protocol):
    """An `EventResult`, which cannot be imported here."""

    @property
    def endpoint_id(self) -> str:
        """The endpoint it was sent for."""

    @property
    def event_id(self) -> str:
        """The event."""

    @property
    def status_code(self) -> int:
        """202 accepted, 400 refused."""

    @property
    def message(self) -> str:
        """The service's text."""

    @property
    def is_accepted(self) -> bool:
        """True when the service has taken the event."""


class PinpointKitError(Exception):
    """The root: catch it to catch everything that this package raises on purpose.

    Attributes:
        is_retryable: True when the same call may succeed later without any change.
        is_throttling: True when requests came faster than they are taken (429).
        attempts: how often the request was tried; 0 when nothing was sent.
        elapsed: seconds from the first try to this error; 0.0 when nothing was sent.
        report: the `BatchReport` of what `endpoints.update_many` had done when this ended it;
            None on every other error.
        results: the `EventResult` of each event, in the order given, that `events.put_many` had
            when this ended it, None for an event without an answer; None on every other error.
    """

    is_retryable: bool = False
    is_throttling: bool = False
    attempts: int = 0
    elapsed: float = 0.0
    report: _Report | None = None
    results: Sequence[_Result | None] | None = None


class ValidationError(PinpointKitError, ValueError):
    """The service would refuse this content, so nothing was sent.

    Attributes:
        path: where the problem is, for example `$.attributes.plan[0]`; "" when it is the whole.
        reason: a stable word for counting and logging; it never holds content.
    """

    def __init__(self, message: str, path: str = "", reason: str = "invalid") -> None:
        super().__init__(message, path, reason)
        self.message = message
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.message} @ {self.path}" if self.path else self.message


class InvalidTypeError(ValidationError, TypeError):
    """A value has a type that no request can hold; it raises even where content is only counted."""


class InvalidRowsError(ValidationError):
    """Rows that were to be loaded cannot be used, so nothing was sent at all.

    Attributes:
        problems: a `RowProblem` for each of the first of these rows, with its place.
        total: how many rows cannot be used.
    """

    def __init__(self, message: str, problems: Sequence[_RowProblem] = (), total: int = 0) -> None:
        super().__init__(message, "", "rows")
        self.args = (message, problems, total)
        self.problems = problems
        self.total = total


class TemplateError(ValidationError):
    """A message template cannot be read, or no text can be made of it for this recipient.

    Attributes:
        line: where the tag stands that is wrong, from 1.
        column: likewise, in characters from 1.
    """

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message, f"line {line}, column {column}", "template")
        self.line = line
        self.column = column

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,), dict(self.__dict__)


class ConfigurationError(PinpointKitError, ValueError):
    """A URL, an option or a set-up is wrong; the message says what to write instead."""


class StoreError(ConfigurationError):
    """A database or spool file cannot be used (missing rights, corrupt, newer, another's)."""


class ClosedError(PinpointKitError, RuntimeError):
    """The client was closed; make a new one with `connect()`."""


class TransportError(PinpointKitError):
    """No answer came: unreachable, reset, refused, or no usable credentials.

    Attributes:
        operation: the API operation, for example `PutEvents`.
        may_have_arrived: False when the request surely was not done.
    """

    is_retryable = True

    def __init__(
        self,
        message: str,
        operation: str = "",
        *,
        is_retryable: bool = True,
        may_have_arrived: bool = True,
    ) -> None:
        super().__init__(message)  # not more: OSError takes a second argument for its errno's text
        self.message = message
        self.operation = operation
        self.is_retryable = is_retryable
        self.may_have_arrived = may_have_arrived

    def __str__(self) -> str:
        if self.attempts <= 1:
            return self.message
        return f"{self.message} ({self.attempts} attempts in {self.elapsed:.1f} s)"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.operation), dict(self.__dict__)


class TransportTimeoutError(TransportError, TimeoutError):
    """No answer came in time. The service may or may not have done the work."""


class ForeignAnswerError(TransportError):
    """A proxy, a gateway or another server answered in Pinpoint's place, whatever the status.

    Such an answer refuses nothing: recorded events stay pending.

    Attributes:
        status: the HTTP status code of that answer.
        retry_after: seconds that it asks to wait, or None.
    """

    def __init__(
        self,
        message: str,
        operation: str = "",
        *,
        status: int = 0,
        retry_after: float | None = None,
        is_retryable: bool = True,
    ) -> None:
        super().__init__(message, operation, is_retryable=is_retryable)
        self.status = status
        self.retry_after = retry_after
        self.is_throttling = status == 429  # noqa: PLR2004 -- HTTP


class ServiceError(PinpointKitError):
    """The service answered, and it refuses.

    Attributes:
        status: the HTTP status code.
        code: the service's exception name, for example `NotFoundException`; "" when it names
            none that could stand in a log line.
        message: the service's own text; it may repeat what was sent.
        request_id: the id to quote when asking for help; "" when the answer had none.
        operation: the API operation, for example `GetEndpoint`.
        retry_after: seconds that the answer asks to wait, or None. Pinpoint sends none
            itself; proxies and other servers may.
        next_step: what the caller can do about it: its class's advice, or better advice where
            this answer calls for it.
    """

    next_step: str = "see the message"

    def __init__(  # noqa: PLR0913 -- an answer has these parts, and each is wanted on the error
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        operation: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.request_id = request_id
        self.operation = operation
        self.retry_after = retry_after

    @property
    def reason(self) -> str:
        """A stable word for counting and logging; one of a fixed set, whatever was answered."""
        return self.code if self.code in SERVICE_EXCEPTIONS else type(self).__name__

    def __str__(self) -> str:
        is_named = not self.operation or self.message.startswith(f"{self.operation} ")
        where = "" if is_named else f"{self.operation}: "
        answer = f"{self.status} {self.code}".rstrip()
        request = f", request id {self.request_id}" if self.request_id else ""
        return f"{where}{self.message} ({answer}{request}); {self.next_step}"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message,), dict(self.__dict__)


class BadRequest(ServiceError):
    """400: the request is malformed or its content is refused."""

    next_step = "correct the request; sending it again unchanged cannot succeed"


class Forbidden(ServiceError):
    """403: the credentials are wrong or lack the permission."""

    next_step = "check the credentials, their `mobiletargeting:` permissions and the clock"


class NotFound(ServiceError):
    """404: no such application, endpoint, user or other resource."""

    next_step = "check the application id and the resource id"


class MethodNotAllowed(ServiceError):
    """405: this operation is not available here."""

    next_step = "see the compatibility page for what is answered there"


class Conflict(ServiceError):
    """409: the resource changed meanwhile (only UpdateJourney answers so)."""

    next_step = "read the resource again and repeat the change"


class PayloadTooLarge(ServiceError):
    """413: the request body is over the service's limit."""

    next_step = "send fewer or smaller items in one request"


class TooManyRequests(ServiceError):
    """429: over the request rate of this operation."""

    is_retryable = True
    is_throttling = True
    next_step = "send more slowly, or put more items in one request"


class InternalServerError(ServiceError):
    """500 and other 5xx: the service failed."""

    is_retryable = True
    next_step = "try again later"


class OperationNotImplemented(ServiceError):
    """501: the server knows the operation, and does not implement it."""

    next_step = "use an operation that the compatibility page lists, or another server"


#: The names of exceptions that Pinpoint answers with -> the class that says so here.
SERVICE_EXCEPTIONS: Mapping[str, type[ServiceError]] = {
    "BadRequestException": BadRequest,
    "ForbiddenException": Forbidden,
    "NotFoundException": NotFound,
    "MethodNotAllowedException": MethodNotAllowed,
    "ConflictException": Conflict,
    "PayloadTooLargeException": PayloadTooLarge,
    "TooManyRequestsException": TooManyRequests,
    "InternalServerErrorException": InternalServerError,
    # Not modelled, but front ends of AWS answer with them.
    "AccessDeniedException": Forbidden,
    "RequestEntityTooLargeException": PayloadTooLarge,
    "ThrottlingException": TooManyRequests,
}


class DeliveryError(PinpointKitError):
    """A recorded item was rejected or dropped and will not be delivered.

    Attributes:
        reason: a stable word for metrics, for example `rejected` or `buffer_full`.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message, reason)
        self.message = message
        self.reason = reason

    def __str__(self) -> str:
        return self.message


class JobFailedError(PinpointKitError):
    """An import or export job ended as FAILED.

    Attributes:
        job_id: the job.
        failures: the service's own failure entries, at most 100.
    """

    def __init__(self, message: str, job_id: str = "", failures: tuple[str, ...] = ()) -> None:
        super().__init__(message, job_id, failures)
        self.message = message
        self.job_id = job_id
        self.failures = failures

    def __str__(self) -> str:
        return self.message


class JobTimeoutError(PinpointKitError, TimeoutError):
    """A job has not ended in the time that was given. It goes on, and can be waited for again.

    Attributes:
        job_id: the job.
    """

    is_retryable = True

    def __init__(self, message: str, job_id: str = "") -> None:
        super().__init__(message)  # not more: OSError takes a second argument for its errno's text
        self.message = message
        self.job_id = job_id

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.job_id), dict(self.__dict__)


class MessageTimeoutError(PinpointKitError, TimeoutError):
    """No message that was waited for has come into the outbox in the time that was given."""

    is_retryable = True

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __str__(self) -> str:
        return self.message


class CampaignTimeoutError(PinpointKitError, TimeoutError):
    """A campaign is not over in the time that was given. It goes on, and can be waited for again.

    Attributes:
        campaign_id: the campaign.
    """

    is_retryable = True

    def __init__(self, message: str, campaign_id: str = "") -> None:
        super().__init__(message)  # not more, as above
        self.message = message
        self.campaign_id = campaign_id

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.message, self.campaign_id), dict(self.__dict__)


class PinpointKitWarning(UserWarning):
    """The root of this package's warnings."""


class PinpointRetiredWarning(PinpointKitWarning):
    """The hosted Amazon Pinpoint ended on 2026-10-30; most of its operations are gone."""


class TemplateWarning(PinpointKitWarning):
    """A template or a campaign is kept, with a text that no message can be made of.

    The service kept such texts, too, and said what was wrong when a message was made.
    """
