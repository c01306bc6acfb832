"""The files of examples/deploy: systemd, nginx and the server take them as they are."""

from __future__ import annotations

import datetime as dt
import importlib
import ipaddress
import json
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack, closing
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import boto3
import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import pinpoint_kit as pk
from pinpoint_kit import Endpoint
from tests.ports import held_port
from tests.server.conftest import PATIENCE
from tests.server.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import click

DEPLOY = Path(__file__).resolve().parents[2] / "examples" / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("pinpoint-kit*"))
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
SYSTEMD_ANALYZE = shutil.which("systemd-analyze")
PROGRAM = "/opt/pinpoint-kit/bin/pinpoint-kit"
#: In tenths, as systemd counts: 20 is what it calls OK, 96 is a unit without any hardening.
MOST_EXPOSED = 20

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
needs_systemd = pytest.mark.skipif(
    SYSTEMD_ANALYZE is None, reason="systemd-analyze is not installed"
)


def replaced(text: str, changes: Mapping[str, str]) -> str:
    """Return the text with other places in it, all of which must occur."""
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


def run(*command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # noqa: S603 -- our own


@needs_systemd
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """No unit has an unknown setting or a program that is not there."""
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        (tmp_path / name).write_text(text.replace(PROGRAM, sys.executable))
    checked = run(str(SYSTEMD_ANALYZE), "verify", *(tmp_path / name for name in UNITS))
    assert (checked.returncode, checked.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_the_services_are_confined(name: str) -> None:
    """Seen by systemd, there is little that a service could do beside its work."""
    options = ["--offline=true", f"--threshold={MOST_EXPOSED}"]
    checked = run(str(SYSTEMD_ANALYZE), "security", *options, DEPLOY / name)
    if "unrecognized option" in checked.stderr:
        pytest.skip("this systemd cannot look at a file")
    assert checked.returncode == 0, checked.stdout.splitlines()[-1]


def test_the_units_call_commands_that_exist() -> None:
    """Every command line of a unit has a known command, known options and the same database."""
    cli: click.Group = importlib.import_module("pinpoint_kit.cli").cli
    lines = [
        line.partition(PROGRAM)[2].rstrip("'")
        for name in UNITS
        for line in (DEPLOY / name).read_text().splitlines()
        if line.startswith("ExecStart=")
    ]
    databases = set()
    for name, *arguments in map(shlex.split, lines):
        context = cli.commands[name].make_context(name, arguments)
        databases.add(context.params["url"])
    assert len(lines) == 2
    assert databases == {"sqlite:////var/lib/pinpoint-kit/pinpoint.db"}


def test_all_mean_the_same_server() -> None:
    """Both nginx and Prometheus ask the port at which the command listens by itself."""
    serve = importlib.import_module("pinpoint_kit.cli").cli.commands["serve"]
    address = "127.0.0.1:{}".format(serve.make_context("serve", []).params["port"])
    assert f"server {address};" in (DEPLOY / "nginx.conf").read_text()
    assert f'targets: ["{address}"]' in (DEPLOY / "prometheus.yml").read_text()
    assert "--port" not in (DEPLOY / "pinpoint-kit.service").read_text()


def write_certificate(folder: Path) -> Path:
    """Make a certificate for this machine, signed by itself, and its key; return the former."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.timezone.utc)
    names: list[x509.GeneralName] = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
    ]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "tls.key").write_bytes(private)
    (folder / "tls.pem").write_bytes(certificate.public_bytes(pem))
    return folder / "tls.pem"


class Proxy:
    """nginx with the example's settings, at another port and in a folder of its own."""

    def __init__(self, folder: Path, port: int, *upstreams: int, **changes: str) -> None:
        self.log = folder / "pinpoint-kit.log"
        self.error_log = folder / "pinpoint-kit-error.log"
        self.certificate = write_certificate(folder)
        self.port = port
        places = {
            "listen 443 ssl;": f"listen 127.0.0.1:{self.port} ssl;",
            "listen [::]:443 ssl;": "",
            "/etc/nginx/tls/pinpoint.example.com": f"{folder}/tls",
            "/var/log/nginx": str(folder),
        }
        site = (DEPLOY / "nginx.conf").read_text()
        if len(upstreams) == 1:
            places |= {"127.0.0.1:8025": f"127.0.0.1:{upstreams[0]}"}
        else:
            places |= {
                f"10.0.0.1{n}:8025": f"127.0.0.1:{port}" for n, port in enumerate(upstreams, 1)
            }
            two = (DEPLOY / "two-servers.conf").read_text()
            site = re.sub(r"^upstream .*?^}\n", lambda _: two, site, flags=re.DOTALL | re.MULTILINE)
        site = replaced(site, places | changes)
        kinds = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
        main = [
            "daemon off;",
            f"pid {folder}/pid;",
            "events {}",
            "http {",
            *(f"{kind}_temp_path {folder}/{kind};" for kind in kinds),
            site,
            "}",
        ]
        (folder / "nginx.conf").write_text("\n".join(main))
        self.command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")]
        self.command += ["-e", str(self.error_log)]

    def start(self) -> subprocess.Popen[bytes]:
        """Start it, and wait until it listens."""
        process = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)  # noqa: S603 -- our own
        end = time.monotonic() + PATIENCE
        while process.poll() is None and time.monotonic() < end:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self.port)) == 0:
                    return process
            time.sleep(0.02)
        process.kill()
        raise AssertionError(self.error_log.read_text())

    def status_of(self, path: str) -> int:
        """Asks for a path exactly as it is written, unsigned."""
        trusted = ssl.create_default_context(cafile=self.certificate)
        with closing(HTTPSConnection("localhost", self.port, context=trusted)) as connection:
            connection.request("GET", path)
            return connection.getresponse().status

    def client(self, key: Mapping[str, str]) -> Any:
        """boto3 with an access key; it trusts nobody but this nginx."""
        return boto3.client(
            "pinpoint",
            region_name="us-east-1",
            endpoint_url=f"https://localhost:{self.port}",
            aws_access_key_id=key["access_key_id"],
            aws_secret_access_key=key["secret_access_key"],
            verify=str(self.certificate),
            config=Config(retries={"total_max_attempts": 1}),
        )


@needs_nginx
def test_nginx_accepts_the_settings(tmp_path: Path) -> None:
    """`nginx -t` finds nothing wrong, and nothing to warn of."""
    checked = run(*Proxy(tmp_path, 8443, 8025).command, "-t")
    assert checked.returncode == 0, checked.stderr
    assert "warn" not in checked.stderr


@attrs.frozen
class Front:
    """nginx before a server that asks for credentials, and a client that has them."""

    proxy: Proxy
    served: Served
    client: Any
    app: str

    def update(self, endpoint: str, note: str = "") -> None:
        self.client.update_endpoint(
            ApplicationId=self.app,
            EndpointId=endpoint,
            EndpointRequest={"Attributes": {"note": [note]}},
        )

    def refusal(self, endpoint: str, note: str = "") -> tuple[str, int]:
        """Send an update, and return how it is refused."""
        with pytest.raises(ClientError) as caught:
            self.update(endpoint, note)
        answer = caught.value.response
        return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def make_key(path: Path) -> dict[str, str]:
    """Write a file with an access key for everything, and return the key."""
    command = [sys.executable, "-m", "pinpoint_kit.cli", "credentials", "add", str(path)]
    made = run(*command, "--all-applications", "--access", "read-write", "--json")
    key: dict[str, str] = json.loads(made.stdout)
    return key


@pytest.fixture
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Front]:
    """Both, with the changes of nginx's settings that the test asks for."""
    keys = tmp_path / "credentials.ini"
    key = make_key(keys)
    with ExitStack() as stack:
        served = Served(tmp_path / "served.db", 1, "--credentials", str(keys))
        stack.callback(served.kill)
        port = stack.enter_context(held_port())
        proxy = Proxy(tmp_path, port, served.port, **getattr(request, "param", {}))
        process = proxy.start()
        stack.callback(process.wait, PATIENCE)
        stack.callback(process.terminate)
        client = stack.enter_context(closing(proxy.client(key)))
        created = client.create_app(CreateApplicationRequest={"Name": "shop"})
        yield Front(proxy, served, client, created["ApplicationResponse"]["Id"])


@needs_nginx
@pytest.mark.slow
def test_signed_requests_through_nginx(front: Front) -> None:
    """What is signed for the public name comes through unchanged, whatever an id looks like."""
    for endpoint in ("a/b", "//", "a%2Fb", "a b+c", "é😀", "a?b#c", "..%2F..", "a\\b"):
        front.update(endpoint)
        found = front.client.get_endpoint(ApplicationId=front.app, EndpointId=endpoint)
        assert found["EndpointResponse"]["Id"] == endpoint
    found = front.client.get_apps(PageSize="1")["ApplicationsResponse"]["Item"]
    assert [app["Id"] for app in found] == [front.app]


@needs_nginx
@pytest.mark.slow
def test_strangers_before_nginx(front: Front) -> None:
    """Without a known key the answer is the server's own, and its probes cannot be seen at all."""
    stranger = {"access_key_id": "PKNOBODY", "secret_access_key": "x" * 32}
    with closing(front.proxy.client(stranger)) as client:
        other = attrs.evolve(front, client=client)
        assert other.refusal("device-1") == ("UnrecognizedClientException", 403)
    for path in ("/metrics", "/%6detrics", "//metrics", "/v1/../metrics", "/healthz", "/readyz"):
        assert front.proxy.status_of(path) == 404, path
    assert front.proxy.status_of("/v1/apps") == 403


@needs_nginx
@pytest.mark.slow
def test_nginx_writes_no_ids(front: Front) -> None:
    """Its logs have the request id of every answer, and no path, also when there is no server."""
    front.update("device-1")
    front.served.kill()
    assert front.refusal("device-1") == ("502", 502)
    end = time.monotonic() + PATIENCE
    while len(lines := front.proxy.log.read_text().splitlines()) < 3:  # written after the answer
        assert time.monotonic() < end
        time.sleep(0.01)
    assert re.search(r" PUT 202 \d+ \d+ [\d.]+ [0-9a-f-]{36}$", lines[-2])
    assert re.search(r" PUT 502 \d+ \d+ [\d.]+ -$", lines[-1])
    assert front.app not in front.proxy.log.read_text() + front.proxy.error_log.read_text()


@needs_nginx
@pytest.mark.slow
@pytest.mark.parametrize("front", [{"error.log crit;": "error.log info;"}], indirect=True)
def test_bodies_through_nginx(front: Front) -> None:
    """The server judges the size of what is not absurd, and nothing is put on disk on the way."""
    assert front.refusal("device-1", "x" * 6_900_000) == ("BadRequestException", 400)
    assert front.refusal("device-1", "x" * 7_100_000) == ("PayloadTooLargeException", 413)
    assert front.refusal("device-1", "x" * 8_900_000) == ("413", 413)
    assert "too large body" in front.proxy.error_log.read_text()
    assert "temporary file" not in front.proxy.error_log.read_text()


def put_events_of(port: int) -> int:
    """Return how many PutEvents a server has answered, as its own machine may ask."""
    with closing(HTTPConnection("127.0.0.1", port)) as connection:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    found = re.findall(
        r'^pinpoint_kit_requests_total\{.*"PutEvents".*\} ([\d.]+)$', text, re.MULTILINE
    )
    return int(sum(map(float, found)))


@needs_nginx
@pytest.mark.slow
def test_two_servers_on_one_postgresql(
    postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both serve; when one is killed, requests go on, and the SDK's events are stored once each.

    The how-to page is set up as it stands there: the units' options, and nginx with its two files.
    """
    keys = tmp_path / "credentials.ini"
    key = make_key(keys)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", key["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", key["secret_access_key"])
    monkeypatch.setenv("AWS_CA_BUNDLE", str(tmp_path / "tls.pem"))
    with ExitStack() as stack:

        def serve(*options: str) -> Served:
            served = Served(postgresql_url, 1, "--credentials", str(keys), *options)
            stack.callback(served.kill)
            return served

        both = [serve(), serve()]
        port = stack.enter_context(held_port())
        proxy = Proxy(tmp_path, port, *(each.port for each in both))
        process = proxy.start()
        stack.callback(process.wait, PATIENCE)
        stack.callback(process.terminate)
        url = f"https://localhost:{proxy.port}"
        pinpoint = stack.enter_context(pk.connect(url, application="shop", wait=PATIENCE))

        def use(first: int) -> None:
            for number in range(first, first + 30):
                pinpoint.events.record("device-1", "x", event_id=f"event-{number}")
                assert pinpoint.flush(timeout=PATIENCE).pending == 0
                pinpoint.endpoints.update(Endpoint(id="device-1", metrics={"n": number}))
                assert pinpoint.endpoints.get("device-1").metrics == {"n": number}

        use(0)
        assert all(put_events_of(each.port) > 5 for each in both)
        both[0].kill()
        use(30)
        both[0] = serve("--port", str(both[0].port))
        end = time.monotonic() + PATIENCE
        first = 60
        while not put_events_of(both[0].port):
            assert time.monotonic() < end
            use(first)
            first += 30
        stats = pinpoint.delivery.stats()
        assert stats.accepted == stats.recorded == first
        place, _, schema = postgresql_url.rpartition("&schema=")
        with psycopg.connect(place, autocommit=True) as connection:
            rows = connection.execute(f"SELECT event_id FROM {schema}.events").fetchall()  # noqa: S608 -- our own name
    assert sorted(rows) == sorted((f"event-{number}",) for number in range(first))
