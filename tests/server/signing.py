"""Requests that botocore's own signer has signed, and a credentials file to check them with."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import attrs
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from pinpoint_kit.engine.wire import routes
from pinpoint_kit.server.access import canonical
from pinpoint_kit.server.head import Head

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from pinpoint_kit.server.access.authenticator import AccessDecision, Authenticator

APP = "0123456789abcdef0123456789abcdef"
OTHER_APP = "ffffffffffffffffffffffffffffffff"
#: One key for each thing that a key can be.
ADMIN, WRITER, READER, GUEST, LOCAL = "PKADMIN", "PKWRITER", "PKREADER", "PKGUEST", "PKLOCAL"
ANALYST = "PKANALYST"
SECRETS = {name: f"{name}/+secret-of-at-least-32-characters" for name in (ADMIN, WRITER, READER)}
SECRETS |= {name: f"{name}/+secret-of-at-least-32-characters" for name in (GUEST, LOCAL, ANALYST)}
TOKEN = "session/token+of==a-guest"

FILE = f"""\
# Who may come in
[{ADMIN}]
secret_access_key = {SECRETS[ADMIN]}
applications = *
access = read-write

[{WRITER}]
secret_access_key = {SECRETS[WRITER]}
applications = {APP}
access = read-write

[{READER}]
secret_access_key = {SECRETS[READER]}
applications = {APP}, {OTHER_APP}
access = read-only

[{GUEST}]
secret_access_key = {SECRETS[GUEST]}
session_token = {TOKEN}
applications = *
access = read-write

[{LOCAL}]
secret_access_key = {SECRETS[LOCAL]}
applications = *
access = read-write
region = eu-west-1

[{ANALYST}]
secret_access_key = {SECRETS[ANALYST]}
applications = {APP}
access = analytics
"""

HOST = "http://pinpoint.test:8025"
EVENTS = f"/v1/apps/{APP}/events"
ENDPOINT = f"/v1/apps/{APP}/endpoints/device-1"


def write_file(path: Path, text: str = FILE) -> Path:
    """Return a credentials file that its owner alone can read."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@attrs.frozen
class Sent:
    """A request as it goes over the wire."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def to(self, authenticator: Authenticator, now: datetime | None = None) -> AccessDecision:
        """Ask for it."""
        match = routes.load().resolve(self.method, self.path)
        moment = now or datetime.now(timezone.utc)
        return authenticator.authorize(self.head(), self.body, match, moment)

    def head(self) -> Head:
        """All but the body, as the server reads it."""
        headers: dict[str, list[str]] = {}
        for name, value in self.headers:
            headers.setdefault(name.lower(), []).append(value)
        return Head(self.method, self.path, self.path, self.query, headers, size=0)

    def code(self, authenticator: Authenticator, now: datetime | None = None) -> str:
        """Why it is denied, "" when it is let in."""
        denial = self.to(authenticator, now).denial
        return denial.code if denial else ""

    def message(self, authenticator: Authenticator, now: datetime | None = None) -> str:
        """Return what the denial says, "" when it is let in."""
        denial = self.to(authenticator, now).denial
        return denial.message if denial else ""

    def header(self, name: str) -> str:
        """Return the value of a header."""
        return next(value for key, value in self.headers if key.lower() == name.lower())

    def without(self, name: str) -> Self:
        """Return the same without a header."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return attrs.evolve(self, headers=kept)

    def plus(self, name: str, value: str) -> Self:
        """Return the same with one header more."""
        return attrs.evolve(self, headers=(*self.headers, (name, value)))

    def replacing(self, name: str, old: str, new: str) -> Self:
        """Return the same with a header's text changed."""
        value = self.header(name)
        assert old in value
        return self.without(name).plus(name, value.replace(old, new))


def sign(  # noqa: PLR0913 -- the parts of a request
    method: str = "POST",
    target: str = EVENTS,
    body: bytes = b'{"BatchItem":{}}',
    *,
    key: str = WRITER,
    secret: str | None = None,
    token: str | None = None,
    region: str = "us-east-1",
    service: str = "mobiletargeting",
    headers: dict[str, str] | None = None,
    expires: int | None = None,
) -> Sent:
    """Return a request signed now by botocore: in its header, or in its query when it expires.

    botocore presigns without a body: it would move what is in one into the query.
    """
    body = body if expires is None else b""
    token = TOKEN if token is None and key == GUEST else token
    credentials = Credentials(key, secret or SECRETS.get(key, "?" * 40), token or None)
    request = AWSRequest(method=method, url=HOST + target, data=body, headers=headers or {})
    signer: Any = (
        SigV4Auth(credentials, service, region)
        if expires is None
        else SigV4QueryAuth(credentials, service, region, expires)
    )
    signer.add_auth(request)
    url = urlsplit(str(request.url))
    pairs = tuple((str(name), str(value)) for name, value in request.headers.items())
    return Sent(method, url.path, url.query, (("Host", url.netloc), *pairs), body)


def beacon(now: datetime, body: bytes = b'{"BatchItem":{}}') -> Sent:
    """Return what Amplify makes: the arithmetic is the one that AWS's examples have proved."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    scope = f"{stamp[:8]}/us-east-1/mobiletargeting/aws4_request"
    query = "&".join(
        (
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            f"X-Amz-Credential={quote(f'{WRITER}/{scope}', safe='')}",
            f"X-Amz-Date={stamp}",
            "X-Amz-SignedHeaders=host",
        )
    )
    sent = Sent("POST", f"{EVENTS}/legacy", query, (("Host", "p.test"),), body)
    signed = canonical.canonical_request(
        sent.head(), canonical.parameters(query), ["host"], canonical.sha256(sent.body)
    )
    key = canonical.signing_key(SECRETS[WRITER], stamp[:8], "us-east-1", "mobiletargeting")
    text = canonical.string_to_sign(stamp, scope, signed)
    return attrs.evolve(sent, query=f"{query}&X-Amz-Signature={canonical.signature(key, text)}")
