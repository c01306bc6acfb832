"""`Poster`: POST a body to a URL that the operator has given, within a time and a size.

It is sent by botocore's own HTTP session, so that it ends in time and follows no redirect. What the
answer means is the caller's business.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import attrs

from pinpoint_kit.errors import ConfigurationError, PinpointKitError
from pinpoint_kit.transport import deadlines
from pinpoint_kit.version import VERSION

__all__ = ["NoAnswer", "PostAnswer", "Poster", "checked_url", "is_header_value", "is_here"]

_CONNECT_S = 5.0
_MOST_URL_CHARS = 4_096


class NoAnswer(Exception):
    """No answer came, or one that is too long; the message says why, without any content."""


@attrs.frozen
class PostAnswer:
    """What was answered, with the names of headers in lower case."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(repr=False)


class Poster:
    """Posts to one URL. Use it on one thread at a time; a forked child connects anew.

    Args:
        url: `https://HOST/PATH` or `http://HOST/PATH`.
        headers: what every request has.
        ca_file: certificates, in PEM, of authorities to trust instead of the public ones.
        most_bytes: the longest answer that is read.

    Raises:
        ConfigurationError: the URL is none or holds a secret, or there is no such file.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        ca_file: str | None = None,
        most_bytes: int,
    ) -> None:
        self.name = checked_url(url)
        if ca_file is not None and not os.path.isfile(ca_file):  # noqa: PTH113 -- a str
            raise ConfigurationError(f"no file {ca_file}: name certificates in PEM")
        self._url = url
        self._headers = {"User-Agent": f"pinpoint_kit/{VERSION}", **headers}
        self._ca_file = ca_file
        self._most_bytes = most_bytes
        self._pid = os.getpid()
        self._session: Any = None

    def __repr__(self) -> str:
        return f"<Poster {self.name}>"

    def post(self, body: bytes, headers: Mapping[str, str], timeout: float) -> PostAnswer:
        """Send a body and return the answer, whatever its status.

        Args:
            body: what to send.
            headers: what this request has besides.
            timeout: the seconds that all of it takes at most.

        Raises:
            NoAnswer: nobody answered in time, or the answer is too long.
        """
        from botocore.awsrequest import AWSPreparedRequest  # noqa: PLC0415 -- loaded when used
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415 -- as above
        from urllib3.exceptions import HTTPError  # noqa: PLC0415 -- as above

        prepared: Any = AWSPreparedRequest
        request = prepared(
            "POST", self._url, {**self._headers, **headers}, body, stream_output=True
        )
        try:
            with deadlines.within(timeout):
                answer: Any = self._current().send(request)
                content = answer.raw.read(self._most_bytes + 1)
                if len(content) > self._most_bytes:
                    answer.raw.close()
                    raise NoAnswer(f"{self.name}: an answer of more than {self._most_bytes} bytes")
                answer.raw.release_conn()
        except (BotoCoreError, HTTPError, PinpointKitError, OSError) as error:
            raise NoAnswer(f"{self.name}: no answer ({type(error).__name__})") from error
        found = {name.lower(): value for name, value in answer.headers.items()}
        return PostAnswer(answer.status_code, found, content)

    def close(self) -> None:
        """Close the connections; idempotent."""
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _current(self) -> Any:  # noqa: ANN401 -- botocore's
        """Return the session; in a forked child another one, since connections are the parent's."""
        if self._session is None or os.getpid() != self._pid:
            from botocore.httpsession import URLLib3Session  # noqa: PLC0415 -- loaded when used

            from pinpoint_kit.transport.sending import bound_session  # noqa: PLC0415 -- as above

            make: Any = URLLib3Session  # its types lack a path and two timeouts
            # The longest that anybody waits; `within` says how long this request takes.
            session = make(verify=self._ca_file or True, timeout=(_CONNECT_S, 240.0))
            bound_session(session)
            self._session, self._pid = session, os.getpid()
        return self._session


def checked_url(url: str, *, has_secret: bool = False) -> str:
    """Return how a URL is shown: with a hash for path and query, which may hold a token.

    Args:
        url: the URL.
        has_secret: whether a secret goes with requests, which must not cross a network in clear.

    Raises:
        ConfigurationError: it is no URL of HTTP, holds a secret, or would send one in clear.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if (
        parts is None
        or parts.scheme not in {"http", "https"}
        or not host
        or not is_header_value(url)
    ):
        raise ConfigurationError("not the URL of an HTTP endpoint: write https://HOST/PATH")
    if "@" in parts.netloc:
        raise ConfigurationError(
            "the URL has an @: a URL is no place for secrets; name them by a file or an"
            " environment variable"
        )
    if parts.fragment:
        raise ConfigurationError("the URL of an HTTP endpoint has a #: leave out what follows it")
    if has_secret and parts.scheme == "http" and not is_here(host):
        raise ConfigurationError(
            f"http://{parts.netloc} would send a secret in the clear: use https://"
        )
    shown, rest = f"{parts.scheme}://{parts.netloc}", parts._replace(scheme="", netloc="").geturl()
    mark = hashlib.sha256(rest.encode()).hexdigest()[:8]
    return f"{shown}?{mark}" if rest.strip("/") else shown


def is_here(host: str) -> bool:
    """Return whether a host is this machine, by its name alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_header_value(text: str) -> bool:
    """Return whether a text can be a header as it is: printable ASCII without blanks around it."""
    return (
        text.isascii()
        and text.isprintable()
        and text == text.strip()
        and 0 < len(text) <= _MOST_URL_CHARS
    )
