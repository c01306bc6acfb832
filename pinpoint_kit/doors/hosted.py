"""Clients that go over the network: the hosted service, and servers of its protocol.

What a first request needs is imported here, and not on the thread that looks the application up:
were the process forked in the middle of an import, its lock would stay locked in the child.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 -- what sockets turn a host's name into bytes by
import warnings
from typing import TYPE_CHECKING

import botocore.exceptions as aws
import botocore.session

from pinpoint_kit.doors.door import Door
from pinpoint_kit.doors.locations import open_objects
from pinpoint_kit.doors.sessions import (
    DEFAULT_REGION,
    client_config,
    core_session,
    new_session,
)
from pinpoint_kit.doors.urls import shown, split
from pinpoint_kit.errors import ConfigurationError, PinpointRetiredWarning
from pinpoint_kit.transport import translation  # noqa: F401 -- loaded at the first failure
from pinpoint_kit.transport.extensions import is_aws
from pinpoint_kit.transport.sending import bound

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

__all__ = ["open_aws", "open_http"]


def open_http(
    url: str, session: boto3.session.Session | botocore.session.Session | None, timeout: float
) -> Door:
    """Open a client for a server of the protocol.

    Raises:
        ConfigurationError: the URL is malformed, or the machine's settings cannot be used.
    """
    parts, region = split(url, "region")
    try:
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise ConfigurationError(f"no host and port in {shown(url)}: write http://HOST:PORT")
    core = core_session(session)
    endpoint = parts._replace(query="").geturl()
    try:
        if session is None:
            # Asking the instance metadata service would only delay a client of another server.
            core.get_component("credential_provider").remove("iam-role")
        region = region or core.get_config_variable("region") or DEFAULT_REGION
        client = core.create_client(
            "pinpoint",
            region_name=region,
            endpoint_url=endpoint,
            config=client_config(timeout, unsigned=core.get_credentials() is None),
        )
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"{type(error).__name__}: {error}: {shown(url)} cannot be used: check the URL and the"
            " AWS settings of this machine"
        ) from error
    bound(client)
    _warn_if_hosted(client)
    return Door(client, "http", endpoint, objects=open_objects(session=session))


def open_aws(
    url: str, session: boto3.session.Session | botocore.session.Session | None, timeout: float
) -> Door:
    """Open a client for the hosted service.

    Raises:
        ConfigurationError: the URL is malformed, or the profile or settings cannot be used.
    """
    parts, profile = split(url, "profile")
    if parts.path not in {"", "/"}:
        raise ConfigurationError(f"malformed URL {shown(url)}: write aws://REGION[?profile=NAME]")
    if profile and session is not None:
        raise ConfigurationError("give a session or a profile in the URL, not both")
    try:
        core = new_session(profile) if profile else core_session(session)
        client = core.create_client(
            "pinpoint",
            region_name=parts.netloc or None,
            config=client_config(timeout, unsigned=False),
        )
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"{type(error).__name__}: {error}: {shown(url)} cannot be used: write"
            " aws://REGION[?profile=NAME], and check the profile"
        ) from error
    bound(client)
    _warn_if_hosted(client)
    if core.get_credentials() is None:
        raise ConfigurationError(
            "no usable AWS credentials: configure a profile, a role or environment variables, or"
            " use a sqlite:/// URL, which needs none"
        )
    objects = open_objects(client.meta.region_name, core)
    return Door(client, "aws", f"aws://{client.meta.region_name}", objects=objects)


def _warn_if_hosted(client: BaseClient) -> None:
    if is_aws(client.meta.endpoint_url):
        warnings.warn(
            "Amazon Pinpoint ended on 2026-10-30: endpoints, segments, campaigns and analytics are"
            " gone there. Use sqlite:///FILE or an http:// server instead; see the retirement page",
            PinpointRetiredWarning,
            stacklevel=5,
        )
