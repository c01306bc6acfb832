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
import tenacity

from pinpoint_kit.errors import BadRequest, ConfigurationError, PinpointKitError, ServiceError
from pinpoint_kit.migration.customer_profiles.outputs import Outputs
from pinpoint_kit.migration.customer_profiles.report import ConversionProgress
from pinpoint_kit.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import boto3

__all__ = ["LoadReport", "RefusedProfile", "load"]

#: Of BatchPutProfileObject.
_MOST_ITEMS = 10
_TRIES = 6
_FIRST_WAIT_S = 0.08
_LONGEST_WAIT_S = 20.0
_STATE = "load.json"
_FAILED = "load-failed.csv"
_FIRST_FAILED = 100
#: Between two notes of how far it is, in objects.
_KEPT_EVERY = 1_000
#: As many are listed; more are counted.
_MOST_FAILED = 10_000
_BUFFER_BYTES = 1 << 20
_TOO_MANY = 429
_SERVER_ERRORS = 500
_CONCURRENT = "concurrent update in-progress"


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
    loader = _Loader(
        folder, domain, client or _made(session, region), _Pace(rate, sleep, clock), sleep
    )
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


class _Pace:
    """So many objects a second, evenly; a throttled call slows down what follows."""

    def __init__(
        self, rate: float, sleep: Callable[[float], object], clock: Callable[[], float]
    ) -> None:
        self._rate = self._most = rate
        self._sleep = sleep
        self._clock = clock
        self._next = clock()

    def wait(self, objects: int) -> None:
        """Wait for the turn of so many objects."""
        now = self._clock()
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + objects / self._rate

    def slow_down(self) -> None:
        """Take fewer from now on."""
        self._rate = max(self._most / 32, self._rate / 2)

    def speed_up(self) -> None:
        """Come back to the rate that was given."""
        self._rate = min(self._most, self._rate * 1.05)


@attrs.frozen
class _Item:
    """One profile object."""

    line: int
    content: str


class _Loader:
    def __init__(
        self,
        folder: Path,
        domain: str,
        client: Any,  # noqa: ANN401 -- botocore's
        pace: _Pace,
        sleep: Callable[[float], object],
    ) -> None:
        self._folder = folder
        self._domain = domain
        self._client = client
        self._pace = pace
        self._sleep = sleep
        self._outputs = Outputs(folder)
        self._type_name = ""
        self._state: dict[str, Any] = {}

    def run(
        self,
        parts: Sequence[Path],
        total: int,
        on_progress: Callable[[ConversionProgress], object],
    ) -> LoadReport:
        object_type = orjson.loads((self._folder / "object-type.json").read_bytes())
        self._type_name = object_type["ObjectTypeName"]
        self._state = self._restored(parts)
        self._call("put_profile_object_type", DomainName=self._domain, **object_type)
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
            for item, code in self._put(items).items():
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

    def _put(self, items: Sequence[_Item]) -> dict[_Item, str]:
        """Put objects, and return for each why it was refused; "" when it was taken."""
        try:
            return self._put_all(items)
        except BadRequest as error:
            if len(items) == 1:
                return {items[0]: error.code or str(error.status)}
        outcomes: dict[_Item, str] = {}
        for item in items:  # one of them is refused, and takes the others with it
            outcomes |= self._put([item])
        return outcomes

    def _put_all(self, items: Sequence[_Item]) -> dict[_Item, str]:
        outcomes: dict[_Item, str] = {}
        left = list(items)
        for attempt in range(_TRIES):
            if attempt:
                self._wait(_FIRST_WAIT_S * 2**attempt)
            self._pace.wait(len(left))
            answer = self._call(
                "batch_put_profile_object",
                DomainName=self._domain,
                ObjectTypeName=self._type_name,
                Items=[
                    {"Id": str(index), "Object": each.content} for index, each in enumerate(left)
                ],
            )
            refused = {str(each.get("Id")): each for each in answer.get("Failed") or ()}
            taken = {str(each.get("Id")) for each in answer.get("Successful") or ()}
            again = []
            for index, item in enumerate(left):
                each = refused.get(str(index))
                if each is None and str(index) in taken:
                    outcomes[item] = ""
                    continue
                outcomes[item] = "NoAnswer" if each is None else str(each.get("Code"))
                if each is None or _is_passing(each.get("Code"), each.get("Message")):
                    again.append(item)
            left = again
            if not left:
                self._pace.speed_up()
                break
        return outcomes

    def _call(self, name: str, **params: object) -> Mapping[str, Any]:
        """Call an operation, again and again where that may help."""
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(_TRIES),
            wait=tenacity.wait_random_exponential(multiplier=_FIRST_WAIT_S, max=_LONGEST_WAIT_S),
            retry=tenacity.retry_if_exception(_may_pass),
            sleep=self._wait,
            reraise=True,
        )
        return retrying(self._once, name, params)

    def _wait(self, seconds: float) -> None:
        self._pace.slow_down()
        self._sleep(seconds)

    def _once(self, name: str, params: Mapping[str, object]) -> Mapping[str, Any]:
        from pinpoint_kit.transport.translation import translating  # noqa: PLC0415 -- loads botocore

        with translating("".join(word.capitalize() for word in name.split("_"))):
            answer: Mapping[str, Any] = getattr(self._client, name)(**params)
        return answer


def _may_pass(error: BaseException) -> bool:
    """Whether the same call may succeed later."""
    if isinstance(error, ServiceError) and _CONCURRENT in error.message:
        return True
    return isinstance(error, PinpointKitError) and error.is_retryable


def _is_passing(code: object, message: object) -> bool:
    """Whether an object that was refused may be taken later."""
    is_later = isinstance(code, int) and (code == _TOO_MANY or code >= _SERVER_ERRORS)
    return is_later or _CONCURRENT in str(message)


def _digest(part: Path) -> str:
    """Return a hash of a file: one that is converted again is the same, and not anew."""
    whole = hashlib.sha256()
    with part.open("rb") as file:
        while content := file.read(_BUFFER_BYTES):
            whole.update(content)
    return whole.hexdigest()


def _batches(part: Path, done: int) -> Iterator[list[_Item]]:
    with part.open("rb") as file:
        items: list[_Item] = []
        for number, line in enumerate(file, start=1):
            if number <= done:
                continue
            items.append(_Item(number, line.rstrip(b"\n").decode()))
            if len(items) == _MOST_ITEMS:
                yield items
                items = []
        if items:
            yield items
