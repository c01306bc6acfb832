"""Cognito: the hook around a boto3 client, the trigger handler, and the Regions."""

from __future__ import annotations

import base64
import contextlib
import json
import time
import uuid
from statistics import median
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

import pinpoint_kit as pk
from pinpoint_kit import ConfigurationError
from pinpoint_kit.identity.cognito import check_regions, trigger_handler, with_analytics
from pinpoint_kit.testing import Fault, FaultyPinpoint, recorded_events
from tests.timing import in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PASSWORD = "Correct-horse-1"
UP, IN, FAIL = "_userauth.sign_up", "_userauth.sign_in", "_userauth.auth_fail"


@pytest.fixture
def cognito() -> Iterator[Any]:
    """Return a `cognito-idp` client on moto."""
    with mock_aws():
        yield boto3.client(
            "cognito-idp",
            region_name="eu-west-1",
            aws_access_key_id="x",
            aws_secret_access_key="y",
        )


@pytest.fixture
def pool(cognito: Any) -> SimpleNamespace:
    """Return a user pool with an app client."""
    pool_id = cognito.create_user_pool(
        PoolName="p", AutoVerifiedAttributes=["email"], UsernameAttributes=[]
    )["UserPool"]["Id"]
    app_client = cognito.create_user_pool_client(
        UserPoolId=pool_id,
        ClientName="c",
        ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    )["UserPoolClient"]["ClientId"]
    return SimpleNamespace(id=pool_id, client_id=app_client)


def sign_up(cognito: Any, pool: SimpleNamespace, name: str = "ana") -> str:
    """Sign somebody up, and return the `sub`."""
    answer = cognito.sign_up(
        ClientId=pool.client_id,
        Username=name,
        Password=PASSWORD,
        UserAttributes=[{"Name": "email", "Value": f"{name}@example.com"}],
    )
    return str(answer["UserSub"])


def sign_in(cognito: Any, pool: SimpleNamespace, name: str = "ana", word: str = PASSWORD) -> Any:
    """Sign somebody in."""
    return cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": name, "PASSWORD": word},
    )


def test_a_persons_way_through_the_hook(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """Sign-up, confirmation, two failures and a sign-in: each is counted once."""
    with_analytics(cognito, pinpoint, endpoint_id="device-1")
    sub = sign_up(cognito, pool)
    with pytest.raises(ClientError, match="UserNotConfirmedException"):
        sign_in(cognito, pool)
    cognito.confirm_sign_up(ClientId=pool.client_id, Username="ana", ConfirmationCode="123456")
    with pytest.raises(ClientError, match="NotAuthorizedException"):
        sign_in(cognito, pool, word="wrong")
    with pytest.raises(ClientError, match="UserNotFoundException"):
        sign_in(cognito, pool, name="nobody")
    tokens = sign_in(cognito, pool)["AuthenticationResult"]
    cognito.forgot_password(ClientId=pool.client_id, Username="ana")
    cognito.initiate_auth(
        ClientId=pool.client_id,
        AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": tokens["RefreshToken"]},
    )
    found = [
        (e.event.type, (e.event.attributes or {}).get("reason")) for e in recorded_events(pinpoint)
    ]
    assert sorted(found, key=str) == [
        (FAIL, "NotAuthorizedException"),
        (FAIL, "UserNotConfirmedException"),
        (FAIL, "UserNotFoundException"),
        (IN, None),
        (UP, None),
    ]
    assert [e.id for e in pinpoint.users.endpoints(sub)] == ["device-1"]
    endpoint = pinpoint.endpoints.get("device-1")
    assert (endpoint.opt_out, endpoint.address) == ("ALL", None)


def test_nobody_is_attached_by_a_failure(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """A failure at a device that nobody has signed in from names nobody."""
    with_analytics(cognito, pinpoint, endpoint_id="device-1")
    with pytest.raises(ClientError):
        sign_in(cognito, pool, name="root")
    failure = recorded_events(pinpoint, FAIL)[0]
    assert failure.user_id is None
    assert "root" not in str(failure.event.attributes)


def test_eight_of_the_nine_operations_get_the_metadata(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """The parameters have the endpoint's id, unless the call has its own; others are left alone.

    moto does not implement ResendConfirmationCode; its parameters are seen all the same.
    """
    seen: dict[str, Any] = {}

    def look(params: dict[str, Any], model: Any, **_: object) -> None:
        seen[model.name] = json.loads(params["body"]).get("AnalyticsMetadata")

    cognito.meta.events.register("before-call.cognito-idp", look)
    with_analytics(cognito, pinpoint, endpoint_id=lambda _: "device-1")
    user = {"ClientId": pool.client_id, "Username": "ana"}
    admin = {"UserPoolId": pool.id, "ClientId": pool.client_id}
    password = {"USERNAME": "ana", "PASSWORD": PASSWORD}
    sign_up(cognito, pool)
    cognito.confirm_sign_up(**user, ConfirmationCode="1")
    sign_in(cognito, pool)
    calls: list[Callable[[], object]] = [
        lambda: cognito.admin_initiate_auth(
            **admin, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=password
        ),
        lambda: cognito.admin_respond_to_auth_challenge(
            **admin, ChallengeName="SMS_MFA", ChallengeResponses=password, Session="s" * 20
        ),
        lambda: cognito.respond_to_auth_challenge(
            ClientId=pool.client_id,
            ChallengeName="SMS_MFA",
            ChallengeResponses=password,
            Session="s" * 20,
        ),
        lambda: cognito.forgot_password(**user),
        lambda: cognito.confirm_forgot_password(**user, ConfirmationCode="1", Password=PASSWORD),
        lambda: cognito.resend_confirmation_code(**user),
        lambda: cognito.list_users(UserPoolId=pool.id),
    ]
    for call in calls:
        with contextlib.suppress(ClientError, NotImplementedError, AttributeError, KeyError):
            call()
    assert seen.pop("ListUsers") is None
    assert len(seen) == 9
    assert all(value == {"AnalyticsEndpointId": "device-1"} for value in seen.values()), seen
    own = {"AnalyticsEndpointId": "own"}
    cognito.sign_up(**user | {"Username": "bo"}, Password=PASSWORD, AnalyticsMetadata=own)
    assert seen["SignUp"] == own
    assert any(e.endpoint_id == "own" for e in recorded_events(pinpoint, UP))


def test_a_call_without_an_endpoint_is_left_alone(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """A function may say None, and may fail: the log-in goes on."""
    with_analytics(cognito, pinpoint, endpoint_id=lambda _: None)
    sign_up(cognito, pool)
    with_analytics(cognito, pinpoint, endpoint_id=lambda params: str(params["nothing"]))
    sign_up(cognito, pool, "bo")
    assert recorded_events(pinpoint) == []
    with pytest.raises(ConfigurationError, match="endpoint_id is empty"):
        with_analytics(cognito, pinpoint, endpoint_id="")


def test_a_second_hook_replaces_the_first(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """No event comes twice."""
    with_analytics(cognito, pinpoint, endpoint_id="device-1")
    with_analytics(cognito, pinpoint, endpoint_id="device-2")
    sign_up(cognito, pool)
    assert [e.endpoint_id for e in recorded_events(pinpoint)] == ["device-2"]


def test_a_closed_client_stops_no_log_in(
    cognito: Any, pool: SimpleNamespace, pinpoint: pk.Pinpoint
) -> None:
    """Whatever goes wrong with analytics, Cognito's answer comes."""
    with_analytics(cognito, pinpoint, endpoint_id="device-1")
    pinpoint.close()
    assert sign_up(cognito, pool)
    handler = trigger_handler(pinpoint)
    event = trigger("PostAuthentication_Authentication")
    assert handler(event, None) is event


# Answers that moto does not give


def token(**claims: object) -> str:
    """Return an id token with these claims; nobody checks its signature."""
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"e30.{body}.x"


def answered(pinpoint: pk.Pinpoint, operation: str, answer: dict[str, Any], **options: Any) -> None:
    """Have the hook see one call and its answer."""
    handlers: dict[str, Any] = {}
    events = SimpleNamespace(
        register=lambda name, handler, **_: handlers.update({name: handler}),
        unregister=lambda *_, **__: None,
    )
    client = SimpleNamespace(meta=SimpleNamespace(events=events))
    with_analytics(client, pinpoint, endpoint_id="device-1", **options)
    context: dict[str, object] = {}
    params = {"ClientId": "c-1", "AuthFlow": answer.pop("flow", "USER_SRP_AUTH")}
    model = SimpleNamespace(name=operation)
    handlers["provide-client-params.cognito-idp"](params=params, model=model, context=context)
    handlers["after-call.cognito-idp"](parsed=answer, context=context, model=model)


CLAIMS = {
    "sub": "u-1",
    "iss": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A",
    "email": "ana@example.com",
    "email_verified": True,
    "phone_number": "+351911222333",
    "phone_number_verified": False,
    "origin_jti": "o-1",
    "auth_time": 1723564700,
}


def test_shared_user_data_makes_endpoints_of_verified_addresses(pinpoint: pk.Pinpoint) -> None:
    """The device keeps no address; the e-mail address is an endpoint of its own, opted in."""
    for _ in range(2):
        tokens = {"IdToken": token(**CLAIMS)}
        answered(
            pinpoint,
            "RespondToAuthChallenge",
            {"AuthenticationResult": tokens},
            share_user_data=True,
        )
    pinpoint.flush()
    found = {e.channel_type: e for e in pinpoint.users.endpoints("u-1")}
    assert set(found) == {None, "EMAIL"}
    assert found[None].id == "device-1"
    assert found[pk.ChannelType.EMAIL].address == "ana@example.com"
    assert found[pk.ChannelType.EMAIL].opt_out == "NONE"


def test_addresses_are_not_shared_unless_it_is_asked_for(pinpoint: pk.Pinpoint) -> None:
    """Nothing of the token but the `sub` is kept."""
    answered(pinpoint, "InitiateAuth", {"AuthenticationResult": {"IdToken": token(**CLAIMS)}})
    pinpoint.flush()
    assert [e.id for e in pinpoint.users.endpoints("u-1")] == ["device-1"]


def test_refreshed_tokens_resume_when_that_is_asked_for(pinpoint: pk.Pinpoint) -> None:
    """The session is that of the first sign-in, and a refresh is no sign-in."""
    answer = {"AuthenticationResult": {"IdToken": token(**CLAIMS)}, "flow": "REFRESH_TOKEN"}
    answered(pinpoint, "InitiateAuth", dict(answer))
    assert recorded_events(pinpoint) == []
    answered(pinpoint, "InitiateAuth", dict(answer), resumes=True)
    resumed = recorded_events(pinpoint)[0].event
    assert resumed.type == "_session.resume"
    assert resumed.session is not None
    assert str(resumed.session.start_timestamp) == "2024-08-13 15:58:20+00:00"
    answered(
        pinpoint,
        "InitiateAuth",
        {"Error": {"Code": "NotAuthorizedException"}, "flow": "REFRESH_TOKEN"},
    )
    assert recorded_events(pinpoint, FAIL) == []


@pytest.mark.parametrize(
    "answer",
    [
        {"ChallengeName": "SMS_MFA", "Session": "s"},
        {"Error": {"Code": "TooManyRequestsException"}},
        {"Error": {"Code": "InvalidParameterException"}},
        {"Error": "?"},
        {"AuthenticationResult": None},
        {},
    ],
)
def test_challenges_and_throttling_are_no_events(
    pinpoint: pk.Pinpoint, answer: dict[str, Any]
) -> None:
    """Only tokens are a sign-in, and only a person's fault is a failure."""
    answered(pinpoint, "InitiateAuth", dict(answer))
    assert recorded_events(pinpoint) == []


@pytest.mark.parametrize(
    "broken", [None, "", "x", "a.b.c", "e30.!!.x", "e30.W10.x", 7, token(sub=7)]
)
def test_a_broken_token_signs_somebody_unknown_in(pinpoint: pk.Pinpoint, broken: object) -> None:
    """The sign-in counts; nobody is attached."""
    answered(pinpoint, "InitiateAuth", {"AuthenticationResult": {"IdToken": broken}})
    assert [(e.event.type, e.user_id) for e in recorded_events(pinpoint)] == [(IN, None)]


# Triggers


def trigger(source: str, **request: Any) -> dict[str, Any]:
    """Return what Cognito hands to a trigger."""
    return {
        "version": "1",
        "triggerSource": source,
        "region": "eu-west-1",
        "userPoolId": "eu-west-1_AbCdEf",
        "userName": "ana",
        "callerContext": {"awsSdkVersion": "x", "clientId": "c-1"},
        "request": {
            "userAttributes": {
                "sub": "u-1",
                "email": "ana@example.com",
                "email_verified": "true",
            },
            **request,
        },
        "response": {},
    }


def context() -> Any:
    """Return what Lambda hands to a handler."""
    return SimpleNamespace(aws_request_id=str(uuid.uuid4()))


OPTIONS: dict[str, Any] = {"external_sign_ups": True, "federated_sign_ins": True, "resumes": True}


@pytest.mark.parametrize(
    ("source", "by_default", "with_options"),
    [
        ("PostConfirmation_ConfirmSignUp", UP, UP),
        ("PostConfirmation_ConfirmForgotPassword", None, None),
        ("PreSignUp_SignUp", None, None),
        ("PreSignUp_AdminCreateUser", None, None),
        ("PreSignUp_ExternalProvider", None, UP),
        ("PostAuthentication_Authentication", IN, IN),
        ("TokenGeneration_HostedAuth", None, IN),
        ("TokenGeneration_Authentication", None, None),
        ("TokenGeneration_NewPasswordChallenge", None, None),
        ("TokenGeneration_RefreshTokens", None, "_session.resume"),
        ("PreAuthentication_Authentication", None, None),
        ("UserMigration_Authentication", None, None),
        ("CustomMessage_SignUp", None, None),
        ("DefineAuthChallenge_Authentication", None, None),
    ],
)
def test_what_each_trigger_becomes(
    pinpoint: pk.Pinpoint, source: str, by_default: str | None, with_options: str | None
) -> None:
    """The event comes back unchanged, whatever it is."""
    cases: list[tuple[dict[str, Any], str | None]] = [({}, by_default), (OPTIONS, with_options)]
    for options, expected in cases:
        event = trigger(source)
        before = json.dumps(event)
        assert trigger_handler(pinpoint, **options)(event, context()) is event
        assert json.dumps(event) == before
        found = [e.event.type for e in recorded_events(pinpoint)]
        assert found[len(found) - bool(expected) :] == ([expected] if expected else [])


def test_an_invocation_that_lambda_repeats_counts_once(pinpoint: pk.Pinpoint) -> None:
    """Its request id makes the event's id."""
    handler, invocation = trigger_handler(pinpoint), context()
    for _ in range(3):
        handler(trigger("PostAuthentication_Authentication"), invocation)
    handler(trigger("PostAuthentication_Authentication"), context())
    assert len(recorded_events(pinpoint, IN)) == 2


def test_the_endpoint_is_the_apps_or_the_persons(pinpoint: pk.Pinpoint) -> None:
    """The app sends its endpoint's id as ClientMetadata; else each person has one."""
    handler = trigger_handler(pinpoint)
    source = "PostAuthentication_Authentication"
    handler(trigger(source, clientMetadata={"pinpointEndpointId": "device-1"}), context())
    handler(trigger(source, validationData={"pinpointEndpointId": "device-2"}), context())
    handler(trigger(source, clientMetadata={"pinpointEndpointId": "${x}"}), context())
    handler(trigger(source), context())
    found = [e.endpoint_id for e in recorded_events(pinpoint, IN)]
    assert found[:2] == ["device-1", "device-2"]
    assert found[2] == found[3]
    assert len(pinpoint.users.endpoints("u-1")) == 3


def test_triggers_share_verified_addresses_when_that_is_asked_for(pinpoint: pk.Pinpoint) -> None:
    """As with the hook."""
    trigger_handler(pinpoint, share_user_data=True)(
        trigger("PostConfirmation_ConfirmSignUp"), context()
    )
    pinpoint.flush()
    assert {e.address for e in pinpoint.users.endpoints("u-1")} == {None, "ana@example.com"}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"triggerSource": 7},
        {"request": None},
        {
            "triggerSource": "PostAuthentication_Authentication",
            "request": {"userAttributes": {"sub": "a@b"}},
        },
    ],
)
def test_no_event_can_break_the_handler(pinpoint: pk.Pinpoint, event: dict[str, Any]) -> None:
    """Whatever comes goes back, and no address becomes a user."""
    assert trigger_handler(pinpoint)(event, None) is event
    assert all(e.user_id is None for e in recorded_events(pinpoint))


def test_a_wait_of_more_than_a_second_is_refused(pinpoint: pk.Pinpoint) -> None:
    """A log-in waits for it."""
    with pytest.raises(ConfigurationError, match="give 0 to 1 second"):
        trigger_handler(pinpoint, wait=5)


def test_a_server_that_is_down_slows_no_log_in_twice(
    faulty_pinpoint: FaultyPinpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In Lambda the first waits in vain, and the next ones do not wait."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001")
    faulty_pinpoint.always(Fault.refused(503))
    with faulty_pinpoint.connect() as pinpoint:
        handler = trigger_handler(pinpoint, wait=0.05)
        took = []
        for _ in range(20):
            start = time.perf_counter()
            handler(trigger("PostAuthentication_Authentication"), context())
            took.append(time.perf_counter() - start)
        assert took[0] >= 0.05
        in_time(median(took), 0.05)
        faulty_pinpoint.heal()
        assert pinpoint.flush().accepted == 20


# Regions


@pytest.mark.parametrize(
    ("pool_region", "project_region", "is_allowed"),
    [
        ("us-east-1", "us-east-1", True),
        ("us-east-2", "us-east-1", True),
        ("us-east-2", "us-east-2", False),
        ("eu-west-1", "eu-west-1", True),
        ("eu-west-1", "us-east-1", True),
        ("eu-west-1", "eu-central-1", False),
        ("eu-west-2", "eu-west-2", False),
        ("us-gov-west-1", "us-gov-west-1", True),
        ("us-gov-west-1", "us-east-1", False),
        ("eu-south-1", "us-east-1", False),
        ("ap-northeast-3", "us-east-1", False),
        ("il-central-1", "il-central-1", False),
        ("sa-east-1", "us-east-1", False),
        ("sa-east-1", "sa-east-1", False),
    ],
)
def test_the_documents_table_of_regions(
    pool_region: str, project_region: str, *, is_allowed: bool
) -> None:
    """Each refusal is a sentence that says where the project would have to be, or what to use."""
    found = check_regions(pool_region, project_region)
    assert bool(found) is is_allowed
    assert found.message.endswith(".")
    assert is_allowed or found.project_regions or "with_analytics" in found.message


def test_an_arn_works_within_a_region_only() -> None:
    """ApplicationArn needs the pool's own Region."""
    assert check_regions("eu-west-1", "eu-west-1", by_application_arn=True)
    assert not check_regions("eu-west-1", "us-east-1", by_application_arn=True)
    assert (
        "ApplicationId" in check_regions("eu-west-2", "us-east-1", by_application_arn=True).message
    )
