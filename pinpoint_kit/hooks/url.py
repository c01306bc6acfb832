"""`UrlHook`: a URL of the operator's is called as the service calls a webhook."""

from __future__ import annotations

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.hooks.payloads import MOST_BYTES, check_payload
from pinpoint_kit.records.message import HookFailed
from pinpoint_kit.transport.posting import NoAnswer, Poster, checked_url, is_header_value

__all__ = ["UrlHook"]

_OK = range(200, 300)
_REDIRECTS = range(300, 400)


class UrlHook:
    """Posts the call as JSON to a URL; the body of the answer is the answer.

    Any status from 200 to 299 is one; no redirect is followed. The `HEAD` request by which the
    service asks whom a URL belongs to is left out: the operator has said so.

    Args:
        url: `https://HOST/PATH`; `http://` too, but with a token only on this machine.
        token: sent as `Authorization: Bearer TOKEN`.
        ca_file: certificates, in PEM, of authorities to trust instead of the public ones.

    Raises:
        ConfigurationError: the URL is none or holds a secret, or a value is wrong.

    Examples:
        >>> UrlHook("https://hooks.example.com").name
        'https://hooks.example.com'
    """

    def __init__(self, url: str, *, token: str | None = None, ca_file: str | None = None) -> None:
        self._name = checked_url(url, has_secret=token is not None)
        if token is not None and not is_header_value(token):
            raise ConfigurationError(
                f"the token for {self._name} is none: write printable ASCII without blanks around"
                " it"
            )
        self._poster = Poster(
            url,
            headers={
                "Content-Type": "application/json",
                **({"Authorization": f"Bearer {token}"} if token is not None else {}),
            },
            ca_file=ca_file,
            most_bytes=MOST_BYTES,
        )

    def __repr__(self) -> str:
        return f"<UrlHook {self._name}>"

    @property
    def name(self) -> str:
        """What logs call it: the URL, with a hash in place of path and query."""
        return self._name

    def call(self, payload: bytes, timeout: float) -> bytes:
        """Return the answer to one call.

        Args:
            payload: JSON in UTF-8, 6 MB at most.
            timeout: how long to wait, in seconds.

        Raises:
            HookFailed: another status than 200 to 299, too long an answer, or none in time.
        """
        check_payload(self._name, payload)
        try:
            answer = self._poster.post(payload, {}, timeout)
        except NoAnswer as error:
            raise HookFailed(str(error)) from error
        if answer.status in _REDIRECTS:
            raise HookFailed(
                f"{self._name}: answers {answer.status}: write the URL that it leads to"
            )
        if answer.status not in _OK:
            raise HookFailed(f"{self._name}: answers {answer.status}")
        return answer.content

    def close(self) -> None:
        """Close the connections; idempotent."""
        self._poster.close()
