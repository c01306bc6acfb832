"""From a URL to a botocore client: hosted, HTTP, or the engine in this process.

This is the one place where the SDK and the engine meet, and they meet on the wire: the engine
answers the client's `before-send` event. One of the three places that may import botocore.
"""

from __future__ import annotations

import contextlib
import functools
import io
import os
import threading
import warnings
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

import attrs
import botocore
import botocore.exceptions as aws
import botocore.loaders
import botocore.session
from botocore import UNSIGNED
from botocore.awsrequest import AWSResponse
from botocore.client import BaseClient
from botocore.config import Config

from pinpoint_kit.engine import Engine
from pinpoint_kit.errors import ConfigurationError, PinpointRetiredWarning
from pinpoint_kit.objects import Objects
from pinpoint_kit.system import forks
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from urllib.parse import SplitResult

    import boto3
    from botocore.awsrequest import AWSPreparedRequest

    from pinpoint_kit.engine.files.files import Files
    from pinpoint_kit.limits import Limits

__all__ = ["DEFAULT_URL", "Door", "open_door", "open_files", "open_objects", "open_served_files"]

DEFAULT_URL = "sqlite:///pinpoint.db"
#: Requests to the engine never leave the process; this name cannot be resolved if one did.
_IN_PROCESS = "http://engine.invalid"
_DEFAULT_REGION = "us-east-1"
_S3_RETRIES: Any = {"total_max_attempts": 5, "mode": "standard"}
_MOST_SHOWN_CHARS = 200
#: How long closing waits for a piece of a job, which is usually over in a tenth of a second.
_CLOSING_S = 5.0

_FORMS = (
    "write sqlite:///FILE for the embedded engine, http://HOST:PORT for a server that speaks the"
    " Pinpoint API, or aws://REGION for the hosted service"
)

Session = "boto3.session.Session | botocore.session.Session"


def open_objects(
    region: str | None = None,
    session: boto3.session.Session | botocore.session.Session | None = None,
) -> Objects:
    """S3 with the credentials of a session, or of this machine; looked for on first use.

    Args:
        region: the Region; that of the session unless given.
        session: a boto3 or botocore session.
    """

    def make_client() -> BaseClient:
        core = _core_session(session)
        known = region or core.get_config_variable("region") or _DEFAULT_REGION
        return core.create_client("s3", region_name=known, config=Config(retries=_S3_RETRIES))

    return Objects(make_client)


def open_files(
    objects: Objects,
    *,
    folders: Sequence[str | os.PathLike[str]] | None = None,
    buckets: Collection[str] | None = None,
) -> Files:
    """What the jobs of an engine may read and write: the disk of this machine, and S3.

    Args:
        objects: who speaks to S3.
        folders: the folders to stay in, after links are followed. None allows the whole disk.
        buckets: the buckets to stay in. None allows whatever the credentials allow.
    """
    from pinpoint_kit.engine.files.files import ByScheme, LocalFiles  # noqa: PLC0415 -- loaded when used
    from pinpoint_kit.engine.files.objects import ObjectFiles  # noqa: PLC0415 -- as above

    return ByScheme({"file": LocalFiles(folders), "s3": ObjectFiles(objects, buckets)})


def open_served_files(folders: Sequence[str], buckets: Sequence[str]) -> Files:
    """What the jobs of a server may use: these places and no others."""
    return open_files(open_objects(), folders=folders, buckets=buckets)


@attrs.define
class Door:
    """An open way to a Pinpoint: the client, what kind it is, and what must be closed."""

    client: BaseClient
    kind: Literal["aws", "http", "engine"]
    url: str
    engine: Engine | None = None
    objects: Objects = attrs.field(factory=open_objects, repr=False)
    _long_work: _LongWork | None = attrs.field(default=None, alias="long_work", repr=False)

    def close(self) -> None:
        """Close what was opened for this door; idempotent."""
        self.client.close()
        if self._long_work is not None:
            self._long_work.close()
        self.objects.close()
        if self.engine is not None:
            self.engine.close()


def open_door(
    url: str,
    *,
    limits: Limits,
    session: boto3.session.Session | botocore.session.Session | None = None,
    timeout: float = 10.0,
) -> Door:
    """Open the door that a URL names.

    Args:
        url: `sqlite:///FILE`, `http(s)://HOST:PORT[?region=REGION]` or
            `aws://REGION[?profile=NAME]`.
        limits: what the embedded engine enforces.
        session: a boto3 or botocore session to take credentials and settings from.
        timeout: seconds to wait for an answer (and at most 5 for a connection).

    Raises:
        ConfigurationError: the URL is malformed or of an unknown kind.
        StoreError: the engine cannot use its database.
    """
    scheme = url.partition(":")[0].lower() if isinstance(url, str) else ""
    if "://" not in str(url):
        raise ConfigurationError(f"{_shown(url)} is not a URL: {_FORMS}")
    if scheme == "sqlite":
        if session is not None:
            raise ConfigurationError("the embedded engine takes no session: leave it out")
        return _engine_door(scheme + url[len(scheme) :], limits, timeout)
    if scheme in {"http", "https"}:
        return _http_door(url, session, timeout)
    if scheme == "aws":
        return _aws_door(url, session, timeout)
    raise ConfigurationError(f"{_shown(url)} is of no kind that is known: {_FORMS}")


def _shown(url: object) -> str:
    """The URL without anything that could be a secret."""
    plain = str(url).rpartition("@")[2].partition("?")[0].partition("#")[0]
    return repr(plain[:_MOST_SHOWN_CHARS])


def _split(url: str, known: str) -> tuple[SplitResult, str | None]:
    """The parts of a URL and the one parameter that it may have."""
    try:
        parts = urlsplit(url)
        query = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise ConfigurationError(f"{_shown(url)} is malformed: {_FORMS}") from None
    if "@" in parts.netloc:
        raise ConfigurationError(
            "a URL is no place for secrets: put access keys into a profile or environment variables"
        )
    if parts.fragment or query.keys() - {known}:
        raise ConfigurationError(
            f"{_shown(url)} may carry ?{known}=... and no other parameter: leave the rest out"
        )
    return parts, query.get(known, [""])[-1] or None


def _config(timeout: float, *, unsigned: bool) -> Config:
    return Config(
        retries={"total_max_attempts": 1, "mode": "standard"},  # ours are in the transport
        connect_timeout=min(5.0, timeout),
        read_timeout=timeout,
        # A finished text: botocore would put its own together at every request, twice.
        user_agent=f"pinpoint_kit/{VERSION} botocore/{botocore.__version__}",
        **({"signature_version": UNSIGNED} if unsigned else {}),
    )


def _engine_door(url: str, limits: Limits, timeout: float) -> Door:
    from pinpoint_kit.engine import Engine  # noqa: PLC0415 -- SQLAlchemy is loaded only when used

    place = url.partition("://")[2]
    if place[:1] not in {"", "/", "?"}:
        raise ConfigurationError(
            f"{_shown(url)} names a host, and a file has none: write sqlite:///FILE with three"
            " slashes, or four before an absolute path"
        )
    if "?" in url:
        raise ConfigurationError(f"{_shown(url)}: a sqlite URL takes no parameters: leave them out")
    objects = open_objects()
    engine = Engine.open(url, limits=limits, files=open_files(objects))
    try:
        # The engine needs nothing of the machine's AWS settings, so none of them can break it.
        isolated = {
            name: (None, None, default, conversion)
            for name, (
                _,
                _,
                default,
                conversion,
            ) in botocore.session.Session.SESSION_VARIABLES.items()
        }
        for file in ("config_file", "credentials_file"):
            isolated[file] = (None, None, os.devnull, None)
        session = botocore.session.Session(session_vars=isolated)
        session.register_component("data_loader", _loader())
        client = session.create_client(
            "pinpoint",
            region_name=_DEFAULT_REGION,
            endpoint_url=_IN_PROCESS,
            verify=True,  # and no look at the environment for certificates
            config=_config(timeout, unsigned=True),
        )
    except BaseException:
        engine.close()
        raise
    client.meta.events.register_first(
        "before-send.pinpoint",
        _Answers(engine),  # type: ignore[arg-type]  # the stubs deny what botocore documents
    )
    return Door(client, "engine", url, engine, objects, long_work=_LongWork(engine))


class _LongWork:
    """Lets an engine's jobs go on, on a daemon thread that is there only while there are some."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_closed = False
        self.renew()
        forks.watch(self, forks.Layer.WORK, after_in_child=_LongWork.renew)
        engine.on_work(self.wake)
        if engine.wait_s() is not None:  # what was left unfinished
            self.wake()

    def renew(self) -> None:
        """Begin anew, without a thread; a forked child has only the thread that forked."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_woken = False

    def wake(self) -> None:
        """Say that there may be work now."""
        with self._changed:
            self._is_woken = True
            self._changed.notify()
            if self._thread is not None or self._is_closed:
                return
            thread = threading.Thread(target=self._run, name="pinpoint-jobs", daemon=True)
            # The interpreter may be about to exit; then the next start goes on.
            with contextlib.suppress(RuntimeError):
                thread.start()
                self._thread = thread

    def close(self) -> None:
        """End the thread after the piece of work that it is doing, and wait for that."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
            thread = self._thread
        forks.forget(self)
        if thread is not None:
            thread.join(_CLOSING_S)

    def _run(self) -> None:
        while self._wait():
            while not self._is_closed and self._engine.step():
                pass

    def _wait(self) -> bool:
        """Wait for work; False when there is none to wait for."""
        seconds = self._engine.wait_s()
        with self._changed:
            if seconds is None and not self._is_woken:
                self._thread = None
                return False
            if seconds and not self._is_woken and not self._is_closed:
                self._changed.wait(seconds)  # somebody else works, and may die
            self._is_woken = False
            if self._is_closed:
                self._thread = None
            return not self._is_closed


@functools.cache
def _loader() -> botocore.loaders.Loader:
    """Reads the service model, 0.5 MB of JSON, once a process instead of once a client."""
    return botocore.loaders.create_loader()


class _Answers:
    """Answers a client's requests from the engine, in place of the network."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        from pinpoint_kit.engine import Request  # noqa: PLC0415 -- as above

        url = urlsplit(request.url)
        body = request.body or b""
        answer = self._engine.handle(
            Request(
                method=request.method,
                path=url.path,
                query=url.query,
                headers={name.lower(): _text(value) for name, value in request.headers.items()},
                body=body.encode() if isinstance(body, str) else bytes(body),  # type: ignore[arg-type]
            )
        )
        return AWSResponse(
            request.url,
            answer.status,
            dict(answer.headers),  # type: ignore[arg-type]  # the stubs want http.client's
            _Raw(answer.body),
        )


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


class _Raw(io.BytesIO):
    """What botocore reads an answer from: urllib3's response, as far as it is used."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """All of the body."""
        content = self.read()
        while content:
            yield content
            content = self.read()


def _http_door(
    url: str, session: boto3.session.Session | botocore.session.Session | None, timeout: float
) -> Door:
    parts, region = _split(url, "region")
    try:
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        has_host = False
    if not has_host:
        raise ConfigurationError(f"{_shown(url)} names no host and port: write http://HOST:PORT")
    core = _core_session(session)
    endpoint = parts._replace(query="").geturl()
    try:
        if session is None:
            # Asking the instance metadata service would only delay a client of another server.
            core.get_component("credential_provider").remove("iam-role")
        region = region or core.get_config_variable("region") or _DEFAULT_REGION
        client = core.create_client(
            "pinpoint",
            region_name=region,
            endpoint_url=endpoint,
            config=_config(timeout, unsigned=core.get_credentials() is None),
        )
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"{_shown(url)} cannot be used: {type(error).__name__}: {error}"
        ) from error
    _warn_if_hosted(client)
    return Door(client, "http", endpoint, objects=open_objects(session=session))


def _aws_door(
    url: str, session: boto3.session.Session | botocore.session.Session | None, timeout: float
) -> Door:
    parts, profile = _split(url, "profile")
    if parts.path not in {"", "/"}:
        raise ConfigurationError(f"{_shown(url)} is not of the form aws://REGION[?profile=NAME]")
    if profile and session is not None:
        raise ConfigurationError("give a session or a profile in the URL, not both")
    try:
        core = botocore.session.Session(profile=profile) if profile else _core_session(session)
        client = core.create_client(
            "pinpoint",
            region_name=parts.netloc or None,
            config=_config(timeout, unsigned=False),
        )
    except (aws.BotoCoreError, ValueError) as error:
        raise ConfigurationError(
            f"{_shown(url)} cannot be used: {type(error).__name__}: {error}: write"
            " aws://REGION[?profile=NAME], and check the profile"
        ) from error
    _warn_if_hosted(client)
    objects = open_objects(client.meta.region_name, core)
    return Door(client, "aws", f"aws://{client.meta.region_name}", objects=objects)


def _warn_if_hosted(client: BaseClient) -> None:
    host = urlsplit(client.meta.endpoint_url).hostname or ""
    if host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws")):
        warnings.warn(
            "Amazon Pinpoint ended on 2026-10-30: endpoints, segments, campaigns and analytics are"
            " gone there. Use sqlite:///FILE or an http:// server instead; see the retirement page",
            PinpointRetiredWarning,
            stacklevel=5,
        )


def _core_session(session: Any) -> botocore.session.Session:  # noqa: ANN401 -- boto3's or botocore's
    if session is None:
        return botocore.session.get_session()
    # boto3 wraps a botocore session and shows it under this name.
    core = getattr(session, "_session", session)
    if not isinstance(core, botocore.session.Session):
        raise ConfigurationError(
            f"session is a {type(session).__name__}: pass a boto3 or botocore session"
        )
    return core
