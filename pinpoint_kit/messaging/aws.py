"""What SMS and push through AWS have in common: a client that tries once, and its errors.

The text of an error may quote the message, and stands only in the status of that message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs
import boto3

from pinpoint_kit.destinations.parameters import checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.records.message import NotSent
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_TIMEOUT", "AwsSettings", "make_client", "not_sent_of"]

DEFAULT_TIMEOUT = 30.0
_THROTTLED = re.compile(r"Throttl|TooManyRequests|LimitExceeded|QuotaExceeded|RequestLimit")
_STATUS_THROTTLED = 429
_PERMANENT = range(400, 500)
_CODE = re.compile(r"[\w.]{1,100}")
_MOST_TEXT_CHARS = 300


@attrs.frozen(kw_only=True)
class AwsSettings:
    """How a client is made.

    Attributes:
        region: the Region; the session's unless given.
        endpoint_url: another address of the service.
        profile: a profile of the AWS configuration files.
        timeout: the seconds that a call takes at most.
    """

    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    timeout: float = DEFAULT_TIMEOUT


def make_client(service: str, settings: AwsSettings, name: str) -> Any:  # noqa: ANN401 -- botocore's
    """Make a client of a service, with the machine's credentials.

    Raises:
        ConfigurationError: there is no Region, there are no credentials, or a setting is wrong.
    """
    import botocore.exceptions as aws  # noqa: PLC0415 -- loaded when used
    from botocore.config import Config  # noqa: PLC0415 -- as above

    from pinpoint_kit.transport.sending import bound  # noqa: PLC0415 -- as above

    timeout = checked_seconds("timeout", settings.timeout)
    try:
        session = boto3.session.Session(profile_name=settings.profile)
        region = settings.region or session.region_name
        if not region:
            raise ConfigurationError(f"no Region for {name}: add one, or set AWS_DEFAULT_REGION")
        if session.get_credentials() is None:
            raise ConfigurationError(
                f"no AWS credentials for {name}: configure a profile, a role or environment"
                " variables"
            )
        client: Any = session.client(
            service,  # type: ignore[call-overload]  # one of a few
            region_name=region,
            endpoint_url=settings.endpoint_url,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=min(5.0, timeout),
                read_timeout=timeout,
                user_agent_extra=f"pinpoint_kit/{VERSION}",
            ),
        )
    except (aws.BotoCoreError, ValueError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(
            f"{type(error).__name__}: {name} cannot be used: check the Region, the endpoint_url and"
            " the profile"
        ) from error
    bound(client)
    return client


def not_sent_of(error: Exception, name: str) -> NotSent:
    """Return what an exception of a client means for the message that it was sending."""
    from botocore.exceptions import ClientError, ParamValidationError  # noqa: PLC0415 -- loaded with the client

    if isinstance(error, ParamValidationError):
        return NotSent(f"{name}: the message is not valid there", is_permanent=True, code=400)
    if not isinstance(error, ClientError):
        return NotSent(f"{name}: no answer ({type(error).__name__})")
    response: Mapping[str, Any] = error.response
    found = _CODE.match(str(response.get("Error", {}).get("Code")))
    code = found[0] if found else "Unknown"
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 500)
    said = str(response.get("Error", {}).get("Message", ""))
    text = "".join(sign for sign in said if sign.isprintable())[:_MOST_TEXT_CHARS]
    shown = f"{code}: {text}" if text else code
    if status == _STATUS_THROTTLED or _THROTTLED.search(code):
        return NotSent(shown, code=_STATUS_THROTTLED)
    return NotSent(shown, is_permanent=status in _PERMANENT, code=status)
