"""A Lambda handler for user pool triggers: sign-ups and sign-ins where no boto3 client is at hand.

A log-in waits for its triggers, and fails when one fails: so this one waits for at most a second,
swallows every error and always returns the event. Failed sign-ins have no trigger; see `reader`.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.cognito.sharing import generated_id, shared_endpoints
from pinpoint_kit.identity.reading.rules import (
    SESSION_RESUME_EVENT,
    SIGN_IN_EVENT,
    SIGN_UP_EVENT,
)
from pinpoint_kit.identity.reading.values import identifier
from pinpoint_kit.models.endpoint import Endpoint, OptOut
from pinpoint_kit.models.user import User

if TYPE_CHECKING:
    from pinpoint_kit.client import Pinpoint

__all__ = ["trigger_handler"]

_LOG = logging.getLogger("pinpoint_kit.identity.cognito")
_LONGEST_WAIT = 1.0
#: After a wait in vain nothing waits for so long: a server that is down slows no log-in.
_PAUSE = 30.0
_LONGEST_ID = 100

E = TypeVar("E", bound=Mapping[str, object])


class _Context(Protocol):
    @property
    def aws_request_id(self) -> str:
        """The id of the invocation, the same when Lambda tries again."""


def trigger_handler(  # noqa: PLR0913 -- each is a choice of its own
    pinpoint: Pinpoint,
    *,
    endpoint_key: str = "pinpointEndpointId",
    share_user_data: bool = False,
    external_sign_ups: bool = False,
    federated_sign_ins: bool = False,
    resumes: bool = False,
    wait: float | None = None,
) -> Callable[[E, _Context | None], E]:
    """Return a Lambda handler that records what a user pool's triggers say.

    `PostConfirmation_ConfirmSignUp` becomes `_userauth.sign_up`, and
    `PostAuthentication_Authentication` `_userauth.sign_in`. The event's id follows from the
    invocation, so a repeated invocation counts once.

    Args:
        pinpoint: where the events go.
        endpoint_key: the member of `ClientMetadata` (or `ValidationData`) in which the app sends
            its endpoint id. Without it, each person has one endpoint, made from pool and `sub`.
        share_user_data: also make EMAIL and SMS endpoints of verified addresses.
        external_sign_ups: count `PreSignUp_ExternalProvider` as a sign-up.
        federated_sign_ins: count `TokenGeneration_HostedAuth` as a sign-in: federated users come
            only there, but so do native ones who use the hosted pages.
        resumes: record `_session.resume` for `TokenGeneration_RefreshTokens`.
        wait: seconds, at most 1, to wait until the event is accepted. Unless given: 1 in AWS
            Lambda, which freezes the process between invocations, and 0 elsewhere. After a wait
            in vain, the next 30 seconds have none.

    Returns:
        `handler(event, context)`, which returns the event unchanged and never raises.

    Raises:
        ConfigurationError: `wait` is not between 0 and 1.

    Examples:
        >>> import pinpoint_kit as pk
        >>> from pinpoint_kit.identity import cognito
        >>> event = {
        ...     "triggerSource": "PostAuthentication_Authentication",
        ...     "userPoolId": "eu-west-1_AbCdEf", "userName": "ana",
        ...     "request": {"userAttributes": {"sub": "u-1"}}, "response": {},
        ... }
        >>> with pk.connect("sqlite://") as pinpoint:
        ...     handler = cognito.trigger_handler(pinpoint)
        ...     handler(event, None) is event
        ...     pinpoint.flush().accepted
        True
        1
    """
    if wait is not None and not 0 <= wait <= _LONGEST_WAIT:
        raise ConfigurationError(f"wait is {wait}: a log-in waits for it, so give 0 to 1 second")
    types = {
        "PostConfirmation_ConfirmSignUp": SIGN_UP_EVENT,
        "PostAuthentication_Authentication": SIGN_IN_EVENT,
    }
    if external_sign_ups:
        types["PreSignUp_ExternalProvider"] = SIGN_UP_EVENT
    if federated_sign_ins:
        types["TokenGeneration_HostedAuth"] = SIGN_IN_EVENT
    if resumes:
        types["TokenGeneration_RefreshTokens"] = SESSION_RESUME_EVENT
    trigger = _Trigger(pinpoint, types, endpoint_key, share_user_data=share_user_data, wait=wait)

    def handler(event: E, context: _Context | None) -> E:
        try:
            trigger.record(event, context)
        except Exception:  # noqa: BLE001 -- a log-in must never fail for analytics
            _LOG.warning("no event of a trigger", exc_info=_LOG.isEnabledFor(logging.DEBUG))
        return event

    return handler


class _Trigger:
    """What the invocations of one handler share."""

    def __init__(
        self,
        pinpoint: Pinpoint,
        types: Mapping[str, str],
        endpoint_key: str,
        *,
        share_user_data: bool,
        wait: float | None,
    ) -> None:
        self.pinpoint = pinpoint
        self.types = types
        self.endpoint_key = endpoint_key
        self.share_user_data = share_user_data
        self.wait = wait
        self._waits_from = 0.0

    def record(self, event: Mapping[str, object], context: _Context | None) -> None:
        """Record what one invocation says."""
        source = event.get("triggerSource")
        event_type = self.types.get(source) if isinstance(source, str) else None
        request = event.get("request")
        if event_type is None or not isinstance(request, Mapping):
            return
        found = request.get("userAttributes")
        attributes: Mapping[str, object] = found if isinstance(found, Mapping) else {}
        user_id = attributes.get("sub")
        if not isinstance(user_id, str) or identifier(user_id) is None:
            user_id = None  # before a federated person is created there is none
        pool = str(event.get("userPoolId"))
        name = user_id or hashlib.sha256(str(event.get("userName")).encode()).hexdigest()
        endpoint_id = self._endpoint_id(request) or generated_id(pool, name)
        self.pinpoint.events.record(
            endpoint_id,
            event_type,
            event_id=_event_id((pool, str(source), name), context),
            attributes=_attributes(event, request),
            endpoint=None if user_id is None else _endpoint(user_id, event_type),
        )
        if self.share_user_data and user_id is not None:
            for endpoint in shared_endpoints(pool, user_id, attributes):
                self.pinpoint.endpoints.enqueue(endpoint)
        self._wait()

    def _endpoint_id(self, request: Mapping[str, object]) -> str | None:
        for name in ("clientMetadata", "validationData"):
            metadata = request.get(name)
            found = metadata.get(self.endpoint_key) if isinstance(metadata, Mapping) else None
            if isinstance(found, str) and found and len(found) <= _LONGEST_ID:
                return None if set(found) & set("${}") else found
        return None

    def _wait(self) -> None:
        wait = self.wait
        if wait is None:
            wait = _LONGEST_WAIT if os.environ.get("AWS_LAMBDA_RUNTIME_API") else 0.0
        if wait and time.monotonic() >= self._waits_from:
            report = self.pinpoint.flush(wait)
            if report.pending:
                self._waits_from = time.monotonic() + _PAUSE


def _endpoint(user_id: str, event_type: str) -> Endpoint:
    opt_out = OptOut.ALL if event_type == SIGN_UP_EVENT else None
    return Endpoint(user=User(id=user_id), opt_out=opt_out)


def _attributes(event: Mapping[str, object], request: Mapping[str, object]) -> dict[str, str]:
    attributes = {"provider": "cognito"}
    caller = event.get("callerContext")
    found = {
        "tenant": event.get("userPoolId"),
        "client": caller.get("clientId") if isinstance(caller, Mapping) else None,
    }
    attributes |= {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and identifier(value) is not None
    }
    if request.get("newDeviceUsed") is True:
        attributes["new_device"] = "true"
    return attributes


def _event_id(parts: tuple[str, ...], context: _Context | None) -> str | None:
    request_id = getattr(context, "aws_request_id", None)
    if not isinstance(request_id, str) or not request_id:
        return None
    content = "\0".join((*parts, request_id)).encode("utf-8", "replace")
    return f"cognito:{hashlib.sha256(content).hexdigest()[:32]}"
