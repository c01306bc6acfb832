"""Loading: everything is checked first, with places; then the best way is taken."""

from __future__ import annotations

import gzip
import io
import pickle
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import pytest

import pinpoint_kit as pk
from pinpoint_kit.audience.loading import Loader
from pinpoint_kit.errors import (
    ConfigurationError,
    Forbidden,
    InvalidRowsError,
    InvalidTypeError,
    NotFound,
    ValidationError,
)
from pinpoint_kit.limits import DEFAULT_LIMITS
from tests.audience.conftest import served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pinpoint_kit.audience.batches import Batches
    from pinpoint_kit.audience.jobs import Jobs
    from pinpoint_kit.objects import Objects

CSV = """\
Id,ChannelType,Address,Metrics.level,Attributes.interests,Attributes.interests,User.UserId
ana,email,ana@example.com,7,music,travel,u-1
,SMS,+351210000000,,travel,,u-1
"""
JSON = """\
{"Id":"ana","ChannelType":"EMAIL","Address":"ana@example.com","Metrics":{"level":7},\
"Attributes":{"interests":["music","travel"]},"User":{"UserId":"u-1"}}

{"ChannelType":"sms","Address":"+351210000000","Attributes":{"interests":["travel"]},\
"User":{"UserId":"u-1"}}
"""


@pytest.fixture
def here() -> Iterator[pk.Pinpoint]:
    """Give an engine in this process."""
    with pk.connect("sqlite://", application="shop") as client:
        yield client


@pytest.fixture
def away() -> Iterator[pk.Pinpoint]:
    """Give an engine behind a socket, which cannot read our files."""
    with served() as url, pk.connect(url, application="shop") as client:
        yield client


@pytest.fixture(params=["here", "away"])
def pinpoint(request: pytest.FixtureRequest) -> pk.Pinpoint:
    """Both."""
    return cast("pk.Pinpoint", request.getfixturevalue(request.param))


def stored(pinpoint: pk.Pinpoint) -> list[tuple[Any, ...]]:
    """Return what is there, as far as the files above say it."""
    return sorted(
        (
            endpoint.address,
            endpoint.channel_type,
            (endpoint.attributes or {}).get("interests"),
            endpoint.metrics or {},
            endpoint.user and endpoint.user.id,
        )
        for endpoint in pinpoint.endpoints.scan()
    )


BOTH = [
    ("+351210000000", "SMS", ["travel"], {}, "u-1"),
    ("ana@example.com", "EMAIL", ["music", "travel"], {"level": 7.0}, "u-1"),
]


def csv_file(folder: Path) -> Any:
    """Return a CSV file, by its path."""
    (folder / "people.csv").write_text(CSV)
    return folder / "people.csv"


def json_file(folder: Path) -> Any:
    """Return a JSON file, by its name, with a byte order mark."""
    (folder / "people.json").write_text("\ufeff" + JSON)
    return str(folder / "people.json")


def compressed_file(folder: Path) -> Any:
    """Return a compressed file, by its URL."""
    (folder / "people.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    return (folder / "people.csv.gz").as_uri()


def records(_: Path) -> Any:
    """Dicts, with plain and dotted names."""
    return [
        {
            "Id": "ana",
            "ChannelType": "email",
            "Address": "ana@example.com",
            "Metrics.level": "7",
            "Attributes": {"interests": ["music", "travel"]},
            "User": {"UserId": "u-1"},
        },
        {
            "ChannelType": "SMS",
            "Address": "+351210000000",
            "Attributes.interests": "travel",
            "Metrics.level": None,
            "User.UserId": "u-1",
        },
    ]


def frame(folder: Path) -> Any:
    """Return a data frame."""
    return pd.DataFrame([*records(folder)[1:], {**records(folder)[0], "Metrics.level": 7}])


def models(_: Path) -> Any:
    """Endpoints, which can be gone through only once."""
    return (
        endpoint
        for endpoint in (
            pk.Endpoint(
                id="ana",
                channel_type="EMAIL",
                address="ana@example.com",
                metrics={"level": 7},
                attributes={"interests": ["music", "travel"]},
                user=pk.User(id="u-1"),
            ),
            pk.Endpoint(
                channel_type="SMS",
                address="+351210000000",
                attributes={"interests": "travel"},
                user=pk.User(id="u-1"),
            ),
        )
    )


SOURCES = [csv_file, json_file, compressed_file, records, frame, models]


@pytest.mark.parametrize("make", SOURCES)
def test_every_source_gives_the_same(
    pinpoint: pk.Pinpoint, tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    """Files, rows and frames load the same endpoints, there and here; again, they only update."""
    report = pinpoint.endpoints.load(make(tmp_path))
    assert (report.accepted, report.rejected, report.total) == (2, 0, 2)
    assert stored(pinpoint) == BOTH
    assert pinpoint.endpoints.load(make(tmp_path)).accepted == 2
    assert stored(pinpoint) == BOTH


def test_a_stream(pinpoint: pk.Pinpoint) -> None:
    """A stream of bytes needs its format."""
    report = pinpoint.endpoints.load(io.BytesIO(CSV.encode()), format="csv")
    assert report.accepted == 2
    with pytest.raises(ValidationError, match="format="):
        pinpoint.endpoints.load(io.BytesIO(CSV.encode()))


def test_ways(here: pk.Pinpoint, away: pk.Pinpoint, tmp_path: Path) -> None:
    """A job where the engine can read the file itself, batches elsewhere; each tells its way."""
    told: list[pk.LoadProgress] = []
    report = here.endpoints.load(csv_file(tmp_path), on_progress=told.append)
    assert report.job is not None
    assert (report.job.total_processed, report.requests) == (2, 0)
    assert [(p.stage, p.done, p.total) for p in (told[0], told[-1])] == [
        ("checking", 2, 2),
        ("importing", 2, 2),
    ]
    assert f"<Job {report.job.id}>" in repr(report)
    told.clear()
    rows = [{"Id": f"e-{n}"} for n in range(2_050)]
    report = away.endpoints.load(rows, on_progress=told.append)
    assert (report.accepted, report.requests, report.job) == (2_050, 21, None)
    assert [p.done for p in told if p.stage == "checking"] == [1_000, 2_000, 2_050]
    assert [p.done for p in told if p.stage == "sending"] == [*range(100, 2_001, 100), 2_050]


def test_events_that_go_out_between_batches(pinpoint: pk.Pinpoint) -> None:
    """What they said of an endpoint may have been overwritten, so it is sent again."""
    new = pk.Endpoint(address="new@example.com", channel_type="EMAIL")

    def record(progress: pk.LoadProgress | None = None) -> None:
        if progress is None or (progress.stage, progress.done) == ("sending", 100):
            pinpoint.events.record("e250", "opened", endpoint=new)
            pinpoint.flush()

    contact = {"Address": "old@example.com", "ChannelType": "EMAIL"}
    rows = [{"Id": f"e{number}", **contact} for number in range(300)]
    pinpoint.endpoints.load(rows, on_progress=record)
    assert pinpoint.endpoints.get("e250").address == "old@example.com"
    record()
    assert pinpoint.endpoints.get("e250").address == "new@example.com"


def test_rows_that_a_job_could_only_update_go_in_batches(
    pinpoint: pk.Pinpoint, tmp_path: Path
) -> None:
    """Without channel type and address a job makes no endpoint, and batches do."""
    (tmp_path / "levels.csv").write_text("Id,Metrics.level\na,7\nb,8\n")
    report = pinpoint.endpoints.load(tmp_path / "levels.csv")
    assert (report.accepted, report.requests, report.job) == (2, 1, None)
    assert pinpoint.endpoints.get("b").metrics == {"level": 8.0}


def test_what_is_exported_can_be_loaded(here: pk.Pinpoint, tmp_path: Path) -> None:
    """A restored audience has the dates and cohorts that it had."""
    here.endpoints.load(models(tmp_path))
    here.jobs.wait(here.jobs.export_endpoints(tmp_path / "out"))
    (part,) = (tmp_path / "out").rglob("*.gz")
    with pk.connect("sqlite://") as other:
        assert other.endpoints.load(part, format="json").accepted == 2
        ours, theirs = (
            {e.id: (e.creation_date, e.cohort_id) for e in found.endpoints.scan()}
            for found in (here, other)
        )
        assert ours == theirs


def test_a_data_frame_may_have_gaps_and_arrays(here: pk.Pinpoint) -> None:
    """What is missing is left out, dates and arrays are read, repeated columns add values."""
    table = pd.DataFrame(
        [
            ["a", np.array(["x", "y"]), "z", np.int64(3), pd.Timestamp("2020-01-01", tz="UTC")],
            ["b", None, np.nan, pd.NA, pd.NaT],
        ],
        columns=["Id", "Attributes.l", "Attributes.l", "Metrics.n", "EffectiveDate"],
    )
    assert here.endpoints.load(table).accepted == 2
    first, second = here.endpoints.scan()
    assert (first.attributes, first.metrics) == ({"l": ["x", "y", "z"]}, {"n": 3.0})
    assert first.effective_date == pd.Timestamp("2020-01-01", tz="UTC")
    assert not second.attributes
    assert not second.metrics
    again = here.endpoints.scan().to_pandas()
    assert here.endpoints.load(again[["Id", "Attributes.l"]]).accepted == 2


def test_an_arrow_table(here: pk.Pinpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `to_arrow` makes can be loaded, batch by batch; a repeated column adds values."""
    pa = pytest.importorskip("pyarrow")
    monkeypatch.setattr("pinpoint_kit.audience.row_sources._AT_ONCE", 2)
    arrays = [["a", "b", "c"], [["x", "y"], None, ["z"]], ["w", None, None], [3, None, 4]]
    names = ["Id", "Attributes.l", "Attributes.l", "Metrics.n"]
    table = pa.Table.from_arrays([pa.array(values) for values in arrays], names=names)
    assert here.endpoints.load(table).accepted == 3
    assert here.endpoints.get("a").attributes == {"l": ["x", "y", "w"]}
    assert not here.endpoints.get("b").metrics
    with pk.connect("sqlite://") as copy:
        assert copy.endpoints.load(here.endpoints.scan().to_arrow()).accepted == 3
        assert copy.endpoints.get("c").metrics == {"n": 4.0}
    with pytest.raises(InvalidRowsError, match="row 1"):
        here.endpoints.load(pa.table({"Id": ["a"], "Metrics.n": ["high"]}))


# Problems


BAD_CSV = (
    b"Id,ChannelType,Address,Metrics.level,Location.Latitude,Attributes.plan\n"
    b"ok,SMS,+1,1,,\n"
    b"secret,PIGEON,+1,1,,\n"
    b"secret,SMS,+1,high,,\n"
    b"secret,SMS,+1,1,north,\n"
    b"secret,SMS,+1,1,,,more\n"
    b"secret,SMS,+1,1,,\xff\n"
    b'secret,SMS,"+1,1,,\n'
    b"secret${},SMS,+1,1,,\n"
    b",SMS,,1,,\n"
    b"secret,SMS,+1,1,," + b"x" * 101 + b"\n"
    b"secret,SMS," + b"x" * 20_000 + b",1,,\n"
    b"ok,SMS,+1,1,,\n"
)
#: Row, column and a part of the message.
BAD_CSV_PROBLEMS = [
    (3, "ChannelType", "use one of"),
    (4, "Metrics.level", "must be a number"),
    (5, "Location.Latitude", "must be a number"),
    (6, "", "has 7 cells where the header has 6"),
    (7, "", "not UTF-8"),
    (8, "", "not valid CSV"),
    (9, "Id", "cannot hold"),
    (10, "", "has no id"),
    (11, "Attributes.plan[0]", "101 characters"),
    (12, "", "at most 15000"),
]
BAD_JSON = (
    b'{"Id":"ok"}\n'
    b"{\n"
    b"[]\n"
    b'{"Id":"secret","Adress":"secret"}\n'
    b'{"Id":"secret","Location":{"Planet":"secret"}}\n'
    b'{"id":"secret"}\n'
    b'{"Id":"secret","Metrics":{"level":"secret"}}\n'
    b'{"Id":"secret","User":{"UserAttributes":{"plan":["' + b"x" * 101 + b'"]}}}\n'
    b'{"User":{"UserId":"secret"}}\n'
    b'{"Id":"secret","Attributes":{"' + b"x" * 51 + b'":["a"]}}\n'
    b'{"Id":"secret","Address":"' + b"x" * 1_000_000 + b'"}\n'
)
BAD_JSON_PROBLEMS = [
    (2, "", "begins an object that goes over lines"),
    (3, "", "is a JSON array: write one object a line"),
    (4, "Adress", "nothing that an endpoint has: correct its name, or leave it out"),
    (5, "Location.Planet", "nothing that an endpoint has"),
    (6, "id", "write Id"),
    (7, "Metrics.level", "expected a number"),
    (8, "User.UserAttributes.plan[0]", "101 characters"),
    (9, "", "names users"),
    (10, f"Attributes.{'x' * 50}", "51 characters"),
    (11, "", "longer than 1000000 bytes"),
]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("people.csv", BAD_CSV, BAD_CSV_PROBLEMS),
        ("people.json", BAD_JSON, BAD_JSON_PROBLEMS),
        ("people.csv", b"", [(1, "", "no header")]),
        ("people.csv", b"Id,Adress\na,b\n", [(1, "", "column 2 of the header is nothing")]),
        ("people.csv", b"\n\nId,Id\na,b\n", [(3, "", "repeats the name")]),
    ],
)
def test_problems_of_a_file(
    pinpoint: pk.Pinpoint, tmp_path: Path, name: str, content: bytes, expected: Any
) -> None:
    """Each wrong row has its line, its column and its reason, and nothing at all is sent."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRowsError, match="nothing was sent: row") as caught:
        pinpoint.endpoints.load(tmp_path / name)
    problems = caught.value.problems
    assert [(p.row, p.column) for p in problems] == [(row, column) for row, column, _ in expected]
    for problem, (_, _, text) in zip(problems, expected, strict=True):
        assert text in problem.message
        assert "secret" not in str(problem)
    assert caught.value.total == len(expected)
    assert list(pinpoint.endpoints.ids()) == []
    assert pinpoint.jobs.list() == []


@pytest.mark.parametrize(
    ("row", "column", "remedy"),
    [
        ({"id": "secret"}, "id", "write Id"),
        ({"Id": "a", "channel_type": "SMS"}, "channel_type", "write ChannelType"),
        ({"Id": "a", "attributes": {"secret": ["x"]}}, "attributes", "write Attributes"),
        ({"Id": "a", "attributes.plan": "secret"}, "attributes.plan", "write Attributes"),
        ({"Id": "a", "user": {"UserId": "secret"}}, "user", "write User"),
        ({"Id": "a", "User": {"attributes": {}}}, "User.attributes", "write User.UserAttributes"),
        ({"Id": "a", "Location": {"country": "secret"}}, "Location.country", "Location.Country"),
        ({"Id": "a", "Mood": "secret"}, "Mood", "correct its name, or leave it out"),
        ({"Id": "a", "Metrics.level": "secret"}, "Metrics.level", "must be a number"),
        ({"Id": "a", "Location.Latitude": "secret"}, "Location.Latitude", "must be a number"),
        ({"Id": "a", "Attributes": {"x": 1}, "Attributes.x": "secret"}, "Attributes.x", "two ways"),
    ],
)
@pytest.mark.parametrize("kind", ["dict", "frame"])
def test_names_in_problems_are_those_that_were_given(
    pinpoint: pk.Pinpoint, row: dict[str, Any], column: str, remedy: str, kind: str
) -> None:
    """Whatever a row comes in, its problem has the name to look for and the name to write."""
    source = [row] if kind == "dict" else pd.DataFrame([row])
    with pytest.raises(InvalidRowsError) as caught:
        pinpoint.endpoints.load(source)
    (problem,) = caught.value.problems
    assert (problem.row, problem.column) == (1, column)
    assert remedy in problem.message
    assert "secret" not in str(problem)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_streams_of_text(pinpoint: pk.Pinpoint, tmp_path: Path, ending: str) -> None:
    """A file that was opened as text and text in memory load like bytes, and stay open."""
    lines = ["Id,ChannelType,Address,Attributes.name", *(f"{n},SMS,+{n},Ä🎉" for n in range(5_000))]
    path = tmp_path / "people.csv"
    path.write_bytes("\ufeff".encode() + ending.join(lines).encode())
    with path.open(encoding="utf-8") as stream:
        assert pinpoint.endpoints.load(stream, format="CSV").accepted == 5_000
        assert stream.read() == ""
    text = io.StringIO('{"Id": "a", "Attributes": {"name": ["Ä"]}}\n', newline="")
    assert pinpoint.endpoints.load(text, format="JSON").accepted == 1
    assert pinpoint.endpoints.get("a").attributes == {"name": ["Ä"]}
    assert pinpoint.endpoints.get("4999").attributes == {"name": ["Ä🎉"]}


def test_problems_of_streams_of_text(pinpoint: pk.Pinpoint, tmp_path: Path) -> None:
    """What is no text in the encoding of its stream is told, without showing it."""
    path = tmp_path / "people.csv"
    path.write_bytes(b"Id,ChannelType,Address\nok,SMS,+1\n\xff,SMS,secret\n")
    with (
        path.open(encoding="utf-8") as stream,
        pytest.raises(ValidationError, match='open it with "rb"') as caught,
    ):
        pinpoint.endpoints.load(stream, format="CSV")
    assert "secret" not in str(caught.value)
    with (
        path.open(encoding="utf-8", errors="surrogateescape") as stream,
        pytest.raises(InvalidRowsError, match="row 3: is not UTF-8"),
    ):
        pinpoint.endpoints.load(stream, format="CSV")
    assert list(pinpoint.endpoints.ids()) == []


def test_problems_of_rows(pinpoint: pk.Pinpoint) -> None:
    """Rows of a program have their place, from 1."""
    rows: list[Any] = [
        pk.Endpoint(id="ok"),
        {"Id": "ok"},
        pk.Endpoint(address="only"),
        {"Attributes.plan": "x", "Attributes": "secret"},
        {"Id": "a", "Attributes": {"plan": "x"}, "Attributes.plan": "y"},
        {"Id": "a", "User": "secret", "User.UserId": "u"},
        {"Id": "a", "Nothing.like": "secret"},
        {"Id": "a", "Address": "\ud800"},
    ]
    with pytest.raises(InvalidRowsError) as caught:
        pinpoint.endpoints.load(rows)
    assert [problem.row for problem in caught.value.problems] == [3, 4, 5, 6, 7, 8]
    assert "secret" not in str(caught.value.problems)
    assert list(pinpoint.endpoints.ids()) == []


def test_many_problems_are_counted(here: pk.Pinpoint) -> None:
    """A hundred are kept, all are counted, and the error can be copied."""
    rows = [{"Address": str(n)} for n in range(1_234)]
    with pytest.raises(InvalidRowsError, match=r"row 1: .* and 1,233 more") as caught:
        here.endpoints.load(rows)
    assert (len(caught.value.problems), caught.value.total) == (100, 1_234)
    copied = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 -- our own bytes
    assert (copied.problems, copied.total, str(copied)) == (
        caught.value.problems,
        1_234,
        str(caught.value),
    )


@pytest.mark.parametrize(
    "source", [None, 5, pk.Endpoint(id="x"), {"Id": "x"}, b"people.csv", [5], [None], ["x"]]
)
def test_what_has_no_rows(here: pk.Pinpoint, source: Any) -> None:
    """Anything else than rows is told what to pass."""
    with pytest.raises(InvalidTypeError):
        here.endpoints.load(source)


@pytest.mark.parametrize(
    ("source", "options", "problem"),
    [
        ("missing.csv", {}, "is no file"),
        (".", {}, "is a folder"),
        ("s3://bucket/people.csv", {}, "jobs.import_endpoints"),
        ("people", {}, "format="),
        ("people.gz", {}, "format="),
        ("people.gz", {"format": "csv"}, "damaged"),
        ("cut.csv.gz", {}, "damaged"),
        ("people", {"format": "XML"}, "use one of CSV, JSON"),
    ],
)
def test_files_that_cannot_be_read(
    here: pk.Pinpoint, tmp_path: Path, source: str, options: dict[str, Any], problem: str
) -> None:
    """It is a ValidationError that says what to do, and nothing is sent."""
    (tmp_path / "people").write_text(CSV)
    (tmp_path / "people.gz").write_text(CSV)
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(CSV.encode())[:-12])
    with pytest.raises(ValidationError, match=problem):
        here.endpoints.load(source if "://" in source else tmp_path / source, **options)
    assert here.jobs.list() == []


def test_a_file_that_fails_while_it_is_read(here: pk.Pinpoint) -> None:
    """A disk's error is a ValidationError, too."""

    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise OSError(5, "Input/output error")

    stream = io.BufferedReader(Failing())
    with pytest.raises(ValidationError, match="cannot be read: Input/output error"):
        here.endpoints.load(stream, format="json")


# Refusals of the service


def test_what_the_service_refuses(away: pk.Pinpoint) -> None:
    """Rows that are right by themselves and wrong with what is stored are told by their places."""
    rows = [{"Id": f"e-{n}", "User.UserId": "u", "Address": "a", "ChannelType": "EMAIL"}
            for n in range(17)]  # fmt: skip
    report = away.endpoints.load(rows)
    assert (report.accepted, report.rejected) == (15, 2)
    assert [text.partition(":")[0] for text in report.failures] == ["row 16", "row 17"]
    assert "user" in report.failures[0]


def test_an_end_in_the_middle(away: pk.Pinpoint) -> None:
    """An error of the service knows what was done before it."""
    away.applications.delete(away.application_id)
    with pytest.raises(NotFound) as caught:
        away.endpoints.load([{"Id": "a"}])
    assert caught.value.report is not None
    assert caught.value.report.accepted == 0


# Through a bucket

PLACE = "s3://audience/in/"


class Service:
    """Stands for the jobs of the hosted service: reads the bucket when it is waited for."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.content = b""
        self.asked: dict[str, Any] = {}
        self.failures: tuple[str, ...] = ()

    def import_endpoints(self, url: str, **asked: Any) -> pk.Job:
        self.asked = {"url": url, **asked}
        return pk.Job(id="j")

    def wait(self, job: pk.Job, *, timeout: float, on_progress: Any) -> pk.Job:
        (found,) = self._objects.find(self.asked["url"])
        self.content = self._objects.read(found).read()
        if timeout == 0:
            raise pk.JobTimeoutError("not over", job.id)
        ended = pk.Job(
            id="j",
            total_processed=self.content.count(b"\n"),
            total_failures=len(self.failures),
            failures=self.failures,
        )
        on_progress(ended)
        return ended


class NoBatches:
    """Nothing may be sent in batches."""

    def send(self, *_: object) -> None:
        raise AssertionError


@pytest.fixture
def service(objects: Objects) -> Service:
    """Give the service, and a bucket."""
    return Service(objects)


def load(service: Service, source: Any, **options: Any) -> pk.LoadReport:
    """Load through that service."""
    loader = Loader(
        jobs=cast("Jobs", service),
        objects=service._objects,
        batches=cast("Batches", NoBatches()),
        limits=DEFAULT_LIMITS,
        is_here=False,
    )
    defaults = {"kind": None, "staging": PLACE, "role_arn": "r", "timeout": 9.0}
    return loader.load(source, **{"on_progress": None, **defaults, **options})


def rows(count: int, **more: Any) -> Iterator[dict[str, Any]]:
    """Return some rows that a job can take."""
    members = {"ChannelType": "SMS", "Address": "+1", **more}
    return ({"Id": f"e-{n}", **members} for n in range(count))


def test_many_rows_go_through_the_bucket(service: Service) -> None:
    """One file for one job; failures name rows; and the file is gone afterwards."""
    service.failures = ("line 2: no", "elsewhere", "line 9999: no")
    told: list[pk.LoadProgress] = []
    text = "".join(f'\n{{"Address":"a-{n}","ChannelType":"SMS"}}\n' for n in range(1_000))
    report = load(service, io.BytesIO(text.encode()), kind="json", on_progress=told.append)
    assert (report.accepted, report.rejected) == (997, 3)
    assert report.failures == ("row 4: no", "elsewhere", "line 9999: no")
    assert service.asked["url"].startswith(PLACE)
    assert service.asked["role_arn"] == "r"
    assert b'"Address":"a-7"}' in service.content.splitlines()[7]
    assert [p.stage for p in told] == ["checking", "checking", "uploading", "importing"]
    assert list(service._objects.find(PLACE)) == []


def test_few_rows_need_no_bucket(service: Service) -> None:
    """Below a thousand, batches are sooner there; and a job could not take all rows."""
    for source in (rows(999), rows(1_000, Address=None, ChannelType=None)):
        with pytest.raises(AssertionError):
            load(service, source)
    assert service.asked == {}


def test_the_file_is_removed_whatever_happens(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also when the job is not over in time; if it cannot be removed a warning says so."""
    with pytest.raises(pk.JobTimeoutError):
        load(service, rows(1_000), timeout=0)
    assert list(service._objects.find(PLACE)) == []

    def remove(_: str) -> None:
        raise Forbidden("no")

    monkeypatch.setattr(service._objects, "remove", remove)
    assert load(service, rows(1_000)).accepted == 1_000
    assert "was not removed (Forbidden)" in caplog.text


def test_a_bucket_that_is_not_there(service: Service) -> None:
    """It is NotFound, and no job is started."""
    with pytest.raises(NotFound, match="check the bucket"):
        load(service, rows(1_000), staging="s3://nobody-s-bucket/in")
    assert service.asked == {}


def test_places_of_staging(here: pk.Pinpoint, away: pk.Pinpoint) -> None:
    """It is s3://, and the engine in this process needs none."""
    with pytest.raises(ConfigurationError, match="leave staging out"):
        here.endpoints.load([], staging=PLACE)
    with pytest.raises(ValidationError, match="s3://BUCKET/KEY"):
        away.endpoints.load([], staging="file:///tmp")


def test_nothing_at_all(pinpoint: pk.Pinpoint) -> None:
    """No rows are no error."""
    assert pinpoint.endpoints.load([]) == pk.LoadReport()
