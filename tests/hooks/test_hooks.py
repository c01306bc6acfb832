"""What campaigns call: functions of Python and of Lambda, and URLs; failures are one exception."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from pinpoint_kit import ConfigurationError
from pinpoint_kit.hooks import FunctionHook, HookFailed, LambdaHook, UrlHook, open_hook
from tests.messaging.fake_url import Answer, FakeUrl
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENT = orjson.dumps({"Endpoints": {"device-1": {"Address": "ada@example.com"}}})


@pytest.fixture
def server() -> Iterator[FakeUrl]:
    """Give a server that takes everything."""
    with FakeUrl() as server:
        yield server


@pytest.fixture
def aws(server: FakeUrl, monkeypatch: pytest.MonkeyPatch) -> FakeUrl:
    """Have credentials, and Lambda at the server's address."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_LAMBDA", server.url)
    return server


def keep(event: dict[str, Any], context: Any) -> Any:
    """Keep everybody, and say how long there is."""
    assert 0 < context.get_remaining_time_in_millis() <= 15_000
    assert context.aws_request_id
    return event["Endpoints"]


def test_a_function_gets_event_and_context() -> None:
    """As a handler of Lambda does; what it returns is the answer."""
    hook = FunctionHook(keep)
    assert orjson.loads(hook.call(EVENT, 15.0)) == {"device-1": {"Address": "ada@example.com"}}
    assert hook.name == "python:keep"
    hook.close()


def test_a_function_of_one_argument_gets_the_event() -> None:
    """Methods and defaults are understood."""
    assert FunctionHook(len).call(EVENT, 15.0) == b"1"
    assert FunctionHook(lambda _, *, x=1: x).call(EVENT, 15.0) == b"1"
    with_default = FunctionHook(lambda _, context=None: context is not None)
    assert with_default.call(EVENT, 15.0) == b"true"


def fail(event: Any) -> Any:
    """Quote a person in an exception."""
    raise KeyError(str(event))


def leave(_: Any) -> Any:
    """End the program."""
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (fail, "raised KeyError$"),
        (leave, "raised SystemExit$"),
        (lambda _: {1, 2}, r"no JSON \(TypeError\)"),
        (lambda _: float("nan"), r"no JSON \(ValueError\)"),
        (lambda _: "x" * 6_291_456, "6291458 bytes"),
    ],
)
def test_what_a_function_can_do_wrong(function: Any, says: str) -> None:
    """All of it is one exception, without personal data."""
    with pytest.raises(HookFailed, match=says) as error:
        FunctionHook(function).call(EVENT, 15.0)
    assert "ada" not in str(error.value)


def test_a_function_that_takes_too_long_has_failed() -> None:
    """By the clock; nobody can stop it."""
    times = iter([0.0, 15.5])
    hook = FunctionHook(lambda _: 1, name="slow", clock=lambda: next(times))
    with pytest.raises(HookFailed, match=r"python:slow: took 15\.5 seconds; a call may take 15"):
        hook.call(EVENT, 15.0)


async def later(_: Any) -> None:
    """Be awaited by nobody."""


@pytest.mark.parametrize(
    ("function", "says"), [(7, "int cannot"), (later, "is async"), (lambda: 1, "takes neither")]
)
def test_what_is_no_function_ends_the_start(function: Any, says: str) -> None:
    """Before anything is called."""
    with pytest.raises(ConfigurationError, match=says):
        FunctionHook(function)


def test_a_call_is_6_mb_at_most(server: FakeUrl) -> None:
    """Whatever is called, and nothing is sent."""
    large = b" " * 6_291_457
    for hook in (FunctionHook(lambda _: 1), UrlHook(server.url)):
        with pytest.raises(HookFailed, match="6291456 are the most"):
            hook.call(large, 15.0)
    assert server.requests == []


def test_a_lambda_function_is_invoked(aws: FakeUrl) -> None:
    """At the address that the environment says, and its answer is the answer."""
    aws.script.append(Answer(body=b'{"device-1":{}}'))
    hook = open_hook("lambda:filter:prod")
    assert hook.call(EVENT, 15.0) == b'{"device-1":{}}'
    (request,) = aws.requests
    assert request.path == "/2015-03-31/functions/filter%3Aprod/invocations"
    assert request.headers["x-amz-invocation-type"] == "RequestResponse"
    assert request.body == EVENT
    assert hook.name == "lambda:filter:prod"
    hook.close()


def test_an_arn_names_the_region(aws: FakeUrl) -> None:
    """So that no other is asked."""
    hook = open_hook("lambda:arn:aws:lambda:us-west-2:123456789012:function:filter")
    hook.call(EVENT, 15.0)
    assert "/us-west-2/lambda/" in aws.requests[0].headers["authorization"]
    hook.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            Answer(
                headers={"X-Amz-Function-Error": "Unhandled"},
                body=b'{"errorType":"KeyError","errorMessage":"ada@example.com"}',
            ),
            r"the function failed \(KeyError\)$",
        ),
        (
            Answer(headers={"X-Amz-Function-Error": "Unhandled"}, body=b"ada"),
            r"failed \(Unknown\)$",
        ),
        (
            Answer(
                status=404,
                headers={"x-amzn-errortype": "ResourceNotFoundException"},
                body=b'{"Message":"ada@example.com"}',
            ),
            "lambda:filter: ResourceNotFoundException$",
        ),
        (Answer(status=502, body=b"ada"), "lambda:filter: 502$"),
    ],
)
def test_what_a_lambda_function_can_do_wrong(aws: FakeUrl, answer: Answer, says: str) -> None:
    """The type of the error is said, its text is not; it is tried once."""
    aws.script.append(answer)
    hook = LambdaHook("filter")
    with pytest.raises(HookFailed, match=says) as error:
        hook.call(EVENT, 15.0)
    assert "ada" not in str(error.value)
    assert len(aws.requests) == 1
    hook.close()


def test_silence_is_no_answer(aws: FakeUrl) -> None:
    """Neither of Lambda nor of a URL."""
    for hook in (LambdaHook("filter"), UrlHook(aws.url)):
        aws.script.append(Answer(hangs=True))
        began = time.monotonic()
        with pytest.raises(HookFailed):
            hook.call(EVENT, 0.3)
        in_time(time.monotonic() - began, 2.0)
        hook.close()


def test_a_url_is_posted_to(server: FakeUrl) -> None:
    """The body of the answer is the answer."""
    server.script.append(Answer(body=b'{"device-1":{}}'))
    hook = UrlHook(f"{server.url}/filter", token="token-1")
    assert hook.call(EVENT, 15.0) == b'{"device-1":{}}'
    assert server.requests[0].body == EVENT
    assert server.requests[0].headers["authorization"] == "Bearer token-1"
    hook.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(status=500, body=b"ada"), "answers 500$"),
        (Answer(status=302, headers={"Location": "/x"}), "the URL that it leads to"),
        (Answer(body=b"x" * 6_291_457), "more than 6291456 bytes"),
    ],
)
def test_what_a_url_can_do_wrong(server: FakeUrl, answer: Answer, says: str) -> None:
    """No redirect is followed, and no answer is read without end."""
    server.script.append(answer)
    with pytest.raises(HookFailed, match=says):
        UrlHook(server.url).call(EVENT, 15.0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gopher://x", "not the URL of a hook: write python:"),
        ("lambda:a b", "lambda:NAME"),
        ("lambda:filter?colour=red", "unknown parameter 'colour'"),
        ("https://a:b@example.com", "no place for secrets"),
        ("python:tests.hooks:nobody", "cannot be imported"),
    ],
)
def test_mistakes(url: str, says: str, aws: FakeUrl) -> None:
    """Each says what to write."""
    assert aws.requests == []
    with pytest.raises(ConfigurationError, match=says):
        open_hook(url)


def test_a_function_by_its_name() -> None:
    """It is imported."""
    hook = open_hook("python:tests.hooks.test_hooks:keep")
    assert hook.name == "python:tests.hooks.test_hooks:keep"
    assert orjson.loads(hook.call(EVENT, 15.0))
