"""The tree of errors: as printed, as pickled, and total over the service's own exceptions."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from typing import Any

import botocore.exceptions as aws
import botocore.session
import pytest

import pinpoint_kit as pk
from pinpoint_kit import errors
from pinpoint_kit.transport.translation import translate

SECRET = "s3cr3t-ada@example.com"

SAMPLES: list[errors.PinpointKitError] = [
    errors.PinpointKitError("a"),
    errors.ValidationError("is odd", "$.attributes.plan[0]", "odd"),
    errors.InvalidTypeError("expected text", "$.id"),
    errors.ConfigurationError("a"),
    errors.StoreError("a"),
    errors.ClosedError("a"),
    errors.TransportError("a", "PutEvents", is_retryable=False, may_have_arrived=False),
    errors.TransportTimeoutError("a", "PutEvents", may_have_arrived=False),
    errors.ForeignAnswerError("a", "PutEvents", status=429, retry_after=3.0, is_retryable=False),
    *(
        cls("no", status=418, code="X", request_id="r", operation="GetApp", retry_after=1.5)
        for cls in (
            errors.ServiceError,
            errors.BadRequest,
            errors.Forbidden,
            errors.NotFound,
            errors.MethodNotAllowed,
            errors.Conflict,
            errors.PayloadTooLarge,
            errors.TooManyRequests,
            errors.InternalServerError,
            errors.OperationNotImplemented,
        )
    ),
    errors.DeliveryError("a", "buffer_full"),
    errors.InvalidRowsError("a", (), 3),
    errors.TemplateError("never ends", line=2, column=7),
    errors.JobFailedError("a", "job-1", ("line 3", "line 9")),
    errors.CampaignTimeoutError("a", "campaign-1"),
    errors.JobTimeoutError("a", "job-1"),
    errors.MessageTimeoutError("a"),
]

RETRYABLE = {
    errors.CampaignTimeoutError,
    errors.JobTimeoutError,
    errors.MessageTimeoutError,
    errors.TransportError,
    errors.TransportTimeoutError,
    errors.ForeignAnswerError,
    errors.TooManyRequests,
    errors.InternalServerError,
}


def classes() -> list[type[BaseException]]:
    """Every error and warning of the module."""
    return [
        value
        for value in vars(errors).values()
        if inspect.isclass(value) and issubclass(value, BaseException)
    ]


def printed_tree() -> dict[str, tuple[str | None, str | None]]:
    """Name -> its parent and its builtin base, as the module's docstring draws them."""
    found: dict[str, tuple[str | None, str | None]] = {}
    trail: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"^    ([│ ├└─]*)(\w+)(?: \((\w+)\))?", line)
        if not match or not line.startswith("    "):
            continue
        depth = len(match[1]) // 4
        trail = [*trail[:depth], match[2]]
        found[match[2]] = (trail[-2] if depth else None, match[3])
    return found


def test_the_printed_tree_is_the_tree() -> None:
    """The docstring names every class under its parent with its builtin base."""
    actual: dict[str, tuple[str | None, str | None]] = {}
    for cls in classes():
        own = [base for base in cls.__bases__ if base.__module__ == errors.__name__]
        builtin = [base for base in cls.__bases__ if base.__module__ == "builtins"]
        named = builtin[0].__name__ if builtin and builtin[0] is not Exception else None
        actual[cls.__name__] = (own[0].__name__ if own else None, named)
    assert printed_tree() == actual


def test_all_names_every_class() -> None:
    """`__all__` is exactly the classes of the module, sorted."""
    assert errors.__all__ == sorted(cls.__name__ for cls in classes())


def test_the_samples_cover_every_error() -> None:
    """No error is left out of the tests below."""
    assert {type(sample) for sample in SAMPLES} == {
        cls for cls in classes() if issubclass(cls, errors.PinpointKitError)
    }


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_errors_survive_pickling(error: errors.PinpointKitError, protocol: int) -> None:
    """An error comes out of another process with its class, text and attributes."""
    again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 -- our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
    assert again.is_retryable == error.is_retryable


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_errors_can_be_copied(error: errors.PinpointKitError) -> None:
    """`copy.copy` gives an equal error."""
    assert vars(copy.copy(error)) == vars(error)
    assert str(copy.copy(error)) == str(error)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_is_retryable(error: errors.PinpointKitError) -> None:
    """Only what may pass by itself is worth the same call again."""
    assert (
        type(error)().is_retryable
        if False
        else type(error).is_retryable is (type(error) in RETRYABLE)
    )


def test_a_timeout_is_no_operating_system_error_number() -> None:
    """`TimeoutError` takes two arguments for errno and text: ours gives it neither."""
    error = errors.TransportTimeoutError("too late", "PutEvents")
    assert isinstance(error, TimeoutError)
    assert (error.errno, error.strerror, str(error)) == (None, None, "too late")


def test_a_service_error_says_what_to_do_next() -> None:
    """The text holds the operation, the service's text, the request id and the next step."""
    error = errors.NotFound("gone", status=404, code="X", request_id="r-1", operation="GetApp")
    assert str(error) == (
        "GetApp: gone (404 X, request id r-1); check the application id and the resource id"
    )


def test_an_operation_is_named_once() -> None:
    """A message that begins with the operation is not given its name again."""
    error = errors.ServiceError("GetCampaigns is not emulated", operation="GetCampaigns")
    assert str(error) == "GetCampaigns is not emulated (0); see the message"
    other = errors.ServiceError("GetCampaignsX is no operation", operation="GetCampaigns")
    assert str(other).startswith("GetCampaigns: GetCampaignsX")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_an_error_was_given_survives_pickling(protocol: int) -> None:
    """Advice of its own, and what was done before it, come out of another process too."""
    error = errors.NotFound("no message", status=404, operation="GetApps")
    error.next_step = "this is no Pinpoint server: check the URL"
    error.report = pk.BatchReport(
        accepted=2, rejected=(pk.Rejection(index=1, id="e", reason="no"),), requests=1
    )
    error.results = [pk.EventResult(endpoint_id="e", event_id="1", status_code=202), None]
    again = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 -- our own bytes
    assert str(again) == "GetApps: no message (404); this is no Pinpoint server: check the URL"
    assert (again.report, again.results) == (error.report, error.results)
    assert errors.NotFound("no message").next_step != again.next_step


def test_most_errors_have_no_report() -> None:
    """Only what ended a call with many items has one."""
    for sample in SAMPLES:
        assert (sample.report, sample.results) == (None, None)


def test_every_service_error_has_its_own_next_step() -> None:
    """No leaf of the tree is left with the general advice."""
    steps = [cls.next_step for cls in errors.ServiceError.__subclasses__()]
    assert len(set(steps)) == len(steps)
    assert errors.ServiceError.next_step not in steps


# Translation


def client_error(code: Any = "", status: Any = 0, headers: Any = None) -> aws.ClientError:
    """Return what botocore raises for such an answer."""
    response: Any = {
        "Error": {"Code": code, "Message": "the service's text"},
        "ResponseMetadata": {
            "HTTPStatusCode": status,
            "RequestId": "r",
            "HTTPHeaders": headers,
        },
    }
    return aws.ClientError(response, "GetApp")


def modelled() -> list[tuple[str, int]]:
    """Return the exceptions of the installed service model, with their status."""
    service = botocore.session.Session().get_service_model("pinpoint")
    return [
        (shape.name, shape.metadata["error"]["httpStatusCode"]) for shape in service.error_shapes
    ]


def test_the_service_model_has_exceptions() -> None:
    """The parametrised test below is not empty."""
    assert len(modelled()) == 8


@pytest.mark.parametrize(("code", "status"), modelled())
def test_every_modelled_exception_has_its_class(code: str, status: int) -> None:
    """Each exception of the installed service model becomes the leaf of its name."""
    error = translate(client_error(code, status), "GetApp")
    assert type(error).__name__ == code.removesuffix("Exception")
    assert isinstance(error, errors.ServiceError)
    assert (error.status, error.code, error.request_id) == (status, code, "r")
    assert error.is_retryable is (status in {429, 500})


@pytest.mark.parametrize(
    ("code", "status", "cls", "is_retryable"),
    [
        ("", 400, errors.BadRequest, False),
        ("401", 401, errors.Forbidden, False),
        ("AccessDeniedException", 403, errors.Forbidden, False),
        ("AccessDeniedException", 400, errors.Forbidden, False),
        ("InvalidSignatureException", 403, errors.Forbidden, False),
        ("404", 404, errors.NotFound, False),
        ("", 413, errors.PayloadTooLarge, False),
        ("RequestEntityTooLargeException", 400, errors.PayloadTooLarge, False),
        ("ThrottlingException", 400, errors.TooManyRequests, True),
        ("", 429, errors.TooManyRequests, True),
        ("", 500, errors.InternalServerError, True),
        ("NotImplementedException", 501, errors.OperationNotImplemented, False),
        ("502", 502, errors.InternalServerError, True),
        ("", 503, errors.InternalServerError, True),
        ("", 599, errors.InternalServerError, True),
        ("418", 418, errors.ServiceError, False),
        ("302", 302, errors.ServiceError, False),
        ("", 0, errors.ServiceError, False),
        (None, None, errors.ServiceError, False),
        (7, "no number", errors.ServiceError, False),
    ],
)
def test_other_answers_go_by_their_status(
    code: object, status: object, cls: type[errors.ServiceError], *, is_retryable: bool
) -> None:
    """What the model does not name still gets the nearest class, and never fails."""
    error = translate(client_error(code, status), "GetApp")
    assert type(error) is cls
    assert error.is_retryable is is_retryable


@pytest.mark.parametrize(
    ("code", "status", "next_step"),
    [
        ("404", 404, "this is no Pinpoint server: check the URL"),
        ("", 404, "this is no Pinpoint server: check the URL"),
        ("NotFoundException", 404, errors.NotFound.next_step),
        (
            "NotImplementedException",
            501,
            "use an operation that the compatibility page lists, or another server",
        ),
        ("500", 500, errors.InternalServerError.next_step),
        ("502", 502, errors.InternalServerError.next_step),
    ],
)
def test_the_next_step_fits_the_answer(code: str, status: int, next_step: str) -> None:
    """An answer that says more than its class gets advice of its own."""
    error = translate(client_error(code, status), "GetApp")
    assert isinstance(error, errors.ServiceError)
    assert error.next_step == next_step
    assert str(error).endswith(f"; {next_step}")


def test_a_status_is_no_code() -> None:
    """Where the answer names no exception, botocore's stopgap is not shown as one."""
    error = translate(client_error("404", 404), "GetApps")
    assert isinstance(error, errors.NotFound)
    assert error.code == ""
    assert str(error).startswith("GetApps: the service's text (404, request id r);")


@pytest.mark.parametrize(
    ("headers", "is_retryable"),
    [
        ({"x-pinpoint-kit-retryable": "false"}, False),
        ({"x-pinpoint-kit-retryable": "true"}, True),
        ({}, True),
    ],
)
def test_a_lasting_failure_says_so(headers: dict[str, str], *, is_retryable: bool) -> None:
    """A 500 whose header says that it lasts is not worth the same call again."""
    error = translate(client_error("InternalServerErrorException", 500, headers), "GetApps")
    assert type(error) is errors.InternalServerError
    assert error.is_retryable is is_retryable
    assert ("again" in str(error)) is is_retryable


@pytest.mark.parametrize("response", [{}, {"Error": None}, {"ResponseMetadata": None}])
def test_a_client_error_without_its_parts_is_translated(response: dict[str, object]) -> None:
    """Clients under test make such errors by hand."""
    bare = aws.ClientError({"Error": {}}, "GetApp")
    bare.response = response  # type: ignore[assignment]  # as said
    assert type(translate(bare, "GetApp")) is errors.ServiceError


def test_a_redirect_says_so() -> None:
    """Nobody follows redirects; the message says what is wrong."""
    assert "redirects" in str(translate(client_error("307", 307), "GetApp"))


def test_a_long_text_is_cut() -> None:
    """A page in place of a message does not fill the log."""
    error = aws.ClientError({"Error": {"Code": "400", "Message": "x" * 100_000}}, "GetApp")
    assert len(str(translate(error, "GetApp"))) < 2_000


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("2", 2.0), ("0.5", 0.5), ("0", 0.0), ("-1", None), ("nan", None), ("inf", None), ("x", None)],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    """A number of seconds is taken, anything else is not."""
    error = translate(client_error("429", 429, {"retry-after": value}), "PutEvents")
    assert isinstance(error, errors.TooManyRequests)
    assert error.retry_after == seconds


URL = f"http://user:{SECRET}@host.test:8080/v1/apps/{SECRET}/users/{SECRET}?q={SECRET}"
NETWORK: list[tuple[Exception, type[errors.TransportError], bool, bool]] = [
    (aws.EndpointConnectionError(endpoint_url=URL), errors.TransportError, True, False),
    (aws.ConnectTimeoutError(endpoint_url=URL), errors.TransportTimeoutError, True, False),
    (aws.ReadTimeoutError(endpoint_url=URL), errors.TransportTimeoutError, True, True),
    (aws.ConnectionClosedError(endpoint_url=URL), errors.TransportError, True, True),
    (aws.ProxyConnectionError(proxy_url=URL), errors.TransportError, True, False),
    (aws.HTTPClientError(error=SECRET), errors.TransportError, True, True),
    (aws.ResponseStreamingError(error=SECRET), errors.TransportError, True, True),
    (
        aws.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        errors.TransportError,
        True,
        True,
    ),
    (aws.SSLError(endpoint_url=URL, error=Exception(SECRET)), errors.TransportError, False, False),
    (aws.NoCredentialsError(), errors.TransportError, False, False),
    (
        aws.PartialCredentialsError(provider="env", cred_var=SECRET),
        errors.TransportError,
        False,
        False,
    ),
    (
        aws.CredentialRetrievalError(provider="p", error_msg=SECRET),
        errors.TransportError,
        False,
        False,
    ),
    (aws.RefreshWithMFAUnsupportedError(), errors.TransportError, False, False),
    (aws.InvalidConfigError(error_msg=SECRET), errors.TransportError, False, False),
]


@pytest.mark.parametrize(
    ("error", "cls", "is_retryable", "may_have_arrived"),
    NETWORK,
    ids=[type(row[0]).__name__ for row in NETWORK],
)
def test_no_answer(
    error: Exception,
    cls: type[errors.TransportError],
    *,
    is_retryable: bool,
    may_have_arrived: bool,
) -> None:
    """Each way of getting no answer is a TransportError that tells what may be repeated."""
    translated = translate(error, "PutEvents")
    assert type(translated) is cls
    assert translated.operation == "PutEvents"
    assert translated.is_retryable is is_retryable
    assert translated.may_have_arrived is may_have_arrived
    assert SECRET not in str(translated)
    assert SECRET not in repr(vars(translated))
    assert SECRET.encode() not in pickle.dumps(translated)


def test_every_botocore_error_is_translated() -> None:
    """Whatever botocore raises becomes one of ours; its text is not repeated."""
    pending: list[type[Exception]] = [aws.BotoCoreError]
    seen = 0
    while pending:
        cls = pending.pop()
        pending.extend(cls.__subclasses__())
        error = cls.__new__(cls)
        error.kwargs = {"endpoint_url": URL, "report": "", "error": SECRET}  # type: ignore[attr-defined]
        error.args = (SECRET,)
        translated = translate(error, "GetApp")
        assert isinstance(translated, errors.PinpointKitError), cls
        assert SECRET not in str(translated), cls
        seen += 1
    assert seen > 60


def test_the_host_shows_and_nothing_else_of_the_url() -> None:
    """The message says who did not answer, without user, path or query."""
    text = str(translate(aws.ReadTimeoutError(endpoint_url=URL), "GetApp"))
    assert "host.test:8080" in text
    assert "/v1" not in text


def test_a_wrong_set_up_is_a_configuration_error() -> None:
    """No Region or no such profile is for the caller to correct."""
    for error in (aws.NoRegionError(), aws.ProfileNotFound(profile="x")):
        assert isinstance(translate(error, "GetApp"), errors.ConfigurationError)


SNEAKY = [
    SECRET,
    f", type: {SECRET}",
    f"a, valid types: {SECRET}",
    f", valid min length: {SECRET}",
    f"line\nMissing required parameter in {SECRET}",
    f", value: {SECRET}, type: x",
]


@pytest.mark.parametrize("value", SNEAKY)
def test_parameter_errors_never_show_the_value(value: str) -> None:
    """Whatever the value looks like, only the parameter and the expected type are told."""
    report = (
        f"Invalid type for parameter EndpointRequest.Metrics, value: {value},"
        " type: <class 'str'>, valid types: <class 'dict'>\nUnknown parameter in input: \"x\""
    )
    error = translate(aws.ParamValidationError(report=report), "UpdateEndpoint")
    assert isinstance(error, errors.ValidationError)
    assert str(error) == (
        "UpdateEndpoint: Invalid type for parameter EndpointRequest.Metrics,"
        " valid types: <class 'dict'>"
    )


def test_parameter_errors_name_what_is_missing() -> None:
    """Problems without a value keep their text, one line of it."""
    report = 'Missing required parameter in input: "ApplicationId"\nUnknown parameter in input'
    error = translate(aws.ParamValidationError(report=report), "GetApp")
    assert str(error) == 'GetApp: Missing required parameter in input: "ApplicationId"'
