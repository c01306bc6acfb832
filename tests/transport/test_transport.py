"""The transport over real sockets: bodies, answers, retries, hooks and set-ups of botocore."""

from __future__ import annotations

import hashlib
import pickle
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
import orjson
import pytest
import tenacity
from botocore.auth import SigV4Auth
from botocore.stub import Stubber

from pinpoint_kit import errors
from pinpoint_kit.transport import RetryPolicy, Transport, retries
from tests.ports import held_port

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY = b'{"BatchItem": {"e":{"Endpoint":{},"Events":{"1":{"EventType":"t","Timestamp":"x"}}}} }'
HTML = b"<html><body>sign in, ada@example.com</body></html>"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port where nobody listens."""
    with held_port() as port:
        yield port


# Bodies and answers


def test_the_body_goes_out_verbatim_and_signed(server: Any, transport: Transport) -> None:
    """What the server receives is the given bytes, and the signature covers them."""
    answer = transport.put_events("app", BODY)
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", "/v1/apps/app/events", BODY)
    assert seen.headers["content-length"] == str(len(BODY))
    assert seen.headers["content-type"] == "application/json"
    assert "/us-east-1/mobiletargeting/aws4_request" in seen.headers["authorization"]
    assert answer.results["e"]["EventsItemResponse"]["1"]["StatusCode"] == 202
    assert answer.request_id == "request-1"


def test_the_signature_is_of_the_body(
    server: Any, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hash in the signed canonical request is that of the bytes that arrive."""
    signed: list[str] = []
    original = SigV4Auth.canonical_request

    def watched(self: SigV4Auth, request: Any) -> str:
        signed.append(original(self, request))
        return signed[-1]

    monkeypatch.setattr(SigV4Auth, "canonical_request", watched)
    transport.put_events("app", BODY)
    (canonical,) = signed
    assert canonical.endswith(hashlib.sha256(server.seen[0].body).hexdigest())


def test_endpoints_go_out_verbatim(server: Any, transport: Transport, kit: Any) -> None:
    """UpdateEndpoint and UpdateEndpointsBatch carry finished bodies too, unknown members kept."""
    server.default = lambda _: kit.Reply(
        202, b'{"Message":"Accepted","RequestID":"r-2"}', {"x-amzn-RequestId": "r-1"}
    )
    assert transport.update_endpoint("app", "a/b", b'{"New":1}') == "r-2"
    assert transport.update_endpoints_batch("app", b'{"Item":[{"Id":"e"}]}') == "r-1"
    assert [(s.method, s.path, s.body) for s in server.seen] == [
        ("PUT", "/v1/apps/app/endpoints/a%2Fb", b'{"New":1}'),
        ("PUT", "/v1/apps/app/endpoints", b'{"Item":[{"Id":"e"}]}'),
    ]


@pytest.mark.parametrize("status", [200, 202])
def test_any_success_is_read(server: Any, transport: Transport, kit: Any, status: int) -> None:
    """Other servers answer 200 where the service answers 202."""
    server.script = [kit.Reply(status, b'{"Results":{"e":{}}}')]
    assert transport.put_events("app", BODY).results == {"e": {}}


@pytest.mark.parametrize("body", [b"{}", b'{"Results":null}', b'{"Results":{}}'])
def test_no_results_is_no_item_answered(
    server: Any, transport: Transport, kit: Any, body: bytes
) -> None:
    """Who looks for its item finds none, and tries that item again."""
    server.script = [kit.Reply(202, body)]
    assert transport.put_events("app", BODY).results == {}


GARBLED = [
    b"",
    b"null",
    b"[]",
    b'"x"',
    b'{"Results":[]}',
    b'{"Results":{"e":1}}',
    b"{",
    HTML,
    b"\xff",
]


@pytest.mark.parametrize("body", GARBLED)
def test_garbled_answers_to_events(
    server: Any, transport: Transport, kit: Any, body: bytes
) -> None:
    """What is not Pinpoint's answer is no answer: it may be tried again, and shows no content."""
    server.default = lambda _: kit.Reply(202, body)
    with pytest.raises(errors.TransportError, match="not a Pinpoint answer") as caught:
        transport.put_events("app", BODY)
    assert caught.value.is_retryable
    assert caught.value.may_have_arrived
    assert "ada" not in str(caught.value)
    assert len(server.seen) == 4


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[1]", b'"x"', b"{", HTML, b"\xff", b'{"Attributes":5}']
)
def test_garbled_answers_to_calls(server: Any, transport: Transport, kit: Any, body: bytes) -> None:
    """Botocore would make an empty endpoint of a proxy's page; here it is an error."""
    server.default = lambda _: kit.Reply(200, body)
    with pytest.raises(errors.TransportError, match="not a Pinpoint answer"):
        transport.call("GetEndpoint", ApplicationId="app", EndpointId="e")


@pytest.mark.parametrize("status", [400, 403, 404, 501])
@pytest.mark.parametrize("body", [b"", b"[1]", HTML, b"\xff"])
def test_a_page_refuses_nothing(
    server: Any, transport: Transport, kit: Any, status: int, body: bytes
) -> None:
    """What is no JSON object is not Pinpoint's word, whatever the status, and is not repeated."""
    server.default = lambda _: kit.Reply(status, body, {"x-amzn-ErrorType": "NotFoundException"})
    with pytest.raises(errors.ForeignAnswerError, match="not a Pinpoint answer") as caught:
        transport.call("GetEndpoint", ApplicationId="app", EndpointId="e")
    assert caught.value.status == status
    assert "ada" not in str(caught.value)
    assert len(server.seen) == 1


def test_an_operation_without_an_answer(server: Any, transport: Transport, kit: Any) -> None:
    """204 with no body is fine where the operation has none."""
    server.script = [kit.Reply(204, b"")]
    arn = "arn:aws:mobiletargeting:us-east-1:1:apps/x"
    answer = transport.call("TagResource", ResourceArn=arn, TagsModel={"tags": {}})
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def test_errors_carry_what_the_service_says(server: Any, transport: Transport, kit: Any) -> None:
    """Class by header, text by body, and the request id."""
    server.script = [
        kit.Reply(
            404,
            b'{"Message":"Application not found","RequestID":"r"}',
            {"x-amzn-ErrorType": "NotFoundException:http://x", "x-amzn-RequestId": "r"},
        )
    ]
    with pytest.raises(errors.NotFound) as caught:
        transport.put_events("app", BODY)
    assert (caught.value.code, caught.value.message, caught.value.request_id) == (
        "NotFoundException",
        "Application not found",
        "r",
    )
    assert caught.value.operation == "PutEvents"
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_told(server: Any, transport: Transport, kit: Any, status: int) -> None:
    """A redirect is not followed with somebody's events; the message says what to correct."""
    server.script = [kit.Reply(status, HTML, {"Location": "http://elsewhere.test/"})]
    with pytest.raises(errors.ForeignAnswerError, match="correct the URL") as caught:
        transport.put_events("app", BODY)
    assert caught.value.status == status
    assert len(server.seen) == 1


# Retries

PASSING = [
    {"status": 429},
    {"status": 500},
    {"status": 503},
    {"fault": "reset"},
    {"status": 202, "body": b'{"Results":{"e":', "fault": "truncated"},
]


@pytest.mark.parametrize("reply", PASSING, ids=str)
def test_what_may_pass_is_tried_again(
    server: Any, transport: Transport, sleeps: Any, kit: Any, reply: dict[str, Any]
) -> None:
    """Throttling, failures and broken connections are repeated with the same body."""
    server.script = [kit.Reply(**reply), kit.Reply(**reply)]
    assert transport.put_events("app", BODY).results["e"]
    assert [seen.body for seen in server.seen] == [BODY] * 3
    assert len(sleeps.taken) == 2


def test_a_timeout_is_tried_again(server: Any, kit: Any, sleeps: Any) -> None:
    """No answer in time is repeated, and is a TimeoutError in the end."""
    client = kit.make_client(server.url, config={"read_timeout": 0.1})
    server.script = [kit.Reply(fault="silent")] * 2
    transport = Transport(client, retry=RetryPolicy(max_attempts=2), sleep=sleeps)
    with pytest.raises(errors.TransportTimeoutError) as caught:
        transport.put_events("app", BODY)
    assert isinstance(caught.value, TimeoutError)
    assert caught.value.may_have_arrived
    assert len(server.seen) == 2
    client.close()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 418, 501])
def test_what_will_not_pass_is_not_repeated(
    server: Any, transport: Transport, kit: Any, status: int
) -> None:
    """Refusals are told at once."""
    server.default = lambda _: kit.Reply(status, b'{"Message":"no","RequestID":"r-1"}')
    with pytest.raises(errors.ServiceError) as caught:
        transport.put_events("app", BODY)
    assert not caught.value.is_retryable
    assert len(server.seen) == 1


def test_attempts_are_counted(server: Any, transport: Transport, sleeps: Any, kit: Any) -> None:
    """`max_attempts` is tries in all, with a wait before each but the first."""
    server.default = lambda _: kit.Reply(500)
    with pytest.raises(errors.InternalServerError):
        transport.put_events("app", BODY)
    assert (len(server.seen), len(sleeps.taken)) == (4, 3)


def test_retry_false_tries_once(server: Any, transport: Transport, kit: Any) -> None:
    """Who has a retry of their own asks for one try."""
    server.default = lambda _: kit.Reply(500)
    with pytest.raises(errors.InternalServerError):
        transport.put_events("app", BODY, retry=False)
    with pytest.raises(errors.InternalServerError):
        transport.update_endpoints_batch("app", b"{}", retry=False)
    assert len(server.seen) == 2


def test_waits_are_full_jitter(server: Any, client: Any, sleeps: Any, kit: Any) -> None:
    """The n-th wait is anywhere from 0 to base * 2**(n-1), at most `max_wait`."""
    server.default = lambda _: kit.Reply(500)
    policy = RetryPolicy(max_attempts=6, base_wait=0.1, max_wait=0.5)
    transport = Transport(client, retry=policy, sleep=sleeps)
    for _ in range(5):
        with pytest.raises(errors.InternalServerError):
            transport.put_events("app", BODY)
    bounds = [0.1, 0.2, 0.4, 0.5, 0.5] * 5
    assert all(0 <= wait <= bound for wait, bound in zip(sleeps.taken, bounds, strict=True))
    assert len(set(sleeps.taken)) == len(bounds)


def test_an_error_says_how_often_and_how_long(server: Any, transport: Transport, kit: Any) -> None:
    """`attempts` and `elapsed` cover all tries; a text of several says so; pickling keeps them."""
    server.default = lambda _: kit.Reply(fault="reset")
    with pytest.raises(errors.TransportError, match=r"4 attempts in \d+\.\d s") as caught:
        transport.put_events("app", BODY)
    assert caught.value.attempts == 4
    assert 0 < caught.value.elapsed < 60
    assert pickle.loads(pickle.dumps(caught.value)).attempts == 4  # noqa: S301 -- our own
    with pytest.raises(errors.TransportError) as caught:
        transport.put_events("app", BODY, retry=False)
    assert (caught.value.attempts, "attempts" in str(caught.value)) == (1, False)


@pytest.mark.parametrize(
    "body",
    [b'{"message":"Bad Request"}', b'{"Message":"An error has occurred."}', b'{"code":400}', b"{}"],
)
@pytest.mark.parametrize("status", [400, 404, 409, 413])
def test_json_of_a_proxy_refuses_nothing(
    server: Any, transport: Transport, kit: Any, status: int, body: bytes
) -> None:
    """JSON that names no exception as Pinpoint does is not its word either."""
    server.default = lambda _: kit.Reply(status, body)
    with pytest.raises(errors.ForeignAnswerError) as caught:
        transport.put_events("app", BODY)
    assert (caught.value.status, caught.value.is_retryable) == (status, False)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"x-amzn-ErrorType": "BadRequestException"}),
        (b"{}", {"x-pinpoint-kit": "1"}),
        (b'{"__type":"BadRequestException"}', {}),
        (b'{"code":"BadRequestException"}', {}),
        (b'{"Message":"no","RequestID":"r-1"}', {}),
    ],
)
def test_what_pinpoint_says_refuses(
    server: Any, transport: Transport, kit: Any, body: bytes, headers: dict[str, str]
) -> None:
    """A named exception, our mark, or the members of modelled exceptions make it Pinpoint's."""
    server.default = lambda _: kit.Reply(400, body, headers)
    with pytest.raises(errors.BadRequest):
        transport.put_events("app", BODY)


@pytest.mark.parametrize("status", [408, 429, 502, 503])
def test_a_page_that_may_pass_is_tried_again(
    server: Any, transport: Transport, sleeps: Any, kit: Any, status: int
) -> None:
    """A gateway's 429 or 503 is waited out, for as long as it asks within bounds."""
    server.script = [kit.Reply(status, HTML, {"Retry-After": "3"})]
    assert transport.put_events("app", BODY).results["e"]
    assert sleeps.taken == [3.0]
    server.script = [kit.Reply(status, HTML)]
    with pytest.raises(errors.ForeignAnswerError) as caught:
        transport.put_events("app", BODY, retry=False)
    assert caught.value.is_throttling is (status == 429)


@pytest.mark.parametrize(
    ("asked", "understood"),
    [
        ("3600", 60.0),
        ("100000000", 60.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("1_0", None),
        ("-1", None),
        ("1e3", None),
        ("inf", None),
        ("nan", None),
        (" 5x", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_is_bounded_and_strict(
    server: Any, transport: Transport, kit: Any, asked: str, understood: float | None
) -> None:
    """Only plain digits count, and at most `max_retry_after` seconds."""
    server.default = lambda _: kit.Reply(503, b"{}", {"Retry-After": asked})
    with pytest.raises(errors.InternalServerError) as caught:
        transport.put_events("app", BODY, retry=False)
    assert caught.value.retry_after == understood


def test_words_from_outside_are_cleaned(server: Any, transport: Transport, kit: Any) -> None:
    """A code, a request id or a message can neither forge a log line nor be long."""
    code = "Forged\nCRITICAL root - user ada@example.com was deleted " + "x" * 5000
    body = orjson.dumps({"__type": code, "message": "a\nb\x1b[2J" + "y" * 5000})
    server.default = lambda _: kit.Reply(400, body, {"x-amzn-RequestId": "r" * 500})
    with pytest.raises(errors.BadRequest) as caught:
        transport.put_events("app", BODY)
    error = caught.value
    assert (error.code, error.request_id, error.reason) == ("", "", "BadRequest")
    assert error.message.startswith("a?b?[2Jyyy")
    assert len(error.message) == 1_000


def test_reasons_are_few(server: Any, transport: Transport, kit: Any) -> None:
    """A code that nobody knows is kept, and is no reason: those are of a fixed set."""
    server.script = [
        kit.Reply(400, b"{}", {"x-amzn-ErrorType": code})
        for code in ("SomethingNew1", "SomethingNew2", "BadRequestException")
    ]
    found = []
    for _ in range(3):
        with pytest.raises(errors.BadRequest) as caught:
            transport.put_events("app", BODY)
        found.append((caught.value.code, caught.value.reason))
    assert found == [
        ("SomethingNew1", "BadRequest"),
        ("SomethingNew2", "BadRequest"),
        ("BadRequestException", "BadRequestException"),
    ]


def test_each_request_is_a_debug_line(
    server: Any, transport: Transport, kit: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Operation, status, duration and request id; no content."""
    caplog.set_level("DEBUG", "pinpoint_kit.transport")
    server.script = [kit.Reply(503, b"{}"), kit.Reply(fault="reset")]
    transport.put_events("app", BODY.replace(b'"e"', b'"ada@example.com"'))
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("pinpoint")]
    assert re.fullmatch(r"PutEvents 503 in \d\.\d{3} s, request id -", lines[0])
    assert re.fullmatch(r"PutEvents TransportError in \d\.\d{3} s, request id -", lines[1])
    assert re.fullmatch(r"PutEvents 202 in \d\.\d{3} s, request id request-1", lines[2])


def test_a_look_up_is_tried_twice(server: Any, client: Any, sleeps: Any, kit: Any) -> None:
    """With `lookup_timeout` a read by id has one retry; counting and sending are no look-ups."""
    server.default = lambda _: kit.Reply(503, b"{}")
    policy = RetryPolicy(max_attempts=4)
    transport = Transport(client, retry=policy, lookup_timeout=2.0, sleep=sleeps)
    for operation, tries in (("GetEndpoint", 2), ("GetApplicationDateRangeKpi", 4)):
        server.seen.clear()
        params = {"EndpointId": "e"} if operation == "GetEndpoint" else {"KpiName": "k"}
        with pytest.raises(errors.InternalServerError) as caught:
            transport.call(operation, ApplicationId="app", **params)
        assert (len(server.seen), caught.value.attempts) == (tries, tries)
    server.seen.clear()
    with pytest.raises(errors.InternalServerError):
        transport.put_events("app", BODY)
    assert len(server.seen) == 4


def test_the_deadline_counts_from_the_first_try(server: Any, client: Any, kit: Any) -> None:
    """A first try that takes all the time leaves none for another."""
    server.default = lambda _: kit.Reply(500)
    now = 1000.0

    class Slow:
        """A pace that lets a request go after a while."""

        def spend(self, _: str) -> float:
            nonlocal now
            now += 15.0
            return 0.0

        def throttled(self, _: str) -> None: ...

        def succeeded(self, _: str) -> None: ...

    policy = RetryPolicy(deadline=20.0, base_wait=0.0)
    transport = Transport(client, retry=policy, pace=Slow(), sleep=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        # Not `time.monotonic` itself: other threads' waits would go by it, for hours.
        for module in (retries, tenacity):
            patch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
        with pytest.raises(errors.InternalServerError):
            transport.put_events("app", BODY)
    assert len(server.seen) == 2


def test_one_attempt_is_one_attempt(server: Any, client: Any, sleeps: Any, kit: Any) -> None:
    """`max_attempts=1` switches retries off."""
    server.default = lambda _: kit.Reply(500)
    transport = Transport(client, retry=RetryPolicy(max_attempts=1), sleep=sleeps)
    with pytest.raises(errors.InternalServerError):
        transport.put_events("app", BODY)
    assert (len(server.seen), sleeps.taken) == (1, [])


def test_a_lasting_failure_is_not_repeated(server: Any, transport: Transport, kit: Any) -> None:
    """A server can say of a 500 that it lasts."""
    server.default = lambda _: kit.Reply(500, headers={"X-Pinpoint-Kit-Retryable": "false"})
    with pytest.raises(errors.InternalServerError, match="repeating it does not help"):
        transport.put_events("app", BODY)
    assert len(server.seen) == 1


def test_retry_after_is_honoured(server: Any, transport: Transport, sleeps: Any, kit: Any) -> None:
    """The wait is at least what the answer asks for, also above `max_wait`."""
    server.script = [kit.Reply(429, headers={"Retry-After": "7"})]
    transport.put_events("app", BODY)
    assert sleeps.taken == [7.0]


def test_no_try_starts_after_the_deadline(
    server: Any, transport: Transport, sleeps: Any, kit: Any
) -> None:
    """An answer that asks for longer than there is time is raised at once."""
    server.default = lambda _: kit.Reply(429, headers={"Retry-After": "3600"})
    with pytest.raises(errors.TooManyRequests) as caught:
        transport.put_events("app", BODY)
    assert caught.value.retry_after == 60.0
    assert (len(server.seen), sleeps.taken) == (1, [])


def create(transport: Transport) -> object:
    """Return a call that makes something."""
    return transport.call("CreateApp", CreateApplicationRequest={"Name": "x"})


@pytest.mark.parametrize("reply", [{"status": 500}, {"fault": "reset"}, {"status": 503}], ids=str)
def test_a_create_is_not_repeated_when_it_may_be_done(
    server: Any, transport: Transport, kit: Any, reply: dict[str, Any]
) -> None:
    """Nobody wants two applications for one call."""
    server.default = lambda _: kit.Reply(**reply)
    with pytest.raises(errors.PinpointKitError):
        create(transport)
    assert len(server.seen) == 1


def test_a_create_is_repeated_when_it_was_not_done(
    server: Any, transport: Transport, kit: Any
) -> None:
    """429 says that nothing was done."""
    server.script = [kit.Reply(429), kit.Reply(201, b'{"Id":"x"}')]
    assert create(transport)
    assert len(server.seen) == 2


def test_a_create_is_repeated_when_nobody_listened(kit: Any, sleeps: Any, closed_port: int) -> None:
    """A refused connection has surely done nothing."""
    client = kit.make_client(f"http://127.0.0.1:{closed_port}")
    transport = Transport(client, retry=RetryPolicy(max_attempts=3), sleep=sleeps)
    with pytest.raises(errors.TransportError, match=r"no answer from 127\.0\.0\.1:\d+") as caught:
        create(transport)
    assert not caught.value.may_have_arrived
    assert len(sleeps.taken) == 2
    client.close()


@pytest.mark.parametrize(
    "options",
    [
        {"deadline": -1},
        {"max_attempts": 0},
        {"base_wait": "1"},
        {"max_wait": float("nan")},
        {"deadline": True},
    ],
)
def test_policies_are_checked(options: dict[str, Any]) -> None:
    """A policy that cannot be meant is refused when it is made."""
    with pytest.raises(errors.ConfigurationError, match="must be a number of at least"):
        RetryPolicy(**options)


# A client of one's own


def test_hooks_of_the_client_fire(client: Any, transport: Transport) -> None:
    """Hooks fire in botocore's order, and see the request as it goes out."""
    fired: list[str] = []
    bodies: list[bytes] = []

    def hook(event_name: str, **kwargs: Any) -> None:
        fired.append(event_name.partition(".")[0])
        if event_name.startswith("before-call"):
            bodies.append(kwargs["params"]["body"])

    for name in (
        "provide-client-params",
        "before-call",
        "before-send",
        "before-parse",
        "after-call",
    ):
        client.meta.events.register(f"{name}.pinpoint.PutEvents", hook)
    transport.put_events("app", BODY)
    assert fired == [
        "provide-client-params",
        "before-call",
        "before-send",
        "before-parse",
        "after-call",
    ]
    assert bodies == [BODY]


def test_a_hook_sees_the_whole_answer(client: Any, transport: Transport) -> None:
    """`before-parse` hooks come before ours, which empties the body."""
    seen: list[bytes] = []
    client.meta.events.register_first(
        "before-parse.pinpoint", lambda response_dict, **_: seen.append(response_dict["body"])
    )
    transport.put_events("app", BODY)
    assert seen[0].startswith(b'{"Results":{"e"')


def test_what_a_hook_raises_is_its_own(client: Any, transport: Transport) -> None:
    """An error of the user's hook comes through as it is, and the next call is clean."""

    def hook(**_: object) -> None:
        raise KeyError("mine")

    client.meta.events.register("before-call.pinpoint", hook)
    with pytest.raises(KeyError, match="mine"):
        transport.put_events("app", BODY)
    client.meta.events.unregister("before-call.pinpoint", hook)
    assert transport._exchange.body is None
    assert transport.put_events("app", BODY).results["e"]


def test_a_hook_may_call_meanwhile(server: Any, client: Any, transport: Transport) -> None:
    """A call inside of a hook has its own body and answer; the outer one keeps its own."""
    inner_body = BODY.replace(b'"e"', b'"inner"')
    results: list[object] = []

    def hook(**_: object) -> None:
        client.meta.events.unregister("before-send.pinpoint.PutEvents", hook)
        results.append(transport.put_events("app", inner_body).results)

    client.meta.events.register("before-send.pinpoint.PutEvents", hook)
    assert transport.put_events("app", BODY).results.keys() == {"e"}
    assert [list(r) for r in results] == [["inner"]]  # type: ignore[call-overload]  # a mapping
    assert [seen.body for seen in server.seen] == [inner_body, BODY]


def test_direct_calls_stay_untouched(server: Any, client: Any, transport: Transport) -> None:
    """A wrapped client is still the caller's: boto's own calls send and return boto's own."""
    event = {"EventType": "t", "Timestamp": "x"}
    batch = {"mine": {"Endpoint": {}, "Events": {"1": event}}}
    answer = client.put_events(ApplicationId="app", EventsRequest={"BatchItem": batch})
    assert answer["EventsResponse"]["Results"].keys() == {"mine"}
    assert orjson.loads(server.seen[0].body) == {"BatchItem": batch}
    transport.put_events("app", BODY)
    assert client.put_events(ApplicationId="app", EventsRequest={"BatchItem": batch}) is not None
    assert orjson.loads(server.seen[2].body) == {"BatchItem": batch}


def test_two_transports_on_one_client(server: Any, client: Any) -> None:
    """Neither takes the other's body or answer, and closing one leaves the other."""
    one, two = Transport(client), Transport(client)
    assert one.put_events("app", BODY).results.keys() == {"e"}
    assert two.put_events("app", BODY.replace(b'"e"', b'"f"')).results.keys() == {"f"}
    one.close()
    one.close()
    assert two.put_events("app", BODY).results.keys() == {"e"}
    with pytest.raises(errors.ClosedError, match="make a new one"):
        one.put_events("app", BODY)
    with pytest.raises(errors.ClosedError):
        one.call("GetApps")
    two.close()
    assert len(server.seen) == 3


def test_threads_do_not_mix_up_bodies(server: Any, transport: Transport) -> None:
    """Many threads on one transport each get the answer to their own body."""
    start = threading.Barrier(8)

    def send(number: int) -> bool:
        start.wait(5)
        for turn in range(10):
            name = f"e-{number}-{turn}"
            body = BODY.replace(b'"e"', f'"{name}"'.encode())
            if list(transport.put_events("app", body).results) != [name]:
                return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(send, range(8)))
    assert len({seen.body for seen in server.seen}) == 80


def test_a_stubbed_client(client: Any) -> None:
    """Botocore's Stubber answers in place of the network, and its answer is read."""
    results = {"e": {"EventsItemResponse": {"1": {"StatusCode": 202, "Message": "Accepted"}}}}
    with Stubber(client) as stub:
        stub.add_response("put_events", {"EventsResponse": {"Results": results}})
        assert Transport(client).put_events("app", BODY).results == results
        stub.add_client_error("put_events", "NotFoundException", "gone", http_status_code=404)
        with pytest.raises(errors.NotFound):
            Transport(client).put_events("app", BODY)


# Parameters


def test_unknown_operations_are_refused(transport: Transport) -> None:
    """The name is the API's, not boto's."""
    with pytest.raises(errors.ConfigurationError, match="has no operation 'get_apps'"):
        transport.call("get_apps")
    assert transport.takes("GetEndpoint", "ApplicationId")
    assert not transport.takes("GetApps", "ApplicationId")
    assert not transport.takes("Nothing", "ApplicationId")


def test_wrong_parameters_are_a_validation_error(transport: Transport) -> None:
    """The message names the parameter and not its value."""
    with pytest.raises(errors.ValidationError, match=r"EndpointRequest\.Address") as caught:
        transport.call(
            "UpdateEndpoint",
            ApplicationId="a",
            EndpointId="e",
            EndpointRequest={"Address": ["ada@example.com"]},
        )
    assert "ada" not in str(caught.value)
    with pytest.raises(errors.ValidationError, match="ApplicationId"):
        transport.call("GetApp")


def test_half_a_character_in_an_id(transport: Transport) -> None:
    """An id that cannot be written is our error, not Python's, and is not shown."""
    with pytest.raises(errors.ValidationError, match="UTF-8"):
        transport.call("GetEndpoint", ApplicationId="a", EndpointId="\ud800")


# Sessions, profiles, roles, proxies


def test_no_credentials(kit: Any, server: Any) -> None:
    """The message names the ways to have some, and nothing is retried."""
    transport = Transport(kit.make_client(server.url, signed=False))
    with pytest.raises(errors.TransportError, match="no usable AWS credentials") as caught:
        transport.put_events("app", BODY)
    assert not caught.value.is_retryable
    assert not caught.value.may_have_arrived
    assert server.seen == []


def test_bad_credentials(server: Any, transport: Transport, kit: Any) -> None:
    """403 is Forbidden with advice, once."""
    server.default = lambda _: kit.Reply(
        403, b'{"message":"bad"}', {"x-amzn-ErrorType": "InvalidSignatureException"}
    )
    with pytest.raises(errors.Forbidden, match="check the credentials"):
        transport.put_events("app", BODY)
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("headers", "next_step"),
    [
        ({"x-pinpoint-kit": "1"}, "see the message"),
        ({}, errors.Forbidden.next_step),
    ],
)
def test_what_a_server_was_not_set_up_for(
    server: Any, transport: Transport, kit: Any, headers: dict[str, str], next_step: str
) -> None:
    """Our server's own 403 has its remedy in the message, whoever asks; others are about keys."""
    server.default = lambda _: kit.Reply(
        403, b'{"message":"not given"}', {"x-amzn-ErrorType": "ForbiddenException", **headers}
    )
    with pytest.raises(errors.Forbidden) as caught:
        transport.call("GetApps")
    assert caught.value.next_step == next_step


def test_a_profile(server: Any, kit: Any, tmp_path: Any) -> None:
    """A profile of the shared files signs the request."""
    (tmp_path / "config").write_text(
        "[profile shop]\nregion = eu-west-1\naws_access_key_id = AKIDSHOP\n"
        "aws_secret_access_key = s\n"
    )
    session = botocore.session.Session(profile="shop")
    Transport(kit.make_client(server.url, session=session, signed=False)).put_events("app", BODY)
    assert "Credential=AKIDSHOP/" in server.seen[0].headers["authorization"]


def test_an_assumed_role(
    server: Any, kit: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role in a profile is taken with STS, and its session signs the request."""
    (tmp_path / "config").write_text(
        "[profile base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = base\n"
        "region = us-east-1\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
    answer = (
        b'<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult>'
        b"<Credentials><AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey>"
        b"<SessionToken>token</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration>"
        b"</Credentials></AssumeRoleResult></AssumeRoleResponse>"
    )
    server.script = [kit.Reply(200, answer, {"Content-Type": "text/xml"})]
    session = botocore.session.Session(profile="role")
    Transport(kit.make_client(server.url, session=session, signed=False)).put_events("app", BODY)
    sts, pinpoint = server.seen
    assert b"Action=AssumeRole" in sts.body
    assert "Credential=ASIAROLE/" in pinpoint.headers["authorization"]
    assert pinpoint.headers["x-amz-security-token"] == "token"


def test_a_boto3_client(server: Any) -> None:
    """A client of boto3 is as good as one of botocore."""
    client = boto3.session.Session(
        aws_access_key_id="AKID", aws_secret_access_key="s", region_name="us-east-1"
    ).client("pinpoint", endpoint_url=server.url)
    transport = Transport(client)
    assert transport.put_events("app", BODY).results["e"]
    assert (transport.region, transport.endpoint_url) == ("us-east-1", server.url)
    client.close()


def test_a_proxy(server: Any, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTP_PROXY is where the request goes, with the full URL."""
    monkeypatch.setenv("HTTP_PROXY", server.url)
    Transport(kit.make_client("http://pinpoint.test:81")).put_events("app", BODY)
    assert server.seen[0].path == "http://pinpoint.test:81/v1/apps/app/events"
    assert server.seen[0].body == BODY


def test_a_proxy_that_is_not_there(
    kit: Any, sleeps: Any, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It surely passed nothing on, and its URL with its password is not shown."""
    monkeypatch.setenv("HTTP_PROXY", f"http://user:pa55@127.0.0.1:{closed_port}")
    transport = Transport(
        kit.make_client("http://pinpoint.test:81"),
        retry=RetryPolicy(max_attempts=2),
        sleep=sleeps,
    )
    with pytest.raises(errors.TransportError, match=r"from the proxy 127\.0\.0\.1:\d+") as caught:
        transport.put_events("app", BODY)
    assert not caught.value.may_have_arrived
    assert "pa55" not in str(caught.value)


def test_the_endpoint_variable(server: Any, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_ENDPOINT_URL_PINPOINT leads any client elsewhere."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_PINPOINT", server.url)
    transport = Transport(kit.make_client(None))
    assert transport.endpoint_url == server.url
    assert transport.put_events("app", BODY).results["e"]


def test_tls_that_fails(server: Any, kit: Any, sleeps: Any) -> None:
    """A server that speaks no TLS is told once, with nothing sent."""
    client = kit.make_client(server.url.replace("http:", "https:"))
    transport = Transport(client, sleep=sleeps)
    with pytest.raises(errors.TransportError, match="SSLError") as caught:
        transport.put_events("app", BODY)
    assert not caught.value.is_retryable
    assert not caught.value.may_have_arrived
    assert sleeps.taken == []
