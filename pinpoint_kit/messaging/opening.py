"""A URL becomes a transport: `open_transport`."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from pinpoint_kit.destinations.parameters import Parameters
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pinpoint_kit.messaging.function import Answer
    from pinpoint_kit.messaging.smtp import Tls
    from pinpoint_kit.records.message import OutgoingMessage, Transport

__all__ = ["open_transport"]

_FORMS = (
    "write smtp://HOST:PORT, smtps://HOST, https://HOST/PATH, python:MODULE:FUNCTION,"
    " aws-sms://REGION or aws-push://REGION/APPLICATION_ID"
)


def open_transport(url: str) -> Transport:
    """Open the transport of messages that a URL names.

    - `smtp://HOST[:PORT]` and `smtps://HOST[:PORT]`, with `sender`, `user`, `password_env` or
      `password_file`, `tls`, `ca_file`, `timeout` and `most_messages`;
    - `https://HOST/PATH` (and `http://`), with `token_env` or `token_file`, `ca_file` and
      `timeout`; other parameters are the URL's own;
    - `python:MODULE:FUNCTION`, a function that takes an `OutgoingMessage`;
    - `aws-sms://REGION`, with `origination`, `configuration_set`, `endpoint_url`, `profile` and
      `timeout`;
    - `aws-push://REGION/APPLICATION_ID`, with the last three of these.

    They are the arguments of `Smtp`, `Webhook`, `FunctionTransport`, `AwsSms` and `AwsPush`.
    Secrets are never in the URL: `password_env` and `token_env` name a variable of the
    environment, `password_file` and `token_file` a file with mode 600. Nothing is asked of a
    server before the first message.

    Args:
        url: the URL.

    Raises:
        ConfigurationError: the URL or one of its parameters is wrong or holds a secret, or there
            is no such function, or there are no credentials.

    Examples:
        >>> open_transport("smtp://localhost:1025?sender=shop@example.com").name
        'smtp://localhost:1025'
    """
    if isinstance(url, str) and url.startswith("python:"):
        from pinpoint_kit.messaging.function import FunctionTransport  # noqa: PLC0415 -- loaded when used

        return FunctionTransport(_taker(url), name=url.removeprefix("python:"))
    scheme = url.partition("://")[0].lower() if isinstance(url, str) and "://" in url else ""
    if scheme not in _OPENERS:
        raise ConfigurationError(f"not the URL of a transport: {_FORMS}")
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ConfigurationError(f"malformed URL of a transport: {_FORMS}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"the {scheme}:// URL has an @: a URL is no place for secrets; write"
            " ?user=NAME&password_env=VARIABLE or password_file=FILE"
        )
    if parts.fragment:
        raise ConfigurationError(f"the {scheme}:// URL has a #: leave out what follows it")
    return _OPENERS[scheme](parts, Parameters(parts.query, f"the {scheme}:// URL"))


def _taker(url: str) -> Callable[[OutgoingMessage], Answer]:
    from pinpoint_kit.messaging.function import function_of  # noqa: PLC0415 -- loaded when used

    return cast("Callable[[OutgoingMessage], Answer]", function_of(url))


def _open_smtp(parts: SplitResult, parameters: Parameters) -> Transport:
    from pinpoint_kit.messaging.smtp import Smtp  # noqa: PLC0415 -- loaded when used

    if parts.path.strip("/") or not parts.hostname:
        raise ConfigurationError(
            "the URL of an SMTP server has a host and no path: smtp://HOST:PORT"
        )
    tls = parameters.text("tls")
    if parts.scheme == "smtps":
        if tls is not None:
            raise ConfigurationError("smtps:// is TLS from the first byte on: leave ?tls= out")
        tls = "wrapped"
    user, password = parameters.text("user"), parameters.secret("password")
    sender = parameters.text("sender") or ""
    ca_file = parameters.text("ca_file")
    timeout = parameters.seconds("timeout", 30.0)
    most_messages = parameters.whole("most_messages", 50)
    parameters.finish(
        (
            *("sender", "user", "password_env", "password_file", "tls", "ca_file", "timeout"),
            "most_messages",
        )
    )
    return Smtp(
        parts.hostname,
        parts.port,
        sender=sender,
        user=user,
        password=password,
        tls=cast("Tls | None", tls),
        ca_file=ca_file,
        timeout=timeout,
        most_messages=most_messages,
    )


def _open_webhook(parts: SplitResult, parameters: Parameters) -> Transport:
    from pinpoint_kit.messaging.webhook import Webhook  # noqa: PLC0415 -- loaded when used

    token = parameters.secret("token")
    ca_file = parameters.text("ca_file")
    timeout = parameters.seconds("timeout", 30.0)
    url = parts._replace(query=urlencode(parameters.rest())).geturl()
    return Webhook(url, token=token, ca_file=ca_file, timeout=timeout)


def _open_aws_sms(parts: SplitResult, parameters: Parameters) -> Transport:
    from pinpoint_kit.messaging.aws_sms import AwsSms  # noqa: PLC0415 -- loaded when used

    if parts.path.strip("/"):
        raise ConfigurationError("the URL of SMS has a Region alone: aws-sms://REGION")
    origination = parameters.text("origination") or ""
    configuration_set = parameters.text("configuration_set") or ""
    endpoint_url, profile = parameters.text("endpoint_url"), parameters.text("profile")
    timeout = parameters.seconds("timeout", 30.0)
    parameters.finish(("origination", "configuration_set", "endpoint_url", "profile", "timeout"))
    return AwsSms(
        origination=origination,
        configuration_set=configuration_set,
        region=parts.netloc or None,
        endpoint_url=endpoint_url,
        profile=profile,
        timeout=timeout,
    )


def _open_aws_push(parts: SplitResult, parameters: Parameters) -> Transport:
    from pinpoint_kit.messaging.aws_push import AwsPush  # noqa: PLC0415 -- loaded when used

    application_id = unquote(parts.path.strip("/"))
    if not application_id or "/" in application_id:
        raise ConfigurationError("name the application there: aws-push://REGION/APPLICATION_ID")
    endpoint_url, profile = parameters.text("endpoint_url"), parameters.text("profile")
    timeout = parameters.seconds("timeout", 30.0)
    parameters.finish(("endpoint_url", "profile", "timeout"))
    return AwsPush(
        application_id,
        region=parts.netloc or None,
        endpoint_url=endpoint_url,
        profile=profile,
        timeout=timeout,
    )


_OPENERS: dict[str, Callable[[SplitResult, Parameters], Transport]] = {
    "smtp": _open_smtp,
    "smtps": _open_smtp,
    "http": _open_webhook,
    "https": _open_webhook,
    "aws-sms": _open_aws_sms,
    "aws-push": _open_aws_push,
}
