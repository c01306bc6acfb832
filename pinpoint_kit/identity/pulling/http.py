"""One GET of a provider's API: bounded, tried again when told to, never to another host.

The token goes to the one host that it is for. Waiting is bounded and follows the provider's clock,
because this machine's may be wrong.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import attrs
import orjson
import tenacity
import urllib3

from pinpoint_kit.errors import ConfigurationError, TransportError
from pinpoint_kit.version import VERSION

__all__ = ["Answer", "Api", "UnknownPageError"]

_ATTEMPTS = 6
_LONGEST_WAIT = 60.0
_LARGEST = 64_000_000
_TIMEOUT = 30.0
_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_TOO_MANY = 429


@attrs.frozen
class Answer:
    """A page as it came.

    Args:
        records: the JSON array.
        headers: names in lower case.
    """

    records: list[object] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)

    @property
    def clock(self) -> float | None:
        """The provider's own time in seconds since 1970, from its `Date` header."""
        return _clock(self.headers)


class UnknownPageError(ConfigurationError):
    """The provider does not know what was asked for: 400 or 404."""


class _LaterError(Exception):
    """Try again, after so many seconds when that is known."""

    def __init__(self, message: str, seconds: float | None = None) -> None:
        super().__init__(message)
        self.seconds = seconds


class Api:
    """One provider's API, at one host.

    Args:
        base_url: such as `https://acme.okta.com`; plain HTTP on this machine only.
        authorization: the value of the Authorization header.
        sleep: waits for so many seconds.

    Raises:
        ConfigurationError: the URL is none, or would send the token in the clear.
    """

    def __init__(
        self, base_url: str, authorization: str, *, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        parts = urlsplit(base_url if "://" in base_url else f"https://{base_url}")
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
            raise ConfigurationError(f"{base_url!r} is no address: write https://HOST")
        if parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise ConfigurationError(
                f"{base_url!r} would send the token in the clear: use https://"
            )
        self.origin = f"{parts.scheme}://{parts.netloc}"
        self.host = parts.netloc
        self._authorization = authorization
        self._sleep = sleep
        self._pool = urllib3.PoolManager(timeout=_TIMEOUT, retries=False, maxsize=1)

    def __repr__(self) -> str:
        return f"<Api {self.origin}>"

    def get(self, url: str) -> Answer:
        """Return a page of records.

        Args:
            url: a path with its query, or a whole URL of the same host.

        Raises:
            ConfigurationError: the provider refuses the token, or does not know the path.
            TransportError: no answer came, or none that is a page of records, also after waits.
        """
        whole = url if "://" in url else f"{self.origin}{url}"
        if not whole.startswith(f"{self.origin}/"):
            raise TransportError(
                f"{self.host} names another host for its next page: check the address",
                is_retryable=False,
            )
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            retry=tenacity.retry_if_exception_type(_LaterError),
            wait=_wait,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(self._get, whole)
        except _LaterError as error:
            raise TransportError(f"{self.host}: {error}: pull again later") from error

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def _get(self, url: str) -> Answer:
        try:
            answer = self._pool.request(
                "GET",
                url,
                headers={
                    "Authorization": self._authorization,
                    "Accept": "application/json",
                    "User-Agent": f"pinpoint_kit/{VERSION}",
                },
                redirect=False,
                preload_content=False,
            )
            try:
                body = answer.read(_LARGEST + 1)
            finally:
                answer.release_conn()
        except urllib3.exceptions.HTTPError as error:
            raise _LaterError(f"no answer ({type(error).__name__})") from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        self._check(answer.status, headers)
        return Answer(self._records(body), headers)

    def _check(self, status: int, headers: Mapping[str, str]) -> None:
        if status == _TOO_MANY:
            raise _LaterError("too many requests (429)", _until_reset(headers))
        if status >= 500:  # noqa: PLR2004 -- HTTP
            raise _LaterError(f"the API fails ({status})")
        if status in {401, 403}:
            raise ConfigurationError(
                f"{self.host} refuses the token ({status}): check that it may read logs"
            )
        if status != 200:  # noqa: PLR2004 -- HTTP
            error = UnknownPageError if status in {400, 404} else ConfigurationError
            raise error(f"{self.host} answers {status}: check the address and the starting point")

    def _records(self, body: bytes) -> list[object]:
        if len(body) > _LARGEST:
            raise TransportError(f"{self.host}: a page is larger than {_LARGEST} bytes")
        try:
            found = orjson.loads(body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, list):
            raise TransportError(
                f"{self.host} does not answer with a list of records: check the address",
                is_retryable=False,
            )
        return found


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until requests are allowed again, by the provider's own clock."""
    reset = headers.get("x-rate-limit-reset") or headers.get("x-ratelimit-reset") or ""
    clock = _clock(headers)
    if reset.isdecimal() and len(reset) < 12 and clock is not None:  # noqa: PLR2004 -- seconds
        return int(reset) - clock + 1
    after = headers.get("retry-after", "")
    return float(after) if after.isdecimal() and len(after) < 6 else None  # noqa: PLR2004 -- seconds


def _clock(headers: Mapping[str, str]) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(headers.get("date", "")).timestamp()
    except ValueError:
        return None


def _wait(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    seconds = error.seconds if isinstance(error, _LaterError) else None
    if seconds is None:
        seconds = float(2 ** (state.attempt_number - 1))
    return min(max(seconds, 0.0), _LONGEST_WAIT)
