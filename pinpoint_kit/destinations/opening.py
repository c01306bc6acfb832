"""A URL becomes a destination: `open_destination`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from pinpoint_kit.destinations.parameters import Parameters
from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.system.private_files import PrivateFileError, private_text

if TYPE_CHECKING:
    from collections.abc import Callable

    import boto3

    from pinpoint_kit.records.destination import Destination

__all__ = ["open_destination"]

_FORMS = (
    "write kinesis://STREAM, firehose://STREAM, kafka://HOST:PORT/TOPIC, file:///FOLDER or"
    " https://HOST/PATH"
)
#: Names of librdkafka's properties that hold secrets.
_SECRETS = ("password", "passphrase", "secret", "pem", "sasl.oauthbearer.config", "jaas")
_AWS = ("region", "endpoint_url", "profile", "timeout", "event_id", "ordered")


def open_destination(url: str, *, session: boto3.session.Session | None = None) -> Destination:
    """Open the destination of event streams that a URL names.

    - `kinesis://STREAM`, with `region`, `endpoint_url`, `profile`, `timeout`, `event_id`,
      `ordered`, `most_bytes`, `most_record_bytes`;
    - `firehose://STREAM`, with the first six of these;
    - `kafka://HOST:PORT[,HOST:PORT]/TOPIC`, with `timeout`, `event_id`, `most_records`,
      `most_record_bytes`, `config_file`, `password_env` and any property of librdkafka that is no
      secret;
    - `file:///FOLDER`, with `event_id` and `most_records`;
    - `https://HOST/PATH`, with `access_key_env`, `access_key_file`, `compress`, `ca_file`,
      `timeout`, `event_id`, `most_records`, `most_bytes`; other parameters are the endpoint's own.

    They are the arguments of `Kinesis`, `Firehose`, `Kafka`, `Files` and `HttpEndpoint`. Secrets
    are never in the URL: `access_key_env` and `password_env` (of SASL) name a variable of the
    environment, `access_key_file` and `config_file` (lines of `NAME=VALUE`) a file with mode 600.
    Nothing is asked of the destination; where it cannot be reached, `send` says so.

    Args:
        url: the URL.
        session: a boto3 session for Kinesis and Firehose; made of the machine's settings unless
            given.

    Returns:
        The destination.

    Raises:
        ConfigurationError: the URL or one of its parameters is wrong, holds a secret, or an extra
            or credentials are missing.

    Examples:
        >>> open_destination("kafka://127.0.0.1:9092/events?compression.type=zstd").name
        'kafka://127.0.0.1:9092/events'
    """
    scheme = url.partition("://")[0].lower() if isinstance(url, str) and "://" in url else ""
    if scheme not in _OPENERS and scheme not in {"kinesis", "firehose"}:
        raise ConfigurationError(f"not the URL of a destination: {_FORMS}")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise ConfigurationError(f"malformed URL of a destination: {_FORMS}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"the {scheme}:// URL has an @: a URL is no place for secrets; name them by a file or"
            " an environment variable"
        )
    if parts.fragment:
        raise ConfigurationError(f"the {scheme}:// URL has a #: leave out what follows it")
    parameters = Parameters(parts.query, f"the {scheme}:// URL")
    if scheme in _OPENERS:
        return _OPENERS[scheme](parts, parameters)
    return _open_aws(scheme, parts, parameters, session)


def _open_aws(
    scheme: str, parts: SplitResult, parameters: Parameters, session: boto3.session.Session | None
) -> Destination:
    from pinpoint_kit.destinations.clients import DEFAULT_TIMEOUT  # noqa: PLC0415 -- loaded when used
    from pinpoint_kit.destinations.firehose import Firehose  # noqa: PLC0415 -- as above
    from pinpoint_kit.destinations.kinesis import Kinesis  # noqa: PLC0415 -- as above

    stream = unquote(parts.netloc + parts.path)
    region = parameters.text("region")
    endpoint_url = parameters.text("endpoint_url")
    profile = parameters.text("profile")
    timeout = parameters.seconds("timeout", DEFAULT_TIMEOUT)
    event_id = parameters.flag("event_id", default=False)
    ordered = parameters.flag("ordered", default=True)
    if scheme == "firehose":
        parameters.finish(_AWS)
        return Firehose(
            stream,
            region=region,
            endpoint_url=endpoint_url,
            profile=profile,
            session=session,
            timeout=timeout,
            event_id=event_id,
            ordered=ordered,
        )
    most_bytes = parameters.whole("most_bytes", 5_000_000)
    most_record_bytes = parameters.whole("most_record_bytes", 1_000_000)
    parameters.finish((*_AWS, "most_bytes", "most_record_bytes"))
    return Kinesis(
        stream,
        region=region,
        endpoint_url=endpoint_url,
        profile=profile,
        session=session,
        timeout=timeout,
        event_id=event_id,
        ordered=ordered,
        most_bytes=most_bytes,
        most_record_bytes=most_record_bytes,
    )


def _open_kafka(parts: SplitResult, parameters: Parameters) -> Destination:
    from pinpoint_kit.destinations.kafka import Kafka  # noqa: PLC0415 -- loaded when used

    timeout = parameters.seconds("timeout", 30.0)
    event_id = parameters.flag("event_id", default=False)
    most_records = parameters.whole("most_records", 10_000)
    most_record_bytes = parameters.whole("most_record_bytes", 1_000_000)
    config_file = parameters.text("config_file")
    password_env = parameters.text("password_env")
    config = parameters.rest()
    for name in config:
        if any(word in name for word in _SECRETS):
            raise ConfigurationError(
                f"a URL is no place for {name}: write it into a file with mode 600 and add"
                " ?config_file=FILE"
            )
    if config_file is not None:
        config |= _read_properties(config_file)
    if password_env is not None:
        config["sasl.password"] = _from_environment("password_env", password_env)
    return Kafka(
        unquote(parts.path.removeprefix("/")),
        parts.netloc,
        config=config,
        timeout=timeout,
        event_id=event_id,
        most_records=most_records,
        most_record_bytes=most_record_bytes,
    )


def _open_files(parts: SplitResult, parameters: Parameters) -> Destination:
    from pinpoint_kit.destinations.files import Files  # noqa: PLC0415 -- loaded when used

    if parts.netloc not in {"", "localhost"} or not parts.path.startswith("/"):
        raise ConfigurationError("file:// needs a whole path: write file:///FOLDER")
    event_id = parameters.flag("event_id", default=False)
    most_records = parameters.whole("most_records", 10_000)
    parameters.finish(("event_id", "most_records"))
    path = unquote(parts.path)
    if "\0" in path:
        raise ConfigurationError("the file:// URL has a NUL: write file:///FOLDER")
    return Files(Path(path), event_id=event_id, most_records=most_records)


def _open_http(parts: SplitResult, parameters: Parameters) -> Destination:
    from pinpoint_kit.destinations.http_endpoint import HttpEndpoint  # noqa: PLC0415 -- as above

    key_env, key_file = parameters.text("access_key_env"), parameters.text("access_key_file")
    if key_env is not None and key_file is not None:
        raise ConfigurationError("give access_key_env or access_key_file, not both")
    access_key = None
    if key_env is not None:
        access_key = _from_environment("access_key_env", key_env)
    elif key_file is not None:
        access_key = _read_secret(key_file).strip()
    compress = parameters.flag("compress", default=False)
    ca_file = parameters.text("ca_file")
    timeout = parameters.seconds("timeout", 30.0)
    event_id = parameters.flag("event_id", default=False)
    most_records = parameters.whole("most_records", 1_000)
    most_bytes = parameters.whole("most_bytes", 3_000_000)
    url = parts._replace(query=urlencode(parameters.rest())).geturl()
    return HttpEndpoint(
        url,
        access_key=access_key,
        compress=compress,
        ca_file=ca_file,
        timeout=timeout,
        event_id=event_id,
        most_records=most_records,
        most_bytes=most_bytes,
    )


_OPENERS: dict[str, Callable[[SplitResult, Parameters], Destination]] = {
    "kafka": _open_kafka,
    "file": _open_files,
    "files": _open_files,
    "http": _open_http,
    "https": _open_http,
}


def _from_environment(parameter: str, name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigurationError(f"?{parameter}={name}: no such environment variable: set it")
    return value


def _read_secret(path: str) -> str:
    try:
        return private_text(Path(path))
    except PrivateFileError as error:
        raise ConfigurationError(str(error)) from None


def _read_properties(path: str) -> dict[str, str]:
    """Read librdkafka's properties from a file, as Kafka's own tools have them."""
    properties = {}
    for number, line in enumerate(_read_secret(path).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, sign, value = text.partition("=")
        if not sign or not name.strip():
            raise ConfigurationError(f"line {number} of {path} is no property: write NAME=VALUE")
        properties[name.strip()] = value.strip()
    return properties
