"""A URL becomes a hook: `open_hook`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from pinpoint_kit.destinations.parameters import Parameters
from pinpoint_kit.errors import ConfigurationError

if TYPE_CHECKING:
    from pinpoint_kit.records.message import Hook

__all__ = ["open_hook"]

_FORMS = "write python:MODULE:FUNCTION, lambda:NAME, lambda:ARN or https://HOST/PATH"


def open_hook(url: str) -> Hook:
    """Open the hook that a URL names.

    - `python:MODULE:FUNCTION`, a function of `event`, or of `event, context`;
    - `lambda:NAME` or `lambda:ARN`, with `region`, `endpoint_url` and `profile`;
    - `https://HOST/PATH` (and `http://`), with `token_env` or `token_file` and `ca_file`; other
      parameters are the URL's own.

    They are the arguments of `FunctionHook`, `LambdaHook` and `UrlHook`. `token_env` names a
    variable of the environment, `token_file` a file with mode 600. Nothing is called yet.

    Args:
        url: the URL.

    Raises:
        ConfigurationError: the URL or one of its parameters is wrong or holds a secret, or there
            is no such function, or there are no credentials.

    Examples:
        >>> open_hook("python:json:dumps").name
        'python:json:dumps'
    """
    scheme = url.partition(":")[0].lower() if isinstance(url, str) else ""
    if scheme == "python":
        from pinpoint_kit.hooks.function import FunctionHook  # noqa: PLC0415 -- loaded when used
        from pinpoint_kit.messaging.function import function_of  # noqa: PLC0415 -- as above

        return FunctionHook(function_of(url), name=url.removeprefix("python:"))
    if scheme == "lambda":
        return _open_lambda(url)
    if scheme in {"http", "https"}:
        return _open_url(url)
    raise ConfigurationError(f"not the URL of a hook: {_FORMS}")


def _open_lambda(url: str) -> Hook:
    from pinpoint_kit.hooks.lambda_function import LambdaHook  # noqa: PLC0415 -- loaded when used

    function, _, query = url.partition(":")[2].partition("?")
    parameters = Parameters(query, "the lambda: URL")
    region = parameters.text("region")
    endpoint_url, profile = parameters.text("endpoint_url"), parameters.text("profile")
    parameters.finish(("region", "endpoint_url", "profile"))
    return LambdaHook(
        function.removeprefix("//"), region=region, endpoint_url=endpoint_url, profile=profile
    )


def _open_url(url: str) -> Hook:
    from pinpoint_kit.hooks.url import UrlHook  # noqa: PLC0415 -- loaded when used

    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(f"malformed URL of a hook: {_FORMS}") from None
    parameters = Parameters(parts.query, f"the {parts.scheme}:// URL")
    token, ca_file = parameters.secret("token"), parameters.text("ca_file")
    return UrlHook(
        parts._replace(query=urlencode(parameters.rest())).geturl(), token=token, ca_file=ca_file
    )
