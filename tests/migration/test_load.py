"""Loading: paced, tried again item by item, kept where it is, and the same when it is repeated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from pinpoint_kit.errors import ConfigurationError, Forbidden, TransportError
from pinpoint_kit.migration.customer_profiles import convert, load
from tests.migration.outputs import write_lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Answer = Callable[[list[dict[str, str]]], dict[str, Any]]


class Clock:
    """A time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.now += seconds


class Service:
    """Customer Profiles, as far as it takes profile objects: one a key."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.objects: dict[str, dict[str, Any]] = {}
        self.types: list[dict[str, Any]] = []
        self.sizes: list[int] = []
        self.times: list[float] = []
        #: What the next calls answer instead.
        self.faults: list[Answer | Exception] = []

    def put_profile_object_type(self, **params: Any) -> dict[str, Any]:
        self.types.append(params)
        return {}

    def batch_put_profile_object(self, **params: Any) -> dict[str, Any]:
        items = params["Items"]
        self.sizes.append(len(items))
        self.times.append(self.clock.now)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault(items)
        return self.take(items)

    def take(self, items: list[dict[str, str]]) -> dict[str, Any]:
        for item in items:
            found = json.loads(item["Object"])
            self.objects[found["AccountNumber"]] = found
        return {
            "Successful": [{"Id": item["Id"], "ProfileObjectUniqueKey": "k"} for item in items],
            "Failed": [],
        }


def _refusal(status: int, code: str, message: str = "") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},  # type: ignore[typeddict-item]
        },
        "BatchPutProfileObject",
    )


@pytest.fixture
def clock() -> Clock:
    """Return a time that stands still."""
    return Clock()


@pytest.fixture
def service(clock: Clock) -> Service:
    """Return a service that takes everything."""
    return Service(clock)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return a conversion of 95 profiles in three parts."""
    endpoints = [
        {"Id": f"e-{number:03}", "User": {"UserId": f"u{number:03}"}} for number in range(95)
    ]
    convert(write_lines(tmp_path / "e.json", *endpoints), tmp_path / "out", profiles_per_file=40)
    return tmp_path / "out"


def _load(out: Path, service: Service, **options: Any) -> Any:
    clock = service.clock
    return load(out, "shop", client=service, sleep=clock.sleep, clock=clock, **options)


def test_all_profiles_are_put_in_tens_at_the_pace(out: Path, service: Service) -> None:
    """The object type first, then ten objects a call, no more a second than allowed."""
    report = _load(out, service, rate=20.0)
    assert (report.loaded, report.failed) == (95, 0)
    assert len(service.objects) == 95
    assert service.types[0]["ObjectTypeName"] == "PinpointProfile"
    assert max(service.sizes) == 10
    assert service.clock.now >= 85 / 20.0
    gaps = [after - before for before, after in zip(service.times, service.times[1:], strict=False)]
    assert min(gaps) >= 5 / 20.0


def test_only_failed_items_are_sent_again(out: Path, service: Service) -> None:
    """Of a batch that fails in part, what may pass is tried again, the rest is refused."""

    def fails(items: list[dict[str, str]]) -> dict[str, Any]:
        service.take(items[3:])
        return {
            "Successful": [{"Id": item["Id"], "ProfileObjectUniqueKey": "k"} for item in items[3:]],
            "Failed": [
                {"Id": items[0]["Id"], "Code": 429, "Message": "slow"},
                {"Id": items[1]["Id"], "Code": 400, "Message": "a concurrent update in-progress"},
                {"Id": items[2]["Id"], "Code": 400, "Message": "no"},
            ],
        }

    service.faults = [fails]
    report = _load(out, service)
    assert service.sizes[:2] == [10, 2]
    assert (report.loaded, report.failed) == (94, 1)
    assert [(each.file, each.line, each.code) for each in report.first_failed] == [
        ("profiles/profiles-00001.jsonl", 3, "400")
    ]
    assert (out / "load-failed.csv").read_text().splitlines() == [
        *("file,line,code", "profiles/profiles-00001.jsonl,3,400")
    ]


def test_a_bad_object_does_not_take_others_with_it(out: Path, service: Service) -> None:
    """Where a whole call is refused for its content, each object goes by itself."""
    bad = _refusal(400, "BadRequestException", "no")
    service.faults = [bad, service.take, bad]
    report = _load(out, service)
    assert (report.loaded, report.failed) == (94, 1)
    assert report.first_failed[0].line == 2


def test_throttling_slows_down(out: Path, service: Service) -> None:
    """A throttled call is repeated later, and what follows is slower for a while."""
    service.faults = [
        _refusal(429, "ThrottlingException"),
        EndpointConnectionError(endpoint_url="x"),
    ]
    report = _load(out, service, rate=1_000.0)
    assert (report.loaded, report.failed) == (95, 0)
    assert service.clock.now > 95 / 1_000.0


def test_it_ends_when_nothing_helps(out: Path, service: Service) -> None:
    """No answer, or a refusal that concerns all, ends the call; the next one goes on."""
    service.faults = [EndpointConnectionError(endpoint_url="x")] * 6
    with pytest.raises(TransportError):
        _load(out, service)
    service.faults = [*([service.take] * 5), _refusal(403, "AccessDeniedException")]
    with pytest.raises(Forbidden):
        _load(out, service)
    assert _load(out, service).loaded == 95


def test_it_goes_on_where_it_was(out: Path, service: Service) -> None:
    """What is done is not sent again after an interruption, part by part."""
    service.faults = [*([service.take] * 5), RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        _load(out, service)
    assert len(service.objects) == 50
    service.sizes.clear()
    report = _load(out, service)
    assert sum(service.sizes) == 55  # the first part of 40 was noted, and its 10 successors not
    assert (report.loaded, len(service.objects)) == (95, 95)


def test_it_goes_on_after_the_same_conversion(out: Path, service: Service) -> None:
    """The whole command can be repeated: profiles that are the same are not sent again."""
    service.faults = [*([service.take] * 5), RuntimeError("killed")]
    with pytest.raises(RuntimeError):
        _load(out, service)
    convert(out.parent / "e.json", out, profiles_per_file=40)
    service.sizes.clear()
    assert _load(out, service).loaded == 95
    assert sum(service.sizes) == 55


def test_again_is_the_same(out: Path, service: Service) -> None:
    """A second load puts the same objects under the same keys."""
    _load(out, service)
    first = dict(service.objects)
    assert _load(out, service).loaded == 95
    assert service.objects == first


def test_mistakes_are_told(tmp_path: Path, out: Path, service: Service) -> None:
    """A folder without a conversion, CSV, and a rate of nothing are refused."""
    with pytest.raises(ConfigurationError, match="run convert"):
        _load(tmp_path, service)
    with pytest.raises(ConfigurationError, match="rate"):
        _load(out, service, rate=0)
    source = write_lines(tmp_path / "e.json", {"Id": "1"})
    convert(source, tmp_path / "csv", format="csv")
    with pytest.raises(ConfigurationError, match="jsonl"):
        _load(tmp_path / "csv", service)


def test_the_service_model_takes_the_requests(tmp_path: Path) -> None:
    """Botocore finds nothing wrong with the object type and the objects."""
    endpoint = {
        "Id": "e",
        "Attributes": {"n" * 200: ["v"], "a b": ["1", "2"]},
        "User": {"UserId": "u", "UserAttributes": {"é": ["x"]}},
    }
    convert(write_lines(tmp_path / "e.json", endpoint), tmp_path / "out")
    session = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="eu-west-1")
    client: Any = session.client("customer-profiles")
    with Stubber(client) as stub:
        stub.add_response("put_profile_object_type", {"ObjectTypeName": "T", "Description": "d"})
        stub.add_response(
            "batch_put_profile_object",
            {"Successful": [{"Id": "0", "ProfileObjectUniqueKey": "k"}], "Failed": []},
        )
        assert load(tmp_path / "out", "shop", client=client).loaded == 1
        stub.assert_no_pending_responses()
