"""Clients of services of AWS that try once: waits and further tries are the engine's."""

from __future__ import annotations

from typing import Any

import attrs
import boto3

from pinpoint_kit.destinations.parameters import checked_seconds
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.version import VERSION

__all__ = ["DEFAULT_TIMEOUT", "AwsSettings", "make_client"]

DEFAULT_TIMEOUT = 30.0


@attrs.frozen(kw_only=True)
class AwsSettings:
    """How a client is made.

    Attributes:
        region: the Region; the session's unless given.
        endpoint_url: another address of the service.
        profile: a profile of the AWS configuration files.
        session: a boto3 session, instead of a profile.
        timeout: the seconds that a call takes at most.
    """

    region: str | None = None
    endpoint_url: str | None = None
    profile: str | None = None
    session: boto3.session.Session | None = attrs.field(default=None, repr=False)
    timeout: float = DEFAULT_TIMEOUT


def make_client(
    service: str,
    settings: AwsSettings,
    name: str,
    *,
    add_region: str = "add one",
    validates: bool = True,
) -> Any:  # noqa: ANN401 -- botocore's
    """Make a client of a service, with the machine's credentials.

    Args:
        service: botocore's name of it.
        settings: how it is made.
        name: what errors call it.
        add_region: how to name a Region, for errors.
        validates: whether the client checks parameters; False for what was checked before.

    Raises:
        ConfigurationError: there is no Region, there are no credentials, or a setting is wrong.
    """
    import botocore.exceptions as aws  # noqa: PLC0415 -- loaded when used
    from botocore.config import Config  # noqa: PLC0415 -- as above

    from pinpoint_kit.transport.sending import bound  # noqa: PLC0415 -- as above

    timeout = checked_seconds("timeout", settings.timeout)
    if settings.profile and settings.session is not None:
        raise ConfigurationError(f"{name}: give a session or a profile, not both")
    try:
        session = settings.session or boto3.session.Session(profile_name=settings.profile)
        region = settings.region or session.region_name
        if not region:
            raise ConfigurationError(
                f"no Region for {name}: {add_region}, or set AWS_DEFAULT_REGION"
            )
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
                parameter_validation=validates,
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
