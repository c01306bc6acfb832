"""A hook around an ordinary boto3 `cognito-idp` client: its answers become sign-in events.

The one way that has the endpoint's id, the successes and the refusals. A log-in must never fail or
wait for analytics: events go to the background, and whatever goes wrong here is logged only. No
boto3 is imported; the client is the caller's.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.identity.cognito.reader import FAILURES, SIGN_IN_OPERATIONS
from pinpoint_kit.identity.cognito.sharing import shared_endpoints
from pinpoint_kit.identity.reading.instants import instant_of
from pinpoint_kit.identity.reading.rules import (
    AUTH_FAIL_EVENT,
    SESSION_RESUME_EVENT,
    SIGN_IN_EVENT,
    SIGN_UP_EVENT,
)
from pinpoint_kit.identity.reading.values import identifier
from pinpoint_kit.models.endpoint import Endpoint, OptOut
from pinpoint_kit.models.event import Session
from pinpoint_kit.models.user import User

if TYPE_CHECKING:
    from pinpoint_kit.client import Pinpoint

__all__ = ["with_analytics"]

_LOG = logging.getLogger("pinpoint_kit.identity.cognito")
#: Operations that take AnalyticsMetadata. Source: the service model of `cognito-idp`.
_OPERATIONS = SIGN_IN_OPERATIONS | {
    "ConfirmForgotPassword",
    "ConfirmSignUp",
    "ForgotPassword",
    "ResendConfirmationCode",
    "SignUp",
}
_REFRESH = frozenset({"REFRESH_TOKEN", "REFRESH_TOKEN_AUTH"})
_OURS = "pinpoint_kit"
_LONGEST_TOKEN = 100_000

EndpointId = str | Callable[[Mapping[str, object]], "str | None"]


class _Hooks(Protocol):
    def register(
        self, event_name: str, handler: Callable[..., object], unique_id: str | None = None
    ) -> None:
        """Call a handler at an event."""

    def unregister(
        self,
        event_name: str,
        handler: Callable[..., object] | None = None,
        unique_id: str | None = None,
    ) -> None:
        """Call it no more."""


class _Meta(Protocol):
    @property
    def events(self) -> _Hooks:
        """The client's hooks."""


class _Client(Protocol):
    @property
    def meta(self) -> _Meta:
        """What the client is."""


C = TypeVar("C", bound=_Client)


def with_analytics(
    client: C,
    pinpoint: Pinpoint,
    *,
    endpoint_id: EndpointId,
    share_user_data: bool = False,
    resumes: bool = False,
) -> C:
    """Have a boto3 `cognito-idp` client record sign-ups, sign-ins and failures.

    The nine operations that take `AnalyticsMetadata` get it, unless the call has its own. Their
    answers become events at that endpoint: `SignUp` `_userauth.sign_up`; an answer with tokens
    `_userauth.sign_in`; a refusal for the person's credentials, code or state
    `_userauth.auth_fail` with its error code as `reason`. Recording never blocks and never raises.

    Args:
        client: the client; it is changed in place. A second call replaces the first.
        pinpoint: where the events go.
        endpoint_id: the device's endpoint id; or a function from the call's parameters to it,
            which may return None to leave a call alone.
        share_user_data: also make EMAIL and SMS endpoints of verified addresses in the id token.
        resumes: record `_session.resume` when tokens are refreshed.

    Returns:
        The same client.

    Raises:
        ConfigurationError: the endpoint id is empty.

    Examples:
        >>> import boto3
        >>> import pinpoint_kit as pk
        >>> from pinpoint_kit.identity import cognito
        >>> pinpoint = pk.connect("sqlite://")
        >>> client = cognito.with_analytics(
        ...     boto3.client("cognito-idp", region_name="eu-west-1"),
        ...     pinpoint, endpoint_id="device-1",
        ... )
        >>> pinpoint.close().pending
        0
    """
    if isinstance(endpoint_id, str) and not endpoint_id:
        raise ConfigurationError("endpoint_id is empty: give the device's endpoint id")
    hook = _Hook(pinpoint, endpoint_id, share_user_data=share_user_data, resumes=resumes)
    events = client.meta.events
    for name, handler in (
        ("provide-client-params.cognito-idp", hook.before),
        ("after-call.cognito-idp", hook.after),
    ):
        events.unregister(name, unique_id=f"{_OURS}.{name}")
        events.register(name, handler, unique_id=f"{_OURS}.{name}")
    return client


class _Operation(Protocol):
    @property
    def name(self) -> str:
        """The operation's name."""


class _Hook:
    """What one client's hooks share. Safe to use from several threads."""

    def __init__(
        self, pinpoint: Pinpoint, endpoint_id: EndpointId, *, share_user_data: bool, resumes: bool
    ) -> None:
        self.pinpoint = pinpoint
        self.endpoint_id = endpoint_id
        self.share_user_data = share_user_data
        self.resumes = resumes

    def before(
        self,
        params: dict[str, object],
        model: _Operation,
        context: dict[str, object],
        **_: object,
    ) -> dict[str, object] | None:
        """Add AnalyticsMetadata, and remember what the answer does not repeat."""
        if model.name not in _OPERATIONS:
            return None
        try:
            return self._before(params, model.name, context)
        except Exception:  # noqa: BLE001 -- a log-in must never fail for analytics
            _LOG.warning("analytics left out of a call of %s", model.name, exc_info=_is_debug())
            return None

    def _before(
        self, params: dict[str, object], operation: str, context: dict[str, object]
    ) -> dict[str, object] | None:
        own = params.get("AnalyticsMetadata")
        found = own.get("AnalyticsEndpointId") if isinstance(own, Mapping) else None
        if found is None:
            found = self.endpoint_id if isinstance(self.endpoint_id, str) else None
            if callable(self.endpoint_id):
                found = self.endpoint_id(params)
        if not isinstance(found, str) or not found:
            return None
        client_id, flow = params.get("ClientId"), params.get("AuthFlow")
        context[_OURS] = _Call(
            operation,
            found,
            client_id if isinstance(client_id, str) else "",
            is_refresh=flow in _REFRESH,
        )
        return params if own else {**params, "AnalyticsMetadata": {"AnalyticsEndpointId": found}}

    def after(
        self, parsed: Mapping[str, object], context: Mapping[str, object], **_: object
    ) -> None:
        """Record what the answer says."""
        call = context.get(_OURS)
        if not isinstance(call, _Call):
            return
        try:
            self._after(call, parsed)
        except Exception:  # noqa: BLE001 -- a log-in must never fail for analytics
            _LOG.warning("no event of a call of %s", call.operation, exc_info=_is_debug())

    def _after(self, call: _Call, parsed: Mapping[str, object]) -> None:
        error = parsed.get("Error")
        if isinstance(error, Mapping):
            code = error.get("Code")
            if call.operation in SIGN_IN_OPERATIONS and code in FAILURES and not call.is_refresh:
                self._record(call, parsed, AUTH_FAIL_EVENT, reason=str(code))
            return
        if call.operation == "SignUp":
            user_id = parsed.get("UserSub")
            self._record(
                call, parsed, SIGN_UP_EVENT, user_id=user_id if isinstance(user_id, str) else None
            )
        elif call.operation in SIGN_IN_OPERATIONS:
            tokens = parsed.get("AuthenticationResult")
            if isinstance(tokens, Mapping):
                self._signed_in(call, parsed, tokens)

    def _signed_in(
        self, call: _Call, parsed: Mapping[str, object], tokens: Mapping[str, object]
    ) -> None:
        claims = _claims(tokens.get("IdToken")) or _claims(tokens.get("AccessToken"))
        user_id = claims.get("sub")
        user_id = user_id if isinstance(user_id, str) and user_id else None
        if call.is_refresh:
            if self.resumes:
                self._record(
                    call, parsed, SESSION_RESUME_EVENT, user_id=user_id, session=_session(claims)
                )
            return
        self._record(call, parsed, SIGN_IN_EVENT, user_id=user_id)
        if self.share_user_data and user_id is not None:
            for endpoint in shared_endpoints(str(claims.get("iss")), user_id, claims):
                self.pinpoint.endpoints.enqueue(endpoint)

    def _record(  # noqa: PLR0913 -- the parts of an event
        self,
        call: _Call,
        parsed: Mapping[str, object],
        event_type: str,
        *,
        user_id: str | None = None,
        reason: str = "",
        session: Session | None = None,
    ) -> None:
        attributes = {"provider": "cognito"}
        if identifier(call.client_id) is not None:
            attributes["client"] = call.client_id
        if reason:
            attributes["reason"] = reason
        endpoint = None
        if user_id is not None:
            # Observed: a new endpoint refuses messages, and a sign-in leaves that as it is.
            opt_out = OptOut.ALL if event_type == SIGN_UP_EVENT else None
            endpoint = Endpoint(user=User(id=user_id), opt_out=opt_out)
        self.pinpoint.events.record(  # of plain parts, which is quicker than of an `Event`
            call.endpoint_id,
            event_type,
            event_id=_event_id(parsed),
            attributes=attributes,
            session=session,
            endpoint=endpoint,
        )


@attrs.frozen
class _Call:
    operation: str
    endpoint_id: str = attrs.field(repr=False)
    client_id: str = attrs.field(repr=False)
    is_refresh: bool


def _is_debug() -> bool:
    return _LOG.isEnabledFor(logging.DEBUG)


def _event_id(parsed: Mapping[str, object]) -> str | None:
    metadata = parsed.get("ResponseMetadata")
    found = metadata.get("RequestId") if isinstance(metadata, Mapping) else None
    return f"cognito:{found}" if isinstance(found, str) and identifier(found) else None


def _claims(token: object) -> dict[str, object]:
    """Return the claims of a token of one's own answer, whose signature needs no check."""
    if not isinstance(token, str) or len(token) > _LONGEST_TOKEN:
        return {}
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 -- a JSON Web Token
        return {}
    try:
        content = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = orjson.loads(content)
    except (binascii.Error, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _session(claims: Mapping[str, object]) -> Session | None:
    """Return the session that refreshed tokens belong to: all have the first one's id."""
    origin = claims.get("origin_jti")
    if not isinstance(origin, str):
        return None
    start = instant_of(claims.get("auth_time")) or dt.datetime.now(dt.timezone.utc)
    return Session(id=hashlib.sha256(origin.encode()).hexdigest()[:32], start_timestamp=start)
