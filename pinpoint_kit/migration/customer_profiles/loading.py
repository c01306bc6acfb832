"""`load`: the profiles of a conversion into a domain of Amazon Connect Customer Profiles.

Ten objects a call, no faster than the domain takes them. Each object has a key, so that putting it
again changes nothing; what is done is kept in the folder, and a call that was interrupted goes on
there. The suppression list and the devices have no place in Customer Profiles and are not sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import orjson

from pinpoint_kit.errors import ConfigurationError
from pinpoint_kit.migration.customer_profiles.outputs import Outputs
from pinpoint_kit.migration.customer_profiles.putting import MOST_ITEMS, Item, Pace, Putter
from pinpoint_kit.migration.customer_profiles.report import ConversionProgress
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import boto3

__all__ = ["LoadReport", "RefusedProfile", "load"]

_STATE = "load.json"
_FAILED = "load-failed.csv"
_FIRST_FAILED = 100
#: Between two notes of how far it is, in objects.
_KEPT_EVERY = 1_000
#: As many are listed; more are counted.
_MOST_FAILED = 10_000
_BUFFER_BYTES = 1 << 20


@attrs.frozen(kw_only=True)
class RefusedProfile:
    """A profile object that Customer Profiles did not take.

    Args:
        file: its file below the folder.
        line: its line there.
        code: the code of the service, an HTTP status for one of a batch.
    """

    file: str
    line: int
    code: str


@attrs.frozen(kw_only=True)
class LoadReport:
    """What `load` has done, over all its runs.

    Args:
        domain: the domain.
        loaded: profile objects that the service took.
        failed: profile objects that it refused; `load-failed.csv` has the first 10,000 of these.
        first_failed: the first 100 of these.
    """

    domain: str
    loaded: int
    failed: int
    first_failed: Sequence[RefusedProfile]

    def to_dict(self) -> dict[str, object]:
        """Return the report as JSON."""
        return attrs.asdict(self)

    def __str__(self) -> str:
        text = f"{self.domain}: {self.loaded:,} profile objects loaded, {self.failed:,} refused"
        return text + ("; load-failed.csv has their lines" if self.failed else "")


def load(  # noqa: PLR0913 -- keyword-only options
    out: str | Path,
    domain: str,
    *,
    region: str | None = None,
    session: boto3.session.Session | None = None,
    client: object = None,
    rate: float = 100.0,
    sleep: Callable[[float], object] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    on_progress: Callable[[ConversionProgress], object] | None = None,
) -> LoadReport:
    """Put the profiles that `convert` has written into Customer Profiles.

    Makes or updates the object type first. Needs `profile:PutProfileObjectType`
    and `profile:BatchPutProfileObject`. The same call goes on after an
    interruption; when all is done, it starts again, which changes nothing.

    Args:
        out: the folder of a conversion with `format="jsonl"`.
        domain: the name of the domain, which must exist.
        region: its Region; the session's unless given.
        session: a boto3 session, for its credentials.
        client: a boto3 client for `customer-profiles` to use as it is.
        rate: profile objects a second at most. AWS takes 100 unless it has raised your quota.
        sleep: waits, in seconds; for tests.
        clock: tells seconds; for tests.
        on_progress: is told how far it is.

    Returns:
        What was taken and what was refused.

    Raises:
        ConfigurationError: there is no conversion in the folder, its profiles are CSV, or there are
            no credentials.
        ServiceError: AWS refuses the domain, the object type or all that is sent.
        TransportError: no answer came, however often it was tried.
    """
    folder = Path(out)
    parts = sorted((folder / "profiles").glob("profiles-*.jsonl"))
    if not (folder / "report.json").is_file():
        raise ConfigurationError(f"there is no conversion in {folder}: run convert first")
    report = orjson.loads((folder / "report.json").read_bytes())
    if not parts and report.get("profiles"):
        raise ConfigurationError(
            f'the profiles in {folder} are CSV, for the S3 connector: convert with format="jsonl"'
        )
    if rate <= 0:
        raise ConfigurationError("rate must be more than 0")
    putter = Putter(client or _made(session, region), domain, Pace(rate, sleep, clock), sleep)
    loader = _Loader(folder, domain, putter)
    return loader.run(parts, int(report.get("profiles", 0)), on_progress or (lambda _: None))


def _made(session: boto3.session.Session | None, region: str | None) -> object:
    import boto3 as aws  # noqa: PLC0415 -- loaded when used
    from botocore.config import Config  # noqa: PLC0415 -- as above
    from botocore.exceptions import BotoCoreError  # noqa: PLC0415 -- as above

    try:
        session = session or aws.session.Session()
        if session.get_credentials() is None:
            raise ConfigurationError(
                "no AWS credentials: configure a profile, a role or environment variables"
            )
        return session.client(
            "customer-profiles",
            region_name=region,
            config=Config(
                retries={"total_max_attempts": 1, "mode": "standard"},  # tried again here
                user_agent_extra=f"pinpoint_kit/{VERSION}",
            ),
        )
    except BotoCoreError as error:
        raise ConfigurationError(
            f"{type(error).__name__}: Customer Profiles cannot be used: check the Region and the"
            " credentials"
        ) from error


class _Loader:
    def __init__(
        self,
        folder: Path,
        domain: str,
        putter: Putter,
    ) -> None:
        self._folder = folder
        self._domain = domain
        self._putter = putter
        self._outputs = Outputs(folder)
        self._state: dict[str, Any] = {}

    def run(
        self,
        parts: Sequence[Path],
        total: int,
        on_progress: Callable[[ConversionProgress], object],
    ) -> LoadReport:
        object_type = orjson.loads((self._folder / "object-type.json").read_bytes())
        self._state = self._restored(parts)
        self._putter.put_type(object_type)
        for number in range(self._state["part"], len(parts)):
            self._load(parts[number], total, on_progress)
            self._keep(part=number + 1, line=0)
        self._keep(is_over=True)
        failed = self._failed()
        self._outputs.write_csv(
            _FAILED,
            ("file", "line", "code"),
            ((each.file, each.line, each.code) for each in failed),
        )
        return LoadReport(
            domain=self._domain,
            loaded=self._state["loaded"],
            failed=self._state["refused"],
            first_failed=failed[:_FIRST_FAILED],
        )

    def _restored(self, parts: Sequence[Path]) -> dict[str, Any]:
        """Return how far an earlier call came with these files and this domain."""
        files = [[each.name, _digest(each)] for each in parts]
        signature = [self._domain, *files]
        fresh = {
            "signature": signature,
            "part": 0,
            "line": 0,
            "loaded": 0,
            "refused": 0,
            "failed": [],
            "is_over": False,
        }
        with contextlib.suppress(OSError, orjson.JSONDecodeError):
            kept = orjson.loads((self._folder / _STATE).read_bytes())
            if kept.keys() == fresh.keys() and kept["signature"] == signature:
                return fresh if kept["is_over"] else dict(kept)
        return fresh

    def _keep(self, **changed: object) -> None:
        self._state.update(changed)
        self._outputs.write_json(_STATE, self._state)

    def _failed(self) -> list[RefusedProfile]:
        return [
            RefusedProfile(file=file, line=line, code=code)
            for file, line, code in self._state["failed"]
        ]

    def _load(
        self, part: Path, total: int, on_progress: Callable[[ConversionProgress], object]
    ) -> None:
        since = 0
        for items in _batches(part, self._state["line"]):
            for item, code in self._putter.put(items).items():
                name = f"profiles/{part.name}"
                if code:
                    self._state["refused"] += 1
                    if len(self._state["failed"]) < _MOST_FAILED:
                        self._state["failed"].append([name, item.line, code])
                else:
                    self._state["loaded"] += 1
            since += len(items)
            self._state["line"] = items[-1].line
            if since >= _KEPT_EVERY:
                since = 0
                self._keep()
                on_progress(self._progress(total))
        on_progress(self._progress(total))

    def _progress(self, total: int) -> ConversionProgress:
        done = self._state["loaded"] + self._state["refused"]
        return ConversionProgress(stage="loading", done=done, total=total)


def _digest(part: Path) -> str:
    """Return a hash of a file: one that is converted again is the same, and not anew."""
    whole = hashlib.sha256()
    with part.open("rb") as file:
        while content := file.read(_BUFFER_BYTES):
            whole.update(content)
    return whole.hexdigest()


def _batches(part: Path, done: int) -> Iterator[list[Item]]:
    with part.open("rb") as file:
        items: list[Item] = []
        for number, line in enumerate(file, start=1):
            if number <= done:
                continue
            items.append(Item(number, line.rstrip(b"\n").decode()))
            if len(items) == MOST_ITEMS:
                yield items
                items = []
        if items:
            yield items
