"""What several tests of the audience need: an engine behind a socket, a stub, and a bucket."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from pinpoint_kit.doors import open_objects
from pinpoint_kit.engine import Engine, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pinpoint_kit.objects import Objects

#: The service model is read once for all tests.
LOADER = botocore.session.Session().get_component("data_loader")
BUCKET = "audience"


@contextmanager
def served() -> Iterator[str]:
    """Yield the URL of an empty engine behind a socket."""
    engine = Engine.open("sqlite://")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _answer(self) -> None:
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            answer = engine.handle(Request(self.command, url.path, query=url.query, body=body))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815 -- http.server's names

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join(5)
    engine.close()


@pytest.fixture
def stub(request: pytest.FixtureRequest) -> Iterator[Stubber]:
    """Give a service that gives the answers of a script, and refuses other calls.

    It is AWS's, or the one at the URL that the test hands over as the parameter.
    """
    session = botocore.session.Session()
    session.register_component("data_loader", LOADER)
    client = session.create_client(
        "pinpoint",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        endpoint_url=getattr(request, "param", None),
    )
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture(scope="module")
def _s3() -> Iterator[Any]:
    """S3 with one bucket, as far as this module goes."""
    with mock_aws():  # which also sets credentials, and takes them away again
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def objects(_s3: Any) -> Iterator[Objects]:
    """Give an empty bucket `audience`."""
    objects = open_objects("us-east-1")
    yield objects
    for item in _s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()):
        _s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    objects.close()
