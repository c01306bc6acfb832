"""Cognito's triggers end to end: npm's `cognito-local` calls the handler as Lambda would.

Needs Node.js and npm, which installs a fixed version once a run.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

import pinpoint_kit as pk
from pinpoint_kit.identity import cognito
from tests.programs import Program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

VERSION = "5.3.0"
PATIENCE = 20.0
#: Of npm: installing takes long on a busy machine.
INSTALL_TIMEOUT = 300
PASSWORD = "Correct-horse-1"
STARTED = re.compile(r"running on http://[^:]+:(\d+)")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install `cognito-local`, and return what starts it."""
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("npm is missing, which installs cognito-local")
    folder = tmp_path_factory.mktemp("npm")
    command = [npm, "install", "--no-audit", "--no-fund", "--silent", "--prefix", str(folder)]
    done = subprocess.run(  # noqa: S603 -- npm of this machine
        [*command, f"cognito-local@{VERSION}"],
        check=False,
        capture_output=True,
        timeout=INSTALL_TIMEOUT,
    )
    if done.returncode:
        pytest.skip("npm cannot install cognito-local: its registry does not answer")
    return folder / "node_modules" / "cognito-local" / "lib" / "bin" / "start.js"


@contextmanager
def lambda_server(handler: Callable[[Any, Any], Any]) -> Iterator[str]:
    """Answer Lambda's Invoke with a handler; yield the URL."""

    class Invoke(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = handler(event, SimpleNamespace(aws_request_id=str(uuid.uuid4())))
            content = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Invoke)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(PATIENCE)


@contextmanager
def running(program: Path, folder: Path, lambda_url: str) -> Iterator[str]:
    """Run `cognito-local` with both triggers; yield its URL."""
    settings = {
        "LambdaClient": {"endpoint": lambda_url, "region": "eu-west-1"},
        "TriggerFunctions": {"PostConfirmation": "handler", "PostAuthentication": "handler"},
        "UserPoolDefaults": {"UsernameAttributes": []},
    }
    (folder / ".cognito").mkdir()
    (folder / ".cognito" / "config.json").write_text(json.dumps(settings))
    command = [shutil.which("node") or "node", str(program)]
    env = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": "0"}
    with Program(command, cwd=folder, env=env) as started:
        yield f"http://127.0.0.1:{started.out.find(STARTED)[1]}"


def cognito_client(url: str) -> Any:
    """Return an ordinary boto3 client."""
    return boto3.client(
        "cognito-idp",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="x",
        aws_secret_access_key="y",
    )


def test_sign_ups_sign_ins_and_failures_appear_in_the_charts(program: Path, tmp_path: Path) -> None:
    """Triggers tell of sign-ups and sign-ins, the hook around the client of failures."""
    with pk.connect(f"sqlite:///{tmp_path}/pool.db", application="shop") as pinpoint:
        handler = cognito.trigger_handler(pinpoint)
        with lambda_server(handler) as lambda_url, running(program, tmp_path, lambda_url) as url:
            client = cognito_client(url)
            pool = client.create_user_pool(PoolName="p")["UserPool"]["Id"]
            made = client.create_user_pool_client(UserPoolId=pool, ClientName="c")
            app = made["UserPoolClient"]["ClientId"]
            user_id = client.sign_up(ClientId=app, Username="ana", Password=PASSWORD)["UserSub"]
            client.admin_confirm_sign_up(UserPoolId=pool, Username="ana")

            def sign_in(by: Any, name: str = "ana") -> None:
                by.initiate_auth(
                    ClientId=app,
                    AuthFlow="USER_PASSWORD_AUTH",
                    AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
                    ClientMetadata={"pinpointEndpointId": "device-1"},
                )

            sign_in(client)
            sign_in(client)
            hooked = cognito.with_analytics(cognito_client(url), pinpoint, endpoint_id="device-1")
            # A wrong password it refuses with InvalidPasswordException, which the service does not.
            with pytest.raises(ClientError, match="NotAuthorizedException"):
                sign_in(hooked, "nobody")
            client.close()
            hooked.close()
        assert pinpoint.flush().pending == 0
        analytics = pinpoint.analytics
        totals = (analytics.sign_ups(), analytics.sign_ins(), analytics.auth_failures())
        assert [series.total for series in totals] == [1, 2, 1]
        users = {event.user_id for event in pinpoint.events.find(type="_userauth.sign_in")}
        assert users == {user_id}
