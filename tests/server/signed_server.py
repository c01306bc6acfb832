"""A server that asks for credentials, with the applications that the keys of signing.py name."""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import attrs
import boto3
from botocore.config import Config

from pinpoint_kit.engine import Engine, Request
from pinpoint_kit.server import ServerOptions, asgi_app
from tests.server.conftest import RunningServer
from tests.server.signing import ADMIN, APP, OTHER_APP, SECRETS, Sent, sign

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pinpoint_kit.server.access.authenticator import Authenticator
    from tests.server.conftest import Answer


@attrs.frozen
class SignedServer:
    """A server with two applications, whose ids are those that the keys of signing.py name."""

    server: RunningServer

    def send_raw(self, sent: Sent) -> Answer:
        """Send a request as it is, on a connection of its own."""
        client = self.server.client()
        target = sent.path + ("?" + sent.query if sent.query else "")
        lines = [f"{sent.method} {target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in sent.headers]
        lines += [f"Content-Length: {len(sent.body)}", "", ""]
        client.send("\r\n".join(lines).encode() + sent.body)
        return client.answer()

    @contextmanager
    def boto3(
        self, key: str = ADMIN, secret: str | None = None, token: str | None = None
    ) -> Iterator[Any]:
        """Yield a client with a key."""
        client = boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=self.server.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret or SECRETS[key],
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )
        try:
            yield client
        finally:
            client.close()

    def has(self, application: str) -> bool:
        """Whether there is still that application."""
        return self.send_raw(sign("GET", f"/v1/apps/{application}", b"", key=ADMIN)).status == 200

    def events(self) -> int:
        """How many events both applications have."""
        return self.server.engine.count_events(APP) + self.server.engine.count_events(OTHER_APP)


def build(folder: Path, authenticator: Authenticator) -> SignedServer:
    """Return a server on a new database with both applications."""
    url = f"sqlite:///{folder}/pinpoint.db"
    for application in (APP, OTHER_APP):
        with Engine.open(url, new_id=itertools.repeat(application).__next__) as engine:
            engine.handle(Request("POST", "/v1/apps", body=b'{"Name": "shop"}'))
    engine = Engine.open(url)
    app = asgi_app(engine, authenticator=authenticator, owns_engine=True)
    return SignedServer(RunningServer(engine, ServerOptions(), app))
